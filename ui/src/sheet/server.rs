//! The server: where the stream will go, the menu to choose from, and the field for an address of one's own.

use control::{Command, ServerChoice, ServerEntry};
use egui::{Context, ScrollArea, Ui};

use super::stream_key::below_title;
use super::{Sheets, control};
use crate::icon::Icon;
use crate::pass::Pass;
use crate::theme::{CORNER_SMALL, Theme};
use crate::widget::{Button, Mark, SecretField, Words, focus_ring, icon_button, line, menu_button};

const FIELD: &str = "Address of the server";

/// What a menu was asked for.
enum Picked {
    Choice(ServerChoice),
    OwnAddress,
    Refresh,
}

/// Shows the line.
pub(super) fn show(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, view) = (pass.theme, pass.view);
    let servers = &view.servers;
    let address = view.destination().map_or("", |destination| destination.address.as_str());
    let leads_to = if servers.leads_to.is_empty() { address } else { &servers.leads_to };
    let chosen = servers.entries.iter().find(|entry| is_chosen(entry, &servers.chosen));
    let mut words = Words::new(theme);
    let mark = match (leads_to, chosen.is_none_or(|entry| entry.available)) {
        ("", true) if chosen.is_none() => Mark::Look,
        (_, true) => Mark::Good,
        (_, false) => Mark::Look,
    };
    words = match (chosen, leads_to) {
        (None, "") => words.text("None is chosen yet."),
        (None, to) => words.second(to),
        (Some(entry), "") => words.second(&entry.label),
        (Some(entry), to) => words.second(&entry.label).second(": ").text(to),
    };
    if !servers.note.is_empty() {
        words = words.second(&format!("\n{}", servers.note));
    }
    let mut picked = None;
    line(ui, theme, mark, "Server", words, |ui| {
        if servers.entries.is_empty() {
            return;
        }
        let words = Words::new(theme).text("change");
        let tooltip = "Choose the server that the stream goes to";
        let response = menu_button(ui, theme, "change: server", words, tooltip, |ui| {
            picked = menu(ui, theme, &servers.entries, &servers.chosen);
        });
        control(ui, pass, sheets, &response);
    });
    match picked {
        Some(Picked::Choice(choice)) => {
            forget(ui.ctx(), sheets);
            pass.commands.push(Command::ChooseServer(choice));
        }
        Some(Picked::OwnAddress) => {
            sheets.address = Some(SecretField::default());
            sheets.address_shown = false;
            sheets.calls_field = true;
        }
        Some(Picked::Refresh) => pass.commands.push(Command::RefreshServers),
        None => {}
    }
    own_address(ui, pass, sheets);
}

fn is_chosen(entry: &ServerEntry, chosen: &ServerChoice) -> bool {
    match (&entry.choice, chosen) {
        (ServerChoice::Custom(_), ServerChoice::Custom(_)) => true,
        (choice, chosen) => choice == chosen,
    }
}

fn menu(ui: &mut Ui, theme: &Theme, entries: &[ServerEntry], chosen: &ServerChoice) -> Option<Picked> {
    let mut picked = None;
    ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
        // Menus take the borders off; an empty circle needs one to be seen.
        ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, theme.third);
        for entry in entries {
            let is_custom = matches!(entry.choice, ServerChoice::Custom(_));
            let label = match (entry.available, is_custom) {
                (true, true) => format!("{}…", entry.label),
                (true, false) => entry.label.clone(),
                (false, _) => format!("{} (not available)", entry.label),
            };
            let radio = egui::RadioButton::new(is_chosen(entry, chosen), label);
            let response = ui.add_enabled(entry.available, radio);
            focus_ring(ui, theme, &response, CORNER_SMALL);
            if response.clicked() {
                picked =
                    Some(if is_custom { Picked::OwnAddress } else { Picked::Choice(entry.choice.clone()) });
            }
        }
    });
    ui.separator();
    let refresh = ui.button("Fetch the list again").on_hover_text("Ask the service which servers there are");
    focus_ring(ui, theme, &refresh, CORNER_SMALL);
    if refresh.clicked() {
        picked = Some(Picked::Refresh);
    }
    if picked.is_some() {
        ui.close();
    }
    picked
}

/// Closes the field and forgets what was typed.
pub(super) fn forget(ctx: &Context, sheets: &mut Sheets) {
    if let Some(mut field) = sheets.address.take() {
        field.forget(ctx, FIELD);
    }
}

/// The field for an address of one's own, where it is open.
fn own_address(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let Some(mut field) = sheets.address.take() else { return };
    let (mut entered, mut left) = (false, false);
    below_title(ui, |ui| {
        let width = (ui.available_width() - 230.0).max(80.0);
        let shown = sheets.address_shown;
        // Addresses are pasted with keys in them.
        let (response, by_enter) =
            field.show(ui, theme, FIELD, "rtmps://server/app, without the key", !shown, width);
        if sheets.calls_field && !ui.is_sizing_pass() {
            sheets.calls_field = false;
            response.request_focus();
        }
        control(ui, pass, sheets, &response);
        let (icon, color) = if shown { (Icon::Eye, theme.text) } else { (Icon::EyeSlash, theme.second) };
        let info = egui::WidgetInfo::selected(egui::Role::Switch, true, shown, "Show the address");
        let tooltip = if shown { "Hide what is typed" } else { "Show what is typed" };
        let response = icon_button(ui, theme, icon, color, true, &info, tooltip);
        if control(ui, pass, sheets, &response) {
            sheets.address_shown = !shown;
        }
        let button = Button {
            label: "Use this server",
            icon: None,
            chosen: None,
            enabled: !field.is_empty(),
            tooltip: "Hand the address to Genlock; the field is emptied (Enter)",
        };
        let response = button.show(ui, theme);
        entered = (control(ui, pass, sheets, &response) || by_enter) && !field.is_empty();
        let close = egui::WidgetInfo::labeled(egui::Role::Button, true, "Close the field");
        let tooltip = "Keep the server that is chosen";
        let response = icon_button(ui, theme, Icon::Close, theme.second, true, &close, tooltip);
        left = control(ui, pass, sheets, &response);
    });
    if entered {
        pass.commands.push(Command::ChooseServer(ServerChoice::Custom(field.take(ui.ctx(), FIELD))));
    } else if left {
        field.forget(ui.ctx(), FIELD);
    } else {
        sheets.address = Some(field);
    }
}
