//! Which media did not reach which destination, kept beside the recording as `NAME.gaps.json`: whoever edits the
//! recording sees what viewers missed, and support sees what the network did.

use std::path::{Path, PathBuf};

use publish::{GapLedger, LedgerAnchor, WallClock};
use serde_json::{Value, json};
use units::{Clock, MediaTime, Span, Track};

use super::Core;
use super::outlet::Outlet;
use crate::report::{GapFigures, GapLine};

/// How often the file is brought up to date while it changes.
const KEEP_EVERY: Span = Span::from_secs(5);
/// Gaps that a report lists one by one; the file beside the recording has all of them.
const LISTED: usize = 100;

/// The ledgers of a recording.
#[derive(Default)]
pub(super) struct Ledgers {
    /// Of destinations that are over.
    closed: Vec<(String, GapLedger)>,
    /// The recording and its first picture.
    beside: Option<(PathBuf, MediaTime)>,
    /// What is in the file.
    kept: String,
    kept_at: MediaTime,
}

impl Outlet {
    /// How many, how long, and the first of them.
    pub(super) fn gap_figures(&self) -> GapFigures {
        let gaps = self.ledger.gaps();
        let summary = GapLedger::summary(&gaps);
        let line = |gap: &publish::Gap| GapLine {
            track: match gap.track {
                Track::Video(id) => format!("video {id}"),
                Track::Audio(id) => format!("audio {id}"),
            },
            from_ms: gap.from.as_millis(),
            to_ms: gap.to.as_millis(),
            kind: gap.kind.word(),
            why: gap.why.clone(),
        };
        GapFigures {
            count: summary.count,
            total_ms: summary.total.as_millis(),
            listed: gaps.iter().take(LISTED).map(line).collect(),
        }
    }
}

impl Core {
    /// A destination is over; its ledger stays with the recording.
    pub(super) fn file_ledger(&mut self, name: &str, ledger: GapLedger) {
        if self.recording.is_some() {
            self.ledgers.closed.push((name.to_owned(), ledger));
        }
    }

    /// Keeps the file beside the recording up to date.
    pub(super) fn keep_gaps(&mut self, now: MediaTime) {
        let Some(recording) = &self.recording else { return };
        let status = recording.status();
        let beside = status.path.zip(status.stats.starts_at.map(|pts| MediaTime::from_nanos(pts.as_nanos())));
        let is_new = beside != self.ledgers.beside;
        if !is_new && now - self.ledgers.kept_at < KEEP_EVERY {
            return;
        }
        if is_new {
            // The file before was closed: what is known by now belongs to it.
            self.write_gaps(now);
            self.ledgers.beside = beside;
            self.ledgers.kept.clear();
        }
        self.write_gaps(now);
    }

    /// The recording is closed.
    pub(super) fn close_gaps(&mut self) {
        let now = self.machine.clock.now();
        self.keep_gaps(now);
        self.write_gaps(now);
        self.ledgers = Ledgers::default();
    }

    fn write_gaps(&mut self, now: MediaTime) {
        self.ledgers.kept_at = now;
        let Some((recording, zero)) = self.ledgers.beside.clone() else { return };
        let clock = WallClock { unix_nanos_at_media_zero: self.machine.clock.unix_nanos_at_zero() };
        let anchor = LedgerAnchor { zero, clock };
        let running = self.outlets.iter().map(|outlet| (&outlet.name, &outlet.ledger));
        let closed = self.ledgers.closed.iter().map(|(name, ledger)| (name, ledger));
        let destinations: Vec<Value> = closed
            .chain(running)
            .map(|(name, ledger)| {
                let ledger: Value = serde_json::from_str(&ledger.to_json(anchor)).unwrap_or_default();
                json!({ "destination": name, "ledger": ledger })
            })
            .collect();
        if destinations.is_empty() {
            return;
        }
        let file = recording.file_name().map(|name| name.to_string_lossy().into_owned());
        let text = format!("{:#}\n", json!({ "recording": file, "destinations": destinations }));
        if text == self.ledgers.kept {
            return;
        }
        if let Err(error) = replace(&beside(&recording), &text) {
            // The recording itself tells when the disk is full; nobody can do anything about this besides.
            tracing::warn!(%error, "the gap ledger could not be written");
            return;
        }
        self.ledgers.kept = text;
    }
}

/// `NAME.gaps.json` beside `NAME.mp4`.
fn beside(recording: &Path) -> PathBuf {
    recording.with_extension("gaps.json")
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("json.new");
    std::fs::write(&fresh, text)?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_lies_beside_its_recording() {
        let path = beside(Path::new("/v/2026-11-21 20-15-00 Scenes.mp4"));
        assert_eq!(path, Path::new("/v/2026-11-21 20-15-00 Scenes.gaps.json"));
    }
}
