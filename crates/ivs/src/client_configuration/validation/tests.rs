//! What is taken and what is not, member by member.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// Every member of the API reference's request syntax (GetClientConfiguration), with the values that its structures
/// give as examples where they do.
fn early() -> Value {
    json!({
        "authentication": "sk_us-west-2_EXAMPLE",
        "capabilities": {
            "cpu": { "logical_cores": 16, "name": "AMD Ryzen 7 7800X3D", "physical_cores": 8, "speed": 4200 },
            "gaming_features": { "game_dvr_enabled": false, "hags_enabled": true },
            "gpu": [{
                "dedicated_video_memory": 17_179_869_184_u64,
                "device_id": 9988,
                "driver_version": "560.35.03",
                "luid": "0",
                "model": "NVIDIA GeForce RTX 4080",
                "shared_system_memory": 1,
                "vendor_id": 4318,
            }],
            "memory": { "free": 21_474_836_480_u64, "total": 34_359_738_368_u64 },
            "system": {
                "arm": false, "arm_emulation": false, "bits": 64, "build": 22631, "name": "Windows", "release": "23H2",
                "revision": "4317", "version": "10.0",
            },
        },
        "client": { "name": "obs-studio", "version": "30.2.0", "supported_codecs": ["h264", "h265"] },
        "preferences": {
            "canvas_height": 1440, "canvas_width": 2560, "composition_gpu_index": 0,
            "framerate": { "denominator": 1, "numerator": 60 },
            "height": 1080, "maximum_streaming_bandwidth": 8000, "maximum_resolution": "FULL_HD",
            "maximum_video_tracks": 4, "vod_track_audio": true, "width": 1920,
        },
        "schema_version": "2024-06-04",
        "service": "IVS",
        "stream_attempt_start_time": "2024-03-25T15:10:34.489Z",
    })
}

/// What OBS Studio sends (obs-multitrack.md 1.4).
fn late() -> Value {
    json!({
        "service": "IVS", "schema_version": "2025-01-25",
        "authentication": "sk_us-west-2_EXAMPLEEXAMPLE_0123456789abcdef0123456789",
        "client": { "name": "obs-studio", "version": "32.2.1", "supported_codecs": ["h264", "h265", "av1"] },
        "capabilities": {
            "cpu": { "physical_cores": 8, "logical_cores": 16, "speed": 4200, "name": "AMD Ryzen 7 7800X3D" },
            "memory": { "total": 34_359_738_368_u64, "free": 21_474_836_480_u64 },
            "gaming_features": null,
            "system": {
                "version": "Linux 6.8.0 #45", "name": "Ubuntu", "build": 0, "release": "24.04", "revision": "",
                "bits": 64, "arm": false, "armEmulation": false,
            },
            "gpu": [{
                "model": "GeForce RTX 4070", "vendor_id": 4318, "device_id": 10118,
                "dedicated_video_memory": 12_878_610_432_u64, "shared_system_memory": 17_179_869_184_u64,
                "driver_version": "560.35.03",
            }],
        },
        "preferences": {
            "maximum_aggregate_bitrate": null, "maximum_video_tracks": null, "vod_track_audio": true,
            "composition_gpu_index": 0, "audio_samples_per_sec": 48000, "audio_channels": 2,
            "audio_max_buffering_ms": 960, "audio_fixed_buffering": false,
            "canvases": [{
                "width": 1920, "height": 1080, "canvas_width": 1920, "canvas_height": 1080,
                "framerate": { "numerator": 60, "denominator": 1 },
            }],
        },
    })
}

#[test]
fn the_documented_request_is_taken() {
    let received = validate(&early()).unwrap();
    assert_eq!(received.version, SchemaVersion::V2024_06_04);
    assert_eq!(received.authentication.expose(), "sk_us-west-2_EXAMPLE");
    assert!(received.unknown_fields.is_empty(), "{:?}", received.unknown_fields);
    assert_eq!(received.capabilities.gpus[0].device_id, 9988);
    assert_eq!(
        received.wish(),
        Wish {
            canvas: Size::new(1920, 1080).unwrap(),
            rate: FrameRate::FPS_60,
            max_tracks: Some(4),
            max_bitrate: Some(Kbps(8000)),
            max_resolution: Some(ResolutionClass::FullHd),
            codecs: vec![VideoCodec::Avc],
        }
    );
}

#[test]
fn what_obs_studio_sends_is_taken() {
    let received = validate(&late()).unwrap();
    assert_eq!(received.version, SchemaVersion::V2025_01_25);
    assert!(received.unknown_fields.is_empty(), "{:?}", received.unknown_fields);
    assert_eq!(received.client.supported_codecs, [VideoCodec::Avc, VideoCodec::Hevc]);
    assert_eq!((received.further_canvases, received.stream_attempt_start_time), (0, None));
    let mut two = late();
    let upright = json!({
        "width": 720, "height": 1280, "canvas_width": 1080, "canvas_height": 1920,
        "framerate": { "numerator": 60, "denominator": 1 },
    });
    two["preferences"]["canvases"].as_array_mut().unwrap().push(upright);
    assert_eq!(validate(&two).unwrap().further_canvases, 1);
}

