//! What makes a collection whole, and the numbers it may hold.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::ops::RangeInclusive;

use crate::{Collection, Color, Crop, Item, Slot, Source, SourceKind, Vec2};

/// Bounds of everything a collection holds. Where the IVS user guide ("Mixed Devices", source configuration tables)
/// states a range it is that one; the others keep arithmetic far from the edges of `f32` and lists readable.
pub mod limits {
    use std::ops::RangeInclusive;

    /// Multiplier of sound (guide: gain, 0-2).
    pub const GAIN: RangeInclusive<f32> = 0.0..=2.0;
    /// Opacity and colour channels (guide: alpha and fillColor, 0-1), and the fractions of a crop.
    pub const UNIT: RangeInclusive<f32> = 0.0..=1.0;
    /// Positions and sizes in canvas pixels: four times the longest side a canvas can have.
    pub const PIXELS: RangeInclusive<f32> = -65_536.0..=65_536.0;
    /// Z-indices; every whole number in it is exact in an `f32`.
    pub const Z_INDEX: RangeInclusive<f32> = -1_000_000.0..=1_000_000.0;
    /// Height of letters in canvas pixels.
    pub const TEXT_PX: RangeInclusive<f32> = 1.0..=4096.0;
    /// Delay of sound in milliseconds.
    pub const DELAY_MS: RangeInclusive<u32> = 0..=2000;
    /// Characters in a name.
    pub const NAME_CHARS: RangeInclusive<usize> = 1..=200;
    /// Characters in a text source, a path or a device name.
    pub const TEXT_CHARS: usize = 20_000;
    /// Scenes, sources, or items of one scene.
    pub const COUNT: usize = 1000;
}

/// Something in a collection that may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a path from the top of the file: `scenes[1].items[0].slot.alpha`.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl std::error::Error for Violation {}

type Checked = Result<(), Violation>;

pub(crate) fn violation(path: impl Into<String>, problem: impl Into<String>) -> Violation {
    Violation { path: path.into(), problem: problem.into() }
}

pub(crate) fn check_number(path: &str, value: f32, range: &RangeInclusive<f32>) -> Checked {
    if value.is_finite() && range.contains(&value) {
        return Ok(());
    }
    Err(violation(path, format!("{value} is not between {} and {}", range.start(), range.end())))
}

pub(crate) fn check_delay(path: &str, delay_ms: u32) -> Checked {
    if limits::DELAY_MS.contains(&delay_ms) {
        return Ok(());
    }
    let (low, high) = (limits::DELAY_MS.start(), limits::DELAY_MS.end());
    Err(violation(path, format!("{delay_ms} is not between {low} and {high} milliseconds")))
}

pub(crate) fn check_name(path: &str, name: &str) -> Checked {
    if name.trim().is_empty() {
        return Err(violation(path, "a name can not be empty"));
    }
    if !limits::NAME_CHARS.contains(&name.chars().count()) {
        return Err(violation(path, format!("a name has at most {} characters", limits::NAME_CHARS.end())));
    }
    if name.chars().any(char::is_control) {
        return Err(violation(path, "a name can not hold line breaks or other control characters"));
    }
    Ok(())
}

fn check_text(path: &str, text: &str) -> Checked {
    if text.chars().count() > limits::TEXT_CHARS {
        return Err(violation(path, format!("longer than {} characters", limits::TEXT_CHARS)));
    }
    Ok(())
}

fn check_file(path: &str, file: &str) -> Checked {
    if file.is_empty() || file.contains('\0') {
        return Err(violation(path, "not a file's path"));
    }
    check_text(path, file)
}

fn check_optional_text(path: &str, text: Option<&String>) -> Checked {
    text.map_or(Ok(()), |text| check_text(path, text))
}

pub(crate) fn check_color(path: &str, color: &Color) -> Checked {
    check_number(&format!("{path}.r"), color.r, &limits::UNIT)?;
    check_number(&format!("{path}.g"), color.g, &limits::UNIT)?;
    check_number(&format!("{path}.b"), color.b, &limits::UNIT)?;
    check_number(&format!("{path}.a"), color.a, &limits::UNIT)
}

fn check_extent(path: &str, extent: &Vec2) -> Checked {
    check_number(&format!("{path}.x"), extent.x, &limits::PIXELS)?;
    check_number(&format!("{path}.y"), extent.y, &limits::PIXELS)
}

fn check_crop(path: &str, crop: &Crop) -> Checked {
    check_number(&format!("{path}.left"), crop.left, &limits::UNIT)?;
    check_number(&format!("{path}.top"), crop.top, &limits::UNIT)?;
    check_number(&format!("{path}.right"), crop.right, &limits::UNIT)?;
    check_number(&format!("{path}.bottom"), crop.bottom, &limits::UNIT)?;
    if crop.left + crop.right > 1.0 || crop.top + crop.bottom > 1.0 {
        return Err(violation(path, "opposite sides cut off more than the whole picture"));
    }
    Ok(())
}

