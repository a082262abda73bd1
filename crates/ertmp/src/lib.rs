//! RTMP and Enhanced RTMP v2 without sockets: the client half that publishes, the server half that receives, and the
//! FLV grammar both carry.
//!
//! Everything here is sans-IO. Bytes that were read go in through `handle_input`, in whatever pieces they came; bytes
//! to write come out of `poll_output`; what happened comes out of `poll_event`. No clock is read and no randomness is
//! drawn: both are arguments. Nothing a peer sends can make this crate panic, recurse without bound or allocate more
//! than the limits that are written at each decoder.
//!
//! Sources named in the comments:
//! - "RTMP 1.0": Adobe's Real Time Messaging Protocol, December 21, 2012.
//! - "AMF0": Action Message Format AMF 0, December 2007.
//! - "FLV 10.1": Adobe Flash Video File Format Specification, version 10.1, annex E.
//! - "E-RTMP v2": Veovera, Enhanced RTMP (v2), document v2-2026-01-31-r2.
//! - "IVS user guide": Amazon IVS Low-Latency Streaming User Guide.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod amf0;
pub mod chunk;
pub mod flv;

mod capabilities;
mod client;
mod connection;
mod cursor;
mod error;
mod handshake;
mod message;
mod server;
mod status;

pub use capabilities::{Capabilities, FourCcSupport};
pub use client::{ClientConfig, ClientEvent, ClientSession, ServerCapabilities, Stage};
pub use error::{Error, Fault, Layer};
pub use handshake::RANDOM_BYTES;
pub use server::{ConnectRequest, ServerConfig, ServerEvent, ServerSession};
pub use status::Level;

/// What a media message carries (RTMP 1.0, 7.1.4 and 7.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// Sound; message type 8.
    Audio,
    /// Pictures; message type 9.
    Video,
}
