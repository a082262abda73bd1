//! A program that carries out what a broadcast orders, and looks whether each order makes sense.

use publish::{Broadcast, BroadcastConfig, Cause, Ended, Failure, Happened, Order, Phase, Stage, Telling};
use units::{MediaTime, Span};

/// A session that the program has open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) priority: Option<u32>,
    pub(crate) waits: bool,
    pub(crate) accepted: bool,
    pub(crate) live_at: Option<MediaTime>,
    /// It was told to leave, to conclude or to stop.
    pub(crate) leaving: Option<Leaving>,
    /// It follows a stream of ours that still runs.
    moves: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    Departs,
    Concludes,
    Stops,
}

pub(crate) struct Rig {
    pub(crate) broadcast: Broadcast,
    pub(crate) now: MediaTime,
    pub(crate) present: Option<Open>,
    pub(crate) next: Option<Open>,
    pub(crate) asked: bool,
    pub(crate) told: Vec<Telling>,
    /// Orders since the last look, tellings left out.
    orders: Vec<Order>,
    stopped: bool,
    /// The highest priority that the service may have seen in the present stream.
    seen: Option<u32>,
    /// Sessions opened since the last success or wish of the person.
    opened: u32,
}

impl Rig {
    pub(crate) fn new(config: BroadcastConfig) -> Self {
        let now = MediaTime::from_millis(1_000);
        let mut rig = Self {
            broadcast: Broadcast::new(config, 7, now),
            now,
            present: None,
            next: None,
            asked: false,
            told: Vec::new(),
            orders: Vec::new(),
            stopped: false,
            seen: None,
            opened: 0,
        };
        rig.carry_out();
        rig.look();
        rig
    }

    /// A broadcast that has been on air for a minute.
    pub(crate) fn on_air(config: BroadcastConfig) -> Self {
        let mut rig = Self::new(config);
        if rig.asked {
            rig.tell(Happened::Configured { same_media: true });
        }
        rig.go_live();
        rig.wait(Span::from_secs(60));
        rig.orders();
        rig
    }

    pub(crate) fn phase(&self) -> Phase {
        self.broadcast.phase(self.now)
    }

    /// The orders since the last call.
    pub(crate) fn orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    pub(crate) fn go_live(&mut self) {
        self.tell(Happened::Accepted);
        self.tell(Happened::Live);
        assert_eq!(self.phase(), Phase::OnAir);
    }

    pub(crate) fn fail(&mut self, cause: Cause) {
        self.tell(Happened::Ended(Ended::Failed(failure(cause))));
    }

    /// Lets time pass, coming back whenever the broadcast wants it.
    pub(crate) fn wait(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(at) = self.broadcast.wake_at(self.now).filter(|at| *at <= until) {
            self.now = at;
            self.tell(Happened::Tick);
        }
        self.now = until;
    }

    /// Lets time pass up to the next attempt; how long that took.
    pub(crate) fn wait_for_attempt(&mut self) -> Span {
        let begun = self.now;
        let at = self.broadcast.wake_at(self.now).expect("nothing is planned");
        self.wait(at - begun);
        at - begun
    }

    pub(crate) fn tell(&mut self, happened: Happened) {
        self.tell_all([happened]);
    }

    /// Tells several things before any order is picked up.
    pub(crate) fn tell_all<const N: usize>(&mut self, happenings: [Happened; N]) {
        for happened in happenings {
            self.note(&happened);
            if matches!(happened, Happened::TakeOver | Happened::RenewNow) {
                self.opened = 0;
            }
            self.broadcast.handle(happened, self.now);
        }
        self.carry_out();
        // A question that nobody waits for is called off.
        self.asked &= self.broadcast.awaits_answer();
        self.look();
    }