pub(crate) fn check_slot(path: &str, slot: &Slot) -> Checked {
    check_extent(&format!("{path}.position"), &slot.position)?;
    check_extent(&format!("{path}.size"), &slot.size)?;
    check_number(&format!("{path}.z_index"), slot.z_index, &limits::Z_INDEX)?;
    check_color(&format!("{path}.fill_color"), &slot.fill_color)?;
    check_number(&format!("{path}.alpha"), slot.alpha, &limits::UNIT)?;
    check_crop(&format!("{path}.crop"), &slot.crop)?;
    check_number(&format!("{path}.gain"), slot.gain, &limits::GAIN)
}

pub(crate) fn check_kind(path: &str, kind: &SourceKind) -> Checked {
    match kind {
        SourceKind::Display { display: crate::DisplaySelector::Named(name), .. } => {
            check_text(&format!("{path}.display"), name)
        }
        SourceKind::Display { .. } | SourceKind::TestPattern { .. } => Ok(()),
        SourceKind::Window { window, .. } => {
            check_optional_text(&format!("{path}.window.title"), window.title.as_ref())?;
            check_optional_text(&format!("{path}.window.class"), window.class.as_ref())?;
            check_optional_text(&format!("{path}.window.program"), window.program.as_ref())
        }
        SourceKind::Camera { device } | SourceKind::AudioInput { device } => {
            check_optional_text(&format!("{path}.device"), device.as_ref())
        }
        SourceKind::DesktopAudio { device, program } => {
            check_optional_text(&format!("{path}.device"), device.as_ref())?;
            let Some(wanted) = program else { return Ok(()) };
            check_text(&format!("{path}.program.program"), &wanted.program)?;
            check_optional_text(&format!("{path}.program.title"), wanted.title.as_ref())
        }
        SourceKind::Media { path: file, .. } | SourceKind::Image { path: file } => {
            check_file(&format!("{path}.path"), file)
        }
        SourceKind::Text { text, font, size_px, color, .. } => {
            check_text(&format!("{path}.text"), text)?;
            check_optional_text(&format!("{path}.font"), font.as_ref())?;
            check_number(&format!("{path}.size_px"), *size_px, &limits::TEXT_PX)?;
            check_color(&format!("{path}.color"), color)
        }
        SourceKind::Color { color } => check_color(&format!("{path}.color"), color),
    }
}

pub(crate) fn check_source(path: &str, source: &Source) -> Checked {
    check_name(&format!("{path}.name"), &source.name)?;
    check_kind(path, &source.kind)?;
    check_number(&format!("{path}.gain"), source.gain, &limits::GAIN)?;
    check_delay(&format!("{path}.delay_ms"), source.delay_ms)
}

fn check_count(path: &str, count: usize) -> Checked {
    if count > limits::COUNT {
        return Err(violation(path, format!("more than {} entries", limits::COUNT)));
    }
    Ok(())
}

fn check_unique<T: Hash + Eq + Copy>(seen: &mut HashSet<T>, id: T, path: impl FnOnce() -> String) -> Checked {
    if seen.insert(id) { Ok(()) } else { Err(violation(path(), "the same id is used before")) }
}

impl Collection {
    /// Checks that the collection is whole: ids are unique within their kind, items and `always_heard` name sources
    /// that exist, there is at least one scene, names can be read and every number is finite and within
    /// [`limits`].
    ///
    /// # Errors
    /// The first [`Violation`], with the path to it.
    pub fn verify(&self) -> Result<(), Violation> {
        check_name("name", &self.name)?;
        check_count("sources", self.sources.len())?;
        let mut sources = HashSet::new();
        for (s, source) in self.sources.iter().enumerate() {
            let path = format!("sources[{s}]");
            check_unique(&mut sources, source.id, || format!("{path}.id"))?;
            check_source(&path, source)?;
        }
        if self.scenes.is_empty() {
            return Err(violation("scenes", "a collection has at least one scene"));
        }
        check_count("scenes", self.scenes.len())?;
        let (mut scenes, mut items) = (HashSet::new(), HashSet::new());
        for (c, scene) in self.scenes.iter().enumerate() {
            let path = format!("scenes[{c}]");
            check_unique(&mut scenes, scene.id, || format!("{path}.id"))?;
            check_name(&format!("{path}.name"), &scene.name)?;
            check_count(&format!("{path}.items"), scene.items.len())?;
            for (i, Item { id, source, slot, .. }) in scene.items.iter().enumerate() {
                let path = format!("{path}.items[{i}]");
                check_unique(&mut items, *id, || format!("{path}.id"))?;
                if !sources.contains(source) {
                    return Err(violation(
                        format!("{path}.source"),
                        format!("there is no source {}", source.0),
                    ));
                }
                check_slot(&format!("{path}.slot"), slot)?;
            }
        }
        let mut heard = HashSet::new();
        for (h, source) in self.always_heard.iter().enumerate() {
            let path = format!("always_heard[{h}]");
            if !sources.contains(source) {
                return Err(violation(path, format!("there is no source {}", source.0)));
            }
            check_unique(&mut heard, *source, || path)?;
        }
        Ok(())
    }
}
