//! From the codes of a picture to the codes of the canvas, as one affine map.
//!
//! The canvas holds BT.709 limited-range codes (ITU-R BT.709-6, 3.2 to 3.4 and table 3.5: luma 16 to 235, chroma 16
//! to 240 around 128), because that is what is encoded. Mixing pictures is linear, and so is the way from R'G'B' to
//! Y'CbCr, so mixing in these codes is mixing in gamma-encoded sRGB, as browsers and other studios do.

use units::{ColorMatrix, ColorRange, ColorSpace};

/// Luma weights of red and blue: ITU-R BT.601-7, 2.5.1, and ITU-R BT.709-6, 3.2.
const fn weights(matrix: ColorMatrix) -> (f64, f64) {
    match matrix {
        ColorMatrix::Bt601 => (0.299, 0.114),
        ColorMatrix::Bt709 => (0.2126, 0.0722),
    }
}

/// Code of black, span of luma, span of chroma, as fractions of 255.
const fn codes(range: ColorRange) -> (f64, f64, f64) {
    match range {
        ColorRange::Limited => (16.0 / 255.0, 219.0 / 255.0, 224.0 / 255.0),
        ColorRange::Full => (0.0, 1.0, 1.0),
    }
}

/// Code of no colour, as a fraction of 255, in both ranges.
const NEUTRAL: f64 = 128.0 / 255.0;

/// An affine map of three codes (0 to 1) to luma, Cb and Cr codes of the canvas: per output the three factors and
/// the constant.
pub(crate) type CodeMap = [[f32; 4]; 3];

/// From gamma-encoded sRGB to canvas codes.
pub(crate) fn from_rgb() -> CodeMap {
    rgb_to_canvas().map(|row| row.map(|value| value as f32))
}

fn rgb_to_canvas() -> [[f64; 4]; 3] {
    let (kr, kb) = weights(ColorMatrix::Bt709);
    let kg = 1.0 - kr - kb;
    let (black, luma, chroma) = codes(ColorRange::Limited);
    let cb = chroma * 0.5 / (1.0 - kb);
    let cr = chroma * 0.5 / (1.0 - kr);
    [
        [luma * kr, luma * kg, luma * kb, black],
        [-cb * kr, -cb * kg, cb * (1.0 - kb), NEUTRAL],
        [cr * (1.0 - kr), -cr * kg, -cr * kb, NEUTRAL],
    ]
}

/// From `space` to canvas codes. Codes beyond black and white stay beyond them where the matrices are equal.
pub(crate) fn from_yuv(space: ColorSpace) -> CodeMap {
    let to_rgb = yuv_to_rgb(space);
    let to_canvas = rgb_to_canvas();
    to_canvas.map(|out| {
        let [r, g, b, constant] = out;
        let mut row = [0.0f32; 4];
        for (cell, ((red, green), blue)) in
            row.iter_mut().zip(to_rgb[0].iter().zip(&to_rgb[1]).zip(&to_rgb[2]))
        {
            *cell = (r * red + g * green + b * blue) as f32;
        }
        row[3] += constant as f32;
        row
    })
}

/// From canvas codes back to gamma-encoded sRGB: rows red, green, blue; for the preview.
pub(crate) fn canvas_to_rgb() -> CodeMap {
    yuv_to_rgb(ColorSpace { matrix: ColorMatrix::Bt709, range: ColorRange::Limited })
        .map(|row| row.map(|value| value as f32))
}

fn yuv_to_rgb(space: ColorSpace) -> [[f64; 4]; 3] {
    let (kr, kb) = weights(space.matrix);
    let kg = 1.0 - kr - kb;
    let (black, luma, chroma) = codes(space.range);
    let (y, cb, cr) = (1.0 / luma, 2.0 * (1.0 - kb) / chroma, 2.0 * (1.0 - kr) / chroma);
    let row = |cb: f64, cr: f64| [y, cb, cr, -y * black - (cb + cr) * NEUTRAL];
    [row(0.0, cr), row(-cb * kb / kg, -cr * kr / kg), row(cb, 0.0)]
}

/// Whether luma of the canvas depends on nothing but luma of `space`.
pub(crate) fn keeps_matrix(space: ColorSpace) -> bool {
    space.matrix == ColorMatrix::Bt709
}

/// Whether pictures in `space` already hold the codes of the canvas.
pub(crate) fn is_canvas_space(space: ColorSpace) -> bool {
    keeps_matrix(space) && space.range == ColorRange::Limited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(map: &CodeMap, codes: [f32; 3]) -> [f32; 3] {
        map.map(|row| 255.0 * (row[0] * codes[0] + row[1] * codes[1] + row[2] * codes[2] + row[3]))
    }

    fn near(found: [f32; 3], wanted: [f32; 3]) {
        assert!(found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 0.6), "{found:?} {wanted:?}");
    }

    #[test]
    fn primaries_have_the_codes_of_the_recommendation() {
        // Codes of 100 % bars, BT.709 limited range.
        near(apply(&from_rgb(), [0.0, 0.0, 0.0]), [16.0, 128.0, 128.0]);
        near(apply(&from_rgb(), [1.0, 1.0, 1.0]), [235.0, 128.0, 128.0]);
        near(apply(&from_rgb(), [1.0, 0.0, 0.0]), [63.0, 102.0, 240.0]);
        near(apply(&from_rgb(), [0.0, 1.0, 0.0]), [173.0, 42.0, 26.0]);
        near(apply(&from_rgb(), [0.0, 0.0, 1.0]), [32.0, 240.0, 118.0]);
    }

    #[test]
    fn the_canvas_space_maps_to_itself() {
        let map = from_yuv(ColorSpace::default());
        near(apply(&map, [0.3, 0.6, 0.4]), [76.5, 153.0, 102.0]);
        let back = canvas_to_rgb();
        let red = apply(&from_rgb(), [1.0, 0.0, 0.0]).map(|code| code / 255.0);
        near(apply(&back, red), [255.0, 0.0, 0.0]);
    }

    #[test]
    fn chroma_never_depends_on_luma() {
        for matrix in [ColorMatrix::Bt601, ColorMatrix::Bt709] {
            for range in [ColorRange::Limited, ColorRange::Full] {
                let map = from_yuv(ColorSpace { matrix, range });
                assert!(map[1][0].abs() < 1e-6 && map[2][0].abs() < 1e-6, "{map:?}");
            }
        }
    }
}
