//! The task behind an output: does what the session asks, and tells it what happened.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use publish::{Action, Cause, Ended, Event, Notice};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio_rustls::client::TlsStream;
use units::{MediaTime, Span};

use crate::dial;
use crate::link::{Overheard, Stream, Writer};
use crate::output::Tellings;
use crate::rtmp::Shared;
use crate::socket::Probe;
use crate::{socket, tls};

/// After our end is closed, how long the peer may take to close its own. Closing before that, with bytes of the peer
/// unread, would make the system reset the connection and throw away what the peer has not read yet.
const LINGER: Duration = Duration::from_millis(500);

/// How often the system is asked what the peer has confirmed: a few times for each pulse of the session.
const ASKED_EVERY: Span = Span::from_millis(100);

/// How long to sleep where nothing is due.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);

/// A server's answers are small.
const READ_BYTES: usize = 16 * 1024;

pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) name: ServerName<'static>,
    pub(crate) tellings: Tellings,
}

/// What an action came to.
enum Outcome {
    Resolved(Vec<SocketAddr>),
    Connected(Box<Overheard>),
    Secured(Box<TlsStream<Overheard>>),
    Failed(Cause),
    Closed,
}

type UnderWay = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Everything a session has to do with the outside at one moment.
#[derive(Default)]
struct Links {
    under_way: Option<UnderWay>,
    addresses: Vec<SocketAddr>,
    /// Connected, not yet secured.
    raw: Option<Box<Overheard>>,
    probe: Option<Probe>,
    /// When the system was asked last about the connection.
    asked_at: MediaTime,
    reader: Option<ReadHalf<Stream>>,
    writer: Option<Writer>,
}

impl Links {
    fn open(&mut self, stream: Stream) {
        let (reader, writer) = tokio::io::split(stream);
        self.reader = Some(reader);
        self.writer = Some(Writer::new(writer));
    }

    /// Asks the system about the connection, when it is time or this is the last time.
    fn ask(&mut self, is_last: bool, now: MediaTime) -> socket::Answer {
        match &self.probe {
            // Only what RTMP wrote is to be confirmed: before, all bytes are those of the encryption.
            Some(probe) if self.reader.is_some() || self.writer.is_some() || is_last => {
                if is_last || now - self.asked_at >= ASKED_EVERY {
                    self.asked_at = now;
                    return probe.ask();
                }
                socket::Answer::default()
            }
            _ => socket::Answer::default(),
        }
    }
}

/// What the task woke up for.
enum Woken {
    Outcome(Outcome),
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<usize>),
    Called,
    Tick,
}

pub(crate) async fn run(driver: Driver) {
    let mut links = Links::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let wake = driver.decide(&mut links);
        if driver.tell() {
            return;
        }
        let woken = {
            let Links { under_way, reader, writer, .. } = &mut links;
            tokio::select! {
                outcome = finished(under_way) => Woken::Outcome(outcome),
                read = read(reader, &mut buffer) => Woken::Read(read),
                wrote = wrote(writer) => Woken::Wrote(wrote),
                () = driver.shared.wake.notified() => Woken::Called,
                () = tokio::time::sleep(wake) => Woken::Tick,
            }
        };
        driver.report(woken, &mut links, &buffer);
    }
}

impl Driver {
    /// Gives the writer something to do, starts what the session asks for, and says for how long to sleep at most.
    fn decide(&self, links: &mut Links) -> Duration {
        let now = self.shared.clock.now();
        let mut session = self.shared.session();
        if let Some(writer) = links.writer.as_mut().filter(|writer| writer.is_idle())
            && let Some(bytes) = session.next_bytes(now)
        {
            writer.load(bytes);
        }
        while let Some(action) = session.poll_action() {
            self.act(action, links);
        }
        // An ended session wakes for nothing, since its last notices are told right after this; a waiting one is woken
        // by whoever lets it proceed.
        session.wake_at(now).map_or(LONGEST_SLEEP, |at| (at - now).to_duration())
    }

