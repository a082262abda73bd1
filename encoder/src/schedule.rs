//! The one place that decides which canvas frames are IDR pictures.

/// Decides "frame n is an IDR" for every rendition at once: the group's first frame, every `interval` frames after
/// it, and wherever one was requested. The intervals are counted anew from a requested one, so that an output that
/// begins there sees one steady cadence. Pure: it knows frame numbers only.
///
/// Frames may be missing (a compositor that lagged). An IDR whose frame is missing moves to the next frame that all
/// renditions take; later ones stay on the grid, so all tracks keep one cadence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdrSchedule {
    interval: u64,
    alignment: u64,
    /// First grid point that has not been served; `None` before the first frame.
    next_due: Option<u64>,
    requested: bool,
    healed_since_due: bool,
}

impl IdrSchedule {
    /// A schedule with an IDR every `interval` canvas frames, on frames whose number is a multiple of `alignment`:
    /// the least common multiple of the renditions' frame rate divisors, so that an IDR falls on a frame that every
    /// rendition takes. The interval is rounded up to a multiple of the alignment; both are at least 1.
    pub fn new(interval: u64, alignment: u64) -> Self {
        let alignment = alignment.max(1);
        Self {
            interval: interval.max(1).next_multiple_of(alignment),
            alignment,
            next_due: None,
            requested: false,
            healed_since_due: false,
        }
    }

    /// Canvas frames from one scheduled IDR to the next.
    pub fn interval(&self) -> u64 {
        self.interval
    }

    /// Every IDR's frame number is a multiple of this.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Asks for an IDR on the next frame that all renditions take.
    pub fn request(&mut self) {
        self.requested = true;
    }

    /// Asks for an IDR because one encoder slipped. Granted once per interval, so that an encoder which ignores
    /// requests can not turn the whole stream into IDRs. Returns whether it was granted.
    pub fn heal(&mut self) -> bool {
        let granted = !self.healed_since_due;
        self.healed_since_due = true;
        self.requested |= granted;
        granted
    }

    /// Whether the group has begun: before that, frames are not taken.
    pub fn has_begun(&self) -> bool {
        self.next_due.is_some()
    }

    /// What canvas frame `frame` is. Frames must come in rising order; `None` means that the group has not begun
    /// and does not begin with this frame, because not all renditions take it.
    pub fn decide(&mut self, frame: u64) -> Option<bool> {
        let aligned = frame.is_multiple_of(self.alignment);
        let Some(due) = self.next_due else {
            if !aligned {
                return None;
            }
            self.next_due = Some(frame.saturating_add(self.interval));
            self.requested = false;
            return Some(true);
        };
        let on_grid = frame >= due;
        if !aligned || !(on_grid || self.requested) {
            return Some(false);
        }
        if on_grid {
            let passed = (frame - due) / self.interval + 1;
            self.next_due = Some(due.saturating_add(passed.saturating_mul(self.interval)));
            self.healed_since_due = false;
        } else {
            self.next_due = Some(frame.saturating_add(self.interval));
        }
        self.requested = false;
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn idrs(schedule: &mut IdrSchedule, frames: impl Iterator<Item = u64>) -> Vec<u64> {
        frames.filter(|frame| schedule.decide(*frame) == Some(true)).collect()
    }

    #[test]
    fn two_seconds_at_thirty_is_every_sixtieth() {
        assert_eq!(idrs(&mut IdrSchedule::new(60, 1), 0..200), [0, 60, 120, 180]);
    }

    #[test]
    fn starts_on_a_frame_all_renditions_take_and_counts_from_there() {
        let mut schedule = IdrSchedule::new(60, 4);
        assert_eq!(schedule.decide(1001), None);
        assert!(!schedule.has_begun());
        assert_eq!(idrs(&mut schedule, 1002..1100), [1004, 1064]);
    }

    #[test]
    fn an_odd_interval_is_rounded_to_the_alignment() {
        assert_eq!(IdrSchedule::new(119, 2).interval(), 120);
    }

    #[test]
    fn healing_is_granted_once_per_interval() {
        let mut schedule = IdrSchedule::new(60, 1);
        schedule.decide(0);
        assert!(schedule.heal());
        assert_eq!(schedule.decide(1), Some(true));
        assert!(!schedule.heal());
        assert_eq!(schedule.decide(2), Some(false));
        assert_eq!(schedule.decide(60), Some(false), "the interval counts from the healing IDR");
        assert_eq!(schedule.decide(61), Some(true));
        assert!(schedule.heal());
    }

    proptest! {
        #[test]
        fn whole_runs_follow_the_grid_and_the_requests(
            first in 0u64..10_000,
            interval in 1u64..300,
            alignment in 1u64..7,
            requests in proptest::collection::btree_set(1u64..2_000, 0..20),
        ) {
            let mut schedule = IdrSchedule::new(interval, alignment);
            let interval = schedule.interval();
            let mut found = Vec::new();
            for frame in first..first + 2_000 {
                if requests.contains(&(frame - first)) {
                    schedule.request();
                }
                if schedule.decide(frame) == Some(true) {
                    found.push(frame);
                }
            }
            let begin = first.next_multiple_of(alignment);
            prop_assert_eq!(found.first(), Some(&begin));
            prop_assert!(found.iter().all(|frame| frame % alignment == 0));
            for pair in found.windows(2) {
                let asked = requests.iter().any(|r| (pair[0]..=pair[1]).contains(&(first + r)));
                let gap = pair[1] - pair[0];
                prop_assert!(gap == interval || (asked && gap < interval), "{pair:?} are {gap} apart");
            }
            prop_assert!(found.last().is_some_and(|last| last + interval >= first + 2_000));
            for request in &requests {
                let served = (first + request).max(begin).next_multiple_of(alignment);
                prop_assert!(served >= first + 2_000 || found.contains(&served), "request at {request} not served");
            }
        }

        #[test]
        fn gaps_never_lose_an_idr(
            interval in 2u64..120,
            alignment in 1u64..4,
            steps in proptest::collection::vec(1u64..50, 1..200),
        ) {
            let mut schedule = IdrSchedule::new(interval, alignment);
            let interval = schedule.interval();
            schedule.decide(0);
            let (mut frame, mut last_idr, mut aligned_since_due) = (0u64, 0u64, false);
            for step in steps {
                frame += step;
                let idr = schedule.decide(frame) == Some(true);
                let due = frame / interval > last_idr / interval;
                if frame % alignment == 0 {
                    aligned_since_due = true;
                    prop_assert_eq!(idr, due, "frame {}", frame);
                }
                if idr {
                    last_idr = frame;
                }
            }
            prop_assert!(aligned_since_due || last_idr == 0);
        }
    }
}
