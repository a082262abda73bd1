//! Keys that work from anywhere: set by the person, kept with the preferences, and told loudly where they fail.

use std::collections::BTreeMap;

use control::{DesktopView, HotkeyAct, HotkeyView, Problem, Severity};
use desktop::Chord;

use super::Core;

/// Why a chord of the person's does not work, by what it was to do.
pub(super) type Hotkeys = BTreeMap<HotkeyAct, String>;

impl Core {
    /// Takes the chords that were set in an earlier run.
    pub(super) fn take_hotkeys(&mut self) {
        let chords = self.settings.personal.hotkeys.clone();
        for (act, chord) in chords {
            self.take_hotkey(act, &chord);
        }
    }

    /// Gives `act` another chord, or none.
    pub(super) fn set_hotkey(&mut self, act: HotkeyAct, chord: &str) {
        let chord = chord.trim();
        self.hotkeys.remove(&act);
        self.settings.personal.hotkeys.retain(|(other, _)| *other != act);
        if chord.is_empty() {
            self.machine.host.release_hotkey(act.number());
        } else {
            // Written as it is read everywhere; what can not be read is kept as it was typed, and said.
            let written = chord.parse::<Chord>().map_or_else(|_| chord.to_owned(), |chord| chord.to_string());
            self.settings.personal.hotkeys.push((act, written.clone()));
            self.take_hotkey(act, &written);
        }
        self.keep_preferences();
    }

    fn take_hotkey(&mut self, act: HotkeyAct, chord: &str) {
        let taken = match chord.parse::<Chord>() {
            Ok(chord) => {
                self.machine.host.register_hotkey(act.number(), chord).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        let Err(why) = taken else { return };
        self.machine.host.release_hotkey(act.number());
        self.hotkeys.insert(act, format!("{why}."));
        self.tell(Problem {
            severity: Severity::Warning,
            code: "hotkey.refused",
            happened: format!("{chord} can not be used for “{}”: {why}.", act.words()),
            done: "The key does nothing in Genlock; it works in other programs as before.".into(),
            advice: "Choose another one in the preferences, or close the program that holds it.".into(),
        });
    }

    /// As long as one microphone can be heard, the key is for silence.
    pub(super) fn toggle_microphones(&mut self) {
        let is_microphone =
            |source: &&scene::Source| matches!(source.kind, scene::SourceKind::AudioInput { .. });
        let present = self.history.present().clone();
        let muted = present.sources.iter().filter(is_microphone).any(|source| !source.muted);
        for source in present.sources.iter().filter(is_microphone).filter(|source| source.muted != muted) {
            self.edit(&scene::Edit::SetMuted { source: source.id, muted }, None);
        }
    }

    pub(super) fn desktop_view(&self) -> DesktopView {
        let view = |act: HotkeyAct| {
            let set = self.settings.personal.hotkeys.iter().find(|(other, _)| *other == act);
            HotkeyView {
                act,
                chord: set.map(|(_, chord)| chord.clone()).unwrap_or_default(),
                trouble: self.hotkeys.get(&act).cloned().unwrap_or_default(),
            }
        };
        DesktopView {
            hotkeys: HotkeyAct::ALL.into_iter().map(view).collect(),
            no_hotkeys: self.machine.host.no_hotkeys().to_owned(),
            can_pick: self.settings.is_interactive,
        }
    }
}
