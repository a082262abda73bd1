//! Access units on their way into RTMP messages: start gate, queue, headers, timestamps.

use std::collections::BTreeMap;
use std::sync::Arc;

use ertmp::flv::{self, Form, FourCc, StreamMetadata, Timeline};
use ertmp::{ClientSession, Error, MediaKind};
use units::{AccessUnit, Kbps, MediaTime, Span, StreamConfig, Track, TrackConfig, TrackId, VideoCodec};

use super::config::SessionConfig;
use super::deliveries::Unit;
use super::departure::Departure;
use super::metrics::Metrics;
use crate::{Dropped, Gauge, Pushed, QueueLimits, Queued, SendQueue, Start, StartGate};

/// Name and version, for `onMetaData`.
const PROGRAM: &str = concat!("Genlock ", env!("CARGO_PKG_VERSION"));

/// Sound is packaged in the legacy form, as every publisher does; what the service asks of multitrack streams is about
/// pictures only (IVS multitrack integration guide, "Connect Using Enhanced RTMP").
const SOUND_FORM: Form = Form::Legacy;

/// A unit that was handed to RTMP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// When the picture was composed; `None` for sound that accompanies pictures.
    pub(crate) composed_at: Option<MediaTime>,
    pub(crate) unit: Unit,
}

/// How long what was kept may wait in the queue: as long as it could be kept, and as long again as any picture.
const CATCHING_UP: Span = Span::from_secs(14);
/// After this the usual limits hold again, caught up or not.
const CAUGHT_UP_AFTER: Span = Span::from_secs(30);
/// Caught up: what waits is what any moment leaves waiting.
const CAUGHT_UP_BELOW: Span = Span::from_millis(500);

pub(crate) struct Outgoing {
    /// `None` until the number of renditions decides it.
    primary_form: Option<Form>,
    multitrack: bool,
    colour_info: bool,
    keeping: bool,
    /// Until when what was kept may take its time.
    catching_up_until: Option<MediaTime>,
    metrics: Option<Metrics>,
    departure: Option<Departure>,
    limits: QueueLimits,
    config: StreamConfig,
    queue: SendQueue,
    gate: StartGate,
    timeline: Option<Timeline>,
    /// Decoder configurations that are sent, or will be ahead of a unit in the queue.
    announced: BTreeMap<Track, Arc<[u8]>>,
    headers_sent: bool,
    rejected: u64,
    /// Timestamp of the last message of media.
    last_timestamp: u32,
}

impl Outgoing {
    pub(crate) fn new(session: &SessionConfig) -> Self {
        let config = StreamConfig::default();
        Self {
            primary_form: session.primary_form,
            multitrack: session.multitrack,
            colour_info: session.colour_info,
            keeping: session.keep_from_keyframe,
            catching_up_until: None,
            metrics: session.metrics.map(Metrics::new),
            departure: None,
            limits: session.limits,
            queue: SendQueue::new(session.limits, []),
            gate: StartGate::new(&config),
            config,
            timeline: None,
            announced: BTreeMap::new(),
            headers_sent: false,
            rejected: 0,
            last_timestamp: 0,
        }
    }

    /// Before the start, any configuration; after it, one of the same tracks, since a receiver that has seen the
    /// beginning can not be given other ones. What does not fit is ignored.
    pub(crate) fn begin(&mut self, config: StreamConfig) {
        if self.timeline.is_none() {
            if config != self.config {
                self.queue = SendQueue::new(self.limits, tracks(&config));
                self.gate = StartGate::new(&config);
                self.config = config;
            }
        } else if tracks(&config).eq(tracks(&self.config)) {
            self.config = config;
        }
    }

    /// The tracks that are promised.
    pub(crate) fn config(&self) -> &StreamConfig {
        &self.config
    }

    pub(crate) fn has_started(&self) -> bool {
        self.timeline.is_some()
    }

    /// Whether more than one rendition is or will be sent.
    pub(crate) fn is_multitrack(&self) -> bool {
        self.multitrack || self.config.video.len() > 1
    }

    /// Takes a unit while the service has not said yes yet.
    pub(crate) fn hold(&mut self, unit: Arc<AccessUnit>) {
        if self.keeping && self.config != StreamConfig::default() {
            self.gate.hold(unit, self.limits.bytes);
        }
    }

    /// The service has said yes: what was kept may go.
    pub(crate) fn release(&mut self, now: MediaTime) {
        if self.keeping
            && self.config != StreamConfig::default()
            && let Some(start) = self.gate.open()
        {
            self.catching_up_until = Some(now + CAUGHT_UP_AFTER);
            self.queue.be_lenient(Some(CATCHING_UP));
            self.start(start, now);
        }
    }

