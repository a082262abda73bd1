//! What the network carries, found out before the show. That a test may go to the real ingest is told before it does,
//! on the button.

use control::{CheckChoice, CheckResultView, CheckTarget, Command, NetworkCheckView, View};
use egui::{Context, Ui};
use units::Kbps;

use super::preferences::{Choice, choice, row};
use super::stream_key::below_title;
use super::{Sheets, Surface, control, footer_row};
use crate::figures;
use crate::pass::Pass;
use crate::theme::Theme;
use crate::widget::{Button, Mark, SecretField, Words, line, paragraph, progress, quiet_button};

const FIELD: &str = "Address to test";

/// What the sheet remembers while it is open.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// The place of the chosen target in the menu.
    chosen: usize,
    address: SecretField,
}

impl Check {
    /// The sheet was closed: what was typed is not kept.
    pub(super) fn forget(&mut self, ctx: &Context) {
        self.address.forget(ctx, FIELD);
    }
}

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let surface = Surface {
        title: "Network check",
        below: "A test stream finds out what your upload carries. No viewer sees it, and nothing is recorded.",
        keeps: true,
    };
    let mut done = false;
    let left = surface.show(ctx, pass, sheets, contents, |ui, pass, sheets| {
        done = footer(ui, pass, sheets);
    });
    if left || done {
        sheets.open.pop();
        if pass.view.network_check.running.is_some() {
            // Nobody looks at its result any more, and it takes the upload.
            pass.commands.push(Command::CancelNetworkCheck);
        }
    }
}

fn contents(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let check = &pass.view.network_check;
    targets(ui, pass, sheets, check);
    running(ui, pass, check);
    if let Some(result) = &check.result {
        found(ui, pass, sheets, result);
    }
}

fn words(target: &CheckChoice) -> &'static str {
    match (&target.target, target.is_real) {
        (CheckTarget::Ingest, true) => "Your channel's ingest",
        (CheckTarget::Ingest, false) => "The rehearsal ingest",
        (CheckTarget::Address(_), _) => "Another address…",
    }
}

fn targets(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, check: &NetworkCheckView) {
    let theme = pass.theme;
    sheets.check.chosen = sheets.check.chosen.min(check.choices.len().saturating_sub(1));
    let runs = check.running.is_some();
    row(ui, pass, sheets, "Send the test to", |ui, pass, sheets| {
        for (place, target) in check.choices.iter().enumerate() {
            let chosen = sheets.check.chosen == place;
            let tooltip = if target.hindrance.is_empty() { &target.leads_to } else { &target.hindrance };
            let enabled = !runs && target.hindrance.is_empty();
            let one = Choice { label: words(target), chosen, enabled, tooltip };
            if choice(ui, pass, sheets, &one) {
                sheets.check.chosen = place;
            }
        }
    });
    let Some(target) = check.choices.get(sheets.check.chosen) else {
        paragraph(ui, Words::new(theme).second("There is nothing to send a test to yet."));
        return;
    };
    if !target.hindrance.is_empty() {
        paragraph(ui, Words::new(theme).text(&target.hindrance));
    } else if target.is_real {
        let text = format!(
            "The test goes to {} with the service's test argument: the service measures it and shows it to nobody.",
            target.leads_to
        );
        paragraph(ui, Words::new(theme).text(&text));
    } else if matches!(target.target, CheckTarget::Address(_)) {
        paragraph(
            ui,
            Words::new(theme).text(
                "A test channel, or a rehearsal ingest on another PC. Whoever watches that address sees the test.",
            ),
        );
        let mut field = std::mem::take(&mut sheets.check.address);
        below_title(ui, |ui| {
            let width = ui.available_width() - 8.0;
            let (response, _) =
                field.show(ui, theme, FIELD, "rtmps://server/app/key or srt://server:9000?…", true, width);
            control(ui, pass, sheets, &response);
        });
        sheets.check.address = field;
    } else {
        paragraph(ui, Words::new(theme).second(&format!("The test goes to {}.", target.leads_to)));
    }
    ui.add_space(6.0);
}

fn running(ui: &mut Ui, pass: &Pass<'_>, check: &NetworkCheckView) {
    let theme = pass.theme;
    let Some(run) = &check.running else { return };
    let rate = figures::mbps(run.rate);
    let text = format!("{rate} Mbps now, {} left.", figures::until(run.left));
    line(ui, theme, Mark::Busy, "Testing", Words::new(theme).second(&run.target), |_| {});
    progress(ui, theme, "Progress of the test", run.fraction);
    ui.add_space(2.0);
    paragraph(ui, Words::new(theme).text(&text));
    ui.add_space(6.0);
}

/// What the renditions need, whatever is known of it.
fn needed(view: &View) -> Kbps {
    match view.ladder.total {
        Kbps(0) => view.destination().map_or(Kbps(0), |destination| destination.needed),
        total => total,
    }
}

