//! Where the broadcast goes: the channel first, others beside it, each with a way to remove it, and one more to add.

use control::{Command, DestinationView, LiveState};
use egui::{Context, TextEdit, Ui};

use super::stream_key::below_title;
use super::{Sheets, Surface, control, footer_row};
use crate::hold_gate::HoldGate;
use crate::light;
use crate::pass::Pass;
use crate::theme::CORNER_SMALL;
use crate::widget::{Button, Mark, SecretField, Words, focus_ring, line, quiet_button};

const FIELD: &str = "Address of the destination";
/// The longest name, in characters.
const MOST_NAME: usize = 60;

/// What the sheet remembers while it is open.
#[derive(Debug, Default)]
pub(super) struct Adding {
    name: String,
    address: SecretField,
    /// The destination whose removal was clicked first.
    removing: Option<(u32, HoldGate)>,
}

impl Adding {
    /// The sheet was closed: what was typed is not kept.
    pub(super) fn forget(&mut self, ctx: &Context) {
        self.address.forget(ctx, FIELD);
        *self = Self::default();
    }
}

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let surface = Surface {
        title: "Destinations",
        below: "One encode feeds all of them. Each has its own queue and reconnects by itself; none waits for another.",
        keeps: true,
    };
    let mut done = false;
    let left = surface.show(ctx, pass, sheets, contents, |ui, pass, sheets| {
        let theme = pass.theme;
        let words = "SRT takes one rendition: several go over RTMP only.";
        footer_row(ui, Words::new(theme).second(words), |ui| {
            let tooltip = "Close this (Escape)";
            let button = Button { label: "Done", icon: None, chosen: None, enabled: true, tooltip };
            let response = button.show(ui, theme);
            done = control(ui, pass, sheets, &response);
        });
    });
    if left || done {
        sheets.open.pop();
    }
}

fn contents(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    if pass.view.destination().is_none() {
        let words = Words::new(theme).text("None is set up yet. Preferences has its key and its server.");
        line(ui, theme, Mark::Look, "Channel", words, |_| {});
    }
    for destination in &pass.view.destinations {
        one(ui, pass, sheets, destination);
    }
    add(ui, pass, sheets);
}

fn one(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, destination: &DestinationView) {
    let theme = pass.theme;
    let state = destination.state;
    let mark = match state {
        LiveState::Live => Mark::Good,
        LiveState::Connecting | LiveState::Accepted | LiveState::Stopping => Mark::Busy,
        LiveState::Off => Mark::Plain,
        _ => Mark::Look,
    };
    let tracks = match destination.tracks {
        0 => String::new(),
        1 => String::from(" · one rendition"),
        count => format!(" · {count} renditions"),
    };
    let word = light::word_of(state, pass.view.is_rehearsal);
    let mut words = Words::new(theme).text(&word).second(&format!("{tracks}\n{}", destination.address));
    let sentence = light::sentence(pass.view, destination);
    if !sentence.is_empty() {
        words = words.text(&format!("\n{sentence}"));
    }
    line(ui, theme, mark, &destination.name, words, |ui| {
        if !destination.is_main() {
            remove(ui, pass, sheets, destination);
        }
    });
}

/// Removing what is under way ends a stream that somebody may be watching: it takes a second click.
fn remove(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, destination: &DestinationView) {
    let theme = pass.theme;
    let id = destination.id;
    let under_way = destination.state.is_under_way();
    let mut gate =
        sheets.adding.removing.filter(|&(of, _)| of == id).map_or(HoldGate::Idle, |(_, gate)| gate);
    let label = if gate.is_armed() { "click again" } else { "remove" };
    let tooltip =
        if under_way { "End the stream to it and forget it; click twice" } else { "Forget it, its key too" };
    let name = format!("{label}: {}", destination.name);
    let response = quiet_button(ui, theme, label, &name, true, tooltip);
    let clicked = control(ui, pass, sheets, &response);
    let acts = if under_way { gate.step(pass.now_secs, false, clicked) } else { clicked };
    if gate.is_armed() {
        sheets.adding.removing = Some((id, gate));
    } else if sheets.adding.removing.is_some_and(|(of, _)| of == id) {
        sheets.adding.removing = None;
    }
    if acts {
        pass.commands.push(Command::RemoveDestination(id));
    }
}

fn add(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let words = if pass.view.is_under_way() {
        "RTMP, RTMPS or SRT. It goes live there as soon as it is added."
    } else {
        "RTMP, RTMPS or SRT. It goes live with the channel."
    };
    line(ui, theme, Mark::Plain, "One more", Words::new(theme).second(words), |_| {});
    let mut adding = std::mem::take(&mut sheets.adding);
    below_title(ui, |ui| {
        let field = TextEdit::singleline(&mut adding.name)
            .hint_text("Name")
            .char_limit(MOST_NAME)
            .desired_width(110.0);
        let response = ui.add(field).accessible_name("Name of the destination");
        focus_ring(ui, theme, &response, CORNER_SMALL);
        control(ui, pass, sheets, &response);
        let width = (ui.available_width() - 82.0).max(80.0);
        // Addresses are pasted with keys and passphrases in them.
        let (response, by_enter) = adding.address.show(ui, theme, FIELD, "Address with its key", true, width);
        control(ui, pass, sheets, &response);
        let button = Button {
            label: "Add",
            icon: None,
            chosen: None,
            enabled: !adding.address.is_empty(),
            tooltip: "Hand the address to Genlock; the field is emptied (Enter)",
        };
        let response = button.show(ui, theme);
        if (control(ui, pass, sheets, &response) || by_enter) && !adding.address.is_empty() {
            let name = std::mem::take(&mut adding.name).trim().to_owned();
            let address = adding.address.take(ui.ctx(), FIELD);
            pass.commands.push(Command::AddDestination { name, address });
        }
    });
    sheets.adding = adding;
}
