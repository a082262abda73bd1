//! The rows of a frame as a texture wants them: alpha multiplied in, planar chroma interleaved, blocks averaged.

use units::{PixelFormat, Size, VideoFrame};

use crate::reduction::{BlockAverage, Reduction};

/// How the rows of a source's textures are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TextureLayout {
    /// One plane of R G B A.
    Rgba,
    /// One plane of B G R A; the adapter swaps on reading.
    Bgra,
    /// A plane of luma and one of interleaved chroma.
    Nv12,
}

impl TextureLayout {
    pub(crate) fn of(format: PixelFormat) -> Self {
        match format {
            PixelFormat::Rgba8 => Self::Rgba,
            PixelFormat::Bgra8 | PixelFormat::Bgrx8 => Self::Bgra,
            PixelFormat::Nv12 | PixelFormat::I420 => Self::Nv12,
        }
    }

    /// Format and size of each texture for a picture of `size`, bytes per texel.
    pub(crate) fn planes(
        self,
        size: Size,
        reduction: Reduction,
    ) -> Vec<(wgpu::TextureFormat, u32, u32, u32)> {
        let reduced = |width: u32, height: u32| (width.div_ceil(reduction.x), height.div_ceil(reduction.y));
        let (width, height) = reduced(size.width_px(), size.height_px());
        match self {
            Self::Rgba => vec![(wgpu::TextureFormat::Rgba8Unorm, width, height, 4)],
            Self::Bgra => vec![(wgpu::TextureFormat::Bgra8Unorm, width, height, 4)],
            Self::Nv12 => {
                let (half_width, half_height) =
                    reduced(size.width_px().div_ceil(2), size.height_px().div_ceil(2));
                vec![
                    (wgpu::TextureFormat::R8Unorm, width, height, 1),
                    (wgpu::TextureFormat::Rg8Unorm, half_width, half_height, 2),
                ]
            }
        }
    }
}

/// Hands the rows of plane `plane` (numbered as in [`TextureLayout::planes`]) to `put`, in order. The answer is
/// whether every pixel was opaque.
pub(crate) fn for_each_row(
    frame: &VideoFrame,
    plane: usize,
    reduction: Reduction,
    put: &mut dyn FnMut(usize, &[u8]),
) -> bool {
    match frame.format() {
        PixelFormat::Bgrx8 => average_rows::<4>(frame, plane, reduction, put),
        PixelFormat::Rgba8 | PixelFormat::Bgra8 => {
            let mut opaque = true;
            let mut premultiplied = Vec::new();
            let source = |row: usize, take: &mut dyn FnMut(&[u8])| {
                let bytes = frame.row(0, row);
                if is_opaque(bytes) {
                    take(bytes);
                } else {
                    opaque = false;
                    premultiply(bytes, &mut premultiplied);
                    take(&premultiplied);
                }
            };
            let rows = frame.size().height_px() as usize;
            average::<4>(frame.size().width_px() as usize * 4, rows, reduction, source, put);
            return opaque;
        }
        PixelFormat::Nv12 if plane == 0 => average_rows::<1>(frame, 0, reduction, put),
        PixelFormat::Nv12 => average_rows::<2>(frame, 1, reduction, put),
        PixelFormat::I420 if plane == 0 => average_rows::<1>(frame, 0, reduction, put),
        PixelFormat::I420 => {
            let mut interleaved = Vec::new();
            let source = |row: usize, take: &mut dyn FnMut(&[u8])| {
                interleaved.clear();
                interleaved
                    .extend(frame.row(1, row).iter().zip(frame.row(2, row)).flat_map(|(cb, cr)| [*cb, *cr]));
                take(&interleaved);
            };
            let (width, height) = (frame.size().width_px(), frame.size().height_px());
            let row_bytes = width.div_ceil(2) as usize * 2;
            average::<2>(row_bytes, height.div_ceil(2) as usize, reduction, source, put);
        }
    }
    true
}

fn average_rows<const CHANNELS: usize>(
    frame: &VideoFrame,
    plane: usize,
    reduction: Reduction,
    put: &mut dyn FnMut(usize, &[u8]),
) {
    let shape = frame.format().plane_shapes(frame.size()).get(plane).copied();
    let Some((row_bytes, rows)) = shape else { return };
    let (bytes, stride) = (frame.plane(plane), frame.stride(plane));
    let source = |row: usize, take: &mut dyn FnMut(&[u8])| {
        take(bytes.get(row * stride..row * stride + row_bytes).unwrap_or(&[]));
    };
    average::<CHANNELS>(row_bytes, rows, reduction, source, put);
}