/// Whether the result is good enough, in one sentence; with what it means for the renditions.
pub(super) fn verdict<'a>(theme: &'a Theme, view: &View, result: &CheckResultView) -> (Mark, Words<'a>) {
    let needed = needed(view);
    let words = Words::new(theme);
    let carries = format!("{} Mbps, {}. ", figures::mbps(result.carries), ago(result));
    let recommended = figures::mbps(result.recommended);
    if needed == Kbps(0) {
        (Mark::Plain, words.text(&carries).second(&format!("Up to {recommended} are advised.")))
    } else if needed <= result.recommended {
        let rest = format!("{} are needed, up to {recommended} are advised.", figures::mbps(needed));
        (Mark::Good, words.second(&carries).second(&rest))
    } else {
        let rest =
            format!("{} are needed, but no more than {recommended} are advised.", figures::mbps(needed));
        (Mark::Look, words.text(&carries).text(&rest))
    }
}

fn ago(result: &CheckResultView) -> String {
    match figures::ago(result.ago.as_secs_f64()).as_str() {
        "now" => String::from("just now"),
        ago => ago.to_owned(),
    }
}

fn found(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, result: &CheckResultView) {
    let theme = pass.theme;
    let (mark, words) = verdict(theme, pass.view, result);
    line(ui, theme, mark, "Carries", words, |_| {});
    for sentence in &result.sentences {
        paragraph(ui, Words::new(theme).text(sentence));
    }
    let figures = format!(
        "{} · jitter {} · {} lost · to {}",
        figures::kbps(result.carries),
        figures::millis(result.jitter.as_secs_f64() * 1000.0),
        figures::tenths_percent(result.loss_percent),
        result.target
    );
    paragraph(ui, Words::new(theme).second(&figures));
    let limit = result.recommended;
    let chosen = &pass.view.preferences.chosen;
    if limit < needed(pass.view) && chosen.max_bitrate != Some(limit) && !pass.view.is_under_way() {
        let label = format!("limit the renditions to {} Mbps", figures::mbps(limit));
        let tooltip = "Ask for no more than is advised; half as much again stays free";
        let response = quiet_button(ui, theme, &label, &label, true, tooltip);
        if control(ui, pass, sheets, &response) {
            let mut wanted = chosen.clone();
            wanted.max_bitrate = Some(limit);
            pass.commands.push(Command::SetPreferences(wanted));
            if sheets.is_going_live() && pass.view.servers.has_key {
                pass.commands.push(Command::PrepareLive);
            }
        }
    }
}

/// The bottom of the sheet; whether it is to be closed.
fn footer(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) -> bool {
    let (theme, view) = (pass.theme, pass.view);
    let check = &view.network_check;
    let target = check.choices.get(sheets.check.chosen);
    let is_real = target.is_some_and(|target| target.is_real);
    let under_way = view.is_under_way();
    let words = match (under_way, is_real) {
        (true, _) => "Not while a stream is under way: the test would take its upload.",
        (false, true) => "It takes about 15 seconds. Your viewers see nothing.",
        (false, false) => "It takes about 15 seconds.",
    };
    let mut done = false;
    footer_row(ui, Words::new(theme).second(words), |ui| {
        let tooltip = "Close this; a test that runs is ended (Escape)";
        let button = Button { label: "Done", icon: None, chosen: None, enabled: true, tooltip };
        let response = button.show(ui, theme);
        done = control(ui, pass, sheets, &response);
        if check.running.is_some() {
            let tooltip = "End the test without a result";
            let button =
                Button { label: "Cancel the test", icon: None, chosen: None, enabled: true, tooltip };
            let response = button.show(ui, theme);
            if control(ui, pass, sheets, &response) {
                pass.commands.push(Command::CancelNetworkCheck);
            }
            return;
        }
        let typed = match target.map(|target| &target.target) {
            Some(CheckTarget::Address(_)) => !sheets.check.address.is_empty(),
            Some(CheckTarget::Ingest) => true,
            None => false,
        };
        let enabled = typed && !under_way && target.is_some_and(|target| target.hindrance.is_empty());
        let (label, tooltip) = if is_real {
            ("Test the real ingest, seen by nobody", "Send a test stream that the service shows to nobody")
        } else {
            ("Start the test", "Send a test stream to this address")
        };
        let button = Button { label, icon: None, chosen: None, enabled, tooltip };
        let response = button.show(ui, theme);
        if control(ui, pass, sheets, &response) && enabled {
            let target = match target.map(|target| &target.target) {
                Some(CheckTarget::Address(_)) => {
                    CheckTarget::Address(sheets.check.address.take(ui.ctx(), FIELD))
                }
                _ => CheckTarget::Ingest,
            };
            pass.commands.push(Command::CheckNetwork(target));
        }
    });
    done
}
