//! Pictures in system memory: what sources produce and encoders take.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::{ColorSpace, MediaTime, Size};

/// Layout of the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One plane, bytes R G B A, straight alpha.
    Rgba8,
    /// One plane, bytes B G R A, straight alpha.
    Bgra8,
    /// One plane, bytes B G R and one that is ignored.
    Bgrx8,
    /// Plane 0 luma, plane 1 interleaved Cb Cr at half the width and height, rounded up.
    Nv12,
    /// Plane 0 luma, planes 1 and 2 Cb and Cr at half the width and height, rounded up.
    I420,
}

impl PixelFormat {
    /// For each plane: bytes in one row without padding, and rows.
    pub fn plane_shapes(self, size: Size) -> Vec<(usize, usize)> {
        let (width, height) = (size.width_px() as usize, size.height_px() as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        match self {
            Self::Rgba8 | Self::Bgra8 | Self::Bgrx8 => alloc::vec![(width * 4, height)],
            Self::Nv12 => alloc::vec![(width, height), (half_width * 2, half_height)],
            Self::I420 => {
                alloc::vec![(width, height), (half_width, half_height), (half_width, half_height)]
            }
        }
    }
}

/// Bytes owned by whoever produced them: a `Vec`, a mapped capture buffer, a mapped read-back buffer.
pub type PictureBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Where one plane lies in a picture's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// First byte of the plane.
    pub offset: usize,
    /// Bytes from the start of one row to the start of the next.
    pub stride: usize,
}

/// A picture that does not fit its own description.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoFrameError {
    /// The wrong number of planes for the pixel format.
    PlaneCount {
        /// Planes the format has.
        expected: usize,
        /// Planes that were given.
        found: usize,
    },
    /// A plane reaches past the end of the bytes, or its rows overlap.
    PlaneOutOfBounds {
        /// Number of the plane, from 0.
        plane: usize,
    },
}

impl fmt::Display for VideoFrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlaneCount { expected, found } => {
                write!(f, "picture with {found} planes instead of {expected}")
            }
            Self::PlaneOutOfBounds { plane } => {
                write!(f, "plane {plane} does not lie inside the picture's bytes")
            }
        }
    }
}

impl core::error::Error for VideoFrameError {}

/// One picture. Planes are checked when it is made, so [`VideoFrame::row`] always has bytes to give.
#[derive(Clone)]
pub struct VideoFrame {
    format: PixelFormat,
    size: Size,
    color: ColorSpace,
    captured_at: MediaTime,
    planes: Vec<Plane>,
    bytes: PictureBytes,
}

impl VideoFrame {
    /// A picture over `bytes`.
    ///
    /// # Errors
    /// [`VideoFrameError`] when the planes do not match the format or reach outside of the bytes.
    pub fn new(
        format: PixelFormat,
        size: Size,
        color: ColorSpace,
        captured_at: MediaTime,
        planes: Vec<Plane>,
        bytes: PictureBytes,
    ) -> Result<Self, VideoFrameError> {
        let shapes = format.plane_shapes(size);
        if shapes.len() != planes.len() {
            return Err(VideoFrameError::PlaneCount { expected: shapes.len(), found: planes.len() });
        }
        let available = (*bytes).as_ref().len();
        for (number, (plane, (row_bytes, rows))) in planes.iter().zip(&shapes).enumerate() {
            let end = plane
                .stride
                .checked_mul(rows - 1)
                .and_then(|n| n.checked_add(plane.offset))
                .and_then(|n| n.checked_add(*row_bytes));
            if plane.stride < *row_bytes || end.is_none_or(|end| end > available) {
                return Err(VideoFrameError::PlaneOutOfBounds { plane: number });
            }
        }
        Ok(Self { format, size, color, captured_at, planes, bytes })
    }

    /// A picture whose planes follow each other without padding.
    ///
    /// # Errors
    /// [`VideoFrameError::PlaneOutOfBounds`] when there are too few bytes.
    pub fn packed(
        format: PixelFormat,
        size: Size,
        color: ColorSpace,
        captured_at: MediaTime,
        bytes: PictureBytes,
    ) -> Result<Self, VideoFrameError> {
        let mut offset = 0;
        let mut planes = Vec::new();
        for (stride, rows) in format.plane_shapes(size) {
            planes.push(Plane { offset, stride });
            offset += stride * rows;
        }
        Self::new(format, size, color, captured_at, planes, bytes)
    }

    /// Layout of the pixels.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Meaning of the codes of a YUV picture.
    pub fn color(&self) -> ColorSpace {
        self.color
    }

    /// When the picture was taken, on the media clock.
    pub fn captured_at(&self) -> MediaTime {
        self.captured_at
    }

    /// Number of planes.
    pub fn plane_count(&self) -> usize {
        self.planes.len()
    }

    /// Bytes from one row of plane `plane` to the next; 0 for a plane that does not exist.
    pub fn stride(&self, plane: usize) -> usize {
        self.planes.get(plane).map_or(0, |p| p.stride)
    }

    /// Where plane `plane` starts in [`VideoFrame::bytes`]; 0 for a plane that does not exist.
    pub fn offset(&self, plane: usize) -> usize {
        self.planes.get(plane).map_or(0, |p| p.offset)
    }

    /// All bytes the picture lies in, padding and whatever else its owner keeps there included.
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// All bytes of plane `plane` from its first row to the last byte of its last row; empty for a plane that does
    /// not exist.
    pub fn plane(&self, plane: usize) -> &[u8] {
        let Some(place) = self.planes.get(plane) else { return &[] };
        let Some((row_bytes, rows)) = self.format.plane_shapes(self.size).get(plane).copied() else {
            return &[];
        };
        let end = place.offset + place.stride * (rows - 1) + row_bytes;
        (*self.bytes).as_ref().get(place.offset..end).unwrap_or(&[])
    }

    /// The bytes of row `row` of plane `plane`, without padding; empty outside of the picture.
    pub fn row(&self, plane: usize, row: usize) -> &[u8] {
        let Some((row_bytes, rows)) = self.format.plane_shapes(self.size).get(plane).copied() else {
            return &[];
        };
        if row >= rows {
            return &[];
        }
        let start = self.stride(plane) * row;
        self.plane(plane).get(start..start + row_bytes).unwrap_or(&[])
    }
}

impl fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoFrame")
            .field("format", &self.format)
            .field("size", &self.size)
            .field("captured_at", &self.captured_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn frame(size: Size, format: PixelFormat, len: usize) -> Result<VideoFrame, VideoFrameError> {
        VideoFrame::packed(format, size, ColorSpace::default(), MediaTime::ZERO, Arc::new(vec![7u8; len]))
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let size = Size::new(5, 3).unwrap();
        let nv12 = frame(size, PixelFormat::Nv12, 15 + 12).unwrap();
        assert_eq!(nv12.row(1, 1).len(), 6);
        assert!(nv12.row(1, 2).is_empty());
        assert!(frame(size, PixelFormat::Nv12, 26).is_err());
    }

    #[test]
    fn planes_outside_of_the_bytes_are_refused() {
        let size = Size::new(4, 4).unwrap();
        let planes = vec![Plane { offset: 0, stride: usize::MAX }];
        let made = VideoFrame::new(
            PixelFormat::Rgba8,
            size,
            ColorSpace::default(),
            MediaTime::ZERO,
            planes,
            Arc::new(vec![0u8; 64]),
        );
        assert_eq!(made.err(), Some(VideoFrameError::PlaneOutOfBounds { plane: 0 }));
    }
}
