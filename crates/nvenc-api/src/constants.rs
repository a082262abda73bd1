//! Numbers that are enumerations in C.

/// What a function returns (`NVENCSTATUS`): 0 is success. A newer driver may return one that has no name here.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The name in the header, or `None` for a number without one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// It went well.
    SUCCESS = 0;
    /// No GPU that encodes.
    NO_ENCODE_DEVICE = 1;
    /// This GPU does not encode.
    UNSUPPORTED_DEVICE = 2;
    /// The session is none.
    INVALID_ENCODERDEVICE = 3;
    /// The device is none.
    INVALID_DEVICE = 4;
    /// The device is gone.
    DEVICE_NOT_EXIST = 5;
    /// A pointer is null or nobody's.
    INVALID_PTR = 6;
    /// An event is none.
    INVALID_EVENT = 7;
    /// A parameter is wrong.
    INVALID_PARAM = 8;
    /// A call out of turn.
    INVALID_CALL = 9;
    /// Out of memory, or of sessions.
    OUT_OF_MEMORY = 10;
    /// The session has no settings yet.
    ENCODER_NOT_INITIALIZED = 11;
    /// A parameter that this GPU does not do.
    UNSUPPORTED_PARAM = 12;
    /// A lock is held.
    LOCK_BUSY = 13;
    /// A buffer is too small.
    NOT_ENOUGH_BUFFER = 14;
    /// A version word that the driver does not know.
    INVALID_VERSION = 15;
    /// A resource could not be mapped.
    MAP_FAILED = 16;
    /// The picture was taken and nothing comes out yet.
    NEED_MORE_INPUT = 17;
    /// The encoder is busy.
    ENCODER_BUSY = 18;
    /// The event was not registered.
    EVENT_NOT_REGISTERD = 19;
    /// Anything else.
    GENERIC = 20;
    /// A client key, or too many sessions.
    INCOMPATIBLE_CLIENT_KEY = 21;
    /// Not made.
    UNIMPLEMENTED = 22;
    /// A resource could not be registered.
    RESOURCE_REGISTER_FAILED = 23;
    /// A resource was not registered.
    RESOURCE_NOT_REGISTERED = 24;
    /// A resource was not mapped.
    RESOURCE_NOT_MAPPED = 25;
    /// More output buffers are needed.
    NEED_MORE_OUTPUT = 26;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: u32 = $value;)*
    };
}

numbers! {
    /// Length of a group of pictures that never ends by itself.
    INFINITE_GOP = u32::MAX;
    /// A Direct3D device.
    DEVICE_DIRECTX = 0;
    /// A CUDA context.
    DEVICE_CUDA = 1;
    /// A Direct3D resource.
    RESOURCE_DIRECTX = 0;
    /// Pictures in NV12.
    FORMAT_NV12 = 1;
    /// Bytes.
    FORMAT_U8 = 0x4000_0000;
    /// A resource to read pictures from.
    USAGE_INPUT_IMAGE = 0;
    /// A resource to write access units to.
    USAGE_OUTPUT_BITSTREAM = 2;
    /// Whole pictures, not fields: `NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME`.
    FRAME_MODE = 1;
    /// A whole picture: `NV_ENC_PIC_STRUCT_FRAME`.
    PICTURE_FRAME = 1;
    /// Rate control by quality.
    RC_CONSTQP = 0;
    /// Variable bitrate.
    RC_VBR = 1;
    /// Constant bitrate.
    RC_CBR = 2;
    /// One pass.
    MULTI_PASS_DISABLED = 0;
    /// Two, the first at a quarter of the resolution.
    MULTI_PASS_QUARTER = 1;
    /// Two.
    MULTI_PASS_FULL = 2;
    /// Quality.
    TUNING_HIGH_QUALITY = 1;
    /// Low latency.
    TUNING_LOW_LATENCY = 2;
    /// Ultra low latency.
    TUNING_ULTRA_LOW_LATENCY = 3;
    /// Without loss.
    TUNING_LOSSLESS = 4;
    /// No B-picture is referred to.
    B_REFERENCE_DISABLED = 0;
    /// Each is.
    B_REFERENCE_EACH = 1;
    /// The one in the middle is.
    B_REFERENCE_MIDDLE = 2;
    /// CABAC or CAVLC as the encoder likes.
    ENTROPY_AUTO = 0;
    /// CABAC.
    ENTROPY_CABAC = 1;
    /// CAVLC.
    ENTROPY_CAVLC = 2;
    /// The encoder picks the level.
    LEVEL_AUTO = 0;
    /// A P-picture.
    PICTURE_P = 0;
    /// A B-picture.
    PICTURE_B = 1;
    /// An I-picture.
    PICTURE_I = 2;
    /// An IDR.
    PICTURE_IDR = 3;
    /// The picture is to be an IDR.
    FLAG_FORCE_IDR = 2;
    /// Parameter sets come with the picture.
    FLAG_OUTPUT_SPSPPS = 4;
    /// Nothing follows.
    FLAG_EOS = 8;
    /// Component video; unspecified is 5 in both codes.
    VIDEO_FORMAT_UNSPECIFIED = 5;
    /// ITU-R BT.709, for primaries, transfer and matrix alike.
    COLOR_BT709 = 1;
    /// Capability: most B-pictures between two others.
    CAPS_NUM_MAX_BFRAMES = 0;
    /// Capability: rate controls, one bit each.
    CAPS_RATECONTROL_MODES = 1;
    /// Capability: CABAC.
    CAPS_CABAC = 7;
    /// Capability: greatest width.
    CAPS_WIDTH_MAX = 16;
    /// Capability: greatest height.
    CAPS_HEIGHT_MAX = 17;
    /// Capability: another bitrate in a running session.
    CAPS_DYN_BITRATE_CHANGE = 20;
    /// Capability: a rate control buffer of one's own size.
    CAPS_CUSTOM_VBV = 26;
    /// Capability: looking ahead.
    CAPS_LOOKAHEAD = 37;
    /// Capability: temporal adaptive quantisation.
    CAPS_TEMPORAL_AQ = 38;
    /// Capability: B-pictures that are referred to; bit 0 each, bit 1 the middle one.
    CAPS_BFRAME_REF_MODE = 43;
    /// Capability: smallest width.
    CAPS_WIDTH_MIN = 45;
    /// Capability: smallest height.
    CAPS_HEIGHT_MIN = 46;
    /// Capability: encoder blocks on the chip.
    CAPS_NUM_ENCODER_ENGINES = 49;
}
