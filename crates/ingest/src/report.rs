//! What became of one connection.

use std::net::SocketAddr;

use ivs::{Protocol, Verdict};
use serde::Serialize;

use crate::srt::SrtReception;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The publisher ended its stream: `FCUnpublish` or `deleteStream`.
    Publisher,
    /// The connection was closed or broke without a word.
    PeerClosed,
    /// The service's rules ended it, or let it not in.
    Service,
    /// The peer broke the protocol.
    ProtocolError,
    /// Another publisher took the stream over.
    TakenOver,
    /// A fault on demand.
    Fault,
    /// The ingest was stopped.
    Stopped,
}

/// The outcome of one connection. Holds no stream key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionReport {
    /// Number of the session in this run, from 1.
    pub session: u64,
    /// The stream's id in the events, which takeovers keep; `None` when it was never let in.
    pub stream_id: Option<String>,
    /// The takeover priority it came with.
    pub priority: Option<u32>,
    /// It took the stream over from another publisher, or from one that had vanished.
    pub took_over: bool,
    /// It was a test of the bandwidth (`bandwidthtest=1`), which nobody sees and no event tells of.
    pub bandwidth_test: bool,
    /// Id of the configuration that its key was granted with; `None` for a plain key.
    pub config_id: Option<String>,
    /// How it came.
    pub protocol: Protocol,
    /// From where.
    pub peer: SocketAddr,
    /// What the publisher calls itself.
    pub encoder: Option<String>,
    /// When the connection was accepted, in milliseconds of media time.
    pub connected_at_ms: i64,
    /// From the connection to `publish` being accepted, in milliseconds.
    pub published_after_ms: Option<i64>,
    /// From the connection to the first IDR picture, in milliseconds.
    pub first_idr_after_ms: Option<i64>,
    /// From the connection to the request to move to another server, in milliseconds; `None` when it was not asked.
    pub asked_to_move_after_ms: Option<i64>,
    /// From the connection to its end, in milliseconds.
    pub lasted_ms: i64,
    /// How it ended.
    pub ending: Ending,
    /// `FCUnpublish` was sent before the end, as the guide demands ("Stopping the Stream and Disconnecting"); over SRT,
    /// the connection was shut down in order.
    pub said_goodbye: bool,
    /// Bytes that came over the connection, TLS excluded.
    pub received_bytes: u64,
    /// Video messages, decoder configurations included.
    pub video_messages: u64,
    /// Audio messages, decoder configurations included.
    pub audio_messages: u64,
    /// Metadata and other data messages.
    pub data_messages: u64,
    /// What the transport has to say of an SRT connection; `None` for RTMP, and when it was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srt: Option<SrtReception>,
    /// What the service would have said.
    pub verdict: Verdict,
    /// Name of the file in the output folder that holds what was received.
    pub file: Option<String>,
    /// Why the file is missing or incomplete.
    pub file_problem: Option<String>,
}
