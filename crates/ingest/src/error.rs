//! Why the rehearsal ingest could not be started.

use std::path::PathBuf;

use ivs::Protocol;

/// What kept [`crate::start`] from starting. What a peer does is no error of ours: it ends in its session's report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The person chose a port that another program listens on.
    #[error(
        "port {port} for {protocol} is in use by another program; choose another one, or 0 for any that is free"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// What it was for.
        protocol: Protocol,
    },
    /// The system does not let us listen there.
    #[error("can not listen on {address} for {protocol}: {source}")]
    Listen {
        /// Address and port.
        address: std::net::SocketAddr,
        /// What it was for.
        protocol: Protocol,
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
    /// No certificate could be made: a host name that is none, or our own mistake.
    #[error("can not make a certificate for this run: {0}")]
    Certificate(String),
    /// The system gave no randomness.
    #[error("the system gives no random numbers")]
    Randomness,
}
