//! What stays of a rendition's encoder when it is started again: settings, counters, and the way to the outside.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender};
use gstreamer as gst;
use units::{Clock, FrameRate, Kbps, Span, Track, VideoCodec, VideoConfig};

use super::engine::Engine;
use super::run::Run;
use super::{WorkerSetup, lock};
use crate::alignment::AlignmentWatch;
use crate::backend::{self, BackendKind, setting};
use crate::nal::ParameterSets;
use crate::nvenc::{NvencEngine, NvencPlan};
use crate::output::{EncoderOutput, SlipKind, TrackStats};
use crate::pipeline::{Pipeline, Plan};
use crate::property::Applied;
use crate::{Error, RenditionConfig, adapter, picture};

/// How much picture time may wait before an encoder: room for a moment in which the encoder's thread gets no processor,
/// and little enough that what waits is still live.
const QUEUE: Span = Span::from_millis(200);
/// How long an encoder waits for somebody to take its output before it throws a unit away.
const UNCLAIMED: Duration = Duration::from_secs(2);
/// How often an encoder is started again before it is given up.
pub(crate) const MAX_RESTARTS: u32 = 3;

#[derive(Default)]
pub(super) struct Counters {
    pub(super) input: AtomicU64,
    /// Frames that never went into an encoder.
    pub(super) skipped: AtomicU64,
    /// Frames that went in and did not come out.
    pub(super) lost: AtomicU64,
    pub(super) output: AtomicU64,
    pub(super) idrs: AtomicU64,
    pub(super) slips: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) restarts: AtomicU64,
    pub(super) unclaimed: AtomicU64,
}

/// One more; the total with it.
pub(super) fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

/// What stays when the encoder is started again.
pub(crate) struct TrackState {
    pub(crate) config: RenditionConfig,
    pub(crate) kind: BackendKind,
    pub(crate) divisor: u32,
    pub(super) canvas: FrameRate,
    cores: usize,
    pub(super) clock: Arc<dyn Clock>,
    events: Sender<EncoderOutput>,
    /// Set when the next frame of the group is to be an IDR because this encoder slipped.
    heal: Arc<AtomicBool>,
    pub(super) watch: Arc<AlignmentWatch>,
    pub(super) counters: Counters,
    pub(super) bitrate: AtomicU32,
    /// The encoder is to be told the bitrate with its next IDR.
    pub(super) has_new_bitrate: AtomicBool,
    pub(super) restarts_left: AtomicU32,
    sent_config: Mutex<Option<Arc<VideoConfig>>>,
    fail_after: Mutex<VecDeque<i32>>,
}

impl TrackState {
    pub(super) fn new(setup: WorkerSetup) -> Self {
        Self {
            bitrate: AtomicU32::new(setup.config.bitrate.0),
            has_new_bitrate: AtomicBool::new(false),
            config: setup.config,
            kind: setup.kind,
            divisor: setup.divisor,
            canvas: setup.canvas,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            clock: setup.clock,
            events: setup.events,
            heal: setup.heal,
            watch: setup.watch,
            counters: Counters::default(),
            restarts_left: AtomicU32::new(MAX_RESTARTS),
            sent_config: Mutex::new(None),
            fail_after: Mutex::new(setup.fail_after),
        }
    }

