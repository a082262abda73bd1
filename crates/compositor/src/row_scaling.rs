//! The scalers of renditions on the processor, for software adapters: the weights of filter.rs in fixed point, applied
//! to rows of bytes. A fraction of what the same costs in llvmpipe's shaders.

use std::sync::Arc;

use units::{PictureBytes, Size};

use crate::filter::{Scaler, Siting, WeightTable};
use crate::readback::Nv12Layout;

/// Bits after the point of a weight.
const WEIGHT_POINT: u32 = 14;
/// Bits after the point of a sample between the two passes.
const SAMPLE_POINT: u32 = 7;
/// Bytes of a row that are summed at a time.
const RUN: usize = 32;
/// Weights come in groups of this many, so that the compiler can lay them side by side.
const GROUP: usize = 8;

/// Scales NV12 pictures from one size to another.
#[derive(Debug)]
pub(crate) struct Nv12Scaler {
    to: Size,
    luma: PlaneScaler<1>,
    chroma: PlaneScaler<2>,
}

impl Nv12Scaler {
    /// Both sizes even.
    pub(crate) fn new(scaler: Scaler, from: Size, to: Size) -> Self {
        let weights = |siting, input, output| Weights::new(&WeightTable::new(scaler, siting, input, output));
        let (from_width, from_height, to_width, to_height) =
            (from.width_px(), from.height_px(), to.width_px(), to.height_px());
        Self {
            to,
            luma: PlaneScaler::new(
                from_width,
                weights(Siting::Centre, from_width, to_width),
                weights(Siting::Centre, from_height, to_height),
            ),
            chroma: PlaneScaler::new(
                from_width / 2,
                weights(Siting::Left, from_width / 2, to_width / 2),
                weights(Siting::Centre, from_height / 2, to_height / 2),
            ),
        }
    }

    /// The scaled picture of a picture in `bytes`.
    pub(crate) fn scale(&mut self, from: Nv12Layout, bytes: &[u8]) -> (Nv12Layout, PictureBytes) {
        let layout = Nv12Layout::packed(self.to);
        let mut scaled = vec![0u8; layout.bytes() as usize];
        let (input_luma, input_chroma) =
            bytes.split_at_checked(from.chroma_offset() as usize).unwrap_or((bytes, &[]));
        let (luma, chroma) = scaled.split_at_mut(layout.chroma_offset() as usize);
        let (input_stride, stride) = (from.stride as usize, layout.stride as usize);
        self.luma.scale(input_luma, input_stride, luma, stride);
        self.chroma.scale(input_chroma, input_stride, chroma, stride);
        (layout, Arc::new(scaled))
    }
}

/// The weights along one axis in fixed point.
#[derive(Debug)]
struct Weights {
    /// Per output sample: the first input sample.
    starts: Vec<usize>,
    /// Per output sample: `groups` groups of weights.
    weights: Vec<[i16; GROUP]>,
    groups: usize,
}

impl Weights {
    fn new(table: &WeightTable) -> Self {
        let groups = (table.quads as usize * 4).div_ceil(GROUP);
        let (mut starts, mut weights) = (Vec::new(), Vec::new());
        for (start, row) in table.rows() {
            starts.push(start);
            // Rounded so that they still sum to one: what one weight loses, the next makes up for.
            let (mut exact, mut given) = (0.0f64, 0i32);
            let mut rounded = row.iter().map(|weight| {
                exact += f64::from(*weight) * f64::from(1 << WEIGHT_POINT);
                let next = exact.round() as i32 - given;
                given += next;
                i16::try_from(next).unwrap_or(i16::MAX)
            });
            for _ in 0..groups {
                weights.push(std::array::from_fn(|_| rounded.next().unwrap_or(0)));
            }
        }
        Self { starts, weights, groups }
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &[[i16; GROUP]])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.groups.max(1)))
    }
}

#[derive(Debug)]
struct PlaneScaler<const CHANNELS: usize> {
    across: Weights,
    down: Weights,
    /// Bytes of an input row.
    row_bytes: usize,
    /// One row of sums over input rows, per channel, with [`SAMPLE_POINT`], and room behind for the last group of
    /// weights.
    samples: [Vec<i16>; CHANNELS],
}

impl<const CHANNELS: usize> PlaneScaler<CHANNELS> {
    fn new(width: u32, across: Weights, down: Weights) -> Self {
        let width = width as usize;
        let room = across.groups * GROUP;
        Self {
            across,
            down,
            row_bytes: width * CHANNELS,
            samples: std::array::from_fn(|_| vec![0; width + room]),
        }
    }

