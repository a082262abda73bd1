//! Whatever is asked arrives at the driver, or is reported as not honoured; and nothing that is asked makes a call that
//! a driver refuses.

use encoder::{
    Applied, BReference, EncoderGroup, LatencyTuning, Multipass, Preset, RateControl, RenditionConfig,
    VideoSettings,
};
use proptest::prelude::*;
use units::{FrameRate, Kbps, Span, VideoProfile};

use crate::fake::Fake;
use crate::show::{hevc, rendition};
use crate::support::clock;

fn settings() -> impl Strategy<Value = VideoSettings> {
    let tuning =
        prop_oneof![Just(LatencyTuning::Zero), Just(LatencyTuning::Low), Just(LatencyTuning::Quality)];
    let multipass = prop_oneof![Just(Multipass::Off), Just(Multipass::Quarter), Just(Multipass::Full)];
    let reference = prop_oneof![Just(BReference::Each), Just(BReference::Middle)];
    let rate = prop_oneof![
        Just(RateControl::Constant),
        proptest::option::of((50u32..20_000).prop_map(Kbps)).prop_map(|most| RateControl::Variable { most }),
    ];
    let option = |strategy| proptest::option::of(strategy);
    let first = (
        proptest::option::of((0u8..9).prop_map(Preset::new)),
        proptest::option::of(rate),
        proptest::option::of(tuning),
        option(0u8..6),
        proptest::option::of(reference),
        proptest::option::of(0u16..40),
    );
    let second = (
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<bool>()),
        option(0u8..20),
        proptest::option::of(multipass),
        proptest::option::of((50i64..2000).prop_map(Span::from_millis)),
    );
    (first, second).prop_map(|(first, second)| {
        let (preset, rate_control, tuning, b_frames, b_reference, lookahead_frames) = first;
        let (adaptive_quantisation, temporal_quantisation, quantisation_strength, multipass, buffer) = second;
        VideoSettings {
            preset,
            rate_control,
            tuning,
            b_frames,
            b_reference,
            lookahead_frames,
            adaptive_quantisation,
            temporal_quantisation,
            quantisation_strength,
            multipass,
            buffer,
            ..VideoSettings::default()
        }
    })
}

/// The number of a word in the header.
fn number(value: &str) -> i64 {
    match value {
        "true" | "vbr" | "quarter-resolution" | "high-quality" | "each" => 1,
        "cbr" | "full-resolution" | "low-latency" | "middle" => 2,
        "ultra-low-latency" => 3,
        "false" | "disabled" => 0,
        "infinite" => i64::from(u32::MAX),
        other => other.trim_start_matches('P').parse().unwrap(),
    }
}

/// What a report says was passed on has arrived, and no setting is in neither list.
fn check(fake: &Fake, config: &RenditionConfig, applied: &Applied) -> Result<(), TestCaseError> {
    for honoured in applied.honoured.iter().filter(|honoured| honoured.property != "profile") {
        let arrived = fake.figure(&honoured.property);
        prop_assert_eq!(arrived, number(&honoured.value), "{:?}", honoured);
    }
    let said = |setting: &str| {
        applied.honoured.iter().any(|entry| entry.setting == setting)
            || applied.not_honoured.iter().any(|entry| entry.setting == setting)
    };
    let asked = &config.settings;
    let wanted = [
        ("bitrate", true),
        ("rate control", true),
        ("rate control buffer", true),
        ("keyframe interval", true),
        ("preset", true),
        ("latency tuning", true),
        ("B-frames", true),
        ("references of B-frames", asked.b_reference.is_some()),
        ("lookahead", asked.lookahead_frames.is_some()),
        ("adaptive quantisation", asked.adaptive_quantisation.is_some()),
        ("adaptive quantisation strength", asked.adaptive_quantisation.is_some()),
        ("multipass", asked.multipass.is_some()),
        ("no scene-cut IDRs", true),
        ("repeated headers", true),
    ];
    for (setting, _) in wanted.into_iter().filter(|(_, asked)| *asked) {
        prop_assert!(said(setting), "nothing is said of {}", setting);
    }
    Ok(())
}

#[test]
fn whatever_is_asked_arrives_or_is_reported_whatever_the_chip_can_do() {
    let fake = Fake::install();
    let chip = (0i64..5, 0i64..4, any::<bool>(), any::<bool>(), any::<bool>());
    let strategy = (settings(), any::<bool>(), 0usize..3, chip);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(150));
    runner
        .run(&strategy, |(settings, is_hevc, profile, chip)| {
            let mut config = if is_hevc { hevc(0, 160, 90) } else { rendition(0, 160, 90) };
            if !is_hevc {
                config.profile =
                    [VideoProfile::ConstrainedBaseline, VideoProfile::Main, VideoProfile::High][profile];
            }
            config.settings = settings;
            let (b_frames, references, looks, temporal, own_buffer) = chip;
            for (capability, value) in [
                (0, b_frames),
                (43, references),
                (37, i64::from(looks)),
                (38, i64::from(temporal)),
                (26, i64::from(own_buffer)),
            ] {
                fake.wish(&format!("caps.{capability}"), value);
            }
            let started = EncoderGroup::start(FrameRate::FPS_30, vec![config.clone()], clock());
            let (group, _receiver) = started.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let applied = group.reports()[0].applied.clone();
            check(&fake, &config, &applied)?;
            drop(group);
            prop_assert_eq!(fake.faults(), "");
            Ok(())
        })
        .unwrap();
    fake.assert_clean();
}
