//! What the system says about a TCP connection besides its bytes.
#![expect(unsafe_code, reason = "the system answers these questions through its C interface only")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use publish::TcpFigures;
use tokio::net::TcpStream;

#[cfg(unix)]
type Handle = std::os::fd::OwnedFd;
#[cfg(windows)]
type Handle = std::os::windows::io::OwnedSocket;

/// Asks about one connection. Holds a second handle of its socket, so that it can be asked whoever owns the first.
pub(crate) struct Probe {
    #[cfg_attr(not(any(target_os = "linux", windows)), expect(dead_code, reason = "nobody to ask"))]
    handle: Handle,
    /// Bytes that were handed to the socket, those of the encryption included.
    #[cfg_attr(not(windows), expect(dead_code, reason = "this system knows by itself"))]
    handed_over: Arc<AtomicU64>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Bytes handed to the socket that the peer's system has not confirmed.
    pub(crate) in_flight: Option<u64>,
    pub(crate) tcp: Option<TcpFigures>,
}

impl Probe {
    /// `None` when the system gives no second handle.
    pub(crate) fn new(stream: &TcpStream, handed_over: Arc<AtomicU64>) -> Option<Self> {
        #[cfg(unix)]
        let handle = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned();
        #[cfg(windows)]
        let handle = std::os::windows::io::AsSocket::as_socket(stream).try_clone_to_owned();
        handle.ok().map(|handle| Self { handle, handed_over })
    }

    /// Asks now.
    pub(crate) fn ask(&self) -> Answer {
        self.ask_system()
    }

    #[cfg(target_os = "linux")]
    fn ask_system(&self) -> Answer {
        Answer { in_flight: linux::in_flight(&self.handle), tcp: linux::figures(&self.handle) }
    }

    #[cfg(windows)]
    fn ask_system(&self) -> Answer {
        windows::ask(&self.handle, self.handed_over.load(Ordering::Relaxed))
    }

    #[cfg(not(any(target_os = "linux", windows)))]
    fn ask_system(&self) -> Answer {
        Answer::default()
    }
}

/// Adds to the count that a [`Probe`] reads.
pub(crate) fn count(handed_over: &AtomicU64, bytes: usize) {
    handed_over.fetch_add(bytes as u64, Ordering::Relaxed);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsRawFd, OwnedFd};

    use publish::TcpFigures;
    use units::Span;

    /// More than any kernel's `struct tcp_info` has; fields are only ever added at its end.
    const INFO_BYTES: usize = 512;
    /// Where some of its fields lie (Linux, `include/uapi/linux/tcp.h`).
    const RTT_US: usize = 68;
    const RTT_VARIATION_US: usize = 72;
    const BYTES_SENT: usize = 200;
    const BYTES_RETRANSMITTED: usize = 208;

    /// Bytes in the send queue that are not acknowledged, sent or not (tcp(7), `SIOCOUTQ`).
    pub(super) fn in_flight(socket: &OwnedFd) -> Option<u64> {
        let mut bytes: libc::c_int = 0;
        // SAFETY: the descriptor is open for as long as `socket` lives, and SIOCOUTQ, which is TIOCOUTQ by another
        // name, writes one int to the address it is given, which is that of an int of ours.
        let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
        if result == 0 { u64::try_from(bytes).ok() } else { None }
    }

    pub(super) fn figures(socket: &OwnedFd) -> Option<TcpFigures> {
        let mut info = [0_u8; INFO_BYTES];
        let mut length = libc::socklen_t::try_from(INFO_BYTES).ok()?;
        // SAFETY: the descriptor is open for as long as `socket` lives; the system writes at most `length` bytes to
        // `info`, which has as many, and the number of them to `length`.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let info = info.get(..usize::try_from(length).ok()?).filter(|_| result == 0)?;
        let micros = |at: usize| {
            let field = info.get(at..at + 4)?.first_chunk::<4>()?;
            Some(Span::from_micros(i64::from(u32::from_ne_bytes(*field))))
        };
        let count = |at: usize| Some(u64::from_ne_bytes(*info.get(at..at + 8)?.first_chunk::<8>()?));
        Some(TcpFigures {
            rtt: micros(RTT_US)?,
            rtt_variation: micros(RTT_VARIATION_US)?,
            // Since Linux 4.19.
            sent: count(BYTES_SENT)?,
            retransmitted: count(BYTES_RETRANSMITTED)?,
        })
    }
}

#[cfg(windows)]
mod windows {
    use std::os::windows::io::{AsRawSocket, OwnedSocket};
    use std::ptr;

    use publish::TcpFigures;
    use units::Span;
    use windows_sys::Win32::Networking::WinSock::{
        IPPROTO_TCP, SIO_TCP_INFO, SOCKET, TCP_INFO_v0, TCP_MAXRTMS, WSAIoctl, setsockopt,
    };

    use super::Answer;

    fn unusable() -> std::io::Error {
        std::io::Error::from(std::io::ErrorKind::InvalidInput)
    }

    fn raw(socket: &impl AsRawSocket) -> std::io::Result<SOCKET> {
        SOCKET::try_from(socket.as_raw_socket()).map_err(|_| unusable())
    }

