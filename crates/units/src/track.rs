//! Which track an access unit belongs to, and in which code.

use core::fmt;

/// Number of a video or audio track within its kind. 0 is the primary, highest quality track (IVS user guide,
/// multitrack integration guide, "Connect Using Enhanced RTMP"); Enhanced RTMP v2 carries it in one byte.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u8);

impl TrackId {
    /// The primary track.
    pub const PRIMARY: Self = Self(0);
}

impl fmt::Debug for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A track of the stream: one rendition of the picture, or one mix of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// A rendition of the picture.
    Video(TrackId),
    /// A mix of the sound.
    Audio(TrackId),
}

/// Codes for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// H.264, ISO/IEC 14496-10.
    Avc,
    /// H.265, ISO/IEC 23008-2.
    Hevc,
}

impl VideoCodec {
    /// The FourCC of Enhanced RTMP v2 and of ISO base media files.
    pub const fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Avc => *b"avc1",
            Self::Hevc => *b"hvc1",
        }
    }
}

impl fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avc => "H.264",
            Self::Hevc => "H.265",
        })
    }
}

/// Profiles of [`VideoCodec::Avc`] and [`VideoCodec::Hevc`] that IVS takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoProfile {
    /// H.264 Constrained Baseline, for encoders of last resort.
    ConstrainedBaseline,
    /// Main of either code.
    Main,
    /// H.264 High.
    High,
}

/// Codes for sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// AAC-LC, ISO/IEC 14496-3.
    AacLc,
}
