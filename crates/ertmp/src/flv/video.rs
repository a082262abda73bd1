//! Bodies of video tags and messages (FLV 10.1, E.4.3; E-RTMP v2, "Enhanced Video").

use alloc::vec::Vec;

use super::FourCc;
use super::mod_ex::ModEx;
use super::tracks::{Packet, Tracks, decode_tracks, decode_wrapper, encode_tracks};
use crate::cursor::{Cursor, i24_bytes};
use crate::error::{Error, Layer};

/// Codec id of H.264 in the legacy header.
const CODEC_AVC: u8 = 7;
/// Bit of the first byte that marks the enhanced header.
const IS_EX_HEADER: u8 = 0x80;

const AVC_SEQUENCE_HEADER: u8 = 0;
const AVC_NAL_UNITS: u8 = 1;
const AVC_SEQUENCE_END: u8 = 2;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MPEG2_TS_SEQUENCE_START: u8 = 5;
const MULTITRACK: u8 = 6;

const ENDS_EARLY: Error = Error::malformed(Layer::Video, "ends early");

/// How a picture depends on others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// Decoding can start here.
    Key,
    /// Needs earlier pictures.
    Inter,
    /// Nothing needs it.
    Disposable,
    /// A key frame that a server made; reserved.
    GeneratedKey,
    /// No picture but a command.
    Command,
    /// 0, 6 or 7; 0 is customary in front of metadata, where it means nothing.
    Other(u8),
}

impl FrameType {
    const fn from_bits(bits: u8) -> Self {
        match bits & 0x07 {
            1 => Self::Key,
            2 => Self::Inter,
            3 => Self::Disposable,
            4 => Self::GeneratedKey,
            5 => Self::Command,
            other => Self::Other(other),
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Key => 1,
            Self::Inter => 2,
            Self::Disposable => 3,
            Self::GeneratedKey => 4,
            Self::Command => 5,
            Self::Other(bits) => bits & 0x07,
        }
    }
}

/// A command in place of a picture, about seeking at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VideoCommand(pub u8);

impl VideoCommand {
    /// Seeking has begun.
    pub const START_SEEK: Self = Self(0);
    /// Seeking has ended.
    pub const END_SEEK: Self = Self(1);
}

/// The body of a video tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoTag<'a> {
    /// With a codec id of FLV 10.1.
    Legacy(LegacyVideoTag<'a>),
    /// With the extended header of Enhanced RTMP.
    Enhanced(ExVideoTag<'a>),
}

/// A legacy video tag: always track 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyVideoTag<'a> {
    /// How it depends on others.
    pub frame_type: FrameType,
    /// What it is.
    pub body: LegacyVideoBody<'a>,
}

/// What a legacy video tag carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegacyVideoBody<'a> {
    /// An `AVCDecoderConfigurationRecord`.
    AvcSequenceHeader(&'a [u8]),
    /// NAL units behind their lengths.
    AvcNalUnits {
        /// Presentation less decoding time in milliseconds, 24 bits with sign.
        composition_offset_ms: i32,
        /// The NAL units.
        data: &'a [u8],
    },
    /// The stream of H.264 ends.
    AvcSequenceEnd,
    /// With [`FrameType::Command`], in any codec.
    Command {
        /// The codec id, 0 to 15.
        codec_id: u8,
        /// The command.
        command: VideoCommand,
    },
    /// A codec of long ago.
    Other {
        /// The codec id, 0 to 15 but for 7.
        codec_id: u8,
        /// Everything behind the first byte.
        data: &'a [u8],
    },
}

/// An enhanced video tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExVideoTag<'a> {
    /// How it depends on others.
    pub frame_type: FrameType,
    /// Modifiers, mostly none.
    pub mod_ex: Vec<ModEx<'a>>,
    /// What it is.
    pub body: ExVideoBody<'a>,
}

/// What an enhanced video tag carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExVideoBody<'a> {
    /// With [`FrameType::Command`] only.
    Command(VideoCommand),
    /// One packet or several.
    Tracks(Tracks<VideoPacket<'a>>),
}

