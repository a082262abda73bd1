//! NAL units of H.265.

use super::{Part, append_set, hevc_sps, is_user_data_of};
use crate::Error;

/// `nal_unit_type` (ITU-T H.265, table 7-1).
mod kind {
    /// Up to here even numbers are pictures no other refers to.
    pub(super) const LAST_SUB_LAYER_NON_REFERENCE: u8 = 14;
    pub(super) const IDR_W_RADL: u8 = 19;
    pub(super) const IDR_N_LP: u8 = 20;
    /// Up to here all are pieces of pictures.
    pub(super) const LAST_SLICE: u8 = 31;
    pub(super) const VPS: u8 = 32;
    pub(super) const SPS: u8 = 33;
    pub(super) const PPS: u8 = 34;
    pub(super) const DELIMITER: u8 = 35;
    pub(super) const END_OF_SEQUENCE: u8 = 36;
    pub(super) const END_OF_STREAM: u8 = 37;
    pub(super) const PREFIX_SEI: u8 = 39;
}

/// The UUID under which x265 writes its version and settings (user data unregistered, ITU-T H.265, D.2.7).
pub(super) const BANNER_UUID: [u8; 16] =
    [0x2c, 0xa2, 0xde, 0x09, 0xb5, 0x17, 0x47, 0xdb, 0xbb, 0x55, 0xa4, 0xfe, 0x7f, 0xc2, 0xfc, 0x4e];

/// `nal_unit_type` of a NAL unit.
const fn number_of(header: u8) -> u8 {
    header >> 1 & 0x3f
}

/// What a NAL unit is.
pub(super) fn part(unit: &[u8]) -> Part {
    let Some((&[header, _], behind)) = unit.split_first_chunk() else { return Part::Noise };
    match number_of(header) {
        kind::VPS => Part::Vps,
        kind::SPS => Part::Sps,
        kind::PPS => Part::Pps,
        kind::DELIMITER | kind::END_OF_SEQUENCE | kind::END_OF_STREAM => Part::Noise,
        kind::PREFIX_SEI if is_user_data_of(behind, &BANNER_UUID) => Part::Noise,
        number @ 0..=kind::LAST_SLICE => Part::Slice {
            is_idr: matches!(number, kind::IDR_W_RADL | kind::IDR_N_LP),
            is_referred_to: number > kind::LAST_SUB_LAYER_NON_REFERENCE || number % 2 == 1,
        },
        _ => Part::Other,
    }
}

/// The `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 8.3.3.1.2).
///
/// # Errors
/// [`Error::MalformedOutput`] while a parameter set is missing or is of a form no record takes.
pub(super) fn record(vps: &[Vec<u8>], sps: &[Vec<u8>], pps: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let malformed = |what| Error::MalformedOutput { what };
    let first = sps.first().ok_or(malformed("sequence parameter set"))?;
    if vps.is_empty() {
        return Err(malformed("video parameter set"));
    }
    let layers = hevc_sps::layers(first).ok_or(malformed("sequence parameter set"))?;
    let mut record = vec![1];
    record.extend_from_slice(&layers.profile_tier_level);
    // Reserved bits, and: no statement on spatial segments, on parallelism; 4:2:0 and 8 bits, all we ever encode; no
    // average frame rate.
    record.extend_from_slice(&[0xf0, 0, 0xfc, 0xfc | 1, 0xf8, 0xf8, 0, 0]);
    // No statement on a constant frame rate; temporal layers, and whether they nest; lengths of 4 bytes.
    record.push(layers.count << 3 | u8::from(layers.nest) << 2 | 3);
    record.push(3);
    for (number, sets) in [(kind::VPS, vps), (kind::SPS, sps), (kind::PPS, pps)] {
        // All sets of this kind are here and none are in the stream.
        record.push(0x80 | number);
        let count = u16::try_from(sets.len()).map_err(|_| malformed("number of parameter sets"))?;
        record.extend_from_slice(&count.to_be_bytes());
        for set in sets {
            append_set(&mut record, set)?;
        }
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let unit = |number: u8| [number << 1, 1, 0x80];
        for (number, wanted) in [
            (32, Part::Vps),
            (33, Part::Sps),
            (34, Part::Pps),
            (35, Part::Noise),
            (36, Part::Noise),
            (37, Part::Noise),
            // Filler and SEI stay.
            (38, Part::Other),
            (39, Part::Other),
            (40, Part::Other),
            (0, Part::Slice { is_idr: false, is_referred_to: false }),
            (1, Part::Slice { is_idr: false, is_referred_to: true }),
            (19, Part::Slice { is_idr: true, is_referred_to: true }),
            (20, Part::Slice { is_idr: true, is_referred_to: true }),
            // A clean random access point is no IDR: pictures behind it may refer to what was before.
            (21, Part::Slice { is_idr: false, is_referred_to: true }),
        ] {
            assert_eq!(part(&unit(number)), wanted, "{number}");
        }
        let mut banner = vec![39 << 1, 1, 5, 0xff, 0x10];
        banner.extend_from_slice(&BANNER_UUID);
        banner.extend_from_slice(b"x265\x80");
        assert_eq!(part(&banner), Part::Noise);
        assert_eq!(part(&[]), Part::Noise);
    }
}
