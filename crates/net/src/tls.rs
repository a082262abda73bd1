//! Setting TLS up, and saying in our words why it failed.

use std::io;
use std::sync::Arc;

use publish::{Answer, Cause};
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::dial::in_words;
use crate::link::Overheard;

/// Agrees on encryption with the peer on `stream` and verifies that it is `name`.
pub(crate) async fn secure(
    stream: Overheard,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<Box<TlsStream<Overheard>>, Cause> {
    match TlsConnector::from(config).connect(name, stream).into_fallible().await {
        Ok(stream) => Ok(Box::new(stream)),
        Err((error, overheard)) => Err(cause(&error, overheard.first())),
    }
}

/// The TLS library's error inside an error of a stream.
fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn cause(error: &io::Error, first: &[u8]) -> Cause {
    let answer = Answer::of(first);
    if !matches!(answer, Answer::Nothing | Answer::Tls) {
        return Cause::NotTls(answer);
    }
    match inner(error) {
        Some(rustls::Error::InvalidCertificate(error)) => certificate_cause(error),
        Some(rustls::Error::AlertReceived(alert)) => Cause::TlsRefused(format!("it answered {alert:?}")),
        Some(error) => Cause::TlsRefused(error.to_string()),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Cause::TlsClosed
            }
            _ => Cause::Lost(in_words(error)),
        },
    }
}

fn certificate_cause(error: &CertificateError) -> Cause {
    match error {
        // A bad signature is an issuer that bears a trusted one's name and has not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Cause::UntrustedIssuer,
        CertificateError::NotValidForName => Cause::WrongName { presented: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            Cause::WrongName { presented: presented.iter().map(|name| plain_name(name)).collect() }
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Cause::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Cause::CertificateNotYetValid
        }
        other => Cause::CertificateRefused(other.to_string()),
    }
}

/// `DnsName("host")` and `IpAddress(127.0.0.1)` without the wrapping.
fn plain_name(name: &str) -> String {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    String::from(inside.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_tls_is_told_before_anything_else() {
        let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert_eq!(
            cause(&error, b"HTTP/1.1 403 Forbidden"),
            Cause::NotTls(Answer::Http { status: Some(403) })
        );
        assert_eq!(cause(&io::ErrorKind::UnexpectedEof.into(), b""), Cause::TlsClosed);
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(
            cause(&io::Error::new(io::ErrorKind::InvalidData, unknown), &[22, 3, 3]),
            Cause::UntrustedIssuer
        );
    }

    #[test]
    fn names_are_unwrapped() {
        assert_eq!(plain_name("DnsName(\"a.example\")"), "a.example");
        assert_eq!(plain_name("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(plain_name("odd"), "odd");
    }
}
