//! What the person started and has not stopped, over as many sessions as it takes: reconnecting, taking over and being
//! taken over, moving, renewing. docs/reconnect.md has the rules and their reasons.
//!
//! The program tells what happened ([`Happened`]), carries out what it is told ([`Order`]) and comes back at
//! [`Broadcast::wake_at`]. It has at most two sessions open, the present one and the next one.

mod config;
mod ending;
mod opening;
mod renewing;
mod retries;
mod telling;
mod verdict;
mod vocabulary;
mod wishes;

use std::collections::VecDeque;

use units::{MediaTime, Span};

pub use config::{BroadcastConfig, BroadcastLimits, Intent, Renewal};
pub use telling::Telling;
pub use vocabulary::{BroadcastFigures, Happened, Interruption, Order, Outcome, Phase};

use crate::Failure;
use retries::Retries;
use verdict::Trouble;

/// A session that was on air for this long was a success: attempts are counted anew. Long enough for viewers to get
/// some segments, short enough to forgive a bad hour of Wi-Fi.
const STEADY: Span = Span::from_secs(15);

/// A service compares media only when it has seen some, so a takeover that is refused may have been on air for a moment.
const PROVEN: Span = Span::from_secs(3);

/// Who wanted a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The person, going live.
    Start,
    /// The person, in place of the stream that runs.
    TakeOver,
    /// We, because the one before broke.
    Schedule,
    /// We, because the stream before was ended in order to renew it.
    Renewal,
    /// The service: the same stream over another connection.
    Move,
}

/// A session that is open, as far as we were told.
#[derive(Clone, Copy, Debug)]
struct Session {
    by: By,
    priority: Option<u32>,
    /// The highest priority before it.
    before: Option<u32>,
    /// When the configuration was got that its key is from.
    key_since: Option<MediaTime>,
    opened_at: MediaTime,
    accepted_at: Option<MediaTime>,
    live_at: Option<MediaTime>,
    /// It was told to leave, to conclude or to stop.
    leaving: bool,
    /// Nothing of this broadcast was on air before it.
    is_first: bool,
}

/// What is being waited for.
#[derive(Clone, Debug)]
enum State {
    /// No session is open; the answer to a question comes first.
    Asking { by: By },
    /// The present session is on its way to the air.
    Opening,
    /// The present session is on air, perhaps leaving to the next one.
    OnAir,
    /// No session is open; the next attempt comes by itself.
    Waiting {
        at: MediaTime,
        why: Interruption,
        by: By,
        /// The attempt was counted already.
        counted: bool,
    },
    /// The present session ends the stream, and a new one follows.
    Concluding,
    /// The present session is being ended because another attempt is better.
    Restarting,
    /// The present session is being ended, and this is what the broadcast comes to.
    Ending(Outcome),
    /// Another PC has the channel.
    TakenOver { since: MediaTime, certain: bool, failure: Failure },
    /// Nothing more happens.
    Over(Outcome),
}

/// A broadcast to one destination.
#[derive(Debug)]
pub struct Broadcast {
    config: BroadcastConfig,
    state: State,
    orders: VecDeque<Order>,
    present: Option<Session>,
    next: Option<Session>,
    /// Why the next session failed while the present one was leaving to it.
    move_failure: Option<(Session, Option<Failure>)>,
    retries: Retries,
    trouble: Trouble,
    /// When the last session was opened.
    opened_at: Option<MediaTime>,

    /// An answer to [`Order::Ask`] is on its way.
    asked: bool,
    /// The next session needs a new configuration first.
    must_ask: bool,
    configured_at: Option<MediaTime>,
    /// The newest configuration can not take over the stream before.
    other_media: bool,

    /// The next session begins a new stream, without priority.
    anew: bool,
    /// Since when the service hears nothing of a stream that it may still hold.
    silent_since: Option<MediaTime>,
    /// Until when it may refuse a new stream because it has not seen the end of the one before.
    refused_until: Option<MediaTime>,
    /// The highest priority that was used, or is known.
    priority: Option<u32>,
    takeovers: u32,
    stream_began_at: Option<MediaTime>,

    /// Since when the person wants the stream renewed.
    renewal_wanted: Option<MediaTime>,
    /// Not before this.
    renewal_after: Option<MediaTime>,
    /// How long to wait when the service gives no configuration for it.
    renewal_pause: Span,

    /// When a person's takeover counts as done, and with which number.
    took_over: Option<(MediaTime, u32)>,
    was_live: bool,
    off_air_since: Option<MediaTime>,
    off_air: Span,
    reconnects: u32,
    renewals: u32,
}

