//! A rehearsal ingest in the test's own process, with whatever faults are wanted, and what it received.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use ingest::{IngestConfig, SessionReport, StreamKey};
use ivs::{MultitrackInput, ResolutionClass, Rules};
use units::{Clock, MediaTime, Secret, Span};

use crate::show::Show;

pub(crate) const KEY: &str = "sk_us-west-2_MultitrackKey77";

#[derive(Debug)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO + Span::from_duration(self.0.elapsed())
    }
}

/// A rehearsal ingest in this process, with whatever faults are wanted.
pub(crate) struct Service {
    runtime: tokio::runtime::Runtime,
    ingest: Option<ingest::Ingest>,
    pub(crate) folder: tempfile::TempDir,
}

impl Service {
    pub(crate) fn start(config: IngestConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = IngestConfig {
            keys: vec![StreamKey::lasting(Secret::new(KEY))],
            out_dir: Some(folder.path().to_owned()),
            ..config
        };
        let ingest = runtime.block_on(ingest::start(config, Arc::new(Monotonic(Instant::now())))).unwrap();
        Self { runtime, ingest: Some(ingest), folder }
    }

    pub(crate) fn allowing() -> IngestConfig {
        let rules = Rules {
            multitrack: MultitrackInput::Allow { maximum_resolution: ResolutionClass::FullHd },
            ..Rules::default()
        };
        IngestConfig { rules, ..IngestConfig::default() }
    }

    /// A show that asks this service for its ladder and goes where the service says.
    pub(crate) fn show(&self, options: &[&str]) -> Show {
        let ca = self.folder.path().join("ingest-ca.pem");
        let url = self.ingest.as_ref().unwrap().addresses().configuration_url.clone();
        let mut all = vec!["--config-url", &url, "--ca", ca.to_str().unwrap()];
        if !options.contains(&"--canvas") {
            all.extend(["--canvas", "640x360"]);
        }
        all.extend_from_slice(options);
        Show::live("auto", KEY, &all)
    }

    pub(crate) fn ingest(&self) -> &ingest::Ingest {
        self.ingest.as_ref().unwrap()
    }

    pub(crate) fn ca(&self) -> String {
        self.folder.path().join("ingest-ca.pem").to_str().unwrap().to_owned()
    }

    /// Names of the events told so far, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("events.jsonl")).unwrap_or_default();
        let name = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["detail"]["event_name"].as_str().unwrap_or_default().to_owned()
        };
        text.lines().map(name).collect()
    }

    pub(crate) fn stop(mut self) -> (Vec<SessionReport>, tempfile::TempDir) {
        let reports = self.runtime.block_on(self.ingest.take().unwrap().stop());
        (reports, self.folder)
    }
}

pub(crate) fn ffmpeg9() -> Command {
    Command::new(std::env::var("GENLOCK_FFMPEG").expect("./x sets GENLOCK_FFMPEG"))
}

/// What ffmpeg 9, which knows Enhanced RTMP, complains about while it decodes all tracks of a file.
pub(crate) fn decode_errors_of_all_tracks(file: &Path) -> String {
    let output = ffmpeg9()
        .args(["-nostats", "-hide_banner", "-v", "warning", "-i"])
        .arg(file)
        .args(["-map", "0", "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs; ./x tools installs it");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Sizes of the video tracks, and how many packets ffmpeg 9 reads of each.
pub(crate) fn tracks(file: &Path) -> Vec<(String, u64)> {
    let output = ffmpeg9()
        .args(["-v", "verbose", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-c", "copy", "-f", "framecrc", "-"])
        .output()
        .expect("ffmpeg runs; ./x tools installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found: Vec<(String, u64)> = Vec::new();
    for line in text.lines() {
        if let Some((_, size)) = line.strip_prefix("#dimensions ").and_then(|rest| rest.split_once(": ")) {
            found.push((size.to_owned(), 0));
        } else if let Some(track) = line.split(',').next().and_then(|n| n.trim().parse::<usize>().ok()) {
            found[track].1 += 1;
        }
    }
    found
}
