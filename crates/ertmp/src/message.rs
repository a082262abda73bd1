//! Messages above the chunk stream: protocol control, user control, commands and data.

use alloc::string::String;
use alloc::vec::Vec;

use crate::amf0::{self, Value};
use crate::cursor::Cursor;
use crate::error::{Error, Layer};

/// Message types (RTMP 1.0, 5.4, 6.2 and 7.1).
pub(crate) mod type_id {
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW_ACK_SIZE: u8 = 5;
    pub(crate) const SET_PEER_BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const DATA_AMF3: u8 = 15;
    pub(crate) const COMMAND_AMF3: u8 = 17;
    pub(crate) const DATA_AMF0: u8 = 18;
    pub(crate) const COMMAND_AMF0: u8 = 20;
    pub(crate) const AGGREGATE: u8 = 22;
}

/// Chunk streams that we write on. Control must be 2 (RTMP 1.0, 5.4); the others are the customary ones. Sound and
/// pictures have one each, so that their headers stay short.
pub(crate) mod chunk_stream {
    pub(crate) const CONTROL: u32 = 2;
    pub(crate) const COMMAND: u32 = 3;
    pub(crate) const AUDIO: u32 = 4;
    pub(crate) const DATA: u32 = 5;
    pub(crate) const VIDEO: u32 = 6;
    pub(crate) const PUBLISH: u32 = 8;
}

/// User control events (RTMP 1.0, 7.1.7) that matter to a publisher and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserControl {
    StreamBegin {
        stream_id: u32,
    },
    PingRequest {
        timestamp_ms: u32,
    },
    PingResponse {
        timestamp_ms: u32,
    },
    /// Events about playing, and those that came later.
    Other,
}

impl UserControl {
    const STREAM_BEGIN: u16 = 0;
    const PING_REQUEST: u16 = 6;
    const PING_RESPONSE: u16 = 7;

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, Error> {
        const ENDS_EARLY: Error = Error::malformed(Layer::Control, "a user control event that ends early");
        let mut cursor = Cursor::new(payload);
        Ok(match cursor.u16().ok_or(ENDS_EARLY)? {
            Self::STREAM_BEGIN => Self::StreamBegin { stream_id: cursor.u32().ok_or(ENDS_EARLY)? },
            Self::PING_REQUEST => Self::PingRequest { timestamp_ms: cursor.u32().ok_or(ENDS_EARLY)? },
            Self::PING_RESPONSE => Self::PingResponse { timestamp_ms: cursor.u32().ok_or(ENDS_EARLY)? },
            _ => Self::Other,
        })
    }

    /// `None` for [`Self::Other`], which is never sent.
    pub(crate) fn encode(self) -> Option<Vec<u8>> {
        let (event, value) = match self {
            Self::StreamBegin { stream_id } => (Self::STREAM_BEGIN, stream_id),
            Self::PingRequest { timestamp_ms } => (Self::PING_REQUEST, timestamp_ms),
            Self::PingResponse { timestamp_ms } => (Self::PING_RESPONSE, timestamp_ms),
            Self::Other => return None,
        };
        let mut payload = Vec::with_capacity(6);
        payload.extend_from_slice(&event.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
        Some(payload)
    }
}

/// A number of 4 bytes: the payload of Acknowledgement and Window Acknowledgement Size, and the first part of that of
/// Set Peer Bandwidth (RTMP 1.0, 5.4.3 to 5.4.5).
pub(crate) fn decode_u32(payload: &[u8]) -> Result<u32, Error> {
    Cursor::new(payload).u32().ok_or(Error::malformed(Layer::Control, "a control message that ends early"))
}

/// A command (RTMP 1.0, 7.2). Has no `Debug`: its arguments carry the stream key.
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    /// The command object, then the arguments.
    pub(crate) values: Vec<Value>,
}

impl Command {
    /// Reads a command message of either type. The one for AMF3 starts with a format byte and then, in practice,
    /// carries AMF0 as well.
    pub(crate) fn decode(type_id: u8, payload: &[u8]) -> Result<Self, Error> {
        let mut values = amf0::decode_all(amf0_part(type_id, payload)?)?.into_iter();
        let Some(Value::String(name)) = values.next() else {
            return Err(Error::malformed(Layer::Command, "a command without a name"));
        };
        match values.next() {
            Some(Value::Number(transaction)) => Ok(Self { name, transaction, values: values.collect() }),
            // Every command has a transaction id (RTMP 1.0, 7.2), but the listener in ffmpeg says onFCPublish without
            // one. 0 stands for "no answer is expected".
            None => Ok(Self { name, transaction: 0.0, values: Vec::new() }),
            Some(_) => Err(Error::malformed(Layer::Command, "a command without a transaction id")),
        }
    }

    pub(crate) fn encode(name: &str, transaction: f64, values: &[Value]) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::new();
        amf0::encode(&Value::string(name), &mut payload)?;
        amf0::encode(&Value::Number(transaction), &mut payload)?;
        for value in values {
            amf0::encode(value, &mut payload)?;
        }
        Ok(payload)
    }

    /// The command object.
    pub(crate) fn object(&self) -> Option<&Value> {
        self.values.first()
    }

    /// Argument `number`, counting from 0, behind the command object.
    pub(crate) fn argument(&self, number: usize) -> Option<&Value> {
        self.values.get(number + 1)
    }
}

/// The values of a data message of either type (RTMP 1.0, 7.1.2).
pub(crate) fn decode_data(type_id: u8, payload: &[u8]) -> Result<Vec<Value>, Error> {
    amf0::decode_all(amf0_part(type_id, payload)?)
}

fn amf0_part(type_id: u8, payload: &[u8]) -> Result<&[u8], Error> {
    match (type_id, payload.split_first()) {
        (type_id::COMMAND_AMF3 | type_id::DATA_AMF3, Some((0, rest))) => Ok(rest),
        (type_id::COMMAND_AMF3 | type_id::DATA_AMF3, _) => {
            Err(Error::Incompatible { reason: "AMF3 messages" })
        }
        _ => Ok(payload),
    }
}
