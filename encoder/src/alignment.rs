//! Whether the renditions' IDRs were the same pictures, looked at where it counts: in what the encoders gave.

use std::collections::VecDeque;
use std::sync::Mutex;

use units::{Pts, TrackId};

use crate::worker::lock;

/// How the IDRs of all renditions lay to each other since the group started. A rendition that was given up is left
/// out of account from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// Groups of pictures whose IDRs all renditions gave with equal presentation times.
    pub idrs: u64,
    /// IDRs that at least one rendition did not give, or gave where none was scheduled.
    pub misaligned: u64,
    /// Of `idrs`, those that were put in because a rendition had slipped.
    pub healed: u64,
}

/// Scheduled IDRs that may wait for a rendition. One that is behind by more is started again long before.
const MOST_OPEN: usize = 64;

/// Compares what was scheduled with what came.
pub(crate) struct AlignmentWatch {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tracks: Vec<Watched>,
    open: VecDeque<Scheduled>,
    totals: Alignment,
    /// Frame of the last IDR that nobody had scheduled.
    stray: Option<u64>,
}

#[derive(Debug)]
struct Watched {
    track: TrackId,
    has_left: bool,
    last_idr: Option<u64>,
    misaligned: u64,
}

#[derive(Debug)]
struct Scheduled {
    index: u64,
    heals: bool,
    /// Presentation time of the first that came.
    pts: Option<Pts>,
    /// Per track, whether nothing more is to be expected of it.
    settled: Vec<bool>,
    is_aligned: bool,
}

impl AlignmentWatch {
    /// For renditions of these numbers.
    pub(crate) fn new(tracks: impl Iterator<Item = TrackId>) -> Self {
        let watched = |track| Watched { track, has_left: false, last_idr: None, misaligned: 0 };
        let tracks = tracks.map(watched).collect();
        let (open, totals) = (VecDeque::new(), Alignment::default());
        Self { state: Mutex::new(State { tracks, open, totals, stray: None }) }
    }

    /// Frame `index` is to be an IDR on all renditions. Frames come in rising order.
    pub(crate) fn scheduled(&self, index: u64, heals: bool) {
        let mut state = lock(&self.state);
        let settled = state.tracks.iter().map(|watched| watched.has_left).collect();
        state.open.push_back(Scheduled { index, heals, pts: None, settled, is_aligned: true });
        if state.open.len() > MOST_OPEN {
            state.open.pop_front();
            state.totals.misaligned += 1;
        }
    }

    /// A picture of frame `index` came out of a rendition's encoder.
    pub(crate) fn came(&self, track: TrackId, index: u64, pts: Pts, is_idr: bool) {
        let mut state = lock(&self.state);
        let State { tracks, open, totals, stray } = &mut *state;
        let Some(place) = tracks.iter().position(|watched| watched.track == track) else { return };
        let Some(watched) = tracks.get_mut(place) else { return };
        if is_idr {
            watched.last_idr = Some(index);
        }
        let mut was_scheduled = false;
        for scheduled in open.iter_mut().take_while(|scheduled| scheduled.index <= index) {
            let Some(settled) = scheduled.settled.get_mut(place) else { continue };
            let gives = is_idr && scheduled.index == index;
            was_scheduled |= gives;
            if std::mem::replace(settled, true) {
                continue;
            }
            // Nothing that lies before an IDR comes behind it.
            if !gives || *scheduled.pts.get_or_insert(pts) != pts {
                scheduled.is_aligned = false;
                watched.misaligned += 1;
            }
        }
        if is_idr && !was_scheduled {
            watched.misaligned += 1;
            if stray.replace(index) != Some(index) {
                totals.misaligned += 1;
            }
        }
        state.close();
    }

    /// This rendition has no encoder any more and gets none.
    pub(crate) fn left(&self, track: TrackId) {
        let mut state = lock(&self.state);
        let State { tracks, open, .. } = &mut *state;
        let Some(place) = tracks.iter().position(|watched| watched.track == track) else { return };
        if let Some(watched) = tracks.get_mut(place) {
            watched.has_left = true;
        }
        for settled in open.iter_mut().filter_map(|scheduled| scheduled.settled.get_mut(place)) {
            *settled = true;
        }
        state.close();
    }

    /// The figures so far.
    pub(crate) fn totals(&self) -> Alignment {
        lock(&self.state).totals
    }

