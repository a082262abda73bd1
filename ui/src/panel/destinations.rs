//! The card about the destinations, where there are several: a row for each, with its own light, queue, gaps and, over
//! SRT, losses.

use control::{Command, DestinationView, LiveState};
use egui::{Align, Label, Layout, Role, Sense, Ui, UiBuilder, vec2};

use super::way::{small, way};
use crate::figures;
use crate::light;
use crate::pass::Pass;
use crate::sheet::Sheet;
use crate::widget::{Words, card, group, paragraph, quiet_button};

/// Shows the card, unless the channel is the only destination: the card about the upload is about it.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    let (theme, view) = (pass.theme, pass.view);
    if view.destinations.iter().all(DestinationView::is_main) {
        return;
    }
    card(ui, theme, "Destinations", |ui| {
        ui.horizontal(|ui| {
            ui.add(Label::new(Words::new(theme).strong("Destinations").job()));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let tooltip = "Add a destination, or remove one";
                let response = quiet_button(ui, theme, "change", "change: destinations", true, tooltip);
                pass.focus.note(&response);
                if response.clicked() {
                    pass.memory.sheets.open(Sheet::Destinations);
                }
            });
        });
        for destination in &view.destinations {
            one(ui, pass, destination);
        }
    });
}

fn one(ui: &mut Ui, pass: &mut Pass<'_>, destination: &DestinationView) {
    let word = light::word_of(destination.state, pass.view.is_rehearsal);
    let name = format!("{}: {word}", destination.name);
    group(ui, UiBuilder::new(), Role::ListItem, &name, |ui| {
        heading(ui, pass, destination, &word);
        if destination.state != LiveState::Off {
            let queue = format!("queue {}", figures::millis(destination.queue.waiting.as_millis() as f64));
            way(ui, pass, destination, Some(queue));
        }
        if !destination.is_main() {
            trouble(ui, pass, destination);
        }
        // What failed or was given up can be tried again while the others go on.
        let rests = matches!(destination.state, LiveState::Off | LiveState::Failed);
        if rests && pass.view.is_under_way() {
            let name = format!("try again: {}", destination.name);
            let tooltip = "Connect to this destination now";
            let response = quiet_button(ui, pass.theme, "try again", &name, true, tooltip);
            pass.control(&response, || Command::RetryNow(destination.id));
        }
        ui.add_space(4.0);
    });
}

/// The light as a dot, the name, and the light as a word: colour never stands alone.
fn heading(ui: &mut Ui, pass: &Pass<'_>, destination: &DestinationView, word: &str) {
    let (theme, rehearsal) = (pass.theme, pass.view.is_rehearsal);
    let color = light::color(theme, destination.state, rehearsal);
    let size = vec2(ui.available_width(), 20.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 20.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 4.0, color);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // Red words on a card are hard to read; the dot is red.
            let ink = match destination.state {
                LiveState::Live | LiveState::Degraded => theme.text,
                LiveState::Off => theme.second,
                _ => color,
            };
            ui.add(Label::new(Words::new(theme).colored(word, ink).job()).truncate());
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = Words::new(theme).text(&destination.name);
                ui.add(Label::new(name.job()).truncate()).on_hover_text(&destination.address);
            });
        });
    });
}

/// What is the matter with a destination that the light of the window is not about.
fn trouble(ui: &mut Ui, pass: &mut Pass<'_>, destination: &DestinationView) {
    let theme = pass.theme;
    let sentence = light::sentence(pass.view, destination);
    if !sentence.is_empty() {
        paragraph(ui, small(pass, &sentence, theme.text));
    }
    if destination.state != LiveState::Reconnecting {
        return;
    }
    ui.horizontal(|ui| {
        if let Some(retry) = &destination.retry {
            let attempt = light::attempt(retry, destination.state);
            ui.add(Label::new(small(pass, &attempt, theme.second).job()));
        }
        let (id, name) = (destination.id, &destination.name);
        let tooltip = "Connect to this destination now";
        let response = quiet_button(ui, theme, "now", &format!("now: {name}"), true, tooltip);
        pass.control(&response, || Command::RetryNow(id));
        let tooltip = "Stop reconnecting to this destination; the others go on";
        let response = quiet_button(ui, theme, "cancel", &format!("cancel: {name}"), true, tooltip);
        pass.control(&response, || Command::GiveUp(id));
    });
}
