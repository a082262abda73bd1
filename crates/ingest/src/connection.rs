//! Drives one session over its socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ivs::Protocol;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use units::{MediaTime, Span};

use crate::delay_line::DelayLine;
use crate::faults::Stage;
use crate::received::ReceivedFile;
use crate::service::{Service, stop_asked};
use crate::session::{Mishap, Parting, READ_BYTES, Session};

/// How often the media clock is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// How long a peer may take to read our answers, or to shake hands over TLS.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long, and for how many bytes, we listen on after we said the last word. Closing at once would reset the
/// connection when bytes are still on their way, and the peer might never read why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 << 20;

/// Serves one connection to its end. `stopping` turns true, or its sender goes away, when the ingest is stopped.
pub(crate) async fn serve(
    tcp: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are short and waited for.
    let _ = tcp.set_nodelay(true);
    let protocol = if tls.is_some() { Protocol::Rtmps } else { Protocol::Rtmp };
    let mut session = Session::new(Arc::clone(&service), protocol, peer);
    if let Some(bytes) = session.receive_buffer_bytes() {
        // A system that does not do it rehearses a rougher path.
        let _ = socket2::SockRef::from(&tcp).set_recv_buffer_size(bytes);
    }
    let early = [Some(Stage::Tcp), tls.is_some().then_some(Stage::Tls)];
    if let Some(stage) = early.into_iter().flatten().find(|stage| session.has_fault_at(*stage)) {
        fail_early(tcp, stage, session, &service, stopping).await;
        return;
    }
    let Some(acceptor) = tls else {
        run(tcp, session, &service, stopping).await;
        return;
    };
    let shaken = tokio::select! {
        shaken = timeout(PATIENCE, acceptor.accept(tcp)) => shaken,
        () = stop_asked(&mut stopping) => return,
    };
    let why = match shaken {
        Ok(Ok(stream)) => {
            run(stream, session, &service, stopping).await;
            return;
        }
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            String::from("the peer closed the connection during the handshake")
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => String::from("the peer did not shake hands in time"),
    };
    let now = service.now();
    session.refuse_tls(&why, now);
    if let Some(report) = session.finish(None, None, now) {
        service.file_report(report);
    }
}

/// Lets a connection fail before a session speaks RTMP.
async fn fail_early(
    tcp: TcpStream,
    stage: Stage,
    mut session: Session,
    service: &Service,
    mut stopping: watch::Receiver<bool>,
) {
    if stage == Stage::Tls {
        // The peer has begun to shake hands.
        tokio::select! {
            _ = tcp.readable() => {}
            () = stop_asked(&mut stopping) => {}
        }
    }
    let now = service.now();
    let hangs = session.fail_at(stage, now) == Some(Mishap::Hang);
    if !hangs {
        // What is closed with nothing to linger for is reset, as by a machine where nobody listens.
        let _ = tcp.set_zero_linger();
        drop(tcp);
    } else {
        stop_asked(&mut stopping).await;
        session.stop();
    }
    if let Some(report) = session.finish(None, None, service.now()) {
        service.file_report(report);
    }
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut session: Session,
    service: &Arc<Service>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut file = FileState::None;
    let mut buffer = vec![0u8; READ_BYTES];
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ways = Ways::new(session.delay());
    loop {
        if !ways.write(&mut stream, &mut session, service.now()).await {
            session.peer_closed();
        }
        keep_tags(&mut session, &mut file, service).await;
        if session.is_over() {
            break;
        }
        let may_read = ways.inward.takes_more();
        let allowance = if may_read { session.read_allowance(service.now()).min(buffer.len()) } else { 0 };
        let (window, _) = buffer.split_at_mut(allowance);
        tokio::select! {
            read = stream.read(window), if allowance > 0 => {
                let count = read.unwrap_or(0);
                let bytes = window.get(..count).unwrap_or_default();
                ways.read(bytes, &mut session, service.now());
            }
            _ = ticks.tick() => {
                let now = service.now();
                ways.deliver(&mut session, now);
                session.tick(now);
            }
            () = stop_asked(&mut stopping) => session.stop(),
        }
    }
    let ended_at = service.now();
    session.leave_air(ended_at);
    let parting = session.parting();
    let (name, problem) = file.finish().await;
    if let Some(report) = session.finish(name, problem, ended_at) {
        service.file_report(report);
    }
    match parting {
        Parting::Properly => {
            while let Some(bytes) = ways.outward.pop_anyway() {
                let _ = timeout(PATIENCE, stream.write_all(&bytes)).await;
            }
            part(&mut stream, &mut buffer).await;
        }
        Parting::Cut => {}
        Parting::Never => stop_asked(&mut stopping).await,
    }
}

