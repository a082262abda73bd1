//! `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1) and the sequence parameter set inside
//! (ITU-T H.264, 7.3.2.1.1 and annex E.1.1), and the same of H.265 in [`hevc`]: what a service learns about a picture
//! before the first one.

pub(crate) mod hevc;
mod usability_information;

use units::Size;

use crate::Error;
use crate::bits::BitReader;

pub use hevc::{HevcDecoderConfig, HevcSequenceParameterSet, HevcTiming};
pub use usability_information::{ColourDescription, FrameTiming};

const WHAT: &str = "H.264 sequence parameter set";
const RECORD: &str = "AVCDecoderConfigurationRecord";

/// Parameter sets are tens of bytes; one longer than this is an attack or a mistake.
const LONGEST_SET: usize = 64 * 1024;

/// `nal_unit_type` of a sequence parameter set (H.264, table 7-1).
pub(crate) const NAL_SPS: u8 = 7;

/// Profiles whose sets carry chroma format, bit depth and scaling lists (H.264, 7.3.2.1.1).
const HIGH_PROFILES: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// What the service judges of an H.264 sequence parameter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceParameterSet {
    /// `profile_idc`: 66 Baseline, 77 Main, 88 Extended, 100 High, others above.
    pub profile_idc: u8,
    /// The `constraint_set` flags, flag 0 in the highest bit.
    pub constraint_flags: u8,
    /// `level_idc`: ten times the level.
    pub level_idc: u8,
    /// `chroma_format_idc`: 1 is 4:2:0.
    pub chroma_format_idc: u8,
    /// Bits per luma sample.
    pub bit_depth_luma: u8,
    /// Size of the picture that is shown, after cropping.
    pub size: Size,
    /// No field is ever coded: `frame_mbs_only_flag`.
    pub progressive: bool,
    /// Colours, when they are signalled.
    pub colour: Option<ColourDescription>,
    /// Frame rate, when it is signalled.
    pub timing: Option<FrameTiming>,
    /// Most pictures that are shown after one that was decoded later; `None` when it is not signalled.
    pub max_num_reorder_frames: Option<u32>,
}

/// What an `AVCDecoderConfigurationRecord` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcDecoderConfig {
    /// Bytes of a NAL unit's length in the stream: 1, 2 or 4.
    pub length_size: u8,
    /// The first sequence parameter set.
    pub sps: SequenceParameterSet,
    /// Sequence parameter sets in the record.
    pub sps_count: u8,
    /// Picture parameter sets in the record.
    pub pps_count: u8,
}

impl AvcDecoderConfig {
    /// Reads `record`.
    ///
    /// # Errors
    /// [`Error::Malformed`] when record or set do not follow their standards, or the record has no sequence parameter
    /// set.
    pub fn parse(record: &[u8]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: RECORD, why };
        let [version, _profile, _compatibility, _level, length_size, sps_count, rest @ ..] = record else {
            return Err(malformed("it ends too early"));
        };
        if *version != 1 {
            return Err(malformed("its version is not 1"));
        }
        let length_size = (length_size & 0b11) + 1;
        if length_size == 3 {
            return Err(malformed("NAL unit lengths of 3 bytes are not allowed"));
        }
        let sps_count = sps_count & 0b1_1111;
        let mut rest = rest;
        let mut first_set = None;
        for _ in 0..sps_count {
            let (set, after) = take_set(rest)?;
            rest = after;
            if first_set.is_none() {
                first_set = Some(SequenceParameterSet::parse(set)?);
            }
        }
        let sps = first_set.ok_or_else(|| malformed("it holds no sequence parameter set"))?;
        let (pps_count, mut rest) = rest.split_first().ok_or_else(|| malformed("it ends too early"))?;
        for _ in 0..*pps_count {
            rest = take_set(rest)?.1;
        }
        Ok(Self { length_size, sps, sps_count, pps_count: *pps_count })
    }
}

fn take_set(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let cut = || Error::Malformed { what: RECORD, why: "a parameter set reaches beyond its end" };
    let [high, low, rest @ ..] = bytes else {
        return Err(cut());
    };
    rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low]))).ok_or_else(cut)
}

impl SequenceParameterSet {
    /// Reads a whole NAL unit, header byte included, without start code or length.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no sequence parameter set or does not follow the standard.
    pub fn parse(nal_unit: &[u8]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: WHAT, why };
        let (header, escaped) = nal_unit.split_first().ok_or_else(|| malformed("it is empty"))?;
        if header & 0b1_1111 != NAL_SPS {
            return Err(malformed("the NAL unit is of another type"));
        }
        if escaped.len() > LONGEST_SET {
            return Err(malformed("it is longer than any set can be"));
        }
        let payload = without_emulation_prevention(escaped);
        let mut bits = BitReader::new(&payload, WHAT);
        let profile_idc = byte(&mut bits)?;
        let constraint_flags = byte(&mut bits)?;
        let level_idc = byte(&mut bits)?;
        bits.exp_golomb()?; // seq_parameter_set_id
        let sampling = Sampling::read(&mut bits, profile_idc)?;
        read_picture_order(&mut bits)?;
        bits.exp_golomb()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let width_mbs = u64::from(bits.exp_golomb()?) + 1;
        let height_map_units = u64::from(bits.exp_golomb()?) + 1;
        let progressive = bits.flag()?;
        if !progressive {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let crop = if bits.flag()? { read_crop(&mut bits)? } else { [0; 4] };
        let size = shown_size(width_mbs, height_map_units, progressive, &sampling, crop)?;
        let usability =
            if bits.flag()? { usability_information::read(&mut bits)? } else { Default::default() };
        Ok(Self {
            profile_idc,
            constraint_flags,
            level_idc,
            chroma_format_idc: sampling.chroma_format_idc,
            bit_depth_luma: sampling.bit_depth_luma,
            size,
            progressive,
            colour: usability.colour,
            timing: usability.timing,
            max_num_reorder_frames: usability.max_num_reorder_frames,
        })
    }

