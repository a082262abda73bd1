//! What goes in and out of a broadcast.

use std::fmt;

use units::{MediaTime, Span};

use super::Telling;
use crate::{Cause, Ended, Failure};

/// What happened outside. Reports about a session that was given up, and answers to questions that nobody asked, are
/// ignored, so that nothing depends on how events cross.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// [`Broadcast::wake_at`](crate::Broadcast::wake_at) has come.
    Tick,
    /// Answers [`Order::Ask`]: the service gave a configuration. Every session opened from now on uses it.
    Configured {
        /// Number of renditions, their sizes and codecs and the sound's codec are those of the stream before, so that
        /// it may be taken over. True when there was no stream before.
        same_media: bool,
    },
    /// Answers [`Order::Ask`]: there is no new configuration.
    NotConfigured {
        /// The service said no; otherwise it could not be asked.
        refused: bool,
    },
    /// The service takes the present session.
    Accepted,
    /// The first picture of the present session is on the wire.
    Live,
    /// The present session is over.
    Ended(Ended),
    /// The service takes the next session.
    NextAccepted,
    /// The first picture of the next session is on the wire.
    NextLive,
    /// The next session is over.
    NextEnded(Ended),
    /// The service wants the present session to move to another connection (Enhanced RTMP v2, "Reconnect Request").
    MoveRequested,
    /// This machine's addresses or routes changed.
    NetworkChanged,
    /// The person wants the next attempt now.
    RetryNow,
    /// The person wants no further attempt.
    GiveUp,
    /// The person wants the stream renewed now.
    RenewNow,
    /// The person takes over: back, when another PC took over, or ahead of the schedule of attempts.
    TakeOver,
    /// The person ends the broadcast.
    Stop,
}

/// What the program has to do, in this order. At any time there is at most one present and one next session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ask the service for a configuration; answer with [`Happened::Configured`] or [`Happened::NotConfigured`], once.
    /// A stream that runs goes on meanwhile. The answer may be of no interest any more when it comes, see
    /// [`Broadcast::awaits_answer`](crate::Broadcast::awaits_answer).
    Ask,
    /// Open a session with the newest configuration: it is the present one. It begins with an IDR and all headers.
    Open {
        /// The takeover priority, 1 to 2,147,483,647.
        priority: Option<u32>,
    },
    /// Open a session beside the present one, with
    /// [`keep_from_keyframe`](crate::SessionConfig::keep_from_keyframe): it begins with the IDR at which the present one
    /// ends.
    OpenNext {
        /// The takeover priority, 1 to 2,147,483,647.
        priority: Option<u32>,
        /// It connects only at [`Order::Proceed`].
        waits: bool,
    },
    /// The present session leaves without a word at the next IDR that all renditions share.
    Depart,
    /// The present session ends the stream at the next IDR that all renditions share.
    Conclude,
    /// The next session, which waits, may connect.
    Proceed,
    /// The next session is the present one from now on; what happens to it is reported as such.
    Promote,
    /// End the present session now.
    Stop,
    /// Drop the next session. Its end needs no report.
    Abandon,
    /// Tell the person.
    Tell(Telling),
}

/// How far the broadcast is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The first session is on its way to the air.
    Starting,
    /// The service is asked for a configuration, and no session is open.
    Asking {
        /// The broadcast was on air before.
        again: bool,
    },
    /// A later session is on its way to the air.
    Connecting {
        /// Number of this attempt since the last success, from 1; 0 for what the person or the schedule wanted.
        attempt: u32,
        /// Most attempts.
        of: u32,
        /// Its takeover priority.
        priority: Option<u32>,
    },
    /// Pictures are on the wire, as far as the session knows.
    OnAir,
    /// No session is open; the next attempt is made by itself.
    Waiting {
        /// Number of the next attempt since the last success, from 1.
        attempt: u32,
        /// Most attempts.
        of: u32,
        /// When it is made.
        next_at: MediaTime,
        /// Why it has to be made.
        why: Interruption,
        /// The takeover priority it will use.
        priority: Option<u32>,
    },
    /// The stream ends at a keyframe, and a new one begins with it.
    Renewing,
    /// The present session is ending, and nothing follows.
    Stopping,
    /// Another PC has the channel. Nothing is tried; the person may take back, or stop.
    TakenOver {
        /// Since when we know.
        since: MediaTime,
        /// The service said so. Otherwise everything looks like it: it ended a healthy stream in good order, and did
        /// not take it back.
        certain: bool,
        /// How the last session ended.
        failure: Failure,
    },
    /// Nothing more happens.
    Over(Outcome),
}

impl Phase {
    /// Whether the broadcast ends in this phase.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Over(_))
    }
}

/// How a broadcast ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person ended it.
    Stopped,
    /// It broke, and nothing was to be tried again.
    Failed(Failure),
    /// It broke, and was not picked up again.
    GaveUp {
        /// Attempts since the last success; fewer than the limit when the person cancelled.
        attempts: u32,
        /// How the last one ended.
        failure: Failure,
    },
    /// The service does not take it.
    Refused(Failure),
    /// There is no configuration to begin with.
    NotConfigured {
        /// The service said no; otherwise it could not be asked.
        refused: bool,
    },
    /// Another PC had the channel when the person ended it here.
    TakenOver,
}

/// Why a stream was interrupted, or an attempt to pick it up failed: what decides what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interruption {
    /// The service was not reached: name, connection, encryption, greeting.
    Unreachable,
    /// The running connection went silent or broke.
    Stalled,
    /// The service closed the running connection.
    Closed,
    /// The service said no.
    Refused,
    /// The service ended the stream because it ran for as long as it may.
    TimeUp,
    /// The service still holds the stream before, and there is no taking it over.
    Held,
    /// The service gave no configuration.
    NotConfigured,
}

impl Interruption {
    /// What kind of end `failure` is, by itself.
    pub const fn of(failure: &Failure) -> Self {
        match failure.cause {
            Cause::Refused { .. } | Cause::PublishClosed | Cause::EndedByService { .. } => Self::Refused,
            Cause::ClosedByPeer => Self::Closed,
            Cause::Lost(_) | Cause::Stalled | Cause::Silent | Cause::Unacknowledged => Self::Stalled,
            _ => Self::Unreachable,
        }
    }

    /// The reason in words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "the service was not reached",
            Self::Stalled => "the connection broke",
            Self::Closed => "the service closed the connection",
            Self::Refused => "the service refused the stream",
            Self::TimeUp => "the stream ran for as long as the service allows",
            Self::Held => "the service still holds the stream before",
            Self::NotConfigured => "the service gave no configuration",
        }
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Figures of a broadcast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastFigures {
    /// Attempts to connect again since the last success.
    pub attempts: u32,
    /// How often the broadcast was picked up again and went live.
    pub reconnects: u32,
    /// How often it was renewed.
    pub renewals: u32,
    /// Takeovers of the present stream that the service may have counted, other PCs' not known.
    pub takeovers: u32,
    /// Most takeovers of one stream.
    pub takeover_limit: u32,
    /// The highest priority used so far: what another PC has to pass.
    pub priority: Option<u32>,
    /// When the present stream began, at the earliest.
    pub stream_began_at: Option<MediaTime>,
    /// When the configuration in hand was got.
    pub key_since: Option<MediaTime>,
    /// When the stream will be renewed.
    pub renews_at: Option<MediaTime>,
    /// When the service ends it otherwise.
    pub ends_at: Option<MediaTime>,
    /// Time off the air between the first and the last picture so far, renewals included.
    pub off_air: Span,
}
