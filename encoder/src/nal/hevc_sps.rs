//! Sequence parameter sets of H.265 (ITU-T H.265, 7.3.2.2 and annex E): what size and colour they promise, and making
//! them promise BT.709 in limited range, which not every encoder does by itself.

use super::bits::{BitWriter, Bits, escape, unescape};
use super::{BT709, SpsFacts};
use crate::Error;

/// Bytes of the NAL unit header.
const HEADER: usize = 2;
/// Sets of reference pictures in a sequence parameter set, at most (ITU-T H.265, 7.4.3.2.1).
const MOST_SETS: u32 = 64;
/// Pictures in one of them, at most: the decoded picture buffer holds 16 (ITU-T H.265, A.4.2).
const MOST_PICTURES: u32 = 16;

/// What a decoder configuration record repeats of a sequence parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layers {
    /// `general_profile_space` to `general_level_idc`.
    pub(super) profile_tier_level: [u8; 12],
    /// Temporal layers, 1 to 7.
    pub(super) count: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub(super) nest: bool,
}

/// The layers of a sequence parameter set NAL unit; `None` when it is too short.
pub(super) fn layers(nal: &[u8]) -> Option<Layers> {
    let payload = unescape(nal.get(HEADER..)?);
    let (first, rest) = payload.split_first()?;
    Some(Layers {
        profile_tier_level: *rest.first_chunk()?,
        count: (first >> 1 & 7).saturating_add(1).min(7),
        nest: first & 1 == 1,
    })
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
    if !parsed.has_vui {
        // No chroma location, neutral chroma, fields, field information, display window, timing, restriction.
        out.put(0, 7);
    }
    out.copy(&source, parsed.signal_end, parsed.end);
    // rbsp_trailing_bits
    out.put(1, 1);
    Ok(escape(nal.get(..HEADER).unwrap_or(&[0x42, 1]), &out.finish()))
}

struct Parsed {
    facts: SpsFacts,
    /// RBSP behind the NAL unit header.
    payload: Vec<u8>,
    has_vui: bool,
    /// Bit at which the signal type begins, or the VUI flag where there is no VUI.
    signal_start: usize,
    /// Bit behind the signal type, or behind the VUI flag.
    signal_end: usize,
    /// Bit of the stop bit.
    end: usize,
}

