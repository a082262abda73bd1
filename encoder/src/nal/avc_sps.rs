//! Sequence parameter sets of H.264 (ITU-T H.264, 7.3.2.1.1 and annex E): what size and colour they promise, and making them
//! promise BT.709 in limited range, which not every encoder does by itself.

use super::bits::{BitWriter, Bits, escape, unescape};
use super::{BT709, SpsFacts};
use crate::Error;

/// Whether a profile's parameter sets carry chroma format and bit depths (ITU-T H.264, 7.3.2.1.1).
pub(super) fn has_chroma_fields(profile: u8) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

/// Reads a sequence parameter set NAL unit.
///
/// # Errors
/// [`Error::MalformedOutput`] when it ends too early or is of a form we do not make.
pub(super) fn read(nal: &[u8]) -> Result<SpsFacts, Error> {
    parse(nal).map(|parsed| parsed.facts).ok_or(Error::MalformedOutput { what: "sequence parameter set" })
}

/// The sequence parameter set `nal` with BT.709 and limited range in its VUI; as it is where that is already said.
///
/// # Errors
/// As [`read`].
pub(super) fn signal_bt709(nal: &[u8]) -> Result<Vec<u8>, Error> {
    let malformed = Error::MalformedOutput { what: "sequence parameter set" };
    let Some(parsed) = parse(nal) else { return Err(malformed) };
    if parsed.facts.colour == Some((false, BT709)) {
        return Ok(nal.to_vec());
    }
    let source = Bits::new(&parsed.payload);
    let mut out = BitWriter::default();
    out.copy(&source, 0, parsed.signal_start);
    if !parsed.has_vui {
        // vui_parameters_present_flag itself, no aspect ratio, no overscan information.
        out.put(0b100, 3);
    }
    // video_signal_type_present_flag, video_format 5 (unspecified) in three bits, limited range, colour description
    // present.
    out.put(0b11_0101, 6);
    for value in BT709 {
        out.put(u32::from(value), 8);
    }
    if parsed.has_vui {
        out.copy(&source, parsed.signal_end, parsed.end);
    } else {
        // No chroma location, timing, NAL HRD, VCL HRD, picture structure or bitstream restriction.
        out.put(0, 6);
    }
    // rbsp_trailing_bits
    out.put(1, 1);
    Ok(escape(nal.get(..1).unwrap_or(&[0x67]), &out.finish()))
}

struct Parsed {
    facts: SpsFacts,
    /// RBSP behind the NAL unit header.
    payload: Vec<u8>,
    has_vui: bool,
    /// Bit at which the signal type begins, or the VUI flag where there is no VUI.
    signal_start: usize,
    /// Bit behind the signal type.
    signal_end: usize,
    /// Bit of the stop bit.
    end: usize,
}

fn parse(nal: &[u8]) -> Option<Parsed> {
    let payload = unescape(nal.get(1..)?);
    let last = payload.iter().rposition(|byte| *byte != 0)?;
    let end = last * 8 + 7 - usize::try_from(payload.get(last)?.trailing_zeros()).ok()?;
    let mut bits = Bits::new(&payload);
    let profile = u8::try_from(bits.take(8)?).ok()?;
    bits.take(16)?;
    bits.unsigned()?;
    let mut chroma_format = 1;
    if has_chroma_fields(profile) {
        chroma_format = bits.unsigned()?;
        if chroma_format == 3 {
            bits.take(1)?;
        }
        bits.unsigned()?;
        bits.unsigned()?;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.take(1)? == 1 {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.unsigned()?;
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?;
        }
        1 => {
            bits.take(1)?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.unsigned()?.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.take(1)?;
    let width_macroblocks = bits.unsigned()?.checked_add(1)?;
    let height_map_units = bits.unsigned()?.checked_add(1)?;
    let frames_only = bits.take(1)?;
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let mut crop = [0u32; 4];
    if bits.take(1)? == 1 {
        for side in &mut crop {
            *side = bits.unsigned()?;
        }
    }
    let (unit_x, unit_y) = match chroma_format {
        0 | 3 => (1, 2 - frames_only),
        2 => (2, 2 - frames_only),
        _ => (2, 2 * (2 - frames_only)),
    };
    let [left, right, top, bottom] = crop;
    let width = cropped(width_macroblocks.checked_mul(16)?, left, right, unit_x)?;
    let height = cropped(height_map_units.checked_mul(16 * (2 - frames_only))?, top, bottom, unit_y)?;

    let mut signal_start = bits.at;
    let has_vui = bits.take(1)? == 1;
    let mut colour = None;
    if has_vui {
        // Sample aspect ratio 255 is written out in two numbers of 16 bits.
        if bits.take(1)? == 1 && bits.take(8)? == 255 {
            bits.take(32)?;
        }
        if bits.take(1)? == 1 {
            bits.take(1)?;
        }
        signal_start = bits.at;
        if bits.take(1)? == 1 {
            bits.take(3)?;
            let full_range = bits.take(1)? == 1;
            if bits.take(1)? == 1 {
                let mut description = [0; 3];
                for value in &mut description {
                    *value = u8::try_from(bits.take(8)?).ok()?;
                }
                colour = Some((full_range, description));
            }
        }
    }
    let signal_end = bits.at;
    let facts = SpsFacts { profile, width, height, colour };
    (signal_end <= end).then_some(Parsed { facts, payload, has_vui, signal_start, signal_end, end })
}

fn cropped(coded: u32, before: u32, after: u32, unit: u32) -> Option<u32> {
    coded.checked_sub(before.checked_add(after)?.checked_mul(unit)?).filter(|side| *side > 0)
}

/// ITU-T H.264, 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + i64::from(bits.signed()?) + 256).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Constrained Baseline 640x360 as OpenH264 2.3 writes it.
    const WITHOUT_SIGNAL: [u8; 15] =
        [0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f, 0x08, 0x84, 0x6a];

    #[test]
    fn a_vui_is_added_where_there_is_none() {
        let Ok(before) = read(&WITHOUT_SIGNAL) else { panic!("unreadable") };
        let after = signal_bt709(&WITHOUT_SIGNAL).unwrap();
        let facts = read(&after).unwrap();
        assert_eq!(facts, SpsFacts { colour: Some((false, BT709)), ..before });
        assert_eq!(signal_bt709(&after).unwrap(), after, "nothing to do the second time");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes);
            let _ = signal_bt709(&bytes);
        }
    }
}