    /// Frame of a rendition's newest IDR, and how many it gave amiss.
    pub(crate) fn of(&self, track: TrackId) -> (Option<u64>, u64) {
        let state = lock(&self.state);
        let watched = state.tracks.iter().find(|watched| watched.track == track);
        watched.map_or((None, 0), |watched| (watched.last_idr, watched.misaligned))
    }
}

impl State {
    /// Counts the IDRs of which everything is known.
    fn close(&mut self) {
        while let Some(oldest) =
            self.open.pop_front_if(|oldest| oldest.settled.iter().all(|settled| *settled))
        {
            if !oldest.is_aligned {
                self.totals.misaligned += 1;
            } else if oldest.pts.is_some() {
                self.totals.idrs += 1;
                self.totals.healed += u64::from(oldest.heals);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use units::FrameRate;

    use super::*;

    fn watch(tracks: u8) -> AlignmentWatch {
        AlignmentWatch::new((0..tracks).map(TrackId))
    }

    fn came(watch: &AlignmentWatch, track: u8, index: u64, is_idr: bool) {
        watch.came(TrackId(track), index, FrameRate::FPS_30.pts_of(index), is_idr);
    }

    #[test]
    fn an_idr_counts_when_all_have_given_it() {
        let watch = watch(2);
        watch.scheduled(0, false);
        came(&watch, 0, 0, true);
        came(&watch, 0, 1, false);
        assert_eq!(watch.totals(), Alignment::default());
        came(&watch, 1, 0, true);
        assert_eq!(watch.totals(), Alignment { idrs: 1, ..Alignment::default() });
        watch.scheduled(30, true);
        came(&watch, 1, 30, true);
        came(&watch, 0, 30, true);
        assert_eq!(watch.totals(), Alignment { idrs: 2, misaligned: 0, healed: 1 });
        assert_eq!(watch.of(TrackId(0)), (Some(30), 0));
    }

    #[test]
    fn one_that_is_missing_and_one_too_many_are_seen_and_whose_they_are() {
        let watch = watch(3);
        watch.scheduled(0, false);
        (0..3).for_each(|track| came(&watch, track, 0, true));
        watch.scheduled(30, false);
        came(&watch, 0, 30, true);
        came(&watch, 1, 30, false);
        came(&watch, 2, 31, false);
        assert_eq!(watch.totals(), Alignment { idrs: 1, misaligned: 1, healed: 0 });
        came(&watch, 1, 40, true);
        came(&watch, 2, 40, true);
        assert_eq!(watch.totals().misaligned, 2, "one stray IDR is one, on however many renditions");
        let amiss: Vec<_> = (0..3).map(|track| watch.of(TrackId(track)).1).collect();
        assert_eq!(amiss, [0, 2, 2]);
    }

    #[test]
    fn who_has_left_is_not_waited_for() {
        let watch = watch(2);
        watch.scheduled(0, false);
        came(&watch, 0, 0, true);
        watch.left(TrackId(1));
        watch.scheduled(30, false);
        came(&watch, 0, 30, true);
        assert_eq!(watch.totals(), Alignment { idrs: 2, ..Alignment::default() });
    }

    proptest! {
        /// Every track gives its pictures in order; which track is how far is left to chance.
        #[test]
        fn whatever_the_order_every_idr_is_counted_once(
            turns in proptest::collection::vec(0u8..3, 0..600),
            skipped in proptest::collection::btree_set((0u8..3, 0u64..10), 0..6),
        ) {
            let watch = watch(3);
            for index in 0..10 {
                watch.scheduled(index * 10, false);
            }
            let mut next = [0u64; 3];
            let rest = (0..3u8).flat_map(|track| std::iter::repeat_n(track, 101));
            for track in turns.into_iter().chain(rest) {
                let index = next[usize::from(track)];
                if index > 100 {
                    continue;
                }
                next[usize::from(track)] += 1;
                let is_idr = index % 10 == 0 && index < 100 && !skipped.contains(&(track, index / 10));
                came(&watch, track, index, is_idr);
                let totals = watch.totals();
                prop_assert!(totals.idrs + totals.misaligned <= 10);
            }
            let amiss: std::collections::BTreeSet<u64> = skipped.iter().map(|(_, group)| *group).collect();
            let totals = watch.totals();
            prop_assert_eq!(totals.misaligned, amiss.len() as u64);
            prop_assert_eq!(totals.idrs, 10 - amiss.len() as u64);
        }
    }
}
