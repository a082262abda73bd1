//! Reading the boxes of a file: of a whole one, of a running one, and of one that was cut short.

use std::io;

use shiguredo_mp4::boxes::{FtypBox, MoofBox, MoovBox, TfhdBox, TrexBox, TrunSample};
use shiguredo_mp4::{Decode, SampleFlags};

use crate::boxes::{RESERVED, SIGNATURE};
use crate::samples::Sample;
use crate::storage::Storage;

/// Largest `moov` or `moof` that is read into memory; a day of a five-track recording has an index of about 200 MB.
const MAX_INDEX: u64 = 1 << 30;

/// A box at the top level of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) box_type: [u8; 4],
    pub(crate) offset: u64,
    pub(crate) head_bytes: u64,
    /// With the head.
    pub(crate) bytes: u64,
}

impl Place {
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes)
    }
}

/// The head of the box at `offset`; `None` where no head of a box is. The box may reach beyond the end of the file.
pub(crate) fn place(storage: &mut dyn Storage, offset: u64, length: u64) -> io::Result<Option<Place>> {
    let mut head = [0u8; 16];
    let available = length.saturating_sub(offset);
    if available < 8 {
        return Ok(None);
    }
    let read = usize::try_from(available.min(16)).unwrap_or(16);
    if let Some(head) = head.get_mut(..read) {
        storage.read_at(offset, head)?;
    }
    let [a, b, c, d, e, f, g, h, large @ ..] = head;
    let box_type = [e, f, g, h];
    let (head_bytes, bytes) = match u32::from_be_bytes([a, b, c, d]) {
        // To the end of the file (ISO/IEC 14496-12, 4.2.2).
        0 => (8, available),
        1 if read == 16 => (16, u64::from_be_bytes(large)),
        1 => return Ok(None),
        short => (8, u64::from(short)),
    };
    let printable = box_type.iter().all(|byte| (0x20..0x7f).contains(byte));
    if !printable || bytes < head_bytes {
        return Ok(None);
    }
    Ok(Some(Place { box_type, offset, head_bytes, bytes }))
}

/// The bytes of a box, if all of it is there and it is of a size that can be an index.
pub(crate) fn whole(storage: &mut dyn Storage, place: &Place, length: u64) -> io::Result<Option<Vec<u8>>> {
    if place.end() > length || place.bytes > MAX_INDEX {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(place.bytes).unwrap_or(0)];
    storage.read_at(place.offset, &mut bytes)?;
    Ok(Some(bytes))
}

/// A complete fragment.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    /// Where its `mdat` ends.
    pub(crate) end: u64,
    /// Track number, offset in the file, samples: one entry for each run.
    pub(crate) runs: Vec<(u32, u64, Vec<Sample>)>,
}

/// The fragment at `offset`, if a complete one is there. `next_dts` holds, for each track number, the time at which
/// a run without a time of its own begins.
pub(crate) fn fragment(
    storage: &mut dyn Storage,
    offset: u64,
    length: u64,
    moov: &MoovBox,
    next_dts: &mut [(u32, u64)],
) -> io::Result<Option<Fragment>> {
    let Some(moof) = place(storage, offset, length)?.filter(|place| &place.box_type == b"moof") else {
        return Ok(None);
    };
    let Some(mdat) = place(storage, moof.end(), length)?.filter(|place| &place.box_type == b"mdat") else {
        return Ok(None);
    };
    if mdat.end() > length {
        return Ok(None);
    }
    let Some(bytes) = whole(storage, &moof, length)? else { return Ok(None) };
    let Ok((moof, _)) = MoofBox::decode(&bytes) else { return Ok(None) };
    let runs = runs(&moof, offset, &mdat, moov, next_dts);
    Ok(runs.map(|runs| Fragment { end: mdat.end(), runs }))
}

/// The samples of all runs; `None` when one of them does not lie in the fragment's `mdat`.
fn runs(
    moof: &MoofBox,
    moof_offset: u64,
    mdat: &Place,
    moov: &MoovBox,
    next_dts: &mut [(u32, u64)],
) -> Option<Vec<(u32, u64, Vec<Sample>)>> {
    let mut runs = Vec::new();
    let defaults = moov.mvex_box.as_ref().map(|mvex| mvex.trex_boxes.as_slice()).unwrap_or_default();
    for traf in &moof.traf_boxes {
        let tfhd = &traf.tfhd_box;
        let trex = defaults.iter().find(|trex| trex.track_id == tfhd.track_id);
        let (_, next) = next_dts.iter_mut().find(|(track, _)| *track == tfhd.track_id)?;
        let mut dts = traf.tfdt_box.as_ref().map_or(*next, |tfdt| tfdt.base_media_decode_time);
        let base = tfhd.base_data_offset.unwrap_or(moof_offset);
        let payload = mdat.offset.saturating_add(mdat.head_bytes);
        let mut at = payload;
        for trun in &traf.trun_boxes {
            if let Some(offset) = trun.data_offset {
                at = base.checked_add_signed(i64::from(offset))?;
            }
            let start = at;
            let mut samples = Vec::with_capacity(trun.samples.len());
            for (i, sample) in trun.samples.iter().enumerate() {
                let first = if i == 0 { trun.first_sample_flags } else { None };
                let sample = with_defaults(sample, first, tfhd, trex, dts);
                dts = dts.checked_add(u64::from(sample.duration))?;
                at = at.checked_add(u64::from(sample.size))?;
                samples.push(sample);
            }
            if start < payload || at > mdat.end() {
                return None;
            }
            runs.push((tfhd.track_id, start, samples));
        }
        *next = dts;
    }
    Some(runs)
}

