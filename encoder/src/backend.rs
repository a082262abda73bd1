//! The encoders we know: the fallback order, and the one table of what each generic setting is called by each of
//! them, in which unit.
//!
//! Property names and units are those of GStreamer's own element documentation, 1.22 (Debian 12) and 1.28 (shipped on
//! Windows); where a name changed between them both are listed and the one that exists is used. NVENC and Media
//! Foundation elements multiply their "kbit" by 1024, so a true kilobit is converted here.

use std::fmt;

use units::{Kbps, VideoProfile};

use crate::property::{Assignment, NotHonoured, Value};
use crate::rendition::{LatencyTuning, Multipass, Preset, RenditionConfig};

/// An encoder family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BackendKind {
    /// NVIDIA, `nvh264enc`.
    Nvenc,
    /// AMD, `amfh264enc`.
    Amf,
    /// Intel, `qsvh264enc`.
    QuickSync,
    /// Whatever Windows offers, `mfh264enc`.
    MediaFoundation,
    /// Software, `x264enc`.
    X264,
    /// Software of last resort, `openh264enc`.
    OpenH264,
}

/// Order in which encoders are tried: hardware by vendor, then what the system offers, then software.
pub const FALLBACK_ORDER: [BackendKind; 6] = [
    BackendKind::Nvenc,
    BackendKind::Amf,
    BackendKind::QuickSync,
    BackendKind::MediaFoundation,
    BackendKind::X264,
    BackendKind::OpenH264,
];

impl BackendKind {
    /// Name of the GStreamer element that makes H.264.
    pub const fn element(self) -> &'static str {
        match self {
            Self::Nvenc => "nvh264enc",
            Self::Amf => "amfh264enc",
            Self::QuickSync => "qsvh264enc",
            Self::MediaFoundation => "mfh264enc",
            Self::X264 => "x264enc",
            Self::OpenH264 => "openh264enc",
        }
    }

    /// The back end whose element is called `element`.
    pub fn from_element(element: &str) -> Option<Self> {
        FALLBACK_ORDER.into_iter().find(|kind| kind.element() == element)
    }

    /// Whether it runs on a GPU's encoder block. Media Foundation may, we can not know.
    pub const fn is_hardware(self) -> bool {
        matches!(self, Self::Nvenc | Self::Amf | Self::QuickSync | Self::MediaFoundation)
    }

    /// The profile that is really coded when `wanted` is asked: OpenH264 stays with Constrained Baseline, whose
    /// pictures every decoder takes and which needs no CABAC.
    pub(crate) const fn profile(self, wanted: VideoProfile) -> VideoProfile {
        match self {
            Self::OpenH264 => VideoProfile::ConstrainedBaseline,
            _ => wanted,
        }
    }

    /// By how many pictures decoding runs ahead of showing, at most, with `b_frames` B-pictures. B-pictures are
    /// never referred to by others in any of our mappings, except where Media Foundation does as it pleases.
    pub(crate) const fn reorder_depth(self, b_frames: u8) -> usize {
        match (self, b_frames) {
            (_, 0) => 0,
            (Self::MediaFoundation, _) => 2,
            _ => 1,
        }
    }

    /// Name and value of the bitrate property for a bitrate of `bitrate`, rounded down to the element's unit.
    pub(crate) fn bitrate(self, bitrate: Kbps) -> Assignment {
        let kbps = i64::from(bitrate.0);
        let value = match self {
            // Both multiply by 1024 (gst-plugins-bad, nvcodec and mediafoundation plugins).
            Self::Nvenc | Self::MediaFoundation => kbps * 1000 / 1024,
            Self::Amf | Self::QuickSync | Self::X264 => kbps,
            Self::OpenH264 => kbps * 1000,
        };
        Assignment::must("bitrate", &["bitrate"], Value::Number(value.max(1)))
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nvenc => "NVIDIA NVENC",
            Self::Amf => "AMD AMF",
            Self::QuickSync => "Intel Quick Sync",
            Self::MediaFoundation => "Windows Media Foundation",
            Self::X264 => "x264 (software)",
            Self::OpenH264 => "OpenH264 (software)",
        })
    }
}

/// A rendition's settings in one element's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mapping {
    /// What to set, in this order.
    pub(crate) assignments: Vec<Assignment>,
    /// What was asked for and has no counterpart.
    pub(crate) not_honoured: Vec<NotHonoured>,
}

impl Mapping {
    fn set(&mut self, assignment: Assignment) {
        self.assignments.push(assignment);
    }