impl Broadcast {
    /// A broadcast that begins at `now`. `seed` need not be secret; it makes its pauses differ from those of others.
    pub fn new(config: BroadcastConfig, seed: u64, now: MediaTime) -> Self {
        let by = match config.intent {
            Intent::Begin => By::Start,
            Intent::TakeOver { .. } => By::TakeOver,
        };
        let mut this = Self {
            state: State::Opening,
            orders: VecDeque::new(),
            present: None,
            next: None,
            move_failure: None,
            retries: Retries::new(seed),
            trouble: Trouble::default(),
            opened_at: None,
            asked: false,
            must_ask: false,
            configured_at: config.configured_at,
            other_media: false,
            anew: false,
            silent_since: None,
            refused_until: config.held_until,
            priority: None,
            takeovers: 0,
            stream_began_at: None,
            renewal_wanted: None,
            renewal_after: None,
            renewal_pause: renewing::FIRST_PAUSE,
            took_over: None,
            was_live: false,
            off_air_since: None,
            off_air: Span::ZERO,
            reconnects: 0,
            renewals: 0,
            config,
        };
        this.open(by, now);
        this
    }

    /// Tells what happened at `now`.
    pub fn handle(&mut self, happened: Happened, now: MediaTime) {
        if matches!(self.state, State::Over(_)) {
            return;
        }
        self.count_success(now);
        match happened {
            Happened::Tick => self.tick(now),
            Happened::Configured { same_media } => self.configured(same_media, now),
            Happened::NotConfigured { refused } => self.not_configured(refused, now),
            Happened::Accepted => self.accepted(now),
            Happened::Live => self.live(now),
            Happened::Ended(ended) => self.ended(ended, now),
            Happened::NextAccepted => self.next_got_on(false, now),
            Happened::NextLive => self.next_got_on(true, now),
            Happened::NextEnded(ended) => self.next_ended(ended),
            Happened::MoveRequested => self.move_over(now),
            Happened::NetworkChanged => self.network_changed(now),
            Happened::RetryNow => self.retry_now(now),
            Happened::GiveUp => self.give_up(),
            Happened::RenewNow => self.renew_now(now),
            Happened::TakeOver => self.take_over(now),
            Happened::Stop => self.stop(),
        }
        self.renew_if_due(now);
    }

    /// What to do next; `None` when nothing new.
    pub fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// When to come back with [`Happened::Tick`] if nothing else happens before; `None` when only a report, an answer or
    /// the person can change anything.
    pub fn wake_at(&self, _now: MediaTime) -> Option<MediaTime> {
        match &self.state {
            State::Waiting { at, .. } => Some(*at),
            State::OnAir => {
                let renewal = self.renewal_due_at().filter(|_| self.may_renew());
                renewal.into_iter().chain(self.took_over.map(|(at, _)| at)).min()
            }
            _ => None,
        }
    }

    /// How far it is.
    pub fn phase(&self, _now: MediaTime) -> Phase {
        let of = self.config.limits.attempts;
        match &self.state {
            State::Asking { .. } => Phase::Asking { again: self.was_live },
            State::Opening | State::Restarting => match &self.present {
                Some(session) if session.by == By::Renewal => Phase::Renewing,
                Some(session) if self.was_live || session.by == By::Schedule => Phase::Connecting {
                    attempt: if session.by == By::Schedule { self.retries.made() } else { 0 },
                    of,
                    priority: session.priority,
                },
                _ => Phase::Starting,
            },
            State::OnAir => Phase::OnAir,
            State::Waiting { at, why, by, counted } => Phase::Waiting {
                attempt: self.retries.made() + u32::from(!*counted),
                of,
                next_at: *at,
                why: *why,
                priority: self.number(*by),
            },
            State::Concluding => Phase::Renewing,
            State::Ending(_) => Phase::Stopping,
            State::TakenOver { since, certain, failure } => {
                Phase::TakenOver { since: *since, certain: *certain, failure: failure.clone() }
            }
            State::Over(outcome) => Phase::Over(outcome.clone()),
        }
    }

    /// Whether an answer to [`Order::Ask`] is waited for. The question may be called off once it is not.
    pub const fn awaits_answer(&self) -> bool {
        self.asked && !matches!(self.state, State::Ending(_) | State::TakenOver { .. } | State::Over(_))
    }

