//! The one vocabulary between the engine and everyone who drives or watches it: the window, the command line,
//! hotkeys, tests. A [`Command`] asks, an [`Event`] tells once, a [`View`] says how things are.

mod command;
mod desktop;
mod destination;
mod devices;
mod event;
mod ladder;
mod live_state;
mod machine;
mod network_check;
mod pairing;
mod preferences;
mod problem;
mod question;
mod servers;
mod view;

pub use command::{Command, TransitionKind};
pub use desktop::{DesktopView, HotkeyAct, HotkeyView, KeyMemory, Pick};
pub use destination::{DestinationView, GapsView, OutputQueueView, PlaybackView, RetryView, SrtView};
pub use devices::{DeviceChoice, DevicesView, ProgramChoice, SourceEntry, WindowChoice};
pub use event::Event;
pub use ladder::{AlignmentView, GrantedRendition, LadderStep, LadderView, SettingView};
pub use live_state::LiveState;
pub use machine::{MachineLine, MachineMark, MachineSection, MachineView};
pub use network_check::{CheckChoice, CheckResultView, CheckRunView, CheckTarget, NetworkCheckView};
pub use pairing::{PairedView, PairingView};
pub use preferences::{Preferences, PreferencesView, RenewalChoice};
pub use problem::{Problem, Severity};
pub use question::{Answer, Question};
pub use servers::{ServerChoice, ServerEntry, ServersView};
pub use view::{
    AudioMeterView, DeviceState, EncoderView, MeterLevels, ProgramView, RecordingState, RecordingView,
    RenditionView, SceneView, SourceView, View,
};