fn parse(nal: &[u8]) -> Option<Parsed> {
    let payload = unescape(nal.get(HEADER..)?);
    let last = payload.iter().rposition(|byte| *byte != 0)?;
    let end = last * 8 + 7 - usize::try_from(payload.get(last)?.trailing_zeros()).ok()?;
    let mut bits = Bits::new(&payload);
    bits.skip(4)?;
    let sub_layers = bits.take(3)?;
    bits.skip(1)?;
    let profile = profile_tier_level(&mut bits, sub_layers)?;
    bits.unsigned()?;
    let chroma_format = bits.unsigned()?;
    if chroma_format == 3 {
        bits.skip(1)?;
    }
    let (coded_width, coded_height) = (bits.unsigned()?, bits.unsigned()?);
    let mut window = [0u32; 4];
    if bits.flag()? {
        for side in &mut window {
            *side = bits.unsigned()?;
        }
    }
    // ITU-T H.265, table 6-1.
    let (unit_x, unit_y) = match chroma_format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let [left, right, top, bottom] = window;
    let shown = |coded: u32, before: u32, after: u32, unit: u32| {
        coded.checked_sub(before.checked_add(after)?.checked_mul(unit)?).filter(|side| *side > 0)
    };
    let width = shown(coded_width, left, right, unit_x)?;
    let height = shown(coded_height, top, bottom, unit_y)?;
    // Bit depths.
    bits.unsigned()?;
    bits.unsigned()?;
    let order_count_bits = bits.unsigned()?.checked_add(4).filter(|bits| *bits <= 16)?;
    let first_layer = if bits.flag()? { 0 } else { sub_layers };
    for _ in first_layer..=sub_layers {
        for _ in 0..3 {
            bits.unsigned()?;
        }
    }
    // Sizes of coding and transform blocks.
    for _ in 0..6 {
        bits.unsigned()?;
    }
    if bits.flag()? && bits.flag()? {
        scaling_lists(&mut bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.unsigned()?;
        bits.unsigned()?;
        bits.skip(1)?;
    }
    reference_picture_sets(&mut bits)?;
    if bits.flag()? {
        for _ in 0..bits.unsigned().filter(|count| *count <= 32)? {
            bits.take(order_count_bits)?;
            bits.skip(1)?;
        }
    }
    bits.skip(2)?;

    let mut signal_start = bits.at;
    let has_vui = bits.flag()?;
    let mut colour = None;
    if has_vui {
        // Sample aspect ratio 255 is written out in two numbers of 16 bits.
        if bits.flag()? && bits.take(8)? == 255 {
            bits.skip(32)?;
        }
        if bits.flag()? {
            bits.skip(1)?;
        }
        signal_start = bits.at;
        if bits.flag()? {
            bits.skip(3)?;
            let full_range = bits.flag()?;
            if bits.flag()? {
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

/// ITU-T H.265, 7.3.3. Gives `general_profile_idc`.
fn profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Option<u8> {
    bits.skip(3)?;
    let profile = u8::try_from(bits.take(5)?).ok()?;
    // Compatibility flags, constraint flags, level.
    bits.skip(32 + 48 + 8)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers > 0 {
        for _ in sub_layers..8 {
            bits.skip(2)?;
        }
    }
    for (has_profile, has_level) in present {
        bits.skip(if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 })?;
    }
    Some(profile)
}

/// ITU-T H.265, 7.3.4.
fn scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4u32 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !bits.flag()? {
                bits.unsigned()?;
                continue;
            }
            if size > 1 {
                bits.signed()?;
            }
            for _ in 0..64.min(1 << (4 + (size << 1))) {
                bits.signed()?;
            }
        }
    }
    Some(())
}

/// ITU-T H.265, 7.3.7 and 7.4.8. The sets must be made out, because how long one is depends on the one before.
fn reference_picture_sets(bits: &mut Bits<'_>) -> Option<()> {
    /// Distances to pictures before, the nearest first, and to pictures after.
    #[derive(Default)]
    struct Set {
        before: Vec<i64>,
        after: Vec<i64>,
    }
    let mut last = Set::default();
    for number in 0..bits.unsigned().filter(|count| *count <= MOST_SETS)? {
        let mut next = Set::default();
        if number > 0 && bits.flag()? {
            let sign = if bits.flag()? { -1 } else { 1 };
            let shift = sign * (i64::from(bits.unsigned()?) + 1);
            let mut used = Vec::new();
            for _ in 0..=last.before.len() + last.after.len() {
                let by_current = bits.flag()?;
                used.push(by_current || bits.flag()?);
            }
            let is_used = |place: usize| used.get(place).copied().unwrap_or(false);
            let moved = |list: &[i64], offset: usize| -> Vec<(usize, i64)> {
                list.iter().enumerate().map(|(place, delta)| (place + offset, delta + shift)).collect()
            };
            let own = (last.before.len() + last.after.len(), shift);
            let before = moved(&last.before, 0);
            let after = moved(&last.after, last.before.len());
            let nearest = |first: &[(usize, i64)], second: &[(usize, i64)], wanted: fn(i64) -> bool| {
                let first = first.iter().rev();
                let all = first.chain(std::iter::once(&own)).chain(second.iter());
                all.filter(|(place, delta)| is_used(*place) && wanted(*delta))
                    .map(|(_, delta)| *delta)
                    .collect()
            };
            next.before = nearest(&after, &before, |delta| delta < 0);
            next.after = nearest(&before, &after, |delta| delta > 0);
        } else {
            let counts = [bits.unsigned()?, bits.unsigned()?];
            if counts.iter().any(|count| *count > MOST_PICTURES) {
                return None;
            }
            for (count, sign, list) in [(counts[0], -1, &mut next.before), (counts[1], 1, &mut next.after)] {
                let mut delta = 0i64;
                for _ in 0..count {
                    delta += sign * (i64::from(bits.unsigned()?) + 1);
                    bits.skip(1)?;
                    list.push(delta);
                }
            }
        }
        if next.before.len() + next.after.len() > 2 * MOST_PICTURES as usize {
            return None;
        }
        last = next;
    }
    Some(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Main 642x362 with B-pictures, a scaling list and several reference picture sets, as x265 3.5 writes it.
    pub(crate) const WITHOUT_SIGNAL: &[u8] = &[
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
        0x3f, 0xa0, 0x05, 0x12, 0x01, 0x71, 0xc9, 0x26, 0x59, 0x59, 0x64, 0x93, 0x95, 0xe0, 0x2d, 0x00, 0x10,
        0x00,
    ];

    #[test]
    fn a_vui_is_added_where_there_is_none() {
        let Ok(before) = read(WITHOUT_SIGNAL) else { panic!("unreadable") };
        assert_eq!((before.profile, before.width, before.height, before.colour), (1, 642, 362, None));
        let after = signal_bt709(WITHOUT_SIGNAL).unwrap();
        let facts = read(&after).unwrap();
        assert_eq!(facts, SpsFacts { colour: Some((false, BT709)), ..before });
        assert_eq!(signal_bt709(&after).unwrap(), after, "nothing to do the second time");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = layers(&bytes);
            let _ = read(&bytes);
            let _ = signal_bt709(&bytes);
        }

        #[test]
        fn a_cut_or_bent_parameter_set_is_survived(length in 0usize..100, place in 0usize..60, bent in any::<u8>()) {
            let mut bytes = WITHOUT_SIGNAL[..length.min(WITHOUT_SIGNAL.len())].to_vec();
            if let Some(byte) = bytes.get_mut(place) {
                *byte = bent;
            }
            let _ = read(&bytes);
            let _ = signal_bt709(&bytes);
        }
    }
}
