//! What a hand does, and what can be told of the window without seeing it.

use control::Command;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::fixture::Desk;

pub(crate) type Window = egui_kittest::Harness<'static, Desk>;

/// Clicks a control; what was asked for by it.
pub(crate) fn click(harness: &mut Window, role: Role, name: &str) -> Vec<Command> {
    harness.get_by_role_and_label(role, name).click();
    harness.run_steps(4);
    harness.state_mut().take()
}

/// Presses a key; what was asked for by it.
pub(crate) fn press(harness: &mut Window, modifiers: Modifiers, key: Key) -> Vec<Command> {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(3);
    harness.state_mut().take()
}

/// Types where the keyboard is.
pub(crate) fn type_text(harness: &mut Window, text: &str) {
    harness.event(Event::Text(text.to_owned()));
    harness.run_steps(2);
}

/// Whether a sheet is in sight.
pub(crate) fn is_open(harness: &Window, sheet: &str) -> bool {
    harness.query_by_role_and_label(Role::Dialog, sheet).is_some()
}

/// Holds a button down for so long; what was asked for by it.
pub(crate) fn hold(harness: &mut Window, name: &str, secs: f64) -> Vec<Command> {
    let pos = harness.get_by_role_and_label(Role::Button, name).rect().center();
    for pressed in [true, false] {
        harness.event(Event::PointerMoved(pos));
        let button = PointerButton::Primary;
        harness.event(Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE });
        harness.step();
        if pressed {
            harness.state_mut().now_secs += secs;
            harness.step();
        }
    }
    harness.run_steps(3);
    harness.state_mut().take()
}

/// Every text that the window tells assistive technology.
pub(crate) fn everything_said(harness: &Window) -> String {
    let mut said = String::new();
    let mut next = vec![harness.root()];
    while let Some(node) = next.pop() {
        let inner = node.accesskit_node();
        for text in [inner.label(), inner.value(), inner.description()].into_iter().flatten() {
            said.push_str(&text);
            said.push('\n');
        }
        next.extend(node.children());
    }
    said
}

/// Role and name of the control that has the keyboard.
pub(crate) fn focused(harness: &Window) -> String {
    let mut next = vec![harness.root()];
    while let Some(node) = next.pop() {
        if node.is_focused() && node.accesskit_node().role() != Role::Window {
            let node = node.accesskit_node();
            return format!("{:?} {}", node.role(), node.label().unwrap_or_default());
        }
        next.extend(node.children());
    }
    String::from("nothing")
}
