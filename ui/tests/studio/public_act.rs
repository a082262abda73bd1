//! Going live and stopping: a hold or a second click in place, never a slip.

use control::{Command, LiveState};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2};
use egui_kittest::kittest::Queryable as _;

use crate::fixture::{Desk, in_state, off_air, on_air, open};

type Window = egui_kittest::Harness<'static, Desk>;

fn button(harness: &Window, name: &str) -> Pos2 {
    harness.get_by_role_and_label(Role::Button, name).rect().center()
}

fn pointer(harness: &mut Window, at: Pos2, pressed: bool) {
    harness.event(Event::PointerMoved(at));
    harness.event(Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    });
    harness.step();
}

fn wait(harness: &mut Window, secs: f64) {
    harness.state_mut().now_secs += secs;
    harness.step();
}

#[test]
fn a_hold_of_six_tenths_goes_live_once() {
    let mut harness = open(off_air());
    let at = button(&harness, "Go live (hold)");
    pointer(&mut harness, at, true);
    wait(&mut harness, 0.5);
    assert_eq!(harness.state_mut().take(), []);
    wait(&mut harness, 0.15);
    assert_eq!(harness.state_mut().take(), [Command::GoLive]);

    // The engine answers while the hand still holds: the button now stops, and must not.
    harness.state_mut().view = in_state(LiveState::Connecting);
    wait(&mut harness, 5.0);
    pointer(&mut harness, at, false);
    wait(&mut harness, 0.1);
    assert_eq!(harness.state_mut().take(), []);
    harness.get_by_label("Stop (hold)");
}

#[test]
fn a_second_click_within_three_seconds_goes_live() {
    let mut harness = open(off_air());
    let at = button(&harness, "Go live (hold)");
    pointer(&mut harness, at, true);
    wait(&mut harness, 0.1);
    pointer(&mut harness, at, false);
    assert_eq!(harness.state_mut().take(), []);
    harness.step();
    harness.get_by_label("Click again to go live");
    wait(&mut harness, 2.0);
    pointer(&mut harness, at, true);
    pointer(&mut harness, at, false);
    assert_eq!(harness.state_mut().take(), [Command::GoLive]);
}

#[test]
fn a_first_click_is_forgotten_after_three_seconds() {
    let mut harness = open(off_air());
    let at = button(&harness, "Go live (hold)");
    pointer(&mut harness, at, true);
    pointer(&mut harness, at, false);
    wait(&mut harness, 3.2);
    harness.step();
    harness.get_by_label("Go live (hold)");
    pointer(&mut harness, at, true);
    pointer(&mut harness, at, false);
    assert_eq!(harness.state_mut().take(), []);
}

#[test]
fn letting_go_elsewhere_does_nothing() {
    let mut harness = open(off_air());
    let at = button(&harness, "Go live (hold)");
    pointer(&mut harness, at, true);
    wait(&mut harness, 0.3);
    let away = at + egui::vec2(0.0, 300.0);
    harness.event(Event::PointerMoved(away));
    wait(&mut harness, 0.5);
    pointer(&mut harness, away, false);
    wait(&mut harness, 0.5);
    assert_eq!(harness.state_mut().take(), []);
    harness.get_by_label("Go live (hold)");
}

#[test]
fn space_never_goes_live() {
    let mut harness = open(off_air());
    harness.get_by_role_and_label(Role::Button, "Go live (hold)").focus();
    harness.run_steps(2);
    for _ in 0..4 {
        harness.key_press(Key::Space);
        harness.run_steps(2);
    }
    harness.key_down(Key::Space);
    for _ in 0..10 {
        wait(&mut harness, 0.2);
    }
    harness.key_up(Key::Space);
    harness.step();
    assert_eq!(harness.state_mut().take(), []);
    harness.get_by_label("Go live (hold)");
}

#[test]
fn enter_twice_goes_live_and_so_does_holding_it() {
    let mut harness = open(off_air());
    harness.get_by_role_and_label(Role::Button, "Go live (hold)").focus();
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), []);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), [Command::GoLive]);

    harness.key_down(Key::Enter);
    harness.step();
    for _ in 0..8 {
        // The system repeats a key that is held; a repeat is no second press.
        harness.event(Event::Key {
            key: Key::Enter,
            physical_key: None,
            pressed: true,
            repeat: true,
            modifiers: Modifiers::NONE,
        });
        wait(&mut harness, 0.1);
    }
    assert_eq!(harness.state_mut().take(), [Command::GoLive]);
}

#[test]
fn assistive_technology_activates_twice() {
    let mut harness = open(off_air());
    harness.get_by_role_and_label(Role::Button, "Go live (hold)").click_accesskit();
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), []);
    harness.get_by_role_and_label(Role::Button, "Click again to go live").click_accesskit();
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), [Command::GoLive]);
}

#[test]
fn the_key_needs_its_modifiers() {
    let mut harness = open(off_air());
    for modifiers in [Modifiers::NONE, Modifiers::CTRL, Modifiers::SHIFT] {
        harness.key_press_modifiers(modifiers, Key::L);
        harness.run_steps(2);
    }
    assert_eq!(harness.state_mut().take(), []);
    harness.key_press_modifiers(Modifiers::CTRL | Modifiers::SHIFT, Key::L);
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), [Command::GoLive]);
    harness.state_mut().view = on_air();
    harness.key_press_modifiers(Modifiers::CTRL | Modifiers::SHIFT, Key::L);
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), [Command::StopLive]);
}

#[test]
fn stopping_asks_the_same_care() {
    let mut harness = open(on_air());
    let at = button(&harness, "Stop (hold)");
    pointer(&mut harness, at, true);
    wait(&mut harness, 0.7);
    pointer(&mut harness, at, false);
    assert_eq!(harness.state_mut().take(), [Command::StopLive]);
}

#[test]
fn without_a_destination_there_is_nothing_to_press() {
    let mut view = off_air();
    view.destinations.clear();
    let mut harness = open(view);
    let at = button(&harness, "Go live");
    pointer(&mut harness, at, true);
    wait(&mut harness, 1.0);
    pointer(&mut harness, at, false);
    harness.key_press_modifiers(Modifiers::CTRL | Modifiers::SHIFT, Key::L);
    harness.run_steps(2);
    assert_eq!(harness.state_mut().take(), []);
}
