//! The mixer as its owner sees it: blocks in, media time turned by hand, mix out.

use proptest::prelude::*;
use units::{MediaTime, SAMPLE_RATE_HZ, span_from_samples};

use super::*;

const RATE: u64 = SAMPLE_RATE_HZ as u64;

fn at_sample(sample: u64) -> MediaTime {
    MediaTime::ZERO + span_from_samples(sample)
}

fn block(rate_hz: u32, channels: u16, captured_at: MediaTime, samples: Vec<f32>) -> AudioBlock {
    AudioBlock { rate_hz, channels, samples, captured_at }
}

fn stereo(at: u64, samples: &[f32]) -> AudioBlock {
    let interleaved = samples.iter().flat_map(|sample| [*sample; 2]).collect();
    block(48_000, 2, at_sample(at), interleaved)
}

/// The left channel of `frames` frames from `first` on.
fn left(mixer: &mut Mixer<u8>, first: u64, frames: usize) -> Vec<f32> {
    let mut out = vec![0f32; frames * 2];
    mixer.render(first, &mut out).unwrap();
    out.chunks_exact(2).map(|frame| frame[0]).collect()
}

fn one(clocking: Clocking, mix: SourceMix) -> Mixer<u8> {
    let mut mixer = Mixer::new();
    mixer.add_source(1, clocking, mix).unwrap();
    mixer
}

#[test]
fn sound_on_the_media_clock_stays_on_its_very_sample() {
    let mut mixer = one(Clocking::Media, SourceMix::default());
    let start = RATE * 3600 + 17;
    let mut sound = vec![0f32; 9600];
    sound[5000] = 0.5;
    for (number, part) in sound.chunks(441).enumerate() {
        mixer.push(1, &stereo(start + number as u64 * 441, part)).unwrap();
    }
    let mut out = Vec::new();
    for part in 0..18u64 {
        out.extend(left(&mut mixer, start + part * 480, 480));
    }
    assert_eq!(out, sound[..out.len()]);
    let stats = mixer.source_stats(1).unwrap();
    assert_eq!((stats.missing, stats.gaps, stats.repeated, stats.resyncs), (0, 0, 0, 0));
}

#[test]
fn what_is_late_is_silence_and_counted() {
    let mut mixer = one(Clocking::Media, SourceMix::default());
    mixer.push(1, &stereo(0, &[0.5; 1000])).unwrap();
    let out = left(&mut mixer, 0, 1200);
    assert_eq!((out[999], out[1000]), (0.5, 0.0));
    // 200 samples and the limiter's look-ahead.
    assert_eq!(mixer.source_stats(1).unwrap().missing, 440);
    mixer.push(1, &stereo(1000, &[0.25; 2000])).unwrap();
    let out = left(&mut mixer, 1200, 480);
    assert_eq!((out[239], out[240]), (0.0, 0.25));
}

#[test]
fn a_delay_is_exact_and_changes_without_a_click() {
    let mut mixer = one(Clocking::Media, SourceMix { delay_ms: 2000, ..SourceMix::default() });
    let mut sound = vec![0f32; 4800];
    sound[1234] = 0.5;
    mixer.push(1, &stereo(0, &sound)).unwrap();
    let out = left(&mut mixer, 0, 100_000);
    let found: Vec<_> =
        out.iter().enumerate().filter(|(_, sample)| **sample != 0.0).map(|(at, _)| at).collect();
    assert_eq!(found, [96_000 + 1234]);

    let mut mixer = one(Clocking::Media, SourceMix::default());
    mixer.push(1, &stereo(0, &[0.5; 48_000])).unwrap();
    let mut out = left(&mut mixer, 0, 4800);
    mixer.set_mix(1, SourceMix { delay_ms: 50, ..SourceMix::default() }).unwrap();
    out.extend(left(&mut mixer, 4800, 4800));
    assert!(out.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.002));
    assert!(out.iter().skip(4800).any(|sample| *sample == 0.0), "it goes through silence");
    assert_eq!(out.last(), Some(&0.5));
}

#[test]
fn gains_multiply_and_glide() {
    let mut mixer = one(Clocking::Media, SourceMix { gain: 0.5, ..SourceMix::default() });
    mixer.push(1, &stereo(0, &[0.8; 48_000])).unwrap();
    let mut out = left(&mut mixer, 0, 1000);
    assert_eq!(out[0], 0.4);
    mixer.set_scene_gain(1, 0.5).unwrap();
    out.extend(left(&mut mixer, 1000, 2000));
    assert!((out[2999] - 0.2).abs() < 1e-6);
    mixer.set_mix(1, SourceMix { gain: 2.0, muted: true, delay_ms: 0 }).unwrap();
    out.extend(left(&mut mixer, 3000, 2000));
    assert_eq!(out[4999], 0.0);
    let steepest = out.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0f32, f32::max);
    assert!(steepest < 0.4 / 480.0 * 1.1, "{steepest}");
    let glide = out.iter().filter(|sample| **sample > 0.2001 && **sample < 0.3999).count();
    assert!((470..=480).contains(&glide), "{glide} samples are 10 ms");
}

