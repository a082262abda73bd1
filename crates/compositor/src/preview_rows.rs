//! The preview drawn by the processor, for software adapters: a third of what the shader costs there.

use units::Size;

use crate::color::canvas_to_rgb;
use crate::readback::Nv12Layout;
use crate::resampling::{Axis, PlaneView, resample_row};

/// Bits after the point.
const POINT: u32 = 14;

/// The NV12 canvas in `bytes` as rows of R G B A of `size`, without padding; gamma-encoded, opaque.
pub(crate) fn to_rgba(layout: Nv12Layout, bytes: &[u8], size: Size) -> Vec<u8> {
    let (width, height) = (layout.size.width_px() as usize, layout.size.height_px() as usize);
    let stride = layout.stride as usize;
    let (luma, chroma) = bytes.split_at_checked(layout.chroma_offset() as usize).unwrap_or((bytes, &[]));
    let luma = PlaneView { bytes: luma, stride, width, height };
    let chroma = PlaneView { bytes: chroma, stride, width: width / 2, height: height / 2 };
    let axis = |output: u32, input: usize, shift: f32| {
        let scale = input as f32 / output as f32;
        Axis::new((0..output).map(|at| (at as f32 + 0.5) * scale + shift), (0.0, input as f32), input)
    };
    let luma_axes = (axis(size.width_px(), width, 0.0), axis(size.height_px(), height, 0.0));
    // Chroma is sited a quarter of its own samples to the left.
    let chroma_axes = (axis(size.width_px(), width / 2, 0.25), axis(size.height_px(), height / 2, 0.0));
    let out_width = size.width_px() as usize;
    let (mut luma_row, mut chroma_row, mut scratch) =
        (vec![0u8; out_width], vec![0u8; out_width * 2], Vec::new());
    let mut rgba = vec![0u8; out_width * size.height_px() as usize * 4];
    let conversion = Conversion::new();
    for (row, out) in rgba.chunks_exact_mut(out_width * 4).enumerate() {
        resample_row::<1>(luma, &luma_axes.0, &luma_axes.1, row, &mut scratch, &mut luma_row);
        resample_row::<2>(chroma, &chroma_axes.0, &chroma_axes.1, row, &mut scratch, &mut chroma_row);
        conversion.row(&luma_row, &chroma_row, out);
    }
    rgba
}

/// `canvas_to_rgb` in fixed point.
struct Conversion {
    luma: i32,
    cr_to_red: i32,
    cb_to_green: i32,
    cr_to_green: i32,
    cb_to_blue: i32,
    constants: [i32; 3],
}

impl Conversion {
    fn new() -> Self {
        let fixed = |value: f32| (f64::from(value) * f64::from(1 << POINT)).round() as i32;
        let [red, green, blue] = canvas_to_rgb();
        Self {
            luma: fixed(red[0]),
            cr_to_red: fixed(red[2]),
            cb_to_green: fixed(green[1]),
            cr_to_green: fixed(green[2]),
            cb_to_blue: fixed(blue[1]),
            constants: [red, green, blue].map(|row| fixed(row[3] * 255.0) + (1 << (POINT - 1))),
        }
    }

    /// Wrapping, though codes have 8 bits and factors 16: the checks that release builds make would keep this from
    /// being vectorised.
    fn row(&self, luma: &[u8], chroma: &[u8], out: &mut [u8]) {
        let [red, green, blue] = self.constants;
        let code = |value: i32| (value >> POINT).clamp(0, 255).cast_unsigned();
        for (out, (luma, [cb, cr])) in
            out.as_chunks_mut::<4>().0.iter_mut().zip(luma.iter().zip(chroma.as_chunks::<2>().0))
        {
            let (luma, cb, cr) = (i32::from(*luma).wrapping_mul(self.luma), i32::from(*cb), i32::from(*cr));
            let r = luma.wrapping_add(cr.wrapping_mul(self.cr_to_red)).wrapping_add(red);
            let g = luma
                .wrapping_add(cb.wrapping_mul(self.cb_to_green))
                .wrapping_add(cr.wrapping_mul(self.cr_to_green))
                .wrapping_add(green);
            let b = luma.wrapping_add(cb.wrapping_mul(self.cb_to_blue)).wrapping_add(blue);
            *out = (code(r) | code(g) << 8 | code(b) << 16 | 255 << 24).to_le_bytes();
        }
    }
}
