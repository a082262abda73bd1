//! Where a source's thread leaves what it has, for whoever looks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use units::VideoFrame;

use crate::SourceState;

/// The newest frame of a source, its state, and how it is captured. Readers never wait for writers.
pub(crate) struct Slot {
    frame: ArcSwapOption<VideoFrame>,
    frames: AtomicU64,
    state: ArcSwap<SourceState>,
    via: ArcSwap<String>,
}

impl Slot {
    pub(crate) fn new(via: &str) -> Self {
        Self {
            frame: ArcSwapOption::empty(),
            frames: AtomicU64::new(0),
            state: ArcSwap::from_pointee(SourceState::Starting),
            via: ArcSwap::from_pointee(via.to_owned()),
        }
    }

    /// A frame from the device.
    pub(crate) fn publish(&self, frame: VideoFrame) {
        self.frame.store(Some(Arc::new(frame)));
        self.frames.fetch_add(1, Ordering::Release);
    }

    /// A picture that stands in for the device, or nothing; does not count as a frame of it.
    pub(crate) fn show(&self, picture: Option<Arc<VideoFrame>>) {
        self.frame.store(picture);
    }

    pub(crate) fn newest(&self) -> Option<Arc<VideoFrame>> {
        self.frame.load_full()
    }

    /// Frames the device delivered so far.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> SourceState {
        SourceState::clone(&self.state.load())
    }

    pub(crate) fn set_state(&self, state: SourceState) {
        self.state.store(Arc::new(state));
    }

    pub(crate) fn via(&self) -> String {
        String::clone(&self.via.load())
    }

    pub(crate) fn set_via(&self, via: String) {
        self.via.store(Arc::new(via));
    }
}

/// Tells a source's thread to end, and lets it sleep until then.
#[derive(Default)]
pub(crate) struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn lock(&self) -> MutexGuard<'_, bool> {
        // A bool cannot be left half-written, so a poisoned lock still holds a good one.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ask(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.lock()
    }

    /// Sleeps for `time`, or until the end is asked for; returns whether it was.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut asked = self.lock();
        while !*asked {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (asked, _) = self.changed.wait_timeout(asked, left).unwrap_or_else(PoisonError::into_inner);
        }
        *asked
    }
}