#[test]
fn sources_are_summed_and_the_sum_is_limited() {
    let mut mixer = Mixer::new();
    for key in 1..=4u8 {
        mixer.add_source(key, Clocking::Media, SourceMix::default()).unwrap();
        mixer.push(key, &stereo(0, &[0.1; 4800])).unwrap();
    }
    assert!((left(&mut mixer, 0, 100)[50] - 0.4).abs() < 1e-6);
    for key in 1..=4u8 {
        mixer.set_mix(key, SourceMix { gain: 20.0, ..SourceMix::default() }).unwrap();
    }
    let out = left(&mut mixer, 100, 4000);
    assert!(out.iter().all(|sample| *sample <= CEILING));
    assert!((out[3999] - CEILING).abs() < 1e-3);
    let meters = mixer.meters();
    assert_eq!(meters.sources.len(), 4);
    assert!((meters.limiter_reduction_db - 19.1).abs() < 0.2, "{}", meters.limiter_reduction_db);
    assert!((meters.master.peak_db[0] + 1.0).abs() < 0.1);
    assert!((meters.sources[0].1.peak_db[0] - 6.02).abs() < 0.1);
}

#[test]
fn broken_samples_are_silence() {
    let mut mixer = one(Clocking::Media, SourceMix::default());
    mixer.push(1, &stereo(0, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, 0.5])).unwrap();
    assert_eq!(left(&mut mixer, 0, 5), [0.0, 0.0, 0.0, 0.0, 0.5]);
    let mut mixer = one(Clocking::Device, SourceMix::default());
    for number in 0..20u64 {
        mixer.push(1, &stereo(number * 480, &[f32::NAN; 480])).unwrap();
    }
    assert!(left(&mut mixer, 0, 9000).iter().all(|sample| *sample == 0.0));
}

/// A device whose clock is off by `ppm`, whose blocks of `block_frames` carry time stamps that jitter by up to
/// `jitter_ms`, and that hears a 1 kHz sine of media time.
struct Device {
    rate_hz: u32,
    channels: u16,
    ppm: f64,
    block_frames: u64,
    jitter_ms: f64,
    sent: u64,
    noise: u32,
}

impl Device {
    fn seconds_at(&self, frame: u64) -> f64 {
        // It began a quarter of a second after the media clock.
        0.25 + frame as f64 / (f64::from(self.rate_hz) * (1.0 + self.ppm * 1e-6))
    }

    fn next(&mut self, signal: impl Fn(f64) -> f32) -> AudioBlock {
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let jitter = f64::from(self.noise >> 8) / f64::from(1u32 << 24) * self.jitter_ms / 1000.0;
        let mut samples = Vec::new();
        for frame in self.sent..self.sent + self.block_frames {
            let value = signal(self.seconds_at(frame));
            samples.extend(std::iter::repeat_n(value, usize::from(self.channels)));
        }
        let stamp = self.seconds_at(self.sent) + jitter - self.jitter_ms / 2000.0;
        self.sent += self.block_frames;
        block(self.rate_hz, self.channels, MediaTime::from_nanos((stamp * 1e9) as i64), samples)
    }

    /// When the next block will have been delivered.
    fn delivered_at(&self) -> f64 {
        self.seconds_at(self.sent + self.block_frames)
    }
}

/// By how many milliseconds the rendered sine is behind the one of media time, from its phase; sound within 5 ms of
/// where it belongs is told apart at 100 Hz.
fn lag_ms(out: &[f32], first: u64) -> f64 {
    let (mut sine, mut cosine) = (0f64, 0f64);
    for (offset, sample) in out.iter().enumerate() {
        let phase = (first + offset as u64) as f64 * 100.0 * std::f64::consts::TAU / RATE as f64;
        sine += f64::from(*sample) * phase.sin();
        cosine += f64::from(*sample) * phase.cos();
    }
    -cosine.atan2(sine) / std::f64::consts::TAU * 10.0
}

fn ten_minutes(mut device: Device) {
    let mut mixer = one(Clocking::Device, SourceMix::default());
    let (ppm, lag_samples) = (device.ppm, RATE * 60 / 1000);
    let signal = |seconds: f64| ((seconds * 100.0 * std::f64::consts::TAU).sin() * 0.5) as f32;
    let mut worst = 0f64;
    let mut quietest = f32::MAX;
    for tick in 0..60_000u64 {
        let now = (tick + 1) as f64 * 0.01;
        while device.delivered_at() <= now {
            let next = device.next(signal);
            mixer.push(1, &next).unwrap();
        }
        let Some(first) = ((tick + 1) * 480).checked_sub(lag_samples + 480) else { continue };
        let out = left(&mut mixer, first, 480);
        if tick > 500 {
            worst = worst.max(lag_ms(&out, first).abs());
            quietest = quietest.min(out.iter().fold(0f32, |most, sample| most.max(sample.abs())));
        }
    }
    let stats = mixer.source_stats(1).unwrap();
    assert!(worst < 3.0, "{worst} ms off, {stats:?}");
    assert!(quietest > 0.45, "a period of {quietest}, {stats:?}");
    assert_eq!((stats.gaps, stats.resyncs, stats.missing), (0, 0, 0), "{stats:?}");
    assert!((stats.drift_ppm - ppm).abs() < 40.0, "{stats:?} of {ppm}");
}

