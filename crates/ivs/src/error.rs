//! What can be wrong with what a person wrote or a peer sent.

use crate::address::{SRT_PASSPHRASE_BYTES, SRT_STREAM_ID_BYTES};
use crate::limits::MAX_PRIORITY;

/// Why an address, a name or a decoder configuration was refused. No variant holds or prints text that could be a
/// stream key: of an unreadable address only what is known to be harmless is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The person gave the stream key where the address belongs.
    #[error("that is a stream key, not an ingest address; an address looks like rtmps://host:443/app")]
    AddressIsKey,
    /// The person gave no address.
    #[error("the ingest address is empty; it looks like rtmps://host:443/app")]
    AddressEmpty,
    /// The person's address does not begin with `scheme://`.
    #[error("the ingest address must begin with rtmps://, rtmp:// or srt://")]
    SchemeMissing,
    /// The person's address has a scheme that no ingest speaks.
    #[error("{} is not a way to stream to an ingest; use rtmps://, rtmp:// or srt://", quoted_scheme(.scheme))]
    SchemeUnknown {
        /// The scheme, empty unless it was a short word of letters.
        scheme: String,
    },
    /// The person's address names no machine.
    #[error("the ingest address names no host; it looks like rtmps://host:443/app")]
    HostMissing,
    /// The person's address has a host that is neither a name nor an IP address.
    #[error("the host in the ingest address is neither a name nor an IP address")]
    HostUnreadable,
    /// The person's address has a user name or password in front of the host.
    #[error("an ingest address has no user name or password; give the stream key on its own")]
    UserInfo,
    /// The person's address has a port that is not a number from 1 to 65535.
    #[error("the port in the ingest address is not a number from 1 to 65535")]
    PortUnreadable,
    /// The person's address lacks the application part of RTMP.
    #[error(
        "the ingest address lacks the application; for Amazon IVS it ends in /app, like rtmps://host:443/app"
    )]
    AppMissing,
    /// The person's SRT address has a path, which SRT knows nothing of.
    #[error(
        "an srt:// address has no path; the stream key belongs in streamid=, like srt://host:9000?streamid=…"
    )]
    PathInSrt,
    /// The person's address holds spaces, control characters or broken % escapes.
    #[error(
        "the ingest address holds characters that no address may hold, such as spaces or a broken % escape"
    )]
    AddressUnreadable,
    /// The person's priority for a stream takeover is out of range (the guide, "Stream Takeover").
    #[error("the takeover priority must be a whole number from 1 to {}", MAX_PRIORITY.value)]
    PriorityOutOfRange,
    /// RTMP was asked of an SRT address, or the other way round: our own mistake.
    #[error("this address is not for RTMP")]
    NotRtmp,
    /// SRT was asked of an address of RTMP: our own mistake.
    #[error("this address is not for SRT")]
    NotSrt,
    /// The person's passphrase can not be one (SRT API, `SRTO_PASSPHRASE`).
    #[error("the SRT passphrase must have {} to {} characters", SRT_PASSPHRASE_BYTES.0, SRT_PASSPHRASE_BYTES.1)]
    PassphraseLength,
    /// Stream key and priority together are longer than SRT can carry (SRT API, `SRTO_STREAMID`).
    #[error("the stream key is too long for SRT, which carries {SRT_STREAM_ID_BYTES} characters at most")]
    StreamIdTooLong,
    /// The person named a channel type that does not exist.
    #[error("there is no such channel type; use BASIC, STANDARD, ADVANCED_SD or ADVANCED_HD")]
    ChannelTypeUnknown,
    /// The person named a class of resolutions that does not exist.
    #[error("there is no such class of resolutions; use SD, HD or FULL_HD")]
    ResolutionClassUnknown,
    /// The peer sent a decoder configuration or parameter set that does not follow its standard.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// What is wrong in it.
        why: &'static str,
    },
}

fn quoted_scheme(scheme: &str) -> String {
    if scheme.is_empty() { String::from("that") } else { format!("“{scheme}”") }
}
