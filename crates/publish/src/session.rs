//! One attempt to be on air: from looking up the name to the last byte, as a state machine without a socket.
//!
//! The driver tells what happened ([`Event`]), does what it is told ([`Action`]), writes what it is given
//! ([`Session::next_bytes`]) and comes back at [`Session::wake_at`]. Deadlines, refusals, the start at a common
//! keyframe, the send queue and the end within two seconds are decided here.

mod config;
pub(crate) mod deliveries;
pub(crate) mod departure;
pub(crate) mod liveness;
mod metrics;
mod notice;
mod outgoing;
mod random_loss;

use std::collections::VecDeque;
use std::sync::Arc;

use ertmp::{Capabilities, ClientConfig, ClientEvent, ClientSession, Level, RANDOM_BYTES};
use units::{AccessUnit, MediaTime, Span, StreamConfig};

pub use config::{Deadlines, RungRates, SessionConfig, WallClock};
pub use notice::{Action, Ended, Event, Health, Notice, Stats, Step, TcpFigures, TrackProgress};

use crate::{Answer, Cause, Delivered, Failure, Latency, RateAdvice, RateControl, Stage, Throughput};
use deliveries::{Deliveries, Unit};
use departure::Parting;
use liveness::Liveness;
use outgoing::{Outgoing, Sent};
use random_loss::RandomLoss;

/// How often health is judged while media is sent.
const PULSE: Span = Span::from_millis(250);

/// What servers look for before they let a client publish, with our own name in it.
const FLASH_VERSION: &str = concat!("FMLE/3.0 (compatible; Genlock ", env!("CARGO_PKG_VERSION"), ")");

/// Where a unit's last byte is in the stream of bytes, to know when it was written.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: u64,
    composed_at: Option<MediaTime>,
    unit: Unit,
}

/// The good-bye under way.
#[derive(Clone, Copy, Debug)]
struct Farewell {
    /// Another session goes on with the stream: its end is not signalled.
    silent: bool,
    drain_until: MediaTime,
    cut_at: MediaTime,
    /// Nothing is queued any more but, perhaps, `FCUnpublish` and `deleteStream`.
    said: bool,
    closing: bool,
}

/// One attempt to be on air.
pub struct Session {
    config: SessionConfig,
    rtmp: ClientSession,
    step: Step,
    /// Until when the present step must be over.
    deadline: Option<MediaTime>,
    farewell: Option<Farewell>,
    parting: Option<Parting>,
    /// The server accepted the connection and did not announce multitrack.
    unannounced: bool,
    /// The first bytes of the peer are still to come.
    unheard: bool,
    outgoing: Outgoing,
    marks: VecDeque<Mark>,
    liveness: Liveness,
    deliveries: Deliveries,
    tcp: Option<TcpFigures>,
    random_loss: RandomLoss,
    latency: Latency,
    throughput: Throughput,
    rates: Option<RateControl>,
    judged_at: MediaTime,
    accepted_at: Option<MediaTime>,
    live_at: Option<MediaTime>,
    /// What the service said last besides yes: the reason, when it closes the connection next.
    last_word: Option<(String, String)>,
    actions: VecDeque<Action>,
    notices: VecDeque<Notice>,
}

impl Session {
    /// A session that starts at `now` by looking up the host, or by [waiting](SessionConfig::waits). `random` need not be secret (RTMP specification 1.0,
    /// 5.2.3).
    pub fn new(config: SessionConfig, random: &[u8; RANDOM_BYTES], now: MediaTime) -> Self {
        let rtmp = ClientSession::new(
            ClientConfig {
                app: config.target.app.clone(),
                tc_url: config.target.tc_url.clone(),
                stream_name: config.target.stream_name.clone(),
                flash_ver: String::from(FLASH_VERSION),
                enhanced: config.announces_enhanced(),
            },
            random,
        );
        let mut session = Self {
            outgoing: Outgoing::new(&config),
            rates: RateControl::new(&config.ladder),
            deadline: None,
            config,
            rtmp,
            step: Step::Waiting,
            farewell: None,
            parting: None,
            unannounced: false,
            unheard: true,
            marks: VecDeque::new(),
            liveness: Liveness::new(now),
            deliveries: Deliveries::default(),
            tcp: None,
            random_loss: RandomLoss::default(),
            latency: Latency::default(),
            throughput: Throughput::default(),
            judged_at: now,
            accepted_at: None,
            live_at: None,
            last_word: None,
            actions: VecDeque::new(),
            notices: VecDeque::new(),
        };
        if session.config.waits {
            session.enter(Step::Waiting, None, now);
        } else {
            session.proceed(now);
        }
        session
    }

