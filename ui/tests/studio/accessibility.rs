//! Every control can be found, named and read without seeing it.

use control::LiveState;
use egui::accesskit::{Role, Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::fixture::{Desk, Opening, in_state, off_air, on_air, open, open_with};

/// Every node of the tree, the root first.
fn nodes<'a>(harness: &'a egui_kittest::Harness<'_, Desk>) -> Vec<egui_kittest::Node<'a>> {
    let mut found = vec![harness.root()];
    let mut next = 0;
    while let Some(node) = found.get(next) {
        let children: Vec<_> = node.children().collect();
        found.extend(children);
        next += 1;
    }
    found
}

#[test]
fn every_control_has_a_name() {
    for view in [on_air(), off_air(), in_state(LiveState::Stopping)] {
        let harness = open(view);
        let mut controls = 0;
        for node in nodes(&harness) {
            let node = node.accesskit_node();
            if egui::accessibility::is_input(node.role()) || node.role() == Role::Meter {
                controls += 1;
                let name = node.label().unwrap_or_default();
                assert!(!name.trim().is_empty(), "a {:?} has no name", node.role());
            }
        }
        assert!(controls > 20, "the walk found only {controls} controls");
    }
}

#[test]
fn states_are_told_and_not_only_shown() {
    let mut harness = open(on_air());
    let scene = harness.get_by_role_and_label(Role::ListBoxOption, "Code + camera");
    assert_eq!(scene.accesskit_node().toggled(), Some(Toggled::True));
    let other = harness.get_by_role_and_label(Role::ListBoxOption, "Talking head");
    assert_eq!(other.accesskit_node().toggled(), Some(Toggled::False));
    let mute = harness.get_by_role_and_label(Role::Switch, "Mute Music");
    assert_eq!(mute.accesskit_node().toggled(), Some(Toggled::True));
    assert_eq!(
        harness.get_by_role_and_label(Role::Slider, "Microphone gain").value().as_deref(),
        Some("+2.3 dB")
    );
    harness.get_by_label("Programme: Code + camera, 1280×720 at 30 frames per second");

    harness.state_mut().view.items[0].state = control::DeviceState::Lost { reason: "unplugged".to_owned() };
    harness.run_steps(2);
    harness.get_by_label("Camera, camera, lost: unplugged");
}

#[test]
fn a_meter_speaks_once_a_second_at_most() {
    let mut harness = open(on_air());
    let spoken = |harness: &egui_kittest::Harness<'_, Desk>| {
        harness.get_by_role_and_label(Role::Meter, "Microphone level").value().unwrap()
    };
    let first = spoken(&harness);
    assert_eq!(first, "peak −17.0 dBFS, −16.2 LUFS");
    harness.state_mut().view.meters[0].levels.peak_hold_db = [-3.0, -4.0];
    for _ in 0..9 {
        harness.state_mut().now_secs += 0.1;
        harness.step();
        assert_eq!(spoken(&harness), first);
    }
    harness.state_mut().now_secs += 0.2;
    harness.step();
    assert_eq!(spoken(&harness), "peak −3.0 dBFS, −16.2 LUFS");
}

#[test]
fn controls_of_a_small_window_keep_their_names() {
    let opening = Opening { size: egui::Vec2::new(1024.0, 640.0), ..Opening::default() };
    let harness = open_with(on_air(), &opening);
    harness.get_by_role_and_label(Role::Button, "Stop (hold)");
    harness.get_by_label("Live state: Live");
}
