//! From layers to the fewest draws that show them.

use std::sync::Arc;

use scene::{Color, Layer, SourceId};
use units::{ColorSpace, PixelFormat, Size, VideoFrame};

use crate::color::is_canvas_space;
use crate::geometry::{PixelRect, Placement, Rect, place};
use crate::processor::can_draw;
use crate::reduction::Reduction;
use crate::sources::TextureKey;

/// What a draw paints with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Paint {
    /// One colour.
    Solid(Color),
    /// A source's texture.
    Source(TextureKey),
    /// The canvas a fade composed by itself.
    FadeCanvas,
}

/// From canvas pixels to picture pixels along one axis: `at * scale + offset`, pixel centres at halves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AxisMap {
    pub(crate) scale: f32,
    pub(crate) offset: f32,
}

impl AxisMap {
    pub(crate) const IDENTITY: Self = Self { scale: 1.0, offset: 0.0 };

    /// Maps the span `target` onto the span `shown` (which may run backwards), in texels of `factor` pixels.
    fn new(target: (f32, f32), shown: (f32, f32), factor: u32) -> Self {
        let factor = factor as f32;
        let scale = (shown.1 - shown.0) / (target.1 - target.0) / factor;
        let offset = shown.0 / factor - target.0 * scale;
        // Layouts made of halves and thirds come out a hair beside whole texels; put them there, because copying is
        // cheaper than filtering and keeps text sharp. The span is what a deviation adds up over.
        let span = (target.1 - target.0).abs();
        let nearest = scale.signum();
        if ((scale - nearest) * span).abs() < NEARLY && (offset - offset.round()).abs() < NEARLY {
            return Self { scale: nearest, offset: offset.round() };
        }
        Self { scale, offset }
    }

    /// Every canvas pixel is exactly one texel.
    pub(crate) fn is_exact(self) -> bool {
        self.scale.abs() == 1.0 && self.offset.fract() == 0.0
    }
}

/// A sixty-fourth of a texel: less than a code value anywhere.
const NEARLY: f32 = 1.0 / 64.0;

/// One rectangle of the canvas painted once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draw {
    pub(crate) paint: Paint,
    pub(crate) rect: PixelRect,
    pub(crate) map: [AxisMap; 2],
    /// The texels that may be seen: x0, y0, x1, y1, in order.
    pub(crate) bounds: [f32; 4],
    /// 0 to 1.
    pub(crate) alpha: f32,
    /// Nothing behind shows through.
    pub(crate) is_opaque: bool,
}

/// What lies under all draws.
#[derive(Clone, Debug)]
pub(crate) enum Backdrop {
    /// Canvas black.
    Black,
    /// An opaque colour all over.
    Solid(Color),
    /// A picture that is the canvas, byte for byte: it is copied, not drawn.
    Frame(Arc<VideoFrame>),
    /// Whatever is there: a copy covers it.
    Covered,
}

/// An opaque layer that the processor draws, on a software adapter.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) frame: Arc<VideoFrame>,
    pub(crate) draw: Draw,
    pub(crate) reduction: Reduction,
    /// The draw's rectangle clipped to the canvas.
    pub(crate) rect: PixelRect,
}

/// Who draws opaque layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpaqueBy {
    Adapter,
    Processor,
}

/// Has a frame put on the adapter, and says whether it is opaque.
pub(crate) type Prepare<'a, E> = dyn FnMut(TextureKey, &Arc<VideoFrame>) -> Result<bool, E> + 'a;

/// Everything to draw for one list of layers, from the back to the front.
#[derive(Clone, Debug)]
pub(crate) struct DrawList {
    pub(crate) backdrop: Backdrop,
    /// Done first; none lies over a draw.
    pub(crate) copies: Vec<Copy>,
    pub(crate) draws: Vec<Draw>,
}

