//! What is wrong before anything is sent.

use std::io;
use std::path::PathBuf;

/// Why an output could not be started. What goes wrong later is a [`publish::Failure`]. Holds no stream key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The person's address, key or priority can not be used.
    #[error(transparent)]
    Address(#[from] ivs::Error),
    /// A network check that nobody shall see was asked for over SRT, where no argument says so: viewers would see it.
    #[error(
        "a network check that nobody sees needs an rtmps:// or rtmp:// address; over SRT viewers would see it"
    )]
    TestNeedsRtmp,
    /// The caller's clip of a network check can not be sent.
    #[error(transparent)]
    Clip(#[from] publish::ClipError),
    /// The person gave no stream key, neither in the address nor by itself.
    #[error("there is no stream key; it is shown in the IVS console next to the channel")]
    NoKey,
    /// The person's CA file can not be read.
    #[error("the CA file {} can not be read: {}", path.display(), source.kind())]
    CaUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The person's CA file is empty.
    #[error("the CA file {} is empty; it must hold a certificate in PEM form", path.display())]
    CaEmpty {
        /// The file.
        path: PathBuf,
    },
    /// The person's CA file holds no certificate.
    #[error(
        "the CA file {} holds no certificate in PEM form; such a file has a line “-----BEGIN CERTIFICATE-----”",
        path.display()
    )]
    CaNotPem {
        /// The file.
        path: PathBuf,
    },
    /// The person's CA file holds something that looks like a certificate and is none.
    #[error("a certificate in the CA file {} is damaged", path.display())]
    CaDamaged {
        /// The file.
        path: PathBuf,
    },
    /// This machine has no trusted certificates, and no CA file was given.
    #[error(
        "this computer has no list of trusted certificates; install its CA certificates, or give a CA file"
    )]
    NoRoots,
    /// The service asked to move to an address that must not be used.
    #[error("the service asks for a connection that is not made: {why}")]
    MoveRefused {
        /// Why not.
        why: &'static str,
    },
    /// The host of the address can not be in a certificate.
    #[error("the host of the ingest address is neither a name nor an IP address")]
    HostUnusable,
    /// The system gives no random numbers, or the TLS library refuses its own defaults.
    #[error("this computer can not set up encryption: {0}")]
    Encryption(String),
}
