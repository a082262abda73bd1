//! The one encoded-frame type. Encoded once, shared by reference with every output.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::{
    AudioCodec, Dts, FrameRate, Kbps, MediaTime, Pts, Size, Span, Track, TrackId, VideoCodec, VideoProfile,
};

/// What a decoder must know before the first picture of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoConfig {
    /// The rendition.
    pub track: TrackId,
    /// Its code.
    pub codec: VideoCodec,
    /// The profile that was asked of the encoder.
    pub profile: VideoProfile,
    /// Coded picture size after cropping.
    pub size: Size,
    /// Frames per second.
    pub rate: FrameRate,
    /// The bitrate that was asked of the encoder.
    pub bitrate: Kbps,
    /// `AVCDecoderConfigurationRecord` or `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1)
    /// with 4-byte NAL unit lengths.
    pub decoder_config: Arc<[u8]>,
}

/// What a decoder must know before the first sound of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioConfig {
    /// The mix.
    pub track: TrackId,
    /// Its code.
    pub codec: AudioCodec,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// 1 or 2.
    pub channels: u8,
    /// The bitrate that was asked of the encoder.
    pub bitrate: Kbps,
    /// `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1).
    pub decoder_config: Arc<[u8]>,
}

/// Decoder configuration of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackConfig {
    /// Of a picture track.
    Video(VideoConfig),
    /// Of a sound track.
    Audio(AudioConfig),
}

/// Decoder configuration of all tracks, in the order of their ids: what an output needs before the first access
/// unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamConfig {
    /// Renditions, the primary first.
    pub video: Vec<Arc<VideoConfig>>,
    /// Mixes, the one viewers hear first.
    pub audio: Vec<Arc<AudioConfig>>,
}

impl StreamConfig {
    /// Sum of the bitrates of all tracks.
    pub fn bitrate(&self) -> Kbps {
        self.video.iter().map(|v| v.bitrate).chain(self.audio.iter().map(|a| a.bitrate)).sum()
    }
}

/// Frame counters at the moment a picture was made: totals since the encoders started, that picture included. The
/// broadcast performance metrics are differences of these (IVS user guide, "Broadcast Performance Metrics (BPM) Message
/// Definitions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Frames the compositor rendered.
    pub rendered: u64,
    /// Frames the compositor was too late for.
    pub lagged: u64,
    /// Frames this rendition was to encode.
    pub input: u64,
    /// Of those, frames it did not encode.
    pub skipped: u64,
    /// Pictures it encoded.
    pub output: u64,
}

/// When an access unit passed each station, on the media clock. The latency figures and the broadcast performance
/// metrics are made of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeStamps {
    /// The compositor began this picture (or the mixer finished this sound).
    pub composed_at: MediaTime,
    /// The encoder was handed it.
    pub encode_requested_at: MediaTime,
    /// The encoder gave it back.
    pub encode_completed_at: MediaTime,
    /// What had been counted by then; zero for sound.
    pub counts: FrameCounts,
}

/// One encoded picture, or one frame of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The track.
    pub track: Track,
    /// When it is shown or heard.
    pub pts: Pts,
    /// When it is decoded.
    pub dts: Dts,
    /// How long it is shown or heard.
    pub span: Span,
    /// An instantaneous decoder refresh: decoding can start here. Always true for sound.
    pub is_idr: bool,
    /// Nothing refers to this picture; dropping it harms no other.
    pub is_disposable: bool,
    /// Number of the canvas frame this picture was made of; for sound, number of its first sample.
    pub index: u64,
    /// When it passed each station.
    pub stamps: EncodeStamps,
    /// NAL units, each behind its length in 4 bytes, big-endian, without access unit delimiters and parameter sets
    /// (those are in the decoder configuration); filler stays, it is what makes the rate constant. For sound, one raw
    /// AAC frame without ADTS header.
    pub data: Arc<[u8]>,
}

impl AccessUnit {
    /// `pts - dts`: never negative.
    pub fn composition_offset(&self) -> Span {
        Span::from_nanos(self.pts.as_nanos().saturating_sub(self.dts.as_nanos()))
    }

    /// Whether this is a picture.
    pub fn is_video(&self) -> bool {
        matches!(self.track, Track::Video(_))
    }
}