impl DrawList {
    /// Plans `layers` (from the back to the front) on a canvas of `canvas`.
    ///
    /// Goes from the front to the back and asks `lookup` for a source's newest frame, and `prepare` to have it on the
    /// adapter and to say whether it is opaque, only for what can be seen.
    pub(crate) fn plan<E>(
        canvas: Size,
        opaque_by: OpaqueBy,
        layers: &[Layer],
        lookup: &dyn Fn(SourceId) -> Option<Arc<VideoFrame>>,
        prepare: &mut Prepare<'_, E>,
    ) -> Result<Self, E> {
        let mut planner =
            Planner { canvas: PixelRect::of(canvas), opaque_by, opaque: Vec::new(), planned: Vec::new() };
        let mut backdrop = Backdrop::Black;
        for layer in layers.iter().rev() {
            let alpha = opacity(layer.alpha);
            if alpha == 0.0 {
                continue;
            }
            let Some(frame) = lookup(layer.source) else { continue };
            let Some(placement) = place(layer, frame.size()) else { continue };
            if planner.hides(&placement.slot) {
                continue;
            }
            if alpha >= 1.0 && is_the_canvas(&frame, &placement, canvas) {
                backdrop = Backdrop::Frame(frame);
                break;
            }
            let mut covers_slot = planner.picture(layer, alpha, &frame, &placement, prepare)?;
            for free in placement.free.iter().flatten() {
                covers_slot &= planner.fill(free, layer.fill_color, alpha);
            }
            if covers_slot {
                planner.opaque.push(PixelRect::covered_by(&placement.slot));
            }
            if planner.is_full() {
                break;
            }
        }
        let canvas = planner.canvas;
        let (mut copies, mut draws) = planner.sort(prepare)?;
        if let Some(Draw { paint: Paint::Solid(color), rect, is_opaque: true, .. }) = draws.first()
            && rect.contains(canvas)
        {
            backdrop = Backdrop::Solid(*color);
            draws.remove(0);
        }
        if let Some(cover) = copies.iter().rposition(|copy| copy.rect.contains(canvas)) {
            backdrop = Backdrop::Covered;
            copies.drain(..cover);
        }
        Ok(Self { backdrop, copies, draws })
    }
}

/// Between 0 and 1; 0 for what is not a number.
fn opacity(alpha: f32) -> f32 {
    if alpha > 0.0 { alpha.min(1.0) } else { 0.0 }
}

/// The frame already is what the canvas would be.
fn is_the_canvas(frame: &VideoFrame, placement: &Placement, canvas: Size) -> bool {
    let whole = Rect { x0: 0.0, y0: 0.0, x1: canvas.width_px() as f32, y1: canvas.height_px() as f32 };
    matches!(frame.format(), PixelFormat::Nv12 | PixelFormat::I420)
        && is_canvas_space(frame.color())
        && frame.size() == canvas
        && placement.target == whole
        && placement.shown == whole
}

struct Planner {
    canvas: PixelRect,
    opaque_by: OpaqueBy,
    /// What opaque draws cover, clipped to nothing.
    opaque: Vec<PixelRect>,
    /// From the front to the back.
    planned: Vec<Planned>,
}

enum Planned {
    Draw(Draw),
    /// A copy, unless it turns out to lie over a draw.
    Copy(Copy),
}

impl Planner {
    /// Copies and draws, from the back to the front.
    fn sort<E>(self, prepare: &mut Prepare<'_, E>) -> Result<(Vec<Copy>, Vec<Draw>), E> {
        let (mut copies, mut draws) = (Vec::new(), Vec::<Draw>::new());
        for planned in self.planned.into_iter().rev() {
            match planned {
                Planned::Draw(draw) => draws.push(draw),
                // All copies come first, so what lies under this one must not be drawn later.
                Planned::Copy(copy) if draws.iter().any(|draw| draw.rect.is_near(copy.rect)) => {
                    if let Paint::Source(key) = copy.draw.paint {
                        prepare(key, &copy.frame)?;
                    }
                    draws.push(copy.draw);
                }
                Planned::Copy(copy) => copies.push(copy),
            }
        }
        Ok((copies, draws))
    }

    fn is_full(&self) -> bool {
        self.opaque.iter().any(|opaque| opaque.contains(self.canvas))
    }

    fn visible(&self, rect: &Rect) -> Option<PixelRect> {
        let pixels = PixelRect::covered_by(rect);
        let clipped = pixels.clipped_to(self.canvas);
        let hidden = clipped.is_empty() || self.opaque.iter().any(|opaque| opaque.contains(clipped));
        (!hidden).then_some(pixels)
    }

    fn hides(&self, rect: &Rect) -> bool {
        self.visible(rect).is_none()
    }

