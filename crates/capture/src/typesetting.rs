//! Words as pixels: finding a font, breaking lines, drawing letters with alpha.
//!
//! Letters are placed one after the other with kerning; there is no shaping, so scripts that join or reorder letters
//! (Arabic, Devanagari) are drawn in their basic forms.

use std::sync::{Arc, OnceLock};

use ab_glyph::{Font, FontArc, FontVec, GlyphId, OutlinedGlyph, ScaleFont, point};
use fontdb::{Database, Family, Query};
use scene::{Color, TextAlign};
use units::{Size, SizeError};

use crate::Error;

/// Distance between lines as a multiple of the letters' size, when the font names none.
const DEFAULT_LINE_SPACING: f32 = 1.2;

/// Straight-alpha RGBA pixels.
pub(crate) struct Raster {
    pub(crate) size: Size,
    pub(crate) rgba: Vec<u8>,
}

impl Raster {
    /// A raster of one colour.
    pub(crate) fn filled(size: Size, color: [u8; 4]) -> Self {
        let pixels = usize::try_from(size.pixels()).unwrap_or(0);
        Self { size, rgba: color.repeat(pixels) }
    }

    /// Lays `color` with the given coverage (0 to 1) over a pixel; outside of the raster nothing happens.
    fn blend(&mut self, x: i64, y: i64, color: [u8; 4], coverage: f32) {
        let (width, height) = (i64::from(self.size.width_px()), i64::from(self.size.height_px()));
        if x < 0 || y < 0 || x >= width || y >= height {
            return;
        }
        let Ok(start) = usize::try_from((y * width + x) * 4) else { return };
        let Some(pixel) = self.rgba.get_mut(start..start + 4) else { return };
        let [_, _, _, alpha] = color;
        let above = coverage.clamp(0.0, 1.0) * f32::from(alpha) / 255.0;
        let below = pixel.get(3).map_or(0.0, |a| f32::from(*a) / 255.0) * (1.0 - above);
        let sum = above + below;
        if sum <= 0.0 {
            return;
        }
        for (old, new) in pixel.iter_mut().zip(color).take(3) {
            *old = ((f32::from(new) * above + f32::from(*old) * below) / sum).round() as u8;
        }
        if let Some(old) = pixel.get_mut(3) {
            *old = (sum * 255.0).round() as u8;
        }
    }
}

