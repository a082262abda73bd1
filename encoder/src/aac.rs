//! The sound encoder: 48 kHz stereo in, AAC-LC frames of 1024 samples with exact presentation times out.
//!
//! An AAC encoder is behind its input by its *priming*: what a decoder makes of frame k are the samples from
//! k x 1024 - priming on. (1024 samples for `avenc_aac`; others differ.) It is measured when an encoder is first used,
//! by encoding and decoding a click, and taken off every presentation time, so that a beep that went in as sample s is
//! heard at the presentation time of sample s. Frames that lie wholly or partly before the first sample are not given
//! out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use gstreamer as gst;
use units::{
    AccessUnit, AudioCodec, AudioConfig, Clock, Dts, EncodeStamps, Kbps, MediaTime, Pts, SAMPLE_RATE_HZ,
    Track, TrackId, span_from_samples,
};

use crate::Error;
use crate::output::EncoderOutput;
use crate::pipeline::{Pipeline, Plan, Sink};
use crate::property::Applied;
use crate::worker::lock;

mod backend;

use backend::{Backend, Measured};

/// Samples per channel in one AAC-LC frame (ISO/IEC 14496-3, 4.5.1.1).
const FRAME: u64 = 1024;
/// Channels.
const CHANNELS: usize = 2;
/// Bytes of one sample of all channels.
const SAMPLE_BYTES: usize = CHANNELS * size_of::<f32>();
/// Sound that may wait before the encoder: two seconds.
const QUEUE_BYTES: u64 = 2 * SAMPLE_RATE_HZ as u64 * SAMPLE_BYTES as u64;
/// Gaps up to one second are filled with silence; longer ones move the presentation times.
const FILLABLE_GAP: u64 = SAMPLE_RATE_HZ as u64;
/// Frames and events that may wait to be taken out of the receiver: about eleven seconds.
const OUTPUT_BOUND: usize = 512;
/// How often the encoder is started again before it is given up.
const MAX_RESTARTS: u32 = 3;
/// How long [`AacEncoder::finish`] waits.
const DRAIN: Duration = Duration::from_secs(5);

/// What is asked of the sound encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioEncoderConfig {
    /// The mix.
    pub track: TrackId,
    /// Bitrate, 96 to 320 kbps (IVS user guide, "Audio Settings").
    pub bitrate: Kbps,
}

/// Counters of the sound encoder since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioStats {
    /// Samples per channel that were handed in.
    pub input: u64,
    /// Samples per channel that were thrown away: the encoder did not keep up, or they came twice.
    pub dropped: u64,
    /// Samples of silence that were put in where some were missing.
    pub filled: u64,
    /// Encoded frames.
    pub output: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames that were thrown away because nobody took them out of the receiver.
    pub unclaimed: u64,
    /// Times the encoder was started again.
    pub restarts: u64,
}

#[derive(Default)]
struct Counters {
    input: AtomicU64,
    dropped: AtomicU64,
    filled: AtomicU64,
    output: AtomicU64,
    bytes: AtomicU64,
    unclaimed: AtomicU64,
    restarts: AtomicU64,
}

/// An AAC-LC encoder for one mix.
pub struct AacEncoder {
    shared: Arc<Shared>,
    backend: Backend,
    applied: Applied,
    reason: String,
    stage: Mutex<Stage>,
}

/// What the encoder's thread and ours share.
struct Shared {
    config: Arc<AudioConfig>,
    priming: u64,
    clock: Arc<dyn Clock>,
    events: Sender<EncoderOutput>,
    counters: Counters,
    /// For tests: the n-th run breaks after so many blocks.
    fail_after: Mutex<VecDeque<i32>>,
}

struct Stage {
    run: Option<(Arc<Run>, Pipeline)>,
    restarts_left: u32,
    finished: bool,
}

/// One run of the encoder.
struct Run {
    shared: Arc<Shared>,
    state: Mutex<RunState>,
    changed: Condvar,
}

