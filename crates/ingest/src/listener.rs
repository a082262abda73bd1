//! Listening, and the handle that the rest of Genlock holds.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ivs::client_configuration::ClientConfiguration;
use ivs::event::Event;
use ivs::ladder::Unpromised;
use ivs::limits::{CONFIGURED_KEY_VALIDITY, RTMP_APP};
use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use units::{Clock, MediaTime, Secret};

use crate::channel::OnAir;
use crate::config::{ConfigurationFaults, IngestConfig, StreamKey};
use crate::error::Door;
use crate::event_log::{EventLog, random, random_letters};
use crate::faults::Faults;
use crate::inquiry::{InquiryLog, InquiryReport};
use crate::report::SessionReport;
use crate::service::{ConnectionOrder, Service, stop_asked};
use crate::stream_keys::StreamKeys;
use crate::{Error, certificate, configuration, connection, https, playback, srt};

/// Name of the authority's certificate in the output folder.
const CA_FILE: &str = "ingest-ca.pem";

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;

/// What the system may hold for a connection that is not read. Small, so that a publisher soon feels a stall.
const RECEIVE_BUFFER_BYTES: u32 = 256 << 10;

/// Longest segment that peers send: that of Ethernet. With the 64 KiB of a loopback device, a peer sends into a window
/// that is open by less only what its timer of probes lets through, so that a slow reader looks like a standstill.
#[cfg(unix)]
const SEGMENT_BYTES: u32 = 1460;

