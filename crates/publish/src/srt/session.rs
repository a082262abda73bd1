//! One attempt to be on air over SRT, from looking up the name to the last byte.

mod ending;
#[cfg(test)]
mod tests;
mod transit;

use std::collections::VecDeque;
use std::sync::Arc;

use units::{AccessUnit, Kbps, MediaTime, Span, StreamConfig, Track};

use super::congestion::Congestion;
use super::outgoing::Outgoing;
use super::{SrtConfig, SrtFigures, SrtUnit};
use crate::session::deliveries::{Deliveries, Unit};
use crate::session::liveness::Liveness;
use crate::{
    Cause, Delivered, Ended, Failure, Gauge, Latency, Notice, RateAdvice, RateControl, Stage, Stats, Step,
    Throughput,
};
use ending::{Farewell, Parting};
use transit::{Passenger, Transit};

/// What a crowded path counts as in media that waits: from there on the upload is too slow for the stream.
const CROWDED_COUNTS_AS: Span = Span::from_secs(1);
/// How often health is judged while media is sent.
const PULSE: Span = Span::from_millis(250);
/// Media that may be made into packets and not have left yet: more would only hide from the send queue, which knows what
/// to drop, that the path is too slow.
const AHEAD: Span = Span::from_millis(100);
/// And at least this many bytes.
const AHEAD_BYTES: u64 = 48 * 1024;
/// SRT gives a packet up when it is older than the latency, and than this (SRT API, `SRTO_SNDDROPDELAY`: one second at
/// least). What was written longer ago and not given up has been confirmed.
const GIVEN_UP_AFTER: Span = Span::from_millis(1_100);

/// What the driver has to do, one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrtAction {
    /// Look the host's addresses up.
    Resolve,
    /// Call the peer at any of them.
    Connect {
        /// What SRT may send at most, retransmissions included; `None` when nothing is known of the stream yet.
        ceiling: Option<Kbps>,
    },
    /// No unit will come any more: bring what is still in the multiplexer out, and report [`SrtEvent::AllPacked`].
    Finish,
    /// Close the connection, and report [`SrtEvent::Closed`].
    Close,
    /// Give everything up at once. Nothing needs to be reported.
    Abort,
}

/// What happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SrtEvent {
    /// [`SrtAction::Resolve`] found addresses.
    Resolved,
    /// The peer answered the call: it takes the stream.
    Connected,
    /// A unit of `track` begins in the transport stream, `at` so many bytes from its beginning.
    Packed {
        /// The track.
        track: Track,
        /// Bytes before it.
        at: u64,
    },
    /// Everything is packed, and these are all bytes there are.
    AllPacked {
        /// How many.
        bytes: u64,
    },
    /// The multiplexer took a unit of this track and will not pack it.
    Discarded {
        /// The track.
        track: Track,
    },
    /// Bytes the multiplexer has made.
    Made {
        /// How many.
        packed: u64,
    },
    /// How far the transport stream has come.
    Moved {
        /// Bytes that SRT has taken.
        taken: u64,
        /// Of those, bytes that SRT has not sent even once.
        unsent: u64,
    },
    /// What SRT says of the connection.
    Figures(SrtFigures),
    /// The connection was closed: by us when [`SrtAction::Close`] was asked for, else by the peer, or it broke.
    Closed,
    /// The action under way, or the connection, failed.
    Failed(Cause),
    /// [`SrtSession::wake_at`] has come.
    Tick,
}

/// One attempt to be on air over SRT.
pub struct SrtSession {
    config: SrtConfig,
    step: Step,
    deadline: Option<MediaTime>,
    farewell: Option<Farewell>,
    parting: Option<Parting>,
    /// Nothing had to be thrown away at the end.
    whole: bool,
    outgoing: Outgoing,
    transit: Transit,
    deliveries: Deliveries,
    liveness: Liveness,
    congestion: Congestion,
    figures: Option<SrtFigures>,
    /// When the peer last confirmed more, or had nothing to confirm.
    heard_at: MediaTime,
    latency: Latency,
    throughput: Throughput,
    rates: Option<RateControl>,
    judged_at: MediaTime,
    accepted_at: Option<MediaTime>,
    live_at: Option<MediaTime>,
    actions: VecDeque<SrtAction>,
    notices: VecDeque<Notice>,
}

