//! Bilinear resampling of rows of bytes on the processor.

/// A plane in system memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaneView<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) stride: usize,
    /// In texels.
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl<'a> PlaneView<'a> {
    fn row<const CHANNELS: usize>(&self, row: usize) -> &'a [u8] {
        let start = row.min(self.height.saturating_sub(1)) * self.stride;
        self.bytes.get(start..start + self.width * CHANNELS).unwrap_or(&[])
    }
}

/// Which two texels each output sample lies between, along one axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// The first of the two.
    texels: Vec<u32>,
    /// The second's share, of 256.
    shares: Vec<u16>,
    /// The first texel, where every output sample is one texel and the next one's is the next.
    copy_from: Option<usize>,
}

impl Axis {
    /// For places in texel coordinates (texel centres at halves), of which only `bounds` may be seen, on an axis of
    /// `length` texels.
    pub(crate) fn new(places: impl Iterator<Item = f32>, bounds: (f32, f32), length: usize) -> Self {
        let last = length.saturating_sub(1) as f32;
        let (lowest, highest) = if bounds.1 - bounds.0 > 1.0 {
            (bounds.0 + 0.5, bounds.1 - 0.5)
        } else {
            let middle = (bounds.0 + bounds.1) / 2.0;
            (middle, middle)
        };
        let (mut texels, mut shares) = (Vec::new(), Vec::new());
        for place in places {
            // To units of 1/256 texel, centres at whole texels.
            let at = (place.clamp(lowest, highest) - 0.5).clamp(0.0, last);
            let fine = (at * 256.0).round() as u32;
            texels.push(fine / 256);
            shares.push((fine % 256) as u16);
        }
        let in_step = texels.windows(2).all(|pair| matches!(pair, [a, b] if *b == a + 1));
        let copy_from = (in_step && shares.iter().all(|share| *share == 0))
            .then(|| texels.first().map(|first| *first as usize))
            .flatten();
        Self { texels, shares, copy_from }
    }

    /// Output samples.
    pub(crate) fn len(&self) -> usize {
        self.texels.len()
    }
}

/// Writes row `row` of the output. `scratch` is kept between calls only to be allocated once.
pub(crate) fn resample_row<const CHANNELS: usize>(
    plane: PlaneView<'_>,
    across: &Axis,
    down: &Axis,
    row: usize,
    scratch: &mut Vec<u8>,
    out: &mut [u8],
) {
    let (Some(&line), Some(&share)) = (down.texels.get(row), down.shares.get(row)) else { return };
    let upper = plane.row::<CHANNELS>(line as usize);
    let texels = if share == 0 {
        upper
    } else {
        let lower = plane.row::<CHANNELS>(line as usize + 1);
        scratch.resize(upper.len(), 0);
        for (out, (a, b)) in scratch.iter_mut().zip(upper.iter().zip(lower)) {
            *out = between(*a, *b, share);
        }
        scratch.as_slice()
    };
    if let Some(first) = across.copy_from {
        if let Some(same) = texels.get(first * CHANNELS..first * CHANNELS + out.len()) {
            out.copy_from_slice(same);
        }
        return;
    }
    let (texels, _) = texels.as_chunks::<CHANNELS>();
    let (out, _) = out.as_chunks_mut::<CHANNELS>();
    let Some(last) = texels.len().checked_sub(1) else { return };
    for (out, (&texel, &share)) in out.iter_mut().zip(across.texels.iter().zip(&across.shares)) {
        let first = (texel as usize).min(last);
        if let (Some(a), Some(b)) = (texels.get(first), texels.get((first + 1).min(last))) {
            *out = texel_between(a, b, share);
        }
    }
}

/// `share` of 256 of the way from `a` to `b`, rounded.
///
/// Nothing here leaves 16 bits, because `share` is below 256. Wrapping, because the checks that release builds make
/// would keep the loops around this from being vectorised.
#[inline(always)]
fn between(a: u8, b: u8, share: u16) -> u8 {
    let of_a = u16::from(a).wrapping_mul(256u16.wrapping_sub(share));
    let of_b = u16::from(b).wrapping_mul(share);
    (of_a.wrapping_add(of_b).wrapping_add(128) >> 8) as u8
}

#[inline(always)]
fn texel_between<const CHANNELS: usize>(
    a: &[u8; CHANNELS],
    b: &[u8; CHANNELS],
    share: u16,
) -> [u8; CHANNELS] {
    let mut mixed = [0; CHANNELS];
    if let (Some(a), Some(b), Some(mixed)) =
        (a.first_chunk::<4>(), b.first_chunk::<4>(), mixed.first_chunk_mut::<4>())
    {
        // Four channels at once, each in 16 bits of one word.
        let share = u64::from(share);
        let of_a = apart(*a).wrapping_mul(256u64.wrapping_sub(share));
        let word = of_a.wrapping_add(apart(*b).wrapping_mul(share)).wrapping_add(0x0080_0080_0080_0080);
        *mixed = together(word >> 8);
    } else {
        for (out, (a, b)) in mixed.iter_mut().zip(a.iter().zip(b)) {
            *out = between(*a, *b, share);
        }
    }
    mixed
}

#[inline(always)]
fn apart(texel: [u8; 4]) -> u64 {
    let word = u64::from(u32::from_le_bytes(texel));
    let halves = (word | word << 16) & 0x0000_ffff_0000_ffff;
    (halves | halves << 8) & 0x00ff_00ff_00ff_00ff
}

#[inline(always)]
fn together(word: u64) -> [u8; 4] {
    let bytes = word & 0x00ff_00ff_00ff_00ff;
    let halves = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    ((halves | halves >> 16) as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(texels: &[u8], places: &[f32], bounds: (f32, f32)) -> Vec<u8> {
        let plane = PlaneView { bytes: texels, stride: texels.len(), width: texels.len(), height: 1 };
        let across = Axis::new(places.iter().copied(), bounds, texels.len());
        let down = Axis::new(std::iter::once(0.5), (0.0, 1.0), 1);
        let mut out = vec![0; places.len()];
        resample_row::<1>(plane, &across, &down, 0, &mut Vec::new(), &mut out);
        out
    }

    #[test]
    fn centres_are_copied_and_places_between_are_mixed() {
        let texels = [0, 100, 200, 40];
        assert_eq!(row(&texels, &[0.5, 1.5, 2.5], (0.0, 4.0)), [0, 100, 200]);
        assert_eq!(row(&texels, &[2.5, 1.5], (0.0, 4.0)), [200, 100]);
        assert_eq!(row(&texels, &[1.0, 1.75], (0.0, 4.0)), [50, 125]);
    }

    #[test]
    fn four_channels_are_mixed_as_one_is() {
        let (a, b) = ([0, 255, 17, 200], [255, 0, 18, 3]);
        for share in [0, 1, 100, 128, 255] {
            let mixed = texel_between(&a, &b, share);
            for (mixed, (a, b)) in mixed.iter().zip(a.iter().zip(&b)) {
                assert_eq!(*mixed, between(*a, *b, share));
            }
        }
    }

    #[test]
    fn nothing_beyond_the_bounds_is_seen() {
        let texels = [0, 100, 200, 40];
        assert_eq!(row(&texels, &[-3.0, 0.0, 2.9, 9.0], (1.0, 3.0)), [100, 100, 200, 200]);
        assert_eq!(row(&texels, &[9.0], (0.0, 4.0)), [40]);
        assert_eq!(row(&texels, &[0.0, 9.0], (1.25, 1.75)), [100, 100]);
    }
}
