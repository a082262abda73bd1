//! Software: `x264enc`.

use super::{Mapping, setting};
use crate::property::Value;
use crate::rendition::{LatencyTuning, Multipass, Preset, RateControl, RenditionConfig};

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig, threads: i64) {
    let settings = &config.settings;
    mapping.must(setting::RATE_CONTROL, &["pass"], Value::Nick(&["cbr"]));
    mapping.lacks(
        setting::RATE_CONTROL,
        settings.effective_rate_control() != RateControl::Constant,
        "in software the bitrate is constant, which is what IVS wants",
    );
    let buffer_ms = i64::from(settings.effective_buffer_ms());
    mapping.must(setting::BUFFER, &["vbv-buf-capacity"], Value::Number(buffer_ms));
    // Counted from the last IDR, so it never fires before the schedule does, and still fires if forcing failed.
    mapping.must(setting::KEYINT, &["key-int-max"], Value::Number(i64::from(config.keyint_frames())));
    let preset: &'static [&'static str] = match software_preset(mapping, config).step() {
        1 => &["ultrafast"],
        2 => &["superfast"],
        3 => &["veryfast"],
        4 => &["faster"],
        5 => &["fast"],
        6 => &["medium"],
        _ => &["slow"],
    };
    mapping.must(setting::PRESET, &["speed-preset"], Value::Nick(preset));
    let tuning = settings.effective_tuning();
    if tuning == LatencyTuning::Zero {
        mapping.must(setting::TUNING, &["tune"], Value::Nick(&["zerolatency"]));
        let ahead = settings.lookahead_frames.is_some_and(|frames| frames > 0);
        mapping.lacks(setting::LOOKAHEAD, ahead, "with zero latency there is none");
    } else {
        mapping.note(setting::TUNING, "tune", "none");
        let default = if tuning == LatencyTuning::Low { 0 } else { 10 };
        let frames = settings.lookahead_frames.unwrap_or(default).min(60);
        mapping.may(setting::LOOKAHEAD, &["rc-lookahead"], Value::Number(i64::from(frames)));
        mapping.may("lookahead thread", &["sync-lookahead"], Value::Number(0));
    }
    let b_frames = i64::from(settings.effective_b_frames());
    mapping.may(setting::B_FRAMES, &["bframes"], Value::Number(b_frames));
    mapping.may(setting::B_REFERENCE, &["b-pyramid"], Value::Flag(false));
    mapping.may(setting::THREADS, &["threads"], Value::Number(threads));
    // Slices of one picture side by side add no latency; whole pictures side by side would.
    mapping.may(
        "slices in parallel",
        &["sliced-threads"],
        Value::Flag(threads > 1 && tuning != LatencyTuning::Quality),
    );
    mapping.may(setting::DELIMITERS, &["aud"], Value::Flag(false));
    mapping.may("output form", &["byte-stream"], Value::Flag(true));
    // Filler makes the rate constant. x264's own HRD mode would too, but then refuses live bitrate changes.
    let mut options = String::from("scenecut=0:open-gop=0:force-cfr=1:filler=1");
    if settings.adaptive_quantisation == Some(false) {
        options.push_str(":aq-mode=0");
    }
    if let Some(on) = settings.adaptive_quantisation {
        let mode = if on { "aq-mode=1, its default" } else { "aq-mode=0" };
        mapping.note(setting::ADAPTIVE, "option-string", mode);
    }
    for (name, value) in &settings.x264_options {
        options.push_str(&format!(":{name}={value}"));
    }
    mapping.must(setting::OPTIONS, &["option-string"], Value::Text(options));
    mapping.lacks(
        setting::MULTIPASS,
        settings.multipass.is_some_and(|multipass| multipass != Multipass::Off),
        "x264 has two passes only for files",
    );
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), "x264 has no pre-analysis");
    mapping.lacks(
        setting::ADAPTIVE_STRENGTH,
        settings.quantisation_strength.is_some(),
        "the strength is in NVENC's measure",
    );
}

/// The preset for a software encoder. One that was meant for hardware costs a GPU nothing and a processor everything.
pub(super) fn software_preset(mapping: &mut Mapping, config: &RenditionConfig) -> Preset {
    let asked = config.settings.preset.unwrap_or(Preset::VERY_FAST);
    if config.settings.for_hardware && asked > Preset::VERY_FAST {
        let reason = "it was meant for hardware; the processor would not keep up with such a preset";
        mapping.lacks(setting::PRESET, true, reason);
        return Preset::VERY_FAST;
    }
    asked
}
