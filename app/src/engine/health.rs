//! What becomes of a show when a part of it fails: canvas, encoders, threads.

use std::sync::atomic::Ordering;

use control::{Event, Problem, Severity};
use units::Track;

use super::{Core, canvas, fan_out};

impl Core {
    pub(super) fn hear_canvas(&mut self, news: canvas::News) {
        match news {
            canvas::News::Released(group) => Self::release_encoders(group),
            canvas::News::TransitionEnded { completed } => {
                let _ = self.events.try_send(Event::TransitionEnded { completed });
            }
            canvas::News::Trouble(what) => self.tell(Problem {
                severity: Severity::Warning,
                code: "canvas.frame",
                happened: format!("A picture could not be composed: {what}."),
                done: "The picture before it was shown again.".into(),
                advice: String::new(),
            }),
            canvas::News::Lost(what) => {
                self.adapter_is_lost = true;
                self.tell(Problem {
                    severity: Severity::Warning,
                    code: "canvas.device_lost",
                    happened: format!("The graphics driver took the adapter away: {what}."),
                    done: "The picture stands still until it is back. Sound, stream and recording go on."
                        .into(),
                    advice: String::new(),
                });
            }
            canvas::News::Renewed(gpu) => {
                self.tell(Problem {
                    severity: Severity::Notice,
                    code: "canvas.renewed",
                    happened: format!("The graphics adapter is back: {}.", gpu.info().name),
                    done: "The picture moves again.".into(),
                    advice: "If it happens again, update the graphics driver, and undo any overclocking."
                        .into(),
                });
                self.machine.gpu.store(gpu.into());
                self.adapter_is_lost = false;
                self.load.forget();
            }
            canvas::News::Dead(what) => {
                self.tell(Problem {
                    severity: Severity::Error,
                    code: "canvas.lost",
                    happened: format!("The graphics adapter is gone and did not come back: {what}."),
                    done: "The stream was ended and the recording closed; it plays up to here.".into(),
                    advice: "Start Genlock again; if it happens again, update the graphics driver.".into(),
                });
                self.stop_live();
                self.stop_recording();
            }
        }
    }

    pub(super) fn hear_encoders(&mut self, news: fan_out::News) {
        match news {
            fan_out::News::Slip { track } => self.tell(Problem {
                severity: Severity::Notice,
                code: "encoder.slip",
                happened: format!("The encoder of rendition {track} left the keyframe schedule."),
                done: "The next keyframe was forced on all renditions.".into(),
                advice: String::new(),
            }),
            fan_out::News::Died { track, reason, restarting: true } => {
                let was_direct = match track {
                    Track::Video(track) => self.fall_back_to_memory(track, &reason),
                    Track::Audio(_) => false,
                };
                let done = "It was started again and comes back with a keyframe.";
                let further = " Its pictures go through system memory from now on.";
                self.tell(Problem {
                    severity: Severity::Warning,
                    code: "encoder.restarted",
                    happened: format!("An encoder stopped working: {reason}."),
                    done: format!("{done}{}", if was_direct { further } else { "" }),
                    advice: "If it happens again, update the graphics driver or choose another encoder."
                        .into(),
                });
            }
            fan_out::News::Died { reason, restarting: false, .. } => self.lose_encoder(&reason),
        }
    }

    /// An encoder is gone for good. A smaller ladder can do without it; one rendition can not.
    fn lose_encoder(&mut self, reason: &str) {
        let rungs = self.encoding.as_ref().map_or(0, |encoding| encoding.ladder.rungs.len());
        if rungs > 1 && self.main().is_some() && self.can_shrink() {
            let why = format!("An encoder stopped working and can not be started again: {reason}");
            self.shrink_ladder(&why, "encoder.lost_one");
            return;
        }
        self.tell(Problem {
            severity: Severity::Error,
            code: "encoder.lost",
            happened: format!("An encoder stopped working and can not be started again: {reason}."),
            done: "The stream was ended and the recording closed; it plays up to here.".into(),
            advice: "Choose another encoder with --encoder and go live again.".into(),
        });
        self.stop_live();
        self.stop_recording();
    }

    pub(super) fn watch_threads(&mut self) {
        let rendered = self.canvas.counters.rendered.load(Ordering::Relaxed);
        let stopped = !self.canvas.is_running() || !self.fan_out.is_running() || !self.sound.is_running();
        if self.canvas_watch.hangs(rendered) || (stopped && !self.canvas_watch.told) {
            self.canvas_watch.told = true;
            self.tell(Problem {
                severity: Severity::Error,
                code: "engine.stalled",
                happened: "No new picture or sound has been made for five seconds.".into(),
                done: "What is recorded so far is safe.".into(),
                advice: "Stop, and start Genlock again; the report helps us to find out why.".into(),
            });
        }
    }
}
