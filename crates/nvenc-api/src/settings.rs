//! What a session is told about how to encode.

use core::ffi::c_void;

use crate::{Guid, nested_version, struct_version};

/// Opens a session (`NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OpenSession {
    /// [`Self::VERSION`].
    pub version: u32,
    /// [`DEVICE_DIRECTX`](crate::DEVICE_DIRECTX) or [`DEVICE_CUDA`](crate::DEVICE_CUDA).
    pub device_type: u32,
    /// The device.
    pub device: *mut c_void,
    /// Zero.
    pub reserved: *mut c_void,
    /// [`API_VERSION`](crate::API_VERSION).
    pub api_version: u32,
    /// Zero.
    pub reserved1: [u32; 253],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl OpenSession {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// Asks for a capability (`NV_ENC_CAPS_PARAM`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CapsParam {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Which.
    pub caps: u32,
    /// Zero.
    pub reserved: [u32; 62],
}

impl CapsParam {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
}

/// Quantisers of each kind of picture (`NV_ENC_QP`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Qp {
    /// P-pictures.
    pub inter_p: u32,
    /// B-pictures.
    pub inter_b: u32,
    /// I-pictures.
    pub intra: u32,
}

/// Rate control (`NV_ENC_RC_PARAMS`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RcParams {
    /// [`Self::VERSION`].
    pub version: u32,
    /// One of the `RC_` numbers.
    pub mode: u32,
    /// For constant quality.
    pub const_qp: Qp,
    /// Bits per second.
    pub average_bit_rate: u32,
    /// Bits per second.
    pub max_bit_rate: u32,
    /// Bits.
    pub vbv_buffer_size: u32,
    /// Bits that are in the buffer when the first picture comes.
    pub vbv_initial_delay: u32,
    /// The bits below.
    pub flags: u32,
    /// Quantiser at least.
    pub min_qp: Qp,
    /// Quantiser at most.
    pub max_qp: Qp,
    /// Quantiser to begin with.
    pub initial_qp: Qp,
    /// Temporal layers.
    pub temporal_layer_mask: u32,
    /// Their quantisers.
    pub temporal_layer_qp: [u8; 8],
    /// For constant quality at variable bitrate.
    pub target_quality: u8,
    /// Its fraction.
    pub target_quality_fraction: u8,
    /// Pictures the rate control looks ahead.
    pub lookahead_depth: u16,
    /// How much more an I-picture may cost at low latency.
    pub low_delay_key_frame_scale: u8,
    /// AV1.
    pub y_dc_qp_offset: i8,
    /// AV1.
    pub u_dc_qp_offset: i8,
    /// AV1.
    pub v_dc_qp_offset: i8,
    /// What a map of quantisers means.
    pub qp_map_mode: u32,
    /// One of the `MULTI_PASS_` numbers.
    pub multi_pass: u32,
    /// Transparency.
    pub alpha_layer_bitrate_ratio: u32,
    /// Chroma.
    pub cb_qp_offset: i8,
    /// Chroma.
    pub cr_qp_offset: i8,
    /// Zero.
    pub reserved2: u16,
    /// Zero.
    pub reserved: [u32; 4],
}

impl RcParams {
    /// Its version word.
    pub const VERSION: u32 = struct_version(1);
    /// Spatial adaptive quantisation.
    pub const ENABLE_AQ: u32 = 1 << 3;
    /// Looking ahead.
    pub const ENABLE_LOOKAHEAD: u32 = 1 << 5;
    /// No I-pictures at scene cuts.
    pub const DISABLE_I_ADAPT: u32 = 1 << 6;
    /// Always as many B-pictures.
    pub const DISABLE_B_ADAPT: u32 = 1 << 7;
    /// Temporal adaptive quantisation.
    pub const ENABLE_TEMPORAL_AQ: u32 = 1 << 8;
    /// No picture waits to be reordered.
    pub const ZERO_REORDER_DELAY: u32 = 1 << 9;
    /// Groups of pictures cost the same.
    pub const STRICT_GOP: u32 = 1 << 11;
    /// Where the strength of the spatial adaptive quantisation lies: four bits from this one on.
    pub const AQ_STRENGTH_SHIFT: u32 = 12;
    /// The bits that are reserved.
    pub const RESERVED: u32 = 1 << 4 | 0xfffe_0000;

    /// Sets or clears bits of [`flags`](Self::flags).
    pub const fn set(&mut self, bits: u32, on: bool) {
        self.flags = if on { self.flags | bits } else { self.flags & !bits };
    }

    /// Strength of the spatial adaptive quantisation, 1 to 15; 0 is for the driver to choose.
    pub const fn aq_strength(&self) -> u32 {
        self.flags >> Self::AQ_STRENGTH_SHIFT & 15
    }

    /// Sets the strength of the spatial adaptive quantisation.
    pub const fn set_aq_strength(&mut self, strength: u32) {
        self.flags =
            self.flags & !(15 << Self::AQ_STRENGTH_SHIFT) | (strength & 15) << Self::AQ_STRENGTH_SHIFT;
    }
}

