//! Bitrates.

use core::fmt;
use core::iter::Sum;
use core::ops::Add;

/// Kilobits per second, a kilobit being 1000 bits. Elements that count 1024 are converted at their edge.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kbps(pub u32);

impl Kbps {
    /// Bits per second.
    pub const fn bits_per_sec(self) -> u64 {
        self.0 as u64 * 1000
    }

    /// The nearest bitrate to `bits_per_sec`, saturating.
    pub fn from_bits_per_sec(bits_per_sec: u64) -> Self {
        Self(u32::try_from(bits_per_sec.saturating_add(500) / 1000).unwrap_or(u32::MAX))
    }
}

impl Add for Kbps {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Kbps {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self(0), Add::add)
    }
}

impl fmt::Debug for Kbps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Kbps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbps", self.0)
    }
}
