//! The one button for public acts.

use std::time::Duration;

use egui::{Align2, Color32, Event, Key, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use super::{Words, focus_ring, paint_words};
use crate::hold_gate::HoldGate;
use crate::theme::{self, CORNER_LARGE, Theme};

/// What is on the button.
pub(crate) struct HoldButton<'a> {
    /// What it does, such as “Go live”.
    pub(crate) label: &'a str,
    /// What it says after the first click.
    pub(crate) again: &'a str,
    /// Its ground.
    pub(crate) fill: Color32,
    /// Its words.
    pub(crate) ink: Color32,
    /// Whether it can be pressed.
    pub(crate) enabled: bool,
    /// What it does, and its key.
    pub(crate) tooltip: &'a str,
}

/// Shows the button over the whole width. True when it was held for 0.6 s, or clicked a second time within 3 s. Enter
/// counts as a press, Space never does: a hand on the keyboard finds it too easily.
pub(crate) fn hold_button(
    ui: &mut Ui,
    theme: &Theme,
    gate: &mut HoldGate,
    now_secs: f64,
    button: &HoldButton<'_>,
) -> (Response, bool) {
    let sense = if button.enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 40.0), sense);
    let acts = if button.enabled {
        let (down, clicked) = presses(ui, &response, *gate);
        gate.step(now_secs, down, clicked)
    } else {
        gate.disarm();
        false
    };
    if let Some(secs) = gate.wakes_in_secs(now_secs) {
        ui.ctx().request_repaint_after(Duration::try_from_secs_f64(secs).unwrap_or(Duration::ZERO));
    }

    let name = if gate.is_armed() {
        String::from(button.again)
    } else if button.enabled {
        format!("{} (hold)", button.label)
    } else {
        String::from(button.label)
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, button.enabled, &name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(button.tooltip));
    paint(ui, theme, &response, rect, &name, gate.progress(now_secs), button);
    (response.on_hover_text(button.tooltip), acts)
}

/// Shows the button where one press only opens what is looked at before the act: it acts at once, Space and all.
pub(crate) fn opening_button(ui: &mut Ui, theme: &Theme, button: &HoldButton<'_>) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 40.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, button.label));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(button.tooltip));
    paint(ui, theme, &response, rect, button.label, 0.0, button);
    response.on_hover_text(button.tooltip)
}

/// Whether pointer or Enter hold the button down, and whether either, or assistive technology, completed a click.
fn presses(ui: &Ui, response: &Response, gate: HoldGate) -> (bool, bool) {
    let enter_began_here = response.id.with("enter began");
    let mut began = ui.data(|data| data.get_temp::<bool>(enter_began_here)).unwrap_or(false);
    let focused = response.has_focus();
    let inside = response.contains_pointer();
    let pointer_down = inside && response.is_pointer_button_down_on();
    // Asked for outside of the closure below, which holds egui's lock.
    let clicked_at_once = response.clicked();
    let (down, clicked) = ui.input(|input| {
        let mut enter_clicked = false;
        for event in &input.events {
            let Event::Key { key: Key::Enter, pressed, repeat: false, modifiers, .. } = event else {
                continue;
            };
            if *pressed {
                began = focused && !modifiers.any();
            } else {
                enter_clicked |= began && focused;
                began = false;
            }
        }
        began &= focused;
        let pointer_clicked =
            inside && input.pointer.primary_released() && (gate.is_held() || clicked_at_once);
        let asked = input.has_accesskit_action_request(response.id, egui::accesskit::Action::Click);
        (pointer_down || began, pointer_clicked || enter_clicked || asked)
    });
    ui.data_mut(|data| data.insert_temp(enter_began_here, began));
    (down, clicked)
}

fn paint(
    ui: &Ui,
    theme: &Theme,
    response: &Response,
    rect: Rect,
    name: &str,
    progress: f32,
    button: &HoldButton<'_>,
) {
    let painter = ui.painter();
    if button.enabled {
        let fill = if response.hovered() { theme.hovered(button.fill) } else { button.fill };
        painter.rect_filled(rect, CORNER_LARGE, fill);
        if progress > 0.0 {
            let done = Rect::from_min_size(rect.min, Vec2::new(rect.width() * progress, rect.height()));
            painter.rect_filled(done, CORNER_LARGE, Theme::tint(theme.background, button.fill, 0.35));
        }
    } else {
        painter.rect_filled(rect, CORNER_LARGE, theme.raised);
    }
    let ink = if button.enabled { button.ink } else { theme.second };
    let galley = Words::new(theme).add(name, theme::strong(15.0), ink).galley(ui, rect.width() - 16.0);
    paint_words(painter, rect, Align2::CENTER_CENTER, galley);
    if response.has_focus() {
        // The ring lies in the button's own colour; a dark gap keeps it visible on red and on accent.
        let gap = egui::Stroke::new(4.0, theme.panel);
        painter.rect_stroke(rect, CORNER_LARGE, gap, egui::StrokeKind::Inside);
    }
    focus_ring(ui, theme, response, CORNER_LARGE);
}
