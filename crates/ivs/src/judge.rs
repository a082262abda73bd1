//! The judge: watches what an ingest receives and says what the service would say.
//!
//! It holds no socket and reads no clock. Whoever feeds it passes the present instant as `now`; a file is judged with
//! `now` being the time stamps of the file. It never keeps media, so its memory is bounded whatever a peer sends.

mod alignment;
mod announced;
mod arrival;
mod bitrate;
mod figures;
mod finding;
mod flv;
mod flv_file;
mod metrics;
mod packaging;
mod picture;
mod promised;
mod shape;
mod sound;
mod tracks;
mod verdict;
mod whole;

use std::collections::VecDeque;

use ertmp::flv::TimestampUnwrapper;
use units::{AccessUnit, Dts, MediaTime, Pts, Span, Track, TrackConfig, TrackId, VideoCodec};

use crate::address::Protocol;
use crate::ladder::Promise;
use crate::limits::{MAX_AUDIO_BITRATE, MIN_AUDIO_BITRATE, MultitrackInput, Rules};
use alignment::Alignment;
use arrival::Arrival;
use finding::Ledger;
use metrics::MetricsWatch;
use packaging::Packaging;
use picture::PictureTrack;
use sound::SoundTrack;
use tracks::Key;
use whole::{AllTracks, WholeStream};

pub use announced::{AnnouncedMedia, AnnouncedTrack};
pub use finding::{Breach, Code, CountedFinding, Finding, NamedBy, Severity, code};
pub use flv_file::FlvFileJudge;
pub use shape::{StreamShape, TrackShape};
pub use verdict::{AlignmentFigures, Figures, KeyframeFigures, MetricsFigures, TrackFigures, Verdict};

/// Sound without picture, or the reverse, for longer than this is no late start.
const ONE_SIDED: Span = Span::from_secs(10);

/// Sound and picture further apart than this make players wait or drop.
const APART: Span = Span::from_secs(2);

/// Keyframe intervals until viewers can watch: the guide's stream-start latency is 6 to 7 seconds at an interval of
/// 2 seconds, and 3 to 4 at 1 second ("Reducing Latency").
const INTERVALS_TO_START: u64 = 3;

/// One coded picture.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The track it came on.
    pub track: TrackId,
    /// When it is decoded.
    pub dts: Dts,
    /// When it is shown.
    pub pts: Pts,
    /// The container calls it a keyframe.
    pub keyframe: bool,
    /// NAL units behind their lengths, as its decoder configuration says.
    pub data: &'a [u8],
}

/// One coded frame of sound.
#[derive(Clone, Copy, Debug)]
pub struct Sound {
    /// The track it came on.
    pub track: TrackId,
    /// When it is heard.
    pub pts: Pts,
    /// Its length in bytes.
    pub bytes: usize,
}

/// Something to react to at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The first finding of its code. When its severity ends the stream, the ingest shall end it.
    Finding(Finding),
    /// The first IDR picture came.
    FirstIdr,
    /// Enough came for viewers to watch.
    StreamStart,
    /// Too little data comes.
    StarvationStart,
    /// Enough data comes again.
    StarvationEnd,
}

/// Judges one stream by the rules of its channel.
#[derive(Clone, Debug)]
pub struct Judge {
    rules: Rules,
    ledger: Ledger,
    observations: VecDeque<Observation>,
    announced: Option<AnnouncedMedia>,
    key: Key,
    /// The primary track, and behind it all that were promised or came.
    pictures: Vec<PictureTrack>,
    sound: SoundTrack,
    whole: WholeStream,
    all_tracks: AllTracks,
    alignment: Alignment,
    metrics: MetricsWatch,
    packaging: Packaging,
    arrival: Arrival,
    timestamps: TimestampUnwrapper,
    published: bool,
    started: bool,
    first_picture: Option<Dts>,
    /// Which tracks the stream has was judged.
    settled: bool,
}

