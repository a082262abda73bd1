use units::{FrameRate, Size, Span, TrackId};

use super::*;
use crate::rendition::{LatencyTuning, Multipass, VideoSettings};

fn config() -> RenditionConfig {
    let size = Size::new(1280, 720).unwrap();
    RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_30, Kbps(6000))
}

fn value<'a>(mapping: &'a Mapping, property: &str) -> Option<&'a Value> {
    mapping.assignments.iter().find(|a| a.names.contains(&property)).map(|a| &a.value)
}

#[test]
fn every_back_end_gets_the_true_bitrate_in_its_own_unit() {
    for (kind, expected) in [
        (BackendKind::Nvenc, 5859),
        (BackendKind::Amf, 6000),
        (BackendKind::QuickSync, 6000),
        (BackendKind::MediaFoundation, 5859),
        (BackendKind::X264, 6000),
        (BackendKind::X265, 6000),
        (BackendKind::OpenH264, 6_000_000),
    ] {
        assert_eq!(value(&map(kind, &config(), 2), "bitrate"), Some(&Value::Number(expected)), "{kind}");
    }
}

#[test]
fn every_back_end_is_told_constant_bitrate() {
    for kind in FALLBACK_ORDER.into_iter().filter(|kind| *kind != BackendKind::X265) {
        let mapping = map(kind, &config(), 2);
        let mode = mapping.assignments.iter().find(|a| a.setting == "rate control").unwrap();
        assert!(mode.required, "{kind}");
        let nick: &[&str] = if kind == BackendKind::OpenH264 { &["bitrate"] } else { &["cbr"] };
        assert_eq!(
            mode.value,
            Value::Nick(match nick {
                ["cbr"] => &["cbr"],
                _ => &["bitrate"],
            }),
            "{kind}"
        );
    }
}

#[test]
fn buffers_are_a_second_at_most_and_in_the_right_unit() {
    let mut config = config();
    assert_eq!(value(&map(BackendKind::Nvenc, &config, 2), "vbv-buffer-size"), Some(&Value::Number(5859)));
    assert_eq!(
        value(&map(BackendKind::MediaFoundation, &config, 2), "vbv-buffer-size"),
        Some(&Value::Number(750_000))
    );
    config.settings.buffer = Some(Span::from_secs(5));
    assert_eq!(value(&map(BackendKind::X264, &config, 2), "vbv-buf-capacity"), Some(&Value::Number(1000)));
    let Some(Value::Text(options)) = value(&map(BackendKind::X265, &config, 2), "option-string").cloned()
    else {
        panic!("no options")
    };
    assert!(
        options.starts_with("vbv-maxrate=6000:vbv-bufsize=6000:strict-cbr=1:scenecut=0:open-gop=0:"),
        "{options}"
    );
}

#[test]
fn what_an_element_can_not_do_is_said() {
    let mut config = config();
    config.settings = VideoSettings {
        tuning: Some(LatencyTuning::Quality),
        b_frames: Some(2),
        lookahead_frames: Some(8),
        adaptive_quantisation: Some(true),
        multipass: Some(Multipass::Quarter),
        ..VideoSettings::default()
    };
    let lacking_with = |kind, config: &RenditionConfig| {
        let mapping = map(kind, config, 2);
        mapping.not_honoured.into_iter().map(|lack| lack.setting).collect::<Vec<_>>()
    };
    let lacking = |kind| lacking_with(kind, &config);
    assert!(lacking(BackendKind::NvencDirect).is_empty());
    assert!(lacking(BackendKind::Nvenc).is_empty());
    assert_eq!(lacking(BackendKind::X264), ["multipass"]);
    assert!(lacking(BackendKind::Amf).is_empty());
    let mut blind = config.clone();
    blind.settings.lookahead_frames = None;
    assert_eq!(lacking_with(BackendKind::Amf, &blind), ["adaptive quantisation"], "it looks at nothing");
    blind.settings.adaptive_quantisation = Some(false);
    blind.settings.b_frames = Some(4);
    assert_eq!(lacking_with(BackendKind::Amf, &blind), ["B-frames"]);
    assert_eq!(lacking(BackendKind::QuickSync), ["lookahead", "adaptive quantisation", "multipass"]);
    assert_eq!(
        lacking(BackendKind::OpenH264),
        ["profile", "rate control", "B-frames", "lookahead", "multipass"]
    );
    assert_eq!(value(&map(BackendKind::Nvenc, &config, 2), "bframes"), Some(&Value::Number(2)));
}

#[test]
fn intel_counts_idrs_in_two_ways() {
    let mut config = config();
    assert_eq!(value(&map(BackendKind::QuickSync, &config, 2), "idr-interval"), Some(&Value::Number(0)));
    (config.codec, config.profile) = (VideoCodec::Hevc, VideoProfile::Main);
    assert_eq!(value(&map(BackendKind::QuickSync, &config, 2), "idr-interval"), Some(&Value::Number(1)));
}

#[test]
fn amd_adapts_by_what_it_looks_at() {
    let mut config = config();
    config.settings.lookahead_frames = Some(8);
    config.settings.adaptive_quantisation = Some(true);
    let mapping = map(BackendKind::Amf, &config, 2);
    assert_eq!(value(&mapping, "pre-analysis"), Some(&Value::Flag(true)));
    assert_eq!(value(&mapping, "pa-paq-mode"), Some(&Value::Nick(&["caq"])));
    assert_eq!(value(&mapping, "pa-taq-mode"), Some(&Value::Nick(&["mode1"])));
    assert_eq!(value(&mapping, "pa-scene-change-detection"), Some(&Value::Flag(false)));
}

#[test]
fn zero_latency_never_reorders() {
    let mut config = config();
    config.settings.b_frames = Some(2);
    for kind in FALLBACK_ORDER {
        let mapping = map(kind, &config, 2);
        for property in ["b-frames", "bframes"] {
            assert!(matches!(value(&mapping, property), None | Some(Value::Number(0))), "{kind}");
        }
    }
}

#[test]
fn software_threads_follow_the_picture_rate() {
    let mut config = config();
    assert_eq!(software_threads(&config, 2), 1);
    config.size = Size::new(1920, 1080).unwrap();
    config.rate = FrameRate::FPS_60;
    assert_eq!(software_threads(&config, 2), 2);
    assert_eq!(software_threads(&config, 16), 3);
    config.settings.threads = Some(5);
    assert_eq!(software_threads(&config, 2), 5);
}

#[test]
fn elements_and_back_ends_name_each_other() {
    for kind in FALLBACK_ORDER {
        assert_eq!(BackendKind::from_element(kind.element()), Some(kind));
        for element in CODECS.into_iter().filter_map(|codec| kind.element_for(codec)) {
            assert_eq!(BackendKind::from_element(element), Some(kind));
        }
    }
    assert_eq!(BackendKind::X265.element(), "x265enc");
    assert_eq!(BackendKind::from_element("nvenc"), Some(BackendKind::NvencDirect));
    assert_eq!(BackendKind::from_element("theoraenc"), None);
}
