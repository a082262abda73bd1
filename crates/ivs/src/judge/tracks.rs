//! Which tracks a stream has, and which it should have.

use units::{Dts, MediaTime, Span, TrackId, VideoCodec};

use super::alignment::Progress;
use super::finding::{Finding, Severity, code};
use super::picture::{Conditions, PictureTrack};
use super::promised::{self, DISCONNECTIONS};
use super::{Judge, alignment};
use crate::ladder::{Promise, PromisedTrack};
use crate::limits::{ChannelType, MultitrackInput, ResolutionClass};

const STREAM_EVENT: &str = "IVS API reference, StreamEvent, code";

/// After this much of the stream it is plain which tracks it has: all sequence headers come first, and every track
/// begins with the IDR picture that begins the stream. As long as the recommended keyframe interval, so that a track
/// that joins at the next IDR picture is late and not absent.
const ALL_TRACKS_AFTER: Span = Span::from_secs(2);

/// A track that is silent for this long while others go on is gone: two keyframe intervals and a half, and the
/// interval at which the service can not begin segments any more.
const GONE_AFTER: Span = Span::from_secs(5);

/// What is known of the key that a stream came with.
#[derive(Clone, Debug, Default)]
pub(super) enum Key {
    /// A channel's own key: it promises nothing.
    #[default]
    Plain,
    /// The key of a GetClientConfiguration answer.
    Promising(Promise),
    /// The stream lies in a file.
    Unknown,
}

impl Judge {
    /// The channel's policy; only channels of type STANDARD can have one (IVS API reference,
    /// MultitrackInputConfiguration).
    pub(super) fn policy(&self) -> MultitrackInput {
        match self.rules.channel_type {
            ChannelType::Standard => self.rules.multitrack,
            _ => MultitrackInput::NotAllowed,
        }
    }

    /// Whether the stream has several video tracks, or was promised to have.
    pub(super) fn has_several(&self) -> bool {
        self.pictures.len() > 1
    }

    fn promised(&self, track: TrackId) -> Option<PromisedTrack> {
        match &self.key {
            Key::Promising(promise) => promise.tracks.get(usize::from(track.0)).copied(),
            _ => None,
        }
    }

    pub(super) fn conditions(&self, track: TrackId) -> Conditions {
        Conditions {
            channel: self.rules.channel_type,
            several: self.has_several(),
            maximum: self.policy().maximum_resolution().unwrap_or(ResolutionClass::FullHd),
            promised: self.promised(track),
        }
    }

    pub(super) fn take_promise(&mut self, promise: Promise) {
        self.pictures.truncate(1);
        if self.policy() != MultitrackInput::NotAllowed {
            for id in (1u8..).take(promise.tracks.len().saturating_sub(1)).take(alignment::MOST_TRACKS - 1) {
                self.pictures.push(PictureTrack::new(TrackId(id)));
            }
        }
        self.key = Key::Promising(promise);
    }

    /// Where the state of `track` is kept, when the stream may have it.
    pub(super) fn admit(&mut self, track: TrackId, now: MediaTime) -> Option<usize> {
        let known = self.pictures.iter().position(|known| known.track == track);
        if known.is_some() {
            return known;
        }
        if self.policy() == MultitrackInput::NotAllowed {
            self.refuse_multitrack(now);
            return None;
        }
        match &self.key {
            Key::Promising(promise) => {
                let promised = promise.tracks.len();
                let sentence = format!(
                    "{promised} video {} promised, and track {track} came as well; ids begin with 0.",
                    if promised == 1 { "track was" } else { "tracks were" }
                );
                self.refuse_track_count(Severity::Refused, sentence, now);
                return None;
            }
            Key::Plain => {
                self.report(Finding::new(
                    Severity::Refused,
                    code::CONFIGURED_KEY_REQUIRED,
                    now,
                    "The stream has several tracks, and its key promises none; use the key in the answer of \
                     GetClientConfiguration.",
                    DISCONNECTIONS,
                ));
            }
            Key::Unknown => {
                self.report(Finding::new(
                    Severity::Note,
                    code::PROMISE_UNKNOWN,
                    now,
                    "What was promised to the stream is not known, so track count, codes, sizes, rates and bitrates \
                     are not compared with it.",
                    DISCONNECTIONS,
                ));
            }
        }
        if self.pictures.len() >= alignment::MOST_TRACKS {
            let sentence = format!("More than {} video tracks came.", alignment::MOST_TRACKS);
            self.refuse_track_count(Severity::Refused, sentence, now);
            return None;
        }
        let at = self.pictures.len();
        self.pictures.push(PictureTrack::new(track));
        if at == 1 {
            let conditions = self.conditions(TrackId::PRIMARY);
            if let Some(primary) = self.pictures.first() {
                primary.judge_size_again(&conditions, now, &mut self.ledger);
            }
        }
        Some(at)
    }

    /// Whether a track may come in `codec`. Another than the promised one is judged and read all the same.
    pub(super) fn takes_codec(&mut self, track: TrackId, codec: VideoCodec, now: MediaTime) -> bool {
        if let Some(promised) = self.promised(track) {
            if promised.codec != codec {
                promised::wrong_codec(track, &promised, &codec.to_string(), now, &mut self.ledger);
            }
            return true;
        }
        if codec == VideoCodec::Hevc && self.policy() == MultitrackInput::NotAllowed {
            self.refuse_video_codec(&codec.to_string(), now);
            return false;
        }
        // Whether a first track in H.265 is one of several is seen later.
        true
    }

