//! A track's decoder configuration, and finding IDR pictures and new parameter sets in its pictures, for either code.

use units::{Size, VideoCodec};

use crate::Error;
use crate::parameter_set::{
    AvcDecoderConfig, ColourDescription, HevcDecoderConfig, HevcSequenceParameterSet, NAL_SPS,
    SequenceParameterSet, hevc,
};

/// `nal_unit_type` of a slice of an IDR picture (H.264, table 7-1).
const AVC_IDR: u8 = 5;

/// `nal_unit_type` of the slices of an IDR picture: with and without leading pictures (H.265, table 7-1).
const HEVC_IDR: [u8; 2] = [19, 20];

/// How a track's pictures are coded.
#[derive(Clone, Debug)]
pub(in crate::judge) struct Coding {
    pub(in crate::judge) codec: VideoCodec,
    /// Bytes of a NAL unit's length.
    pub(in crate::judge) length_size: u8,
    pub(in crate::judge) set: PictureSet,
}

/// What is judged of a sequence parameter set of either code.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::judge) struct PictureSet {
    pub(in crate::judge) size: Size,
    pub(in crate::judge) profile: String,
    /// Such as `3.1`.
    pub(in crate::judge) level: String,
    pub(super) chroma_format_idc: u8,
    pub(super) bit_depth_luma: u8,
    pub(super) progressive: bool,
    pub(super) colour: Option<ColourDescription>,
    /// H.264 Main or High, H.265 Main.
    pub(super) is_usual_profile: bool,
    /// Frames per second, when they are signalled.
    pub(in crate::judge) signalled_rate: Option<f64>,
}

/// What was found in a picture.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    /// The lengths of the NAL units fill the picture exactly.
    pub(super) whole: bool,
    pub(super) has_idr: bool,
    pub(super) new_set: Option<PictureSet>,
}

impl Coding {
    /// Reads the decoder configuration record of `codec`.
    pub(super) fn parse(codec: VideoCodec, record: &[u8]) -> Result<Self, Error> {
        let (length_size, set) = match codec {
            VideoCodec::Avc => {
                let config = AvcDecoderConfig::parse(record)?;
                (config.length_size, PictureSet::from(&config.sps))
            }
            VideoCodec::Hevc => {
                let config = HevcDecoderConfig::parse(record)?;
                (config.length_size, PictureSet::from(&config.sps))
            }
        };
        Ok(Self { codec, length_size, set })
    }

    pub(super) fn scan(&self, picture: &[u8]) -> Scan {
        let mut scan = Scan::default();
        scan.whole = for_each_nal_unit(picture, self.length_size, |nal_unit| {
            let Some(header) = nal_unit.first() else { return };
            match self.codec {
                VideoCodec::Avc => match header & 0b1_1111 {
                    AVC_IDR => scan.has_idr = true,
                    NAL_SPS => {
                        scan.new_set =
                            SequenceParameterSet::parse(nal_unit).ok().as_ref().map(PictureSet::from);
                    }
                    _ => {}
                },
                VideoCodec::Hevc => match header >> 1 & 0b11_1111 {
                    kind if HEVC_IDR.contains(&kind) => scan.has_idr = true,
                    hevc::NAL_SPS => {
                        scan.new_set =
                            HevcSequenceParameterSet::parse(nal_unit).ok().as_ref().map(PictureSet::from);
                    }
                    _ => {}
                },
            }
        });
        scan
    }
}

impl From<&SequenceParameterSet> for PictureSet {
    fn from(sps: &SequenceParameterSet) -> Self {
        Self {
            size: sps.size,
            profile: sps.profile_name(),
            level: format!("{}.{}", sps.level_idc / 10, sps.level_idc % 10),
            chroma_format_idc: sps.chroma_format_idc,
            bit_depth_luma: sps.bit_depth_luma,
            progressive: sps.progressive,
            colour: sps.colour,
            is_usual_profile: matches!(sps.profile_idc, 77 | 100),
            signalled_rate: sps.timing.and_then(|timing| timing.frames_per_second()),
        }
    }
}

impl From<&HevcSequenceParameterSet> for PictureSet {
    fn from(sps: &HevcSequenceParameterSet) -> Self {
        Self {
            size: sps.size,
            profile: sps.profile_name(),
            level: format!("{}.{}", sps.level_idc / 30, sps.level_idc % 30 / 3),
            chroma_format_idc: sps.chroma_format_idc,
            bit_depth_luma: sps.bit_depth_luma,
            progressive: sps.progressive,
            colour: sps.colour,
            is_usual_profile: sps.profile_idc == 1,
            signalled_rate: sps.timing.and_then(|timing| timing.frames_per_second()),
        }
    }
}

/// Calls `each` with every NAL unit behind its length of `length_size` bytes. `false` when the lengths do not fill
/// `data` exactly.
pub(in crate::judge) fn for_each_nal_unit(data: &[u8], length_size: u8, mut each: impl FnMut(&[u8])) -> bool {
    let mut rest = data;
    while !rest.is_empty() {
        let Some((length, after)) = rest.split_at_checked(usize::from(length_size)) else {
            return false;
        };
        let length = length.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        let Some((nal_unit, after)) = after.split_at_checked(length) else {
            return false;
        };
        each(nal_unit);
        rest = after;
    }
    true
}
