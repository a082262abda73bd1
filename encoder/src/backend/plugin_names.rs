//! Whether the names in the table are those of the plugins that are shipped on Windows. Hardware encoders register no
//! element where their hardware is missing, so what a plugin would call things is looked for in its bytes: a name that
//! is nowhere in a plugin can not be a property or a value of its elements. That it is one, and of which element, only
//! the hardware shows; there the run-time self-test decides.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gstreamer as gst;
use units::{FrameRate, Size, TrackId, VideoProfile};

use super::*;
use crate::rendition::{LatencyTuning, Multipass, Preset, RateControl};

/// The plugin that makes the elements of each family.
const PLUGINS: [(BackendKind, &str); 4] = [
    (BackendKind::Nvenc, "gstnvcodec.dll"),
    (BackendKind::Amf, "gstamfcodec.dll"),
    (BackendKind::QuickSync, "gstqsv.dll"),
    (BackendKind::MediaFoundation, "gstmediafoundation.dll"),
];

/// Where GStreamer's own plugins are.
fn folder() -> PathBuf {
    gst::init().unwrap();
    let core = gst::Registry::get().find_plugin("coreelements").expect("GStreamer has its core elements");
    core.filename().unwrap().parent().unwrap().to_owned()
}

/// The texts of a plugin: what stands between two zero bytes.
fn texts(plugin: &str) -> BTreeSet<Vec<u8>> {
    let path = folder().join(plugin);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.split(|byte| *byte == 0).filter(|text| (1..64).contains(&text.len())).map(<[u8]>::to_vec).collect()
}

/// Settings that lead through every branch of the tables.
fn configurations() -> Vec<RenditionConfig> {
    let mut all = Vec::new();
    for step in 1..=7 {
        for tuning in [LatencyTuning::Zero, LatencyTuning::Low, LatencyTuning::Quality] {
            for multipass in [Multipass::Off, Multipass::Quarter, Multipass::Full] {
                for (rate_control, on) in
                    [(RateControl::Constant, true), (RateControl::Variable { most: Some(Kbps(8000)) }, false)]
                {
                    let size = Size::new(1280, 720).unwrap();
                    let mut config =
                        RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_60, Kbps(6000));
                    config.settings.preset = Some(Preset::new(step));
                    config.settings.tuning = Some(tuning);
                    config.settings.multipass = Some(multipass);
                    config.settings.rate_control = Some(rate_control);
                    config.settings.lookahead_frames = Some(8);
                    config.settings.adaptive_quantisation = Some(on);
                    config.settings.pre_analysis = Some(true);
                    config.settings.b_frames = Some(2);
                    all.push(config.clone());
                    (config.codec, config.profile) = (VideoCodec::Hevc, VideoProfile::Main);
                    all.push(config);
                }
            }
        }
    }
    all
}

#[test]
fn every_property_and_value_of_the_table_is_in_the_plugin() {
    for (kind, plugin) in PLUGINS {
        let texts = texts(plugin);
        let has = |name: &str| texts.contains(name.as_bytes());
        assert!(!has("no-such-property"), "a sign that the test looks");
        for config in configurations() {
            let element = kind.element_for(config.codec).unwrap();
            // Media Foundation puts its elements' names together when it registers them.
            assert!(has(element) || kind == BackendKind::MediaFoundation, "{plugin} makes no {element}");
            for assignment in map(kind, &config, 2).assignments {
                let (names, setting) = (assignment.names, assignment.setting);
                assert!(names.iter().any(|name| has(name)), "{plugin} has none of {names:?} for {setting}");
                if let Value::Nick(nicks) = assignment.value {
                    assert!(
                        nicks.iter().any(|nick| has(nick)),
                        "{plugin} has none of {nicks:?} for {names:?}"
                    );
                }
            }
        }
    }
}