    /// Whether a picture of `track` that comes in `codec` can be read: in another than that of its decoder
    /// configuration it can not.
    pub(super) fn takes_coded(&mut self, track: TrackId, codec: VideoCodec, now: MediaTime) -> bool {
        let known = self.pictures.iter().find(|known| known.track == track);
        let configured = known.and_then(PictureTrack::coding).map(|coding| coding.codec);
        if configured == Some(codec) || (configured.is_none() && codec == VideoCodec::Avc) {
            return true;
        }
        if !self.takes_codec(track, codec, now) {
            return false;
        }
        if let Some(configured) = configured {
            let sentence = format!(
                "A picture of track {track} is coded in {codec}, and its decoder configuration is for {configured}."
            );
            self.report(Finding::new(Severity::Warning, code::CONFIG_MISSING, now, sentence, ""));
        }
        configured.is_none()
    }

    /// A track comes in a code that the judge does not read.
    pub(super) fn other_video_codec(&mut self, track: TrackId, name: &str, now: MediaTime) {
        match self.promised(track) {
            Some(promised) => promised::wrong_codec(track, &promised, name, now, &mut self.ledger),
            None => self.refuse_video_codec(name, now),
        }
    }

    /// Compares the tracks with each other, whenever a picture came.
    pub(super) fn compare_video_tracks(&mut self, now: MediaTime) {
        if self.alignment.waits() {
            let tracks: Vec<Progress> = self
                .pictures
                .iter()
                .map(|track| Progress {
                    track: track.track,
                    newest: track.newest,
                    is_silent: track.is_silent,
                })
                .collect();
            self.alignment.compare(&tracks, now, &mut self.ledger);
        }
        let Some(newest) = self.pictures.iter().filter_map(|track| track.newest).max() else {
            return;
        };
        let first = *self.first_picture.get_or_insert(newest);
        if !self.settled && newest - first >= ALL_TRACKS_AFTER {
            self.settle_tracks(now);
        }
        self.miss_silent_tracks(newest, now);
    }

    /// Judges which tracks the stream has, once.
    pub(super) fn settle_tracks(&mut self, now: MediaTime) {
        if self.settled {
            return;
        }
        self.settled = true;
        self.miss_absent_tracks(now);
        if self.has_several() {
            self.note_primary_packaging(now);
            return;
        }
        if matches!(self.key, Key::Promising(_)) {
            return;
        }
        if self.policy().is_required() {
            self.report(Finding::new(
                Severity::Refused,
                code::MULTITRACK_REQUIRED,
                now,
                "The channel requires several tracks and the stream has one; send the renditions that \
                 GetClientConfiguration answers, or let the channel allow single tracks.",
                STREAM_EVENT,
            ));
        }
        let codec = self.pictures.first().and_then(PictureTrack::coding).map(|coding| coding.codec);
        if codec == Some(VideoCodec::Hevc) {
            self.refuse_video_codec(&VideoCodec::Hevc.to_string(), now);
        }
    }

    /// Tracks of which nothing came.
    fn miss_absent_tracks(&mut self, now: MediaTime) {
        let promised = match &self.key {
            Key::Promising(promise) => Some(promise.tracks.len()),
            Key::Plain | Key::Unknown => None,
        };
        if promised.is_none() && !self.has_several() {
            return;
        }
        let mut absent: Vec<String> = Vec::new();
        for track in &mut self.pictures {
            if track.frames == 0 {
                track.is_silent = true;
                absent.push(track.track.to_string());
            }
        }
        if absent.is_empty() {
            return;
        }
        let names = format!("{} {}", if absent.len() == 1 { "track" } else { "tracks" }, absent.join(", "));
        let sentence = match promised {
            Some(promised) => format!(
                "{promised} video {} promised and {} came; there is no picture of {names}.",
                if promised == 1 { "track was" } else { "tracks were" },
                promised.saturating_sub(absent.len()),
            ),
            None => format!("Of {} video tracks, there is no picture of {names}.", self.pictures.len()),
        };
        self.refuse_track_count(Severity::Refused, sentence, now);
    }

    /// A track that stopped while others go on.
    fn miss_silent_tracks(&mut self, newest: Dts, now: MediaTime) {
        let mut gone = None;
        for track in &mut self.pictures {
            let silent = track.newest.is_some_and(|own| newest - own > GONE_AFTER);
            if silent && !track.is_silent {
                track.is_silent = true;
                gone = Some(track.track);
            }
        }
        if let Some(gone) = gone {
            let sentence = format!(
                "Track {gone} has sent no picture for {} seconds while others went on; all {} must.",
                GONE_AFTER.as_millis() / 1000,
                self.pictures.len()
            );
            self.refuse_track_count(Severity::Disconnected, sentence, now);
        }
    }

    /// Whether `track` is the sound that is judged: the first.
    pub(super) fn is_judged_sound(&mut self, track: TrackId, now: MediaTime) -> bool {
        if track == TrackId::PRIMARY {
            return true;
        }
        if self.policy() == MultitrackInput::NotAllowed {
            self.refuse_multitrack(now);
            return false;
        }
        let granted = match &self.key {
            Key::Promising(promise) => promise.audio.len().max(1),
            _ => 1,
        };
        if usize::from(track.0) >= granted {
            let sentence = format!(
                "Sound came on track {track}, and {granted} sound {} granted; viewers hear the first.",
                if granted == 1 { "track was" } else { "tracks were" }
            );
            self.report(Finding::new(Severity::Note, code::AUDIO_TRACKS, now, sentence, ""));
        }
        false
    }

    fn refuse_track_count(&mut self, severity: Severity, sentence: String, now: MediaTime) {
        self.report(Finding::new(severity, code::TRACK_COUNT, now, sentence, DISCONNECTIONS));
    }
}
