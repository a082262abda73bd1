//! The part of NVIDIA's `NvEncodeAPI` 12.1 (Video Codec SDK 12.1, header `nvEncodeAPI.h`) that we speak: structures,
//! constants, the function table. Types only; nothing is linked.
//!
//! The bindings of the crate `nvidia-video-codec-sdk` would do but for two things. They make Rust enumerations of
//! C's, so that a number a newer driver returns would be undefined behaviour; and the crate brings CUDA's bindings along
//! into every build. Here enumerations are numbers. That sizes, offsets, numbers and bits are those of the bindings is
//! what this crate's tests are for.
//!
//! Every structure starts with a version word ([`struct_version`]) that the driver compares; all that is reserved is
//! zero, which is what `Default` makes of everything.

mod constants;
mod functions;
mod guid;
mod input;
mod picture;
mod settings;
mod zero;

pub use constants::*;
pub use functions::*;
pub use guid::*;
pub use input::*;
pub use picture::*;
pub use settings::*;

/// The version of the interface, 12.1: what [`OpenSession::api_version`] says.
pub const API_VERSION: u32 = API_MAJOR | (API_MINOR << 24);
/// Major version of the interface.
pub const API_MAJOR: u32 = 12;
/// Minor version of the interface.
pub const API_MINOR: u32 = 1;

/// The interface's version as `NvEncodeAPIGetMaxSupportedVersion` counts: the major shifted by four, or the minor.
pub const API_VERSION_SUPPORTED: u32 = (API_MAJOR << 4) | API_MINOR;

/// The version word of the `revision`-th form of a structure.
pub const fn struct_version(revision: u32) -> u32 {
    API_VERSION | (revision << 16) | (7 << 28)
}

/// The version word of structures that hold others whose form may change.
pub const fn nested_version(revision: u32) -> u32 {
    struct_version(revision) | (1 << 31)
}
