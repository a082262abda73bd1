//! What the key of a GetClientConfiguration answer promises. The service ends a stream that is another than its key
//! promises (the guide, "Handling Video Disconnections").

use units::{FrameRate, Kbps, Size, VideoCodec};

/// What comes with a stream key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// Video tracks by their ids, the primary first.
    pub tracks: Vec<PromisedTrack>,
    /// Bitrates of the audio tracks.
    pub audio: Vec<Kbps>,
}

/// What is promised of one video track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromisedTrack {
    /// The code.
    pub codec: VideoCodec,
    /// The picture's size.
    pub size: Size,
    /// Frames per second.
    pub rate: FrameRate,
    /// Bitrate at most; congestion may lower it.
    pub bitrate: Kbps,
}
