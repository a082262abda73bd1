//! The way of samples from a device's callback to the source's thread: a ring without locks, so that the callback
//! never waits and never allocates.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use cpal::traits::DeviceTrait as _;
use cpal::{Data, ErrorKind, FromSample, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};
use units::{Clock, MediaTime, Span};

/// Blocks that fit into the ring: the smallest callbacks in use (64 frames at 48 kHz) for more than a second.
const STAMPS: usize = 1024;
/// Longest believable time from the microphone to the callback; a larger one comes from a broken driver.
const LATENCY: Duration = Duration::from_secs(1);
/// How long a device may take to open.
const OPENING: Duration = Duration::from_secs(5);

/// One callback's worth of sound.
#[derive(Clone, Copy)]
struct Stamp {
    captured_at: MediaTime,
    samples: usize,
}

/// What the device's threads have to tell.
#[derive(Default)]
pub(super) struct Trouble {
    dropped: AtomicU64,
    broken: Mutex<Option<String>>,
}

impl Trouble {
    /// Samples that found no room in the ring so far.
    pub(super) fn dropped_samples(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Why the stream is over, if it is.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn report(&self, problem: &cpal::Error) {
        match problem.kind() {
            // The stream goes on.
            ErrorKind::Xrun | ErrorKind::RealtimeDenied => {
                tracing::debug!(%problem, "a sound device stumbled");
            }
            ErrorKind::DeviceChanged => {
                self.fail("the system moved it to another device".to_owned());
            }
            _ => self.fail(problem.to_string()),
        }
    }

    fn fail(&self, why: String) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
}

/// The callback's end of the ring.
pub(super) struct Intake {
    samples: Producer<f32>,
    stamps: Producer<Stamp>,
    clock: Arc<dyn Clock>,
    reader: Thread,
    trouble: Arc<Trouble>,
}

/// The source's end of the ring.
pub(super) struct Outtake {
    samples: Consumer<f32>,
    stamps: Consumer<Stamp>,
}

/// A ring for one second of sound; the calling thread, which reads it, is woken for what is written.
pub(super) fn ring(
    rate_hz: u32,
    channels: u16,
    clock: Arc<dyn Clock>,
    trouble: Arc<Trouble>,
) -> (Intake, Outtake) {
    let room = usize::try_from(rate_hz).unwrap_or(48_000) * usize::from(channels.max(1));
    let (samples_in, samples_out) = RingBuffer::new(room);
    let (stamps_in, stamps_out) = RingBuffer::new(STAMPS);
    (
        Intake { samples: samples_in, stamps: stamps_in, clock, reader: std::thread::current(), trouble },
        Outtake { samples: samples_out, stamps: stamps_out },
    )
}

impl Outtake {
    /// The oldest block in the ring: when its first sample was heard, and its samples.
    pub(super) fn next(&mut self) -> Option<(MediaTime, Vec<f32>)> {
        let stamp = self.stamps.pop().ok()?;
        // The samples are written before their stamp, so they are all there.
        let chunk = self.samples.read_chunk(stamp.samples).ok()?;
        let (first, second) = chunk.as_slices();
        let samples = [first, second].concat();
        chunk.commit_all();
        Some((stamp.captured_at, samples))
    }
}

impl Intake {
    /// Opens the device; the stream does not play yet.
    pub(super) fn listen_to(
        mut self,
        device: &cpal::Device,
        config: StreamConfig,
        format: SampleFormat,
    ) -> Result<cpal::Stream, cpal::Error> {
        let trouble = Arc::clone(&self.trouble);
        let reader = self.reader.clone();
        device.build_input_stream_raw(
            config,
            format,
            move |data, info| self.take(data, info),
            move |problem| {
                trouble.report(&problem);
                reader.unpark();
            },
            Some(OPENING),
        )
    }

