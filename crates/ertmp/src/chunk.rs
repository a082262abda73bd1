//! The chunk stream: messages cut into chunks and put together again (RTMP 1.0, 5.3).

mod decoder;
mod encoder;

use alloc::vec::Vec;
use core::fmt;

pub use decoder::{ChunkDecoder, Limits};
pub use encoder::ChunkEncoder;

/// Payload bytes per chunk until Set Chunk Size says otherwise (RTMP 1.0, 5.4.1).
pub const DEFAULT_CHUNK_BYTES: u32 = 128;

/// Longest message: its length is a field of 24 bits (RTMP 1.0, 5.3.1.2.1).
pub const MAX_MESSAGE_BYTES: u32 = 0xFF_FFFF;

/// From this value on, a timestamp or delta does not fit the field of 24 bits and the extended field of 32 bits
/// follows (RTMP 1.0, 5.3.1.3).
pub const EXTENDED_TIMESTAMP: u32 = 0xFF_FFFF;

/// Numbers that a chunk stream may have (RTMP 1.0, 5.3.1.1).
pub const CHUNK_STREAM_IDS: core::ops::RangeInclusive<u32> = 2..=65_599;

/// Message type of Set Chunk Size (RTMP 1.0, 5.4.1).
pub(crate) const SET_CHUNK_SIZE: u8 = 1;
/// Message type of Abort Message (RTMP 1.0, 5.4.2).
pub(crate) const ABORT: u8 = 2;

/// A message as the chunk stream carries it. `Debug` shows the length of the payload only: commands carry the stream
/// key.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Chunk stream it came on or shall go on; see [`CHUNK_STREAM_IDS`].
    pub chunk_stream: u32,
    /// Milliseconds, wrapping at 2^32 (RTMP 1.0, section 4).
    pub timestamp_ms: u32,
    /// What the payload is.
    pub type_id: u8,
    /// Message stream; 0 is the connection itself.
    pub stream_id: u32,
    /// At most [`MAX_MESSAGE_BYTES`].
    pub payload: Vec<u8>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("chunk_stream", &self.chunk_stream)
            .field("timestamp_ms", &self.timestamp_ms)
            .field("type_id", &self.type_id)
            .field("stream_id", &self.stream_id)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
