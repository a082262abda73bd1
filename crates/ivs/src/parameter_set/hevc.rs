//! `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 8.3.3.1) and the sequence parameter set inside (ITU-T H.265,
//! 7.3.2.2 and annex E.2.1).

mod reference_pictures;

use units::Size;

use super::{ColourDescription, LONGEST_SET, byte, read_crop, without_emulation_prevention};
use crate::Error;
use crate::bits::BitReader;

const WHAT: &str = "H.265 sequence parameter set";
const RECORD: &str = "HEVCDecoderConfigurationRecord";

/// `nal_unit_type` of a sequence parameter set (H.265, table 7-1).
pub(crate) const NAL_SPS: u8 = 33;

/// Bytes of the record in front of its arrays of parameter sets.
const RECORD_HEAD: usize = 23;

const EXTENDED_SAR: u32 = 255;

/// What the service judges of an H.265 sequence parameter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HevcSequenceParameterSet {
    /// `general_profile_idc`: 1 Main, 2 Main 10, 3 Main Still Picture, 4 range extensions, others above.
    pub profile_idc: u8,
    /// `general_tier_flag`: the High tier, with higher bitrates at the same level.
    pub high_tier: bool,
    /// `general_level_idc`: thirty times the level.
    pub level_idc: u8,
    /// `chroma_format_idc`: 1 is 4:2:0.
    pub chroma_format_idc: u8,
    /// Bits per luma sample.
    pub bit_depth_luma: u8,
    /// Size of the picture that is shown, after cropping.
    pub size: Size,
    /// Nothing says that fields are coded: neither the profile's source flags nor `field_seq_flag`.
    pub progressive: bool,
    /// Colours, when they are signalled.
    pub colour: Option<ColourDescription>,
    /// Frame rate, when it is signalled.
    pub timing: Option<HevcTiming>,
}

/// The frame rate as it is signalled: `time_scale / num_units_in_tick` pictures per second (H.265, annex E.3.1: a
/// tick is a picture here, and not a field as in H.264).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HevcTiming {
    /// `vui_num_units_in_tick`.
    pub num_units_in_tick: u32,
    /// `vui_time_scale` in Hz.
    pub time_scale: u32,
}

impl HevcTiming {
    /// Pictures per second; `None` when a part is zero.
    pub fn frames_per_second(&self) -> Option<f64> {
        (self.num_units_in_tick != 0 && self.time_scale != 0)
            .then(|| f64::from(self.time_scale) / f64::from(self.num_units_in_tick))
    }
}

/// What an `HEVCDecoderConfigurationRecord` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HevcDecoderConfig {
    /// Bytes of a NAL unit's length in the stream: 1, 2 or 4.
    pub length_size: u8,
    /// The first sequence parameter set.
    pub sps: HevcSequenceParameterSet,
    /// Video parameter sets in the record.
    pub vps_count: u16,
    /// Sequence parameter sets in the record.
    pub sps_count: u16,
    /// Picture parameter sets in the record.
    pub pps_count: u16,
}

impl HevcDecoderConfig {
    /// Reads `record`.
    ///
    /// # Errors
    /// [`Error::Malformed`] when record or set do not follow their standards, or the record has no sequence parameter
    /// set.
    pub fn parse(record: &[u8]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: RECORD, why };
        let cut = || malformed("it ends too early");
        let (head, mut rest) = record.split_at_checked(RECORD_HEAD).ok_or_else(cut)?;
        let &[version, .., lengths, arrays] = head else {
            return Err(cut());
        };
        if version != 1 {
            return Err(malformed("its version is not 1"));
        }
        let length_size = (lengths & 0b11) + 1;
        if length_size == 3 {
            return Err(malformed("NAL unit lengths of 3 bytes are not allowed"));
        }
        let mut first_set = None;
        let mut counts = [0u16; 3];
        for _ in 0..arrays {
            let &[kind, high, low, ref after @ ..] = rest else {
                return Err(cut());
            };
            rest = after;
            // Video, sequence and picture parameter sets have neighbouring types.
            let kind = kind & 0b11_1111;
            for _ in 0..u16::from_be_bytes([high, low]) {
                let &[high, low, ref after @ ..] = rest else {
                    return Err(cut());
                };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let (set, after) = after.split_at_checked(length).ok_or_else(cut)?;
                rest = after;
                if kind == NAL_SPS && first_set.is_none() {
                    first_set = Some(HevcSequenceParameterSet::parse(set)?);
                }
                if let Some(count) =
                    kind.checked_sub(NAL_SPS - 1).and_then(|at| counts.get_mut(usize::from(at)))
                {
                    *count = count.saturating_add(1);
                }
            }
        }
        let sps = first_set.ok_or_else(|| malformed("it holds no sequence parameter set"))?;
        let [vps_count, sps_count, pps_count] = counts;
        Ok(Self { length_size, sps, vps_count, sps_count, pps_count })
    }
}

