//! Software of last resort: `openh264enc`.

use units::VideoProfile;

use super::x264::software_preset;
use super::{Mapping, setting};
use crate::property::Value;
use crate::rendition::{Multipass, RenditionConfig};

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig, threads: i64) {
    let settings = &config.settings;
    mapping.must(setting::RATE_CONTROL, &["rate-control"], Value::Nick(&["bitrate"]));
    mapping.may(setting::KEYINT, &["gop-size"], Value::Number(i64::from(config.keyint_frames())));
    mapping.may(setting::NO_SCENE_CUTS, &["scene-change-detection"], Value::Flag(false));
    mapping.may("no skipped pictures", &["enable-frame-skip"], Value::Flag(false));
    mapping.may(setting::THREADS, &["multi-thread"], Value::Number(threads));
    let complexity: &'static [&'static str] = match software_preset(mapping, config).step() {
        1..=3 => &["low"],
        4 | 5 => &["medium"],
        _ => &["high"],
    };
    mapping.may(setting::PRESET, &["complexity"], Value::Nick(complexity));
    if let Some(on) = settings.adaptive_quantisation {
        mapping.may(setting::ADAPTIVE, &["adaptive-quantization"], Value::Flag(on));
    }
    mapping.lacks(
        setting::PROFILE,
        config.profile != VideoProfile::ConstrainedBaseline,
        "OpenH264 makes Constrained Baseline",
    );
    mapping.lacks(
        setting::RATE_CONTROL,
        true,
        "OpenH264 keeps the bitrate on average and adds no filler: it is not quite constant",
    );
    mapping.lacks(setting::BUFFER, settings.buffer.is_some(), "OpenH264 has no buffer size");
    mapping.lacks(setting::B_FRAMES, settings.effective_b_frames() > 0, "OpenH264 has no B-frames");
    let ahead = settings.lookahead_frames.is_some_and(|frames| frames > 0);
    mapping.lacks(setting::LOOKAHEAD, ahead, "OpenH264 has no lookahead");
    mapping.lacks(
        setting::MULTIPASS,
        settings.multipass.is_some_and(|multipass| multipass != Multipass::Off),
        "OpenH264 has no second pass",
    );
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), "OpenH264 has no pre-analysis");
    mapping.lacks(
        setting::ADAPTIVE_STRENGTH,
        settings.quantisation_strength.is_some(),
        "the strength is in NVENC's measure",
    );
    mapping.lacks(setting::OPTIONS, !settings.x264_options.is_empty(), "they are x264's");
}
