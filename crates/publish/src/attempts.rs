//! When to ask a service again, and when to give up, in the time a person sees running.

use units::{MediaTime, Span};

/// How often and how long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimits {
    /// From the first attempt to giving up.
    pub overall: Span,
    /// The longest one attempt may take.
    pub each: Span,
    /// Pause after the first attempt; every further pause is twice as long, up to [`Self::longest_pause`].
    pub first_pause: Span,
    /// The longest pause.
    pub longest_pause: Span,
}

impl AttemptLimits {
    /// Within `overall`, five seconds for an attempt, which is what OBS gives the same service, and pauses of half a
    /// second to eight.
    pub const fn within(overall: Span) -> Self {
        Self {
            overall,
            each: Span::from_secs(5),
            first_pause: Span::from_millis(500),
            longest_pause: Span::from_secs(8),
        }
    }
}

/// Less than this is not worth an attempt: no answer over TLS comes in that time from far away.
const SHORTEST_ATTEMPT: Span = Span::from_millis(500);

/// A pause is up to this part shorter or longer, so that clients that lost a service together do not come back
/// together (IVS multitrack integration guide, "Automatically Reconnecting": a small random deviation). In 1/256.
const JITTER: u64 = 64;

/// The attempts at one question.
#[derive(Clone, Debug)]
pub struct Attempts {
    limits: AttemptLimits,
    deadline: MediaTime,
    made: u32,
    pause: Span,
    random: u64,
}

impl Attempts {
    /// None made yet. `seed` need not be secret; it makes the pauses differ from those of other clients.
    pub fn new(limits: AttemptLimits, seed: u64, now: MediaTime) -> Self {
        Self { limits, deadline: now + limits.overall, made: 0, pause: limits.first_pause, random: seed }
    }

    /// When to give up.
    pub const fn deadline(&self) -> MediaTime {
        self.deadline
    }

    /// Attempts begun so far.
    pub const fn made(&self) -> u32 {
        self.made
    }

    /// Begins an attempt at `now`: until when it may take.
    pub fn begin(&mut self, now: MediaTime) -> MediaTime {
        self.made += 1;
        (now + self.limits.each).min(self.deadline)
    }

    /// An attempt failed at `now` in a way that may pass: when to begin the next one; `None` when there is no time for
    /// another. `at_least` is what the service asked to wait.
    pub fn failed(&mut self, at_least: Option<Span>, now: MediaTime) -> Option<MediaTime> {
        let pause = self.jittered(self.pause).max(at_least.unwrap_or_default());
        self.pause = (self.pause + self.pause).min(self.limits.longest_pause);
        let next = now + pause;
        (next + SHORTEST_ATTEMPT <= self.deadline).then_some(next)
    }

    fn jittered(&mut self, pause: Span) -> Span {
        // One step of a linear congruential generator (Knuth's MMIX); its upper bits are good enough here.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = 256 - JITTER + (self.random >> 33) % (2 * JITTER + 1);
        let nanos = i128::from(pause.as_nanos()) * i128::from(share) / 256;
        Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(span: Span) -> f64 {
        span.as_secs_f64()
    }

    #[test]
    fn pauses_double_and_stay_within_a_quarter() {
        let now = MediaTime::from_millis(70_000);
        let mut attempts = Attempts::new(AttemptLimits::within(Span::from_secs(600)), 7, now);
        for expected in [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0] {
            attempts.begin(now);
            let pause = seconds(attempts.failed(None, now).unwrap() - now);
            assert!((0.75..=1.25).contains(&(pause / expected)), "{pause} for {expected}");
        }
        assert_eq!(attempts.made(), 7);
    }

    #[test]
    fn two_clients_do_not_come_back_together() {
        let pauses = |seed| {
            let mut attempts =
                Attempts::new(AttemptLimits::within(Span::from_secs(600)), seed, MediaTime::ZERO);
            (0..4).map(|_| attempts.failed(None, MediaTime::ZERO)).collect::<Vec<_>>()
        };
        assert_ne!(pauses(1), pauses(2));
        assert_eq!(pauses(1), pauses(1));
    }

    #[test]
    fn the_service_may_ask_for_more_patience_than_there_is() {
        let mut attempts = Attempts::new(AttemptLimits::within(Span::from_secs(20)), 7, MediaTime::ZERO);
        let at = attempts.failed(Some(Span::from_secs(6)), MediaTime::from_millis(1_000));
        assert_eq!(at, Some(MediaTime::from_millis(7_000)));
        assert_eq!(attempts.failed(Some(Span::from_secs(60)), MediaTime::from_millis(8_000)), None);
    }

    proptest! {
        /// Whatever the attempts come to and however long they take: each begins and ends within the whole, and there
        /// is an end.
        #[test]
        fn there_is_an_end_and_it_is_in_time(
            overall_ms in 0i64..120_000,
            seed in any::<u64>(),
            taken_ms in prop::collection::vec(0i64..20_000, 1..40),
        ) {
            let begun = MediaTime::from_millis(5_000);
            let limits = AttemptLimits::within(Span::from_millis(overall_ms));
            let mut attempts = Attempts::new(limits, seed, begun);
            let mut now = begun;
            for (at, taken) in taken_ms.iter().enumerate() {
                let by = attempts.begin(now);
                prop_assert!(by <= begun + limits.overall && by - now <= limits.each);
                prop_assert_eq!(attempts.made() as usize, at + 1);
                now = by.min(now + Span::from_millis(*taken));
                let Some(next) = attempts.failed(None, now) else { break };
                prop_assert!(next > now && next < attempts.deadline());
                now = next;
            }
            // Pauses are at least 375 ms, then 750 ms, 1.5 s, 3 s and 6 s.
            prop_assert!(attempts.made() <= 5 + u32::try_from(overall_ms / 6_000).unwrap());
        }
    }
}
