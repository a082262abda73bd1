//! Why the rehearsal ingest could not be started.

use std::fmt;
use std::path::PathBuf;

/// One of the ports that the ingest listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// RTMP over plain TCP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
    /// GetClientConfiguration and FindIngest.
    Https,
    /// SRT over UDP.
    Srt,
}

impl Door {
    /// Scheme of its addresses.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
            Self::Https => "https",
            Self::Srt => "srt",
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}

/// What kept [`crate::start`] from starting. What a peer does is no error of ours: it ends in its session's report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The person chose a port that another program listens on.
    #[error(
        "port {port} for {door} is in use by another program; choose another one, or 0 for any that is free"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// What it was for.
        door: Door,
    },
    /// The system does not let us listen there.
    #[error("can not listen on {address} for {door}: {source}")]
    Listen {
        /// Address and port.
        address: std::net::SocketAddr,
        /// What it was for.
        door: Door,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The person chose a folder that can not be written to.
    #[error("can not write to {}: {source}", path.display())]
    Folder {
        /// Folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The person gave a stream key without a letter.
    #[error("a stream key is empty")]
    KeyEmpty,
    /// The library that speaks SRT is not installed: the person's system.
    #[error("SRT needs libsrt, which comes with GStreamer's srt plugin; install it, or do not ask for SRT")]
    SrtMissing,
    /// SRT can not be taken as it was asked for, such as with a passphrase of less than 10 bytes.
    #[error("can not take SRT on {address}: {why}")]
    Srt {
        /// Address and port.
        address: std::net::SocketAddr,
        /// The library's reason.
        why: String,
    },
    /// No certificate could be made: a host name that is none, or our own mistake.
    #[error("can not make a certificate for this run: {0}")]
    Certificate(String),
    /// The system gave no randomness.
    #[error("the system gives no random numbers")]
    Randomness,
}
