//! What a recording holds, for people and for `genlock check`.

use std::path::Path;

use units::{Pts, Span, Track, TrackConfig};

use crate::Error;
use crate::reader::Reader;

/// How a file is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A plain MP4 with one index: finished.
    Plain,
    /// Fragments without an index: running, or cut short.
    Fragmented,
}

/// A stretch of a track in which nothing is shown or heard anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the next unit was due, from the start of the recording.
    pub from: Pts,
    /// How much too late it is decoded.
    pub span: Span,
}

/// One track of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackSummary {
    /// Which.
    pub track: Track,
    /// Its code, size, rate and mean bitrate.
    pub config: TrackConfig,
    /// Pictures, or frames of sound.
    pub units: u64,
    /// Bytes of all units.
    pub bytes: u64,
    /// When the first unit is shown or heard, from the start of the recording.
    pub first: Pts,
    /// When the time of the last unit is over.
    pub end: Pts,
    /// When key frames are shown; empty for sound.
    pub key_frames: Vec<Pts>,
    /// Stretches of more than half a unit without one.
    pub gaps: Vec<Gap>,
}

/// What a recording holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How the file is built.
    pub form: Form,
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes at its end that belong to nothing complete.
    pub torn_bytes: u64,
    /// From the first picture to the end of the last unit.
    pub duration: Span,
    /// Its tracks, video first.
    pub tracks: Vec<TrackSummary>,
}

impl Reader {
    /// What the file holds.
    pub fn summary(&self) -> Summary {
        let tracks: Vec<TrackSummary> =
            (0..self.tracks.len()).filter_map(|place| self.track_summary(place)).collect();
        let end = tracks.iter().map(|track| track.end).max().unwrap_or_default();
        Summary {
            form: if self.is_fragmented { Form::Fragmented } else { Form::Plain },
            bytes: self.bytes,
            torn_bytes: self.torn_bytes,
            duration: end - Pts::ZERO,
            tracks,
        }
    }

    fn track_summary(&self, place: usize) -> Option<TrackSummary> {
        let (track, config) = self.tracks.get(place)?;
        let entries = || self.entries.iter().filter(|entry| entry.track == place);
        let is_video = matches!(track, Track::Video(_));
        let usual = match config {
            TrackConfig::Video(video) => video.rate.frame_span(),
            // 1024 samples (ISO/IEC 14496-3, 4.5.2.1.1).
            TrackConfig::Audio(audio) => {
                Span::from_nanos(1024 * 1_000_000_000 / i64::from(audio.sample_rate_hz.max(1)))
            }
        };
        let mut gaps = Vec::new();
        for (entry, next) in entries().zip(entries().skip(1)) {
            let due = entry.dts + usual;
            if (next.dts - due).as_nanos() > usual.as_nanos() / 2 {
                gaps.push(Gap { from: entry.pts + usual, span: next.dts - due });
            }
        }
        Some(TrackSummary {
            track: *track,
            config: config.clone(),
            units: entries().count() as u64,
            bytes: entries().map(|entry| u64::from(entry.size)).sum(),
            first: entries().map(|entry| entry.pts).min()?,
            end: entries().map(|entry| entry.pts + entry.span).max()?,
            key_frames: entries().filter(|entry| is_video && entry.is_idr).map(|entry| entry.pts).collect(),
            gaps,
        })
    }
}

/// Opens a recording and says what it holds.
///
/// # Errors
/// As [`Reader::open`].
pub fn inspect(path: &Path) -> Result<Summary, Error> {
    Ok(Reader::open(path)?.summary())
}
