//! The window without a pointer.

use std::fmt::Write as _;

use control::Command;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use scene::{SceneId, SourceId};

use crate::fixture::{Desk, off_air, on_air, open};

/// Role and name of the control that has the keyboard.
fn focused(harness: &egui_kittest::Harness<'_, Desk>) -> Option<String> {
    let mut next = vec![harness.root()];
    while let Some(node) = next.pop() {
        if node.is_focused() && node.accesskit_node().role() != Role::Window {
            let node = node.accesskit_node();
            return Some(format!("{:?} {}", node.role(), node.label().unwrap_or_default()));
        }
        next.extend(node.children());
    }
    None
}

fn press(harness: &mut egui_kittest::Harness<'_, Desk>, modifiers: Modifiers, key: Key) -> Vec<Command> {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(2);
    harness.state_mut().take()
}

#[test]
fn tab_reaches_every_control_in_the_order_of_reading() {
    let mut harness = open(on_air());
    let mut order = String::new();
    let mut first = None;
    for _ in 0..60 {
        press(&mut harness, Modifiers::NONE, Key::Tab);
        let Some(name) = focused(&harness) else { continue };
        if first.as_ref() == Some(&name) {
            break;
        }
        assert!(!name.ends_with(' '), "{name} has no name");
        first.get_or_insert_with(|| name.clone());
        writeln!(order, "{name}").unwrap();
    }
    insta::assert_snapshot!("tab_order", order);
}

#[test]
fn f6_goes_from_panel_to_panel_and_back() {
    let mut harness = open(on_air());
    let mut stops = Vec::new();
    for _ in 0..6 {
        press(&mut harness, Modifiers::NONE, Key::F6);
        stops.push(focused(&harness).unwrap());
    }
    assert_eq!(
        stops,
        [
            "Button Panels",
            "ListBoxOption Code + camera",
            "RadioButton Cut",
            "Button Stop (hold)",
            "Switch Mute Microphone",
            "Button Panels",
        ]
    );
    press(&mut harness, Modifiers::SHIFT, Key::F6);
    assert_eq!(focused(&harness).unwrap(), "Switch Mute Microphone");
}

#[test]
fn f6_remembers_where_the_keyboard_was() {
    let mut harness = open(on_air());
    press(&mut harness, Modifiers::NONE, Key::F6);
    press(&mut harness, Modifiers::NONE, Key::F6);
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    press(&mut harness, Modifiers::NONE, Key::F6);
    press(&mut harness, Modifiers::SHIFT, Key::F6);
    assert_eq!(focused(&harness).unwrap(), "ListBoxOption Talking head");
}

#[test]
fn arrows_walk_a_list_and_stay_in_it() {
    let mut harness = open(on_air());
    press(&mut harness, Modifiers::NONE, Key::F6);
    press(&mut harness, Modifiers::NONE, Key::F6);
    for expected in ["Talking head", "Screen only", "Screen only"] {
        press(&mut harness, Modifiers::NONE, Key::ArrowDown);
        assert_eq!(focused(&harness).unwrap(), format!("ListBoxOption {expected}"));
    }
    press(&mut harness, Modifiers::NONE, Key::Home);
    assert_eq!(focused(&harness).unwrap(), "ListBoxOption Code + camera");
    press(&mut harness, Modifiers::NONE, Key::End);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [Command::SwitchScene(SceneId(3))]);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Space), [Command::SwitchScene(SceneId(3))]);
}

#[test]
fn digits_switch_scenes_from_anywhere() {
    let mut harness = open(on_air());
    assert_eq!(press(&mut harness, Modifiers::CTRL, Key::Num2), [Command::SwitchScene(SceneId(2))]);
    assert_eq!(press(&mut harness, Modifiers::CTRL, Key::Num3), [Command::SwitchScene(SceneId(3))]);
    assert_eq!(press(&mut harness, Modifiers::CTRL, Key::Num9), [], "there are three scenes");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Num2), [], "a bare digit is no shortcut");
}

#[test]
fn undo_redo_and_recording_have_keys() {
    let mut view = on_air();
    view.can_redo = true;
    let mut harness = open(view);
    assert_eq!(press(&mut harness, Modifiers::CTRL, Key::Z), [Command::Undo]);
    assert_eq!(press(&mut harness, Modifiers::CTRL, Key::Y), [Command::Redo]);
    assert_eq!(press(&mut harness, Modifiers::CTRL | Modifiers::SHIFT, Key::Z), [Command::Redo]);
    assert_eq!(press(&mut harness, Modifiers::CTRL | Modifiers::SHIFT, Key::R), [Command::StopRecording]);
}

