//! What the engine tells once.

use crate::{LiveState, Problem, RecordingState};

/// News.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The live light changed.
    Live(LiveState),
    /// The recording changed.
    Recording(RecordingState),
    /// Something a person should know.
    Problem(Problem),
    /// An animation or transition ended; false when a newer one interrupted it.
    TransitionEnded {
        /// It ran to its end.
        completed: bool,
    },
    /// The engine has closed everything.
    Ended,
}
