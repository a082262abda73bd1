//! SRT: how publishers come in that send an MPEG transport stream.

use units::{Secret, Span};

/// Where and how SRT is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtDoor {
    /// UDP port; 0 for one that is free. The service's own is 9000 (IVS user guide, Streaming Configuration, "SRT").
    pub port: u16,
    /// What callers must encrypt with, 10 to 80 bytes (libsrt, `SRTO_PASSPHRASE`). A channel that does not allow
    /// insecure ingest has one ([`ivs::Rules::insecure_ingest`]); with one, callers without are refused.
    pub passphrase: Option<Secret>,
    /// How long a packet may be waited for, so that a lost one can be sent again. The larger of this and of what the
    /// caller asks for counts.
    pub latency: Span,
}

impl Default for SrtDoor {
    /// A free port, no passphrase, and libsrt's own latency of 120 ms.
    fn default() -> Self {
        Self { port: 0, passphrase: None, latency: Span::from_millis(120) }
    }
}
