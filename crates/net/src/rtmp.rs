//! An output over RTMP or RTMPS: the session, and the task that drives it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ertmp::RANDOM_BYTES;
use publish::{Delivered, Session, Stats};
use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use units::{AccessUnit, Clock, StreamConfig};

use crate::driver::{self, Driver};
use crate::output::{Output, Tellings, Way};
use crate::{Destination, Error, trust};

/// What the handle and the task share. The lock is only ever held for computation, never across a wait.
pub(crate) struct Shared {
    session: Mutex<Session>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Something for the task to look at.
    pub(crate) wake: Notify,
}

impl Shared {
    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
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
    let config = destination.session_config()?;
    let tls = trust::client_config(destination.ca.as_deref(), config.tls)?;
    let name = ServerName::try_from(config.host.clone()).map_err(|_| Error::HostUnusable)?;
    let mut random = [0; RANDOM_BYTES];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut random)
        .map_err(|_| Error::Encryption(String::from("it gives no random numbers")))?;
    let (host, port) = (config.host.clone(), config.port);
    let session = Session::new(config, &random, clock.now());
    let shared = Arc::new(Shared { session: Mutex::new(session), clock, wake: Notify::new() });
    let (tellings, heard) = Tellings::new();
    let driver = Driver { shared: Arc::clone(&shared), host, port, tls, name, tellings };
    runtime.spawn(driver::run(driver));
    Ok(Output::new(Box::new(Rtmp(shared)), heard))
}

/// The handle's half.
struct Rtmp(Arc<Shared>);

impl Rtmp {
    /// Does something to the session, and has the task look at it.
    fn with<T>(&self, act: impl FnOnce(&mut Session, units::MediaTime) -> T) -> T {
        let now = self.0.clock.now();
        let result = act(&mut self.0.session(), now);
        self.0.wake.notify_one();
        result
    }
}

impl Way for Rtmp {
    fn begin(&self, config: StreamConfig) {
        self.0.session().begin(config);
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
        self.with(Session::stop);
    }

    fn depart(&self) {
        self.with(Session::depart);
    }

    fn conclude(&self) {
        self.with(Session::conclude);
    }

    fn proceed(&self) {
        self.with(Session::proceed);
    }

    fn let_go(&self) {
        self.with(Session::let_go);
    }
}
