//! One packet or several in one message: the multitrack scheme that sound and pictures share (E-RTMP v2,
//! "AvMultitrackType").

use alloc::vec;
use alloc::vec::Vec;

use units::TrackId;

use super::FourCc;
use crate::cursor::{Cursor, u24_bytes};
use crate::error::{Error, Layer};

const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// The packets of a message. All packets of one message have the same packet type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tracks<P> {
    /// Not wrapped: track 0.
    Single {
        /// The codec.
        four_cc: FourCc,
        /// The packet.
        packet: P,
    },
    /// A packet of any one track: the only multitrack form that publishers send and IVS takes (IVS user guide,
    /// "Connect Using Enhanced RTMP").
    One {
        /// The codec.
        four_cc: FourCc,
        /// The track.
        track: TrackId,
        /// The packet.
        packet: P,
    },
    /// Packets of several tracks in one codec; at least one.
    Many {
        /// The codec.
        four_cc: FourCc,
        /// The packets.
        packets: Vec<(TrackId, P)>,
    },
    /// Packets of several tracks in codecs of their own; at least one.
    ManyCodecs {
        /// The packets.
        packets: Vec<(FourCc, TrackId, P)>,
    },
}

impl<P> Tracks<P> {
    /// Track, codec and packet, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = (TrackId, FourCc, &P)> {
        let packets: Vec<_> = match self {
            Self::Single { four_cc, packet } => vec![(TrackId::PRIMARY, *four_cc, packet)],
            Self::One { four_cc, track, packet } => vec![(*track, *four_cc, packet)],
            Self::Many { four_cc, packets } => {
                packets.iter().map(|(track, packet)| (*track, *four_cc, packet)).collect()
            }
            Self::ManyCodecs { packets } => {
                packets.iter().map(|(four_cc, track, packet)| (*track, *four_cc, packet)).collect()
            }
        };
        packets.into_iter()
    }

    /// Whether it is in multitrack form.
    pub const fn is_multitrack(&self) -> bool {
        !matches!(self, Self::Single { .. })
    }
}

