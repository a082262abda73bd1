//! The AAC encoders we know, and trying them: a click is encoded and decoded, which shows that the encoder works and
//! how far its output is behind its input.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use gstreamer as gst;
use units::{Kbps, SAMPLE_RATE_HZ, span_from_samples};

use crate::Error;
use crate::pipeline::{self, Collector, Pipeline, Plan};
use crate::property::{Assignment, Value};
use crate::worker::lock;

/// An AAC encoder element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Backend {
    /// Name of the element.
    pub(super) element: &'static str,
    /// Bitrates it takes, in kbps; empty for any.
    bitrates: &'static [u32],
}

/// In the order they are tried: FFmpeg's, then Windows' own, then VisualOn's.
const BACKENDS: [Backend; 3] = [
    Backend { element: "avenc_aac", bitrates: &[] },
    // Media Foundation's AAC encoder takes these alone (Microsoft, "AAC Encoder": 12000, 16000, 20000, 24000 bytes/s).
    Backend { element: "mfaacenc", bitrates: &[96, 128, 160, 192] },
    Backend { element: "voaacenc", bitrates: &[] },
];

/// The decoder the click is heard with. It gives every sample of every frame, including the first.
const DECODER: &str = "avdec_aac";
/// Where the click is, in samples.
const CLICK_AT: usize = 9000;
/// Samples that are encoded.
const LENGTH: usize = 24_000;
/// No working encoder takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// What trying an encoder showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// Samples by which what is decoded lies behind what was encoded.
    pub(super) priming: u64,
    /// `AudioSpecificConfig`.
    pub(super) specific_config: Vec<u8>,
}

impl Backend {
    /// The settings in the element's own words: all three count bits per second.
    pub(super) fn assignments(self, bitrate: Kbps) -> Vec<Assignment> {
        let bits = Value::Number(i64::from(bitrate.0) * 1000);
        vec![Assignment::must("bitrate", &["bitrate"], bits)]
    }

    /// The bitrate it takes that is nearest below `wanted`, or its lowest.
    fn nearest(self, wanted: Kbps) -> Kbps {
        let below = self.bitrates.iter().rev().find(|kbps| **kbps <= wanted.0);
        below.or(self.bitrates.first()).map_or(wanted, |kbps| Kbps(*kbps))
    }
}

/// Interleaved stereo floats at 48 kHz.
pub(super) fn input_caps() -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("layout", "interleaved")
        .field("rate", rate())
        .field("channels", 2i32)
        .field("channel-mask", gst::Bitmask::new(3))
        .build()
}

/// AAC frames without headers.
pub(super) fn output_caps() -> gst::Caps {
    gst::Caps::builder("audio/mpeg").field("mpegversion", 4i32).field("stream-format", "raw").build()
}

fn rate() -> i32 {
    i32::try_from(SAMPLE_RATE_HZ).unwrap_or(48_000)
}

/// The first encoder that works at `bitrate`, what was measured, and why this one.
pub(super) fn choose(bitrate: Kbps) -> Result<(Backend, Measured, String), Error> {
    pipeline::init()?;
    let mut reasons: Vec<String> = Vec::new();
    for backend in BACKENDS {
        if backend.nearest(bitrate) != bitrate {
            reasons.push(format!("{} does not make {bitrate}", backend.element));
            continue;
        }
        match measure(backend, bitrate) {
            Ok(measured) => {
                let mut reason = format!("{} passed its self-test", backend.element);
                for passed_over in &reasons {
                    reason.push_str("; not used: ");
                    reason.push_str(passed_over);
                }
                return Ok((backend, measured, reason));
            }
            Err(why) => reasons.push(format!("{}: {why}", backend.element)),
        }
    }
    Err(Error::NoAudioBackend { reasons })
}

/// Encodes and decodes a click, once per process for each encoder and bitrate.
fn measure(backend: Backend, bitrate: Kbps) -> Result<Measured, String> {
    static CACHE: OnceLock<Mutex<HashMap<(Backend, Kbps), Measured>>> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    if let Some(known) = lock(cache).get(&(backend, bitrate)) {
        return Ok(known.clone());
    }
    let measured = measure_now(backend, bitrate)?;
    lock(cache).insert((backend, bitrate), measured.clone());
    Ok(measured)
}

