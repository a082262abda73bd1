//! Following a channel's playback playlist over HTTPS: a task that fetches what [`PlaybackWatch`] asks for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONNECTION, HOST, LOCATION, RANGE, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use publish::playback::{Fetch, Fetched, Wanted};
use publish::{Cause, Failure, PlaybackState, PlaybackUrl, PlaybackWatch, Stage, WallClock};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use units::Clock;

use crate::https::AGENT;
use crate::link::{Overheard, Stream};
use crate::{dial, tls, trust};

/// Redirections that are followed for one fetch (RFC 9110, 15.4, leaves the number to the client).
const MAX_REDIRECTIONS: usize = 4;
/// How long one fetch may take, redirections included. A player's buffer would be empty by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to follow.
#[derive(Clone, Debug)]
pub struct Playback {
    /// The channel's playback playlist.
    pub url: PlaybackUrl,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// Ties the media clock to UTC, for how far viewers are behind.
    pub wall: Option<WallClock>,
}

struct Shared {
    watch: Mutex<PlaybackWatch>,
    clock: Arc<dyn Clock>,
    /// Counts what was learned.
    learned: watch::Sender<u64>,
}

impl Shared {
    fn watch(&self) -> MutexGuard<'_, PlaybackWatch> {
        // The watch is changed in whole steps.
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> PlaybackState {
        let now = self.clock.now();
        self.watch().state(now)
    }
}

