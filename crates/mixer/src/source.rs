//! One source of the mix: its sound by media time, and its strip: gain, mute, delay, meter.

use units::{AudioBlock, SAMPLE_RATE_HZ, Span, samples_from_span, span_from_samples};

use crate::Error;
use crate::channels::to_stereo;
use crate::meter::{Levels, Meter};
use crate::resampling::Resampling;
use crate::timeline::{Timeline, Written};

/// Gains change over this many samples, so that nothing clicks: 10 ms.
const RAMP_SAMPLES: f32 = SAMPLE_RATE_HZ as f32 / 100.0;
/// Longest delay.
pub const MAX_DELAY_MS: u32 = 2000;
/// Highest gain: +30 dB.
pub const MAX_GAIN: f32 = 32.0;
/// Sound that is held beyond the delay: 1.5 s, half of it for sources that run ahead.
const HELD: u64 = SAMPLE_RATE_HZ as u64 * 3 / 2;
/// A source that gave nothing for so long has stopped; what it does not give after that is not missing.
const STOPPED_AFTER: u64 = SAMPLE_RATE_HZ as u64;

/// By which clock a source counts its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocking {
    /// By its own crystal: a microphone, a sound card. Its sound is resampled to the media clock, steered by its time
    /// stamps.
    Device,
    /// By the media clock itself: test pattern, media files, anything already paced. 48 kHz sound of one or two
    /// channels is taken sample by sample to exactly where its time stamps say.
    Media,
}

/// A source's strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceMix {
    /// Factor on the samples, 0 to [`MAX_GAIN`].
    pub gain: f32,
    /// Silence, whatever the gain.
    pub muted: bool,
    /// By how much the source is heard later than it was captured, 0 to [`MAX_DELAY_MS`]: brings sound to pictures
    /// that arrive late.
    pub delay_ms: u32,
}

impl Default for SourceMix {
    fn default() -> Self {
        Self { gain: 1.0, muted: false, delay_ms: 0 }
    }
}

impl SourceMix {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.delay_ms > MAX_DELAY_MS {
            return Err(Error::Delay { ms: self.delay_ms });
        }
        check_gain(self.gain)
    }

    fn delay_samples(&self) -> u64 {
        samples_from_span(Span::from_millis(i64::from(self.delay_ms)))
    }
}

pub(crate) fn check_gain(gain: f32) -> Result<(), Error> {
    if gain.is_finite() && (0.0..=MAX_GAIN).contains(&gain) { Ok(()) } else { Err(Error::Gain { gain }) }
}

/// How a source fares since it was added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SourceStats {
    /// How much faster its clock runs than the media clock, in parts per million; 0 on the media clock.
    pub drift_ppm: f64,
    /// How far its sound lies from where its time stamps say, smoothed.
    pub offset: Span,
    /// Sound that is held beyond what was rendered last, without the delay.
    pub buffered: Span,
    /// Samples that were silent because they came too late or not at all.
    pub missing: u64,
    /// Samples of silence between blocks that should have followed each other.
    pub gaps: u64,
    /// Samples that came twice and were taken once.
    pub repeated: u64,
    /// Times its sound was moved because its time stamps jumped.
    pub resyncs: u64,
}

/// A value on its way to another.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    now: f32,
    wanted: f32,
    step: f32,
}

impl Ramp {
    fn at(value: f32) -> Self {
        Self { now: value, wanted: value, step: 0.0 }
    }

    fn go_to(&mut self, wanted: f32) {
        if wanted != self.wanted {
            self.wanted = wanted;
            self.step = (wanted - self.now) / RAMP_SAMPLES;
        }
    }

    fn next(&mut self) -> f32 {
        if self.now != self.wanted {
            let left = self.wanted - self.now;
            self.now = if left.abs() <= self.step.abs() { self.wanted } else { self.now + self.step };
        }
        self.now
    }
}

pub(crate) struct Source {
    clocking: Clocking,
    mix: SourceMix,
    scene_gain: f32,
    gain: Ramp,
    delay: u64,
    timeline: Timeline,
    resampling: Option<Resampling>,
    meter: Meter,
    rendered: u64,
    missing: u64,
    gaps: u64,
    repeated: u64,
}

impl Source {
    pub(crate) fn new(clocking: Clocking, mix: SourceMix) -> Self {
        let delay = mix.delay_samples();
        let mut source = Self {
            clocking,
            mix,
            scene_gain: 1.0,
            gain: Ramp::at(0.0),
            delay,
            timeline: Timeline::new(capacity_for(delay)),
            resampling: None,
            meter: Meter::new(),
            rendered: 0,
            missing: 0,
            gaps: 0,
            repeated: 0,
        };
        source.gain = Ramp::at(source.wanted_gain());
        source
    }