/// Fields that a run leaves out come from the track's part of the fragment, then from the head of the file
/// (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
fn with_defaults(
    sample: &TrunSample,
    first: Option<SampleFlags>,
    tfhd: &TfhdBox,
    trex: Option<&TrexBox>,
    dts: u64,
) -> Sample {
    let duration =
        sample.duration.or(tfhd.default_sample_duration).or(trex.map(|t| t.default_sample_duration));
    let size = sample.size.or(tfhd.default_sample_size).or(trex.map(|t| t.default_sample_size));
    let flags = sample.flags.or(first).or(tfhd.default_sample_flags).or(trex.map(|t| t.default_sample_flags));
    Sample {
        size: size.unwrap_or(0),
        dts,
        offset: u32::try_from(sample.composition_time_offset.unwrap_or(0)).unwrap_or(0),
        duration: duration.unwrap_or(0),
        is_sync: !flags.is_some_and(SampleFlags::sample_is_non_sync_sample),
    }
}

/// What a file is, seen from its head.
pub(crate) enum Kind {
    /// Not one of our recordings.
    Foreign,
    /// Ours, and finished.
    Finished,
    /// Ours, and cut short, or still running.
    Unfinished { reserved_at: u64, moov: Box<MoovBox>, first_fragment: u64 },
}

/// Looks at the head of a file.
pub(crate) fn kind(storage: &mut dyn Storage) -> io::Result<Kind> {
    let length = storage.length()?;
    let Some(ftyp) = place(storage, 0, length)?.filter(|place| &place.box_type == b"ftyp") else {
        return Ok(Kind::Foreign);
    };
    let Some(bytes) = whole(storage, &ftyp, length)? else { return Ok(Kind::Foreign) };
    if !FtypBox::decode(&bytes).is_ok_and(|(ftyp, _)| ftyp.minor_version == SIGNATURE) {
        return Ok(Kind::Foreign);
    }
    let reserved_at = ftyp.end();
    let mut reserved = [0u8; 16];
    if length < reserved_at + 16 {
        return Ok(Kind::Foreign);
    }
    storage.read_at(reserved_at, &mut reserved)?;
    if reserved != RESERVED
        && let Some(mdat) = place(storage, reserved_at, length)?.filter(|place| &place.box_type == b"mdat")
        && let Some(moov) = place(storage, mdat.end(), length)?.filter(|place| &place.box_type == b"moov")
        && moov.end() <= length
    {
        return Ok(Kind::Finished);
    }
    // The first head is inside the `mdat` of a finished file; a file that lost its index can be finished again.
    let Some(place) = place(storage, reserved_at + 16, length)?.filter(|place| &place.box_type == b"moov")
    else {
        return Ok(Kind::Foreign);
    };
    let Some(bytes) = whole(storage, &place, length)? else { return Ok(Kind::Foreign) };
    match MoovBox::decode(&bytes) {
        Ok((moov, _)) if moov.mvex_box.is_some() => {
            Ok(Kind::Unfinished { reserved_at, moov: Box::new(moov), first_fragment: place.end() })
        }
        _ => Ok(Kind::Foreign),
    }
}

/// For each track of `moov`: its number, and time zero.
pub(crate) fn zero_times(moov: &MoovBox) -> Vec<(u32, u64)> {
    moov.trak_boxes.iter().map(|trak| (trak.tkhd_box.track_id, 0)).collect()
}

/// All complete fragments from `offset` on, up to the first thing that is none.
pub(crate) fn fragments(
    storage: &mut dyn Storage,
    mut offset: u64,
    moov: &MoovBox,
) -> io::Result<Vec<Fragment>> {
    let length = storage.length()?;
    let mut next_dts = zero_times(moov);
    let mut fragments = Vec::new();
    while let Some(found) = fragment(storage, offset, length, moov, &mut next_dts)? {
        offset = found.end;
        fragments.push(found);
    }
    Ok(fragments)
}
