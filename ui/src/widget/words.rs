//! Text in several weights and colours on one line.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, RichText, Ui};

use crate::icon::Icon;
use crate::theme::{self, TEXT, Theme};

/// A line of text being put together.
pub(crate) struct Words<'a> {
    theme: &'a Theme,
    job: LayoutJob,
}

impl<'a> Words<'a> {
    pub(crate) fn new(theme: &'a Theme) -> Self {
        Self { theme, job: LayoutJob::default() }
    }

    /// Adds text in any font and colour.
    pub(crate) fn add(mut self, text: &str, font: FontId, color: Color32) -> Self {
        self.job.append(
            text,
            0.0,
            TextFormat { valign: egui::Align::Center, ..TextFormat::simple(font, color) },
        );
        self
    }

    /// Adds text that carries weight.
    pub(crate) fn strong(self, text: &str) -> Self {
        let color = self.theme.text;
        self.add(text, theme::strong(TEXT), color)
    }

    /// Adds plain text.
    pub(crate) fn text(self, text: &str) -> Self {
        let color = self.theme.text;
        self.add(text, theme::regular(TEXT), color)
    }

    /// Adds text that stands beside other text.
    pub(crate) fn second(self, text: &str) -> Self {
        let color = self.theme.second;
        self.add(text, theme::regular(TEXT), color)
    }

    /// Adds text in a colour.
    pub(crate) fn colored(self, text: &str, color: Color32) -> Self {
        self.add(text, theme::regular(TEXT), color)
    }

    /// Adds an icon.
    pub(crate) fn icon(self, icon: Icon, color: Color32) -> Self {
        self.add(icon.glyph().encode_utf8(&mut [0; 4]), theme::icons(TEXT + 2.0), color)
    }

    /// The text for a label.
    pub(crate) fn job(self) -> LayoutJob {
        self.job
    }

    /// The text laid out on one line that ends with “…” where it is wider than `width`.
    pub(crate) fn galley(mut self, ui: &Ui, width: f32) -> Arc<Galley> {
        self.job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(0.0));
        ui.painter().layout_job(self.job)
    }
}

/// Paints laid-out text at a place of a rectangle.
pub(crate) fn paint_words(painter: &Painter, rect: Rect, align: Align2, galley: Arc<Galley>) -> Pos2 {
    let place = align.align_size_within_rect(galley.size(), rect).min;
    painter.galley(place, galley, Color32::PLACEHOLDER);
    place
}

/// An icon as text.
pub(crate) fn icon_text(icon: Icon, size: f32, color: Color32) -> RichText {
    RichText::new(icon.glyph()).font(theme::icons(size)).color(color)
}
