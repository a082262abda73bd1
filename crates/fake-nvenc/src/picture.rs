//! A picture as the coders take it: whole blocks of 16 by 16.

/// NV12 samples, its sides rounded up to 16 by repeating the last ones.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels, a multiple of 16.
    pub(crate) width: usize,
    /// Pixels, a multiple of 16.
    pub(crate) height: usize,
    luma: Vec<u8>,
    /// Cb and Cr in turn.
    chroma: Vec<u8>,
}

impl Picture {
    /// Of rows of NV12: luma, and chroma behind it from row `height` on, each `pitch` bytes behind the last.
    pub(crate) fn from_rows(width: usize, height: usize, pitch: usize, bytes: &[u8]) -> Option<Self> {
        Some(Self {
            width: width.next_multiple_of(16),
            height: height.next_multiple_of(16),
            luma: plane(bytes, pitch, width, height, 1)?,
            chroma: plane(bytes.get(pitch * height..)?, pitch, width, height / 2, 2)?,
        })
    }

    /// Samples of block `number`: 256 of luma, 64 of Cb, 64 of Cr.
    pub(crate) fn block(&self, number: usize) -> [u8; 384] {
        let across = self.width / 16;
        let (left, top) = (number % across * 16, number / across * 16);
        let mut block = [0; 384];
        let (luma, chroma) = block.split_at_mut(256);
        for (row, line) in luma.chunks_exact_mut(16).enumerate() {
            let start = (top + row) * self.width + left;
            if let Some(samples) = self.luma.get(start..start + 16) {
                line.copy_from_slice(samples);
            }
        }
        let (cb, cr) = chroma.split_at_mut(64);
        for (row, (cb, cr)) in cb.chunks_exact_mut(8).zip(cr.chunks_exact_mut(8)).enumerate() {
            let start = (top / 2 + row) * self.width + left;
            let samples = self.chroma.get(start..start + 16).unwrap_or(&[]);
            for ((cb, cr), pair) in cb.iter_mut().zip(cr).zip(samples.chunks_exact(2)) {
                if let [blue, red] = pair {
                    (*cb, *cr) = (*blue, *red);
                }
            }
        }
        block
    }

    /// Blocks in it.
    pub(crate) fn blocks(&self) -> usize {
        self.width / 16 * (self.height / 16)
    }
}

/// One plane with its last column of `step` bytes and its last row repeated up to whole blocks.
fn plane(bytes: &[u8], pitch: usize, width: usize, rows: usize, step: usize) -> Option<Vec<u8>> {
    let wide = width.next_multiple_of(16);
    let high = (rows * step).next_multiple_of(16) / step;
    let mut plane = Vec::with_capacity(wide * high);
    for row in 0..rows {
        let line = bytes.get(row * pitch..row * pitch + width)?;
        plane.extend_from_slice(line);
        let last = line.get(width - step..)?.to_vec();
        while plane.len() < (row + 1) * wide {
            plane.extend_from_slice(&last);
        }
    }
    let last = plane.get((rows - 1) * wide..)?.to_vec();
    while plane.len() < wide * high {
        plane.extend_from_slice(&last);
    }
    Some(plane)
}
