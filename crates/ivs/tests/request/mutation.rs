//! Each member of a request, changed to what it must not be.

use ivs::client_configuration::SchemaVersion;
use serde_json::{Value, json};

/// A changed request.
pub(crate) struct Mutation {
    pub(crate) what: String,
    /// Where a validator must find fault.
    pub(crate) blamed: String,
    pub(crate) body: Value,
}

/// Members that may be `null`. A star stands for any element or member.
const NULLABLE_2024: &[&str] = &[
    "/capabilities/gaming_features/*",
    "/preferences/maximum_streaming_bandwidth",
    "/preferences/maximum_resolution",
    "/preferences/maximum_video_tracks",
];
const NULLABLE_2025: &[&str] = &[
    "/capabilities/cpu/name",
    "/capabilities/cpu/speed",
    "/capabilities/gaming_features",
    "/capabilities/gaming_features/*",
    "/capabilities/gpu/*/driver_version",
    "/preferences/composition_gpu_index",
    "/preferences/maximum_aggregate_bitrate",
    "/preferences/maximum_video_tracks",
];

/// Members that may be left out.
const OPTIONAL_2024: &[&str] = &[
    "/client/supported_codecs",
    "/capabilities/cpu/logical_cores",
    "/capabilities/cpu/physical_cores",
    "/capabilities/cpu/speed",
    "/capabilities/gaming_features/*",
    "/capabilities/gpu/*/dedicated_video_memory",
    "/capabilities/gpu/*/luid",
    "/capabilities/gpu/*/shared_system_memory",
    "/capabilities/system/arm",
    "/capabilities/system/arm_emulation",
    "/capabilities/system/bits",
    "/preferences/composition_gpu_index",
    "/preferences/maximum_resolution",
    "/preferences/maximum_streaming_bandwidth",
    "/preferences/maximum_video_tracks",
    "/preferences/vod_track_audio",
];
const OPTIONAL_2025: &[&str] = &[
    "/stream_attempt_start_time",
    "/capabilities/gpu/*/dedicated_video_memory",
    "/capabilities/gpu/*/shared_system_memory",
    "/preferences/maximum_resolution",
];

fn is_among(pointer: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| {
        pattern.split('/').count() == pointer.split('/').count()
            && pattern
                .split('/')
                .zip(pointer.split('/'))
                .all(|(pattern, part)| pattern == "*" || pattern == part)
    })
}

