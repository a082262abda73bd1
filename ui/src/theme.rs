//! The window's colours, sizes and fonts. Colours are read from `assets/theme`; nothing else in this crate names one.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, TextStyle,
    Vec2, Visuals,
};
use serde::Deserialize;

/// Which set of colours is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    /// For dim rooms, where most shows are made.
    #[default]
    Dark,
    /// For bright rooms.
    Light,
    /// Text with at least 7:1 against its ground.
    HighContrast,
}

impl ThemeChoice {
    const fn ron(self) -> &'static str {
        match self {
            Self::Dark => include_str!("../../assets/theme/dark.ron"),
            Self::Light => include_str!("../../assets/theme/light.ron"),
            Self::HighContrast => include_str!("../../assets/theme/high_contrast.ron"),
        }
    }
}

/// The colours by what they are for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Whether light text stands on dark ground.
    pub dark: bool,
    /// Behind everything, and around the programme.
    #[serde(deserialize_with = "hex")]
    pub background: Color32,
    /// Ground of the side panels.
    #[serde(deserialize_with = "hex")]
    pub panel: Color32,
    /// Ground of a card on a panel.
    #[serde(deserialize_with = "hex")]
    pub card: Color32,
    /// Ground of what can be pressed.
    #[serde(deserialize_with = "hex")]
    pub raised: Color32,
    /// Borders and separators.
    #[serde(deserialize_with = "hex")]
    pub line: Color32,
    /// Text.
    #[serde(deserialize_with = "hex")]
    pub text: Color32,
    /// Text that stands beside other text.
    #[serde(deserialize_with = "hex")]
    pub second: Color32,
    /// Text that may be overlooked, such as a meter's scale.
    #[serde(deserialize_with = "hex")]
    pub third: Color32,
    /// What is chosen, and the focus ring.
    #[serde(deserialize_with = "hex")]
    pub accent: Color32,
    /// Text on the accent.
    #[serde(deserialize_with = "hex")]
    pub accent_text: Color32,
    /// On air, and nothing else.
    #[serde(deserialize_with = "hex")]
    pub on_air: Color32,
    /// Text on the on-air colour.
    #[serde(deserialize_with = "hex")]
    pub on_air_text: Color32,
    /// As it should be.
    #[serde(deserialize_with = "hex")]
    pub good: Color32,
    /// Look here: something is not as it was asked for.
    #[serde(deserialize_with = "hex")]
    pub warning: Color32,
    /// A meter from -60 to -20 dBFS.
    #[serde(deserialize_with = "hex")]
    pub meter_low: Color32,
    /// A meter from -20 to -9 dBFS.
    #[serde(deserialize_with = "hex")]
    pub meter_middle: Color32,
    /// A meter above -9 dBFS.
    #[serde(deserialize_with = "hex")]
    pub meter_high: Color32,
    /// The line of the highest peak of the last second.
    #[serde(deserialize_with = "hex")]
    pub meter_hold: Color32,
}

fn hex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Color32, D::Error> {
    let text = String::deserialize(deserializer)?;
    Color32::from_hex(&text)
        .map_err(|_| serde::de::Error::custom(format!("“{text}” is not a colour; write it like #4CC2FF")))
}

/// Corner of cards, chips and the programme, in points.
pub(crate) const CORNER_LARGE: u8 = 8;
/// Corner of buttons, rows and tags, in points.
pub(crate) const CORNER_SMALL: u8 = 6;
/// Text, in points.
pub(crate) const TEXT: f32 = 13.0;
/// Small text, in points.
pub(crate) const SMALL: f32 = 11.0;
/// Titles, in points.
pub(crate) const TITLE: f32 = 19.0;

const STRONG: &str = "strong";
const ICONS: &str = "icons";

/// A text font in the usual weight.
pub(crate) const fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// A text font for what carries weight: names, figures that matter.
pub(crate) fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// The icon font.
pub(crate) fn icons(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICONS.into()))
}

