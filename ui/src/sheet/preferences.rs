//! What is wanted of the ladder, each with an Auto that says what it means now; and stream, key and server beside it.

use control::{Command, Preferences, PreferencesView};
use egui::{Context, DragValue, Role, Ui, UiBuilder};
use units::Kbps;

use super::{
    Sheets, Surface, control, desktop_preferences, footer_row, server, stream_key, stream_preferences,
};
use crate::figures;
use crate::pass::Pass;
use crate::theme::CORNER_SMALL;
use crate::widget::{Button, Words, focus_ring, group, paragraph};

/// Limits that can be set, in kbps: from the smallest ladder that is of use to more than IVS takes.
const LIMIT_KBPS: std::ops::RangeInclusive<u32> = 500..=20_000;
/// The limit that is offered first where nothing is known, in kbps.
const FIRST_LIMIT: Kbps = Kbps(6_000);

/// What the hand did, until the engine says something else.
#[derive(Debug, Default)]
pub(super) struct Draft {
    shown: Preferences,
    said: Preferences,
}

impl Draft {
    fn observe(&mut self, view: &PreferencesView) {
        if self.said != view.chosen {
            self.said.clone_from(&view.chosen);
            self.shown.clone_from(&view.chosen);
        }
    }
}

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    sheets.preferences.observe(&pass.view.preferences);
    if sheets.preferences_before.is_none() {
        sheets.preferences_before = Some(sheets.preferences.shown.clone());
    }
    let surface = Surface {
        title: "Preferences",
        below: "What the next stream is made of. Auto leaves it to the service and to this computer.",
        keeps: false,
    };
    let mut done = false;
    let left = surface.show(ctx, pass, sheets, contents, |ui, pass, sheets| {
        let theme = pass.theme;
        let words = if pass.view.is_under_way() {
            "The stream that is on air keeps its renditions."
        } else {
            "Changes count at once."
        };
        footer_row(ui, Words::new(theme).second(words), |ui| {
            let tooltip = "Close this (Escape)";
            let button = Button { label: "Done", icon: None, chosen: None, enabled: true, tooltip };
            let response = button.show(ui, theme);
            done = control(ui, pass, sheets, &response);
        });
    });
    if left || done {
        sheets.open.pop();
        let before = sheets.preferences_before.take();
        let now = of_the_ladder(&sheets.preferences.shown);
        let changed = before.is_some_and(|before| of_the_ladder(&before) != now);
        if changed && sheets.is_going_live() && pass.view.servers.has_key {
            pass.commands.push(Command::PrepareLive);
        }
    }
}

fn contents(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let view = &pass.view.preferences;
    let mut wanted = sheets.preferences.shown.clone();
    renditions(ui, pass, sheets, &mut wanted);
    output(ui, pass, sheets, view, &mut wanted);
    rate(ui, pass, sheets, view, &mut wanted);
    tracks(ui, pass, sheets, view, &mut wanted);
    bitrate(ui, pass, sheets, view, &mut wanted);
    stream_preferences::rows(ui, pass, sheets, view, &mut wanted);
    if wanted != sheets.preferences.shown {
        sheets.preferences.shown.clone_from(&wanted);
        pass.commands.push(Command::SetPreferences(wanted));
    }
    stream_key::show(ui, pass, sheets);
    server::show(ui, pass, sheets);
    desktop_preferences::recordings(ui, pass, sheets);
    desktop_preferences::hotkeys(ui, pass, sheets);
    stream_preferences::ways(ui, pass, sheets);
}

/// What the service is asked for; the rest of the preferences changes nothing about it.
fn of_the_ladder(preferences: &Preferences) -> Preferences {
    Preferences {
        multitrack: preferences.multitrack,
        output: preferences.output,
        rate: preferences.rate,
        max_tracks: preferences.max_tracks,
        max_bitrate: preferences.max_bitrate,
        ..Preferences::default()
    }
}

/// One of the choices of a row.
pub(super) struct Choice<'a> {
    pub(super) label: &'a str,
    pub(super) chosen: bool,
    pub(super) enabled: bool,
    pub(super) tooltip: &'a str,
}

/// Shows one of the choices; whether it was pressed.
pub(super) fn choice(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, choice: &Choice<'_>) -> bool {
    let button = Button {
        label: choice.label,
        icon: None,
        chosen: Some(choice.chosen),
        enabled: choice.enabled,
        tooltip: choice.tooltip,
    };
    let response = button.show(ui, pass.theme);
    // The keyboard comes to what is chosen.
    let waits = sheets.wants_focus && !choice.chosen;
    sheets.wants_focus &= choice.chosen;
    let pressed = control(ui, pass, sheets, &response);
    sheets.wants_focus |= waits;
    pressed
}

