//! HTTPS: what a publisher asks before it connects, GetClientConfiguration and FindIngest; and what viewers play.
//!
//! One request per connection. Heads, bodies, connections and the time that each may take are bounded.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use units::Span;

use crate::config::ScriptedAnswer;
use crate::configuration;
use crate::inquiry::{InquiryOutcome, InquiryReport};
use crate::playback::Playback;
use crate::service::{Service, stop_asked};

/// Path of GetClientConfiguration (OBS' entry for Amazon IVS, `multitrack_video_configuration_url`).
pub(crate) const CONFIGURATION_PATH: &str = "/api/v3/GetClientConfiguration";
/// Path of FindIngest (the guide, "Allow Users to Configure Streaming Destination").
pub(crate) const FIND_INGEST_PATH: &str = "/api/v2/FindIngest";
/// The same list under the name that OBS asks for.
const INGESTS_PATH: &str = "/ingests";

/// How long a peer may take to shake hands, to send its head, and to send its body.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may last altogether, a peer that reads slowly and a fault that lasts included.
const LONGEST: Duration = Duration::from_secs(600);
/// Longest head of a request, in bytes; hyper takes no less than 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Longest body of a request, in bytes. A description of a machine has 2 kB.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// How much of a body is taken and thrown away that is too long. Closing at once would reset the connection, and the peer
/// might never read why.
const MAX_DISCARDED_BYTES: usize = 4 << 20;
/// How often the media clock is looked at while an answer is held back.
const TICK: Duration = Duration::from_millis(20);

const JSON: &str = "application/json";

/// The run's certificate for HTTP/1.1.
pub(crate) fn over_tls(server: &ServerConfig) -> Arc<ServerConfig> {
    let mut server = server.clone();
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(server)
}

/// Serves one connection to its end. `stopping` turns true, or its sender goes away, when the ingest is stopped.
pub(crate) async fn serve(
    tcp: TcpStream,
    peer: SocketAddr,
    acceptor: TlsAcceptor,
    service: Arc<Service>,
    mut stopping: watch::Receiver<bool>,
) {
    let _ = tcp.set_nodelay(true);
    let served = async {
        let stream = match timeout(PATIENCE, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::info!(%peer, %error, "rehearsal ingest, HTTPS: TLS could not be set up");
                return;
            }
            Err(_) => return,
        };
        let answer = |request| {
            let service = Arc::clone(&service);
            async move { Ok::<_, Infallible>(answer(request, peer, &service).await) }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(MAX_HEAD_BYTES)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        if let Err(error) = connection.await {
            tracing::debug!(%peer, %error, "rehearsal ingest, HTTPS: the connection broke");
        }
    };
    tokio::select! {
        _ = timeout(LONGEST, served) => {}
        () = stop_asked(&mut stopping) => {}
    }
}

/// The body of an answer, which can be cut short on demand.
struct Answer {
    bytes: Option<Bytes>,
    length: u64,
    cut: Cut,
}

/// Whether an answer is cut short, and how far that has come.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    No,
    /// What was given must leave first; hyper writes when there is nothing more for the moment.
    AfterWriting,
    Now,
}

