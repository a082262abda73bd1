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

use crate::received::ReceivedFile;
use crate::service::{Service, stop_asked};
use crate::session::{READ_BYTES, Session};

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
    let Some(acceptor) = tls else {
        let session = Session::new(Arc::clone(&service), Protocol::Rtmp, peer);
        run(tcp, session, &service, stopping).await;
        return;
    };
    let mut session = Session::new(Arc::clone(&service), Protocol::Rtmps, peer);
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
    loop {
        if !write_out(&mut stream, &mut session).await {
            session.peer_closed();
        }
        keep_tags(&mut session, &mut file, service).await;
        if session.is_over() {
            break;
        }
        let allowance = session.read_allowance(service.now()).min(buffer.len());
        let (window, _) = buffer.split_at_mut(allowance);
        tokio::select! {
            read = stream.read(window), if allowance > 0 => match read {
                Ok(0) | Err(_) => session.peer_closed(),
                Ok(count) => {
                    let bytes = window.get(..count).unwrap_or_default();
                    session.handle_input(bytes, service.now());
                }
            },
            _ = ticks.tick() => session.tick(service.now()),
            () = stop_asked(&mut stopping) => session.stop(),
        }
    }
    let ended_at = service.now();
    session.leave_air(ended_at);
    let cut = session.is_cut();
    let (name, problem) = file.finish().await;
    if let Some(report) = session.finish(name, problem, ended_at) {
        service.file_report(report);
    }
    if !cut {
        part(&mut stream, &mut buffer).await;
    }
}

/// Writes everything that the session has to say. `false` when the peer does not take it.
async fn write_out<S: AsyncWrite + Unpin>(stream: &mut S, session: &mut Session) -> bool {
    while let Some(bytes) = session.poll_output() {
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
