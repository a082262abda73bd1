//! The one vocabulary between the engine and everyone who drives or watches it: the window, the command line,
//! hotkeys, tests. A [`Command`] asks, an [`Event`] tells once, a [`View`] says how things are.

mod command;
mod event;
mod ladder;
mod preferences;
mod problem;
mod question;
mod servers;
mod view;

pub use command::{Command, TransitionKind};
pub use event::Event;
pub use ladder::{AlignmentView, GrantedRendition, LadderStep, LadderView, SettingView};
pub use preferences::{Preferences, PreferencesView};
pub use problem::{Problem, Severity};
pub use question::{Answer, Question};
pub use servers::{ServerChoice, ServerEntry, ServersView};
pub use view::{
    AudioMeterView, DestinationView, DeviceState, EncoderView, LiveState, MeterLevels, OutputQueueView,
    ProgramView, RecordingState, RecordingView, RenditionView, SceneView, SourceView, View,
};
