//! The one-way arrows between the crates of this workspace, as ARCHITECTURE.md draws them, checked against what cargo
//! says the crates depend on.

// It reads sources and what cargo says of them, which is the same on every system.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// For each crate, the crates of ours it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("scene", &["units"]),
    ("ertmp", &["units"]),
    ("ivs", &["units", "ertmp"]),
    ("control", &["units", "scene", "ivs"]),
    ("publish", &["units", "ertmp", "ivs"]),
    ("record", &["units"]),
    ("capture", &["units", "scene"]),
    ("compositor", &["units", "scene"]),
    ("mixer", &["units"]),
    ("encoder", &["units", "nvenc-api"]),
    ("nvenc-api", &[]),
    ("fake-nvenc", &["nvenc-api"]),
    ("net", &["units", "ertmp", "ivs", "publish"]),
    ("ingest", &["units", "ertmp", "ivs", "record"]),
    ("desktop", &["units"]),
    ("ui", &["units", "scene", "control"]),
    ("testkit", &["units"]),
    (
        "genlock",
        &[
            "units",
            "scene",
            "control",
            "capture",
            "compositor",
            "mixer",
            "ertmp",
            "ivs",
            "publish",
            "net",
            "record",
            "ingest",
            "encoder",
            "desktop",
            "ui",
        ],
    ),
];

/// Foreign crates that only some of ours may know.
const FENCES: &[(&str, &[&str])] = &[
    ("gstreamer", &["capture", "encoder", "net"]),
    ("egui", &["ui", "genlock"]),
    ("eframe", &["genlock"]),
    ("wgpu", &["compositor", "genlock"]),
    ("tokio", &["net", "ingest", "genlock"]),
    ("rustls", &["net", "ingest"]),
    ("cpal", &["capture"]),
    ("pulseaudio", &["capture"]),
    // net asks the system what a peer has confirmed, which no portable crate does; desktop is what Windows gives a
    // person's program.
    ("windows", &["capture", "encoder", "fake-nvenc", "net", "desktop", "compositor", "genlock"]),
    ("anyhow", &["genlock"]),
];

/// Crates that take time and randomness as arguments and do no I/O: they may not name these paths.
const PURE: &[&str] = &["units", "scene", "ertmp", "ivs", "publish", "control", "mixer"];
const IMPURE_PATHS: &[&str] =
    &["std::fs", "std::net", "std::thread", "std::process", "std::env", "Instant::now", "SystemTime::now"];

struct Package {
    folder: std::path::PathBuf,
    /// Normal and build dependencies.
    uses: BTreeSet<String>,
    /// Dependencies of tests only.
    tests_use: BTreeSet<String>,
}

fn workspace() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let of_kind = |dev: bool| {
                dependencies
                    .iter()
                    .filter(|d| (d["kind"] == "dev") == dev)
                    .map(|d| d["name"].as_str().unwrap().to_owned())
                    .collect()
            };
            let manifest = std::path::PathBuf::from(package["manifest_path"].as_str().unwrap());
            (
                package["name"].as_str().unwrap().to_owned(),
                Package {
                    folder: manifest.parent().unwrap().to_owned(),
                    uses: of_kind(false),
                    tests_use: of_kind(true),
                },
            )
        })
        .collect()
}

#[test]
fn every_arrow_points_the_right_way() {
    let packages = workspace();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut broken = Vec::new();
    for (name, package) in &packages {
        let Some(may_use) = allowed.get(name.as_str()) else {
            broken.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for used in package.uses.iter().filter(|used| packages.contains_key(*used)) {
            if !may_use.contains(&used.as_str()) {
                broken.push(format!("{name} -> {used}"));
            }
        }
        for used in package.tests_use.iter().filter(|used| packages.contains_key(*used)) {
            if used == "genlock" {
                broken.push(format!("tests of {name} -> {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "broken arrows (see ARCHITECTURE.md): {broken:#?}");
}

#[test]
fn foreign_crates_stay_behind_their_fences() {
    let mut broken = Vec::new();
    for (name, package) in workspace() {
        for (foreign, may_use) in FENCES {
            let uses =
                package.uses.iter().any(|used| used == foreign || used.starts_with(&format!("{foreign}-")));
            if uses && !may_use.contains(&name.as_str()) {
                broken.push(format!("{name} -> {foreign}"));
            }
        }
    }
    assert!(broken.is_empty(), "crates that know too much (see ARCHITECTURE.md): {broken:#?}");
}

#[test]
fn policy_reads_no_clock_and_does_no_io() {
    let mut broken = Vec::new();
    for (name, package) in workspace() {
        if !PURE.contains(&name.as_str()) {
            continue;
        }
        let mut folders = vec![package.folder.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]").next().unwrap();
                    for impure in IMPURE_PATHS.iter().filter(|impure| code.contains(*impure)) {
                        broken.push(format!("{} names {impure}", path.display()));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
