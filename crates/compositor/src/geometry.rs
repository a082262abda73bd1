//! Where a layer lands on the canvas: pure arithmetic, no adapter.

use scene::{AspectMode, Layer};
use units::Size;

/// A rectangle by its edges; `x0` is left of `x1` except where a mirrored source part says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Edge where the picture's columns begin.
    pub x0: f32,
    /// Edge where the picture's rows begin.
    pub y0: f32,
    /// Edge where the columns end.
    pub x1: f32,
    /// Edge where the rows end.
    pub y1: f32,
}

impl Rect {
    /// Signed width.
    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    /// Signed height.
    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }
}

/// What [`place`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// The whole slot in canvas pixels, edges in order.
    pub slot: Rect,
    /// The part of the slot the picture covers, in canvas pixels, edges in order.
    pub target: Rect,
    /// The part of the picture that is shown, in its own pixels, in the order of `target`'s edges: mirrored layers
    /// have `x0 > x1` or `y0 > y1`.
    pub shown: Rect,
    /// The parts of the slot that a fitted picture leaves free: before and after it.
    pub free: [Option<Rect>; 2],
}

/// Places a picture of `size` by the slot model (IVS user guide, "Source Configuration" of mixed image devices):
/// crop first, then the aspect mode, then mirroring by negative sizes about the position. `None` when there is
/// nothing to draw: an empty slot, a picture cropped away, values that are not finite.
pub fn place(layer: &Layer, size: Size) -> Option<Placement> {
    let (slot_x0, slot_x1, mirrored_x) = span(layer.position.x, layer.size.x)?;
    let (slot_y0, slot_y1, mirrored_y) = span(layer.position.y, layer.size.y)?;
    let slot = Rect { x0: slot_x0, y0: slot_y0, x1: slot_x1, y1: slot_y1 };
    let (shown_x0, shown_x1) = cropped(size.width_px(), layer.crop.left, layer.crop.right)?;
    let (shown_y0, shown_y1) = cropped(size.height_px(), layer.crop.top, layer.crop.bottom)?;
    let mut shown = Rect { x0: shown_x0, y0: shown_y0, x1: shown_x1, y1: shown_y1 };
    let mut target = slot;
    let mut free = [None, None];
    // Canvas pixels per picture pixel that would fill the slot exactly. In f64, so that the usual sizes come out whole.
    let ratio = |slot: f32, shown: f32| f64::from(slot) / f64::from(shown);
    let (wide, high) = (ratio(slot.width(), shown.width()), ratio(slot.height(), shown.height()));
    let (slot_width, slot_height) = (f64::from(slot.width()), f64::from(slot.height()));
    let (shown_width, shown_height) = (f64::from(shown.width()), f64::from(shown.height()));
    match layer.aspect {
        AspectMode::None => {}
        AspectMode::Fit if wide > high => {
            (target.x0, target.x1) = centred(slot.x0, slot.x1, shown_width * high);
            free = [
                Some(Rect { x1: target.x0, ..slot }).filter(|r| r.width() > 0.0),
                Some(Rect { x0: target.x1, ..slot }).filter(|r| r.width() > 0.0),
            ];
        }
        AspectMode::Fit => {
            (target.y0, target.y1) = centred(slot.y0, slot.y1, shown_height * wide);
            free = [
                Some(Rect { y1: target.y0, ..slot }).filter(|r| r.height() > 0.0),
                Some(Rect { y0: target.y1, ..slot }).filter(|r| r.height() > 0.0),
            ];
        }
        AspectMode::Fill if wide > high => {
            (shown.y0, shown.y1) = centred(shown.y0, shown.y1, slot_height / wide);
        }
        AspectMode::Fill => {
            (shown.x0, shown.x1) = centred(shown.x0, shown.x1, slot_width / high);
        }
    }
    if mirrored_x {
        (shown.x0, shown.x1) = (shown.x1, shown.x0);
    }
    if mirrored_y {
        (shown.y0, shown.y1) = (shown.y1, shown.y0);
    }
    Some(Placement { slot, target, shown, free })
}

/// Edges in order, and whether the slot grows against the axis ("Mirroring the Broadcast": the position of a mirrored
/// slot is moved by its size).
fn span(position: f32, extent: f32) -> Option<(f32, f32, bool)> {
    let end = position + extent;
    let drawn = position.is_finite() && end.is_finite() && position != end;
    drawn.then(|| (position.min(end), position.max(end), extent < 0.0))
}

fn cropped(length_px: u32, before: f32, after: f32) -> Option<(f32, f32)> {
    let length = length_px as f32;
    let from = length * before.clamp(0.0, 1.0);
    let to = length - length * after.clamp(0.0, 1.0);
    // Also false where a crop is not a number.
    (to > from).then_some((from, to))
}

