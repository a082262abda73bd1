//! The computer stays awake while there is a show, and what becomes of the show when it sleeps all the same.

use std::time::{Duration, Instant};

use control::{Problem, RecordingState, Severity};
use desktop::Awake;
use publish::Happened;
use scene::SourceKind;

use super::Core;

/// How often it is asked whether there still is a show.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The wish not to sleep, and what sleep interrupted.
#[derive(Debug, Default)]
pub(super) struct Wakefulness {
    held: Option<Awake>,
    /// The desktop refused, or can not be asked: it is not asked again in this show.
    refused: bool,
    looked: Option<Instant>,
    /// A recording was closed for the sleep, and goes on in a new file after it.
    record_again: bool,
    sleeps: bool,
}

impl Core {
    /// Asks the desktop to stay awake while live or recording, and to ask before it ends the session while live.
    pub(super) fn watch_sleep(&mut self) {
        if self.awake.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        self.awake.looked = Some(Instant::now());
        let is_live = !self.outlets.is_empty();
        let is_public = is_live && !self.machine.is_rehearsal;
        self.machine
            .host
            .set_busy(is_public.then_some("You are live. Signing out or shutting down ends your stream."));
        let wanted = is_live || self.recording.is_some();
        if !wanted {
            (self.awake.held, self.awake.refused) = (None, false);
            return;
        }
        let sources = &self.history.present().sources;
        let display = sources.iter().any(|source| matches!(source.kind, SourceKind::Display { .. }));
        let is_held = self.awake.held.as_ref().is_some_and(|held| held.keeps_display() == display);
        if is_held || self.awake.refused {
            return;
        }
        let reason = if is_live { "Genlock is streaming." } else { "Genlock is recording." };
        match Awake::hold(reason, display) {
            Ok(held) => self.awake.held = Some(held),
            Err(desktop::Error::NotHere(_)) => self.awake.refused = true,
            Err(error) => {
                self.awake.refused = true;
                self.tell(Problem {
                    severity: Severity::Warning,
                    code: "power.refused",
                    happened: format!(
                        "Windows was asked not to sleep during the show, and refused: {error}."
                    ),
                    done: "The show goes on.".into(),
                    advice: "Switch sleep off in the settings of Windows while you stream.".into(),
                });
            }
        }
    }

    /// The computer goes to sleep: what is recorded is closed, so that it is whole whatever comes.
    pub(super) fn prepare_sleep(&mut self) {
        let is_recording = self
            .recording
            .as_ref()
            .is_some_and(|recording| recording.status().state == RecordingState::Recording);
        self.awake.sleeps = true;
        self.awake.record_again |= is_recording;
        if is_recording {
            self.stop_recording();
        }
    }

    /// It is awake again: connections of before are dead, whatever the sockets say.
    pub(super) fn wake_up(&mut self) {
        if !std::mem::take(&mut self.awake.sleeps) {
            return;
        }
        let is_live = self.main().is_some();
        let record_again = std::mem::take(&mut self.awake.record_again);
        let ids: Vec<u32> = self.outlets.iter().map(|outlet| outlet.id).collect();
        for id in ids {
            self.lose_connection(id);
            self.inform(id, Happened::RetryNow);
        }
        if record_again {
            self.start_recording();
        }
        self.look_for_devices();
        let done = match (is_live, record_again) {
            (true, true) => "The stream is being connected again, and the recording goes on in a new file.",
            (true, false) => "The stream is being connected again.",
            (false, true) => "The recording goes on in a new file; the one of before is closed.",
            (false, false) => return,
        };
        self.tell(Problem {
            severity: Severity::Warning,
            code: "power.slept",
            happened: "The computer was asleep during the show.".into(),
            done: done.into(),
            advice: "Keep the lid open, and plug the computer in while you stream.".into(),
        });
    }

    /// Tries those sources again that could not be opened; those that were lost look for their devices themselves.
    pub(super) fn look_for_devices(&mut self) {
        self.sources.forget_failures();
        self.follow_collection();
    }
}