/// A row of choices under its title.
pub(super) fn row(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    title: &str,
    choices: impl FnOnce(&mut Ui, &mut Pass<'_>, &mut Sheets),
) {
    group(ui, UiBuilder::new(), Role::RadioGroup, title, |ui| {
        paragraph(ui, Words::new(pass.theme).strong(title));
        ui.add_space(2.0);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(6.0, 6.0);
            choices(ui, pass, sheets);
        });
        ui.add_space(10.0);
    });
}

/// The words of an Auto.
pub(super) fn auto(means: &str) -> String {
    if means.is_empty() { String::from("Auto") } else { format!("Auto: {means}") }
}

fn renditions(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, wanted: &mut Preferences) {
    row(ui, pass, sheets, "Renditions", |ui, pass, sheets| {
        for (several, label, tooltip) in [
            (false, "One", "One rendition; the service makes smaller ones of it where the channel says so"),
            (
                true,
                "Several (multitrack video)",
                "This computer sends every quality itself, as the service configures it",
            ),
        ] {
            let one = Choice { label, chosen: wanted.multitrack == several, enabled: true, tooltip };
            if choice(ui, pass, sheets, &one) {
                wanted.multitrack = several;
            }
        }
    });
}

fn output(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    row(ui, pass, sheets, "Output resolution", |ui, pass, sheets| {
        let label = auto(&view.auto_output);
        let tooltip = "The largest picture that makes sense";
        let auto = Choice { label: &label, chosen: wanted.output.is_none(), enabled: true, tooltip };
        if choice(ui, pass, sheets, &auto) {
            wanted.output = None;
        }
        for &size in &view.output_choices {
            let label = figures::size(size);
            let chosen = wanted.output == Some(size);
            let tooltip = "Size of the largest rendition";
            if choice(ui, pass, sheets, &Choice { label: &label, chosen, enabled: true, tooltip }) {
                wanted.output = Some(size);
            }
        }
    });
}

fn rate(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    row(ui, pass, sheets, "Frame rate", |ui, pass, sheets| {
        let label = auto(&view.auto_rate);
        let tooltip = "The rate of the programme";
        let auto = Choice { label: &label, chosen: wanted.rate.is_none(), enabled: true, tooltip };
        if choice(ui, pass, sheets, &auto) {
            wanted.rate = None;
        }
        for &rate in &view.rate_choices {
            let label = format!("{} per second", figures::rate(rate));
            let chosen = wanted.rate == Some(rate);
            let tooltip = "Pictures per second of the largest rendition";
            if choice(ui, pass, sheets, &Choice { label: &label, chosen, enabled: true, tooltip }) {
                wanted.rate = Some(rate);
            }
        }
    });
}

fn tracks(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    let enabled = wanted.multitrack;
    row(ui, pass, sheets, "Maximum video tracks", |ui, pass, sheets| {
        let label = auto(&view.auto_tracks);
        let tooltip = "As many renditions as the service grants";
        let auto = Choice { label: &label, chosen: wanted.max_tracks.is_none(), enabled, tooltip };
        if choice(ui, pass, sheets, &auto) {
            wanted.max_tracks = None;
        }
        for tracks in 1..=view.tracks_limit {
            let label = if tracks == 1 { String::from("1 track") } else { format!("{tracks} tracks") };
            let chosen = wanted.max_tracks == Some(tracks);
            let tooltip = "The most renditions that are sent; each takes an encoder";
            if choice(ui, pass, sheets, &Choice { label: &label, chosen, enabled, tooltip }) {
                wanted.max_tracks = Some(tracks);
            }
        }
    });
}

fn bitrate(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    let total = pass.view.ladder.total;
    row(ui, pass, sheets, "Maximum bitrate", |ui, pass, sheets| {
        let label = auto(&view.auto_bitrate);
        let tooltip = "As much as the renditions need";
        let auto = Choice { label: &label, chosen: wanted.max_bitrate.is_none(), enabled: true, tooltip };
        if choice(ui, pass, sheets, &auto) {
            wanted.max_bitrate = None;
        }
        let limited = wanted.max_bitrate.is_some();
        let tooltip = "All renditions together never take more";
        let limit = Choice { label: "Limit", chosen: limited, enabled: true, tooltip };
        if choice(ui, pass, sheets, &limit) && !limited {
            wanted.max_bitrate = Some(if total == Kbps(0) { FIRST_LIMIT } else { total });
        }
        if let Some(Kbps(kbps)) = &mut wanted.max_bitrate {
            let field = DragValue::new(kbps)
                .range(LIMIT_KBPS)
                .clamp_existing_to_range(true)
                .speed(25.0)
                .suffix(" kbps")
                .update_while_editing(false);
            let response = ui.add(field).accessible_name("Maximum bitrate in kbps");
            focus_ring(ui, pass.theme, &response, CORNER_SMALL);
            control(ui, pass, sheets, &response);
            response.on_hover_text("Type a number and press Enter, or drag to the left and right");
        }
    });
}
