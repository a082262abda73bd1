//! Which streams there are: programme association and programme map (ISO/IEC 13818-1, 2.4.4).

use super::Trouble;
use super::packet::Packet;

/// Longest section of these tables, in bytes, its first three included (ISO/IEC 13818-1, 2.4.4.4 and 2.4.4.9).
const MAX_SECTION: usize = 1024;

/// `table_id` of the tables (ISO/IEC 13818-1, table 2-31).
const ASSOCIATION: u8 = 0;
const MAP: u8 = 2;

/// Bytes before the entries of every section with `section_syntax_indicator`, and of its checksum.
const HEADER_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// Puts sections together.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections {
    section: Vec<u8>,
    /// A section has begun.
    is_open: bool,
}

/// In what a stream is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Avc,
    AacInAdts,
    OtherPicture(&'static str),
    OtherSound(&'static str),
}

/// An elementary stream with picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamEntry {
    pub(super) pid: u16,
    pub(super) coding: Coding,
}

impl Coding {
    pub(super) const fn is_picture(self) -> bool {
        matches!(self, Self::Avc | Self::OtherPicture(_))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Avc => "H.264",
            Self::AacInAdts => "AAC",
            Self::OtherPicture(name) | Self::OtherSound(name) => name,
        }
    }

    /// By `stream_type` (ISO/IEC 13818-1, table 2-34; ATSC A/52, annex A, for Dolby's) and the descriptors, for streams
    /// that say what they are only there. `None` for data.
    fn read(stream_type: u8, descriptors: &[u8]) -> Option<Self> {
        Some(match stream_type {
            0x1b => Self::Avc,
            0x0f => Self::AacInAdts,
            0x01 => Self::OtherPicture("MPEG-1"),
            0x02 => Self::OtherPicture("MPEG-2"),
            0x10 => Self::OtherPicture("MPEG-4 Visual"),
            0x24 => Self::OtherPicture("H.265"),
            0x33 => Self::OtherPicture("H.266"),
            0x03 | 0x04 => Self::OtherSound("MPEG audio"),
            0x11 => Self::OtherSound("AAC in LATM"),
            0x81 => Self::OtherSound("AC-3"),
            0x87 => Self::OtherSound("E-AC-3"),
            0x06 => private(descriptors)?,
            _ => return None,
        })
    }
}

/// Private data that a registration (ISO/IEC 13818-1, 2.6.8) or a descriptor of DVB (EN 300 468, table 12) names.
fn private(descriptors: &[u8]) -> Option<Coding> {
    let mut rest = descriptors;
    while let [tag, length, after @ ..] = rest {
        let (body, next) = after.split_at_checked(usize::from(*length))?;
        let coding = match (tag, body) {
            (0x05, [b'O', b'p', b'u', b's', ..]) => Some(Coding::OtherSound("Opus")),
            (0x05, [b'A', b'V', b'0', b'1', ..]) => Some(Coding::OtherPicture("AV1")),
            (0x05, [b'A', b'C', b'-', b'3', ..]) | (0x6a, _) => Some(Coding::OtherSound("AC-3")),
            (0x7a, _) => Some(Coding::OtherSound("E-AC-3")),
            _ => None,
        };
        if coding.is_some() {
            return coding;
        }
        rest = next;
    }
    None
}

impl Sections {
    /// Takes a packet; the sections that ended in it.
    pub(super) fn push(&mut self, packet: &Packet<'_>) -> Vec<Result<Vec<u8>, Trouble>> {
        let mut ended = Vec::new();
        if packet.is_scrambled || packet.payload.is_empty() {
            return ended;
        }
        let pid = packet.pid;
        if !packet.begins_unit {
            self.extend(packet.payload, pid, &mut ended);
            return ended;
        }
        let parts = packet.payload.split_first().and_then(|(pointer, after)| {
            // What stands before the pointer ends the section before.
            after.split_at_checked(usize::from(*pointer))
        });
        let Some((before, mut rest)) = parts else {
            *self = Self::default();
            ended.push(Err(Trouble::Table(pid)));
            return ended;
        };
        self.extend(before, pid, &mut ended);
        // Behind the last section come stuffing bytes of 0xff.
        while rest.first().is_some_and(|table| *table != 0xff) {
            *self = Self { section: Vec::new(), is_open: true };
            rest = self.extend(rest, pid, &mut ended);
        }
        ended
    }

