//! The card about the upload to the channel: what goes out of what is needed, the last minute, what waits, what was
//! dropped, how the way is.

use control::LiveState;
use egui::Ui;

use super::way::{renewal, way};
use crate::figures;
use crate::pass::Pass;
use crate::theme;
use crate::widget::{Words, card, row, sparkline};

/// Shows the card.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    let theme = pass.theme;
    card(ui, theme, "Upload", |ui| {
        let Some(destination) = pass.view.destination() else {
            row(ui, Words::new(theme).strong("Upload"), Words::new(theme).second("no destination"));
            return;
        };
        let short = destination.state.is_on_air()
            && u64::from(destination.upload.0) * 10 < u64::from(destination.needed.0) * 9;
        let color = if short { theme.warning } else { theme.text };
        let measured = figures::mbps(destination.upload);
        let needed = figures::mbps(destination.needed);
        let right = if matches!(destination.state, LiveState::Off | LiveState::Failed | LiveState::TakenOver)
        {
            Words::new(theme).second(&format!("{needed} Mbps needed"))
        } else {
            Words::new(theme)
                .add(&measured, theme::strong(theme::TEXT), color)
                .second(&format!(" of {needed} Mbps"))
        };
        row(ui, Words::new(theme).strong("Upload"), right);
        ui.add_space(2.0);
        let most = (pass.memory.highest_upload_kbps().max(destination.needed.0) / 5).saturating_mul(6);
        let points = pass.memory.upload_line(pass.now_secs, most);
        sparkline(ui, theme, &format!("Upload of the last minute, now {measured} Mbps"), &points);
        ui.add_space(2.0);
        let queue = &destination.queue;
        let waiting = figures::millis(queue.waiting.as_millis() as f64);
        let dropped = queue.dropped_frames;
        let dropped_color = if dropped > 0 { theme.warning } else { theme.second };
        let noun = if dropped == 1 { "frame" } else { "frames" };
        row(
            ui,
            Words::new(theme).second(&format!("queue {waiting}")),
            Words::new(theme).colored(&format!("{} {noun} dropped", figures::count(dropped)), dropped_color),
        );
        if destination.state.is_under_way() {
            way(ui, pass, destination, None);
            renewal(ui, pass, destination);
        }
    });
}
