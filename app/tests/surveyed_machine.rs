//! What the program would tell the service of the machine it runs on, judged by a JSON Schema written from the
//! service's documents (`crates/ivs/tests/request`).

// The judge is a Python package, which `./x tools` installs on Linux only.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Python with the `jsonschema` package: `GENLOCK_PYTHON`, or where `./x tools` puts it.
fn python() -> PathBuf {
    std::env::var_os("GENLOCK_PYTHON").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/venv/bin/python"),
        PathBuf::from,
    )
}

fn complaints(body: &Value) -> Vec<(String, String)> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ivs/tests/request");
    let mut judge = Command::new(python())
        .arg(schemas.join("judge.py"))
        .arg(schemas.join("2025-01-25.schema.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the validator starts: run `./x tools`");
    writeln!(judge.stdin.take().unwrap(), "{body}").unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge failed: run `./x tools`");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn this_machine_is_told_as_the_documents_want_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_genlock"))
        .args(["doctor", "--json"])
        .env_remove("GENLOCK_STREAM_KEY")
        .stdin(Stdio::null())
        .output()
        .expect("genlock runs");
    // A machine without a usable encoder has troubles, and is told of all the same.
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let machine = &told["machine"];
    let mut body = json!({
        "service": "IVS",
        "schema_version": "2025-01-25",
        "authentication": "sk_us-west-2_Example",
        "client": { "name": "genlock", "version": "0.1.0", "supported_codecs": ["h264"] },
        "capabilities": machine["capabilities"],
        "preferences": {
            "maximum_aggregate_bitrate": null,
            "maximum_video_tracks": null,
            "vod_track_audio": false,
            "composition_gpu_index": machine["composition_gpu_index"],
            "audio_samples_per_sec": 48_000,
            "audio_channels": 2,
            "audio_max_buffering_ms": 960,
            "audio_fixed_buffering": false,
            "canvases": [{
                "width": 1_280, "height": 720, "canvas_width": 1_280, "canvas_height": 720,
                "framerate": { "numerator": 30, "denominator": 1 },
            }],
        },
    });
    assert_eq!(complaints(&body), [], "{machine:#}");
    let gpus = body["capabilities"]["gpu"].as_array().unwrap().len();
    if let Some(index) = body["preferences"]["composition_gpu_index"].as_u64() {
        assert!(index < gpus as u64, "it counts in the list of graphics cards");
    }
    // A sign that the judge looks.
    body["capabilities"]["system"]["revision"] = json!(4_317);
    assert_eq!(complaints(&body).len(), 1);
}