    /// Adds `bytes` to the section; gives what lies behind its end.
    fn extend<'a>(
        &mut self,
        bytes: &'a [u8],
        pid: u16,
        ended: &mut Vec<Result<Vec<u8>, Trouble>>,
    ) -> &'a [u8] {
        if !self.is_open {
            return &[];
        }
        let had = self.section.len();
        self.section.extend_from_slice(bytes);
        let Some(length) = section_length(&self.section) else { return &[] };
        if length > MAX_SECTION {
            *self = Self::default();
            ended.push(Err(Trouble::Table(pid)));
            return &[];
        }
        if self.section.len() < length {
            return &[];
        }
        self.section.truncate(length);
        let section = core::mem::take(&mut self.section);
        self.is_open = false;
        ended.push(if checksum(&section) == 0 { Ok(section) } else { Err(Trouble::Table(pid)) });
        bytes.get(length.saturating_sub(had)..).unwrap_or_default()
    }
}

/// The length of a section, its first three bytes included.
fn section_length(section: &[u8]) -> Option<usize> {
    let [_, high, low, ..] = section else { return None };
    Some(usize::from(u16::from_be_bytes([high & 0x0f, *low])) + 3)
}

/// PID of the map of the first programme; `None` when there is none, or the table is not yet in force.
pub(super) fn first_programme(section: &[u8]) -> Result<Option<u16>, Trouble> {
    let Some(entries) = entries(section, ASSOCIATION, 0)? else { return Ok(None) };
    let programmes = entries.chunks_exact(4).filter_map(|entry| match entry {
        [0, 0, ..] => None,
        [_, _, high, low] => Some(u16::from_be_bytes([high & 0x1f, *low])),
        _ => None,
    });
    Ok(programmes.into_iter().next())
}

/// The streams with picture or sound of a programme map on `pid`.
pub(super) fn streams(section: &[u8], pid: u16) -> Result<Vec<StreamEntry>, Trouble> {
    let Some(entries) = entries(section, MAP, pid)? else { return Ok(Vec::new()) };
    let [_, _, high, low, rest @ ..] = entries else { return Err(Trouble::Table(pid)) };
    let about_programme = usize::from(u16::from_be_bytes([high & 0x0f, *low]));
    let mut rest = rest.get(about_programme..).ok_or(Trouble::Table(pid))?;
    let mut streams: Vec<StreamEntry> = Vec::new();
    while let [stream_type, pid_high, pid_low, high, low, after @ ..] = rest {
        let about = usize::from(u16::from_be_bytes([high & 0x0f, *low]));
        let (descriptors, next) = after.split_at_checked(about).ok_or(Trouble::Table(pid))?;
        let stream = u16::from_be_bytes([pid_high & 0x1f, *pid_low]);
        if let Some(coding) = Coding::read(*stream_type, descriptors)
            && streams.iter().all(|known| known.pid != stream)
        {
            streams.push(StreamEntry { pid: stream, coding });
        }
        rest = next;
    }
    Ok(streams)
}

/// What stands between header and checksum of a table that is in force; `None` for another table and for one that is
/// only announced (`current_next_indicator`).
fn entries(section: &[u8], table: u8, pid: u16) -> Result<Option<&[u8]>, Trouble> {
    if section.first() != Some(&table) {
        return Ok(None);
    }
    let end = section.len().checked_sub(CHECKSUM_BYTES).ok_or(Trouble::Table(pid))?;
    let entries = section.get(HEADER_BYTES..end).ok_or(Trouble::Table(pid))?;
    let in_force = section.get(5).is_some_and(|flags| flags & 1 == 1);
    Ok(in_force.then_some(entries))
}

/// The checksum of ISO/IEC 13818-1, annex A; 0 over a section with its own at the end.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    })
}