impl HevcSequenceParameterSet {
    /// Reads a whole NAL unit, both header bytes included, without start code or length.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no sequence parameter set or does not follow the standard.
    pub fn parse(nal_unit: &[u8]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: WHAT, why };
        let [header, _layer, escaped @ ..] = nal_unit else {
            return Err(malformed("it is empty"));
        };
        if header >> 1 & 0b11_1111 != NAL_SPS {
            return Err(malformed("the NAL unit is of another type"));
        }
        if escaped.len() > LONGEST_SET {
            return Err(malformed("it is longer than any set can be"));
        }
        let payload = without_emulation_prevention(escaped);
        let mut bits = BitReader::new(&payload, WHAT);
        bits.unsigned(4)?; // sps_video_parameter_set_id
        let sub_layers = bits.unsigned(3)?;
        bits.flag()?; // sps_temporal_id_nesting_flag
        let level = ProfileTierLevel::read(&mut bits, sub_layers)?;
        bits.exp_golomb()?; // sps_seq_parameter_set_id
        let chroma = bits.exp_golomb()?;
        if chroma > 3 {
            return Err(malformed("the chroma format is unknown"));
        }
        if chroma == 3 {
            bits.flag()?; // separate_colour_plane_flag
        }
        let coded = [u64::from(bits.exp_golomb()?), u64::from(bits.exp_golomb()?)];
        let window = if bits.flag()? { read_crop(&mut bits)? } else { [0; 4] };
        let size = shown_size(coded, chroma, window)?;
        let depth = bits.exp_golomb()?;
        if depth > 8 || bits.exp_golomb()? > 8 {
            return Err(malformed("the bit depth is out of range"));
        }
        let usability = read_to_usability(&mut bits, sub_layers)?;
        Ok(Self {
            profile_idc: level.profile_idc,
            high_tier: level.high_tier,
            level_idc: level.level_idc,
            chroma_format_idc: chroma as u8,
            bit_depth_luma: 8 + depth as u8,
            size,
            progressive: level.progressive && !usability.fields,
            colour: usability.colour,
            timing: usability.timing,
        })
    }

    /// The profile's name as people know it.
    pub fn profile_name(&self) -> String {
        let named = match self.profile_idc {
            1 => "Main",
            2 => "Main 10",
            3 => "Main Still Picture",
            4 => "Rext",
            other => return format!("profile {other}"),
        };
        String::from(named)
    }
}

/// What `profile_tier_level()` says of the whole stream (H.265, 7.3.3).
struct ProfileTierLevel {
    profile_idc: u8,
    high_tier: bool,
    level_idc: u8,
    progressive: bool,
}

impl ProfileTierLevel {
    fn read(bits: &mut BitReader<'_>, sub_layers: u32) -> Result<Self, Error> {
        bits.unsigned(2)?; // general_profile_space
        let high_tier = bits.flag()?;
        // Five bits fit.
        let profile_idc = bits.unsigned(5)? as u8;
        bits.unsigned(32)?; // general_profile_compatibility_flags
        let (progressive_source, interlaced_source) = (bits.flag()?, bits.flag()?);
        bits.unsigned(32)?; // the other constraint flags
        bits.unsigned(14)?;
        let level_idc = byte(bits)?;
        let mut present = Vec::with_capacity(8);
        for _ in 0..sub_layers {
            present.push((bits.flag()?, bits.flag()?));
        }
        if sub_layers > 0 {
            bits.unsigned(2 * (8 - sub_layers))?; // reserved_zero_2bits
        }
        for (profile, level) in present {
            if profile {
                for _ in 0..11 {
                    bits.unsigned(8)?;
                }
            }
            if level {
                bits.unsigned(8)?;
            }
        }
        // Both flags at once, or none, leave it to each picture (H.265, 7.4.4).
        let progressive = progressive_source || !interlaced_source;
        Ok(Self { profile_idc, high_tier, level_idc, progressive })
    }
}

