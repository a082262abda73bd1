//! Encoder settings in the words of the service: the `type` and `settings` of an encoder configuration as
//! GetClientConfiguration answers them (IVS user guide, multitrack integration guide, "Automatic Stream
//! Configuration"), and what they mean to us.
//!
//! The words are those of OBS Studio's encoders. [`interpret`] puts them into the terms every back end shares; the
//! back-end table then gives each its own property. [`SettingReport`] tells for every key which property it became with
//! which value, or why it could not be honoured.

use units::{Kbps, Span, VideoCodec, VideoProfile};

use crate::backend::setting;
use crate::rendition::{LatencyTuning, Multipass, Preset};
use crate::{Applied, BackendKind, RenditionConfig, VideoSettings};

mod options;
mod table;

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
    /// Software, x264, and x265 for H.265.
    X264,
    /// Apple.
    VideoToolbox,
    /// Linux VAAPI.
    Vaapi,
}

impl std::fmt::Display for EncoderFamily {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nvenc => "NVIDIA NVENC",
            Self::Amf => "AMD AMF",
            Self::QuickSync => "Intel Quick Sync",
            Self::X264 => "x264",
            Self::VideoToolbox => "Apple VideoToolbox",
            Self::Vaapi => "VAAPI",
        })
    }
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

/// What a rehearsal calls H.265 in software, which OBS Studio has no encoder for.
const REHEARSED_HEVC: &str = "obs_x265";

/// Keys that are read after all others, because they mean something only beside them.
const READ_LAST: &[&str] = &["max_bitrate", "maxrate", "buffer_size", "use_bufsize", "opts", "x264opts"];

/// Reads a request. Nothing is refused: what can not be understood or done is said in [`Interpretation::keys`]. What a
/// request leaves out is as OBS Studio's encoder of that family has it by default.
pub fn interpret(requested: &RequestedSettings) -> Interpretation {
    let (family, codec) = kind_of(&requested.encoder_type);
    let mut read =
        Interpretation { family, backend: back_end(family, codec), codec, ..Interpretation::default() };
    // Of a type that nobody knows, what all families have in common can still be read.
    let words = family.unwrap_or(EncoderFamily::Vaapi);
    read.settings.for_hardware = words != EncoderFamily::X264;
    let is_late = |key: &str| READ_LAST.contains(&key);
    let mut keys: Vec<(usize, InterpretedKey)> = Vec::new();
    for late in [false, true] {
        for (place, (key, value)) in requested.settings.iter().enumerate() {
            if is_late(key) != late {
                continue;
            }
            let meaning = table::read(&mut read, words, key, value);
            let options = table::read_options(&mut read, words, key, value);
            keys.push((place, InterpretedKey { key: key.clone(), value: value.clone(), meaning }));
            keys.extend(options.into_iter().map(|option| (place, option)));
        }
    }
    // In the order they came; options stay behind their key.
    keys.sort_by_key(|(place, _)| *place);
    read.keys = keys.into_iter().map(|(_, key)| key).collect();
    defaults(&mut read, words);
    read
}

/// The family and the code that a type names.
fn kind_of(encoder_type: &str) -> (Option<EncoderFamily>, Option<VideoCodec>) {
    let name = encoder_type.trim().to_ascii_lowercase();
    let codec = if name.contains("av1") {
        None
    } else if name.contains("hevc") || name.contains("h265") || name == REHEARSED_HEVC {
        Some(VideoCodec::Hevc)
    } else {
        Some(VideoCodec::Avc)
    };
    let family = if name.contains("nvenc") {
        EncoderFamily::Nvenc
    } else if name.ends_with("_amf") || name.starts_with("amd_amf") {
        EncoderFamily::Amf
    } else if name.starts_with("obs_qsv11") {
        EncoderFamily::QuickSync
    } else if name.contains("vaapi") {
        EncoderFamily::Vaapi
    } else if name.starts_with("com.apple.videotoolbox") {
        EncoderFamily::VideoToolbox
    } else if name == "obs_x264" || name == REHEARSED_HEVC {
        EncoderFamily::X264
    } else {
        let named = ["h264", "h265", "hevc"].iter().any(|code| name.contains(code));
        return (None, codec.filter(|_| named));
    };
    (Some(family), codec)
}

/// The back end of a family.
const fn back_end(family: Option<EncoderFamily>, codec: Option<VideoCodec>) -> Option<BackendKind> {
    match (family, codec) {
        (Some(EncoderFamily::Nvenc), _) => Some(BackendKind::NvencDirect),
        (Some(EncoderFamily::Amf), _) => Some(BackendKind::Amf),
        (Some(EncoderFamily::QuickSync), _) => Some(BackendKind::QuickSync),
        (Some(EncoderFamily::X264), Some(VideoCodec::Hevc)) => Some(BackendKind::X265),
        (Some(EncoderFamily::X264), _) => Some(BackendKind::X264),
        (Some(EncoderFamily::VideoToolbox | EncoderFamily::Vaapi) | None, _) => None,
    }
}

