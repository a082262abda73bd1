//! The messages as NAL units, and in access units.

use units::VideoCodec;

use super::{Metric, read};
use crate::Error;

/// Metrics of an access unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those before the first slice, in order.
    pub before_first_slice: Vec<Metric>,
    /// Those after it.
    pub after: Vec<Metric>,
    /// Messages that have the UUID of a metric and are not written as the guide says.
    pub malformed: Vec<Error>,
    /// Every metric was alone in its NAL unit (the guide, "Insert SEI/OBU Messages").
    pub own_nal_each: bool,
}

/// `payload_type` of `user_data_unregistered` (ITU-T H.264, D.1.1; ITU-T H.265, D.2.1).
const USER_DATA_UNREGISTERED: u8 = 5;

/// One SEI NAL unit with `payload` as its `user_data_unregistered` message, without start code and length: type 6 of
/// AVC (ITU-T H.264, 7.4.1), the prefix type 39 of HEVC (ITU-T H.265, 7.4.2.2) in layer 0.
pub fn sei_nal(codec: VideoCodec, payload: &[u8]) -> Vec<u8> {
    let mut nal = match codec {
        VideoCodec::Avc => vec![6],
        VideoCodec::Hevc => vec![39 << 1, 1],
    };
    let mut rbsp = vec![USER_DATA_UNREGISTERED];
    let mut size = payload.len();
    while size >= 255 {
        rbsp.push(255);
        size -= 255;
    }
    rbsp.push(u8::try_from(size).unwrap_or(0));
    rbsp.extend(payload);
    // The stop bit.
    rbsp.push(0x80);
    escape_into(&mut nal, &rbsp);
    nal
}

/// Appends `rbsp` with a 3 wherever two zeros would be followed by 3 or less (ITU-T H.264, 7.4.1).
fn escape_into(nal: &mut Vec<u8>, rbsp: &[u8]) {
    let mut zeros = 0;
    for byte in rbsp {
        if zeros >= 2 && *byte <= 3 {
            nal.push(3);
            zeros = 0;
        }
        nal.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
}

/// What [`escape_into`] was given.
fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut rbsp = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for byte in nal {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        rbsp.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    rbsp
}

/// What a NAL unit is, as far as it matters here (ITU-T H.264, table 7-1; ITU-T H.265, table 7-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Slice,
    Sei,
    Other,
}

fn kind(codec: VideoCodec, nal: &[u8]) -> Kind {
    let Some(first) = nal.first() else { return Kind::Other };
    match codec {
        VideoCodec::Avc => match first & 0x1f {
            1..=5 => Kind::Slice,
            6 => Kind::Sei,
            _ => Kind::Other,
        },
        VideoCodec::Hevc => match first >> 1 & 0x3f {
            0..=31 => Kind::Slice,
            39 | 40 => Kind::Sei,
            _ => Kind::Other,
        },
    }
}

/// NAL units of an access unit with 4-byte lengths, and where each begins.
struct NalUnits<'a> {
    unit: &'a [u8],
    at: usize,
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = Result<(usize, &'a [u8]), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.unit.get(self.at..).filter(|rest| !rest.is_empty())?;
        let begin = self.at;
        // After a fault nothing more can be found.
        self.at = self.unit.len();
        let broken = Error::Malformed { what: "access unit", why: "a NAL unit is longer than what is left" };
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Some(Err(broken)) };
        let nal = usize::try_from(u32::from_be_bytes(*length)).ok().and_then(|length| rest.get(..length));
        let Some(nal) = nal else { return Some(Err(broken)) };
        self.at = begin + 4 + nal.len();
        Some(Ok((begin, nal)))
    }
}

/// A copy of `unit` (NAL units behind 4-byte lengths) with `nals` before its first slice.
///
/// # Errors
/// [`Error::Malformed`] when the lengths do not add up or there is no slice.
pub fn insert_before_first_slice(codec: VideoCodec, unit: &[u8], nals: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut first = None;
    for found in (NalUnits { unit, at: 0 }) {
        let (at, nal) = found?;
        if first.is_none() && kind(codec, nal) == Kind::Slice {
            first = Some(at);
        }
    }
    let first = first.ok_or(Error::Malformed { what: "access unit", why: "it has no slice" })?;
    let (before, after) = unit.split_at(first);
    let added: usize = nals.iter().map(|nal| nal.len() + 4).sum();
    let mut whole = Vec::with_capacity(unit.len() + added);
    whole.extend(before);
    for nal in nals {
        let too_long = Error::Malformed { what: "SEI", why: "it has more than 4 GiB" };
        whole.extend(u32::try_from(nal.len()).map_err(|_| too_long)?.to_be_bytes());
        whole.extend(nal);
    }
    whole.extend(after);
    Ok(whole)
}

/// All metrics of an access unit (NAL units behind 4-byte lengths). Reads on as far as the unit makes sense.
pub fn find_in_unit(codec: VideoCodec, unit: &[u8]) -> Found {
    let mut found = Found { own_nal_each: true, ..Found::default() };
    let mut slice_seen = false;
    for (_, nal) in (NalUnits { unit, at: 0 }).flatten() {
        match kind(codec, nal) {
            Kind::Slice => slice_seen = true,
            Kind::Sei => found.look_into(codec, nal, slice_seen),
            Kind::Other => {}
        }
    }
    found
}

impl Found {
    fn look_into(&mut self, codec: VideoCodec, nal: &[u8], slice_seen: bool) {
        let header = match codec {
            VideoCodec::Avc => 1,
            VideoCodec::Hevc => 2,
        };
        let rbsp = unescape(nal.get(header..).unwrap_or_default());
        let messages = messages(&rbsp);
        let alone = messages.len() == 1;
        for (kind, payload) in messages {
            if kind != u32::from(USER_DATA_UNREGISTERED) {
                continue;
            }
            match read(payload) {
                Ok(Some(metric)) => {
                    self.own_nal_each &= alone;
                    if slice_seen { &mut self.after } else { &mut self.before_first_slice }.push(metric);
                }
                Ok(None) => {}
                Err(error) => self.malformed.push(error),
            }
        }
    }
}

/// Types and payloads of the messages of an SEI (ITU-T H.264, 7.3.2.3), as far as they are whole.
fn messages(rbsp: &[u8]) -> Vec<(u32, &[u8])> {
    let mut messages = Vec::new();
    let mut rest = rbsp;
    // What is left at the end is the stop bit alone.
    while rest.len() > 1 {
        let Some((kind, after)) = long_byte(rest) else { break };
        let Some((size, after)) = long_byte(after) else { break };
        let Some((payload, after)) = usize::try_from(size).ok().and_then(|size| after.split_at_checked(size))
        else {
            break;
        };
        messages.push((kind, payload));
        rest = after;
    }
    messages
}

/// A number in bytes of 255 and one that is less.
fn long_byte(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let more = bytes.iter().take_while(|byte| **byte == 255).count();
    let last = bytes.get(more)?;
    let value = u32::try_from(more).ok()?.checked_mul(255)?.checked_add(u32::from(*last))?;
    Some((value, bytes.get(more + 1..)?))
}
