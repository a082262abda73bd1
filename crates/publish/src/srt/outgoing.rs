//! Access units on their way into a transport stream: one rendition, start gate, queue, timestamps.

use std::sync::Arc;

use ertmp::flv::Timeline;
use units::{AccessUnit, Kbps, MediaTime, Span, StreamConfig, Track, VideoCodec};

use super::elementary::annex_b;
use super::{SrtConfig, SrtUnit};
use crate::session::departure::Departure;
use crate::{Dropped, Gauge, Pushed, QueueLimits, SendQueue, Start, StartGate};

/// How long what was kept may wait in the queue, until when at the latest, and when it counts as caught up with: as with
/// RTMP.
const CATCHING_UP: Span = Span::from_secs(14);
const CAUGHT_UP_AFTER: Span = Span::from_secs(30);
const CAUGHT_UP_BELOW: Span = Span::from_millis(500);

pub(crate) struct Outgoing {
    limits: QueueLimits,
    keeping: bool,
    catching_up_until: Option<MediaTime>,
    departure: Option<Departure>,
    /// What is sent: the primary rendition and the first sound.
    config: StreamConfig,
    queue: SendQueue,
    gate: StartGate,
    timeline: Option<Timeline>,
    rejected: u64,
    malformed: u64,
}

impl Outgoing {
    pub(crate) fn new(session: &SrtConfig) -> Self {
        let config = StreamConfig::default();
        Self {
            limits: session.limits,
            keeping: session.keep_from_keyframe,
            catching_up_until: None,
            departure: None,
            queue: SendQueue::new(session.limits, []),
            gate: StartGate::new(&config),
            config,
            timeline: None,
            rejected: 0,
            malformed: 0,
        }
    }

    /// Takes the primary rendition and the first sound of `config`; says what SRT can not carry.
    pub(crate) fn begin(&mut self, config: &StreamConfig) -> Result<(), String> {
        let one = StreamConfig {
            video: config.video.iter().take(1).cloned().collect(),
            audio: config.audio.iter().take(1).cloned().collect(),
        };
        if one.video.iter().any(|video| video.codec != VideoCodec::Avc) {
            return Err(String::from("its pictures are not H.264"));
        }
        if self.timeline.is_none() {
            if one != self.config {
                self.queue = SendQueue::new(self.limits, tracks(&one));
                self.gate = StartGate::new(&one);
                self.config = one;
            }
        } else if tracks(&one).eq(tracks(&self.config)) {
            self.config = one;
        }
        Ok(())
    }

    pub(crate) fn config(&self) -> &StreamConfig {
        &self.config
    }

    pub(crate) fn has_started(&self) -> bool {
        self.timeline.is_some()
    }

    /// Other renditions go elsewhere.
    fn is_ours(&self, unit: &AccessUnit) -> bool {
        tracks(&self.config).any(|track| track == unit.track)
    }

    pub(crate) fn hold(&mut self, unit: Arc<AccessUnit>) {
        if self.keeping && self.is_ours(&unit) {
            self.gate.hold(unit, self.limits.bytes);
        }
    }

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
        for unit in units {
            self.enqueue(unit, now);
        }
    }

    pub(crate) fn push(&mut self, unit: Arc<AccessUnit>, now: MediaTime) {
        if !self.is_ours(&unit) {
            return;
        }
        let Some(timeline) = self.timeline else {
            if let Some(start) = self.gate.offer(unit) {
                self.start(start, now);
            }
            return;
        };
        let units = match &mut self.departure {
            Some(departure) => departure.offer(unit, now),
            None => vec![unit],
        };
        for unit in units {
            if unit.dts >= timeline.origin() {
                self.enqueue(unit, now);
            }
        }
    }

    fn enqueue(&mut self, unit: Arc<AccessUnit>, now: MediaTime) {
        match self.queue.push(unit, None, now) {
            Pushed::Kept | Pushed::Dropped => {}
            Pushed::UnknownTrack | Pushed::OutOfOrder => self.rejected += 1,
        }
    }

    pub(crate) fn depart(&mut self) {
        if self.departure.is_none() {
            self.departure = Some(Departure::new(&self.config));
        }
    }

    pub(crate) fn is_departure_over(&self, now: MediaTime) -> bool {
        self.departure.as_ref().is_some_and(|departure| departure.is_over(now))
    }

    pub(crate) fn wake_at(&self, now: MediaTime) -> Option<MediaTime> {
        self.queue.wake_at(now)
    }

    pub(crate) fn gauge(&self) -> Gauge {
        self.queue.gauge()
    }

    pub(crate) fn sound(&self) -> Kbps {
        self.config.audio.iter().map(|audio| audio.bitrate).sum()
    }

    pub(crate) fn dropped(&self) -> Vec<(Track, Dropped)> {
        self.queue.dropped().collect()
    }

    /// Units that could not be queued or packed: a mistake upstream.
    pub(crate) const fn rejected(&self) -> u64 {
        self.rejected + self.malformed
    }

    pub(crate) fn disordered(&self) -> u64 {
        self.queue.disordered()
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    /// The next unit, in the form of MPEG-TS; `None` when none is due. `at_end` waits for no track.
    pub(crate) fn next(&mut self, at_end: bool, now: MediaTime) -> Option<(Arc<AccessUnit>, SrtUnit)> {
        loop {
            let queued = if at_end { self.queue.pop_at_end() } else { self.queue.pop(now) };
            let (unit, timeline) = (queued?.unit, self.timeline?);
            let data = match &*self.config.video {
                [video, ..] if unit.is_video() => annex_b(&unit, video),
                _ => Some(unit.data.to_vec()),
            };
            let Some(data) = data else {
                self.malformed += 1;
                continue;
            };
            let origin = timeline.origin().as_nanos();
            let from_origin = |nanos: i64| Span::from_nanos(nanos.saturating_sub(origin).max(0));
            let packed = SrtUnit {
                track: unit.track,
                data,
                pts: from_origin(unit.pts.as_nanos()),
                dts: from_origin(unit.dts.as_nanos()),
                span: unit.span,
                is_idr: unit.is_idr,
            };
            return Some((unit, packed));
        }
    }
}

fn tracks(config: &StreamConfig) -> impl Iterator<Item = Track> + '_ {
    let video = config.video.iter().map(|video| Track::Video(video.track));
    video.chain(config.audio.iter().map(|audio| Track::Audio(audio.track)))
}