/// A playlist that is being followed. Dropping it ends that.
pub struct PlaybackWatcher {
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl PlaybackWatcher {
    /// Whether viewers can play, as far as is known now.
    pub fn state(&self) -> PlaybackState {
        self.shared.state()
    }

    /// Waits until what is learned makes `wanted` true of the state; `None` when the runtime was shut down before. A state
    /// that only time changes, such as [`PlaybackState::Stalled`], is noticed with the next fetch.
    pub async fn wait_for(&self, wanted: impl Fn(&PlaybackState) -> bool) -> Option<PlaybackState> {
        let mut learned = self.shared.learned.subscribe();
        loop {
            let state = self.state();
            if wanted(&state) {
                return Some(state);
            }
            learned.changed().await.ok()?;
        }
    }
}

impl Drop for PlaybackWatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows `playback` from now on. Returns at once. A few kilobytes are fetched in each of the playlist's target
/// durations.
pub fn watch_playback(runtime: &Handle, playback: Playback, clock: Arc<dyn Clock>) -> PlaybackWatcher {
    let Playback { url, ca, wall } = playback;
    let shared = Arc::new(Shared {
        watch: Mutex::new(PlaybackWatch::new(url, wall, clock.now())),
        clock,
        learned: watch::Sender::new(0),
    });
    let task = runtime.spawn(follow(Arc::clone(&shared), ca)).abort_handle();
    PlaybackWatcher { shared, task }
}

async fn follow(shared: Arc<Shared>, ca: Option<PathBuf>) {
    let trust = tokio::task::spawn_blocking(move || match trust::client_config(ca.as_deref(), true) {
        Ok(Some(config)) => Ok(config),
        Ok(None) => Err(String::from("encryption was not set up")),
        Err(error) => Err(error.to_string()),
    });
    let trust = trust.await.unwrap_or_else(|error| Err(error.to_string()));
    loop {
        let now = shared.clock.now();
        let fetch = shared.watch().poll(now);
        let Some(fetch) = fetch else {
            let next = shared.watch().wake_at().unwrap_or(now);
            tokio::time::sleep((next - now).to_duration()).await;
            continue;
        };
        let fetched = match &trust {
            Err(why) => {
                Fetched::Failed(format!("This computer can not look at the playback playlist: {why}."))
            }
            Ok(trust) => match timeout(PATIENCE, get(&fetch, trust)).await {
                Ok(fetched) => fetched,
                Err(_) => Fetched::Failed(format!("{} did not answer in time.", fetch.url.host())),
            },
        };
        let before = shared.state();
        let now = shared.clock.now();
        shared.watch().handle(fetched, now);
        let after = shared.state();
        if std::mem::discriminant(&before) != std::mem::discriminant(&after) {
            tracing::debug!(url = %fetch.url, state = ?after, "playback");
        }
        shared.learned.send_modify(|learned| *learned += 1);
    }
}

/// What one address answered.
enum Reply {
    Got(Vec<u8>),
    Moved(String),
    Status(u16),
    Failed(String),
}

async fn get(fetch: &Fetch, trust: &Arc<ClientConfig>) -> Fetched {
    let mut url = fetch.url.clone();
    for _ in 0..=MAX_REDIRECTIONS {
        match ask(&url, fetch.wanted, trust).await {
            Reply::Got(bytes) => return Fetched::Got { from: url, bytes },
            Reply::Status(status) => return Fetched::Status(status),
            Reply::Failed(why) => return Fetched::Failed(why),
            Reply::Moved(to) => match url.join(&to) {
                Ok(next) => url = next,
                Err(why) => {
                    let host = url.host();
                    return Fetched::Failed(format!(
                        "{host} points to an address that can not be used: {why}."
                    ));
                }
            },
        }
    }
    Fetched::Failed(format!("{} points from one address to the next without end.", fetch.url.host()))
}

async fn ask(url: &PlaybackUrl, wanted: Wanted, trust: &Arc<ClientConfig>) -> Reply {
    let failed =
        |stage, cause| Reply::Failed(Failure { host: url.host(), port: url.port(), stage, cause }.happened());
    let addresses = match dial::resolve(url.host(), url.port()).await {
        Ok(addresses) => addresses,
        Err(cause) => return failed(Stage::Name, cause),
    };
    let tcp = match dial::connect(addresses).await {
        Ok(tcp) => Overheard::new(tcp),
        Err(cause) => return failed(Stage::Connect, cause),
    };
    if !url.is_encrypted() {
        return converse(url, wanted, Stream::Plain(tcp)).await;
    }
    let Ok(name) = ServerName::try_from(url.host()) else {
        return Reply::Failed(String::from("The host of the playback address is no name of a machine."));
    };
    match tls::secure(tcp, Arc::clone(trust), name).await {
        Ok(stream) => converse(url, wanted, Stream::Tls(stream)).await,
        Err(cause) => failed(Stage::Tls, cause),
    }
}

async fn converse(url: &PlaybackUrl, wanted: Wanted, stream: Stream) -> Reply {
    let broken = |error: &hyper::Error| Reply::Failed(broken_words(&url.host(), error));
    let builder = Request::get(url.target())
        .header(HOST, url.authority())
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close");
    let builder = match wanted {
        Wanted::Playlist => builder,
        // A server that knows no ranges sends everything (RFC 9110, 14.2); the rest is not read then.
        Wanted::Segment => builder.header(RANGE, format!("bytes=0-{}", wanted.most_bytes() - 1)),
    };
    let request = match builder.body(Empty::<Bytes>::new()) {
        Ok(request) => request,
        Err(error) => return Reply::Failed(format!("{} can not be asked: {error}.", url.host())),
    };
    let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(stream)).await {
        Ok(both) => both,
        Err(error) => return broken(&error),
    };
    let answer = async {
        match sender.send_request(request).await {
            Ok(response) => read(&url.host(), wanted, response).await,
            Err(error) => broken(&error),
        }
    };
    tokio::pin!(answer, connection);
    let mut is_open = true;
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            // Its errors reach the answer too.
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

async fn read(host: &str, wanted: Wanted, response: Response<Incoming>) -> Reply {
    let status = response.status();
    if status.is_redirection() {
        let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        return location.map_or(Reply::Status(status.as_u16()), |to| Reply::Moved(String::from(to)));
    }
    if status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT {
        return Reply::Status(status.as_u16());
    }
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return Reply::Failed(broken_words(host, &error)),
        };
        bytes.extend_from_slice(&data);
        match wanted {
            Wanted::Segment if !bytes.is_empty() => {
                bytes.truncate(wanted.most_bytes());
                break;
            }
            Wanted::Playlist if bytes.len() > wanted.most_bytes() => {
                let limit = wanted.most_bytes();
                return Reply::Failed(format!("{host} gives a playlist of more than {limit} bytes."));
            }
            _ => {}
        }
    }
    Reply::Got(bytes)
}

/// Words of our own in place of the library's, which speak of messages and channels.
fn broken_words(host: &str, error: &hyper::Error) -> String {
    if error.is_parse() {
        return format!("{host} answers in something that is not HTTP.");
    }
    let why = if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        String::from("it was closed before the answer was complete")
    } else {
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
    };
    Failure { host: String::from(host), port: 0, stage: Stage::Live, cause: Cause::Lost(why) }.happened()
}
