//! From a host name to a TCP connection.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use publish::Cause;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Head start of one address before the next is tried as well (RFC 8305, 5: 250 ms recommended).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A dead peer is noticed after 5 + 3 x 2 s of silence where nothing is sent; where something is, [`USER_TIMEOUT`]
/// counts.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_PROBES: u32 = 3;

/// Sent bytes that nobody confirms for this long end the connection (RFC 5482), where the system can do that: for what
/// the session does not look at any more, which notices much sooner ([`publish::Deadlines::confirm`]). Not less than the
/// 30 s after which the service gives a stream up (IVS user guide, "Step 5: Set Up Streaming Software"), because a
/// peer that read slowly but steadily was cut at 8 s: Linux counts the time of a closed window too.
#[cfg(any(target_os = "linux", windows))]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes the system may keep unsent. More would only hide from the send queue that the upload is too slow; this is a
/// tenth of a second at 5 Mbps.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 64 * 1024;

/// The addresses of `host`, in the order to try them.
pub(crate) async fn resolve(host: String, port: u16) -> Result<Vec<SocketAddr>, Cause> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found = on_its_own_thread(move || Ok((host.as_str(), port).to_socket_addrs()?.collect::<Vec<_>>()));
    match found.await {
        Ok(addresses) => {
            let addresses = interleave(addresses.into_iter());
            if addresses.is_empty() { Err(Cause::NameNotFound) } else { Ok(addresses) }
        }
        Err(error) => Err(name_cause(&error)),
    }
}

/// Does something that may hang for as long as the system likes. Not on the runtime's threads for such things: those
/// are waited for at the end of the program, which a name service that is away must not hold up.
async fn on_its_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name(String::from("name lookup")).spawn(move || {
        // Nobody waits any more when the attempt was given up.
        let _unheard = sender.send(work());
    })?;
    receiver.await.unwrap_or_else(|_| Err(io::Error::other("the lookup was broken off")))
}

/// Alternates between IPv6 and IPv4, beginning with the family the system put first (RFC 8305, 4).
fn interleave(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = Vec::new();
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    let six_first = seen.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        seen.into_iter().partition(|address| address.is_ipv6() == six_first);
    let mut order = Vec::new();
    while !first.is_empty() || !second.is_empty() {
        order.extend(first.pop_front());
        order.extend(second.pop_front());
    }
    order
}

/// The system tells apart "no such name" and "nobody answers" by number on Windows and by text elsewhere.
fn name_cause(error: &io::Error) -> Cause {
    /// `WSAHOST_NOT_FOUND` and `WSANO_DATA`.
    const NOT_FOUND: [i32; 2] = [11_001, 11_004];
    /// glibc and musl's `EAI_NONAME` and `EAI_NODATA`, then that of the BSDs and macOS.
    const NOT_FOUND_TEXTS: [&str; 4] = [
        "Name or service not known",
        "Name does not resolve",
        "No address associated with",
        "nodename nor servname provided",
    ];
    let text = error.to_string();
    if error.raw_os_error().is_some_and(|code| NOT_FOUND.contains(&code))
        || NOT_FOUND_TEXTS.iter().any(|part| text.contains(part))
    {
        return Cause::NameNotFound;
    }
    // The part after the colon is what getaddrinfo said.
    let said = text.rsplit(": ").next().unwrap_or(&text);
    Cause::NameLookup(String::from(said.trim_end_matches('.')))
}

/// Connects to whichever of `addresses` answers first, giving each a head start over the next.
pub(crate) async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, Cause> {
    let mut left = VecDeque::from(addresses);
    let mut attempts = JoinSet::new();
    let mut worst: Option<io::Error> = None;
    loop {
        if let Some(address) = left.pop_front() {
            attempts.spawn(TcpStream::connect(address));
        }
        let outcome = tokio::select! {
            outcome = attempts.join_next() => outcome,
            () = tokio::time::sleep(ATTEMPT_DELAY), if !left.is_empty() => continue,
        };
        match outcome {
            Some(Ok(Ok(stream))) => {
                tune(&stream);
                return Ok(stream);
            }
            Some(Ok(Err(error))) => {
                // An answer, even a refusal, tells more than silence.
                if worst.as_ref().is_none_or(|worst| telling(&error) >= telling(worst)) {
                    worst = Some(error);
                }
            }
            Some(Err(error)) => {
                worst.get_or_insert_with(|| io::Error::other(error.to_string()));
            }
            None => return Err(worst.as_ref().map_or(Cause::Unreachable, connect_cause)),
        }
    }
}

fn telling(error: &io::Error) -> u8 {
    match connect_cause(error) {
        Cause::ConnectRefused => 4,
        Cause::ConnectForbidden => 3,
        Cause::ConnectTimedOut => 2,
        Cause::Unreachable => 1,
        _ => 0,
    }
}

fn connect_cause(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::ConnectRefused,
        io::ErrorKind::TimedOut => Cause::ConnectTimedOut,
        io::ErrorKind::PermissionDenied => Cause::ConnectForbidden,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Cause::Unreachable,
        _ => Cause::ConnectFailed(in_words(error)),
    }
}

/// Why a running connection broke.
pub(crate) fn broken_cause(error: &io::Error) -> Cause {
    Cause::Lost(in_words(error))
}

/// The kind of error where the system's is one of the known ones, which reads the same everywhere.
pub(crate) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::InvalidData => error.to_string(),
        kind => kind.to_string(),
    }
}

/// Sets what can be set; a system that does not know an option works without it.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    let mut results = vec![socket.set_tcp_nodelay(true), socket.set_tcp_keepalive(&keepalive)];
    #[cfg(target_os = "linux")]
    {
        results.push(socket.set_tcp_user_timeout(Some(USER_TIMEOUT)));
        results.push(socket.set_tcp_notsent_lowat(UNSENT_BYTES));
    }
    #[cfg(windows)]
    results.push(crate::socket::limit_retransmission(stream, USER_TIMEOUT));
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a socket option could not be set");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_service_that_hangs_holds_nobody_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        let (release, hang) = oneshot::channel::<()>();
        let lookup = on_its_own_thread(move || Ok(hang.blocking_recv().is_ok()));
        let given_up =
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), lookup).await.is_err() });
        assert!(given_up);
        // Dropping a runtime waits for its own threads.
        drop(runtime);
        release.send(()).unwrap();
    }

    #[test]
    fn families_alternate() {
        let addresses = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::1]:1", "2.2.2.2:1", "3.3.3.3:1"];
        let order = interleave(addresses.iter().map(|address| address.parse().unwrap()));
        let order: Vec<String> = order.iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "3.3.3.3:1"]);
    }

    #[test]
    fn tells_a_wrong_name_from_a_silent_name_service() {
        let lookup = |why: &str| io::Error::other(format!("failed to lookup address information: {why}"));
        assert_eq!(name_cause(&lookup("Name or service not known")), Cause::NameNotFound);
        assert_eq!(
            name_cause(&lookup("Temporary failure in name resolution")),
            Cause::NameLookup("Temporary failure in name resolution".into())
        );
        assert_eq!(name_cause(&io::Error::from_raw_os_error(11_001)), Cause::NameNotFound);
    }
}
