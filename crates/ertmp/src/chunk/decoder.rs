//! Chunks in, messages out.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{ABORT, DEFAULT_CHUNK_BYTES, EXTENDED_TIMESTAMP, MAX_MESSAGE_BYTES, Message, SET_CHUNK_SIZE};
use crate::cursor::Cursor;
use crate::error::{Error, Layer};

/// What a decoder is willing to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest message in bytes.
    pub message_bytes: u32,
    /// Chunk streams in use; publishers use about six.
    pub chunk_streams: usize,
}

impl Default for Limits {
    /// Whatever the grammar allows in one message, and 64 chunk streams.
    fn default() -> Self {
        Self { message_bytes: MAX_MESSAGE_BYTES, chunk_streams: 64 }
    }
}

/// The last header of a chunk stream, which later headers leave parts out of, and the message that is on its way.
struct ChunkStream {
    timestamp_ms: u32,
    delta_ms: u32,
    length: u32,
    type_id: u8,
    stream_id: u32,
    /// The last header of type 0, 1 or 2 had the extended timestamp, so those of type 3 repeat it.
    is_extended: bool,
    is_open: bool,
    payload: Vec<u8>,
}

/// A chunk whose header was read.
struct OpenChunk {
    chunk_stream: u32,
    bytes_left: usize,
}

/// Puts messages together from chunks. Set Chunk Size and Abort are obeyed here and do not come out.
pub struct ChunkDecoder {
    limits: Limits,
    chunk_bytes: u32,
    streams: BTreeMap<u32, ChunkStream>,
    /// Payload bytes of all unfinished messages.
    held_bytes: usize,
    open: Option<OpenChunk>,
    input: Vec<u8>,
    /// Bytes of `input` that were read.
    read: usize,
}

/// A chunk header as it stands on the wire.
struct Header {
    chunk_stream: u32,
    format: u8,
    timestamp_field: u32,
    extended: Option<u32>,
    length: u32,
    type_id: u8,
    stream_id: u32,
    header_bytes: usize,
}

