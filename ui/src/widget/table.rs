//! Rows of a table with columns of fixed shares, laid out and painted at once: tables are long, and passes are dear.

use std::sync::Arc;

use egui::text::TextWrapping;
use egui::{Color32, Galley, Role, Sense, Ui, WidgetInfo, vec2};

use super::Words;

/// Gap between two columns, in points.
const GAP: f32 = 12.0;

/// One row.
pub(crate) struct TableRow<'a, const COLUMNS: usize> {
    /// What assistive technology reads.
    pub(crate) name: &'a str,
    /// The cells, each wrapped in its column.
    pub(crate) cells: [Words<'a>; COLUMNS],
    /// Shares of the width, which sum to 1.
    pub(crate) shares: [f32; COLUMNS],
    /// Its ground.
    pub(crate) fill: Color32,
}

/// Shows a row over the whole width.
pub(crate) fn table_row<const COLUMNS: usize>(ui: &mut Ui, row: TableRow<'_, COLUMNS>) {
    let width = ui.available_width();
    let mut height: f32 = 16.0;
    let cells: Vec<(f32, Arc<Galley>)> = row
        .cells
        .into_iter()
        .zip(row.shares)
        .map(|(words, share)| {
            let mut job = words.job();
            job.wrap = TextWrapping::wrap_at_width((width * share - GAP).max(1.0));
            let galley = ui.painter().layout_job(job);
            height = height.max(galley.size().y);
            (share, galley)
        })
        .collect();
    let (rect, response) = ui.allocate_exact_size(vec2(width, height + 6.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, row.name));
    if !ui.is_rect_visible(rect) {
        return;
    }
    if row.fill != Color32::TRANSPARENT {
        ui.painter().rect_filled(rect, 2.0, row.fill);
    }
    let mut x = rect.left() + GAP / 2.0;
    for (share, galley) in cells {
        ui.painter().galley(egui::pos2(x, rect.top() + 3.0), galley, Color32::PLACEHOLDER);
        x += width * share;
    }
}