impl Answer {
    fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: bytes.len() as u64, bytes: Some(bytes), cut: Cut::No }
    }

    /// Announces everything, gives half of it, then breaks the connection.
    fn cut_short(bytes: &Bytes) -> Self {
        Self {
            length: bytes.len() as u64,
            bytes: Some(bytes.slice(..bytes.len() / 2)),
            cut: Cut::AfterWriting,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.cut {
            Cut::No => Poll::Ready(None),
            Cut::AfterWriting => {
                self.cut = Cut::Now;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Now => Poll::Ready(Some(Err(std::io::Error::other("cut short on demand")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.as_ref().is_none_or(Bytes::is_empty) && self.cut == Cut::No
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// What an answer says, before it is put into HTTP.
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    /// JSON; empty for none.
    pub(crate) body: Vec<u8>,
    /// Whether only half of the body shall arrive.
    pub(crate) cut: bool,
}

impl Said {
    pub(crate) const fn empty(status: StatusCode) -> Self {
        Self { status, body: Vec::new(), cut: false }
    }

    pub(crate) const fn json(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body, cut: false }
    }
}

async fn answer(request: Request<Incoming>, peer: SocketAddr, service: &Service) -> Response<Answer> {
    let path = String::from(request.uri().path());
    // Players ask every second or two: that is nothing to report.
    if Playback::is_under(&path) {
        return play_back(&request, service);
    }
    let mut report = InquiryReport::new(&path, peer);
    let wanted = match path.as_str() {
        CONFIGURATION_PATH => Some(Method::POST),
        FIND_INGEST_PATH | INGESTS_PATH => Some(Method::GET),
        _ => None,
    };
    let said = match &wanted {
        None => malformed(&mut report, StatusCode::NOT_FOUND, "nothing is asked for under this path"),
        Some(wanted) if request.method() != wanted => {
            let why = format!("the method is {}, not {wanted}", short(request.method().as_str()));
            malformed(&mut report, StatusCode::METHOD_NOT_ALLOWED, why)
        }
        Some(wanted) if *wanted == Method::POST => configure(request, &mut report, service).await,
        Some(_) => find_ingest(&mut report, service).await,
    };
    report.http_status = said.status.as_u16();
    service.inquiries.tell(report, service.now());
    let allow = wanted.filter(|_| said.status == StatusCode::METHOD_NOT_ALLOWED);
    respond(said, allow.as_ref())
}

/// What a player fetches. Everybody may watch, from any page.
fn play_back(request: &Request<Incoming>, service: &Service) -> Response<Answer> {
    if request.method() != Method::GET {
        return respond(Said::empty(StatusCode::METHOD_NOT_ALLOWED), Some(&Method::GET));
    }
    let Some(served) = service.playback.serve(request.uri().path(), service.now()) else {
        return respond(Said::empty(StatusCode::NOT_FOUND), None);
    };
    let mut response = Response::new(Answer::new(served.bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(served.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn respond(said: Said, allow: Option<&Method>) -> Response<Answer> {
    let Said { status, body, cut } = said;
    let is_json = !body.is_empty();
    let body = if cut { Answer::cut_short(&body.into()) } else { Answer::new(body) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if is_json {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    if let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(allow.as_str()).ok()) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

async fn configure(request: Request<Incoming>, report: &mut InquiryReport, service: &Service) -> Said {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case(JSON);
    let body = match read_body(request.into_body()).await {
        Ok(body) => body,
        Err((status, why)) => return malformed(report, status, why),
    };
    if !is_json {
        return malformed(
            report,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type is not application/json",
        );
    }
    let faults = service.begin_configuration();
    hold_back(faults.delay, service).await;
    configuration::answer(&body, &faults, report, service).await
}

async fn find_ingest(report: &mut InquiryReport, service: &Service) -> Said {
    let truth = configuration::servers(&service.addresses);
    match service.scripted_servers() {
        None => Said::json(truth),
        Some(scripted) => play(&scripted, || truth, report).await,
    }
}

/// Does what was decided beforehand; `truth` is the true answer. The kinds that only another status of the truth make
/// are none of HTTP's business: they answer truly here.
pub(crate) async fn play(
    scripted: &ScriptedAnswer,
    truth: impl FnOnce() -> Vec<u8>,
    report: &mut InquiryReport,
) -> Said {
    report.outcome = InquiryOutcome::Fault;
    match scripted {
        ScriptedAnswer::HttpStatus(status) => {
            let status = StatusCode::from_u16(*status).ok().filter(|status| !status.is_informational());
            Said::empty(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
        ScriptedAnswer::Body(body) => Said::json(body.clone()),
        ScriptedAnswer::CutShort => Said { cut: true, ..Said::json(truth()) },
        // The client's leaving, the stop of the ingest or the longest time of a connection ends this.
        ScriptedAnswer::Hang => std::future::pending().await,
        ScriptedAnswer::Warning { .. }
        | ScriptedAnswer::Error { .. }
        | ScriptedAnswer::UnknownStatus { .. } => {
            report.outcome = InquiryOutcome::Answered;
            Said::json(truth())
        }
    }
}

/// Notes what is wrong with a request; the answer has no body, as the service's has none.
pub(crate) fn malformed(report: &mut InquiryReport, status: StatusCode, why: impl Into<String>) -> Said {
    report.outcome = InquiryOutcome::Malformed;
    report.complaints.push(why.into());
    Said::empty(status)
}

async fn read_body(mut body: Incoming) -> Result<Bytes, (StatusCode, String)> {
    let mut bytes = BytesMut::new();
    let mut length = 0usize;
    let reading = async {
        while let Some(frame) = body.frame().await {
            let data = frame?.into_data().unwrap_or_default();
            length = length.saturating_add(data.len());
            if length <= MAX_BODY_BYTES {
                bytes.extend_from_slice(&data);
            } else if length > MAX_DISCARDED_BYTES {
                break;
            }
        }
        Ok::<_, hyper::Error>(())
    };
    let too_late = || (StatusCode::REQUEST_TIMEOUT, String::from("the body did not arrive in time"));
    let read = timeout(PATIENCE, reading).await.map_err(|_| too_late())?;
    read.map_err(|error| (StatusCode::BAD_REQUEST, format!("the body did not arrive: {error}")))?;
    if length > MAX_BODY_BYTES {
        let why = format!("the body is longer than {MAX_BODY_BYTES} bytes");
        return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    Ok(bytes.freeze())
}

/// Waits until `delay` has passed on the media clock.
async fn hold_back(delay: Span, service: &Service) {
    let until = service.now() + delay;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while service.now() < until {
        ticks.tick().await;
    }
}

fn short(text: &str) -> String {
    ivs::redact(&text.chars().take(40).collect::<String>())
}
