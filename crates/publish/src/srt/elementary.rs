//! Access units in the forms that MPEG-TS carries.

use units::{AccessUnit, VideoConfig};

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// An access unit delimiter for slices of any kind (ITU-T H.264, 7.3.2.4). MPEG-TS demands one in front of every picture
/// (ISO/IEC 13818-1, 2.14.1).
const DELIMITER: [u8; 6] = [0, 0, 0, 1, 0x09, 0xF0];

/// The picture in the form of ITU-T H.264, annex B: a delimiter, in front of an IDR the parameter sets, then the NAL
/// units. `None` when `unit` or the configuration is no series of NAL units with 4-byte lengths.
pub(crate) fn annex_b(unit: &AccessUnit, config: &VideoConfig) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(unit.data.len() + 128);
    bytes.extend(DELIMITER);
    if unit.is_idr {
        for set in parameter_sets(&config.decoder_config)? {
            bytes.extend(START_CODE);
            bytes.extend(set);
        }
    }
    let mut rest = &*unit.data;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (nal, behind) = behind.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        bytes.extend(START_CODE);
        bytes.extend(nal);
        rest = behind;
    }
    Some(bytes)
}

/// Sequence and picture parameter sets of an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1).
fn parameter_sets(record: &[u8]) -> Option<Vec<&[u8]>> {
    let mut sets = Vec::new();
    let (count, mut rest) = record.get(5..)?.split_first()?;
    read_sets(count & 0b1_1111, &mut rest, &mut sets)?;
    let (count, behind) = rest.split_first()?;
    rest = behind;
    read_sets(*count, &mut rest, &mut sets)?;
    Some(sets)
}

fn read_sets<'a>(count: u8, rest: &mut &'a [u8], sets: &mut Vec<&'a [u8]>) -> Option<()> {
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        sets.push(set);
        *rest = behind;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use testkit::SyntheticStream;
    use units::Span;

    #[test]
    fn an_idr_begins_with_delimiter_and_parameter_sets() {
        let mut stream = SyntheticStream::single();
        let record = [1, 77, 0, 31, 0xFF, 0xE1, 0, 2, 0x67, 77, 1, 0, 1, 0x68];
        let config = VideoConfig {
            decoder_config: Arc::from(record.as_slice()),
            ..VideoConfig::clone(&stream.config().video[0])
        };
        let units = stream.take_span(Span::from_secs(1));
        let mut idr = AccessUnit::clone(units.iter().find(|unit| unit.is_video() && unit.is_idr).unwrap());
        idr.data = Arc::from([0, 0, 0, 2, 0x65, 9, 0, 0, 0, 1, 0x0C].as_slice());
        let whole = [
            0, 0, 0, 1, 9, 0xF0, 0, 0, 0, 1, 0x67, 77, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 9, 0, 0, 0, 1,
            0x0C,
        ];
        assert_eq!(annex_b(&idr, &config).unwrap(), whole);
        idr.is_idr = false;
        assert_eq!(annex_b(&idr, &config).unwrap(), [&whole[..6], &whole[17..]].concat());
    }

    #[test]
    fn what_is_cut_off_is_no_picture() {
        let mut stream = SyntheticStream::single();
        let config = VideoConfig::clone(&stream.config().video[0]);
        let units = stream.take_span(Span::from_secs(1));
        let mut unit = AccessUnit::clone(units.iter().find(|unit| unit.is_video() && !unit.is_idr).unwrap());
        for broken in [&[0, 0, 0][..], &[0, 0, 0, 2, 1], &[255, 255, 255, 255, 1]] {
            unit.data = Arc::from(broken);
            assert_eq!(annex_b(&unit, &config), None);
        }
        unit.is_idr = true;
        unit.data = Arc::from([].as_slice());
        for length in 0..13 {
            let record = [1, 77, 0, 31, 0xFF, 0xE1, 0, 2, 0x67, 77, 1, 0, 1, 0x68];
            let config = VideoConfig { decoder_config: Arc::from(&record[..length]), ..config.clone() };
            assert_eq!(annex_b(&unit, &config), None, "{length}");
        }
    }
}