    /// Opens the encoder anew.
    pub(super) fn open(self: &Arc<Self>) -> Result<(Arc<Run>, Engine, Applied), Error> {
        let config = &self.config;
        let mut mapping = backend::map(self.kind, config, self.cores);
        // Buffers and limits are those of the promised bitrate, so that an encoder that starts below it can go back up.
        let bitrate = self.kind.bitrate(Kbps(self.bitrate.load(Ordering::Relaxed)));
        for assignment in &mut mapping.assignments {
            if assignment.setting == setting::BITRATE {
                assignment.value = bitrate.value.clone();
            }
        }
        let run = Arc::new(Run::new(self.clone()));
        let fail_after = lock(&self.fail_after).pop_front();
        if self.kind == BackendKind::NvencDirect {
            let plan = NvencPlan {
                config: config.clone(),
                profile: self.kind.profile(config.profile),
                mapping,
                queue: self.queue_limit(),
                fail_after,
            };
            let (engine, applied) = NvencEngine::open(plan, run.clone())?;
            return Ok((run, Engine::Nvenc(engine), applied));
        }
        let unsupported = |what: &str| Error::Unsupported { track: config.track, what: what.to_owned() };
        let input = picture::caps(config.size, config.rate).ok_or_else(|| unsupported("this frame rate"))?;
        let element = self.kind.element_for(config.codec).ok_or_else(|| {
            let what = format!("{} with {}", config.codec, self.kind);
            unsupported(&what)
        })?;
        let output = gst::Caps::builder(media_type(config.codec))
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .field("profile", backend::profile_name(self.kind.profile(config.profile)))
            .build();
        let plan = Plan {
            encoder: &adapter::element_here(element),
            converter: "videoconvert",
            input,
            output,
            assignments: &mapping.assignments,
            not_honoured: mapping.not_honoured,
            fail_after,
        };
        let (pipeline, mut applied) = Pipeline::open(plan, run.clone())?;
        applied.honoured.extend(mapping.noted);
        Ok((run, Engine::Pipeline(pipeline), applied))
    }

    /// Counters, beside the gauges of whoever holds the pipeline.
    pub(super) fn stats(&self, queue: u64, running: bool) -> TrackStats {
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TrackStats {
            track: self.config.track,
            input: read(&counters.input),
            skipped: read(&counters.skipped) + read(&counters.lost),
            output: read(&counters.output),
            idrs: read(&counters.idrs),
            last_idr_index: None,
            misaligned: 0,
            slips: read(&counters.slips),
            bytes: read(&counters.bytes),
            queue,
            queue_limit: self.queue_limit(),
            restarts: read(&counters.restarts),
            running,
            unclaimed: read(&counters.unclaimed),
        }
    }

    pub(super) fn reorder_depth(&self) -> usize {
        self.kind.reorder_depth(&self.config)
    }

    pub(super) fn queue_limit(&self) -> u64 {
        u64::from(self.config.rate.frames_in(QUEUE)).max(2)
    }

    /// How long frame `index` is shown: until the next one of this rendition.
    pub(super) fn span_of(&self, index: u64) -> Span {
        self.canvas.pts_of(index + u64::from(self.divisor)) - self.canvas.pts_of(index)
    }

    pub(super) fn take_restart(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.restarts_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    pub(super) fn report_death(&self, reason: String, restarting: bool) {
        if !restarting {
            self.watch.left(self.config.track);
        }
        self.send(EncoderOutput::Died { track: Track::Video(self.config.track), reason, restarting });
    }

    pub(super) fn slip(&self, index: u64, kind: SlipKind) {
        count(&self.counters.slips);
        self.heal.store(true, Ordering::Release);
        self.send(EncoderOutput::Slip { track: self.config.track, index, kind });
    }

    /// Gives an event to whoever holds the receiver. A receiver that is gone is no fault of the encoder's.
    pub(super) fn send(&self, event: EncoderOutput) {
        if let Err(SendTimeoutError::Timeout(_)) = self.events.send_timeout(event, UNCLAIMED) {
            // Later pictures of this GOP refer to what is lost now.
            count(&self.counters.unclaimed);
            self.heal.store(true, Ordering::Release);
        }
    }

    /// Announces the decoder configuration when it is new.
    pub(super) fn announce(&self, sets: &ParameterSets) -> Result<(), Error> {
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

/// GStreamer's name of a code.
pub(crate) const fn media_type(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Avc => "video/x-h264",
        VideoCodec::Hevc => "video/x-h265",
    }
}
