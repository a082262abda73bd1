//! Reading an MPEG-2 transport stream (ISO/IEC 13818-1), which is what SRT carries: H.264 and AAC out of packets.
//!
//! The reader holds no socket and takes pieces of any size. It never fails: what can not be read is told as
//! [`Trouble`] and stepped over, as a receiver must that joined late or lost packets. Its memory is bounded by
//! [`MAX_UNIT_BYTES`] per elementary stream, of which it follows [`MAX_STREAMS`].
//!
//! One PES packet with a picture is one access unit, as every muxer of live streams writes it. Frames of sound may be
//! cut by PES packets.

mod adts;
mod annex_b;
mod packet;
mod pes;
mod tables;

use std::collections::VecDeque;

use units::{Dts, Pts, TrackId};

use crate::Error;
use adts::SoundFrames;
use annex_b::Pictures;
use packet::{Packet, SYNC};
use pes::{Assembled, PesAssembler, Unwrapper};
use tables::{Coding, Sections, StreamEntry};

pub use packet::PACKET_BYTES;

/// Longest PES packet that is put together, in bytes; as long as the longest message that RTMP is allowed here.
pub const MAX_UNIT_BYTES: usize = 4 << 20;

/// Elementary streams with picture or sound that are followed; the service takes one of each.
pub const MAX_STREAMS: usize = 16;

/// PID of the programme association table (ISO/IEC 13818-1, table 2-3).
const PAT_PID: u16 = 0;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The parameter sets of a picture track, new or changed, as an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15,
    /// 5.3.3.1) with lengths of four bytes.
    VideoConfig {
        /// Number of the picture track in the order of the programme map.
        track: TrackId,
        /// The record.
        record: Vec<u8>,
    },
    /// An `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1), new or changed.
    AudioConfig {
        /// Number of the sound track in the order of the programme map.
        track: TrackId,
        /// The two bytes that an ADTS header can say.
        config: Vec<u8>,
    },
    /// A coded picture.
    Picture {
        /// Its track.
        track: TrackId,
        /// When it is decoded.
        dts: Dts,
        /// When it is shown.
        pts: Pts,
        /// It has an IDR slice.
        is_idr: bool,
        /// NAL units behind lengths of four bytes, without delimiters and parameter sets.
        data: Vec<u8>,
    },
    /// A coded frame of AAC.
    Sound {
        /// Its track.
        track: TrackId,
        /// When it is heard.
        pts: Pts,
        /// The frame without its ADTS header.
        data: Vec<u8>,
    },
    /// A stream in another code; told once for each. Nothing more comes of it.
    OtherCodec {
        /// A picture, not a sound.
        is_picture: bool,
        /// Its number in the order of the programme map.
        track: TrackId,
        /// Name of the code.
        name: &'static str,
    },
    /// Something could not be read.
    Trouble(Trouble),
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Bytes that are no packet, until the next one.
    #[error("{0} bytes are no packet of a transport stream")]
    LostSync(u64),
    /// The continuity counter jumped: packets are missing.
    #[error("packets of PID {0} are missing")]
    Missing(u16),
    /// The sender marked a packet as damaged (`transport_error_indicator`).
    #[error("a packet of PID {0} is damaged")]
    Damaged(u16),
    /// A packet breaks the standard.
    #[error("a packet of PID {0} has an adaptation field that does not fit")]
    AdaptationField(u16),
    /// A packet is encrypted by conditional access.
    #[error("a packet of PID {0} is scrambled")]
    Scrambled(u16),
    /// A table with a wrong checksum or length.
    #[error("a table on PID {0} is damaged")]
    Table(u16),
    /// A PES packet breaks the standard, or ends too early.
    #[error("a PES packet of PID {0} is damaged")]
    Pes(u16),
    /// A PES packet with picture or sound says no time, and none can be counted on from.
    #[error("a PES packet of PID {0} has no time stamp")]
    Untimed(u16),
    /// Longer than [`MAX_UNIT_BYTES`].
    #[error("an access unit of PID {0} is longer than {MAX_UNIT_BYTES} bytes")]
    TooLong(u16),
    /// Bytes between frames of sound that are no frame.
    #[error("sound on PID {0} is not in ADTS frames")]
    Adts(u16),
    /// Parameter sets that can not be read.
    #[error("a parameter set on PID {pid}: {why}")]
    ParameterSet {
        /// Where.
        pid: u16,
        /// In which way.
        why: Error,
    },
}

/// Reads a transport stream in pieces of any size.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Bytes that are not yet a packet, or that wait until it is sure where packets begin.
    buffer: Vec<u8>,
    in_sync: bool,
    skipped: u64,
    pat: Sections,
    /// PID of the programme map, and what is being put together of it.
    pmt: Option<(u16, Sections)>,
    streams: Vec<Stream>,
    times: Unwrapper,
    items: VecDeque<Item>,
    /// Picture and sound streams so far, which numbers them.
    pictures: u8,
    sounds: u8,
}