    /// What the program itself knows from what it reports.
    fn note(&mut self, happened: &Happened) {
        match happened {
            Happened::Stop => self.stopped = true,
            Happened::Configured { .. } | Happened::NotConfigured { .. } => self.asked = false,
            Happened::Accepted => {
                if let Some(open) = self.present.as_mut().filter(|open| !open.accepted) {
                    open.accepted = true;
                    if open.priority.is_none() && !open.moves {
                        self.seen = None;
                    }
                }
            }
            Happened::Live => {
                self.note(&Happened::Accepted);
                if let Some(open) = &mut self.present {
                    open.live_at.get_or_insert(self.now);
                }
            }
            Happened::NextAccepted => {
                if let Some(open) = self.next.as_mut().filter(|open| !open.waits) {
                    open.accepted = true;
                }
            }
            Happened::NextLive => {
                if let Some(open) = self.next.as_mut().filter(|open| !open.waits) {
                    open.accepted = true;
                    open.live_at.get_or_insert(self.now);
                }
            }
            Happened::Ended(ended) => {
                if let Some(open) = self.present.take() {
                    self.gone(open, ended);
                }
            }
            Happened::NextEnded(ended) => {
                if let Some(open) = self.next.take() {
                    self.gone(open, ended);
                }
            }
            _ => {}
        }
    }

    fn gone(&mut self, open: Open, ended: &Ended) {
        let unseen = matches!(ended, Ended::Failed(failure) if failure.stage < Stage::Handshake);
        if open.accepted || !unseen {
            self.seen = self.seen.max(open.priority);
        }
        if open.live_at.is_some_and(|at| self.now - at >= Span::from_secs(15)) {
            self.opened = 0;
        }
    }

    fn carry_out(&mut self) {
        while let Some(order) = self.broadcast.poll() {
            let new = |priority, waits, moves| Open {
                priority,
                waits,
                accepted: false,
                live_at: None,
                leaving: None,
                moves,
            };
            if self.stopped {
                assert!(matches!(order, Order::Stop | Order::Abandon), "{order:?} after the end");
            }
            match &order {
                Order::Ask => {
                    assert!(!self.asked, "asked twice");
                    self.asked = true;
                }
                Order::Open { priority } => {
                    assert!(self.present.is_none() && self.next.is_none(), "two present sessions");
                    self.check_number(*priority);
                    self.present = Some(new(*priority, false, false));
                    self.opened += 1;
                }
                Order::OpenNext { priority, waits } => {
                    let present = self.present.expect("nothing to follow");
                    assert!(self.next.is_none() && present.leaving.is_none(), "two next sessions");
                    assert!(present.accepted);
                    self.check_number(*priority);
                    self.next = Some(new(*priority, *waits, !*waits));
                    self.opened += 1;
                }
                Order::Depart | Order::Conclude | Order::Stop => {
                    let present = self.present.as_mut().expect("nobody to send away");
                    present.leaving = Some(match order {
                        Order::Depart => Leaving::Departs,
                        Order::Conclude => Leaving::Concludes,
                        _ => Leaving::Stops,
                    });
                }
                Order::Proceed => {
                    assert!(self.present.is_none(), "the stream before is not over");
                    let next = self.next.as_mut().expect("nobody waits");
                    assert!(std::mem::take(&mut next.waits));
                }
                Order::Promote => {
                    assert!(self.present.is_none(), "two present sessions");
                    self.present = Some(self.next.take().expect("nobody to promote"));
                    assert!(!self.present.unwrap().waits, "it would wait for ever");
                }
                Order::Abandon => assert!(self.next.take().is_some(), "nobody to abandon"),
                Order::Tell(telling) => {
                    for text in [telling.happened(), telling.done(), telling.advice().into()] {
                        assert!(!text.contains("  "), "{text}");
                    }
                    self.told.push(telling.clone());
                    continue;
                }
            }
            self.orders.push(order);
        }
    }

    /// A number that the service may have seen is never used again, nor one below it.
    fn check_number(&self, priority: Option<u32>) {
        if let Some(number) = priority {
            assert!((1..=2_147_483_647).contains(&number));
            assert!(self.seen.is_none_or(|seen| number > seen), "{number} after {:?}", self.seen);
        }
    }

