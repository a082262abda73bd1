//! How the rehearsal ingest shall behave.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use ivs::Rules;
use ivs::event::Channel;
use units::{MediaTime, Secret, Span};

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
    /// Folder for `events.jsonl`, `received-<n>.flv`, `report-<n>.json` and `ingest-ca.pem`; it is created when it does
    /// not exist. Sessions that left no stream have a `report-session-<n>.json`. `None` writes nothing.
    pub out_dir: Option<PathBuf>,
    /// Faults on demand.
    pub faults: Faults,
    /// Connections at a time; further ones are closed at once.
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
            out_dir: None,
            faults: Faults::default(),
            max_connections: 64,
        }
    }
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

/// Faults to rehearse. Each is off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Only the first so many sessions have the faults, so that a reconnect can succeed. `None` means all.
    pub sessions: Option<u64>,
    /// Answer `connect` with an error.
    pub refuse_connect: Option<Refusal>,
    /// Answer `publish` with an error.
    pub refuse_publish: Option<Refusal>,
    /// Close the connection without a word so long after `publish`.
    pub close_after: Option<Span>,
    /// Stop taking bytes while the connection stays open.
    pub stall: Option<Stall>,
    /// Take no more than so many bytes per second.
    pub read_bytes_per_sec: Option<u32>,
}

/// An answer that says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `NetConnection.Connect.Rejected`.
    pub code: String,
    /// For a person.
    pub description: String,
}

/// A stall of the reading side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// So long after `publish`.
    pub after: Span,
    /// How long; `None` until the end.
    pub lasting: Option<Span>,
}