impl SrtSession {
    /// A session that starts at `now` by looking up the host, or by [waiting](SrtConfig::waits).
    pub fn new(config: SrtConfig, now: MediaTime) -> Self {
        let mut session = Self {
            outgoing: Outgoing::new(&config),
            rates: None,
            config,
            step: Step::Waiting,
            deadline: None,
            farewell: None,
            parting: None,
            whole: false,
            transit: Transit::default(),
            deliveries: Deliveries::default(),
            liveness: Liveness::new(now),
            congestion: Congestion::default(),
            figures: None,
            heard_at: now,
            latency: Latency::default(),
            throughput: Throughput::default(),
            judged_at: now,
            accepted_at: None,
            live_at: None,
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

    /// Lets a session that [waits](SrtConfig::waits) connect. Any other goes on as it was.
    pub fn proceed(&mut self, now: MediaTime) {
        if self.step == Step::Waiting {
            self.enter(Step::Resolving, Some(self.config.deadlines.name), now);
            self.actions.push_back(SrtAction::Resolve);
        }
    }

    /// How far it is.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// What to do next; `None` when nothing new.
    pub fn poll_action(&mut self) -> Option<SrtAction> {
        self.actions.pop_front()
    }

    /// What the rest of the program should know; `None` when nothing new.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// The tracks that are sent: the primary rendition and the first sound of what [`Self::begin`] was told.
    pub fn sends(&self) -> &StreamConfig {
        self.outgoing.config()
    }

    /// When to come back with [`SrtEvent::Tick`] if nothing else happens before; `None` when the session is over, or
    /// waits to be told something.
    pub fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        if self.step == Step::Ended {
            return None;
        }
        let farewell = self.farewell.and_then(|farewell| farewell.wake_at(now));
        let parting = self.parting.map(|parting| parting.by);
        let pulse = self.step.is_accepted().then(|| self.judged_at + PULSE);
        let turn = self.outgoing.wake_at(now).filter(|at| *at > now);
        [self.deadline, farewell, parting, pulse, turn].into_iter().flatten().min()
    }

    /// Decoder configuration of all tracks; of several renditions the first is sent, since the service takes more than
    /// one over RTMP only (IVS multitrack integration guide, "Connect Using Enhanced RTMP"). A changed configuration
    /// counts from the next keyframe on.
    pub fn begin(&mut self, config: &StreamConfig) {
        if let Err(what) = self.outgoing.begin(config) {
            self.fail(Cause::Unsendable(what), MediaTime::ZERO);
            return;
        }
        self.deliveries.promise(self.outgoing.config());
        if !self.outgoing.has_started() {
            let sends = self.outgoing.config();
            let is_sent =
                |rung: &&crate::RungRates| sends.video.iter().any(|video| video.track == rung.track);
            let ladder: Vec<_> = self.config.ladder.iter().filter(is_sent).cloned().collect();
            self.rates = RateControl::new(&ladder);
        }
    }

    /// Takes an access unit at `now`. Those of other tracks than [`Self::sends`] are forgotten; so are, before the peer
    /// has answered, all of them, unless [`SrtConfig::keep_from_keyframe`] is set.
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
    pub fn handle(&mut self, event: SrtEvent, now: MediaTime) {
        if self.step == Step::Ended {
            return;
        }
        match event {
            SrtEvent::Resolved if self.step == Step::Resolving => {
                self.enter(Step::Connecting, Some(self.config.deadlines.connect), now);
                let ceiling = self.ceiling();
                self.actions.push_back(SrtAction::Connect { ceiling });
            }
            SrtEvent::Connected if self.step == Step::Connecting => self.accepted(now),
            // Late answers to actions that were given up.
            SrtEvent::Resolved | SrtEvent::Connected => {}
            SrtEvent::Packed { track, at } => self.transit.packed(track, at),
            SrtEvent::AllPacked { bytes } => {
                self.transit.all_packed(bytes);
                self.took(now);
            }
            SrtEvent::Discarded { track } => self.transit.discard(track),
            SrtEvent::Made { packed } => self.transit.made(packed),
            SrtEvent::Moved { taken, unsent } => {
                let fresh = self.transit.moved(taken, unsent);
                if fresh > 0 {
                    self.liveness.wrote(fresh, now);
                    self.throughput.add(fresh as u64, now);
                    self.deliveries.wrote(fresh, now);
                    self.transit.remember(now);
                }
                self.took(now);
            }
            SrtEvent::Figures(figures) => self.heard(figures, now),
            SrtEvent::Closed => self.closed(now),
            SrtEvent::Failed(cause) => self.fail(cause, now),
            SrtEvent::Tick => self.tick(now),
        }
    }

    /// The next unit to pack; `None` when there is none now, or enough is on its way.
    pub fn next_unit(&mut self, now: MediaTime) -> Option<SrtUnit> {
        let at_end = match &self.farewell {
            None if self.step.is_accepted() => false,
            Some(farewell) if farewell.drains(now) => true,
            _ => return None,
        };
        if !self.transit.has_room(self.ahead_bytes()) {
            return None;
        }
        let (unit, packed) = self.outgoing.next(at_end, now)?;
        if self.transit.is_empty() {
            self.liveness.begin_write(now);
        }
        let media = Unit { track: unit.track, from: unit.pts.at(), to: unit.pts.at() + unit.span };
        let composed_at = unit.is_video().then_some(unit.stamps.composed_at);
        self.transit.board(Passenger { unit: media, composed_at, bytes: packed.data.len() });
        Some(packed)
    }

    /// Figures at `now`.
    pub fn stats(&self, now: MediaTime) -> Stats {
        Stats {
            step: self.step,
            health: self.liveness.health(),
            accepted_at: self.accepted_at,
            live_at: self.live_at,
            sent_bytes: self.liveness.written(),
            acknowledged_bytes: None,
            unconfirmed: self.silent_for(now),
            tracks: self.deliveries.progress(self.live_at, now),
            upload: self.throughput.rate(now),
            queue: self.gauge(),
            dropped: self.outgoing.dropped(),
            rejected: self.outgoing.rejected(),
            disordered: self.outgoing.disordered(),
            latency_recent: self.latency.recent(now),
            latency_session: self.latency.session(),
            srt: self.figures,
            ..Stats::default()
        }
    }

    /// What has left, and what has arrived, since the last call; see [`GapLedger`](crate::GapLedger).
    pub fn deliveries(&mut self) -> Vec<Delivered> {
        self.deliveries.take()
    }

    fn enter(&mut self, step: Step, limit: Option<Span>, now: MediaTime) {
        self.step = step;
        self.deadline = limit.map(|limit| now + limit);
        self.notices.push_back(Notice::Step(step));
    }

    fn accepted(&mut self, now: MediaTime) {
        self.accepted_at = Some(now);
        self.heard_at = now;
        self.judged_at = now;
        self.outgoing.release(now);
        self.enter(Step::Accepted, Some(self.config.deadlines.first_picture), now);
        self.notices.push_back(Notice::Accepted { code: String::from("SRT"), text: String::new() });
        if !self.outgoing.has_started() {
            self.notices.push_back(Notice::KeyframeWanted);
        }
    }

    /// Units whose last byte SRT has taken.
    fn took(&mut self, now: MediaTime) {
        while let Some((end, Passenger { unit, composed_at, .. })) = self.transit.alight() {
            self.deliveries.left(unit, end, now);
            let Some(composed_at) = composed_at else { continue };
            self.latency.add(now - composed_at, now);
            if self.step == Step::Accepted {
                self.live_at = Some(now);
                self.enter(Step::Live, None, now);
            }
        }
        self.go_on_ending(now);
    }

    fn heard(&mut self, figures: SrtFigures, now: MediaTime) {
        let before = self.figures.replace(figures).unwrap_or_default();
        self.congestion.observe(figures, now);
        // The peer confirms everything or is silent; without anything sent since, it has nothing to say.
        if figures.acknowledgements > before.acknowledgements || figures.sent == 0 {
            self.heard_at = now;
            let settled = now - (GIVEN_UP_AFTER.max(figures.latency) + figures.rtt);
            if figures.dropped == before.dropped {
                let taken = self.transit.taken();
                self.deliveries.in_flight(taken.saturating_sub(self.transit.taken_by(settled)), now);
            }
        }
        if figures.dropped > before.dropped {
            // SRT gives up the oldest packets, and does not say which.
            let given_up = self.transit.taken_by(now - Span::from_secs(1).max(figures.latency));
            self.deliveries.give_up(given_up, now);
        }
    }

    /// For how long the peer has confirmed nothing of what it should.
    fn silent_for(&self, now: MediaTime) -> Span {
        let is_owed = self.step.is_accepted() && self.liveness.written() > 0;
        if is_owed { now - self.heard_at } else { Span::ZERO }
    }

    fn closed(&mut self, now: MediaTime) {
        if self.step == Step::Stopping {
            let is_clean = self.farewell.is_none_or(|farewell| farewell.is_closing());
            self.end_farewell(is_clean, now);
            return;
        }
        let cause = match self.stage() {
            Stage::Name | Stage::Connect => Cause::ConnectFailed(String::from("the connection was closed")),
            // A peer that closes says so at once; otherwise the library gives up on its silence.
            _ if self.silent_for(now) >= SIGN_OF_LIFE => Cause::Silent,
            _ => Cause::ClosedByPeer,
        };
        self.fail(cause, now);
    }

    fn tick(&mut self, now: MediaTime) {
        if self.farewell.is_some() {
            self.go_on_ending(now);
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
                _ if self.outgoing.has_started() => Cause::Stalled,
                _ => Cause::Own(String::from("no keyframe came")),
            };
            self.fail(cause, now);
            return;
        }
        if self.step.is_accepted() {
            let outstanding = self.transit.outstanding();
            let deadlines = &self.config.deadlines;
            if self.silent_for(now) >= deadlines.confirm {
                self.fail(Cause::Silent, now);
            } else if outstanding > 0 && now - self.liveness.wrote_at() >= deadlines.stall {
                self.fail(Cause::Stalled, now);
            } else if now - self.judged_at >= PULSE {
                self.judged_at = now;
                self.judge(now);
                self.control_rates(now);
            }
        }
    }

