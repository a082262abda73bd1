//! What every source can be asked.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use scene::SourceId;
use units::{AudioBlock, Clock, FrameRate, Pts, Size, VideoFrame};

/// Whether a source has something to show or play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Being opened for the first time.
    Starting,
    /// Pictures or sound arrive.
    Running,
    /// A media file that does not loop came to its end.
    Ended,
    /// Not there at the moment; it is looked for again and again.
    Lost {
        /// One sentence for the person.
        reason: String,
    },
}

impl fmt::Display for SourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Running => f.write_str("running"),
            Self::Ended => f.write_str("at its end"),
            Self::Lost { reason } => write!(f, "lost: {reason}"),
        }
    }
}

/// A source that is open. Dropping it ends its threads and gives its device back.
pub trait LiveSource: Send + Sync {
    /// The picture to show now. A device that is gone keeps its last picture for one second, then shows a placeholder
    /// that names it. `None` before the first picture, for sources that are only heard, and for media at their end.
    fn newest_frame(&self) -> Option<Arc<VideoFrame>>;

    /// The picture that belongs to the canvas frame presented at `pts`. The same as [`Self::newest_frame`] for
    /// devices; exact for sources that know their own time (test pattern, media files).
    fn frame_at(&self, pts: Pts) -> Option<Arc<VideoFrame>> {
        let _ = pts;
        self.newest_frame()
    }

    /// Whether it has something to show or play.
    fn state(&self) -> SourceState;

    /// Through which element or device it is captured, and why that one was chosen; for people.
    fn via(&self) -> String;

    /// Size of the present picture.
    fn size(&self) -> Option<Size> {
        self.newest_frame().map(|frame| frame.size())
    }
}

/// Takes the sound of sources; called from their threads. Must return quickly and must not call back into the source.
pub type SoundOutput = Arc<dyn Fn(SourceId, AudioBlock) + Send + Sync>;

/// What sources are given.
#[derive(Clone)]
pub struct CaptureContext {
    /// The one media clock.
    pub clock: Arc<dyn Clock>,
    /// Size of the canvas: pattern and placeholders have it, and cameras are asked for the mode nearest to it.
    pub canvas: Size,
    /// Frames per second of the canvas; displays and cameras are not captured faster.
    pub rate: FrameRate,
    /// Where relative paths of media and images start.
    pub base_folder: PathBuf,
    /// Takes all sound.
    pub sound: SoundOutput,
    /// A TrueType or OpenType font file for text without a family and for placeholders. May be empty: then the
    /// system's sans is used.
    pub font: Arc<[u8]>,
}

impl fmt::Debug for CaptureContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureContext")
            .field("canvas", &self.canvas)
            .field("rate", &self.rate)
            .field("base_folder", &self.base_folder)
            .finish_non_exhaustive()
    }
}
