//! Picture sizes in pixels.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Width and height in pixels, each 1 to 16384 (the largest texture every adapter we accept can hold).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    width_px: u32,
    height_px: u32,
}

/// Why a size was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeError {
    /// A side is zero or larger than 16384.
    OutOfRange {
        /// Width as given.
        width_px: u32,
        /// Height as given.
        height_px: u32,
    },
    /// Not of the form 1280x720.
    Unreadable(String),
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { width_px, height_px } => {
                write!(f, "{width_px}x{height_px} is not a picture size between 1x1 and 16384x16384")
            }
            Self::Unreadable(text) => write!(f, "“{text}” is not a picture size; write it like 1280x720"),
        }
    }
}

impl core::error::Error for SizeError {}

impl Size {
    /// Longest side that is accepted, in pixels.
    pub const MAX_SIDE_PX: u32 = 16_384;

    /// A size of `width_px` by `height_px`.
    ///
    /// # Errors
    /// [`SizeError::OutOfRange`] when a side is zero or longer than [`Self::MAX_SIDE_PX`].
    pub const fn new(width_px: u32, height_px: u32) -> Result<Self, SizeError> {
        if width_px == 0 || height_px == 0 || width_px > Self::MAX_SIDE_PX || height_px > Self::MAX_SIDE_PX {
            return Err(SizeError::OutOfRange { width_px, height_px });
        }
        Ok(Self { width_px, height_px })
    }

    /// Width in pixels.
    pub const fn width_px(self) -> u32 {
        self.width_px
    }

    /// Height in pixels.
    pub const fn height_px(self) -> u32 {
        self.height_px
    }

    /// Width times height.
    pub const fn pixels(self) -> u64 {
        self.width_px as u64 * self.height_px as u64
    }

    /// The longer side in pixels.
    pub const fn longest_px(self) -> u32 {
        if self.width_px > self.height_px { self.width_px } else { self.height_px }
    }

    /// The shorter side in pixels: what people call 720p whatever the orientation.
    pub const fn shortest_px(self) -> u32 {
        if self.width_px > self.height_px { self.height_px } else { self.width_px }
    }

    /// Both sides even, as 4:2:0 pictures must be.
    pub const fn is_even(self) -> bool {
        self.width_px.is_multiple_of(2) && self.height_px.is_multiple_of(2)
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width_px, self.height_px)
    }
}

impl FromStr for Size {
    type Err = SizeError;
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let unreadable = || SizeError::Unreadable(String::from(text));
        let (width, height) = text.trim().split_once(['x', 'X', '×']).ok_or_else(unreadable)?;
        let width = width.trim().parse().map_err(|_| unreadable())?;
        let height = height.trim().parse().map_err(|_| unreadable())?;
        Self::new(width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_refuses() {
        assert_eq!("1280x720".parse(), Size::new(1280, 720));
        assert_eq!(" 852 × 480 ".parse(), Size::new(852, 480));
        for wrong in ["", "1280", "x720", "0x720", "1280x-1", "99999x1"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
