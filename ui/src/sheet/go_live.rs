//! The sheet before the show: everything that going live needs, line by line, each with its own way to mend it.

use control::{Command, DeviceState, LadderStep, RecordingState, View};
use egui::{Context, Ui, vec2};
use units::Span;

use super::{Sheet, Sheets, Surface, control, footer_row, ladder, server, stream_key, stream_preferences};
use crate::figures;
use crate::pass::Pass;
use crate::widget::{Button, HoldButton, Mark, Words, hold_button, line, quiet_button};

/// Less room for the recording than this is told before going live.
const SCARCE_ROOM: Span = Span::from_secs(3_600);
/// Width of the button that goes live, in points.
const BUTTON_WIDTH: f32 = 190.0;
/// Width of the button that takes over, in points.
const TAKE_OVER_WIDTH: f32 = 170.0;
/// How often the words about the sound change at most, in seconds.
const SAID_STEP_SECS: f64 = 1.0;

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let view = pass.view;
    let title = if view.is_rehearsal { "Rehearse" } else { "Go live" };
    let below = match (view.destination(), view.is_rehearsal) {
        (_, true) => format!("“{}” · to the rehearsal ingest; nobody is watching", view.collection),
        (Some(destination), _) => format!("“{}” · {}", view.collection, destination.address),
        (None, _) => format!("“{}”", view.collection),
    };
    let surface = Surface { title, below: &below, keeps: false };
    let mut left = surface.show(ctx, pass, sheets, lines, |ui, pass, sheets| {
        if footer(ui, pass, sheets) {
            sheets.open.clear();
        }
    });
    left &= !sheets.open.is_empty();
    if left {
        cancel(pass, sheets);
    }
}

fn cancel(pass: &mut Pass<'_>, sheets: &mut Sheets) {
    sheets.open.clear();
    pass.commands.push(Command::CancelPrepare);
}

fn lines(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    stream_key::show(ui, pass, sheets);
    asked_for(ui, pass, sheets);
    granted(ui, pass, sheets);
    stream_preferences::upload_line(ui, pass, sheets);
    server::show(ui, pass, sheets);
    if pass.view.pairing.paired.is_some() {
        stream_preferences::second_pc_line(ui, pass, sheets);
    }
    others(ui, pass, sheets);
    sources(ui, pass);
    sound(ui, pass, sheets);
    recording(ui, pass, sheets);
}

fn asked_for(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, view) = (pass.theme, pass.view);
    let multitrack = view.preferences.chosen.multitrack;
    let words = match (view.ladder.requested.as_str(), multitrack) {
        ("", true) => "As many renditions as the service grants.",
        ("", false) => "One rendition.",
        (requested, _) => requested,
    };
    line(ui, theme, Mark::Plain, "Asked for", Words::new(theme).second(words), |ui| {
        let tooltip = "Size, frame rate, renditions and bitrate (Ctrl+,)";
        let response = quiet_button(ui, theme, "change", "change: what is asked for", true, tooltip);
        if control(ui, pass, sheets, &response) {
            sheets.open(Sheet::Preferences);
        }
    });
}

fn granted(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, view) = (pass.theme, pass.view);
    let (mark, words) = ladder::state(theme, view);
    let (asks, has_key) = (view.preferences.chosen.multitrack, view.servers.has_key);
    line(ui, theme, mark, "Granted", words, |ui| {
        let action = match view.ladder.step {
            LadderStep::Granted if !view.ladder.granted.is_empty() => {
                Some(("why these?", "Requested against granted, setting by setting"))
            }
            LadderStep::NotAsked if asks && has_key => {
                Some(("ask now", "Ask for the renditions; nobody sees anything"))
            }
            LadderStep::Refused | LadderStep::Unreachable if has_key => {
                Some(("ask again", "Ask for the renditions once more; nobody sees anything"))
            }
            _ => None,
        };
        if let Some((label, tooltip)) = action {
            let response = quiet_button(ui, theme, label, label, true, tooltip);
            if control(ui, pass, sheets, &response) {
                match view.ladder.step {
                    LadderStep::Granted => sheets.open(Sheet::Ladder),
                    _ => pass.commands.push(Command::PrepareLive),
                }
            }
        }
    });
    if let Some(track) = ladder::cards(ui, pass, sheets, None) {
        sheets.track = track;
        sheets.open(Sheet::Ladder);
    }
}

