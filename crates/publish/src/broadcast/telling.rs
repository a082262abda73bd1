//! What a person is told about a broadcast, in sentences.

use units::{MediaTime, Span};

use super::Interruption;
use crate::{Failure, takeover};

/// Something worth telling. Sentences of [`Self::happened`], [`Self::done`] and [`Self::advice`] hold no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The stream broke, or an attempt to pick it up failed, and it is tried again.
    Interrupted {
        /// How the session ended.
        failure: Failure,
        /// What kind of end that is.
        why: Interruption,
        /// When it is tried again; `None` for at once.
        next_at: Option<MediaTime>,
    },
    /// The stream is on air again.
    Recovered {
        /// Time off the air.
        off_air: Span,
        /// Attempts it took.
        attempts: u32,
    },
    /// Another PC has the channel.
    TakenOver {
        /// The service said so.
        certain: bool,
        /// How the session ended.
        failure: Failure,
    },
    /// This PC took the channel over.
    TookOver {
        /// With this priority.
        priority: u32,
    },
    /// A takeover was refused because its priority was too low; a higher one is tried.
    TooLow {
        /// The priority that was refused.
        refused: u32,
        /// The priority that is tried.
        next: u32,
    },
    /// No takeover is left on this stream: a new one begins when the service has let go of it.
    TakeoversUsedUp {
        /// When that is.
        next_at: MediaTime,
    },
    /// The stream is being renewed.
    RenewalBegins,
    /// A new stream goes on.
    Renewed {
        /// Time off the air.
        off_air: Span,
    },
    /// The service gave no configuration for the new stream; the present one goes on.
    RenewalPostponed {
        /// When it is asked again; `None` when it is not.
        next_at: Option<MediaTime>,
    },
    /// The stream moves to another connection.
    Moving,
    /// The other connection failed.
    MoveFailed(Failure),
}

impl Telling {
    /// A short name for reports and scripts; never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Interrupted { .. } => "live.interrupted",
            Self::Recovered { .. } => "live.recovered",
            Self::TakenOver { .. } => "live.taken_over",
            Self::TookOver { .. } => "live.took_over",
            Self::TooLow { .. } => "live.takeover_too_low",
            Self::TakeoversUsedUp { .. } => "live.takeovers_used_up",
            Self::RenewalBegins => "live.renewal_begins",
            Self::Renewed { .. } => "live.renewed",
            Self::RenewalPostponed { .. } => "live.renewal_postponed",
            Self::Moving => "live.reconnect_requested",
            Self::MoveFailed(_) => "live.move_failed",
        }
    }

    /// Whether viewers are, or soon may be, without the stream.
    pub const fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::Interrupted { .. }
                | Self::TakenOver { .. }
                | Self::TakeoversUsedUp { .. }
                | Self::RenewalPostponed { .. }
                | Self::MoveFailed(_)
        )
    }

    /// What happened, in one or two sentences for a person.
    pub fn happened(&self) -> String {
        match self {
            Self::Interrupted { why: Interruption::TimeUp, .. } => {
                String::from("The service ended the stream: it ran for as long as it may.")
            }
            Self::Interrupted { why: Interruption::Held, .. } => {
                String::from("The service still holds the stream before and takes no other yet.")
            }
            Self::Interrupted { failure, .. } | Self::MoveFailed(failure) => failure.happened(),
            Self::Recovered { off_air, attempts } => {
                let attempts = match attempts {
                    0 | 1 => String::new(),
                    more => format!(", at the {} attempt", ordinal(*more)),
                };
                format!("The stream is back after {} s{attempts}.", seconds(*off_air))
            }
            Self::TakenOver { certain: true, .. } => String::from("Another PC took over this channel."),
            Self::TakenOver { certain: false, failure } => {
                format!("Another PC seems to have taken over this channel. {}", failure.happened())
            }
            Self::TookOver { priority } => {
                format!("This PC has taken over the channel, with priority {priority}.")
            }
            Self::TooLow { refused, .. } => {
                format!("The running stream has a priority of {refused} or more.")
            }
            Self::TakeoversUsedUp { .. } => takeover::TakeoverRefusal::LimitBreached.happened().into(),
            Self::RenewalBegins => String::from("The stream is being renewed, ahead of the service's limit."),
            Self::Renewed { off_air } => {
                format!("A new stream goes on, with {} s between the two.", seconds(*off_air))
            }
            Self::RenewalPostponed { .. } => {
                String::from("The service gave no configuration for a new stream.")
            }
            Self::Moving => String::from("The service asks for a new connection."),
        }
    }

    /// What we do about it, in one sentence for a person; may be empty.
    pub fn done(&self) -> String {
        match self {
            Self::Interrupted { next_at: None, .. } => {
                String::from("We connect again at once; encoders and recording run on.")
            }
            Self::Interrupted { .. } => {
                String::from("We try again by ourselves; encoders and recording run on.")
            }
            Self::TakenOver { .. } => {
                String::from("We do not connect again by ourselves. A recording goes on.")
            }
            Self::TooLow { next, .. } => format!("We try again with {next}."),
            Self::TakeoversUsedUp { .. } => {
                String::from("A new stream begins as soon as the service has let go of this one.")
            }
            Self::RenewalBegins => String::from("It ends at a keyframe, and the new one begins with it."),
            Self::RenewalPostponed { next_at: Some(_) } => {
                String::from("The present stream goes on, and we ask again.")
            }
            Self::RenewalPostponed { next_at: None } => String::from("The present stream goes on."),
            Self::Moving => {
                String::from("The stream goes on over a new connection from the next keyframe on.")
            }
            Self::MoveFailed(_) => {
                String::from("We connect again as soon as the present connection has ended.")
            }
            Self::Recovered { .. } | Self::TookOver { .. } | Self::Renewed { .. } => String::new(),
        }
    }

    /// What a person can do, in one or two sentences; may be empty.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Interrupted { why: Interruption::TimeUp | Interruption::Held, .. } => "",
            Self::Interrupted { failure, .. } => failure.advice(),
            Self::TakenOver { certain: true, .. } => "Take back if that was not meant to be, or stop here.",
            Self::TakenOver { certain: false, .. } => {
                "Look whether another PC is live. Take back if none should be, or stop here."
            }
            Self::TakeoversUsedUp { .. } => "The limit of 100 can be raised for an AWS account.",
            Self::RenewalPostponed { .. } => {
                "Check the stream key and the connection to the internet; the service ends every stream after 48 hours."
            }
            _ => "",
        }
    }
}

/// With one digit behind the point.
fn seconds(span: Span) -> String {
    format!("{:.1}", span.as_secs_f64())
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
