//! Sound in system memory.

use alloc::vec::Vec;

use crate::{MediaTime, Span};

/// The one sample rate inside Genlock, in samples per second (IVS user guide, "Audio Settings": 44.1 or 48 kHz).
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// The length of `samples` samples per channel at [`SAMPLE_RATE_HZ`], rounded down to the nanosecond.
pub fn span_from_samples(samples: u64) -> Span {
    let nanos = u128::from(samples) * 1_000_000_000 / u128::from(SAMPLE_RATE_HZ);
    Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Samples per channel in `span` at [`SAMPLE_RATE_HZ`], rounded to the nearest; 0 for negative spans.
pub fn samples_from_span(span: Span) -> u64 {
    let nanos = u128::from(span.as_nanos().max(0).unsigned_abs());
    u64::try_from((nanos * u128::from(SAMPLE_RATE_HZ) + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// A piece of sound as a device or file delivered it.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioBlock {
    /// Samples per second and channel, by the device's own clock.
    pub rate_hz: u32,
    /// Channels, at least 1.
    pub channels: u16,
    /// Interleaved samples, full scale ±1.0; a whole number of frames of `channels` samples.
    pub samples: Vec<f32>,
    /// When the first sample was heard, on the media clock.
    pub captured_at: MediaTime,
}

impl AudioBlock {
    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn samples_survive_the_way_through_time(samples in 0u64..(1 << 40)) {
            prop_assert_eq!(samples_from_span(span_from_samples(samples)), samples);
        }
    }
}
