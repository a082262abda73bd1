//! The handle that the rest of the program holds.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ertmp::RANDOM_BYTES;
use ertmp::flv::Form;
use ivs::{IngestAddress, Protocol};
use publish::{Ended, Notice, QueueLimits, RungRates, Session, SessionConfig, Stats, WallClock};
use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use units::{AccessUnit, Clock, Secret, Span, StreamConfig};

use crate::driver::{self, Driver};
use crate::{Error, trust};

/// Notices that wait for a reader. A session makes a dozen and one for each change of health; whoever reads less often
/// finds the present state in [`Output::stats`] and the end in [`Output::ended`].
const NOTICES: usize = 256;

/// Where to, as whom, and whom to trust. Prints no stream key.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The ingest; a key or priority inside counts.
    pub address: IngestAddress,
    /// The stream key, when the address has none.
    pub key: Secret,
    /// Takeover priority, replacing one in the address.
    pub priority: Option<u32>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// See [`SessionConfig::multitrack`].
    pub multitrack: bool,
    /// See [`SessionConfig::primary_form`]; `Some(Form::Legacy)` for what publishers in wide use do with several
    /// renditions too.
    pub primary_form: Option<Form>,
    /// See [`SessionConfig::colour_info`].
    pub colour_info: bool,
    /// See [`SessionConfig::metrics`]. Demanded by IVS for multitrack video.
    pub metrics: Option<WallClock>,
    /// See [`SessionConfig::ladder`].
    pub ladder: Vec<RungRates>,
    /// See [`SessionConfig::keep_from_keyframe`].
    pub keep_from_keyframe: bool,
    /// Bounds of the send queue.
    pub limits: QueueLimits,
    /// SRT: for how long the peer is asked to hold media back so that what was lost can be sent again; `None` for
    /// [`publish::SRT_LATENCY`].
    pub srt_latency: Option<Span>,
}

impl Destination {
    /// `address` with `key`, everything else by default.
    pub fn new(address: IngestAddress, key: Secret) -> Self {
        Self {
            address,
            key,
            priority: None,
            ca: None,
            multitrack: false,
            primary_form: None,
            colour_info: true,
            metrics: None,
            ladder: Vec::new(),
            keep_from_keyframe: false,
            limits: QueueLimits::default(),
            srt_latency: None,
        }
    }

    /// The same stream to the place that a server asks to move to (E-RTMP v2, "Reconnect Request"): `tc_url` is
    /// absolute, or relative to the present one (`//host/app`, `/app`). Key and query arguments go along.
    ///
    /// # Errors
    /// [`Error::MoveRefused`] when `tc_url` is no address of RTMP, or would give encryption up: nobody on the way shall
    /// get the key by asking for it.
    pub fn moved_to(mut self, tc_url: &str) -> Result<Self, Error> {
        let target = self.address.rtmp_target(&self.key)?;
        let refused = |why| Error::MoveRefused { why };
        let (scheme, rest) =
            target.tc_url.split_once("://").ok_or(refused("the present address has no scheme"))?;
        let origin = rest.split_once('/').map_or(rest, |(origin, _)| origin);
        let absolute = if let Some(with_host) = tc_url.strip_prefix("//") {
            format!("{scheme}://{with_host}")
        } else if tc_url.starts_with('/') {
            format!("{scheme}://{origin}{tc_url}")
        } else {
            String::from(tc_url)
        };
        let stream_name = target.stream_name.expose();
        let whole = format!("{}/{stream_name}", absolute.trim_end_matches('/'));
        let moved: IngestAddress =
            whole.parse().map_err(|_| refused("the address it names can not be used"))?;
        match (self.address.protocol(), moved.protocol()) {
            (_, Protocol::Srt) => return Err(refused("the address it names is not one of RTMP")),
            (Protocol::Rtmps, Protocol::Rtmp) => {
                return Err(refused("the connection would not be encrypted"));
            }
            _ => {}
        }
        self.address = moved;
        Ok(self)
    }

    fn session_config(&self) -> Result<SessionConfig, Error> {
        let mut address = self.address.clone();
        if let Some(priority) = self.priority {
            address = address.with_priority(priority)?;
        }
        if self.key.is_empty() && address.key().is_none_or(Secret::is_empty) {
            return Err(Error::NoKey);
        }
        let mut config = SessionConfig::for_ingest(&address, &self.key)?;
        config.multitrack = self.multitrack;
        config.primary_form = self.primary_form;
        config.colour_info = self.colour_info;
        config.metrics = self.metrics;
        config.ladder.clone_from(&self.ladder);
        config.keep_from_keyframe = self.keep_from_keyframe;
        config.limits = self.limits;
        Ok(config)
    }
}

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

/// A stream to one destination, connecting from the moment it is started. Dropping it stops it in good order; one that
/// is departing sends what it was given and closes.
pub struct Output {
    shared: Arc<Shared>,
    notices: Mutex<Option<mpsc::Receiver<Notice>>>,
    ended: watch::Receiver<Option<Ended>>,
}