    /// What waits, in the queue and in SRT.
    fn gauge(&self) -> Gauge {
        let mut gauge = self.outgoing.gauge();
        let behind = self.transit.behind();
        gauge.bytes += usize::try_from(behind).unwrap_or(usize::MAX);
        gauge.waiting = gauge.waiting + self.media_time(behind);
        gauge
    }

    /// How long so many bytes of this stream last.
    fn media_time(&self, bytes: u64) -> Span {
        let kbps = u64::from(self.outgoing.config().bitrate().0).max(1);
        Span::from_millis(i64::try_from(bytes.saturating_mul(8) / kbps).unwrap_or(i64::MAX / 1_000_000))
    }

    fn ahead_bytes(&self) -> u64 {
        let kbps = u64::from(self.outgoing.config().bitrate().0);
        let millis = u64::try_from(AHEAD.as_millis()).unwrap_or_default();
        (kbps * millis / 8).max(AHEAD_BYTES)
    }

    /// Half as much again as the stream needs (IVS user guide, "Network Requirements": 50 % more bandwidth), for what is
    /// sent again and for the headers of SRT, UDP and MPEG-TS.
    fn ceiling(&self) -> Option<Kbps> {
        let nominal = self.outgoing.config().bitrate().0;
        (nominal > 0).then(|| Kbps(nominal.saturating_add(nominal / 2).max(1_000)))
    }

