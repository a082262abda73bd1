//! Short-term reference picture sets (ITU-T H.265, 7.3.7 and 7.4.8). Nothing of them is kept, but a set may be coded
//! as a difference to the one before, so each must be worked out to find the end of the next.

use super::WHAT;
use crate::Error;
use crate::bits::BitReader;

/// `num_short_term_ref_pic_sets` at most (7.4.3.2.1).
const MOST_SETS: u32 = 64;

/// Pictures in a set at most: `sps_max_dec_pic_buffering_minus1` is at most 15 (annex A.4.2).
const MOST_PICTURES: usize = 16;

/// Distances in output order, the nearest picture first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ReferenceSet {
    /// Shown before, all negative.
    before: Vec<i64>,
    /// Shown after, all positive.
    after: Vec<i64>,
}

pub(super) fn skip_short_term_sets(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let count = bits.exp_golomb()?;
    if count > MOST_SETS {
        return Err(Error::Malformed { what: WHAT, why: "there are too many reference picture sets" });
    }
    let mut newest = None;
    for _ in 0..count {
        newest = Some(ReferenceSet::read(bits, newest.as_ref())?);
    }
    Ok(())
}

impl ReferenceSet {
    /// Reads a set; all but the first may refer to the one `before` them.
    fn read(bits: &mut BitReader<'_>, before: Option<&Self>) -> Result<Self, Error> {
        let set = match before {
            Some(reference) if bits.flag()? => Self::read_difference(bits, reference)?,
            _ => Self::read_explicit(bits)?,
        };
        if set.before.len() + set.after.len() > MOST_PICTURES {
            return Err(too_many());
        }
        Ok(set)
    }

    fn read_explicit(bits: &mut BitReader<'_>) -> Result<Self, Error> {
        let counts = [bits.exp_golomb()? as usize, bits.exp_golomb()? as usize];
        if counts.into_iter().any(|count| count > MOST_PICTURES) {
            return Err(too_many());
        }
        let mut sides = [Vec::new(), Vec::new()];
        for ((side, count), sign) in sides.iter_mut().zip(counts).zip([-1, 1]) {
            let mut distance = 0i64;
            for _ in 0..count {
                distance += sign * (i64::from(bits.exp_golomb()?) + 1); // delta_poc_minus1
                bits.flag()?; // used_by_curr_pic_flag
                side.push(distance);
            }
        }
        let [before, after] = sides;
        Ok(Self { before, after })
    }

    /// The pictures of `reference`, and the picture it belongs to, moved by a distance; some are left out.
    fn read_difference(bits: &mut BitReader<'_>, reference: &Self) -> Result<Self, Error> {
        let negative = bits.flag()?;
        let magnitude = i64::from(bits.exp_golomb()?) + 1;
        let moved = if negative { -magnitude } else { magnitude };
        // One pair of flags per picture of the reference in its order, and one for the picture it belongs to.
        let mut kept = Vec::with_capacity(MOST_PICTURES + 1);
        for distance in reference.before.iter().chain(&reference.after).chain(&[0]) {
            let used = bits.flag()?;
            let keep = used || bits.flag()?;
            let distance = distance + moved;
            if keep && distance != 0 {
                kept.push(distance);
            }
        }
        let mut before: Vec<i64> = kept.iter().copied().filter(|distance| *distance < 0).collect();
        let mut after: Vec<i64> = kept.into_iter().filter(|distance| *distance > 0).collect();
        before.sort_unstable_by(|a, b| b.cmp(a));
        after.sort_unstable();
        Ok(Self { before, after })
    }
}

fn too_many() -> Error {
    Error::Malformed { what: WHAT, why: "a set has too many reference pictures" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what the reader reads.
    fn read_all(text: &str) -> Result<Vec<ReferenceSet>, Error> {
        let digits: Vec<u8> = text.bytes().filter(|digit| *digit != b' ').map(|digit| digit - b'0').collect();
        let bytes: Vec<u8> = digits
            .chunks(8)
            .map(|bits| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).copied().unwrap_or(0)))
            .collect();
        skip_short_term_sets(&mut BitReader::new(&bytes, WHAT))?;
        let mut bits = BitReader::new(&bytes, WHAT);
        let count = bits.exp_golomb()?;
        let mut sets: Vec<ReferenceSet> = Vec::new();
        for _ in 0..count {
            let set = ReferenceSet::read(&mut bits, sets.last())?;
            sets.push(set);
        }
        Ok(sets)
    }

    #[test]
    fn a_difference_moves_the_set_before() {
        // Two sets. The first: two before (-1, -3), one after (+2). The second: moved by -1; of -2, -4, +1 the second
        // is left out, and the picture itself, now at -1, is kept for later pictures.
        let sets =
            read_all("011 | 011 010 1 1 010 1 010 1 | 1 1 1 1 00 1 01".replace('|', "").as_str()).unwrap();
        assert_eq!(sets[0], ReferenceSet { before: vec![-1, -3], after: vec![2] });
        assert_eq!(sets[1], ReferenceSet { before: vec![-1, -2], after: vec![1] });
    }

    #[test]
    fn a_picture_moved_onto_the_present_one_is_gone() {
        // The first set: one before (-1). The second: moved by +1, both used: -1 becomes 0, the picture itself +1.
        let sets = read_all("011 010 1 1 1 1 0 1 1 1").unwrap();
        assert_eq!(sets[1], ReferenceSet { before: vec![], after: vec![1] });
    }

    #[test]
    fn too_much_is_refused() {
        // 65 sets; one set with 17 pictures before; one with 9 before and 8 after.
        let nines = "11".repeat(17);
        for text in ["0000001000010", "010 000010010 1", &format!("010 0001010 0001001 {nines}")] {
            let Err(Error::Malformed { why, .. }) = read_all(text) else { panic!("{text}") };
            assert!(why.contains("too many"), "{text}: {why}");
        }
    }
}