#[derive(Default)]
struct RunState {
    /// From which sample of the encoder's input on which sample of the media it is.
    anchors: VecDeque<(u64, u64)>,
    /// Up to which sample of the encoder's input which stamps hold.
    stamps: VecDeque<(u64, MediaTime, MediaTime)>,
    /// Samples of the encoder's input so far.
    fed: u64,
    /// The media sample that should come next.
    expected: Option<u64>,
    /// Frames that came out so far.
    frames: u64,
    dead: bool,
    ended: bool,
}

impl AacEncoder {
    /// Chooses the first AAC encoder that gives a click back where it was put, and starts it. The receiver's first
    /// event is the track's [`EncoderOutput::AudioConfig`].
    ///
    /// # Errors
    /// [`Error::AudioBitrate`], or [`Error::NoAudioBackend`] with what each encoder did.
    pub fn start(
        config: AudioEncoderConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Receiver<EncoderOutput>), Error> {
        Self::start_failing(config, clock, VecDeque::new())
    }

    /// As [`start`](Self::start), with an encoder that breaks after as many blocks as `fail_after` says for each run.
    fn start_failing(
        config: AudioEncoderConfig,
        clock: Arc<dyn Clock>,
        fail_after: VecDeque<i32>,
    ) -> Result<(Self, Receiver<EncoderOutput>), Error> {
        if !(96..=320).contains(&config.bitrate.0) {
            return Err(Error::AudioBitrate(config.bitrate));
        }
        let (backend, Measured { priming, specific_config }, reason) = backend::choose(config.bitrate)?;
        let (events, receiver) = crossbeam_channel::bounded(OUTPUT_BOUND);
        let shared = Arc::new(Shared {
            config: Arc::new(AudioConfig {
                track: config.track,
                codec: AudioCodec::AacLc,
                sample_rate_hz: SAMPLE_RATE_HZ,
                channels: 2,
                bitrate: config.bitrate,
                decoder_config: Arc::from(specific_config),
            }),
            priming,
            clock,
            events,
            counters: Counters::default(),
            fail_after: Mutex::new(fail_after),
        });
        let (run, pipeline, applied) = Run::open(&shared, backend)?;
        shared.send(EncoderOutput::AudioConfig(shared.config.clone()));
        tracing::info!(element = backend.element, priming, %reason, "sound encoder started");
        let stage = Stage { run: Some((run, pipeline)), restarts_left: MAX_RESTARTS, finished: false };
        Ok((Self { shared, backend, applied, reason, stage: Mutex::new(stage) }, receiver))
    }

    /// What decoders must know.
    pub fn config(&self) -> Arc<AudioConfig> {
        self.shared.config.clone()
    }

