//! The weights of the scalers: pure arithmetic.
//!
//! A smaller picture is filtered with the kernel stretched to the size of its pixels, so that every input sample counts
//! and nothing aliases.

/// How a rendition is scaled from the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scaler {
    /// The nearest sample, no others: fast and jagged.
    Point,
    /// A triangle, two samples wide: the cheapest, slightly soft.
    Bilinear,
    /// Keys' cubic with a = -0.6, four samples wide: the usual choice, and what ffmpeg's scaler takes for bicubic.
    #[default]
    Bicubic,
    /// A sinc windowed by a sinc, six samples wide: the sharpest.
    Lanczos,
    /// Each sample counts with the part of it that the output sample covers.
    Area,
}

impl Scaler {
    /// Half the width of what an output sample is made of, in input samples, at `scale` input samples per output
    /// sample.
    fn radius(self, scale: f64) -> f64 {
        // A smaller picture is filtered with a kernel as wide as its own samples.
        let stretch = scale.max(1.0);
        match self {
            Self::Point => 0.5,
            Self::Bilinear => stretch,
            Self::Bicubic => 2.0 * stretch,
            Self::Lanczos => 3.0 * stretch,
            Self::Area => (scale + 1.0) / 2.0,
        }
    }

    /// What an input sample `distance` input samples away counts.
    fn weight(self, distance: f64, scale: f64) -> f64 {
        let stretch = scale.max(1.0);
        match self {
            // Of two samples equally near the later one.
            Self::Point => f64::from(u8::from(-0.5 < distance && distance <= 0.5)),
            // The overlap of a cell of one and a cell of `scale`.
            Self::Area => ((scale + 1.0) / 2.0 - distance.abs()).clamp(0.0, scale.min(1.0)),
            Self::Bilinear | Self::Bicubic | Self::Lanczos => self.kernel(distance / stretch),
        }
    }

    fn kernel(self, x: f64) -> f64 {
        let x = x.abs();
        if x >= self.radius(1.0) {
            return 0.0;
        }
        match self {
            Self::Point | Self::Area => 1.0,
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
        let radius = scaler.radius(scale);
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
                let weight = scaler.weight(position as f64 - centre, scale);
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

    const ALL: [Scaler; 5] =
        [Scaler::Point, Scaler::Bilinear, Scaler::Bicubic, Scaler::Lanczos, Scaler::Area];

    #[test]
    fn the_same_size_is_a_copy() {
        for scaler in ALL {
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

    #[test]
    fn an_area_counts_as_far_as_it_is_covered() {
        // Three input samples for two: the first output sample covers one and a half.
        let table = WeightTable::new(Scaler::Area, Siting::Centre, 6, 4);
        let rows: Vec<_> = table.rows().map(|(start, weights)| (start, weights[..3].to_vec())).collect();
        assert_eq!(rows[0].0, 0);
        for (found, wanted) in rows[0].1.iter().zip([2.0 / 3.0, 1.0 / 3.0, 0.0]) {
            assert!((found - wanted).abs() < 1e-6, "{rows:?}");
        }
        // Twice as large: each sample twice.
        for (sample, (start, weights)) in
            WeightTable::new(Scaler::Area, Siting::Centre, 4, 8).rows().enumerate()
        {
            let used = weights.iter().position(|weight| (weight - 1.0).abs() < 1e-6).unwrap();
            assert_eq!(start + used, sample / 2);
        }
    }

    #[test]
    fn a_point_is_one_sample() {
        for (input, output) in [(8u32, 4u32), (7, 3), (3, 7), (1, 5), (426, 1280)] {
            for (start, weights) in WeightTable::new(Scaler::Point, Siting::Centre, input, output).rows() {
                assert_eq!(weights.iter().filter(|weight| **weight == 1.0).count(), 1);
                assert_eq!(weights.iter().filter(|weight| **weight != 0.0).count(), 1);
                assert!(start < input as usize);
            }
        }
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_and_stay_inside(input in 1u32..300, output in 1u32..300, left in any::<bool>()) {
            let siting = if left { Siting::Left } else { Siting::Centre };
            for scaler in ALL {
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
