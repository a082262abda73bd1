//! Whether this machine's way out has changed: a cable was plugged in, a Wi-Fi found, a tunnel opened.
//!
//! Looked at once a second: systems tell such changes each in their own way, and a second is less than any of them takes
//! to become usable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

const EVERY: Duration = Duration::from_secs(1);

/// Addresses that no machine has and every default route leads to (RFC 5737, 3; RFC 3849, 2). Nothing is sent to them.
const ELSEWHERE_4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const ELSEWHERE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// The ways out of this machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct WaysOut {
    /// Addresses that something sent elsewhere would bear, IPv4 and IPv6.
    from: [Option<IpAddr>; 2],
    /// Default routes, where the system lists them: another router may give the same address.
    routes: Vec<String>,
}

impl WaysOut {
    fn now() -> Self {
        Self { from: [way_out(ELSEWHERE_4.into()), way_out(ELSEWHERE_6.into())], routes: default_routes() }
    }

    fn exist(&self) -> bool {
        self.from.iter().any(Option::is_some)
    }
}

/// The address of this machine that the system would send from to `elsewhere`; connecting UDP only asks the routing
/// table.
fn way_out(elsewhere: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = match elsewhere {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((elsewhere, 9)).ok()?;
    let from = socket.local_addr().ok()?.ip();
    (!from.is_loopback() && !from.is_unspecified()).then_some(from)
}

#[cfg(target_os = "linux")]
fn default_routes() -> Vec<String> {
    std::fs::read_to_string("/proc/net/route").map_or_else(|_| Vec::new(), |table| read_routes(&table))
}

#[cfg(not(target_os = "linux"))]
fn default_routes() -> Vec<String> {
    Vec::new()
}

/// Interface, gateway and metric of each default route (proc(5), `/proc/net/route`), in a fixed order.
#[cfg(any(target_os = "linux", test))]
fn read_routes(table: &str) -> Vec<String> {
    let mut routes: Vec<String> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (interface, to, gateway) = (fields.next()?, fields.next()?, fields.next()?);
            let metric = fields.nth(3)?;
            (to == "00000000").then(|| format!("{interface} {gateway} {metric}"))
        })
        .collect();
    routes.sort_unstable();
    routes
}

/// Tells when this machine gets another way out. Stops looking when dropped.
#[derive(Debug)]
pub struct NetworkWatch {
    changes: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl NetworkWatch {
    /// Begins to look, on `runtime`.
    pub fn start(runtime: &Handle) -> Self {
        Self::looking(runtime, WaysOut::now)
    }

    fn looking(runtime: &Handle, mut look: impl FnMut() -> WaysOut + Send + 'static) -> Self {
        let (sender, changes) = watch::channel(0);
        let task = runtime.spawn(async move {
            let mut known = look();
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let found = look();
                if found != known {
                    // A way that is only gone is no reason to try anything again.
                    if found.exist() {
                        sender.send_modify(|changes| *changes += 1);
                    }
                    known = found;
                }
            }
        });
        Self { changes, task }
    }

    /// How often it has changed so far, for those who look now and then.
    pub fn changes(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Waits for the next change after the one that was waited for last. May be dropped and called again without missing
    /// any. For ever when the runtime is shut down.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for NetworkWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn ways(address: [u8; 4], route: &str) -> WaysOut {
        WaysOut { from: [Some(address.into()), None], routes: vec![String::from(route)] }
    }

    #[tokio::test(start_paused = true)]
    async fn another_way_out_is_told_and_a_lost_one_is_not() {
        let present = Arc::new(Mutex::new(ways([10, 0, 0, 2], "eth0")));
        let seen = Arc::clone(&present);
        let mut watch = NetworkWatch::looking(&Handle::current(), move || seen.lock().unwrap().clone());
        let settle = || tokio::time::sleep(Duration::from_millis(2_500));
        settle().await;
        assert_eq!(watch.changes(), 0);
        // Unplugged; then a Wi-Fi; then another router with the same address.
        for (next, changes) in [
            (WaysOut::default(), 0),
            (ways([192, 168, 1, 7], "wlan0 1"), 1),
            (ways([192, 168, 1, 7], "wlan0 2"), 2),
            (WaysOut::default(), 2),
            (ways([192, 168, 1, 7], "wlan0 2"), 3),
        ] {
            *present.lock().unwrap() = next;
            settle().await;
            assert_eq!(watch.changes(), changes);
        }
        watch.changed().await;
        // Told once for all of them.
        let again = tokio::time::timeout(Duration::from_secs(60), watch.changed()).await;
        assert!(again.is_err());
        *present.lock().unwrap() = ways([10, 0, 0, 2], "eth0");
        watch.changed().await;
        let task = watch.task.abort_handle();
        drop(watch);
        settle().await;
        assert!(task.is_finished());
    }

    #[test]
    fn default_routes_are_read_without_their_counters() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     wlan0\t00000000\t0101A8C0\t0003\t0\t17\t600\t00000000\n\
                     eth0\t00000000\t0100000A\t0003\t3\t0\t100\t00000000\n\
                     eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\nodd\n";
        assert_eq!(read_routes(table), ["eth0 0100000A 100", "wlan0 0101A8C0 600"]);
        assert_eq!(read_routes(&table.replace("\t17\t", "\t18\t")), read_routes(table));
    }

    #[test]
    fn looking_twice_sees_the_same() {
        assert_eq!(WaysOut::now(), WaysOut::now());
    }
}
