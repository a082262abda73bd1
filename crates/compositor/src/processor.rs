//! Opaque layers drawn by the processor, for software adapters.
//!
//! On llvmpipe a pixel of an opaque layer costs 7 to 16 ns in a shader; the loops below take about 1 ns, because they
//! work on rows of bytes. So where the adapter is the processor anyway, an opaque layer is scaled and converted here,
//! and its rectangle of the canvas copied like a picture that already has the canvas' form. Everything that needs
//! blending is still drawn by the adapter. What comes out is the same to within rounding; the tests compare both.

use std::sync::Arc;

use units::{PixelFormat, VideoFrame};

use crate::color::{CodeMap, from_rgb, from_yuv, keeps_matrix};
use crate::draw_list::{AxisMap, Draw};
use crate::geometry::PixelRect;
use crate::pixel_rows::for_each_row;
use crate::reduction::Reduction;
use crate::resampling::{Axis, PlaneView, resample_row};

/// A rectangle of the canvas, ready to be copied into its planes: rows without padding.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// Even edges, inside of the canvas.
    pub(crate) rect: PixelRect,
    pub(crate) luma: Vec<u8>,
    pub(crate) chroma: Vec<u8>,
}

/// Rectangles drawn lately: a source that has no new frame is not drawn again.
#[derive(Debug, Default)]
pub(crate) struct Processor {
    drawn: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    frame: Arc<VideoFrame>,
    rect: PixelRect,
    map: [AxisMap; 2],
    drawn: Arc<Drawn>,
    is_used: bool,
}

impl Processor {
    /// Begins a composition.
    pub(crate) fn begin(&mut self) {
        self.drawn.retain(|known| known.is_used);
        for known in &mut self.drawn {
            known.is_used = false;
        }
    }

    /// `draw` of `frame`, whose rectangle clipped to the canvas is `rect`.
    pub(crate) fn draw(
        &mut self,
        frame: &Arc<VideoFrame>,
        draw: &Draw,
        reduction: Reduction,
        rect: PixelRect,
    ) -> Arc<Drawn> {
        let same = |known: &&mut Known| {
            Arc::ptr_eq(&known.frame, frame) && known.rect == rect && known.map == draw.map
        };
        if let Some(known) = self.drawn.iter_mut().find(same) {
            known.is_used = true;
            return Arc::clone(&known.drawn);
        }
        let drawn = Arc::new(match frame.format() {
            PixelFormat::Nv12 | PixelFormat::I420 => draw_yuv(frame, draw, reduction, rect),
            PixelFormat::Rgba8 | PixelFormat::Bgra8 | PixelFormat::Bgrx8 => {
                draw_rgb(frame, draw, reduction, rect)
            }
        });
        self.drawn.push(Known {
            frame: Arc::clone(frame),
            rect,
            map: draw.map,
            drawn: Arc::clone(&drawn),
            is_used: true,
        });
        drawn
    }
}

/// Whether [`Processor::draw`] can take the place of the shader: opaque by its format, and on whole chroma samples.
pub(crate) fn can_draw(frame: &VideoFrame, rect: PixelRect) -> bool {
    let is_even = [rect.x0, rect.y0, rect.x1, rect.y1].iter().all(|edge| edge % 2 == 0);
    is_even && matches!(frame.format(), PixelFormat::Bgrx8 | PixelFormat::Nv12 | PixelFormat::I420)
}

/// A plane of a frame, averaged down where the layer is much smaller.
struct Texels<'a> {
    averaged: Vec<u8>,
    frame: &'a VideoFrame,
    plane: usize,
    width: usize,
    height: usize,
    channels: usize,
    is_borrowed: bool,
}

impl<'a> Texels<'a> {
    /// Plane `plane` as textures have them: chroma interleaved.
    fn new(frame: &'a VideoFrame, plane: usize, channels: usize, reduction: Reduction) -> Self {
        let (width, height) = (frame.size().width_px(), frame.size().height_px());
        let (width, height) =
            if plane == 1 { (width.div_ceil(2), height.div_ceil(2)) } else { (width, height) };
        let (width, height) = (width.div_ceil(reduction.x) as usize, height.div_ceil(reduction.y) as usize);
        let needs_interleaving = plane == 1 && frame.format() == PixelFormat::I420;
        let is_borrowed = reduction.is_none() && !needs_interleaving;
        let mut averaged = Vec::new();
        if !is_borrowed {
            averaged.reserve_exact(width * height * channels);
            for_each_row(frame, plane, reduction, &mut |_, row| averaged.extend_from_slice(row));
        }
        Self { averaged, frame, plane, width, height, channels, is_borrowed }
    }