/// Starts a session with `destination` on `runtime`. Reads the CA file and the system's certificates here, so call it
/// where a few milliseconds do not matter.
///
/// # Errors
/// Everything that is wrong with the destination before anything is sent.
pub fn start(runtime: &Handle, destination: &Destination, clock: Arc<dyn Clock>) -> Result<Output, Error> {
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
    let (notice_sender, notices) = mpsc::channel(NOTICES);
    let (ended_sender, ended) = watch::channel(None);
    let driver = Driver {
        shared: Arc::clone(&shared),
        host,
        port,
        tls,
        name,
        notices: notice_sender,
        ended: ended_sender,
    };
    runtime.spawn(driver::run(driver));
    Ok(Output { shared, notices: Mutex::new(Some(notices)), ended })
}

impl Output {
    /// Tells the decoder configuration of all tracks: once before the first [`Self::send`], and again when it changes.
    pub fn begin(&self, config: StreamConfig) {
        self.shared.session().begin(config);
    }

    /// Hands an access unit over. Never waits for the network: what does not fit is dropped by the rules of
    /// [`publish::SendQueue`], and counted.
    pub fn send(&self, unit: Arc<AccessUnit>) {
        let now = self.shared.clock.now();
        self.shared.session().push(unit, now);
        self.shared.wake.notify_one();
    }

    /// What happens, as it happens. The receiver is there for one taker; later calls give `None`.
    pub fn events(&self) -> Option<mpsc::Receiver<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Figures of this moment.
    pub fn stats(&self) -> Stats {
        let now = self.shared.clock.now();
        self.shared.session().stats(now)
    }

    /// Ends the stream in good order. Returns at once; the end is there within two seconds, see [`Self::ended`].
    pub fn stop(&self) {
        let now = self.shared.clock.now();
        self.shared.session().stop(now);
        self.shared.wake.notify_one();
    }

    /// Leaves the stream at the next common IDR to another output, which was started with
    /// [`Destination::keep_from_keyframe`] and is given the same units already; see [`Session::depart`]. Goes on
    /// taking units until then, and ends as [`Ended::Departed`].
    pub fn depart(&self) {
        let now = self.shared.clock.now();
        self.shared.session().depart(now);
        self.shared.wake.notify_one();
    }

    /// How it ended; `None` while it goes on.
    pub fn ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Waits for the end. `None` when the runtime was shut down before.
    pub async fn wait_ended(&self) -> Option<Ended> {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        self.shared.session().let_go(now);
        self.shared.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_us-west-2_abcdefABCDEF";

    fn moved(from: &str, key: &str, to: &str) -> Result<(String, String, u16), String> {
        let destination = Destination::new(from.parse().unwrap(), Secret::new(key));
        let config = destination.moved_to(to).map_err(|error| error.to_string())?.session_config();
        let config = config.unwrap();
        assert!(config.target.stream_name.expose().starts_with(KEY));
        let arguments = config.target.stream_name.expose().trim_start_matches(KEY);
        Ok((format!("{}{arguments}", config.target.tc_url), config.host, config.port))
    }

    #[test]
    fn a_server_may_ask_to_move() {
        let from = "rtmps://a.example:443/app";
        for (to, tc_url, host) in [
            ("rtmps://b.example:8443/app", "rtmps://b.example:8443/app", "b.example"),
            ("rtmps://b.example/other/", "rtmps://b.example/other", "b.example"),
            ("//b.example/app", "rtmps://b.example/app", "b.example"),
            ("/other", "rtmps://a.example:443/other", "a.example"),
        ] {
            let (moved, host_then, port) = moved(from, KEY, to).unwrap();
            assert_eq!((&*moved, &*host_then), (tc_url, host), "{to}");
            assert_eq!(port, if to.contains("8443") { 8443 } else { 443 });
        }
    }

    #[test]
    fn what_belongs_to_the_key_moves_with_it() {
        let from = format!("rtmps://a.example/app/{KEY}?clientConfigId=x&priority=7");
        let (moved, ..) = moved(&from, "", "//b.example/app").unwrap();
        assert_eq!(moved, "rtmps://b.example/app?clientConfigId=x&priority=7");
    }

    #[test]
    fn nobody_gets_the_key_by_asking_for_it() {
        for (to, why) in [
            ("rtmp://b.example/app", "the connection would not be encrypted"),
            ("srt://b.example:9000", "the address it names can not be used"),
            ("https://b.example/app", "the address it names can not be used"),
            ("b.example", "the address it names can not be used"),
        ] {
            let error = moved("rtmps://a.example/app", KEY, to).unwrap_err();
            assert_eq!(error, format!("the service asks for a connection that is not made: {why}"), "{to}");
        }
        // Whoever began without encryption may go on so, or better.
        assert!(moved("rtmp://a.example/app", KEY, "rtmps://b.example/app").is_ok());
    }
}
