//! Going live and recording: what is started when, what is told, what ends.

use std::sync::Arc;

use control::{LiveState, Problem, RecordingState, Severity};
use publish::{Ended, Health, Notice, Step};
use tokio::sync::mpsc;
use units::{AccessUnit, Clock, MediaTime, Span, StreamConfig};

use super::approach::{Approach, Plan, Purpose};
use super::fan_out::{Order, Output, OutputId};
use super::recording::Recording;
use super::{Core, FIRST_STREAM, RECORDING};
use crate::report::{DestinationFigures, Percentiles};

/// How long a stream that was just accepted waits for an IDR that is on its way already: encoders that were started
/// with it begin with one, and a second right behind it would only cost quality.
const IDR_GRACE: Span = Span::from_millis(80);

/// How long a stream that follows another one of ours may be told that the channel is on air already: the service holds
/// a connection that has not ended in good order for 30 seconds (IVS user guide, "Step 5: Set Up Streaming Software").
const HELD: Span = Span::from_secs(40);
/// How long to wait between two attempts meanwhile.
const HELD_PAUSE: Span = Span::from_secs(2);

/// A stream on its way to, on, or from the air.
pub(super) struct Live {
    id: OutputId,
    pub(super) output: Arc<net::Output>,
    pub(super) plan: Plan,
    notices: Option<mpsc::Receiver<Notice>>,
    /// When to ask the encoders for an IDR, should none have come by itself.
    ask_for_idr_at: Option<MediaTime>,
    pub(super) wanted_at: MediaTime,
    /// The connection that goes on from the next keyframe on, because the service asked for one.
    moving_to: Option<Box<Live>>,
    /// Until when a refusal may be due to our own stream before this one.
    refused_until: Option<MediaTime>,
    /// What the connections before this one came to.
    earlier: Earlier,
}

/// The stream that follows the present one.
pub(super) struct Next {
    plan: Plan,
    /// Not before this.
    at: MediaTime,
    refused_until: MediaTime,
}

/// Figures of connections of the same show that are over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Earlier {
    connections: u32,
    on_air_seconds: f64,
    first_idr_ms: Option<f64>,
    sent_bytes: u64,
    dropped_frames: u64,
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
            on_air_seconds: self.earlier.on_air_seconds
                + stats.live_at.map_or(0.0, |at| (now - at).as_secs_f64()),
            first_idr_ms: self
                .earlier
                .first_idr_ms
                .or(stats.live_at.map(|at| (at - self.wanted_at).as_secs_f64() * 1000.0)),
            sent_bytes: self.earlier.sent_bytes + stats.sent_bytes,
            acknowledged_bytes: stats.acknowledged_bytes,
            dropped_frames: self.earlier.dropped_frames + stats.queue.dropped.units,
            composition_to_wire_ms: percentiles,
            connections: self.earlier.connections + 1,
            config_id: self.plan.ladder.config_id().map(str::to_owned),
        }
    }

    /// What is to be remembered of this connection once it is over.
    fn so_far(&self, now: MediaTime) -> Earlier {
        let figures = self.figures(String::new(), now);
        Earlier {
            connections: figures.connections,
            on_air_seconds: figures.on_air_seconds,
            first_idr_ms: figures.first_idr_ms,
            sent_bytes: figures.sent_bytes,
            dropped_frames: figures.dropped_frames,
        }
    }
}

impl Core {
    pub(super) fn go_live(&mut self) {
        if self.live.is_none() && self.then_start.is_none() {
            self.approach(Purpose::GoLive);
        }
    }

    /// Connects with `plan`. The wish to be live was uttered at `wanted_at`.
    pub(super) fn start_stream(&mut self, plan: Plan, wanted_at: MediaTime) {
        let were_running = self.encoding.is_some();
        if let Err(problem) = self.encode(&plan.ladder) {
            self.fail_to_start(problem);
            return;
        }
        if let Err(problem) = self.connect(plan, wanted_at) {
            self.fail_to_start(problem);
            self.rest_if_unwanted();
            return;
        }
        // Recording is on by default: whoever wants none says so.
        if self.settings.record_into.is_some() {
            self.record(were_running);
        }
    }