    /// What holds after each step.
    fn look(&self) {
        let phase = self.phase();
        let wake_at = self.broadcast.wake_at(self.now);
        assert!(wake_at.is_none_or(|at| at > self.now), "{phase:?} wants to be woken in the past");
        let figures = self.broadcast.figures(self.now);
        assert!(figures.attempts <= 25, "{figures:?}");
        // The first one, the attempts, a person's takeovers that were too low, and the one of a renewal.
        assert!(self.opened <= 1 + 25 + 10 + 1, "{} sessions without a success", self.opened);
        assert!(figures.takeovers <= 200, "{figures:?}");
        match &phase {
            Phase::Starting | Phase::Connecting { .. } | Phase::OnAir | Phase::Renewing => {
                assert!(self.present.is_some(), "{phase:?} without a session");
            }
            Phase::Asking { .. } => assert!(self.asked && self.present.is_none() && self.next.is_none()),
            Phase::Waiting { next_at, attempt, of, .. } => {
                assert_eq!(wake_at, Some(*next_at), "a dead end");
                assert!(attempt <= of && self.present.is_none() && self.next.is_none());
            }
            Phase::Stopping => {
                assert_eq!(self.present.and_then(|open| open.leaving), Some(Leaving::Stops));
                assert!(self.next.is_none());
            }
            Phase::TakenOver { .. } | Phase::Over(_) => {
                assert!(self.present.is_none() && self.next.is_none(), "{phase:?} with a session");
                assert_eq!(wake_at, None);
            }
        }
        if self.stopped {
            assert!(matches!(phase, Phase::Stopping | Phase::Over(_)), "{phase:?} after the end");
        }
    }
}

pub(crate) fn failure(cause: Cause) -> Failure {
    let stage = match cause {
        Cause::NameNotFound | Cause::NameTimedOut => Stage::Name,
        Cause::ConnectRefused | Cause::Unreachable | Cause::ConnectTimedOut => Stage::Connect,
        Cause::TlsClosed | Cause::TlsTimedOut => Stage::Tls,
        Cause::HandshakeClosed | Cause::HandshakeTimedOut => Stage::Handshake,
        Cause::Refused { .. } | Cause::PublishClosed | Cause::PublishTimedOut => Stage::Publish,
        _ => Stage::Live,
    };
    Failure { host: "ingest.example".into(), port: 443, stage, cause }
}

/// `publish` was answered with no.
pub(crate) fn refused(text: &str) -> Cause {
    Cause::Refused { code: "NetStream.Publish.BadName".into(), text: text.into() }
}

/// The running stream was ended with a reason.
pub(crate) fn ended_by_service(text: &str) -> Cause {
    Cause::EndedByService { code: "NetStream.Publish.Rejected".into(), text: text.into() }
}

pub(crate) const INVALID_PRIORITY: &str = "[StreamTakeoverInvalidPriority] The priority is too low.";
pub(crate) const MEDIA_MISMATCH: &str = "[StreamTakeoverMediaMismatch] The codec differs.";
pub(crate) const LIMIT_BREACHED: &str = "[StreamTakeoverLimitBreached] No more.";

pub(crate) const SECOND: Span = Span::from_secs(1);
pub(crate) const MINUTE: Span = Span::from_secs(60);
pub(crate) const HOUR: Span = Span::from_secs(3600);

pub(crate) fn plain() -> BroadcastConfig {
    BroadcastConfig::for_ivs()
}

pub(crate) fn asking() -> BroadcastConfig {
    BroadcastConfig { asks: true, ..plain() }
}

pub(crate) fn others() -> BroadcastConfig {
    BroadcastConfig::for_others()
}

pub(crate) fn open(priority: u32) -> Order {
    Order::Open { priority: Some(priority) }
}

pub(crate) const OPEN: Order = Order::Open { priority: None };

pub(crate) fn attempt(phase: &Phase) -> u32 {
    match phase {
        Phase::Waiting { attempt, .. } | Phase::Connecting { attempt, .. } => *attempt,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn is_taken_over(rig: &Rig) -> Option<bool> {
    match rig.phase() {
        Phase::TakenOver { certain, .. } => Some(certain),
        _ => None,
    }
}