    /// Name of the encoder element.
    pub fn element(&self) -> &'static str {
        self.backend.element
    }

    /// Why this encoder, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What became of the settings.
    pub fn applied(&self) -> &Applied {
        &self.applied
    }

    /// Samples by which the encoder is behind its input, already taken off all presentation times.
    pub fn priming(&self) -> u64 {
        self.shared.priming
    }

    /// Hands in interleaved stereo samples, full scale ±1.0, of which the first is sample `first_sample` of the media
    /// clock. Missing samples become silence; samples that came before are thrown away. Never waits for the encoder.
    /// `composed_at` is when the mixer finished the block.
    pub fn push(&self, first_sample: u64, samples: &[f32], composed_at: MediaTime) {
        let mut stage = lock(&self.stage);
        if stage.finished {
            return;
        }
        self.restart_if_dead(&mut stage);
        let count = (samples.len() / CHANNELS) as u64;
        let counters = &self.shared.counters;
        add(&counters.input, count);
        let Some((run, pipeline)) = &stage.run else { return add(&counters.dropped, count) };
        if pipeline.waiting_bytes() > QUEUE_BYTES {
            return add(&counters.dropped, count);
        }
        let mut state = lock(&run.state);
        let expected = *state.expected.get_or_insert(first_sample);
        if state.fed == 0 {
            // Brings the frames onto the first sample where the priming is not a whole number of frames.
            let lead = (FRAME - self.shared.priming % FRAME) % FRAME;
            state.anchors.push_back((lead, first_sample));
            feed_silence(&mut state, pipeline, lead);
        }
        let repeated = expected.saturating_sub(first_sample).min(count);
        let missing = first_sample.saturating_sub(expected);
        add(&counters.dropped, repeated);
        if missing > FILLABLE_GAP {
            let at = state.fed;
            state.anchors.push_back((at, first_sample));
        } else if missing > 0 {
            add(&counters.filled, missing);
            feed_silence(&mut state, pipeline, missing);
        }
        let skip = usize::try_from(repeated).unwrap_or(usize::MAX).saturating_mul(CHANNELS);
        let fresh = samples.get(skip..usize::try_from(count).unwrap_or(0) * CHANNELS).unwrap_or(&[]);
        if fresh.is_empty() {
            return;
        }
        let bytes: Vec<u8> = fresh.iter().flat_map(|sample| finite(*sample).to_le_bytes()).collect();
        state.expected = Some(first_sample + count);
        let requested_at = self.shared.clock.now();
        let end = state.fed + count - repeated;
        state.stamps.push_back((end, composed_at, requested_at));
        let taken = feed(&mut state, pipeline, bytes);
        drop(state);
        if !taken {
            run.die("it takes no more sound".to_owned());
        }
    }

    fn restart_if_dead(&self, stage: &mut Stage) {
        let dead = stage.run.as_ref().is_some_and(|(run, _)| lock(&run.state).dead);
        if !dead {
            return;
        }
        stage.run = None;
        let Some(left) = stage.restarts_left.checked_sub(1) else {
            return self.shared.report_death("it broke too often".to_owned(), false);
        };
        stage.restarts_left = left;
        match Run::open(&self.shared, self.backend) {
            Ok((run, pipeline, _)) => {
                add(&self.shared.counters.restarts, 1);
                stage.run = Some((run, pipeline));
            }
            Err(error) => self.shared.report_death(error.to_string(), false),
        }
    }

    /// Lets the encoder give back what it holds and stops it. Returns whether everything came out.
    pub fn finish(&self) -> bool {
        let mut stage = lock(&self.stage);
        stage.finished = true;
        let Some((run, pipeline)) = stage.run.take() else { return true };
        drop(stage);
        let mut state = lock(&run.state);
        if state.fed == 0 {
            return true;
        }
        drop(state);
        pipeline.end();
        let deadline = Instant::now() + DRAIN;
        state = lock(&run.state);
        while !(state.ended || state.dead) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = run.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.ended
    }

    /// Counters.
    pub fn stats(&self) -> AudioStats {
        let counters = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AudioStats {
            input: read(&counters.input),
            dropped: read(&counters.dropped),
            filled: read(&counters.filled),
            output: read(&counters.output),
            bytes: read(&counters.bytes),
            unclaimed: read(&counters.unclaimed),
            restarts: read(&counters.restarts),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Encoders turn one broken sample into a second of noise.
fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-4.0, 4.0) } else { 0.0 }
}

fn feed_silence(state: &mut RunState, pipeline: &Pipeline, samples: u64) {
    if samples > 0 {
        let bytes = usize::try_from(samples).unwrap_or(0) * SAMPLE_BYTES;
        feed(state, pipeline, vec![0; bytes]);
    }
}

fn feed(state: &mut RunState, pipeline: &Pipeline, bytes: Vec<u8>) -> bool {
    let samples = (bytes.len() / SAMPLE_BYTES) as u64;
    let nanos = |samples| u64::try_from(span_from_samples(samples).as_nanos()).unwrap_or(0);
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    if let Some(writable) = buffer.get_mut() {
        let pts = nanos(state.fed);
        writable.set_pts(gst::ClockTime::from_nseconds(pts));
        writable.set_duration(gst::ClockTime::from_nseconds(nanos(state.fed + samples) - pts));
    }
    state.fed += samples;
    pipeline.push(buffer)
}