    fn view(&self) -> PlaneView<'_> {
        let (bytes, stride) = if self.is_borrowed {
            (self.frame.plane(self.plane), self.frame.stride(self.plane))
        } else {
            (self.averaged.as_slice(), self.width * self.channels)
        };
        PlaneView { bytes, stride, width: self.width, height: self.height }
    }
}

/// The texels that luma columns `from..to` (or rows) sample.
fn luma_axis(map: AxisMap, bounds: (f32, f32), from: i32, to: i32, length: usize) -> Axis {
    let place = |at: i32| (at as f32 + 0.5) * map.scale + map.offset;
    Axis::new((from..to).map(place), bounds, length)
}

/// The texels that chroma samples sample, given the luma place of the first and the way to the next. `shift` is where
/// chroma sits beyond half of the luma place, see `layer.wgsl`.
fn chroma_axis(
    map: AxisMap,
    bounds: (f32, f32),
    from: i32,
    to: i32,
    sited_at: f32,
    shift: f32,
    length: usize,
) -> Axis {
    let place = |at: i32| {
        let luma = ((2 * at) as f32 + sited_at) * map.scale + map.offset;
        luma.clamp(bounds.0 + 0.5, (bounds.1 - 0.5).max(bounds.0 + 0.5)) * 0.5 + shift
    };
    Axis::new((from / 2..to / 2).map(place), (0.0, length as f32), length)
}

fn draw_rgb(frame: &VideoFrame, draw: &Draw, reduction: Reduction, rect: PixelRect) -> Drawn {
    let texels = Texels::new(frame, 0, 4, reduction);
    let view = texels.view();
    let [left, top, right, bottom] = draw.bounds;
    let [map_x, map_y] = draw.map;
    let across = luma_axis(map_x, (left, right), rect.x0, rect.x1, view.width);
    let down = luma_axis(map_y, (top, bottom), rect.y0, rect.y1, view.height);
    let weights = RgbWeights::new(frame.format());
    let (width, height) = (across.len(), down.len());
    let mut drawn = Drawn { rect, luma: vec![0; width * height], chroma: vec![0; width * height / 2] };
    let mut scratch = Vec::new();
    let mut rows = [vec![0u8; width * 4], vec![0u8; width * 4]];
    let mut sums = vec![0u16; (width + 1) * 4];
    let lumas = drawn.luma.chunks_exact_mut(width * 2);
    for (pair, (luma, chroma)) in lumas.zip(drawn.chroma.chunks_exact_mut(width)).enumerate() {
        for ((number, row), luma) in rows.iter_mut().enumerate().zip(luma.chunks_exact_mut(width)) {
            resample_row::<4>(view, &across, &down, 2 * pair + number, &mut scratch, row);
            weights.luma(row, luma);
        }
        let [upper, lower] = &rows;
        add_rows(upper, lower, &mut sums);
        weights.chroma(&sums, chroma);
    }
    drawn
}

/// Sums of two rows of four channels, behind the sum of the first texel once more: the column left of the rectangle.
fn add_rows(upper: &[u8], lower: &[u8], sums: &mut [u16]) {
    let Some((edge, sums)) = sums.split_at_mut_checked(4) else { return };
    for (sum, (a, b)) in sums.iter_mut().zip(upper.iter().zip(lower)) {
        *sum = u16::from(*a).wrapping_add(u16::from(*b));
    }
    for (edge, first) in edge.iter_mut().zip(sums.iter()) {
        *edge = *first;
    }
}

/// The first three channels' shares of luma, Cb and Cr in units of 2^-15, with the constants.
struct RgbWeights {
    luma: [i32; 4],
    cb: [i32; 4],
    cr: [i32; 4],
}

const POINT: u32 = 15;

