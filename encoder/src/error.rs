//! What can go wrong, and whose fault it is.

use units::{FrameRate, Kbps, Size, Span, TrackId};

use crate::BackendKind;

/// Why encoding could not start or go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This computer: GStreamer itself does not start.
    #[error("GStreamer does not start: {0}")]
    Framework(String),
    /// This computer: an element every pipeline needs is not installed.
    #[error("the GStreamer element “{element}” is not installed")]
    ElementMissing {
        /// Name of the element.
        element: String,
    },
    /// This computer: no encoder passed its self-test.
    #[error("no encoder is usable: {}", reasons.join("; "))]
    NoBackend {
        /// One sentence for each encoder that was tried.
        reasons: Vec<String>,
    },
    /// This computer: the encoder that was asked for does not work here.
    #[error("{kind} is not usable: {reason}")]
    BackendUnusable {
        /// The encoder.
        kind: BackendKind,
        /// What happened when it was tried.
        reason: String,
    },
    /// This computer: no AAC encoder works.
    #[error("no AAC encoder is usable: {}", reasons.join("; "))]
    NoAudioBackend {
        /// One sentence for each encoder that was tried.
        reasons: Vec<String>,
    },
    /// This computer: encoders that passed their tests gave nothing that could be used; what was missing.
    #[error("{0}")]
    Unusable(&'static str),
    /// Settings: nothing to encode.
    #[error("a stream needs at least one rendition")]
    NoRenditions,
    /// Settings: two renditions with one number.
    #[error("track {track} is configured twice")]
    DuplicateTrack {
        /// The number.
        track: TrackId,
    },
    /// Settings: a rendition must take every k-th frame of the canvas (IVS user guide, multitrack integration guide:
    /// renditions have aligned IDRs), which this rate does not allow.
    #[error(
        "track {track} wants {rate} frames per second, which is not the canvas rate of {canvas} divided by a whole number"
    )]
    RateDoesNotDivide {
        /// The rendition.
        track: TrackId,
        /// Rate of the canvas.
        canvas: FrameRate,
        /// Rate of the rendition.
        rate: FrameRate,
    },
    /// Settings: renditions whose IDRs could not be aligned.
    #[error("track {track} wants a keyframe every {} ms and track 0 every {} ms; all renditions must have the same interval", found.as_millis(), expected.as_millis())]
    KeyframeIntervalDiffers {
        /// The rendition.
        track: TrackId,
        /// Interval of the first rendition.
        expected: Span,
        /// Interval of this one.
        found: Span,
    },
    /// Settings: a keyframe interval that is not positive or longer than a minute.
    #[error("track {track}: a keyframe every {} ms is not possible; IVS takes 1 or 2 seconds", interval.as_millis())]
    KeyframeInterval {
        /// The rendition.
        track: TrackId,
        /// The interval.
        interval: Span,
    },
    /// Settings: 4:2:0 pictures have even sides.
    #[error("track {track}: {size} has an odd side, which H.264 4:2:0 pictures can not have")]
    OddSize {
        /// The rendition.
        track: TrackId,
        /// The size.
        size: Size,
    },
    /// Settings: a bitrate outside of what the code allows.
    #[error("track {track}: {bitrate} is not a bitrate between {} and {}", Kbps(50), Kbps(240_000))]
    Bitrate {
        /// The rendition.
        track: TrackId,
        /// The bitrate.
        bitrate: Kbps,
    },
    /// Settings: AAC-LC takes 96 to 320 kbps here (IVS user guide, "Audio Settings").
    #[error("{0} is not a sound bitrate between 96 and 320 kbps")]
    AudioBitrate(Kbps),
    /// Settings: a code or profile no encoder of ours makes.
    #[error("track {track}: {what} is not supported")]
    Unsupported {
        /// The rendition.
        track: TrackId,
        /// What was asked.
        what: String,
    },
    /// The encoder element of this GStreamer has no such property, or does not take this value.
    #[error("“{element}” does not take {property} = {value}: {reason}")]
    Property {
        /// Name of the element.
        element: String,
        /// Name of the property.
        property: String,
        /// The value, in words.
        value: String,
        /// Why.
        reason: String,
    },
    /// The encoder failed while it was being opened.
    #[error("“{element}” does not start: {reason}")]
    Open {
        /// Name of the element.
        element: String,
        /// Why, in the element's own words where it gave any.
        reason: String,
    },
    /// The encoder's output is not a stream of the promised kind.
    #[error("the encoder gave a malformed {what}")]
    MalformedOutput {
        /// What could not be read.
        what: &'static str,
    },
    /// Our bug: a picture for a track that does not exist, or of another size or format than the track's.
    #[error("track {track} was handed a picture it can not take: {reason}")]
    WrongPicture {
        /// The rendition.
        track: TrackId,
        /// What is wrong with it.
        reason: String,
    },
    /// Our bug: there is no such track.
    #[error("there is no track {track}")]
    NoSuchTrack {
        /// The number.
        track: TrackId,
    },
    /// The operating system refused a thread.
    #[error("no thread could be started: {0}")]
    Thread(String),
}

impl Error {
    /// The rendition it is about, where it is about one.
    pub fn track(&self) -> Option<TrackId> {
        match self {
            Self::DuplicateTrack { track }
            | Self::RateDoesNotDivide { track, .. }
            | Self::KeyframeIntervalDiffers { track, .. }
            | Self::KeyframeInterval { track, .. }
            | Self::OddSize { track, .. }
            | Self::Bitrate { track, .. }
            | Self::Unsupported { track, .. }
            | Self::WrongPicture { track, .. }
            | Self::NoSuchTrack { track } => Some(*track),
            _ => None,
        }
    }
}