/// A packet of one track (E-RTMP v2, "VideoPacketType").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoPacket<'a> {
    /// The decoder configuration record of the codec.
    SequenceStart(&'a [u8]),
    /// A picture.
    CodedFrames {
        /// Presentation less decoding time in milliseconds, 24 bits with sign; 0 and not on the wire for codecs
        /// without [`FourCc::has_composition_offset`].
        composition_offset_ms: i32,
        /// The picture.
        data: &'a [u8],
    },
    /// The track ends.
    SequenceEnd,
    /// A picture whose composition time offset is 0; for codecs with [`FourCc::has_composition_offset`] only.
    CodedFramesX(&'a [u8]),
    /// AMF0 values in pairs of name and value; `colorInfo` is the one that is defined.
    Metadata(&'a [u8]),
    /// A sequence start in the form of MPEG-2 TS, for AV1.
    Mpeg2TsSequenceStart(&'a [u8]),
}

impl<'a> VideoTag<'a> {
    /// Decodes the body of a video tag or message.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything that breaks the grammar; a body must be used up to its last byte.
    pub fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(body);
        let first = cursor.u8().ok_or(ENDS_EARLY)?;
        let frame_type = FrameType::from_bits(first >> 4);
        if first & IS_EX_HEADER == 0 {
            let body = LegacyVideoBody::decode(&mut cursor, frame_type, first & 0x0F)?;
            return Ok(Self::Legacy(LegacyVideoTag { frame_type, body }));
        }
        let (mod_ex, packet_type) = ModEx::decode_all(&mut cursor, first & 0x0F, Layer::Video)?;
        if packet_type != METADATA && frame_type == FrameType::Command {
            let command = VideoCommand(cursor.u8().ok_or(ENDS_EARLY)?);
            expect_end(cursor.rest())?;
            return Ok(Self::Enhanced(ExVideoTag {
                frame_type,
                mod_ex,
                body: ExVideoBody::Command(command),
            }));
        }
        let (wrapper, packet_type) = decode_wrapper::<VideoPacket<'_>>(&mut cursor, packet_type)?;
        let body = ExVideoBody::Tracks(decode_tracks(cursor, &wrapper, packet_type)?);
        Ok(Self::Enhanced(ExVideoTag { frame_type, mod_ex, body }))
    }

    /// The body as bytes.
    ///
    /// # Errors
    /// [`Error::Misused`] for values that have no form on the wire, as said at each field.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Legacy(tag) => tag.encode(),
            Self::Enhanced(tag) => tag.encode(),
        }
    }

    /// How it depends on others.
    pub const fn frame_type(&self) -> FrameType {
        match self {
            Self::Legacy(tag) => tag.frame_type,
            Self::Enhanced(tag) => tag.frame_type,
        }
    }
}

impl<'a> LegacyVideoBody<'a> {
    fn decode(cursor: &mut Cursor<'a>, frame_type: FrameType, codec_id: u8) -> Result<Self, Error> {
        if frame_type == FrameType::Command {
            let command = VideoCommand(cursor.u8().ok_or(ENDS_EARLY)?);
            expect_end(cursor.rest())?;
            return Ok(Self::Command { codec_id, command });
        }
        if codec_id != CODEC_AVC {
            return Ok(Self::Other { codec_id, data: cursor.rest() });
        }
        let packet_type = cursor.u8().ok_or(ENDS_EARLY)?;
        // The offset is there for all packet types and means something for NAL units only (FLV 10.1, E.4.3.1).
        let composition_offset_ms = cursor.i24().ok_or(ENDS_EARLY)?;
        let data = cursor.rest();
        match packet_type {
            AVC_SEQUENCE_HEADER => Ok(Self::AvcSequenceHeader(data)),
            AVC_NAL_UNITS => Ok(Self::AvcNalUnits { composition_offset_ms, data }),
            AVC_SEQUENCE_END => {
                expect_end(data)?;
                Ok(Self::AvcSequenceEnd)
            }
            _ => Err(Error::malformed(Layer::Video, "unknown AVC packet type")),
        }
    }
}

impl LegacyVideoTag<'_> {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let is_command = matches!(self.body, LegacyVideoBody::Command { .. });
        if is_command != (self.frame_type == FrameType::Command) {
            return Err(Error::Misused {
                reason: "a video command without its frame type, or the other way around",
            });
        }
        let avc = |packet_type: u8, composition_offset_ms: i32, data: &[u8]| {
            let mut out = Vec::with_capacity(5 + data.len());
            out.push(self.frame_type.bits() << 4 | CODEC_AVC);
            out.push(packet_type);
            out.extend_from_slice(&offset_bytes(composition_offset_ms)?);
            out.extend_from_slice(data);
            Ok(out)
        };
        let (codec_id, data) = match self.body {
            LegacyVideoBody::AvcSequenceHeader(data) => return avc(AVC_SEQUENCE_HEADER, 0, data),
            LegacyVideoBody::AvcNalUnits { composition_offset_ms, data } => {
                return avc(AVC_NAL_UNITS, composition_offset_ms, data);
            }
            LegacyVideoBody::AvcSequenceEnd => return avc(AVC_SEQUENCE_END, 0, &[]),
            LegacyVideoBody::Command { codec_id, ref command } => {
                (codec_id, core::slice::from_ref(&command.0))
            }
            LegacyVideoBody::Other { codec_id: CODEC_AVC, .. } => {
                return Err(Error::Misused { reason: "H.264 that is not given as such" });
            }
            LegacyVideoBody::Other { codec_id, data } => (codec_id, data),
        };
        if codec_id > 0x0F {
            return Err(Error::Misused { reason: "a codec id over 15" });
        }
        let mut out = Vec::with_capacity(1 + data.len());
        out.push(self.frame_type.bits() << 4 | codec_id);
        out.extend_from_slice(data);
        Ok(out)
    }
}

