//! Where to, as whom, and how long each step may take.

use ertmp::flv::Form;
use ivs::{IngestAddress, Protocol, RtmpTarget};
use units::{Kbps, MediaTime, Secret, Span, TrackId};

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
    /// Bytes were written, and the peer's system confirmed none of them for this long.
    pub confirm: Span,
    /// The peer, having acknowledged before, acknowledged nothing for this long while much was sent.
    pub acknowledge: Span,
    /// When stopping: sending what waits.
    pub drain: Span,
    /// When stopping: everything, after which the connection is cut.
    pub stop: Span,
    /// When departing: up to the last byte before the next common IDR, after which the connection is cut.
    pub depart: Span,
}

impl Default for Deadlines {
    /// Five seconds for the name and ten for each further step: a person who waits for a red light wants an answer by
    /// then, and a path that needs longer carries no live stream. A stall ends after six seconds: TCP repeats what
    /// nobody confirms after 0.2 s and then ever twice as late (RFC 6298, 5.5), so by then five repetitions have stayed
    /// unanswered; a change of the access point or of the cable takes less on the same network, and a new connection
    /// is sooner there on another. Silence of a peer that used to acknowledge by itself ends after ten, since it may
    /// acknowledge as rarely as every 2.5 MB. Both lie well before the 30 s after which the service gives the stream up
    /// (IVS user guide, "Step 5: Set Up Streaming Software"). Stopping is over well within two seconds, half of which
    /// may go into what still waits. Departing waits for a keyframe, of which the longest interval the service asks for
    /// is ten seconds (GetClientConfiguration, `keyint_sec`).
    fn default() -> Self {
        Self {
            name: Span::from_secs(5),
            connect: Span::from_secs(10),
            tls: Span::from_secs(10),
            handshake: Span::from_secs(10),
            publish: Span::from_secs(10),
            first_picture: Span::from_secs(15),
            stall: Span::from_secs(6),
            confirm: Span::from_secs(6),
            acknowledge: Span::from_secs(10),
            drain: Span::from_millis(900),
            stop: Span::from_millis(1_800),
            depart: Span::from_secs(15),
        }
    }
}

/// Ties the media clock to UTC, once for the life of a show: a step of the system's clock in the middle of a stream
/// would tear its timestamps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// Nanoseconds between 1970-01-01T00:00:00Z and the start of the media clock, leap seconds not counted.
    pub unix_nanos_at_media_zero: i64,
}

impl WallClock {
    /// Nanoseconds from 1970-01-01T00:00:00Z to `at`, saturating.
    pub const fn unix_nanos(self, at: MediaTime) -> i64 {
        self.unix_nanos_at_media_zero.saturating_add(at.as_nanos())
    }
}

/// The bitrates one rendition may have (GetClientConfiguration, `bitrate_interpolation_points`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RungRates {
    /// The rendition.
    pub track: TrackId,
    /// Its bitrate while the upload carries everything.
    pub nominal: Kbps,
    /// Its bitrate at each level of the ladder, rising, the last one nominal; empty when the service named none.
    pub points: Vec<Kbps>,
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
    /// Whether more than one rendition will be sent: Enhanced RTMP is announced then, and missed when the server does
    /// not announce it in turn.
    pub multitrack: bool,
    /// How the primary track is packaged. `None` for Enhanced RTMP when there are several renditions, as IVS asks for,
    /// and for the legacy form when there is one. H.265 has no legacy form, and neither have further tracks (IVS
    /// multitrack integration guide, "Connect Using Enhanced RTMP").
    pub primary_form: Option<Form>,
    /// Whether tracks in Enhanced RTMP tell their colours, behind all sequence headers and ahead of any picture (E-RTMP
    /// v2, "Metadata Frame").
    pub colour_info: bool,
    /// Puts the broadcast performance metrics in front of every IDR of every rendition, with timestamps of this clock
    /// (IVS multitrack integration guide, "Broadcast Performance Metrics").
    pub metrics: Option<WallClock>,
    /// What the bitrates may be lowered to when the upload is too slow; empty when they must stay.
    pub ladder: Vec<RungRates>,
    /// Keeps units that come while it is still connecting, from an IDR common to all renditions on, and sends them
    /// once accepted: for taking a running stream over from a session that departs.
    pub keep_from_keyframe: bool,
    /// Does not connect before [`Session::proceed`](crate::Session::proceed): for a stream that has to begin where
    /// another one ends, on a service that takes only one at a time.
    pub waits: bool,
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
            multitrack: false,
            primary_form: None,
            colour_info: true,
            metrics: None,
            ladder: Vec::new(),
            keep_from_keyframe: false,
            waits: false,
            limits: QueueLimits::default(),
            deadlines: Deadlines::default(),
        })
    }

    /// Whether to state our Enhanced RTMP capabilities in `connect`.
    pub(crate) fn announces_enhanced(&self) -> bool {
        self.multitrack || self.primary_form == Some(Form::Enhanced)
    }
}
