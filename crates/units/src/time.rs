//! Instants and lengths of time on the one media clock, in whole nanoseconds.

use core::fmt;
use core::ops::{Add, AddAssign, Neg, Sub};
use core::time::Duration;

/// A signed length of time in nanoseconds (about ±292 years).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of `micros` microseconds, saturating at the ends of the range.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span of `millis` milliseconds, saturating at the ends of the range.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of `secs` seconds, saturating at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The span in whole milliseconds, rounded towards negative infinity.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The span in seconds as a float, for display and for figures that are not fed back into time.
    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The span without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// The span as an unsigned duration; negative spans become zero.
    pub const fn to_duration(self) -> Duration {
        Duration::from_nanos(if self.0 > 0 { self.0.unsigned_abs() } else { 0 })
    }

    /// The span of an unsigned duration, saturating at the end of the range.
    pub fn from_duration(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Span {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms", self.0 as f64 / 1e6)
    }
}

macro_rules! instant {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The start of the clock.
            pub const ZERO: Self = Self(0);

            /// The instant `nanos` nanoseconds after the start of the clock.
            pub const fn from_nanos(nanos: i64) -> Self {
                Self(nanos)
            }

            /// The instant `millis` milliseconds after the start of the clock, saturating.
            pub const fn from_millis(millis: i64) -> Self {
                Self(millis.saturating_mul(1_000_000))
            }

            /// Nanoseconds since the start of the clock.
            pub const fn as_nanos(self) -> i64 {
                self.0
            }

            /// Whole milliseconds since the start of the clock, rounded towards negative infinity.
            pub const fn as_millis(self) -> i64 {
                self.0.div_euclid(1_000_000)
            }

            /// Seconds since the start of the clock, for display.
            pub const fn as_secs_f64(self) -> f64 {
                self.0 as f64 / 1e9
            }
        }

        impl Sub for $name {
            type Output = Span;
            fn sub(self, other: Self) -> Span {
                Span(self.0.saturating_sub(other.0))
            }
        }

        impl Add<Span> for $name {
            type Output = Self;
            fn add(self, span: Span) -> Self {
                Self(self.0.saturating_add(span.0))
            }
        }

        impl Sub<Span> for $name {
            type Output = Self;
            fn sub(self, span: Span) -> Self {
                Self(self.0.saturating_sub(span.0))
            }
        }

        impl AddAssign<Span> for $name {
            fn add_assign(&mut self, span: Span) {
                *self = *self + span;
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:.6} s)"), self.as_secs_f64())
            }
        }
    };
}

instant! {
    /// An instant on the media clock: monotonic, zero when the engine starts.
    MediaTime
}
instant! {
    /// When an access unit is shown or heard, on the media clock.
    Pts
}
instant! {
    /// When an access unit is decoded, on the media clock; never after its [`Pts`].
    Dts
}

impl Pts {
    /// The instant on the media clock at which this is due.
    pub const fn at(self) -> MediaTime {
        MediaTime::from_nanos(self.0)
    }
}

impl MediaTime {
    /// The presentation time stamp of this instant.
    pub const fn to_pts(self) -> Pts {
        Pts(self.0)
    }
}

/// Something that tells the media time. The app has one backed by the system's monotonic clock; tests have one they
/// turn by hand.
pub trait Clock: Send + Sync {
    /// The present instant; never goes backwards.
    fn now(&self) -> MediaTime;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millis_round_down_on_both_sides_of_zero() {
        assert_eq!(Span::from_nanos(1_999_999).as_millis(), 1);
        assert_eq!(Span::from_nanos(-1).as_millis(), -1);
        assert_eq!(Pts::from_nanos(33_366_666).as_millis(), 33);
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Pts::from_nanos(i64::MAX);
        assert_eq!(end + Span::from_secs(1), end);
        assert_eq!(Span::from_secs(i64::MAX), Span::from_nanos(i64::MAX));
        assert_eq!(Span::from_nanos(-5).to_duration(), Duration::ZERO);
    }
}
