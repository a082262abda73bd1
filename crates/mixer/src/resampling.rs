//! From a device's own sample clock to the media clock.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};
use units::{AudioBlock, MediaTime, SAMPLE_RATE_HZ};

use crate::channels::to_stereo;
use crate::timeline::{Timeline, Written};

/// Frames that go through the resampler at a time: 1.3 ms at 48 kHz.
const CHUNK: usize = 64;
/// The ratio is never bent further than this: 0.2 %, a thirtieth of a semitone. Crystals differ by less than 0.02 %.
const MOST_BEND: f64 = 0.002;
/// Part of the bend that may be due to the device's crystal.
const MOST_DRIFT: f64 = 0.0015;
/// Smoothing of the measured error, which jitters with the device's callbacks, in seconds.
const SMOOTHING_S: f64 = 0.5;
/// Natural frequency of the control loop in radians per second, first while it finds the drift, then while it
/// holds it.
const SEEKING: f64 = 0.4;
const HOLDING: f64 = 0.12;
/// How long it seeks, in seconds.
const SEEKING_S: f64 = 15.0;
/// Errors that are not drift but a device that paused or lost sound, in samples: 50 ms, three blocks in a row.
const JUMP: f64 = 2400.0;
const JUMP_BLOCKS: u32 = 3;
/// A jump that needs no second look: half a second.
const LEAP: f64 = 24_000.0;
/// Sound on the media clock that is off by more than a millisecond begins anew there.
const MEDIA_JUMP: f64 = 48.0;

/// Resamples blocks to 48 kHz and places them where they were heard, on the media clock.
///
/// A device block's time stamp says where its first frame belongs; the frames already written say where it would come
/// to lie. The difference steers the resampling ratio (a proportional-integral loop, critically damped), so that sound
/// neither creeps away nor has to be cut. The integral is the device's drift.
pub(crate) struct Resampling {
    resampler: Async<f32>,
    rate_hz: u32,
    channels: u16,
    /// Whether the device's clock is its own.
    drifts: bool,
    nominal: f64,
    bend: f64,
    drift: f64,
    error: f64,
    heard_s: f64,
    jumped: u32,
    /// Stereo frames that wait for a full chunk.
    waiting: Vec<[f32; 2]>,
    output: Vec<[f32; 2]>,
    /// Sample number of the resampler's next output frame, its own delay already taken off.
    next: Option<i64>,
    resyncs: u64,
}

impl Resampling {
    /// For blocks like `block`; `None` for a rate or ratio no resampler does.
    pub(crate) fn new(block: &AudioBlock, drifts: bool) -> Option<Self> {
        let nominal = f64::from(SAMPLE_RATE_HZ) / f64::from(block.rate_hz);
        let parameters = SincInterpolationParameters::new(64, WindowFunction::BlackmanHarris2)
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Linear);
        let resampler =
            Async::new_sinc(nominal, 1.0 + 2.0 * MOST_BEND, &parameters, CHUNK, 2, FixedAsync::Input).ok()?;
        let output = vec![[0.0; 2]; resampler.output_frames_max()];
        Some(Self {
            resampler,
            rate_hz: block.rate_hz,
            channels: block.channels,
            drifts,
            nominal,
            bend: 0.0,
            drift: 0.0,
            error: 0.0,
            heard_s: 0.0,
            jumped: 0,
            waiting: Vec::with_capacity(usize::try_from(block.rate_hz).unwrap_or(0) / 4),
            output,
            next: None,
            resyncs: 0,
        })
    }

    /// Whether this still fits what the device delivers.
    pub(crate) fn fits(&self, block: &AudioBlock) -> bool {
        (self.rate_hz, self.channels) == (block.rate_hz, block.channels)
    }

    /// How much faster the device's clock runs than the media clock, in parts per million.
    pub(crate) fn drift_ppm(&self) -> f64 {
        -self.drift * 1e6
    }

    /// How far sound lies from where its time stamps say, smoothed, in samples.
    pub(crate) fn error_samples(&self) -> f64 {
        self.error
    }

    /// How often sound had to be moved because time stamps jumped.
    pub(crate) fn resyncs(&self) -> u64 {
        self.resyncs
    }

    /// Writes a block to the timeline.
    pub(crate) fn push(&mut self, block: &AudioBlock, timeline: &mut Timeline) -> Written {
        self.steer(block, timeline);
        let channels = usize::from(block.channels.max(1));
        self.waiting.extend(block.samples.chunks_exact(channels).map(to_stereo));
        let mut written = Written::default();
        let mut taken = 0;
        while let Some(chunk) = self.waiting.get(taken..taken + CHUNK) {
            taken += CHUNK;
            let frames = self.output.len();
            let Ok(input) = InterleavedSlice::new(chunk.as_flattened(), 2, CHUNK) else { continue };
            let Ok(mut output) = InterleavedSlice::new_mut(self.output.as_flattened_mut(), 2, frames) else {
                continue;
            };
            let Ok((_, made)) = self.resampler.process_into_buffer(&input, &mut output, None) else {
                continue;
            };
            let next = self.next.get_or_insert(0);
            let before_zero = usize::try_from((-*next).max(0)).unwrap_or(0).min(made);
            let at = u64::try_from(*next).unwrap_or(0);
            let part = timeline.write(at, self.output.get(before_zero..made).unwrap_or(&[]));
            written.repeated += part.repeated;
            written.gap += part.gap;
            *next += i64::try_from(made).unwrap_or(0);
        }
        self.waiting.drain(..taken.min(self.waiting.len()));
        written
    }

    fn steer(&mut self, block: &AudioBlock, timeline: &mut Timeline) {
        let belongs = samples_at(block.captured_at);
        let delay = self.resampler.output_delay() as f64;
        let ahead = delay + self.waiting.len() as f64 * self.nominal * (1.0 + self.bend);
        let Some(next) = &mut self.next else {
            self.next = Some((belongs - ahead).round() as i64);
            return;
        };
        let error = belongs - (*next as f64 + ahead);
        let jump = if self.drifts { JUMP } else { MEDIA_JUMP };
        if error.abs() > jump {
            self.jumped += 1;
            if !self.drifts || self.jumped >= JUMP_BLOCKS || error.abs() > LEAP {
                *next += error.round() as i64;
                timeline.cut(u64::try_from(*next).unwrap_or(0));
                self.resyncs += 1;
                (self.jumped, self.error) = (0, 0.0);
            }
            return;
        }
        self.jumped = 0;
        if !self.drifts {
            return;
        }
        let seconds = block.frames() as f64 / f64::from(self.rate_hz);
        self.heard_s += seconds;
        self.error += (error - self.error) * (1.0 - (-seconds / SMOOTHING_S).exp());
        let natural = if self.heard_s < SEEKING_S { SEEKING } else { HOLDING };
        let rate = f64::from(SAMPLE_RATE_HZ);
        self.drift += self.error * seconds * natural * natural / rate;
        self.drift = self.drift.clamp(-MOST_DRIFT, MOST_DRIFT);
        self.bend = (self.drift + self.error * 2.0 * natural / rate).clamp(-MOST_BEND, MOST_BEND);
        // Within the bounds given at construction; were it refused, the old ratio would stay.
        let _ = self.resampler.set_resample_ratio_relative(1.0 + self.bend, true);
    }
}

/// Place of an instant in samples, with its fraction.
fn samples_at(time: MediaTime) -> f64 {
    time.as_nanos() as f64 * (f64::from(SAMPLE_RATE_HZ) / 1e9)
}
