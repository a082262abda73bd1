//! A line of a checklist: a mark, what it is about, how it is, and what can be done about it.

use egui::{Align, Align2, Color32, Label, Layout, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

use super::Words;
use crate::icon::Icon;
use crate::theme::{self, TEXT, Theme};

/// Width of the words that say what a line is about, in points.
const TITLE_WIDTH: f32 = 116.0;

/// How it is, as a shape and a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// As it should be.
    Good,
    /// Look here.
    Look,
    /// Being worked on.
    Busy,
    /// Neither good nor bad.
    Plain,
}

impl Mark {
    const fn icon(self) -> Icon {
        match self {
            Self::Good => Icon::Check,
            Self::Look => Icon::Warning,
            Self::Busy => Icon::Hourglass,
            Self::Plain => Icon::Notice,
        }
    }

    const fn color(self, theme: &Theme) -> Color32 {
        match self {
            Self::Good => theme.good,
            Self::Look => theme.warning,
            Self::Busy => theme.accent,
            Self::Plain => theme.second,
        }
    }

    /// What assistive technology says of it.
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "needs a look",
            Self::Busy => "being worked on",
            Self::Plain => "note",
        }
    }
}

/// Shows the line over the whole width, with a hair line above it. `actions` are shown on the right, the rightmost
/// first; `words` wrap in the room that is left.
pub(crate) fn line(
    ui: &mut Ui,
    theme: &Theme,
    mark: Mark,
    title: &str,
    words: Words<'_>,
    actions: impl FnOnce(&mut Ui),
) {
    let top = ui.cursor().top();
    let (left, right) = (ui.max_rect().left(), ui.max_rect().right());
    ui.painter().hline(left..=right, top, egui::Stroke::new(1.0, theme.line));
    ui.add_space(6.0);
    let size = vec2(ui.available_width(), 24.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::TOP), |ui| {
        let (rect, response) = ui.allocate_exact_size(Vec2::new(20.0, 24.0), Sense::hover());
        let name = format!("{title}: {}", mark.word());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        let color = mark.color(theme);
        ui.painter().circle_filled(rect.center(), 10.0, Theme::tint(color, theme.panel, 0.22));
        let glyph = mark.icon().glyph();
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, glyph, theme::icons(TEXT), color);
        let (rect, response) = ui.allocate_exact_size(Vec2::new(TITLE_WIDTH, 24.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, title));
        let galley = Words::new(theme).strong(title).galley(ui, rect.width());
        super::paint_words(ui.painter(), rect, Align2::LEFT_CENTER, galley);
        ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
            actions(ui);
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                ui.add_space(4.0);
                paragraph(ui, words);
            });
        });
    });
    ui.add_space(6.0);
}

/// Words over as many lines as they need.
pub(crate) fn paragraph(ui: &mut Ui, words: Words<'_>) -> Response {
    ui.add(Label::new(words.job()).wrap())
}
