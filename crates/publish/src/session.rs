//! One attempt to be on air: from looking up the name to the last byte, as a state machine without a socket.
//!
//! The driver tells what happened ([`Event`]), does what it is told ([`Action`]), writes what it is given
//! ([`Session::next_bytes`]) and comes back at [`Session::wake_at`]. Deadlines, refusals, the start at a common
//! keyframe, the send queue and the end within two seconds are decided here.

mod config;
mod departure;
mod liveness;
mod metrics;
mod notice;
mod outgoing;

use std::collections::VecDeque;
use std::sync::Arc;

use ertmp::{Capabilities, ClientConfig, ClientEvent, ClientSession, Level, RANDOM_BYTES};
use units::{AccessUnit, MediaTime, Span, StreamConfig};

pub use config::{Deadlines, RungRates, SessionConfig, WallClock};
pub use notice::{Action, Ended, Event, Health, Notice, Stats, Step};

use crate::{Answer, Cause, Failure, Latency, RateAdvice, RateControl, Stage, Throughput};
use liveness::Liveness;
use outgoing::Outgoing;

/// How often health is judged while media is sent.
const PULSE: Span = Span::from_millis(250);

/// What servers look for before they let a client publish, with our own name in it.
const FLASH_VERSION: &str = concat!("FMLE/3.0 (compatible; Genlock ", env!("CARGO_PKG_VERSION"), ")");