    fn fail_to_start(&mut self, problem: Problem) {
        self.after_live = LiveState::Failed;
        self.tell(problem);
    }

    fn connect(&mut self, plan: Plan, wanted_at: MediaTime) -> Result<(), Problem> {
        let earlier = std::mem::take(&mut self.earlier);
        self.live = Some(self.open_connection(plan, wanted_at, earlier)?);
        Ok(())
    }

    /// Opens a connection and has the encoders' access units sent to it.
    fn open_connection(
        &mut self,
        plan: Plan,
        wanted_at: MediaTime,
        earlier: Earlier,
    ) -> Result<Live, Problem> {
        let started = net::start(&self.machine.runtime, &plan.destination, self.machine.clock.clone());
        let output = Arc::new(started.map_err(|error| Problem {
            severity: Severity::Error,
            code: "live.start",
            happened: format!("The stream could not be started: {error}."),
            done: "Nothing was sent.".into(),
            advice: "Check address, key and certificate, then go live again.".into(),
        })?);
        self.connections += 1;
        let id = FIRST_STREAM + self.connections;
        self.fan_out.order(Order::Attach(id, Box::new(Feed(output.clone()))));
        Ok(Live {
            id,
            notices: output.events(),
            output,
            plan,
            ask_for_idr_at: None,
            wanted_at,
            moving_to: None,
            refused_until: None,
            earlier,
        })
    }

    /// The service asks for a new connection (Enhanced RTMP v2, "Reconnect Request"): the present one ends before the
    /// next keyframe, and the new one begins with it, so that nothing is sent twice and nothing is missing.
    fn move_connection(&mut self, tc_url: Option<&str>) {
        let Some(live) = self.live.as_ref().filter(|live| live.moving_to.is_none()) else { return };
        let (mut plan, wanted_at) = (live.plan.clone(), live.wanted_at);
        let destination = match tc_url {
            Some(tc_url) => plan.destination.clone().moved_to(tc_url),
            None => Ok(plan.destination.clone()),
        };
        let moved = destination.map_err(|error| error.to_string()).and_then(|mut destination| {
            destination.keep_from_keyframe = true;
            plan.destination = destination;
            self.open_connection(plan, wanted_at, Earlier::default()).map_err(|problem| problem.happened)
        });
        let done = match moved {
            Ok(next) => {
                if let Some(live) = &mut self.live {
                    live.output.depart();
                    live.moving_to = Some(Box::new(next));
                }
                if let Some(encoding) = &self.encoding {
                    encoding.group.request_idr();
                }
                "The stream goes on over a new connection from the next keyframe on.".to_owned()
            }
            Err(what) => format!("The present one is kept for as long as the service allows: {what}"),
        };
        self.tell(Problem {
            severity: Severity::Notice,
            code: "live.reconnect_requested",
            happened: "The service asks for a new connection.".into(),
            done,
            advice: String::new(),
        });
    }

    /// Ends the stream as it is and goes on with `plan`, whose renditions are others: for the service that is a new
    /// stream, so the present one is ended in good order first.
    pub(super) fn change_stream(&mut self, plan: Plan) {
        let Some(live) = &self.live else {
            // It ended by itself meanwhile.
            self.rest_if_unwanted();
            return;
        };
        live.output.stop();
        let now = self.machine.clock.now();
        self.then_start = Some(Next { plan, at: now, refused_until: now + HELD });
    }

    /// Starts the stream that follows another one, when it is time.
    fn start_next(&mut self) {
        let now = self.machine.clock.now();
        if self.live.is_some() || self.then_start.as_ref().is_none_or(|next| now < next.at) {
            return;
        }
        if let Some(Next { plan, refused_until, .. }) = self.then_start.take() {
            self.start_stream(plan, now);
            if let Some(live) = &mut self.live {
                live.refused_until = Some(refused_until);
            }
        }
    }

    pub(super) fn stop_live(&mut self) {
        let was_on_the_way = self.live.is_none() && self.live_state() == LiveState::Connecting;
        self.then_start = None;
        self.cancel_approach();
        if was_on_the_way {
            self.after_live = LiveState::Off;
            self.stop_recording();
        }
        if let Some(live) = &self.live {
            live.output.stop();
        }
    }

