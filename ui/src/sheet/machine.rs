//! What this PC can do: the page that `genlock doctor` prints.

use control::{Command, MachineMark};
use egui::{Context, Ui};

use super::{Sheets, Surface, control, footer_row};
use crate::pass::Pass;
use crate::widget::{Button, Mark, Words, line};

/// Shows the sheet. Whoever opens it has the PC examined.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let surface = Surface {
        title: "What this PC can do",
        below: "Every encoder is tried with a few pictures and read back. Nothing is sent, and nothing leaves this PC.",
        keeps: true,
    };
    let mut done = false;
    let left = surface.show(ctx, pass, sheets, contents, |ui, pass, sheets| {
        done = footer(ui, pass, sheets);
    });
    if left || done {
        sheets.open.pop();
    }
}

fn contents(ui: &mut Ui, pass: &mut Pass<'_>, _: &mut Sheets) {
    let (theme, machine) = (pass.theme, &pass.view.machine);
    if machine.is_being_examined {
        let words = Words::new(theme).second("Trying the encoders and looking for devices; some seconds.");
        line(ui, theme, Mark::Busy, "Looking", words, |_| {});
    } else if machine.page.is_empty() {
        let words = Words::new(theme).second("Nothing is known yet. Look again once you are off air.");
        line(ui, theme, Mark::Plain, "Not looked yet", words, |_| {});
    }
    for section in &machine.page {
        for (place, said) in section.lines.iter().enumerate() {
            let title = if place == 0 { section.title.as_str() } else { "" };
            let mark = match said.mark {
                MachineMark::Good => Mark::Good,
                MachineMark::Look => Mark::Look,
                MachineMark::Plain => Mark::Plain,
            };
            let words = Words::new(theme);
            let words = if said.mark == MachineMark::Look {
                words.text(&said.text)
            } else {
                words.second(&said.text)
            };
            line(ui, theme, mark, title, words, |_| {});
        }
    }
}

/// True when the sheet was closed by its button.
fn footer(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) -> bool {
    let theme = pass.theme;
    let words = Words::new(theme).second("For support: genlock doctor --json");
    let mut done = false;
    footer_row(ui, words, |ui| {
        let again = Button {
            label: "Look again",
            icon: None,
            chosen: None,
            enabled: !pass.view.machine.is_being_examined,
            tooltip: "Try every encoder once more",
        };
        let response = again.show(ui, theme);
        if control(ui, pass, sheets, &response) {
            pass.commands.push(Command::ExamineMachine);
        }
        let tooltip = "Close this (Escape)";
        let button = Button { label: "Done", icon: None, chosen: None, enabled: true, tooltip };
        let response = button.show(ui, theme);
        done = control(ui, pass, sheets, &response);
    });
    done
}