impl ChunkDecoder {
    /// A decoder at the start of a chunk stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            chunk_bytes: DEFAULT_CHUNK_BYTES,
            streams: BTreeMap::new(),
            held_bytes: 0,
            open: None,
            input: Vec::new(),
            read: 0,
        }
    }

    /// Payload bytes per chunk that the peer announced.
    pub const fn chunk_bytes(&self) -> u32 {
        self.chunk_bytes
    }

    /// Bytes that were pushed and not decoded yet.
    pub fn unread_bytes(&self) -> usize {
        self.input.len().saturating_sub(self.read)
    }

    /// Adds bytes as they came from the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.input.drain(..self.read.min(self.input.len()));
            self.read = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// The next whole message; `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`Error::Malformed`] for headers that break the grammar, [`Error::TooLarge`] past the limits. The decoder is of
    /// no use after either.
    pub fn next_message(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if self.open.is_none() && !self.open_chunk()? {
                return Ok(None);
            }
            let Some(message) = self.take_payload()? else {
                if self.open.is_some() {
                    return Ok(None);
                }
                continue;
            };
            match message.type_id {
                SET_CHUNK_SIZE => self.chunk_bytes = chunk_size(&message.payload)?,
                ABORT => self.abort(&message.payload)?,
                _ => return Ok(Some(message)),
            }
        }
    }

    /// Moves the payload that is there into its message. Gives the message when it is whole, and closes the chunk when
    /// that is.
    fn take_payload(&mut self) -> Result<Option<Message>, Error> {
        let Some(open) = self.open.as_mut() else {
            return Ok(None);
        };
        let Some(stream) = self.streams.get_mut(&open.chunk_stream) else {
            return Ok(None);
        };
        let unread = self.input.get(self.read..).unwrap_or_default();
        let available = unread.get(..open.bytes_left).unwrap_or(unread);
        stream.payload.extend_from_slice(available);
        self.read += available.len();
        self.held_bytes += available.len();
        open.bytes_left -= available.len();
        // One message of the largest size, and one more in the making beside it.
        let limit = 2 * u64::from(self.limits.message_bytes);
        if self.held_bytes as u64 > limit {
            return Err(Error::TooLarge { what: "unfinished messages", limit });
        }
        if open.bytes_left > 0 {
            return Ok(None);
        }
        let chunk_stream = open.chunk_stream;
        self.open = None;
        if (stream.payload.len() as u64) < u64::from(stream.length) {
            return Ok(None);
        }
        stream.is_open = false;
        let payload = core::mem::take(&mut stream.payload);
        self.held_bytes -= payload.len();
        Ok(Some(Message {
            chunk_stream,
            timestamp_ms: stream.timestamp_ms,
            type_id: stream.type_id,
            stream_id: stream.stream_id,
            payload,
        }))
    }

    /// Reads a chunk header when all of it is there.
    fn open_chunk(&mut self) -> Result<bool, Error> {
        let unread = self.input.get(self.read..).unwrap_or_default();
        let Some(header) = self.read_header(unread)? else {
            return Ok(false);
        };
        self.read += header.header_bytes;
        if !self.streams.contains_key(&header.chunk_stream) && self.streams.len() >= self.limits.chunk_streams
        {
            let limit = self.limits.chunk_streams as u64;
            return Err(Error::TooLarge { what: "chunk streams", limit });
        }
        let stream = self.streams.entry(header.chunk_stream).or_insert_with(|| ChunkStream {
            timestamp_ms: 0,
            delta_ms: 0,
            length: 0,
            type_id: 0,
            stream_id: 0,
            is_extended: false,
            is_open: false,
            payload: Vec::new(),
        });
        if header.format < 3 {
            if stream.is_open {
                return Err(Error::malformed(
                    Layer::Chunk,
                    "a new message inside of another on one chunk stream",
                ));
            }
            let time = header.extended.unwrap_or(header.timestamp_field);
            stream.is_extended = header.extended.is_some();
            // A header of type 3 that starts a message after one of type 0 repeats its timestamp as the delta
            // (5.3.1.2.4).
            stream.delta_ms = time;
            stream.timestamp_ms =
                if header.format == 0 { time } else { stream.timestamp_ms.wrapping_add(time) };
            if header.format < 2 {
                if header.length > self.limits.message_bytes {
                    let limit = u64::from(self.limits.message_bytes);
                    return Err(Error::TooLarge { what: "a message", limit });
                }
                stream.length = header.length;
                stream.type_id = header.type_id;
            }
            if header.format == 0 {
                stream.stream_id = header.stream_id;
            }
        } else if !stream.is_open {
            stream.timestamp_ms = stream.timestamp_ms.wrapping_add(stream.delta_ms);
        }
        stream.is_open = true;
        let missing = u64::from(stream.length).saturating_sub(stream.payload.len() as u64);
        let in_chunk = missing.min(u64::from(self.chunk_bytes));
        self.open = Some(OpenChunk {
            chunk_stream: header.chunk_stream,
            bytes_left: usize::try_from(in_chunk)
                .map_err(|_| Error::TooLarge { what: "a chunk", limit: u64::from(MAX_MESSAGE_BYTES) })?,
        });
        Ok(true)
    }

    /// `None` when the header is not all there.
    fn read_header(&self, bytes: &[u8]) -> Result<Option<Header>, Error> {
        let mut cursor = Cursor::new(bytes);
        let Some((format, chunk_stream)) = read_basic_header(&mut cursor) else {
            return Ok(None);
        };
        let known = self.streams.get(&chunk_stream);
        // Type 1 on a fresh chunk stream is what librtmp starts with when it answers a ping, and it is unambiguous:
        // connection level, counting from 0.
        if known.is_none() && format >= 2 {
            return Err(Error::malformed(
                Layer::Chunk,
                "a chunk stream that starts without a message header",
            ));
        }
        let mut header = Header {
            chunk_stream,
            format,
            timestamp_field: 0,
            extended: None,
            length: 0,
            type_id: 0,
            stream_id: 0,
            header_bytes: 0,
        };
        let is_extended = match read_message_header(&mut cursor, &mut header) {
            None => return Ok(None),
            Some(()) if format < 3 => header.timestamp_field == EXTENDED_TIMESTAMP,
            Some(()) => known.is_some_and(|stream| stream.is_extended),
        };
        if is_extended {
            let Some(extended) = cursor.u32() else {
                return Ok(None);
            };
            header.extended = Some(extended);
        }
        header.header_bytes = bytes.len() - cursor.rest().len();
        Ok(Some(header))
    }

    /// Abort Message names a chunk stream whose unfinished message is to be dropped (5.4.2).
    fn abort(&mut self, payload: &[u8]) -> Result<(), Error> {
        let chunk_stream = Cursor::new(payload)
            .u32()
            .ok_or(Error::malformed(Layer::Control, "Abort without a chunk stream"))?;
        if let Some(stream) = self.streams.get_mut(&chunk_stream) {
            stream.is_open = false;
            let dropped = core::mem::take(&mut stream.payload);
            self.held_bytes -= dropped.len();
        }
        Ok(())
    }
}

/// Format and chunk stream: one, two or three bytes, the third form with the low byte first (5.3.1.1).
fn read_basic_header(cursor: &mut Cursor<'_>) -> Option<(u8, u32)> {
    let first = cursor.u8()?;
    let chunk_stream = match first & 0x3F {
        0 => 64 + u32::from(cursor.u8()?),
        1 => 64 + u32::from(cursor.u8()?) + 256 * u32::from(cursor.u8()?),
        id => u32::from(id),
    };
    Some((first >> 6, chunk_stream))
}

fn read_message_header(cursor: &mut Cursor<'_>, header: &mut Header) -> Option<()> {
    if header.format < 3 {
        header.timestamp_field = cursor.u24()?;
    }
    if header.format < 2 {
        header.length = cursor.u24()?;
        header.type_id = cursor.u8()?;
    }
    if header.format == 0 {
        // The one little-endian number of the protocol (5.3.1.2.5).
        header.stream_id = cursor.u32_le()?;
    }
    Some(())
}

/// The chunk size of a Set Chunk Size message: 1 to 2^31 - 1, and larger than any message means the largest message
/// (5.4.1).
fn chunk_size(payload: &[u8]) -> Result<u32, Error> {
    match Cursor::new(payload).u32() {
        Some(size) if (1..=0x7FFF_FFFF).contains(&size) => Ok(size.min(MAX_MESSAGE_BYTES)),
        _ => Err(Error::malformed(Layer::Control, "a chunk size outside of 1 to 2147483647")),
    }
}
