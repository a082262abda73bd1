//! The one media clock, backed by the system's monotonic clock.

use std::time::{Duration, Instant};

use units::{Clock, MediaTime, Span};

/// Zero when made; never goes backwards.
#[derive(Debug)]
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Sleeps until `at`, or not at all when that has passed.
    pub(crate) fn sleep_until(&self, at: MediaTime) {
        let wait = at - self.now();
        if wait > Span::ZERO {
            std::thread::sleep(wait.to_duration());
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> MediaTime {
        let passed: Duration = self.start.elapsed();
        MediaTime::ZERO + Span::from_duration(passed)
    }
}
