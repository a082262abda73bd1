//! Who is inside of a library, so that it is shut down when nobody is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Counts who is inside, until it is over.
#[derive(Debug)]
pub(super) struct Visits {
    inside: AtomicUsize,
    is_over: AtomicBool,
}

/// One that is inside until it is dropped. There may be several of one thread.
#[derive(Debug)]
pub(super) struct Visit<'a>(&'a Visits);

impl Visits {
    pub(super) const fn new() -> Self {
        Self { inside: AtomicUsize::new(0), is_over: AtomicBool::new(false) }
    }

    /// Goes inside; `None` once it is over.
    pub(super) fn begin(&self) -> Option<Visit<'_>> {
        // All accesses are sequentially consistent: either this count is seen by who ends it, or the end is seen here.
        self.inside.fetch_add(1, Ordering::SeqCst);
        let visit = Visit(self);
        (!self.is_over.load(Ordering::SeqCst)).then_some(visit)
    }

    /// Lets nobody in from now on, and waits for `patience` until all have left: whether they did.
    #[cfg_attr(
        all(windows, not(test)),
        expect(dead_code, reason = "there the program ends without its libraries")
    )]
    pub(super) fn end(&self, patience: Duration) -> bool {
        self.is_over.store(true, Ordering::SeqCst);
        let began = Instant::now();
        while self.inside.load(Ordering::SeqCst) > 0 {
            if began.elapsed() >= patience {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_inside_when_it_is_over() {
        for _ in 0..200 {
            let (visits, is_shut) = (Visits::new(), AtomicBool::new(false));
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while let Some(_visit) = visits.begin() {
                            assert!(!is_shut.load(Ordering::SeqCst));
                            thread::yield_now();
                            assert!(!is_shut.load(Ordering::SeqCst));
                        }
                    });
                }
                scope.spawn(|| {
                    assert!(visits.end(Duration::from_secs(60)));
                    is_shut.store(true, Ordering::SeqCst);
                });
            });
            assert!(visits.begin().is_none());
        }
    }

    #[test]
    fn who_stays_is_waited_for_only_so_long() {
        let visits = Visits::new();
        let visit = visits.begin();
        assert!(visit.is_some() && !visits.end(Duration::ZERO));
        drop(visit);
        assert!(visits.end(Duration::ZERO));
    }
}