/// Where a picture's last byte is in the stream of bytes, to know when it was written.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: u64,
    composed_at: MediaTime,
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
    /// When a departure that was asked for has to be over.
    depart_by: Option<MediaTime>,
    /// The server accepted the connection and did not announce multitrack.
    unannounced: bool,
    /// The first bytes of the peer are still to come.
    unheard: bool,
    outgoing: Outgoing,
    marks: VecDeque<Mark>,
    liveness: Liveness,
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
    /// A session that starts at `now` by looking up the host. `random` need not be secret (RTMP specification 1.0,
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
        Self {
            outgoing: Outgoing::new(&config),
            rates: RateControl::new(&config.ladder),
            deadline: Some(now + config.deadlines.name),
            config,
            rtmp,
            step: Step::Resolving,
            farewell: None,
            depart_by: None,
            unannounced: false,
            unheard: true,
            marks: VecDeque::new(),
            liveness: Liveness::new(now),
            latency: Latency::default(),
            throughput: Throughput::default(),
            judged_at: now,
            accepted_at: None,
            live_at: None,
            last_word: None,
            actions: VecDeque::from([Action::Resolve]),
            notices: VecDeque::from([Notice::Step(Step::Resolving)]),
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

    /// When to come back with [`Event::Tick`] if nothing else happens before; `None` when the session is over.
    pub fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        if self.step == Step::Ended {
            return None;
        }
        let cut = self.farewell.map(|farewell| farewell.cut_at);
        let cut = cut.or(self.depart_by);
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
            Event::Closed => self.closed(now),
            Event::Failed(cause) => self.fail(cause),
            Event::Tick => self.tick(now),
        }
    }

    /// Ends the session in good order: what waits is sent as far as there is time, the end is signalled, the
    /// connection closed; within [`Deadlines::stop`] whatever hangs.
    pub fn stop(&mut self, now: MediaTime) {
        if self.step == Step::Ended || (self.step == Step::Stopping && !self.is_departing()) {
            return;
        }
        self.depart_by = None;
        if let Some(farewell) = &mut self.farewell {
            // It was about to leave without a word; now the stream is to end.
            farewell.silent = false;
            farewell.drain_until = now + self.config.deadlines.drain;
            farewell.cut_at = now + self.config.deadlines.stop;
            return;
        }
        let was_accepted = self.step.is_accepted();
        self.enter(Step::Stopping, None, now);
        if !was_accepted {
            // There is no stream to end, and nothing the peer could do with a good-bye.
            self.end(Ended::Stopped { clean: true });
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
        if matches!(self.step, Step::Resolving | Step::Connecting | Step::Securing | Step::Ended) {
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
            self.say_goodbye();
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
            self.fail(Cause::NotRtmp(answer));
            return;
        }
        let result = self.rtmp.handle_input(bytes);
        while let Some(event) = self.rtmp.poll_event() {
            self.heard(event, now);
        }
        if let Err(error) = result {
            self.fail(match error {
                ertmp::Error::NotRtmp { .. } => Cause::NotRtmp(Answer::Unknown),
                ertmp::Error::Misused { .. } => Cause::Own(error.to_string()),
                _ => Cause::Protocol(error.to_string()),
            });
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
                self.fail(Cause::Refused { code, text: hide_keys(&description) });
            }
            ClientEvent::Status { level, code, description } => {
                let text = hide_keys(&description);
                if level == Level::Error && self.step.is_accepted() {
                    self.fail(Cause::EndedByService { code, text });
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
            ClientEvent::Acknowledged { bytes } => self.liveness.acknowledge(bytes, now),
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
        while let Some(mark) = self.marks.front().filter(|mark| mark.end <= self.liveness.written()) {
            self.latency.add(now - mark.composed_at, now);
            self.marks.pop_front();
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

    fn closed(&mut self, _now: MediaTime) {
        if self.step == Step::Stopping {
            let clean = self.farewell.is_none_or(|farewell| farewell.closing);
            self.end_farewell(clean);
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
        self.fail(cause);
    }

    fn tick(&mut self, now: MediaTime) {
        if let Some(farewell) = self.farewell {
            if now >= farewell.cut_at {
                self.end_farewell(false);
            }
            return;
        }
        if self.depart_by.is_some_and(|by| now >= by) {
            self.end_farewell(false);
            return;
        }
        if self.outgoing.is_departure_over(now) {
            self.leave(now);
            return;
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.fail(match self.step {
                Step::Resolving => Cause::NameTimedOut,
                Step::Connecting => Cause::ConnectTimedOut,
                Step::Securing => Cause::TlsTimedOut,
                Step::Greeting => Cause::HandshakeTimedOut,
                Step::Asking => Cause::PublishTimedOut,
                _ if self.outgoing.has_started() => Cause::Stalled,
                _ => Cause::Own(String::from("no keyframe came on all renditions")),
            });
            return;
        }
        if self.step.is_accepted() {
            if let Some(cause) = self.liveness.verdict(self.outstanding(), &self.config.deadlines, now) {
                self.fail(cause);
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
        if let Some(health) = self.liveness.judge(&self.outgoing.gauge(), now) {
            self.notices.push_back(Notice::Health(health));
        }
    }

    fn control_rates(&mut self, now: MediaTime) {
        let Some(rates) = &mut self.rates else { return };
        // The engine follows the session that stays, and a queue that is being caught up with says nothing.
        if self.step != Step::Live || self.depart_by.is_some() || self.outgoing.is_catching_up(now) {
            return;
        }
        let advice =
            rates.observe(self.outgoing.gauge().waiting, self.liveness.written(), self.outgoing.sound(), now);
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
            Ok(Some(sent)) => self.take_output(sent.composed_at, now),
            Ok(None) => None,
            Err(error) => {
                self.fail(Cause::Own(error.to_string()));
                None
            }
        }
    }

    fn take_output(&mut self, composed_at: Option<MediaTime>, now: MediaTime) -> Option<Vec<u8>> {
        let idle = self.outstanding() == 0;
        let bytes = self.rtmp.poll_output()?;
        if idle {
            self.liveness.begin_write(now);
        }
        if let Some(composed_at) = composed_at {
            self.marks.push_back(Mark { end: self.rtmp.sent_bytes(), composed_at });
        }
        Some(bytes)
    }

    fn say_goodbye(&mut self) {
        let result = if self.farewell.is_some_and(|farewell| farewell.silent) {
            Ok(())
        } else {
            self.outgoing.end(&mut self.rtmp).and_then(|()| self.rtmp.finish())
        };
        if let Some(farewell) = &mut self.farewell {
            farewell.said = true;
        }
        if let Err(error) = result {
            self.fail(Cause::Own(error.to_string()));
        }
    }

    const fn stage(&self) -> Stage {
        match self.step {
            Step::Resolving => Stage::Name,
            Step::Connecting => Stage::Connect,
            Step::Securing => Stage::Tls,
            Step::Greeting => Stage::Handshake,
            Step::Asking => Stage::Publish,
            Step::Accepted | Step::Live | Step::Stopping | Step::Ended => Stage::Live,
        }
    }

    fn fail(&mut self, cause: Cause) {
        if self.step == Step::Ended {
            return;
        }
        if self.step == Step::Stopping || self.is_departing() {
            // Whoever hangs up on a good-bye changes nothing about it.
            self.end_farewell(false);
            return;
        }
        let failure =
            Failure { host: self.config.host.clone(), port: self.config.port, stage: self.stage(), cause };
        self.end(Ended::Failed(failure));
    }

    fn end_farewell(&mut self, whole: bool) {
        let departs = self.is_departing();
        self.end(if departs { Ended::Departed } else { Ended::Stopped { clean: whole } });
    }

    fn end(&mut self, ended: Ended) {
        self.step = Step::Ended;
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
