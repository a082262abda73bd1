//! SRT: one attempt to be on air, and what there is to know of the connection.
//!
//! [`SrtSession`] is to SRT what [`Session`](crate::Session) is to RTMP: the same steps, notices, queue and ends. What
//! differs: the key is in the handshake, so connected is accepted; the peer's library confirms, so silence shows within
//! a second; and the end is no message but the closing, which has to wait until the peer has played what it holds back.

mod congestion;
mod elementary;
mod figures;
mod outgoing;
mod packets;
mod session;

use ivs::{IngestAddress, SrtTarget};
use units::{Secret, Span, Track};

pub use figures::SrtFigures;
pub use packets::{PesStart, SRT_PAYLOAD_BYTES, TS_PACKET_BYTES, TS_PACKETS, TransportCounter, null_packets};
pub use session::{SrtAction, SrtEvent, SrtSession};

use crate::{Deadlines, QueueLimits, RungRates};

/// How long the peer is asked to hold media back unless the person says otherwise. Four round trips of 150 ms, or ten of
/// 60 ms: Haivision's deployment guide asks for about four times the round trip time, more on lossy paths; libsrt's own
/// 120 ms are for a local network. It delays what viewers see by as much.
pub const SRT_LATENCY: Span = Span::from_millis(600);

/// What an SRT session has to know. Prints neither key nor passphrase.
#[derive(Clone, Debug)]
pub struct SrtConfig {
    /// Where to, and what to say there.
    pub target: SrtTarget,
    /// How long the peer is asked to hold media back. The longer of both sides' wishes counts.
    pub latency: Span,
    /// What the bitrates may be lowered to when the upload is too slow; empty when they must stay.
    pub ladder: Vec<RungRates>,
    /// See [`SessionConfig::keep_from_keyframe`](crate::SessionConfig::keep_from_keyframe).
    pub keep_from_keyframe: bool,
    /// See [`SessionConfig::waits`](crate::SessionConfig::waits).
    pub waits: bool,
    /// Bounds of the send queue.
    pub limits: QueueLimits,
    /// How long each step may take.
    pub deadlines: Deadlines,
}

impl SrtConfig {
    /// The session that `address` asks for, with `key` when the address has none, and everything else by default.
    ///
    /// # Errors
    /// As [`IngestAddress::srt_target`].
    pub fn for_ingest(address: &IngestAddress, key: &Secret) -> Result<Self, ivs::Error> {
        Ok(Self {
            target: address.srt_target(key)?,
            latency: SRT_LATENCY,
            ladder: Vec::new(),
            keep_from_keyframe: false,
            waits: false,
            limits: QueueLimits::default(),
            deadlines: Deadlines::default(),
        })
    }
}

/// An access unit in the form that MPEG-TS carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtUnit {
    /// The track.
    pub track: Track,
    /// A picture with start codes, delimiter and, at an IDR, parameter sets; or one raw AAC frame.
    pub data: Vec<u8>,
    /// When it is shown or heard, since the beginning of this session.
    pub pts: Span,
    /// When it is decoded, since the beginning of this session.
    pub dts: Span,
    /// How long it lasts.
    pub span: Span,
    /// Decoding can start here.
    pub is_idr: bool,
}
