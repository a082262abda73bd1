//! The end over SRT: there is no good-bye but the closing, and the peer throws away what it has not played by then.

use units::{MediaTime, Span};

use super::{SrtAction, SrtSession};
use crate::{Ended, Step};

/// On top of latency and round trip: how late a peer's own timer may be.
const MARGIN: Span = Span::from_millis(80);
/// Kept of the time for stopping, for the closing itself.
const CLOSING: Span = Span::from_millis(150);

/// The wish to end at the next IDR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parting {
    /// Another session goes on with the stream.
    silent: bool,
    /// When it has to be over.
    pub(super) by: MediaTime,
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Sending what waits.
    Draining,
    /// Bringing out what the multiplexer holds, and what SRT has not sent yet.
    Emptying,
    /// Everything was sent; the peer plays what it holds back.
    Lingering { until: MediaTime, whole: bool },
    /// The connection is being closed.
    Closing { whole: bool },
}

/// The good-bye under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Farewell {
    drain_until: MediaTime,
    cut_at: MediaTime,
    phase: Phase,
}

impl Farewell {
    pub(super) fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        let next = match self.phase {
            Phase::Draining => self.drain_until,
            Phase::Lingering { until, .. } => until,
            Phase::Emptying | Phase::Closing { .. } => self.cut_at,
        };
        Some(next.min(self.cut_at).max(now))
    }

    /// Whether what waits may still be sent.
    pub(super) fn drains(&self, now: MediaTime) -> bool {
        self.phase == Phase::Draining && now < self.drain_until
    }

    /// Everything was sent, and the peer had its time.
    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { whole: true })
    }
}

impl SrtSession {
    /// Ends the session in good order: what waits is sent as far as there is time; the connection is closed when the
    /// peer has had the latency's time to ask for what it lacks and to play what it holds back, since closing throws
    /// that away at the peer. All within [`Deadlines::stop`](crate::Deadlines::stop), whatever hangs.
    pub fn stop(&mut self, now: MediaTime) {
        if self.step == Step::Ended || (self.step == Step::Stopping && self.parting.is_none()) {
            return;
        }
        self.parting = None;
        let deadlines = self.config.deadlines;
        if let Some(farewell) = &mut self.farewell {
            farewell.drain_until = farewell.drain_until.min(now + deadlines.drain);
            farewell.cut_at = farewell.cut_at.min(now + deadlines.stop);
            return;
        }
        let was_accepted = self.step.is_accepted();
        self.enter(Step::Stopping, None, now);
        if !was_accepted {
            self.end(Ended::Stopped { clean: true }, now);
            return;
        }
        self.say_farewell(now + deadlines.drain, now + deadlines.stop, now);
    }

    /// Leaves the stream to another session at the next IDR, see [`Session::depart`](crate::Session::depart). SRT knows
    /// no end of a stream besides the end of the connection, so the other session has to have taken over by then, with
    /// a higher priority.
    pub fn depart(&mut self, now: MediaTime) {
        self.part(true, now);
    }

    /// Ends the stream at the next IDR; see [`Session::conclude`](crate::Session::conclude).
    pub fn conclude(&mut self, now: MediaTime) {
        self.part(false, now);
    }

    fn part(&mut self, silent: bool, now: MediaTime) {
        if matches!(self.step, Step::Stopping | Step::Ended) {
            return;
        }
        if let Some(parting) = &mut self.parting {
            parting.silent = silent;
        } else if self.step.is_accepted() && self.outgoing.has_started() {
            self.parting = Some(Parting { silent, by: now + self.config.deadlines.depart });
            self.outgoing.depart();
        } else if silent {
            // Nothing was sent, so nothing is missing where the other session begins.
            self.enter(Step::Stopping, None, now);
            self.end(Ended::Departed, now);
        } else {
            self.stop(now);
        }
    }

    /// Whether the session leaves the stream to another at the next IDR.
    pub fn is_departing(&self) -> bool {
        self.parting.is_some_and(|parting| parting.silent)
    }

    /// Lets go of a session that nobody will give a unit any more: stops it, or, when it ends at the next IDR, closes it
    /// as soon as everything it was given is sent.
    pub fn let_go(&mut self, now: MediaTime) {
        if self.parting.is_none() {
            self.stop(now);
        } else if self.step.is_accepted() {
            self.leave(now);
        }
    }

    /// Everything that a session still has to send before it parts has come.
    pub(super) fn leave(&mut self, now: MediaTime) {
        let by = self.parting.map_or(now, |parting| parting.by);
        self.enter(Step::Stopping, None, now);
        self.say_farewell(by, by, now);
    }

    fn say_farewell(&mut self, drain_until: MediaTime, cut_at: MediaTime, now: MediaTime) {
        self.farewell = Some(Farewell { drain_until, cut_at, phase: Phase::Draining });
        self.go_on_ending(now);
    }

    /// Goes on with the end, as far as it can go now.
    pub(super) fn go_on_ending(&mut self, now: MediaTime) {
        let Some(mut farewell) = self.farewell else { return };
        let is_drained = self.outgoing.gauge().units == 0;
        if farewell.phase == Phase::Draining && (is_drained || now >= farewell.drain_until) {
            farewell.phase = Phase::Emptying;
            self.whole = is_drained;
            self.actions.push_back(SrtAction::Finish);
        }
        if farewell.phase == Phase::Emptying && self.transit.is_all_out() {
            let figures = self.figures.unwrap_or_default();
            let needed = self.config.latency.max(figures.latency) + figures.rtt + MARGIN;
            let until = (now + needed).min(farewell.cut_at - CLOSING);
            let whole = self.whole && now + needed <= until;
            farewell.phase = Phase::Lingering { until, whole };
        }
        if let Phase::Lingering { until, whole } = farewell.phase
            && now >= until
        {
            farewell.phase = Phase::Closing { whole };
            self.actions.push_back(SrtAction::Close);
        }
        self.farewell = Some(farewell);
        if now >= farewell.cut_at {
            self.end_farewell(false, now);
        }
    }

    pub(super) fn end_farewell(&mut self, whole: bool, now: MediaTime) {
        let departs = self.is_departing();
        self.end(if departs { Ended::Departed } else { Ended::Stopped { clean: whole } }, now);
    }
}
