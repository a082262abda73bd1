//! Questions to the control plane, against a small server over TLS that answers as it was told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use net::{Ask, Failure, Fault, Inquiry, InquiryCause, InquiryFailure, InquiryStep};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use units::{Clock, Secret, Span};

use crate::authority::{Authority, Identity};
use crate::secrecy::Log;
use crate::server::parrot;
use crate::show::WallClock;

const KEY: &str = "sk_eu-west-1_Q9xYzNotToBeSeen";
const PATH: &str = "/api/v3/GetClientConfiguration";
/// Far beyond what anything here takes on the slowest machine: a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for any of the attempts that have to succeed.
const DEADLINE: Span = Span::from_secs(40);

const CONFIGURATION: &str = r#"{"meta":{"service":"IVS","schema_version":"2025-01-25","config_id":"d34c2f7e"},
    "ingest_endpoints":[{"protocol":"RTMPS","url_template":"rtmps://a.example/app/{stream_key}","authentication":"v1_x"}],
    "encoder_configurations":[],"audio_configurations":{"live":[],"vod":[]}}"#;
const LIST: &str = r#"{"ingests":[{"_id":1,"availability":1.0,"default":true,"name":"Here","priority":1,
    "url_template":"rtmp://a.example/app/{stream_key}","url_template_secure":"rtmps://a.example/app/{stream_key}"}]}"#;

/// What the server does with one connection, after it has read the question.
#[derive(Clone, Debug)]
enum Reply {
    /// Writes these bytes and closes.
    Bytes(Vec<u8>),
    /// The same, in pieces of this size.
    Pieces(Vec<u8>, usize),
    /// Keeps silent until the client is gone.
    Hang,
}

fn http(status: &str, headers: &str, body: &str) -> Reply {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    Reply::Bytes([head.as_bytes(), body.as_bytes()].concat())
}

fn ok(body: &str) -> Reply {
    http("200 OK", "Content-Type: application/json\r\n", body)
}

struct Service {
    address: SocketAddr,
    /// What was asked, head and body.
    asked: Arc<Mutex<Vec<String>>>,
    authority: Authority,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    /// Answers the n-th connection with the n-th of `replies`, and all that follow with the last.
    async fn start(replies: Vec<Reply>) -> Self {
        let authority = Authority::new();
        let identity = authority.issue(&["127.0.0.1"]);
        Self::with(authority, &identity, replies).await
    }

    async fn with(authority: Authority, identity: &Identity, replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (acceptor, heard) = (identity.acceptor(), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            for at in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                // The client may well turn away here.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let question = read_question(&mut stream).await;
                heard.lock().unwrap().push(question);
                reply(&mut stream, replies.get(at).or(replies.last()).unwrap()).await;
            }
        });
        Self { address, asked, authority, task }
    }

    fn url(&self) -> String {
        format!("https://{}{PATH}", self.address)
    }

    fn ask(&self, deadline: Span) -> Inquiry<ivs::client_configuration::ClientConfiguration> {
        ask(&self.url(), Some(&self.authority), deadline)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn read_question(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut question = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&question).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(bytes) => question.extend_from_slice(&buffer[..bytes]),
        }
    }
}

