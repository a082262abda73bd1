//! NVIDIA through its driver: fields of the structures in `nvEncodeAPI.h` 12.1, by their names there.

use units::{VideoCodec, VideoProfile};

use super::{BackendKind, Mapping, buffer_bits, setting};
use crate::property::Value;
use crate::rendition::{BReference, LatencyTuning, Multipass, Preset, RateControl, RenditionConfig};

/// How far NVENC looks ahead at most (programming guide, “Look-ahead”).
const MOST_AHEAD: u16 = 32;

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig) {
    let settings = &config.settings;
    let tuning = settings.effective_tuning();
    let cbr = settings.effective_rate_control() == RateControl::Constant;
    let mode: &'static [&'static str] = if cbr { &["cbr"] } else { &["vbr"] };
    mapping.must(setting::RATE_CONTROL, &["rateControlMode"], Value::Nick(mode));
    if let RateControl::Variable { most } = settings.effective_rate_control() {
        let most = BackendKind::NvencDirect.bitrate_units(most.unwrap_or(config.bitrate).max(config.bitrate));
        mapping.may(setting::MOST_BITRATE, &["maxBitRate"], Value::Number(most));
    }
    // A still picture must not make a constant bitrate fall, or the service takes the stream for a bad one.
    mapping.may(setting::RATE_CONTROL, &["enableFillerDataInsertion"], Value::Flag(cbr));
    // Never by itself: every IDR is forced by the group's schedule.
    mapping.must(setting::KEYINT, &["gopLength"], Value::Number(-1));
    mapping.may(setting::BUFFER, &["vbvBufferSize"], Value::Number(buffer_bits(config)));
    // As full as x264 takes its buffer to be at the start, so that the first IDR may cost nearly all of it.
    mapping.may(setting::BUFFER, &["vbvInitialDelay"], Value::Number(buffer_bits(config) * 9 / 10));
    let preset = settings.preset.unwrap_or(Preset::BALANCED).step();
    mapping.must(setting::PRESET, &["presetGUID"], Value::Number(i64::from(preset)));
    let nick: &'static [&'static str] = match tuning {
        LatencyTuning::Zero => &["ultra-low-latency"],
        LatencyTuning::Low => &["low-latency"],
        LatencyTuning::Quality => &["high-quality"],
    };
    mapping.must(setting::TUNING, &["tuningInfo"], Value::Nick(nick));
    let zero = tuning == LatencyTuning::Zero;
    mapping.may("zero reordering", &["zeroReorderDelay"], Value::Flag(zero));
    let baseline = config.codec == VideoCodec::Avc && config.profile == VideoProfile::ConstrainedBaseline;
    let asked = settings.effective_b_frames();
    let b_frames = if baseline { 0 } else { asked };
    mapping.lacks(setting::B_FRAMES, asked > b_frames, "the Baseline profile has no B-frames");
    mapping.may(setting::B_FRAMES, &["frameIntervalP"], Value::Number(i64::from(b_frames) + 1));
    if let Some(reference) = settings.b_reference {
        let (nick, fits): (&'static [&'static str], _) = match reference {
            BReference::Each => (&["each"], b_frames > 0),
            // Between two others lie two at least when one of them is in the middle.
            BReference::Middle => (&["middle"], b_frames > 1),
        };
        if fits {
            mapping.may(setting::B_REFERENCE, &["useBFramesAsRef"], Value::Nick(nick));
        }
        mapping.lacks(setting::B_REFERENCE, !fits, "there are too few B-frames for it");
    }
    // Adaptive I-frames are scene-cut IDRs under another name.
    mapping.may(setting::NO_SCENE_CUTS, &["disableIadapt"], Value::Flag(true));
    mapping.may("even groups of pictures", &["strictGOPTarget"], Value::Flag(true));
    mapping.may(setting::DELIMITERS, &["outputAUD"], Value::Flag(false));
    mapping.may(setting::HEADERS, &["repeatSPSPPS"], Value::Flag(true));
    if let Some(frames) = settings.lookahead_frames {
        let waits = tuning == LatencyTuning::Quality || frames == 0;
        if waits {
            let frames = i64::from(frames.min(MOST_AHEAD));
            mapping.may(setting::LOOKAHEAD, &["lookaheadDepth"], Value::Number(frames));
        }
        mapping.lacks(setting::LOOKAHEAD, !waits, "with this latency tuning no picture waits for later ones");
        mapping.lacks(
            setting::LOOKAHEAD,
            waits && frames > MOST_AHEAD,
            "NVENC looks 32 frames ahead at most",
        );
    }
    if let Some(on) = settings.adaptive_quantisation {
        mapping.may(setting::ADAPTIVE, &["enableAQ"], Value::Flag(on));
        let temporal = settings.temporal_quantisation.unwrap_or(on);
        mapping.may(setting::ADAPTIVE, &["enableTemporalAQ"], Value::Flag(temporal));
        // OBS's strength, which the service's answers are tuned against.
        let strength = settings.quantisation_strength.unwrap_or(8).clamp(1, 15);
        let strength = if on { i64::from(strength) } else { 0 };
        mapping.may(setting::ADAPTIVE_STRENGTH, &["aqStrength"], Value::Number(strength));
    }
    if let Some(multipass) = settings.multipass {
        let nick: &'static [&'static str] = match multipass {
            Multipass::Off => &["disabled"],
            Multipass::Quarter => &["quarter-resolution"],
            Multipass::Full => &["full-resolution"],
        };
        mapping.may(setting::MULTIPASS, &["multiPass"], Value::Nick(nick));
    }
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), "NVENC has no pre-analysis");
    mapping.lacks(setting::OPTIONS, !settings.x264_options.is_empty(), "they are x264's");
}
