//! The card that says why the light is what it is, where that is more than a word, and what can be done about it.

use control::{Command, DestinationView, LiveState};
use egui::Ui;
use egui::accesskit::Live;

use super::second_pc;
use crate::icon::Icon;
use crate::light;
use crate::pass::Pass;
use crate::theme;
use crate::widget::{Button, Words, card, paragraph};

/// Shows the card.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    let (theme, view) = (pass.theme, pass.view);
    let Some(main) = view.destination() else { return };
    let sentence = light::sentence(view, main);
    // What ended by a failure is told by its problem.
    if sentence.is_empty() || (main.state == LiveState::Failed && !view.problems.is_empty()) {
        return;
    }
    let word = light::word_of(main.state, view.is_rehearsal);
    card(ui, theme, &word, |ui| {
        let (icon, color) = match main.state {
            LiveState::Accepted => (Icon::Hourglass, theme.accent),
            LiveState::Reconnecting => (Icon::Unplugged, theme.warning),
            _ => (Icon::Warning, theme.warning),
        };
        let title =
            Words::new(theme).icon(icon, color).add(&format!(" {word}"), theme::strong(theme::TEXT), color);
        ui.add(egui::Label::new(title.job()).truncate());
        let told = paragraph(ui, Words::new(theme).text(&sentence));
        ui.ctx().accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
        match main.state {
            LiveState::Reconnecting => reconnecting(ui, pass, main),
            LiveState::TakenOver => taken_over(ui, pass),
            _ => {}
        }
    });
}

fn reconnecting(ui: &mut Ui, pass: &mut Pass<'_>, destination: &DestinationView) {
    let theme = pass.theme;
    if let Some(retry) = &destination.retry {
        let attempt = light::attempt(retry, destination.state);
        let mut letters = attempt.chars();
        let capital = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
        paragraph(ui, Words::new(theme).second(&format!("{}.", capital.unwrap_or_default())));
    }
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let waits = destination.retry.as_ref().is_some_and(|retry| retry.next_in.as_nanos() > 0);
        for (label, enabled, tooltip, command) in [
            ("Reconnect now", waits, "Do not wait for the next attempt", Command::RetryNow(destination.id)),
            (
                "Cancel",
                true,
                "Stop reconnecting; the stream to this destination is over",
                Command::GiveUp(destination.id),
            ),
        ] {
            let response = Button { label, icon: None, chosen: None, enabled, tooltip }.show(ui, theme);
            pass.control(&response, || command);
        }
    });
}

fn taken_over(ui: &mut Ui, pass: &mut Pass<'_>) {
    let theme = pass.theme;
    let others = pass.view.destinations.iter().any(|other| other.state.is_under_way());
    if others {
        paragraph(ui, Words::new(theme).second("The other destinations go on."));
        if pass.view.pairing.can_take_over {
            // The red button stops what goes on.
            ui.add_space(2.0);
            second_pc::take_over(ui, pass);
        }
        return;
    }
    ui.add_space(2.0);
    let button = Button {
        label: "Leave it to the other PC",
        icon: None,
        chosen: None,
        enabled: true,
        tooltip: "End this stream; the other PC keeps the channel",
    };
    let response = button.show(ui, theme);
    pass.control(&response, || Command::StopLive);
}