/// Fills in what OBS Studio's encoders take where nothing is said.
fn defaults(read: &mut Interpretation, family: EncoderFamily) {
    let settings = &mut read.settings;
    settings.tuning.get_or_insert(LatencyTuning::Quality);
    match family {
        EncoderFamily::Nvenc => {
            settings.preset.get_or_insert(Preset::new(5));
            settings.multipass.get_or_insert(Multipass::Quarter);
            settings.adaptive_quantisation.get_or_insert(true);
        }
        EncoderFamily::Amf => {
            settings.preset.get_or_insert(Preset::new(6));
        }
        EncoderFamily::QuickSync => {
            settings.preset.get_or_insert(Preset::BALANCED);
        }
        EncoderFamily::X264 => {
            settings.preset.get_or_insert(Preset::VERY_FAST);
        }
        EncoderFamily::VideoToolbox | EncoderFamily::Vaapi => {}
    }
    if read.codec == Some(VideoCodec::Hevc) {
        read.profile = Some(VideoProfile::Main);
    } else {
        read.profile.get_or_insert(VideoProfile::High);
    }
}

/// What became of each requested key on `kind`, whose element took `applied`. The first line is the type.
pub(crate) fn report(config: &RenditionConfig, kind: BackendKind, applied: &Applied) -> Vec<SettingReport> {
    let Some(requested) = &config.requested else { return Vec::new() };
    let read = interpret(requested);
    let instead = match (read.backend, read.family) {
        (Some(wanted), _) if wanted == kind => None,
        // One chip, two ways to it.
        (_, Some(EncoderFamily::Nvenc)) if kind == BackendKind::Nvenc => None,
        _ if config.backend == Some(kind) => Some(format!("{kind} was asked for on this computer")),
        (_, Some(family)) => Some(format!("{family} is not usable here; {kind} is used instead")),
        (_, None) => Some(format!("nobody knows this type; {kind} is used instead")),
    };
    let mut lines = vec![SettingReport {
        key: "type".to_owned(),
        value: requested.encoder_type.clone(),
        property: None,
        applied: Some(applied.element.clone()),
        reason: instead,
    }];
    lines.extend(read.keys.iter().map(|key| report_key(key, config, kind, applied)));
    lines
}

fn report_key(
    key: &InterpretedKey,
    config: &RenditionConfig,
    kind: BackendKind,
    applied: &Applied,
) -> SettingReport {
    let mut line = SettingReport {
        key: key.key.clone(),
        value: key.value.to_string(),
        property: None,
        applied: None,
        reason: None,
    };
    let setting = match &key.meaning {
        Meaning::Kept(how) => {
            line.applied = Some((*how).to_owned());
            return line;
        }
        Meaning::NotHonoured(reason) => {
            line.reason = Some(reason.clone());
            return line;
        }
        Meaning::Setting(setting) => *setting,
    };
    let honoured: Vec<_> = applied.honoured.iter().filter(|entry| entry.setting == setting).collect();
    let lacking: Vec<_> = applied.not_honoured.iter().filter(|entry| entry.setting == setting).collect();
    let join = |parts: Vec<&str>| (!parts.is_empty()).then(|| parts.join(", "));
    line.property = join(honoured.iter().map(|entry| entry.property.as_str()).collect());
    line.applied = join(honoured.iter().map(|entry| entry.value.as_str()).collect());
    line.reason = join(lacking.iter().map(|entry| entry.reason.as_str()).collect());
    if setting == setting::KEYINT {
        let frames = config.keyint_frames();
        let forced = format!("an IDR every {frames} frames is forced on all renditions at once");
        line.applied = Some(line.applied.map_or(forced.clone(), |value| format!("{value}; {forced}")));
    }
    if setting == setting::BITRATE && kind.changes_bitrate_by_idr() {
        line.applied = line.applied.map(|value| format!("{value}; a later change waits for the next IDR"));
    }
    if setting == setting::B_FRAMES
        && config.settings.effective_b_frames() < config.settings.b_frames.unwrap_or(0)
        && line.reason.is_none()
    {
        line.reason = Some("with this latency tuning pictures keep their order".to_owned());
    }
    if line.applied.is_none() && line.reason.is_none() {
        line.reason = Some(format!("{} has no such setting", applied.element));
    }
    line
}

#[cfg(test)]
mod tests;
