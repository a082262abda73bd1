//! A writer of transport streams, small and straight.

use super::super::tables::checksum;
use super::PACKET_BYTES;

pub(super) const PMT_PID: u16 = 0x100;
pub(super) const VIDEO_PID: u16 = 0x101;
pub(super) const AUDIO_PID: u16 = 0x102;

pub(super) struct Writer {
    pub(super) packets: Vec<[u8; PACKET_BYTES]>,
    counters: std::collections::BTreeMap<u16, u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { packets: Vec::new(), counters: Default::default() }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.packets.concat()
    }

    /// A PAT with one programme and its PMT with `streams`: type and PID.
    pub(super) fn tables(&mut self, streams: &[(u8, u16)]) {
        let [high, low] = (PMT_PID | 0xe000).to_be_bytes();
        // Programme 0 is the network's, and no programme.
        self.section(0, 0, &[0, 0, 0xe0, 0x10, 0, 1, high, low]);
        let mut map = vec![0xe1, 0x01, 0xf0, 0];
        for (kind, pid) in streams {
            let [high, low] = (pid | 0xe000).to_be_bytes();
            map.extend([*kind, high, low, 0xf0, 3, 0x0a, 1, 0]);
        }
        self.section(PMT_PID, 2, &map);
    }

    fn section(&mut self, pid: u16, table: u8, entries: &[u8]) {
        let length = u16::try_from(5 + entries.len() + 4).unwrap() | 0xb000;
        let mut section = vec![table];
        section.extend(length.to_be_bytes());
        section.extend([0, 1, 0xc1, 0, 0]);
        section.extend(entries);
        section.extend(checksum(&section).to_be_bytes());
        section.insert(0, 0);
        section.resize(section.len().next_multiple_of(184), 0xff);
        self.unit(pid, &section);
    }

    pub(super) fn picture(&mut self, coded: &[u8], pts: u64, dts: u64, has_length: bool) {
        let mut times = time(0b0011, pts);
        times.extend(time(0b0001, dts));
        self.pes(VIDEO_PID, 0xe0, 0xc0, &times, coded, has_length);
    }

    pub(super) fn sound(&mut self, coded: &[u8], pts: u64) {
        self.pes(AUDIO_PID, 0xc0, 0x80, &time(0b0010, pts), coded, true);
    }

    fn pes(&mut self, pid: u16, stream_id: u8, flags: u8, times: &[u8], coded: &[u8], has_length: bool) {
        let length = if has_length { u16::try_from(3 + times.len() + coded.len()).unwrap() } else { 0 };
        let mut pes = vec![0, 0, 1, stream_id];
        pes.extend(length.to_be_bytes());
        pes.extend([0x80, flags, u8::try_from(times.len()).unwrap()]);
        pes.extend(times);
        pes.extend(coded);
        self.unit(pid, &pes);
    }

    /// Cuts `unit` into packets; the last is filled up with an adaptation field.
    fn unit(&mut self, pid: u16, unit: &[u8]) {
        for (at, payload) in unit.chunks(184).enumerate() {
            let counter = self.counters.entry(pid).or_default();
            let [high, low] = pid.to_be_bytes();
            let start = if at == 0 { 0x40 } else { 0 };
            let mut packet = vec![0x47, start | high, low, 0x10 | *counter];
            *counter = (*counter + 1) & 0xf;
            let missing = 184 - payload.len();
            if missing > 0 {
                packet[3] |= 0x20;
                packet.push(u8::try_from(missing - 1).unwrap());
                if missing > 1 {
                    packet.push(0);
                    packet.resize(4 + missing, 0xff);
                }
            }
            packet.extend(payload);
            self.packets.push(packet.try_into().unwrap());
        }
    }
}

fn time(prefix: u8, ticks: u64) -> Vec<u8> {
    let byte = |shift: u32, mask: u64| ((ticks >> shift & mask) << 1 | 1) as u8;
    vec![prefix << 4 | byte(30, 7), (ticks >> 22) as u8, byte(15, 0x7f), (ticks >> 7) as u8, byte(0, 0x7f)]
}

pub(super) fn annex_b(nal_units: &[&[u8]]) -> Vec<u8> {
    nal_units.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
}

/// AAC-LC, 48 kHz, stereo, without checksum.
pub(super) fn adts_frame(frame: &[u8]) -> Vec<u8> {
    let length = frame.len() + 7;
    let mut bytes = vec![
        0xff,
        0xf1,
        1 << 6 | 3 << 2,
        2 << 6 | (length >> 11) as u8,
        (length >> 3) as u8,
        ((length & 7) << 5) as u8 | 0x1f,
        0xfc,
    ];
    bytes.extend(frame);
    bytes
}
