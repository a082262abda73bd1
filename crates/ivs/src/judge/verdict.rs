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

/// Measurements of a stream. Bitrates count the coded bytes of picture and sound, without container and transport. What
/// is said of the picture is that of track 0.
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
    /// Every video track; empty for a stream of one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<TrackFigures>,
    /// How the tracks' IDR pictures agree; `None` for a stream of one track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<AlignmentFigures>,
    /// Broadcast performance metrics; `None` for a stream of one track, and for a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsFigures>,
}

/// Measurements of one of several video tracks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrackFigures {
    /// The track's id.
    pub track: u8,
    /// `H.264` or `H.265`; `None` before its decoder configuration.
    pub codec: Option<String>,
    /// Width and height after cropping, in pixels.
    pub size_px: Option<[u32; 2]>,
    /// Profile and level, such as `Main 3.1`.
    pub profile: Option<String>,
    /// Pictures.
    pub frames: u64,
    /// Bytes of pictures.
    pub bytes: u64,
    /// Mean bitrate.
    pub kbps: u32,
    /// Highest bitrate in one second.
    pub peak_kbps: u32,
    /// Pictures per second, measured.
    pub frame_rate: f64,
    /// Pictures per second, as its parameter set says.
    pub signalled_frame_rate: Option<f64>,
    /// Keyframes.
    pub keyframes: KeyframeFigures,
    /// IDR pictures that lack some of the three messages of broadcast performance metrics.
    pub metrics_missing: u64,
    /// The track was ended by a message of its own.
    pub ended: bool,
}

/// How the IDR pictures of several tracks agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AlignmentFigures {
    /// Instants at which some track had an IDR picture, and all could be compared.
    pub idrs: u64,
    /// Those at which another track had none.
    pub misaligned: u64,
}

/// Broadcast performance metrics of all tracks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MetricsFigures {
    /// Messages in front of pictures.
    pub messages: u64,
    /// IDR pictures that lack some of the three.
    pub missing: u64,
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
