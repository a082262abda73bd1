//! The stream key: whether there is one, and the field for another. The window never shows it.

use control::{Command, KeyMemory};
use egui::{Context, Ui};

use super::{Sheets, control};
use crate::pass::Pass;
use crate::widget::{Button, Mark, SecretField, Words, line, quiet_button};

const FIELD: &str = "New stream key";

/// Shows the line.
pub(super) fn show(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, servers) = (pass.theme, &pass.view.servers);
    let words = match (servers.has_key, servers.key_note.as_str()) {
        (false, "") => Words::new(theme).text("There is none yet. Your channel's page shows it."),
        (false, note) => Words::new(theme).text(note),
        (true, "") => Words::new(theme).second("It is set."),
        (true, note) => Words::new(theme).second(note),
    };
    let mark = if servers.has_key { Mark::Good } else { Mark::Look };
    line(ui, theme, mark, "Stream key", words, |ui| {
        if !servers.has_key {
            return;
        }
        memory(ui, pass, sheets);
        let (label, tooltip) = if sheets.key.is_some() {
            ("keep it", "Close the field and keep the key that is set")
        } else {
            ("change", "Enter another stream key")
        };
        let response = quiet_button(ui, theme, label, &format!("{label}: stream key"), true, tooltip);
        if control(ui, pass, sheets, &response) {
            if sheets.key.is_some() {
                forget(ui.ctx(), sheets);
            } else {
                sheets.key = Some(SecretField::default());
                sheets.calls_field = true;
            }
        }
    });
    if !servers.has_key && sheets.key.is_none() {
        sheets.key = Some(SecretField::default());
    }
    let Some(mut field) = sheets.key.take() else { return };
    let mut entered = false;
    below_title(ui, |ui| {
        let width = (ui.available_width() - 122.0).max(80.0);
        let (response, by_enter) = field.show(ui, theme, FIELD, "Paste the key here", true, width);
        if sheets.calls_field && !ui.is_sizing_pass() {
            sheets.calls_field = false;
            response.request_focus();
        }
        control(ui, pass, sheets, &response);
        let button = Button {
            label: "Use this key",
            icon: None,
            chosen: None,
            enabled: !field.is_empty(),
            tooltip: "Hand the key to Genlock; the field is emptied (Enter)",
        };
        let response = button.show(ui, theme);
        entered = (control(ui, pass, sheets, &response) || by_enter) && !field.is_empty();
    });
    if entered {
        let key = field.take(ui.ctx(), FIELD);
        pass.commands.push(Command::SetStreamKey(key));
        if sheets.is_going_live() {
            pass.commands.push(Command::PrepareLive);
        }
    } else {
        sheets.key = Some(field);
    }
}

/// Whether the key is there again tomorrow is for the person to say.
fn memory(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (label, tooltip, wanted) = match pass.view.servers.key_memory {
        KeyMemory::NoStore => return,
        KeyMemory::Offered => (
            "remember",
            "Remember this key on this PC, in the store of the system; only you can read it there",
            true,
        ),
        KeyMemory::Remembered => ("forget", "Forget this key on this PC; it holds until Genlock ends", false),
    };
    let response = quiet_button(ui, pass.theme, label, &format!("{label}: stream key"), true, tooltip);
    if control(ui, pass, sheets, &response) {
        pass.commands.push(Command::RememberStreamKey(wanted));
    }
}

/// Closes the field and forgets what was typed.
pub(super) fn forget(ctx: &Context, sheets: &mut Sheets) {
    if let Some(mut field) = sheets.key.take() {
        field.forget(ctx, FIELD);
    }
}

/// Controls below a line, under its words, on one row.
pub(super) fn below_title(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.add_space(28.0);
        contents(ui);
    });
    ui.add_space(8.0);
}
