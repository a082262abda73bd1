//! Why a publisher is not let in, in the words of the service where it has any.

use ivs::{Code, code};

const KEY_SOURCE: &str = "IVS user guide, Service Quotas, Other Quotas: Stream key";
const GRANTED_KEY_SOURCE: &str =
    "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Connect Using Enhanced RTMP";
const TAKEOVER_SOURCE: &str = "IVS user guide, Streaming Configuration, Stream Takeover";

/// Why a stream name was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No key of the channel.
    Unknown,
    /// A key of the channel whose time is over.
    Expired,
    /// A stream of the same key is on air.
    InUse,
    /// It looks like a granted key and was never granted, or was forgotten.
    NeverGranted,
    /// A granted key whose time, or whose channel key's time, is over.
    GrantExpired,
    /// A granted key without the id of its configuration, or with another one's.
    OtherConfiguration,
    /// A takeover that is none.
    Takeover(TakeoverRefusal),
}

/// Why a takeover is refused (the guide, "Using Amazon EventBridge with IVS Low-Latency Streaming", Stream Takeover
/// Failure).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TakeoverRefusal {
    /// Other media than those of the stream on air; in which way.
    MediaMismatch(String),
    /// The priority is not greater than that of the stream on air, or out of range.
    InvalidPriority,
    /// The stream was taken over as often as it may be.
    LimitBreached,
}

impl From<TakeoverRefusal> for Rejection {
    fn from(refusal: TakeoverRefusal) -> Self {
        Self::Takeover(refusal)
    }
}

impl Rejection {
    /// The code of the finding.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::Unknown => code::KEY_UNKNOWN,
            Self::Expired => code::KEY_EXPIRED,
            Self::InUse => code::KEY_IN_USE,
            Self::NeverGranted | Self::GrantExpired | Self::OtherConfiguration => {
                code::CONFIGURED_KEY_INVALID
            }
            Self::Takeover(refusal) => refusal.code(),
        }
    }

    /// For a person.
    pub(crate) fn sentence(&self) -> String {
        String::from(match self {
            Self::Unknown => "The stream key is not one of this channel; copy it again from the channel.",
            Self::Expired => "The stream key is no longer valid; get a new one.",
            Self::InUse => "A stream with this key is on air already; stop it first.",
            Self::NeverGranted => {
                "The stream key is not one that GetClientConfiguration has given out; ask it again."
            }
            Self::GrantExpired => {
                "The stream key of GetClientConfiguration is no longer valid; ask it again."
            }
            Self::OtherConfiguration => {
                "The argument clientConfigId is not the config_id that the stream key was given out with."
            }
            Self::Takeover(refusal) => return refusal.sentence(),
        })
    }

    /// Document and section of the rule.
    pub(crate) const fn source(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Expired | Self::InUse => KEY_SOURCE,
            Self::NeverGranted | Self::GrantExpired | Self::OtherConfiguration => GRANTED_KEY_SOURCE,
            Self::Takeover(_) => TAKEOVER_SOURCE,
        }
    }

    /// The status that RTMP's `publish` is answered with.
    pub(crate) const fn rtmp_status(&self) -> &'static str {
        match self {
            Self::InUse | Self::Takeover(_) => "NetStream.Publish.BadName",
            _ => "NetStream.Publish.Denied",
        }
    }
}

impl TakeoverRefusal {
    /// The service's code.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::MediaMismatch(_) => code::TAKEOVER_MEDIA_MISMATCH,
            Self::InvalidPriority => code::TAKEOVER_INVALID_PRIORITY,
            Self::LimitBreached => code::TAKEOVER_LIMIT_BREACHED,
        }
    }

    /// For a person.
    pub(crate) fn sentence(&self) -> String {
        String::from(match self {
            Self::MediaMismatch(difference) => return difference.clone(),
            Self::InvalidPriority => {
                "The priority is not greater than that of the stream on air, or not from 1 to 2147483647."
            }
            Self::LimitBreached => "The stream on air was taken over as often as it may be.",
        })
    }
}
