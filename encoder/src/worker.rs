//! One rendition's encoder: its pipeline, what is inside it, and its way back after it broke.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender};
use gstreamer as gst;
use units::{
    AccessUnit, Clock, Dts, EncodeStamps, FrameRate, Kbps, MediaTime, Pts, Span, Track, VideoConfig,
    VideoFrame, VideoProfile,
};

use crate::backend::{self, BackendKind};
use crate::nal::ParameterSets;
use crate::output::{EncoderOutput, SlipKind, TrackStats};
use crate::pipeline::{Pipeline, Plan, Sink};
use crate::property::Applied;
use crate::{Error, RenditionConfig, picture};

/// How much picture time may wait before an encoder.
const QUEUE: Span = Span::from_millis(100);
/// An encoder that holds pictures for this long without giving one back is broken.
const HANG: Span = Span::from_secs(5);
/// How long an encoder waits for somebody to take its output before it throws a unit away.
const UNCLAIMED: Duration = Duration::from_secs(2);
/// How often an encoder is started again before it is given up.
pub(crate) const MAX_RESTARTS: u32 = 3;
/// An encoder that has worked for this long has all its restarts again.
const PARDON: Span = Span::from_secs(60);

/// What is added to presentation times on their way into a pipeline. Encoder elements shift earlier times to 1000 hours,
/// to have room for decoding times before the first picture, and while they do (GStreamer 1.22) take requests for
/// later IDRs to be meant for the first picture. Later times they leave alone.
const EPOCH: Span = Span::from_secs(1001 * 3600);

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere must not spread: all state behind these locks is valid between statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A picture on its way through the encoder.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    index: u64,
    pts: Pts,
    idr: bool,
    composed_at: MediaTime,
    requested_at: MediaTime,
}

#[derive(Default)]
struct Counters {
    input: AtomicU64,
    skipped: AtomicU64,
    output: AtomicU64,
    idrs: AtomicU64,
    slips: AtomicU64,
    bytes: AtomicU64,
    restarts: AtomicU64,
    unclaimed: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What stays when the encoder is started again.
pub(crate) struct TrackState {
    pub(crate) config: RenditionConfig,
    pub(crate) kind: BackendKind,
    pub(crate) divisor: u32,
    canvas: FrameRate,
    cores: usize,
    clock: Arc<dyn Clock>,
    events: Sender<EncoderOutput>,
    /// Set when the next frame of the group is to be an IDR because this encoder slipped.
    heal: Arc<AtomicBool>,
    counters: Counters,
    bitrate: AtomicU32,
    restarts_left: AtomicU32,
    sent_config: Mutex<Option<Arc<VideoConfig>>>,
    fail_after: Mutex<VecDeque<i32>>,
}

/// One run of the encoder.
struct Run {
    track: Arc<TrackState>,
    state: Mutex<RunState>,
    changed: Condvar,
}

#[derive(Default)]
struct RunState {
    in_flight: VecDeque<InFlight>,
    sets: ParameterSets,
    /// Presentation times of the last pictures that went in and whose number as decoding time is not used up.
    decode_times: VecDeque<Pts>,
    primed: bool,
    first_pts: Option<Pts>,
    last_output_at: Option<MediaTime>,
    dead: bool,
    ended: bool,
}

enum Stage {
    Running { run: Arc<Run>, pipeline: Pipeline, needs_idr: bool },
    Starting,
    Gone,
}

/// The encoder of one rendition.
pub(crate) struct Worker {
    track: Arc<TrackState>,
    stage: Mutex<Stage>,
}

/// What a worker is made of.
pub(crate) struct WorkerSetup {
    pub(crate) config: RenditionConfig,
    pub(crate) kind: BackendKind,
    pub(crate) divisor: u32,
    pub(crate) canvas: FrameRate,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Sender<EncoderOutput>,
    pub(crate) heal: Arc<AtomicBool>,
    /// For tests: the n-th run breaks after so many pictures.
    pub(crate) fail_after: VecDeque<i32>,
}

impl Worker {
    /// Opens the encoder.
    pub(crate) fn start(setup: WorkerSetup) -> Result<(Arc<Self>, Applied), Error> {
        let track = Arc::new(TrackState {
            bitrate: AtomicU32::new(setup.config.bitrate.0),
            config: setup.config,
            kind: setup.kind,
            divisor: setup.divisor,
            canvas: setup.canvas,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            clock: setup.clock,
            events: setup.events,
            heal: setup.heal,
            counters: Counters::default(),
            restarts_left: AtomicU32::new(MAX_RESTARTS),
            sent_config: Mutex::new(None),
            fail_after: Mutex::new(setup.fail_after),
        });
        let (run, pipeline, applied) = track.open()?;
        let stage = Stage::Running { run, pipeline, needs_idr: true };
        Ok((Arc::new(Self { track, stage: Mutex::new(stage) }), applied))
    }

