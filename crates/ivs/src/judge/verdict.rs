//! The outcome: accepted or not, with findings and figures.

use serde::Serialize;

use super::finding::CountedFinding;

/// What the service would have made of a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The service would have taken the stream from its beginning to its end.
    pub accepted: bool,
    /// What was noticed, the worst first.
    pub findings: Vec<CountedFinding>,
    /// What was measured.
    pub figures: Figures,
}

/// Measurements of a stream. Bitrates count the coded bytes of picture and sound, without container and transport.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Media time covered, in milliseconds: the longer of picture and sound.
    pub duration_ms: i64,
    /// Pictures.
    pub video_frames: u64,
    /// Bytes of pictures.
    pub video_bytes: u64,
    /// Mean bitrate of the picture.
    pub video_kbps: u32,
    /// Highest bitrate of the picture in one second.
    pub video_peak_kbps: u32,
    /// Width and height after cropping, in pixels.
    pub video_size_px: Option<[u32; 2]>,
    /// Profile and level, such as `Main 3.1`.
    pub video_profile: Option<String>,
    /// Pictures per second, measured.
    pub frame_rate: f64,
    /// Pictures are shown in another order than they were coded in (B-frames).
    pub reordered: bool,
    /// Keyframes.
    pub keyframes: KeyframeFigures,
    /// Frames of sound.
    pub audio_frames: u64,
    /// Bytes of sound.
    pub audio_bytes: u64,
    /// Mean bitrate of the sound.
    pub audio_kbps: u32,
    /// Samples per second and channel.
    pub audio_sample_rate_hz: Option<u32>,
    /// Channels.
    pub audio_channels: Option<u8>,
    /// Timestamps that did not follow the one before.
    pub backward_timestamps: u64,
    /// Times the stream starved.
    pub starvations: u32,
    /// Altogether that long, in milliseconds.
    pub starved_ms: i64,
}

/// Measurements of the keyframes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyframeFigures {
    /// IDR pictures.
    pub count: u64,
    /// Shortest interval in milliseconds.
    pub shortest_ms: Option<i64>,
    /// Mean interval in milliseconds.
    pub mean_ms: Option<i64>,
    /// Longest interval in milliseconds.
    pub longest_ms: Option<i64>,
    /// Intervals that differ from those before.
    pub irregular: u64,
}
