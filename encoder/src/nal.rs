//! NAL units: from an encoder's byte stream (ITU-T H.264, annex B; ITU-T H.265, annex B) to length-prefixed access
//! units and the decoder configuration record (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1).

use std::sync::Arc;

use units::VideoCodec;

use crate::Error;

mod avc;
mod avc_sps;
mod bits;
mod hevc;
mod hevc_sps;

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
    /// Whether it holds a slice of an IDR.
    pub(crate) is_idr: bool,
    /// Whether no slice of it is referred to.
    pub(crate) is_disposable: bool,
}

/// What a sequence parameter set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpsFacts {
    /// `profile_idc`.
    pub(crate) profile: u8,
    /// Shown width in pixels.
    pub(crate) width: u32,
    /// Shown height in pixels.
    pub(crate) height: u32,
    /// `video_full_range_flag`, primaries, transfer and matrix, where they are signalled.
    pub(crate) colour: Option<(bool, [u8; 3])>,
}

/// ITU-R BT.709 in each of the three tables (ITU-T H.264, tables E-3 to E-5; ITU-T H.265, the same).
const BT709: [u8; 3] = [1, 1, 1];

/// What one NAL unit is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Video parameter set (H.265).
    Vps,
    /// Sequence parameter set.
    Sps,
    /// Picture parameter set.
    Pps,
    /// Left out: delimiters, ends of sequences, the encoder's own name.
    Noise,
    /// A piece of the picture.
    Slice { is_idr: bool, is_referred_to: bool },
    /// Kept as it is.
    Other,
}

/// The parameter sets of one encoder, as it last sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    codec: VideoCodec,
    /// Of H.265 only.
    vps: Vec<Vec<u8>>,
    sps: Vec<Vec<u8>>,
    pps: Vec<Vec<u8>>,
}

impl ParameterSets {
    /// None yet.
    pub(crate) const fn new(codec: VideoCodec) -> Self {
        Self { codec, vps: Vec::new(), sps: Vec::new(), pps: Vec::new() }
    }

    /// Takes the parameter sets out of an encoder's access unit and puts the rest into length-prefixed form. The
    /// second value says whether the parameter sets changed.
    ///
    /// # Errors
    /// [`Error::MalformedOutput`] for a sequence parameter set that can not be read, or an access unit without a
    /// slice.
    pub(crate) fn assemble(&mut self, byte_stream: &[u8]) -> Result<(Assembled, bool), Error> {
        let mut data = Vec::with_capacity(byte_stream.len() + 16);
        let (mut is_idr, mut has_slice, mut is_referred_to) = (false, false, false);
        let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
        let units: Vec<&[u8]> = split_byte_stream(byte_stream).collect();
        let part_of = match self.codec {
            VideoCodec::Avc => avc::part,
            VideoCodec::Hevc => hevc::part,
        };
        // An access unit of H.265 begins with its video parameter set, where it has one. x265enc of GStreamer 1.22 puts
        // a copy of all sets in front of the first, and behind it what happened to be in memory.
        let begin = units.iter().rposition(|unit| part_of(unit) == Part::Vps).unwrap_or(0);
        for unit in units.get(begin..).unwrap_or(&[]).iter().copied() {
            let part = part_of(unit);
            match part {
                Part::Noise => {}
                Part::Vps => push_new(&mut vps, unit.to_vec()),
                Part::Sps => {
                    let signalled = match self.codec {
                        VideoCodec::Avc => avc_sps::signal_bt709(unit)?,
                        VideoCodec::Hevc => hevc_sps::signal_bt709(unit)?,
                    };
                    push_new(&mut sps, signalled);
                }
                Part::Pps => push_new(&mut pps, unit.to_vec()),
                Part::Slice { .. } | Part::Other => {
                    let length =
                        u32::try_from(unit.len()).map_err(|_| Error::MalformedOutput { what: "NAL unit" })?;
                    data.extend_from_slice(&length.to_be_bytes());
                    data.extend_from_slice(unit);
                }
            }
            if let Part::Slice { is_idr: of_idr, is_referred_to: referred_to } = part {
                has_slice = true;
                is_idr |= of_idr;
                is_referred_to |= referred_to;
            }
        }
        if !has_slice {
            return Err(Error::MalformedOutput { what: "access unit without a slice" });
        }
        let mut changed = false;
        for (found, known) in [(vps, &mut self.vps), (sps, &mut self.sps), (pps, &mut self.pps)] {
            if !found.is_empty() && found != *known {
                *known = found;
                changed = true;
            }
        }
        Ok((Assembled { data: Arc::from(data), is_idr, is_disposable: !is_referred_to }, changed))
    }