#[test]
fn ten_minutes_of_a_fast_device() {
    ten_minutes(Device {
        rate_hz: 48_000,
        channels: 2,
        ppm: 200.0,
        block_frames: 480,
        jitter_ms: 6.0,
        sent: 0,
        noise: 1,
    });
}

#[test]
fn ten_minutes_of_a_slow_mono_device_at_another_rate() {
    ten_minutes(Device {
        rate_hz: 44_100,
        channels: 1,
        ppm: -200.0,
        block_frames: 512,
        jitter_ms: 6.0,
        sent: 0,
        noise: 2,
    });
}

#[test]
fn a_device_that_paused_comes_back_in_time() {
    let mut device = Device {
        rate_hz: 48_000,
        channels: 2,
        ppm: 0.0,
        block_frames: 480,
        jitter_ms: 0.0,
        sent: 0,
        noise: 3,
    };
    let mut mixer = one(Clocking::Device, SourceMix::default());
    let signal = |seconds: f64| ((seconds * 100.0 * std::f64::consts::TAU).sin() * 0.5) as f32;
    for _ in 0..300 {
        let next = device.next(signal);
        mixer.push(1, &next).unwrap();
    }
    device.sent += 48_000 * 3;
    for _ in 0..300 {
        let next = device.next(signal);
        mixer.push(1, &next).unwrap();
    }
    let first = RATE * 8;
    let out = left(&mut mixer, first, 480);
    assert!(lag_ms(&out, first).abs() < 0.1);
    assert_eq!(mixer.source_stats(1).unwrap().resyncs, 1);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut mixer = one(Clocking::Media, SourceMix::default());
    let mix = SourceMix::default();
    assert_eq!(mixer.add_source(1, Clocking::Media, mix), Err(Error::Source));
    assert_eq!(mixer.set_mix(2, mix), Err(Error::Source));
    assert_eq!(mixer.set_mix(1, SourceMix { delay_ms: 2001, ..mix }), Err(Error::Delay { ms: 2001 }));
    for gain in [-1.0, 33.0, f32::NAN, f32::INFINITY] {
        assert!(mixer.set_mix(1, SourceMix { gain, ..mix }).is_err());
        assert!(mixer.set_scene_gain(1, gain).is_err());
    }
    for (rate_hz, channels) in [(0, 2), (48_000, 0), (1_000_000, 2)] {
        assert!(mixer.push(1, &block(rate_hz, channels, MediaTime::ZERO, vec![0.0; 4])).is_err());
    }
    assert!(mixer.render(0, &mut [0.0; 3]).is_err());
    assert!(mixer.remove_source(1));
    assert!(!mixer.remove_source(1));
    assert_eq!(left(&mut mixer, 0, 2), [0.0, 0.0]);
}

proptest! {
    #[test]
    fn the_mix_never_exceeds_the_ceiling(
        samples in proptest::collection::vec(prop_oneof![-1.0f32..1.0, -20.0f32..20.0, Just(f32::NAN)], 1..2000),
        gain in 0.0f32..32.0,
    ) {
        let mut mixer = Mixer::new();
        for key in 0..3u8 {
            mixer.add_source(key, Clocking::Media, SourceMix { gain, ..SourceMix::default() }).unwrap();
            mixer.push(key, &stereo(0, &samples)).unwrap();
        }
        let out = left(&mut mixer, 0, samples.len() + 500);
        prop_assert!(out.iter().all(|sample| sample.abs() <= CEILING));
    }

    #[test]
    fn any_blocks_are_survived(
        blocks in proptest::collection::vec(
            (any::<i64>(), 0u32..400_000, 0u16..10, proptest::collection::vec(any::<f32>(), 0..300)), 0..20
        ),
        clocking in prop_oneof![Just(Clocking::Media), Just(Clocking::Device)],
    ) {
        let mut mixer = one(clocking, SourceMix::default());
        for (nanos, rate_hz, channels, samples) in blocks {
            let _ = mixer.push(1, &block(rate_hz, channels, MediaTime::from_nanos(nanos), samples));
            let out = left(&mut mixer, 0, 64);
            prop_assert!(out.iter().all(|sample| sample.abs() <= CEILING));
        }
    }
}
