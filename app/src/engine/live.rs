//! Going live and recording: what is started when, what is told, what ends.

use std::sync::Arc;

use control::{EncoderView, LiveState, Problem, RecordingState, Severity};
use encoder::{AudioEncoderConfig, EncoderGroup};
use publish::{Ended, Health, Notice, Step};
use tokio::sync::mpsc;
use units::{AccessUnit, Clock, MediaTime, Span, StreamConfig};

use super::fan_out::{Order, Output};
use super::recording::Recording;
use super::{Core, Encoding, RECORDING, STREAM, canvas};
use crate::report::{DestinationFigures, Percentiles};

/// How long a stream that was just accepted waits for an IDR that is on its way already: encoders that were started
/// with it begin with one, and a second right behind it would only cost quality.
const IDR_GRACE: Span = Span::from_millis(80);

/// A stream on its way to, on, or from the air.
pub(super) struct Live {
    pub(super) output: Arc<net::Output>,
    notices: Option<mpsc::Receiver<Notice>>,
    /// When to ask the encoders for an IDR, should none have come by itself.
    ask_for_idr_at: Option<MediaTime>,
    pub(super) wanted_at: MediaTime,
    pub(super) needed: units::Kbps,
}

/// The end of a stream that the fan-out holds.
struct Feed(Arc<net::Output>);

impl Output for Feed {
    fn begin(&mut self, config: &StreamConfig) {
        self.0.begin(config.clone());
    }
    fn send(&mut self, unit: &Arc<AccessUnit>) {
        self.0.send(unit.clone());
    }
}

impl Live {
    /// The light. It says live only while the service takes and, where it does so, confirms what is sent.
    pub(super) fn state(&self) -> LiveState {
        let stats = self.output.stats();
        match stats.step {
            Step::Live if stats.health == Health::Good => LiveState::Live,
            Step::Live => LiveState::Degraded,
            Step::Stopping => LiveState::Stopping,
            Step::Ended => match self.output.ended() {
                Some(Ended::Failed(_)) => LiveState::Failed,
                _ => LiveState::Off,
            },
            _ => LiveState::Connecting,
        }
    }

    /// Figures of the stream so far.
    pub(super) fn figures(&self, address: String, now: MediaTime) -> DestinationFigures {
        let stats = self.output.stats();
        let percentiles = Percentiles {
            median: stats.latency_session.median.as_secs_f64() * 1000.0,
            p99: stats.latency_session.p99.as_secs_f64() * 1000.0,
        };
        DestinationFigures {
            address,
            state: self.state().word().to_owned(),
            failure: None,
            refused: false,
            on_air_seconds: stats.live_at.map_or(0.0, |at| (now - at).as_secs_f64()),
            first_idr_ms: stats.live_at.map(|at| (at - self.wanted_at).as_secs_f64() * 1000.0),
            sent_bytes: stats.sent_bytes,
            acknowledged_bytes: stats.acknowledged_bytes,
            dropped_frames: stats.queue.dropped.units,
            composition_to_wire_ms: percentiles,
        }
    }
}

impl Core {
    /// Starts the encoders, unless they run already.
    fn encode(&mut self) -> Result<(), Problem> {
        if self.encoding.is_some() {
            return Ok(());
        }
        let clock: Arc<dyn Clock> = self.machine.clock.clone();
        let refused = |what: String, advice: &str| Problem {
            severity: Severity::Error,
            code: "encoder.start",
            happened: format!("The encoders could not be started: {what}."),
            done: "Nothing is sent or recorded.".into(),
            advice: advice.into(),
        };
        let renditions = vec![self.settings.rendition.clone()];
        let (group, video) =
            EncoderGroup::start(self.settings.rate, renditions, clock.clone()).map_err(|error| {
                refused(error.to_string(), "Run `genlock doctor` to see which encoders work here.")
            })?;
        let config =
            AudioEncoderConfig { track: units::TrackId::PRIMARY, bitrate: self.settings.audio_bitrate };
        let audio = self
            .sound
            .encode(config, clock)
            .map_err(|error| refused(error, "Run `genlock doctor` to see what is missing."))?;
        let encoders = group
            .reports()
            .iter()
            .map(|report| EncoderView {
                name: report.backend.element().to_owned(),
                reason: report.reason.clone(),
            })
            .collect();
        let group = Arc::new(group);
        self.fan_out.order(Order::Encode { video, audio, tracks: 1 });
        self.canvas.order(canvas::Order::Encode(Some(group.clone())));
        self.encoding = Some(Encoding { group, encoders });
        Ok(())
    }

    /// Stops the encoders when neither stream nor recording wants them.
    pub(super) fn rest_if_unwanted(&mut self) {
        if self.live.is_some() || self.recording.is_some() {
            return;
        }
        if let Some(encoding) = self.encoding.take() {
            self.canvas.order(canvas::Order::Encode(None));
            self.sound.rest();
            self.fan_out.order(Order::Rest);
            // Ends the encoders' threads; what they still hold is wanted by nobody.
            drop(encoding);
        }
    }

