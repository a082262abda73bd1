//! Controls and cards in the window's own style. Each control has an accessible name and role, a focus ring and a
//! tooltip that tells its key.

mod button;
mod card;
mod group;
mod hold_button;
mod line;
mod meter;
mod progress;
mod secret_field;
mod sparkline;
mod table;
mod words;

pub(crate) use button::{Button, icon_button, menu_button, quiet_button};
pub(crate) use card::{card, header, row, small_row};
pub(crate) use group::group;
pub(crate) use hold_button::{HoldButton, hold_button, opening_button};
pub(crate) use line::{Mark, line, paragraph};
pub(crate) use meter::{meter, spoken_levels};
pub(crate) use progress::progress;
pub(crate) use secret_field::SecretField;
pub(crate) use sparkline::sparkline;
pub(crate) use table::{TableRow, table_row};
pub(crate) use words::{Words, icon_text, paint_words};

use egui::{Rect, Response, Stroke, StrokeKind, Ui};

use crate::theme::Theme;

/// Paints the 2 pt ring around a control that has the keyboard, and scrolls it into sight when it gets it.
pub(crate) fn focus_ring(ui: &Ui, theme: &Theme, response: &Response, corner: u8) {
    focus_ring_at(ui, theme, response, response.rect, corner);
}

/// As [`focus_ring`], around another rectangle: within a border that must stay to be seen.
pub(crate) fn focus_ring_at(ui: &Ui, theme: &Theme, response: &Response, rect: Rect, corner: u8) {
    if response.has_focus() {
        ui.painter().rect_stroke(rect, corner, Stroke::new(2.0, theme.accent), StrokeKind::Inside);
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
}
