//! What a person should know: what happened, what Genlock did, what they can do.

use control::{Command, Problem, Severity};
use egui::accesskit::Live;
use egui::{Align, Layout, Role, Ui, WidgetInfo};

use crate::figures;
use crate::icon::Icon;
use crate::pass::Pass;
use crate::widget::{Words, card, icon_button};

/// Shows the problems, the newest first.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    for (id, problem) in &pass.view.problems {
        problem_card(ui, pass, *id, problem);
    }
}

/// The severity as word, icon and colour: colour never stands alone, and red is for being on air.
fn severity(pass: &Pass<'_>, severity: Severity) -> (&'static str, Icon, egui::Color32) {
    match severity {
        Severity::Notice => ("Notice", Icon::Notice, pass.theme.accent),
        Severity::Warning => ("Warning", Icon::Warning, pass.theme.warning),
        Severity::Error => ("Error", Icon::Fault, pass.theme.warning),
    }
}

fn problem_card(ui: &mut Ui, pass: &mut Pass<'_>, id: u64, problem: &Problem) {
    let theme = pass.theme;
    let (word, icon, color) = severity(pass, problem.severity);
    let age = figures::ago(pass.memory.problem_age_secs(id, pass.now_secs));
    card(ui, theme, &format!("{word}: {}", problem.happened), |ui| {
        ui.horizontal(|ui| {
            let title = Words::new(theme)
                .icon(icon, color)
                .add(&format!(" {word}"), crate::theme::strong(crate::theme::TEXT), color)
                .second(&format!("  {age}"));
            ui.add(egui::Label::new(title.job()).truncate()).on_hover_text(problem.code);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let info = WidgetInfo::labeled(Role::Button, true, format!("Dismiss: {}", problem.happened));
                let response = icon_button(
                    ui,
                    theme,
                    Icon::Close,
                    theme.second,
                    true,
                    &info,
                    "I have read this (Enter)",
                );
                pass.control(&response, || Command::DismissProblem(id));
            });
        });
        let happened = ui.add(egui::Label::new(Words::new(theme).text(&problem.happened).job()).wrap());
        ui.ctx().accesskit_node_builder(happened.id, |node| node.set_live(Live::Polite));
        if !problem.done.is_empty() {
            ui.add(egui::Label::new(Words::new(theme).second(&problem.done).job()).wrap());
        }
        if !problem.advice.is_empty() {
            ui.add(egui::Label::new(Words::new(theme).text(&problem.advice).job()).wrap());
        }
    });
}
