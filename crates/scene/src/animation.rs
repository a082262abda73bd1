//! Values on their way from one slot to another.

use units::{Pts, Size, Span};

use crate::{Color, Crop, ItemId, Slot, Vec2};

/// Names a running animation of an item, or a running transition between scenes; never reused by a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnimationId(pub u64);

/// How the way is spread over the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Easing {
    /// Starts and ends at rest: `3t² - 2t³`, the cubic whose slope is zero at both ends.
    #[default]
    Smooth,
    /// The same speed all the way.
    Linear,
}

impl Easing {
    /// The share of the way that is done after the share `t` of the time, both 0 to 1. What is not a number counts
    /// as arrived.
    pub fn at(self, t: f32) -> f32 {
        let t = if t.is_nan() { 1.0 } else { t.clamp(0.0, 1.0) };
        match self {
            Self::Smooth => t * t * (3.0 - 2.0 * t),
            Self::Linear => t,
        }
    }
}

/// How an animation or transition ended: the completed-or-interrupted result of the IVS SDK's transition callback
/// (user guide, "Animations with Transitions").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub id: AnimationId,
    /// It arrived; false when something newer took its place, or its item or scene was removed.
    pub completed: bool,
}

/// Progress along the video's timeline. The clock starts with the first picture that is evaluated, so that nothing
/// of a short animation is lost between a command and the next frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    duration: Span,
    easing: Easing,
    started: Option<Pts>,
}

impl Course {
    pub(crate) fn new(duration: Span, easing: Easing) -> Self {
        Self { duration, easing, started: None }
    }

    pub(crate) fn begin(&mut self, pts: Pts) {
        self.started.get_or_insert(pts);
    }

    /// Share of the time that has passed at `pts`. A duration of zero is over at once: the guide's "the transition
    /// happens on the next frame that is mixed".
    fn time(&self, pts: Pts) -> f32 {
        let (Some(started), true) = (self.started, self.duration > Span::ZERO) else {
            return if self.duration > Span::ZERO { 0.0 } else { 1.0 };
        };
        let passed = (pts - started).as_nanos().max(0);
        (passed as f64 / self.duration.as_nanos() as f64).min(1.0) as f32
    }

    pub(crate) fn is_over(&self, pts: Pts) -> bool {
        self.time(pts) >= 1.0
    }

    /// Share of the way that is done at `pts`.
    pub(crate) fn share(&self, pts: Pts) -> f32 {
        self.easing.at(self.time(pts))
    }
}

/// An item on its way to what the collection says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Motion {
    pub(crate) id: AnimationId,
    pub(crate) item: ItemId,
    /// The slot it was seen in when the animation began, resolved; `None` for an item that was not seen.
    pub(crate) from: Option<Slot>,
    pub(crate) course: Course,
}

/// The slot with `match_canvas_size` carried out, so that its size can be compared and animated.
pub(crate) fn resolved(slot: &Slot, canvas: Size) -> Slot {
    if !slot.match_canvas_size {
        return *slot;
    }
    // Canvas sides are at most 16384, exact in an f32.
    let size = Vec2 { x: canvas.width_px() as f32, y: canvas.height_px() as f32 };
    Slot { size, match_canvas_size: false, ..*slot }
}

/// The slot at `share` of the way between two resolved ones. Floats are interpolated; the aspect mode changes at the
/// end (user guide, "Which Properties Can Be Animated?"). The z-index is interpolated too, so planes pass each other
/// where their values cross.
pub(crate) fn between(from: &Slot, to: &Slot, share: f32) -> Slot {
    if share >= 1.0 {
        return *to;
    }
    let mix = |a: f32, b: f32| if a == b { a } else { a + (b - a) * share };
    let point = |a: Vec2, b: Vec2| Vec2 { x: mix(a.x, b.x), y: mix(a.y, b.y) };
    Slot {
        position: point(from.position, to.position),
        size: point(from.size, to.size),
        match_canvas_size: to.match_canvas_size,
        z_index: mix(from.z_index, to.z_index),
        aspect: from.aspect,
        fill_color: Color {
            r: mix(from.fill_color.r, to.fill_color.r),
            g: mix(from.fill_color.g, to.fill_color.g),
            b: mix(from.fill_color.b, to.fill_color.b),
            a: mix(from.fill_color.a, to.fill_color.a),
        },
        alpha: mix(from.alpha, to.alpha),
        crop: Crop {
            left: mix(from.crop.left, to.crop.left),
            top: mix(from.crop.top, to.crop.top),
            right: mix(from.crop.right, to.crop.right),
            bottom: mix(from.crop.bottom, to.crop.bottom),
        },
        gain: mix(from.gain, to.gain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AspectMode;

    #[test]
    fn easing_is_anchored_at_both_ends_and_never_turns_back() {
        for easing in [Easing::Smooth, Easing::Linear] {
            assert_eq!((easing.at(0.0), easing.at(0.5), easing.at(1.0)), (0.0, 0.5, 1.0));
            assert_eq!((easing.at(-3.0), easing.at(7.0), easing.at(f32::NAN)), (0.0, 1.0, 1.0));
            for step in 0..100u8 {
                assert!(easing.at(f32::from(step) / 100.0) <= easing.at(f32::from(step + 1) / 100.0));
            }
        }
    }

    #[test]
    fn the_clock_starts_with_the_first_picture_and_zero_is_the_next_frame() {
        let mut course = Course::new(Span::from_millis(100), Easing::Linear);
        assert!(!course.is_over(Pts::from_millis(10_000)), "has not begun");
        course.begin(Pts::from_millis(500));
        course.begin(Pts::from_millis(533));
        assert_eq!(course.share(Pts::from_millis(500)), 0.0);
        assert_eq!(course.share(Pts::from_millis(550)), 0.5);
        assert!(course.is_over(Pts::from_millis(600)));
        assert!(Course::new(Span::ZERO, Easing::Smooth).is_over(Pts::ZERO));
        assert!(Course::new(Span::from_nanos(-1), Easing::Smooth).is_over(Pts::ZERO));
    }

    #[test]
    fn floats_glide_and_the_aspect_waits_for_the_end() {
        let from = Slot { match_canvas_size: false, aspect: AspectMode::Fill, alpha: 0.0, ..Slot::default() };
        let to = Slot {
            position: Vec2 { x: 100.0, y: -20.0 },
            alpha: 1.0,
            gain: 2.0,
            z_index: 4.0,
            aspect: AspectMode::Fit,
            fill_color: Color { r: 1.0, g: 0.5, b: 0.0, a: 1.0 },
            crop: Crop { left: 0.5, ..Crop::default() },
            ..from
        };
        let half = between(&from, &to, 0.5);
        assert_eq!(half.position, Vec2 { x: 50.0, y: -10.0 });
        assert_eq!((half.alpha, half.gain, half.z_index, half.crop.left), (0.5, 1.5, 2.0, 0.25));
        assert_eq!(half.fill_color, Color { r: 0.5, g: 0.25, b: 0.0, a: 0.5 });
        assert_eq!(half.aspect, AspectMode::Fill);
        assert_eq!(between(&from, &to, 1.0), to);
    }
}
