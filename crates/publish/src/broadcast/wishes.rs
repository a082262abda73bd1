//! What the person wants, and what the network does.

use units::{MediaTime, Span};

use super::{Broadcast, By, Interruption, Order, Outcome, State};

/// A network that changes tells so several times; and an attempt younger than this began on the network as it is.
const SETTLED: Span = Span::from_secs(1);

impl Broadcast {
    /// Another way to the service may be there: the next attempt need not wait, and one that began over the old way
    /// need not be waited for.
    pub(super) fn network_changed(&mut self, now: MediaTime) {
        match self.state {
            State::Waiting { at, why, by, counted } => {
                // Nothing but time helps against a stream that the service holds.
                let earlier = self.opened_at.map_or(now, |opened_at| now.max(opened_at + SETTLED));
                if why == Interruption::Held || earlier >= at || !self.retries.may_hurry() {
                    return;
                }
                self.state = State::Waiting { at: earlier, why, by, counted };
                self.tick(now);
            }
            State::Opening => {
                let takes_over = self.config.takes_over;
                let may = self.retries.made() < self.config.limits.attempts
                    && self.present.as_ref().is_some_and(|session| {
                        session.by == By::Schedule
                            && session.accepted_at.is_none()
                            && (session.priority.is_some() || !takes_over)
                            && now - session.opened_at >= SETTLED
                    });
                if may && self.retries.may_hurry() {
                    self.state = State::Restarting;
                    self.orders.push_back(Order::Stop);
                }
            }
            _ => {}
        }
    }

    pub(super) fn retry_now(&mut self, now: MediaTime) {
        if let State::Waiting { by, counted, .. } = self.state {
            self.attempt(by, counted, now);
        }
    }

    pub(super) fn take_over(&mut self, now: MediaTime) {
        match self.state {
            State::TakenOver { .. } | State::Waiting { .. } => {
                self.trouble.forget_all();
                self.retries.reset();
                self.anew = false;
                self.open(By::TakeOver, now);
            }
            State::Asking { .. } => self.state = State::Asking { by: By::TakeOver },
            // On air there is nothing to take, and an attempt that is under way may be what was wanted.
            _ => {}
        }
    }

    /// The person wants no further attempt. A stream on air goes on.
    pub(super) fn give_up(&mut self) {
        let outcome = match self.trouble.last.clone() {
            Some(failure) => Outcome::GaveUp { attempts: self.retries.made(), failure },
            None => Outcome::Stopped,
        };
        match self.state {
            State::TakenOver { .. } => self.finish(Outcome::TakenOver),
            State::Waiting { .. } | State::Asking { .. } | State::Opening | State::Restarting => {
                self.end(outcome);
            }
            State::OnAir | State::Concluding | State::Ending(_) | State::Over(_) => {}
        }
    }

    pub(super) fn stop(&mut self) {
        match &mut self.state {
            State::TakenOver { .. } => self.finish(Outcome::TakenOver),
            State::Ending(outcome) => *outcome = Outcome::Stopped,
            _ => self.end(Outcome::Stopped),
        }
    }

    /// Ends whatever is open; `outcome` is what it comes to. Orders that nobody has picked up yet are void, so that
    /// nothing is opened after this.
    fn end(&mut self, outcome: Outcome) {
        let mut abandon = self.next.is_some();
        for order in std::mem::take(&mut self.orders) {
            match order {
                Order::Open { .. } => self.present = None,
                Order::OpenNext { .. } => abandon = false,
                // The program knows what is our present session as its next one.
                Order::Promote => {
                    self.present = None;
                    abandon = true;
                }
                Order::Ask => self.asked = false,
                _ => {}
            }
        }
        self.next = None;
        self.took_over = None;
        if abandon {
            self.orders.push_back(Order::Abandon);
        }
        if self.present.is_some() {
            self.orders.push_back(Order::Stop);
            self.state = State::Ending(outcome);
        } else {
            self.finish(outcome);
        }
    }
}