    /// Whether what was kept is still on its way, so that a long queue means nothing.
    pub(crate) fn is_catching_up(&mut self, now: MediaTime) -> bool {
        if self
            .catching_up_until
            .is_some_and(|until| now >= until || self.queue.gauge().waiting < CAUGHT_UP_BELOW)
        {
            self.catching_up_until = None;
            self.queue.be_lenient(None);
        }
        self.catching_up_until.is_some()
    }

    fn start(&mut self, Start { timeline, units }: Start, now: MediaTime) {
        self.timeline = Some(timeline);
        self.announced = configs(&self.config).map(|config| (track(&config), bytes(&config))).collect();
        for unit in units {
            self.enqueue(unit, None, now);
        }
    }

    pub(crate) fn push(&mut self, unit: Arc<AccessUnit>, now: MediaTime) {
        let Some(timeline) = self.timeline else {
            if self.config != StreamConfig::default()
                && let Some(start) = self.gate.offer(unit)
            {
                self.start(start, now);
            }
            return;
        };
        let units = match &mut self.departure {
            Some(departure) => departure.offer(unit, now),
            None => vec![unit],
        };
        for unit in units {
            // Sound from before the first picture may still arrive after it.
            if unit.dts >= timeline.origin() {
                let config = if unit.is_idr { self.changed_config(unit.track) } else { None };
                self.enqueue(unit, config, now);
            }
        }
    }

    /// From now on only what belongs before the next common IDR is taken.
    pub(crate) fn depart(&mut self) {
        if self.departure.is_none() {
            self.departure = Some(Departure::new(&self.config));
        }
    }

    /// Whether everything before that IDR has come.
    pub(crate) fn is_departure_over(&self, now: MediaTime) -> bool {
        self.departure.as_ref().is_some_and(|departure| departure.is_over(now))
    }

    fn enqueue(&mut self, unit: Arc<AccessUnit>, config: Option<TrackConfig>, now: MediaTime) {
        match self.queue.push(unit, config, now) {
            Pushed::Kept | Pushed::Dropped => {}
            Pushed::UnknownTrack | Pushed::OutOfOrder => self.rejected += 1,
        }
    }

    /// The configuration of `of` when it is another than was announced, which it then is.
    fn changed_config(&mut self, of: Track) -> Option<TrackConfig> {
        let config = configs(&self.config).find(|config| track(config) == of)?;
        let bytes = bytes(&config);
        let announced = self.announced.insert(of, Arc::clone(&bytes));
        (announced.as_ref() != Some(&bytes)).then_some(config)
    }