impl RgbWeights {
    fn new(format: PixelFormat) -> Self {
        let map: CodeMap = from_rgb();
        let fixed = |value: f32| (f64::from(value) * f64::from(1 << POINT)).round() as i32;
        let row = |[r, g, b, constant]: [f32; 4]| {
            let constant = fixed(constant * 255.0);
            match format {
                PixelFormat::Rgba8 => [fixed(r), fixed(g), fixed(b), constant],
                _ => [fixed(b), fixed(g), fixed(r), constant],
            }
        };
        let [luma, cb, cr] = map.map(row);
        Self { luma, cb, cr }
    }

    fn luma(&self, row: &[u8], out: &mut [u8]) {
        let [wa, wb, wc, constant] = self.luma;
        let constant = constant + (1 << (POINT - 1));
        for (out, texel) in out.iter_mut().zip(row.as_chunks::<4>().0) {
            let texel = u32::from_le_bytes(*texel).cast_signed();
            let (a, b, c) = (texel & 255, (texel >> 8) & 255, (texel >> 16) & 255);
            *out = (sum_of([a, b, c], [wa, wb, wc], constant) >> POINT) as u8;
        }
    }

    /// `sums` as [`add_rows`] leaves them: two rows, so that a quarter, a half and a quarter of three columns are
    /// eighths.
    fn chroma(&self, sums: &[u16], out: &mut [u8]) {
        let half = 1 << (POINT + 2);
        let (cb_constant, cr_constant) = ((self.cb[3] << 3) + half, (self.cr[3] << 3) + half);
        let (columns, _) = sums.as_chunks::<4>();
        // Sample i takes columns 2i - 1, 2i, 2i + 1 of the rectangle, which begin at 2i here.
        for ((out, first), second) in out
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .zip(columns.chunks_exact(2))
            .zip(columns.iter().skip(2).step_by(2))
        {
            let [left, middle] = first else { continue };
            let total = |left: u16, middle: u16, right: u16| {
                i32::from(left).wrapping_add(i32::from(middle) << 1).wrapping_add(i32::from(right))
            };
            let a = total(left[0], middle[0], second[0]);
            let b = total(left[1], middle[1], second[1]);
            let c = total(left[2], middle[2], second[2]);
            let cb = sum_of([a, b, c], [self.cb[0], self.cb[1], self.cb[2]], cb_constant);
            let cr = sum_of([a, b, c], [self.cr[0], self.cr[1], self.cr[2]], cr_constant);
            *out = [(cb >> (POINT + 3)).clamp(0, 255) as u8, (cr >> (POINT + 3)).clamp(0, 255) as u8];
        }
    }
}

/// A weighted sum. Wrapping, though nothing wraps (codes have 11 bits at most, weights 15): the checks that release
/// builds make would keep the loops around this from being vectorised.
#[inline(always)]
fn sum_of([a, b, c]: [i32; 3], [wa, wb, wc]: [i32; 3], constant: i32) -> i32 {
    a.wrapping_mul(wa)
        .wrapping_add(b.wrapping_mul(wb))
        .wrapping_add(c.wrapping_mul(wc))
        .wrapping_add(constant)
}

fn draw_yuv(frame: &VideoFrame, draw: &Draw, reduction: Reduction, rect: PixelRect) -> Drawn {
    let (luma_texels, chroma_texels) =
        (Texels::new(frame, 0, 1, reduction), Texels::new(frame, 1, 2, reduction));
    let (luma_view, chroma_view) = (luma_texels.view(), chroma_texels.view());
    let [left, top, right, bottom] = draw.bounds;
    let [map_x, map_y] = draw.map;
    let across = luma_axis(map_x, (left, right), rect.x0, rect.x1, luma_view.width);
    let down = luma_axis(map_y, (top, bottom), rect.y0, rect.y1, luma_view.height);
    let shift = 0.25 / reduction.x as f32;
    let chroma_across = chroma_axis(map_x, (left, right), rect.x0, rect.x1, 0.5, shift, chroma_view.width);
    let chroma_down = chroma_axis(map_y, (top, bottom), rect.y0, rect.y1, 1.0, 0.0, chroma_view.height);
    let conversion = YuvConversion::new(frame);
    let (width, height) = (across.len(), down.len());
    let mut drawn = Drawn { rect, luma: vec![0; width * height], chroma: vec![0; width * height / 2] };
    let mut scratch = Vec::new();
    for (row, luma) in drawn.luma.chunks_exact_mut(width).enumerate() {
        resample_row::<1>(luma_view, &across, &down, row, &mut scratch, luma);
    }
    for (row, chroma) in drawn.chroma.chunks_exact_mut(width).enumerate() {
        resample_row::<2>(chroma_view, &chroma_across, &chroma_down, row, &mut scratch, chroma);
    }
    if let Some(conversion) = conversion {
        let lumas = drawn.luma.chunks_exact_mut(width * 2);
        for (luma, chroma) in lumas.zip(drawn.chroma.chunks_exact_mut(width)) {
            for luma in luma.chunks_exact_mut(width) {
                conversion.luma(luma, chroma);
            }
            conversion.chroma(chroma);
        }
    }
    drawn
}

