//! Evens out the time stamps of a sound device.

use units::{MediaTime, Span};

/// A stamp further than this from where it should be is not jitter: either we were late to look, or sound was lost.
const JITTER: Span = Span::from_millis(60);
/// Sound is handed over after it was heard and never before, so a stamp earlier than its place by more than this shows
/// that the place is wrong: the first blocks of a stream often come late and all at once.
const EARLY: Span = Span::from_millis(10);
/// Being late to look passes; what lasts for this much sound is a real jump.
const LASTING: Span = Span::from_millis(300);
/// A stamp this far off is a jump at once: nobody is that late.
const JUMP: Span = Span::from_secs(1);
/// Share of the difference that is taken over with each block: a time constant of about 200 blocks, slow enough that
/// jitter of some milliseconds vanishes and fast enough to follow the drift of a sound card's crystal.
const FOLLOW: i64 = 200;

/// Places blocks end to end, following the device's clock slowly.
pub(crate) struct Timeline {
    rate_hz: u32,
    next: Option<MediaTime>,
    /// For how much sound the stamps have been off, and the least they were.
    off: Option<(Span, Span)>,
}

impl Timeline {
    pub(crate) fn new(rate_hz: u32) -> Self {
        Self { rate_hz: rate_hz.max(1), next: None, off: None }
    }

    /// Where a block of `frames` samples per channel lies that the device stamped `stamp`.
    pub(crate) fn place(&mut self, stamp: MediaTime, frames: usize) -> MediaTime {
        let frames = i64::try_from(frames).unwrap_or(i64::MAX);
        let length = Span::from_nanos(frames.saturating_mul(1_000_000_000) / i64::from(self.rate_hz));
        let start = match self.next {
            Some(expected) => expected + self.correction(stamp - expected, length),
            None => stamp,
        };
        self.next = Some(start + length);
        start
    }

    /// How much of the difference between a stamp and its place is believed.
    fn correction(&mut self, difference: Span, length: Span) -> Span {
        if difference.abs() > JUMP || difference < -EARLY {
            self.off = None;
            return difference;
        }
        if difference.abs() <= JITTER {
            self.off = None;
            return Span::from_nanos(difference.as_nanos() / FOLLOW);
        }
        let (lasted, least) =
            self.off.map_or((Span::ZERO, difference), |(l, least)| (l, least.min(difference)));
        if lasted + length >= LASTING {
            self.off = None;
            return least;
        }
        self.off = Some((lasted + length, least));
        Span::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_vanishes_drift_is_followed_and_jumps_are_taken() {
        let mut timeline = Timeline::new(48_000);
        let mut worst = Span::ZERO;
        // Blocks of 10 ms by a crystal that is 100 ppm slow, stamped with ±4 ms of jitter.
        for block in 0..20_000i64 {
            let truth = MediaTime::from_nanos(block * 10_001_000);
            let jitter = Span::from_micros((block * 7919 % 8001) - 4000);
            let placed = timeline.place(truth + jitter, 480);
            if block > 2000 {
                worst = worst.max((placed - truth).abs());
            }
        }
        assert!(worst < Span::from_micros(1500), "{worst:?}");
        let after = MediaTime::from_millis(1_000_000);
        assert_eq!(timeline.place(after, 480), after, "a long gap is not smoothed over");
        assert_eq!(timeline.place(after + Span::from_millis(10), 480), after + Span::from_millis(10));
    }

    #[test]
    fn a_backlog_at_the_start_does_not_delay_what_follows() {
        let mut timeline = Timeline::new(48_000);
        for _ in 0..10 {
            timeline.place(MediaTime::from_millis(90), 480);
        }
        for block in 10..20 {
            let at = MediaTime::from_millis(block * 10);
            assert!((timeline.place(at, 480) - at).abs() <= EARLY);
        }
    }

    #[test]
    fn being_late_passes_and_a_gap_does_not() {
        let mut timeline = Timeline::new(48_000);
        let at = MediaTime::from_millis;
        for block in 0..10 {
            assert_eq!(timeline.place(at(block * 10), 480), at(block * 10));
        }
        // We were held up for 200 ms and then got everything at once.
        for block in 10..30 {
            let placed = timeline.place(at(300), 480);
            assert!((placed - at(block * 10)).abs() < Span::from_millis(5), "{placed:?}");
        }
        // 200 ms of sound were lost: soon the rest is where it belongs.
        let mut placed = at(0);
        for block in 50..90 {
            placed = timeline.place(at(block * 10), 480);
        }
        assert!((placed - at(890)).abs() < Span::from_millis(5), "{placed:?}");
    }
}
