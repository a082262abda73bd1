//! Which bitrates an upload carries: down fast when it falls behind, up slowly, and no swinging in between.
//!
//! The ladder has steps, one of twenty of its nominal bitrate apart, from the lowest bitrates the service named up to
//! the nominal ones; the renditions share each step along their interpolation points, the highest giving way first
//! (GetClientConfiguration, `bitrate_interpolation_points`). Media that waits is the only sign of congestion. The
//! rate at which bytes left meanwhile says what the upload carries. On a path that loses packets at random TCP halves
//! its rate every now and then, and such a moment says little: there the mean of some seconds counts. A step that failed is remembered and tried again
//! ever more rarely, which is what ends the swinging.

use std::collections::VecDeque;

use ivs::ladder::interpolate;
use units::{Kbps, MediaTime, Span, TrackId};

use crate::RungRates;

/// From here on the upload has fallen behind: before the first tail of a group of pictures is dropped, which with five
/// renditions is at 800 ms (`QueueLimits::waiting`), and after what an IDR of a whole ladder leaves waiting.
const BEHIND: Span = Span::from_millis(400);
/// From here on it has, when what leaves is less than [`STEEP_PERCENT`] of what is made: what an IDR leaves waiting is
/// sent at the full rate of the link, and a pause that is over does not show for long enough.
const STEEPLY_BEHIND: Span = Span::from_millis(200);
const STEEP_PERCENT: u64 = 80;
/// From here on everything that leaves tells what the upload carries.
const BACKLOG: Span = Span::from_millis(150);
/// Below this the upload keeps up.
const CALM: Span = Span::from_millis(200);
/// An estimate needs this much time, and looks back no longer than [`LOOK_BACK`].
const SHORTEST_LOOK: Span = Span::from_millis(500);
const LOOK_BACK: Span = Span::from_millis(1_500);
/// On a path that loses packets at random, what left in this time says what it carries.
const LONG_LOOK: Span = Span::from_secs(5);
/// Lower bitrates get this long to show before they are lowered again.
const HOLD: Span = Span::from_millis(1_500);
/// And then have to have made the queue shorter by this.
const DRAINED: Span = Span::from_millis(50);
/// Calm for this long allows one step up.
const UP_AFTER: Span = Span::from_secs(8);
/// Calm for this long on a step that had failed before: it holds now.
const HELD_AFTER: Span = Span::from_secs(20);
/// A step that failed is tried again after a minute, then after twice as long each time.
const RETRY_AFTER: Span = Span::from_secs(60);
const LONGEST_RETRY: Span = Span::from_secs(960);
/// Of what the upload carries, this many of 100 are used: the rest empties the queue.
const USED_PERCENT: u64 = 85;
/// The lowest step that does not fit for this long is too much.
const OVERWHELMED_AFTER: Span = Span::from_secs(20);
/// Told again when nothing has become of it.
const TOLD_AGAIN_AFTER: Span = Span::from_secs(60);
/// Steps of the nominal bitrate.
const STEPS: u64 = 20;

/// What has to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateAdvice {
    /// These bitrates, of all renditions.
    Bitrates(Vec<(TrackId, Kbps)>),
    /// A smaller ladder: the lowest bitrates of this one do not fit.
    Overwhelmed {
        /// What the upload carries of pictures and sound, with a margin.
        sustainable: Kbps,
    },
}

/// The step that failed last.
#[derive(Clone, Copy, Debug)]
struct Barrier {
    step: u64,
    retry_at: MediaTime,
}

/// Chooses the bitrates of one stream. Reads no clock.
#[derive(Clone, Debug)]
pub struct RateControl {
    ladder: Vec<RungRates>,
    /// Sums in kbps.
    floor: u64,
    nominal: u64,
    /// Number of the highest step; the lowest is 0.
    top: u64,
    step: u64,
    changed_at: Option<MediaTime>,
    went_up: bool,
    barrier: Option<Barrier>,
    retry_after: Span,
    /// A step failed since the nominal bitrates held last.
    has_failed: bool,
    /// Since when little waits.
    calm_since: Option<MediaTime>,
    /// Bytes written by when, while there was a backlog.
    written: VecDeque<(MediaTime, u64)>,
    /// Bytes written by when, backlog or not.
    lately: VecDeque<(MediaTime, u64)>,
    /// What waited when it was last looked at whether lowering helps, and when.
    checked: Option<(MediaTime, Span)>,
    overwhelmed_since: Option<MediaTime>,
    told_at: Option<MediaTime>,
}