    /// The light.
    pub(super) fn live_state(&self) -> LiveState {
        let on_the_way = self.approach.as_ref().is_some_and(Approach::is_public) || self.then_start.is_some();
        match &self.live {
            Some(live) => live.state(),
            None if on_the_way => LiveState::Connecting,
            None => self.after_live,
        }
    }

    /// Follows the stream: tells what happened, and lets go of it when it is over.
    pub(super) fn watch_live(&mut self) {
        self.start_next();
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
        let so_far = live.so_far(now);
        let mut figures = live.figures(address, now);
        let (id, moved) = (live.id, live.moving_to.take());
        let (plan, refused_until) = (live.plan.clone(), live.refused_until);
        self.fan_out.order(Order::Detach(id));
        self.live = None;
        match (ended, moved) {
            // What ended was to be replaced, in good order or not: the next connection has everything from its
            // keyframe on.
            (Ended::Departed | Ended::Failed(_), Some(next)) => {
                self.live = Some(Live { earlier: so_far, ..*next });
            }
            (Ended::Failed(failure), None)
                if failure.is_refusal() && refused_until.is_some_and(|until| now < until) =>
            {
                tracing::info!(what = failure.happened(), "refused; the stream before may still be held");
                self.earlier = so_far;
                let refused_until = refused_until.unwrap_or(now);
                self.then_start = Some(Next { plan, at: now + HELD_PAUSE, refused_until });
            }
            (Ended::Failed(failure), None) => {
                figures.failure = Some(failure.code().to_owned());
                figures.refused = failure.is_refusal();
                self.last_destination = Some(figures);
                self.then_start = None;
                self.after_live = LiveState::Failed;
                self.tell_failure(&failure);
                self.rest_if_unwanted();
            }
            (Ended::Stopped { .. } | Ended::Departed, moved) => {
                // A connection that was to follow is not wanted any more; dropping it stops it.
                if let Some(next) = moved {
                    self.fan_out.order(Order::Detach(next.id));
                }
                self.last_destination = Some(figures);
                self.after_live = LiveState::Off;
                if self.then_start.is_some() {
                    self.earlier = so_far;
                    self.start_next();
                } else {
                    // The show is over: the file is closed with it. After a failure it goes on.
                    self.stop_recording();
                    self.rest_if_unwanted();
                }
            }
        }
    }

    fn tell_failure(&mut self, failure: &publish::Failure) {
        let done = if self.recording.is_some() {
            format!("{} The recording goes on.", failure.done())
        } else {
            failure.done().to_owned()
        };
        self.tell(Problem {
            severity: Severity::Error,
            code: failure.code(),
            happened: failure.happened(),
            done,
            advice: failure.advice().to_owned(),
        });
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
            Notice::ReconnectRequested { tc_url } => self.move_connection(tc_url.as_deref()),
            Notice::MultitrackUnannounced => self.tell(Problem {
                severity: Severity::Warning,
                code: "live.multitrack_unannounced",
                happened: "This server does not say that it takes several renditions; some take the stream and drop all but one without a word.".into(),
                done: "All renditions are sent; recording is not touched.".into(),
                advice: "On Amazon IVS this is no worry. Elsewhere, look whether viewers get every rendition, or send one.".into(),
            }),
            Notice::Bitrates(bitrates) => self.set_bitrates(&bitrates),
            Notice::Overwhelmed { sustainable } => {
                let carried = if sustainable < units::Kbps(50) {
                    "next to nothing".to_owned()
                } else {
                    sustainable.to_string()
                };
                let why = format!("The upload carries {carried}; the lowest bitrates of this ladder need more");
                self.shrink_ladder(&why, "live.upload_too_slow");
            }
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

    /// How long the stream has been live.
    pub(super) fn on_air(&self) -> Span {
        let live_at = self.live.as_ref().and_then(|live| live.output.stats().live_at);
        live_at.map_or(Span::ZERO, |at| self.machine.clock.now() - at)
    }
}