    pub(crate) fn state(&self) -> &TrackState {
        &self.track
    }

    /// Takes a frame of this rendition, or skips it. Never blocks on the encoder.
    pub(crate) fn push(
        self: &Arc<Self>,
        index: u64,
        idr: bool,
        composed_at: MediaTime,
        picture: Option<Arc<VideoFrame>>,
    ) -> Result<(), Error> {
        let track = &self.track;
        count(&track.counters.input);
        let mut stage = lock(&self.stage);
        self.replace_if_dead(&mut stage);
        let Stage::Running { run, pipeline, needs_idr } = &mut *stage else {
            count(&track.counters.skipped);
            return Ok(());
        };
        let Some(picture) = picture else {
            count(&track.counters.skipped);
            if idr {
                track.slip(index, SlipKind::Missing);
            }
            return Ok(());
        };
        if let Err(reason) = picture::check(&picture, track.config.size) {
            count(&track.counters.skipped);
            return Err(Error::WrongPicture { track: track.config.track, reason });
        }
        // An encoder begins with an IDR. Later, a full queue skips ordinary pictures and never an IDR.
        let full = pipeline.waiting() >= track.queue_limit();
        if !idr && (*needs_idr || full) {
            count(&track.counters.skipped);
            return Ok(());
        }
        let first = std::mem::replace(needs_idr, false);
        let pts = track.canvas.pts_of(index);
        let span = track.span_of(index);
        let running_time = u64::try_from((pts + EPOCH).as_nanos()).unwrap_or(0);
        let buffer = picture::wrap(picture, running_time, span.as_nanos().unsigned_abs())
            .map_err(|reason| Error::WrongPicture { track: track.config.track, reason })?;
        // The first picture of a run is an IDR anyhow.
        if idr && !first {
            pipeline.force_idr(gst::ClockTime::from_nseconds(running_time));
        }
        let requested_at = track.clock.now();
        {
            let mut state = lock(&run.state);
            state.in_flight.push_back(InFlight { index, pts, idr, composed_at, requested_at });
            if track.reorder_depth() > 0 {
                state.decode_times.push_back(pts);
            }
            state.first_pts.get_or_insert(pts);
        }
        if !pipeline.push(buffer) {
            run.die("it takes no more pictures".to_owned());
        }
        Ok(())
    }

