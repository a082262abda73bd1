//! What can go wrong, grouped by whose fault it is.

use core::fmt;

/// The layer of the protocol whose grammar was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// C0 to C2 and S0 to S2.
    Handshake,
    /// Chunk headers.
    Chunk,
    /// Protocol control and user control messages.
    Control,
    /// Action Message Format values.
    Amf,
    /// Command and data messages.
    Command,
    /// Bodies of video messages and tags.
    Video,
    /// Bodies of audio messages and tags.
    Audio,
    /// FLV files.
    File,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "RTMP handshake",
            Self::Chunk => "RTMP chunk",
            Self::Control => "RTMP control message",
            Self::Amf => "AMF value",
            Self::Command => "RTMP command",
            Self::Video => "video tag",
            Self::Audio => "audio tag",
            Self::File => "FLV file",
        })
    }
}

/// Whose fault an [`Error`] is. A refusal by the service is no error of this crate: it is an event with the service's
/// code and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The bytes break the grammar.
    Bytes,
    /// The bytes are well-formed, but not allowed at this point.
    Peer,
    /// The peer speaks something that we do not.
    Compatibility,
    /// A limit that protects our memory was reached.
    Resource,
    /// The caller broke the rules of this crate.
    Caller,
}

/// Why input could not be understood or a request not be carried out. After an error from `handle_input` the session
/// is of no more use: close the connection. Never contains text that the peer sent, so it cannot carry a stream key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that break the grammar of a layer.
    Malformed {
        /// Where.
        layer: Layer,
        /// What is wrong.
        reason: &'static str,
    },
    /// The peer did what the protocol does not allow at this point.
    Misbehaved {
        /// What it did.
        reason: &'static str,
    },
    /// The first byte is not RTMP version 3. `b'H'` comes from a web proxy, 0x15 or 0x16 from a TLS server.
    NotRtmp {
        /// The byte in place of the version.
        version: u8,
    },
    /// The peer uses a part of the protocol that this crate does not speak.
    Incompatible {
        /// Which part.
        reason: &'static str,
    },
    /// More than we are willing to hold in memory.
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The most that is accepted, in bytes or, where `what` names things, in pieces.
        limit: u64,
    },
    /// The caller asked for something that is impossible at this point or in this grammar.
    Misused {
        /// What was asked.
        reason: &'static str,
    },
}

impl Error {
    /// Whose fault it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Malformed { .. } => Fault::Bytes,
            Self::Misbehaved { .. } => Fault::Peer,
            Self::NotRtmp { .. } | Self::Incompatible { .. } => Fault::Compatibility,
            Self::TooLarge { .. } => Fault::Resource,
            Self::Misused { .. } => Fault::Caller,
        }
    }

    pub(crate) const fn malformed(layer: Layer, reason: &'static str) -> Self {
        Self::Malformed { layer, reason }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { layer, reason } => write!(f, "malformed {layer}: {reason}"),
            Self::Misbehaved { reason } => write!(f, "the peer broke the protocol: {reason}"),
            Self::NotRtmp { version: b'H' } => {
                f.write_str("a web server or proxy answered in place of an RTMP peer")
            }
            Self::NotRtmp { version: 0x15 | 0x16 } => {
                f.write_str("the peer speaks TLS where plain RTMP was expected")
            }
            Self::NotRtmp { version } => {
                write!(f, "the peer does not speak RTMP version 3 (its first byte is {version:#04x})")
            }
            Self::Incompatible { reason } => write!(f, "the peer uses {reason}, which is not supported"),
            Self::TooLarge { what, limit } => write!(f, "{what} exceeds the limit of {limit}"),
            Self::Misused { reason } => write!(f, "internal mistake in the use of RTMP: {reason}"),
        }
    }
}

impl core::error::Error for Error {}