/// Where it goes beside the channel.
fn others(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let others = pass.view.destinations.iter().filter(|destination| !destination.is_main());
    let names: Vec<&str> = others.map(|destination| destination.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let words = Words::new(theme).second(&format!("{}, at the same time.", names.join(", ")));
    line(ui, theme, Mark::Plain, "Also to", words, |ui| {
        let tooltip = "Add a destination, or remove one";
        let response = quiet_button(ui, theme, "change", "change: destinations", true, tooltip);
        if control(ui, pass, sheets, &response) {
            sheets.open(Sheet::Destinations);
        }
    });
}

/// What is missing, where something is.
fn sources(ui: &mut Ui, pass: &Pass<'_>) {
    let theme = pass.theme;
    let items = pass.view.items.iter().map(|item| (&item.name, &item.state));
    let strips = pass.view.meters.iter().map(|strip| (&strip.name, &strip.state));
    let lost: Vec<String> = items
        .chain(strips)
        .filter_map(|(name, state)| match state {
            DeviceState::Lost { reason } if reason.is_empty() => Some(format!("{name} is lost")),
            DeviceState::Lost { reason } => Some(format!("{name} is lost: {reason}")),
            _ => None,
        })
        .collect();
    if !lost.is_empty() {
        let words = Words::new(theme).text(&format!("{}.", lost.join(". ")));
        line(ui, theme, Mark::Look, "Sources", words, |_| {});
    }
}

/// Whether anything is heard, and what is muted.
fn sound(ui: &mut Ui, pass: &Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let Some(master) = pass.view.meters.iter().find(|strip| strip.source.is_none()) else { return };
    let peak_db = master.levels.peak_hold_db.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let heard = peak_db > -60.0;
    let now = if heard {
        format!("Heard just now at {} dB", figures::level(peak_db))
    } else {
        String::from("Nothing is heard at the moment")
    };
    let said = match &sheets.sound_said {
        Some((at, said)) if (0.0..SAID_STEP_SECS).contains(&(pass.now_secs - at)) => said.clone(),
        _ => {
            sheets.sound_said = Some((pass.now_secs, now.clone()));
            now
        }
    };
    let muted: Vec<&str> =
        pass.view.meters.iter().filter(|strip| strip.muted).map(|strip| strip.name.as_str()).collect();
    let muted = match muted.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} is muted"),
        [most @ .., last] => format!("; {} and {last} are muted", most.join(", ")),
    };
    let mark = if heard { Mark::Good } else { Mark::Look };
    line(ui, theme, mark, "Sound", Words::new(theme).second(&format!("{said}{muted}.")), |_| {});
}

fn recording(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, recording) = (pass.theme, &pass.view.recording);
    let room = recording.room_left.map(|left| format!(", room for {}", figures::room(left)));
    let room = room.unwrap_or_default();
    let scarce = recording.room_left.is_some_and(|left| left < SCARCE_ROOM);
    let (mark, words, starts) = match recording.state {
        RecordingState::Recording => (Mark::Good, format!("Being written{room}."), false),
        RecordingState::Finishing => (Mark::Busy, String::from("The last file is being finished."), false),
        RecordingState::Failed => (Mark::Look, String::from("The last one failed."), true),
        _ if recording.folder.is_empty() => (Mark::Plain, String::from("Off."), true),
        _ => (Mark::Plain, format!("Off. It would go to {}{room}.", recording.folder), true),
    };
    let mark = if scarce && mark == Mark::Good { Mark::Look } else { mark };
    line(ui, theme, mark, "Recording", Words::new(theme).second(&words), |ui| {
        if starts {
            let tooltip = "Record the same picture and sound to disk (Ctrl+Shift+R)";
            let response = quiet_button(ui, theme, "start", "start: recording", true, tooltip);
            if control(ui, pass, sheets, &response) {
                pass.commands.push(Command::StartRecording);
            }
        }
    });
}