/// A colour of the scene as bytes.
pub(crate) fn color_bytes(color: Color) -> [u8; 4] {
    [color.r, color.g, color.b, color.a].map(|part| (part.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn system_fonts() -> &'static Database {
    static FONTS: OnceLock<Database> = OnceLock::new();
    FONTS.get_or_init(|| {
        let mut database = Database::new();
        database.load_system_fonts();
        database
    })
}

fn load(database: &Database, id: fontdb::ID) -> Option<FontArc> {
    database
        .with_face_data(id, |bytes, index| FontVec::try_from_vec_and_index(bytes.to_vec(), index).ok())
        .flatten()
        .map(FontArc::new)
}

/// The font of that family as the system has it.
fn installed(family: &str) -> Option<FontArc> {
    let database = system_fonts();
    let query = |family: Family<'_>| database.query(&Query { families: &[family], ..Query::default() });
    // `query` compares names as written; people do not.
    let id = query(Family::Name(family)).or_else(|| {
        database
            .faces()
            .find(|face| face.families.iter().any(|(name, _)| name.eq_ignore_ascii_case(family)))
            .map(|face| face.id)
    })?;
    load(database, id)
}

/// Any sans the system has, or any font at all.
fn any_installed() -> Option<FontArc> {
    let database = system_fonts();
    let sans = ["Inter", "Segoe UI", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial"];
    let named = sans.map(Family::Name);
    let query = Query { families: &named, ..Query::default() };
    let fallback = Query { families: &[Family::SansSerif], ..Query::default() };
    let id = database
        .query(&query)
        .or_else(|| database.query(&fallback))
        .or_else(|| database.faces().next().map(|face| face.id))?;
    load(database, id)
}

/// A font, and which one it became.
#[derive(Debug)]
pub(crate) struct ChosenFont {
    pub(crate) font: FontArc,
    /// For [`crate::LiveSource::via`].
    pub(crate) how: String,
}

/// The font for `family`; when it is missing, or none is named, the default font, else any sans of the system.
pub(crate) fn choose_font(family: Option<&str>, default: &Arc<[u8]>) -> Result<ChosenFont, Error> {
    let family = family.map(str::trim).filter(|name| !name.is_empty());
    if let Some(font) = family.and_then(installed) {
        return Ok(ChosenFont { font, how: family.unwrap_or_default().to_owned() });
    }
    let instead = |what: &str| match family {
        Some(name) => format!("{what}, because “{name}” is not installed"),
        None => what.to_owned(),
    };
    if !default.is_empty() {
        if let Ok(font) = FontVec::try_from_vec(default.to_vec()) {
            return Ok(ChosenFont { font: FontArc::new(font), how: instead("the built-in font") });
        }
        tracing::warn!("the font that was given for text cannot be read; looking for one of the system");
    }
    let font = any_installed().ok_or(Error::NoFont)?;
    Ok(ChosenFont { font, how: instead("the system's sans font") })
}

/// One line of letters, from x = 0 at a baseline of y = 0.
struct Line {
    glyphs: Vec<(GlyphId, f32)>,
    width: f32,
}

fn set_line<F: Font>(font: &impl ScaleFont<F>, text: &str) -> Line {
    let mut line = Line { glyphs: Vec::new(), width: 0.0 };
    let mut previous = None;
    for letter in text.chars() {
        let letter = if letter == '\t' { ' ' } else { letter };
        if letter.is_control() {
            continue;
        }
        let glyph = font.glyph_id(letter);
        if let Some(before) = previous {
            line.width += font.kern(before, glyph);
        }
        line.glyphs.push((glyph, line.width));
        line.width += font.h_advance(glyph);
        previous = Some(glyph);
    }
    line
}

/// Breaks lines between words so that none is wider than `width_px`, where the words allow it.
pub(crate) fn wrap(font: &FontArc, text: &str, size_px: f32, width_px: f32) -> String {
    let scaled = font.as_scaled(size_px);
    let mut wrapped = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if set_line(&scaled, &longer).width > width_px && !line.is_empty() {
                wrapped.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        wrapped.push(line);
    }
    wrapped.join("\n")
}

/// Draws `text` into a transparent picture just large enough for its lines. `size_px` is the distance from the
/// font's ascent to its descent.
///
/// # Errors
/// [`Error::Parameter`] for a size that is not a positive number; [`Error::Size`] when the picture would be larger
/// than [`Size::MAX_SIDE_PX`].
pub(crate) fn set_text(
    font: &FontArc,
    text: &str,
    size_px: f32,
    color: [u8; 4],
    align: TextAlign,
) -> Result<Raster, Error> {
    if !(size_px.is_finite() && size_px >= 1.0) {
        return Err(Error::Parameter(format!("letters cannot be {size_px} pixels high; use 1 or more")));
    }
    let scaled = font.as_scaled(size_px);
    let lines: Vec<Line> = text.lines().map(|line| set_line(&scaled, line)).collect();
    let spacing = if scaled.line_gap() > 0.0 {
        scaled.height() + scaled.line_gap()
    } else {
        size_px * DEFAULT_LINE_SPACING
    };
    // A glyph may reach outside of its advance (italics, swashes): a margin of an eighth keeps it whole.
    let margin = (size_px / 8.0).ceil();
    let widest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
    let width = widest.ceil() + 2.0 * margin;
    let height = spacing * lines.len().saturating_sub(1) as f32 + scaled.height().ceil() + 2.0 * margin;
    // Float to integer casts saturate, so an absurd size is refused and never wrapped.
    let size = Size::new(width.max(1.0) as u32, height.max(1.0).ceil() as u32)?;
    // One frame may be a gigabyte at the limits of a texture; text has no business there.
    if size.pixels() > MAX_TEXT_PIXELS {
        return Err(SizeError::OutOfRange { width_px: size.width_px(), height_px: size.height_px() }.into());
    }
    // The colour stays under transparent pixels too, so that scaling does not darken the edges of letters.
    let [r, g, b, _] = color;
    let mut raster = Raster::filled(size, [r, g, b, 0]);
    for (number, line) in lines.iter().enumerate() {
        let left = margin
            + match align {
                TextAlign::Left => 0.0,
                TextAlign::Center => (widest - line.width) / 2.0,
                TextAlign::Right => widest - line.width,
            };
        let baseline = margin + scaled.ascent() + spacing * number as f32;
        draw_line(&mut raster, font, size_px, line, left, baseline, color);
    }
    Ok(raster)
}

/// More pixels than an 8K picture has are refused for text.
const MAX_TEXT_PIXELS: u64 = 8192 * 4320;

fn draw_line(
    raster: &mut Raster,
    font: &FontArc,
    size_px: f32,
    line: &Line,
    left: f32,
    baseline: f32,
    color: [u8; 4],
) {
    for (glyph, x) in &line.glyphs {
        let placed = glyph.with_scale_and_position(size_px, point(left + x, baseline));
        if let Some(outline) = font.outline_glyph(placed) {
            draw_glyph(raster, &outline, color);
        }
    }
}

fn draw_glyph(raster: &mut Raster, outline: &OutlinedGlyph, color: [u8; 4]) {
    let bounds = outline.px_bounds();
    let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
    outline.draw(|x, y, coverage| raster.blend(left + i64::from(x), top + i64::from(y), color, coverage));
}

/// Draws `text` over an existing picture, in the middle of it.
pub(crate) fn draw_centered(raster: &mut Raster, font: &FontArc, text: &str, size_px: f32, color: [u8; 4]) {
    let scaled = font.as_scaled(size_px);
    let lines: Vec<Line> = text.lines().map(|line| set_line(&scaled, line)).collect();
    let spacing = size_px * DEFAULT_LINE_SPACING;
    let block = spacing * lines.len() as f32;
    let (width, height) = (raster.size.width_px() as f32, raster.size.height_px() as f32);
    let top = (height - block) / 2.0;
    for (number, line) in lines.iter().enumerate() {
        let baseline = top + spacing * number as f32 + scaled.ascent();
        draw_line(raster, font, size_px, line, (width - line.width) / 2.0, baseline, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: [u8; 4] = [255, 255, 255, 255];

    fn font() -> FontArc {
        choose_font(None, &Arc::from([])).unwrap().font
    }

    /// Coverage-weighted middle of the ink in each of `lines` equal bands, as a share of the width.
    fn ink_centers(raster: &Raster, lines: usize) -> Vec<f64> {
        let (width, height) = (raster.size.width_px() as usize, raster.size.height_px() as usize);
        (0..lines)
            .map(|band| {
                let (mut sum, mut weight) = (0.0, 0.0);
                for y in height * band / lines..height * (band + 1) / lines {
                    for x in 0..width {
                        let alpha = f64::from(raster.rgba[(y * width + x) * 4 + 3]);
                        sum += alpha * x as f64;
                        weight += alpha;
                    }
                }
                sum / weight / width as f64
            })
            .collect()
    }

    #[test]
    fn letters_have_ink_edges_and_nothing_around() {
        let raster = set_text(&font(), "Hello", 48.0, [10, 200, 30, 255], TextAlign::Left).unwrap();
        let alphas: Vec<u8> = raster.rgba.chunks(4).map(|p| p[3]).collect();
        assert!(alphas.contains(&255), "solid ink");
        assert!(alphas.iter().any(|a| (1..255).contains(a)), "soft edges");
        assert_eq!(alphas[0], 0, "transparent corner");
        assert!(raster.rgba.chunks(4).filter(|p| p[3] > 0).all(|p| p[..3] == [10, 200, 30]));
    }

    #[test]
    fn the_colours_own_alpha_is_kept() {
        let raster = set_text(&font(), "█ I", 48.0, [255, 0, 0, 128], TextAlign::Left).unwrap();
        assert_eq!(raster.rgba.chunks(4).map(|p| p[3]).max(), Some(128));
    }

    #[test]
    fn lines_are_broken_and_aligned() {
        let text = "MMMMMMMMMM\ni";
        let one = set_text(&font(), "MMMMMMMMMM", 32.0, WHITE, TextAlign::Left).unwrap();
        let left = set_text(&font(), text, 32.0, WHITE, TextAlign::Left).unwrap();
        assert!(left.size.height_px() > one.size.height_px() + 25);
        let short = |align| ink_centers(&set_text(&font(), text, 32.0, WHITE, align).unwrap(), 2)[1];
        assert!(short(TextAlign::Left) < 0.1);
        assert!((0.45..0.55).contains(&short(TextAlign::Center)));
        assert!(short(TextAlign::Right) > 0.9);
    }

    #[test]
    fn absurd_sizes_are_refused_and_empty_text_is_not() {
        for size in [0.0, -3.0, f32::NAN, f32::INFINITY] {
            assert!(set_text(&font(), "x", size, WHITE, TextAlign::Left).is_err(), "{size}");
        }
        assert!(set_text(&font(), "x".repeat(100).as_str(), 1e9, WHITE, TextAlign::Left).is_err());
        assert!(set_text(&font(), "", 20.0, WHITE, TextAlign::Left).is_ok());
        assert!(set_text(&font(), "\u{7}\r\n\t", 20.0, WHITE, TextAlign::Left).is_ok());
    }

    #[test]
    fn a_missing_family_falls_back_and_says_so() {
        let chosen = choose_font(Some("No Such Family At All"), &Arc::from([])).unwrap();
        assert!(chosen.how.contains("No Such Family At All"), "{}", chosen.how);
        let broken: Arc<[u8]> = Arc::from(&b"not a font"[..]);
        assert!(choose_font(None, &broken).is_ok());
    }

    #[test]
    fn the_fonts_we_ship_can_be_drawn() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fonts/Inter-Regular.otf");
        let chosen = choose_font(None, &Arc::from(std::fs::read(file).unwrap())).unwrap();
        assert_eq!(chosen.how, "the built-in font");
        let raster = set_text(&chosen.font, "Ready", 40.0, WHITE, TextAlign::Left).unwrap();
        assert!(raster.rgba.chunks(4).filter(|p| p[3] == 255).count() > 200);
    }

    #[test]
    fn wrapping_keeps_every_word() {
        let text = "one two three four five six seven";
        let wrapped = wrap(&font(), text, 20.0, 90.0);
        assert!(wrapped.lines().count() > 2);
        assert_eq!(
            wrapped.split_whitespace().collect::<Vec<_>>(),
            text.split_whitespace().collect::<Vec<_>>()
        );
    }
}
