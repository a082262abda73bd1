//! One rendition, cut into segments.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use record::Segmenter;
use units::{
    AccessUnit, AudioConfig, Dts, EncodeStamps, MediaTime, Pts, Span, StreamConfig, Track, TrackId,
    VideoCodec, VideoConfig,
};

use super::carried::video_config;

/// A segment is cut at the first IDR picture from here on.
const SHORTEST: Span = Span::from_secs(1);
/// How long the last picture of a stream is shown.
const LAST_PICTURE: Span = Span::from_millis(33);
/// Segments that are kept: those that are listed, those that wait for it, and some that a slow player still wants.
const KEPT_SEGMENTS: usize = 12;
/// Segments in a playlist: more than the three target durations that a player stays behind (RFC 8216, 6.3.3).
pub(super) const LISTED_SEGMENTS: usize = 6;
/// Frames of sound that are kept for a picture that follows: half a second.
const EARLY_SOUNDS: usize = 24;
/// Bytes that may be gathered for one segment. Whoever sends more without an IDR picture can not be played.
const MAX_SEGMENT_BYTES: usize = 16 << 20;

/// A segment that is complete.
pub(super) struct Segment {
    /// Its media sequence number (RFC 8216, 4.3.3.2).
    pub(super) number: u64,
    /// Which initialisation it needs.
    pub(super) initialisation: u64,
    /// Discontinuities before it, its own included (RFC 8216, 4.3.3.3).
    pub(super) discontinuity: u64,
    pub(super) duration: Span,
    pub(super) complete_at: MediaTime,
    bytes: Bytes,
}

impl Segment {
    /// Bits per second.
    pub(super) fn bits_per_sec(&self) -> u64 {
        let nanos = u128::from(self.duration.as_nanos().max(1).unsigned_abs());
        u64::try_from(self.bytes.len() as u128 * 8_000_000_000 / nanos).unwrap_or(u64::MAX)
    }
}

/// A file of a rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Initialisation(u64),
    Segment(u64),
}

/// What is being gathered.
struct Gathering {
    segmenter: Segmenter,
    origin: Dts,
    pictures: Vec<AccessUnit>,
    sounds: Vec<AccessUnit>,
    bytes: usize,
}

impl Gathering {
    fn sound(&mut self, unit: AccessUnit) {
        let follows = self.sounds.last().is_none_or(|last| unit.dts > last.dts);
        if unit.dts >= self.origin && follows && self.bytes <= MAX_SEGMENT_BYTES {
            self.bytes += unit.data.len();
            self.sounds.push(unit);
        }
    }
}

/// One rendition, with the sound.
#[derive(Default)]
pub(super) struct Rendition {
    config: Option<Arc<VideoConfig>>,
    gathering: Option<Gathering>,
    /// Sound that came while no segment was open: its picture may follow.
    early: VecDeque<AccessUnit>,
    segments: VecDeque<Segment>,
    /// Those that segments still need, by their numbers.
    initialisations: VecDeque<(u64, Bytes)>,
    /// Of the next segment.
    number: u64,
    next_initialisation: u64,
    discontinuity: u64,
    /// The next segment does not follow the one before.
    breaks: bool,
    longest: Span,
}

impl Rendition {
    pub(super) fn config(&self) -> Option<&VideoConfig> {
        self.config.as_deref()
    }

    /// Longest segment so far.
    pub(super) const fn longest(&self) -> Span {
        self.longest
    }

    /// A decoder configuration came.
    pub(super) fn configure(&mut self, track: TrackId, codec: VideoCodec, record: &[u8], now: MediaTime) {
        let Some(config) = video_config(track, codec, record) else { return };
        if self.config.as_deref() != Some(&config) {
            self.break_off(now);
            self.config = Some(Arc::new(config));
        }
    }

    /// A picture came.
    pub(super) fn picture(
        &mut self,
        dts: Dts,
        offset_ms: i32,
        is_idr: bool,
        data: &[u8],
        sound: Option<&AudioConfig>,
        now: MediaTime,
    ) {
        let Some(config) = self.config.clone() else { return };
        if is_idr && self.gathered() >= SHORTEST {
            self.cut(Some(dts), now);
        }
        if is_idr && self.gathering.is_none() {
            self.gathering = self.begin(&config, sound, dts);
        }
        let Some(gathering) = &mut self.gathering else { return };
        if gathering.pictures.last().is_some_and(|last| dts <= last.dts) || dts < gathering.origin {
            return;
        }
        let offset = Span::from_millis(i64::from(offset_ms.max(0)));
        let unit = unit(Track::Video(config.track), dts, offset, is_idr, LAST_PICTURE, data);
        if let Some(last) = gathering.pictures.last_mut() {
            last.span = dts - last.dts;
        }
        gathering.pictures.push(unit);
        gathering.bytes += data.len();
        if gathering.bytes > MAX_SEGMENT_BYTES {
            self.gathering = None;
            self.breaks = true;
        }
    }

