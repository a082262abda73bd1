//! Bodies of audio tags and messages (FLV 10.1, E.4.2; E-RTMP v2, "Enhanced Audio").

use alloc::vec::Vec;

use super::FourCc;
use super::mod_ex::ModEx;
use super::tracks::{Packet, Tracks, decode_tracks, decode_wrapper, encode_tracks};
use crate::cursor::Cursor;
use crate::error::{Error, Layer};

/// Sound format of AAC in the legacy header.
const FORMAT_AAC: u8 = 10;
/// Sound format that marks the enhanced header.
const FORMAT_EX_HEADER: u8 = 9;
/// Rate, size and channels in the legacy header, which are these for AAC whatever they are in truth (FLV 10.1,
/// E.4.2.1).
const AAC_FLAGS: u8 = 0x0F;

const AAC_SEQUENCE_HEADER: u8 = 0;
const AAC_RAW: u8 = 1;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const MULTICHANNEL_CONFIG: u8 = 4;
const MULTITRACK: u8 = 5;

const ORDER_UNSPECIFIED: u8 = 0;
const ORDER_NATIVE: u8 = 1;
const ORDER_CUSTOM: u8 = 2;

const ENDS_EARLY: Error = Error::malformed(Layer::Audio, "ends early");

/// The body of an audio tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioTag<'a> {
    /// No bytes at all, which means silence.
    Empty,
    /// With a sound format of FLV 10.1.
    Legacy(LegacyAudioTag<'a>),
    /// With the extended header of Enhanced RTMP.
    Enhanced(ExAudioTag<'a>),
}

/// A legacy audio tag: always track 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyAudioTag<'a> {
    /// Rate, sample size and channels as the lower half of the first byte; 15 for AAC.
    pub flags: u8,
    /// What it is.
    pub body: LegacyAudioBody<'a>,
}

/// What a legacy audio tag carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegacyAudioBody<'a> {
    /// An `AudioSpecificConfig`.
    AacSequenceHeader(&'a [u8]),
    /// A raw AAC frame.
    AacRaw(&'a [u8]),
    /// A codec of long ago.
    Other {
        /// Sound format, 0 to 15 but for 9 and 10.
        format: u8,
        /// Everything behind the first byte.
        data: &'a [u8],
    },
}

/// An enhanced audio tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExAudioTag<'a> {
    /// Modifiers, mostly none.
    pub mod_ex: Vec<ModEx<'a>>,
    /// What it is.
    pub body: ExAudioBody<'a>,
}

/// What an enhanced audio tag carries: one packet or several.
pub type ExAudioBody<'a> = Tracks<AudioPacket<'a>>;

/// A packet of one track (E-RTMP v2, "AudioPacketType").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioPacket<'a> {
    /// The decoder configuration of the codec; `AudioSpecificConfig` for AAC.
    SequenceStart(&'a [u8]),
    /// A frame of sound.
    CodedFrames(&'a [u8]),
    /// The track ends.
    SequenceEnd,
    /// Which channel is which.
    MultichannelConfig(ChannelLayout<'a>),
}

/// Which channel is which (E-RTMP v2, "AudioChannelOrder").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelLayout<'a> {
    /// Only their count is known.
    Unspecified {
        /// The count.
        channels: u8,
    },
    /// In the order of the bits of a mask.
    Native {
        /// The count.
        channels: u8,
        /// One bit for each position.
        mask: u32,
    },
    /// In an order of its own; at most 255.
    Custom {
        /// The position of each channel.
        positions: &'a [u8],
    },
}

impl<'a> AudioTag<'a> {
    /// Decodes the body of an audio tag or message.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything that breaks the grammar; a body must be used up to its last byte.
    pub fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(body);
        let Some(first) = cursor.u8() else {
            return Ok(Self::Empty);
        };
        let (format, low) = (first >> 4, first & 0x0F);
        if format != FORMAT_EX_HEADER {
            let body = LegacyAudioBody::decode(&mut cursor, format)?;
            return Ok(Self::Legacy(LegacyAudioTag { flags: low, body }));
        }
        let (mod_ex, packet_type) = ModEx::decode_all(&mut cursor, low, Layer::Audio)?;
        let (wrapper, packet_type) = decode_wrapper::<AudioPacket<'_>>(&mut cursor, packet_type)?;
        let body = decode_tracks(cursor, &wrapper, packet_type)?;
        Ok(Self::Enhanced(ExAudioTag { mod_ex, body }))
    }

    /// The body as bytes.
    ///
    /// # Errors
    /// [`Error::Misused`] for values that have no form on the wire, as said at each field.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Empty => Ok(Vec::new()),
            Self::Legacy(tag) => tag.encode(),
            Self::Enhanced(tag) => tag.encode(),
        }
    }

    /// A legacy tag of AAC.
    pub const fn legacy_aac(body: LegacyAudioBody<'a>) -> Self {
        Self::Legacy(LegacyAudioTag { flags: AAC_FLAGS, body })
    }
}

