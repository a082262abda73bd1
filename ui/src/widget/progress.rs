//! How much of something is done.

use egui::{Rect, Sense, Ui, Vec2, WidgetInfo};

use crate::figures;
use crate::theme::Theme;

/// Height of the bar, in points.
const HEIGHT: f32 = 6.0;

/// Shows a bar over the whole width; `fraction` is 0 to 1.
pub(crate) fn progress(ui: &mut Ui, theme: &Theme, name: &str, fraction: f32) {
    let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(figures::percent(fraction));
    });
    if ui.is_rect_visible(rect) {
        ui.painter().rect_filled(rect, HEIGHT / 2.0, theme.raised);
        let done = Rect::from_min_size(rect.min, Vec2::new(rect.width() * fraction, HEIGHT));
        ui.painter().rect_filled(done, HEIGHT / 2.0, theme.accent);
    }
}
