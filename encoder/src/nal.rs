//! H.264 NAL units: from an encoder's byte stream (ITU-T H.264, annex B) to length-prefixed access units and the
//! decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).

use std::sync::Arc;

use crate::{Error, sps};

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
const X264_BANNER_UUID: [u8; 16] =
    [0xdc, 0x45, 0xe9, 0xbd, 0xe6, 0xd9, 0x48, 0xb7, 0x96, 0x2c, 0xd8, 0x20, 0xd9, 0x23, 0xee, 0xef];

/// The NAL units of an annex B byte stream, without start codes and trailing zero bytes.
pub(crate) fn split_byte_stream(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(bytes);
    std::iter::from_fn(move || {
        let present = rest?;
        let (unit, next) = match find_start_code(present) {
            Some(at) => (present.get(..at).unwrap_or(&[]), present.get(at + 3..)),
            None => (present, None),
        };
        rest = next;
        let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        unit.get(..end)
    })
    .filter(|unit| !unit.is_empty())
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(find_start_code(bytes)? + 3..)
}

/// Where the next three bytes 0, 0, 1 are.
fn find_start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *bytes.get(at..at + 3)? {
            [0, 0, 1] => return Some(at),
            // The third byte tells how far the next possible start is.
            [_, _, third] if third > 1 => at += 3,
            _ => at += 1,
        }
    }
}

/// An access unit as outputs take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assembled {
    /// NAL units behind 4-byte lengths, without parameter sets and delimiters.
    pub(crate) data: Arc<[u8]>,
    /// Whether it holds an IDR slice.
    pub(crate) is_idr: bool,
    /// Whether no slice of it is referred to.
    pub(crate) is_disposable: bool,
}

/// The parameter sets of one encoder, as it last sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    sps: Vec<Vec<u8>>,
    pps: Vec<Vec<u8>>,
}

impl ParameterSets {
    /// Takes the parameter sets out of an encoder's access unit and puts the rest into length-prefixed form. The
    /// second value says whether the parameter sets changed.
    ///
    /// # Errors
    /// [`Error::MalformedOutput`] for a sequence parameter set that can not be read, or an access unit without a
    /// slice.
    pub(crate) fn assemble(&mut self, byte_stream: &[u8]) -> Result<(Assembled, bool), Error> {
        let mut data = Vec::with_capacity(byte_stream.len() + 16);
        let (mut is_idr, mut has_slice, mut is_referred_to) = (false, false, false);
        let (mut sps, mut pps) = (Vec::new(), Vec::new());
        for unit in split_byte_stream(byte_stream) {
            let Some(&header) = unit.first() else { continue };
            match header & 0x1f {
                kind::SPS => sps.push(sps::signal_bt709(unit)?),
                kind::PPS => pps.push(unit.to_vec()),
                kind::DELIMITER | kind::END_OF_SEQUENCE | kind::END_OF_STREAM => {}
                kind::SEI if is_x264_banner(unit) => {}
                number => {
                    if (kind::SLICE..=kind::SLICE_PARTITION_C).contains(&number) || number == kind::IDR {
                        has_slice = true;
                        is_idr |= number == kind::IDR;
                        is_referred_to |= header & 0x60 != 0;
                    }
                    let length =
                        u32::try_from(unit.len()).map_err(|_| Error::MalformedOutput { what: "NAL unit" })?;
                    data.extend_from_slice(&length.to_be_bytes());
                    data.extend_from_slice(unit);
                }
            }
        }
        if !has_slice {
            return Err(Error::MalformedOutput { what: "access unit without a slice" });
        }
        let mut changed = false;
        if !sps.is_empty() && sps != self.sps {
            self.sps = sps;
            changed = true;
        }
        if !pps.is_empty() && pps != self.pps {
            self.pps = pps;
            changed = true;
        }
        Ok((Assembled { data: Arc::from(data), is_idr, is_disposable: !is_referred_to }, changed))
    }

    /// Whether there is what a decoder needs.
    pub(crate) fn are_complete(&self) -> bool {
        !(self.sps.is_empty() || self.pps.is_empty())
    }

