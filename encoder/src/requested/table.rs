//! The table: what each key of each encoder family means. Keys, values and defaults are those of OBS Studio's
//! encoders, whose names the service uses.

use units::{Kbps, Span, VideoProfile};

use super::EncoderFamily::{self, Amf, Nvenc, QuickSync, Vaapi, VideoToolbox, X264};
use super::{Interpretation, Meaning, SettingValue, options};
use crate::backend::setting;
use crate::rendition::{BReference, LatencyTuning, Multipass, Preset, RateControl};

/// One line of the table.
pub(super) struct Row {
    /// Families whose key this is.
    families: &'static [EncoderFamily],
    /// The key, under all its names.
    keys: &'static [&'static str],
    /// Takes the value over and says what the key means.
    read: fn(&mut Interpretation, &SettingValue) -> Meaning,
}

const ALL: &[EncoderFamily] = &[Nvenc, Amf, QuickSync, X264, VideoToolbox, Vaapi];

pub(super) const TABLE: &[Row] = &[
    Row { families: ALL, keys: &["rate_control"], read: rate_control },
    Row { families: ALL, keys: &["bitrate"], read: bitrate },
    Row {
        families: &[Nvenc, QuickSync, VideoToolbox, Vaapi],
        keys: &["max_bitrate", "maxrate"],
        read: most_bitrate,
    },
    Row { families: ALL, keys: &["keyint_sec"], read: keyint },
    Row { families: ALL, keys: &["profile"], read: profile },
    Row { families: &[Nvenc], keys: &["preset", "preset2"], read: nvenc_preset },
    Row { families: &[Amf], keys: &["preset"], read: amf_preset },
    Row { families: &[QuickSync], keys: &["target_usage"], read: target_usage },
    Row { families: &[X264], keys: &["preset"], read: x264_preset },
    Row { families: &[Nvenc], keys: &["tune"], read: nvenc_tune },
    Row { families: &[X264], keys: &["tune"], read: x264_tune },
    Row { families: &[QuickSync], keys: &["latency"], read: quick_sync_latency },
    Row { families: &[Nvenc], keys: &["multipass"], read: multipass },
    Row { families: &[Nvenc], keys: &["lookahead"], read: lookahead },
    Row { families: &[QuickSync], keys: &["la_depth"], read: lookahead_depth },
    Row { families: &[Nvenc], keys: &["adaptive_quantization", "psycho_aq"], read: adaptive },
    Row { families: &[VideoToolbox], keys: &["spatial_aq_mode"], read: |_, _| lacks("it is Apple's") },
    Row { families: &[Amf], keys: &["pre_analysis"], read: pre_analysis },
    Row {
        families: &[Nvenc, Amf, QuickSync, X264, Vaapi, VideoToolbox],
        keys: &["bf", "bframes"],
        read: b_frames,
    },
    Row { families: &[Nvenc], keys: &["bframe_ref_mode"], read: b_reference },
    Row { families: &[X264], keys: &["buffer_size"], read: buffer_size },
    Row { families: &[X264], keys: &["use_bufsize"], read: use_buffer_size },
    Row { families: &[X264], keys: &["x264opts"], read: |_, _| Meaning::Kept("option by option, below") },
    Row { families: &[Nvenc], keys: &["opts"], read: |_, _| Meaning::Kept("option by option, below") },
    Row { families: ALL, keys: &["disable_scenecut"], read: scene_cuts },
    Row { families: ALL, keys: &["repeat_headers"], read: repeated_headers },
    Row { families: &[X264], keys: &["vfr"], read: variable_frame_rate },
    Row { families: &[Nvenc], keys: &["split_encode"], read: split_encode },
    Row { families: &[Nvenc], keys: &["device", "gpu"], read: device },
    Row {
        families: &[Nvenc],
        keys: &["force_cuda_tex"],
        read: |_, _| lacks("pictures come from the processor's memory"),
    },
    Row {
        families: &[Nvenc, Amf, QuickSync, X264, VideoToolbox, Vaapi],
        keys: &["cqp", "target_quality", "qpi", "qpp", "qpb", "icq_quality", "crf", "qp", "quality"],
        read: |_, _| lacks("it is a quality, and the rate control keeps to the bitrate"),
    },
    Row {
        families: &[VideoToolbox],
        keys: &["limit_bitrate", "max_bitrate_window"],
        read: |_, _| Meaning::Kept("the bitrate is constant"),
    },
    Row {
        families: &[QuickSync],
        keys: &["async_depth"],
        read: |_, _| lacks("GStreamer's Quick Sync elements choose it by latency"),
    },
    Row {
        families: &[Amf, Vaapi],
        keys: &["ffmpeg_opts"],
        read: |_, _| lacks("it is FFmpeg's, which does not encode here"),
    },
    Row {
        families: &[Vaapi],
        keys: &["vaapi_device"],
        read: |_, _| lacks("it names a device of another system"),
    },
    Row { families: &[Vaapi], keys: &["level"], read: |_, _| lacks("the encoder takes the level that fits") },
];

