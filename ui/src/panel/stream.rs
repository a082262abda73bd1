//! How it is going: the red button, and below it the cards about upload, ladder, recording and problems.

use control::{Command, LiveState, View};
use egui::{ScrollArea, Ui};

use super::{destinations, light, problems, recording, renditions, second_pc, upload};
use crate::focus::Region;
use crate::pass::Pass;
use crate::sheet;
use crate::widget::{HoldButton, hold_button, opening_button};

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
    pass.memory.take_over_shown = false;
    ScrollArea::vertical().id_salt("cards").max_height(cards_height).auto_shrink([false, true]).show(
        ui,
        |ui| {
            light::show(ui, pass);
            upload::show(ui, pass);
            destinations::show(ui, pass);
            renditions::show(ui, pass);
            second_pc::show(ui, pass);
            recording::show(ui, pass);
        },
    );
    if !pass.memory.take_over_shown {
        // A hold does not outlive its button.
        pass.memory.take_over.disarm();
    }
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

/// What the red button is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    /// Nothing at the moment.
    Nothing,
    /// A public act, which takes a hold.
    Ask(Command),
    /// To look at everything before going live, which is no public act.
    OpenSheet,
}

/// What the red button does in a state: its words, what it says after a first click, what it asks for.
struct Act {
    label: &'static str,
    again: &'static str,
    tooltip: &'static str,
    purpose: Purpose,
}

fn act(view: &View) -> Act {
    let (rehearsal, has_destination) = (view.is_rehearsal, view.destination().is_some());
    let (label, again, tooltip, purpose) = match (view.live_state(), rehearsal) {
        (LiveState::Stopping, _) => ("Stopping", "", "Saying goodbye to the service", Purpose::Nothing),
        (LiveState::Live | LiveState::Degraded | LiveState::Accepted | LiveState::Reconnecting, true) => (
            "End rehearsal",
            "Click again to end it",
            "Hold for 0.6 s, or click twice, to end the rehearsal (Ctrl+Shift+L)",
            Purpose::Ask(Command::StopLive),
        ),
        // Also where only another destination is under way: what was started can be stopped.
        _ if view.is_under_way() => (
            "Stop",
            "Click again to stop",
            "Hold for 0.6 s, or click twice, to end the stream everywhere (Ctrl+Shift+L)",
            Purpose::Ask(Command::StopLive),
        ),
        (LiveState::TakenOver, _) if view.pairing.can_take_over => (
            "Take back",
            "Click again to take back",
            "Hold for 0.6 s, or click twice, to stream from this PC in place of the other (Ctrl+Shift+L)",
            Purpose::Ask(Command::TakeOver),
        ),
        (_, true) if view.go_live_sheet => (
            "Rehearse…",
            "",
            "Look at key, renditions and server, then rehearse (Ctrl+Shift+L)",
            Purpose::OpenSheet,
        ),
        (_, false) if view.go_live_sheet => (
            "Go live…",
            "",
            "Look at key, renditions and server, then go live (Ctrl+Shift+L)",
            Purpose::OpenSheet,
        ),
        (_, _) if !has_destination => {
            ("Go live", "", "There is no destination to go live to yet", Purpose::Nothing)
        }
        (_, true) => (
            "Rehearse",
            "Click again to rehearse",
            "Hold for 0.6 s, or click twice, to go live to the rehearsal ingest; nobody sees it (Ctrl+Shift+L)",
            Purpose::Ask(Command::GoLive),
        ),
        (_, false) => (
            "Go live",
            "Click again to go live",
            "Hold for 0.6 s, or click twice, to go live (Ctrl+Shift+L)",
            Purpose::Ask(Command::GoLive),
        ),
    };
    Act { label, again, tooltip, purpose }
}

/// What Ctrl+Shift+L does now: the same as the red button, or as the button of the sheet that the red one opened.
pub(crate) fn key_act(pass: &Pass<'_>) -> Purpose {
    let purpose = act(pass.view).purpose;
    if purpose == Purpose::OpenSheet && pass.memory.sheets.is_going_live() {
        return sheet::key_act(pass).map_or(Purpose::Nothing, Purpose::Ask);
    }
    purpose
}

fn red_button(ui: &mut Ui, pass: &mut Pass<'_>) {
    let theme = pass.theme;
    let act = act(pass.view);
    if pass.memory.hold_purpose != act.purpose {
        // A hold or first click that was meant to go live must not stop or take over, and the other way round.
        pass.memory.hold.disarm();
        pass.memory.hold_purpose = act.purpose.clone();
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
        enabled: act.purpose != Purpose::Nothing,
        tooltip: act.tooltip,
    };
    if act.purpose == Purpose::OpenSheet {
        pass.memory.hold.disarm();
        let response = opening_button(ui, theme, &button);
        pass.focus.note(&response);
        if response.clicked() {
            sheet::open_go_live(pass);
        }
        return;
    }
    let (response, acts) = hold_button(ui, theme, &mut pass.memory.hold, pass.now_secs, &button);
    pass.focus.note(&response);
    if let Purpose::Ask(command) = act.purpose
        && acts
    {
        pass.commands.push(command);
    }
}
