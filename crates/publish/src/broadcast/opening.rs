//! Opening sessions: with which number, after which question, and when.

use ivs::limits::MAX_RECONNECT_PAUSE;
use units::{MediaTime, Span};

use super::{Broadcast, By, HOLD_MARGIN, Intent, Interruption, Order, Outcome, Session, State, Telling};
use crate::{Failure, takeover};

/// A key that ends within this time is not used to open a session any more.
const KEY_MARGIN: Span = Span::from_secs(300);

/// Longest pause while the service only has to let go of the stream before.
const HELD_PAUSE: Span = Span::from_secs(5);

impl Broadcast {
    /// Opens the present session, or does first what has to be done before.
    pub(super) fn open(&mut self, by: By, now: MediaTime) {
        if self.needs_configuration(now) {
            self.state = State::Asking { by };
            self.ask();
            return;
        }
        if self.begins_anew(by)
            && by != By::TakeOver
            && let Some(at) = self.let_go_at().filter(|at| now < *at)
        {
            self.anew = true;
            self.state = State::Waiting { at, why: Interruption::Held, by, counted: true };
            return;
        }
        let priority = self.number(by);
        if by == By::Schedule && priority.is_none() && self.config.takes_over {
            self.anew = true;
        }
        self.present = Some(self.session(by, priority, now));
        self.opened_at = Some(now);
        self.state = State::Opening;
        self.orders.push_back(Order::Open { priority });
    }

    /// A session that is opened now.
    pub(super) fn session(&mut self, by: By, priority: Option<u32>, now: MediaTime) -> Session {
        let before = self.priority;
        self.priority = priority.or(before);
        Session {
            by,
            priority,
            before,
            key_since: self.configured_at,
            opened_at: now,
            accepted_at: None,
            live_at: None,
            leaving: false,
            is_first: !self.was_live,
        }
    }

    /// Begins an attempt, which was counted before or is counted now.
    pub(super) fn attempt(&mut self, by: By, counted: bool, now: MediaTime) {
        if !counted {
            self.retries.begin();
        }
        self.open(by, now);
    }

    /// Tries again: at once when the one before was a success, after a pause otherwise; `None` when that was the last
    /// attempt.
    pub(super) fn try_again(&mut self, by: By, why: Interruption, failure: Failure, now: MediaTime) {
        if self.retries.made() >= self.config.limits.attempts {
            let attempts = self.retries.made();
            self.finish(Outcome::GaveUp { attempts, failure });
            return;
        }
        let longest = if why == Interruption::Held { HELD_PAUSE } else { MAX_RECONNECT_PAUSE.value };
        let mut at = now + self.retries.pause(longest);
        if self.begins_anew(by) && why != Interruption::TimeUp {
            at = at.max(self.let_go_at().unwrap_or(at));
        }
        let next_at = (at > now).then_some(at);
        self.tell(Telling::Interrupted { failure, why, next_at });
        if at > now {
            self.state = State::Waiting { at, why, by, counted: false };
        } else {
            self.attempt(by, false, now);
        }
    }

    /// Whether a session wanted by `by` begins a stream of its own although one of ours may still be held: the service
    /// would refuse it until then.
    fn begins_anew(&self, by: By) -> bool {
        self.anew
            || self.other_media
            || (by == By::Schedule && self.config.takes_over && self.number(by).is_none())
    }

    /// When the service has surely let go of a stream of ours that was not ended in good order.
    pub(super) fn let_go_at(&self) -> Option<MediaTime> {
        self.silent_since.map(|since| since + self.config.limits.hold + HOLD_MARGIN)
    }

    /// The number of the next session. Every attempt that the service may have seen uses one of its own.
    pub(super) fn number(&self, by: By) -> Option<u32> {
        if !self.config.takes_over {
            return self.config.first_priority.filter(|_| by == By::Start);
        }
        match by {
            By::Start => self.config.first_priority,
            By::TakeOver => match (self.priority, self.config.intent) {
                (None, Intent::TakeOver { known }) => {
                    self.config.first_priority.or(takeover::jump_above(known)).or(known)
                }
                (last, _) => match self.trouble.too_low {
                    0 => takeover::jump_above(last),
                    tries => takeover::jump_again(last.unwrap_or(0), tries - 1),
                },
            },
            By::Renewal => None,
            By::Schedule | By::Move if self.anew || self.other_media => None,
            By::Schedule | By::Move if self.takeovers >= self.config.limits.takeovers => None,
            By::Schedule | By::Move => takeover::next_after(self.priority),
        }
    }

    /// Whether a new configuration has to come before the next session.
    fn needs_configuration(&self, now: MediaTime) -> bool {
        self.config.asks && (self.must_ask || !self.has_valid_key(now))
    }

    /// Whether the key in hand may be used for a while.
    pub(super) fn has_valid_key(&self, now: MediaTime) -> bool {
        let Some(since) = self.configured_at else { return !self.config.asks };
        self.config.limits.key.is_none_or(|valid| now + portion(valid, KEY_MARGIN) < since + valid)
    }

    /// Asks for a configuration, unless that was done already.
    pub(super) fn ask(&mut self) {
        if !std::mem::replace(&mut self.asked, true) {
            self.orders.push_back(Order::Ask);
        }
    }

    pub(super) fn configured(&mut self, same_media: bool, now: MediaTime) {
        if !std::mem::take(&mut self.asked) {
            return;
        }
        self.configured_at = Some(now);
        self.must_ask = false;
        self.other_media = !same_media && self.stream_began_at.is_some();
        if let State::Asking { by } = self.state {
            self.open(by, now);
        }
    }

    pub(super) fn not_configured(&mut self, refused: bool, now: MediaTime) {
        if !std::mem::take(&mut self.asked) {
            return;
        }
        match self.state {
            State::Asking { by } if self.has_valid_key(now) => {
                // Better the old one than none; if the service does not take it, that is counted.
                self.must_ask = false;
                self.open(by, now);
            }
            State::Asking { by } => match self.trouble.last.clone() {
                Some(failure) if !refused => {
                    self.try_again(by, Interruption::NotConfigured, failure, now);
                }
                Some(failure) if self.was_live => self.finish(Outcome::Refused(failure)),
                _ => self.finish(Outcome::NotConfigured { refused }),
            },
            State::OnAir => self.postpone_renewal(now),
            _ => {}
        }
    }
}

/// `length`, but no more than a twentieth of `whole`: limits of a rehearsal in accelerated time are short.
pub(super) fn portion(whole: Span, length: Span) -> Span {
    length.min(Span::from_nanos(whole.as_nanos() / 20))
}
