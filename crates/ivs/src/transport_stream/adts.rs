//! Frames of AAC behind ADTS headers (ISO/IEC 14496-3, 1.A.2.2).

use std::collections::VecDeque;

use units::{Pts, TrackId};

use super::pes::Pes;
use super::{Item, Trouble};
use crate::AudioSpecificConfig;

/// Bytes of a header without checksum, and of the checksum.
const HEADER_BYTES: usize = 7;
const CHECKSUM_BYTES: usize = 2;

/// Samples per frame and channel (ISO/IEC 14496-3, 4.5.2.1.1); ADTS has no way to say 960.
const FRAME_SAMPLES: i128 = 1024;

/// A track of sound.
#[derive(Clone, Debug)]
pub(super) struct SoundFrames {
    track: TrackId,
    /// The beginning of a frame that goes on in the next PES packet; shorter than a frame, so below 8 KiB.
    cut: Vec<u8>,
    config: Vec<u8>,
    sample_rate_hz: u32,
    /// When the next frame is heard, in nanoseconds, and the rest of the division.
    base: Option<i64>,
    frames_since: i64,
}

/// What an ADTS header says.
struct Header {
    config: [u8; 2],
    /// Header and checksum.
    header_bytes: usize,
    /// Header and frame.
    frame_bytes: usize,
}

impl Header {
    /// `None` when there is no header, which includes several frames behind one header: nobody writes these.
    fn read(bytes: &[u8]) -> Option<Self> {
        let [0xff, second, third, fourth, fifth, sixth, seventh, ..] = bytes else { return None };
        if second & 0xf6 != 0xf0 || seventh & 0b11 != 0 {
            return None;
        }
        let object_type = (third >> 6) + 1;
        let rate = third >> 2 & 0xf;
        let channels = (third & 1) << 2 | fourth >> 6;
        let frame_bytes =
            usize::from(fourth & 0b11) << 11 | usize::from(*fifth) << 3 | usize::from(sixth >> 5);
        let header_bytes = HEADER_BYTES + if second & 1 == 0 { CHECKSUM_BYTES } else { 0 };
        let config = [object_type << 3 | rate >> 1, rate << 7 | channels << 3];
        (frame_bytes >= header_bytes).then_some(Self { config, header_bytes, frame_bytes })
    }
}

impl SoundFrames {
    pub(super) const fn new(track: TrackId) -> Self {
        Self { track, cut: Vec::new(), config: Vec::new(), sample_rate_hz: 0, base: None, frames_since: 0 }
    }

    /// Packets are missing, so the rest of a frame that was cut will not come.
    pub(super) fn forget_cut(&mut self) {
        self.cut.clear();
        self.base = None;
    }

    /// The frames in `pes`. Its time is that of the first frame which begins in it.
    pub(super) fn take(&mut self, pes: &Pes<'_>, pid: u16, items: &mut VecDeque<Item>) {
        let cut = core::mem::take(&mut self.cut);
        let began_before = cut.len();
        let mut joined = cut;
        joined.extend_from_slice(pes.payload);
        let mut at = 0;
        let mut told = false;
        let mut new_time = pes.pts;
        while let Some(rest) = joined.get(at..).filter(|rest| !rest.is_empty()) {
            if at >= began_before
                && let Some(pts) = new_time.take()
            {
                (self.base, self.frames_since) = (Some(pts), 0);
            }
            if rest.len() < HEADER_BYTES && rest.starts_with(&[0xff]) {
                break;
            }
            let Some(header) = Header::read(rest) else {
                if !core::mem::replace(&mut told, true) {
                    items.push_back(Item::Trouble(Trouble::Adts(pid)));
                }
                at += 1;
                continue;
            };
            let Some(frame) = rest.get(..header.frame_bytes) else { break };
            at += header.frame_bytes;
            self.configure(header.config, items);
            self.give(frame.get(header.header_bytes..).unwrap_or_default(), pid, items);
        }
        self.cut = joined.get(at..).unwrap_or_default().to_vec();
    }

    fn configure(&mut self, config: [u8; 2], items: &mut VecDeque<Item>) {
        if self.config == config {
            return;
        }
        // Frames so far were counted at another rate.
        self.base = self.next_time();
        self.frames_since = 0;
        self.config = config.to_vec();
        self.sample_rate_hz = AudioSpecificConfig::parse(&config).map_or(0, |read| read.sample_rate_hz);
        items.push_back(Item::AudioConfig { track: self.track, config: config.to_vec() });
    }

    fn give(&mut self, frame: &[u8], pid: u16, items: &mut VecDeque<Item>) {
        let Some(pts) = self.next_time() else {
            items.push_back(Item::Trouble(Trouble::Untimed(pid)));
            return;
        };
        self.frames_since = self.frames_since.saturating_add(1);
        let pts = Pts::from_nanos(pts);
        items.push_back(Item::Sound { track: self.track, pts, data: frame.to_vec() });
    }

    /// When the next frame is heard; `None` when no time was said yet.
    fn next_time(&self) -> Option<i64> {
        let base = self.base?;
        let rate = i128::from(self.sample_rate_hz.max(1));
        let since = i128::from(self.frames_since) * FRAME_SAMPLES * 1_000_000_000 / rate;
        let since = if self.sample_rate_hz == 0 { 0 } else { since };
        Some(i64::try_from(i128::from(base) + since).unwrap_or(i64::MAX))
    }
}