    pub(crate) fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        self.queue.wake_at(now)
    }

    pub(crate) fn gauge(&self) -> Gauge {
        self.queue.gauge()
    }

    /// Bitrate of all sound.
    pub(crate) fn sound(&self) -> Kbps {
        self.config.audio.iter().map(|audio| audio.bitrate).sum()
    }

    pub(crate) fn dropped(&self) -> Vec<(Track, Dropped)> {
        self.queue.dropped().collect()
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.rejected
    }

    pub(crate) fn disordered(&self) -> u64 {
        self.queue.disordered()
    }

    pub(crate) fn without_metrics(&self) -> u64 {
        self.metrics.as_ref().map_or(0, Metrics::missing)
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Hands the next unit to `rtmp`, headers first; `None` when none is due. `at_end` waits for no track.
    pub(crate) fn send_next(
        &mut self,
        rtmp: &mut ClientSession,
        at_end: bool,
        now: MediaTime,
    ) -> Result<Option<Sent>, Error> {
        let queued = if at_end { self.queue.pop_at_end() } else { self.queue.pop(now) };
        let (Some(Queued { unit, config, .. }), Some(timeline)) = (queued, self.timeline) else {
            return Ok(None);
        };
        if !std::mem::replace(&mut self.headers_sent, true) {
            self.send_headers(rtmp)?;
        }
        let timestamp = timeline.timestamp_ms(unit.dts);
        if let Some(config) = config {
            self.send_header(rtmp, &config, timestamp)?;
        }
        self.send_unit(rtmp, &unit, timestamp, now)?;
        self.last_timestamp = timestamp;
        let measured = unit.is_video() || self.config.video.is_empty();
        let from = unit.pts.at();
        Ok(Some(Sent {
            composed_at: measured.then_some(unit.stamps.composed_at),
            unit: Unit { track: unit.track, from, to: from + unit.span },
        }))
    }

    /// Metadata, the sequence headers of sound and of the renditions, then colours, all at timestamp 0.
    fn send_headers(&self, rtmp: &mut ClientSession) -> Result<(), Error> {
        rtmp.send_metadata(&StreamMetadata::new(&self.config, self.picture_form(), SOUND_FORM, PROGRAM))?;
        let (sound, pictures): (Vec<_>, Vec<_>) =
            configs(&self.config).partition(|config| matches!(config, TrackConfig::Audio(_)));
        for config in sound.iter().chain(&pictures) {
            self.send_header(rtmp, config, 0)?;
        }
        if self.colour_info {
            self.send_colours(rtmp)?;
        }
        Ok(())
    }

    /// Behind the sequence headers and not ahead of them: ffmpeg takes a track that begins with anything else for one
    /// without a header.
    fn send_colours(&self, rtmp: &mut ClientSession) -> Result<(), Error> {
        for video in &self.config.video {
            if let Some(body) = flv::colour_info(video, self.picture_form())? {
                rtmp.send_media(MediaKind::Video, 0, &body)?;
            }
        }
        Ok(())
    }

    fn send_header(
        &self,
        rtmp: &mut ClientSession,
        config: &TrackConfig,
        timestamp: u32,
    ) -> Result<(), Error> {
        let (kind, form) = self.manner(track(config));
        rtmp.send_media(kind, timestamp, &flv::sequence_start(config, form)?)
    }

    fn send_unit(
        &mut self,
        rtmp: &mut ClientSession,
        unit: &AccessUnit,
        timestamp: u32,
        now: MediaTime,
    ) -> Result<(), Error> {
        let (kind, form) = self.manner(unit.track);
        let Some(four_cc) = self.four_cc(unit.track) else {
            return Err(Error::Misused { reason: "a unit of a track that was not announced" });
        };
        let dropped = self.queue.gauge().dropped.units;
        let measured = match (&mut self.metrics, video_codec(&self.config, unit.track)) {
            (Some(metrics), Some(codec)) => metrics.measure(unit, codec, dropped, now),
            _ => None,
        };
        let unit = measured.as_ref().unwrap_or(unit);
        rtmp.send_media(kind, timestamp, &flv::coded_frame(unit, four_cc, form)?)
    }

    /// Ends the tracks, as far as headers were sent. The legacy form does without: publishers in wide use leave its
    /// end of sequence out, and receivers are used to that.
    pub(crate) fn end(&mut self, rtmp: &mut ClientSession) -> Result<(), Error> {
        self.queue.clear();
        if !self.headers_sent {
            return Ok(());
        }
        for track in tracks(&self.config) {
            let (kind, form) = self.manner(track);
            let is_legacy = form == Form::Legacy && matches!(track, Track::Video(TrackId::PRIMARY));
            if let (Some(four_cc), false) = (self.four_cc(track), is_legacy)
                && let Some(body) = flv::sequence_end(track, four_cc, form)?
            {
                rtmp.send_media(kind, self.last_timestamp, &body)?;
            }
        }
        Ok(())
    }

    fn picture_form(&self) -> Form {
        let by_tracks = if self.is_multitrack() { Form::Enhanced } else { Form::Legacy };
        self.primary_form.unwrap_or(by_tracks)
    }

    fn manner(&self, track: Track) -> (MediaKind, Form) {
        match track {
            Track::Video(_) => (MediaKind::Video, self.picture_form()),
            Track::Audio(_) => (MediaKind::Audio, SOUND_FORM),
        }
    }

    fn four_cc(&self, of: Track) -> Option<FourCc> {
        match of {
            Track::Video(id) => {
                self.config.video.iter().find(|video| video.track == id).map(|video| video.codec.into())
            }
            Track::Audio(id) => {
                self.config.audio.iter().find(|audio| audio.track == id).map(|audio| audio.codec.into())
            }
        }
    }
}

fn configs(config: &StreamConfig) -> impl Iterator<Item = TrackConfig> {
    let video = config.video.iter().map(|video| TrackConfig::Video((**video).clone()));
    video.chain(config.audio.iter().map(|audio| TrackConfig::Audio((**audio).clone())))
}

fn tracks(config: &StreamConfig) -> impl Iterator<Item = Track> {
    configs(config).map(|config| track(&config))
}

fn track(config: &TrackConfig) -> Track {
    match config {
        TrackConfig::Video(video) => Track::Video(video.track),
        TrackConfig::Audio(audio) => Track::Audio(audio.track),
    }
}

fn video_codec(config: &StreamConfig, of: Track) -> Option<VideoCodec> {
    config.video.iter().find(|video| Track::Video(video.track) == of).map(|video| video.codec)
}

fn bytes(config: &TrackConfig) -> Arc<[u8]> {
    match config {
        TrackConfig::Video(video) => Arc::clone(&video.decoder_config),
        TrackConfig::Audio(audio) => Arc::clone(&audio.decoder_config),
    }
}
