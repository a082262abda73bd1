//! Following a playback playlist that a small server over TLS gives, as it was told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use net::{Playback, PlaybackState, PlaybackUrl, PlaybackWatcher, watch_playback};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::secrecy::Log;
use crate::show::WallClock;

const TOKEN: &str = "token=aViewersOwnToken";
/// Far beyond what anything here takes on the slowest machine: a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers by path; the n-th time a path is asked for, by the n-th of its answers, and from then on by the last.
type Answers = Vec<(&'static str, Vec<Vec<u8>>)>;

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn ok(body: &str) -> Vec<u8> {
    http("200 OK", "", body.as_bytes())
}

fn missing() -> Vec<u8> {
    http("404 Not Found", "", b"")
}

struct Origin {
    address: SocketAddr,
    scheme: &'static str,
    /// Request lines and ranges.
    asked: Arc<Mutex<Vec<String>>>,
    authority: Authority,
    task: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Origin {
    async fn start(answers: Answers) -> Self {
        Self::with(true, answers).await
    }

    async fn with(encrypted: bool, answers: Answers) -> Self {
        let authority = Authority::new();
        let acceptor = encrypted.then(|| authority.issue(&["127.0.0.1"]).acceptor());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut times = vec![0; answers.len()];
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match &acceptor {
                    None => serve(stream, &answers, &mut times, &heard).await,
                    Some(acceptor) => serve_tls(acceptor, stream, &answers, &mut times, &heard).await,
                }
            }
        });
        Self { address, scheme: if encrypted { "https" } else { "http" }, asked, authority, task }
    }

    fn watch(&self) -> PlaybackWatcher {
        let url = format!("{}://{}/channel.m3u8?{TOKEN}", self.scheme, self.address);
        let url = PlaybackUrl::parse(&url).unwrap();
        let playback = Playback { url, ca: Some(self.authority.file()), wall: None };
        watch_playback(&Handle::current(), playback, WallClock::start())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve_tls(
    acceptor: &TlsAcceptor,
    stream: tokio::net::TcpStream,
    answers: &Answers,
    times: &mut [usize],
    heard: &Mutex<Vec<String>>,
) {
    if let Ok(stream) = acceptor.accept(stream).await {
        serve(stream, answers, times, heard).await;
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &Answers,
    times: &mut [usize],
    heard: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(bytes) => head.extend_from_slice(&buffer[..bytes]),
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let line = String::from(head.lines().next().unwrap());
    let range = head.lines().find(|line| line.starts_with("range:")).unwrap_or_default();
    heard.lock().unwrap().push(format!("{line} {range}"));
    let path = line.split([' ', '?']).nth(1).unwrap();
    let answer = match answers.iter().position(|(of, _)| *of == path) {
        Some(at) => {
            let mine = &answers[at].1;
            times[at] += 1;
            mine[(times[at] - 1).min(mine.len() - 1)].clone()
        }
        None => missing(),
    };
    // Whoever has read enough goes away.
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

async fn until(watcher: &PlaybackWatcher, wanted: impl Fn(&PlaybackState) -> bool) -> PlaybackState {
    timeout(PATIENCE, watcher.wait_for(wanted)).await.expect("it never comes to that").unwrap()
}

fn master(variant: &str) -> Vec<u8> {
    ok(&format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\n{variant}\n"))
}

fn media(newest: &str) -> Vec<u8> {
    ok(&format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\n{newest}\n"))
}

fn is_playable(state: &PlaybackState) -> bool {
    matches!(state, PlaybackState::Playable { .. })
}

#[tokio::test]
async fn a_stream_is_found_through_a_redirection_and_its_newest_segment_is_seen() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // On one thread, so that the log of this test is that of the whole of it.
    let _logging = tracing::subscriber::set_default(subscriber);
    let moved = http("302 Found", "Location: /elsewhere/channel.m3u8?token=aViewersOwnToken\r\n", b"");
    let segment = http("200 OK", "", &vec![7; 3 << 20]);
    let origin = Origin::start(vec![
        ("/channel.m3u8", vec![missing(), moved]),
        ("/elsewhere/channel.m3u8", vec![master("low/index.m3u8?token=aViewersOwnToken")]),
        ("/elsewhere/low/index.m3u8", vec![media("0.m4s?token=aViewersOwnToken")]),
        ("/elsewhere/low/0.m4s", vec![segment]),
    ])
    .await;
    let watcher = origin.watch();
    assert_eq!(watcher.state(), PlaybackState::NotYet);
    let state = until(&watcher, is_playable).await;
    assert_eq!(state, PlaybackState::Playable { behind: None, newest: String::from("0.m4s") });
    let asked = origin.asked();
    let last = asked.iter().rfind(|line| line.contains("0.m4s")).unwrap();
    assert!(
        last.starts_with("get /elsewhere/low/0.m4s?token=aviewersowntoken http/1.1 range: bytes=0-1023"),
        "{last}"
    );
    drop(watcher);
    assert!(!log.text().contains("aViewersOwnToken"), "{}", log.text());
}

#[tokio::test]
async fn loopback_does_without_encryption() {
    let origin = Origin::with(
        false,
        vec![
            ("/channel.m3u8", vec![missing(), media("0.ts")]),
            ("/0.ts", vec![http("206 Partial Content", "", b"G")]),
        ],
    )
    .await;
    until(&origin.watch(), is_playable).await;
}

#[tokio::test]
async fn what_goes_wrong_is_said() {
    let long = ok(&format!("#EXTM3U\n{}", "#\n".repeat(600_000)));
    for (answer, why) in [
        (http("403 Forbidden", "", b""), "127.0.0.1 lets nobody watch without a token (HTTP 403)"),
        (http("503 Busy", "", b""), "127.0.0.1 is in trouble (HTTP 503)."),
        (ok("<html>"), "What 127.0.0.1 gives is no HLS playlist."),
        (b"SSH-2.0-x\r\n\r\n".to_vec(), "127.0.0.1 answers in something that is not HTTP."),
        (long, "127.0.0.1 gives a playlist of more than 1048576 bytes."),
        (
            http("302 Found", "Location: channel.m3u8\r\n", b""),
            "127.0.0.1 points from one address to the next without end.",
        ),
        (
            http("302 Found", "Location: http://127.0.0.1/\r\n", b""),
            "127.0.0.1 points to an address that can not be used: the connection would not be encrypted.",
        ),
        (
            master("file:///etc/passwd"),
            "A rendition's address in the playlist can not be used: it has no host.",
        ),
    ] {
        let origin = Origin::start(vec![("/channel.m3u8", vec![answer])]).await;
        let watcher = origin.watch();
        let state = until(&watcher, |state| matches!(state, PlaybackState::Unreachable(_))).await;
        let PlaybackState::Unreachable(said) = state else { unreachable!() };
        assert!(said.starts_with(why), "{said}");
    }
}

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let origin = Origin::start(vec![("/channel.m3u8", vec![media("0.ts")])]).await;
    let url = PlaybackUrl::parse(&format!("https://{}/channel.m3u8", origin.address)).unwrap();
    let stranger = Authority::new();
    let playback = Playback { url, ca: Some(stranger.file()), wall: None };
    let watcher = watch_playback(&Handle::current(), playback, WallClock::start());
    let state = until(&watcher, |state| matches!(state, PlaybackState::Unreachable(_))).await;
    assert_eq!(
        state,
        PlaybackState::Unreachable(String::from(
            "The certificate of 127.0.0.1 was issued by somebody whom this computer does not trust."
        ))
    );
    assert_eq!(origin.asked(), Vec::<String>::new());
}
