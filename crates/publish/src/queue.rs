//! The queue between the encoders and one output: all tracks, in decode order, bounded.
//!
//! Two jobs meet here because both need to see every track at once. **Order:** units are handed out by rising decode
//! time over all tracks, which the service's FLV based ingest expects; a unit waits a moment for a slower track, and
//! no longer than [`QueueLimits::patience`]. **Bounds:** when the upload is too slow, the tails of groups of pictures
//! are dropped, highest rendition first; never an IDR, never sound, and never a picture on which a kept one depends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use units::{AccessUnit, Dts, MediaTime, Span, Track, TrackConfig};

/// Two tracks whose units follow each other within this are taken as equally far: the length of a picture or of a
/// frame of sound is rounded down to the nanosecond, so "the next one is due at" can lie a little early.
const ROUNDING: Span = Span::from_micros(1);

/// When the queue is full, and how long it waits to put tracks in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Longest time a picture that may be dropped waits, measured against the newest unit of any track. The lowest
    /// rendition may wait this long; of N renditions the k-th from the top k/N of it, so the highest gives way first.
    pub waiting: Span,
    /// Most bytes of access units kept while there is anything that may be dropped.
    pub bytes: usize,
    /// How long a unit waits for units of other tracks that belong before it.
    pub patience: Span,
}

impl Default for QueueLimits {
    /// 4 s, 16 MiB and 40 ms. Four seconds are two keyframe intervals of the recommended two seconds (IVS user guide,
    /// "Encoder Settings"), so a hiccup of one interval costs nothing; 16 MiB hold four seconds of 30 Mbps, more than
    /// any ladder of the service; 40 ms are two frames of sound at 48 kHz, less than the 50 ms that composition to
    /// socket may take.
    fn default() -> Self {
        Self { waiting: Span::from_secs(4), bytes: 16 << 20, patience: Span::from_millis(40) }
    }
}

/// A unit in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The unit.
    pub unit: Arc<AccessUnit>,
    /// Decoder configuration that has to be sent before it, because it changed.
    pub config: Option<TrackConfig>,
    /// When it came in.
    pub pushed_at: MediaTime,
}

/// What became of a unit that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is waiting. Others may have been dropped to make room.
    Kept,
    /// It was dropped: the queue is full, or a picture it depends on was dropped.
    Dropped,
    /// It is of a track that was not announced. A caller's bug; nothing was kept.
    UnknownTrack,
    /// Its decode time is not after that of the unit before it on its track. A caller's bug; nothing was kept.
    OutOfOrder,
}

/// What was dropped on one track, or on all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Pictures.
    pub units: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Media time between the oldest unit that waits and the newest that came in; zero when nothing waits.
    pub waiting: Span,
    /// Bytes of access units waiting.
    pub bytes: usize,
    /// Access units waiting.
    pub units: usize,
    /// Everything dropped since the start.
    pub dropped: Dropped,
}

#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Queued>,
    /// Decode time of the newest unit that came in, kept or not.
    newest: Option<Dts>,
    /// Decode time at which the unit after it is due.
    next_due: Option<Dts>,
    /// A picture was dropped; nothing fits on until the next IDR.
    broken: bool,
    dropped: Dropped,
}

/// Sound is never dropped, and neither is a picture that decoding can start with.
fn is_droppable(unit: &AccessUnit) -> bool {
    unit.is_video() && !unit.is_idr
}

impl Lane {
    fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            newest: None,
            next_due: None,
            broken: false,
            dropped: Dropped::default(),
        }
    }

    fn oldest_droppable(&self) -> Option<usize> {
        self.waiting.iter().position(|queued| is_droppable(&queued.unit))
    }

    fn count_dropped(&mut self, unit: &AccessUnit) {
        self.dropped.units += 1;
        self.dropped.bytes += unit.data.len() as u64;
    }

    /// Drops the oldest droppable picture and everything after it up to the next IDR. Returns the bytes freed.
    fn drop_tail(&mut self) -> usize {
        let Some(first) = self.oldest_droppable() else { return 0 };
        let after =
            self.waiting.range(first..).position(|queued| !is_droppable(&queued.unit)).map(|n| first + n);
        if after.is_none() {
            self.broken = true;
        }
        let tail: Vec<Queued> = self.waiting.drain(first..after.unwrap_or(self.waiting.len())).collect();
        let mut bytes = 0;
        for queued in &tail {
            bytes += queued.unit.data.len();
            self.count_dropped(&queued.unit);
        }
        bytes
    }
}

/// Access units of all tracks on their way to one output.
#[derive(Debug)]
pub struct SendQueue {
    limits: QueueLimits,
    lanes: BTreeMap<Track, Lane>,
    bytes: usize,
    units: usize,
    newest: Option<Dts>,
    disordered: u64,
    popped: Option<Dts>,
    /// Replaces the limit of time, for all tracks alike.
    lenience: Option<Span>,
}

impl SendQueue {
    /// An empty queue for `tracks`.
    pub fn new(limits: QueueLimits, tracks: impl IntoIterator<Item = Track>) -> Self {
        Self {
            limits,
            lanes: tracks.into_iter().map(|track| (track, Lane::new())).collect(),
            bytes: 0,
            units: 0,
            newest: None,
            disordered: 0,
            popped: None,
            lenience: None,
        }
    }

    /// Lets every picture wait for `waiting` instead of its share of [`QueueLimits::waiting`], until told `None`: for
    /// what was kept on purpose and is being caught up with. The limit of bytes stays.
    pub fn be_lenient(&mut self, waiting: Option<Span>) {
        self.lenience = waiting;
        self.make_room();
    }

