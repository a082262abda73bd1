//! What holds for every sheet.

use control::{Command, LiveState};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::fixture::open;
use crate::hand::{Window, click, focused, is_open, press, type_text};
use crate::ladder_fixture::{ready, warning};
use crate::stream_fixture::ready_to_check;

#[test]
fn the_list_of_commands_lies_over_a_sheet() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    press(&mut harness, Modifiers::CTRL, Key::K);
    harness.get_by_label("Search commands");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), []);
    assert!(harness.query_by_label("Search commands").is_none());
    assert!(is_open(&harness, "Go live"));
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "requested");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(is_open(&harness, "Requested and granted"));
}

#[test]
fn scenes_can_be_switched_by_key_while_the_sheet_is_open() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    let asked = press(&mut harness, Modifiers::CTRL, Key::Num2);
    assert_eq!(asked, [Command::SwitchScene(scene::SceneId(2))]);
    press(&mut harness, Modifiers::NONE, Key::F6);
    assert!(focused(&harness).starts_with("Button change"), "F6 stays on the sheet: {}", focused(&harness));
}

#[test]
fn going_live_by_other_means_takes_the_sheet_away() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    harness.state_mut().view.destinations[0].state = LiveState::Connecting;
    harness.run_steps(3);
    assert!(!is_open(&harness, "Go live"));
    assert_eq!(harness.state_mut().take(), []);
}

#[test]
fn every_control_of_every_sheet_has_a_name() {
    for open_sheet in [
        (|harness| drop(click(harness, Role::Button, "Go live…"))) as fn(&mut Window),
        |harness| drop(press(harness, Modifiers::CTRL, Key::Comma)),
        |harness| {
            click(harness, Role::Button, "Go live…");
            click(harness, Role::Button, "why these?");
        },
        |harness| {
            click(harness, Role::Button, "Go live…");
            click(harness, Role::Button, "test…: upload");
        },
        |harness| {
            click(harness, Role::Button, "Preferences");
            harness.get_by_label("pairing…: second pc").click_accesskit();
            harness.run_steps(3);
        },
        |harness| {
            click(harness, Role::Button, "Preferences");
            harness.get_by_label("change: destinations").click_accesskit();
            harness.run_steps(3);
        },
        |harness| {
            harness.state_mut().view.sources = crate::sources::sources();
            harness.state_mut().view.devices = crate::sources::devices();
            harness.run_steps(3);
            click(harness, Role::Button, "Choose source of Desktop");
        },
        |harness| {
            harness.state_mut().view.question = Some(warning());
            harness.run_steps(3);
        },
    ] {
        let mut harness = open(ready_to_check());
        open_sheet(&mut harness);
        let mut next = vec![harness.root()];
        let mut controls = 0;
        while let Some(node) = next.pop() {
            let inner = node.accesskit_node();
            if egui::accessibility::is_input(inner.role()) {
                controls += 1;
                assert!(!inner.label().unwrap_or_default().trim().is_empty(), "a {:?}", inner.role());
            }
            next.extend(node.children());
        }
        assert!(controls > 25, "{controls} controls");
    }
}

#[test]
fn a_sheet_at_rest_asks_for_no_repaint() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    let steps = harness.run();
    assert!(steps <= 2, "it took {steps} passes to come to rest");
}
