use std::net::SocketAddr;
use std::sync::Arc;

use ivs::{MultitrackInput, ResolutionClass, Rules};
use proptest::prelude::*;
use serde_json::Value;
use testkit::VirtualClock;
use units::{MediaTime, Secret};

use super::*;
use crate::config::{IngestConfig, StreamKey};
use crate::event_log::EventLog;
use crate::inquiry::InquiryLog;
use crate::stream_keys::StreamKeys;

const KEY: &str = "sk_us-west-2_OnlyInThisTest1234";

fn service() -> Service {
    let maximum_resolution = ResolutionClass::FullHd;
    let rules = Rules { multitrack: MultitrackInput::Allow { maximum_resolution }, ..Rules::default() };
    let config = IngestConfig { rules, offers_hevc: true, ..IngestConfig::default() };
    let keys = StreamKeys::new(vec![StreamKey::lasting(Secret::new(KEY))]);
    let events = EventLog::new(config.channel.clone(), None, MediaTime::ZERO).unwrap();
    let logs = (events, InquiryLog::new(None).unwrap());
    Service::new(Arc::new(VirtualClock::new()), config, keys, logs, Addresses::default())
}

fn request() -> Value {
    json!({
        "service": "IVS", "schema_version": "2025-01-25", "authentication": KEY,
        "client": { "name": "test", "version": "1", "supported_codecs": ["h265", "h264"] },
        "capabilities": {
            "cpu": { "physical_cores": 2, "logical_cores": 4, "speed": null, "name": null },
            "memory": { "total": 8_000_000_000u64, "free": 4_000_000_000u64 },
            "gaming_features": null,
            "system": {
                "version": "6.8", "name": "Debian", "build": 0, "release": "13", "revision": "", "bits": 64,
                "arm": false, "armEmulation": false,
            },
            "gpu": [{ "model": "A card", "vendor_id": 4318, "device_id": 1, "driver_version": null }],
        },
        "preferences": {
            "maximum_aggregate_bitrate": null, "maximum_video_tracks": null, "vod_track_audio": true,
            "composition_gpu_index": 0, "audio_samples_per_sec": 48_000, "audio_channels": 2,
            "audio_max_buffering_ms": 960, "audio_fixed_buffering": false,
            "canvases": [{
                "width": 1920, "height": 1080, "canvas_width": 1920, "canvas_height": 1080,
                "framerate": { "numerator": 60, "denominator": 1 },
            }],
        },
    })
}

fn ask(body: &[u8]) -> (Said, InquiryReport) {
    let service = service();
    let mut report = InquiryReport::new("/", SocketAddr::from(([127, 0, 0, 1], 1)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let said = runtime.block_on(answer(body, &ConfigurationFaults::default(), &mut report, &service));
    (said, report)
}

#[test]
fn a_second_mix_of_sound_is_granted_to_those_who_ask() {
    let (said, report) = ask(request().to_string().as_bytes());
    let answer = ClientConfiguration::parse(&said.body).unwrap();
    assert_eq!((answer.live_audio.len(), answer.vod_audio.len()), (1, 1));
    assert_eq!(answer.encoder_configurations[0].codec, Some(VideoCodec::Hevc), "{report:?}");
    assert_eq!(answer.unknown_fields, Vec::<String>::new());
}

/// Paths to every value of a request.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found));
        }
        Value::Array(elements) => {
            let numbered = elements.iter().enumerate();
            numbered.for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        (0u64..4000).prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(KEY)),
        ".{0,12}".prop_map(|text| json!(text)),
        Just(json!([])),
        Just(json!({ "numerator": 1, "denominator": 0 })),
    ]
}

proptest! {
    /// Whatever stands in a request: it is answered or turned away, what is granted can be read, and the key is in no
    /// report.
    #[test]
    fn any_value_anywhere_ends_in_an_answer(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any_value()), 0..4),
    ) {
        let mut body = request();
        for (at, value) in changes {
            let mut found = Vec::new();
            pointers(&body, "", &mut found);
            if let Some(place) = body.pointer_mut(&found[at.index(found.len())]) {
                *place = value;
            }
        }
        let (said, report) = ask(body.to_string().as_bytes());
        prop_assert!(!serde_json::to_string(&report).unwrap().contains(KEY), "{report:?}");
        match said.status {
            StatusCode::OK => {
                let answer = ClientConfiguration::parse(&said.body).unwrap();
                let is_refusal = matches!(answer.status, Status::Error(_));
                prop_assert_eq!(report.outcome == InquiryOutcome::Refused, is_refusal);
                prop_assert_eq!(answer.encoder_configurations.is_empty(), is_refusal);
                prop_assert_eq!(answer.ingest_endpoints.iter().all(|place| place.authentication.is_none()), is_refusal);
            }
            status => {
                prop_assert_eq!(status, StatusCode::BAD_REQUEST);
                prop_assert!(said.body.is_empty() && !report.complaints.is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_end_in_an_answer(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(ask(&body).0.status, StatusCode::BAD_REQUEST);
    }
}