    /// Retires an encoder that broke and has another one started in its place, beside the caller's thread.
    fn replace_if_dead(self: &Arc<Self>, stage: &mut Stage) {
        let Stage::Running { run, .. } = &*stage else { return };
        if run.hangs() {
            run.die(format!("it gave nothing back for {} seconds", HANG.as_millis() / 1000));
        }
        if !lock(&run.state).dead {
            return;
        }
        let restart = self.track.take_restart();
        let old = std::mem::replace(stage, if restart { Stage::Starting } else { Stage::Gone });
        let worker = self.clone();
        let name = format!("restart-{}", self.track.config.track);
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            // Stopping a broken encoder may take long; an encoder's session must be free before the next is opened.
            drop(old);
            if restart {
                worker.restart();
            }
        });
        if spawned.is_err() {
            *stage = Stage::Gone;
        }
    }

    fn restart(&self) {
        let opened = self.track.open();
        let mut stage = lock(&self.stage);
        if !matches!(*stage, Stage::Starting) {
            return;
        }
        *stage = match opened {
            Ok((run, pipeline, _)) => {
                count(&self.track.counters.restarts);
                Stage::Running { run, pipeline, needs_idr: true }
            }
            Err(error) => {
                self.track.report_death(error.to_string(), false);
                Stage::Gone
            }
        };
    }

    /// Changes the bitrate of the running encoder, and of later ones.
    pub(crate) fn set_bitrate(&self, bitrate: Kbps) -> Result<(), Error> {
        let checked = RenditionConfig { bitrate, ..self.track.config.clone() };
        checked.check()?;
        if let Stage::Running { pipeline, .. } = &*lock(&self.stage) {
            pipeline.set(&self.track.kind.bitrate(bitrate))?;
        }
        self.track.bitrate.store(bitrate.0, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the queue takes another picture; true while there is no encoder, which skips it at once.
    pub(crate) fn has_room(&self) -> bool {
        match &*lock(&self.stage) {
            Stage::Running { run, pipeline, .. } => {
                pipeline.waiting() < self.track.queue_limit() || lock(&run.state).dead
            }
            Stage::Starting => false,
            Stage::Gone => true,
        }
    }

    /// Waits for up to `limit` for something to come out of the encoder.
    pub(crate) fn wait_for_change(&self, limit: Duration) {
        let run = match &*lock(&self.stage) {
            Stage::Running { run, .. } => Some(run.clone()),
            Stage::Starting | Stage::Gone => None,
        };
        match run {
            Some(run) => drop(run.changed.wait_timeout(lock(&run.state), limit)),
            None => std::thread::yield_now(),
        }
    }

    /// Stops or resumes the flow into the encoder.
    #[cfg(test)]
    pub(crate) fn hold(&self, held: bool) {
        if let Stage::Running { pipeline, .. } = &*lock(&self.stage) {
            pipeline.hold(held);
        }
    }

    /// Says that no picture follows.
    pub(crate) fn end(&self) {
        if let Stage::Running { run, pipeline, needs_idr } = &*lock(&self.stage) {
            // Without a single picture some encoders never answer.
            if *needs_idr || !pipeline.end() {
                lock(&run.state).ended = true;
            }
        }
    }

    /// Waits until everything has come out, or until `deadline`. Returns whether it has.
    pub(crate) fn drain(&self, deadline: Instant) -> bool {
        let stage = std::mem::replace(&mut *lock(&self.stage), Stage::Gone);
        let Stage::Running { run, pipeline, .. } = stage else { return true };
        let mut state = lock(&run.state);
        while !(state.ended || state.dead) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = match run.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        let drained = state.ended;
        drop(state);
        drop(pipeline);
        drained
    }

    pub(crate) fn stats(&self) -> TrackStats {
        let counters = &self.track.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (queue, running) = match &*lock(&self.stage) {
            Stage::Running { run, pipeline, .. } => (pipeline.waiting(), !lock(&run.state).dead),
            Stage::Starting | Stage::Gone => (0, false),
        };
        TrackStats {
            track: self.track.config.track,
            input: read(&counters.input),
            skipped: read(&counters.skipped),
            output: read(&counters.output),
            idrs: read(&counters.idrs),
            slips: read(&counters.slips),
            bytes: read(&counters.bytes),
            queue,
            queue_limit: self.track.queue_limit(),
            restarts: read(&counters.restarts),
            running,
            unclaimed: read(&counters.unclaimed),
        }
    }
}

impl TrackState {
    fn open(self: &Arc<Self>) -> Result<(Arc<Run>, Pipeline, Applied), Error> {
        let mut config = self.config.clone();
        config.bitrate = Kbps(self.bitrate.load(Ordering::Relaxed));
        let mapping = backend::map(self.kind, &config, self.cores);
        let unsupported = |what: &str| Error::Unsupported { track: config.track, what: what.to_owned() };
        let input = picture::caps(config.size, config.rate).ok_or_else(|| unsupported("this frame rate"))?;
        let output = gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .field("profile", profile_name(self.kind.profile(config.profile)))
            .build();
        let run = Arc::new(Run { track: self.clone(), state: Mutex::default(), changed: Condvar::new() });
        let plan = Plan {
            encoder: self.kind.element(),
            converter: "videoconvert",
            input,
            output,
            assignments: &mapping.assignments,
            not_honoured: mapping.not_honoured,
            fail_after: lock(&self.fail_after).pop_front(),
        };
        let (pipeline, applied) = Pipeline::open(plan, run.clone())?;
        Ok((run, pipeline, applied))
    }

    fn reorder_depth(&self) -> usize {
        self.kind.reorder_depth(self.config.settings.effective_b_frames())
    }

    fn queue_limit(&self) -> u64 {
        u64::from(self.config.rate.frames_in(QUEUE)).max(2)
    }

    /// How long frame `index` is shown: until the next one of this rendition.
    fn span_of(&self, index: u64) -> Span {
        self.canvas.pts_of(index + u64::from(self.divisor)) - self.canvas.pts_of(index)
    }

    fn take_restart(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.restarts_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn report_death(&self, reason: String, restarting: bool) {
        self.send(EncoderOutput::Died { track: Track::Video(self.config.track), reason, restarting });
    }

    fn slip(&self, index: u64, kind: SlipKind) {
        count(&self.counters.slips);
        self.heal.store(true, Ordering::Release);
        self.send(EncoderOutput::Slip { track: self.config.track, index, kind });
    }

    /// Gives an event to whoever holds the receiver. A receiver that is gone is no fault of the encoder's.
    fn send(&self, event: EncoderOutput) {
        if let Err(SendTimeoutError::Timeout(_)) = self.events.send_timeout(event, UNCLAIMED) {
            // Later pictures of this GOP refer to what is lost now.
            count(&self.counters.unclaimed);
            self.heal.store(true, Ordering::Release);
        }
    }

    /// Announces the decoder configuration when it is new.
    fn announce(&self, sets: &ParameterSets) -> Result<(), Error> {
        let facts = sets.facts()?;
        let size = self.config.size;
        if (facts.width, facts.height) != (size.width_px(), size.height_px()) {
            return Err(Error::MalformedOutput { what: "picture size" });
        }
        let config = Arc::new(VideoConfig {
            track: self.config.track,
            codec: self.config.codec,
            profile: self.kind.profile(self.config.profile),
            size,
            rate: self.config.rate,
            bitrate: Kbps(self.bitrate.load(Ordering::Relaxed)),
            decoder_config: sets.decoder_config()?,
        });
        let mut sent = lock(&self.sent_config);
        let known = sent.as_ref().is_some_and(|sent| sent.decoder_config == config.decoder_config);
        if !known {
            *sent = Some(config.clone());
            drop(sent);
            self.send(EncoderOutput::Config(config));
        }
        Ok(())
    }
}

fn profile_name(profile: VideoProfile) -> &'static str {
    match profile {
        VideoProfile::ConstrainedBaseline => "constrained-baseline",
        VideoProfile::Main => "main",
        VideoProfile::High => "high",
    }
}

impl Run {
    /// Reports the end of this run, once.
    fn die(&self, reason: String) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.dead, true) || state.ended {
            return;
        }
        let worked = state.first_pts.zip(state.last_output_at);
        drop(state);
        if worked.is_some_and(|(first, last)| last - first.at() > PARDON) {
            self.track.restarts_left.store(MAX_RESTARTS, Ordering::Relaxed);
        }
        let restarting = self.track.restarts_left.load(Ordering::Relaxed) > 0;
        self.track.report_death(reason, restarting);
        self.changed.notify_all();
    }

    fn hangs(&self) -> bool {
        let state = lock(&self.state);
        let Some(oldest) = state.in_flight.front() else { return false };
        let since = state.last_output_at.map_or(oldest.requested_at, |last| last.max(oldest.requested_at));
        self.track.clock.now() - since > HANG
    }

    /// Finds the picture that a buffer is of. Elements keep time in units of their own (100 ns, 1/90000 s), so the
    /// nearest within half a frame is meant.
    fn claim(
        state: &mut RunState,
        at_ns: i64,
        span: Span,
        keeps_order: bool,
    ) -> (Option<InFlight>, Vec<InFlight>) {
        let near = |frame: &InFlight| (frame.pts.as_nanos() - at_ns).abs() * 2 <= span.as_nanos();
        let Some(place) = state.in_flight.iter().position(near) else { return (None, Vec::new()) };
        // What went in before, in an encoder that keeps the order, will not come out any more.
        if keeps_order {
            let lost = state.in_flight.drain(..place).collect();
            return (state.in_flight.pop_front(), lost);
        }
        let Some(found) = state.in_flight.remove(place) else { return (None, Vec::new()) };
        // No encoder we know reorders over more than 16 pictures (ITU-T H.264, A.3.1: MaxDpbFrames).
        let horizon = found.pts - Span::from_nanos(span.as_nanos().saturating_mul(16));
        let mut lost = Vec::new();
        while state.in_flight.front().is_some_and(|oldest| oldest.pts < horizon) {
            lost.extend(state.in_flight.pop_front());
            state.decode_times.pop_front();
        }
        (Some(found), lost)
    }

    /// Decoding time of the next picture in decoding order. Without reordering it is the presentation time. With
    /// it, the n-th picture decoded gets the presentation time of the picture `depth` places earlier in presentation
    /// order: never later than its own, always rising, and before the first presentation time for the first `depth`
    /// pictures, where it may lie before zero.
    fn decode_time(&self, state: &mut RunState, pts: Pts) -> Dts {
        let depth = self.track.reorder_depth();
        if depth == 0 {
            return Dts::from_nanos(pts.as_nanos());
        }
        if !std::mem::replace(&mut state.primed, true) {
            let first = state.first_pts.unwrap_or(pts);
            let span = self.track.config.rate.frame_span().as_nanos();
            for places in 1..=i64::try_from(depth).unwrap_or(0) {
                state.decode_times.push_front(first - Span::from_nanos(span * places));
            }
        }
        let time = state.decode_times.pop_front().unwrap_or(pts);
        Dts::from_nanos(time.min(pts).as_nanos())
    }
}

