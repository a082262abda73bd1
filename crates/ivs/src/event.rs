//! What the service tells through Amazon EventBridge, as JSON of the form of the guide's examples ("Using Amazon
//! EventBridge with IVS Low-Latency Streaming"). Ids and times are passed in.

mod time;

use serde::{Serialize, Serializer};

pub use time::UnixSeconds;

/// Who and where an event is about: the same for all events of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// AWS account number.
    pub account: String,
    /// AWS region.
    pub region: String,
    /// The channel's ARN.
    pub arn: String,
    /// The name its owner gave it; may be empty.
    pub name: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A stream key was used successfully and a session was created.
    SessionCreated,
    /// The encoder disconnected or was disconnected.
    SessionEnded {
        /// Why, where the service has a code for it, such as `MultitrackInputNotAllowed`.
        code: Option<&'static str>,
    },
    /// Viewers can watch.
    StreamStart,
    /// Viewers get no more.
    StreamEnd,
    /// The stream could not be processed.
    StreamFailure {
        /// The reason in words.
        reason: String,
    },
    /// Another stream took the place of this one.
    StreamTakeover,
    /// A takeover was refused.
    StreamTakeoverFailure {
        /// `StreamTakeoverMediaMismatch`, `StreamTakeoverInvalidPriority` or `StreamTakeoverLimitBreached`.
        code: &'static str,
    },
    /// No data, or too little, comes from the streamer.
    StarvationStart,
    /// Enough data comes again.
    StarvationEnd,
    /// A limit was exceeded.
    LimitBreach(LimitBreach),
}

/// Which limit was exceeded, and by how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitBreach {
    /// `Ingest Bitrate` or `Ingest Resolution`.
    pub limit_name: &'static str,
    /// The limit in `limit_unit`.
    pub limit_value: u64,
    /// The value at the breach less the limit, in `limit_unit`.
    pub exceeded_by: u64,
    /// `bits per second`, `total pixels` or `pixels per edge`.
    pub limit_unit: &'static str,
}

/// One event as EventBridge delivers it. Serialise it for the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    version: &'static str,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: &'static str,
    source: &'static str,
    account: String,
    #[serde(serialize_with = "rfc3339")]
    time: UnixSeconds,
    region: String,
    resources: Vec<String>,
    detail: Detail,
}

impl Event {
    /// The event `happening` on `channel` in the stream `stream_id` at `time`, told under the unique `id`.
    pub fn new(
        channel: &Channel,
        stream_id: &str,
        happening: Happening,
        id: impl Into<String>,
        time: UnixSeconds,
    ) -> Self {
        Self {
            version: "0",
            id: id.into(),
            detail_type: happening.detail_type(),
            source: "aws.ivs",
            account: channel.account.clone(),
            time,
            region: channel.region.clone(),
            resources: vec![channel.arn.clone()],
            detail: Detail::new(happening, channel.name.clone(), String::from(stream_id)),
        }
    }

    /// The event's name: `event_name`, or `limit_name` of a breach.
    pub fn name(&self) -> &'static str {
        match &self.detail {
            Detail::Change { event_name, .. } | Detail::TakeoverFailure { event_name, .. } => event_name,
            Detail::Breach { breach, .. } => breach.limit_name,
        }
    }

    /// The stream it is about.
    pub fn stream_id(&self) -> &str {
        match &self.detail {
            Detail::Change { stream_id, .. }
            | Detail::TakeoverFailure { stream_id, .. }
            | Detail::Breach { stream_id, .. } => stream_id,
        }
    }

    /// The code of an ended session or a refused takeover.
    pub const fn code(&self) -> Option<&'static str> {
        match &self.detail {
            Detail::Change { code, .. } => *code,
            Detail::TakeoverFailure { code, .. } => Some(code),
            Detail::Breach { .. } => None,
        }
    }
}

impl Happening {
    /// `detail-type` of the event.
    pub const fn detail_type(&self) -> &'static str {
        match self {
            Self::SessionCreated
            | Self::SessionEnded { .. }
            | Self::StreamStart
            | Self::StreamEnd
            | Self::StreamFailure { .. }
            | Self::StreamTakeover
            | Self::StreamTakeoverFailure { .. } => "IVS Stream State Change",
            Self::StarvationStart | Self::StarvationEnd => "IVS Stream Health Change",
            Self::LimitBreach(_) => "IVS Limit Breach",
        }
    }
}

/// `detail`, its fields in the order of the guide's examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Detail {
    Change {
        event_name: &'static str,
        channel_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
        stream_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    TakeoverFailure {
        event_name: &'static str,
        channel_name: String,
        stream_id: String,
        code: &'static str,
    },
    Breach {
        #[serde(flatten)]
        breach: LimitBreach,
        channel_name: String,
        stream_id: String,
    },
}

impl Detail {
    fn new(happening: Happening, channel_name: String, stream_id: String) -> Self {
        let (event_name, code, reason) = match happening {
            Happening::SessionCreated => ("Session Created", None, None),
            Happening::SessionEnded { code } => ("Session Ended", code, None),
            Happening::StreamStart => ("Stream Start", None, None),
            Happening::StreamEnd => ("Stream End", None, None),
            Happening::StreamFailure { reason } => ("Stream Failure", None, Some(reason)),
            Happening::StreamTakeover => ("Stream Takeover", None, None),
            Happening::StarvationStart => ("Starvation Start", None, None),
            Happening::StarvationEnd => ("Starvation End", None, None),
            Happening::StreamTakeoverFailure { code } => {
                let event_name = "Stream Takeover Failure";
                return Self::TakeoverFailure { event_name, channel_name, stream_id, code };
            }
            Happening::LimitBreach(breach) => {
                return Self::Breach { breach, channel_name, stream_id };
            }
        };
        Self::Change { event_name, channel_name, code, stream_id, reason }
    }
}

fn rfc3339<S: Serializer>(time: &UnixSeconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel {
            account: String::from("123456789012"),
            region: String::from("us-east-1"),
            arn: String::from("arn:aws:ivs:us-east-1:123456789012:channel/AbCdef1G2hij"),
            name: String::from("Your Channel"),
        }
    }

    #[test]
    fn json_has_the_form_of_the_guide() {
        let breach = LimitBreach {
            limit_name: "Ingest Bitrate",
            limit_value: 1234,
            exceeded_by: 3,
            limit_unit: "bits per second",
        };
        let all = [
            Happening::SessionCreated,
            Happening::SessionEnded { code: Some("MultitrackInputNotAllowed") },
            Happening::SessionEnded { code: None },
            Happening::StreamStart,
            Happening::StreamEnd,
            Happening::StreamFailure {
                reason: String::from("Transcode capacity exceeded. Please try again."),
            },
            Happening::StreamTakeover,
            Happening::StreamTakeoverFailure { code: "StreamTakeoverInvalidPriority" },
            Happening::StarvationStart,
            Happening::StarvationEnd,
            Happening::LimitBreach(breach),
        ];
        let events: Vec<Event> = all
            .into_iter()
            .map(|happening| {
                let id = "01234567-0123-0123-0123-012345678901";
                Event::new(
                    &channel(),
                    "st-1A2b3c4D5e6F78ghij9Klmn",
                    happening,
                    id,
                    UnixSeconds(1_497_263_023),
                )
            })
            .collect();
        insta::assert_snapshot!(serde_json::to_string_pretty(&events).unwrap());
    }
}