/// The button that takes the channel over from another computer; whether it was held.
fn take_over(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, hindrance: Option<&str>) -> bool {
    let theme = pass.theme;
    let differs = pass.view.pairing.paired.as_ref().is_some_and(|paired| !paired.differences.is_empty());
    let button = HoldButton {
        label: if pass.view.pairing.take_back { "Take back" } else { "Take over" },
        again: "Click again",
        fill: theme.accent,
        ink: theme.accent_text,
        enabled: hindrance.is_none() && !differs,
        tooltip: match hindrance {
            Some(hindrance) => hindrance,
            None if differs => "Resolution, codecs and number of tracks must be those of the other PC",
            None => "Hold for 0.6 s, or click twice, to stream from this PC in place of the other",
        },
    };
    let shown = ui.allocate_ui(vec2(TAKE_OVER_WIDTH, 40.0), |ui| {
        hold_button(ui, theme, &mut sheets.take_over, pass.now_secs, &button)
    });
    let (response, acts) = shown.inner;
    control(ui, pass, sheets, &response);
    acts
}

/// The bottom of the sheet; whether it went live.
fn footer(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) -> bool {
    let (theme, rehearsal) = (pass.theme, pass.view.is_rehearsal);
    let hindrance = hindrance(pass.view);
    let words = hindrance.unwrap_or(if rehearsal {
        "A rehearsal is never public."
    } else {
        "Nothing is public until you hold the button."
    });
    let mut goes = false;
    let mut takes = false;
    footer_row(ui, Words::new(theme).second(words), |ui| {
        let cancel_button = Button {
            label: "Cancel",
            icon: None,
            chosen: None,
            enabled: true,
            tooltip: "Close this and stop getting ready (Escape)",
        };
        let response = cancel_button.show(ui, theme);
        if control(ui, pass, sheets, &response) {
            cancel(pass, sheets);
        }
        if pass.view.pairing.can_take_over {
            takes = take_over(ui, pass, sheets, hindrance);
        }
        let (fill, ink) =
            if rehearsal { (theme.accent, theme.accent_text) } else { (theme.on_air, theme.on_air_text) };
        let button = HoldButton {
            label: if rehearsal { "Rehearse" } else { "Go live" },
            again: "Click again",
            fill,
            ink,
            enabled: hindrance.is_none(),
            tooltip: hindrance.unwrap_or(if rehearsal {
                "Hold for 0.6 s, or click twice, to go live to the rehearsal ingest; nobody sees it (Ctrl+Shift+L)"
            } else {
                "Hold for 0.6 s, or click twice, to go live (Ctrl+Shift+L)"
            }),
        };
        let shown = ui.allocate_ui(vec2(BUTTON_WIDTH, 40.0), |ui| {
            hold_button(ui, theme, &mut sheets.hold, pass.now_secs, &button)
        });
        let (response, acts) = shown.inner;
        control(ui, pass, sheets, &response);
        goes = acts;
    });
    if takes {
        pass.commands.push(Command::TakeOver);
    } else if goes {
        pass.commands.push(Command::GoLive);
    }
    takes || goes
}

/// What stands in the way of going live, in one sentence; `None` when nothing does.
pub(super) fn hindrance(view: &View) -> Option<&'static str> {
    if !view.servers.has_key {
        return Some("Enter the stream key first.");
    }
    if view.destination().is_none() {
        return Some("Choose a server first.");
    }
    if view.question.is_some() {
        return Some("There is a question to answer first.");
    }
    match view.ladder.step {
        LadderStep::Asking { .. } => Some("The renditions are being asked for. You can cancel at any time."),
        LadderStep::Testing => Some("The encoders are being tried. You can cancel at any time."),
        LadderStep::Refused => Some("The renditions were refused. Change what is asked for, or ask again."),
        LadderStep::Unreachable => Some("Ask again, or change what is asked for to one rendition."),
        LadderStep::NotAsked if view.preferences.chosen.multitrack => Some("Ask for the renditions first."),
        LadderStep::NotAsked | LadderStep::Granted => None,
    }
}
