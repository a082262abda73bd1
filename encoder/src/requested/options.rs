//! Options within a setting: `opts` of NVENC and `x264opts`, both lists of `name=value`.

use units::Span;

use super::{Interpretation, InterpretedKey, Meaning, SettingValue};
use crate::backend::setting;

/// Options of x264 that change how well a picture is coded, and nothing that renditions must have in common: neither
/// the rate, nor the kinds and the order of pictures, nor what a decoder must be able to do.
const X264_HARMLESS: &[&str] = &[
    "8x8dct",
    "aq-mode",
    "aq-strength",
    "b-bias",
    "chroma-me",
    "chroma-qp-offset",
    "dct-decimate",
    "deadzone-inter",
    "deadzone-intra",
    "deblock",
    "direct",
    "fast-pskip",
    "ipratio",
    "me",
    "merange",
    "mixed-refs",
    "mbtree",
    "nr",
    "partitions",
    "psy",
    "psy-rd",
    "qblur",
    "qcomp",
    "qpmax",
    "qpmin",
    "qpstep",
    "ratetol",
    "ref",
    "subme",
    "subq",
    "trellis",
    "weightb",
    "weightp",
];

/// Names and values: separated by spaces, commas or colons, as both encoders of OBS take them.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split([' ', ':', '\n', '\t'])
        .filter(|option| !option.is_empty())
        // x264 takes an option without a value for one that is switched on.
        .map(|option| option.split_once('=').unwrap_or((option, "1")))
}

fn key(prefix: &str, name: &str, value: &str, meaning: Meaning) -> InterpretedKey {
    InterpretedKey { key: format!("{prefix}: {name}"), value: SettingValue::Text(value.to_owned()), meaning }
}

pub(super) fn nvenc(to: &mut Interpretation, text: &str) -> Vec<InterpretedKey> {
    let read = |(name, value): (&str, &str)| key("opts", name, value, nvenc_option(to, name, value));
    pairs(text).map(read).collect()
}

fn nvenc_option(to: &mut Interpretation, name: &str, value: &str) -> Meaning {
    let number = value.parse::<u32>().ok();
    let unreadable = || Meaning::NotHonoured(format!("“{value}” is not a number"));
    let settings = &mut to.settings;
    match (name, number) {
        ("lookaheadDepth", Some(frames)) => {
            let frames = u16::try_from(frames).unwrap_or(u16::MAX);
            // It says how far, `lookahead` says whether.
            if settings.lookahead_frames == Some(0) {
                return Meaning::Kept("without effect, lookahead is off");
            }
            settings.lookahead_frames = Some(frames);
            Meaning::Setting(setting::LOOKAHEAD)
        }
        ("aqStrength", Some(strength)) => {
            settings.quantisation_strength = Some(u8::try_from(strength.clamp(1, 15)).unwrap_or(15));
            Meaning::Setting(setting::ADAPTIVE_STRENGTH)
        }
        ("enableAQ", Some(on)) => {
            settings.adaptive_quantisation = Some(on != 0);
            Meaning::Setting(setting::ADAPTIVE)
        }
        ("enableTemporalAQ", Some(on)) => {
            settings.temporal_quantisation = Some(on != 0);
            Meaning::Setting(setting::ADAPTIVE)
        }
        ("vbvBufferSize", Some(bits)) => {
            let Some(bitrate) = to.bitrate else { return unreadable() };
            let ms = bits / bitrate.0.max(1);
            to.settings.buffer = Some(Span::from_millis(i64::from(ms.min(1000))));
            Meaning::Setting(setting::BUFFER)
        }
        ("lookaheadDepth" | "aqStrength" | "enableAQ" | "enableTemporalAQ" | "vbvBufferSize", None) => {
            unreadable()
        }
        _ => Meaning::NotHonoured("it is not among the options that are passed on".to_owned()),
    }
}

pub(super) fn x264(to: &mut Interpretation, text: &str) -> Vec<InterpretedKey> {
    let read = |(name, value): (&str, &str)| key("x264opts", name, value, x264_option(to, name, value));
    pairs(text).map(read).collect()
}

fn x264_option(to: &mut Interpretation, name: &str, value: &str) -> Meaning {
    let settings = &mut to.settings;
    let number = value.parse::<u16>().ok();
    match (name, number) {
        ("rc-lookahead" | "rc_lookahead", Some(frames)) => {
            settings.lookahead_frames = Some(frames);
            return Meaning::Setting(setting::LOOKAHEAD);
        }
        ("bframes", Some(frames)) => {
            settings.b_frames = Some(u8::try_from(frames).unwrap_or(u8::MAX));
            return Meaning::Setting(setting::B_FRAMES);
        }
        ("threads", Some(threads)) if threads > 0 => {
            settings.threads = Some(threads);
            return Meaning::Setting(setting::THREADS);
        }
        ("scenecut", Some(0)) | ("open-gop" | "open_gop", Some(0)) => {
            return Meaning::Kept("always so");
        }
        _ => {}
    }
    let is_plain = |text: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '+' | ',' | '_'))
    };
    if X264_HARMLESS.contains(&name) && is_plain(value) {
        settings.x264_options.push((name.to_owned(), value.to_owned()));
        return Meaning::Setting(setting::OPTIONS);
    }
    let reason =
        "it could change the rate, or when which kind of picture comes, which all renditions have in common";
    Meaning::NotHonoured(reason.to_owned())
}