impl Judge {
    /// A judge for one stream to a channel with `rules`.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            ledger: Ledger::default(),
            observations: VecDeque::new(),
            announced: None,
            key: Key::default(),
            pictures: vec![PictureTrack::new(TrackId::PRIMARY)],
            sound: SoundTrack::default(),
            whole: WholeStream::default(),
            all_tracks: AllTracks::default(),
            alignment: Alignment::default(),
            metrics: MetricsWatch::default(),
            packaging: Packaging::default(),
            arrival: Arrival::default(),
            timestamps: TimestampUnwrapper::new(),
            published: false,
            started: false,
            first_picture: None,
            settled: false,
        }
    }

    /// The stream came with a key that promises `promise`: a GetClientConfiguration answer was given out with it. Call
    /// it before any media.
    pub fn promise(&mut self, promise: Promise) {
        self.take_promise(promise);
    }

    /// Nobody knows which key the stream came with, as with a file: what needs a promise is not judged. Call it before
    /// any media, and not together with [`Self::promise`].
    pub fn key_unknown(&mut self) {
        self.key = Key::Unknown;
    }

    /// What is judged is a recording: broadcast performance metrics are put in when a stream is sent, so a recording
    /// has none, and they are not missed.
    pub fn recorded(&mut self) {
        self.metrics.are_expected = false;
    }

    /// A peer connected over `protocol`.
    pub fn connected(&mut self, protocol: Protocol, now: MediaTime) {
        if !self.rules.allows(protocol) {
            self.report(Finding::new(
                Severity::Refused,
                code::INSECURE_INGEST,
                now,
                "The channel does not allow insecure ingest; use rtmps:// instead of rtmp://.",
                "IVS user guide, Streaming Configuration, Stream Ingest: Codecs and Ingest Protocols",
            ));
        }
    }

    /// The peer began to publish; silence counts from here.
    pub fn published(&mut self, now: MediaTime) {
        self.published = true;
        self.arrival.published(now);
    }

    /// The peer announced what it will send.
    pub fn announced(&mut self, media: AnnouncedMedia, now: MediaTime) {
        if let Some(kbps) = media.audio_kbps {
            let (lowest, highest) =
                (f64::from(MIN_AUDIO_BITRATE.value.0), f64::from(MAX_AUDIO_BITRATE.value.0));
            // Zero means unknown; decimals come from encoders that count a kilobit as 1024.
            if kbps > 0.0 && (kbps < lowest * 0.97 || kbps > highest * 1.03) {
                let sentence = format!(
                    "The sound is announced with {kbps:.0} kbps; the service supports {lowest:.0} to {highest:.0}."
                );
                let source = MAX_AUDIO_BITRATE.source;
                self.report(Finding::new(Severity::Warning, code::AUDIO_BITRATE, now, sentence, source));
            }
        }
        self.announced = Some(media);
        for at in 0..self.pictures.len() {
            self.compare_announced_size(at, now);
        }
    }

    /// The decoder configuration of a picture track: an `AVCDecoderConfigurationRecord` or an
    /// `HEVCDecoderConfigurationRecord`, by `codec`.
    pub fn video_config(&mut self, track: TrackId, codec: VideoCodec, record: &[u8], now: MediaTime) {
        let Some(at) = self.admit(track, now) else { return };
        if !self.takes_codec(track, codec, now) {
            return;
        }
        let conditions = self.conditions(track);
        if let Some(track) = self.pictures.get_mut(at) {
            track.configure(codec, record, &conditions, now, &mut self.ledger);
        }
        self.compare_announced_size(at, now);
    }

    /// The decoder configuration of a sound track, an `AudioSpecificConfig`.
    pub fn audio_config(&mut self, track: TrackId, bytes: &[u8], now: MediaTime) {
        if self.is_judged_sound(track, now) {
            self.sound.configure(bytes, now, &mut self.ledger);
        }
    }

    /// A coded picture.
    pub fn picture(&mut self, picture: &Picture<'_>, now: MediaTime) {
        self.arrival.data(now, picture.dts.as_nanos());
        let Some(at) = self.admit(picture.track, now) else { return };
        let conditions = self.conditions(picture.track);
        let Some(track) = self.pictures.get_mut(at) else { return };
        if track.picture(picture, &conditions, now, &mut self.ledger) {
            self.alignment.idr(at, picture.pts);
            self.metrics.idr(track, picture, conditions.several, now, &mut self.ledger);
            if picture.track == TrackId::PRIMARY {
                self.watch_start();
            }
        }
        self.compare_video_tracks(now);
        self.add_to_whole(true, picture.dts.as_nanos(), picture.data.len(), now);
        self.compare_with_sound(now);
    }

    /// A coded frame of sound.
    pub fn sound(&mut self, sound: &Sound, now: MediaTime) {
        self.arrival.data(now, sound.pts.as_nanos());
        let is_judged = self.is_judged_sound(sound.track, now);
        if is_judged {
            self.sound.sound(sound, now, &mut self.ledger);
        }
        if is_judged || self.policy() != MultitrackInput::NotAllowed {
            self.add_to_whole(false, sound.pts.as_nanos(), sound.bytes, now);
        }
        if is_judged {
            self.compare_with_sound(now);
        }
    }

    /// The decoder configuration of a track of ours.
    pub fn track_config(&mut self, config: &TrackConfig, now: MediaTime) {
        match config {
            TrackConfig::Video(video) => {
                self.video_config(video.track, video.codec, &video.decoder_config, now);
            }
            TrackConfig::Audio(audio) => self.audio_config(audio.track, &audio.decoder_config, now),
        }
    }

    /// An access unit of ours.
    pub fn access_unit(&mut self, unit: &AccessUnit, now: MediaTime) {
        match unit.track {
            Track::Video(track) => {
                let (dts, pts, keyframe) = (unit.dts, unit.pts, unit.is_idr);
                self.picture(&Picture { track, dts, pts, keyframe, data: &unit.data }, now);
            }
            Track::Audio(track) => {
                self.sound(&Sound { track, pts: unit.pts, bytes: unit.data.len() }, now);
            }
        }
    }

    /// Something arrived that is neither picture nor sound, such as metadata; it ends no starvation but the silence.
    pub fn heard(&mut self, now: MediaTime) {
        self.arrival.heard(now);
    }

    /// Time passes. Call it a few times per second, whether or not data comes.
    pub fn tick(&mut self, now: MediaTime) {
        if self.published {
            self.arrival.tick(now, &mut self.ledger, &mut self.observations);
        }
    }

    /// A finding of the caller's own, such as an unknown stream key.
    pub fn report(&mut self, finding: Finding) {
        self.ledger.report(finding);
    }

    /// What to react to, in order; `None` when there is nothing left.
    pub fn poll(&mut self) -> Option<Observation> {
        self.observations.pop_front().or_else(|| self.ledger.take_untold().map(Observation::Finding))
    }

    /// Whether a finding so far ends the stream.
    pub fn is_over(&self) -> bool {
        self.ledger.ends_stream()
    }

    /// The outcome so far.
    pub fn verdict(&self, now: MediaTime) -> Verdict {
        Verdict { accepted: !self.is_over(), findings: self.ledger.counted(), figures: self.figures(now) }
    }

    /// The stream ended: judges what can only be judged then, and gives the outcome.
    pub fn finish(&mut self, now: MediaTime) -> Verdict {
        self.sound.finish(now, &mut self.ledger);
        if self.published && !self.is_over() {
            let pictures: u64 = self.pictures.iter().map(|track| track.frames).sum();
            if pictures > 0 {
                self.settle_tracks(now);
            }
            match (pictures, self.sound.frames) {
                (0, 0) => {
                    let sentence = "The stream ended before any picture or sound was sent.";
                    self.report(Finding::new(Severity::Warning, code::NO_MEDIA, now, sentence, ""));
                }
                (0, _) => self.refuse_audio_only(now),
                (_, 0) => self.warn_of_missing_sound(now),
                _ => {}
            }
            if self.pictures.iter().any(|track| track.frames > 0 && track.keyframes.count == 0) {
                let sentence = "No keyframe was ever sent, so viewers would never have seen a picture.";
                self.report(Finding::new(Severity::Refused, code::KEYFRAME_MISSING, now, sentence, ""));
            }
            self.note_missing_ends(now);
        }
        self.verdict(now)
    }

    fn primary(&self) -> Option<&PictureTrack> {
        self.pictures.first()
    }

    /// Tells when the stream begins, by the primary track.
    fn watch_start(&mut self) {
        let keyframes = self.primary().map_or(0, |primary| primary.keyframes.count);
        if keyframes == 1 {
            self.observations.push_back(Observation::FirstIdr);
        }
        if !self.started && keyframes > INTERVALS_TO_START {
            self.started = true;
            self.observations.push_back(Observation::StreamStart);
        }
    }

    fn refuse_multitrack(&mut self, now: MediaTime) {
        self.report(Finding::new(
            Severity::Refused,
            code::MULTITRACK_NOT_ALLOWED,
            now,
            "The stream has several tracks, and the channel takes one; enable multitrack input on the channel or send \
             a single rendition.",
            "IVS user guide, Using Amazon EventBridge, Session Ended",
        ));
    }

    fn refuse_video_codec(&mut self, name: &str, now: MediaTime) {
        let sentence = format!("The picture is coded in {name}; the service takes H.264.");
        let source = "IVS user guide, Streaming Configuration, Stream Ingest: Codecs and Ingest Protocols";
        self.report(Finding::new(Severity::Refused, code::VIDEO_CODEC, now, sentence, source));
    }

    fn refuse_audio_codec(&mut self, name: &str, now: MediaTime) {
        let sentence = format!("The sound is coded in {name}; the service takes AAC-LC.");
        let source = "IVS user guide, Streaming Configuration, Audio Settings";
        self.report(Finding::new(Severity::Refused, code::AUDIO_CODEC, now, sentence, source));
    }

    fn refuse_audio_only(&mut self, now: MediaTime) {
        self.report(Finding::new(
            Severity::Refused,
            code::AUDIO_ONLY,
            now,
            "The stream has sound but no picture; the service does not support audio-only input.",
            "IVS user guide, Streaming Configuration, introduction",
        ));
    }

    fn warn_of_missing_sound(&mut self, now: MediaTime) {
        let sentence = "The stream has no sound; viewers hear nothing, and some players wait for it.";
        self.report(Finding::new(Severity::Warning, code::VIDEO_ONLY, now, sentence, ""));
    }

    fn add_to_whole(&mut self, is_picture: bool, at_nanos: i64, bytes: usize, now: MediaTime) {
        if self.has_several() {
            self.all_tracks.add(is_picture, at_nanos, bytes, now, &mut self.ledger);
        } else if let Some(size) = self.primary().and_then(PictureTrack::size) {
            let limit = (self.rules.channel_type, size);
            self.whole.add(limit, at_nanos, bytes, now, &mut self.ledger);
        }
    }

    fn compare_with_sound(&mut self, now: MediaTime) {
        let newest = self.pictures.iter().filter_map(|track| track.newest).max();
        let span = self.pictures.iter().map(PictureTrack::span).max().unwrap_or(Span::ZERO);
        match (newest, self.sound.newest) {
            (None, Some(_)) if self.sound.span() > ONE_SIDED => self.refuse_audio_only(now),
            (Some(_), None) if span > ONE_SIDED => self.warn_of_missing_sound(now),
            (Some(picture), Some(sound)) => {
                let apart = Span::from_nanos(picture.as_nanos().saturating_sub(sound.as_nanos()));
                if apart.abs() > APART {
                    let behind = if apart > Span::ZERO { "sound" } else { "picture" };
                    let sentence = format!(
                        "The {behind} arrives {} ms behind; players must wait for it or play it out of time.",
                        apart.abs().as_millis()
                    );
                    self.report(Finding::new(Severity::Warning, code::INTERLEAVING, now, sentence, ""));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
