//! The one media clock, backed by the system's monotonic clock.

use std::time::{Duration, Instant, SystemTime};

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

    /// Nanoseconds from 1970-01-01T00:00:00Z to this clock's zero, by the time of day as it is now.
    pub(crate) fn unix_nanos_at_zero(&self) -> i64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX) - self.now().as_nanos()
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
