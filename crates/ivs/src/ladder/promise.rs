//! What the key of a GetClientConfiguration answer promises. The service ends a stream that is another than its key
//! promises (the guide, "Handling Video Disconnections").

use units::{FrameRate, Kbps, Size, VideoCodec};

use crate::client_configuration::ClientConfiguration;

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

/// An answer that leaves open what a promise must say: the service's fault, or that of whoever wrote the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer does not say the {what} of track {track}")]
pub struct Unpromised {
    /// The video track.
    pub track: usize,
    /// What is open.
    pub what: &'static str,
}

impl TryFrom<&ClientConfiguration> for Promise {
    type Error = Unpromised;

    fn try_from(answer: &ClientConfiguration) -> Result<Self, Unpromised> {
        let tracks = answer.encoder_configurations.iter().enumerate().map(|(track, rendition)| {
            let open = |what| Unpromised { track, what };
            Ok(PromisedTrack {
                codec: rendition.codec.ok_or(open("code"))?,
                size: rendition.size,
                rate: rendition.rate.ok_or(open("frame rate"))?,
                bitrate: rendition.bitrate().ok_or(open("bitrate"))?,
            })
        });
        let audio = answer.live_audio.iter().chain(&answer.vod_audio);
        Ok(Self {
            tracks: tracks.collect::<Result<_, _>>()?,
            // 160 kbps is what answers were seen to grant (obs-multitrack.md 9).
            audio: audio.map(|track| track.bitrate.unwrap_or(Kbps(160))).collect(),
        })
    }
}