    fn must(&mut self, setting: &'static str, names: &'static [&'static str], value: Value) {
        self.set(Assignment::must(setting, names, value));
    }

    fn may(&mut self, setting: &'static str, names: &'static [&'static str], value: Value) {
        self.set(Assignment::may(setting, names, value));
    }

    fn lacks(&mut self, setting: &'static str, asked: bool, reason: &str) {
        if asked {
            self.not_honoured.push(NotHonoured { setting: setting.to_owned(), reason: reason.to_owned() });
        }
    }
}

/// Pictures one core codes per second at x264's `veryfast`, in pixels, leaving half of the core to others: measured
/// on the project's two-core machine with 1280x720 noise-free video at 30 frames per second.
const PIXELS_PER_SECOND_AND_THREAD: f64 = 45e6;

/// Threads for a software encoder of `config`. One thread costs least: slices and frame threads both buy speed with
/// work. More are used only where one core would not keep up.
pub(crate) fn software_threads(config: &RenditionConfig, cores: usize) -> i64 {
    if let Some(threads) = config.settings.threads {
        return i64::from(threads.max(1));
    }
    let load = config.size.pixels() as f64 * config.rate.as_f64() / PIXELS_PER_SECOND_AND_THREAD;
    (load.ceil() as i64).clamp(1, i64::try_from(cores).unwrap_or(1).clamp(1, 8))
}

/// What `config` means to `kind` on a machine with `cores` processor cores.
pub(crate) fn map(kind: BackendKind, config: &RenditionConfig, cores: usize) -> Mapping {
    let mut mapping = Mapping::default();
    mapping.set(kind.bitrate(config.bitrate));
    match kind {
        BackendKind::Nvenc => nvenc(&mut mapping, config),
        BackendKind::Amf => amf(&mut mapping, config),
        BackendKind::QuickSync => quick_sync(&mut mapping, config),
        BackendKind::MediaFoundation => media_foundation(&mut mapping, config),
        BackendKind::X264 => x264(&mut mapping, config, software_threads(config, cores)),
        BackendKind::OpenH264 => openh264(&mut mapping, config, software_threads(config, cores)),
    }
    mapping
}

/// Bits in the rate control buffer.
fn buffer_bits(config: &RenditionConfig) -> i64 {
    i64::from(config.bitrate.0) * i64::from(config.settings.effective_buffer_ms())
}

fn nvenc(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let tuning = settings.effective_tuning();
    mapping.must("rate control", &["rate-control", "rc-mode"], Value::Nick(&["cbr"]));
    // Never by itself: every IDR is forced by the group's schedule.
    mapping.must("keyframe interval", &["gop-size"], Value::Number(-1));
    mapping.may("rate control buffer", &["vbv-buffer-size"], Value::Number(buffer_bits(config) / 1024));
    let preset: &'static [&'static str] = match settings.preset.unwrap_or(Preset::BALANCED).step() {
        1 => &["p1", "hp", "low-latency-hp"],
        2 => &["p2", "hp", "low-latency-hp"],
        3 => &["p3", "low-latency", "default"],
        4 => &["p4", "low-latency", "default"],
        5 => &["p5", "low-latency-hq", "hq"],
        6 => &["p6", "low-latency-hq", "hq"],
        _ => &["p7", "low-latency-hq", "hq"],
    };
    mapping.may("preset", &["preset"], Value::Nick(preset));
    mapping.may(
        "latency tuning",
        &["tune"],
        Value::Nick(match tuning {
            LatencyTuning::Zero => &["ultra-low-latency"],
            LatencyTuning::Low => &["low-latency"],
            LatencyTuning::Quality => &["high-quality"],
        }),
    );
    let zero = tuning == LatencyTuning::Zero;
    mapping.may("zero reordering", &["zero-reorder-delay", "zerolatency"], Value::Flag(zero));
    mapping.may(
        "B-frames",
        &["b-frames", "bframes"],
        Value::Number(i64::from(settings.effective_b_frames())),
    );
    // Adaptive I-frames are scene-cut IDRs under another name.
    mapping.may("no scene-cut IDRs", &["i-adapt"], Value::Flag(false));
    mapping.may("even groups of pictures", &["strict-gop"], Value::Flag(true));
    mapping.may("access unit delimiters", &["aud"], Value::Flag(false));
    mapping.may("repeated headers", &["repeat-sequence-header"], Value::Flag(true));
    if let Some(frames) = settings.lookahead_frames {
        mapping.may("lookahead", &["rc-lookahead"], Value::Number(i64::from(frames.min(32))));
    }
    if let Some(on) = settings.adaptive_quantisation {
        mapping.may("adaptive quantisation", &["spatial-aq"], Value::Flag(on));
        mapping.may("temporal adaptive quantisation", &["temporal-aq"], Value::Flag(on));
        // OBS's strength, which the service's answers are tuned against.
        mapping.may(
            "adaptive quantisation strength",
            &["aq-strength"],
            Value::Number(if on { 8 } else { 0 }),
        );
    }
    if let Some(multipass) = settings.multipass {
        let nick: &'static [&'static str] = match multipass {
            Multipass::Off => &["disabled"],
            Multipass::Quarter => &["two-pass-quarter"],
            Multipass::Full => &["two-pass"],
        };
        mapping.may("multipass", &["multi-pass"], Value::Nick(nick));
    }
}

