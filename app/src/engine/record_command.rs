//! Recording on command: what starts and ends it, and what is told of it.

use control::{Problem, RecordingState, Severity};

use super::fan_out::Order;
use super::recording::Recording;
use super::{Core, RECORDING};

impl Core {
    pub(super) fn start_recording(&mut self) {
        self.record(self.encoding.is_some());
    }

    /// Starts the recording; a file begins with an IDR, which encoders that have just been started make anyway.
    pub(super) fn record(&mut self, ask_for_idr: bool) {
        if let Some(recording) = &self.recording {
            // A file that is being closed, or was and is not let go of yet, makes way for the next one.
            self.record_next |= recording.status().state != RecordingState::Recording;
            return;
        }
        let Some(folder) = self.settings.record_into.clone() else {
            self.tell(Problem {
                severity: Severity::Notice,
                code: "recording.off",
                happened: "Recording is switched off for this run.".into(),
                done: "Nothing is recorded.".into(),
                advice: "Start without --no-record.".into(),
            });
            return;
        };
        let ladder =
            self.encoding.as_ref().map_or_else(|| self.settings.single(), |at_work| at_work.ladder.clone());
        if let Err(problem) = self.encode(&ladder) {
            self.tell(problem);
            return;
        }
        match Recording::start(folder, self.settings.title.clone(), self.machine.clock.clone()) {
            Ok(recording) => {
                self.fan_out.order(Order::Attach(RECORDING, recording.feed()));
                if let Some(encoding) = self.encoding.as_ref().filter(|_| ask_for_idr) {
                    encoding.group.request_idr();
                }
                self.recording = Some(recording);
            }
            Err(failure) => self.tell(failure.problem),
        }
    }

    pub(super) fn stop_recording(&mut self) {
        self.record_next = false;
        if let Some(recording) = &self.recording {
            self.fan_out.order(Order::Detach(RECORDING));
            recording.begin_finish();
        }
    }

    /// Follows the recording: tells when it failed, and lets go of it when the file is closed.
    pub(super) fn watch_recording(&mut self) {
        let Some(recording) = &self.recording else { return };
        let status = recording.status();
        let failed_before = self.told_states.1 == RecordingState::Failed;
        if status.state == RecordingState::Failed && !failed_before {
            let path = status.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            self.tell(Problem {
                severity: Severity::Error,
                code: "recording.failed",
                happened: format!("The recording ended: {}.", status.error.clone().unwrap_or_default()),
                done: "What was recorded plays up to there; the stream goes on.".into(),
                advice: format!("Make room or choose another folder, then record anew. {path}")
                    .trim()
                    .to_owned(),
            });
            self.stop_recording();
        }
        let Some(recording) = &self.recording else { return };
        if recording.is_finished() {
            self.close_gaps();
            self.last_recording = Some(status);
            self.recording = None;
            if std::mem::take(&mut self.record_next) {
                self.record(true);
            }
            self.rest_if_unwanted();
        }
    }
}
