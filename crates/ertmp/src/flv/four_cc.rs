//! Four characters that name a codec.

use core::fmt;

use units::{AudioCodec, VideoCodec};

/// The name of a codec (E-RTMP v2, "FourCC"): four ASCII characters in reading order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// H.264.
    pub const AVC: Self = Self(*b"avc1");
    /// H.265.
    pub const HEVC: Self = Self(*b"hvc1");
    /// H.266.
    pub const VVC: Self = Self(*b"vvc1");
    /// AV1.
    pub const AV1: Self = Self(*b"av01");
    /// VP8.
    pub const VP8: Self = Self(*b"vp08");
    /// VP9.
    pub const VP9: Self = Self(*b"vp09");
    /// AAC.
    pub const AAC: Self = Self(*b"mp4a");
    /// Opus.
    pub const OPUS: Self = Self(*b"Opus");

    /// The number that stands for this codec in `onMetaData`: the characters as a big-endian integer (E-RTMP v2,
    /// "Enhancing onMetaData").
    pub const fn as_number(self) -> u32 {
        u32::from_be_bytes(self.0)
    }

    /// Whether frames of this codec carry a composition time offset: those with B-frames in ISO base media form
    /// (E-RTMP v2, "ExVideoTagBody").
    pub const fn has_composition_offset(self) -> bool {
        matches!(&self.0, b"avc1" | b"hvc1" | b"vvc1")
    }
}

impl From<VideoCodec> for FourCc {
    fn from(codec: VideoCodec) -> Self {
        Self(codec.fourcc())
    }
}

impl From<AudioCodec> for FourCc {
    fn from(codec: AudioCodec) -> Self {
        match codec {
            AudioCodec::AacLc => Self::AAC,
        }
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