fn average<const CHANNELS: usize>(
    row_bytes: usize,
    rows: usize,
    reduction: Reduction,
    mut source: impl FnMut(usize, &mut dyn FnMut(&[u8])),
    put: &mut dyn FnMut(usize, &[u8]),
) {
    if reduction.is_none() {
        for row in 0..rows {
            source(row, &mut |bytes| put(row, bytes));
        }
        return;
    }
    let factor_y = reduction.y as usize;
    let mut block = BlockAverage::<CHANNELS>::new(reduction.x, row_bytes);
    let mut out = vec![0; (row_bytes / CHANNELS).div_ceil(reduction.x as usize) * CHANNELS];
    for row in 0..rows {
        source(row, &mut |bytes| block.add_row(bytes));
        if (row + 1) % factor_y == 0 || row + 1 == rows {
            block.finish_row(&mut out);
            put(row / factor_y, &out);
        }
    }
}

fn is_opaque(row: &[u8]) -> bool {
    row.as_chunks::<4>().0.iter().fold(255, |all, texel| all & texel[3]) == 255
}

/// Straight to premultiplied alpha: filters must not mix in the colour of transparent pixels.
fn premultiply(row: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend(row.as_chunks::<4>().0.iter().flat_map(|&[a, b, c, alpha]| {
        let times = |value: u8| {
            // Exact rounding of value * alpha / 255; never leaves 16 bits.
            let product = u16::from(value).wrapping_mul(u16::from(alpha)).wrapping_add(128);
            (product.wrapping_add(product >> 8) >> 8) as u8
        };
        [times(a), times(b), times(c), alpha]
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use units::{ColorSpace, MediaTime};

    fn frame(format: PixelFormat, size: (u32, u32), bytes: Vec<u8>) -> VideoFrame {
        let size = Size::new(size.0, size.1).unwrap();
        VideoFrame::packed(format, size, ColorSpace::default(), MediaTime::ZERO, Arc::new(bytes)).unwrap()
    }

    fn rows(frame: &VideoFrame, plane: usize, reduction: Reduction) -> (Vec<Vec<u8>>, bool) {
        let mut rows = Vec::new();
        let opaque = for_each_row(frame, plane, reduction, &mut |row, bytes| {
            assert_eq!(row, rows.len());
            rows.push(bytes.to_vec());
        });
        (rows, opaque)
    }

    #[test]
    fn planar_chroma_is_interleaved() {
        let frame = frame(PixelFormat::I420, (3, 1), vec![1, 2, 3, 10, 11, 20, 21]);
        assert_eq!(rows(&frame, 0, Reduction::NONE), (vec![vec![1, 2, 3]], true));
        assert_eq!(rows(&frame, 1, Reduction::NONE), (vec![vec![10, 20, 11, 21]], true));
    }

    #[test]
    fn alpha_is_multiplied_in() {
        let clear = frame(PixelFormat::Rgba8, (2, 1), vec![255, 128, 0, 128, 255, 255, 255, 0]);
        assert_eq!(rows(&clear, 0, Reduction::NONE), (vec![vec![128, 64, 0, 128, 0, 0, 0, 0]], false));
        let solid = frame(PixelFormat::Bgra8, (1, 1), vec![9, 8, 7, 255]);
        assert_eq!(rows(&solid, 0, Reduction::NONE), (vec![vec![9, 8, 7, 255]], true));
    }

    #[test]
    fn odd_sizes_are_averaged_to_the_last_texel() {
        let frame = frame(PixelFormat::Nv12, (3, 3), vec![0, 2, 8, 4, 6, 8, 5, 7, 9, 1, 2, 3, 4, 5, 6, 7, 8]);
        let halved = Reduction { x: 2, y: 2 };
        assert_eq!(rows(&frame, 0, halved).0, vec![vec![3, 8], vec![6, 9]]);
        assert_eq!(rows(&frame, 1, halved).0, vec![vec![4, 5]]);
        let planes = TextureLayout::Nv12.planes(frame.size(), halved);
        assert_eq!(planes[0].1..=planes[0].2, 2..=2);
        assert_eq!((planes[1].1, planes[1].2), (1, 1));
    }
}
