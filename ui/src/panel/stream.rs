//! How it is going: the red button, and below it the cards about upload, ladder, recording and problems.

use control::{Command, LiveState};
use egui::{ScrollArea, Ui};

use super::{problems, recording, renditions, upload};
use crate::focus::Region;
use crate::pass::Pass;
use crate::widget::{HoldButton, hold_button};

/// Shows the panel.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    pass.focus.enter(Region::Stream);
    red_button(ui, pass);
    ui.add_space(6.0);
    // Problems follow the cards, yet stay in sight where there is little room: one glance answers.
    let height_id = ui.scope_id().with("problems height");
    let wanted = ui.data(|data| data.get_temp::<f32>(height_id)).unwrap_or(0.0);
    let problems_height = wanted.min(ui.available_height() * 0.5);
    let cards_height = ui.available_height() - problems_height;
    ScrollArea::vertical().id_salt("cards").max_height(cards_height).auto_shrink([false, true]).show(
        ui,
        |ui| {
            upload::show(ui, pass);
            renditions::show(ui, pass);
            recording::show(ui, pass);
        },
    );
    let problems = ScrollArea::vertical().id_salt("problems").auto_shrink([false, true]).show(ui, |ui| {
        problems::show(ui, pass);
    });
    let now = if pass.view.problems.is_empty() {
        0.0
    } else {
        problems.content_size.y + ui.spacing().item_spacing.y
    };
    if (now - wanted).abs() > 0.5 {
        ui.data_mut(|data| data.insert_temp(height_id, now));
        ui.ctx().request_repaint();
    }
}

/// What the red button does in a state: its words, what it says after a first click, what it asks for.
struct Act {
    label: &'static str,
    again: &'static str,
    tooltip: &'static str,
    command: Option<Command>,
}

fn act(state: LiveState, rehearsal: bool, has_destination: bool) -> Act {
    let (label, again, tooltip, command) = match (state, rehearsal) {
        (LiveState::Stopping, _) => ("Stopping", "", "Saying goodbye to the service", None),
        (LiveState::Live | LiveState::Degraded, true) => (
            "End rehearsal",
            "Click again to end it",
            "Hold for 0.6 s, or click twice, to end the rehearsal (Ctrl+Shift+L)",
            Some(Command::StopLive),
        ),
        (LiveState::Live | LiveState::Degraded | LiveState::Connecting, _) => (
            "Stop",
            "Click again to stop",
            "Hold for 0.6 s, or click twice, to end the stream (Ctrl+Shift+L)",
            Some(Command::StopLive),
        ),
        (_, _) if !has_destination => ("Go live", "", "There is no destination to go live to yet", None),
        (_, true) => (
            "Rehearse",
            "Click again to rehearse",
            "Hold for 0.6 s, or click twice, to go live to the rehearsal ingest; nobody sees it (Ctrl+Shift+L)",
            Some(Command::GoLive),
        ),
        (_, false) => (
            "Go live",
            "Click again to go live",
            "Hold for 0.6 s, or click twice, to go live (Ctrl+Shift+L)",
            Some(Command::GoLive),
        ),
    };
    Act { label, again, tooltip, command }
}

/// What Ctrl+Shift+L does now: the same as the red button.
pub(crate) fn key_act(pass: &Pass<'_>) -> Option<Command> {
    act(pass.live_state(), pass.view.is_rehearsal, pass.view.destination.is_some()).command
}

fn red_button(ui: &mut Ui, pass: &mut Pass<'_>) {
    let theme = pass.theme;
    let act = act(pass.live_state(), pass.view.is_rehearsal, pass.view.destination.is_some());
    let stops = act.command == Some(Command::StopLive);
    if pass.memory.hold_stops != stops {
        // A hold or first click that was meant to go live must not stop, and the other way round.
        pass.memory.hold.disarm();
        pass.memory.hold_stops = stops;
    }
    let (fill, ink) = if pass.view.is_rehearsal {
        (theme.accent, theme.accent_text)
    } else {
        (theme.on_air, theme.on_air_text)
    };
    let button = HoldButton {
        label: act.label,
        again: act.again,
        fill,
        ink,
        enabled: act.command.is_some(),
        tooltip: act.tooltip,
    };
    let (response, acts) = hold_button(ui, theme, &mut pass.memory.hold, pass.now_secs, &button);
    pass.focus.note(&response);
    if let Some(command) = act.command.filter(|_| acts) {
        pass.commands.push(command);
    }
}
