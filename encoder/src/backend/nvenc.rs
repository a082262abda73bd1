//! NVIDIA: `nvh264enc` and `nvh265enc`.

use super::{BackendKind, Mapping, buffer_bits, setting};
use crate::property::Value;
use crate::rendition::{LatencyTuning, Multipass, Preset, RateControl, RenditionConfig};

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let tuning = settings.effective_tuning();
    match settings.effective_rate_control() {
        RateControl::Constant => {
            mapping.must(setting::RATE_CONTROL, &["rate-control", "rc-mode"], Value::Nick(&["cbr"]));
        }
        RateControl::Variable { most } => {
            mapping.must(setting::RATE_CONTROL, &["rate-control", "rc-mode"], Value::Nick(&["vbr"]));
            let most = BackendKind::Nvenc.bitrate_units(most.unwrap_or(config.bitrate));
            mapping.may(setting::MOST_BITRATE, &["max-bitrate"], Value::Number(most));
        }
    }
    // Never by itself: every IDR is forced by the group's schedule.
    mapping.must(setting::KEYINT, &["gop-size"], Value::Number(-1));
    mapping.may(setting::BUFFER, &["vbv-buffer-size"], Value::Number(buffer_bits(config) / 1024));
    let preset: &'static [&'static str] = match settings.preset.unwrap_or(Preset::BALANCED).step() {
        1 => &["p1", "hp", "low-latency-hp"],
        2 => &["p2", "hp", "low-latency-hp"],
        3 => &["p3", "low-latency", "default"],
        4 => &["p4", "low-latency", "default"],
        5 => &["p5", "low-latency-hq", "hq"],
        6 => &["p6", "low-latency-hq", "hq"],
        _ => &["p7", "low-latency-hq", "hq"],
    };
    mapping.may(setting::PRESET, &["preset"], Value::Nick(preset));
    mapping.may(
        setting::TUNING,
        &["tune"],
        Value::Nick(match tuning {
            LatencyTuning::Zero => &["ultra-low-latency"],
            LatencyTuning::Low => &["low-latency"],
            LatencyTuning::Quality => &["high-quality"],
        }),
    );
    let zero = tuning == LatencyTuning::Zero;
    mapping.may("zero reordering", &["zero-reorder-delay", "zerolatency"], Value::Flag(zero));
    mapping.b_frames(&["b-frames", "bframes"], settings.effective_b_frames());
    // Adaptive I-frames are scene-cut IDRs under another name.
    mapping.off(setting::NO_SCENE_CUTS, &["i-adapt"], Value::Flag(false));
    mapping.may("even groups of pictures", &["strict-gop"], Value::Flag(true));
    mapping.may(setting::DELIMITERS, &["aud"], Value::Flag(false));
    mapping.may(setting::HEADERS, &["repeat-sequence-header"], Value::Flag(true));
    if let Some(frames) = settings.lookahead_frames {
        mapping.may(setting::LOOKAHEAD, &["rc-lookahead"], Value::Number(i64::from(frames.min(32))));
        mapping.lacks(setting::LOOKAHEAD, frames > 32, "NVENC looks 32 frames ahead at most");
    }
    if let Some(on) = settings.adaptive_quantisation {
        mapping.may(setting::ADAPTIVE, &["spatial-aq"], Value::Flag(on));
        let temporal = settings.temporal_quantisation.unwrap_or(on);
        mapping.may(setting::ADAPTIVE, &["temporal-aq"], Value::Flag(temporal));
        // OBS's strength, which the service's answers are tuned against.
        let strength = settings.quantisation_strength.unwrap_or(8).clamp(1, 15);
        let strength = if on { i64::from(strength) } else { 0 };
        mapping.may(setting::ADAPTIVE_STRENGTH, &["aq-strength"], Value::Number(strength));
    }
    if let Some(multipass) = settings.multipass {
        let nick: &'static [&'static str] = match multipass {
            Multipass::Off => &["disabled"],
            Multipass::Quarter => &["two-pass-quarter"],
            Multipass::Full => &["two-pass"],
        };
        mapping.may(setting::MULTIPASS, &["multi-pass"], Value::Nick(nick));
    }
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), "NVENC has no pre-analysis");
    mapping.lacks(setting::OPTIONS, !settings.x264_options.is_empty(), "they are x264's");
}
