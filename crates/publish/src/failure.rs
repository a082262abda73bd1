//! Why a session ended against our will: where, whose fault, and what a person can do.

use std::fmt;

use crate::{Answer, takeover};

/// Where on the way to "on air" something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Turning the host name into addresses.
    Name,
    /// Opening the TCP connection.
    Connect,
    /// Agreeing on encryption and checking the certificate.
    Tls,
    /// The greeting of RTMP (Adobe's RTMP specification 1.0, 5.2).
    Handshake,
    /// `connect`, `createStream` and `publish`, up to the service's yes.
    Publish,
    /// After the service said yes.
    Live,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::Publish => "publish",
            Self::Live => "live",
        })
    }
}

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The address, key or trust that the person gave.
    Settings,
    /// The network between here and the service: cable, router, firewall, proxy.
    Network,
    /// The peer does not follow the protocol.
    Peer,
    /// The service understood and said no.
    Service,
    /// This machine, for instance its own firewall.
    Machine,
    /// Genlock itself.
    Genlock,
}

/// Why, without where to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The name system knows no such host.
    NameNotFound,
    /// The name system gave no answer in time.
    NameTimedOut,
    /// The name could not be looked up for another reason, in the system's words.
    NameLookup(String),
    /// The machine is there; nothing listens on the port, or a firewall says so.
    ConnectRefused,
    /// No way to the machine.
    Unreachable,
    /// No answer to the connection attempt in time: typically a firewall that swallows packets.
    ConnectTimedOut,
    /// This machine forbids the connection.
    ConnectForbidden,
    /// The connection failed for another reason, in the system's words.
    ConnectFailed(String),
    /// Something answered, in something that is not TLS.
    NotTls(Answer),
    /// The certificate is signed by somebody whom this machine does not trust.
    UntrustedIssuer,
    /// The certificate is for other names.
    WrongName {
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// The certificate's time is over, or this machine's clock is ahead.
    CertificateExpired,
    /// The certificate's time has not come, or this machine's clock is behind.
    CertificateNotYetValid,
    /// The certificate was refused for another reason.
    CertificateRefused(String),
    /// The peer ended the TLS negotiation with this alert, or offers nothing that we accept.
    TlsRefused(String),
    /// The connection ended during the TLS negotiation.
    TlsClosed,
    /// No end of the TLS negotiation in time.
    TlsTimedOut,
    /// Something answered, in something that is not RTMP.
    NotRtmp(Answer),
    /// No end of the RTMP greeting in time.
    HandshakeTimedOut,
    /// The connection ended during the RTMP greeting.
    HandshakeClosed,
    /// The service said no to connecting or publishing, with its own code and words.
    Refused {
        /// For instance `NetStream.Publish.BadName`.
        code: String,
        /// What the service adds, keys hidden; may be empty.
        text: String,
    },
    /// No answer to `connect` or `publish` in time.
    PublishTimedOut,
    /// The connection ended before the service said yes or no.
    PublishClosed,
    /// The service ended the running stream, with its own code and words.
    EndedByService {
        /// For instance `NetStream.Publish.Rejected`.
        code: String,
        /// What the service adds, keys hidden; may be empty.
        text: String,
    },
    /// The peer closed the running connection without a reason.
    ClosedByPeer,
    /// The running connection broke, in the system's words.
    Lost(String),
    /// Nothing could be written for too long.
    Stalled,
    /// Bytes were written, but the peer stopped confirming them.
    Unacknowledged,
    /// SRT: the peer can not be talked to with this passphrase.
    PassphraseWrong,
    /// SRT: the peer takes encrypted streams only, and no passphrase was given.
    PassphraseMissing,
    /// SRT: a passphrase was given, and the peer takes streams in the clear only.
    PassphraseUnwanted,
    /// SRT: the connection was alive a moment ago and the peer stopped answering.
    Silent,
    /// The destination takes no such media; which.
    Unsendable(String),
    /// This installation lacks a part that is needed; which.
    PartMissing(String),
    /// The peer broke the rules of RTMP; what it did.
    Protocol(String),
    /// A mistake of ours; what it was.
    Own(String),
}

/// A session's end against our will. `Display` is [`Failure::happened`]. Holds no stream key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Host as it was given.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How far the session had come.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
}

