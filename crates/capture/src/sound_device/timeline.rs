//! Evens out the time stamps of a sound device.

use units::{MediaTime, Span};

/// A stamp this far from where it should be is a real jump (lost sound, a paused device), not jitter.
const JUMP: Span = Span::from_millis(60);
/// Share of the difference that is taken over with each block: a time constant of about 200 blocks, slow enough that
/// jitter of some milliseconds vanishes and fast enough to follow the drift of a sound card's crystal.
const FOLLOW: i64 = 200;

/// Places blocks end to end, following the device's clock slowly.
pub(super) struct Timeline {
    rate_hz: u32,
    next: Option<MediaTime>,
}

impl Timeline {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz: rate_hz.max(1), next: None }
    }

    /// Where a block of `frames` samples per channel lies that the device stamped `stamp`.
    pub(super) fn place(&mut self, stamp: MediaTime, frames: usize) -> MediaTime {
        let start = match self.next {
            Some(expected) if (stamp - expected).abs() <= JUMP => {
                expected + Span::from_nanos((stamp - expected).as_nanos() / FOLLOW)
            }
            _ => stamp,
        };
        let frames = i64::try_from(frames).unwrap_or(i64::MAX);
        let length = frames.saturating_mul(1_000_000_000) / i64::from(self.rate_hz);
        self.next = Some(start + Span::from_nanos(length));
        start
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
}
