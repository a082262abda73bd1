//! NAL units of H.264.

use super::{Part, append_set, avc_sps, is_user_data_of};
use crate::Error;

/// `nal_unit_type` (ITU-T H.264, table 7-1).
mod kind {
    pub(super) const SLICE: u8 = 1;
    pub(super) const SLICE_PARTITION_C: u8 = 4;
    pub(super) const IDR: u8 = 5;
    pub(super) const SEI: u8 = 6;
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const DELIMITER: u8 = 9;
    pub(super) const END_OF_SEQUENCE: u8 = 10;
    pub(super) const END_OF_STREAM: u8 = 11;
}

/// The UUID under which x264 writes its version and settings into the first access unit (user data unregistered,
/// ITU-T H.264, D.1.7). Nobody's business, and it repeats itself after each restart.
pub(super) const BANNER_UUID: [u8; 16] =
    [0xdc, 0x45, 0xe9, 0xbd, 0xe6, 0xd9, 0x48, 0xb7, 0x96, 0x2c, 0xd8, 0x20, 0xd9, 0x23, 0xee, 0xef];

/// What a NAL unit is.
pub(super) fn part(unit: &[u8]) -> Part {
    let Some((header, behind)) = unit.split_first() else { return Part::Noise };
    match header & 0x1f {
        kind::SPS => Part::Sps,
        kind::PPS => Part::Pps,
        kind::DELIMITER | kind::END_OF_SEQUENCE | kind::END_OF_STREAM => Part::Noise,
        kind::SEI if is_user_data_of(behind, &BANNER_UUID) => Part::Noise,
        number @ (kind::SLICE..=kind::SLICE_PARTITION_C | kind::IDR) => {
            Part::Slice { is_idr: number == kind::IDR, is_referred_to: header & 0x60 != 0 }
        }
        _ => Part::Other,
    }
}

/// The `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1.2).
///
/// # Errors
/// [`Error::MalformedOutput`] while a parameter set is missing or is of a form no record takes.
pub(super) fn record(sps: &[Vec<u8>], pps: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let malformed = |what| Error::MalformedOutput { what };
    let Some(&[_, profile, compatibility, level]) = sps.first().and_then(|sps| sps.first_chunk()) else {
        return Err(malformed("sequence parameter set"));
    };
    // Version 1; six reserved bits and lengths of 4 bytes; three reserved bits and the number of sets.
    let mut record = vec![1, profile, compatibility, level, 0xff];
    let count = |sets: &[Vec<u8>], most: u8| {
        u8::try_from(sets.len()).ok().filter(|n| *n <= most).ok_or(malformed("number of parameter sets"))
    };
    record.push(0xe0 | count(sps, 31)?);
    for set in sps {
        append_set(&mut record, set)?;
    }
    record.push(count(pps, 255)?);
    for set in pps {
        append_set(&mut record, set)?;
    }
    if avc_sps::has_chroma_fields(profile) {
        // chroma_format_idc 1 (4:2:0), 8 bits of luma and of chroma, no SPS extensions: all we ever encode.
        record.extend_from_slice(&[0xfc | 1, 0xf8, 0xf8, 0]);
    }
    Ok(record)
}