/// Members that may be left out, and those that may be `null`, by the documents; arrays are in their first element.
const EARLY_MAY_MISS: &[&str] = &[
    "/preferences",
    "/client/supported_codecs",
    "/capabilities/cpu/logical_cores",
    "/capabilities/cpu/physical_cores",
    "/capabilities/cpu/speed",
    "/capabilities/gaming_features/game_dvr_enabled",
    "/capabilities/gaming_features/hags_enabled",
    "/capabilities/gpu/0/dedicated_video_memory",
    "/capabilities/gpu/0/luid",
    "/capabilities/gpu/0/shared_system_memory",
    "/capabilities/system/arm",
    "/capabilities/system/arm_emulation",
    "/capabilities/system/bits",
    "/preferences/composition_gpu_index",
    "/preferences/maximum_streaming_bandwidth",
    "/preferences/maximum_resolution",
    "/preferences/maximum_video_tracks",
    "/preferences/vod_track_audio",
];
const EARLY_MAY_BE_NULL: &[&str] = &[
    "/capabilities/gaming_features/game_dvr_enabled",
    "/capabilities/gaming_features/hags_enabled",
    "/preferences/maximum_streaming_bandwidth",
    "/preferences/maximum_resolution",
    "/preferences/maximum_video_tracks",
];
const LATE_MAY_MISS: &[&str] = &[
    "/client/supported_codecs",
    "/capabilities/gaming_features",
    "/capabilities/cpu/speed",
    "/capabilities/gpu/0/dedicated_video_memory",
    "/capabilities/gpu/0/shared_system_memory",
    "/preferences/maximum_aggregate_bitrate",
    "/preferences/maximum_video_tracks",
    "/preferences/vod_track_audio",
    "/preferences/composition_gpu_index",
];
const LATE_MAY_BE_NULL: &[&str] = &[
    "/capabilities/gaming_features",
    "/capabilities/cpu/speed",
    "/capabilities/cpu/name",
    "/capabilities/gpu",
    "/capabilities/gpu/0/driver_version",
    "/preferences/maximum_aggregate_bitrate",
    "/preferences/maximum_video_tracks",
    "/preferences/composition_gpu_index",
];

/// Pointers of all members, in and of objects and lists.
fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                into.push(format!("{at}/{name}"));
                pointers(value, &format!("{at}/{name}"), into);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), into);
            }
        }
        _ => {}
    }
}

fn all_pointers(value: &Value) -> Vec<String> {
    let mut into = Vec::new();
    pointers(value, "", &mut into);
    into
}

/// `/preferences/canvases/0/width` as a complaint has it.
fn path_of(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            let dot = if path.is_empty() { "" } else { "." };
            path.push_str(&format!("{dot}{part}"));
        }
    }
    path
}

fn without(body: &Value, pointer: &str) -> Value {
    let mut body = body.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    body
}

#[test]
fn what_must_be_there_is_missed() {
    for (body, may_miss) in [(early(), EARLY_MAY_MISS), (late(), LATE_MAY_MISS)] {
        for pointer in all_pointers(&body) {
            let verdict = validate(&without(&body, &pointer));
            if may_miss.contains(&pointer.as_str()) {
                assert!(verdict.is_ok(), "{pointer}: {verdict:?}");
            } else {
                let complaints = verdict.expect_err(&pointer);
                assert_eq!(complaints[0].path, path_of(&pointer));
                assert_eq!(complaints[0].found, "missing", "{pointer}");
            }
        }
    }
}

#[test]
fn wrong_types_are_told_by_their_path() {
    for (body, is_early) in [(early(), true), (late(), false)] {
        for pointer in all_pointers(&body) {
            let there = body.pointer(&pointer).unwrap();
            for other in
                [Value::Null, json!(true), json!(1.5), json!(-1), json!("?"), json!([7]), json!({"x": 1})]
            {
                let mut changed = body.clone();
                *changed.pointer_mut(&pointer).unwrap() = other.clone();
                let is_same_kind = core::mem::discriminant(there) == core::mem::discriminant(&other);
                // Texts without a form of their own, and objects, take any; numbers must be whole.
                if is_same_kind && !other.is_number() || there.is_null() && other.is_object() {
                    continue;
                }
                let may_be_null =
                    if is_early { EARLY_MAY_BE_NULL } else { LATE_MAY_BE_NULL }.contains(&pointer.as_str());
                if other.is_null() && may_be_null {
                    assert!(validate(&changed).is_ok(), "{pointer} null: {:?}", validate(&changed));
                    continue;
                }
                let complaints = validate(&changed).expect_err(&format!("{pointer} {other}"));
                assert!(
                    complaints.iter().any(|complaint| complaint.path.starts_with(&path_of(&pointer))),
                    "{pointer} {other}: {complaints:?}"
                );
            }
        }
    }
}

