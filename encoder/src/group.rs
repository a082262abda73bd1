//! The encoder group: one picture in, one aligned access unit per rendition out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use units::{Clock, EncoderPicture, FrameRate, Kbps, MediaTime, Pts, TrackId, VideoCodec};

use crate::alignment::AlignmentWatch;
use crate::output::{EncoderOutput, TrackStats};
use crate::property::Applied;
use crate::rendition::Ladder;
use crate::schedule::IdrSchedule;
use crate::worker::{Tick, Worker, WorkerSetup, lock};
use crate::{Alignment, BackendKind, Error, RenditionConfig, SettingReport, probe, requested};

/// Access units and events that may wait to be taken out of the receiver. Ten renditions at 60 frames per second
/// fill it in 3.4 seconds; after two more, units are thrown away and counted as unclaimed.
const OUTPUT_BOUND: usize = 2048;

/// How long [`EncoderGroup::finish`] waits for encoders to give back what they hold.
const DRAIN: Duration = Duration::from_secs(10);

/// One tick of the canvas: the same picture in every rendition's size.
#[derive(Clone, Debug)]
pub struct CanvasFrame {
    /// Number of the frame on the canvas clock; rises from call to call, gaps are allowed.
    pub index: u64,
    /// Its presentation time, `canvas_rate.pts_of(index)`.
    pub pts: Pts,
    /// When its composition began.
    pub composed_at: MediaTime,
    /// Frames the compositor had rendered since it started, this one included; goes into
    /// [`FrameCounts`](units::FrameCounts).
    pub rendered: u64,
    /// Frames the compositor had been too late for.
    pub lagged: u64,
    /// The picture for each rendition that takes this frame: NV12, BT.709, limited range, of the rendition's size. In
    /// the adapter's memory only for an encoder that [takes textures](BackendKind::takes_textures).
    /// Renditions at a divided rate take the frames whose number is a multiple of their divisor; pictures for others
    /// are ignored.
    pub pictures: Vec<(TrackId, EncoderPicture)>,
}

/// How one rendition is encoded: to be shown before going live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackReport {
    /// The rendition.
    pub track: TrackId,
    /// Its code.
    pub codec: VideoCodec,
    /// Its encoder.
    pub backend: BackendKind,
    /// Why this one, in words.
    pub reason: String,
    /// What became of its settings.
    pub applied: Applied,
    /// What became of each setting the service asked for; empty when it was not asked.
    pub settings: Vec<SettingReport>,
}

/// Why a group did not start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StartFailure {
    /// The rendition whose encoder it was; `None` when it is the ladder as a whole.
    pub(crate) track: Option<TrackId>,
    pub(crate) error: Error,
}

/// The schedule, and whether its next IDR is there to heal.
struct Cadence {
    schedule: IdrSchedule,
    heals: bool,
}

/// Encoders of all renditions, locked to one canvas and one IDR schedule.
///
/// **Input policy.** [`push`](Self::push) never waits for an encoder. Each rendition has a queue of 200 ms. When it is
/// full the rendition skips the frame and counts it; the others encode it. An IDR frame is never skipped, so that all
/// renditions keep having the same IDRs; it may overfill the queue by one. An encoder that gives nothing back for
/// five seconds is taken for dead.
///
/// **Decoding times.** Without B-pictures they equal the presentation times. With them they are the presentation times
/// moved by the reordering depth, so the first may lie before the first presentation time and, for a group that
/// starts at media time zero, before zero. Outputs whose time can not be negative add an offset of their own.
///
/// **Output policy.** The receiver must be emptied. When it is full, encoders wait up to two seconds, then throw the
/// unit away, count it as unclaimed and ask for an IDR.
pub struct EncoderGroup {
    canvas: FrameRate,
    cadence: Mutex<Cadence>,
    watch: Arc<AlignmentWatch>,
    requested: AtomicBool,
    heal: Arc<AtomicBool>,
    finished: AtomicBool,
    workers: Vec<Arc<Worker>>,
    reports: Vec<TrackReport>,
}

impl EncoderGroup {
    /// Checks that the renditions can be aligned, chooses an encoder for each that has none named, and opens them
    /// all. The first pushed frame that all renditions take becomes their first IDR.
    ///
    /// # Errors
    /// A ladder that can not be aligned, a setting no encoder takes, or an encoder that does not start; nothing is
    /// left running then.
    #[expect(clippy::needless_pass_by_value, reason = "the group keeps its own handle on the clock")]
    pub fn start(
        canvas_rate: FrameRate,
        renditions: Vec<RenditionConfig>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Receiver<EncoderOutput>), Error> {
        Self::try_start(canvas_rate, renditions, &clock).map_err(|failure| failure.error)
    }

    /// As [`start`](Self::start), with the rendition that failed.
    pub(crate) fn try_start(
        canvas_rate: FrameRate,
        renditions: Vec<RenditionConfig>,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Self, Receiver<EncoderOutput>), StartFailure> {
        Self::start_failing(canvas_rate, renditions, clock, |_| VecDeque::new())
    }

