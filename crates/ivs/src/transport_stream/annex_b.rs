//! Pictures of H.264 in a byte stream with start codes (ITU-T H.264, annex B).

use std::collections::VecDeque;

use units::{Dts, Pts, TrackId};

use super::pes::Pes;
use super::{Item, Trouble};
use crate::parameter_set::SequenceParameterSet;

/// `nal_unit_type` (ITU-T H.264, table 7-1). Slices are 1 to 5.
const IDR_SLICE: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;

/// Sets of each kind that are kept of an access unit, and the bytes of one; streams have one or two of tens of bytes.
const MAX_SETS: usize = 16;
const MAX_SET_BYTES: usize = u16::MAX as usize;

/// Profiles whose record says more of the samples (ISO/IEC 14496-15, 5.3.3.1.2).
const HIGH_PROFILES: [u8; 4] = [100, 110, 122, 144];

/// A track of pictures.
#[derive(Clone, Debug)]
pub(super) struct Pictures {
    track: TrackId,
    sps: Vec<Vec<u8>>,
    pps: Vec<Vec<u8>>,
    record: Vec<u8>,
}

impl Pictures {
    pub(super) const fn new(track: TrackId) -> Self {
        Self { track, sps: Vec::new(), pps: Vec::new(), record: Vec::new() }
    }

    /// The access unit in `pes`.
    pub(super) fn take(&mut self, pes: &Pes<'_>, pid: u16, items: &mut VecDeque<Item>) {
        let Some(pts) = pes.pts else {
            items.push_back(Item::Trouble(Trouble::Untimed(pid)));
            return;
        };
        let mut data = Vec::with_capacity(pes.payload.len() + 16);
        let (mut sps, mut pps) = (Vec::new(), Vec::new());
        let (mut is_idr, mut has_slice) = (false, false);
        for nal in nal_units(pes.payload) {
            let kind = nal.first().map_or(0, |header| header & 0x1f);
            let sets = match kind {
                SPS => &mut sps,
                PPS => &mut pps,
                DELIMITER => continue,
                _ => {
                    is_idr |= kind == IDR_SLICE;
                    has_slice |= (1..=IDR_SLICE).contains(&kind);
                    data.extend_from_slice(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes());
                    data.extend_from_slice(nal);
                    continue;
                }
            };
            if sets.len() < MAX_SETS && nal.len() <= MAX_SET_BYTES {
                sets.push(nal.to_vec());
            }
        }
        let has_sets = !sps.is_empty() || !pps.is_empty();
        if !sps.is_empty() {
            self.sps = sps;
        }
        if !pps.is_empty() {
            self.pps = pps;
        }
        if has_sets {
            self.tell_config(pid, items);
        }
        if !has_slice {
            return;
        }
        let track = self.track;
        let (dts, pts) = (Dts::from_nanos(pes.dts.unwrap_or(pts)), Pts::from_nanos(pts));
        items.push_back(Item::Picture { track, dts, pts, is_idr, data });
    }

    fn tell_config(&mut self, pid: u16, items: &mut VecDeque<Item>) {
        if self.sps.is_empty() || self.pps.is_empty() {
            return;
        }
        match self.make_record() {
            Ok(record) if record != self.record => {
                self.record.clone_from(&record);
                items.push_back(Item::VideoConfig { track: self.track, record });
            }
            Ok(_) => {}
            Err(why) => {
                items.push_back(Item::Trouble(Trouble::ParameterSet { pid, why }));
            }
        }
    }

    fn make_record(&self) -> Result<Vec<u8>, crate::Error> {
        let first = self.sps.first().map(Vec::as_slice).unwrap_or_default();
        let read = SequenceParameterSet::parse(first)?;
        let mut record = vec![1, read.profile_idc, read.constraint_flags, read.level_idc, 0xff];
        for (sets, reserved) in [(&self.sps, 0xe0), (&self.pps, 0)] {
            // At most `MAX_SETS` of at most `MAX_SET_BYTES`.
            record.push(reserved | u8::try_from(sets.len()).unwrap_or(0));
            for set in sets {
                record.extend_from_slice(&u16::try_from(set.len()).unwrap_or(0).to_be_bytes());
                record.extend_from_slice(set);
            }
        }
        if HIGH_PROFILES.contains(&read.profile_idc) {
            // Depth of chroma is that of luma in every picture that people make.
            let depth = 0xf8 | (read.bit_depth_luma.saturating_sub(8) & 0b111);
            record.extend_from_slice(&[0xfc | (read.chroma_format_idc & 0b11), depth, depth, 0]);
        }
        Ok(record)
    }
}

/// The NAL units between start codes, without the zeros that may stand behind them. What stands before the first start
/// code is none.
pub(super) fn nal_units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(bytes);
    core::iter::from_fn(move || {
        loop {
            let from = rest?;
            let end = find_start_code(from);
            rest = end.and_then(|at| after_start_code(from.get(at..).unwrap_or_default()));
            let mut nal = from.get(..end.unwrap_or(from.len())).unwrap_or_default();
            while let Some((0, before)) = nal.split_last() {
                nal = before;
            }
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    })
}

fn find_start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    find_start_code(bytes).and_then(|at| bytes.get(at + 3..))
}
