//! What kind of media a stream is made of, as far as a takeover may not change it.

use units::{Size, TrackId, VideoCodec};

use super::Judge;
use super::picture::PictureTrack;

/// The media of a stream as its decoder configurations say. A takeover keeps resolution, video codec, audio codec and
/// number of tracks (IVS user guide, Streaming Configuration, Stream Takeover).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamShape {
    /// The picture tracks that have come, by their ids.
    pub video: Vec<TrackShape>,
    /// Sound has come. The service takes one audio codec, AAC-LC, so there is nothing more to compare.
    pub has_sound: bool,
}

/// One picture track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackShape {
    /// The track's id.
    pub track: TrackId,
    /// The code.
    pub codec: VideoCodec,
    /// The picture's size after cropping.
    pub size: Size,
}

impl StreamShape {
    /// Whether nothing has come yet.
    pub const fn is_empty(&self) -> bool {
        self.video.is_empty() && !self.has_sound
    }

    /// Whether only tracks are missing here that `other` has, so that they may still come.
    pub fn may_become(&self, other: &Self) -> bool {
        self.video.iter().all(|track| other.video.contains(track)) && (other.has_sound || !self.has_sound)
    }

    /// In which way this is not like `ongoing`, as one sentence; `None` when a takeover may put it in its place.
    pub fn difference(&self, ongoing: &Self) -> Option<String> {
        if self.video.len() != ongoing.video.len() {
            return Some(format!(
                "The stream on air has {} video {}, and this one has {}.",
                ongoing.video.len(),
                if ongoing.video.len() == 1 { "track" } else { "tracks" },
                self.video.len()
            ));
        }
        for own in &self.video {
            let Some(other) = ongoing.video.iter().find(|other| other.track == own.track) else {
                return Some(format!("The stream on air has no track {}, and this one has.", own.track));
            };
            if own.codec != other.codec {
                return Some(format!(
                    "Track {} of the stream on air is {}, and this one's is {}.",
                    own.track, other.codec, own.codec
                ));
            }
            if own.size != other.size {
                return Some(format!(
                    "Track {} of the stream on air is {}, and this one's is {}.",
                    own.track, other.size, own.size
                ));
            }
        }
        match (self.has_sound, ongoing.has_sound) {
            (false, true) => Some(String::from("The stream on air has sound, and this one has none.")),
            (true, false) => Some(String::from("The stream on air has no sound, and this one has.")),
            _ => None,
        }
    }
}

impl Judge {
    /// What the stream is made of, as far as decoder configurations have come.
    pub fn shape(&self) -> StreamShape {
        let shape = |track: &PictureTrack| {
            let codec = track.coding()?.codec;
            Some(TrackShape { track: track.track, codec, size: track.size()? })
        };
        let mut video: Vec<_> = self.pictures.iter().filter_map(shape).collect();
        video.sort_unstable_by_key(|track| track.track);
        StreamShape { video, has_sound: self.sound.config.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(tracks: &[(u8, VideoCodec, u32, u32)], has_sound: bool) -> StreamShape {
        let video = tracks.iter().map(|&(track, codec, width, height)| TrackShape {
            track: TrackId(track),
            codec,
            size: Size::new(width, height).unwrap(),
        });
        StreamShape { video: video.collect(), has_sound }
    }

    #[test]
    fn size_code_tracks_and_sound_must_be_the_same() {
        use VideoCodec::{Avc, Hevc};
        let ongoing = shape(&[(0, Avc, 1280, 720), (1, Avc, 640, 360)], true);
        assert_eq!(ongoing.difference(&ongoing), None);
        let others = [
            (shape(&[(0, Avc, 1280, 720)], true), "2 video tracks, and this one has 1", true),
            (shape(&[(0, Hevc, 1280, 720), (1, Avc, 640, 360)], true), "Track 0", false),
            (shape(&[(0, Avc, 1280, 720), (1, Avc, 852, 480)], true), "is 640x360, and", false),
            (shape(&[(0, Avc, 1280, 720), (2, Avc, 640, 360)], true), "no track 2", false),
            (shape(&[(0, Avc, 1280, 720), (1, Avc, 640, 360)], false), "this one has none", true),
            (StreamShape::default(), "this one has 0", true),
        ];
        for (other, expected, may_become) in others {
            let said = other.difference(&ongoing).unwrap();
            assert!(said.contains(expected), "{said}");
            assert_eq!(other.may_become(&ongoing), may_become, "{said}");
        }
        let silent = shape(&[(0, Avc, 1280, 720), (1, Avc, 640, 360)], false);
        assert!(ongoing.difference(&silent).is_some_and(|said| said.contains("no sound")));
        assert!(!ongoing.may_become(&silent));
    }
}