    fn scale(&mut self, input: &[u8], input_stride: usize, output: &mut [u8], stride: usize) {
        let Self { across, down, row_bytes, samples } = self;
        let row = |number: usize| input.get(number * input_stride..).unwrap_or(&[]);
        for ((start, weights), out) in down.rows().zip(output.chunks_exact_mut(stride.max(1))) {
            let taps: Vec<(&[u8], i16)> = (start..)
                .zip(weights.as_flattened())
                .filter(|(_, weight)| **weight != 0)
                .map(|(number, weight)| (row(number), *weight))
                .collect();
            let whole = *row_bytes / RUN * RUN;
            for at in (0..whole).step_by(RUN) {
                store(samples, at, &sum_run::<RUN>(&taps, at));
            }
            for at in whole..*row_bytes {
                store(samples, at, &sum_run::<1>(&taps, at));
            }
            let out = out.as_chunks_mut::<CHANNELS>().0;
            // As many taps as the usual scalers have at the usual ratios are worth a loop of their own.
            match across.groups {
                1 => across_row::<CHANNELS, 1>(across, samples, out),
                2 => across_row::<CHANNELS, 2>(across, samples, out),
                _ => {
                    for ((start, weights), out) in across.rows().zip(out) {
                        for (out, samples) in out.iter_mut().zip(samples.iter()) {
                            *out = rounded(weighted_sum(samples.get(start..).unwrap_or(&[]), weights));
                        }
                    }
                }
            }
        }
    }
}

/// One row of output, of weights in `GROUPS` groups.
fn across_row<const CHANNELS: usize, const GROUPS: usize>(
    across: &Weights,
    samples: &[Vec<i16>; CHANNELS],
    out: &mut [[u8; CHANNELS]],
) {
    let weights = across.weights.as_chunks::<GROUPS>().0;
    for ((start, weights), out) in across.starts.iter().zip(weights).zip(out) {
        for (out, samples) in out.iter_mut().zip(samples) {
            // There is room for the last group behind every row, see `PlaneScaler::new`.
            let window = samples.get(*start..).unwrap_or(&[]).as_chunks::<GROUP>().0;
            if let Some(window) = window.first_chunk::<GROUPS>() {
                *out = rounded(weighted_sum(window.as_flattened(), weights));
            }
        }
    }
}

/// The weighted sums over all rows of `N` bytes from `at` on, which stay in registers meanwhile.
///
/// Wrapping, though sums of codes with weights that sum to one stay far from 31 bits: the checks that release builds
/// make would keep these loops from being vectorised.
#[inline]
fn sum_run<const N: usize>(taps: &[(&[u8], i16)], at: usize) -> [i32; N] {
    let mut sums = [1i32 << (WEIGHT_POINT - SAMPLE_POINT - 1); N];
    for (row, weight) in taps {
        let Some(codes) = row.get(at..).and_then(<[u8]>::first_chunk::<N>) else { continue };
        for (sum, code) in sums.iter_mut().zip(codes) {
            *sum = sum.wrapping_add(i32::from(*code).wrapping_mul(i32::from(*weight)));
        }
    }
    sums
}

/// Sorts sums that begin at byte `at` of a row into the samples of their channels.
#[inline]
fn store<const CHANNELS: usize, const N: usize>(
    samples: &mut [Vec<i16>; CHANNELS],
    at: usize,
    sums: &[i32; N],
) {
    let fine = sums.map(|sum| {
        let fine = sum >> (WEIGHT_POINT - SAMPLE_POINT);
        fine.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    });
    for (place, samples) in samples.iter_mut().enumerate() {
        // A run begins with the first channel; a single byte is of whichever channel it is.
        let first = (place + CHANNELS - at % CHANNELS) % CHANNELS;
        let from = (at + first) / CHANNELS;
        let samples = samples.get_mut(from..).unwrap_or(&mut []);
        for (sample, fine) in samples.iter_mut().zip(fine.iter().skip(first).step_by(CHANNELS)) {
            *sample = *fine;
        }
    }
}

#[inline]
fn weighted_sum(samples: &[i16], weights: &[[i16; GROUP]]) -> i32 {
    let mut sums = [0i32; GROUP];
    for (samples, weights) in samples.as_chunks::<GROUP>().0.iter().zip(weights) {
        for ((sum, sample), weight) in sums.iter_mut().zip(samples).zip(weights) {
            *sum = sum.wrapping_add(i32::from(*sample).wrapping_mul(i32::from(*weight)));
        }
    }
    sums.into_iter().fold(0, i32::wrapping_add)
}

/// The byte that a sum of weighted samples means.
#[inline]
fn rounded(sum: i32) -> u8 {
    let half = 1i32 << (WEIGHT_POINT + SAMPLE_POINT - 1);
    (sum.wrapping_add(half) >> (WEIGHT_POINT + SAMPLE_POINT)).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat() {
        let (from, to) = (Size::new(64, 48).unwrap(), Size::new(22, 34).unwrap());
        for scaler in [Scaler::Point, Scaler::Bilinear, Scaler::Bicubic, Scaler::Lanczos, Scaler::Area] {
            for code in [0u8, 16, 128, 235, 255] {
                let layout = Nv12Layout::new(from);
                let bytes = vec![code; layout.bytes() as usize];
                let (scaled, bytes) = Nv12Scaler::new(scaler, from, to).scale(layout, &bytes);
                assert_eq!(scaled.size, to);
                assert!((*bytes).as_ref().iter().all(|found| *found == code), "{scaler:?} {code}");
            }
        }
    }
}
