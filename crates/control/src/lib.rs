//! The one vocabulary between the engine and everyone who drives or watches it: the window, the command line,
//! hotkeys, tests. A [`Command`] asks, an [`Event`] tells once, a [`View`] says how things are.

mod command;
mod event;
mod problem;
mod view;

pub use command::{Command, TransitionKind};
pub use event::Event;
pub use problem::{Problem, Severity};
pub use view::{
    AudioMeterView, DestinationView, DeviceState, EncoderView, LiveState, MeterLevels, OutputQueueView,
    ProgramView, RecordingState, RecordingView, RenditionView, SceneView, SourceView, View,
};