    /// Plans the picture itself; the answer is whether it is opaque.
    fn picture<E>(
        &mut self,
        layer: &Layer,
        alpha: f32,
        frame: &Arc<VideoFrame>,
        Placement { target, shown, .. }: &Placement,
        prepare: &mut Prepare<'_, E>,
    ) -> Result<bool, E> {
        let Some(rect) = self.visible(target) else { return Ok(false) };
        let reduction =
            Reduction::for_scale(shown.width() / target.width(), shown.height() / target.height());
        let key = TextureKey { source: layer.source, reduction };
        let clipped = rect.clipped_to(self.canvas);
        let by_copy = self.opaque_by == OpaqueBy::Processor && alpha >= 1.0 && can_draw(frame, clipped);
        let is_opaque = by_copy || (prepare(key, frame)? && alpha >= 1.0);
        let (factor_x, factor_y) = (reduction.x as f32, reduction.y as f32);
        let draw = Draw {
            paint: Paint::Source(key),
            rect,
            map: [
                AxisMap::new((target.x0, target.x1), (shown.x0, shown.x1), reduction.x),
                AxisMap::new((target.y0, target.y1), (shown.y0, shown.y1), reduction.y),
            ],
            bounds: [
                shown.x0.min(shown.x1) / factor_x,
                shown.y0.min(shown.y1) / factor_y,
                shown.x0.max(shown.x1) / factor_x,
                shown.y0.max(shown.y1) / factor_y,
            ],
            alpha,
            is_opaque,
        };
        self.planned.push(if by_copy {
            Planned::Copy(Copy { frame: Arc::clone(frame), draw, reduction, rect: clipped })
        } else {
            Planned::Draw(draw)
        });
        if is_opaque {
            self.opaque.push(rect);
        }
        Ok(is_opaque)
    }

    /// Plans the fill of a free part of a slot; the answer is whether it is opaque.
    fn fill(&mut self, free: &Rect, color: Color, alpha: f32) -> bool {
        let alpha = alpha * opacity(color.a);
        let Some(rect) = self.visible(free) else { return false };
        if alpha == 0.0 {
            return false;
        }
        let is_opaque = alpha >= 1.0;
        self.planned.push(Planned::Draw(Draw {
            paint: Paint::Solid(color),
            rect,
            map: [AxisMap::IDENTITY; 2],
            bounds: [0.0; 4],
            alpha,
            is_opaque,
        }));
        if is_opaque {
            self.opaque.push(rect);
        }
        is_opaque
    }
}

impl Draw {
    /// Lays a separately composed canvas of `size` over everything.
    pub(crate) fn fade(size: Size, share: f32) -> Self {
        Self {
            paint: Paint::FadeCanvas,
            rect: PixelRect::of(size),
            map: [AxisMap::IDENTITY; 2],
            bounds: [0.0, 0.0, size.width_px() as f32, size.height_px() as f32],
            alpha: share,
            is_opaque: false,
        }
    }
}