    /// Takes a unit that came in at `now`, behind `config` when that changed, and drops what has to go.
    pub fn push(&mut self, unit: Arc<AccessUnit>, config: Option<TrackConfig>, now: MediaTime) -> Pushed {
        let Some(lane) = self.lanes.get_mut(&unit.track) else { return Pushed::UnknownTrack };
        if lane.newest.is_some_and(|newest| unit.dts <= newest) {
            return Pushed::OutOfOrder;
        }
        lane.newest = Some(unit.dts);
        lane.next_due = Some(unit.dts + unit.span);
        self.newest = self.newest.max(Some(unit.dts));
        if !is_droppable(&unit) {
            lane.broken = false;
        } else if lane.broken {
            lane.count_dropped(&unit);
            // It has made the others older all the same.
            self.make_room();
            return Pushed::Dropped;
        }
        let track = unit.track;
        self.bytes += unit.data.len();
        self.units += 1;
        lane.waiting.push_back(Queued { unit, config, pushed_at: now });
        self.make_room();
        // A unit that was kept is the last of its lane; a lane that broke just now lost exactly the unit pushed, or
        // a tail that ends with it.
        match self.lanes.get(&track) {
            Some(lane) if lane.broken => Pushed::Dropped,
            _ => Pushed::Kept,
        }
    }

    fn make_room(&mut self) {
        let Some(newest) = self.newest else { return };
        let renditions = self.lanes.keys().filter(|track| matches!(track, Track::Video(_))).count();
        let mut rank: i64 = 0;
        for (track, lane) in &mut self.lanes {
            // Nothing is droppable on the lanes of sound; they have no rank either.
            if !matches!(track, Track::Video(_)) {
                continue;
            }
            rank += 1;
            let share = self.limits.waiting.as_nanos() / i64::try_from(renditions).unwrap_or(i64::MAX);
            let allowance = self.lenience.unwrap_or(Span::from_nanos(share.saturating_mul(rank)));
            while lane
                .oldest_droppable()
                .and_then(|at| lane.waiting.get(at))
                .is_some_and(|queued| newest - queued.unit.dts > allowance)
            {
                let before = lane.waiting.len();
                self.bytes -= lane.drop_tail();
                self.units -= before - lane.waiting.len();
            }
        }
        for lane in self.lanes.values_mut() {
            while self.bytes > self.limits.bytes && lane.oldest_droppable().is_some() {
                let before = lane.waiting.len();
                self.bytes -= lane.drop_tail();
                self.units -= before - lane.waiting.len();
            }
        }
    }

    /// The track whose turn it is, and when: at once when every other track has shown that nothing earlier is to come,
    /// else when patience ends.
    fn next_turn(&self) -> Option<(Track, Option<MediaTime>)> {
        let (track, head) = self
            .lanes
            .iter()
            .filter_map(|(track, lane)| lane.waiting.front().map(|head| (*track, head)))
            .min_by_key(|(track, head)| (head.unit.dts, *track))?;
        let in_order = self.lanes.values().all(|lane| {
            !lane.waiting.is_empty() || lane.next_due.is_some_and(|due| due + ROUNDING >= head.unit.dts)
        });
        let at = if in_order { None } else { Some(head.pushed_at + self.limits.patience) };
        Some((track, at))
    }

    /// Takes the unit whose turn it is; `None` when nothing waits, or a track is still worth waiting for.
    pub fn pop(&mut self, now: MediaTime) -> Option<Queued> {
        let (track, at) = self.next_turn()?;
        if at.is_some_and(|at| now < at) {
            return None;
        }
        self.take(track)
    }

    /// Takes the unit whose turn it is without waiting for any track: for the end of a stream.
    pub fn pop_at_end(&mut self) -> Option<Queued> {
        let (track, _) = self.next_turn()?;
        self.take(track)
    }

    fn take(&mut self, track: Track) -> Option<Queued> {
        let queued = self.lanes.get_mut(&track)?.waiting.pop_front()?;
        self.bytes -= queued.unit.data.len();
        self.units -= 1;
        if self.popped.is_some_and(|popped| queued.unit.dts < popped) {
            self.disordered += 1;
        }
        self.popped = self.popped.max(Some(queued.unit.dts));
        Some(queued)
    }

    /// When [`Self::pop`] has to be asked again even if nothing is pushed; `None` when nothing waits.
    pub fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        self.next_turn().map(|(_, at)| at.unwrap_or(now))
    }

    /// Forgets everything that waits, uncounted: the stream is over.
    pub fn clear(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.waiting.clear();
            lane.broken = true;
        }
        self.bytes = 0;
        self.units = 0;
    }

    /// How full it is.
    pub fn gauge(&self) -> Gauge {
        let oldest =
            self.lanes.values().filter_map(|lane| lane.waiting.front()).map(|head| head.unit.dts).min();
        let waiting = match (self.newest, oldest) {
            (Some(newest), Some(oldest)) => newest - oldest,
            _ => Span::ZERO,
        };
        let mut dropped = Dropped::default();
        for lane in self.lanes.values() {
            dropped.units += lane.dropped.units;
            dropped.bytes += lane.dropped.bytes;
        }
        Gauge { waiting, bytes: self.bytes, units: self.units, dropped }
    }

    /// What was dropped on each track since the start, by track.
    pub fn dropped(&self) -> impl Iterator<Item = (Track, Dropped)> + '_ {
        self.lanes.iter().map(|(track, lane)| (*track, lane.dropped))
    }

    /// Units handed out although one with a later decode time, of another track, had gone before: a track was slower
    /// than the patience.
    pub fn disordered(&self) -> u64 {
        self.disordered
    }
}
