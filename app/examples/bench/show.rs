//! Shows of the demo scene, run by the program itself, and what they report.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How long each show runs, in seconds; the first seconds include the start.
pub(crate) const SECONDS: u32 = 30;

/// A rendition as it was encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendition {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) kbps: u32,
    /// The H.264 profile, in x264's words.
    pub(crate) profile: String,
}

/// A finished rehearsal.
pub(crate) struct Show {
    pub(crate) report: Value,
    ingest_out: PathBuf,
}

impl Show {
    /// Rehearses the demo scene on a canvas of 1280x720 at 30 frames per second with x264. What it received lies in
    /// `folder`.
    pub(crate) fn run(folder: &Path, options: &[&str]) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let ingest_out = folder.join("received");
        let length = format!("{SECONDS}s");
        let common = ["rehearse", "--scenes", "demo", "--canvas", "1280x720", "--fps", "30"];
        let encoder = ["--encoder", "x264enc", "--for", length.as_str(), "--ingest-out"];
        let out = [ingest_out.to_str().context("a path that is text")?];
        let report = genlock(folder, &[&common[..], &encoder, &out, options].concat())?;
        Ok(Self { report, ingest_out })
    }

    /// Processor seconds per second of the show.
    pub(crate) fn cpu_cores(&self) -> Result<f64> {
        self.report["process"]["cpu_cores"].as_f64().context("the report has cpu_cores")
    }

    pub(crate) fn renditions(&self) -> Result<Vec<Rendition>> {
        let renditions = self.report["renditions"].as_array().context("the report has renditions")?;
        let parsed = renditions.iter().map(|rendition| {
            let (width, height) = rendition["size"].as_str()?.split_once('x')?;
            let kbps = u32::try_from(rendition["target_kbps"].as_u64()?).ok()?;
            let settings = rendition["settings"].as_array();
            let profile = settings.into_iter().flatten().find(|setting| setting["key"] == "profile");
            let profile = profile.and_then(|setting| setting["value"].as_str()).unwrap_or("main");
            let (width, height) = (width.parse().ok()?, height.parse().ok()?);
            Some(Rendition { width, height, kbps, profile: profile.to_owned() })
        });
        parsed.collect::<Option<_>>().context("renditions have a size and a bitrate")
    }

    /// A number of each rendition.
    pub(crate) fn each(&self, name: &str) -> Vec<Value> {
        let renditions = self.report["renditions"].as_array();
        renditions.into_iter().flatten().map(|rendition| rendition[name].clone()).collect()
    }

    /// What the ingest received, all tracks in one FLV.
    pub(crate) fn received(&self) -> Result<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.ingest_out)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "flv"))
            .collect();
        files.sort();
        files.pop().with_context(|| format!("no .flv in {}", self.ingest_out.display()))
    }
}

/// The program of the same build.
pub(crate) fn program() -> Result<PathBuf> {
    // The example lies in target/release/examples, the program beside that folder.
    let here = std::env::current_exe()?;
    let program = here.parent().and_then(Path::parent).context("an example has a folder")?.join("genlock");
    ensure!(program.exists(), "build the program first: cargo build --release");
    Ok(program)
}

/// Runs the program and returns its report.
pub(crate) fn genlock(folder: &Path, arguments: &[&str]) -> Result<Value> {
    let program = program()?;
    let report = folder.join("report.json");
    let status =
        Command::new(program).args(arguments).arg("--report").arg(&report).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "genlock {} ended with {status}", arguments.join(" "));
    Ok(serde_json::from_slice(&std::fs::read(&report)?)?)
}
