//! What goes in and out of a session besides bytes.

use std::fmt;

use units::{Kbps, MediaTime, Span, Track, TrackId};

use crate::{Cause, Dropped, Failure, Gauge, Percentiles, SrtFigures};

/// What happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// [`Action::Resolve`] found addresses.
    Resolved,
    /// [`Action::Connect`] opened a connection.
    Connected,
    /// [`Action::StartTls`] agreed on encryption with a peer whose certificate holds.
    TlsDone,
    /// The peer sent these bytes.
    Received(&'a [u8]),
    /// This many bytes more were handed to the system's socket.
    Wrote(usize),
    /// Bytes that this system holds for the peer, because the peer's system has not confirmed them: those not sent yet
    /// included, those of the encryption too. Told where the system can say so.
    InFlight {
        /// How many.
        bytes: u64,
    },
    /// What the system says about the connection.
    Tcp(TcpFigures),
    /// The peer closed the connection.
    Closed,
    /// The action under way, or the connection, failed.
    Failed(Cause),
    /// [`Session::wake_at`](crate::Session::wake_at) has come.
    Tick,
}

/// What the driver has to do, one thing at a time; a later action replaces one that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look the host's addresses up.
    Resolve,
    /// Open a TCP connection to any of them.
    Connect,
    /// Set TLS up and verify the certificate against the host.
    StartTls,
    /// Everything was written: close in good order, and report [`Event::Closed`].
    Close,
    /// Give the connection, or the attempt, up at once. Nothing needs to be reported.
    Abort,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Step {
    /// Holding what it is given until it may connect, see [`SessionConfig::waits`](crate::SessionConfig::waits).
    Waiting,
    /// Looking up the name.
    #[default]
    Resolving,
    /// Opening the connection.
    Connecting,
    /// Setting up TLS.
    Securing,
    /// Exchanging the RTMP greeting.
    Greeting,
    /// Asking for permission to publish.
    Asking,
    /// Permitted; waiting for a keyframe on all renditions.
    Accepted,
    /// Pictures are on the wire.
    Live,
    /// Saying good-bye.
    Stopping,
    /// Over.
    Ended,
}

impl Step {
    /// The step in words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for its turn",
            Self::Resolving => "looking up the address",
            Self::Connecting => "connecting",
            Self::Securing => "setting up encryption",
            Self::Greeting => "greeting the service",
            Self::Asking => "asking to publish",
            Self::Accepted => "accepted, waiting for the first picture",
            Self::Live => "live",
            Self::Stopping => "stopping",
            Self::Ended => "off",
        }
    }

    /// Whether the service has said yes and the session goes on.
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Live)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// How well a session that was accepted is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// What is sent leaves in time, and is confirmed where the peer confirms.
    #[default]
    Good,
    /// More is waiting than should: the upload is slower than the stream.
    Slow,
    /// Bytes leave, but the peer stopped confirming them.
    Unconfirmed,
}

impl Health {
    /// The state in words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Slow => "the upload is too slow for this stream",
            Self::Unconfirmed => "the service does not confirm what it gets",
        }
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Because we were asked to.
    Stopped {
        /// The end of the stream was signalled and everything written; otherwise the connection was cut.
        clean: bool,
    },
    /// Another session takes the stream over, see [`Session::depart`](crate::Session::depart). The end of the stream was
    /// not signalled.
    Departed,
    /// Against our will.
    Failed(Failure),
}

/// What the rest of the program wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A new step was reached.
    Step(Step),
    /// The service takes the stream: what it said.
    Accepted {
        /// For instance `NetStream.Publish.Start`.
        code: String,
        /// Its words, keys hidden; may be empty.
        text: String,
    },
    /// An IDR on all renditions, as soon as possible, starts the stream earlier.
    KeyframeWanted,
    /// The health changed.
    Health(Health),
    /// The service said something that changes nothing by itself.
    ServiceSaid {
        /// For instance `NetStream.Publish.Start`.
        code: String,
        /// Its words, keys hidden; may be empty.
        text: String,
    },
    /// The service asks to connect anew (Enhanced RTMP v2, "Reconnect Request").
    ReconnectRequested {
        /// Where to, when not to the same address.
        tc_url: Option<String>,
    },
    /// Several renditions are to be sent, and the server did not say that it understands that. It may all the same:
    /// the service's own ingest announces nothing. Or it takes the primary rendition only, without a word.
    MultitrackUnannounced,
    /// The upload needs other bitrates, of all renditions, from the next picture on.
    Bitrates(Vec<(TrackId, Kbps)>),
    /// Not even the lowest bitrates fit through the upload: a smaller ladder is needed.
    Overwhelmed {
        /// What a ladder and its sound may have together.
        sustainable: Kbps,
    },
    /// The session is over. Always the last notice.
    Ended(Ended),
}

/// How far one track has come to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackProgress {
    /// The track.
    pub track: Track,
    /// End of the latest unit that was handed to the system; `None` before the first.
    pub sent_to: Option<MediaTime>,
    /// End of the latest unit that was confirmed, see [`Certainty::Confirmed`](crate::Certainty::Confirmed).
    pub confirmed_to: Option<MediaTime>,
    /// When that was.
    pub confirmed_at: Option<MediaTime>,
    /// The stream has begun, and of this track nothing was confirmed for longer than a hiccup lasts: it is not on air,
    /// whatever the others are.
    pub is_silent: bool,
}

/// What the system says about a TCP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFigures {
    /// Smoothed time to the peer and back.
    pub rtt: Span,
    /// How much that varies, as a mean deviation (RFC 6298, 2).
    pub rtt_variation: Span,
    /// Bytes sent since the start, repetitions included.
    pub sent: u64,
    /// Of those, bytes that were repeated, being lost or late.
    pub retransmitted: u64,
}

/// Figures of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How far it is.
    pub step: Step,
    /// How well it is doing; good until accepted.
    pub health: Health,
    /// When the service said yes.
    pub accepted_at: Option<MediaTime>,
    /// When the first picture had been written.
    pub live_at: Option<MediaTime>,
    /// Bytes written to the connection, RTMP included, TLS excluded.
    pub sent_bytes: u64,
    /// Bytes the peer said it received; `None` when it never said so.
    pub acknowledged_bytes: Option<u64>,
    /// How long the oldest byte that was written waits for being confirmed; zero when none does.
    pub unconfirmed: Span,
    /// How far each promised track has come, in the order of the tracks.
    pub tracks: Vec<TrackProgress>,
    /// What the system says about the connection; `None` where it says nothing, and for SRT.
    pub tcp: Option<TcpFigures>,
    /// Rate of the last two seconds.
    pub upload: Kbps,
    /// What is waiting.
    pub queue: Gauge,
    /// Pictures dropped, by track.
    pub dropped: Vec<(Track, Dropped)>,
    /// Units that could not be queued, being of no announced track or not after the one before: a mistake upstream.
    pub rejected: u64,
    /// IDRs that were sent without their metrics, being no series of NAL units with a slice: a mistake upstream.
    pub without_metrics: u64,
    /// Units sent behind one of another track with a later decode time, because they came too late.
    pub disordered: u64,
    /// From composition to the socket, pictures of the last ten seconds.
    pub latency_recent: Percentiles,
    /// From composition to the socket, all pictures.
    pub latency_session: Percentiles,
    /// What SRT says of the connection; `None` on other ways, and until it is connected.
    pub srt: Option<SrtFigures>,
}
