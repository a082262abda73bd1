//! What the desktop adds to the preferences: where recordings go, and keys that work from anywhere.

use std::collections::BTreeMap;

use control::{Command, HotkeyAct, HotkeyView, Pick};
use egui::{Key, TextEdit, Ui};

use super::stream_key::below_title;
use super::{Sheets, control};
use crate::pass::Pass;
use crate::theme::CORNER_SMALL;
use crate::widget::{Mark, Words, focus_ring, line, quiet_button};

/// The longest chord, in characters: `Ctrl+Alt+Shift+Win+ScrollLock` has 29.
const MOST_CHORD: usize = 40;
/// Width of the field of a chord, in points.
const FIELD_WIDTH: f32 = 200.0;

/// Chords that are being typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    chords: BTreeMap<HotkeyAct, String>,
}

impl Typed {
    /// The sheet was closed: what was not handed over is not kept.
    pub(super) fn forget(&mut self) {
        self.chords.clear();
    }
}

/// Where recordings go; nothing where there is nobody to pick a folder.
pub(super) fn recordings(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, view) = (pass.theme, pass.view);
    if !view.desktop.can_pick || view.recording.folder.is_empty() {
        return;
    }
    let words = Words::new(theme).second(&format!("They go to {}.", view.recording.folder));
    line(ui, theme, Mark::Plain, "Recordings", words, |ui| {
        let tooltip = "Record into another folder from the next file on";
        let response = quiet_button(ui, theme, "change", "change: folder of recordings", true, tooltip);
        if control(ui, pass, sheets, &response) {
            pass.commands.push(Command::Pick(Pick::RecordingFolder));
        }
        let tooltip = "Open the folder in the desktop's file manager";
        let response = quiet_button(ui, theme, "open", "open: folder of recordings", true, tooltip);
        if control(ui, pass, sheets, &response) {
            pass.commands.push(Command::OpenRecordings);
        }
    });
}

/// Keys that work from anywhere, also while another program has the keyboard.
pub(super) fn hotkeys(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, desktop) = (pass.theme, &pass.view.desktop);
    if desktop.hotkeys.is_empty() {
        return;
    }
    if !desktop.no_hotkeys.is_empty() {
        let words = Words::new(theme).second(&format!("{}.", capitalised(&desktop.no_hotkeys)));
        line(ui, theme, Mark::Plain, "Keys from anywhere", words, |_| {});
        return;
    }
    let words = "They work while another program has the keyboard, such as a game: Ctrl+Alt+F9.";
    line(ui, theme, Mark::Plain, "Keys from anywhere", Words::new(theme).second(words), |_| {});
    for hotkey in &desktop.hotkeys {
        one(ui, pass, sheets, hotkey);
    }
}

fn one(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, hotkey: &HotkeyView) {
    let theme = pass.theme;
    let mut typed = sheets.desktop.chords.remove(&hotkey.act).unwrap_or_else(|| hotkey.chord.clone());
    let words = hotkey.act.words();
    let mut is_done = false;
    below_title(ui, |ui| {
        let field = TextEdit::singleline(&mut typed)
            .hint_text("none")
            .char_limit(MOST_CHORD)
            .desired_width(FIELD_WIDTH);
        let response = ui.add(field).accessible_name(format!("Key: {words}"));
        focus_ring(ui, theme, &response, CORNER_SMALL);
        control(ui, pass, sheets, &response);
        is_done = response.lost_focus() && !ui.input(|input| input.key_pressed(Key::Escape));
        let said = if hotkey.trouble.is_empty() {
            Words::new(theme).second(&words)
        } else {
            Words::new(theme).text(&words).colored(&format!(" · {}", hotkey.trouble), theme.warning)
        };
        ui.add(egui::Label::new(said.job()).wrap());
    });
    let wanted = typed.trim();
    if is_done {
        if wanted != hotkey.chord {
            pass.commands.push(Command::SetHotkey { act: hotkey.act, chord: wanted.to_owned() });
        }
    } else if wanted != hotkey.chord {
        sheets.desktop.chords.insert(hotkey.act, typed);
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