    pub(crate) fn set_mix(&mut self, mix: SourceMix) {
        self.mix = mix;
        let needed = capacity_for(mix.delay_samples());
        if needed > self.timeline.capacity() {
            let mut larger = Timeline::new(needed);
            let end = self.timeline.end();
            let held = self.timeline.capacity() as u64;
            for at in end.saturating_sub(held)..end {
                if let Some(frame) = self.timeline.get(at) {
                    larger.write(at, &[frame]);
                }
            }
            self.timeline = larger;
        }
        self.steer_gain();
    }

    pub(crate) fn mix(&self) -> SourceMix {
        self.mix
    }

    pub(crate) fn set_scene_gain(&mut self, gain: f32) {
        self.scene_gain = gain;
        self.steer_gain();
    }

    fn wanted_gain(&self) -> f32 {
        if self.mix.muted { 0.0 } else { self.mix.gain * self.scene_gain }
    }

    /// A changed delay is taken over in silence: down, over, up again.
    fn steer_gain(&mut self) {
        let moving = self.mix.delay_samples() != self.delay;
        self.gain.go_to(if moving { 0.0 } else { self.wanted_gain() });
    }

    pub(crate) fn push(&mut self, block: &AudioBlock) -> Result<(), Error> {
        let refused = Error::Format { rate_hz: block.rate_hz, channels: block.channels };
        if !(8000..=384_000).contains(&block.rate_hz) || !(1..=64).contains(&block.channels) {
            return Err(refused);
        }
        let written = if self.clocking == Clocking::Media && block.rate_hz == SAMPLE_RATE_HZ {
            self.push_exact(block)
        } else {
            if self.resampling.as_ref().is_none_or(|resampling| !resampling.fits(block)) {
                let drifts = self.clocking == Clocking::Device;
                self.resampling = Some(Resampling::new(block, drifts).ok_or(refused)?);
            }
            match &mut self.resampling {
                Some(resampling) => resampling.push(block, &mut self.timeline),
                None => Written::default(),
            }
        };
        self.gaps += written.gap;
        self.repeated += written.repeated;
        Ok(())
    }

    fn push_exact(&mut self, block: &AudioBlock) -> Written {
        let at = samples_from_span(Span::from_nanos(block.captured_at.as_nanos()));
        let mut total = Written::default();
        let mut part = [[0f32; 2]; 256];
        let channels = usize::from(block.channels.max(1));
        let mut written = 0;
        for frames in block.samples.chunks(channels * part.len()) {
            let mut count = 0;
            for (frame, slot) in frames.chunks_exact(channels).zip(&mut part) {
                *slot = to_stereo(frame);
                count += 1;
            }
            let one = self.timeline.write(at + written, part.get(..count).unwrap_or(&[]));
            total.gap += one.gap;
            total.repeated += one.repeated;
            written += count as u64;
        }
        total
    }

    /// The frame that is heard at sample number `sample`, after the strip.
    pub(crate) fn render(&mut self, sample: u64) -> [f32; 2] {
        if self.gain.now == 0.0 && self.mix.delay_samples() != self.delay {
            self.delay = self.mix.delay_samples();
            self.steer_gain();
        }
        self.rendered = sample;
        let gain = self.gain.next();
        let held = sample.checked_sub(self.delay).map(|at| (at, self.timeline.get(at)));
        let frame = match held {
            Some((_, Some(frame))) => frame.map(|value| value * gain),
            Some((at, None)) => {
                let end = self.timeline.end();
                if !self.timeline.is_empty() && at >= end && at - end < STOPPED_AFTER {
                    self.missing += 1;
                }
                [0.0; 2]
            }
            None => [0.0; 2],
        };
        self.meter.add(frame);
        frame
    }

    pub(crate) fn levels(&self) -> Levels {
        self.meter.levels()
    }

    pub(crate) fn stats(&self) -> SourceStats {
        let resampling = self.resampling.as_ref();
        let offset = resampling.map_or(0.0, Resampling::error_samples);
        SourceStats {
            drift_ppm: resampling.map_or(0.0, Resampling::drift_ppm),
            offset: Span::from_nanos((offset * 1e9 / f64::from(SAMPLE_RATE_HZ)) as i64),
            buffered: span_from_samples(self.timeline.end().saturating_sub(self.rendered + 1)),
            missing: self.missing,
            gaps: self.gaps,
            repeated: self.repeated,
            resyncs: resampling.map_or(0, Resampling::resyncs),
        }
    }
}

fn capacity_for(delay: u64) -> usize {
    usize::try_from(delay + HELD).unwrap_or(usize::MAX)
}
