//! Ahead of the limits: the stream ends at a keyframe and a new one begins with it. And moving to another connection,
//! which is the same without an end.

use units::{MediaTime, Span};

use super::opening::portion;
use super::verdict::HOLD_PATIENCE;
use super::{Broadcast, By, Order, Renewal, Session, State, Telling};

/// How long to wait before the service is asked again for a configuration that it did not give; twice as long each time.
pub(super) const FIRST_PAUSE: Span = Span::from_secs(60);
const LONGEST_PAUSE: Span = Span::from_secs(600);
/// A configuration this young is good for a new stream.
const FRESH: Span = Span::from_secs(600);
/// A person who wants streams shorter than this wants something else.
const SHORTEST_STREAM: Span = Span::from_secs(60);

impl Broadcast {
    /// When the service ends the stream, or the key loses its validity, whichever comes first.
    pub(super) fn ends_at(&self) -> Option<MediaTime> {
        let limits = &self.config.limits;
        let stream = limits.stream.and_then(|longest| Some(self.stream_began_at? + longest));
        let key = limits.key.filter(|_| self.config.asks).and_then(|valid| Some(self.configured_at? + valid));
        [stream, key].into_iter().flatten().min()
    }

    /// When the stream is renewed.
    pub(super) fn renews_at(&self) -> Option<MediaTime> {
        let began_at = self.stream_began_at?;
        let limits = &self.config.limits;
        let shorter = [limits.stream, limits.key].into_iter().flatten().min();
        let lead = shorter.map_or(limits.renewal_lead, |shorter| portion(shorter, limits.renewal_lead));
        let ahead = self.ends_at().map(|ends_at| ends_at - lead);
        let at = match self.config.renewal {
            Renewal::Never => None,
            Renewal::Auto => ahead,
            Renewal::After(span) => {
                let chosen = began_at + span.max(SHORTEST_STREAM);
                Some(ahead.map_or(chosen, |ahead| ahead.min(chosen)))
            }
        }?;
        Some(self.renewal_after.map_or(at, |after| at.max(after)))
    }

    /// Whether nothing stands in the way of a renewal.
    pub(super) fn may_renew(&self) -> bool {
        matches!(self.state, State::OnAir)
            && !self.asked
            && self.next.is_none()
            && self.present.as_ref().is_some_and(|session| !session.leaving)
    }

    pub(super) fn renew_if_due(&mut self, now: MediaTime) {
        let is_due = self.renewal_wanted || self.renews_at().is_some_and(|at| now >= at);
        if !is_due || !self.may_renew() {
            return;
        }
        let fresh = self.config.limits.key.map_or(FRESH, |valid| portion(valid, FRESH));
        if self.config.asks && self.configured_at.is_none_or(|since| now - since > fresh) {
            self.ask();
            return;
        }
        self.renewal_wanted = false;
        self.renewal_after = None;
        self.renewal_pause = FIRST_PAUSE;
        self.anew = true;
        self.tell(Telling::RenewalBegins);
        if !self.other_media {
            self.next = Some(Session::new(By::Renewal, None, now));
            self.orders.push_back(Order::OpenNext { priority: None, waits: true });
        }
        self.orders.push_back(Order::Conclude);
        if let Some(present) = &mut self.present {
            present.leaving = true;
        }
        self.state = State::Concluding;
    }

    /// The service gave no configuration for a renewal: the stream goes on.
    pub(super) fn postpone_renewal(&mut self, now: MediaTime) {
        let was_wanted = std::mem::take(&mut self.renewal_wanted);
        let is_due = self.renews_at().is_some_and(|at| now >= at);
        if is_due {
            let whole = self.config.limits.stream.into_iter().chain(self.config.limits.key).min();
            let pause = whole.map_or(self.renewal_pause, |whole| portion(whole, self.renewal_pause));
            self.renewal_after = Some(now + pause);
            self.renewal_pause = (self.renewal_pause + self.renewal_pause).min(LONGEST_PAUSE);
        }
        if is_due || was_wanted {
            let next_at = self.renewal_after.filter(|_| is_due);
            self.tell(Telling::RenewalPostponed { next_at });
        }
    }

    /// The stream before has ended; the new one follows. The service may still need a moment to see that.
    pub(super) fn follow(&mut self, now: MediaTime) {
        self.refused_until = Some(now + self.config.limits.hold + HOLD_PATIENCE);
        self.silent_since = None;
        match self.next.take() {
            Some(next) => {
                self.orders.push_back(Order::Proceed);
                self.promote(next, now);
            }
            None => self.open(By::Renewal, now),
        }
    }

    /// The service wants the stream over another connection: the present one ends before the next keyframe, and the
    /// other one begins with it.
    pub(super) fn move_over(&mut self, now: MediaTime) {
        let may = matches!(self.state, State::OnAir | State::Opening)
            && self.next.is_none()
            && self.present.as_ref().is_some_and(|session| session.accepted_at.is_some() && !session.leaving);
        if !may {
            return;
        }
        let before = self.priority;
        let priority = self.number(By::Move);
        self.priority = priority.or(before);
        self.next = Some(Session { before, ..Session::new(By::Move, priority, now) });
        if let Some(present) = &mut self.present {
            present.leaving = true;
        }
        self.tell(Telling::Moving);
        self.orders.push_back(Order::OpenNext { priority, waits: false });
        self.orders.push_back(Order::Depart);
    }
}
