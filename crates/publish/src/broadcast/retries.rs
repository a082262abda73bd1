//! When to try again.

use units::Span;

/// Pause before the second attempt; the first is made at once.
const FIRST_PAUSE_MS: f64 = 1_000.0;
/// Every further pause is longer by this. With it, half a dozen attempts fall into the thirty seconds in which the
/// service still holds the stream, and all of them last for about three hours, as the guide has it ("Automatically
/// Reconnecting").
const GROWTH: f64 = 1.6;
/// A pause is up to this part shorter or longer: the guide's small random deviation.
const JITTER: f64 = 0.1;
/// Attempts that a change of the network may bring forward. The others keep their times, so that an interface that
/// comes and goes does not use them all up.
const HURRIED: u32 = 10;

/// The attempts since the last success.
#[derive(Clone, Debug)]
pub(super) struct Retries {
    made: u32,
    hurried: u32,
    random: u64,
}

impl Retries {
    pub(super) const fn new(seed: u64) -> Self {
        Self { made: 0, hurried: 0, random: seed }
    }

    pub(super) const fn made(&self) -> u32 {
        self.made
    }

    pub(super) fn begin(&mut self) {
        self.made = self.made.saturating_add(1);
    }

    pub(super) fn reset(&mut self) {
        (self.made, self.hurried) = (0, 0);
    }

    /// Whether a change of the network may bring an attempt forward; counts it.
    pub(super) fn may_hurry(&mut self) -> bool {
        let may = self.hurried < HURRIED;
        self.hurried += u32::from(may);
        may
    }

    /// How long to wait after the attempts so far, at most `longest`.
    pub(super) fn pause(&mut self, longest: Span) -> Span {
        let Some(grown) = self.made.checked_sub(1) else { return Span::ZERO };
        // One step of a linear congruential generator (Knuth's MMIX); its upper bits are good enough here.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (self.random >> 40) as f64 / (1u64 << 24) as f64;
        let millis = FIRST_PAUSE_MS * GROWTH.powi(i32::try_from(grown).unwrap_or(i32::MAX));
        let millis = millis.min(longest.as_millis() as f64) * (1.0 + JITTER * (2.0 * share - 1.0));
        Span::from_millis(millis as i64).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ivs::limits::MAX_RECONNECT_PAUSE;

    #[test]
    fn the_first_is_at_once_and_all_of_them_last_for_about_three_hours() {
        for seed in 0..50 {
            let mut retries = Retries::new(seed);
            let (mut total, mut in_time) = (Span::ZERO, 0);
            let mut last = Span::ZERO;
            for attempt in 0..25 {
                let pause = retries.pause(MAX_RECONNECT_PAUSE.value);
                assert_eq!(pause == Span::ZERO, attempt == 0);
                let grows = attempt == 0 || pause > last || pause > Span::from_secs(700);
                assert!(grows, "{pause:?} after {last:?}");
                assert!(pause <= MAX_RECONNECT_PAUSE.value);
                (total, last) = (total + pause, pause);
                in_time += u32::from(total < Span::from_secs(30));
                retries.begin();
            }
            assert!((5..=8).contains(&in_time), "{in_time} attempts while the service holds the stream");
            let hours = total.as_secs_f64() / 3600.0;
            assert!((2.3..=3.3).contains(&hours), "{hours} hours");
        }
    }

    #[test]
    fn two_clients_do_not_come_back_together() {
        let pauses = |seed| {
            let mut retries = Retries::new(seed);
            let pause = |_| {
                retries.begin();
                retries.pause(MAX_RECONNECT_PAUSE.value)
            };
            (0..8).map(pause).collect::<Vec<_>>()
        };
        assert_ne!(pauses(1), pauses(2));
        assert_eq!(pauses(1), pauses(1));
    }
}