/// `/a/0/b` as `$.a[0].b`.
fn json_path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::from("$"), |path, part| {
        if part.parse::<usize>().is_ok() { format!("{path}[{part}]") } else { format!("{path}.{part}") }
    })
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Every node of `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

/// Values of other types; for a number also one with a fraction.
fn wrong(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!({})],
        Value::Bool(flag) => vec![json!(flag.to_string()), json!(i32::from(*flag))],
        Value::Number(number) => {
            vec![json!(number.to_string()), json!(number.as_f64().unwrap() + 0.5), json!(-1)]
        }
        Value::String(_) => vec![json!(7), json!([])],
        Value::Array(_) => vec![json!({}), json!("none")],
        Value::Object(_) => vec![json!([]), json!("none")],
    }
}

/// Each node with another type, as `null`, and left out; and each object with a member too many.
pub(crate) fn mutations(whole: &Value, version: SchemaVersion) -> Vec<Mutation> {
    let (nullable, optional) = match version {
        SchemaVersion::V2024_06_04 => (NULLABLE_2024, OPTIONAL_2024),
        SchemaVersion::V2025_01_25 => (NULLABLE_2025, OPTIONAL_2025),
    };
    let mut found = Vec::new();
    pointers(whole, "", &mut found);
    let mut mutations = Vec::new();
    for pointer in &found {
        let value = whole.pointer(pointer).unwrap();
        let mut replacements = wrong(value);
        if !is_among(pointer, nullable) {
            replacements.push(Value::Null);
        }
        for replacement in replacements {
            mutations.push(replaced(whole, pointer, replacement));
        }
        if value.is_object() {
            let mut body = whole.clone();
            body.pointer_mut(pointer).unwrap()["unheard_of"] = json!(1);
            let what = format!("a member too many in {pointer}");
            mutations.push(Mutation { what, blamed: json_path(pointer), body });
        }
        let holder = parent(pointer);
        if !pointer.is_empty() && !is_among(pointer, optional) && whole.pointer(holder).unwrap().is_object() {
            let mut body = whole.clone();
            let name = pointer.rsplit('/').next().unwrap();
            body.pointer_mut(holder).unwrap().as_object_mut().unwrap().remove(name);
            mutations.push(Mutation { what: format!("{pointer} left out"), blamed: json_path(holder), body });
        }
    }
    mutations
}

fn replaced(whole: &Value, pointer: &str, with: Value) -> Mutation {
    let mut body = whole.clone();
    let what = format!("{pointer} as {with}");
    *body.pointer_mut(pointer).unwrap() = with;
    Mutation { what, blamed: json_path(pointer), body }
}

/// Values of the right type that are out of range.
pub(crate) fn scripted(whole: &Value, version: SchemaVersion) -> Vec<Mutation> {
    let canvas = match version {
        SchemaVersion::V2024_06_04 => "/preferences",
        SchemaVersion::V2025_01_25 => "/preferences/canvases/0",
    };
    let other = SchemaVersion::ALL.into_iter().find(|other| *other != version).unwrap();
    let mut changes: Vec<(String, Value)> = [
        ("/authentication", json!("")),
        ("/service", json!("Twitch")),
        ("/schema_version", json!(other.name())),
        ("/schema_version", json!("2023-05-10")),
        ("/stream_attempt_start_time", json!("yesterday")),
        ("/stream_attempt_start_time", json!("2026-11-21T10:57:50")),
        ("/stream_attempt_start_time", json!("2026-13-21T10:57:50Z")),
        ("/client/name", json!("")),
        ("/client/name", json!("x".repeat(129))),
        ("/client/version", json!("")),
        ("/client/supported_codecs", json!([])),
        ("/client/supported_codecs", json!(["h264", "h264"])),
        ("/client/supported_codecs/0", json!("avc1")),
        ("/capabilities/cpu/logical_cores", json!(0)),
        ("/capabilities/cpu/physical_cores", json!(0)),
        ("/capabilities/cpu/speed", json!(0)),
        ("/capabilities/cpu/name", json!("")),
        ("/capabilities/memory/free", json!(0)),
        ("/capabilities/memory/total", json!(0)),
        ("/capabilities/gpu/0/model", json!("")),
        ("/capabilities/gpu/0/driver_version", json!("")),
        ("/capabilities/gpu/0/driver_version", json!("1".repeat(129))),
        ("/capabilities/gpu/0/dedicated_video_memory", json!(0)),
        ("/capabilities/system/bits", json!(16)),
        ("/capabilities/system/version", json!("")),
        ("/preferences/maximum_video_tracks", json!(0)),
        ("/preferences/maximum_resolution", json!("UHD")),
    ]
    .map(|(pointer, value)| (pointer.to_owned(), value))
    .into();
    for (member, value) in [
        ("width", json!(0)),
        ("height", json!(0)),
        ("canvas_width", json!(0)),
        ("canvas_height", json!(0)),
        ("framerate/numerator", json!(59)),
        ("framerate/denominator", json!(1_001)),
    ] {
        changes.push((format!("{canvas}/{member}"), value));
    }
    if version == SchemaVersion::V2025_01_25 {
        let one = whole.pointer(canvas).unwrap();
        changes.push(("/preferences/canvases".into(), json!([])));
        changes.push(("/preferences/canvases".into(), json!([one, one, one])));
        changes.push(("/preferences/audio_samples_per_sec".into(), json!(22_050)));
        changes.push(("/preferences/audio_channels".into(), json!(0)));
    }
    changes.into_iter().map(|(pointer, value)| replaced(whole, &pointer, value)).collect()
}