    /// As [`start`](Self::start), with encoders that break after as many pictures as `fail_after` says for each of
    /// their runs.
    pub(crate) fn start_failing(
        canvas_rate: FrameRate,
        renditions: Vec<RenditionConfig>,
        clock: &Arc<dyn Clock>,
        fail_after: impl Fn(TrackId) -> VecDeque<i32>,
    ) -> Result<(Self, Receiver<EncoderOutput>), StartFailure> {
        let ladder = Ladder::check(canvas_rate, &renditions)
            .map_err(|error| StartFailure { track: error.track(), error })?;
        let (events, receiver) = crossbeam_channel::bounded(OUTPUT_BOUND);
        let heal = Arc::new(AtomicBool::new(false));
        let watch = Arc::new(AlignmentWatch::new(renditions.iter().map(|rendition| rendition.track)));
        let (mut workers, mut reports) = (Vec::new(), Vec::new());
        for (config, divisor) in renditions.into_iter().zip(ladder.divisors) {
            let track = config.track;
            let failed = |error| StartFailure { track: Some(track), error };
            let choice = probe::choose(&config).map_err(failed)?;
            let codec = config.codec;
            let asked = config.clone();
            let setup = WorkerSetup {
                config,
                kind: choice.kind,
                divisor,
                canvas: canvas_rate,
                clock: clock.clone(),
                events: events.clone(),
                heal: heal.clone(),
                watch: watch.clone(),
                fail_after: fail_after(track),
            };
            let (worker, applied) = Worker::start(setup).map_err(failed)?;
            tracing::info!(%track, encoder = %choice.kind, reason = %choice.reason, "encoder started");
            workers.push(worker);
            let settings = requested::report(&asked, choice.kind, &applied);
            reports.push(TrackReport {
                track,
                codec,
                backend: choice.kind,
                reason: choice.reason,
                applied,
                settings,
            });
        }
        let group = Self {
            canvas: canvas_rate,
            cadence: Mutex::new(Cadence {
                schedule: IdrSchedule::new(ladder.interval, ladder.alignment),
                heals: false,
            }),
            watch,
            requested: AtomicBool::new(false),
            heal,
            finished: AtomicBool::new(false),
            workers,
            reports,
        };
        Ok((group, receiver))
    }

    /// Which encoder each rendition has, why, and what became of its settings.
    pub fn reports(&self) -> &[TrackReport] {
        &self.reports
    }

    /// Rate of the canvas.
    pub fn canvas_rate(&self) -> FrameRate {
        self.canvas
    }

    /// Hands a canvas frame to all renditions that take it. Never waits for an encoder. Frames before the first that
    /// all renditions take, and frames after [`finish`](Self::finish), are ignored.
    ///
    /// # Errors
    /// [`Error::WrongPicture`] when a picture has the wrong size or format; the other renditions have been served.
    pub fn push(&self, frame: &CanvasFrame) -> Result<(), Error> {
        if self.finished.load(Ordering::Acquire) {
            return Ok(());
        }
        let idr = {
            let mut cadence = lock(&self.cadence);
            if self.requested.swap(false, Ordering::AcqRel) {
                cadence.schedule.request();
            }
            if self.heal.swap(false, Ordering::AcqRel) {
                cadence.heals |= cadence.schedule.heal();
            }
            let Some(idr) = cadence.schedule.decide(frame.index) else { return Ok(()) };
            if idr {
                self.watch.scheduled(frame.index, std::mem::take(&mut cadence.heals));
            }
            idr
        };
        let mut outcome = Ok(());
        for worker in &self.workers {
            let state = worker.state();
            if !frame.index.is_multiple_of(u64::from(state.divisor)) {
                continue;
            }
            let picture = frame.pictures.iter().find(|(track, _)| *track == state.config.track);
            let picture = picture.map(|(_, picture)| picture.clone());
            let tick = Tick {
                index: frame.index,
                idr,
                composed_at: frame.composed_at,
                rendered: frame.rendered,
                lagged: frame.lagged,
            };
            let pushed = worker.push(tick, picture);
            outcome = outcome.and(pushed);
        }
        outcome
    }

    /// Makes the next frame that all renditions take an IDR.
    pub fn request_idr(&self) {
        self.requested.store(true, Ordering::Release);
    }

    /// Changes the bitrate of a rendition from its next picture on. An encoder that can not do so without an IDR
    /// ([`BackendKind::changes_bitrate_by_idr`]) does so at the next scheduled one.
    ///
    /// # Errors
    /// [`Error::NoSuchTrack`], [`Error::Bitrate`], or an encoder that refuses.
    pub fn set_bitrate(&self, track: TrackId, bitrate: Kbps) -> Result<(), Error> {
        let worker = self.workers.iter().find(|worker| worker.state().config.track == track);
        worker.ok_or(Error::NoSuchTrack { track })?.set_bitrate(bitrate)
    }

    /// How the IDRs of all renditions lay to each other so far.
    pub fn alignment(&self) -> Alignment {
        self.watch.totals()
    }

    /// Counters of each rendition, in the order they were given.
    pub fn stats(&self) -> Vec<TrackStats> {
        let stats = |worker: &Arc<Worker>| {
            let mut stats = worker.stats();
            (stats.last_idr_index, stats.misaligned) = self.watch.of(stats.track);
            stats
        };
        self.workers.iter().map(stats).collect()
    }

    /// Waits until every encoder's queue takes another picture, for up to `limit`; for work that is not live and
    /// must skip nothing. Returns whether there is room.
    pub fn wait_for_room(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        for worker in &self.workers {
            while !worker.has_room() {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                worker.wait_for_change(left.min(Duration::from_millis(5)));
            }
        }
        true
    }

    /// Lets all encoders give back what they hold and stops them; the receiver must be emptied meanwhile or have
    /// room. Waits up to ten seconds. Returns whether everything came out. Later calls do nothing.
    pub fn finish(&self) -> bool {
        if self.finished.swap(true, Ordering::AcqRel) {
            return true;
        }
        for worker in &self.workers {
            worker.end();
        }
        let deadline = Instant::now() + DRAIN;
        // Every one is drained, also behind one that failed.
        let drained: Vec<bool> = self.workers.iter().map(|worker| worker.drain(deadline)).collect();
        drained.into_iter().all(|drained| drained)
    }
}

impl Drop for EncoderGroup {
    fn drop(&mut self) {
        self.finished.store(true, Ordering::Release);
        for worker in &self.workers {
            worker.drain(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
