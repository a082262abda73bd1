//! Keys that work from anywhere: how a chord is written and read.

use std::fmt;
use std::str::FromStr;

/// A key with at least one modifier, such as `Ctrl+Shift+F9`. Keys are those of a virtual-key code (WinUser.h): letters,
/// digits, F1 to F24, and the keys of [`NAMED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    /// Ctrl is held.
    pub ctrl: bool,
    /// Alt is held.
    pub alt: bool,
    /// Shift is held.
    pub shift: bool,
    /// The Windows key is held. Windows keeps most of these for itself.
    pub win: bool,
    /// The virtual-key code.
    key: u8,
}

/// Keys that have a name, and their virtual-key codes (WinUser.h).
pub const NAMED: [(&str, u8); 14] = [
    ("Pause", 0x13),
    ("Space", 0x20),
    ("PageUp", 0x21),
    ("PageDown", 0x22),
    ("End", 0x23),
    ("Home", 0x24),
    ("Left", 0x25),
    ("Up", 0x26),
    ("Right", 0x27),
    ("Down", 0x28),
    ("Insert", 0x2D),
    ("Delete", 0x2E),
    ("ScrollLock", 0x91),
    ("Multiply", 0x6A),
];

/// The first of F1 to F24, which follow each other.
const F1: u8 = 0x70;

/// Why a chord can not be read, as the rest of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChordError {
    /// No key besides the modifiers.
    #[error("it names no key")]
    NoKey,
    /// A key that is not known.
    #[error("there is no key called “{0}”")]
    UnknownKey(String),
    /// A key alone would be taken away from every other program.
    #[error("it needs Ctrl, Alt, Shift or Win, so that the key alone stays with other programs")]
    NoModifier,
    /// Windows keeps F12 for debuggers (Microsoft, “RegisterHotKey”).
    #[error("Windows keeps F12 for itself")]
    Reserved,
}

impl Chord {
    /// The virtual-key code of its key.
    pub const fn virtual_key(self) -> u8 {
        self.key
    }
}

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let mut chord = Self { ctrl: false, alt: false, shift: false, win: false, key: 0 };
        for part in text.split('+').map(str::trim).filter(|part| !part.is_empty()) {
            match part.to_ascii_lowercase().as_str() {
                "ctrl" | "control" => chord.ctrl = true,
                "alt" => chord.alt = true,
                "shift" => chord.shift = true,
                "win" | "super" => chord.win = true,
                _ if chord.key != 0 => return Err(ChordError::UnknownKey(part.to_owned())),
                name => chord.key = key_of(name).ok_or_else(|| ChordError::UnknownKey(part.to_owned()))?,
            }
        }
        match chord {
            Self { key: 0, .. } => Err(ChordError::NoKey),
            Self { ctrl: false, alt: false, win: false, shift, key } if !shift || !is_function(key) => {
                Err(ChordError::NoModifier)
            }
            Self { key, .. } if key == F1 + 11 => Err(ChordError::Reserved),
            chord => Ok(chord),
        }
    }
}

const fn is_function(key: u8) -> bool {
    key >= F1 && key < F1 + 24
}

fn key_of(name: &str) -> Option<u8> {
    if let [one] = name.as_bytes() {
        return one.is_ascii_alphanumeric().then(|| one.to_ascii_uppercase());
    }
    if let Some((_, key)) = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Some(*key);
    }
    let number: u8 = name.strip_prefix('f').filter(|rest| !rest.starts_with('0'))?.parse().ok()?;
    (1..=24).contains(&number).then(|| F1 + number - 1)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "Ctrl"), (self.alt, "Alt"), (self.shift, "Shift"), (self.win, "Win")]
        {
            if held {
                write!(f, "{name}+")?;
            }
        }
        if is_function(self.key) {
            write!(f, "F{}", self.key - F1 + 1)
        } else if let Some((name, _)) = NAMED.iter().find(|(_, key)| *key == self.key) {
            f.write_str(name)
        } else {
            write!(f, "{}", char::from(self.key))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chords_are_read_as_people_write_them() {
        for (text, said) in [
            ("ctrl+shift+f9", "Ctrl+Shift+F9"),
            (" Control + Alt + m ", "Ctrl+Alt+M"),
            ("Win+PageDown", "Win+PageDown"),
            ("shift+F24", "Shift+F24"),
            ("Alt+1", "Alt+1"),
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), said);
        }
        for (text, error) in [
            ("", ChordError::NoKey),
            ("Ctrl+Alt", ChordError::NoKey),
            ("M", ChordError::NoModifier),
            ("Shift+M", ChordError::NoModifier),
            ("F9", ChordError::NoModifier),
            ("Ctrl+F12", ChordError::Reserved),
            ("Ctrl+F25", ChordError::UnknownKey("F25".into())),
            ("Ctrl+F09", ChordError::UnknownKey("F09".into())),
            ("Ctrl+A+B", ChordError::UnknownKey("B".into())),
            ("Ctrl+ü", ChordError::UnknownKey("ü".into())),
        ] {
            assert_eq!(text.parse::<Chord>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[A-Za-z0-9+ ]{0,20}") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
            }
        }
    }
}