fn centred(from: f32, to: f32, length: f64) -> (f32, f32) {
    // Never outside of where it came from, however the division rounded.
    let margin = ((f64::from(to) - f64::from(from) - length) / 2.0).max(0.0);
    ((f64::from(from) + margin) as f32, (f64::from(to) - margin) as f32)
}

/// Whole pixels, from the first to one past the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PixelRect {
    pub(crate) x0: i32,
    pub(crate) y0: i32,
    pub(crate) x1: i32,
    pub(crate) y1: i32,
}

impl PixelRect {
    pub(crate) fn of(size: Size) -> Self {
        // A side is at most Size::MAX_SIDE_PX.
        Self { x0: 0, y0: 0, x1: size.width_px().cast_signed(), y1: size.height_px().cast_signed() }
    }

    /// The pixels whose centres lie inside of `rect`: the rule by which adapters draw, so rectangles that share an
    /// edge never overlap and leave no gap.
    pub(crate) fn covered_by(rect: &Rect) -> Self {
        let first_centre = |edge: f32| (edge - 0.5).ceil().clamp(-65_536.0, 65_536.0) as i32;
        Self {
            x0: first_centre(rect.x0),
            y0: first_centre(rect.y0),
            x1: first_centre(rect.x1),
            y1: first_centre(rect.y1),
        }
    }

    pub(crate) fn clipped_to(self, other: Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.x0 <= other.x0 && self.y0 <= other.y0 && self.x1 >= other.x1 && self.y1 >= other.y1
    }

    /// Whether the two share a chroma sample.
    pub(crate) fn is_near(self, other: Self) -> bool {
        !self.chroma().clipped_to(other.chroma()).is_empty()
    }