    fn judge(&mut self, now: MediaTime) {
        if self.outgoing.is_catching_up(now) {
            return;
        }
        let silent = self.silent_for(now);
        let mut gauge = self.gauge();
        if self.congestion.is_crowded() {
            // What the peer gives up is never told; that it will have to is known.
            gauge.waiting = gauge.waiting + CROWDED_COUNTS_AS;
        }
        if let Some(health) = self.liveness.judge(&gauge, silent, now) {
            self.notices.push_back(Notice::Health(health));
        }
    }

    fn control_rates(&mut self, now: MediaTime) {
        let waiting = self.gauge().waiting + self.congestion.waiting();
        let Some(rates) = &mut self.rates else { return };
        if self.step != Step::Live || self.parting.is_some() || self.outgoing.is_catching_up(now) {
            return;
        }
        // SRT does not slow down where packets are lost, so every moment says what the path carries.
        match rates.observe(waiting, self.congestion.carried(), self.outgoing.sound(), false, now) {
            Some(RateAdvice::Bitrates(bitrates)) => self.notices.push_back(Notice::Bitrates(bitrates)),
            Some(RateAdvice::Overwhelmed { sustainable }) => {
                self.notices.push_back(Notice::Overwhelmed { sustainable });
            }
            None => {}
        }
    }

    const fn stage(&self) -> Stage {
        match self.step {
            Step::Waiting | Step::Resolving => Stage::Name,
            Step::Connecting => Stage::Connect,
            _ => Stage::Live,
        }
    }

    fn fail(&mut self, cause: Cause, now: MediaTime) {
        if self.step == Step::Ended {
            return;
        }
        if self.step == Step::Stopping || self.is_departing() {
            self.end_farewell(false, now);
            return;
        }
        let stage = match (&cause, self.stage()) {
            // In SRT the key is part of the call.
            (Cause::Refused { .. }, Stage::Connect) => Stage::Publish,
            (_, stage) => stage,
        };
        let (host, port) = (self.config.target.host.clone(), self.config.target.port);
        self.end(Ended::Failed(Failure { host, port, stage, cause }), now);
    }

    fn end(&mut self, ended: Ended, now: MediaTime) {
        let is_whole = matches!(ended, Ended::Stopped { clean: true } | Ended::Departed);
        if is_whole && self.farewell.is_some_and(|farewell| farewell.is_closing()) {
            // The peer was heard to the end, and had the time to ask for what it lacked.
            self.deliveries.in_flight(0, now);
        }
        self.deliveries.close(false, now);
        self.step = Step::Ended;
        self.deadline = None;
        self.outgoing.clear();
        self.actions.clear();
        self.actions.push_back(SrtAction::Abort);
        if let Some(rates) = self.rates.as_mut().filter(|rates| !rates.is_nominal()) {
            // Nothing slows the encoders down any more; whatever else they feed gets its quality back.
            rates.reset();
            self.notices.push_back(Notice::Bitrates(rates.bitrates()));
        }
        self.notices.push_back(Notice::Step(Step::Ended));
        self.notices.push_back(Notice::Ended(ended));
    }
}

/// A peer that confirmed something this recently was alive: SRT confirms every 10 ms.
const SIGN_OF_LIFE: Span = Span::from_millis(1_500);