    /// Figures so far.
    pub fn figures(&self, now: MediaTime) -> BroadcastFigures {
        BroadcastFigures {
            attempts: if self.is_steady(now) { 0 } else { self.retries.made() },
            reconnects: self.reconnects,
            renewals: self.renewals,
            takeovers: self.takeovers,
            takeover_limit: self.config.limits.takeovers,
            priority: self.priority,
            stream_began_at: self.stream_began_at,
            key_since: self.configured_at,
            renews_at: self.renews_at(),
            ends_at: self.ends_at(),
            off_air: self.off_air,
        }
    }

    fn tell(&mut self, telling: Telling) {
        self.orders.push_back(Order::Tell(telling));
    }

    fn finish(&mut self, outcome: Outcome) {
        self.state = State::Over(outcome);
    }

    fn is_steady(&self, now: MediaTime) -> bool {
        let live_at = self.present.as_ref().and_then(|session| session.live_at);
        live_at.is_some_and(|at| now - at >= STEADY)
    }

    /// A session that holds has earned the next one a fresh start.
    fn count_success(&mut self, now: MediaTime) {
        if self.is_steady(now) {
            self.retries.reset();
            self.trouble.forget();
        }
        if let Some((at, priority)) = self.took_over
            && now >= at
        {
            self.took_over = None;
            self.tell(Telling::TookOver { priority });
        }
    }

    fn tick(&mut self, now: MediaTime) {
        if let State::Waiting { at, by, counted, .. } = self.state
            && now >= at
        {
            self.attempt(by, counted, now);
        }
    }

    fn accepted(&mut self, now: MediaTime) {
        if !matches!(self.state, State::Opening) {
            return;
        }
        let Some(session) = &mut self.present else { return };
        if session.accepted_at.is_none() {
            session.accepted_at = Some(now);
            self.note_stream(now);
        }
    }

    fn next_got_on(&mut self, is_live: bool, now: MediaTime) {
        // One that waits has not connected.
        if matches!(self.state, State::Concluding) {
            return;
        }
        if let Some(next) = &mut self.next {
            next.accepted_at.get_or_insert(now);
            if is_live {
                next.live_at.get_or_insert(now);
            }
        }
    }

    /// Which stream it is that the service has just taken from us.
    fn note_stream(&mut self, now: MediaTime) {
        let Some(session) = &self.present else { return };
        let (by, priority) = (session.by, session.priority);
        // What runs after that time is not ours any more, unless another PC kept it alive and we take it back.
        let lapsed = by == By::Schedule && self.let_go_at().is_some_and(|at| now > at);
        let is_new = match by {
            By::Move => false,
            _ => priority.is_none() || lapsed || self.stream_began_at.is_none(),
        };
        if is_new {
            self.stream_began_at = Some(now);
            self.takeovers = u32::from(by == By::TakeOver);
            self.anew = false;
            self.other_media = false;
            self.renewal_after = None;
            if self.renewal_wanted.is_some_and(|wanted| self.is_newer_than(wanted)) {
                self.renewal_wanted = None;
            }
            if priority.is_none() {
                // The channel remembers nothing of the numbers of streams that are over ("Stream Takeover").
                self.priority = None;
            }
        } else {
            self.takeovers = self.takeovers.saturating_add(u32::from(priority.is_some()));
        }
    }

    fn live(&mut self, now: MediaTime) {
        if !matches!(self.state, State::Opening) {
            return;
        }
        self.accepted(now);
        let Some(session) = &mut self.present else { return };
        session.live_at = Some(now);
        let (by, priority) = (session.by, session.priority);
        self.state = State::OnAir;
        self.silent_since = None;
        let gap = self.off_air_since.take().map_or(Span::ZERO, |since| now - since);
        self.off_air = self.off_air + gap;
        match by {
            By::TakeOver => self.took_over = priority.map(|priority| (now + PROVEN, priority)),
            By::Schedule if self.was_live => {
                self.reconnects = self.reconnects.saturating_add(1);
                let attempts = self.retries.made();
                self.tell(Telling::Recovered { off_air: gap, attempts });
            }
            By::Renewal => {
                self.renewals = self.renewals.saturating_add(1);
                self.tell(Telling::Renewed { off_air: gap });
            }
            By::Start | By::Schedule | By::Move => {}
        }
        self.was_live = true;
    }
}

/// The service's clock runs from the last byte that it got, ours from the last one that we know of; and it may look at
/// its own only now and then.
const HOLD_MARGIN: Span = Span::from_secs(2);
