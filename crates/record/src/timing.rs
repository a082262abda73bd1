//! From nanoseconds to a track's own units and back, without drift.

use units::FrameRate;

/// Units per second of the movie's own times: durations of edits. All of 24, 25, 30, 50, 60 frames per second and
/// 48 kHz count exactly in it.
pub(crate) const MOVIE_TIMESCALE: u32 = 48_000;

const NANOS_PER_SEC: i128 = 1_000_000_000;

/// Units per second in which every frame of `rate` counts a whole number: the upper part of the fraction, doubled
/// until it is fine enough (10 kHz) for frames that do not keep their places.
pub(crate) fn video_timescale(rate: FrameRate) -> u32 {
    let mut timescale = rate.numerator();
    while timescale < 10_000 {
        timescale *= 2;
    }
    timescale
}

/// `nanos` in units of `1/timescale` s, to the nearest. Times are computed from the number of a frame and rounded
/// down to the nanosecond, far less than half a unit, so rounding finds the exact one again.
pub(crate) fn ticks(nanos: i64, timescale: u32) -> i64 {
    let scaled = i128::from(nanos) * i128::from(timescale);
    saturate((scaled + NANOS_PER_SEC / 2).div_euclid(NANOS_PER_SEC))
}

/// `ticks` of `1/timescale` s in nanoseconds, rounded down like [`FrameRate::pts_of`].
pub(crate) fn nanos(ticks: i64, timescale: u32) -> i64 {
    saturate((i128::from(ticks) * NANOS_PER_SEC).div_euclid(i128::from(timescale.max(1))))
}

/// `ticks` of `1/from` s in units of `1/to` s, to the nearest.
pub(crate) fn rescale(ticks: i64, from: u32, to: u32) -> i64 {
    let from = i128::from(from.max(1));
    saturate((i128::from(ticks) * i128::from(to) * 2 + from).div_euclid(2 * from))
}

/// `ticks` of `1/from` s in units of `1/to` s, rounded up, so that an edit never cuts off the last frame.
pub(crate) fn rescale_up(ticks: u64, from: u32, to: u32) -> u64 {
    let scaled = (u128::from(ticks) * u128::from(to)).div_ceil(u128::from(from.max(1)));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_rates_count_whole_frames() {
        for (numerator, denominator, timescale) in
            [(30, 1, 15_360), (60, 1, 15_360), (24, 1, 12_288), (25, 1, 12_800), (30_000, 1001, 30_000)]
        {
            assert_eq!(video_timescale(FrameRate::new(numerator, denominator).unwrap()), timescale);
        }
    }

    proptest! {
        #[test]
        fn frames_are_found_again_exactly(numerator in 1u32..=240_000, denominator in 1u32..=1001, frame in 0u64..40_000_000) {
            let Ok(rate) = FrameRate::new(numerator, denominator) else { return Ok(()) };
            let timescale = video_timescale(rate);
            let per_frame = u64::from(timescale) * u64::from(rate.denominator()) / u64::from(rate.numerator());
            let pts = rate.pts_of(frame);
            prop_assert_eq!(ticks(pts.as_nanos(), timescale), i64::try_from(per_frame * frame).unwrap());
            prop_assert_eq!(nanos(ticks(pts.as_nanos(), timescale), timescale), pts.as_nanos());
        }
    }
}