/// How long to wait when the system has no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where the ingest listens, for the one JSON line of `genlock ingest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// Such as `rtmp://127.0.0.1:40123/app`.
    pub rtmp: String,
    /// Such as `rtmps://127.0.0.1:40124/app`.
    pub rtmps: String,
    /// Such as `srt://127.0.0.1:40126`, where SRT is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srt: Option<String>,
    /// Where GetClientConfiguration is asked, such as `https://127.0.0.1:40125/api/v3/GetClientConfiguration`.
    pub configuration_url: String,
    /// Where FindIngest is asked, such as `https://127.0.0.1:40125/api/v2/FindIngest`.
    pub find_ingest_url: String,
    /// Playlist of what viewers would see, such as `https://127.0.0.1:40125/playback/channel.m3u8`.
    pub playback_url: String,
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
/// in the configuration can not stand in a certificate; [`Error::SrtMissing`] and [`Error::Srt`] when SRT was asked for;
/// [`Error::Randomness`].
pub async fn start(config: IngestConfig, clock: Arc<dyn Clock>) -> Result<Ingest, Error> {
    if !random(&mut [0]) {
        return Err(Error::Randomness);
    }
    let mut config = config;
    let certificate = certificate::make(&config.certificate_names, config.bind_ip)?;
    let rtmp = listen(SocketAddr::new(config.bind_ip, config.rtmp_port), Door::Rtmp)?;
    let rtmps = listen(SocketAddr::new(config.bind_ip, config.rtmps_port), Door::Rtmps)?;
    let web = listen(SocketAddr::new(config.bind_ip, config.https_port), Door::Https)?;
    let srt = srt::open(&mut config)?;
    let ca_file = match &config.out_dir {
        Some(folder) => Some(prepare_folder(folder, &certificate.ca_pem)?),
        None => None,
    };
    let (rtmp_url, rtmps_url) = (address_of(&rtmp, Door::Rtmp)?, address_of(&rtmps, Door::Rtmps)?);
    let web_url = address_of(&web, Door::Https)?;
    let addresses = Addresses {
        rtmp: format!("{rtmp_url}/{}", RTMP_APP.value),
        rtmps: format!("{rtmps_url}/{}", RTMP_APP.value),
        srt: srt.as_ref().map(|door| format!("{}://{}", Door::Srt, door.address())),
        configuration_url: format!("{web_url}{}", https::CONFIGURATION_PATH),
        find_ingest_url: format!("{web_url}{}", https::FIND_INGEST_PATH),
        playback_url: format!("{web_url}{}", playback::CHANNEL_PATH),
        ca_file,
    };
    let limit = config.max_connections;
    let events = EventLog::new(config.channel.clone(), config.out_dir.as_deref(), clock.now())?;
    let inquiries = InquiryLog::new(config.out_dir.as_deref())?;
    let keys = StreamKeys::new(usable_keys(std::mem::take(&mut config.keys), config.key_expires)?);
    let service = Arc::new(Service::new(clock, config, keys, (events, inquiries), addresses.clone()));
    let (stopping, stop) = watch::channel(false);
    let acceptor = TlsAcceptor::from(Arc::clone(&certificate.server));
    let web_acceptor = TlsAcceptor::from(https::over_tls(&certificate.server));
    let doors = [(rtmp, Entry::Rtmp), (rtmps, Entry::Rtmps(acceptor)), (web, Entry::Https(web_acceptor))];
    let mut listeners: Vec<_> = doors
        .map(|(listener, entry)| {
            tokio::spawn(accept(listener, entry, Arc::clone(&service), stop.clone(), limit))
        })
        .into();
    if let Some(door) = srt {
        listeners.push(srt::serve(door, Arc::clone(&service), stop.clone(), limit)?);
    }
    listeners.push(tokio::spawn(keep_time(Arc::clone(&service), stop)));
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

    /// What SRT callers must encrypt with: the one that was made up when the configuration had none and the channel
    /// does not allow insecure ingest.
    pub fn srt_passphrase(&self) -> Option<Secret> {
        self.service.config.srt.as_ref().and_then(|door| door.passphrase.clone())
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

    /// Gives one session, by its number from 1, faults of its own if it begins from now on.
    pub fn set_session_faults(&self, session: u64, faults: Faults) {
        self.service.set_session_faults(session, faults);
    }

    /// Closes the connection of `session` without a word; its stream is held, as for everybody who vanishes.
    pub fn drop_connection(&self, session: u64) {
        self.service.order(session, ConnectionOrder::Close);
    }

    /// Leaves the connection of `session` open, and reads and writes nothing any more.
    pub fn freeze_connection(&self, session: u64) {
        self.service.order(session, ConnectionOrder::Freeze);
    }

    /// Closes the ports of RTMP and RTMPS, so that connecting to them is refused, or opens them again. Connections that
    /// stand are left alone. It takes effect a moment later.
    pub fn set_reachable(&self, reachable: bool) {
        self.service.set_reachable(reachable);
    }

    /// Changes the faults of HTTPS for requests that come from now on. Requests are counted from here.
    pub fn set_configuration_faults(&self, faults: ConfigurationFaults) {
        self.service.set_configuration_faults(faults);
    }

    /// Asks every publisher that is on air, and that said it understands, to move to `tc_url`, or to connect to the
    /// same address anew (E-RTMP v2, "Reconnect Request"). Its key may come back while it is still on air.
    pub fn request_reconnect(&self, tc_url: Option<String>) {
        self.service.request_reconnect(tc_url);
    }

    /// Takes an answer of GetClientConfiguration that was made elsewhere as one of this ingest's own: gives it an id, a
    /// key that carries its promise and is valid for the guide's 48 hours, and the addresses of this ingest.
    ///
    /// # Errors
    /// The answer leaves open the code, the frame rate or the bitrate of a rendition.
    pub fn grant(&self, answer: &ClientConfiguration) -> Result<ClientConfiguration, Unpromised> {
        let key = self.service.keys.any();
        configuration::register(answer.clone(), &self.service, key, CONFIGURED_KEY_VALIDITY.value)
    }

    /// What is on air, or held for a publisher that vanished.
    pub fn on_air(&self) -> Vec<OnAir> {
        self.service.channel.on_air()
    }

    /// Ends what is on air, as the service's operation `StopStream` does.
    pub fn stop_streams(&self) {
        self.service.channel.stop_streams(self.service.now());
    }

    /// What was asked over HTTPS, in the order of the answers; the last 1000.
    pub fn inquiries(&self) -> Vec<InquiryReport> {
        self.service.inquiries.reports()
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

fn usable_keys(keys: Vec<StreamKey>, expires: Option<MediaTime>) -> Result<Vec<StreamKey>, Error> {
    if keys.iter().any(|key| key.key.is_empty()) {
        return Err(Error::KeyEmpty);
    }
    if keys.is_empty() {
        // Of the form of the guide's example, so that whatever hides stream keys hides this one too.
        let key = format!("sk_us-west-2_{}", random_letters(20));
        return Ok(vec![StreamKey { key: Secret::new(key), expires }]);
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

fn listen(address: SocketAddr, door: Door) -> Result<TcpListener, Error> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Without it, Linux keeps a port busy for minutes after its connections; on Windows it would let two programs
        // share one.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        // A system that does not do it has the segments of its loopback device.
        #[cfg(unix)]
        let _ = socket2::SockRef::from(&socket).set_tcp_mss(SEGMENT_BYTES);
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| {
        if source.kind() == ErrorKind::AddrInUse {
            Error::PortInUse { port: address.port(), door }
        } else {
            Error::Listen { address, door, source }
        }
    })
}

fn address_of(listener: &TcpListener, door: Door) -> Result<String, Error> {
    let address = listener.local_addr().map_err(|source| {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        Error::Listen { address, door, source }
    })?;
    Ok(format!("{door}://{address}"))
}

/// What waits behind a port.
#[derive(Clone)]
enum Entry {
    Rtmp,
    Rtmps(TlsAcceptor),
    Https(TlsAcceptor),
}

impl Entry {
    const fn door(&self) -> Door {
        match self {
            Self::Rtmp => Door::Rtmp,
            Self::Rtmps(_) => Door::Rtmps,
            Self::Https(_) => Door::Https,
        }
    }

    async fn serve(
        self,
        tcp: TcpStream,
        peer: SocketAddr,
        service: Arc<Service>,
        stopping: watch::Receiver<bool>,
    ) {
        match self {
            Self::Rtmp => connection::serve(tcp, peer, None, service, stopping).await,
            Self::Rtmps(acceptor) => connection::serve(tcp, peer, Some(acceptor), service, stopping).await,
            Self::Https(acceptor) => https::serve(tcp, peer, acceptor, service, stopping).await,
        }
    }
}

/// Accepts connections until the ingest is stopped, then waits for them to end. Closes the port while publishers shall
/// not reach it.
async fn accept(
    listener: TcpListener,
    entry: Entry,
    service: Arc<Service>,
    stopping: watch::Receiver<bool>,
    max_connections: usize,
) {
    let mut connections = JoinSet::new();
    let mut stop = stopping.clone();
    let address = listener.local_addr().ok();
    let door = entry.door();
    let mut listener = Some(listener);
    let mut reachable = service.reachable();
    loop {
        let wanted = door == Door::Https || *reachable.borrow_and_update();
        if !wanted {
            listener = None;
        } else if listener.is_none() {
            listener = address.and_then(|address| listen(address, door).ok());
        }
        tokio::select! {
            accepted = next_connection(listener.as_ref()) => match accepted {
                Ok((stream, peer)) if connections.len() < max_connections => {
                    connections.spawn(entry.clone().serve(stream, peer, Arc::clone(&service), stopping.clone()));
                }
                Ok(_) => tracing::warn!("too many connections to the rehearsal ingest; one was closed"),
                Err(error) => {
                    tracing::warn!(%error, "the rehearsal ingest could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Somebody else may have the port for a moment: tried again.
            () = tokio::time::sleep(ACCEPT_PAUSE), if wanted && listener.is_none() => {}
            Some(ended) = connections.join_next() => report_death(ended),
            Ok(()) = reachable.changed() => {}
            // Also when the handle was dropped.
            () = stop_asked(&mut stop) => break,
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        report_death(ended);
    }
}

async fn next_connection(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Lets time pass in the channel, where streams are held that no session looks after.
async fn keep_time(service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(connection::TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => service.channel.tick(service.now()),
            () = stop_asked(&mut stopping) => return,
        }
    }
}

fn report_death(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a session of the rehearsal ingest died");
    }
}
