//! AMD: `amfh264enc` and `amfh265enc`.

use units::VideoCodec;

use super::{BackendKind, Mapping, setting};
use crate::property::Value;
use crate::rendition::{LatencyTuning, Multipass, Preset, RateControl, RenditionConfig};

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    match settings.effective_rate_control() {
        RateControl::Constant => {
            mapping.must(setting::RATE_CONTROL, &["rate-control"], Value::Nick(&["cbr"]));
        }
        RateControl::Variable { most } => {
            mapping.must(setting::RATE_CONTROL, &["rate-control"], Value::Nick(&["vbr"]));
            let most = BackendKind::Amf.bitrate_units(most.unwrap_or(config.bitrate));
            mapping.may(setting::MOST_BITRATE, &["max-bitrate"], Value::Number(most));
        }
    }
    let keyint = i64::from(config.keyint_frames().min(1000));
    mapping.must(setting::KEYINT, &["gop-size"], Value::Number(keyint));
    mapping.may(
        setting::TUNING,
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
        6 => &["quality"],
        // Since GStreamer 1.30.
        _ => &["high-quality", "quality"],
    };
    mapping.may(setting::PRESET, &["preset"], Value::Nick(preset));
    mapping.off(setting::DELIMITERS, &["aud"], Value::Flag(false));
    let b_frames = BackendKind::Amf.b_frames(config);
    if b_frames > 0 {
        mapping.may(setting::B_FRAMES, &["b-frames"], Value::Number(i64::from(b_frames)));
        mapping.may(setting::B_FRAMES, &["max-b-frames"], Value::Number(i64::from(b_frames)));
        mapping.off(setting::B_REFERENCE, &["b-reference"], Value::Flag(false));
    }
    let fewer = settings.effective_b_frames() > b_frames;
    let reason = match config.codec {
        VideoCodec::Avc => "AMF codes three in a row at most",
        VideoCodec::Hevc => "AMF codes no B-frames in H.265",
    };
    mapping.lacks(setting::B_FRAMES, fewer, reason);
    let ahead = settings.lookahead_frames.filter(|frames| *frames > 0);
    let analyses = ahead.is_some() || settings.pre_analysis == Some(true);
    if analyses {
        mapping.may(setting::PRE_ANALYSIS, &["pre-analysis"], Value::Flag(true));
        mapping.off(setting::NO_SCENE_CUTS, &["pa-scene-change-detection"], Value::Flag(false));
    } else if settings.pre_analysis.is_some() {
        mapping.off(setting::PRE_ANALYSIS, &["pre-analysis"], Value::Flag(false));
    }
    if let Some(frames) = ahead {
        let frames = i64::from(frames.min(41));
        mapping.may(setting::LOOKAHEAD, &["pa-lookahead-buffer-depth"], Value::Number(frames));
    }
    if let Some(multipass) = settings.multipass {
        mapping.may(setting::MULTIPASS, &["pre-encode"], Value::Flag(multipass != Multipass::Off));
    }
    mapping.lacks(setting::BUFFER, settings.buffer.is_some(), "AMF elements have no buffer size");
    // Perceptual and temporal: both are made of what pre-analysis sees, and are nothing without it.
    if let (true, Some(on)) = (analyses, settings.adaptive_quantisation) {
        let temporal = settings.temporal_quantisation.unwrap_or(on);
        mapping.may(setting::ADAPTIVE, &["pa-paq-mode"], Value::Nick(if on { &["caq"] } else { &["none"] }));
        let mode = Value::Nick(if temporal { &["mode1"] } else { &["none"] });
        mapping.may(setting::ADAPTIVE, &["pa-taq-mode"], mode);
    }
    if !analyses && settings.adaptive_quantisation == Some(false) {
        mapping.note(setting::ADAPTIVE, "pre-analysis", "off, and this with it");
    }
    mapping.lacks(
        setting::ADAPTIVE,
        !analyses && settings.adaptive_quantisation == Some(true),
        "AMF ties it to pre-analysis, which was not asked for and costs latency",
    );
    mapping.lacks(
        setting::ADAPTIVE_STRENGTH,
        settings.quantisation_strength.is_some(),
        "AMF elements have no such property",
    );
    mapping.lacks(setting::OPTIONS, !settings.x264_options.is_empty(), "they are x264's");
}