impl RateControl {
    /// At the nominal bitrates of `ladder`; `None` when there is nothing to choose.
    pub fn new(ladder: &[RungRates]) -> Option<Self> {
        let nominal: u64 = ladder.iter().map(|rung| u64::from(rung.nominal.0)).sum();
        let floor = lowest_usable(ladder).unwrap_or(nominal / 2);
        if nominal == 0 {
            return None;
        }
        let top = ((nominal - floor) * STEPS / nominal).max(u64::from(nominal > floor));
        Some(Self {
            ladder: ladder.to_vec(),
            floor,
            nominal,
            top,
            step: top,
            changed_at: None,
            went_up: false,
            barrier: None,
            retry_after: RETRY_AFTER,
            has_failed: false,
            calm_since: None,
            written: VecDeque::new(),
            lately: VecDeque::new(),
            checked: None,
            overwhelmed_since: None,
            told_at: None,
        })
    }

    /// The bitrates of the present step.
    pub fn bitrates(&self) -> Vec<(TrackId, Kbps)> {
        let aggregate = Kbps(u32::try_from(self.aggregate(self.step)).unwrap_or(u32::MAX));
        let rungs: Vec<(Kbps, &[Kbps])> =
            self.ladder.iter().map(|rung| (rung.nominal, rung.points.as_slice())).collect();
        let tracks = self.ladder.iter().map(|rung| rung.track);
        tracks.zip(interpolate(&rungs, aggregate)).collect()
    }

    /// Whether the bitrates are the nominal ones.
    pub const fn is_nominal(&self) -> bool {
        self.step == self.top
    }

    /// Goes back to the nominal bitrates and forgets everything.
    pub fn reset(&mut self) {
        if let Some(fresh) = Self::new(&self.ladder) {
            *self = fresh;
        }
    }

    /// Sum of the bitrates of `step` in kbps.
    fn aggregate(&self, step: u64) -> u64 {
        let above = ((self.nominal - self.floor) * step).checked_div(self.top);
        above.map_or(self.nominal, |above| self.floor + above)
    }

    /// Looks at the stream, a few times a second: how much media is `waiting` at `now`, how many bytes were `written`
    /// since the start, how much of the upload is `sound`, and whether the path `loses_at_random`: not only when it is
    /// full.
    pub fn observe(
        &mut self,
        waiting: Span,
        written: u64,
        sound: Kbps,
        loses_at_random: bool,
        now: MediaTime,
    ) -> Option<RateAdvice> {
        let lately = mean(&mut self.lately, LONG_LOOK, written, now);
        let mut carried = self.estimate(waiting, written, now);
        if loses_at_random {
            carried = carried.map(|carried| carried.max(lately.unwrap_or_default()));
        }
        if waiting < CALM {
            self.calm_since.get_or_insert(now);
            self.overwhelmed_since = None;
        } else {
            self.calm_since = None;
        }
        let made = self.aggregate(self.step) + u64::from(sound.0);
        let is_steep = carried.is_some_and(|carried| carried * 100 < made * STEEP_PERCENT);
        if waiting >= if is_steep { STEEPLY_BEHIND } else { BEHIND } {
            self.fallen_behind(waiting, carried?, u64::from(sound.0), now)
        } else {
            self.checked = self.checked.filter(|(at, _)| now - *at < HOLD);
            self.kept_up(now)
        }
    }

    /// What the upload carries in kbps, while it shows.
    fn estimate(&mut self, waiting: Span, written: u64, now: MediaTime) -> Option<u64> {
        if waiting < BACKLOG {
            self.written.clear();
            return None;
        }
        mean(&mut self.written, LOOK_BACK, written, now)
    }

