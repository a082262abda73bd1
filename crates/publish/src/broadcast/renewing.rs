//! Ahead of the limits: the stream ends at a keyframe and a new one begins with it. And moving to another connection,
//! which is the same without an end.

use units::{MediaTime, Span};

use super::opening::portion;
use super::verdict::HOLD_PATIENCE;
use super::{Broadcast, By, Order, Renewal, State, Telling};

/// How long to wait before the service is asked again for a configuration that it did not give; twice as long each time.
pub(super) const FIRST_PAUSE: Span = Span::from_secs(60);
const LONGEST_PAUSE: Span = Span::from_secs(600);
/// A configuration this young is good for a new stream.
const FRESH: Span = Span::from_secs(600);
/// A person who wants streams shorter than this wants something else.
const SHORTEST_STREAM: Span = Span::from_secs(60);

impl Broadcast {
    /// When the service ends the stream.
    fn stream_ends_at(&self) -> Option<MediaTime> {
        self.config.limits.stream.and_then(|longest| Some(self.stream_began_at? + longest))
    }

    /// When the key of the present session loses its validity.
    fn key_ends_at(&self) -> Option<MediaTime> {
        let valid = self.config.limits.key.filter(|_| self.config.asks)?;
        Some(self.present.as_ref()?.key_since? + valid)
    }

    /// When the stream, or the key that it is sent with, ends, whichever comes first.
    pub(super) fn ends_at(&self) -> Option<MediaTime> {
        self.stream_ends_at().into_iter().chain(self.key_ends_at()).min()
    }

    /// `ends_at`, so much earlier that there is time for a renewal.
    fn ahead_of(&self, ends_at: MediaTime, whole: Option<Span>) -> MediaTime {
        let lead = self.config.limits.renewal_lead;
        ends_at - whole.map_or(lead, |whole| portion(whole, lead))
    }

    /// When the stream is renewed.
    pub(super) fn renews_at(&self) -> Option<MediaTime> {
        let began_at = self.stream_began_at?;
        let ahead = self.stream_ends_at().map(|ends_at| self.ahead_of(ends_at, self.config.limits.stream));
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

    /// When the stream goes over to a session with a new key. The guide says nothing of a stream that runs longer than
    /// its key is valid, so none does.
    fn changes_key_at(&self) -> Option<MediaTime> {
        if self.config.renewal == Renewal::Never {
            return None;
        }
        let at = self.ahead_of(self.key_ends_at()?, self.config.limits.key);
        Some(self.renewal_after.map_or(at, |after| at.max(after)))
    }

    /// When either is due.
    pub(super) fn renewal_due_at(&self) -> Option<MediaTime> {
        self.renews_at().into_iter().chain(self.changes_key_at()).min()
    }

    /// Whether nothing stands in the way of a renewal.
    pub(super) fn may_renew(&self) -> bool {
        matches!(self.state, State::OnAir)
            && !self.asked
            && self.next.is_none()
            && self.present.as_ref().is_some_and(|session| !session.leaving)
    }

    pub(super) fn renew_if_due(&mut self, now: MediaTime) {
        let stream_is_due = self.renewal_wanted.is_some() || self.renews_at().is_some_and(|at| now >= at);
        let key_is_due = self.changes_key_at().is_some_and(|at| now >= at);
        if !(stream_is_due || key_is_due) || !self.may_renew() {
            return;
        }
        let fresh = self.config.limits.key.map_or(FRESH, |valid| portion(valid, FRESH));
        // A wish may be about another configuration than the one in hand.
        let since = self.renewal_wanted.unwrap_or(now - fresh);
        if self.config.asks && self.configured_at.is_none_or(|configured_at| configured_at < since) {
            self.ask();
            return;
        }
        self.renewal_after = None;
        self.renewal_pause = FIRST_PAUSE;
        if !stream_is_due && !self.other_media && self.number(By::Move).is_some() {
            // The stream need not end for a new key: a session that has it takes over at the next keyframe.
            self.go_over(now);
            return;
        }
        self.renewal_wanted = None;
        self.anew = true;
        self.tell(Telling::RenewalBegins);
        if !self.other_media {
            self.next = Some(self.session(By::Renewal, None, now));
            self.orders.push_back(Order::OpenNext { priority: None, waits: true });
        }
        self.orders.push_back(Order::Conclude);
        if let Some(present) = &mut self.present {
            present.leaving = true;
        }
        self.state = State::Concluding;
    }

    /// The person wants another stream, perhaps with another configuration than the one in hand.
    pub(super) fn renew_now(&mut self, now: MediaTime) {
        match self.state {
            State::Ending(_) | State::Over(_) => {}
            State::OnAir => self.renewal_wanted = self.renewal_wanted.or(Some(now)),
            State::TakenOver { .. } => self.must_ask |= self.config.asks,
            // The same wish again.
            State::Concluding if !self.config.asks => {}
            _ => {
                self.renewal_wanted = self.renewal_wanted.or(Some(now));
                self.must_ask |= self.config.asks && self.present.is_none();
            }
        }
    }

    /// Whether what the present session sends was decided on after `wanted`.
    pub(super) fn is_newer_than(&self, wanted: MediaTime) -> bool {
        let Some(session) = &self.present else { return false };
        let since = if self.config.asks { session.key_since } else { Some(session.opened_at) };
        since.is_some_and(|since| since >= wanted)
    }

    /// The service gave no configuration for a renewal: the stream goes on.
    pub(super) fn postpone_renewal(&mut self, now: MediaTime) {
        let was_wanted = self.renewal_wanted.take().is_some();
        let is_due = self.renewal_due_at().is_some_and(|at| now >= at);
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
        if may {
            self.tell(Telling::Moving);
            self.go_over(now);
        }
    }

    /// The same stream over another session, from the next keyframe on.
    fn go_over(&mut self, now: MediaTime) {
        let priority = self.number(By::Move);
        self.next = Some(self.session(By::Move, priority, now));
        if let Some(present) = &mut self.present {
            present.leaving = true;
        }
        self.orders.push_back(Order::OpenNext { priority, waits: false });
        self.orders.push_back(Order::Depart);
    }
}
