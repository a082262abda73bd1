//! What can go wrong between a picture in and a picture out.

use std::time::Duration;

use units::Size;

/// Whose fault it is, and what can be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Resource: this machine does not offer what is needed (no adapter, no adapter of the wanted name, no device).
    #[error("{what}")]
    Resource {
        /// One sentence that names what is missing and what would help.
        what: String,
    },
    /// Resource: the driver took the device away (reset, update, removal). Everything made of it is dead; open
    /// another [`Gpu`](crate::Gpu).
    #[error("the graphics device was lost: {reason}")]
    DeviceLost {
        /// The driver's words.
        reason: String,
    },
    /// Resource: the adapter did not finish a frame in time. The frame is still under way; collect it later.
    #[error("the graphics adapter did not finish a frame within {} ms", waited.as_millis())]
    Late {
        /// How long was waited.
        waited: Duration,
    },
    /// The caller asks for a size that 4:2:0 pictures can not have.
    #[error("{size} is not possible: width and height must be even")]
    OddSize {
        /// The size that was asked for.
        size: Size,
    },
    /// The caller asks for a size this adapter has no textures for.
    #[error("{size} is larger than this adapter's largest texture, {limit_px} pixels a side")]
    TooLarge {
        /// The size that was asked for.
        size: Size,
        /// Longest side of a texture, in pixels.
        limit_px: u32,
    },
    /// The caller composes faster than it collects: as many frames as the ring holds are under way.
    #[error("{in_flight} frames are under way already; collect one first")]
    Busy {
        /// Frames under way.
        in_flight: usize,
    },
    /// Our bug: the graphics library refused a call.
    #[error("internal error of the compositor: {what}")]
    Internal {
        /// The library's words.
        what: String,
    },
}

impl Error {
    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal { what: what.to_string() }
    }
}
