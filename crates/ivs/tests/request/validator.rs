//! The judge: another program, fed line by line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ivs::client_configuration::SchemaVersion;
use serde_json::Value;

/// What the validator finds wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Python with the `jsonschema` package: `GENLOCK_PYTHON`, or where `./x tools` puts it.
fn python() -> PathBuf {
    std::env::var_os("GENLOCK_PYTHON").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python"),
        PathBuf::from,
    )
}

/// What is wrong with each of `bodies`.
pub(crate) fn complaints(version: SchemaVersion, bodies: &[Value]) -> Vec<Vec<Complaint>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/request");
    let python = python();
    let mut child = Command::new(&python)
        .arg(here.join("judge.py"))
        .arg(here.join(format!("{}.schema.json", version.name())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; run `./x tools`", python.display()));
    let lines: String = bodies.iter().map(|body| format!("{body}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::Builder::new().spawn(move || stdin.write_all(lines.as_bytes())).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge failed: run `./x tools`");
    writer.join().unwrap().unwrap();
    let verdicts: Vec<Vec<Complaint>> =
        output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(verdict).collect();
    assert_eq!(verdicts.len(), bodies.len());
    verdicts
}

fn verdict(line: &[u8]) -> Vec<Complaint> {
    let found: Vec<(String, String)> = serde_json::from_slice(line).unwrap();
    found.into_iter().map(|(path, text)| Complaint { path, text }).collect()
}
