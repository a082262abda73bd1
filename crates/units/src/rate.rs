//! Frame rates as exact fractions, and the time of each frame computed from its number.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::{MediaTime, Pts, Span};

const NANOS_PER_SEC: i128 = 1_000_000_000;

/// Frames per second as a reduced fraction between 1 and 240.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

/// Why a frame rate was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameRateError {
    /// Outside of 1 to 240 frames per second, or a zero in the fraction.
    OutOfRange {
        /// Upper part of the fraction as given.
        numerator: u32,
        /// Lower part of the fraction as given.
        denominator: u32,
    },
    /// Neither a whole number, a decimal such as 29.97, nor a fraction such as 30000/1001.
    Unreadable(String),
}

impl fmt::Display for FrameRateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { numerator, denominator } => {
                write!(f, "{numerator}/{denominator} is not a frame rate between 1 and 240 per second")
            }
            Self::Unreadable(text) => {
                write!(f, "“{text}” is not a frame rate; write it like 30, 59.94 or 30000/1001")
            }
        }
    }
}

impl core::error::Error for FrameRateError {}

impl FrameRate {
    /// Exactly 30 frames per second.
    pub const FPS_30: Self = Self { numerator: 30, denominator: 1 };
    /// Exactly 60 frames per second.
    pub const FPS_60: Self = Self { numerator: 60, denominator: 1 };

    /// `numerator / denominator` frames per second, reduced.
    ///
    /// # Errors
    /// [`FrameRateError::OutOfRange`] outside of 1 to 240 frames per second.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, FrameRateError> {
        let refused = FrameRateError::OutOfRange { numerator, denominator };
        if numerator == 0 || denominator == 0 {
            return Err(refused);
        }
        if numerator < denominator || u64::from(numerator) > 240 * u64::from(denominator) {
            return Err(refused);
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// Upper part of the reduced fraction.
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// Lower part of the reduced fraction.
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames per second, for display and for metadata fields that are floats.
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// Presentation time of frame `frame`, rounded down to the nanosecond. Computed from the number and never
    /// accumulated, so an hour of 30000/1001 does not drift.
    pub fn pts_of(self, frame: u64) -> Pts {
        let nanos =
            i128::from(frame) * i128::from(self.denominator) * NANOS_PER_SEC / i128::from(self.numerator);
        Pts::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// Number of the frame on show at `time`: the last one whose presentation time is not after it. Times before
    /// zero count as zero.
    pub fn frame_at(self, time: MediaTime) -> u64 {
        let nanos = i128::from(time.as_nanos().max(0));
        // pts_of rounds down, so the exact boundary of frame n lies up to one nanosecond after pts_of(n).
        let guess =
            ((nanos + 1) * i128::from(self.numerator) - 1) / (i128::from(self.denominator) * NANOS_PER_SEC);
        u64::try_from(guess).unwrap_or(0)
    }

    /// How long one frame is shown, rounded down to the nanosecond.
    pub fn frame_span(self) -> Span {
        self.pts_of(1) - Pts::ZERO
    }

    /// Frames in `span`, rounded to the nearest, at least 1.
    pub fn frames_in(self, span: Span) -> u32 {
        let nanos = i128::from(span.as_nanos().max(0));
        let unit = i128::from(self.denominator) * NANOS_PER_SEC;
        let frames = (nanos * i128::from(self.numerator) + unit / 2) / unit;
        u32::try_from(frames.max(1)).unwrap_or(u32::MAX)
    }

    /// `Some(k)` when a rendition at `rate` takes exactly every k-th frame of a canvas at `self`.
    pub fn divisor_to(self, rate: Self) -> Option<u32> {
        let upper = u64::from(self.numerator) * u64::from(rate.denominator);
        let lower = u64::from(self.denominator) * u64::from(rate.numerator);
        if upper.is_multiple_of(lower) { u32::try_from(upper / lower).ok() } else { None }
    }
}

const fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Debug for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            write!(f, "{}", self.numerator)
        } else {
            write!(f, "{}/{}", self.numerator, self.denominator)
        }
    }
}

impl FromStr for FrameRate {
    type Err = FrameRateError;

    /// Reads `30`, `30000/1001` or a decimal. Decimals within 0.01 of an NTSC rate (23.976, 29.97, 59.94 and so on)
    /// mean that rate exactly: n x 1000/1001.
    fn from_str(text: &str) -> Result<Self, FrameRateError> {
        let unreadable = || FrameRateError::Unreadable(String::from(text));
        let trimmed = text.trim();
        if let Some((upper, lower)) = trimmed.split_once('/') {
            let upper = upper.trim().parse().map_err(|_| unreadable())?;
            let lower = lower.trim().parse().map_err(|_| unreadable())?;
            return Self::new(upper, lower);
        }
        if let Ok(whole) = trimmed.parse::<u32>() {
            return Self::new(whole, 1);
        }
        let decimal: f64 = trimmed.parse().map_err(|_| unreadable())?;
        if !(1.0..=240.0).contains(&decimal) {
            return Err(unreadable());
        }
        let above = (decimal + 0.999) as u32;
        let ntsc = f64::from(above) * 1000.0 / 1001.0;
        let off = if ntsc > decimal { ntsc - decimal } else { decimal - ntsc };
        if above.is_multiple_of(6) && off < 0.01 {
            return Self::new(above * 1000, 1001);
        }
        Self::new((decimal * 1000.0 + 0.5) as u32, 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn reads_the_three_spellings() {
        assert_eq!("30".parse::<FrameRate>(), FrameRate::new(30, 1));
        assert_eq!("29.97".parse::<FrameRate>(), FrameRate::new(30_000, 1001));
        assert_eq!("23.976".parse::<FrameRate>(), FrameRate::new(24_000, 1001));
        assert_eq!("59.94".parse::<FrameRate>(), FrameRate::new(60_000, 1001));
        assert_eq!("60000/1001".parse::<FrameRate>(), FrameRate::new(60_000, 1001));
        assert_eq!("12.5".parse::<FrameRate>(), FrameRate::new(25, 2));
        for wrong in ["", "fast", "0", "30/0", "-5", "1000", "30/", "NaN"] {
            assert!(wrong.parse::<FrameRate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn divisors_lock_renditions_to_the_canvas() {
        let sixty = FrameRate::FPS_60;
        assert_eq!(sixty.divisor_to(FrameRate::FPS_30), Some(2));
        assert_eq!(sixty.divisor_to(sixty), Some(1));
        assert_eq!(sixty.divisor_to(FrameRate::new(25, 1).unwrap()), None);
        assert_eq!(FrameRate::FPS_30.divisor_to(sixty), None);
    }

    proptest! {
        #[test]
        fn frame_at_inverts_pts_of(numerator in 1u32..=240_000, denominator in 1u32..=1001, frame in 0u64..10_000_000) {
            let Ok(rate) = FrameRate::new(numerator, denominator) else { return Ok(()) };
            let pts = rate.pts_of(frame);
            prop_assert_eq!(rate.frame_at(pts.at()), frame);
            if frame > 0 {
                prop_assert_eq!(rate.frame_at(pts.at() - Span::from_nanos(1)), frame - 1);
            }
        }

        #[test]
        fn display_reads_back(numerator in 1u32..=240_000, denominator in 1u32..=1001) {
            let Ok(rate) = FrameRate::new(numerator, denominator) else { return Ok(()) };
            prop_assert_eq!(rate.to_string().parse::<FrameRate>(), Ok(rate));
        }
    }
}