    /// Lets a session that [waits](SessionConfig::waits) connect. Any other goes on as it was.
    pub fn proceed(&mut self, now: MediaTime) {
        if self.step == Step::Waiting {
            self.enter(Step::Resolving, Some(self.config.deadlines.name), now);
            self.actions.push_back(Action::Resolve);
        }
    }

    /// How far it is.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// What to do next; `None` when nothing new.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What the rest of the program should know; `None` when nothing new.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// When to come back with [`Event::Tick`] if nothing else happens before; `None` when the session is over, or waits
    /// to be told something.
    pub fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        if self.step == Step::Ended {
            return None;
        }
        let cut = self.farewell.map(|farewell| farewell.cut_at);
        let cut = cut.or(self.parting.map(|parting| parting.by));
        let drained = self.farewell.map(|farewell| farewell.drain_until).filter(|at| *at > now);
        let pulse = self.step.is_accepted().then(|| self.judged_at + PULSE);
        let stall = (self.outstanding() > 0 && self.step.is_accepted())
            .then(|| self.liveness.wrote_at() + self.config.deadlines.stall);
        // What is due now is handed out by `next_bytes` as soon as the writer is free; only patience is worth a wake.
        let turn = self.outgoing.wake_at(now).filter(|at| *at > now);
        [self.deadline, cut, drained, pulse, stall, turn].into_iter().flatten().min()
    }

    /// Decoder configuration of all tracks. Before the stream starts it says which tracks there are; later, changed
    /// configurations of the same tracks are sent ahead of their next keyframe.
    pub fn begin(&mut self, config: StreamConfig) {
        self.outgoing.begin(config);
        self.deliveries.promise(self.outgoing.config());
        self.warn_of_silence();
    }

    /// Takes an access unit at `now`. Before the service has said yes, units are forgotten, unless
    /// [`SessionConfig::keep_from_keyframe`] is set.
    pub fn push(&mut self, unit: Arc<AccessUnit>, now: MediaTime) {
        match self.step {
            Step::Accepted | Step::Live => {
                self.outgoing.push(unit, now);
                if self.outgoing.is_departure_over(now) {
                    self.leave(now);
                } else {
                    self.judge(now);
                }
            }
            Step::Stopping | Step::Ended => {}
            _ => self.outgoing.hold(unit),
        }
    }

    /// Tells what happened.
    pub fn handle(&mut self, event: Event<'_>, now: MediaTime) {
        if self.step == Step::Ended {
            return;
        }
        match event {
            Event::Resolved if self.step == Step::Resolving => {
                self.enter(Step::Connecting, Some(self.config.deadlines.connect), now);
                self.actions.push_back(Action::Connect);
            }
            Event::Connected if self.step == Step::Connecting => {
                if self.config.tls {
                    self.enter(Step::Securing, Some(self.config.deadlines.tls), now);
                    self.actions.push_back(Action::StartTls);
                } else {
                    self.greet(now);
                }
            }
            Event::TlsDone if self.step == Step::Securing => self.greet(now),
            // Late answers to actions that were given up.
            Event::Resolved | Event::Connected | Event::TlsDone => {}
            Event::Received(bytes) => self.received(bytes, now),
            Event::Wrote(bytes) => self.wrote(bytes, now),
            Event::InFlight { bytes } => self.deliveries.in_flight(bytes, now),
            Event::Tcp(figures) => {
                self.tcp = Some(figures);
                self.random_loss.observe(figures, self.outgoing.gauge().waiting < random_loss::KEEPS_UP);
            }
            Event::Closed => self.closed(now),
            Event::Failed(cause) => self.fail(cause, now),
            Event::Tick => self.tick(now),
        }
    }

    /// Ends the session in good order: what waits is sent as far as there is time, the end is signalled, the
    /// connection closed; within [`Deadlines::stop`] whatever hangs.
    pub fn stop(&mut self, now: MediaTime) {
        if self.step == Step::Ended || (self.step == Step::Stopping && self.parting.is_none()) {
            return;
        }
        self.parting = None;
        if let Some(farewell) = &mut self.farewell {
            // It was taking its time, perhaps to leave without a word; now the stream is to end.
            farewell.silent = false;
            farewell.drain_until = now + self.config.deadlines.drain;
            farewell.cut_at = now + self.config.deadlines.stop;
            return;
        }
        let was_accepted = self.step.is_accepted();
        self.enter(Step::Stopping, None, now);
        if !was_accepted {
            // There is no stream to end, and nothing the peer could do with a good-bye.
            self.end(Ended::Stopped { clean: true }, now);
            return;
        }
        self.farewell = Some(Farewell {
            silent: false,
            drain_until: now + self.config.deadlines.drain,
            cut_at: now + self.config.deadlines.stop,
            said: false,
            closing: false,
        });
    }

    /// The next bytes to write, once those before have been written; `None` when there is nothing to write now.
    pub fn next_bytes(&mut self, now: MediaTime) -> Option<Vec<u8>> {
        if matches!(
            self.step,
            Step::Waiting | Step::Resolving | Step::Connecting | Step::Securing | Step::Ended
        ) {
            return None;
        }
        // Answers to the peer first: they are small, and somebody waits for them.
        if let Some(bytes) = self.take_output(None, now) {
            return Some(bytes);
        }
        if let Some(farewell) = self.farewell {
            if farewell.said {
                return None;
            }
            if now < farewell.drain_until
                && let Some(bytes) = self.next_media(now)
            {
                return Some(bytes);
            }
            self.say_goodbye(now);
            let bytes = self.take_output(None, now);
            if bytes.is_none() {
                self.close_when_written();
            }
            return bytes;
        }
        self.next_media(now)
    }

    /// Figures at `now`.
    pub fn stats(&self, now: MediaTime) -> Stats {
        Stats {
            step: self.step,
            health: self.liveness.health(),
            accepted_at: self.accepted_at,
            live_at: self.live_at,
            sent_bytes: self.liveness.written(),
            acknowledged_bytes: self.liveness.acknowledged(),
            unconfirmed: self.deliveries.oldest_unconfirmed(now).max(self.liveness.unconfirmed_for(now)),
            tracks: self.deliveries.progress(self.live_at, now),
            tcp: self.tcp,
            upload: self.throughput.rate(now),
            queue: self.outgoing.gauge(),
            dropped: self.outgoing.dropped(),
            rejected: self.outgoing.rejected(),
            without_metrics: self.outgoing.without_metrics(),
            disordered: self.outgoing.disordered(),
            latency_recent: self.latency.recent(now),
            latency_session: self.latency.session(),
            srt: None,
        }
    }

    /// What has left, and what has arrived, since the last call; see [`GapLedger`](crate::GapLedger). Once the session
    /// has ended, everything that left is told.
    pub fn deliveries(&mut self) -> Vec<Delivered> {
        self.deliveries.take()
    }

    /// Bytes handed out and not yet written.
    fn outstanding(&self) -> u64 {
        self.rtmp.sent_bytes().saturating_sub(self.liveness.written())
    }

    fn enter(&mut self, step: Step, limit: Option<Span>, now: MediaTime) {
        self.step = step;
        self.deadline = limit.map(|limit| now + limit);
        self.notices.push_back(Notice::Step(step));
    }

    fn greet(&mut self, now: MediaTime) {
        self.enter(Step::Greeting, Some(self.config.deadlines.handshake), now);
    }

    fn received(&mut self, bytes: &[u8], now: MediaTime) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.unheard)
            && let Some(answer) = Answer::instead_of_rtmp(bytes)
        {
            self.fail(Cause::NotRtmp(answer), now);
            return;
        }
        let result = self.rtmp.handle_input(bytes);
        while let Some(event) = self.rtmp.poll_event() {
            self.heard(event, now);
        }
        if let Err(error) = result {
            let cause = match error {
                ertmp::Error::NotRtmp { .. } => Cause::NotRtmp(Answer::Unknown),
                ertmp::Error::Misused { .. } => Cause::Own(error.to_string()),
                _ => Cause::Protocol(error.to_string()),
            };
            self.fail(cause, now);
        }
    }

    fn heard(&mut self, event: ClientEvent, now: MediaTime) {
        match event {
            ClientEvent::HandshakeDone if self.step == Step::Greeting => {
                self.enter(Step::Asking, Some(self.config.deadlines.publish), now);
            }
            ClientEvent::Connected { server } => {
                self.unannounced = !server.enhanced.has(Capabilities::MULTITRACK);
                self.warn_of_silence();
            }
            ClientEvent::Published { code, description } if self.step == Step::Asking => {
                self.accepted_at = Some(now);
                self.outgoing.release(now);
                self.judged_at = now;
                self.enter(Step::Accepted, Some(self.config.deadlines.first_picture), now);
                self.notices.push_back(Notice::Accepted { code, text: hide_keys(&description) });
                if !self.outgoing.has_started() {
                    self.notices.push_back(Notice::KeyframeWanted);
                }
            }
            ClientEvent::Refused { code, description, .. } => {
                self.fail(Cause::Refused { code, text: hide_keys(&description) }, now);
            }
            ClientEvent::Status { level, code, description } => {
                let text = hide_keys(&description);
                if level == Level::Error && self.step.is_accepted() {
                    self.fail(Cause::EndedByService { code, text }, now);
                } else {
                    if level != Level::Status {
                        self.last_word = Some((code.clone(), text.clone()));
                    }
                    self.notices.push_back(Notice::ServiceSaid { code, text });
                }
            }
            ClientEvent::ReconnectRequest { tc_url, .. } => {
                let tc_url = tc_url.map(|url| hide_keys(&url));
                self.notices.push_back(Notice::ReconnectRequested { tc_url });
            }
            ClientEvent::Acknowledged { bytes } => {
                self.liveness.acknowledge(bytes, now);
                self.deliveries.acknowledged(bytes, now);
            }
            ClientEvent::Closed => self.closed(now),
            _ => {}
        }
    }

    /// Tells once, and before any media, that the server announced no multitrack while we need it.
    fn warn_of_silence(&mut self) {
        if self.unannounced && self.outgoing.is_multitrack() {
            self.unannounced = false;
            self.notices.push_back(Notice::MultitrackUnannounced);
        }
    }

    fn wrote(&mut self, bytes: usize, now: MediaTime) {
        self.liveness.wrote(bytes, now);
        self.throughput.add(bytes as u64, now);
        self.deliveries.wrote(bytes, now);
        let written = self.liveness.written();
        while let Some(Mark { end, composed_at, unit }) = self.marks.pop_front_if(|mark| mark.end <= written)
        {
            self.deliveries.left(unit, end, now);
            let Some(composed_at) = composed_at else { continue };
            self.latency.add(now - composed_at, now);
            if self.step == Step::Accepted {
                self.live_at = Some(now);
                self.enter(Step::Live, None, now);
            }
        }
        self.close_when_written();
    }

    fn close_when_written(&mut self) {
        let outstanding = self.outstanding();
        if let Some(farewell) = &mut self.farewell
            && farewell.said
            && !farewell.closing
            && outstanding == 0
        {
            farewell.closing = true;
            self.actions.push_back(Action::Close);
        }
    }

    fn closed(&mut self, now: MediaTime) {
        if self.step == Step::Stopping {
            let clean = self.farewell.is_none_or(|farewell| farewell.closing);
            self.end_farewell(clean, now);
            return;
        }
        let cause = match (self.last_word.take(), self.stage()) {
            (Some((code, text)), Stage::Publish) => Cause::Refused { code, text },
            (Some((code, text)), Stage::Live) => Cause::EndedByService { code, text },
            (_, Stage::Name | Stage::Connect) => {
                Cause::ConnectFailed(String::from("the connection was closed"))
            }
            (_, Stage::Tls) => Cause::TlsClosed,
            (_, Stage::Handshake) => Cause::HandshakeClosed,
            (_, Stage::Publish) => Cause::PublishClosed,
            (_, Stage::Live) => Cause::ClosedByPeer,
        };
        self.fail(cause, now);
    }

    fn tick(&mut self, now: MediaTime) {
        if let Some(farewell) = self.farewell {
            if now >= farewell.cut_at {
                self.end_farewell(false, now);
            }
            return;
        }
        if self.parting.is_some_and(|parting| now >= parting.by) {
            self.end_farewell(false, now);
            return;
        }
        if self.outgoing.is_departure_over(now) {
            self.leave(now);
            return;
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let cause = match self.step {
                Step::Resolving => Cause::NameTimedOut,
                Step::Connecting => Cause::ConnectTimedOut,
                Step::Securing => Cause::TlsTimedOut,
                Step::Greeting => Cause::HandshakeTimedOut,
                Step::Asking => Cause::PublishTimedOut,
                _ if self.outgoing.has_started() => Cause::Stalled,
                _ => Cause::Own(String::from("no keyframe came on all renditions")),
            };
            self.fail(cause, now);
            return;
        }
        if self.step.is_accepted() {
            let without_progress = self.deliveries.without_progress(now);
            let deadlines = &self.config.deadlines;
            if let Some(cause) = self.liveness.verdict(self.outstanding(), without_progress, deadlines, now) {
                self.fail(cause, now);
                return;
            }
            if now - self.judged_at >= PULSE {
                self.judged_at = now;
                self.judge(now);
                self.control_rates(now);
            }
        }
    }

    fn judge(&mut self, now: MediaTime) {
        if self.outgoing.is_catching_up(now) {
            return;
        }
        let without_progress = self.deliveries.without_progress(now);
        if let Some(health) = self.liveness.judge(&self.outgoing.gauge(), without_progress, now) {
            self.notices.push_back(Notice::Health(health));
        }
    }

    fn control_rates(&mut self, now: MediaTime) {
        let Some(rates) = &mut self.rates else { return };
        // The engine follows the session that stays, and a queue that is being caught up with says nothing.
        if self.step != Step::Live || self.parting.is_some() || self.outgoing.is_catching_up(now) {
            return;
        }
        let (waiting, written) = (self.outgoing.gauge().waiting, self.liveness.written());
        let advice = rates.observe(waiting, written, self.outgoing.sound(), self.random_loss.is_there(), now);
        match advice {
            Some(RateAdvice::Bitrates(bitrates)) => self.notices.push_back(Notice::Bitrates(bitrates)),
            Some(RateAdvice::Overwhelmed { sustainable }) => {
                self.notices.push_back(Notice::Overwhelmed { sustainable });
            }
            None => {}
        }
    }

    fn next_media(&mut self, now: MediaTime) -> Option<Vec<u8>> {
        match self.outgoing.send_next(&mut self.rtmp, self.farewell.is_some(), now) {
            Ok(Some(sent)) => self.take_output(Some(sent), now),
            Ok(None) => None,
            Err(error) => {
                self.fail(Cause::Own(error.to_string()), now);
                None
            }
        }
    }

    fn take_output(&mut self, sent: Option<Sent>, now: MediaTime) -> Option<Vec<u8>> {
        let idle = self.outstanding() == 0;
        let bytes = self.rtmp.poll_output()?;
        if idle {
            self.liveness.begin_write(now);
        }
        if let Some(Sent { composed_at, unit }) = sent {
            self.marks.push_back(Mark { end: self.rtmp.sent_bytes(), composed_at, unit });
        }
        Some(bytes)
    }

    fn say_goodbye(&mut self, now: MediaTime) {
        let result = if self.farewell.is_some_and(|farewell| farewell.silent) {
            Ok(())
        } else {
            self.outgoing.end(&mut self.rtmp).and_then(|()| self.rtmp.finish())
        };
        if let Some(farewell) = &mut self.farewell {
            farewell.said = true;
        }
        if let Err(error) = result {
            self.fail(Cause::Own(error.to_string()), now);
        }
    }

    const fn stage(&self) -> Stage {
        match self.step {
            Step::Waiting | Step::Resolving => Stage::Name,
            Step::Connecting => Stage::Connect,
            Step::Securing => Stage::Tls,
            Step::Greeting => Stage::Handshake,
            Step::Asking => Stage::Publish,
            Step::Accepted | Step::Live | Step::Stopping | Step::Ended => Stage::Live,
        }
    }

    fn fail(&mut self, cause: Cause, now: MediaTime) {
        if self.step == Step::Ended {
            return;
        }
        if self.step == Step::Stopping || self.parting.is_some() {
            // Whoever hangs up on a good-bye changes nothing about it.
            self.end_farewell(false, now);
            return;
        }
        let failure =
            Failure { host: self.config.host.clone(), port: self.config.port, stage: self.stage(), cause };
        self.end(Ended::Failed(failure), now);
    }

    fn end_farewell(&mut self, whole: bool, now: MediaTime) {
        let arrived = whole && self.farewell.is_some();
        self.deliveries.close(arrived, now);
        let departs = self.is_departing();
        self.end(if departs { Ended::Departed } else { Ended::Stopped { clean: whole } }, now);
    }

    fn end(&mut self, ended: Ended, now: MediaTime) {
        self.step = Step::Ended;
        self.deliveries.close(false, now);
        self.deadline = None;
        self.outgoing.clear();
        self.actions.clear();
        self.actions.push_back(Action::Abort);
        if let Some(rates) = self.rates.as_mut().filter(|rates| !rates.is_nominal()) {
            // Nothing slows the encoders down any more; whatever else they feed gets its quality back.
            rates.reset();
            self.notices.push_back(Notice::Bitrates(rates.bitrates()));
        }
        self.notices.push_back(Notice::Step(Step::Ended));
        self.notices.push_back(Notice::Ended(ended));
    }
}

/// The stream name itself is already taken out by the protocol; this catches another key the service may mention.
fn hide_keys(text: &str) -> String {
    ivs::redact(text)
}
