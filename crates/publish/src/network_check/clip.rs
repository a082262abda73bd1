//! A short clip, played over and over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use units::{AccessUnit, MediaTime, Pts, Span, StreamConfig, Track, VideoCodec};

use super::padding::pad;

/// What is sent: a few seconds of one H.264 rendition and sound, encoded beforehand.
#[derive(Clone, Debug, Default)]
pub struct CheckClip {
    /// Decoder configuration of its tracks.
    pub config: StreamConfig,
    /// Its units, from an IDR to the one before an IDR, in decode order.
    pub units: Vec<Arc<AccessUnit>>,
}

/// Why a clip can not be sent. A caller's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipError {
    /// It needs exactly one rendition, in H.264: nothing else can be filled up.
    Rendition,
    /// Its first picture is no IDR, or it has no picture.
    Start,
    /// A track of the configuration has no units, or units have no length.
    Empty,
}

impl fmt::Display for ClipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rendition => "a network check needs one rendition in H.264",
            Self::Start => "the clip of a network check does not begin with a keyframe",
            Self::Empty => "a track of a network check's clip is empty",
        })
    }
}

impl std::error::Error for ClipError {}

/// One track, played over and over by its own length.
#[derive(Clone, Debug)]
struct Lane {
    units: Vec<Arc<AccessUnit>>,
    length: Span,
    /// How often it was played to its end.
    rounds: i64,
    at: usize,
}

impl Lane {
    /// The next unit's decode time from the start of the clip.
    fn due(&self) -> Option<Span> {
        let (first, unit) = (self.units.first()?, self.units.get(self.at)?);
        Some(Span::from_nanos(self.rounds.saturating_mul(self.length.as_nanos())) + (unit.dts - first.dts))
    }

    /// How far units are moved in this round so that the first of the first lies at `begin`.
    fn shift(&self, begin: MediaTime) -> Span {
        let first = self.units.first().map_or(0, |unit| unit.dts.as_nanos());
        let rounds = self.rounds.saturating_mul(self.length.as_nanos());
        Span::from_nanos(begin.as_nanos().saturating_add(rounds).saturating_sub(first))
    }

    fn advance(&mut self) {
        self.at += 1;
        if self.at >= self.units.len() {
            self.at = 0;
            self.rounds += 1;
        }
    }
}

/// Gives a clip's units when they are due, time after time, their pictures filled up to a rate.
#[derive(Clone, Debug)]
pub struct ClipLoop {
    lanes: BTreeMap<Track, Lane>,
    begin: MediaTime,
    /// Pictures so far.
    index: u64,
    /// Bits that pictures were short of what the rate would have had; negative when they had more.
    owed_bits: i64,
    /// Bits of sound in a second.
    sound_bits: i64,
}

impl ClipLoop {
    /// Plays `clip` from `begin` on.
    ///
    /// # Errors
    /// [`ClipError`] when it can not be filled up or not be repeated.
    pub fn new(clip: &CheckClip, begin: MediaTime) -> Result<Self, ClipError> {
        match clip.config.video.as_slice() {
            [video] if video.codec == VideoCodec::Avc => {}
            _ => return Err(ClipError::Rendition),
        }
        let pictures = clip.config.video.iter().map(|video| Track::Video(video.track));
        let sounds = clip.config.audio.iter().map(|audio| Track::Audio(audio.track));
        let mut lanes = BTreeMap::new();
        let mut sound_bits = 0i64;
        for track in pictures.chain(sounds) {
            let units: Vec<_> = clip.units.iter().filter(|unit| unit.track == track).cloned().collect();
            let (Some(first), Some(last)) = (units.first(), units.last()) else {
                return Err(ClipError::Empty);
            };
            let length = (last.dts - first.dts) + last.span;
            if length <= Span::ZERO {
                return Err(ClipError::Empty);
            }
            if first.is_video() && !first.is_idr {
                return Err(ClipError::Start);
            }
            if !first.is_video() {
                let bytes: usize = units.iter().map(|unit| unit.data.len()).sum();
                sound_bits = sound_bits.saturating_add(per_second(bytes, length));
            }
            lanes.insert(track, Lane { units, length, rounds: 0, at: 0 });
        }
        Ok(Self { lanes, begin, index: 0, owed_bits: 0, sound_bits })
    }

    /// When the next unit is due.
    pub fn next_at(&self) -> MediaTime {
        let due = self.lanes.values().filter_map(Lane::due).min();
        due.map_or(self.begin, |due| self.begin + due)
    }

    /// The units due by `now`, in decode order, their pictures filled up so that all tracks together have `rate` in bits
    /// per second from here on; a clip that has more by itself stays as it is.
    pub fn take(&mut self, now: MediaTime, bits_per_sec: u64) -> Vec<Arc<AccessUnit>> {
        let mut units = Vec::new();
        while let Some(unit) = self.take_one(now, bits_per_sec) {
            units.push(unit);
        }
        units
    }

    fn take_one(&mut self, now: MediaTime, bits_per_sec: u64) -> Option<Arc<AccessUnit>> {
        let begin = self.begin;
        let lane = self
            .lanes
            .values_mut()
            .filter_map(|lane| Some((lane.due()?, lane)))
            .min_by_key(|(due, _)| *due)
            .filter(|(due, _)| begin + *due <= now)
            .map(|(_, lane)| lane)?;
        let shift = lane.shift(begin);
        let source = Arc::clone(lane.units.get(lane.at)?);
        lane.advance();
        let mut unit = AccessUnit { pts: source.pts + shift, dts: source.dts + shift, ..(*source).clone() };
        let composed_at: Pts = unit.pts;
        unit.stamps.composed_at = composed_at.at();
        unit.stamps.encode_requested_at = composed_at.at();
        unit.stamps.encode_completed_at = composed_at.at();
        if !unit.is_video() {
            return Some(Arc::new(unit));
        }
        unit.index = self.index;
        self.index += 1;
        Some(self.fill(&unit, bits_per_sec))
    }

    /// Fills a picture up to its share of the rate. What one picture had too much, the next ones have less.
    fn fill(&mut self, unit: &AccessUnit, bits_per_sec: u64) -> Arc<AccessUnit> {
        let rate = i128::from(bits_per_sec).saturating_sub(i128::from(self.sound_bits)).max(0);
        let share = rate * i128::from(unit.span.as_nanos().max(0)) / 1_000_000_000;
        let share = i64::try_from(share).unwrap_or(i64::MAX);
        let own = i64::try_from(unit.data.len()).unwrap_or(i64::MAX).saturating_mul(8);
        let owed = self.owed_bits.saturating_add(share).saturating_sub(own);
        let padded = pad(unit, usize::try_from(owed / 8).unwrap_or(0));
        let added = padded.data.len() - unit.data.len();
        let added = i64::try_from(added).unwrap_or(i64::MAX).saturating_mul(8);
        // A clip heavier than the rate must not save up a debt that a later, higher rate would have to pay off first.
        self.owed_bits = owed.saturating_sub(added).max(share.saturating_neg().saturating_mul(60));
        padded
    }
}

/// Bits per second of `bytes` in `length`.
fn per_second(bytes: usize, length: Span) -> i64 {
    let bits = i128::try_from(bytes).unwrap_or(i128::MAX).saturating_mul(8_000_000_000);
    i64::try_from(bits / i128::from(length.as_nanos().max(1))).unwrap_or(i64::MAX)
}
