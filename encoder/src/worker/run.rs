//! One run of an encoder, from its start until it ends or breaks: which pictures are inside, and what becomes of what
//! comes out.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use units::{AccessUnit, Dts, EncodeStamps, FrameCounts, MediaTime, Pts, Span, Track};

use super::track::{MAX_RESTARTS, TrackState, count};
use super::{Tick, lock};
use crate::nal::ParameterSets;
use crate::output::{EncoderOutput, SlipKind};
use crate::pipeline::Sink;

/// An encoder that holds pictures for this long without giving one back is broken.
const HANG: Span = Span::from_secs(5);
/// An encoder that has worked for this long has all its restarts again.
const PARDON: Span = Span::from_secs(60);

/// What is added to presentation times on their way into a pipeline. Encoder elements shift earlier times to 1000 hours,
/// to have room for decoding times before the first picture, and while they do (GStreamer 1.22) take requests for
/// later IDRs to be meant for the first picture. Later times they leave alone.
const EPOCH: Span = Span::from_secs(1001 * 3600);

/// A picture on its way through the encoder.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    tick: Tick,
    pts: Pts,
    requested_at: MediaTime,
    /// Frames this rendition was to encode so far, this one included.
    input: u64,
    /// Of those, frames that were skipped before they went into an encoder.
    skipped: u64,
}

/// One run of the encoder.
pub(super) struct Run {
    track: Arc<TrackState>,
    state: Mutex<RunState>,
    changed: Condvar,
}

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

/// The running time at which a picture goes into a pipeline.
pub(super) fn running_time(pts: Pts) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from((pts + EPOCH).as_nanos()).unwrap_or(0))
}

impl Run {
    pub(super) fn new(track: Arc<TrackState>) -> Self {
        let state = RunState {
            in_flight: VecDeque::new(),
            sets: ParameterSets::new(track.config.codec),
            decode_times: VecDeque::new(),
            primed: false,
            first_pts: None,
            last_output_at: None,
            dead: false,
            ended: false,
        };
        Self { track, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Notes a picture that is about to be pushed.
    pub(super) fn took(&self, tick: Tick, pts: Pts) {
        let requested_at = self.track.clock.now();
        let counters = &self.track.counters;
        let input = counters.input.load(Ordering::Relaxed);
        let skipped = counters.skipped.load(Ordering::Relaxed);
        let mut state = lock(&self.state);
        state.in_flight.push_back(InFlight { tick, pts, requested_at, input, skipped });
        if self.track.reorder_depth() > 0 {
            state.decode_times.push_back(pts);
        }
        state.first_pts.get_or_insert(pts);
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.state).dead
    }

    /// Takes the run for ended without waiting for the pipeline to say so.
    pub(super) fn end(&self) {
        lock(&self.state).ended = true;
    }

    /// Waits for up to `limit` for something to come out.
    pub(super) fn wait_for_change(&self, limit: Duration) {
        drop(self.changed.wait_timeout(lock(&self.state), limit));
    }

    /// Waits until everything has come out, it broke, or `deadline`. Returns whether everything has.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        let mut state = lock(&self.state);
        while !(state.ended || state.dead) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.ended
    }

    /// Reports the end of this run, once.
    pub(super) fn die(&self, reason: String) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.dead, true) || state.ended {
            return;
        }
        // What is inside does not come out any more.
        let inside = state.in_flight.drain(..).count();
        self.track.counters.lost.fetch_add(inside as u64, Ordering::Relaxed);
        let worked = state.first_pts.zip(state.last_output_at);
        drop(state);
        if worked.is_some_and(|(first, last)| last - first.at() > PARDON) {
            self.track.restarts_left.store(MAX_RESTARTS, Ordering::Relaxed);
        }
        let restarting = self.track.restarts_left.load(Ordering::Relaxed) > 0;
        self.track.report_death(reason, restarting);
        self.changed.notify_all();
    }

    /// An encoder that holds a picture and has given nothing for five seconds is as good as dead.
    pub(super) fn die_if_hanging(&self) {
        let state = lock(&self.state);
        let Some(oldest) = state.in_flight.front() else { return };
        let since = state.last_output_at.map_or(oldest.requested_at, |last| last.max(oldest.requested_at));
        drop(state);
        if self.track.clock.now() - since > HANG {
            self.die(format!("it gave nothing back for {} seconds", HANG.as_millis() / 1000));
        }
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
            Ok(_) if !state.sets.are_complete() => {
                drop(state);
                return self.die("it gave a picture before its parameter sets".to_owned());
            }
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
            count(&track.counters.lost);
            if frame.tick.idr {
                track.slip(frame.tick.index, SlipKind::Missing);
            }
        }
        if let Some(error) = sets.and_then(|sets| track.announce(&sets).err()) {
            return self.die(error.to_string());
        }
        let output = count(&track.counters.output);
        let Tick { index, idr, composed_at, rendered, lagged } = frame.tick;
        let skipped = frame.skipped + track.counters.lost.load(Ordering::Relaxed);
        track.counters.bytes.fetch_add(unit.data.len() as u64, Ordering::Relaxed);
        if unit.is_idr {
            count(&track.counters.idrs);
        }
        let is_idr = unit.is_idr;
        track.watch.came(track.config.track, index, frame.pts, is_idr);
        track.send(EncoderOutput::Unit(Arc::new(AccessUnit {
            track: Track::Video(track.config.track),
            pts: frame.pts,
            dts,
            span: track.span_of(index),
            is_idr,
            is_disposable: unit.is_disposable,
            index,
            stamps: EncodeStamps {
                composed_at,
                encode_requested_at: frame.requested_at,
                encode_completed_at: completed_at,
                counts: FrameCounts { rendered, lagged, input: frame.input, skipped, output },
            },
            data: unit.data,
        })));
        if is_idr != idr {
            track.slip(index, if is_idr { SlipKind::Unscheduled } else { SlipKind::Missing });
        }
        self.changed.notify_all();
    }

    fn broken(&self, reason: String) {
        self.die(reason);
    }

    fn ended(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        let inside = state.in_flight.drain(..).count();
        self.track.counters.lost.fetch_add(inside as u64, Ordering::Relaxed);
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