/// What a decoder is told beside the pictures (`NV_ENC_CONFIG_H264_VUI_PARAMETERS`, the same for H.265).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VuiParameters {
    /// Whether overscan is told.
    pub overscan_info_present: u32,
    /// Overscan.
    pub overscan_info: u32,
    /// Whether the next are told.
    pub video_signal_type_present: u32,
    /// Video format.
    pub video_format: u32,
    /// Whether codes reach from 0 to 255.
    pub full_range: u32,
    /// Whether the next three are told.
    pub colour_description_present: u32,
    /// Primaries.
    pub primaries: u32,
    /// Transfer characteristics.
    pub transfer: u32,
    /// Matrix.
    pub matrix: u32,
    /// Whether the place of the chroma samples is told.
    pub chroma_location_present: u32,
    /// Place in top fields, and in pictures.
    pub chroma_location_top: u32,
    /// Place in bottom fields.
    pub chroma_location_bottom: u32,
    /// Whether limits on references are told.
    pub bitstream_restriction: u32,
    /// Whether times are told.
    pub timing_info_present: u32,
    /// Length of a tick.
    pub num_units_in_tick: u32,
    /// Ticks per second.
    pub time_scale: u32,
    /// Zero.
    pub reserved: [u32; 12],
}

/// H.264 (`NV_ENC_CONFIG_H264`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ConfigH264 {
    /// The bits below.
    pub flags: u32,
    /// Level, or [`LEVEL_AUTO`](crate::LEVEL_AUTO).
    pub level: u32,
    /// Pictures from one IDR to the next.
    pub idr_period: u32,
    /// 4:4:4 only.
    pub separate_colour_plane: u32,
    /// No deblocking.
    pub disable_deblocking: u32,
    /// Temporal layers.
    pub num_temporal_layers: u32,
    /// Number of the sequence parameter set.
    pub sps_id: u32,
    /// Number of the picture parameter set.
    pub pps_id: u32,
    /// 8x8 transform.
    pub adaptive_transform: u32,
    /// Flexible macroblock order.
    pub fmo_mode: u32,
    /// Direct mode of B-pictures.
    pub bdirect_mode: u32,
    /// One of the `ENTROPY_` numbers.
    pub entropy_mode: u32,
    /// Stereo.
    pub stereo_mode: u32,
    /// Intra refresh.
    pub intra_refresh_period: u32,
    /// Intra refresh.
    pub intra_refresh_count: u32,
    /// References at most.
    pub max_num_ref_frames: u32,
    /// How pictures are cut into slices.
    pub slice_mode: u32,
    /// Parameter of the slice mode.
    pub slice_mode_data: u32,
    /// What decoders are told.
    pub vui: VuiParameters,
    /// Long-term references.
    pub ltr_num_frames: u32,
    /// Long-term references.
    pub ltr_trust_mode: u32,
    /// 1 for 4:2:0.
    pub chroma_format: u32,
    /// Temporal layers.
    pub max_temporal_layers: u32,
    /// One of the `B_REFERENCE_` numbers.
    pub b_frames_as_reference: u32,
    /// References of P-pictures.
    pub num_ref_l0: u32,
    /// Backward references.
    pub num_ref_l1: u32,
    /// Zero.
    pub reserved1: [u32; 267],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl ConfigH264 {
    /// Access unit delimiters.
    pub const OUTPUT_AUD: u32 = 1 << 6;
    /// No parameter sets at all.
    pub const DISABLE_SPSPPS: u32 = 1 << 7;
    /// Parameter sets before every IDR.
    pub const REPEAT_SPSPPS: u32 = 1 << 12;
    /// Filler data keeps a constant bitrate constant.
    pub const FILLER_DATA: u32 = 1 << 17;
    /// The bits that are reserved.
    pub const RESERVED: u32 = 0xffc0_0000;
}

