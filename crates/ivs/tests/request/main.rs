//! The request as an independent validator sees it.
//!
//! The two schemas beside this file were written from Amazon's API reference and integration guide and from what OBS
//! Studio is known to send, not from this crate. The judge is the `jsonschema` package of Python.

// The judge is a Python package, which `./x tools` installs on Linux only; the request is the same on every system.
#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

mod machines;
mod mutation;
mod validator;

use ivs::client_configuration::{Preferences, SchemaVersion, validate};
use machines::{linux, preferences, request, windows, windows_on_arm, without_gpu};
use mutation::{mutations, scripted};
use serde_json::Value;
use units::FrameRate;
use validator::complaints;

const RATES: [u32; 6] = [24, 25, 30, 48, 50, 60];

fn rate(numerator: u32, denominator: u32) -> FrameRate {
    FrameRate::new(numerator, denominator).unwrap()
}

/// Everything left to the service, everything limited, and every frame rate of the guide.
fn wishes() -> Vec<Preferences> {
    let mut wishes = vec![preferences::automatic(), preferences::limited(), preferences::portrait()];
    wishes.extend(RATES.map(|fps| Preferences { rate: rate(fps, 1), ..preferences::automatic() }));
    wishes
}

fn body(request: &ivs::client_configuration::Request, version: SchemaVersion) -> Value {
    serde_json::from_str(request.to_json(version).expose()).unwrap()
}

#[test]
fn every_request_is_accepted_by_the_schema_it_follows() {
    for version in SchemaVersion::ALL {
        let machines = match version {
            // The reference of this version knows one operating system.
            SchemaVersion::V2024_06_04 => vec![windows(), windows_on_arm()],
            SchemaVersion::V2025_01_25 => vec![windows(), windows_on_arm(), linux(), without_gpu()],
        };
        let mut bodies = Vec::new();
        for machine in &machines {
            for wish in wishes() {
                bodies.push(body(&request(machine.clone(), wish), version));
            }
        }
        for (body, complaints) in bodies.iter().zip(complaints(version, &bodies)) {
            assert_eq!(complaints, [], "{body:#}");
        }
    }
}

#[test]
fn what_the_earlier_version_has_no_words_for_is_all_it_complains_about() {
    let version = SchemaVersion::V2024_06_04;
    let bodies =
        [linux(), without_gpu()].map(|machine| body(&request(machine, preferences::automatic()), version));
    let found = complaints(version, &bodies);
    let paths =
        |index: usize| found[index].iter().map(|complaint| complaint.path.as_str()).collect::<Vec<_>>();
    assert_eq!(paths(0), ["$.capabilities.system.name"]);
    assert_eq!(paths(1), ["$.capabilities.gpu", "$.capabilities.system.name"]);
}

#[test]
fn a_frame_rate_the_service_refuses_is_refused() {
    for version in SchemaVersion::ALL {
        let wish = Preferences { rate: rate(60_000, 1_001), ..preferences::automatic() };
        let [found] = &complaints(version, &[body(&request(windows(), wish), version)])[..] else { panic!() };
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|complaint| complaint.path.contains(".framerate.")), "{found:?}");
    }
}

#[test]
fn the_schemas_refuse_every_member_that_is_changed() {
    for version in SchemaVersion::ALL {
        let whole = body(&request(windows(), preferences::limited()), version);
        let mut changes = mutations(&whole, version);
        changes.extend(scripted(&whole, version));
        let bodies: Vec<Value> = changes.iter().map(|change| change.body.clone()).collect();
        assert!(bodies.len() > 200, "{}", bodies.len());
        let mut accepted = Vec::new();
        for (change, complaints) in changes.iter().zip(complaints(version, &bodies)) {
            if !complaints.iter().any(|complaint| complaint.path == change.blamed) {
                accepted.push((&change.what, complaints));
            }
        }
        assert!(accepted.is_empty(), "{version:?}: {accepted:#?}");
    }
}

/// Values the rehearsal's own check lets through, on purpose: the service answers wishes it cannot grant with sentences,
/// and takes what OBS Studio sends in the later version.
const ANSWERED: [&str; 5] = [
    "/client/supported_codecs as []",
    r#"/client/supported_codecs as ["h264","h264"]"#,
    "/preferences/maximum_video_tracks as 0",
    "/framerate/numerator as 59",
    "/capabilities/gpu/0/dedicated_video_memory as 0",
];

/// It takes members that it does not know, and members left out for `null`, as the service does. Types and ranges are
/// where the two must agree.
#[test]
fn the_rehearsals_own_check_refuses_the_same_types_and_ranges() {
    for version in SchemaVersion::ALL {
        let whole = body(&request(windows(), preferences::limited()), version);
        assert_eq!(validate(&whole).unwrap().unknown_fields, [""; 0]);
        let mut changes = mutations(&whole, version);
        changes.extend(scripted(&whole, version));
        let of_values = changes.iter().filter(|change| {
            let answered = ANSWERED.iter().any(|what| change.what.ends_with(what));
            let is_value = change.what.contains(" as ") && !change.what.ends_with(" as null");
            // A third canvas is for the ladder policy to judge.
            is_value && !answered && !change.what.starts_with("/preferences/canvases as [{")
        });
        let accepted: Vec<&str> = of_values
            .filter(|change| validate(&change.body).is_ok())
            .map(|change| change.what.as_str())
            .collect();
        assert!(accepted.is_empty(), "{version:?}: {accepted:#?}");
    }
}
