//! What a source can be taken from on this computer, for a person to choose.

use scene::{SourceId, SourceKind, WindowSelector};

/// A source of the collection and how it is set, whether a scene shows it or not.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceEntry {
    /// The source.
    pub source: SourceId,
    /// What the person calls it.
    pub name: String,
    /// What it shows or plays.
    pub settings: SourceKind,
}

/// A device by the name that a scene calls it by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceChoice {
    /// Its name.
    pub name: String,
    /// What else there is to say: size, system, whether it is the default.
    pub note: String,
}

/// A window that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowChoice {
    /// Its title at the moment.
    pub title: String,
    /// What finds it again after it was closed and opened once more.
    pub selector: WindowSelector,
}

/// A program that plays sound, or may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramChoice {
    /// Its file name, without its folder.
    pub program: String,
    /// Title of its front window; empty where it has none.
    pub title: String,
    /// It plays sound now.
    pub is_playing: bool,
}

/// What there is. Empty until [`Command::LookForDevices`](crate::Command::LookForDevices) asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevicesView {
    /// It is being looked for; what is listed is of the time before.
    pub is_looking: bool,
    /// It was looked for.
    pub is_known: bool,
    /// Displays.
    pub displays: Vec<DeviceChoice>,
    /// Windows, without our own; the one in front first where the system tells.
    pub windows: Vec<WindowChoice>,
    /// Cameras and capture cards.
    pub cameras: Vec<DeviceChoice>,
    /// Microphones and other sound inputs.
    pub inputs: Vec<DeviceChoice>,
    /// Sound outputs.
    pub outputs: Vec<DeviceChoice>,
    /// Programs whose sound can be heard alone; those that play first.
    pub programs: Vec<ProgramChoice>,
    /// Why no program can be heard alone here; empty where it can.
    pub no_program_sound: String,
    /// Why the border of what is captured can not be chosen here; empty where it can.
    pub no_border: String,
    /// What could not be listed, one sentence each.
    pub problems: Vec<String>,
}
