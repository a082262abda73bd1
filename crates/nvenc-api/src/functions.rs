//! The two functions a driver library exports, and the table it fills.

use core::ffi::{c_char, c_int, c_void};

use crate::*;

/// `NvEncodeAPIGetMaxSupportedVersion`: the newest interface the driver speaks, as
/// [`API_VERSION_SUPPORTED`] counts.
pub type GetMaxSupportedVersion = unsafe extern "system" fn(version: *mut u32) -> Status;
/// `NvEncodeAPICreateInstance`: fills the table.
pub type CreateInstance = unsafe extern "system" fn(table: *mut FunctionList) -> Status;

/// A function we do not call; a place in the table.
pub type Unused = Option<unsafe extern "system" fn()>;
/// A function of a session and a pointer.
pub type With<T> = Option<unsafe extern "system" fn(session: *mut c_void, argument: *mut T) -> Status>;
/// A function of a session and a handle.
pub type WithHandle = Option<unsafe extern "system" fn(session: *mut c_void, handle: *mut c_void) -> Status>;

/// The function table (`NV_ENCODE_API_FUNCTION_LIST`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FunctionList {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Zero.
    pub reserved: u32,
    /// Of an older interface.
    pub open_session: Unused,
    /// Number of codes.
    pub encode_guid_count: With<u32>,
    /// Number of profiles.
    pub profile_guid_count: Unused,
    /// Profiles.
    pub profile_guids: Unused,
    /// Codes: room for how many, and how many there are.
    pub encode_guids: Option<
        unsafe extern "system" fn(
            session: *mut c_void,
            guids: *mut Guid,
            room: u32,
            count: *mut u32,
        ) -> Status,
    >,
    /// Number of formats.
    pub input_format_count: Unused,
    /// Formats.
    pub input_formats: Unused,
    /// A capability.
    pub encode_caps: Option<
        unsafe extern "system" fn(
            session: *mut c_void,
            encode: Guid,
            param: *mut CapsParam,
            value: *mut c_int,
        ) -> Status,
    >,
    /// Number of presets.
    pub preset_count: Unused,
    /// Presets.
    pub preset_guids: Unused,
    /// Of an older interface.
    pub preset_config: Unused,
    /// Readies the session.
    pub initialize: With<InitializeParams>,
    /// Makes a buffer for pictures.
    pub create_input_buffer: With<CreateInputBuffer>,
    /// Frees it.
    pub destroy_input_buffer: WithHandle,
    /// Makes a buffer for access units.
    pub create_bitstream_buffer: With<CreateBitstreamBuffer>,
    /// Frees it.
    pub destroy_bitstream_buffer: WithHandle,
    /// Encodes a picture.
    pub encode_picture: With<PicParams>,
    /// Opens an access unit.
    pub lock_bitstream: With<LockBitstream>,
    /// Closes it.
    pub unlock_bitstream: WithHandle,
    /// Opens a buffer for pictures.
    pub lock_input_buffer: With<LockInputBuffer>,
    /// Closes it.
    pub unlock_input_buffer: WithHandle,
    /// Statistics.
    pub encode_stats: Unused,
    /// Parameter sets.
    pub sequence_params: Unused,
    /// Events.
    pub register_async_event: Unused,
    /// Events.
    pub unregister_async_event: Unused,
    /// Maps a resource.
    pub map_input_resource: With<MapInputResource>,
    /// Unmaps it.
    pub unmap_input_resource: WithHandle,
    /// Ends the session.
    pub destroy_encoder: Option<unsafe extern "system" fn(session: *mut c_void) -> Status>,
    /// Lost references.
    pub invalidate_ref_frames: Unused,
    /// Opens a session.
    pub open_session_ex:
        Option<unsafe extern "system" fn(params: *mut OpenSession, session: *mut *mut c_void) -> Status>,
    /// Makes a resource known.
    pub register_resource: With<RegisterResource>,
    /// Forgets it.
    pub unregister_resource: WithHandle,
    /// Changes a running session.
    pub reconfigure: With<ReconfigureParams>,
    /// Zero.
    pub reserved1: *mut c_void,
    /// Motion only.
    pub create_mv_buffer: Unused,
    /// Motion only.
    pub destroy_mv_buffer: Unused,
    /// Motion only.
    pub run_motion_estimation: Unused,
    /// The driver's own words for the last error of a session.
    pub last_error: Option<unsafe extern "system" fn(session: *mut c_void) -> *const c_char>,
    /// CUDA streams.
    pub set_io_cuda_streams: Unused,
    /// What a preset means with a tuning.
    pub preset_config_ex: Option<
        unsafe extern "system" fn(
            session: *mut c_void,
            encode: Guid,
            preset: Guid,
            tuning: u32,
            config: *mut PresetConfig,
        ) -> Status,
    >,
    /// Parameter sets.
    pub sequence_params_ex: Unused,
    /// States to go back to.
    pub restore_encoder_state: Unused,
    /// AV1.
    pub lookahead_picture: Unused,
    /// Zero.
    pub reserved2: [*mut c_void; 275],
}

impl FunctionList {
    /// Its version word.
    pub const VERSION: u32 = struct_version(2);
}
