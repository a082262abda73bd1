//! One rendition's encoder: its engine, what is inside it, and its way back after it broke.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use units::{Clock, EncoderPicture, FrameRate, Kbps, MediaTime};

use crate::alignment::AlignmentWatch;
use crate::backend::BackendKind;
use crate::output::{EncoderOutput, SlipKind, TrackStats};
use crate::property::Applied;
use crate::{Error, RenditionConfig, picture};

mod engine;
mod run;
mod track;

use engine::Engine;
use run::Run;
#[cfg(test)]
pub(crate) use track::MAX_RESTARTS;
pub(crate) use track::media_type;
use track::{TrackState, count};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere must not spread: all state behind these locks is valid between statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Stage {
    Running { run: Arc<Run>, engine: Engine, needs_idr: bool },
    Starting,
    Gone,
}

/// The encoder of one rendition.
pub(crate) struct Worker {
    track: Arc<TrackState>,
    stage: Mutex<Stage>,
}

/// A frame of the canvas, as far as every rendition has it in common.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tick {
    /// Number of the frame.
    pub(crate) index: u64,
    /// Whether the schedule says IDR.
    pub(crate) idr: bool,
    /// When its composition began.
    pub(crate) composed_at: MediaTime,
    /// Frames rendered so far.
    pub(crate) rendered: u64,
    /// Frames the compositor was too late for so far.
    pub(crate) lagged: u64,
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
    pub(crate) watch: Arc<AlignmentWatch>,
    /// For tests: the n-th run breaks after so many pictures.
    pub(crate) fail_after: VecDeque<i32>,
}

impl Worker {
    /// Opens the encoder.
    pub(crate) fn start(setup: WorkerSetup) -> Result<(Arc<Self>, Applied), Error> {
        let track = Arc::new(TrackState::new(setup));
        let (run, engine, applied) = track.open()?;
        let stage = Stage::Running { run, engine, needs_idr: true };
        Ok((Arc::new(Self { track, stage: Mutex::new(stage) }), applied))
    }

    pub(crate) fn state(&self) -> &TrackState {
        &self.track
    }

    /// Takes a frame of this rendition, or skips it. Never blocks on the encoder.
    pub(crate) fn push(self: &Arc<Self>, tick: Tick, picture: Option<EncoderPicture>) -> Result<(), Error> {
        let Tick { index, idr, .. } = tick;
        let track = &self.track;
        count(&track.counters.input);
        let mut stage = lock(&self.stage);
        self.replace_if_dead(&mut stage);
        let Stage::Running { run, engine, needs_idr } = &mut *stage else {
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
        if let Err(reason) = picture::check(&picture, track.kind, track.config.size) {
            count(&track.counters.skipped);
            return Err(Error::WrongPicture { track: track.config.track, reason });
        }
        // An encoder begins with an IDR. Later, a full queue skips ordinary pictures and never an IDR.
        let full = engine.waiting() >= track.queue_limit();
        if !idr && (*needs_idr || full) {
            count(&track.counters.skipped);
            return Ok(());
        }
        let first = std::mem::replace(needs_idr, false);
        let pts = track.canvas.pts_of(index);
        let running_time = run::running_time(pts);
        let span_ns = track.span_of(index).as_nanos().unsigned_abs();
        let ready = engine
            .ready(picture, running_time, span_ns)
            .map_err(|reason| Error::WrongPicture { track: track.config.track, reason })?;
        if idr && track.has_new_bitrate.swap(false, Ordering::Relaxed) && !first {
            let bitrate = Kbps(track.bitrate.load(Ordering::Relaxed));
            engine.set_bitrate_at(track.kind, bitrate, running_time);
        }
        run.took(tick, pts);
        // The first picture of a run is an IDR anyhow.
        if !engine.push(ready, idr && !first) {
            run.die("it takes no more pictures".to_owned());
        }
        Ok(())
    }

    /// Retires an encoder that broke and has another one started in its place, beside the caller's thread.
    fn replace_if_dead(self: &Arc<Self>, stage: &mut Stage) {
        let Stage::Running { run, .. } = &*stage else { return };
        run.die_if_hanging();
        if !run.is_dead() {
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
        if let Err(error) = spawned {
            *stage = Stage::Gone;
            self.track.report_death(format!("it could not be started again: {error}"), false);
        }
    }

    fn restart(&self) {
        let opened = self.track.open();
        let mut stage = lock(&self.stage);
        if !matches!(*stage, Stage::Starting) {
            return;
        }
        *stage = match opened {
            Ok((run, engine, _)) => {
                count(&self.track.counters.restarts);
                Stage::Running { run, engine, needs_idr: true }
            }
            Err(error) => {
                self.track.report_death(error.to_string(), false);
                Stage::Gone
            }
        };
    }

    /// Changes the bitrate of the running encoder, at its next IDR where it can not do so without one, and of later
    /// encoders.
    pub(crate) fn set_bitrate(&self, bitrate: Kbps) -> Result<(), Error> {
        let checked = RenditionConfig { bitrate, ..self.track.config.clone() };
        checked.check()?;
        let stage = lock(&self.stage);
        if self.track.kind.changes_bitrate_by_idr() {
            self.track.has_new_bitrate.store(true, Ordering::Relaxed);
        } else if let Stage::Running { engine, .. } = &*stage {
            engine.set_bitrate(self.track.kind, bitrate)?;
        }
        self.track.bitrate.store(bitrate.0, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the queue takes another picture; true while there is no encoder, which skips it at once.
    pub(crate) fn has_room(&self) -> bool {
        match &*lock(&self.stage) {
            Stage::Running { run, engine, .. } => {
                engine.waiting() < self.track.queue_limit() || run.is_dead()
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
            Some(run) => run.wait_for_change(limit),
            None => std::thread::yield_now(),
        }
    }

    /// Stops or resumes the flow into the encoder.
    #[cfg(test)]
    pub(crate) fn hold(&self, held: bool) {
        if let Stage::Running { engine, .. } = &*lock(&self.stage) {
            engine.hold(held);
        }
    }

    /// Says that no picture follows.
    pub(crate) fn end(&self) {
        if let Stage::Running { run, engine, needs_idr } = &*lock(&self.stage) {
            // Without a single picture some encoders never answer.
            if *needs_idr || !engine.end() {
                run.end();
            }
        }
    }

    /// Waits until everything has come out, or until `deadline`. Returns whether it has.
    pub(crate) fn drain(&self, deadline: Instant) -> bool {
        let stage = std::mem::replace(&mut *lock(&self.stage), Stage::Gone);
        let Stage::Running { run, engine, .. } = stage else { return true };
        let drained = run.wait_for_end(deadline);
        // Stops the encoder.
        drop(engine);
        drained
    }

    pub(crate) fn stats(&self) -> TrackStats {
        let (queue, running) = match &*lock(&self.stage) {
            Stage::Running { run, engine, .. } => (engine.waiting(), !run.is_dead()),
            Stage::Starting | Stage::Gone => (0, false),
        };
        self.track.stats(queue, running)
    }
}
