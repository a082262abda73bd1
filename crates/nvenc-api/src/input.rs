//! Buffers and resources.

use core::ffi::c_void;

use crate::struct_version;

/// Makes a buffer for pictures (`NV_ENC_CREATE_INPUT_BUFFER`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CreateInputBuffer {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Zero; no longer looked at.
    pub memory_heap: u32,
    /// Format.
    pub format: u32,
    /// Zero.
    pub reserved: u32,
    /// Comes back: the buffer.
    pub buffer: *mut c_void,
    /// Zero.
    pub system_memory: *mut c_void,
    /// Zero.
    pub reserved1: [u32; 57],
    /// Zero.
    pub reserved2: [*mut c_void; 63],
}

impl CreateInputBuffer {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// Opens an input buffer to the processor (`NV_ENC_LOCK_INPUT_BUFFER`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LockInputBuffer {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Bit 0: do not wait.
    pub flags: u32,
    /// The buffer.
    pub buffer: *mut c_void,
    /// Comes back: its bytes.
    pub data: *mut c_void,
    /// Comes back: bytes from one row to the next.
    pub pitch: u32,
    /// Zero.
    pub reserved1: [u32; 251],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl LockInputBuffer {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// Makes a buffer for access units (`NV_ENC_CREATE_BITSTREAM_BUFFER`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CreateBitstreamBuffer {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Zero; no longer looked at.
    pub size: u32,
    /// Zero; no longer looked at.
    pub memory_heap: u32,
    /// Zero.
    pub reserved: u32,
    /// Comes back: the buffer.
    pub buffer: *mut c_void,
    /// Zero.
    pub pointer: *mut c_void,
    /// Zero.
    pub reserved1: [u32; 58],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl CreateBitstreamBuffer {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// A value of a Direct3D 12 fence to wait for or to set (`NV_ENC_FENCE_POINT_D3D12`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FencePointD3d12 {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Zero.
    pub reserved: u32,
    /// `ID3D12Fence`.
    pub fence: *mut c_void,
    /// To wait for.
    pub wait_value: u64,
    /// To set.
    pub signal_value: u64,
    /// The bits below.
    pub flags: u32,
    /// Zero.
    pub reserved1: [u32; 7],
}

impl FencePointD3d12 {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
    /// Wait before the work.
    pub const WAIT: u32 = 1;
    /// Signal behind it.
    pub const SIGNAL: u32 = 2;
}

/// A picture of Direct3D 12 (`NV_ENC_INPUT_RESOURCE_D3D12`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InputResourceD3d12 {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Zero.
    pub reserved: u32,
    /// The mapped picture.
    pub buffer: *mut c_void,
    /// What to wait for before it is read.
    pub fence_point: FencePointD3d12,
    /// Zero.
    pub reserved1: [u32; 16],
    /// Zero.
    pub reserved2: [*mut c_void; 16],
}

impl InputResourceD3d12 {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// A buffer of Direct3D 12 for access units (`NV_ENC_OUTPUT_RESOURCE_D3D12`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OutputResourceD3d12 {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Zero.
    pub reserved: u32,
    /// The mapped buffer.
    pub buffer: *mut c_void,
    /// What is signalled when it is written.
    pub fence_point: FencePointD3d12,
    /// Zero.
    pub reserved1: [u32; 16],
    /// Zero.
    pub reserved2: [*mut c_void; 16],
}

impl OutputResourceD3d12 {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// Makes a resource of one's own known (`NV_ENC_REGISTER_RESOURCE`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RegisterResource {
    /// [`Self::VERSION`].
    pub version: u32,
    /// [`RESOURCE_DIRECTX`](crate::RESOURCE_DIRECTX).
    pub resource_type: u32,
    /// Pixels; bytes of a buffer.
    pub width: u32,
    /// Pixels; 1 of a buffer.
    pub height: u32,
    /// 0 for Direct3D.
    pub pitch: u32,
    /// Which part of the resource.
    pub subresource: u32,
    /// The resource.
    pub resource: *mut c_void,
    /// Comes back: what it is called from now on.
    pub registered: *mut c_void,
    /// Format.
    pub format: u32,
    /// One of the `USAGE_` numbers.
    pub usage: u32,
    /// What to wait for before the driver touches it first, or null.
    pub input_fence_point: *mut FencePointD3d12,
    /// Comes back for other usages.
    pub chroma_offset: [u32; 2],
    /// Zero.
    pub reserved1: [u32; 245],
    /// Zero.
    pub reserved2: [*mut c_void; 61],
}

impl RegisterResource {
    /// Its version word.
    pub const VERSION: u32 = struct_version(4);
}

/// Maps a registered resource (`NV_ENC_MAP_INPUT_RESOURCE`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MapInputResource {
    /// [`Self::VERSION`].
    pub version: u32,
    /// No longer looked at.
    pub subresource: u32,
    /// No longer looked at.
    pub input_resource: *mut c_void,
    /// The registered resource.
    pub registered: *mut c_void,
    /// Comes back: what to encode from or into.
    pub mapped: *mut c_void,
    /// Comes back: its format.
    pub mapped_format: u32,
    /// Zero.
    pub reserved1: [u32; 251],
    /// Zero.
    pub reserved2: [*mut c_void; 63],
}

impl MapInputResource {
    /// Its version word.
    pub const VERSION: u32 = struct_version(4);
}
