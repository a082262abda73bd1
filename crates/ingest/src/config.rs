//! How the rehearsal ingest shall behave.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use ivs::Rules;
use ivs::event::Channel;
use ivs::limits::{MAX_SILENCE, MAX_STREAM_DURATION, MAX_TAKEOVERS};
use units::{MediaTime, Secret, Span};

use crate::faults::Faults;

use crate::srt::SrtDoor;

/// Everything that can be chosen. The default listens on free ports of loopback, takes one made-up key, holds a
/// STANDARD channel that allows RTMP, and writes nothing.
#[derive(Clone, Debug)]
pub struct IngestConfig {
    /// Address to listen on.
    pub bind_ip: IpAddr,
    /// TCP port for RTMP; 0 for one that is free.
    pub rtmp_port: u16,
    /// TCP port for RTMPS; 0 for one that is free.
    pub rtmps_port: u16,
    /// TCP port for HTTPS, where GetClientConfiguration and FindIngest are asked; 0 for one that is free.
    pub https_port: u16,
    /// Where SRT is taken; `None` for not at all.
    pub srt: Option<SrtDoor>,
    /// Host names and IP addresses that the certificate is made for. The address listened on is added.
    pub certificate_names: Vec<String>,
    /// The rules of the channel.
    pub rules: Rules,
    /// Whether a stream that breaks a rule is ended, as the service would. Otherwise it goes on, and the report says
    /// that it would have been. Keys are enforced always.
    pub enforce: bool,
    /// The channel, as it appears in events.
    pub channel: Channel,
    /// Keys that may publish. When empty, one is made up: see [`crate::Ingest::stream_key`].
    pub keys: Vec<StreamKey>,
    /// When a key that is made up stops being valid.
    pub key_expires: Option<MediaTime>,
    /// Folder for `events.jsonl`, `received-<n>.flv`, `report-<n>.json` and `ingest-ca.pem`; it is created when it does
    /// not exist. Sessions that left no stream have a `report-session-<n>.json`. `None` writes nothing.
    pub out_dir: Option<PathBuf>,
    /// Faults on demand.
    pub faults: Faults,
    /// Faults of single sessions, by their numbers from 1, instead of those.
    pub session_faults: BTreeMap<u64, Faults>,
    /// What HTTPS answers instead of the truth, on demand.
    pub configuration: ConfigurationFaults,
    /// Whether the answer to `connect` states Enhanced RTMP capabilities, several tracks and the request to reconnect
    /// among them. The service's own ingest may state none, so a publisher must do without.
    pub states_capabilities: bool,
    /// Whether renditions in H.265 are granted to publishers that say they encode it. All others get H.264.
    pub offers_hevc: bool,
    /// How long a stream keeps its place when its publisher's connection is gone without a word, counted from the last
    /// data. Within it only a takeover gets the place. The guide's figure is 30 seconds; [`Span::ZERO`] is none.
    pub hold: Span,
    /// Longest stream, over all takeovers: at most the guide's 48 hours, and shorter to rehearse its end.
    pub max_stream: Span,
    /// Takeovers of one stream. The guide's figure is 100, adjustable per account.
    pub max_takeovers: u32,
    /// What a publisher that is taken over is told.
    pub farewell: Farewell,
    /// Connections at a time to each port; further ones are closed at once.
    pub max_connections: usize,
}

impl Default for IngestConfig {
    fn default() -> Self {
        let region = String::from("us-west-2");
        let account = String::from("123456789012");
        Self {
            bind_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            rtmp_port: 0,
            rtmps_port: 0,
            https_port: 0,
            srt: None,
            certificate_names: vec![String::from("localhost"), String::from("127.0.0.1")],
            rules: Rules { insecure_ingest: true, ..Rules::default() },
            enforce: true,
            channel: Channel {
                arn: format!("arn:aws:ivs:{region}:{account}:channel/rehearsal"),
                name: String::from("Rehearsal"),
                region,
                account,
            },
            keys: Vec::new(),
            key_expires: None,
            out_dir: None,
            faults: Faults::default(),
            session_faults: BTreeMap::new(),
            configuration: ConfigurationFaults::default(),
            states_capabilities: true,
            offers_hevc: false,
            hold: MAX_SILENCE.value,
            max_stream: MAX_STREAM_DURATION.value,
            max_takeovers: MAX_TAKEOVERS.value,
            farewell: Farewell::default(),
            max_connections: 64,
        }
    }
}

/// What a publisher is told whose stream was taken over. The guide says that the stream goes on and nothing of the old
/// connection, so a publisher must understand both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Farewell {
    /// Nothing: its connection is closed.
    #[default]
    Silence,
    /// `onStatus` of level error with `NetStream.Publish.BadName` and a description that begins with `[taken-over]`.
    Status,
}

/// A key that may publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamKey {
    /// The key, without query arguments.
    pub key: Secret,
    /// When it stops being valid; a stream that is on air by then stays. `None` is never. (The guide gives a key of
    /// GetClientConfiguration 48 hours: multitrack integration guide, "Automatically Reconnecting".)
    pub expires: Option<MediaTime>,
}

impl StreamKey {
    /// A key that never expires.
    pub const fn lasting(key: Secret) -> Self {
        Self { key, expires: None }
    }
}

/// What HTTPS does instead of answering truly. Everything is off by default. Times are the media clock's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationFaults {
    /// Only the first so many requests of GetClientConfiguration have the faults, so that another attempt can succeed.
    /// `None` means all.
    pub requests: Option<u64>,
    /// Wait so long before the answer.
    pub delay: Span,
    /// What GetClientConfiguration answers; `None` for the truth.
    pub answer: Option<ScriptedAnswer>,
    /// Grant no more than so many renditions, whatever was asked for. For a ladder that changes between two requests.
    pub maximum_tracks: Option<u32>,
    /// How long granted keys are valid; `None` for the guide's 48 hours, and [`Span::ZERO`] for keys that are expired
    /// when they arrive.
    pub key_validity: Option<Span>,
    /// What FindIngest answers; `None` for the truth. [`ScriptedAnswer::Warning`] and its kin mean nothing there.
    pub servers: Option<ScriptedAnswer>,
}

/// An answer over HTTPS that was decided beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptedAnswer {
    /// An HTTP status, 200 to 599, with an empty body.
    HttpStatus(u16),
    /// HTTP 200 with this body, whatever it is.
    Body(Vec<u8>),
    /// HTTP 200 with the first half of the true body, then the connection is cut.
    CutShort,
    /// Nothing; the connection stays open until the client leaves it.
    Hang,
    /// The true answer with a warning in HTML (the guide, "Handling Warnings and Errors").
    Warning {
        /// `html_en_us` of the answer.
        html: String,
    },
    /// A refusal: HTTP 200, the reason in HTML, nothing granted.
    Error {
        /// `html_en_us` of the answer.
        html: String,
    },
    /// The true answer with a status that no document knows.
    UnknownStatus {
        /// `result` of the answer.
        result: String,
    },
}
