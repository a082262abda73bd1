//! Time that passes when a test says so.

use std::sync::atomic::{AtomicI64, Ordering};

use units::{Clock, MediaTime, Span};

/// A clock that stands still until it is told otherwise.
#[derive(Debug, Default)]
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// A clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `span` pass.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.as_nanos(), Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(self.0.load(Ordering::SeqCst))
    }
}
