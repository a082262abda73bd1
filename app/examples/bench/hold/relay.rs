//! Where there is no network namespace or no TUN device: relays on loopback with the same [`Link`] inside.
//!
//! They know less than a network does. TCP hides losses from a relay, so only delay, rate and queue are there, and a
//! pulled cable holds bytes back instead of losing them; a connection that is made meanwhile seems to be made. Of UDP
//! the datagrams are the packets, and everything is there. Each connection has a link of its own.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::{Link, LinkConfig, LinkFigures};
use units::{MediaTime, Span};

/// What is read at once: the payload of a TCP segment on Ethernet.
const SEGMENT_BYTES: usize = 1_448;
/// How often something is looked at that can not be waited for.
const LOOK: Duration = Duration::from_millis(1);

/// What all threads of the relays share.
struct Shared {
    config: LinkConfig,
    seed: u64,
    begin: Instant,
    is_cut: AtomicBool,
    is_over: AtomicBool,
    /// Figures of the ways to the server, by relay and connection.
    up: Mutex<BTreeMap<u64, LinkFigures>>,
}

impl Shared {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO + Span::from_duration(self.begin.elapsed())
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    fn tell(&self, number: u64, figures: LinkFigures) {
        self.up.lock().unwrap_or_else(PoisonError::into_inner).insert(number, figures);
    }
}

/// Relays of one link. They end with this.
pub(crate) struct Relays {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Relays {
    pub(crate) fn open(config: LinkConfig, seed: u64) -> Self {
        let (is_cut, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = Shared { config, seed, begin: Instant::now(), is_cut, is_over, up: Mutex::default() };
        Self { shared: Arc::new(shared), threads: Vec::new() }
    }

    /// A port of loopback from which `server` is reached over TCP.
    pub(crate) fn tcp(&mut self, server: SocketAddr) -> Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let shared = Arc::clone(&self.shared);
        let relay = move || {
            let mut pumps = Vec::new();
            while shared.goes_on() {
                match listener.accept() {
                    Ok((client, _)) if !shared.is_cut() => {
                        let number = pumps.len() as u64;
                        if let Ok(both) = connect(&client, server, &shared, number) {
                            pumps.extend(both);
                        }
                    }
                    _ => std::thread::sleep(LOOK),
                }
            }
            for pump in pumps {
                let _ended = pump.join();
            }
        };
        self.threads.push(std::thread::Builder::new().name(String::from("TCP relay")).spawn(relay)?);
        Ok(port)
    }

    /// A port of loopback from which `server` is reached over UDP.
    pub(crate) fn udp(&mut self, server: SocketAddr) -> Result<u16> {
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = near.local_addr()?.port();
        near.set_nonblocking(true)?;
        let shared = Arc::clone(&self.shared);
        let relay = move || {
            let mut datagrams = Datagrams::new(near, server, &shared);
            while shared.goes_on() {
                datagrams.step(&shared);
                shared.tell(u64::MAX, datagrams.up.figures());
                std::thread::sleep(LOOK);
            }
        };
        self.threads.push(std::thread::Builder::new().name(String::from("UDP relay")).spawn(relay)?);
        Ok(port)
    }

    pub(crate) fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn restore(&self) {
        self.shared.is_cut.store(false, Ordering::Relaxed);
    }

