//! What both halves share: handshake, chunks, acknowledgements and pings.

use alloc::vec::Vec;

use crate::MediaKind;
use crate::amf0::Value;
use crate::chunk::{ChunkDecoder, ChunkEncoder, Limits, Message};
use crate::error::{Error, Layer};
use crate::handshake::{Handshake, RANDOM_BYTES, Role};
use crate::message::{Command, UserControl, chunk_stream, decode_u32, type_id};

/// Bytes after which we acknowledge when the peer has not named its window. The value that RTMP servers customarily
/// announce.
pub(crate) const DEFAULT_WINDOW_BYTES: u32 = 2_500_000;

/// What came in.
pub(crate) enum Incoming {
    HandshakeDone,
    Message(Message),
    /// The peer has received this many bytes in total.
    Acknowledged(u64),
    /// A ping was answered.
    PingAnswered,
    /// The peer answered our ping.
    Pong {
        timestamp_ms: u32,
    },
}

pub(crate) struct Connection {
    handshake: Handshake,
    announced_done: bool,
    decoder: ChunkDecoder,
    encoder: ChunkEncoder,
    output: Vec<u8>,
    received_bytes: u64,
    sent_bytes: u64,
    /// Value of `received_bytes` that we acknowledged last.
    acknowledged_to_peer: u64,
    /// Bytes after which the peer wants to be told.
    window_bytes: u32,
    acknowledged_by_peer: u64,
}

impl Connection {
    pub(crate) fn new(role: Role, random: &[u8; RANDOM_BYTES], limits: Limits) -> Self {
        let handshake = Handshake::new(role, random);
        let output = handshake.opening().to_vec();
        Self {
            handshake,
            announced_done: false,
            decoder: ChunkDecoder::new(limits),
            encoder: ChunkEncoder::new(),
            output,
            received_bytes: 0,
            sent_bytes: 0,
            acknowledged_to_peer: 0,
            window_bytes: DEFAULT_WINDOW_BYTES,
            acknowledged_by_peer: 0,
        }
    }

    pub(crate) const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    pub(crate) const fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    pub(crate) const fn acknowledged_by_peer(&self) -> u64 {
        self.acknowledged_by_peer
    }

    pub(crate) fn unread_bytes(&self) -> usize {
        self.decoder.unread_bytes()
    }

