//! Whose turn it is to hand work to the adapter: the compositor's, save while the window changes its surface.
//!
//! The window shares the compositor's queue. A surface can only be configured while that queue is empty, and wgpu (30,
//! `Surface::configure`) refuses the call when another thread submits while it waits for that: a window would keep the
//! size that it had before it was resized.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest time the compositor waits for the window. A surface is configured in a few milliseconds; a window that hangs
/// meanwhile must not take the show with it.
const LONGEST_HOLD: Duration = Duration::from_millis(100);

/// The compositor's turn, and until when it is put off.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    held_until: Mutex<Option<Instant>>,
    given_back: Condvar,
}

impl Turns {
    /// Runs `submit` when nobody holds the queue, at most [`LONGEST_HOLD`] from now.
    pub(crate) fn take<T>(&self, submit: impl FnOnce() -> T) -> T {
        let mut held_until = self.lock();
        while let Some(left) = held_until.and_then(|until| until.checked_duration_since(Instant::now())) {
            held_until = self
                .given_back
                .wait_timeout(held_until, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(guard, _)| guard);
        }
        *held_until = None;
        submit()
    }

    /// Puts the compositor's turn off until the result is dropped.
    pub(crate) fn hold(self: &Arc<Self>) -> HeldSubmissions {
        *self.lock() = Some(Instant::now() + LONGEST_HOLD);
        HeldSubmissions { turns: Arc::clone(self) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.held_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this lives, for a tenth of a second at most, the compositor hands nothing to the adapter.
#[derive(Debug)]
#[must_use = "the compositor goes on when this is dropped"]
pub struct HeldSubmissions {
    turns: Arc<Turns>,
}

impl Drop for HeldSubmissions {
    fn drop(&mut self) {
        *self.turns.lock() = None;
        self.turns.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn nothing_is_submitted_until_the_turn_is_given_back() {
        let turns = Arc::new(Turns::default());
        let is_given_back = AtomicBool::new(false);
        let began = Instant::now();
        let held = turns.hold();
        std::thread::scope(|scope| {
            let compositor = scope.spawn(|| {
                turns.take(|| is_given_back.load(Ordering::Acquire) || began.elapsed() >= LONGEST_HOLD)
            });
            is_given_back.store(true, Ordering::Release);
            drop(held);
            assert!(compositor.join().unwrap());
        });
    }

    #[test]
    fn a_window_that_hangs_does_not_stop_the_compositor() {
        let turns = Arc::new(Turns::default());
        let began = Instant::now();
        let held = turns.hold();
        turns.take(|| ());
        assert!(began.elapsed() >= LONGEST_HOLD);
        // A late end is nobody's loss, and the next hold holds again.
        drop(held);
        let again = turns.hold();
        assert!(turns.lock().is_some());
        drop(again);
        assert!(turns.lock().is_none());
    }

    /// What `Surface::configure` waits for, which nothing but a window can call.
    #[test]
    fn the_queue_runs_empty_beside_a_busy_compositor() {
        let gpu = crate::Gpu::open(None).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    let encoder =
                        gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                    gpu.submit(encoder.finish());
                }
            });
            for _ in 0..200 {
                let began = Instant::now();
                let held = gpu.hold_submissions();
                let status = gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
                let is_empty = status.is_queue_empty() || began.elapsed() >= LONGEST_HOLD;
                drop(held);
                // Said before anything can panic, or the compositor would go on for ever.
                is_over.fetch_or(!is_empty, Ordering::AcqRel);
                assert!(is_empty, "{status:?}");
            }
            is_over.store(true, Ordering::Release);
        });
    }
}
