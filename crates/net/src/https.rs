//! One question and one answer over HTTPS: HTTP/1.1, no redirects, a bounded answer, a connection for each question.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use publish::{Cause, Failure, InquiryCause, Stage};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::client::TlsStream;
use units::{Secret, Span};
use url::{Host, Url};

use crate::inquiry::InquiryStep;
use crate::link::Overheard;
use crate::{dial, tls};

/// Longest answer that is read. A configuration of ten renditions has about 10 kB, a list of all servers 30 kB.
pub(crate) const ANSWER_BYTES: usize = 1 << 20;

/// How this program names itself.
pub(crate) const AGENT: &str = concat!("genlock/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";

/// Where to ask.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    name: ServerName<'static>,
    /// For the `Host` header: with brackets, with the port unless it is 443.
    authority: String,
    /// Path and query.
    target: String,
}

impl Place {
    /// The place that `url` names; otherwise what is wrong with it.
    pub(crate) fn of(url: &str) -> Result<Self, &'static str> {
        let url = Url::parse(url).map_err(|_| "it is no URL")?;
        if url.scheme() != "https" {
            return Err("it does not begin with https://, and a stream key is sent there");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name or a password in it");
        }
        let (host, bracketed) = match url.host().ok_or("it has no host")? {
            Host::Domain(name) => (String::from(name), String::from(name)),
            Host::Ipv4(ip) => (ip.to_string(), ip.to_string()),
            Host::Ipv6(ip) => (ip.to_string(), format!("[{ip}]")),
        };
        let authority = url.port().map_or_else(|| bracketed.clone(), |port| format!("{bracketed}:{port}"));
        let target = url.query().map_or_else(|| String::from(url.path()), |q| format!("{}?{q}", url.path()));
        Ok(Self {
            name: ServerName::try_from(host.clone()).map_err(|_| "its host is no name of a machine")?,
            port: url.port().unwrap_or(443),
            host,
            authority,
            target,
        })
    }

    pub(crate) fn failure(&self, stage: Stage, cause: Cause) -> InquiryCause {
        InquiryCause::Transport(Failure { host: self.host.clone(), port: self.port, stage, cause })
    }

    /// What it means that `step` took too long.
    pub(crate) fn timed_out(&self, step: InquiryStep) -> InquiryCause {
        match step {
            InquiryStep::Waiting | InquiryStep::Resolving => self.failure(Stage::Name, Cause::NameTimedOut),
            InquiryStep::Connecting => self.failure(Stage::Connect, Cause::ConnectTimedOut),
            InquiryStep::Securing => self.failure(Stage::Tls, Cause::TlsTimedOut),
            InquiryStep::Asking | InquiryStep::Over => InquiryCause::NoAnswer,
        }
    }
}

/// Why there is no answer, and how long the service asks to be left alone.
pub(crate) struct Refusal {
    pub(crate) cause: InquiryCause,
    pub(crate) retry_after: Option<Span>,
}

impl From<InquiryCause> for Refusal {
    fn from(cause: InquiryCause) -> Self {
        Self { cause, retry_after: None }
    }
}

/// Asks at `place`, with `body` by POST and otherwise by GET, and gives the body of the answer. Tells each step.
pub(crate) async fn exchange(
    place: &Place,
    body: Option<&Secret>,
    trust: Arc<ClientConfig>,
    step: &(impl Fn(InquiryStep) + Sync),
) -> Result<Bytes, Refusal> {
    step(InquiryStep::Resolving);
    let addresses = dial::resolve(place.host.clone(), place.port)
        .await
        .map_err(|cause| place.failure(Stage::Name, cause))?;
    step(InquiryStep::Connecting);
    let stream = dial::connect(addresses).await.map_err(|cause| place.failure(Stage::Connect, cause))?;
    step(InquiryStep::Securing);
    let stream = tls::secure(Overheard::new(stream), trust, place.name.clone())
        .await
        .map_err(|cause| place.failure(Stage::Tls, cause))?;
    step(InquiryStep::Asking);
    let request = request(place, body).map_err(|error| InquiryCause::Machine(error.to_string()))?;
    let answer = converse(place, stream, request).await;
    step(InquiryStep::Over);
    answer
}

fn request(place: &Place, body: Option<&Secret>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let builder = Request::builder()
        .uri(&place.target)
        .header(HOST, &place.authority)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, JSON)
        .header(CONNECTION, "close");
    match body {
        Some(body) => builder
            .method(Method::POST)
            .header(CONTENT_TYPE, JSON)
            .body(Full::from(Bytes::copy_from_slice(body.expose().as_bytes()))),
        None => builder.method(Method::GET).body(Full::default()),
    }
}

async fn converse(
    place: &Place,
    stream: Box<TlsStream<Overheard>>,
    request: Request<Full<Bytes>>,
) -> Result<Bytes, Refusal> {
    let fault = |error: &hyper::Error| http_cause(place, error);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| fault(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| fault(&error))?;
        read(place, response).await
    };
    tokio::pin!(answer, connection);
    let mut is_open = true;
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            // Its errors reach the answer too, which says more about them.
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

async fn read(place: &Place, response: Response<Incoming>) -> Result<Bytes, Refusal> {
    let status = response.status();
    if !status.is_success() {
        let retry_after = (status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
            .then(|| response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok())
            .flatten()
            .map(|seconds| Span::from_secs(i64::from(seconds)));
        return Err(Refusal { cause: InquiryCause::Refused { status: status.as_u16() }, retry_after });
    }
    let too_long = || InquiryCause::TooLong { limit: ANSWER_BYTES };
    if response.body().size_hint().lower() > ANSWER_BYTES as u64 {
        return Err(too_long().into());
    }
    match Limited::new(response.into_body(), ANSWER_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_long().into()),
        Err(error) => Err(match error.downcast::<hyper::Error>() {
            Ok(error) => http_cause(place, &error).into(),
            Err(error) => InquiryCause::NotHttp(error.to_string()).into(),
        }),
    }
}

fn http_cause(place: &Place, error: &hyper::Error) -> InquiryCause {
    if error.is_parse() {
        return InquiryCause::NotHttp(error.to_string());
    }
    // Texts of our own in place of the library's, which speak of messages and channels.
    let why = if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        String::from("it was closed before the answer was complete")
    } else {
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
    };
    place.failure(Stage::Live, Cause::Lost(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_asked() {
        for (url, why) in [
            ("http://a.example/x", "it does not begin with https://, and a stream key is sent there"),
            ("rtmps://a.example/x", "it does not begin with https://, and a stream key is sent there"),
            ("https://me@a.example/x", "it has a user name or a password in it"),
            ("a.example", "it is no URL"),
            ("https://", "it is no URL"),
        ] {
            assert_eq!(Place::of(url).map(|place| place.host), Err(why), "{url}");
        }
    }

    #[test]
    fn hosts_and_targets_are_taken_apart() {
        let place = Place::of("https://a.example/api/v3/X?y=1#z").unwrap();
        assert_eq!((&*place.host, place.port, &*place.authority), ("a.example", 443, "a.example"));
        assert_eq!(place.target, "/api/v3/X?y=1");
        let place = Place::of("https://[::1]:8443").unwrap();
        assert_eq!((&*place.host, place.port, &*place.authority), ("::1", 8443, "[::1]:8443"));
        assert_eq!(place.target, "/");
    }
}
