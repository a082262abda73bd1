//! Whether what is sent arrives: progress of writes and of the peer's acknowledgements.

use units::{MediaTime, Span};

use super::config::Deadlines;
use super::notice::Health;
use crate::{Cause, Gauge};

/// Media time waiting from which the upload counts as too slow: half a keyframe interval of the recommended two
/// seconds (IVS user guide, "Encoder Settings").
const SLOW_FROM: Span = Span::from_millis(1_000);
/// And below which it counts as good again.
const GOOD_BELOW: Span = Span::from_millis(500);
/// Silence of acknowledgements after which a peer that used to send them counts as not confirming.
const UNCONFIRMED_AFTER: Span = Span::from_secs(5);
/// The same for a peer's system, which confirms within a time to and back: three repetitions unanswered, which double
/// their distance from a fifth of a second on (RFC 6298, 5.5).
const WITHOUT_PROGRESS_AFTER: Span = Span::from_secs(2);
/// Bytes that may be under way besides the peer's window: what the buffers of a system's socket hold.
const IN_FLIGHT_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Liveness {
    written: u64,
    wrote_at: MediaTime,
    acknowledged: Option<u64>,
    acknowledged_at: MediaTime,
    /// Longest step between two acknowledgements: the peer's window, as far as we can see it.
    window: u64,
    health: Health,
}

impl Liveness {
    pub(crate) fn new(now: MediaTime) -> Self {
        Self {
            written: 0,
            wrote_at: now,
            acknowledged: None,
            acknowledged_at: now,
            window: 0,
            health: Health::Good,
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn acknowledged(&self) -> Option<u64> {
        self.acknowledged
    }

    pub(crate) fn health(&self) -> Health {
        self.health
    }

    pub(crate) fn wrote_at(&self) -> MediaTime {
        self.wrote_at
    }

    pub(crate) fn wrote(&mut self, bytes: usize, now: MediaTime) {
        self.written += bytes as u64;
        self.wrote_at = now;
    }

    /// The first bytes after a pause are about to be written: the pause was not a stall.
    pub(crate) fn begin_write(&mut self, now: MediaTime) {
        self.wrote_at = now;
    }

    pub(crate) fn acknowledge(&mut self, total: u64, now: MediaTime) {
        let before = self.acknowledged.unwrap_or(0);
        if total > before {
            self.window = self.window.max(total - before);
            self.acknowledged_at = now;
        }
        self.acknowledged = Some(total.max(before));
    }

    /// How long the peer has been silent about more than it may be silent about.
    pub(crate) fn unconfirmed_for(&self, now: MediaTime) -> Span {
        match self.acknowledged {
            Some(acknowledged)
                if self.written.saturating_sub(acknowledged) > 2 * self.window + IN_FLIGHT_BYTES =>
            {
                now - self.acknowledged_at
            }
            // Peers that never acknowledge are common; nothing can be concluded from their silence.
            _ => Span::ZERO,
        }
    }

    /// Why the session must end, if it must. `outstanding` are the bytes handed out and not yet written; for
    /// `without_progress` the peer's system confirmed nothing of what was written.
    pub(crate) fn verdict(
        &self,
        outstanding: u64,
        without_progress: Span,
        deadlines: &Deadlines,
        now: MediaTime,
    ) -> Option<Cause> {
        if outstanding > 0 && now - self.wrote_at >= deadlines.stall {
            return Some(Cause::Stalled);
        }
        let is_silent =
            without_progress >= deadlines.confirm || self.unconfirmed_for(now) >= deadlines.acknowledge;
        is_silent.then_some(Cause::Unacknowledged)
    }

    /// Judges anew; `Some` when the health changed.
    pub(crate) fn judge(&mut self, gauge: &Gauge, without_progress: Span, now: MediaTime) -> Option<Health> {
        let threshold = if self.health == Health::Slow { GOOD_BELOW } else { SLOW_FROM };
        let health =
            if without_progress >= WITHOUT_PROGRESS_AFTER || self.unconfirmed_for(now) >= UNCONFIRMED_AFTER {
                Health::Unconfirmed
            } else if gauge.waiting >= threshold {
                Health::Slow
            } else {
                Health::Good
            };
        let changed = health != self.health;
        self.health = health;
        changed.then_some(health)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(millis: i64) -> Gauge {
        Gauge { waiting: Span::from_millis(millis), ..Gauge::default() }
    }

    #[test]
    fn slow_is_left_later_than_entered() {
        let now = MediaTime::ZERO;
        let mut liveness = Liveness::new(now);
        assert_eq!(liveness.judge(&waiting(900), Span::ZERO, now), None);
        assert_eq!(liveness.judge(&waiting(1_000), Span::ZERO, now), Some(Health::Slow));
        assert_eq!(liveness.judge(&waiting(600), Span::ZERO, now), None);
        assert_eq!(liveness.judge(&waiting(499), Span::ZERO, now), Some(Health::Good));
    }

    #[test]
    fn silence_counts_only_with_peers_that_used_to_acknowledge() {
        let deadlines = Deadlines::default();
        let mut liveness = Liveness::new(MediaTime::ZERO);
        let later = MediaTime::from_millis(60_000);
        liveness.wrote(50 << 20, MediaTime::ZERO);
        assert_eq!(liveness.verdict(0, Span::ZERO, &deadlines, later), None);
        liveness.acknowledge(625_000, MediaTime::ZERO);
        assert_eq!(
            liveness.judge(&waiting(0), Span::ZERO, MediaTime::from_millis(5_000)),
            Some(Health::Unconfirmed)
        );
        assert_eq!(liveness.verdict(0, Span::ZERO, &deadlines, later), Some(Cause::Unacknowledged));
        liveness.acknowledge(50 << 20, later);
        assert_eq!(liveness.verdict(0, Span::ZERO, &deadlines, later), None);
        assert_eq!(liveness.judge(&waiting(0), Span::ZERO, later), Some(Health::Good));
    }

    #[test]
    fn nothing_to_write_is_no_stall() {
        let deadlines = Deadlines::default();
        let mut liveness = Liveness::new(MediaTime::ZERO);
        let later = MediaTime::from_millis(60_000);
        assert_eq!(liveness.verdict(0, Span::ZERO, &deadlines, later), None);
        liveness.begin_write(later);
        assert_eq!(liveness.verdict(10, Span::ZERO, &deadlines, later + Span::from_millis(5_999)), None);
        assert_eq!(
            liveness.verdict(10, Span::ZERO, &deadlines, later + Span::from_secs(6)),
            Some(Cause::Stalled)
        );
    }
}
