//! Waits for all that comes out of a short pipeline.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::Sink;
use crate::worker::lock;

/// Everything a pipeline gave.
#[derive(Default)]
pub(crate) struct Collected {
    /// Each buffer's bytes.
    pub(crate) buffers: Vec<Vec<u8>>,
    /// Caps of the last buffer.
    pub(crate) caps: Option<gst::Caps>,
}

#[derive(Default)]
struct State {
    collected: Collected,
    failure: Option<String>,
    ended: bool,
}

/// A [`Sink`] for pipelines that end soon.
#[derive(Default)]
pub(crate) struct Collector {
    state: Mutex<State>,
    changed: Condvar,
}

impl Collector {
    /// Waits for the end of the pipeline.
    ///
    /// # Errors
    /// In words, when it broke or took longer than `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Result<Collected, String> {
        let deadline = Instant::now() + limit;
        let mut state = lock(&self.state);
        loop {
            if let Some(failure) = state.failure.take() {
                return Err(failure);
            }
            if state.ended {
                return Ok(std::mem::take(&mut state.collected));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("it gave nothing back within {} seconds", limit.as_secs()));
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Sink for Collector {
    fn encoded(&self, _running_time_ns: Option<i64>, bytes: &[u8], caps: Option<&gst::CapsRef>) {
        let mut state = lock(&self.state);
        state.collected.buffers.push(bytes.to_vec());
        if let Some(caps) = caps {
            state.collected.caps = Some(caps.to_owned());
        }
    }

    fn broken(&self, reason: String) {
        lock(&self.state).failure.get_or_insert(reason);
        self.changed.notify_all();
    }

    fn ended(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }
}