/// What differs between sound and pictures.
pub(super) trait Packet<'a>: Sized {
    const LAYER: Layer;
    /// Packet type of the multitrack wrapper.
    const MULTITRACK: u8;

    fn packet_type(&self) -> u8;
    /// Decodes all of `body`.
    fn decode(packet_type: u8, four_cc: FourCc, body: &'a [u8]) -> Result<Self, Error>;
    fn encode(&self, four_cc: FourCc, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// A header whose packet type was resolved, up to where the packets start.
pub(super) enum Wrapper {
    Single,
    Multitrack { kind: u8 },
}

/// Reads the multitrack byte, if there is one; gives the packet type of the packets.
pub(super) fn decode_wrapper<'a, P: Packet<'a>>(
    cursor: &mut Cursor<'a>,
    packet_type: u8,
) -> Result<(Wrapper, u8), Error> {
    if packet_type != P::MULTITRACK {
        return Ok((Wrapper::Single, packet_type));
    }
    let types = cursor.u8().ok_or(Error::malformed(P::LAYER, "ends before the multitrack type"))?;
    if types & 0x0F == P::MULTITRACK {
        return Err(Error::malformed(P::LAYER, "multitrack within multitrack"));
    }
    Ok((Wrapper::Multitrack { kind: types >> 4 }, types & 0x0F))
}

/// Reads FourCC, track ids and packets up to the end of the message.
pub(super) fn decode_tracks<'a, P: Packet<'a>>(
    mut cursor: Cursor<'a>,
    wrapper: &Wrapper,
    packet_type: u8,
) -> Result<Tracks<P>, Error> {
    let ends_early = Error::malformed(P::LAYER, "ends before its packet");
    let four_cc = |cursor: &mut Cursor<'a>| cursor.four_cc().map(FourCc).ok_or(ends_early.clone());
    match wrapper {
        Wrapper::Single => {
            let four_cc = four_cc(&mut cursor)?;
            Ok(Tracks::Single { four_cc, packet: P::decode(packet_type, four_cc, cursor.rest())? })
        }
        Wrapper::Multitrack { kind: ONE_TRACK } => {
            let four_cc = four_cc(&mut cursor)?;
            let track = TrackId(cursor.u8().ok_or(ends_early.clone())?);
            Ok(Tracks::One { four_cc, track, packet: P::decode(packet_type, four_cc, cursor.rest())? })
        }
        Wrapper::Multitrack { kind: MANY_TRACKS } => {
            let four_cc = four_cc(&mut cursor)?;
            let mut packets = Vec::new();
            while packets.is_empty() || !cursor.is_empty() {
                packets.push(decode_sized(&mut cursor, packet_type, four_cc)?);
            }
            Ok(Tracks::Many { four_cc, packets })
        }
        Wrapper::Multitrack { kind: MANY_TRACKS_MANY_CODECS } => {
            let mut packets = Vec::new();
            while packets.is_empty() || !cursor.is_empty() {
                let four_cc = four_cc(&mut cursor)?;
                let (track, packet) = decode_sized(&mut cursor, packet_type, four_cc)?;
                packets.push((four_cc, track, packet));
            }
            Ok(Tracks::ManyCodecs { packets })
        }
        Wrapper::Multitrack { .. } => Err(Error::malformed(P::LAYER, "unknown multitrack type")),
    }
}

/// Track id, size in 24 bits, packet.
fn decode_sized<'a, P: Packet<'a>>(
    cursor: &mut Cursor<'a>,
    packet_type: u8,
    four_cc: FourCc,
) -> Result<(TrackId, P), Error> {
    let ends_early = Error::malformed(P::LAYER, "a track that ends early");
    let track = TrackId(cursor.u8().ok_or(ends_early.clone())?);
    let size = cursor.u24().and_then(|size| usize::try_from(size).ok()).ok_or(ends_early.clone())?;
    let body = cursor.take(size).ok_or(ends_early)?;
    Ok((track, P::decode(packet_type, four_cc, body)?))
}

/// Writes the multitrack byte, if one is due, and the packets; gives the packet type for the header in front.
pub(super) fn encode_tracks<'a, P: Packet<'a>>(tracks: &Tracks<P>, out: &mut Vec<u8>) -> Result<u8, Error> {
    let mut packets = tracks.iter();
    let (_, first_four_cc, first) =
        packets.next().ok_or(Error::Misused { reason: "a message without packets" })?;
    let packet_type = first.packet_type();
    if packets.any(|(_, _, packet)| packet.packet_type() != packet_type) {
        return Err(Error::Misused { reason: "packets of different types in one message" });
    }
    match tracks {
        Tracks::Single { four_cc, packet } => {
            out.extend_from_slice(&four_cc.0);
            packet.encode(*four_cc, out)?;
            return Ok(packet_type);
        }
        Tracks::One { four_cc, track, packet } => {
            out.push(ONE_TRACK << 4 | packet_type);
            out.extend_from_slice(&four_cc.0);
            out.push(track.0);
            packet.encode(*four_cc, out)?;
        }
        Tracks::Many { packets, .. } => {
            out.push(MANY_TRACKS << 4 | packet_type);
            out.extend_from_slice(&first_four_cc.0);
            for (track, packet) in packets {
                encode_sized(*track, first_four_cc, packet, out)?;
            }
        }
        Tracks::ManyCodecs { packets } => {
            out.push(MANY_TRACKS_MANY_CODECS << 4 | packet_type);
            for (four_cc, track, packet) in packets {
                out.extend_from_slice(&four_cc.0);
                encode_sized(*track, *four_cc, packet, out)?;
            }
        }
    }
    Ok(P::MULTITRACK)
}

fn encode_sized<'a, P: Packet<'a>>(
    track: TrackId,
    four_cc: FourCc,
    packet: &P,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut body = Vec::new();
    packet.encode(four_cc, &mut body)?;
    let size = u32::try_from(body.len()).ok().filter(|size| *size <= 0xFF_FFFF);
    let size = size.ok_or(Error::Misused { reason: "a track of over 16777215 bytes in one message" })?;
    out.push(track.0);
    out.extend_from_slice(&u24_bytes(size));
    out.extend_from_slice(&body);
    Ok(())
}
