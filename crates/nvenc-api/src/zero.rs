//! Structures of nothing but zeros.
#![expect(unsafe_code, reason = "C structures of integers and pointers, for which all bits zero is a value")]

use core::mem::MaybeUninit;

use crate::*;

macro_rules! zeroed {
    ($($name:ident),* $(,)?) => {$(
        impl Default for $name {
            fn default() -> Self {
                // SAFETY: the structure is made of integers, raw pointers, arrays and unions of these, and of optional
                // function pointers, for all of which every bit zero is a valid value.
                unsafe { MaybeUninit::zeroed().assume_init() }
            }
        }
    )*};
}

zeroed!(
    CapsParam,
    CodecConfig,
    CodecPicParams,
    Config,
    ConfigH264,
    ConfigHevc,
    CreateBitstreamBuffer,
    CreateInputBuffer,
    FencePointD3d12,
    FunctionList,
    InitializeParams,
    InputResourceD3d12,
    LockBitstream,
    LockInputBuffer,
    MapInputResource,
    OpenSession,
    OutputResourceD3d12,
    PicParams,
    PresetConfig,
    RcParams,
    ReconfigureParams,
    RegisterResource,
    VuiParameters,
);