    pub(super) fn go_live(&mut self) {
        if self.live.is_some() {
            return;
        }
        let Some(destination) = self.machine.destination.clone() else {
            self.tell(Problem {
                severity: Severity::Error,
                code: "live.no_destination",
                happened: "There is no address to go live to.".into(),
                done: "Nothing was started.".into(),
                advice: "Start with `genlock live --to ADDRESS`, or try `genlock rehearse`.".into(),
            });
            return;
        };
        let wanted_at = self.machine.clock.now();
        let were_running = self.encoding.is_some();
        if let Err(problem) = self.encode() {
            self.after_live = LiveState::Failed;
            self.tell(problem);
            return;
        }
        match net::start(&self.machine.runtime, &destination, self.machine.clock.clone()) {
            Ok(output) => {
                let output = Arc::new(output);
                self.fan_out.order(Order::Attach(STREAM, Box::new(Feed(output.clone()))));
                let needed = self.settings.rendition.bitrate + self.settings.audio_bitrate;
                self.live =
                    Some(Live { notices: output.events(), output, ask_for_idr_at: None, wanted_at, needed });
            }
            Err(error) => {
                self.after_live = LiveState::Failed;
                self.tell(Problem {
                    severity: Severity::Error,
                    code: "live.start",
                    happened: format!("The stream could not be started: {error}."),
                    done: "Nothing was sent.".into(),
                    advice: "Check address, key and certificate, then go live again.".into(),
                });
                self.rest_if_unwanted();
                return;
            }
        }
        // Recording is on by default: whoever wants none says so.
        if self.settings.record_into.is_some() {
            self.record(were_running);
        }
    }

    pub(super) fn stop_live(&mut self) {
        if let Some(live) = &self.live {
            live.output.stop();
        }
    }

    /// Follows the stream: tells what happened, and lets go of it when it is over.
    pub(super) fn watch_live(&mut self) {
        let Some(live) = &mut self.live else { return };
        let mut heard = Vec::new();
        while let Some(notice) = live.notices.as_mut().and_then(|notices| notices.try_recv().ok()) {
            heard.push(notice);
        }
        for notice in heard {
            self.hear_stream(notice);
        }
        let (now, address) = (self.machine.clock.now(), self.address());
        let Some(live) = &mut self.live else { return };
        if live.ask_for_idr_at.is_some_and(|at| now >= at) {
            live.ask_for_idr_at = None;
            if let Some(encoding) =
                self.encoding.as_ref().filter(|_| live.output.stats().step == Step::Accepted)
            {
                encoding.group.request_idr();
            }
        }
        let Some(ended) = live.output.ended() else { return };
        let mut figures = live.figures(address, now);
        if let Ended::Failed(failure) = &ended {
            figures.failure = Some(failure.code().to_owned());
            figures.refused = failure.is_refusal();
        }
        self.last_destination = Some(figures);
        self.after_live = match ended {
            Ended::Failed(_) => LiveState::Failed,
            Ended::Stopped { .. } | Ended::Departed => LiveState::Off,
        };
        self.fan_out.order(Order::Detach(STREAM));
        self.live = None;
        if let Ended::Failed(failure) = ended {
            let recording = self.recording.is_some();
            self.tell(Problem {
                severity: Severity::Error,
                code: failure.code(),
                happened: failure.happened(),
                done: if recording {
                    format!("{} The recording goes on.", failure.done())
                } else {
                    failure.done().to_owned()
                },
                advice: failure.advice().to_owned(),
            });
        } else {
            // The show is over: the file is closed with it. After a failure it goes on.
            self.stop_recording();
        }
        self.rest_if_unwanted();
    }

    fn hear_stream(&mut self, notice: Notice) {
        match notice {
            Notice::KeyframeWanted => {
                let now = self.machine.clock.now();
                if let Some(live) = &mut self.live {
                    live.ask_for_idr_at = Some(now + IDR_GRACE);
                }
            }
            Notice::Health(health) if health != Health::Good => self.tell(Problem {
                severity: Severity::Warning,
                code: "live.degraded",
                happened: format!("The stream is degraded: {}.", health.words()),
                done: "Pictures are dropped where they have to be; sound and recording are not touched."
                    .into(),
                advice: "Use a cable instead of Wi-Fi, or a lower bitrate.".into(),
            }),
            // What every stream hears at its beginning and end is no news.
            Notice::ServiceSaid { code, .. } if code.ends_with(".Start") || code.ends_with(".Success") => {
                tracing::info!(code, "the service said");
            }
            Notice::ServiceSaid { code, text } => self.tell(Problem {
                severity: Severity::Notice,
                code: "live.service_said",
                happened: format!("The service says {code}: {text}"),
                done: String::new(),
                advice: String::new(),
            }),
            Notice::ReconnectRequested { .. } => self.tell(Problem {
                severity: Severity::Notice,
                code: "live.reconnect_requested",
                happened: "The service asks for a new connection.".into(),
                done: "The present one is kept for as long as the service allows.".into(),
                advice: "If the stream ends, go live again.".into(),
            }),
            _ => {}
        }
    }

    pub(super) fn start_recording(&mut self) {
        self.record(self.encoding.is_some());
    }

    /// Starts the recording; a file begins with an IDR, which encoders that have just been started make anyway.
    fn record(&mut self, ask_for_idr: bool) {
        if self.recording.is_some() {
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
        if let Err(problem) = self.encode() {
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
            self.last_recording = Some(status);
            self.recording = None;
            self.rest_if_unwanted();
        }
    }

    /// Where to, as it may be shown.
    pub(super) fn address(&self) -> String {
        self.machine.destination.as_ref().map(|to| to.address.to_string()).unwrap_or_default()
    }

    /// How long the stream has been live.
    pub(super) fn on_air(&self) -> Span {
        let live_at = self.live.as_ref().and_then(|live| live.output.stats().live_at);
        live_at.map_or(Span::ZERO, |at| self.machine.clock.now() - at)
    }
}
