//! Buttons that are pressed or chosen.

use egui::{Align2, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use super::{Words, focus_ring, paint_words};
use crate::icon::Icon;
use crate::theme::{self, CORNER_SMALL, TEXT, Theme};

/// A button with words on it.
pub(crate) struct Button<'a> {
    /// The words, which are its accessible name.
    pub(crate) label: &'a str,
    /// An icon before the words.
    pub(crate) icon: Option<Icon>,
    /// One of several of which one is chosen: whether this one is.
    pub(crate) chosen: Option<bool>,
    /// Whether it can be pressed.
    pub(crate) enabled: bool,
    /// What it does, and its key.
    pub(crate) tooltip: &'a str,
}

impl Button<'_> {
    /// Shows the button, 30 points high.
    pub(crate) fn show(self, ui: &mut Ui, theme: &Theme) -> Response {
        let chosen = self.chosen == Some(true);
        let color = match (self.enabled, chosen || self.chosen.is_none()) {
            (false, _) => theme.third,
            (true, true) => theme.text,
            (true, false) => theme.second,
        };
        let mut words = Words::new(theme);
        if let Some(icon) = self.icon {
            words = words.icon(icon, color).colored(" ", color);
        }
        let galley = words.colored(self.label, color).galley(ui, ui.available_width() - 24.0);
        let size = Vec2::new(galley.size().x + 24.0, 30.0);
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(size, sense);
        response.widget_info(|| match self.chosen {
            Some(chosen) => WidgetInfo::selected(Role::RadioButton, self.enabled, chosen, self.label),
            None => WidgetInfo::labeled(Role::Button, self.enabled, self.label),
        });
        if ui.is_rect_visible(rect) {
            let ground = if chosen { theme.chosen() } else { theme.card };
            let ground = if response.hovered() && self.enabled { theme.hovered(ground) } else { ground };
            let border = if chosen { theme.accent } else { theme.line };
            ui.painter().rect(rect, CORNER_SMALL, ground, Stroke::new(1.0, border), StrokeKind::Inside);
            paint_words(ui.painter(), rect, Align2::CENTER_CENTER, galley);
        }
        // Also where it is out of sight: the ring brings it into sight.
        focus_ring(ui, theme, &response, CORNER_SMALL);
        if self.tooltip.is_empty() { response } else { response.on_hover_text(self.tooltip) }
    }
}

/// A button that is only an icon, 24 points wide; its name and tooltip say what it does.
pub(crate) fn icon_button(
    ui: &mut Ui,
    theme: &Theme,
    icon: Icon,
    color: egui::Color32,
    enabled: bool,
    info: &WidgetInfo,
    tooltip: &str,
) -> Response {
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(24.0), sense);
    response.widget_info(|| info.clone());
    if ui.is_rect_visible(rect) {
        if response.hovered() && enabled {
            ui.painter().rect_filled(rect, CORNER_SMALL, theme.hovered(theme.card));
        }
        let color = if enabled { color } else { Theme::tint(theme.third, theme.panel, 0.5) };
        ui.painter().text(
            rect.center(),
            Align2::CENTER_CENTER,
            icon.glyph(),
            theme::icons(TEXT + 3.0),
            color,
        );
    }
    // Also where it is out of sight: the ring brings it into sight.
    focus_ring(ui, theme, &response, CORNER_SMALL);
    response.on_hover_text(tooltip)
}

/// Words that can be pressed, beside other words: 24 points high, without a border. `name` is what assistive
/// technology calls it; the words are part of it.
pub(crate) fn quiet_button(
    ui: &mut Ui,
    theme: &Theme,
    words: &str,
    name: &str,
    enabled: bool,
    tooltip: &str,
) -> Response {
    let color = if enabled { theme.accent } else { theme.third };
    let galley = Words::new(theme).colored(words, color).galley(ui, ui.available_width() - 8.0);
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(galley.size().x + 8.0, 24.0), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    if ui.is_rect_visible(rect) {
        if response.hovered() && enabled {
            ui.painter().rect_filled(rect, CORNER_SMALL, theme.hovered(theme.panel));
        }
        paint_words(ui.painter(), rect, Align2::CENTER_CENTER, galley);
    }
    // Also where it is out of sight: the ring brings it into sight.
    focus_ring(ui, theme, &response, CORNER_SMALL);
    response.on_hover_text(tooltip)
}

/// A button that opens a menu.
pub(crate) fn menu_button(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    words: Words<'_>,
    tooltip: &str,
    contents: impl FnOnce(&mut Ui),
) -> Response {
    let galley = words
        .colored(" ", theme.second)
        .icon(Icon::CaretDown, theme.second)
        .galley(ui, ui.available_width() - 20.0);
    let size = Vec2::new(galley.size().x + 20.0, 28.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let ground = if response.hovered() { theme.hovered(theme.card) } else { theme.card };
    ui.painter().rect(rect, CORNER_SMALL, ground, Stroke::new(1.0, theme.line), StrokeKind::Inside);
    paint_words(ui.painter(), rect, Align2::CENTER_CENTER, galley);
    focus_ring(ui, theme, &response, CORNER_SMALL);
    egui::Popup::menu(&response).show(contents);
    response.on_hover_text(tooltip)
}