fn amf(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    mapping.must("rate control", &["rate-control"], Value::Nick(&["cbr"]));
    mapping.must(
        "keyframe interval",
        &["gop-size"],
        Value::Number(i64::from(config.keyint_frames().min(1000))),
    );
    mapping.may(
        "latency tuning",
        &["usage"],
        Value::Nick(match settings.effective_tuning() {
            LatencyTuning::Zero => &["ultra-low-latency", "low-latency"],
            LatencyTuning::Low => &["low-latency"],
            LatencyTuning::Quality => &["transcoding"],
        }),
    );
    let preset: &'static [&'static str] = match settings.preset.unwrap_or(Preset::BALANCED).step() {
        1 | 2 => &["speed"],
        3..=5 => &["balanced"],
        _ => &["quality"],
    };
    mapping.may("preset", &["preset"], Value::Nick(preset));
    mapping.may("access unit delimiters", &["aud"], Value::Flag(false));
    let b_frames = settings.effective_b_frames();
    if b_frames > 0 {
        mapping.may("B-frames", &["b-frames"], Value::Number(i64::from(b_frames)));
        mapping.may("B-frames at most", &["max-b-frames"], Value::Number(i64::from(b_frames)));
        mapping.may("B-frames refer to no B-frame", &["b-reference"], Value::Flag(false));
    }
    if let Some(frames) = settings.lookahead_frames.filter(|frames| *frames > 0) {
        mapping.may("pre-analysis", &["pre-analysis"], Value::Flag(true));
        mapping.may("no scene-cut IDRs", &["pa-scene-change-detection"], Value::Flag(false));
        mapping.may("lookahead", &["pa-lookahead-buffer-depth"], Value::Number(i64::from(frames.min(41))));
    }
    if let Some(multipass) = settings.multipass {
        mapping.may("multipass", &["pre-encode"], Value::Flag(multipass != Multipass::Off));
    }
    mapping.lacks("rate control buffer", settings.buffer.is_some(), "AMF elements have no buffer size");
    mapping.lacks(
        "adaptive quantisation",
        settings.adaptive_quantisation.is_some(),
        "AMF ties it to pre-analysis, which costs latency",
    );
}

fn quick_sync(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let step = i64::from(settings.preset.unwrap_or(Preset::BALANCED).step());
    mapping.must("rate control", &["rate-control"], Value::Nick(&["cbr"]));
    mapping.must("keyframe interval", &["gop-size"], Value::Number(i64::from(config.keyint_frames())));
    mapping.may("every I-frame an IDR", &["i-frames", "idr-interval"], Value::Number(0));
    // Target usage counts the other way: 1 is best, 7 fastest.
    mapping.may("preset", &["target-usage"], Value::Number(8 - step));
    let low = settings.effective_tuning() != LatencyTuning::Quality;
    mapping.may("latency tuning", &["low-latency"], Value::Flag(low));
    mapping.may("B-frames", &["b-frames"], Value::Number(i64::from(settings.effective_b_frames())));
    mapping.lacks(
        "rate control buffer",
        settings.buffer.is_some(),
        "Quick Sync elements have no buffer size",
    );
    mapping.lacks(
        "lookahead",
        settings.lookahead_frames.is_some_and(|frames| frames > 0),
        "Quick Sync looks ahead only in variable bitrate modes",
    );
    mapping.lacks(
        "adaptive quantisation",
        settings.adaptive_quantisation.is_some(),
        "Quick Sync elements have no such property",
    );
    mapping.lacks("multipass", settings.multipass.is_some(), "Quick Sync elements have no such property");
}

fn media_foundation(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let step = i64::from(settings.preset.unwrap_or(Preset::BALANCED).step());
    mapping.must("rate control", &["rc-mode"], Value::Nick(&["cbr"]));
    mapping.must("keyframe interval", &["gop-size"], Value::Number(i64::from(config.keyint_frames())));
    // In bytes, unlike every other element.
    mapping.may("rate control buffer", &["vbv-buffer-size"], Value::Number(buffer_bits(config) / 8));
    mapping.may("preset", &["quality-vs-speed"], Value::Number((step - 1) * 100 / 6));
    let low = settings.effective_tuning() != LatencyTuning::Quality;
    mapping.may("latency tuning", &["low-latency"], Value::Flag(low));
    mapping.may("B-frames", &["bframes"], Value::Number(i64::from(settings.effective_b_frames().min(2))));
    mapping.lacks("lookahead", settings.lookahead_frames.is_some(), "Media Foundation has no such property");
    mapping.lacks(
        "adaptive quantisation",
        settings.adaptive_quantisation.is_some(),
        "Media Foundation has no such property",
    );
    mapping.lacks("multipass", settings.multipass.is_some(), "Media Foundation has no such property");
}