    /// The profile's name as people know it.
    pub fn profile_name(&self) -> String {
        let named = match self.profile_idc {
            // constraint_set1_flag makes Baseline decodable by Main (H.264, A.2.1).
            66 if self.constraint_flags & 0x40 != 0 => "Constrained Baseline",
            66 => "Baseline",
            77 => "Main",
            88 => "Extended",
            100 => "High",
            110 => "High 10",
            122 => "High 4:2:2",
            244 => "High 4:4:4 Predictive",
            other => return format!("profile {other}"),
        };
        String::from(named)
    }
}

/// Sample structure of the picture.
struct Sampling {
    chroma_format_idc: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
}

impl Sampling {
    fn read(bits: &mut BitReader<'_>, profile_idc: u8) -> Result<Self, Error> {
        let mut sampling = Self { chroma_format_idc: 1, separate_planes: false, bit_depth_luma: 8 };
        if !HIGH_PROFILES.contains(&profile_idc) {
            return Ok(sampling);
        }
        let chroma = bits.exp_golomb()?;
        if chroma > 3 {
            return Err(Error::Malformed { what: WHAT, why: "the chroma format is unknown" });
        }
        sampling.chroma_format_idc = chroma as u8;
        if chroma == 3 {
            sampling.separate_planes = bits.flag()?;
        }
        let depth = bits.exp_golomb()?;
        if depth > 6 || bits.exp_golomb()? > 6 {
            return Err(Error::Malformed { what: WHAT, why: "the bit depth is out of range" });
        }
        sampling.bit_depth_luma = 8 + depth as u8;
        bits.flag()?; // qpprime_y_zero_transform_bypass_flag
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(sampling)
    }
}

/// H.264, 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut BitReader<'_>, entries: u32) -> Result<(), Error> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..entries {
        if next != 0 {
            next = last.wrapping_add(bits.signed_exp_golomb()?) & 0xff;
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn read_picture_order(bits: &mut BitReader<'_>) -> Result<(), Error> {
    bits.exp_golomb()?; // log2_max_frame_num_minus4
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.flag()?; // delta_pic_order_always_zero_flag
            bits.signed_exp_golomb()?; // offset_for_non_ref_pic
            bits.signed_exp_golomb()?; // offset_for_top_to_bottom_field
            let frames = bits.exp_golomb()?;
            if frames > 255 {
                return Err(Error::Malformed { what: WHAT, why: "the picture order cycle is too long" });
            }
            for _ in 0..frames {
                bits.signed_exp_golomb()?; // offset_for_ref_frame
            }
        }
        2 => {}
        _ => {
            return Err(Error::Malformed { what: WHAT, why: "the picture order type is unknown" });
        }
    }
    Ok(())
}

/// Left, right, top, bottom.
fn read_crop(bits: &mut BitReader<'_>) -> Result<[u64; 4], Error> {
    let mut crop = [0; 4];
    for side in &mut crop {
        *side = u64::from(bits.exp_golomb()?);
    }
    Ok(crop)
}

/// H.264, 7.4.2.1.1: equations 7-13 to 7-22.
fn shown_size(
    width_mbs: u64,
    height_map_units: u64,
    progressive: bool,
    sampling: &Sampling,
    [left, right, top, bottom]: [u64; 4],
) -> Result<Size, Error> {
    let malformed = |why| Error::Malformed { what: WHAT, why };
    let field_factor = if progressive { 1 } else { 2 };
    let (unit_x, unit_y) = match sampling.chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let (unit_x, unit_y) = if sampling.separate_planes { (1, 1) } else { (unit_x, unit_y) };
    // All factors are below 2^33, so nothing overflows 64 bits.
    let width = (width_mbs * 16).checked_sub(unit_x * (left + right));
    let height = (height_map_units * 16 * field_factor).checked_sub(unit_y * field_factor * (top + bottom));
    let (Some(width), Some(height)) = (width, height) else {
        return Err(malformed("more is cropped than there is"));
    };
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
        return Err(malformed("the picture is impossibly large"));
    };
    Size::new(width, height).map_err(|_| malformed("the picture is empty or impossibly large"))
}

fn byte(bits: &mut BitReader<'_>) -> Result<u8, Error> {
    // Eight bits fit.
    Ok(bits.unsigned(8)? as u8)
}

/// Removes the 3 from every 0, 0, 3 (H.264, 7.4.1).
fn without_emulation_prevention(escaped: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(escaped.len());
    let mut zeros = 0;
    for &byte in escaped {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
mod tests;