impl Failure {
    /// A short name for reports and scripts; never changes its meaning.
    pub fn code(&self) -> &'static str {
        match &self.cause {
            Cause::NameNotFound => "name_not_found",
            Cause::NameTimedOut => "name_timed_out",
            Cause::NameLookup(_) => "name_lookup_failed",
            Cause::ConnectRefused => "connect_refused",
            Cause::Unreachable => "unreachable",
            Cause::ConnectTimedOut => "connect_timed_out",
            Cause::ConnectForbidden => "connect_forbidden",
            Cause::ConnectFailed(_) => "connect_failed",
            Cause::NotTls(_) => "not_tls",
            Cause::UntrustedIssuer => "tls_untrusted_issuer",
            Cause::WrongName { .. } => "tls_wrong_name",
            Cause::CertificateExpired => "tls_certificate_expired",
            Cause::CertificateNotYetValid => "tls_certificate_not_yet_valid",
            Cause::CertificateRefused(_) => "tls_certificate_refused",
            Cause::TlsRefused(_) => "tls_refused",
            Cause::TlsClosed => "tls_closed",
            Cause::TlsTimedOut => "tls_timed_out",
            Cause::NotRtmp(_) => "not_rtmp",
            Cause::HandshakeTimedOut => "handshake_timed_out",
            Cause::HandshakeClosed => "handshake_closed",
            Cause::Refused { .. } => "refused_by_service",
            Cause::PublishTimedOut => "publish_timed_out",
            Cause::PublishClosed => "publish_closed",
            Cause::EndedByService { .. } => "ended_by_service",
            Cause::ClosedByPeer => "closed_by_peer",
            Cause::Lost(_) => "connection_lost",
            Cause::Stalled => "stalled",
            Cause::Unacknowledged => "unacknowledged",
            Cause::PassphraseWrong => "passphrase_wrong",
            Cause::PassphraseMissing => "passphrase_missing",
            Cause::PassphraseUnwanted => "passphrase_unwanted",
            Cause::Silent => "silent",
            Cause::Unsendable(_) => "unsendable",
            Cause::PartMissing(_) => "part_missing",
            Cause::Protocol(_) => "protocol",
            Cause::Own(_) => "internal",
        }
    }

    /// Who has to change something.
    pub fn fault(&self) -> Fault {
        match &self.cause {
            Cause::NameNotFound
            | Cause::ConnectRefused
            | Cause::UntrustedIssuer
            | Cause::WrongName { .. }
            | Cause::PassphraseWrong
            | Cause::PassphraseMissing
            | Cause::PassphraseUnwanted
            | Cause::Unsendable(_) => Fault::Settings,
            Cause::NotRtmp(Answer::Tls) => Fault::Settings,
            Cause::NameTimedOut
            | Cause::NameLookup(_)
            | Cause::Unreachable
            | Cause::ConnectTimedOut
            | Cause::ConnectFailed(_)
            | Cause::NotTls(_)
            | Cause::NotRtmp(_)
            | Cause::TlsClosed
            | Cause::TlsTimedOut
            | Cause::Lost(_)
            | Cause::Stalled
            | Cause::Silent
            | Cause::Unacknowledged => Fault::Network,
            Cause::PartMissing(_) | Cause::ConnectForbidden | Cause::CertificateNotYetValid => Fault::Machine,
            Cause::CertificateExpired
            | Cause::CertificateRefused(_)
            | Cause::TlsRefused(_)
            | Cause::HandshakeTimedOut
            | Cause::HandshakeClosed
            | Cause::PublishTimedOut
            | Cause::Protocol(_) => Fault::Peer,
            Cause::Refused { .. }
            | Cause::PublishClosed
            | Cause::EndedByService { .. }
            | Cause::ClosedByPeer => Fault::Service,
            Cause::Own(_) => Fault::Genlock,
        }
    }

    /// Whether the service itself, having understood us, said no.
    pub fn is_refusal(&self) -> bool {
        matches!(self.cause, Cause::Refused { .. } | Cause::EndedByService { .. })
    }

    /// What happened, in one sentence for a person.
    pub fn happened(&self) -> String {
        let Self { host, port, .. } = self;
        if let Some(refusal) = takeover::refusal_of(self) {
            return String::from(refusal.happened());
        }
        match &self.cause {
            Cause::NameNotFound => format!("There is no machine named “{host}”."),
            Cause::NameTimedOut => format!("The name service did not answer when asked for “{host}”."),
            Cause::NameLookup(why) => format!("The name “{host}” could not be looked up: {why}."),
            Cause::ConnectRefused => format!("{host} refused the connection on port {port}."),
            Cause::Unreachable => format!("There is no way through the network to {host}."),
            Cause::ConnectTimedOut => format!("{host} did not answer on port {port}."),
            Cause::ConnectForbidden => {
                format!("This computer does not let Genlock connect to {host} on port {port}.")
            }
            Cause::ConnectFailed(why) => format!("The connection to {host} on port {port} failed: {why}."),
            Cause::NotTls(answer) => {
                format!("Port {port} of {host} should speak TLS, but something there {answer}.")
            }
            Cause::UntrustedIssuer => {
                format!("The certificate of {host} was issued by somebody whom this computer does not trust.")
            }
            Cause::WrongName { presented } if presented.is_empty() => {
                format!("The certificate shown for {host} belongs to another machine.")
            }
            Cause::WrongName { presented } => {
                format!("The certificate shown for {host} belongs to {}.", presented.join(", "))
            }
            Cause::CertificateExpired => format!("The certificate of {host} has expired."),
            Cause::CertificateNotYetValid => format!("The certificate of {host} is not valid yet."),
            Cause::CertificateRefused(why) => {
                format!("The certificate of {host} can not be accepted: {why}.")
            }
            Cause::TlsRefused(why) => format!("{host} and Genlock could not agree on encryption: {why}."),
            Cause::TlsClosed => {
                format!("The connection to {host} was cut while encryption was being set up.")
            }
            Cause::TlsTimedOut => format!("{host} did not finish setting up encryption."),
            Cause::NotRtmp(answer) => {
                format!("Port {port} of {host} should speak RTMP, but something there {answer}.")
            }
            Cause::HandshakeTimedOut => format!("{host} did not answer the RTMP greeting."),
            Cause::HandshakeClosed => format!("{host} closed the connection during the RTMP greeting."),
            Cause::Refused { code, text } => format!("The service refused the stream: {}", said(code, text)),
            Cause::PublishTimedOut => format!("{host} did not say whether it takes the stream."),
            Cause::PublishClosed => format!("{host} closed the connection instead of taking the stream."),
            Cause::EndedByService { code, text } => {
                format!("The service ended the stream: {}", said(code, text))
            }
            Cause::ClosedByPeer => format!("{host} closed the running stream without giving a reason."),
            Cause::Lost(why) => format!("The connection to {host} broke: {why}."),
            Cause::Stalled => format!("The upload to {host} came to a standstill."),
            Cause::Unacknowledged => format!("{host} stopped confirming what it was sent."),
            Cause::PassphraseWrong => format!("{host} does not accept the SRT passphrase."),
            Cause::PassphraseMissing => {
                format!("{host} takes encrypted streams only, and there is no SRT passphrase.")
            }
            Cause::PassphraseUnwanted => {
                format!("{host} takes this stream without encryption only, and a passphrase was given.")
            }
            Cause::Silent => format!("{host} stopped answering."),
            Cause::Unsendable(what) => format!("{host} can not be sent this stream over SRT: {what}."),
            Cause::PartMissing(what) => format!("This installation can not stream over SRT: {what}."),
            Cause::Protocol(why) => format!("{host} broke the rules of RTMP: {why}."),
            Cause::Own(why) => format!("Genlock made a mistake while talking to {host}: {why}."),
        }
    }

    /// What we did about it, in one sentence for a person.
    pub fn done(&self) -> &'static str {
        if let Some(refusal) = takeover::refusal_of(self) {
            return refusal.done();
        }
        match (&self.cause, self.stage) {
            (Cause::UntrustedIssuer | Cause::WrongName { .. } | Cause::NotTls(_), _)
            | (Cause::CertificateExpired | Cause::CertificateNotYetValid | Cause::CertificateRefused(_), _) => {
                "We closed the connection before the stream key was sent."
            }
            (Cause::ConnectTimedOut | Cause::ConnectRefused | Cause::Unreachable, _) => {
                "We tried every address of the host and gave up."
            }
            (_, Stage::Name | Stage::Connect) => "Nothing was sent.",
            (_, Stage::Tls | Stage::Handshake) => "We closed the connection; no picture was sent.",
            (_, Stage::Publish) => "We closed the connection; no picture was sent.",
            (_, Stage::Live) => {
                "We closed the connection; what was waiting to be sent is lost to this destination."
            }
        }
    }

    /// What a person can do, in one or two sentences.
    pub fn advice(&self) -> &'static str {
        if let Some(refusal) = takeover::refusal_of(self) {
            return refusal.advice();
        }
        match &self.cause {
            Cause::NameNotFound => {
                "Compare the ingest address with the one in the IVS console, letter by letter, and check that this \
                 computer is online."
            }
            Cause::NameTimedOut | Cause::NameLookup(_) => {
                "Check that this computer is online; if it is, restart the router or set another DNS server."
            }
            Cause::ConnectRefused => {
                "Check the port: 443 for rtmps, 1935 for rtmp unless the address says otherwise. Plain RTMP works \
                 only when the channel allows insecure ingest."
            }
            Cause::Unreachable => "Check the network cable or Wi-Fi, and any VPN.",
            Cause::ConnectTimedOut => {
                "A firewall on the way may swallow the connection: use rtmps on port 443, which most networks let \
                 through, or ask whoever runs the network."
            }
            Cause::ConnectForbidden => "Allow Genlock in this computer's firewall or security software.",
            Cause::ConnectFailed(_) => "Check the network and try again.",
            Cause::NotTls(Answer::Http { .. }) | Cause::NotRtmp(Answer::Http { .. }) => {
                "A proxy or the sign-in page of a guest network stands in between: sign in with a browser, or ask \
                 for direct access to the ingest address."
            }
            Cause::NotTls(_) => "Check the port, and use rtmp:// if this server does not offer encryption.",
            Cause::UntrustedIssuer => {
                "If this is your own server, give its CA certificate (--ca FILE). If it is Amazon IVS, something on \
                 the way reads your traffic: antivirus, a company proxy or an attacker. Do not stream through it."
            }
            Cause::WrongName { .. } => {
                "Check the host in the address. If it is right, something on the way answers in its place; do not \
                 stream through it."
            }
            Cause::CertificateExpired | Cause::CertificateNotYetValid => {
                "Check this computer's date and time. If they are right, the server's certificate must be renewed."
            }
            Cause::CertificateRefused(_) => "The server needs another certificate; tell whoever runs it.",
            Cause::TlsRefused(_) => {
                "The server must offer TLS 1.2 or later. If it is Amazon IVS, a proxy on the way is too old."
            }
            Cause::TlsClosed | Cause::TlsTimedOut => {
                "A firewall or proxy may not let TLS through to this host: try another network, or ask whoever runs \
                 this one."
            }
            Cause::NotRtmp(Answer::Tls) => "Use rtmps:// instead of rtmp:// for this port.",
            Cause::NotRtmp(_) => "Check host and port: this is not an RTMP server.",
            Cause::HandshakeTimedOut | Cause::HandshakeClosed => {
                "Check host and port. If they are right, the service may be in trouble, or a firewall looks into \
                 the connection and stops RTMP: try rtmps."
            }
            Cause::Refused { .. } => {
                "Check the stream key, that no other stream uses it, and that resolution and bitrate are within the \
                 channel's limits."
            }
            Cause::PublishTimedOut => "Try again; if it stays like this, the service may be in trouble.",
            Cause::PublishClosed => {
                "Services do this to a wrong stream key: copy it again from the IVS console, and check that no other \
                 stream uses it."
            }
            Cause::EndedByService { .. } => {
                "Follow what the service says; resolution, bitrate and codecs must stay within the channel's limits."
            }
            Cause::ClosedByPeer => {
                "Look at the channel's stream health in the IVS console: a stream beyond the channel's limits is \
                 ended like this, and so is one that runs for 48 hours."
            }
            Cause::PassphraseWrong | Cause::PassphraseMissing => {
                "Copy the passphrase again from the channel's SRT settings in the IVS console; it is another one than \
                 the stream key."
            }
            Cause::PassphraseUnwanted => "Remove the passphrase, or have the server ask for one.",
            Cause::Unsendable(_) => "Stream H.264 with AAC to this destination, or use its rtmps:// address.",
            Cause::PartMissing(_) => {
                "Install GStreamer's plugins “srt” and “mpegtsmux” (package gstreamer1.0-plugins-bad), or use the \
                 rtmps:// address."
            }
            Cause::Lost(_) | Cause::Stalled | Cause::Silent | Cause::Unacknowledged => {
                "Check the connection to the internet, prefer a cable to Wi-Fi, and lower the bitrate if it happens \
                 again."
            }
            Cause::Protocol(_) => "Check host and port; if they are right, tell whoever runs the server.",
            Cause::Own(_) => "Please report this with the log.",
        }
    }
}

fn said(code: &str, text: &str) -> String {
    match (code.is_empty(), text.is_empty()) {
        (true, true) => String::from("it gave no reason."),
        (false, true) => format!("{code}."),
        (true, false) => String::from(text),
        (false, false) => format!("{text} ({code})."),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.happened())
    }
}

impl std::error::Error for Failure {}
