//! Two computers that can stand in for each other: a code that one makes and the other uses. The window never shows a
//! code: it is copied or taken from its file, and what it holds is told.

use control::{Command, PairedView, Pick};
use egui::{Context, Frame, Margin, Ui};
use units::Secret;

use super::preferences::{Choice, choice, row};
use super::stream_key::below_title;
use super::{Sheets, Surface, control, footer_row};
use crate::figures;
use crate::icon::Icon;
use crate::pass::Pass;
use crate::theme::Theme;
use crate::widget::{Button, Mark, SecretField, Words, line, paragraph, quiet_button};

const FIELD: &str = "Code of the other PC";
/// How long the engine takes for a code at most, in seconds; after that it can be asked for again.
const OFFER_SECS: f64 = 5.0;

/// What the sheet remembers while it is open.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// The key shall go with the code.
    with_key: bool,
    /// When a code was asked for, and whether with the key.
    asked: Option<(f64, bool)>,
    /// The code that was made.
    offered: Option<Offered>,
    /// The other computer's code, being pasted.
    typed: SecretField,
}

#[derive(Debug)]
struct Offered {
    code: Secret,
    saved_as: Option<String>,
    with_key: bool,
}

impl Pairing {
    /// The engine made a code. One that nobody waits for is not kept.
    pub(super) fn take(&mut self, code: &Secret, saved_as: Option<&str>) {
        if let Some((_, with_key)) = self.asked.take() {
            let saved_as = saved_as.map(str::to_owned);
            self.offered = Some(Offered { code: code.clone(), saved_as, with_key });
        }
    }

