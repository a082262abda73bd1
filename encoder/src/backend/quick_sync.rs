//! Intel: `qsvh264enc` and `qsvh265enc`.

use units::VideoCodec;

use super::{BackendKind, Mapping, setting};
use crate::property::Value;
use crate::rendition::{LatencyTuning, Preset, RateControl, RenditionConfig};

/// What Quick Sync elements have no property for.
const NO_PROPERTY: &str = "Quick Sync elements have no such property";

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let step = i64::from(settings.preset.unwrap_or(Preset::BALANCED).step());
    match settings.effective_rate_control() {
        RateControl::Constant => {
            mapping.must(setting::RATE_CONTROL, &["rate-control"], Value::Nick(&["cbr"]));
        }
        RateControl::Variable { most } => {
            mapping.must(setting::RATE_CONTROL, &["rate-control"], Value::Nick(&["vbr"]));
            let most = BackendKind::QuickSync.bitrate_units(most.unwrap_or(config.bitrate));
            mapping.may(setting::MOST_BITRATE, &["max-bitrate"], Value::Number(most));
        }
    }
    mapping.must(setting::KEYINT, &["gop-size"], Value::Number(i64::from(config.keyint_frames())));
    // Intel counts differently for the two codes: in H.264 how many I-frames stand between two IDRs, in H.265 every
    // how many I-frames is an IDR, 0 being the first alone (the elements' own descriptions, GStreamer 1.28).
    let every = match config.codec {
        VideoCodec::Avc => 0,
        VideoCodec::Hevc => 1,
    };
    mapping.may("every I-frame an IDR", &["idr-interval", "i-frames"], Value::Number(every));
    // Target usage counts the other way: 1 is best, 7 fastest.
    mapping.may(setting::PRESET, &["target-usage"], Value::Number(8 - step));
    let low = settings.effective_tuning() != LatencyTuning::Quality;
    mapping.may(setting::TUNING, &["low-latency"], Value::Flag(low));
    mapping.b_frames(&["b-frames"], settings.effective_b_frames());
    mapping.lacks(setting::BUFFER, settings.buffer.is_some(), "Quick Sync elements have no buffer size");
    mapping.lacks(
        setting::LOOKAHEAD,
        settings.lookahead_frames.is_some_and(|frames| frames > 0),
        "Quick Sync looks ahead only in variable bitrate modes",
    );
    mapping.lacks(setting::ADAPTIVE, settings.adaptive_quantisation.is_some(), NO_PROPERTY);
    mapping.lacks(setting::ADAPTIVE_STRENGTH, settings.quantisation_strength.is_some(), NO_PROPERTY);
    mapping.lacks(setting::MULTIPASS, settings.multipass.is_some(), NO_PROPERTY);
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), NO_PROPERTY);
    mapping.lacks(setting::OPTIONS, !settings.x264_options.is_empty(), "they are x264's");
}