#[test]
fn ctrl_m_mutes_the_strip_that_has_the_keyboard() {
    let mut harness = open(on_air());
    assert_eq!(press(&mut harness, Modifiers::CTRL, Key::M), [], "no strip has the keyboard");
    harness.get_by_role_and_label(Role::Slider, "Desktop gain").focus();
    harness.run_steps(2);
    let asked = press(&mut harness, Modifiers::CTRL, Key::M);
    assert_eq!(asked, [Command::SetMuted { source: SourceId(22), muted: true }]);
}

#[test]
fn sliders_step_by_arrows_and_pages() {
    let mut harness = open(on_air());
    harness.get_by_role_and_label(Role::Slider, "Desktop gain").focus();
    harness.run_steps(2);
    let gains = |asked: Vec<Command>| -> Vec<f32> {
        asked
            .into_iter()
            .map(|command| match command {
                Command::SetGain { source: SourceId(22), gain } => gain,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let arrow = gains(press(&mut harness, Modifiers::NONE, Key::ArrowRight));
    assert!(arrow.len() == 1 && arrow[0] > 1.0 && arrow[0] < 1.2, "{arrow:?}");
    let page = gains(press(&mut harness, Modifiers::NONE, Key::PageUp));
    assert!((page[0] - arrow[0] - 0.2).abs() < 1e-3, "{page:?}");
    assert_eq!(gains(press(&mut harness, Modifiers::NONE, Key::End)), [2.0]);
}

#[test]
fn escape_lets_go_of_everything() {
    let mut harness = open(off_air());
    harness.get_by_role_and_label(Role::Button, "Go live (hold)").focus();
    harness.run_steps(2);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    harness.get_by_label("Click again to go live");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    harness.get_by_label("Go live (hold)");
    assert_eq!(focused(&harness), None);
}

#[test]
fn every_command_is_found_by_its_name() {
    let mut harness = open(on_air());
    press(&mut harness, Modifiers::CTRL, Key::K);
    assert_eq!(focused(&harness).unwrap(), "TextInput Search commands");
    harness.event(egui::Event::Text("head".to_owned()));
    harness.run_steps(2);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [Command::SwitchScene(SceneId(2))]);
    assert!(harness.query_by_label("Search commands").is_none());

    press(&mut harness, Modifiers::CTRL, Key::K);
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    press(&mut harness, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [Command::SwitchScene(SceneId(2))]);

    press(&mut harness, Modifiers::CTRL, Key::K);
    harness.event(egui::Event::Text("live".to_owned()));
    harness.run_steps(2);
    harness.get_by_label("No command has this name");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [], "public acts keep their hold");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("Search commands").is_none());
}

#[test]
fn panels_are_closed_by_keyboard() {
    let mut harness = open(on_air());
    harness.get_by_role_and_label(Role::Button, "Panels").focus();
    harness.run_steps(2);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    let mut presses = 0;
    while focused(&harness).as_deref() != Some("CheckBox Mixer") {
        press(&mut harness, Modifiers::NONE, Key::Tab);
        presses += 1;
        assert!(presses < 6, "the keyboard is at {:?}", focused(&harness));
    }
    press(&mut harness, Modifiers::NONE, Key::Space);
    assert!(harness.query_by_label("Mute Microphone").is_none());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("Arrange panels").is_none());
}

#[test]
fn what_has_the_keyboard_comes_into_sight() {
    let mut harness = open(crate::ladder_fixture::ready());
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    let sheet = harness.get_by_role_and_label(egui::accesskit::Role::Dialog, "Preferences").rect();
    let place = |harness: &egui_kittest::Harness<'_, Desk>| harness.get_by_label("test…: upload").rect();
    assert!(!sheet.contains_rect(place(&harness)), "it is out of sight at first");
    for _ in 0..60 {
        if focused(&harness).as_deref() == Some("Button test…: upload") {
            break;
        }
        press(&mut harness, Modifiers::NONE, Key::Tab);
    }
    harness.run_steps(3);
    assert_eq!(focused(&harness).as_deref(), Some("Button test…: upload"));
    assert!(sheet.contains_rect(place(&harness)), "{:?} in {sheet:?}", place(&harness));
}