    fn act(&self, action: Action, links: &mut Links) {
        match action {
            Action::Resolve => {
                let (host, port) = (self.host.clone(), self.port);
                links.under_way = Some(Box::pin(async move {
                    dial::resolve(host, port).await.map_or_else(Outcome::Failed, Outcome::Resolved)
                }));
            }
            Action::Connect => {
                let addresses = std::mem::take(&mut links.addresses);
                links.under_way = Some(Box::pin(async move {
                    let connected = dial::connect(addresses).await;
                    connected.map_or_else(Outcome::Failed, |stream| {
                        Outcome::Connected(Box::new(Overheard::new(stream)))
                    })
                }));
            }
            Action::StartTls => {
                if let (Some(stream), Some(config)) = (links.raw.take(), self.tls.clone()) {
                    let name = self.name.clone();
                    links.under_way = Some(Box::pin(async move {
                        tls::secure(*stream, config, name)
                            .await
                            .map_or_else(Outcome::Failed, Outcome::Secured)
                    }));
                } else {
                    let cause = Cause::Own(String::from("encryption was asked for without a connection"));
                    links.under_way = Some(Box::pin(async { Outcome::Failed(cause) }));
                }
            }
            Action::Close => {
                let writer = links.writer.take();
                links.under_way = Some(Box::pin(async move {
                    if let Some(mut writer) = writer {
                        if let Err(error) = writer.shutdown().await {
                            return Outcome::Failed(dial::broken_cause(&error));
                        }
                        // The reader goes on meanwhile, and the peer's end is the usual way out of this.
                        tokio::time::sleep(LINGER).await;
                    }
                    Outcome::Closed
                }));
            }
            Action::Abort => *links = Links::default(),
        }
    }

    /// Passes notices on; true when the last one was among them.
    fn tell(&self) -> bool {
        loop {
            let Some(notice) = self.shared.session().poll_notice() else { return false };
            match &notice {
                Notice::Step(step) => tracing::debug!(host = %self.host, %step, "output"),
                Notice::Ended(Ended::Failed(failure)) => {
                    tracing::warn!(host = %self.host, code = failure.code(), "output failed: {failure}");
                }
                _ => {}
            }
            if self.tellings.tell(notice) {
                return true;
            }
        }
    }

    fn report(&self, woken: Woken, links: &mut Links, buffer: &[u8]) {
        let now = self.shared.clock.now();
        let mut session = self.shared.session();
        let event = match woken {
            Woken::Called => return,
            Woken::Tick => Event::Tick,
            Woken::Wrote(Ok(bytes)) => Event::Wrote(bytes),
            Woken::Read(Ok(0)) => {
                links.reader = None;
                Event::Closed
            }
            Woken::Read(Ok(bytes)) => Event::Received(buffer.get(..bytes).unwrap_or_default()),
            Woken::Read(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                // Many peers end a TLS connection without saying so in TLS.
                links.reader = None;
                Event::Closed
            }
            Woken::Read(Err(error)) => {
                links.reader = None;
                Event::Failed(dial::broken_cause(&error))
            }
            Woken::Wrote(Err(error)) => {
                // What the peer said before it closed explains more than our failing to write to it: read on.
                links.writer = None;
                if links.reader.is_some() && is_hangup(&error) {
                    return;
                }
                Event::Failed(dial::broken_cause(&error))
            }
            Woken::Outcome(outcome) => {
                links.under_way = None;
                match outcome {
                    Outcome::Resolved(addresses) => {
                        links.addresses = addresses;
                        Event::Resolved
                    }
                    Outcome::Connected(stream) => {
                        links.probe = stream.probe();
                        if self.tls.is_some() {
                            links.raw = Some(stream);
                        } else {
                            links.open(Stream::Plain(*stream));
                        }
                        Event::Connected
                    }
                    Outcome::Secured(stream) => {
                        links.open(Stream::Tls(stream));
                        Event::TlsDone
                    }
                    Outcome::Failed(cause) => Event::Failed(cause),
                    Outcome::Closed => Event::Closed,
                }
            }
        };
        let is_last = matches!(event, Event::Closed);
        let answer = links.ask(is_last, now);
        if let Some(bytes) = answer.in_flight {
            session.handle(Event::InFlight { bytes }, now);
        }
        if let Some(figures) = answer.tcp {
            session.handle(Event::Tcp(figures), now);
        }
        session.handle(event, now);
    }
}

fn is_hangup(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset)
}

async fn finished(under_way: &mut Option<UnderWay>) -> Outcome {
    match under_way {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn read(reader: &mut Option<ReadHalf<Stream>>, buffer: &mut [u8]) -> std::io::Result<usize> {
    match reader {
        Some(reader) => reader.read(buffer).await,
        None => std::future::pending().await,
    }
}

async fn wrote(writer: &mut Option<Writer>) -> std::io::Result<usize> {
    match writer {
        Some(writer) if !writer.is_idle() => writer.step().await,
        _ => std::future::pending().await,
    }
}
