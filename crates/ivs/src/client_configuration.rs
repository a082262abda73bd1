//! GetClientConfiguration: what the service is told about a machine and its person's wishes, and the ladder it answers
//! with.
//!
//! * [`Request`]: the body, in both schema versions that are served.
//! * [`validate`]: the service's side of it, strict on types, for the rehearsal ingest.
//! * [`ClientConfiguration`]: the answer, every field of it, read and written.
//! * [`Message`]: the service's HTML as plain text with its links.
//!
//! "The API reference" is the *Amazon IVS Multitrack Video Integration API Reference* (schema 2024-06-04). Schema
//! 2025-01-25 is documented nowhere; what is known of it is what OBS Studio sends and what its service was seen to
//! answer.

mod answer;
mod error;
pub(crate) mod json;
mod message;
mod rendition;
mod request;
mod validation;

use core::fmt;
use core::str::FromStr;

pub use answer::{AudioConfiguration, ClientConfiguration, Endpoint, Status};
pub use error::AnswerError;
pub use json::UnknownValues;
pub use message::{Link, Message};
pub use rendition::{ColorRange, ColorSpace, EncoderConfiguration, GpuScale, PixelFormat};
pub use request::{Capabilities, Client, Cpu, GamingFeatures, Gpu, Memory, Preferences, Request, System};
pub use validation::{Complaint, ReceivedRequest, validate};

use crate::limits::Rule;

/// Where the service answers. Another one may be asked instead, to rehearse.
pub const SERVICE_URL: Rule<&str> = Rule {
    value: "https://ingest.contribute.live-video.net/api/v3/GetClientConfiguration",
    source: "IVS multitrack video integration API reference, GetClientConfiguration",
};

/// The one value of `service` (the API reference, GetClientConfiguration).
pub const SERVICE: &str = "IVS";

/// The query argument of the publish address that carries [`ClientConfiguration::config_id`] (the guide, "Connect Using
/// Enhanced RTMP").
pub const CONFIG_ID_ARGUMENT: &str = "clientConfigId";

/// The form of request and answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SchemaVersion {
    /// The documented one.
    V2024_06_04,
    /// The one OBS Studio 32 speaks: a list of canvases, and the sound's properties.
    #[default]
    V2025_01_25,
}

impl SchemaVersion {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V2024_06_04, Self::V2025_01_25];

    /// The value of `schema_version`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2024_06_04 => "2024-06-04",
            Self::V2025_01_25 => "2025-01-25",
        }
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is none of [`SchemaVersion::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the schema version must be 2024-06-04 or 2025-01-25")]
pub struct SchemaVersionUnknown;

impl FromStr for SchemaVersion {
    type Err = SchemaVersionUnknown;
    fn from_str(text: &str) -> Result<Self, SchemaVersionUnknown> {
        Self::ALL.into_iter().find(|version| version.name() == text).ok_or(SchemaVersionUnknown)
    }
}

#[cfg(test)]
mod tests;
