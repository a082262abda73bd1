//! The bottom line: what the show costs, and where it goes.

use egui::{Align, Label, Layout, Ui};

use crate::figures;
use crate::pass::Pass;
use crate::theme::{self, SMALL};
use crate::widget::Words;

/// Height of the bar, in points.
pub(crate) const HEIGHT: f32 = 28.0;

/// Shows the bar.
pub(crate) fn show(ui: &mut Ui, pass: &Pass<'_>) {
    let (theme, view) = (pass.theme, pass.view);
    let say = |ui: &mut Ui, text: &str, color| {
        ui.add(Label::new(Words::new(theme).add(text, theme::regular(SMALL), color).job()).truncate())
    };
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 18.0;
        say(ui, &format!("CPU {}", figures::percent(view.cpu_cores)), theme.second)
            .on_hover_text("Share of one processor core that Genlock uses");
        let lagged = view.program.lagged_frames;
        let skipped: u64 = view.renditions.iter().map(|rendition| rendition.skipped_frames).sum();
        let color = if lagged + skipped > 0 { theme.warning } else { theme.second };
        say(ui, &format!("{} lagged · {} skipped", figures::count(lagged), figures::count(skipped)), color)
            .on_hover_text("Pictures drawn too late, and pictures the encoders could not take");
        if let Some(destination) = view.destination().filter(|destination| destination.state.is_on_air()) {
            let wire = figures::millis(f64::from(destination.composition_to_wire_ms));
            say(ui, &format!("composition to wire {wire}"), theme.second)
                .on_hover_text("Median time from drawing a picture to handing it to the network");
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            say(ui, "Ctrl+K commands", theme.second);
            let destination = view.destination().map_or("no destination", |to| to.address.as_str());
            say(ui, destination, theme.second);
            say(ui, &view.program.adapter, theme.third)
                .on_hover_text("The graphics adapter that draws the programme");
        });
    });
}
