//! The last minute of one figure, as a line.

use egui::{Rect, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, lerp, pos2};

use crate::theme::{CORNER_SMALL, Theme};

/// Shows points of (age, value), both 0 to 1, age 0 being now at the right edge. Oldest first.
pub(crate) fn sparkline(ui: &mut Ui, theme: &Theme, name: &str, points: &[(f32, f32)]) {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 36.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, name));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let painter = ui.painter();
    let ground = Rect::from_x_y_ranges(rect.x_range(), lerp(rect.y_range(), 0.35)..=rect.bottom());
    painter.rect_filled(ground, CORNER_SMALL / 2, Theme::tint(theme.accent, theme.card, 0.12));
    let line: Vec<_> = points
        .iter()
        .map(|&(age, value)| {
            let x = lerp(rect.x_range(), 1.0 - age.clamp(0.0, 1.0));
            // A point of room above and below keeps the line whole at its extremes.
            let y = lerp(rect.bottom() - 1.0..=rect.top() + 1.0, value.clamp(0.0, 1.0));
            pos2(x, y)
        })
        .collect();
    if line.len() >= 2 {
        painter.add(Shape::line(line, Stroke::new(1.5, theme.accent)));
    }
}
