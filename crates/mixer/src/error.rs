//! What can go wrong.

/// Why the mixer refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings: a delay the mixer has no room for.
    #[error("a delay of {ms} ms is not between 0 and 2000")]
    Delay {
        /// The delay.
        ms: u32,
    },
    /// Settings: a gain that is not a number, negative or above 32 (+30 dB).
    #[error("{gain} is not a gain between 0 and 32")]
    Gain {
        /// The gain.
        gain: f32,
    },
    /// Our bug: a source that was not added, or was added twice.
    #[error("there is no such sound source, or it is there already")]
    Source,
    /// The device: a sample rate or number of channels that no device has.
    #[error("sound of {rate_hz} Hz and {channels} channels can not be used")]
    Format {
        /// Samples per second.
        rate_hz: u32,
        /// Channels.
        channels: u16,
    },
    /// Our bug: an output buffer that is not two samples per frame.
    #[error("the output buffer has {found} samples instead of {expected}")]
    OutputLength {
        /// Samples needed.
        expected: usize,
        /// Samples given.
        found: usize,
    },
}
