//! The card about the ladder: each rung, what it takes and gives, and whether all keep in step.

use control::RenditionView;
use egui::Ui;

use crate::figures;
use crate::pass::Pass;
use crate::theme::{self, Theme};
use crate::widget::{Words, card, row};

/// Shows the card.
pub(crate) fn show(ui: &mut Ui, pass: &Pass<'_>) {
    let (theme, renditions) = (pass.theme, &pass.view.renditions);
    card(ui, theme, "Renditions", |ui| {
        row(ui, Words::new(theme).strong("Renditions"), alignment(theme, renditions));
        for rendition in renditions {
            let reason = &rendition.encoder.reason;
            let tooltip = format!(
                "{} at {} per second, {} asked for{}{}",
                figures::size(rendition.size),
                figures::rate(rendition.rate),
                figures::kbps(rendition.target),
                if reason.is_empty() { "" } else { "\n" },
                reason
            );
            ui.scope(|ui| rung(ui, theme, rendition)).response.on_hover_text(tooltip);
        }
    });
}

/// “aligned ✓ 1 267 IDRs”, or what slipped.
fn alignment<'a>(theme: &'a Theme, renditions: &[RenditionView]) -> Words<'a> {
    let words = Words::new(theme);
    let slips: u64 = renditions.iter().map(|rendition| rendition.idr_slips).sum();
    // All rungs have made these.
    let idrs = renditions.iter().map(|rendition| rendition.idrs).min().unwrap_or(0);
    if slips > 0 {
        let noun = if slips == 1 { "IDR" } else { "IDRs" };
        return words.colored(&format!("{} {noun} slipped", figures::count(slips)), theme.warning);
    }
    if idrs == 0 {
        return words.second(if renditions.is_empty() { "no ladder yet" } else { "not started" });
    }
    words.colored(&format!("aligned ✓ {} IDRs", figures::count(idrs)), theme.good)
}

fn rung(ui: &mut Ui, theme: &Theme, rendition: &RenditionView) {
    let name = format!("{} · {}", figures::rung(rendition.size, rendition.rate), rendition.encoder.name);
    let runs = rendition.measured_fps > 0.0;
    let right = if runs {
        let wanted = rendition.rate.as_f64() as f32;
        let fps_color = if rendition.measured_fps < wanted * 0.95 { theme.warning } else { theme.good };
        let skipped = rendition.skipped_frames;
        let mut words = Words::new(theme);
        if skipped > 0 {
            words = words.colored(&format!("{} skipped  ", figures::count(skipped)), theme.warning);
        }
        words.second(&figures::kbps(rendition.measured)).add(
            &format!("  {:.1}", rendition.measured_fps),
            theme::regular(theme::TEXT),
            fps_color,
        )
    } else {
        Words::new(theme).second(&figures::kbps(rendition.target))
    };
    row(ui, Words::new(theme).text(&name), right);
}