/// Both directions of a connection. Without a delay on demand, bytes pass at once.
struct Ways {
    is_delayed: bool,
    inward: DelayLine,
    outward: DelayLine,
}

impl Ways {
    fn new(delay: Span) -> Self {
        let (inward, outward) = (DelayLine::new(delay), DelayLine::new(delay));
        Self { is_delayed: delay > Span::ZERO, inward, outward }
    }

    /// `bytes` came from the peer; none when it closed the connection.
    fn read(&mut self, bytes: &[u8], session: &mut Session, now: MediaTime) {
        if self.is_delayed {
            self.inward.push(bytes.to_vec(), now);
            self.deliver(session, now);
        } else {
            hand_over(bytes, session, now);
        }
    }

    /// Gives the session what has arrived by now.
    fn deliver(&mut self, session: &mut Session, now: MediaTime) {
        while let Some(bytes) = self.inward.pop(now) {
            hand_over(&bytes, session, now);
        }
    }

    /// Writes what the session has to say and what is due. `false` when the peer does not take it.
    async fn write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        session: &mut Session,
        now: MediaTime,
    ) -> bool {
        while let Some(bytes) = session.poll_output().filter(|bytes| !bytes.is_empty()) {
            self.outward.push(bytes, now);
        }
        while let Some(bytes) = self.outward.pop(now) {
            let written = timeout(PATIENCE, async {
                stream.write_all(&bytes).await?;
                stream.flush().await
            });
            if !matches!(written.await, Ok(Ok(()))) {
                return false;
            }
        }
        true
    }
}

fn hand_over(bytes: &[u8], session: &mut Session, now: MediaTime) {
    if bytes.is_empty() {
        session.peer_closed();
    } else {
        session.handle_input(bytes, now);
    }
}

/// Says that nothing more will come and reads what is on its way, so that the peer gets to read our last word.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, buffer: &mut [u8]) {
    let drained = timeout(LINGER, async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut left = LINGER_BYTES;
        while left > 0 {
            match stream.read(buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => left = left.saturating_sub(count),
            }
        }
    });
    // Whether the peer left in time makes no difference.
    let _ = drained.await;
}

/// The file of a session, which is created with the first thing to keep.
enum FileState {
    None,
    Open(ReceivedFile),
    Failed(String),
}

impl FileState {
    async fn finish(self) -> (Option<String>, Option<String>) {
        match self {
            Self::None => (None, None),
            Self::Failed(problem) => (None, Some(problem)),
            Self::Open(file) => {
                let name = String::from(file.name());
                let problem = file.finish().await.err().map(|error| error.to_string());
                (Some(name), problem)
            }
        }
    }
}

async fn keep_tags(session: &mut Session, file: &mut FileState, service: &Service) {
    while let Some(tag) = session.poll_tag() {
        if let (FileState::None, Some(folder)) = (&*file, &service.config.out_dir) {
            *file = match ReceivedFile::create(folder, session.number()) {
                Ok(created) => FileState::Open(created),
                Err(error) => FileState::Failed(error.to_string()),
            };
        }
        if let FileState::Open(open) = file {
            open.write(tag).await;
        }
    }
}