/// H.265 (`NV_ENC_CONFIG_HEVC`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ConfigHevc {
    /// Level, or [`LEVEL_AUTO`](crate::LEVEL_AUTO).
    pub level: u32,
    /// 0 is Main.
    pub tier: u32,
    /// Smallest coding unit.
    pub min_cu_size: u32,
    /// Largest coding unit.
    pub max_cu_size: u32,
    /// The bits below.
    pub flags: u32,
    /// Pictures from one IDR to the next.
    pub idr_period: u32,
    /// Intra refresh.
    pub intra_refresh_period: u32,
    /// Intra refresh.
    pub intra_refresh_count: u32,
    /// References at most.
    pub max_num_ref_frames: u32,
    /// Long-term references.
    pub ltr_num_frames: u32,
    /// Number of the video parameter set.
    pub vps_id: u32,
    /// Number of the sequence parameter set.
    pub sps_id: u32,
    /// Number of the picture parameter set.
    pub pps_id: u32,
    /// How pictures are cut into slices.
    pub slice_mode: u32,
    /// Parameter of the slice mode.
    pub slice_mode_data: u32,
    /// Temporal layers.
    pub max_temporal_layers_minus1: u32,
    /// What decoders are told.
    pub vui: VuiParameters,
    /// Long-term references.
    pub ltr_trust_mode: u32,
    /// One of the `B_REFERENCE_` numbers.
    pub b_frames_as_reference: u32,
    /// References of P-pictures.
    pub num_ref_l0: u32,
    /// Backward references.
    pub num_ref_l1: u32,
    /// Zero.
    pub reserved1: [u32; 214],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl ConfigHevc {
    /// Access unit delimiters.
    pub const OUTPUT_AUD: u32 = 1 << 4;
    /// No parameter sets at all.
    pub const DISABLE_SPSPPS: u32 = 1 << 6;
    /// Parameter sets before every IDR.
    pub const REPEAT_SPSPPS: u32 = 1 << 7;
    /// Chroma format: 1 is 4:2:0.
    pub const CHROMA_420: u32 = 1 << 9;
    /// Both bits of the chroma format.
    pub const CHROMA_MASK: u32 = 3 << 9;
    /// Filler data keeps a constant bitrate constant.
    pub const FILLER_DATA: u32 = 1 << 14;
    /// The bits that are reserved.
    pub const RESERVED: u32 = 0xfff0_0000;
}

/// What is particular to a code (`NV_ENC_CODEC_CONFIG`).
#[repr(C)]
#[derive(Clone, Copy)]
pub union CodecConfig {
    /// H.264.
    pub h264: ConfigH264,
    /// H.265.
    pub hevc: ConfigHevc,
    /// What there is room for.
    pub reserved: [u32; 320],
}

impl core::fmt::Debug for CodecConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CodecConfig")
    }
}

/// All settings (`NV_ENC_CONFIG`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Profile.
    pub profile: Guid,
    /// Pictures in a group; [`INFINITE_GOP`](crate::INFINITE_GOP) for no end.
    pub gop_length: u32,
    /// 1 for no B-pictures, 2 for one between two others, and so on.
    pub frame_interval_p: i32,
    /// No colour.
    pub monochrome: u32,
    /// [`FRAME_MODE`](crate::FRAME_MODE).
    pub frame_field_mode: u32,
    /// Precision of motion.
    pub mv_precision: u32,
    /// Rate control.
    pub rc: RcParams,
    /// What is particular to a code.
    pub codec: CodecConfig,
    /// Zero.
    pub reserved: [u32; 278],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl Config {
    /// Its version word.
    pub const VERSION: u32 = nested_version(8);
}

/// What a preset means (`NV_ENC_PRESET_CONFIG`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PresetConfig {
    /// [`Self::VERSION`].
    pub version: u32,
    /// The settings.
    pub config: Config,
    /// Zero.
    pub reserved1: [u32; 255],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl PresetConfig {
    /// Its version word.
    pub const VERSION: u32 = nested_version(4);
}

/// Readies a session (`NV_ENC_INITIALIZE_PARAMS`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InitializeParams {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Code.
    pub encode: Guid,
    /// Preset.
    pub preset: Guid,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Aspect ratio.
    pub dar_width: u32,
    /// Aspect ratio.
    pub dar_height: u32,
    /// Pictures per second.
    pub frame_rate_num: u32,
    /// Pictures per second.
    pub frame_rate_den: u32,
    /// Events tell when a picture is done.
    pub enable_async: u32,
    /// The encoder decides on kinds of pictures.
    pub enable_ptd: u32,
    /// Bits, none of which we use.
    pub flags: u32,
    /// Zero.
    pub priv_data_size: u32,
    /// Zero.
    pub priv_data: *mut c_void,
    /// The settings.
    pub config: *mut Config,
    /// Widest picture the session may change to.
    pub max_width: u32,
    /// Highest picture the session may change to.
    pub max_height: u32,
    /// Hints of motion.
    pub me_hint_counts: [[u32; 4]; 2],
    /// One of the `TUNING_` numbers.
    pub tuning: u32,
    /// Format of the pictures; looked at with Direct3D 12.
    pub buffer_format: u32,
    /// States to go back to.
    pub num_state_buffers: u32,
    /// Statistics.
    pub output_stats_level: u32,
    /// Zero.
    pub reserved: [u32; 285],
    /// Zero.
    pub reserved2: [*mut c_void; 64],
}

impl InitializeParams {
    /// Its version word.
    pub const VERSION: u32 = nested_version(6);
}

/// Changes a running session (`NV_ENC_RECONFIGURE_PARAMS`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ReconfigureParams {
    /// [`Self::VERSION`].
    pub version: u32,
    /// The settings from now on.
    pub initialize: InitializeParams,
    /// The bits below.
    pub flags: u32,
}

impl ReconfigureParams {
    /// Its version word.
    pub const VERSION: u32 = nested_version(1);
    /// Rate control begins anew.
    pub const RESET_ENCODER: u32 = 1;
    /// The next picture is an IDR.
    pub const FORCE_IDR: u32 = 2;
}