impl ExVideoTag<'_> {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let packet_type = match &self.body {
            ExVideoBody::Command(command) => {
                body.push(command.0);
                SEQUENCE_START
            }
            ExVideoBody::Tracks(tracks) => encode_tracks(tracks, &mut body)?,
        };
        let is_metadata = |tracks: &Tracks<VideoPacket<'_>>| {
            // Within a wrapper the header in front names the wrapper, so a reader takes the command way there too.
            matches!(tracks, Tracks::Single { packet: VideoPacket::Metadata(_), .. })
        };
        let agrees = match &self.body {
            ExVideoBody::Command(_) => self.frame_type == FrameType::Command,
            ExVideoBody::Tracks(tracks) => self.frame_type != FrameType::Command || is_metadata(tracks),
        };
        if !agrees {
            return Err(Error::Misused {
                reason: "a video command without its frame type, or the other way around",
            });
        }
        let mut modifiers = Vec::new();
        let packet_type = ModEx::encode_all(&self.mod_ex, packet_type, &mut modifiers)?;
        let mut out = Vec::with_capacity(1 + modifiers.len() + body.len());
        out.push(IS_EX_HEADER | self.frame_type.bits() << 4 | packet_type);
        out.extend_from_slice(&modifiers);
        out.extend_from_slice(&body);
        Ok(out)
    }
}

impl<'a> Packet<'a> for VideoPacket<'a> {
    const LAYER: Layer = Layer::Video;
    const MULTITRACK: u8 = MULTITRACK;

    fn packet_type(&self) -> u8 {
        match self {
            Self::SequenceStart(_) => SEQUENCE_START,
            Self::CodedFrames { .. } => CODED_FRAMES,
            Self::SequenceEnd => SEQUENCE_END,
            Self::CodedFramesX(_) => CODED_FRAMES_X,
            Self::Metadata(_) => METADATA,
            Self::Mpeg2TsSequenceStart(_) => MPEG2_TS_SEQUENCE_START,
        }
    }

    fn decode(packet_type: u8, four_cc: FourCc, body: &'a [u8]) -> Result<Self, Error> {
        Ok(match packet_type {
            SEQUENCE_START => Self::SequenceStart(body),
            CODED_FRAMES if four_cc.has_composition_offset() => {
                let mut cursor = Cursor::new(body);
                let composition_offset_ms = cursor.i24().ok_or(ENDS_EARLY)?;
                Self::CodedFrames { composition_offset_ms, data: cursor.rest() }
            }
            CODED_FRAMES => Self::CodedFrames { composition_offset_ms: 0, data: body },
            SEQUENCE_END => {
                expect_end(body)?;
                Self::SequenceEnd
            }
            CODED_FRAMES_X if four_cc.has_composition_offset() => Self::CodedFramesX(body),
            CODED_FRAMES_X => {
                return Err(Error::malformed(
                    Layer::Video,
                    "CodedFramesX in a codec without composition offsets",
                ));
            }
            METADATA => Self::Metadata(body),
            MPEG2_TS_SEQUENCE_START => Self::Mpeg2TsSequenceStart(body),
            _ => return Err(Error::malformed(Layer::Video, "unknown packet type")),
        })
    }

    fn encode(&self, four_cc: FourCc, out: &mut Vec<u8>) -> Result<(), Error> {
        match *self {
            Self::CodedFrames { composition_offset_ms, data } => {
                if four_cc.has_composition_offset() {
                    out.extend_from_slice(&offset_bytes(composition_offset_ms)?);
                } else if composition_offset_ms != 0 {
                    return Err(Error::Misused { reason: "a composition offset in a codec without" });
                }
                out.extend_from_slice(data);
            }
            Self::CodedFramesX(_) if !four_cc.has_composition_offset() => {
                return Err(Error::Misused { reason: "CodedFramesX in a codec without composition offsets" });
            }
            Self::SequenceStart(data)
            | Self::CodedFramesX(data)
            | Self::Metadata(data)
            | Self::Mpeg2TsSequenceStart(data) => out.extend_from_slice(data),
            Self::SequenceEnd => {}
        }
        Ok(())
    }
}

fn expect_end(rest: &[u8]) -> Result<(), Error> {
    if rest.is_empty() { Ok(()) } else { Err(Error::malformed(Layer::Video, "bytes behind the end")) }
}

fn offset_bytes(composition_offset_ms: i32) -> Result<[u8; 3], Error> {
    if (-0x80_0000..=0x7F_FFFF).contains(&composition_offset_ms) {
        Ok(i24_bytes(composition_offset_ms))
    } else {
        Err(Error::Misused { reason: "a composition offset outside of 24 bits" })
    }
}
