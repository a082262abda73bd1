//! `genlock recover DIR`: finish recordings that were cut short.

use std::io::Write;
use std::path::{Path, PathBuf};

use control::{Command, Problem, Severity};
use crossbeam_channel::Sender;
use record::Outcome;
use serde_json::json;

use crate::outcome::{Exit, Failure};

/// Finishes what was cut short in an earlier run, on a thread of its own, and says so where there was something.
pub(crate) fn beside(folder: PathBuf, commands: Sender<Command>) {
    let look = move || {
        let found = match record::recover(&folder) {
            Ok(found) => found,
            Err(error) => return tracing::info!(%error, "no recordings to finish"),
        };
        for recovered in found {
            let Outcome::Repaired { duration, .. } = recovered.outcome else { continue };
            let problem = Problem {
                severity: Severity::Notice,
                code: "recording.recovered",
                happened: format!(
                    "A recording of an earlier run was cut short: {}.",
                    recovered.path.display()
                ),
                done: format!("Its file was finished; it is {:.1} s long.", duration.as_secs_f64()),
                advice: String::new(),
            };
            if commands.send(Command::Tell(problem)).is_err() {
                return;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("recover".into()).spawn(look) {
        tracing::warn!(%error, "recordings that were cut short are left as they are");
    }
}

/// # Errors
/// A folder that can not be read.
pub(crate) fn run(dir: &Path, as_json: bool) -> Result<Exit, Failure> {
    let found = record::recover(dir).map_err(|error| {
        Failure::could_not_start(
            "recover.folder",
            format!("The recordings in {} could not be looked through: {error}.", dir.display()),
            "Check the path.",
        )
    })?;
    let mut out = std::io::stdout().lock();
    let mut failed = false;
    for recovered in &found {
        let path = recovered.path.display();
        let (word, sentence) = match &recovered.outcome {
            Outcome::Repaired { duration, cut_bytes } => (
                "finished",
                format!(
                    "{path}: finished, {:.1} s long, {cut_bytes} torn bytes cut off.",
                    duration.as_secs_f64()
                ),
            ),
            Outcome::Empty => ("empty", format!("{path}: cut short before anything was recorded; removed.")),
            Outcome::Running => ("running", format!("{path}: being recorded right now; left alone.")),
            Outcome::Failed(error) => {
                failed = true;
                ("failed", format!("{path}: could not be finished: {error}. What plays of it still does."))
            }
            _ => continue,
        };
        let _ = if as_json {
            writeln!(out, "{}", json!({ "path": path.to_string(), "outcome": word, "sentence": sentence }))
        } else {
            writeln!(out, "{sentence}")
        };
    }
    if found.is_empty() && !as_json {
        let _ = writeln!(out, "Nothing to recover in {}: every recording is whole.", dir.display());
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