    /// A frame of sound came.
    pub(super) fn sound(&mut self, dts: Dts, data: &[u8], config: &AudioConfig) {
        // ISO/IEC 14496-3, 4.5.2.1.1: 1024 samples.
        let span = Span::from_nanos(1_024_000_000_000 / i64::from(config.sample_rate_hz.max(1)));
        let unit = unit(Track::Audio(TrackId::PRIMARY), dts, Span::ZERO, true, span, data);
        let Some(gathering) = &mut self.gathering else {
            self.early.push_back(unit);
            if self.early.len() > EARLY_SOUNDS {
                self.early.pop_front();
            }
            return;
        };
        gathering.sound(unit);
    }

    /// What comes next does not follow: the segment ends here.
    pub(super) fn break_off(&mut self, now: MediaTime) {
        self.cut(None, now);
        self.gathering = None;
        self.early.clear();
        self.breaks = true;
    }

    fn begin(
        &mut self,
        config: &Arc<VideoConfig>,
        sound: Option<&AudioConfig>,
        origin: Dts,
    ) -> Option<Gathering> {
        let audio = sound.map(|sound| Arc::new(sound.clone())).into_iter().collect();
        let stream = StreamConfig { video: vec![Arc::clone(config)], audio };
        let segmenter = match Segmenter::new(&stream, Pts::from_nanos(origin.as_nanos())) {
            Ok(segmenter) => segmenter,
            Err(error) => {
                tracing::debug!(track = %config.track, %error, "viewers can not be shown a rendition");
                return None;
            }
        };
        let initialisation = Bytes::copy_from_slice(segmenter.initialisation());
        self.initialisations.push_back((self.next_initialisation, initialisation));
        self.next_initialisation += 1;
        let mut gathering =
            Gathering { segmenter, origin, pictures: Vec::new(), sounds: Vec::new(), bytes: 0 };
        self.early.drain(..).for_each(|unit| gathering.sound(unit));
        Some(gathering)
    }

    fn gathered(&self) -> Span {
        let pictures = self.gathering.as_ref().map(|gathering| &gathering.pictures);
        match pictures.and_then(|pictures| Some((pictures.first()?, pictures.last()?))) {
            Some((first, last)) => (last.dts - first.dts) + last.span,
            None => Span::ZERO,
        }
    }

    /// Makes a segment of what was gathered up to `end`, or of everything.
    fn cut(&mut self, end: Option<Dts>, now: MediaTime) {
        let Some(gathering) = &mut self.gathering else { return };
        let mut pictures = std::mem::take(&mut gathering.pictures);
        let (Some(begin), Some(last)) = (pictures.first().map(|first| first.dts), pictures.last_mut()) else {
            return;
        };
        let is_last = end.is_none();
        let end = end.unwrap_or(last.dts + last.span);
        last.span = end - last.dts;
        let track = last.track;
        let sounds = std::mem::take(&mut gathering.sounds);
        let (sounds, later): (Vec<_>, Vec<_>) =
            sounds.into_iter().partition(|unit| is_last || unit.dts < end);
        gathering.bytes = later.iter().map(|unit| unit.data.len()).sum();
        gathering.sounds = later;
        let lanes = [(track, pictures), (Track::Audio(TrackId::PRIMARY), sounds)];
        let bytes = match gathering.segmenter.segment(&lanes) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::debug!(%error, "viewers can not be shown a segment");
                self.breaks = true;
                return;
            }
        };
        if self.breaks && self.number > 0 {
            self.discontinuity += 1;
        }
        self.breaks = false;
        let duration = end - begin;
        self.longest = self.longest.max(duration);
        self.segments.push_back(Segment {
            number: self.number,
            initialisation: self.next_initialisation.saturating_sub(1),
            discontinuity: self.discontinuity,
            duration,
            complete_at: now,
            bytes: bytes.into(),
        });
        self.number += 1;
        while self.segments.len() > KEPT_SEGMENTS {
            self.segments.pop_front();
        }
        let needed = self.segments.front().map_or(0, |segment| segment.initialisation);
        self.initialisations.retain(|(number, _)| *number >= needed);
    }

    /// The segments in the playlist: those complete by `until`, or all of them.
    pub(super) fn listed(&self, until: Option<MediaTime>) -> impl Iterator<Item = &Segment> {
        let ready = self
            .segments
            .iter()
            .take_while(move |segment| until.is_none_or(|until| segment.complete_at <= until));
        let count = ready.clone().count();
        ready.skip(count.saturating_sub(LISTED_SEGMENTS))
    }

    /// The bytes of a file.
    pub(super) fn media(&self, named: Named) -> Option<Bytes> {
        match named {
            Named::Initialisation(wanted) => self
                .initialisations
                .iter()
                .find(|(number, _)| *number == wanted)
                .map(|(_, bytes)| bytes.clone()),
            Named::Segment(wanted) => self
                .segments
                .iter()
                .find(|segment| segment.number == wanted)
                .map(|segment| segment.bytes.clone()),
        }
    }
}

fn unit(track: Track, dts: Dts, offset: Span, is_idr: bool, span: Span, data: &[u8]) -> AccessUnit {
    AccessUnit {
        track,
        pts: Pts::from_nanos(dts.as_nanos()) + offset,
        dts,
        span,
        is_idr,
        is_disposable: false,
        index: 0,
        stamps: EncodeStamps::default(),
        data: data.into(),
    }
}
