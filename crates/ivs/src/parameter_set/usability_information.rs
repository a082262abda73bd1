//! Video usability information (ITU-T H.264, annex E.1.1): colours and timing.

use super::WHAT;
use crate::Error;
use crate::bits::BitReader;

/// How numbers become light (ITU-T H.264, annex E.2.1; the codes are those of ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColourDescription {
    /// Luma runs from 0 to 255 instead of 16 to 235.
    pub full_range: bool,
    /// `colour_primaries`: 1 is BT.709, 2 unspecified.
    pub primaries: u8,
    /// `transfer_characteristics`: 1 is BT.709, 2 unspecified.
    pub transfer: u8,
    /// `matrix_coefficients`: 1 is BT.709, 2 unspecified.
    pub matrix: u8,
}

impl ColourDescription {
    /// BT.709 in limited range: what the guide recommends ("Video Settings").
    pub const fn is_bt709_limited(&self) -> bool {
        !self.full_range && self.primaries == 1 && self.transfer == 1 && self.matrix == 1
    }
}

/// The frame rate as it is signalled: `time_scale / (2 x num_units_in_tick)` frames per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTiming {
    /// `num_units_in_tick`.
    pub num_units_in_tick: u32,
    /// `time_scale` in Hz.
    pub time_scale: u32,
    /// All frames are equally long.
    pub fixed_frame_rate: bool,
}

impl FrameTiming {
    /// Frames per second; `None` when a part is zero.
    pub fn frames_per_second(&self) -> Option<f64> {
        (self.num_units_in_tick != 0 && self.time_scale != 0)
            .then(|| f64::from(self.time_scale) / (2.0 * f64::from(self.num_units_in_tick)))
    }
}

/// What we keep.
#[derive(Default)]
pub(super) struct UsabilityInformation {
    pub(super) colour: Option<ColourDescription>,
    pub(super) timing: Option<FrameTiming>,
    pub(super) max_num_reorder_frames: Option<u32>,
}

const EXTENDED_SAR: u32 = 255;

pub(super) fn read(bits: &mut BitReader<'_>) -> Result<UsabilityInformation, Error> {
    if bits.flag()? && bits.unsigned(8)? == EXTENDED_SAR {
        bits.unsigned(32)?; // sar_width, sar_height
    }
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    let colour = if bits.flag()? { Some(read_colour(bits)?) } else { None };
    if bits.flag()? {
        bits.exp_golomb()?; // chroma_sample_loc_type_top_field
        bits.exp_golomb()?; // chroma_sample_loc_type_bottom_field
    }
    let timing = if bits.flag()? {
        Some(FrameTiming {
            num_units_in_tick: bits.unsigned(32)?,
            time_scale: bits.unsigned(32)?,
            fixed_frame_rate: bits.flag()?,
        })
    } else {
        None
    };
    let nal_hrd = bits.flag()?;
    if nal_hrd {
        skip_hypothetical_decoder(bits)?;
    }
    let vcl_hrd = bits.flag()?;
    if vcl_hrd {
        skip_hypothetical_decoder(bits)?;
    }
    if nal_hrd || vcl_hrd {
        bits.flag()?; // low_delay_hrd_flag
    }
    bits.flag()?; // pic_struct_present_flag
    let max_num_reorder_frames = if bits.flag()? {
        bits.flag()?; // motion_vectors_over_pic_boundaries_flag
        for _ in 0..4 {
            bits.exp_golomb()?; // largest picture, macroblock and motion vectors
        }
        Some(bits.exp_golomb()?)
    } else {
        None
    };
    Ok(UsabilityInformation { colour, timing, max_num_reorder_frames })
}

pub(super) fn read_colour(bits: &mut BitReader<'_>) -> Result<ColourDescription, Error> {
    bits.unsigned(3)?; // video_format
    let full_range = bits.flag()?;
    let mut codes = [2u8; 3];
    if bits.flag()? {
        for code in &mut codes {
            // Eight bits fit.
            *code = bits.unsigned(8)? as u8;
        }
    }
    let [primaries, transfer, matrix] = codes;
    Ok(ColourDescription { full_range, primaries, transfer, matrix })
}

/// Annex E.1.2.
fn skip_hypothetical_decoder(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let schedules = bits.exp_golomb()?;
    if schedules > 31 {
        return Err(Error::Malformed { what: WHAT, why: "too many buffer schedules" });
    }
    bits.unsigned(8)?; // scales
    for _ in 0..=schedules {
        bits.exp_golomb()?; // bit_rate_value_minus1
        bits.exp_golomb()?; // cpb_size_value_minus1
        bits.flag()?; // cbr_flag
    }
    bits.unsigned(20)?; // four lengths of five bits
    Ok(())
}