impl Sink for Run {
    fn encoded(&self, running_time_ns: Option<i64>, bytes: &[u8], _caps: Option<&gst::CapsRef>) {
        let track = &self.track;
        let completed_at = track.clock.now();
        let mut state = lock(&self.state);
        if state.dead {
            return;
        }
        let (unit, changed) = match state.sets.assemble(bytes) {
            Ok(assembled) => assembled,
            Err(error) => {
                drop(state);
                return self.die(error.to_string());
            }
        };
        let keeps_order = track.reorder_depth() == 0;
        let span = track.config.rate.frame_span();
        let (frame, lost) = match running_time_ns {
            Some(at) => Self::claim(&mut state, at - EPOCH.as_nanos(), span, keeps_order),
            None => (state.in_flight.pop_front(), Vec::new()),
        };
        let Some(frame) = frame else {
            drop(state);
            return self.die("it gave back a picture that it was not given".to_owned());
        };
        let dts = self.decode_time(&mut state, frame.pts);
        state.last_output_at = Some(completed_at);
        let sets = changed.then(|| state.sets.clone());
        drop(state);

        for frame in lost {
            count(&track.counters.skipped);
            if frame.idr {
                track.slip(frame.index, SlipKind::Missing);
            }
        }
        if let Some(error) = sets.and_then(|sets| track.announce(&sets).err()) {
            return self.die(error.to_string());
        }
        count(&track.counters.output);
        track.counters.bytes.fetch_add(unit.data.len() as u64, Ordering::Relaxed);
        if unit.is_idr {
            count(&track.counters.idrs);
        }
        let is_idr = unit.is_idr;
        track.send(EncoderOutput::Unit(Arc::new(AccessUnit {
            track: Track::Video(track.config.track),
            pts: frame.pts,
            dts,
            span: track.span_of(frame.index),
            is_idr,
            is_disposable: unit.is_disposable,
            index: frame.index,
            stamps: EncodeStamps {
                composed_at: frame.composed_at,
                encode_requested_at: frame.requested_at,
                encode_completed_at: completed_at,
            },
            data: unit.data,
        })));
        if is_idr != frame.idr {
            track.slip(frame.index, if is_idr { SlipKind::Unscheduled } else { SlipKind::Missing });
        }
        self.changed.notify_all();
    }

    fn broken(&self, reason: String) {
        self.die(reason);
    }

    fn ended(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }
}
