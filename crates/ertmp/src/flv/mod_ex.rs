//! Modifiers in front of an enhanced header (E-RTMP v2, "ModEx").

use alloc::vec::Vec;

use crate::cursor::{Cursor, u24_bytes};
use crate::error::{Error, Layer};

/// Packet type of ModEx, the same for sound and pictures.
pub(super) const PACKET_TYPE: u8 = 7;

/// Type of the nanosecond offset.
const TIMESTAMP_OFFSET_NANO: u8 = 0;

/// Largest offset: the milliseconds are in the message header.
const MAX_OFFSET_NANOS: u32 = 999_999;

/// A modifier of the message it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModEx<'a> {
    /// Nanoseconds to add to the presentation time of this message, 0 to 999,999.
    TimestampOffsetNanos(u32),
    /// A modifier that came later.
    Other {
        /// Its type, 1 to 15.
        kind: u8,
        /// 1 to 65,536 bytes.
        data: &'a [u8],
    },
}

impl<'a> ModEx<'a> {
    /// Reads modifiers until `packet_type` is not that of ModEx any more; gives them and the packet type that follows.
    pub(super) fn decode_all(
        cursor: &mut Cursor<'a>,
        mut packet_type: u8,
        layer: Layer,
    ) -> Result<(Vec<Self>, u8), Error> {
        let ends_early = Error::malformed(layer, "a ModEx that ends early");
        let mut modifiers = Vec::new();
        while packet_type == PACKET_TYPE {
            let mut size = usize::from(cursor.u8().ok_or(ends_early.clone())?) + 1;
            if size == 256 {
                size = usize::from(cursor.u16().ok_or(ends_early.clone())?) + 1;
            }
            let data = cursor.take(size).ok_or(ends_early.clone())?;
            let types = cursor.u8().ok_or(ends_early.clone())?;
            packet_type = types & 0x0F;
            modifiers.push(match types >> 4 {
                TIMESTAMP_OFFSET_NANO => match Cursor::new(data).u24() {
                    Some(nanos) if nanos <= MAX_OFFSET_NANOS => Self::TimestampOffsetNanos(nanos),
                    _ => {
                        return Err(Error::malformed(layer, "a nanosecond offset outside of 0 to 999999"));
                    }
                },
                kind => Self::Other { kind, data },
            });
        }
        Ok((modifiers, packet_type))
    }

    /// Writes the modifiers and, in the last one, `packet_type`; gives the packet type that must stand in front of
    /// them.
    pub(super) fn encode_all(modifiers: &[Self], packet_type: u8, out: &mut Vec<u8>) -> Result<u8, Error> {
        for (number, modifier) in modifiers.iter().enumerate() {
            let next = if number + 1 == modifiers.len() { packet_type } else { PACKET_TYPE };
            let nanos;
            let (kind, data) = match *modifier {
                Self::TimestampOffsetNanos(offset) if offset <= MAX_OFFSET_NANOS => {
                    nanos = u24_bytes(offset);
                    (TIMESTAMP_OFFSET_NANO, nanos.as_slice())
                }
                Self::TimestampOffsetNanos(_) => {
                    return Err(Error::Misused { reason: "a nanosecond offset over 999999" });
                }
                Self::Other { kind: kind @ 1..=15, data } => (kind, data),
                Self::Other { .. } => {
                    return Err(Error::Misused { reason: "a ModEx type outside of 1 to 15" });
                }
            };
            let too_long = Error::Misused { reason: "a ModEx outside of 1 to 65536 bytes" };
            let size_less_one =
                data.len().checked_sub(1).and_then(|size| u16::try_from(size).ok()).ok_or(too_long)?;
            match u8::try_from(size_less_one) {
                Ok(size) if size < u8::MAX => out.push(size),
                _ => {
                    out.push(u8::MAX);
                    out.extend_from_slice(&size_less_one.to_be_bytes());
                }
            }
            out.extend_from_slice(data);
            out.push(kind << 4 | next);
        }
        Ok(if modifiers.is_empty() { packet_type } else { PACKET_TYPE })
    }
}