    /// Whether there is what a decoder needs.
    pub(crate) fn are_complete(&self) -> bool {
        let has_vps = self.codec == VideoCodec::Avc || !self.vps.is_empty();
        has_vps && !(self.sps.is_empty() || self.pps.is_empty())
    }

    /// The `AVCDecoderConfigurationRecord` or `HEVCDecoderConfigurationRecord` of these parameter sets.
    ///
    /// # Errors
    /// [`Error::MalformedOutput`] while a parameter set is missing.
    pub(crate) fn decoder_config(&self) -> Result<Arc<[u8]>, Error> {
        if self.pps.is_empty() {
            return Err(Error::MalformedOutput { what: "picture parameter set" });
        }
        match self.codec {
            VideoCodec::Avc => avc::record(&self.sps, &self.pps),
            VideoCodec::Hevc => hevc::record(&self.vps, &self.sps, &self.pps),
        }
        .map(Arc::from)
    }

    /// The first sequence parameter set, read.
    pub(crate) fn facts(&self) -> Result<SpsFacts, Error> {
        let sps = self.sps.first().ok_or(Error::MalformedOutput { what: "sequence parameter set" })?;
        match self.codec {
            VideoCodec::Avc => avc_sps::read(sps),
            VideoCodec::Hevc => hevc_sps::read(sps),
        }
    }
}

fn push_new(sets: &mut Vec<Vec<u8>>, set: Vec<u8>) {
    if !sets.contains(&set) {
        sets.push(set);
    }
}

/// Appends a parameter set behind its length in two bytes.
fn append_set(record: &mut Vec<u8>, set: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(set.len()).map_err(|_| Error::MalformedOutput { what: "parameter set" })?;
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(set);
    Ok(())
}

/// Whether an SEI message of one kind, behind its NAL unit header, is user data under this UUID.
fn is_user_data_of(sei: &[u8], uuid: &[u8; 16]) -> bool {
    const USER_DATA_UNREGISTERED: u8 = 5;
    // One message: its type, its size in bytes of 255 and a last one, its UUID.
    let Some((&USER_DATA_UNREGISTERED, rest)) = sei.split_first() else { return false };
    let size_bytes = rest.iter().take_while(|byte| **byte == 0xff).count() + 1;
    rest.get(size_bytes..).is_some_and(|payload| payload.starts_with(uuid))
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
        banner.extend_from_slice(&avc::BANNER_UUID);
        banner.extend_from_slice(b"settings\x80");
        let captions = [0x06, 0x04, 0x03, 0xb5, 0x00, 0x31, 0x80];
        let filler = [0x0c, 0xff, 0xff, 0x80];
        let slice = [0x65, 0x88, 0x84];
        let pps = [0x68, 0xce, 0x3c, 0x80];
        let stream = byte_stream(&[&[0x09, 0xf0], &SPS, &pps, &banner, &captions, &slice, &filler]);
        let mut sets = ParameterSets::new(VideoCodec::Avc);
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
    fn what_lies_before_the_last_video_parameter_set_is_not_of_the_picture() {
        let (vps, pps) = ([0x40, 1, 0x0c], [0x44, 1, 0xc0, 0x73]);
        let (sps, slice) = (hevc_sps::tests::WITHOUT_SIGNAL, [0x28, 1, 0xaf]);
        let broken_pps = [0x44, 1, 0xc0, 0x73, 0xff, 0xf9];
        let (no_sps, no_slice) = ([0x42, 1, 0xff], [0x02, 1, 0x99]);
        let repeated = byte_stream(&[&vps, sps, &broken_pps, &no_sps, &no_slice, &vps, sps, &pps, &slice]);
        let clean = byte_stream(&[&[0x46, 1, 0x50], &vps, sps, &pps, &slice]);
        let mut sets = ParameterSets::new(VideoCodec::Hevc);
        let (unit, changed) = sets.assemble(&repeated).unwrap();
        assert!(changed && unit.is_idr && unit.data[..] == [0, 0, 0, 3, 0x28, 1, 0xaf]);
        let record = sets.decoder_config().unwrap();
        assert_eq!(sets.assemble(&clean).unwrap(), (unit, false));
        assert_eq!(record[record.len() - 9..], [0xa2, 0, 1, 0, 4, 0x44, 1, 0xc0, 0x73]);
    }

    #[test]
    fn disposable_pictures_are_seen() {
        let mut sets = ParameterSets::new(VideoCodec::Avc);
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
            let mut sets = ParameterSets::new(VideoCodec::Avc);
            let _ = sets.assemble(&bytes);
            let _ = sets.decoder_config();
        }
    }
}
