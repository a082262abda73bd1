//! The sound encoder, judged by ffmpeg.

use std::sync::Arc;

use crate::support::{clock, ffmpeg};
use encoder::{AacEncoder, AudioEncoderConfig, EncoderOutput, Error};
use units::{AccessUnit, Kbps, MediaTime, Pts, TrackId, span_from_samples};

fn config(kbps: u32) -> AudioEncoderConfig {
    AudioEncoderConfig { track: TrackId(0), bitrate: Kbps(kbps) }
}

/// A frame behind an ADTS header (ISO/IEC 14496-3, 1.A.2.2): AAC-LC, 48 kHz, stereo.
fn adts(frame: &[u8]) -> Vec<u8> {
    let length = frame.len() + 7;
    let mut out = vec![
        0xff,
        0xf1,
        0x4c,
        0x80 | (length >> 11) as u8,
        (length >> 3) as u8,
        ((length << 5) & 0xe0) as u8 | 0x1f,
        0xfc,
    ];
    out.extend_from_slice(frame);
    out
}

/// Samples of the left channel, the first being that at the first unit's presentation time.
fn decode(units: &[Arc<AccessUnit>]) -> Vec<f32> {
    let stream: Vec<u8> = units.iter().flat_map(|unit| adts(&unit.data)).collect();
    let (out, warnings) = ffmpeg(&["-f", "aac", "-i", "pipe:0", "-f", "f32le", "-ac", "2", "pipe:1"], stream);
    assert_eq!(warnings, "");
    out.chunks_exact(8).map(|pair| f32::from_le_bytes(pair[..4].try_into().unwrap())).collect()
}

fn units(receiver: &crossbeam_channel::Receiver<EncoderOutput>) -> Vec<Arc<AccessUnit>> {
    let mut units = Vec::new();
    for event in receiver.try_iter() {
        match event {
            EncoderOutput::Unit(unit) => units.push(unit),
            EncoderOutput::AudioConfig(config) => assert_eq!(config.decoder_config[..2], [0x11, 0x90]),
            other => panic!("{other:?}"),
        }
    }
    units
}

/// A second of silence but for 20 ms of 1 kHz from sample `beep` on.
fn second(beep: usize) -> Vec<f32> {
    let mut samples = vec![0f32; 96_000];
    for at in 0..960 {
        let value = (at as f32 * 1000.0 * std::f32::consts::TAU / 48_000.0).cos() * 0.7;
        samples[(beep + at) * 2] = value;
        samples[(beep + at) * 2 + 1] = value;
    }
    samples
}

fn first_loud(samples: &[f32]) -> usize {
    samples.iter().position(|sample| sample.abs() > 0.35).expect("a beep")
}

#[test]
fn a_beep_is_heard_when_its_presentation_time_says() {
    for (first, chunk) in [(0u64, 480usize), (123_457, 1024), (48_000 * 3600, 1601)] {
        let (encoder, receiver) = AacEncoder::start(config(160), clock()).unwrap();
        let samples = second(20_000);
        for (number, block) in samples.chunks(chunk * 2).enumerate() {
            encoder.push(first + (number * chunk) as u64, block, MediaTime::from_millis(7));
        }
        assert!(encoder.finish());
        let units = units(&receiver);
        assert_eq!(
            units[0].pts,
            Pts::ZERO + span_from_samples(first),
            "the first frame begins with the first sample"
        );
        for (number, unit) in units.iter().enumerate() {
            assert_eq!(unit.index, first + 1024 * number as u64);
            assert_eq!(unit.pts, Pts::ZERO + span_from_samples(unit.index));
            assert!(unit.is_idr && unit.stamps.composed_at.as_millis() == 7);
        }
        let heard = first_loud(&decode(&units));
        // Within a millisecond: 48 samples.
        assert!(heard.abs_diff(20_000) <= 48, "heard at {heard}, blocks of {chunk}");
        let covered = units.len() as u64 * 1024;
        assert!((48_000 - 1024..48_000 + 1024).contains(&covered), "{covered} samples came out of 48000");
    }
}

#[test]
fn gaps_are_silence_and_repeats_are_dropped() {
    let (encoder, receiver) = AacEncoder::start(config(96), clock()).unwrap();
    let samples = second(30_000);
    encoder.push(0, &samples[..20_000], MediaTime::ZERO);
    // 2000 samples missing, then 500 that came before.
    encoder.push(12_000, &samples[24_000..40_000], MediaTime::ZERO);
    encoder.push(19_500, &samples[39_000..], MediaTime::ZERO);
    assert!(encoder.finish());
    let stats = encoder.stats();
    assert_eq!((stats.filled, stats.dropped, stats.restarts), (2000, 500, 0));
    let heard = first_loud(&decode(&units(&receiver)));
    assert!(heard.abs_diff(30_000) <= 48, "heard at {heard}");
}

#[test]
fn a_long_gap_moves_the_presentation_times() {
    let (encoder, receiver) = AacEncoder::start(config(128), clock()).unwrap();
    let samples = second(5_000);
    encoder.push(0, &samples[..20_480], MediaTime::ZERO);
    encoder.push(48_000 * 60, &samples, MediaTime::ZERO);
    assert!(encoder.finish());
    let units = units(&receiver);
    assert_eq!(encoder.stats().filled, 0);
    let after: Vec<_> = units.into_iter().filter(|unit| unit.index >= 48_000 * 60).collect();
    assert_eq!(after[0].index, 48_000 * 60);
    let heard = first_loud(&decode(&after));
    assert!(heard.abs_diff(5_000) <= 48, "heard at {heard}");
}

#[test]
fn bitrates_are_held_and_others_refused() {
    for kbps in [96, 160, 320] {
        let (encoder, receiver) = AacEncoder::start(config(kbps), clock()).unwrap();
        let mut noise = 1u32;
        let mut block = vec![0f32; 96_000];
        for second in 0..5u64 {
            for sample in &mut block {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = (noise >> 16) as f32 / 65_536.0 - 0.5;
            }
            encoder.push(second * 48_000, &block, MediaTime::ZERO);
            // Two seconds may wait; hand in no faster than that.
            while encoder.stats().input > (encoder.stats().output + 40) * 1024 + 48_000 {
                std::thread::yield_now();
            }
        }
        assert!(encoder.finish());
        let bytes: usize = units(&receiver).iter().map(|unit| unit.data.len()).sum();
        let found = bytes as f64 * 8.0 / 5000.0;
        assert!((found / f64::from(kbps) - 1.0).abs() < 0.1, "{found} kbps of {kbps}");
    }
    for kbps in [95, 321] {
        assert!(matches!(AacEncoder::start(config(kbps), clock()), Err(Error::AudioBitrate(_))));
    }
}

#[test]
fn broken_samples_do_not_break_the_sound() {
    let (encoder, receiver) = AacEncoder::start(config(160), clock()).unwrap();
    let mut samples = second(20_000);
    samples[100] = f32::NAN;
    samples[201] = f32::INFINITY;
    samples[302] = -1e30;
    encoder.push(0, &samples, MediaTime::ZERO);
    assert!(encoder.finish());
    let decoded = decode(&units(&receiver));
    assert!(decoded.iter().all(|sample| sample.is_finite()));
    assert!(first_loud(&decoded[2000..]).abs_diff(18_000) <= 48);
}
