//! Messages in, chunks out.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{
    CHUNK_STREAM_IDS, DEFAULT_CHUNK_BYTES, EXTENDED_TIMESTAMP, MAX_MESSAGE_BYTES, Message, SET_CHUNK_SIZE,
};
use crate::cursor::u24_bytes;
use crate::error::Error;

/// The last header that was written on a chunk stream.
struct LastHeader {
    timestamp_ms: u32,
    /// Delta of the last header; `None` after one of type 0, because peers disagree on what a header of type 3 means
    /// right behind it (RTMP 1.0, 5.3.1.2.4 says the timestamp; some take 0).
    delta_ms: Option<u32>,
    length: u32,
    type_id: u8,
    stream_id: u32,
}

/// Cuts messages into chunks, with the shortest header that every peer reads the same way.
pub struct ChunkEncoder {
    chunk_bytes: u32,
    streams: BTreeMap<u32, LastHeader>,
}

impl Default for ChunkEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkEncoder {
    /// An encoder at the start of a chunk stream.
    pub const fn new() -> Self {
        Self { chunk_bytes: DEFAULT_CHUNK_BYTES, streams: BTreeMap::new() }
    }

    /// Payload bytes per chunk.
    pub const fn chunk_bytes(&self) -> u32 {
        self.chunk_bytes
    }

    /// Appends Set Chunk Size to `out` and cuts into chunks of `chunk_bytes` from then on (RTMP 1.0, 5.4.1).
    ///
    /// # Errors
    /// [`Error::Misused`] outside of 1 to [`MAX_MESSAGE_BYTES`].
    pub fn set_chunk_bytes(&mut self, chunk_bytes: u32, out: &mut Vec<u8>) -> Result<(), Error> {
        if !(1..=MAX_MESSAGE_BYTES).contains(&chunk_bytes) {
            return Err(Error::Misused { reason: "a chunk size outside of 1 to 16777215" });
        }
        // Control messages go on chunk stream 2 of message stream 0, and their timestamp is ignored (5.4).
        let payload = chunk_bytes.to_be_bytes().to_vec();
        let message =
            Message { chunk_stream: 2, timestamp_ms: 0, type_id: SET_CHUNK_SIZE, stream_id: 0, payload };
        self.encode(&message, out)?;
        self.chunk_bytes = chunk_bytes;
        Ok(())
    }

    /// Appends `message` to `out`.
    ///
    /// # Errors
    /// [`Error::Misused`] for a chunk stream outside of [`CHUNK_STREAM_IDS`] or a payload over
    /// [`MAX_MESSAGE_BYTES`]; `out` is unchanged.
    pub fn encode(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Error> {
        if !CHUNK_STREAM_IDS.contains(&message.chunk_stream) {
            return Err(Error::Misused { reason: "a chunk stream outside of 2 to 65599" });
        }
        let length = u32::try_from(message.payload.len())
            .ok()
            .filter(|length| *length <= MAX_MESSAGE_BYTES)
            .ok_or(Error::Misused { reason: "a message of over 16777215 bytes" })?;
        let mut next = LastHeader {
            timestamp_ms: message.timestamp_ms,
            delta_ms: None,
            length,
            type_id: message.type_id,
            stream_id: message.stream_id,
        };
        let format = self.streams.get(&message.chunk_stream).map_or(0, |last| next.follow(last));
        write_basic_header(format, message.chunk_stream, out);
        let time = next.delta_ms.unwrap_or(message.timestamp_ms);
        let is_extended = time >= EXTENDED_TIMESTAMP;
        if format < 3 {
            out.extend_from_slice(&u24_bytes(time.min(EXTENDED_TIMESTAMP)));
        }
        if format < 2 {
            out.extend_from_slice(&u24_bytes(length));
            out.push(message.type_id);
        }
        if format == 0 {
            out.extend_from_slice(&message.stream_id.to_le_bytes());
        }
        if is_extended {
            out.extend_from_slice(&time.to_be_bytes());
        }
        self.streams.insert(message.chunk_stream, next);
        let chunk_bytes = usize::try_from(self.chunk_bytes).unwrap_or(usize::MAX);
        for (number, chunk) in message.payload.chunks(chunk_bytes).enumerate() {
            if number > 0 {
                write_basic_header(3, message.chunk_stream, out);
                // Headers of type 3 repeat the extended timestamp (5.3.1.3).
                if is_extended {
                    out.extend_from_slice(&time.to_be_bytes());
                }
            }
            out.extend_from_slice(chunk);
        }
        Ok(())
    }
}

impl LastHeader {
    /// The header type with which this header can follow `last`; fills in the delta.
    fn follow(&mut self, last: &Self) -> u8 {
        let delta_ms = self.timestamp_ms.wrapping_sub(last.timestamp_ms);
        // Time that goes backwards shows up as a huge delta, and must be absolute anyway.
        if self.stream_id != last.stream_id || delta_ms >= EXTENDED_TIMESTAMP {
            return 0;
        }
        self.delta_ms = Some(delta_ms);
        if self.length != last.length || self.type_id != last.type_id {
            1
        } else if last.delta_ms != Some(delta_ms) {
            2
        } else {
            3
        }
    }
}

/// One byte to 63, two to 319, three above (RTMP 1.0, 5.3.1.1).
fn write_basic_header(format: u8, chunk_stream: u32, out: &mut Vec<u8>) {
    let format = format << 6;
    let [_, _, high, low] = chunk_stream.saturating_sub(64).to_be_bytes();
    match chunk_stream {
        0..=63 => out.push(format | (chunk_stream.to_be_bytes()[3] & 0x3F)),
        64..=319 => out.extend_from_slice(&[format, low]),
        _ => out.extend_from_slice(&[format | 1, low, high]),
    }
}
