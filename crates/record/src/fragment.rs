//! Units of all tracks as one `moof` and one `mdat`.

use shiguredo_mp4::boxes::{MfhdBox, MoofBox, TfdtBox, TfhdBox, TrafBox, TrunBox, TrunSample};
use shiguredo_mp4::{Encode, SampleFlags};
use units::AccessUnit;

use crate::Error;
use crate::boxes::TrackHead;
use crate::samples::Sample;
use crate::timing::ticks;

/// Decoding can start here: depends on no other (ISO/IEC 14496-12, 8.8.3.1).
const SYNC: SampleFlags = SampleFlags::from_fields(0, 2, 0, 0, 0, false, 0);
/// Depends on others.
const DEPENDS: SampleFlags = SampleFlags::from_fields(0, 1, 1, 0, 0, true, 0);
/// Depends on others, and no other depends on it.
const DISPOSABLE: SampleFlags = SampleFlags::from_fields(0, 1, 2, 0, 0, true, 0);

/// One track's part of a fragment.
pub(crate) struct Part<'a> {
    pub(crate) head: TrackHead,
    pub(crate) units: &'a [AccessUnit],
}

/// A fragment ready to be written.
pub(crate) struct Fragment {
    pub(crate) bytes: Vec<u8>,
    /// For each part: where its samples begin, from the start of the fragment, and what they are.
    pub(crate) parts: Vec<(u64, Vec<Sample>)>,
}

/// The samples of `units`, with times from `origin_ns` on. Each lasts until the next begins; the last as long as it
/// says itself.
fn samples(part: &Part, origin_ns: i64) -> Vec<Sample> {
    let tick =
        |nanos: i64| u64::try_from(ticks(nanos.saturating_sub(origin_ns), part.head.timescale)).unwrap_or(0);
    let short = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let mut samples = Vec::with_capacity(part.units.len());
    for (i, unit) in part.units.iter().enumerate() {
        let dts = tick(unit.dts.as_nanos());
        let next = match part.units.get(i + 1) {
            Some(next) => next.dts.as_nanos(),
            None => unit.dts.as_nanos().saturating_add(unit.span.as_nanos().max(0)),
        };
        samples.push(Sample {
            size: short(unit.data.len() as u64),
            dts,
            offset: short(tick(unit.pts.as_nanos()).saturating_sub(dts)),
            duration: short(tick(next).saturating_sub(dts).max(1)),
            is_sync: unit.is_idr,
        });
    }
    samples
}

fn flags(unit: &AccessUnit) -> SampleFlags {
    match (unit.is_idr, unit.is_disposable) {
        (true, _) => SYNC,
        (false, true) => DISPOSABLE,
        (false, false) => DEPENDS,
    }
}

/// Puts `parts`, each with at least one unit, into one fragment.
pub(crate) fn fragment(sequence: u32, parts: &[Part], origin_ns: i64) -> Result<Fragment, Error> {
    let all: Vec<Vec<Sample>> = parts.iter().map(|part| samples(part, origin_ns)).collect();
    let mut moof = MoofBox {
        mfhd_box: MfhdBox { sequence_number: sequence },
        traf_boxes: parts.iter().zip(&all).map(|(part, samples)| traf(part, samples)).collect(),
        unknown_boxes: Vec::new(),
    };
    // The length does not depend on the offsets in it, so they can be filled in afterwards.
    let moof_length = moof.encode_to_vec()?.len() as u64;
    let mut position = moof_length + 8;
    let mut starts = Vec::new();
    for (traf, samples) in moof.traf_boxes.iter_mut().zip(&all) {
        starts.push(position);
        for trun in &mut traf.trun_boxes {
            let offset = i32::try_from(position);
            trun.data_offset = Some(offset.map_err(|_| Error::Internal("fragment beyond 2 GiB".to_owned()))?);
        }
        position += samples.iter().map(|sample| u64::from(sample.size)).sum::<u64>();
    }
    let mdat_length = u32::try_from(position - moof_length)
        .map_err(|_| Error::Internal("fragment beyond 4 GiB".to_owned()))?;
    let mut bytes = moof.encode_to_vec()?;
    bytes.reserve(mdat_length as usize);
    bytes.extend(mdat_length.to_be_bytes());
    bytes.extend(b"mdat");
    for unit in parts.iter().flat_map(|part| part.units) {
        bytes.extend_from_slice(&unit.data);
    }
    Ok(Fragment { bytes, parts: starts.into_iter().zip(all).collect() })
}

fn traf(part: &Part, samples: &[Sample]) -> TrafBox {
    let trun_samples = samples.iter().zip(part.units).map(|(sample, unit)| TrunSample {
        duration: Some(sample.duration),
        size: Some(sample.size),
        flags: Some(flags(unit)),
        composition_time_offset: Some(i64::from(sample.offset)),
    });
    let first_dts = samples.first().map_or(0, |sample| sample.dts);
    TrafBox {
        tfhd_box: TfhdBox {
            track_id: part.head.number,
            base_data_offset: None,
            sample_description_index: None,
            default_sample_duration: None,
            default_sample_size: None,
            default_sample_flags: None,
            duration_is_empty: false,
            default_base_is_moof: true,
        },
        tfdt_box: Some(TfdtBox { version: 1, base_media_decode_time: first_dts }),
        trun_boxes: vec![TrunBox {
            data_offset: Some(0),
            first_sample_flags: None,
            samples: trun_samples.collect(),
        }],
        unknown_boxes: Vec::new(),
    }
}