    /// The sheet was closed: codes are not kept.
    pub(super) fn forget(&mut self, ctx: &Context) {
        self.typed.forget(ctx, FIELD);
        (self.asked, self.offered, self.with_key) = (None, None, false);
    }
}

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let surface = Surface {
        title: "Second PC",
        below: "Two PCs can stand in for each other: each takes the channel over from the other with one hold.",
        keeps: true,
    };
    let mut done = false;
    let left = surface.show(ctx, pass, sheets, contents, |ui, pass, sheets| {
        let theme = pass.theme;
        let words = Words::new(theme).second("Nothing here is public until you hold “Take over”.");
        footer_row(ui, words, |ui| {
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
    paired(ui, pass, sheets);
    use_code(ui, pass, sheets);
    make_code(ui, pass, sheets);
}

/// How the other computer stands, in words.
pub(super) fn state<'a>(theme: &'a Theme, paired: &PairedView) -> (Mark, Words<'a>) {
    let mut about = paired.channel.clone();
    if !paired.ladder.is_empty() {
        about.push_str(&format!("\n{}", paired.ladder));
    }
    if let Some(priority) = paired.last_priority {
        about.push_str(&format!("\nLast seen with priority {}", figures::count(priority.into())));
    }
    let words = Words::new(theme);
    if paired.differences.is_empty() {
        (Mark::Good, words.second(&format!("It matches.\n{about}")))
    } else {
        let differences = paired.differences.join("\n");
        (Mark::Look, words.text(&format!("{differences}\n")).second(&about))
    }
}

fn paired(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, pairing) = (pass.theme, &pass.view.pairing);
    let (mark, words) = match &pairing.paired {
        Some(paired) => {
            let (mark, words) = state(theme, paired);
            (mark, if paired.with_key { words.second("\nIts code brought the stream key.") } else { words })
        }
        None => (Mark::Plain, Words::new(theme).second("None yet. Use a code of the other PC.")),
    };
    line(ui, theme, mark, "Paired with", words, |ui| {
        if pairing.paired.is_some() {
            let tooltip = "Forget the other PC; its stream goes on";
            let response = quiet_button(ui, theme, "forget", "forget: second PC", true, tooltip);
            if control(ui, pass, sheets, &response) {
                pass.commands.push(Command::ForgetPairing);
            }
        }
    });
}

fn use_code(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let words =
        Words::new(theme).second("Make it on the other PC, or open its file there, and paste it here.");
    line(ui, theme, Mark::Plain, "Use a code", words, |ui| {
        if pass.view.desktop.can_pick {
            let tooltip = "Read the code from the file that the other PC made";
            let response =
                quiet_button(ui, theme, "open its file", "open the file with a code", true, tooltip);
            if control(ui, pass, sheets, &response) {
                pass.commands.push(Command::Pick(Pick::PairingFile));
            }
        }
    });
    let mut field = std::mem::take(&mut sheets.pairing.typed);
    below_title(ui, |ui| {
        let width = (ui.available_width() - 90.0).max(80.0);
        let (response, by_enter) = field.show(ui, theme, FIELD, "genlock-pair:…", true, width);
        control(ui, pass, sheets, &response);
        let button = Button {
            label: "Pair",
            icon: None,
            chosen: None,
            enabled: !field.is_empty(),
            tooltip: "Compare with the other PC; the field is emptied (Enter)",
        };
        let response = button.show(ui, theme);
        if (control(ui, pass, sheets, &response) || by_enter) && !field.is_empty() {
            pass.commands.push(Command::UsePairing(field.take(ui.ctx(), FIELD)));
        }
    });
    sheets.pairing.typed = field;
}

fn make_code(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, can_offer) = (pass.theme, pass.view.pairing.can_offer);
    let words = if can_offer {
        "It carries the channel, the renditions and the last priority to the other PC."
    } else {
        "Choose a server and have the renditions granted first."
    };
    line(ui, theme, Mark::Plain, "Make a code", Words::new(theme).second(words), |_| {});
    let with_key = sheets.pairing.with_key;
    let beside = Margin { left: 28, ..Margin::ZERO };
    Frame::new().inner_margin(beside).show(ui, |ui| {
        row(ui, pass, sheets, "Stream key", |ui, pass, sheets| {
            for (with, label, tooltip) in [
                (false, "Stays here", "The other PC asks for the key itself"),
                (true, "Goes with the code", "Whoever has the code can stream to your channel"),
            ] {
                let one = Choice { label, chosen: with == with_key, enabled: can_offer, tooltip };
                if choice(ui, pass, sheets, &one) {
                    sheets.pairing.with_key = with;
                }
            }
        });
        let waits =
            sheets.pairing.asked.is_some_and(|(at, _)| (0.0..OFFER_SECS).contains(&(pass.now_secs - at)));
        let button = Button {
            label: if waits { "Making it…" } else { "Make a code" },
            icon: None,
            chosen: None,
            enabled: can_offer && !waits,
            tooltip: "Make one line of text for the other PC",
        };
        let response = button.show(ui, theme);
        if control(ui, pass, sheets, &response) {
            sheets.pairing.offered = None;
            sheets.pairing.asked = Some((pass.now_secs, sheets.pairing.with_key));
            pass.commands.push(Command::OfferPairing { with_key: sheets.pairing.with_key });
        }
        offered(ui, pass, sheets);
    });
}

fn offered(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let Some(offered) = &sheets.pairing.offered else { return };
    let (code, with_key) = (offered.code.clone(), offered.with_key);
    let mut words = Words::new(theme).text("The code is ready.");
    if let Some(path) = &offered.saved_as {
        words = words.second(&format!(" It is in the file {path}, too."));
    }
    ui.add_space(6.0);
    let told = paragraph(ui, words);
    ui.ctx().accesskit_node_builder(told.id, |node| node.set_live(egui::accesskit::Live::Polite));
    if with_key {
        let warning = " It holds the stream key: whoever has it can stream to your channel.";
        paragraph(ui, Words::new(theme).icon(Icon::Warning, theme.warning).text(warning));
    }
    let button = Button {
        label: "Copy the code",
        icon: None,
        chosen: None,
        enabled: true,
        tooltip: "Copy it to paste it on the other PC",
    };
    let response = button.show(ui, theme);
    if control(ui, pass, sheets, &response) {
        ui.ctx().copy_text(code.expose().to_owned());
    }
}