#[test]
fn values_out_of_their_range() {
    for (pointer, value) in [
        ("/service", json!("Twitch")),
        ("/schema_version", json!("2023-05-10")),
        ("/authentication", json!("")),
        ("/stream_attempt_start_time", json!("yesterday")),
        ("/stream_attempt_start_time", json!("2024-03-25")),
        ("/client/name", json!("")),
        ("/client/name", json!("n".repeat(129))),
        ("/client/supported_codecs/0", json!("vp9")),
        ("/client/supported_codecs/0", json!("av1")),
        ("/capabilities/cpu/logical_cores", json!(0)),
        ("/capabilities/cpu/speed", json!(0)),
        ("/capabilities/memory/free", json!(0)),
        ("/capabilities/system/bits", json!(48)),
        ("/capabilities/gpu/0/driver_version", json!("")),
        ("/capabilities/gpu/0/dedicated_video_memory", json!(0)),
        ("/capabilities/gpu/0/vendor_id", json!(4_294_967_296_u64)),
        ("/preferences/width", json!(2562)),
        ("/preferences/height", json!(1442)),
        ("/preferences/canvas_width", json!(0)),
        ("/preferences/maximum_resolution", json!("UHD")),
        ("/preferences/framerate/denominator", json!(0)),
        ("/preferences/maximum_video_tracks", json!(2.0)),
    ] {
        let mut body = early();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        let complaints = validate(&body).expect_err(&format!("{pointer} {value}"));
        assert_eq!(complaints[0].path, path_of(pointer), "{value}");
    }
    let mut body = late();
    body["preferences"]["canvases"] = json!([]);
    assert_eq!(validate(&body).unwrap_err()[0].expected, "a list of at least one canvas");
    let mut body = late();
    body["preferences"]["audio_samples_per_sec"] = json!(96_000);
    assert_eq!(validate(&body).unwrap_err()[0].path, "preferences.audio_samples_per_sec");
}

#[test]
fn times_of_rfc_3339() {
    for (time, is_one) in [
        ("2024-03-25T15:10:34.489Z", true),
        ("2024-03-25T15:10:34Z", true),
        ("2024-03-25T16:10:34.489+01:00", true),
        ("2024-03-25t16:10:34-09:30", true),
        ("2024-03-25T16:10:34", false),
        ("2024-03-25T16:10:34+01", false),
        ("2024-03-25T16:10:34+24:00", false),
        ("2024-02-30T16:10:34Z", false),
        ("2024-03-25 16:10:34Z", false),
        ("ü+01:00", false),
    ] {
        let mut body = early();
        body["stream_attempt_start_time"] = json!(time);
        assert_eq!(validate(&body).is_ok(), is_one, "{time}");
    }
}

/// The service takes the rate as a request and refuses it with a message (the guide, "Handling Warnings and Errors").
#[test]
fn a_rate_that_is_not_served_is_no_wrong_request() {
    let mut body = early();
    body["preferences"]["framerate"] = json!({ "numerator": 60_000, "denominator": 1001 });
    let wish = validate(&body).unwrap().wish();
    assert!(matches!(crate::ladder::grant(&wish), Err(crate::ladder::LadderRefusal::FrameRate { .. })));
    body["preferences"]["framerate"] = json!({ "numerator": 1000, "denominator": 1 });
    assert_eq!(validate(&body).unwrap_err()[0].path, "preferences.framerate");
}

#[test]
fn unknown_members_are_told_and_taken() {
    let mut body = late();
    body["preferences"]["canvases"][0]["depth"] = json!(10);
    body["armour"] = json!({ "a": 1 });
    body["capabilities"]["system"]["arm_emulation"] = json!(false);
    let unknown = validate(&body).unwrap().unknown_fields;
    assert_eq!(unknown, ["capabilities.system.arm_emulation", "preferences.canvases[0].depth", "armour"]);
}

#[test]
fn complaints_never_repeat_a_value() {
    let mut body = early();
    body["authentication"] = json!(["sk_us-west-2_EXAMPLE"]);
    body["client"]["name"] = json!({ "sk_us-west-2_EXAMPLE": 1 });
    let complaints = validate(&body).unwrap_err();
    let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "authentication is a list, not a stream key",
            "client.name is an object, not a text of 1 to 128 characters"
        ]
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[a-z_]{0,6}",
        prop::sample::select(vec![
            "preferences",
            "canvases",
            "client",
            "capabilities",
            "framerate",
            "gpu",
            "width"
        ])
        .prop_map(String::from)
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn anything_is_answered(body in any_json()) {
        prop_assert!(validate(&body).is_err_and(|complaints| !complaints.is_empty()));
    }

    /// One value anywhere exchanged for any other: taken or complained of, never lost.
    #[test]
    fn one_changed_value(is_early in any::<bool>(), at in any::<prop::sample::Index>(), other in any_json()) {
        let mut body = if is_early { early() } else { late() };
        let pointers = all_pointers(&body);
        *body.pointer_mut(at.get(&pointers[..]).as_str()).unwrap() = other;
        if let Err(complaints) = validate(&body) {
            prop_assert!(!complaints.is_empty());
        }
    }
}