/// From another YUV colour space to the canvas', in units of 2^-15.
struct YuvConversion {
    /// What a luma code becomes, and half a unit for rounding.
    luma: [i32; 256],
    luma_of_chroma: [i32; 2],
    cb: [i32; 3],
    cr: [i32; 3],
    is_mixed: bool,
}

impl YuvConversion {
    /// `None` where the codes are the canvas' already.
    fn new(frame: &VideoFrame) -> Option<Self> {
        let space = frame.color();
        if crate::color::is_canvas_space(space) {
            return None;
        }
        let [luma, cb, cr] = from_yuv(space).map(|row| {
            let [y, u, v, constant] = row.map(f64::from);
            let fixed = |value: f64| (value * f64::from(1 << POINT)).round() as i32;
            [fixed(y), fixed(u), fixed(v), fixed(constant * 255.0) + (1 << (POINT - 1))]
        });
        let mut table = [0; 256];
        for (code, cell) in (0..).zip(table.iter_mut()) {
            // Where the matrices are equal, luma takes nothing of chroma.
            *cell = code * luma[0] + luma[3];
        }
        Some(Self {
            luma: table,
            luma_of_chroma: [luma[1], luma[2]],
            cb: [cb[1], cb[2], cb[3]],
            cr: [cr[1], cr[2], cr[3]],
            is_mixed: !keeps_matrix(space),
        })
    }

    fn luma_of(&self, code: u8) -> i32 {
        // Every byte has its place in the table.
        self.luma.get(usize::from(code)).copied().unwrap_or(0)
    }

    /// Converts a row of luma, by the row of unconverted chroma beside it.
    fn luma(&self, luma: &mut [u8], chroma: &[u8]) {
        let [of_cb, of_cr] = self.luma_of_chroma;
        if !self.is_mixed {
            for code in luma {
                *code = (self.luma_of(*code) >> POINT).clamp(0, 255) as u8;
            }
            return;
        }
        let (samples, _) = chroma.as_chunks::<2>();
        // Chroma sits on even columns; odd columns lie half way to the next.
        let nexts = samples.iter().skip(1).chain(samples.last());
        for ((pair, [cb, cr]), [next_cb, next_cr]) in
            luma.as_chunks_mut::<2>().0.iter_mut().zip(samples).zip(nexts)
        {
            let share = |cb: u8, cr: u8| sum_of([i32::from(cb), i32::from(cr), 0], [of_cb, of_cr, 0], 0);
            let (here, next) = (share(*cb, *cr), share(*next_cb, *next_cr));
            for (code, of_chroma) in pair.iter_mut().zip([here, here.wrapping_add(next) >> 1]) {
                *code = (self.luma_of(*code).wrapping_add(of_chroma) >> POINT).clamp(0, 255) as u8;
            }
        }
    }

    fn chroma(&self, chroma: &mut [u8]) {
        for sample in chroma.as_chunks_mut::<2>().0 {
            let [cb, cr] = sample.map(i32::from);
            let mix = |[of_cb, of_cr, constant]: [i32; 3]| {
                (sum_of([cb, cr, 0], [of_cb, of_cr, 0], constant) >> POINT).clamp(0, 255) as u8
            };
            *sample = [mix(self.cb), mix(self.cr)];
        }
    }
}
