//! What the person's desktop adds: keys that work from anywhere, keys that are remembered, files to pick.

/// What a key that works from anywhere does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HotkeyAct {
    /// Go live; nothing where a stream is under way.
    GoLive,
    /// End the stream on every destination.
    StopLive,
    /// Start the recording, or finish its file.
    Record,
    /// Mute all microphones, or all of them no more.
    MuteMicrophones,
    /// Show the scene with this place in the list, 1 to 9.
    Scene(u8),
}

impl HotkeyAct {
    /// All of them, in the order they are shown in.
    pub const ALL: [Self; 13] = [
        Self::GoLive,
        Self::StopLive,
        Self::Record,
        Self::MuteMicrophones,
        Self::Scene(1),
        Self::Scene(2),
        Self::Scene(3),
        Self::Scene(4),
        Self::Scene(5),
        Self::Scene(6),
        Self::Scene(7),
        Self::Scene(8),
        Self::Scene(9),
    ];

    /// A number of its own, which stays what it is between versions.
    pub const fn number(self) -> u16 {
        match self {
            Self::GoLive => 1,
            Self::StopLive => 2,
            Self::Record => 3,
            Self::MuteMicrophones => 4,
            Self::Scene(place) => 100 + place as u16,
        }
    }

    /// The act with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.number() == number)
    }

    /// What it does, in a few words.
    pub fn words(self) -> String {
        match self {
            Self::GoLive => "Go live".into(),
            Self::StopLive => "Stop the stream".into(),
            Self::Record => "Start or stop the recording".into(),
            Self::MuteMicrophones => "Mute the microphones".into(),
            Self::Scene(place) => format!("Show scene {place}"),
        }
    }
}

/// A key that works from anywhere, as it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotkeyView {
    /// What it does.
    pub act: HotkeyAct,
    /// The chord, such as `Ctrl+Alt+F9`; empty where there is none.
    pub chord: String,
    /// Why it does not work, in one sentence; empty where it does.
    pub trouble: String,
}

/// What the desktop adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesktopView {
    /// Keys that work from anywhere.
    pub hotkeys: Vec<HotkeyView>,
    /// Why there can be none, in one sentence; empty where there can.
    pub no_hotkeys: String,
    /// Files and folders can be picked in a dialog of the desktop.
    pub can_pick: bool,
}

/// Whether the stream key is kept between runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyMemory {
    /// There is no store for it here.
    #[default]
    NoStore,
    /// It is kept until the program ends, and could be remembered.
    Offered,
    /// It is remembered on this computer, for this person.
    Remembered,
}

/// What is picked in a dialog of the desktop. The program's window opens it; nothing waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// A folder for recordings.
    RecordingFolder,
    /// The file with the code of another computer.
    PairingFile,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_number_of_its_own() {
        for act in HotkeyAct::ALL {
            assert_eq!(HotkeyAct::from_number(act.number()), Some(act));
        }
        assert_eq!(HotkeyAct::from_number(100), None);
    }
}
