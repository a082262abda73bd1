//! Software: `x265enc`.
//!
//! The element of GStreamer 1.22 has properties for bitrate, preset, tuning and keyframe interval; all else goes
//! through its option string, in the words of x265's command line.

use super::x264::software_preset;
use super::{Mapping, setting};
use crate::property::Value;
use crate::rendition::{LatencyTuning, Multipass, RateControl, RenditionConfig};

pub(super) fn map(mapping: &mut Mapping, config: &RenditionConfig, threads: i64) {
    let settings = &config.settings;
    mapping.must(setting::KEYINT, &["key-int-max"], Value::Number(i64::from(config.keyint_frames())));
    let preset: &'static [&'static str] = match software_preset(mapping, config).step() {
        // x265 is slower than x264 at the same name by several times.
        1..=3 => &["ultrafast"],
        4 => &["superfast"],
        5 => &["veryfast"],
        6 => &["faster"],
        _ => &["fast"],
    };
    mapping.must(setting::PRESET, &["speed-preset"], Value::Nick(preset));
    mapping.must(setting::TUNING, &["tune"], Value::Nick(&["zerolatency"]));
    mapping.lacks(
        setting::TUNING,
        settings.effective_tuning() == LatencyTuning::Quality,
        "in software H.265 is made without delay only",
    );
    let buffer_kbits = super::buffer_bits(config) / 1000;
    let bitrate = config.bitrate.0;
    // Strictly constant, with filler where the picture needs less.
    let options = format!(
        "vbv-maxrate={bitrate}:vbv-bufsize={buffer_kbits}:strict-cbr=1:scenecut=0:open-gop=0:bframes=0:\
         rc-lookahead=0:repeat-headers=1:opt-qp-pps=0:opt-ref-list-length-pps=0:aud=0:info=0:colorprim=bt709:transfer=bt709:colormatrix=bt709:\
         range=limited:frame-threads=1:{}{}",
        if threads > 1 { format!("pools={threads}") } else { "pools=none:wpp=0".to_owned() },
        if settings.adaptive_quantisation == Some(false) { ":aq-mode=0" } else { "" },
    );
    mapping.note(setting::RATE_CONTROL, "option-string", "strict-cbr=1");
    mapping.note(setting::BUFFER, "option-string", format!("vbv-bufsize={buffer_kbits}"));
    if let Some(on) = settings.adaptive_quantisation {
        let mode = if on { "aq-mode=2, its default" } else { "aq-mode=0" };
        mapping.note(setting::ADAPTIVE, "option-string", mode);
    }
    mapping.must(setting::OPTIONS, &["option-string"], Value::Text(options));
    mapping.lacks(
        setting::RATE_CONTROL,
        settings.effective_rate_control() != RateControl::Constant,
        "in software the bitrate is constant, which is what IVS wants",
    );
    mapping.lacks(
        setting::B_FRAMES,
        settings.b_frames.is_some_and(|frames| frames > 0),
        "in software H.265 is made without B-frames",
    );
    let ahead = settings.lookahead_frames.is_some_and(|frames| frames > 0);
    mapping.lacks(setting::LOOKAHEAD, ahead, "with zero latency there is none");
    mapping.lacks(
        setting::MULTIPASS,
        settings.multipass.is_some_and(|multipass| multipass != Multipass::Off),
        "x265 has two passes only for files",
    );
    mapping.lacks(setting::PRE_ANALYSIS, settings.pre_analysis == Some(true), "x265 has no pre-analysis");
    mapping.lacks(
        setting::ADAPTIVE_STRENGTH,
        settings.quantisation_strength.is_some(),
        "the strength is in NVENC's measure",
    );
}