impl Theme {
    /// The theme that was chosen.
    #[expect(
        clippy::expect_used,
        reason = "the text is compiled in, and a test reads every theme, so this cannot fail in a build that passed"
    )]
    pub fn new(choice: ThemeChoice) -> Self {
        ron::from_str(choice.ron()).expect("a built-in theme is well formed")
    }

    /// `color` laid over `ground` with this share, 0 to 1.
    pub(crate) fn tint(color: Color32, ground: Color32, share: f32) -> Color32 {
        ground.lerp_to_gamma(color, share)
    }

    /// Ground of a chosen control.
    pub(crate) fn chosen(&self) -> Color32 {
        Self::tint(self.accent, self.card, 0.22)
    }

    /// Ground of a control under the pointer.
    pub(crate) fn hovered(&self, ground: Color32) -> Color32 {
        Self::tint(self.text, ground, 0.07)
    }

    /// Installs this theme as egui's style.
    pub(crate) fn install(&self, ctx: &Context) {
        ctx.set_theme(if self.dark { egui::Theme::Dark } else { egui::Theme::Light });
        ctx.all_styles_mut(|style| {
            style.text_styles = BTreeMap::from([
                (TextStyle::Small, regular(SMALL)),
                (TextStyle::Body, regular(TEXT)),
                (TextStyle::Button, regular(TEXT)),
                (TextStyle::Heading, strong(TITLE)),
                (TextStyle::Monospace, FontId::new(SMALL + 1.0, FontFamily::Monospace)),
            ]);
            style.visuals = self.visuals();
            // Every change is drawn at once: a fade of a hover costs repaints, which cost cores on software adapters.
            style.animation_time = 0.0;
            style.interaction.selectable_labels = false;
            style.interaction.tooltip_delay = 0.4;
            let spacing = &mut style.spacing;
            spacing.item_spacing = Vec2::new(8.0, 4.0);
            spacing.button_padding = Vec2::new(12.0, 6.0);
            spacing.interact_size = Vec2::new(28.0, 28.0);
            spacing.menu_margin = Margin::same(6);
            spacing.window_margin = Margin::same(16);
            spacing.slider_rail_height = 4.0;
            spacing.tooltip_width = 320.0;
        });
    }

    fn visuals(&self) -> Visuals {
        let mut visuals = if self.dark { Visuals::dark() } else { Visuals::light() };
        let corner = CornerRadius::same(CORNER_SMALL);
        let focus = Stroke::new(2.0, self.accent);
        visuals.panel_fill = self.panel;
        visuals.window_fill = self.panel;
        visuals.window_stroke = Stroke::new(1.0, self.line);
        visuals.window_corner_radius = CornerRadius::same(CORNER_LARGE);
        visuals.menu_corner_radius = CornerRadius::same(CORNER_LARGE);
        // Blurred shadows are dear on software adapters, and a border says the same.
        visuals.window_shadow = egui::Shadow::NONE;
        visuals.popup_shadow = egui::Shadow::NONE;
        visuals.extreme_bg_color = self.background;
        visuals.faint_bg_color = self.card;
        visuals.code_bg_color = self.background;
        visuals.hyperlink_color = self.accent;
        visuals.warn_fg_color = self.warning;
        visuals.error_fg_color = self.warning;
        visuals.weak_text_color = Some(self.second);
        visuals.selection.bg_fill = self.chosen();
        // The ring of a text field that has the keyboard.
        visuals.selection.stroke = focus;
        visuals.slider_trailing_fill = true;
        let widgets = &mut visuals.widgets;
        for (state, ground, border, text) in [
            (&mut widgets.noninteractive, self.card, Stroke::new(1.0, self.line), self.text),
            (&mut widgets.inactive, self.raised, Stroke::new(1.0, self.line), self.text),
            (&mut widgets.hovered, self.hovered(self.raised), Stroke::new(1.0, self.third), self.text),
            (&mut widgets.active, self.raised, focus, self.text),
            (&mut widgets.open, self.raised, Stroke::new(1.0, self.line), self.text),
        ] {
            state.bg_fill = ground;
            state.weak_bg_fill = ground;
            state.bg_stroke = border;
            state.fg_stroke = Stroke::new(1.0, text);
            state.corner_radius = corner;
            state.expansion = 0.0;
        }
        visuals
    }
}

