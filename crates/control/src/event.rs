//! What the engine tells once.

use units::Secret;

use crate::{LiveState, Problem, RecordingState};

/// News.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The live light changed.
    Live(LiveState),
    /// The recording changed.
    Recording(RecordingState),
    /// A code that pairs another computer with this one.
    Pairing {
        /// One line of text. It holds the stream key where the person said so.
        code: Secret,
        /// The file it was written to as well.
        saved_as: Option<String>,
    },
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
