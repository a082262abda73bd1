//! What a stream says of itself before it comes.

use ertmp::amf0::Value;
use units::{MediaTime, TrackId};

use super::Judge;
use super::alignment::MOST_TRACKS;
use super::finding::{Finding, Severity, code};
use super::picture::Subject;

/// What `onMetaData` announces; fields that were not there are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnouncedMedia {
    /// Width of the primary track in pixels.
    pub width_px: Option<f64>,
    /// Height of the primary track in pixels.
    pub height_px: Option<f64>,
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// Bitrate of the picture in kbps.
    pub video_kbps: Option<f64>,
    /// Bitrate of the sound in kbps.
    pub audio_kbps: Option<f64>,
    /// The video tracks behind the primary one (`videoTrackIdInfoMap`; E-RTMP v2, "Metadata Message").
    pub tracks: Vec<AnnouncedTrack>,
}

/// What is announced of a further video track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnnouncedTrack {
    /// The track.
    pub track: TrackId,
    /// Width in pixels.
    pub width_px: f64,
    /// Height in pixels.
    pub height_px: f64,
}

impl AnnouncedMedia {
    /// Reads the value of `onMetaData` (FLV 10.1, E.5).
    pub fn read(metadata: &Value) -> Self {
        let number = |name| number(metadata, name);
        let map = metadata.get("videoTrackIdInfoMap").and_then(Value::properties).unwrap_or_default();
        // A track without a size of its own is announced like the primary one, which is as good as nothing.
        let tracks = map.iter().take(MOST_TRACKS).filter_map(|(id, track)| {
            Some(AnnouncedTrack {
                track: TrackId(id.parse().ok()?),
                width_px: self::number(track, "width")?,
                height_px: self::number(track, "height")?,
            })
        });
        Self {
            width_px: number("width"),
            height_px: number("height"),
            frame_rate: number("framerate"),
            video_kbps: number("videodatarate"),
            audio_kbps: number("audiodatarate"),
            tracks: tracks.collect(),
        }
    }

    /// Width and height of `track`.
    fn size(&self, track: TrackId) -> Option<(f64, f64)> {
        if track == TrackId::PRIMARY {
            return self.width_px.zip(self.height_px);
        }
        let announced = self.tracks.iter().find(|announced| announced.track == track)?;
        Some((announced.width_px, announced.height_px))
    }
}

fn number(of: &Value, name: &str) -> Option<f64> {
    of.get(name).and_then(Value::as_number).filter(|number| number.is_finite())
}

impl Judge {
    /// Compares what was announced of the track at `at` with its decoder configuration, when there are both.
    pub(super) fn compare_announced_size(&mut self, at: usize, now: MediaTime) {
        let Some(picture) = self.pictures.get(at) else { return };
        let Some(size) = picture.size() else { return };
        let Some((width, height)) = self.announced.as_ref().and_then(|media| media.size(picture.track))
        else {
            return;
        };
        let same = |announced: f64, coded: u32| (announced - f64::from(coded)).abs() < 0.5;
        if same(width, size.width_px()) && same(height, size.height_px()) {
            return;
        }
        let subject = if self.has_several() { Subject::Track(picture.track) } else { Subject::Only };
        let sentence = format!("{subject} is announced as {width:.0}x{height:.0} but coded as {size}.");
        self.report(Finding::new(Severity::Note, code::ANNOUNCED_DIFFERS, now, sentence, ""));
    }
}