    /// Takes bytes in. What they mean comes out of [`Self::next`].
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.received_bytes = self.received_bytes.saturating_add(bytes.len() as u64);
        let rest = self.handshake.handle(bytes, &mut self.output)?;
        if !rest.is_empty() {
            self.decoder.push(rest);
        }
        if self.handshake.is_done() {
            self.acknowledge()?;
        }
        Ok(())
    }

    /// The next thing that came in; `None` until more bytes are received.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming>, Error> {
        if !self.handshake.is_done() {
            return Ok(None);
        }
        if !self.announced_done {
            self.announced_done = true;
            return Ok(Some(Incoming::HandshakeDone));
        }
        while let Some(message) = self.decoder.next_message()? {
            match message.type_id {
                type_id::ACKNOWLEDGEMENT => {
                    self.peer_acknowledged(decode_u32(&message.payload)?);
                    return Ok(Some(Incoming::Acknowledged(self.acknowledged_by_peer)));
                }
                type_id::WINDOW_ACK_SIZE => match decode_u32(&message.payload)? {
                    0 => {
                        return Err(Error::malformed(Layer::Control, "an acknowledgement window of 0 bytes"));
                    }
                    window_bytes => self.window_bytes = window_bytes,
                },
                // The limit is advisory: everything that receives a live stream announces one below its bitrate, and
                // every publisher ignores it, as do we (RTMP 1.0, 5.4.5).
                type_id::SET_PEER_BANDWIDTH => {
                    decode_u32(&message.payload)?;
                }
                type_id::USER_CONTROL => match UserControl::decode(&message.payload)? {
                    UserControl::PingRequest { timestamp_ms } => {
                        self.send_user_control(UserControl::PingResponse { timestamp_ms })?;
                        return Ok(Some(Incoming::PingAnswered));
                    }
                    UserControl::PingResponse { timestamp_ms } => {
                        return Ok(Some(Incoming::Pong { timestamp_ms }));
                    }
                    UserControl::StreamBegin { .. } | UserControl::Other => {}
                },
                _ => return Ok(Some(Incoming::Message(message))),
            }
        }
        Ok(None)
    }

    pub(crate) fn poll_output(&mut self) -> Option<Vec<u8>> {
        if self.output.is_empty() {
            return None;
        }
        let output = core::mem::take(&mut self.output);
        self.sent_bytes = self.sent_bytes.saturating_add(output.len() as u64);
        Some(output)
    }

    /// The sequence number is the total of bytes received, in 32 bits that wrap (RTMP 1.0, 5.4.3).
    fn acknowledge(&mut self) -> Result<(), Error> {
        if self.received_bytes.saturating_sub(self.acknowledged_to_peer) < u64::from(self.window_bytes) {
            return Ok(());
        }
        self.acknowledged_to_peer = self.received_bytes;
        self.send_control(type_id::ACKNOWLEDGEMENT, low_32_bits(self.received_bytes).to_be_bytes().to_vec())
    }

    /// Numbers that would go backwards are ignored; numbers beyond what was sent are cut off there.
    fn peer_acknowledged(&mut self, sequence: u32) {
        let ahead = sequence.wrapping_sub(low_32_bits(self.acknowledged_by_peer));
        if ahead < 1 << 31 {
            let total = self.acknowledged_by_peer.saturating_add(u64::from(ahead));
            self.acknowledged_by_peer = total.min(self.sent_bytes);
        }
    }

    pub(crate) fn set_chunk_bytes(&mut self, chunk_bytes: u32) -> Result<(), Error> {
        self.encoder.set_chunk_bytes(chunk_bytes, &mut self.output)
    }

    pub(crate) fn send_control(&mut self, type_id: u8, payload: Vec<u8>) -> Result<(), Error> {
        let message =
            Message { chunk_stream: chunk_stream::CONTROL, timestamp_ms: 0, type_id, stream_id: 0, payload };
        self.encoder.encode(&message, &mut self.output)
    }

    pub(crate) fn send_user_control(&mut self, event: UserControl) -> Result<(), Error> {
        match event.encode() {
            Some(payload) => self.send_control(type_id::USER_CONTROL, payload),
            None => Ok(()),
        }
    }

    pub(crate) fn send_command(
        &mut self,
        stream_id: u32,
        name: &str,
        transaction: f64,
        values: &[Value],
    ) -> Result<(), Error> {
        let chunk_stream = if stream_id == 0 { chunk_stream::COMMAND } else { chunk_stream::PUBLISH };
        let payload = Command::encode(name, transaction, values)?;
        let message =
            Message { chunk_stream, timestamp_ms: 0, type_id: type_id::COMMAND_AMF0, stream_id, payload };
        self.encoder.encode(&message, &mut self.output)
    }

    pub(crate) fn send_data(
        &mut self,
        stream_id: u32,
        timestamp_ms: u32,
        payload: Vec<u8>,
    ) -> Result<(), Error> {
        let message = Message {
            chunk_stream: chunk_stream::DATA,
            timestamp_ms,
            type_id: type_id::DATA_AMF0,
            stream_id,
            payload,
        };
        self.encoder.encode(&message, &mut self.output)
    }

    pub(crate) fn send_media(
        &mut self,
        stream_id: u32,
        kind: MediaKind,
        timestamp_ms: u32,
        body: &[u8],
    ) -> Result<(), Error> {
        let (chunk_stream, type_id) = match kind {
            MediaKind::Audio => (chunk_stream::AUDIO, type_id::AUDIO),
            MediaKind::Video => (chunk_stream::VIDEO, type_id::VIDEO),
        };
        let message = Message { chunk_stream, timestamp_ms, type_id, stream_id, payload: body.to_vec() };
        self.encoder.encode(&message, &mut self.output)
    }
}

fn low_32_bits(total: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = total.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Connection {
        Connection::new(Role::Client, &[0; RANDOM_BYTES], Limits::default())
    }

    #[test]
    fn acknowledgements_are_followed_through_wraps() {
        let mut connection = client();
        connection.sent_bytes = 3 << 32;
        for (sequence, total) in [
            (1_000_000, 1_000_000),
            (0x7000_0000, 0x7000_0000),
            (0xE000_0000, 0xE000_0000),
            (0x1000_0000, 0x1_1000_0000),
            (0x0FFF_FFFF, 0x1_1000_0000),
            (0x8000_0000, 0x1_8000_0000),
        ] {
            connection.peer_acknowledged(sequence);
            assert_eq!(connection.acknowledged_by_peer, total, "{sequence:#x}");
        }
    }

    #[test]
    fn nobody_acknowledges_more_than_was_sent() {
        let mut connection = client();
        connection.sent_bytes = 5000;
        connection.peer_acknowledged(6000);
        assert_eq!(connection.acknowledged_by_peer, 5000);
    }

    #[test]
    fn our_own_acknowledgements_wrap() {
        let mut connection = client();
        connection.poll_output();
        connection.received_bytes = (1 << 32) + 7;
        connection.acknowledge().unwrap();
        let output = connection.poll_output().unwrap();
        assert_eq!(output, b"\x02\0\0\0\0\0\x04\x03\0\0\0\0\0\0\0\x07");
        connection.acknowledge().unwrap();
        assert_eq!(connection.poll_output(), None, "once for each window");
    }
}
