//! An output over SRT: the session, and the task that drives it.

mod driver;
mod elements;
mod end;
mod multiplexer;
mod question;
mod refusal;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use publish::{Delivered, SrtSession, Stats};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use units::{AccessUnit, Clock, MediaTime, StreamConfig};

use crate::output::{Output, Tellings, Way};
use crate::{Destination, Error};
use driver::Driver;

/// What the handle and the task share. The lock is only ever held for computation, never across a wait.
pub(crate) struct Shared {
    session: Mutex<SrtSession>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Something for the task to look at.
    pub(crate) wake: Notify,
}

impl Shared {
    pub(crate) fn session(&self) -> MutexGuard<'_, SrtSession> {
        // A panic while the lock was held stopped one caller; the session's state is made of whole steps.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a session with `destination` on `runtime`.
///
/// # Errors
/// Everything that is wrong with the destination before anything is sent.
pub(crate) fn start(
    runtime: &Handle,
    destination: &Destination,
    clock: Arc<dyn Clock>,
) -> Result<Output, Error> {
    let config = destination.srt_config()?;
    let (target, latency) = (config.target.clone(), config.latency);
    let session = SrtSession::new(config, clock.now());
    let shared = Arc::new(Shared { session: Mutex::new(session), clock, wake: Notify::new() });
    let (tellings, heard) = Tellings::new();
    runtime.spawn(driver::run(Driver { shared: Arc::clone(&shared), target, latency, tellings }));
    Ok(Output::new(Box::new(Srt(shared)), heard))
}

/// The handle's half.
struct Srt(Arc<Shared>);

impl Srt {
    /// Does something to the session, and has the task look at it.
    fn with<T>(&self, act: impl FnOnce(&mut SrtSession, MediaTime) -> T) -> T {
        let now = self.0.clock.now();
        let result = act(&mut self.0.session(), now);
        self.0.wake.notify_one();
        result
    }
}

impl Way for Srt {
    fn begin(&self, config: StreamConfig) {
        self.with(|session, _| session.begin(&config));
    }

    fn send(&self, unit: Arc<AccessUnit>) {
        self.with(|session, now| session.push(unit, now));
    }

    fn stats(&self) -> Stats {
        let now = self.0.clock.now();
        self.0.session().stats(now)
    }

    fn deliveries(&self) -> Vec<Delivered> {
        self.0.session().deliveries()
    }

    fn stop(&self) {
        self.with(SrtSession::stop);
    }

    fn depart(&self) {
        self.with(SrtSession::depart);
    }

    fn conclude(&self) {
        self.with(SrtSession::conclude);
    }

    fn proceed(&self) {
        self.with(SrtSession::proceed);
    }

    fn let_go(&self) {
        self.with(SrtSession::let_go);
    }
}
