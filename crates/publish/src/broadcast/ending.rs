//! Sessions end.

use units::MediaTime;

use super::verdict::{Verdict, was_seen};
use super::{Broadcast, By, Interruption, Order, Outcome, Session, State, Telling};
use crate::{Cause, Ended, Failure};

impl Broadcast {
    pub(super) fn ended(&mut self, ended: Ended, now: MediaTime) {
        let Some(session) = self.present.take() else { return };
        self.took_over = None;
        if session.live_at.is_some() {
            self.off_air_since.get_or_insert(now);
        }
        match std::mem::replace(&mut self.state, State::Opening) {
            State::Ending(outcome) => self.finish(outcome),
            State::Concluding => self.follow(now),
            State::Restarting => {
                // Whether the service has seen it is not known.
                self.silent_since = Some(now);
                self.attempt(session.by, false, now);
            }
            _ if session.leaving => match (self.next.take(), self.move_failure.take()) {
                (Some(next), _) => self.promote(next, now),
                (None, Some((next, Some(failure)))) => {
                    self.silent_since = Some(now);
                    self.failed(&next, failure, now);
                }
                // Somebody else ended both in good order.
                (None, _) => self.finish(Outcome::Stopped),
            },
            _ => match ended {
                Ended::Failed(failure) => self.failed(&session, failure, now),
                // Somebody else ended it in good order.
                Ended::Stopped { .. } | Ended::Departed => self.finish(Outcome::Stopped),
            },
        }
    }

    pub(super) fn next_ended(&mut self, ended: Ended) {
        let Some(next) = self.next.take() else { return };
        if matches!(self.state, State::Concluding) {
            // It is opened again when the present one has ended.
            return;
        }
        let failure = match ended {
            Ended::Failed(failure) => {
                self.tell(Telling::MoveFailed(failure.clone()));
                Some(failure)
            }
            Ended::Stopped { .. } | Ended::Departed => None,
        };
        self.move_failure = Some((next, failure));
    }

    /// The next session is the present one.
    pub(super) fn promote(&mut self, next: Session, now: MediaTime) {
        self.orders.push_back(Order::Promote);
        let (accepted_at, live_at) = (next.accepted_at, next.live_at);
        self.state = State::Opening;
        self.present = Some(Session { accepted_at: None, live_at: None, ..next });
        if accepted_at.is_some() {
            self.accepted(now);
        }
        if live_at.is_some() {
            self.live(now);
        }
    }

    /// `session` is gone.
    fn failed(&mut self, session: &Session, failure: Failure, now: MediaTime) {
        if session.accepted_at.is_some() || was_seen(&failure) {
            // What the service refused, or hung up on, it does not hold.
            if !matches!(failure.cause, Cause::Refused { .. } | Cause::PublishClosed) {
                self.silent_since = Some(now);
            }
        } else {
            // Nobody saw its number: it is not used up.
            self.priority = session.before;
        }
        let why = Interruption::of(&failure);
        match self.judge(session, &failure, now) {
            Verdict::TakenOver { certain } => {
                self.tell(Telling::TakenOver { certain, failure: failure.clone() });
                // Nothing follows, so an answer that is still to come is not waited for.
                self.asked = false;
                self.state = State::TakenOver { since: now, certain, failure };
            }
            Verdict::Refused => self.finish(Outcome::Refused(failure)),
            Verdict::Failed => self.finish(Outcome::Failed(failure)),
            Verdict::Again { ask } => {
                self.must_ask |= ask && self.config.asks;
                self.try_again(again(session), why, failure, now);
            }
            Verdict::Held => {
                self.try_again(again(session), Interruption::Held, failure, now);
            }
            Verdict::Higher => {
                let refused = session.priority.unwrap_or(0);
                self.trouble.too_low += 1;
                if let Some(next) = self.number(By::TakeOver) {
                    self.tell(Telling::TooLow { refused, next });
                }
                self.open(By::TakeOver, now);
            }
            Verdict::LetGo => {
                self.anew = true;
                self.takeovers = self.config.limits.takeovers;
                let next_at = self.let_go_at().unwrap_or(now);
                self.tell(Telling::TakeoversUsedUp { next_at });
                self.try_again(By::Schedule, Interruption::Held, failure, now);
            }
            Verdict::TimeUp => {
                // The service ended it itself: nothing is held.
                self.silent_since = None;
                self.anew = true;
                self.must_ask |= self.config.asks;
                self.try_again(By::Schedule, Interruption::TimeUp, failure, now);
            }
        }
    }
}

/// Who wants the session after `session`: what the person or the schedule began stays theirs until the service has
/// taken it.
const fn again(session: &Session) -> By {
    match (session.by, session.accepted_at) {
        (by @ (By::Start | By::TakeOver | By::Renewal), None) => by,
        _ => By::Schedule,
    }
}
