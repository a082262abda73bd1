//! The weights of the scalers: pure arithmetic.
//!
//! A smaller picture is filtered with the kernel stretched to the size of its pixels, so that every input sample counts
//! and nothing aliases.

/// How a rendition is scaled from the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scaler {
    /// A triangle, two samples wide: the cheapest, slightly soft.
    Bilinear,
    /// Keys' cubic with a = -0.6, four samples wide: the usual choice, and what ffmpeg's scaler takes for bicubic.
    #[default]
    Bicubic,
    /// A sinc windowed by a sinc, six samples wide: the sharpest.
    Lanczos,
}

impl Scaler {
    /// Half the width of the kernel, in samples of the smaller of the two pictures.
    fn radius(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn kernel(self, x: f64) -> f64 {
        let x = x.abs();
        if x >= self.radius() {
            return 0.0;
        }
        match self {
            Self::Bilinear => 1.0 - x,
            // Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981), equation 4 before a is
            // chosen; a = -0.6 is the default of libswscale (ffmpeg-scaler(1), `param1`).
            Self::Bicubic if x < 1.0 => (1.4 * x - 2.4) * x * x + 1.0,
            Self::Bicubic => ((-0.6 * x + 3.0) * x - 4.8) * x + 2.4,
            Self::Lanczos => sinc(x) * sinc(x / 3.0),
        }
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// Where samples sit on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Siting {
    /// Sample i at the middle of its cell: luma, and chroma vertically.
    Centre,
    /// Sample i of half as many at the middle of the first of its two cells: chroma horizontally.
    Left,
}

/// The weights along one axis, as `scale.wgsl` reads them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WeightTable {
    /// Texels of four weights per output sample.
    pub(crate) quads: u32,
    /// Per output sample: the position of the first input sample and three zeros, then the weights.
    pub(crate) texels: Vec<f32>,
}

impl WeightTable {
    /// For `output` samples made of `input` samples; both at least 1.
    pub(crate) fn new(scaler: Scaler, siting: Siting, input: u32, output: u32) -> Self {
        let scale = f64::from(input) / f64::from(output);
        let stretch = scale.max(1.0);
        let radius = scaler.radius() * stretch;
        let last = i64::from(input) - 1;
        // As many as can lie within the kernel, in whole texels, but no more than there are.
        let reach = (2.0 * radius).ceil() as i64 + 1;
        let taps = reach.min(i64::from(input));
        let quads = taps.cast_unsigned().div_ceil(4) as usize;
        let mut texels = Vec::with_capacity(output as usize * (quads + 1) * 4);
        for sample in 0..output {
            // In input samples, the first one's middle at 0. Left siting: output sample i is at luma 2i + 1/2 of its
            // picture, input sample j at 2j + 1/2 of its own, so j = (2i + 1/2) * scale / 2 - 1/4.
            let centre = match siting {
                Siting::Centre => (f64::from(sample) + 0.5) * scale - 0.5,
                Siting::Left => (f64::from(sample) + 0.25) * scale - 0.25,
            };
            let from = (centre - radius).floor() as i64 + 1;
            let start = from.clamp(0, i64::from(input) - taps);
            let mut weights = vec![0.0f64; quads * 4];
            for position in from..from + reach {
                let weight = scaler.kernel((position as f64 - centre) / stretch);
                // The picture goes on beyond its edge as it ends.
                let held = position.clamp(0, last) - start;
                if let Some(sum) = usize::try_from(held).ok().and_then(|held| weights.get_mut(held)) {
                    *sum += weight;
                }
            }
            let total: f64 = weights.iter().sum();
            texels.extend_from_slice(&[start as f32, 0.0, 0.0, 0.0]);
            texels.extend(weights.iter().map(|weight| (weight / total) as f32));
        }
        Self { quads: quads as u32, texels }
    }

    /// Per output sample: the position of the first input sample, and the weights.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.texels.chunks_exact(self.quads as usize * 4 + 4).filter_map(|row| {
            let (head, weights) = row.split_at_checked(4)?;
            Some((*head.first()? as usize, weights))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_size_is_a_copy() {
        for scaler in [Scaler::Bilinear, Scaler::Bicubic, Scaler::Lanczos] {
            for (sample, (start, weights)) in
                WeightTable::new(scaler, Siting::Centre, 9, 9).rows().enumerate()
            {
                for (tap, weight) in weights.iter().enumerate() {
                    let wanted = f32::from(u8::from(start + tap == sample));
                    assert!((weight - wanted).abs() < 1e-6, "{scaler:?} {sample} {weights:?}");
                }
            }
        }
    }

    #[test]
    fn halving_bilinearly_is_the_tent() {
        let table = WeightTable::new(Scaler::Bilinear, Siting::Centre, 8, 4);
        let (start, weights) = table.rows().nth(1).unwrap();
        assert_eq!((start, &weights[..4]), (1, &[0.125, 0.375, 0.375, 0.125][..]));
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_and_stay_inside(input in 1u32..300, output in 1u32..300, left in any::<bool>()) {
            let siting = if left { Siting::Left } else { Siting::Centre };
            for scaler in [Scaler::Bilinear, Scaler::Bicubic, Scaler::Lanczos] {
                let table = WeightTable::new(scaler, siting, input, output);
                prop_assert_eq!(table.rows().count(), output as usize);
                for (start, weights) in table.rows() {
                    prop_assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4);
                    // Only weights of nothing may reach past the end.
                    let used = weights.iter().rposition(|weight| *weight != 0.0).unwrap_or(0);
                    prop_assert!(start + used < input as usize);
                }
            }
        }
    }
}