/// Installs the window's fonts.
pub(crate) fn install_fonts(ctx: &Context) {
    ctx.set_fonts(fonts());
}

/// Adds a font for characters that the window's own do not have.
pub(crate) fn add_fallback_font(ctx: &Context, name: &str, bytes: Vec<u8>, index: u32) {
    let families = [FontFamily::Proportional, FontFamily::Monospace, FontFamily::Name(STRONG.into())]
        .map(|family| InsertFontFamily { family, priority: FontPriority::Lowest });
    let data = FontData { index, ..FontData::from_owned(bytes) };
    ctx.add_font(FontInsert::new(name, data, families.to_vec()));
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for (name, data) in [
        ("inter", FontData::from_static(include_bytes!("../../assets/fonts/Inter-Regular.otf"))),
        ("inter strong", FontData::from_static(include_bytes!("../../assets/fonts/Inter-SemiBold.otf"))),
        ("mono", FontData::from_static(include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf"))),
        (ICONS, FontData::from_static(include_bytes!("../../assets/icons/Phosphor.ttf"))),
    ] {
        fonts.font_data.insert(String::from(name), Arc::new(data));
    }
    for (family, names) in [
        (FontFamily::Proportional, ["inter", "mono", ICONS]),
        (FontFamily::Monospace, ["mono", "inter", ICONS]),
        (FontFamily::Name(STRONG.into()), ["inter strong", "inter", ICONS]),
        (FontFamily::Name(ICONS.into()), [ICONS, "inter", "mono"]),
    ] {
        fonts.families.insert(family, names.map(String::from).to_vec());
    }
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2, "relative luminance").
    fn luminance(color: Color32) -> f32 {
        let [red, green, blue, _] = egui::Rgba::from(color).to_array();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Contrast ratio (WCAG 2.2, "contrast ratio").
    fn contrast(one: Color32, other: Color32) -> f32 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_theme_is_well_formed_and_readable() {
        for choice in [ThemeChoice::Dark, ThemeChoice::Light, ThemeChoice::HighContrast] {
            let theme = Theme::new(choice);
            // WCAG 2.2, 1.4.3: 4.5:1 for text; 1.4.6: 7:1 for the high-contrast theme.
            let least = if choice == ThemeChoice::HighContrast { 7.0 } else { 4.5 };
            for ground in [theme.background, theme.panel, theme.card] {
                for text in [theme.text, theme.second, theme.accent, theme.good, theme.warning] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= least, "{choice:?}: {text:?} on {ground:?} has {ratio:.1}:1");
                }
                // WCAG 2.2, 1.4.11: 3:1 for what is not text and for what may be overlooked.
                assert!(contrast(theme.third, ground) >= 3.0, "{choice:?}: third on {ground:?}");
            }
            // WCAG 2.2, 1.4.3: 3:1 for large text, as the button's is.
            assert!(contrast(theme.on_air_text, theme.on_air) >= 3.0, "{choice:?}");
            assert!(contrast(theme.accent_text, theme.accent) >= 4.5, "{choice:?}");
        }
    }

    #[test]
    fn a_colour_that_is_none_is_named() {
        let wrong = ThemeChoice::Dark.ron().replace("#4CC2FF", "sky");
        let error = ron::from_str::<Theme>(&wrong).unwrap_err().to_string();
        assert!(error.contains("sky"), "{error}");
    }
}
