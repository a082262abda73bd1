//! Where in a transport stream each access unit ends.

use std::collections::VecDeque;

/// Bytes of a packet (ISO/IEC 13818-1, 2.4.3.2).
pub const TS_PACKET_BYTES: usize = 188;
/// Packets in one of SRT's: as many as fit into an Ethernet frame, and what libsrt's live mode is made for (SRT API,
/// `SRTO_PAYLOADSIZE`).
pub const TS_PACKETS: usize = 7;
/// Bytes of media in one packet of SRT.
pub const SRT_PAYLOAD_BYTES: usize = TS_PACKET_BYTES * TS_PACKETS;

const SYNC_BYTE: u8 = 0x47;

/// A packed elementary packet (PES) begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PesStart {
    /// Its packet identifier.
    pub pid: u16,
    /// Bytes of the transport stream before it.
    pub at: u64,
}

/// Follows a transport stream that a multiplexer makes.
#[derive(Debug, Default)]
pub struct TransportCounter {
    bytes: u64,
    starts: VecDeque<PesStart>,
}

impl TransportCounter {
    /// Looks at the next whole packets. What lacks the sync byte is counted and not understood.
    pub fn feed(&mut self, packets: &[u8]) {
        for packet in packets.chunks(TS_PACKET_BYTES) {
            if let [SYNC_BYTE, high, low, control, payload @ ..] = packet {
                let begins = high & 0x40 != 0;
                let mut payload = payload;
                if control & 0x20 != 0 {
                    // Adaptation field: its length, then as much.
                    payload = match payload.split_first() {
                        Some((length, rest)) => rest.get(usize::from(*length)..).unwrap_or_default(),
                        None => &[],
                    };
                }
                if begins && control & 0x10 != 0 && payload.starts_with(&[0, 0, 1]) {
                    let pid = u16::from_be_bytes([high & 0x1F, *low]);
                    self.starts.push_back(PesStart { pid, at: self.bytes });
                }
            }
            self.bytes += packet.len() as u64;
        }
    }

    /// The next beginning that was found.
    pub fn poll(&mut self) -> Option<PesStart> {
        self.starts.pop_front()
    }

    /// Bytes seen.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Seven packets that say nothing (ISO/IEC 13818-1, 2.4.3.3, `PID` 0x1FFF): every receiver throws them away.
pub fn null_packets() -> Vec<u8> {
    let mut bytes = vec![0xFF; SRT_PAYLOAD_BYTES];
    for packet in bytes.chunks_mut(TS_PACKET_BYTES) {
        if let Some(header) = packet.first_chunk_mut::<4>() {
            *header = [SYNC_BYTE, 0x1F, 0xFF, 0x10];
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, begins: bool, adaptation: u8, payload: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut packet = vec![SYNC_BYTE, high | if begins { 0x40 } else { 0 }, low, 0x10];
        if adaptation > 0 {
            packet[3] |= 0x20;
            packet.push(adaptation - 1);
            packet.resize(4 + usize::from(adaptation), 0xFF);
        }
        packet.extend(payload);
        packet.resize(TS_PACKET_BYTES, 0xFF);
        packet
    }

    #[test]
    fn finds_where_units_begin() {
        let mut counter = TransportCounter::default();
        let mut stream = packet(0, true, 0, &[0, 0, 0xB0]);
        stream.extend(packet(65, true, 8, &[0, 0, 1, 0xE0]));
        stream.extend(packet(65, false, 0, &[0, 0, 1]));
        stream.extend(packet(66, true, 0, &[0, 0, 1, 0xC0]));
        stream.extend(null_packets());
        for chunk in stream.chunks(TS_PACKET_BYTES * 2) {
            counter.feed(chunk);
        }
        assert_eq!(counter.poll(), Some(PesStart { pid: 65, at: 188 }));
        assert_eq!(counter.poll(), Some(PesStart { pid: 66, at: 3 * 188 }));
        assert_eq!((counter.poll(), counter.bytes()), (None, stream.len() as u64));
    }

    #[test]
    fn rubbish_is_only_counted() {
        let mut counter = TransportCounter::default();
        for rubbish in [&[0x47][..], &[0x47, 0x40, 0x41, 0x30, 200, 0, 0, 1], &[1; 300]] {
            counter.feed(rubbish);
            assert_eq!(counter.poll(), None);
        }
        assert_eq!(counter.bytes(), 309);
    }
}