fn x264(mapping: &mut Mapping, config: &RenditionConfig, threads: i64) {
    let settings = &config.settings;
    mapping.must("rate control", &["pass"], Value::Nick(&["cbr"]));
    mapping.must(
        "rate control buffer",
        &["vbv-buf-capacity"],
        Value::Number(i64::from(settings.effective_buffer_ms())),
    );
    // Counted from the last IDR, so it never fires before the schedule does, and still fires if forcing failed.
    mapping.must("keyframe interval", &["key-int-max"], Value::Number(i64::from(config.keyint_frames())));
    let preset: &'static [&'static str] = match settings.preset.unwrap_or(Preset::VERY_FAST).step() {
        1 => &["ultrafast"],
        2 => &["superfast"],
        3 => &["veryfast"],
        4 => &["faster"],
        5 => &["fast"],
        6 => &["medium"],
        _ => &["slow"],
    };
    mapping.must("preset", &["speed-preset"], Value::Nick(preset));
    let tuning = settings.effective_tuning();
    if tuning == LatencyTuning::Zero {
        mapping.must("latency tuning", &["tune"], Value::Nick(&["zerolatency"]));
    } else {
        let default = if tuning == LatencyTuning::Low { 0 } else { 10 };
        let frames = settings.lookahead_frames.unwrap_or(default).min(60);
        mapping.may("lookahead", &["rc-lookahead"], Value::Number(i64::from(frames)));
        mapping.may("lookahead thread", &["sync-lookahead"], Value::Number(0));
    }
    mapping.may("B-frames", &["bframes"], Value::Number(i64::from(settings.effective_b_frames())));
    mapping.may("B-frames refer to no B-frame", &["b-pyramid"], Value::Flag(false));
    mapping.may("threads", &["threads"], Value::Number(threads));
    // Slices of one picture side by side add no latency; whole pictures side by side would.
    mapping.may(
        "slices in parallel",
        &["sliced-threads"],
        Value::Flag(threads > 1 && tuning != LatencyTuning::Quality),
    );
    mapping.may("access unit delimiters", &["aud"], Value::Flag(false));
    mapping.may("output form", &["byte-stream"], Value::Flag(true));
    // Filler makes the rate constant. x264's own HRD mode would too, but then refuses live bitrate changes.
    let mut options = String::from("scenecut=0:open-gop=0:force-cfr=1:filler=1");
    if settings.adaptive_quantisation == Some(false) {
        options.push_str(":aq-mode=0");
    }
    mapping.must(
        "closed groups of pictures, no scene-cut IDRs, filler",
        &["option-string"],
        Value::Text(options),
    );
    mapping.lacks(
        "multipass",
        settings.multipass.is_some_and(|multipass| multipass != Multipass::Off),
        "x264 has two passes only for files",
    );
}

fn openh264(mapping: &mut Mapping, config: &RenditionConfig, threads: i64) {
    let settings = &config.settings;
    mapping.must("rate control", &["rate-control"], Value::Nick(&["bitrate"]));
    mapping.may("keyframe interval", &["gop-size"], Value::Number(i64::from(config.keyint_frames())));
    mapping.may("no scene-cut IDRs", &["scene-change-detection"], Value::Flag(false));
    mapping.may("no skipped pictures", &["enable-frame-skip"], Value::Flag(false));
    mapping.may("threads", &["multi-thread"], Value::Number(threads));
    let complexity: &'static [&'static str] = match settings.preset.unwrap_or(Preset::VERY_FAST).step() {
        1..=3 => &["low"],
        4 | 5 => &["medium"],
        _ => &["high"],
    };
    mapping.may("preset", &["complexity"], Value::Nick(complexity));
    if let Some(on) = settings.adaptive_quantisation {
        mapping.may("adaptive quantisation", &["adaptive-quantization"], Value::Flag(on));
    }
    mapping.lacks(
        "profile",
        config.profile != VideoProfile::ConstrainedBaseline,
        "OpenH264 makes Constrained Baseline",
    );
    mapping.lacks("constant bitrate", true, "OpenH264 keeps the bitrate on average and adds no filler");
    mapping.lacks("rate control buffer", settings.buffer.is_some(), "OpenH264 has no buffer size");
    mapping.lacks("B-frames", settings.effective_b_frames() > 0, "OpenH264 has no B-frames");
    mapping.lacks("lookahead", settings.lookahead_frames.is_some(), "OpenH264 has no lookahead");
    mapping.lacks("multipass", settings.multipass.is_some(), "OpenH264 has no second pass");
}

#[cfg(test)]
mod tests;