async fn reply(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), reply: &Reply) {
    let (bytes, size) = match reply {
        Reply::Bytes(bytes) => (bytes, bytes.len()),
        Reply::Pieces(bytes, size) => (bytes, *size),
        Reply::Hang => {
            let _gone = stream.read(&mut [0; 16]).await;
            return;
        }
    };
    for piece in bytes.chunks(size.max(1)) {
        // A client that has read enough goes away.
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _closed = stream.shutdown().await;
}

fn ask(
    url: &str,
    authority: Option<&Authority>,
    deadline: Span,
) -> Inquiry<ivs::client_configuration::ClientConfiguration> {
    let body = Secret::new(format!("{{\"authentication\":\"{KEY}\"}}"));
    let ask = Ask { url: String::from(url), body, ca: authority.map(Authority::file), deadline };
    assert!(!format!("{ask:?}").contains("Q9xY"), "{ask:?}");
    net::ask_configuration(&Handle::current(), ask, WallClock::start())
}

async fn outcome<T: Clone>(inquiry: &Inquiry<T>) -> Result<T, InquiryFailure> {
    let outcome = timeout(PATIENCE, inquiry.wait()).await.expect("no outcome").unwrap();
    assert_eq!(inquiry.progress().step, InquiryStep::Over);
    assert_eq!(inquiry.progress().waiting_until, None);
    if let Err(failure) = &outcome {
        let told =
            format!("{failure} {failure:?} {} {} {}", failure.done(), failure.advice(), failure.code());
        assert!(!told.contains("Q9xY"), "{told}");
    }
    outcome
}

/// One question to a server with one answer, which must be a failure at the first attempt.
async fn fails_with(reply: Reply) -> InquiryFailure {
    let service = Service::start(vec![reply]).await;
    let failure = outcome(&service.ask(DEADLINE)).await.unwrap_err();
    assert_eq!((failure.attempts, service.asked().len()), (1, 1), "{failure}");
    failure
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_is_asked_as_agreed() {
    let service = Service::start(vec![ok(CONFIGURATION)]).await;
    let configuration = outcome(&service.ask(DEADLINE)).await.unwrap();
    assert_eq!(configuration.config_id, "d34c2f7e");
    assert_eq!(configuration.ingest_endpoints.len(), 1);
    let asked = service.asked();
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /api/v3/GetClientConfiguration HTTP/1.1"));
    let mut headers: Vec<String> = lines.map(str::to_lowercase).collect();
    headers.sort();
    let expected = [
        String::from("accept: application/json"),
        String::from("connection: close"),
        format!("content-length: {}", body.len()),
        String::from("content-type: application/json"),
        format!("host: {}", service.address),
        format!("user-agent: genlock/{}", env!("CARGO_PKG_VERSION")),
    ];
    assert_eq!(headers, expected);
    assert_eq!(body, format!("{{\"authentication\":\"{KEY}\"}}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_servers_is_fetched_without_a_body() {
    let service = Service::start(vec![ok(LIST)]).await;
    let url = format!("https://{}/api/v2/FindIngest?x=1", service.address);
    let ca = Some(service.authority.file());
    let inquiry = net::find_ingest(&Handle::current(), url, ca, DEADLINE, WallClock::start());
    assert_eq!(outcome(&inquiry).await.unwrap().servers[0].name, "Here");
    assert!(service.asked()[0].starts_with("GET /api/v2/FindIngest?x=1 HTTP/1.1\r\n"));
    assert!(!service.asked()[0].to_lowercase().contains("content-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_passes_is_waited_for() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"meta\":".to_vec();
    let service = Service::start(vec![
        http("500 Internal Server Error", "", "<html>"),
        http("429 Too Many Requests", "Retry-After: 1\r\n", ""),
        Reply::Bytes(cut),
        ok(CONFIGURATION),
    ])
    .await;
    let inquiry = service.ask(DEADLINE);
    assert_eq!(outcome(&inquiry).await.unwrap().config_id, "d34c2f7e");
    assert_eq!(inquiry.progress().attempt, 4);
    let asked = service.asked();
    assert!(asked.len() == 4 && asked.iter().all(|again| *again == asked[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_pieces_is_an_answer() {
    let Reply::Bytes(bytes) = ok(CONFIGURATION) else { unreachable!() };
    let service = Service::start(vec![Reply::Pieces(bytes, 7)]).await;
    assert!(outcome(&service.ask(DEADLINE)).await.is_ok());
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{CONFIGURATION}\r\n0\r\n\r\n",
        CONFIGURATION.len()
    );
    let service = Service::start(vec![Reply::Bytes(chunked.into_bytes())]).await;
    assert!(outcome(&service.ask(DEADLINE)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_not_asked_again() {
    for (status, fault) in [
        ("400 Bad Request", Fault::Genlock),
        ("403 Forbidden", Fault::Service),
        ("404 Not Found", Fault::Settings),
        ("302 Found", Fault::Settings),
    ] {
        let failure = fails_with(http(status, "Location: https://127.0.0.1:1/\r\n", "")).await;
        let number: u16 = status[..3].parse().unwrap();
        assert_eq!((&failure.cause, failure.fault()), (&InquiryCause::Refused { status: number }, fault));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_told_by_its_place() {
    for (reply, cause) in [
        (ok("<html>Sign in</html>"), "the answer is not JSON (line 1, column 1)"),
        (ok(""), "the answer is not JSON (line 1, column 0)"),
        (
            ok(&CONFIGURATION.replace("\"d34c2f7e\"", "7")),
            "meta.config_id in the answer is a number, not a text",
        ),
    ] {
        let failure = fails_with(reply).await;
        let InquiryCause::Malformed(why) = &failure.cause else { panic!("{failure:?}") };
        assert_eq!(why, cause);
    }
    let failure = fails_with(Reply::Bytes(b"220 mail.example ESMTP ready\r\n\r\n".to_vec())).await;
    assert!(matches!(failure.cause, InquiryCause::NotHttp(_)), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_a_mebibyte_is_read() {
    let announced = Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n{".to_vec());
    let endless = {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..40 {
            bytes.extend_from_slice(b"10000\r\n");
            bytes.extend(std::iter::repeat_n(b' ', 0x1_0000));
            bytes.extend_from_slice(b"\r\n");
        }
        Reply::Bytes(bytes)
    };
    for reply in [announced, endless] {
        let failure = fails_with(reply).await;
        assert_eq!(failure.cause, InquiryCause::TooLong { limit: 1 << 20 });
    }
}

fn transport(failure: &InquiryFailure) -> &Failure {
    match &failure.cause {
        InquiryCause::Transport(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_right_certificate_is_asked_nothing() {
    let stranger = Authority::new();
    for (name, trusts, code) in [
        ("127.0.0.1", false, "tls_untrusted_issuer"),
        ("elsewhere.example", true, "tls_wrong_name"),
        ("expired", true, "tls_certificate_expired"),
    ] {
        let authority = Authority::new();
        let identity = match name {
            "expired" => authority.issue_expired(&["127.0.0.1"]),
            name => authority.issue(&[name]),
        };
        let service = Service::with(authority, &identity, vec![ok(CONFIGURATION)]).await;
        let trusted = if trusts { &service.authority } else { &stranger };
        let failure = outcome(&ask(&service.url(), Some(trusted), DEADLINE)).await.unwrap_err();
        assert_eq!((transport(&failure).code(), failure.attempts), (code, 1));
        assert_eq!(failure.done(), "We closed the connection before anything was asked.");
        assert_eq!(service.asked(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_asked_nothing() {
    let address = parrot(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let authority = Authority::new();
    let failure =
        outcome(&ask(&format!("https://{address}/"), Some(&authority), DEADLINE)).await.unwrap_err();
    assert_eq!((transport(&failure).code(), failure.attempts), ("not_tls", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_asked_fails_at_once() {
    for url in ["http://127.0.0.1/", "nonsense", "https://user@127.0.0.1/"] {
        let inquiry = ask(url, None, DEADLINE);
        let failure = inquiry.outcome().expect("an outcome at once").unwrap_err();
        assert!(matches!(failure.cause, InquiryCause::Address(_)), "{failure}");
        assert_eq!(failure.attempts, 0);
    }
    let body = Secret::new("{}");
    let ca = Some("/nonexistent/ca.pem".into());
    let ask = Ask { url: String::from("https://127.0.0.1:1/"), body, ca, deadline: DEADLINE };
    let inquiry = net::ask_configuration(&Handle::current(), ask, WallClock::start());
    let failure = outcome(&inquiry).await.unwrap_err();
    assert!(matches!(failure.cause, InquiryCause::Machine(_)), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_with_the_deadline() {
    let service = Service::start(vec![Reply::Hang]).await;
    let clock = WallClock::start();
    let inquiry = service.ask(Span::from_secs(4));
    assert_eq!(inquiry.progress().deadline.as_millis() / 1_000, 4);
    assert_eq!(inquiry.outcome().map(|_| ()), None);
    let failure = outcome(&inquiry).await.unwrap_err();
    assert_eq!((&failure.cause, failure.attempts), (&InquiryCause::NoAnswer, 1));
    assert!(clock.now().as_secs_f64() >= 3.9);
    assert_eq!(failure.fault(), Fault::Network);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_stop_it_at_any_time() {
    // While it is being asked.
    let service = Service::start(vec![Reply::Hang]).await;
    let inquiry = service.ask(DEADLINE);
    let asked = async {
        while inquiry.progress().step != InquiryStep::Asking {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.expect("never asked");
    inquiry.cancel();
    assert_eq!(inquiry.outcome().unwrap().unwrap_err().cause, InquiryCause::Cancelled);
    // While it waits to ask again, and says until when.
    let service = Service::start(vec![http("503 Service Unavailable", "Retry-After: 30\r\n", "")]).await;
    let inquiry = service.ask(DEADLINE);
    let waiting = async {
        while inquiry.progress().waiting_until.is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("never waited");
    let progress = inquiry.progress();
    assert_eq!((progress.attempt, progress.step), (1, InquiryStep::Waiting));
    assert!(progress.waiting_until.unwrap().as_secs_f64() >= 30.0);
    inquiry.cancel();
    assert_eq!(inquiry.outcome().unwrap().unwrap_err().cause, InquiryCause::Cancelled);
    // An answer that is there stays there.
    let service = Service::start(vec![ok(CONFIGURATION)]).await;
    let inquiry = service.ask(DEADLINE);
    assert!(outcome(&inquiry).await.is_ok());
    inquiry.cancel();
    assert!(inquiry.outcome().unwrap().is_ok());
}

/// On one thread, so that the log of this test is that of the whole of it.
#[tokio::test]
async fn the_stream_key_is_in_no_log() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    // A service that repeats what it was asked, in a refusal and in nonsense.
    let repeated = format!("{{\"authentication\":\"{KEY}\"}}");
    for reply in [
        http("400 Bad Request", "", &repeated),
        ok(&format!("{{\"meta\":\"{KEY}\"}}")),
        ok(&format!("{KEY} is no key")),
    ] {
        fails_with(reply).await;
    }
    let log = log.text();
    assert!(log.contains("no answer"), "the log was not caught: {log}");
    assert!(!log.contains("Q9xY"), "{log}");
}