/// The colour space of what [`Paint::FadeCanvas`] holds.
pub(crate) const CANVAS_SPACE: ColorSpace =
    ColorSpace { matrix: units::ColorMatrix::Bt709, range: units::ColorRange::Limited };

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{AspectMode, Crop, ItemId, Vec2};
    use std::convert::Infallible;
    use units::MediaTime;

    const CANVAS: (u32, u32) = (1280, 720);

    fn size(size: (u32, u32)) -> Size {
        Size::new(size.0, size.1).unwrap()
    }

    fn frame(format: PixelFormat, extent: (u32, u32)) -> Arc<VideoFrame> {
        let bytes: usize = format.plane_shapes(size(extent)).iter().map(|(row, rows)| row * rows).sum();
        let bytes = Arc::new(vec![255u8; bytes]);
        Arc::new(
            VideoFrame::packed(format, size(extent), ColorSpace::default(), MediaTime::ZERO, bytes).unwrap(),
        )
    }

    fn layer(source: u64, position: (f32, f32), extent: (f32, f32)) -> Layer {
        Layer {
            item: ItemId(source),
            source: SourceId(source),
            position: Vec2 { x: position.0, y: position.1 },
            size: Vec2 { x: extent.0, y: extent.1 },
            aspect: AspectMode::Fit,
            fill_color: Color::default(),
            alpha: 1.0,
            crop: Crop::default(),
        }
    }

    /// Source 1: the canvas itself; 2: a full HD screen; 3: a translucent picture; 4: missing.
    fn plan(layers: &[Layer]) -> DrawList {
        plan_by(OpaqueBy::Adapter, layers)
    }

    fn plan_by(opaque_by: OpaqueBy, layers: &[Layer]) -> DrawList {
        let lookup = |source: SourceId| match source.0 {
            1 => Some(frame(PixelFormat::Nv12, CANVAS)),
            2 => Some(frame(PixelFormat::Bgrx8, (1920, 1080))),
            3 => Some(frame(PixelFormat::Rgba8, (400, 300))),
            _ => None,
        };
        let mut prepare =
            |key: TextureKey, _: &Arc<VideoFrame>| -> Result<bool, Infallible> { Ok(key.source.0 != 3) };
        DrawList::plan(size(CANVAS), opaque_by, layers, &lookup, &mut prepare).unwrap()
    }

    #[test]
    fn a_picture_that_is_the_canvas_is_not_drawn() {
        let list = plan(&[layer(1, (0.0, 0.0), (1280.0, 720.0)), layer(2, (10.0, 10.0), (640.0, 360.0))]);
        assert!(matches!(list.backdrop, Backdrop::Frame(_)));
        assert_eq!(list.draws.len(), 1);
        let draw = &list.draws[0];
        assert_eq!(draw.rect, PixelRect { x0: 10, y0: 10, x1: 650, y1: 370 });
        // Three screen pixels became one texel, and now each canvas pixel is one.
        assert_eq!(draw.map[0], AxisMap { scale: 1.0, offset: -10.0 });
        assert!(draw.map.iter().all(|map| map.is_exact()));
    }

    #[test]
    fn mirrored_or_moved_it_is_drawn() {
        for moved in [layer(1, (1280.0, 0.0), (-1280.0, 720.0)), layer(1, (2.0, 0.0), (1280.0, 720.0))] {
            let list = plan(&[moved]);
            assert!(matches!(list.backdrop, Backdrop::Black));
            assert_eq!(list.draws.len(), 1);
        }
    }

    #[test]
    fn what_is_covered_or_clear_or_missing_is_not_drawn() {
        let below = layer(3, (100.0, 100.0), (50.0, 50.0));
        let cover = layer(2, (0.0, 0.0), (1280.0, 720.0));
        assert_eq!(plan(&[below.clone(), cover.clone()]).draws.len(), 1);
        let glass = Layer { alpha: 0.5, ..cover.clone() };
        assert_eq!(plan(&[below.clone(), glass]).draws.len(), 2);
        for alpha in [0.0, -1.0, f32::NAN] {
            assert!(plan(&[Layer { alpha, ..cover.clone() }]).draws.is_empty());
        }
        assert!(plan(&[layer(4, (0.0, 0.0), (99.0, 99.0))]).draws.is_empty());
        assert!(plan(&[layer(2, (1280.0, 0.0), (99.0, 99.0))]).draws.is_empty());
    }

    #[test]
    fn a_letterboxed_opaque_slot_covers_all_of_itself() {
        let mut boxed = layer(2, (0.0, 0.0), (1280.0, 700.0));
        boxed.fill_color = Color { r: 1.0, g: 0.0, b: 0.0, a: 1.0 };
        let below = layer(3, (0.0, 0.0), (1280.0, 700.0));
        let list = plan(&[below, boxed]);
        assert_eq!(list.draws.len(), 3);
        assert!(list.draws.iter().all(|draw| draw.is_opaque));
    }

    #[test]
    fn the_processor_copies_what_lies_over_no_draw() {
        let screen = layer(2, (0.0, 0.0), (1280.0, 720.0));
        let glass = layer(3, (100.0, 100.0), (50.0, 50.0));
        let (apart, over) = (layer(2, (640.0, 0.0), (64.0, 36.0)), layer(2, (140.0, 90.0), (64.0, 36.0)));
        let odd = layer(2, (641.0, 400.0), (64.0, 36.0));
        let list = plan_by(OpaqueBy::Processor, &[screen, glass, apart, over, odd]);
        assert!(matches!(list.backdrop, Backdrop::Covered));
        let copied: Vec<i32> = list.copies.iter().map(|copy| copy.rect.x0).collect();
        let drawn: Vec<i32> = list.draws.iter().map(|draw| draw.rect.x0).collect();
        assert_eq!((copied, drawn), (vec![0, 640], vec![100, 140, 641]));
    }
}