/// H.265, 7.4.3.2.1: the conformance window counts chroma samples.
fn shown_size(
    [width, height]: [u64; 2],
    chroma: u32,
    [left, right, top, bottom]: [u64; 4],
) -> Result<Size, Error> {
    let malformed = |why| Error::Malformed { what: WHAT, why };
    let (unit_x, unit_y) = match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    // All factors are below 2^34, so nothing overflows 64 bits.
    let width = width.checked_sub(unit_x * (left + right));
    let height = height.checked_sub(unit_y * (top + bottom));
    let (Some(width), Some(height)) = (width, height) else {
        return Err(malformed("more is cropped than there is"));
    };
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
        return Err(malformed("the picture is impossibly large"));
    };
    Size::new(width, height).map_err(|_| malformed("the picture is empty or impossibly large"))
}

/// What we keep of the video usability information.
#[derive(Default)]
struct UsabilityInformation {
    colour: Option<ColourDescription>,
    fields: bool,
    timing: Option<HevcTiming>,
}

/// Everything from `log2_max_pic_order_cnt_lsb_minus4` on, up to the timing.
fn read_to_usability(bits: &mut BitReader<'_>, sub_layers: u32) -> Result<UsabilityInformation, Error> {
    let malformed = |why| Error::Malformed { what: WHAT, why };
    let order_bits = bits.exp_golomb()?;
    if order_bits > 12 {
        return Err(malformed("picture order counts are too long"));
    }
    let ordered_layers = if bits.flag()? { sub_layers + 1 } else { 1 };
    for _ in 0..3 * ordered_layers {
        bits.exp_golomb()?; // buffering, reordering and latency of a sub-layer
    }
    for _ in 0..6 {
        bits.exp_golomb()?; // sizes of blocks, depths of transforms
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.flag()?; // amp_enabled_flag
    bits.flag()?; // sample_adaptive_offset_enabled_flag
    if bits.flag()? {
        bits.unsigned(8)?; // pcm sample depths
        bits.exp_golomb()?; // log2_min_pcm_luma_coding_block_size_minus3
        bits.exp_golomb()?; // log2_diff_max_min_pcm_luma_coding_block_size
        bits.flag()?; // pcm_loop_filter_disabled_flag
    }
    reference_pictures::skip_short_term_sets(bits)?;
    if bits.flag()? {
        let count = bits.exp_golomb()?;
        if count > 32 {
            return Err(malformed("there are too many long-term reference pictures"));
        }
        for _ in 0..count {
            bits.unsigned(order_bits + 4)?; // lt_ref_pic_poc_lsb_sps
            bits.flag()?; // used_by_curr_pic_lt_sps_flag
        }
    }
    bits.flag()?; // sps_temporal_mvp_enabled_flag
    bits.flag()?; // strong_intra_smoothing_enabled_flag
    if bits.flag()? { read_usability(bits) } else { Ok(UsabilityInformation::default()) }
}

/// H.265, 7.3.4.
fn skip_scaling_lists(bits: &mut BitReader<'_>) -> Result<(), Error> {
    for size in 0..4u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.exp_golomb()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            if size > 1 {
                bits.signed_exp_golomb()?; // scaling_list_dc_coef_minus8
            }
            for _ in 0..if size == 0 { 16 } else { 64 } {
                bits.signed_exp_golomb()?; // scaling_list_delta_coef
            }
        }
    }
    Ok(())
}

/// H.265, annex E.2.1, up to the timing.
fn read_usability(bits: &mut BitReader<'_>) -> Result<UsabilityInformation, Error> {
    if bits.flag()? && bits.unsigned(8)? == EXTENDED_SAR {
        bits.unsigned(32)?; // sar_width, sar_height
    }
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    let colour = if bits.flag()? { Some(super::usability_information::read_colour(bits)?) } else { None };
    if bits.flag()? {
        bits.exp_golomb()?; // chroma_sample_loc_type_top_field
        bits.exp_golomb()?; // chroma_sample_loc_type_bottom_field
    }
    bits.flag()?; // neutral_chroma_indication_flag
    let fields = bits.flag()?;
    bits.flag()?; // frame_field_info_present_flag
    if bits.flag()? {
        read_crop(bits)?; // default display window
    }
    let timing = if bits.flag()? {
        Some(HevcTiming { num_units_in_tick: bits.unsigned(32)?, time_scale: bits.unsigned(32)? })
    } else {
        None
    };
    Ok(UsabilityInformation { colour, fields, timing })
}

#[cfg(test)]
mod tests;
