//! Places of a ring of textures: which one is written next, and when it may be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Textures a ring has, at most. An encoder may hold its queue (200 ms, 12 at 60 frames per second), its reordering
/// (up to 4) and its look-ahead (up to 32), as many as the ring of NV12 pictures in 1920x1080 then takes 150 MB for.
/// They are made when they are needed, so that most rings stay below ten.
pub(crate) const MOST: usize = 48;

/// One place: held from [`Places::take`] until the last holder is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    is_held: bool,
    /// Value the fence has when the last writing is over. A holder may let go without having waited for it.
    written_at: u64,
}

/// All places of a ring.
#[derive(Debug, Default)]
pub(crate) struct Places {
    all: Mutex<Vec<Place>>,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place that nobody holds and whose last writing is over at fence value `completed`, or one more while there
    /// are fewer than [`MOST`]. Never waits.
    pub(crate) fn take(self: &Arc<Self>, completed: u64) -> Option<Held> {
        let mut all = self.lock();
        let free = all.iter().position(|place| !place.is_held && place.written_at <= completed);
        let number = match free {
            Some(number) => number,
            None if all.len() < MOST => {
                all.push(Place::default());
                all.len() - 1
            }
            None => return None,
        };
        if let Some(place) = all.get_mut(number) {
            place.is_held = true;
        }
        Some(Held { places: Arc::clone(self), number })
    }
}

/// A place that is written or read. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Held {
    places: Arc<Places>,
    number: usize,
}

impl Held {
    /// Number of the place, from 0.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Notes that the writing that was just asked for is over when the fence has reached `value`.
    pub(crate) fn written(&self, value: u64) {
        if let Some(place) = self.places.lock().get_mut(self.number) {
            place.written_at = value;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(place) = self.places.lock().get_mut(self.number) {
            place.is_held = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_comes_back_when_it_is_let_go_and_its_writing_is_over() {
        let places = Arc::new(Places::default());
        let first = places.take(0).unwrap();
        first.written(1);
        let second = places.take(0).unwrap();
        assert_ne!(first.number(), second.number());
        let number = first.number();
        drop(first);
        assert_ne!(places.take(0).unwrap().number(), number, "still being written");
        assert_eq!(places.take(1).unwrap().number(), number);
    }

    #[test]
    fn a_full_ring_gives_nothing_and_does_not_wait() {
        let places = Arc::new(Places::default());
        let mut held: Vec<_> = (0..MOST).map(|_| places.take(u64::MAX).unwrap()).collect();
        assert!(places.take(u64::MAX).is_none());
        let freed = held.swap_remove(7).number();
        assert_eq!(places.take(u64::MAX).unwrap().number(), freed);
    }

    proptest! {
        /// Whatever the readers and the adapter do, no place is given out while it is held or being written.
        #[test]
        fn nobody_writes_what_another_reads(steps in proptest::collection::vec((0u8..3, 0usize..64), 1..400)) {
            let places = Arc::new(Places::default());
            let (mut held, mut asked, mut completed) = (Vec::<Held>::new(), 0u64, 0u64);
            let mut written = std::collections::HashMap::new();
            for (what, which) in steps {
                match what {
                    0 => if let Some(place) = places.take(completed) {
                        prop_assert!(held.iter().all(|other| other.number() != place.number()));
                        prop_assert!(written.get(&place.number()).is_none_or(|at| *at <= completed));
                        asked += 1;
                        place.written(asked);
                        written.insert(place.number(), asked);
                        held.push(place);
                    } else {
                        prop_assert_eq!(written.len(), MOST);
                    },
                    1 => if !held.is_empty() {
                        let place = which % held.len();
                        drop(held.swap_remove(place));
                    },
                    _ => completed = asked.min(completed + which as u64),
                }
            }
        }
    }
}
