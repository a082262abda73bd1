//! `genlock recover DIR`: finish recordings that were cut short.

use std::io::Write;
use std::path::Path;

use record::Outcome;
use serde_json::json;

use crate::outcome::{Exit, Failure};

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
