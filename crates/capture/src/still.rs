//! A source that is drawn once.

use std::sync::Arc;

use units::VideoFrame;

use crate::{LiveSource, SourceState};

/// One picture for as long as the source lives.
pub(crate) struct Still {
    frame: Arc<VideoFrame>,
    via: String,
}

impl Still {
    pub(crate) fn new(frame: VideoFrame, via: String) -> Self {
        Self { frame: Arc::new(frame), via }
    }
}

impl LiveSource for Still {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        Some(Arc::clone(&self.frame))
    }

    fn state(&self) -> SourceState {
        SourceState::Running
    }

    fn via(&self) -> String {
        self.via.clone()
    }
}
