//! Listening, and the handle that the rest of Genlock holds.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ivs::Protocol;
use ivs::event::Event;
use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use units::{Clock, Secret};

use crate::config::{Faults, IngestConfig, StreamKey};
use crate::connection::serve;
use crate::event_log::{EventLog, random, random_letters};
use crate::report::SessionReport;
use crate::service::{Service, stop_asked};
use crate::stream_keys::StreamKeys;
use crate::{Error, certificate};

/// Name of the authority's certificate in the output folder.
const CA_FILE: &str = "ingest-ca.pem";

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;

/// What the system may hold for a connection that is not read. Small, so that a publisher soon feels a stall.
const RECEIVE_BUFFER_BYTES: u32 = 256 * 1024;

/// How long to wait when the system has no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where the ingest listens, for the one JSON line of `genlock ingest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// Such as `rtmp://127.0.0.1:40123/app`.
    pub rtmp: String,
    /// Such as `rtmps://127.0.0.1:40124/app`.
    pub rtmps: String,
    /// File with the certificate to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A running rehearsal ingest. Dropping it ends it too, without waiting.
pub struct Ingest {
    addresses: Addresses,
    ca_pem: String,
    service: Arc<Service>,
    stopping: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
}

/// Starts the ingest. Must be called within a tokio runtime with I/O and time.
///
/// # Errors
/// [`Error::PortInUse`], [`Error::Listen`], [`Error::Folder`], [`Error::KeyEmpty`]; [`Error::Certificate`] when a name
/// in the configuration can not stand in a certificate; [`Error::Randomness`].
pub async fn start(config: IngestConfig, clock: Arc<dyn Clock>) -> Result<Ingest, Error> {
    if !random(&mut [0]) {
        return Err(Error::Randomness);
    }
    let certificate = certificate::make(&config.certificate_names, config.bind_ip)?;
    let rtmp = listen(SocketAddr::new(config.bind_ip, config.rtmp_port), Protocol::Rtmp)?;
    let rtmps = listen(SocketAddr::new(config.bind_ip, config.rtmps_port), Protocol::Rtmps)?;
    let ca_file = match &config.out_dir {
        Some(folder) => Some(prepare_folder(folder, &certificate.ca_pem)?),
        None => None,
    };
    let events = EventLog::new(config.channel, config.out_dir.as_deref(), clock.now())?;
    let keys = StreamKeys::new(usable_keys(config.keys)?);
    let rules = (config.rules, config.enforce);
    let service = Arc::new(Service::new(clock, rules, keys, events, config.out_dir, config.faults));
    let (stopping, stop) = watch::channel(false);
    let addresses = Addresses {
        rtmp: address_of(&rtmp, Protocol::Rtmp)?,
        rtmps: address_of(&rtmps, Protocol::Rtmps)?,
        ca_file,
    };
    let acceptor = TlsAcceptor::from(certificate.server);
    let listeners = [(rtmp, None), (rtmps, Some(acceptor))]
        .map(|(listener, tls)| {
            let accepting = accept(listener, tls, Arc::clone(&service), stop.clone(), config.max_connections);
            tokio::spawn(accepting)
        })
        .into();
    Ok(Ingest { addresses, ca_pem: certificate.ca_pem, service, stopping, listeners })
}

impl Ingest {
    /// Where it listens.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The certificate that a client must trust for RTMPS, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The first key that may publish: the one that was made up when the configuration had none.
    pub fn stream_key(&self) -> Secret {
        self.service.keys.first().cloned().unwrap_or_default()
    }

    /// Events from now on. A receiver that lags far behind loses the oldest ones.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.service.events.subscribe()
    }

    /// What became of the sessions that have ended, in the order of their ends; the last 1000.
    pub fn reports(&self) -> Vec<SessionReport> {
        self.service.reports()
    }

    /// Waits until so many sessions have ended in this run, then gives [`Self::reports`].
    pub async fn wait_for_reports(&self, count: u64) -> Vec<SessionReport> {
        // The sender lives in the service that we hold, so waiting can not fail.
        let _ = self.service.reported().wait_for(|reported| *reported >= count).await;
        self.service.reports()
    }

    /// Changes the faults for sessions that begin from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.service.set_faults(faults);
    }

    /// Ends all sessions, closes the ports, and gives all reports.
    pub async fn stop(self) -> Vec<SessionReport> {
        self.stopping.send_replace(true);
        for listener in self.listeners {
            if let Err(error) = listener.await {
                tracing::error!(%error, "a listener of the rehearsal ingest died");
            }
        }
        self.service.reports()
    }
}

fn usable_keys(keys: Vec<StreamKey>) -> Result<Vec<StreamKey>, Error> {
    if keys.iter().any(|key| key.key.is_empty()) {
        return Err(Error::KeyEmpty);
    }
    if keys.is_empty() {
        // Of the form of the guide's example, so that whatever hides stream keys hides this one too.
        let key = format!("sk_us-west-2_{}", random_letters(20));
        return Ok(vec![StreamKey::lasting(Secret::new(key))]);
    }
    Ok(keys)
}

fn prepare_folder(folder: &Path, ca_pem: &str) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    let path = folder.join(CA_FILE);
    match std::fs::write(&path, ca_pem) {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::Folder { path, source }),
    }
}

fn listen(address: SocketAddr, protocol: Protocol) -> Result<TcpListener, Error> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Without it, Linux keeps a port busy for minutes after its connections; on Windows it would let two programs
        // share one.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| {
        if source.kind() == ErrorKind::AddrInUse {
            Error::PortInUse { port: address.port(), protocol }
        } else {
            Error::Listen { address, protocol, source }
        }
    })
}

fn address_of(listener: &TcpListener, protocol: Protocol) -> Result<String, Error> {
    let address = listener.local_addr().map_err(|source| {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        Error::Listen { address, protocol, source }
    })?;
    Ok(format!("{protocol}://{address}/app"))
}

/// Accepts connections until the ingest is stopped, then waits for them to end.
async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    stopping: watch::Receiver<bool>,
    max_connections: usize,
) {
    let mut connections = JoinSet::new();
    let mut stop = stopping.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < max_connections => {
                    connections.spawn(serve(stream, peer, tls.clone(), Arc::clone(&service), stopping.clone()));
                }
                Ok(_) => tracing::warn!("too many connections to the rehearsal ingest; one was closed"),
                Err(error) => {
                    tracing::warn!(%error, "the rehearsal ingest could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => report_death(ended),
            // Also when the handle was dropped.
            () = stop_asked(&mut stop) => break,
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        report_death(ended);
    }
}

fn report_death(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a session of the rehearsal ingest died");
    }
}