fn measure_now(backend: Backend, bitrate: Kbps) -> Result<Measured, String> {
    let mut samples = vec![0f32; LENGTH * 2];
    if let Some(click) = samples.get_mut(CLICK_AT * 2..CLICK_AT * 2 + 2) {
        click.fill(0.9);
    }
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let encoded = Arc::new(Collector::default());
    let assignments = backend.assignments(bitrate);
    let plan = Plan {
        encoder: backend.element,
        converter: "audioconvert",
        input: input_caps(),
        output: output_caps(),
        assignments: &assignments,
        not_honoured: Vec::new(),
        fail_after: None,
    };
    let (pipeline, _) = Pipeline::open(plan, encoded.clone()).map_err(|error| error.to_string())?;
    pipeline.push(stamped(bytes, 0));
    pipeline.end();
    let frames = encoded.wait(LIMIT)?;
    let specific_config =
        specific_config(frames.caps.as_deref()).ok_or("it gave no decoder configuration")?;

    let input = gst::Caps::builder("audio/mpeg")
        .field("mpegversion", 4i32)
        .field("stream-format", "raw")
        .field("framed", true)
        .field("rate", rate())
        .field("channels", 2i32)
        .field("codec_data", gst::Buffer::from_slice(specific_config.clone()))
        .build();
    let heard = Arc::new(Collector::default());
    let pipeline = Pipeline::open_chain(&[DECODER, "audioconvert"], &input, &input_caps(), heard.clone())
        .map_err(|error| format!("it could not be checked: {error}"))?;
    for (number, frame) in frames.buffers.into_iter().enumerate() {
        pipeline.push(stamped(frame, number as u64 * 1024));
    }
    pipeline.end();
    let decoded = heard.wait(LIMIT)?.buffers.concat();
    let left = decoded.chunks_exact(8).map(|frame| match frame.first_chunk() {
        Some(bytes) => f32::from_le_bytes(*bytes).abs(),
        None => 0.0,
    });
    let (at, peak) =
        left.enumerate().fold((0, 0f32), |best, (at, level)| if level > best.1 { (at, level) } else { best });
    if peak < 0.2 {
        return Err(format!("a click of 0.9 came back as {peak:.2}"));
    }
    let priming = at.checked_sub(CLICK_AT).and_then(|late| u64::try_from(late).ok());
    // The longest we know of is 2112 samples.
    let priming =
        priming.filter(|late| *late <= 8192).ok_or("the click did not come back where it belongs")?;
    Ok(Measured { priming, specific_config })
}

fn stamped(bytes: Vec<u8>, sample: u64) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    if let Some(writable) = buffer.get_mut() {
        let nanos = u64::try_from(span_from_samples(sample).as_nanos()).unwrap_or(0);
        writable.set_pts(gst::ClockTime::from_nseconds(nanos));
    }
    buffer
}

fn specific_config(caps: Option<&gst::CapsRef>) -> Option<Vec<u8>> {
    let data = caps?.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    let map = data.map_readable().ok()?;
    Some(map.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_installed_encoder_is_measured() {
        pipeline::init().unwrap();
        for (element, expected) in [("avenc_aac", 1024), ("voaacenc", 1600)] {
            let backend = BACKENDS.into_iter().find(|backend| backend.element == element).unwrap();
            let measured = measure(backend, Kbps(160)).unwrap();
            assert_eq!(measured.priming, expected, "{element}");
            // AAC-LC (2), 48 kHz (index 3), two channels (ISO/IEC 14496-3, 1.6.2.1).
            assert_eq!(measured.specific_config[..2], [0x11, 0x90], "{element}");
        }
    }

    #[test]
    fn a_missing_encoder_is_an_error() {
        pipeline::init().unwrap();
        let missing = Backend { element: "frobaacenc", bitrates: &[] };
        assert!(measure(missing, Kbps(160)).unwrap_err().contains("not installed"));
    }

    #[test]
    fn media_foundation_is_passed_over_for_bitrates_it_does_not_make() {
        let windows = BACKENDS[1];
        assert_eq!(windows.nearest(Kbps(160)), Kbps(160));
        assert_eq!(windows.nearest(Kbps(320)), Kbps(192));
        assert_eq!(windows.nearest(Kbps(90)), Kbps(96));
    }
}
