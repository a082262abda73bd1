//! Whatever Windows offers: `mfh264enc` and `mfh265enc`.

use super::{BackendKind, Mapping, buffer_bits, setting};
use crate::property::Value;
use crate::rendition::{LatencyTuning, Preset, RateControl, RenditionConfig};

/// What Media Foundation elements have no property for.
const NO_PROPERTY: &str = "Media Foundation has no such property";

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let step = i64::from(settings.preset.unwrap_or(Preset::BALANCED).step());
    match settings.effective_rate_control() {
        RateControl::Constant => {
            mapping.must(setting::RATE_CONTROL, &["rc-mode"], Value::Nick(&["cbr"]));
        }
        RateControl::Variable { most } => {
            mapping.must(setting::RATE_CONTROL, &["rc-mode"], Value::Nick(&["pcvbr"]));
            let most = BackendKind::MediaFoundation.bitrate_units(most.unwrap_or(config.bitrate));
            mapping.may(setting::MOST_BITRATE, &["max-bitrate"], Value::Number(most));
        }
    }
    mapping.must(setting::KEYINT, &["gop-size"], Value::Number(i64::from(config.keyint_frames())));
    // In bytes, unlike every other element.
    mapping.may(setting::BUFFER, &["vbv-buffer-size"], Value::Number(buffer_bits(config) / 8));
    mapping.may(setting::PRESET, &["quality-vs-speed"], Value::Number((step - 1) * 100 / 6));
    let low = settings.effective_tuning() != LatencyTuning::Quality;
    mapping.may(setting::TUNING, &["low-latency"], Value::Flag(low));
    let b_frames = BackendKind::MediaFoundation.b_frames(config);
    mapping.b_frames(&["bframes"], b_frames);
    let fewer = b_frames < settings.effective_b_frames();
    mapping.lacks(setting::B_FRAMES, fewer, "Media Foundation codes two in a row at most");
    let ahead = settings.lookahead_frames.is_some_and(|frames| frames > 0);
    mapping.lacks(setting::LOOKAHEAD, ahead, NO_PROPERTY);
    mapping.lacks(setting::ADAPTIVE, settings.adaptive_quantisation.is_some(), NO_PROPERTY);
    mapping.lacks(setting::ADAPTIVE_STRENGTH, settings.quantisation_strength.is_some(), NO_PROPERTY);
    mapping.lacks(setting::MULTIPASS, settings.multipass.is_some(), NO_PROPERTY);
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), NO_PROPERTY);
    mapping.lacks(setting::OPTIONS, !settings.x264_options.is_empty(), "they are x264's");
}
