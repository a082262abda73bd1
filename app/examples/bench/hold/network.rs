//! A network of its own with an emulated link in it, both directions, for real TCP and UDP connections.
//!
//! In a private network namespace a TUN device has the address 10.9.0.1. Whatever is sent to 10.9.0.2 comes out of the
//! device here, goes through a [`Link`], and is put back in with source and destination exchanged. So a connection to
//! a port of [`FAR`] reaches the server on the same port of [`NEAR`], and all its packets have been under way on that
//! link. The checksums of IP, TCP and UDP are sums over both addresses, so they stay right.

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::{Link, LinkConfig, LinkFigures};
use units::{MediaTime, Span};

use crate::hold::tun::Tun;

/// Where servers listen.
pub(crate) const NEAR: &str = "10.9.0.1";
/// Where clients connect to.
pub(crate) const FAR: &str = "10.9.0.2";

/// What TCP does about congestion: the choice of Windows and of most Linux systems, so that of people at home. It takes
/// every loss for congestion.
pub(crate) const CONGESTION_CONTROL: &str = "cubic";

const DEVICE: &str = "genlock0";
/// Tells the program that it runs in its own network.
const INSIDE: &str = "GENLOCK_BENCH_NETWORK";
/// How often the thread looks whether it shall end.
const BREATH: Duration = Duration::from_millis(20);

/// Whether this program runs in a network of its own.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs one bench of this program in a network of its own, and gives what it prints. `None` when the system allows no
/// such network, or has no TUN device.
pub(crate) fn enter(name: &str) -> Result<Option<Vec<u8>>> {
    // Without root, a user namespace gives it over the network namespace, where the system allows that.
    let ways: [&[&str]; 2] = [&["--net"], &["--net", "--map-root-user"]];
    let can = |way: &&&[&str]| {
        let mut attempt = Command::new("unshare");
        attempt.args(**way).args(["test", "-w", "/dev/net/tun"]).stdout(Stdio::null()).stderr(Stdio::null());
        attempt.status().is_ok_and(|status| status.success())
    };
    let Some(way) = ways.iter().find(can) else { return Ok(None) };
    let output = Command::new("unshare")
        .args(*way)
        .arg(std::env::current_exe()?)
        .arg(name)
        .env(INSIDE, "1")
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{name} in its own network ended with {}", output.status);
    Ok(Some(output.stdout))
}

/// What both directions do.
struct Wire {
    up: Link<Vec<u8>>,
    down: Link<Vec<u8>>,
    /// Protocol and ports of those who sent the first packet of a flow.
    clients: HashSet<Flow>,
}

type Flow = (u8, u16, u16);

/// The link. It ends with this.
pub(crate) struct Network {
    wire: Arc<Mutex<Wire>>,
    begin: Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Network {
    /// Sets the network up. Call it after [`enter`], once at a time.
    pub(crate) fn open(up: LinkConfig, down: LinkConfig, seed: u64) -> Result<Self> {
        let tun = Tun::open(DEVICE)?;
        run(&["link", "set", "lo", "up"])?;
        run(&["addr", "add", &format!("{NEAR}/24"), "dev", DEVICE])?;
        run(&["link", "set", DEVICE, "mtu", "1500", "txqueuelen", "2000", "up"])?;
        // Otherwise what one connection learned of the link would show in the next.
        std::fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1")?;
        let route = ["route", "replace", "10.9.0.0/24", "dev", DEVICE, "src", NEAR];
        run(&[&route[..], &["congctl", CONGESTION_CONTROL]].concat())?;
        let wire = Wire { up: Link::new(up, seed), down: Link::new(down, !seed), clients: HashSet::new() };
        let wire = Arc::new(Mutex::new(wire));
        let (begin, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (wire, stop) = (Arc::clone(&wire), Arc::clone(&stop));
            let carry = move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Err(error) = carry(&tun, &wire, begin) {
                        // Clients notice that the network is dead, and their figures say so.
                        tracing::error!("the emulated link broke: {error:#}");
                        return;
                    }
                }
            };
            std::thread::Builder::new().name(String::from("emulated link")).spawn(carry)?
        };
        Ok(Self { wire, begin, stop, thread: Some(thread) })
    }

    fn wire(&self) -> (MutexGuard<'_, Wire>, MediaTime) {
        let wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        (wire, now(self.begin))
    }

    /// Pulls the cable.
    pub(crate) fn cut(&self) {
        let (mut wire, now) = self.wire();
        wire.up.cut(now);
        wire.down.cut(now);
    }

    /// Puts it back.
    pub(crate) fn restore(&self) {
        let (mut wire, now) = self.wire();
        wire.up.restore(now);
        wire.down.restore(now);
    }

    /// What the way to the servers did so far.
    pub(crate) fn up(&self) -> LinkFigures {
        self.wire().0.up.figures()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn now(begin: Instant) -> MediaTime {
    MediaTime::ZERO + Span::from_duration(begin.elapsed())
}

fn run(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("ip(8)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {said}", arguments.join(" "));
    Ok(())
}

/// Moves what can be moved, then waits for what comes next.
fn carry(tun: &Tun, wire: &Mutex<Wire>, begin: Instant) -> Result<()> {
    let mut arrived = Vec::new();
    let patience = {
        let mut wire = wire.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(packet) = tun.next()? {
            wire.send(packet, now(begin));
        }
        let at = now(begin);
        let Wire { up, down, .. } = &mut *wire;
        for link in [up, down] {
            arrived.extend(std::iter::from_fn(|| link.poll(at)).map(|(_, packet)| packet));
        }
        let next = [wire.up.wake_at(), wire.down.wake_at()].into_iter().flatten().min();
        next.map_or(BREATH, |next| (next - at).to_duration().min(BREATH))
    };
    for packet in &arrived {
        tun.give(packet);
    }
    tun.wait(patience);
    Ok(())
}

impl Wire {
    fn send(&mut self, mut packet: Vec<u8>, now: MediaTime) {
        let Some(flow) = exchange_addresses(&mut packet) else { return };
        let (protocol, from, to) = flow;
        let bytes = packet.len();
        if self.clients.contains(&(protocol, to, from)) {
            self.down.send(packet, bytes, now);
        } else {
            self.clients.insert(flow);
            self.up.send(packet, bytes, now);
        }
    }
}

/// Exchanges source and destination of an IPv4 packet (RFC 791, 3.1), and says whose it is: its protocol, and with
/// TCP and UDP both ports. `None` for what is none.
fn exchange_addresses(packet: &mut [u8]) -> Option<Flow> {
    let version_and_length = *packet.first()?;
    if version_and_length >> 4 != 4 {
        return None;
    }
    let ports_at = usize::from(version_and_length & 15) * 4;
    let protocol = *packet.get(9)?;
    let port = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    let flow = match protocol {
        6 | 17 => (protocol, port(ports_at)?, port(ports_at + 2)?),
        _ => (protocol, 0, 0),
    };
    let (sources, destinations) = packet.get_mut(12..20)?.split_at_mut(4);
    sources.swap_with_slice(destinations);
    Some(flow)
}
