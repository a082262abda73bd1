//! What the desktop adds: a key that is remembered, a folder that is picked, keys from anywhere, writing by IME.

use control::{Command, HotkeyAct, HotkeyView, KeyMemory, Pick};
use egui::accesskit::Role;
use egui::{Event, ImeEvent, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::Secret;

use crate::fixture::open;
use crate::hand::{Window, click, is_open, press, type_text};
use crate::ladder_fixture::ready;

fn preferences(view: control::View) -> Window {
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    assert!(is_open(&harness, "Preferences"));
    harness
}

#[test]
fn a_key_is_remembered_and_forgotten_where_there_is_a_store() {
    let mut view = ready();
    assert!(view.servers.has_key);
    view.servers.key_memory = KeyMemory::Offered;
    let mut harness = preferences(view);
    let asked = click(&mut harness, Role::Button, "remember: stream key");
    assert_eq!(asked, [Command::RememberStreamKey(true)]);
    harness.state_mut().view.servers.key_memory = KeyMemory::Remembered;
    harness.run_steps(2);
    let asked = click(&mut harness, Role::Button, "forget: stream key");
    assert_eq!(asked, [Command::RememberStreamKey(false)]);
    harness.state_mut().view.servers.key_memory = KeyMemory::NoStore;
    harness.run_steps(2);
    assert!(harness.query_by_label("forget: stream key").is_none());
    assert!(harness.query_by_label("remember: stream key").is_none());
}

#[test]
fn the_folder_of_recordings_is_picked_in_the_desktops_dialog() {
    let mut view = ready();
    view.recording.folder = r"C:\Users\Ada\Videos\Genlock".to_owned();
    view.desktop.can_pick = true;
    let mut harness = preferences(view);
    harness.get_by_role_and_label(Role::Button, "change: folder of recordings").scroll_to_me();
    harness.run_steps(3);
    let asked = click(&mut harness, Role::Button, "change: folder of recordings");
    assert_eq!(asked, [Command::Pick(Pick::RecordingFolder)]);
    let asked = click(&mut harness, Role::Button, "open: folder of recordings");
    assert_eq!(asked, [Command::OpenRecordings]);
}

fn hotkey(act: HotkeyAct, chord: &str, trouble: &str) -> HotkeyView {
    HotkeyView { act, chord: chord.to_owned(), trouble: trouble.to_owned() }
}

#[test]
fn a_chord_is_typed_and_its_trouble_is_told() {
    let mut view = ready();
    let trouble = "another program holds Ctrl+Alt+M.";
    view.desktop.hotkeys =
        vec![hotkey(HotkeyAct::Record, "", ""), hotkey(HotkeyAct::MuteMicrophones, "Ctrl+Alt+M", trouble)];
    let mut harness = preferences(view);
    assert!(harness.query_all_by_label_contains(trouble).next().is_some());
    let name = "Key: Start or stop the recording";
    harness.get_by_role_and_label(Role::TextInput, name).focus();
    harness.run_steps(3);
    type_text(&mut harness, "Ctrl+Alt+F9");
    let asked = press(&mut harness, Modifiers::NONE, Key::Enter);
    assert_eq!(asked, [Command::SetHotkey { act: HotkeyAct::Record, chord: "Ctrl+Alt+F9".to_owned() }]);
}

#[test]
fn where_no_key_works_from_anywhere_it_is_said() {
    let mut view = ready();
    view.desktop.hotkeys = vec![hotkey(HotkeyAct::Record, "", "")];
    view.desktop.no_hotkeys = "keys that work from anywhere are not available here".to_owned();
    let harness = preferences(view);
    assert!(harness.query_all_by_label_contains("not available here").next().is_some());
    assert!(harness.query_by_label("Key: Start or stop the recording").is_none());
}

/// What an input method sends while a Japanese word is written: kana, a candidate, the word.
#[test]
fn a_name_is_written_with_an_input_method() {
    let mut harness = open(ready());
    // The program adds a font of the system for these letters; this test is about the word, not its picture.
    harness.ctx.set_missing_glyph_policy(egui::epaint::text::MissingGlyphPolicy::Tofu);
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "destinations");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(is_open(&harness, "Destinations"));
    harness.get_by_role_and_label(Role::TextInput, "Name of the destination").focus();
    harness.run_steps(3);
    for text in ["は", "はいし", "はいしん", "配信"] {
        let active_range_chars = Some(0..text.chars().count());
        harness.event(Event::Ime(ImeEvent::Preedit { text: text.to_owned(), active_range_chars }));
        harness.run_steps(2);
        let field = harness.get_by_role_and_label(Role::TextInput, "Name of the destination");
        assert_eq!(field.accesskit_node().value().as_deref(), Some(text), "the word in the making is seen");
    }
    harness.event(Event::Ime(ImeEvent::Commit("配信".to_owned())));
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::PasswordInput, "Address of the destination").focus();
    harness.run_steps(2);
    type_text(&mut harness, "rtmp://media.example/app/key");
    let address = Secret::new("rtmp://media.example/app/key");
    let added = Command::AddDestination { name: "配信".to_owned(), address };
    assert_eq!(click(&mut harness, Role::Button, "Add"), [added]);
}