    fn fallen_behind(
        &mut self,
        waiting: Span,
        carried: u64,
        sound: u64,
        now: MediaTime,
    ) -> Option<RateAdvice> {
        if self.step == 0 {
            return self.overwhelmed(carried, now);
        }
        if let Some((at, waited)) = self.checked.filter(|_| !self.went_up) {
            if now - at < HOLD {
                return None;
            }
            self.checked = Some((now, waiting));
            if waiting + DRAINED <= waited {
                return None;
            }
        }
        self.checked = Some((now, waiting));
        let budget = (carried * USED_PERCENT / 100).saturating_sub(sound);
        // A hiccup is told from a lasting loss only afterwards: no more than half at once.
        let least = budget.max(self.aggregate(self.step) / 2);
        let mut step = (0..self.step).rev().find(|step| self.aggregate(*step) <= least).unwrap_or(0);
        if self.went_up {
            // It was one step too many, as far as is known: the one below carried everything.
            step = step.max(self.step.saturating_sub(2));
            if self.has_failed {
                self.retry_after = (self.retry_after + self.retry_after).min(LONGEST_RETRY);
            }
        }
        self.has_failed = true;
        self.barrier = Some(Barrier { step: self.step, retry_at: now + self.retry_after });
        self.change(step, false, now)
    }

    fn kept_up(&mut self, now: MediaTime) -> Option<RateAdvice> {
        let calm = now - self.calm_since?;
        let steady = calm.min(self.changed_at.map_or(calm, |at| now - at));
        if let Some(barrier) = self.barrier
            && self.step >= barrier.step
            && steady >= HELD_AFTER
        {
            self.barrier = None;
        }
        if self.is_nominal() {
            // An upload that is a little short takes minutes to fall behind.
            if steady >= self.retry_after + self.retry_after {
                self.retry_after = RETRY_AFTER;
                self.has_failed = false;
            }
            return None;
        }
        let next = self.step + 1;
        let barred = self.barrier.is_some_and(|barrier| {
            // A step that failed and is being tried has to hold before the next one is.
            next > barrier.step || (next == barrier.step && now < barrier.retry_at)
        });
        if barred || steady < UP_AFTER { None } else { self.change(next, true, now) }
    }

    fn change(&mut self, step: u64, up: bool, now: MediaTime) -> Option<RateAdvice> {
        self.step = step;
        self.went_up = up;
        self.changed_at = Some(now);
        Some(RateAdvice::Bitrates(self.bitrates()))
    }

    fn overwhelmed(&mut self, carried: u64, now: MediaTime) -> Option<RateAdvice> {
        let since = *self.overwhelmed_since.get_or_insert(now);
        if now - since < OVERWHELMED_AFTER || self.told_at.is_some_and(|at| now - at < TOLD_AGAIN_AFTER) {
            return None;
        }
        self.told_at = Some(now);
        let sustainable = u32::try_from(carried * USED_PERCENT / 100).unwrap_or(u32::MAX);
        Some(RateAdvice::Overwhelmed { sustainable: Kbps(sustainable) })
    }
}

/// Mean rate in kbps of what was `written` in about the last `look_back`; `None` for less than [`SHORTEST_LOOK`].
fn mean(seen: &mut VecDeque<(MediaTime, u64)>, look_back: Span, written: u64, now: MediaTime) -> Option<u64> {
    seen.push_back((now, written));
    // The youngest entry that is old enough stays as the beginning.
    while seen.get(1).is_some_and(|(at, _)| now - *at >= look_back) {
        seen.pop_front();
    }
    let (since, before) = *seen.front()?;
    let millis = u64::try_from((now - since).as_millis()).ok()?;
    (now - since >= SHORTEST_LOOK).then(|| written.saturating_sub(before) * 8 / millis.max(1))
}

/// Sum of the lowest points at which every rendition still has a bitrate; `None` when the points are of no use.
fn lowest_usable(ladder: &[RungRates]) -> Option<u64> {
    let levels = ladder.first()?.points.len();
    let level = (0..levels)
        .find(|level| ladder.iter().all(|rung| rung.points.get(*level).is_some_and(|point| point.0 > 0)))?;
    let points: Option<Vec<Kbps>> = ladder.iter().map(|rung| rung.points.get(level).copied()).collect();
    let points = points?;
    let sum: Kbps = points.iter().copied().sum();
    let rungs: Vec<(Kbps, &[Kbps])> =
        ladder.iter().map(|rung| (rung.nominal, rung.points.as_slice())).collect();
    // The points count only if sharing a bitrate goes by them.
    (interpolate(&rungs, sum) == points).then_some(u64::from(sum.0))
}

#[cfg(test)]
mod tests;
