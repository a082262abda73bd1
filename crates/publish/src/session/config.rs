//! Where to, as whom, and how long each step may take.

use ivs::{IngestAddress, Protocol, RtmpTarget};
use units::{Secret, Span};

use crate::QueueLimits;

/// How long each step may take before it counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Looking up the name.
    pub name: Span,
    /// Opening the connection, over all addresses.
    pub connect: Span,
    /// Setting up TLS.
    pub tls: Span,
    /// The RTMP greeting.
    pub handshake: Span,
    /// From `connect` to the service's yes.
    pub publish: Span,
    /// From the service's yes to a keyframe on all renditions.
    pub first_picture: Span,
    /// No byte could be written for this long while some waited.
    pub stall: Span,
    /// The peer, having acknowledged before, acknowledged nothing for this long while much was sent.
    pub acknowledge: Span,
    /// When stopping: sending what waits.
    pub drain: Span,
    /// When stopping: everything, after which the connection is cut.
    pub stop: Span,
}

impl Default for Deadlines {
    /// Five seconds for the name and ten for each further step: a person who waits for a red light wants an answer by
    /// then, and a path that needs longer carries no live stream. Stalls end after 10 s and silence after 20 s,
    /// before the service gives the stream up after 30 (IVS user guide, "Step 5: Set Up Streaming Software"). Stopping
    /// is over well within two seconds, half of which may go into what still waits.
    fn default() -> Self {
        Self {
            name: Span::from_secs(5),
            connect: Span::from_secs(10),
            tls: Span::from_secs(10),
            handshake: Span::from_secs(10),
            publish: Span::from_secs(10),
            first_picture: Span::from_secs(15),
            stall: Span::from_secs(10),
            acknowledge: Span::from_secs(20),
            drain: Span::from_millis(900),
            stop: Span::from_millis(1_800),
        }
    }
}

/// What a session has to know. Prints no stream key.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Name or IP address to connect to, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether to speak TLS.
    pub tls: bool,
    /// Application, address and stream name for RTMP.
    pub target: RtmpTarget,
    /// Whether to announce Enhanced RTMP and to package the primary track in it. Further tracks are always packaged in
    /// it; there is no other form for them (IVS multitrack integration guide, "Connect Using Enhanced RTMP").
    pub enhanced: bool,
    /// Bounds of the send queue.
    pub limits: QueueLimits,
    /// How long each step may take.
    pub deadlines: Deadlines,
}

impl SessionConfig {
    /// The session that `address` asks for, with `key` when the address has none, and everything else by default.
    ///
    /// # Errors
    /// [`ivs::Error::NotRtmp`] for an SRT address.
    pub fn for_ingest(address: &IngestAddress, key: &Secret) -> Result<Self, ivs::Error> {
        Ok(Self {
            host: String::from(address.host()),
            port: address.port(),
            tls: address.protocol() == Protocol::Rtmps,
            target: address.rtmp_target(key)?,
            enhanced: false,
            limits: QueueLimits::default(),
            deadlines: Deadlines::default(),
        })
    }
}