impl<'a> LegacyAudioBody<'a> {
    fn decode(cursor: &mut Cursor<'a>, format: u8) -> Result<Self, Error> {
        if format != FORMAT_AAC {
            return Ok(Self::Other { format, data: cursor.rest() });
        }
        match cursor.u8().ok_or(ENDS_EARLY)? {
            AAC_SEQUENCE_HEADER => Ok(Self::AacSequenceHeader(cursor.rest())),
            AAC_RAW => Ok(Self::AacRaw(cursor.rest())),
            _ => Err(Error::malformed(Layer::Audio, "unknown AAC packet type")),
        }
    }
}

impl LegacyAudioTag<'_> {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let (format, packet_type, data) = match self.body {
            LegacyAudioBody::AacSequenceHeader(data) => (FORMAT_AAC, Some(AAC_SEQUENCE_HEADER), data),
            LegacyAudioBody::AacRaw(data) => (FORMAT_AAC, Some(AAC_RAW), data),
            LegacyAudioBody::Other { format: FORMAT_AAC | FORMAT_EX_HEADER | 0x10.., .. } => {
                return Err(Error::Misused { reason: "a sound format that is none of the old ones" });
            }
            LegacyAudioBody::Other { format, data } => (format, None, data),
        };
        if self.flags > 0x0F {
            return Err(Error::Misused { reason: "sound flags over 15" });
        }
        let mut out = Vec::with_capacity(2 + data.len());
        out.push(format << 4 | self.flags);
        out.extend(packet_type);
        out.extend_from_slice(data);
        Ok(out)
    }
}

impl ExAudioTag<'_> {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let packet_type = encode_tracks(&self.body, &mut body)?;
        let mut modifiers = Vec::new();
        let packet_type = ModEx::encode_all(&self.mod_ex, packet_type, &mut modifiers)?;
        let mut out = Vec::with_capacity(1 + modifiers.len() + body.len());
        out.push(FORMAT_EX_HEADER << 4 | packet_type);
        out.extend_from_slice(&modifiers);
        out.extend_from_slice(&body);
        Ok(out)
    }
}

impl<'a> Packet<'a> for AudioPacket<'a> {
    const LAYER: Layer = Layer::Audio;
    const MULTITRACK: u8 = MULTITRACK;

    fn packet_type(&self) -> u8 {
        match self {
            Self::SequenceStart(_) => SEQUENCE_START,
            Self::CodedFrames(_) => CODED_FRAMES,
            Self::SequenceEnd => SEQUENCE_END,
            Self::MultichannelConfig(_) => MULTICHANNEL_CONFIG,
        }
    }

    fn decode(packet_type: u8, _four_cc: FourCc, body: &'a [u8]) -> Result<Self, Error> {
        match packet_type {
            SEQUENCE_START => Ok(Self::SequenceStart(body)),
            CODED_FRAMES => Ok(Self::CodedFrames(body)),
            SEQUENCE_END if body.is_empty() => Ok(Self::SequenceEnd),
            SEQUENCE_END => Err(Error::malformed(Layer::Audio, "bytes behind the end")),
            MULTICHANNEL_CONFIG => ChannelLayout::decode(body).map(Self::MultichannelConfig),
            _ => Err(Error::malformed(Layer::Audio, "unknown packet type")),
        }
    }

    fn encode(&self, _four_cc: FourCc, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::SequenceStart(data) | Self::CodedFrames(data) => out.extend_from_slice(data),
            Self::SequenceEnd => {}
            Self::MultichannelConfig(layout) => layout.encode(out)?,
        }
        Ok(())
    }
}

impl<'a> ChannelLayout<'a> {
    fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(body);
        let order = cursor.u8().ok_or(ENDS_EARLY)?;
        let channels = cursor.u8().ok_or(ENDS_EARLY)?;
        let layout = match order {
            ORDER_UNSPECIFIED => Self::Unspecified { channels },
            ORDER_NATIVE => Self::Native { channels, mask: cursor.u32().ok_or(ENDS_EARLY)? },
            ORDER_CUSTOM => Self::Custom { positions: cursor.take(usize::from(channels)).ok_or(ENDS_EARLY)? },
            _ => return Err(Error::malformed(Layer::Audio, "unknown channel order")),
        };
        if cursor.is_empty() {
            Ok(layout)
        } else {
            Err(Error::malformed(Layer::Audio, "bytes behind the end"))
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        match *self {
            Self::Unspecified { channels } => out.extend_from_slice(&[ORDER_UNSPECIFIED, channels]),
            Self::Native { channels, mask } => {
                out.extend_from_slice(&[ORDER_NATIVE, channels]);
                out.extend_from_slice(&mask.to_be_bytes());
            }
            Self::Custom { positions } => {
                let channels = u8::try_from(positions.len())
                    .map_err(|_| Error::Misused { reason: "over 255 channels" })?;
                out.extend_from_slice(&[ORDER_CUSTOM, channels]);
                out.extend_from_slice(positions);
            }
        }
        Ok(())
    }
}