/// Reads one key into `to`.
pub(super) fn read(
    to: &mut Interpretation,
    family: EncoderFamily,
    key: &str,
    value: &SettingValue,
) -> Meaning {
    let named = |row: &&Row| row.keys.contains(&key);
    if matches!(value, SettingValue::Other(text) if text == "null") {
        return Meaning::Kept("not given");
    }
    match TABLE.iter().filter(named).find(|row| row.families.contains(&family)) {
        Some(row) => (row.read)(to, value),
        None if TABLE.iter().any(|row| named(&row)) => {
            Meaning::NotHonoured(format!("{family} has no such setting"))
        }
        None => Meaning::NotHonoured("nobody knows this setting".to_owned()),
    }
}

fn lacks(reason: &str) -> Meaning {
    Meaning::NotHonoured(reason.to_owned())
}

fn unreadable(value: &SettingValue, wanted: &str) -> Meaning {
    Meaning::NotHonoured(format!("“{value}” is not {wanted}"))
}

/// The value as a whole number, where it is one; texts of digits count.
fn whole(value: &SettingValue) -> Option<u32> {
    match value {
        SettingValue::Number(number) if number.fract() == 0.0 && (0.0..4e9).contains(number) => {
            Some(*number as u32)
        }
        SettingValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn flag(value: &SettingValue) -> Option<bool> {
    match value {
        SettingValue::Flag(flag) => Some(*flag),
        SettingValue::Number(number) => Some(*number != 0.0),
        _ => None,
    }
}

fn lower(value: &SettingValue) -> String {
    value.to_string().trim().to_ascii_lowercase()
}

fn rate_control(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    match lower(value).as_str() {
        "cbr" => to.settings.rate_control = Some(RateControl::Constant),
        // AMF's and Quick Sync's latency-constrained and peak-constrained kinds keep an average as well.
        "vbr" | "abr" | "vbr_lat" => {
            let most = match to.settings.rate_control {
                Some(RateControl::Variable { most }) => most,
                _ => None,
            };
            to.settings.rate_control = Some(RateControl::Variable { most });
        }
        _ => {
            to.settings.rate_control = Some(RateControl::Constant);
            return lacks("only bitrates are kept to, no qualities; the bitrate is constant instead");
        }
    }
    Meaning::Setting(setting::RATE_CONTROL)
}

fn bitrate(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    match whole(value).filter(|kbps| *kbps > 0) {
        Some(kbps) => {
            to.bitrate = Some(Kbps(kbps));
            Meaning::Setting(setting::BITRATE)
        }
        None => unreadable(value, "a bitrate in kbps"),
    }
}

/// Read last, see [`super::interpret`]: it means nothing without a variable rate.
fn most_bitrate(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let Some(kbps) = whole(value).filter(|kbps| *kbps > 0) else {
        return unreadable(value, "a bitrate in kbps");
    };
    match &mut to.settings.rate_control {
        Some(RateControl::Variable { most }) => {
            *most = Some(Kbps(kbps));
            Meaning::Setting(setting::MOST_BITRATE)
        }
        _ => Meaning::Kept("without effect at constant bitrate"),
    }
}

fn keyint(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let seconds = match value {
        SettingValue::Number(seconds) => Some(*seconds),
        SettingValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Up to 10 s by the reference of GetClientConfiguration.
    match seconds.filter(|seconds| (0.0..=10.0).contains(seconds)) {
        Some(0.0) => lacks("0 leaves it to the encoder; the service takes 2 seconds, which it is"),
        Some(seconds) => {
            to.keyint = Some(Span::from_millis((seconds * 1000.0).round() as i64));
            Meaning::Setting(setting::KEYINT)
        }
        None => unreadable(value, "a number of seconds from 0 to 10"),
    }
}

fn profile(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    // VAAPI counts as FFmpeg does: profile_idc, with a bit for the constrained kind.
    let profile = match lower(value).as_str() {
        "baseline" | "constrained-baseline" | "constrained_baseline" | "66" | "578" => {
            VideoProfile::ConstrainedBaseline
        }
        "main" | "77" | "1" => VideoProfile::Main,
        "high" | "100" => VideoProfile::High,
        _ => return unreadable(value, "a profile that is made here"),
    };
    to.profile = Some(profile);
    Meaning::Setting(setting::PROFILE)
}

fn preset(to: &mut Interpretation, step: u8) -> Meaning {
    to.settings.preset = Some(Preset::new(step));
    Meaning::Setting(setting::PRESET)
}

fn nvenc_preset(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let text = lower(value);
    let step = match text.as_str() {
        // Before SDK 10.
        "hp" | "llhp" => Some(1),
        "default" | "ll" => Some(4),
        "hq" | "mq" | "llhq" => Some(5),
        _ => text.strip_prefix('p').and_then(|step| step.parse().ok()).filter(|step| (1..=7).contains(step)),
    };
    step.map_or_else(|| unreadable(value, "a preset from p1 to p7"), |step| preset(to, step))
}

fn amf_preset(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    match lower(value).as_str() {
        "speed" => preset(to, 2),
        "balanced" => preset(to, 4),
        "quality" => preset(to, 6),
        "highquality" => preset(to, 7),
        _ => unreadable(value, "speed, balanced, quality or highQuality"),
    }
}

fn target_usage(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let text = lower(value);
    let usage = match text.as_str() {
        "quality" => Some(1u8),
        "balanced" => Some(4),
        "speed" => Some(7),
        _ => text.strip_prefix("tu").unwrap_or(&text).parse().ok().filter(|usage| (1..=7).contains(usage)),
    };
    // 1 is the best and 7 the fastest, the other way round than here.
    usage.map_or_else(|| unreadable(value, "a usage from TU1 to TU7"), |usage| preset(to, 8 - usage))
}

fn x264_preset(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    match lower(value).as_str() {
        "ultrafast" => preset(to, 1),
        "superfast" => preset(to, 2),
        "veryfast" => preset(to, 3),
        "faster" => preset(to, 4),
        "fast" => preset(to, 5),
        "medium" => preset(to, 6),
        "slow" => preset(to, 7),
        "slower" | "veryslow" | "placebo" => {
            preset(to, 7);
            lacks("no processor keeps up with it live; slow is used instead")
        }
        _ => unreadable(value, "a preset of x264"),
    }
}

fn nvenc_tune(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let tuning = match lower(value).as_str() {
        "hq" => LatencyTuning::Quality,
        "ll" => LatencyTuning::Low,
        "ull" => LatencyTuning::Zero,
        "uhq" => {
            to.settings.tuning = Some(LatencyTuning::Quality);
            return lacks("uhq is of a newer interface than is spoken here; hq is used instead");
        }
        "lossless" => {
            return lacks("no bitrate can be kept to without loss; hq is used instead");
        }
        _ => return unreadable(value, "hq, ll, ull or uhq"),
    };
    to.settings.tuning = Some(tuning);
    Meaning::Setting(setting::TUNING)
}

fn x264_tune(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let text = lower(value);
    let mut others = text.split([',', ' ']).filter(|tune| !tune.is_empty() && *tune != "none").peekable();
    let zero = text.contains("zerolatency");
    to.settings.tuning = Some(if zero { LatencyTuning::Zero } else { LatencyTuning::Quality });
    if others.peek().is_none() {
        return Meaning::Kept("no tuning");
    }
    if let Some(other) = others.find(|tune| *tune != "zerolatency") {
        return Meaning::NotHonoured(format!("of x264's tunings only zerolatency is used, not {other}"));
    }
    Meaning::Setting(setting::TUNING)
}

fn quick_sync_latency(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    to.settings.tuning = Some(match lower(value).as_str() {
        "ultra-low" => LatencyTuning::Zero,
        "low" => LatencyTuning::Low,
        "normal" => LatencyTuning::Quality,
        _ => return unreadable(value, "normal, low or ultra-low"),
    });
    Meaning::Setting(setting::TUNING)
}

fn multipass(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    to.settings.multipass = Some(match lower(value).as_str() {
        "disabled" => Multipass::Off,
        "qres" => Multipass::Quarter,
        "fullres" => Multipass::Full,
        _ => return unreadable(value, "disabled, qres or fullres"),
    });
    Meaning::Setting(setting::MULTIPASS)
}

/// OBS looks eight frames ahead unless `opts` say otherwise.
fn lookahead(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let Some(on) = flag(value) else { return unreadable(value, "true or false") };
    to.settings.lookahead_frames = Some(if on { 8 } else { 0 });
    Meaning::Setting(setting::LOOKAHEAD)
}

fn lookahead_depth(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    match whole(value).and_then(|frames| u16::try_from(frames).ok()) {
        Some(frames) => {
            to.settings.lookahead_frames = Some(frames);
            Meaning::Setting(setting::LOOKAHEAD)
        }
        None => unreadable(value, "a number of frames"),
    }
}

fn adaptive(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let Some(on) = flag(value) else { return unreadable(value, "true or false") };
    to.settings.adaptive_quantisation = Some(on);
    Meaning::Setting(setting::ADAPTIVE)
}

fn pre_analysis(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let Some(on) = flag(value) else { return unreadable(value, "true or false") };
    to.settings.pre_analysis = Some(on);
    Meaning::Setting(setting::PRE_ANALYSIS)
}

fn b_frames(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    // Apple's is yes or no.
    let frames = match value {
        SettingValue::Flag(on) => Some(if *on { 2 } else { 0 }),
        other => whole(other),
    };
    match frames.and_then(|frames| u8::try_from(frames).ok()) {
        Some(frames) => {
            to.settings.b_frames = Some(frames);
            Meaning::Setting(setting::B_FRAMES)
        }
        None => unreadable(value, "a number of pictures"),
    }
}

fn b_reference(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    // NVIDIA's numbers.
    match lower(value).as_str() {
        "0" | "disabled" => return Meaning::Kept("no B-frame is referred to"),
        "1" | "each" => to.settings.b_reference = Some(BReference::Each),
        "2" | "middle" => to.settings.b_reference = Some(BReference::Middle),
        _ => return unreadable(value, "disabled, each or middle"),
    }
    Meaning::Setting(setting::B_REFERENCE)
}

/// In kilobits. Taken together with the bitrate in [`super::interpret`].
fn buffer_size(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    let (Some(kbits), Some(bitrate)) = (whole(value), to.bitrate) else {
        return unreadable(value, "a size in kilobits beside a bitrate");
    };
    if kbits == 0 {
        return Meaning::Kept("not given");
    }
    let ms = u64::from(kbits) * 1000 / u64::from(bitrate.0.max(1));
    to.settings.buffer = Some(Span::from_millis(i64::try_from(ms.min(1000)).unwrap_or(1000)));
    if ms > 1000 {
        return lacks("IVS wants a buffer no larger than a second of the bitrate, which it is");
    }
    Meaning::Setting(setting::BUFFER)
}

fn use_buffer_size(to: &mut Interpretation, value: &SettingValue) -> Meaning {
    match flag(value) {
        Some(true) => Meaning::Kept("together with buffer_size"),
        Some(false) => {
            to.settings.buffer = None;
            Meaning::Kept("the buffer is a second of the bitrate")
        }
        None => unreadable(value, "true or false"),
    }
}

fn scene_cuts(_: &mut Interpretation, value: &SettingValue) -> Meaning {
    match flag(value) {
        Some(true) => Meaning::Kept("never an IDR by itself, on any encoder"),
        Some(false) => lacks("IDRs of its own would break the alignment of renditions"),
        None => unreadable(value, "true or false"),
    }
}

fn repeated_headers(_: &mut Interpretation, value: &SettingValue) -> Meaning {
    match flag(value) {
        Some(true) => lacks("parameter sets are in the sequence header, once, as Enhanced RTMP has it"),
        Some(false) => Meaning::Kept("parameter sets are in the sequence header"),
        None => unreadable(value, "true or false"),
    }
}

fn variable_frame_rate(_: &mut Interpretation, value: &SettingValue) -> Meaning {
    match flag(value) {
        Some(false) => Meaning::Kept("the frame rate is constant"),
        Some(true) => lacks("renditions are locked to the canvas clock: the frame rate is constant"),
        None => unreadable(value, "true or false"),
    }
}

fn split_encode(_: &mut Interpretation, value: &SettingValue) -> Meaning {
    match lower(value).as_str() {
        // Automatic, and switched off.
        "0" | "15" | "auto" | "disabled" => Meaning::Kept("the driver chooses"),
        _ => lacks("GStreamer's NVENC elements have no such property"),
    }
}

fn device(_: &mut Interpretation, value: &SettingValue) -> Meaning {
    match lower(value).as_str() {
        "0" | "-1" => Meaning::Kept("the first GPU"),
        _ => lacks("the first GPU of this kind is used"),
    }
}

/// Options inside of `opts` and `x264opts`, each as a key of its own.
pub(super) fn read_options(
    to: &mut Interpretation,
    family: EncoderFamily,
    key: &str,
    value: &SettingValue,
) -> Vec<super::InterpretedKey> {
    let SettingValue::Text(text) = value else { return Vec::new() };
    match (family, key) {
        (Nvenc, "opts") => options::nvenc(to, text),
        (X264, "x264opts") => options::x264(to, text),
        _ => Vec::new(),
    }
}