    /// The `AVCDecoderConfigurationRecord` of these parameter sets.
    ///
    /// # Errors
    /// [`Error::MalformedOutput`] while a parameter set is missing.
    pub(crate) fn decoder_config(&self) -> Result<Arc<[u8]>, Error> {
        let malformed = |what| Error::MalformedOutput { what };
        let Some(&[_, profile, compatibility, level]) = self.sps.first().and_then(|sps| sps.first_chunk())
        else {
            return Err(malformed("sequence parameter set"));
        };
        if self.pps.is_empty() {
            return Err(malformed("picture parameter set"));
        }
        // Version 1; six reserved bits and lengths of 4 bytes; three reserved bits and the number of sets.
        let mut record = vec![1, profile, compatibility, level, 0xff];
        let count = |sets: &[Vec<u8>], most: u8| {
            u8::try_from(sets.len()).ok().filter(|n| *n <= most).ok_or(malformed("number of parameter sets"))
        };
        record.push(0xe0 | count(&self.sps, 31)?);
        let append = |record: &mut Vec<u8>, set: &[u8]| {
            let length = u16::try_from(set.len()).map_err(|_| malformed("parameter set"))?;
            record.extend_from_slice(&length.to_be_bytes());
            record.extend_from_slice(set);
            Ok(())
        };
        for set in &self.sps {
            append(&mut record, set)?;
        }
        record.push(count(&self.pps, 255)?);
        for set in &self.pps {
            append(&mut record, set)?;
        }
        if sps::has_chroma_fields(profile) {
            // chroma_format_idc 1 (4:2:0), 8 bits of luma and of chroma, no SPS extensions: all we ever encode.
            record.extend_from_slice(&[0xfc | 1, 0xf8, 0xf8, 0]);
        }
        Ok(Arc::from(record))
    }

    /// The first sequence parameter set, read.
    pub(crate) fn facts(&self) -> Result<sps::SpsFacts, Error> {
        sps::read(self.sps.first().ok_or(Error::MalformedOutput { what: "sequence parameter set" })?)
    }
}

fn is_x264_banner(sei: &[u8]) -> bool {
    const USER_DATA_UNREGISTERED: u8 = 5;
    // One message: its type, its size in bytes of 255 and a last one, its UUID.
    let Some((&[_, USER_DATA_UNREGISTERED], rest)) = sei.split_first_chunk() else { return false };
    let size_bytes = rest.iter().take_while(|byte| **byte == 0xff).count() + 1;
    rest.get(size_bytes..).is_some_and(|payload| payload.starts_with(&X264_BANNER_UUID))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Constrained Baseline 640x360 as OpenH264 2.3 writes it.
    const SPS: [u8; 15] =
        [0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f, 0x08, 0x84, 0x6a];

    fn byte_stream(units: &[&[u8]]) -> Vec<u8> {
        let mut stream = Vec::new();
        for (number, unit) in units.iter().enumerate() {
            stream.extend_from_slice(if number == 0 { &[0, 0, 0, 1] } else { &[0, 0, 1] });
            stream.extend_from_slice(unit);
        }
        stream
    }

    #[test]
    fn parameter_sets_delimiters_and_the_banner_go_and_the_rest_stays() {
        let mut banner = vec![0x06, 0x05, 0xff, 0x10];
        banner.extend_from_slice(&X264_BANNER_UUID);
        banner.extend_from_slice(b"settings\x80");
        let captions = [0x06, 0x04, 0x03, 0xb5, 0x00, 0x31, 0x80];
        let filler = [0x0c, 0xff, 0xff, 0x80];
        let slice = [0x65, 0x88, 0x84];
        let pps = [0x68, 0xce, 0x3c, 0x80];
        let stream = byte_stream(&[&[0x09, 0xf0], &SPS, &pps, &banner, &captions, &slice, &filler]);
        let mut sets = ParameterSets::default();
        let (unit, changed) = sets.assemble(&stream).unwrap();
        assert!(changed && unit.is_idr && !unit.is_disposable);
        let mut expected = Vec::new();
        for kept in [&captions[..], &slice, &filler] {
            expected.extend_from_slice(&u32::try_from(kept.len()).unwrap().to_be_bytes());
            expected.extend_from_slice(kept);
        }
        assert_eq!(&*unit.data, &expected[..]);
        assert!(!sets.assemble(&stream).unwrap().1, "the same parameter sets again");

        let record = sets.decoder_config().unwrap();
        assert_eq!(record[..6], [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1]);
        let sps_length = usize::from(u16::from_be_bytes([record[6], record[7]]));
        assert_eq!(record[8 + sps_length..], [1, 0, 4, 0x68, 0xce, 0x3c, 0x80]);
    }

    #[test]
    fn disposable_pictures_are_seen() {
        let mut sets = ParameterSets::default();
        assert!(sets.assemble(&byte_stream(&[&[0x01, 0x9a]])).unwrap().0.is_disposable);
        assert!(!sets.assemble(&byte_stream(&[&[0x41, 0x9a]])).unwrap().0.is_disposable);
        assert!(sets.assemble(&byte_stream(&[&[0x06, 0x9a]])).is_err());
        assert!(sets.assemble(&[]).is_err());
        assert!(sets.decoder_config().is_err());
    }

    proptest! {
        #[test]
        fn what_was_joined_is_split_again(
            units in proptest::collection::vec(proptest::collection::vec(2u8..=255, 1..40), 0..10)
        ) {
            let parts: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
            let stream = byte_stream(&parts);
            prop_assert_eq!(split_byte_stream(&stream).collect::<Vec<_>>(), parts);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(0u8..10, 0..400)) {
            let mut sets = ParameterSets::default();
            let _ = sets.assemble(&bytes);
            let _ = sets.decoder_config();
        }
    }
}