impl Shared {
    fn send(&self, event: EncoderOutput) {
        // Never waits: this may be the encoder's thread, and sound must not fall behind the picture.
        if let Err(TrySendError::Full(_)) = self.events.try_send(event) {
            add(&self.counters.unclaimed, 1);
        }
    }

    fn report_death(&self, reason: String, restarting: bool) {
        self.send(EncoderOutput::Died { track: Track::Audio(self.config.track), reason, restarting });
    }
}

impl Run {
    fn open(shared: &Arc<Shared>, backend: Backend) -> Result<(Arc<Self>, Pipeline, Applied), Error> {
        let run = Arc::new(Self { shared: shared.clone(), state: Mutex::default(), changed: Condvar::new() });
        let assignments = backend.assignments(shared.config.bitrate);
        let plan = Plan {
            encoder: backend.element,
            converter: "audioconvert",
            input: backend::input_caps(),
            output: backend::output_caps(),
            assignments: &assignments,
            not_honoured: Vec::new(),
            fail_after: lock(&shared.fail_after).pop_front(),
        };
        let (pipeline, applied) = Pipeline::open(plan, run.clone())?;
        Ok((run, pipeline, applied))
    }

    fn die(&self, reason: String) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.dead, true) || state.ended {
            return;
        }
        drop(state);
        self.shared.report_death(reason, true);
        self.changed.notify_all();
    }
}

impl RunState {
    /// The media sample of sample `position` of the encoder's input, where there is one.
    fn media_sample(&mut self, position: u64) -> Option<u64> {
        while self.anchors.get(1).is_some_and(|(from, _)| *from <= position) {
            self.anchors.pop_front();
        }
        let (from, sample) = *self.anchors.front()?;
        Some(sample + position.checked_sub(from)?)
    }

    fn stamps_at(&mut self, position: u64) -> (MediaTime, MediaTime) {
        while self.stamps.len() > 1 && self.stamps.front().is_some_and(|(end, ..)| *end <= position) {
            self.stamps.pop_front();
        }
        self.stamps
            .front()
            .map_or((MediaTime::ZERO, MediaTime::ZERO), |(_, composed, asked)| (*composed, *asked))
    }
}

impl Sink for Run {
    fn encoded(&self, _running_time_ns: Option<i64>, bytes: &[u8], _caps: Option<&gst::CapsRef>) {
        let shared = &self.shared;
        let encode_completed_at = shared.clock.now();
        let mut state = lock(&self.state);
        let number = state.frames;
        state.frames += 1;
        let Some(position) = (number * FRAME).checked_sub(shared.priming) else { return };
        let Some(sample) = state.media_sample(position) else { return };
        let (composed_at, encode_requested_at) = state.stamps_at(position);
        // The end of a stream is padded to whole frames; what lies behind the last sample is nobody's.
        if position >= state.fed {
            return;
        }
        drop(state);
        let pts = Pts::ZERO + span_from_samples(sample);
        add(&shared.counters.output, 1);
        add(&shared.counters.bytes, bytes.len() as u64);
        shared.send(EncoderOutput::Unit(Arc::new(AccessUnit {
            track: Track::Audio(shared.config.track),
            pts,
            dts: Dts::from_nanos(pts.as_nanos()),
            span: (Pts::ZERO + span_from_samples(sample + FRAME)) - pts,
            is_idr: true,
            is_disposable: false,
            index: sample,
            stamps: EncodeStamps {
                composed_at,
                encode_requested_at,
                encode_completed_at,
                ..EncodeStamps::default()
            },
            data: Arc::from(bytes),
        })));
    }

    fn broken(&self, reason: String) {
        self.die(reason);
    }

    fn ended(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