    pub(crate) fn up(&self) -> LinkFigures {
        let up = self.shared.up.lock().unwrap_or_else(PoisonError::into_inner);
        up.values().fold(LinkFigures::default(), |sum, each| LinkFigures {
            sent: sum.sent + each.sent,
            arrived: sum.arrived + each.arrived,
            arrived_bytes: sum.arrived_bytes + each.arrived_bytes,
            without_room: sum.without_room + each.without_room,
            lost: sum.lost + each.lost,
            cut_off: sum.cut_off + each.cut_off,
        })
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

/// Both directions of a connection, a thread each.
fn connect(
    client: &TcpStream,
    server: SocketAddr,
    shared: &Arc<Shared>,
    number: u64,
) -> Result<[JoinHandle<()>; 2]> {
    let server = TcpStream::connect(server)?;
    let pump = |from: &TcpStream, to: &TcpStream, is_up: bool| -> Result<JoinHandle<()>> {
        let (from, to, shared) = (from.try_clone()?, to.try_clone()?, Arc::clone(shared));
        from.set_nonblocking(false)?;
        from.set_read_timeout(Some(LOOK))?;
        to.set_nodelay(true)?;
        let pump = move || pump(&from, &to, &shared, is_up.then_some(number));
        Ok(std::thread::Builder::new().name(String::from("relay pump")).spawn(pump)?)
    };
    Ok([pump(client, &server, true)?, pump(&server, client, false)?])
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared, up: Option<u64>) {
    let mut link = Link::new(LinkConfig { lost_per_million: 0, ..shared.config }, shared.seed);
    let mut segment = [0; SEGMENT_BYTES];
    let mut is_open = true;
    while shared.goes_on() && (is_open || link.under_way() > 0) {
        if shared.is_cut() {
            std::thread::sleep(LOOK);
            continue;
        }
        while let Some((_, bytes)) = link.poll(shared.now()) {
            let bytes: Vec<u8> = bytes;
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        if let Some(number) = up {
            shared.tell(number, link.figures());
        }
        if !is_open || link.waiting_bytes() + SEGMENT_BYTES > link.config().queue_bytes {
            std::thread::sleep(LOOK);
            continue;
        }
        match from.read(&mut segment) {
            Ok(0) => is_open = false,
            Ok(bytes) => {
                let packet = segment.get(..bytes).unwrap_or_default().to_vec();
                link.send(packet, bytes, shared.now());
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => is_open = false,
        }
    }
    let _gone_already = to.shutdown(std::net::Shutdown::Write);
}

/// Datagrams under way, with the client they belong to.
struct Datagrams {
    near: UdpSocket,
    server: SocketAddr,
    /// A socket towards the server for each client.
    far: BTreeMap<SocketAddr, UdpSocket>,
    up: Link<(SocketAddr, Vec<u8>)>,
    down: Link<(SocketAddr, Vec<u8>)>,
}

impl Datagrams {
    fn new(near: UdpSocket, server: SocketAddr, shared: &Shared) -> Self {
        let (up, down) = (Link::new(shared.config, shared.seed), Link::new(shared.config, !shared.seed));
        Self { near, server, far: BTreeMap::new(), up, down }
    }

    fn step(&mut self, shared: &Shared) {
        let now = shared.now();
        if shared.is_cut() != self.up.is_cut() {
            for link in [&mut self.up, &mut self.down] {
                if shared.is_cut() { link.cut(now) } else { link.restore(now) }
            }
        }
        let mut buffer = [0; 2048];
        while let Ok((bytes, client)) = self.near.recv_from(&mut buffer) {
            self.up.send((client, buffer.get(..bytes).unwrap_or_default().to_vec()), bytes, now);
        }
        for (client, far) in &self.far {
            while let Ok(bytes) = far.recv(&mut buffer) {
                self.down.send((*client, buffer.get(..bytes).unwrap_or_default().to_vec()), bytes, now);
            }
        }
        // What a socket does not take is lost, as on any network.
        while let Some((_, (client, bytes))) = self.up.poll(now) {
            if let Some(far) = self.far(client) {
                let _lost = far.send(&bytes);
            }
        }
        while let Some((_, (client, bytes))) = self.down.poll(now) {
            let _lost = self.near.send_to(&bytes, client);
        }
    }

    fn far(&mut self, client: SocketAddr) -> Option<&UdpSocket> {
        if let std::collections::btree_map::Entry::Vacant(place) = self.far.entry(client) {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
            socket.connect(self.server).ok()?;
            socket.set_nonblocking(true).ok()?;
            place.insert(socket);
        }
        self.far.get(&client)
    }
}