    /// The chroma samples that any of these luma pixels weighs in: sample i is sited on luma column 2i and takes a
    /// quarter from each neighbour; sample j takes half from rows 2j and 2j + 1. See `layer.wgsl`.
    pub(crate) fn chroma(self) -> Self {
        Self {
            x0: self.x0.div_euclid(2),
            y0: self.y0.div_euclid(2),
            x1: self.x1.div_euclid(2) + 1,
            y1: (self.y1 + 1).div_euclid(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scene::{Color, Crop, ItemId, SourceId, Vec2};

    fn layer(position: (f32, f32), size: (f32, f32), aspect: AspectMode) -> Layer {
        Layer {
            item: ItemId(1),
            source: SourceId(1),
            position: Vec2 { x: position.0, y: position.1 },
            size: Vec2 { x: size.0, y: size.1 },
            aspect,
            fill_color: Color::default(),
            alpha: 1.0,
            crop: Crop::default(),
        }
    }

    fn rect(x0: f32, y0: f32, x1: f32, y1: f32) -> Rect {
        Rect { x0, y0, x1, y1 }
    }

    #[test]
    fn the_guides_mirroring_example() {
        // "cameraSource.size = CGSize(width: -320, height: 720)", position x 320.
        let placed =
            place(&layer((320.0, 0.0), (-320.0, 720.0), AspectMode::None), Size::new(64, 48).unwrap())
                .unwrap();
        assert_eq!(placed.target, rect(0.0, 0.0, 320.0, 720.0));
        assert_eq!(placed.shown, rect(64.0, 0.0, 0.0, 48.0));
    }

    #[test]
    fn fit_leaves_bars_and_fill_cuts() {
        let size = Size::new(400, 300).unwrap();
        let fit = place(&layer((0.0, 0.0), (1280.0, 720.0), AspectMode::Fit), size).unwrap();
        assert_eq!(fit.target, rect(160.0, 0.0, 1120.0, 720.0));
        assert_eq!(fit.shown, rect(0.0, 0.0, 400.0, 300.0));
        assert_eq!(fit.free, [Some(rect(0.0, 0.0, 160.0, 720.0)), Some(rect(1120.0, 0.0, 1280.0, 720.0))]);
        let fill = place(&layer((0.0, 0.0), (1280.0, 720.0), AspectMode::Fill), size).unwrap();
        assert_eq!(fill.target, rect(0.0, 0.0, 1280.0, 720.0));
        assert_eq!(fill.shown, rect(0.0, 37.5, 400.0, 262.5));
        assert_eq!(fill.free, [None, None]);
        let none = place(&layer((0.0, 0.0), (1280.0, 720.0), AspectMode::None), size).unwrap();
        assert_eq!((none.target, none.shown), (fill.target, rect(0.0, 0.0, 400.0, 300.0)));
    }

    #[test]
    fn the_crop_comes_before_the_aspect() {
        let mut cut = layer((10.0, 20.0), (100.0, 100.0), AspectMode::Fit);
        cut.crop = Crop { left: 0.25, top: 0.0, right: 0.25, bottom: 0.0 };
        let placed = place(&cut, Size::new(200, 100).unwrap()).unwrap();
        assert_eq!(placed.target, rect(10.0, 20.0, 110.0, 120.0));
        assert_eq!(placed.shown, rect(50.0, 0.0, 150.0, 100.0));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let size = Size::new(4, 4).unwrap();
        assert!(place(&layer((0.0, 0.0), (0.0, 9.0), AspectMode::Fit), size).is_none());
        assert!(place(&layer((f32::NAN, 0.0), (9.0, 9.0), AspectMode::Fit), size).is_none());
        assert!(place(&layer((0.0, 0.0), (f32::INFINITY, 9.0), AspectMode::Fit), size).is_none());
        let mut gone = layer((0.0, 0.0), (9.0, 9.0), AspectMode::Fit);
        gone.crop.left = 0.6;
        gone.crop.right = 0.6;
        assert!(place(&gone, size).is_none());
        gone.crop.right = f32::NAN;
        assert!(place(&gone, size).is_none());
    }

    #[test]
    fn chroma_samples_follow_their_luma_pixels() {
        let chroma = PixelRect { x0: 3, y0: 3, x1: 5, y1: 5 }.chroma();
        // Columns 3 and 4 weigh in samples 1 (sited on 2), 2 (on 4); rows 3 and 4 in samples 1 and 2.
        assert_eq!(chroma, PixelRect { x0: 1, y0: 1, x1: 3, y1: 3 });
    }

    fn any_aspect() -> impl Strategy<Value = AspectMode> {
        prop_oneof![Just(AspectMode::Fit), Just(AspectMode::Fill), Just(AspectMode::None)]
    }

    proptest! {
        #[test]
        fn placements_stay_inside_and_keep_shape(
            (x, y) in (-2000.0f32..2000.0, -2000.0f32..2000.0),
            (w, h) in (-2000.0f32..2000.0, -2000.0f32..2000.0),
            (pw, ph) in (1u32..4096, 1u32..4096),
            (left, top, right, bottom) in (0.0f32..0.45, 0.0f32..0.45, 0.0f32..0.45, 0.0f32..0.45),
            aspect in any_aspect(),
        ) {
            prop_assume!(w.abs() > 2.0 && h.abs() > 2.0);
            let mut layer = layer((x, y), (w, h), aspect);
            layer.crop = Crop { left, top, right, bottom };
            let placed = place(&layer, Size::new(pw, ph).unwrap()).unwrap();
            let Placement { slot, target, shown, free } = placed;
            prop_assert_eq!((slot.x0, slot.y0), (x.min(x + w), y.min(y + h)));
            // Inside of the slot and of the cropped picture.
            prop_assert!(target.x0 >= slot.x0 && target.x1 <= slot.x1 && target.y0 >= slot.y0 && target.y1 <= slot.y1);
            let (sx0, sx1) = (shown.x0.min(shown.x1), shown.x0.max(shown.x1));
            let (sy0, sy1) = (shown.y0.min(shown.y1), shown.y0.max(shown.y1));
            prop_assert!(sx0 >= 0.0 && sx1 <= pw as f32 && sy0 >= 0.0 && sy1 <= ph as f32);
            // Mirrored exactly where the size is negative.
            prop_assert_eq!(shown.x0 > shown.x1, w < 0.0);
            prop_assert_eq!(shown.y0 > shown.y1, h < 0.0);
            // Fit and fill keep the shape.
            let (per_x, per_y) = (target.width() / (sx1 - sx0), target.height() / (sy1 - sy0));
            if aspect != AspectMode::None && target.width() > 1.0 && target.height() > 1.0 && sx1 - sx0 > 1.0 && sy1 - sy0 > 1.0 {
                prop_assert!((per_x / per_y - 1.0).abs() < 0.01, "{} {}", per_x, per_y);
            }
            // Fit shows all of the picture, fill and none cover all of the slot.
            match aspect {
                AspectMode::Fit => {
                    let area: f32 = free.iter().flatten().map(|r| r.width() * r.height()).sum();
                    let whole = slot.width() * slot.height();
                    prop_assert!((area + target.width() * target.height() - whole).abs() < whole * 1e-2 + 1.0);
                }
                AspectMode::Fill | AspectMode::None => prop_assert_eq!(target, slot),
            }
        }

        #[test]
        fn neighbours_share_no_pixel_and_leave_no_gap(x in -50.0f32..50.0, w in 0.1f32..50.0, v in 0.1f32..50.0) {
            let left = PixelRect::covered_by(&Rect { x0: x, y0: 0.0, x1: x + w, y1: 9.0 });
            let right = PixelRect::covered_by(&Rect { x0: x + w, y0: 0.0, x1: x + w + v, y1: 9.0 });
            prop_assert_eq!(left.x1, right.x0);
        }
    }
}