#[derive(Clone, Debug)]
struct Stream {
    pid: u16,
    counter: Counter,
    pes: PesAssembler,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Pictures(Pictures),
    Sound(SoundFrames),
    /// Another code: told, and not looked at.
    Other(Coding),
}

/// The continuity counter of a PID (ISO/IEC 13818-1, 2.4.3.3).
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    last: Option<u8>,
    repeated: bool,
}

/// What the counter says of a packet.
enum Continuity {
    Next,
    /// The same packet again, which may happen once.
    Again,
    Jump,
}

impl Counter {
    fn see(&mut self, packet: &Packet<'_>) -> Continuity {
        if packet.is_discontinuous {
            self.last = None;
        }
        let Some(last) = self.last.replace(packet.counter) else {
            return Continuity::Next;
        };
        if packet.payload.is_empty() {
            // It does not count on when there is no payload.
            return if packet.counter == last { Continuity::Next } else { Continuity::Jump };
        }
        if packet.counter == last && !self.repeated {
            self.repeated = true;
            return Continuity::Again;
        }
        self.repeated = false;
        if packet.counter == (last + 1) & 0xf { Continuity::Next } else { Continuity::Jump }
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader at any place of a stream.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            in_sync: false,
            skipped: 0,
            pat: Sections::default(),
            pmt: None,
            streams: Vec::new(),
            times: Unwrapper::default(),
            items: VecDeque::new(),
            pictures: 0,
            sounds: 0,
        }
    }

    /// The next bytes. Take the items before giving more, or they pile up.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let buffer = core::mem::take(&mut self.buffer);
        let mut rest = buffer.as_slice();
        loop {
            if !self.in_sync {
                match find_sync(rest) {
                    Ok(at) => {
                        self.skip(at);
                        rest = rest.get(at..).unwrap_or_default();
                        self.synchronised();
                    }
                    Err(unsure_from) => {
                        self.skip(unsure_from);
                        rest = rest.get(unsure_from..).unwrap_or_default();
                        break;
                    }
                }
            }
            let Some((packet, after)) = rest.split_at_checked(PACKET_BYTES) else { break };
            if packet.first() == Some(&SYNC) {
                rest = after;
                self.packet(packet);
            } else {
                self.in_sync = false;
            }
        }
        self.buffer = rest.to_vec();
    }

    /// What was read, in order; `None` when more bytes are needed.
    pub fn next_item(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    /// The stream is over: gives out what only ends where the next one would begin, and forgets what is not whole.
    pub fn finish(&mut self) {
        let rest = core::mem::take(&mut self.buffer);
        if rest.len() == PACKET_BYTES && rest.first() == Some(&SYNC) {
            self.synchronised();
            self.packet(&rest);
        } else {
            self.skip(rest.len());
        }
        self.synchronised();
        self.in_sync = false;
        for stream in &mut self.streams {
            // Where a stream is cut there is nothing to complain of.
            let whole = stream.pes.finish().filter(|ended| matches!(ended, Assembled::Whole(_)));
            stream.content.take(whole, stream.pid, &mut self.times, &mut self.items);
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.skipped = self.skipped.saturating_add(bytes as u64);
    }

    /// Packets begin here: tells how far that was.
    fn synchronised(&mut self) {
        self.in_sync = true;
        if self.skipped > 0 {
            self.trouble(Trouble::LostSync(self.skipped));
            self.skipped = 0;
        }
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.items.push_back(Item::Trouble(trouble));
    }

    fn packet(&mut self, bytes: &[u8]) {
        let packet = match Packet::read(bytes) {
            Ok(packet) => packet,
            Err(trouble) => {
                self.trouble(trouble);
                return;
            }
        };
        if packet.pid == PAT_PID {
            self.programme_association(&packet);
        } else if self.pmt.as_ref().is_some_and(|(pid, _)| *pid == packet.pid) {
            self.programme_map(&packet);
        } else if let Some(stream) = self.streams.iter_mut().find(|stream| stream.pid == packet.pid) {
            stream.packet(&packet, &mut self.times, &mut self.items);
        }
    }

    fn programme_association(&mut self, packet: &Packet<'_>) {
        for section in self.pat.push(packet) {
            match section.and_then(|section| tables::first_programme(&section)) {
                Ok(Some(pid)) if self.pmt.as_ref().is_none_or(|(known, _)| *known != pid) => {
                    self.pmt = Some((pid, Sections::default()));
                }
                Ok(_) => {}
                Err(trouble) => self.items.push_back(Item::Trouble(trouble)),
            }
        }
    }

    fn programme_map(&mut self, packet: &Packet<'_>) {
        let Some((_, sections)) = &mut self.pmt else { return };
        for section in sections.push(packet) {
            match section.and_then(|section| tables::streams(&section, packet.pid)) {
                Ok(entries) => self.map(&entries),
                Err(trouble) => self.items.push_back(Item::Trouble(trouble)),
            }
        }
    }

    /// Takes over what the programme map says. Streams that go on keep their state; those that left are forgotten.
    fn map(&mut self, entries: &[StreamEntry]) {
        let entries = entries.get(..MAX_STREAMS).unwrap_or(entries);
        if entries.is_empty() {
            return;
        }
        let keeps = |stream: &Stream| {
            entries.iter().any(|entry| entry.pid == stream.pid && stream.codes(entry.coding))
        };
        if !self.streams.iter().all(keeps) {
            // The programme is another one: its tracks are counted anew.
            self.streams.clear();
            (self.pictures, self.sounds) = (0, 0);
        }
        for entry in entries {
            if self.streams.iter().any(|stream| stream.pid == entry.pid) {
                continue;
            }
            let number = if entry.coding.is_picture() { &mut self.pictures } else { &mut self.sounds };
            let track = TrackId(*number);
            *number = number.saturating_add(1);
            let content = match entry.coding {
                Coding::Avc => Content::Pictures(Pictures::new(track)),
                Coding::AacInAdts => Content::Sound(SoundFrames::new(track)),
                other => {
                    let (is_picture, name) = (other.is_picture(), other.name());
                    self.items.push_back(Item::OtherCodec { is_picture, track, name });
                    Content::Other(other)
                }
            };
            let (pid, counter) = (entry.pid, Counter::default());
            self.streams.push(Stream { pid, counter, pes: PesAssembler::default(), content });
        }
    }
}

impl Stream {
    fn codes(&self, coding: Coding) -> bool {
        match (&self.content, coding) {
            (Content::Pictures(_), Coding::Avc) | (Content::Sound(_), Coding::AacInAdts) => true,
            (Content::Other(own), other) => *own == other,
            _ => false,
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, times: &mut Unwrapper, items: &mut VecDeque<Item>) {
        if matches!(self.content, Content::Other(_)) {
            return;
        }
        match self.counter.see(packet) {
            Continuity::Next => {}
            Continuity::Again => return,
            Continuity::Jump => {
                items.push_back(Item::Trouble(Trouble::Missing(self.pid)));
                self.pes.damage();
                self.content.forget_cut();
            }
        }
        if packet.is_scrambled {
            items.push_back(Item::Trouble(Trouble::Scrambled(self.pid)));
            self.pes.damage();
            return;
        }
        if packet.begins_unit {
            let ended = self.pes.begin();
            self.content.take(ended, self.pid, times, items);
        }
        let whole = self.pes.push(packet.payload);
        self.content.take(whole, self.pid, times, items);
    }
}

impl Content {
    /// Works off what was put together.
    fn take(
        &mut self,
        assembled: Option<Assembled>,
        pid: u16,
        times: &mut Unwrapper,
        items: &mut VecDeque<Item>,
    ) {
        let trouble = match assembled {
            None => return,
            Some(Assembled::Whole(bytes)) => match (pes::read(&bytes, times), self) {
                (Err(()), _) => Trouble::Pes(pid),
                (Ok(Some(pes)), Self::Pictures(pictures)) => return pictures.take(&pes, pid, items),
                (Ok(Some(pes)), Self::Sound(frames)) => return frames.take(&pes, pid, items),
                (Ok(None), _) | (_, Self::Other(_)) => return,
            },
            // That packets are missing was told.
            Some(Assembled::Damaged) => return self.forget_cut(),
            Some(Assembled::CutShort) => {
                self.forget_cut();
                Trouble::Pes(pid)
            }
            Some(Assembled::TooLong) => {
                self.forget_cut();
                Trouble::TooLong(pid)
            }
        };
        items.push_back(Item::Trouble(trouble));
    }

    /// A frame of sound that was cut by what is missing is lost.
    fn forget_cut(&mut self) {
        if let Self::Sound(frames) = self {
            frames.forget_cut();
        }
    }
}

/// Where packets begin: two sync bytes a packet apart. Otherwise from where on more bytes are needed to know.
fn find_sync(bytes: &[u8]) -> Result<usize, usize> {
    let mut from = 0;
    while let Some(offset) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == SYNC)) {
        let at = from + offset;
        match bytes.get(at + PACKET_BYTES) {
            Some(&SYNC) => return Ok(at),
            Some(_) => from = at + 1,
            None => return Err(at),
        }
    }
    Err(bytes.len())
}

#[cfg(test)]
mod tests;
