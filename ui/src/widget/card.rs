//! Cards: a bordered ground with rows of words on it.

use egui::{Align, Frame, Layout, Margin, Role, Stroke, Ui, UiBuilder};

use super::{Words, group};
use crate::theme::{self, CORNER_LARGE, SMALL, Theme};

/// Height of a row of words, in points.
const ROW_HEIGHT: f32 = 20.0;
/// Height of a row of small words, in points.
const SMALL_ROW_HEIGHT: f32 = 14.0;

/// A card over the whole width that is available. `name` is what assistive technology calls the group.
pub(crate) fn card(ui: &mut Ui, theme: &Theme, name: &str, contents: impl FnOnce(&mut Ui)) {
    group(ui, UiBuilder::new(), Role::Group, name, |ui| {
        Frame::new()
            .fill(theme.card)
            .stroke(Stroke::new(1.0, theme.line))
            .corner_radius(CORNER_LARGE)
            .inner_margin(Margin::symmetric(12, 10))
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                contents(ui);
            });
    });
    ui.add_space(6.0);
}

/// Words on the left and words on the right; the left ones end with “…” where both do not fit.
pub(crate) fn row(ui: &mut Ui, left: Words<'_>, right: Words<'_>) {
    row_of_height(ui, ROW_HEIGHT, left, right);
}

/// As [`row`], for small words close below a row.
pub(crate) fn small_row(ui: &mut Ui, left: Words<'_>, right: Words<'_>) {
    ui.add_space(-ui.spacing().item_spacing.y);
    row_of_height(ui, SMALL_ROW_HEIGHT, left, right);
}

fn row_of_height(ui: &mut Ui, height: f32, left: Words<'_>, right: Words<'_>) {
    // Rows of words stand closer than rows of controls, which `Ui::horizontal` makes room for.
    let size = egui::vec2(ui.available_width(), height);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(egui::Label::new(right.job()).truncate());
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(left.job()).truncate());
            });
        });
    });
}

/// The small spaced capitals above a list.
pub(crate) fn header(ui: &mut Ui, theme: &Theme, text: &str) {
    let job = {
        let mut job = egui::text::LayoutJob::default();
        let format = egui::TextFormat {
            extra_letter_spacing: 0.8,
            ..egui::TextFormat::simple(theme::strong(SMALL), theme.third)
        };
        job.append(&text.to_uppercase(), 0.0, format);
        job
    };
    let response = ui.add(egui::Label::new(job).truncate());
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Heading, true, text));
    ui.add_space(4.0);
}
