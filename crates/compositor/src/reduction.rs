//! Pictures that are shown at less than half their size are averaged down while they are uploaded.
//!
//! A bilinear filter looks at four texels however many a canvas pixel covers; a 1920x1080 screen shown at 640x360
//! would flicker with every scrolled line. The upload reads every byte anyway, so averaging blocks of whole texels
//! there costs little more than the copy, leaves at most a factor of 1.75 to the bilinear filter, and makes the
//! uploaded texture a fraction of the size. It is the same for hardware and for software adapters.

/// Largest block side, in texels. What is left beyond it may alias; that is a 4K screen in 120 pixels.
const LARGEST_FACTOR: u32 = 32;

/// Texels that become one, along each axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reduction {
    pub(crate) x: u32,
    pub(crate) y: u32,
}

impl Reduction {
    pub(crate) const NONE: Self = Self { x: 1, y: 1 };

    /// For a picture of which one canvas pixel covers `x` by `y` texels.
    ///
    /// From 1.75 texels on, blocks of two are taken: slightly soft is better than flickering.
    pub(crate) fn for_scale(x: f32, y: f32) -> Self {
        let factor = |scale: f32| ((scale.abs() + 0.25).floor() as u32).clamp(1, LARGEST_FACTOR);
        Self { x: factor(x), y: factor(y) }
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Averages blocks of texels of `CHANNELS` bytes.
pub(crate) struct BlockAverage<const CHANNELS: usize> {
    factor_x: usize,
    /// Sums over the rows of a block, one per byte of a row.
    sums: Vec<u16>,
    rows: u32,
}

impl<const CHANNELS: usize> BlockAverage<CHANNELS> {
    pub(crate) fn new(factor_x: u32, row_bytes: usize) -> Self {
        Self { factor_x: factor_x.max(1) as usize, sums: vec![0; row_bytes], rows: 0 }
    }

    /// Takes one more row of the block. At most [`LARGEST_FACTOR`] rows, so that 16 bits hold the sums.
    pub(crate) fn add_row(&mut self, row: &[u8]) {
        if self.rows == 0 {
            for (sum, byte) in self.sums.iter_mut().zip(row) {
                *sum = u16::from(*byte);
            }
        } else {
            for (sum, byte) in self.sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(u16::from(*byte));
            }
        }
        self.rows += 1;
    }

    /// Writes the averages of the rows taken since the last call; the last block of a row may be narrower.
    pub(crate) fn finish_row(&mut self, out: &mut [u8]) {
        // Called at least once per block, with at least one row in it.
        let rows = self.rows.max(1);
        self.rows = 0;
        match self.factor_x {
            1 => self.average::<1>(rows, out),
            2 => self.average::<2>(rows, out),
            3 => self.average::<3>(rows, out),
            4 => self.average::<4>(rows, out),
            factor => self.average_any(factor, rows, out),
        }
    }

    /// With the factor known to the compiler, the sum over a block becomes straight code.
    #[inline]
    fn average<const FACTOR: usize>(&self, rows: u32, out: &mut [u8]) {
        self.average_any(FACTOR, rows, out);
    }

    /// Wrapping, though by [`reciprocal`] nothing wraps: the checks of release builds would keep this from being
    /// vectorised.
    #[inline(always)]
    fn average_any(&self, factor: usize, rows: u32, out: &mut [u8]) {
        let whole = reciprocal(rows * factor as u32);
        let blocks = self.sums.chunks_exact(factor * CHANNELS);
        let rest = blocks.remainder();
        let mut outs = out.chunks_exact_mut(CHANNELS);
        for (block, out) in blocks.zip(outs.by_ref()) {
            let mut total = [0u32; CHANNELS];
            for texel in block.as_chunks::<CHANNELS>().0 {
                for (total, sum) in total.iter_mut().zip(texel) {
                    *total = total.wrapping_add(u32::from(*sum));
                }
            }
            for (out, total) in out.iter_mut().zip(total) {
                *out = (total.wrapping_mul(whole).wrapping_add(HALF) >> 24) as u8;
            }
        }
        let left = (rest.len() / CHANNELS) as u32;
        if left > 0
            && let Some(out) = outs.next()
        {
            let part = reciprocal(rows * left);
            for (channel, out) in out.iter_mut().enumerate() {
                let total: u32 = rest.iter().skip(channel).step_by(CHANNELS).map(|sum| u32::from(*sum)).sum();
                *out = ((total * part + HALF) >> 24) as u8;
            }
        }
    }
}

/// One half, in the fixed point of [`reciprocal`].
const HALF: u32 = 1 << 23;

/// 1 / `count` with 24 bits after the point. The largest total is 255 x `count`, so products stay below 2^32; the
/// error of the reciprocal stays below a tenth of a code up to 32x32 texels.
const fn reciprocal(count: u32) -> u32 {
    (1 << 24) / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_below_two_are_left_to_the_filter() {
        assert_eq!(Reduction::for_scale(1.0, 1.5), Reduction::NONE);
        assert_eq!(Reduction::for_scale(3.0, -2.0), Reduction { x: 3, y: 2 });
        assert_eq!(Reduction::for_scale(1e9, 0.0), Reduction { x: 32, y: 1 });
        assert_eq!(Reduction::for_scale(f32::NAN, 1.0), Reduction::NONE);
    }

    #[test]
    fn blocks_and_the_narrow_rest_are_averaged() {
        let mut average = BlockAverage::<2>::new(2, 6);
        average.add_row(&[0, 100, 10, 110, 20, 50]);
        average.add_row(&[4, 104, 14, 114, 22, 52]);
        let mut out = [0; 4];
        average.finish_row(&mut out);
        assert_eq!(out, [7, 107, 21, 51]);
        average.add_row(&[255; 6]);
        average.finish_row(&mut out);
        assert_eq!(out, [255; 4]);
    }

    #[test]
    fn no_block_size_drifts() {
        for factor in 1..=32u32 {
            for value in [0u8, 1, 127, 128, 254, 255] {
                let mut average = BlockAverage::<4>::new(factor, factor as usize * 4);
                for _ in 0..factor {
                    average.add_row(&vec![value; factor as usize * 4]);
                }
                let mut out = [9; 4];
                average.finish_row(&mut out);
                assert_eq!(out, [value; 4], "{factor}");
            }
        }
    }
}
