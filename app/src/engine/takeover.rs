//! Two computers, one channel: what this one tells the other, and what it does with what the other told.

use std::path::Path;

use control::{Event, Problem, Severity};
use publish::{Happened, PairedTrack, Pairing, Phase};
use units::{Clock, Secret};

use super::Core;
use super::approach::{Plan, Purpose};
use super::outlet::MAIN;
use crate::ladder::Ladder;

impl Core {
    /// What another computer needs to take over from this one.
    fn offer(&self, with_key: bool) -> Option<Pairing> {
        let prepared = self.prepared.as_ref().map(|prepared| &prepared.plan);
        let plan = self.main().map(|main| &main.plan).or(prepared)?;
        let last_priority = {
            let now = self.machine.clock.now();
            self.main().and_then(|main| main.broadcast.figures(now).priority)
        };
        Some(Pairing {
            channel: plan.destination.address.clone().without_secrets(),
            ladder: paired_tracks(&plan.ladder),
            last_priority,
            made_at_unix: crate::wall_clock::unix_seconds(std::time::SystemTime::now()),
            key: with_key.then(|| self.stream_key()).filter(|key| !key.is_empty()),
        })
    }

    pub(super) fn can_offer_pairing(&self) -> bool {
        self.main().is_some() || self.prepared.is_some()
    }

    pub(super) fn offer_pairing(&mut self, with_key: bool) {
        match self.offer(with_key) {
            Some(pairing) => {
                let saved_as = self.save_pairing(&pairing);
                let _ = self.events.try_send(Event::Pairing { code: pairing.to_code(), saved_as });
            }
            None => self.tell(Problem {
                severity: Severity::Notice,
                code: "pairing.nothing",
                happened: "There is no ladder yet that another computer could be told of.".into(),
                done: "No code was made.".into(),
                advice: "Go live, or open the go-live sheet first.".into(),
            }),
        }
    }

    /// Writes the code beside the preferences, to be carried over as a file. One with the key goes by hand only: a key
    /// is in no file that nobody asked for.
    fn save_pairing(&self, pairing: &Pairing) -> Option<String> {
        if pairing.key.is_some() {
            return None;
        }
        let path = self.settings.preferences_file.as_ref()?.with_file_name("pairing.txt");
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| replace(&path, pairing));
        match written {
            Ok(()) => Some(path.display().to_string()),
            Err(error) => {
                tracing::info!(%error, "the pairing code is not kept in a file");
                None
            }
        }
    }

    pub(super) fn use_pairing(&mut self, code: &Secret) {
        match Pairing::parse(code.expose().trim()) {
            Ok(pairing) => {
                if let Some(key) = &pairing.key {
                    self.servers.target.key = Some(key.clone());
                }
                self.pairing = Some(pairing);
            }
            Err(error) => self.tell(Problem {
                severity: Severity::Warning,
                code: "pairing.unreadable",
                happened: format!("This is no pairing code: {error}."),
                done: "Nothing was changed.".into(),
                advice: "Copy the whole code from the other computer.".into(),
            }),
        }
    }

    /// "Take over from here", and "Take back".
    pub(super) fn take_over(&mut self) {
        let now = self.machine.clock.now();
        match self.main().map(|main| main.phase(now)) {
            Some(Phase::TakenOver { .. }) => self.inform(MAIN, Happened::TakeOver),
            Some(_) => {}
            None => {
                self.intent = Some(self.pairing.clone());
                self.approach(Purpose::GoLive);
            }
        }
    }

    /// Whether what is about to be sent can take the place of what the other computer sends.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn check_pairing(&self, pairing: &Pairing, plan: &Plan) -> Result<(), Problem> {
        let differences = pairing.differences(&paired_tracks(&plan.ladder));
        if differences.is_empty() {
            return Ok(());
        }
        Err(Problem {
            severity: Severity::Error,
            code: "takeover.other_media",
            happened: format!("This computer can not take the stream over: {}", differences.join(" ")),
            done: "Nothing was sent; the other computer's stream goes on.".into(),
            advice: "Choose the same canvas, output size and number of renditions here as there.".into(),
        })
    }

    /// Keeps the file for the other computer up to date.
    pub(super) fn keep_pairing(&mut self) {
        let Some(path) = self.settings.hold.pairing_out.clone() else { return };
        let Some(pairing) = self.main().and(self.offer(false)) else { return };
        let known = self.kept_pairing.as_ref();
        let is_same = known.is_some_and(|kept| {
            (kept.last_priority, &kept.ladder, &kept.channel)
                == (pairing.last_priority, &pairing.ladder, &pairing.channel)
        });
        if is_same {
            return;
        }
        let written = replace(&path, &pairing);
        self.kept_pairing = Some(pairing);
        if let Err(error) = written {
            self.tell(Problem {
                severity: Severity::Warning,
                code: "pairing.not_kept",
                happened: format!("The pairing file {} could not be written: {error}.", path.display()),
                done: "The stream goes on; the file of before, if there is one, stays.".into(),
                advice: "Check the folder.".into(),
            });
        }
    }
}

/// Writes the code, replacing the file in one step.
fn replace(path: &Path, pairing: &Pairing) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, format!("{}\n", pairing.to_code().expose()))?;
    std::fs::rename(&fresh, path)
}

/// The ladder as the other computer has to make it.
pub(super) fn paired_tracks(ladder: &Ladder) -> Vec<PairedTrack> {
    let track = |rung: &crate::ladder::Rung| PairedTrack {
        codec: rung.rendition.codec,
        size: rung.rendition.size,
        rate: rung.rendition.rate,
        bitrate: rung.rendition.bitrate,
    };
    ladder.rungs.iter().map(track).collect()
}