    /// Since Windows 10, version 1703. What is sent and not confirmed is known exactly; what waits in the system's
    /// buffer is what was handed over and not sent. Should the system count repetitions as sent, that part reads too
    /// low, by no more than the buffer holds.
    pub(super) fn ask(socket: &OwnedSocket, handed_over: u64) -> Answer {
        let Ok(info) = info(socket) else { return Answer::default() };
        let unsent = handed_over.saturating_sub(info.BytesOut);
        let rtt = Span::from_micros(i64::from(info.RttUs));
        let least = Span::from_micros(i64::from(info.MinRttUs.min(info.RttUs)));
        Answer {
            in_flight: Some(u64::from(info.BytesInFlight) + unsent),
            tcp: Some(TcpFigures {
                rtt,
                // The system keeps its variation for itself; how far the time is above its least is the next best.
                rtt_variation: rtt - least,
                sent: info.BytesOut,
                retransmitted: u64::from(info.BytesRetrans),
            }),
        }
    }

    /// What the system knows of a connection. One that does not know the question says so with `WSAEOPNOTSUPP`.
    pub(super) fn info(socket: &OwnedSocket) -> std::io::Result<TCP_INFO_v0> {
        let version: u32 = 0;
        let mut info = TCP_INFO_v0::default();
        let mut returned: u32 = 0;
        // SAFETY: the socket is open for as long as `socket` lives; both buffers are values of ours of the sizes that
        // are told, version 0 asks for exactly this structure, and without an OVERLAPPED the call is over when it
        // returns.
        let result = unsafe {
            WSAIoctl(
                raw(socket)?,
                SIO_TCP_INFO,
                (&raw const version).cast(),
                u32::try_from(size_of_val(&version)).map_err(|_| unusable())?,
                (&raw mut info).cast(),
                u32::try_from(size_of::<TCP_INFO_v0>()).map_err(|_| unusable())?,
                &raw mut returned,
                ptr::null_mut(),
                None,
            )
        };
        if result == 0 { Ok(info) } else { Err(std::io::Error::last_os_error()) }
    }

    /// Ends a connection whose bytes nobody confirms for `millis` (`TCP_MAXRTMS`; since Windows 10, version 1709).
    pub(super) fn limit_retransmission(socket: &impl AsRawSocket, millis: u32) -> std::io::Result<()> {
        // SAFETY: the socket is open for as long as `socket` lives, and the system reads as many bytes as `millis` has.
        let result = unsafe {
            setsockopt(
                raw(socket)?,
                IPPROTO_TCP,
                TCP_MAXRTMS,
                (&raw const millis).cast(),
                i32::try_from(size_of_val(&millis)).map_err(|_| unusable())?,
            )
        };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }
}

/// See [`windows::limit_retransmission`].
#[cfg(windows)]
pub(crate) fn limit_retransmission(stream: &TcpStream, limit: std::time::Duration) -> std::io::Result<()> {
    windows::limit_retransmission(stream, u32::try_from(limit.as_millis()).unwrap_or(u32::MAX))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// On loopback a peer's system confirms what its buffer takes, and nothing beyond.
    #[tokio::test]
    async fn tells_what_a_peer_has_not_confirmed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        let probe = Probe::new(&near, Arc::default()).unwrap();
        assert_eq!(probe.ask().in_flight, Some(0));
        // Until both buffers are full.
        let piece = [7; 64 * 1024];
        let mut written = 0;
        loop {
            match near.try_write(&piece) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let stuck = probe.ask().in_flight.unwrap();
        assert!(stuck > 0 && stuck < written as u64, "{stuck} of {written}");
        let mut read = 0;
        let mut buffer = vec![0; 1 << 20];
        while read < written {
            read += far.read(&mut buffer).await.unwrap();
        }
        // The last confirmation is on its way back; what the peer says behind it arrives behind it.
        far.write_all(b"done").await.unwrap();
        near.read_exact(&mut buffer[..4]).await.unwrap();
        assert_eq!(probe.ask().in_flight, Some(0));
        let figures = probe.ask().tcp.unwrap();
        assert!(figures.sent >= written as u64 && figures.rtt > units::Span::ZERO, "{figures:?}");
    }
}

#[cfg(windows)]
#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use windows_sys::Win32::Networking::WinSock::{WSAENOPROTOOPT, WSAEOPNOTSUPP};

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    /// Windows tells; Wine 10 does not know the question, and then nothing is claimed.
    #[tokio::test]
    async fn a_peer_that_reads_nothing_has_not_confirmed_all_that_was_handed_over() {
        let (near, _far) = pair().await;
        let handed_over = Arc::new(AtomicU64::new(0));
        let probe = Probe::new(&near, Arc::clone(&handed_over)).unwrap();
        let piece = [7; 64 * 1024];
        loop {
            match near.try_write(&piece) {
                Ok(bytes) => count(&handed_over, bytes),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let written = handed_over.load(Ordering::Relaxed);
        let answer = probe.ask();
        match windows::info(&probe.handle) {
            Ok(_) => {
                let (in_flight, tcp) = (answer.in_flight.unwrap(), answer.tcp.unwrap());
                assert!(in_flight > 0 && in_flight < written, "{in_flight} of {written}");
                assert!(tcp.sent <= written + tcp.retransmitted, "{tcp:?}");
            }
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(WSAEOPNOTSUPP), "{error}");
                assert_eq!(answer, Answer::default());
            }
        }
    }

    /// Wine 10 does not know the option, and the connection works without.
    #[tokio::test]
    async fn the_limit_of_retransmission_is_taken_or_unknown() {
        let (near, _far) = pair().await;
        if let Err(error) = limit_retransmission(&near, std::time::Duration::from_secs(8)) {
            assert_eq!(error.raw_os_error(), Some(WSAENOPROTOOPT), "{error}");
        }
        assert!(near.try_write(b"still there").is_ok());
    }
}