    /// Called by the device for each piece of sound.
    fn take(&mut self, data: &Data, info: &InputCallbackInfo) {
        let stamp = info.timestamp();
        let age = stamp.callback.saturating_duration_since(stamp.capture);
        let age = if age > LATENCY { Duration::ZERO } else { age };
        let captured_at = self.clock.now() - Span::from_duration(age);
        match data.sample_format() {
            SampleFormat::F32 => self.put(data.as_slice::<f32>(), captured_at),
            SampleFormat::F64 => self.put(data.as_slice::<f64>(), captured_at),
            SampleFormat::I8 => self.put(data.as_slice::<i8>(), captured_at),
            SampleFormat::I16 => self.put(data.as_slice::<i16>(), captured_at),
            SampleFormat::I24 => self.put(data.as_slice::<cpal::I24>(), captured_at),
            SampleFormat::I32 => self.put(data.as_slice::<i32>(), captured_at),
            SampleFormat::U8 => self.put(data.as_slice::<u8>(), captured_at),
            SampleFormat::U16 => self.put(data.as_slice::<u16>(), captured_at),
            SampleFormat::U32 => self.put(data.as_slice::<u32>(), captured_at),
            // A catalogue entry with such a format is refused before the stream is made.
            _ => self.put::<f32>(None, captured_at),
        }
        self.reader.unpark();
    }

    /// Takes samples that have just arrived, as bytes of native floats.
    #[cfg(target_os = "linux")]
    pub(super) fn take_floats(&mut self, bytes: &[u8], age: Duration) {
        let captured_at = self.clock.now() - Span::from_duration(age);
        let count = bytes.len() / 4;
        let samples = bytes.chunks_exact(4).filter_map(|b| b.try_into().ok()).map(f32::from_ne_bytes);
        self.put_each(count, samples, captured_at);
        self.reader.unpark();
    }

    fn put<T>(&mut self, samples: Option<&[T]>, captured_at: MediaTime)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let Some(samples) = samples.filter(|samples| !samples.is_empty()) else { return };
        let converted = samples.iter().map(|sample| f32::from_sample_(*sample));
        self.put_each(samples.len(), converted, captured_at);
    }

    fn put_each(&mut self, count: usize, samples: impl Iterator<Item = f32>, captured_at: MediaTime) {
        let chunk = if self.stamps.is_full() { None } else { self.samples.write_chunk_uninit(count).ok() };
        let Some(chunk) = chunk else {
            self.trouble.dropped.fetch_add(count as u64, Ordering::Relaxed);
            return;
        };
        let written = chunk.fill_from_iter(samples);
        // Cannot fail: there was room, and only this thread fills it.
        let _ = self.stamps.push(Stamp { captured_at, samples: written });
    }
}

/// Whether [`Intake`] can convert a format.
pub(super) fn is_convertible(format: SampleFormat) -> bool {
    matches!(
        format,
        SampleFormat::F32
            | SampleFormat::F64
            | SampleFormat::I8
            | SampleFormat::I16
            | SampleFormat::I24
            | SampleFormat::I32
            | SampleFormat::U8
            | SampleFormat::U16
            | SampleFormat::U32
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> MediaTime {
            MediaTime::from_millis(5)
        }
    }

    #[test]
    fn what_goes_in_comes_out_and_what_does_not_fit_is_counted() {
        let trouble = Arc::new(Trouble::default());
        let (mut intake, mut outtake) = ring(10, 2, Arc::new(Standing), Arc::clone(&trouble));
        for round in 0..30i64 {
            let at = MediaTime::from_millis(round);
            intake.put(Some(&[i16::MIN, 0, 16_384, i16::MAX][..]), at);
            intake.put(Some(&[0.5f32, -0.5][..]), at);
            let (stamp, samples) = outtake.next().unwrap();
            assert_eq!(stamp, at);
            assert_eq!(samples[..3], [-1.0, 0.0, 0.5]);
            assert!((samples[3] - 1.0).abs() < 1e-3);
            assert_eq!(outtake.next().unwrap().1, [0.5, -0.5]);
            assert!(outtake.next().is_none());
        }
        intake.put(Some(&[0u8; 15][..]), MediaTime::ZERO);
        intake.put(Some(&[128u8; 6][..]), MediaTime::ZERO);
        assert_eq!(trouble.dropped_samples(), 6);
        assert_eq!(outtake.next().unwrap().1, [-1.0; 15]);
        assert!(outtake.next().is_none());
    }

    #[test]
    fn stumbling_is_not_breaking() {
        let trouble = Trouble::default();
        trouble.report(&cpal::Error::new(ErrorKind::Xrun));
        assert_eq!(trouble.broken(), None);
        trouble.report(&cpal::Error::new(ErrorKind::DeviceChanged));
        trouble.report(&cpal::Error::new(ErrorKind::DeviceNotAvailable));
        assert_eq!(trouble.broken().as_deref(), Some("the system moved it to another device"));
    }
}
