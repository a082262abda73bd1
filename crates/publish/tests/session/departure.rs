//! One session leaves a stream to another: nothing is missing, and the other begins with an IDR on all tracks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ertmp::flv::{AudioTag, ExVideoBody, LegacyAudioBody, LegacyVideoBody, VideoPacket, VideoTag};
use ertmp::{MediaKind, ServerEvent};
use proptest::prelude::*;
use publish::{Ended, Notice, Step};
use testkit::SyntheticStream;
use units::{AccessUnit, MediaTime, Span, Track, TrackId};

use crate::rig::{Hitch, Rig, config};

const URL: &str = "rtmp://ingest.example/app";

pub(crate) fn successor(now: MediaTime) -> Rig {
    let mut settings = config(URL);
    settings.keep_from_keyframe = true;
    let mut rig = Rig::starting(settings, now);
    rig.hitch = Hitch::Connect;
    rig
}

/// The units that arrived at a server, found again by their bytes.
pub(crate) fn arrived(rig: &Rig, units: &[Arc<AccessUnit>]) -> Vec<Arc<AccessUnit>> {
    let by_data: BTreeMap<&[u8], &Arc<AccessUnit>> = units.iter().map(|unit| (&*unit.data, unit)).collect();
    assert_eq!(by_data.len(), units.len(), "the units are all different");
    let find = |data: &[u8]| Arc::clone(by_data[data]);
    let mut arrived = Vec::new();
    for (kind, _, body) in rig.media() {
        match kind {
            MediaKind::Audio => {
                let AudioTag::Legacy(tag) = AudioTag::decode(body).unwrap() else { panic!("enhanced sound") };
                if let LegacyAudioBody::AacRaw(data) = tag.body {
                    arrived.push(find(data));
                }
            }
            MediaKind::Video => {
                let tag = match VideoTag::decode(body).unwrap() {
                    VideoTag::Enhanced(tag) => tag,
                    VideoTag::Legacy(tag) => {
                        if let LegacyVideoBody::AvcNalUnits { data, .. } = tag.body {
                            arrived.push(find(data));
                        }
                        continue;
                    }
                };
                let ExVideoBody::Tracks(tracks) = &tag.body else { panic!("no track") };
                for (_, _, packet) in tracks.iter() {
                    if let VideoPacket::CodedFrames { data, .. } | VideoPacket::CodedFramesX(data) = packet {
                        arrived.push(find(data));
                    }
                }
            }
        }
    }
    arrived
}

pub(crate) struct Handover {
    pub(crate) units: Vec<Arc<AccessUnit>>,
    /// When each comes out of its encoder.
    due: Vec<MediaTime>,
    pub(crate) at: usize,
    pub(crate) old: Rig,
    pub(crate) new: Option<Rig>,
}

impl Handover {
    /// `delays_ms` of the renditions and, last, of sound.
    pub(crate) fn new(renditions: usize, seconds: i64, delays_ms: &[i64]) -> Self {
        let mut stream = SyntheticStream::ladder(renditions);
        let mut old = Rig::plain();
        old.session.begin(stream.config());
        let due = |unit: &AccessUnit| {
            let delay = match unit.track {
                Track::Video(track) => delays_ms[usize::from(track.0)],
                Track::Audio(_) => delays_ms[renditions],
            };
            unit.pts.at() + Span::from_millis(delay)
        };
        let mut units = stream.take_span(Span::from_secs(seconds));
        units.sort_by_key(|unit| due(unit));
        let due = units.iter().map(|unit| due(unit)).collect();
        Self { units, due, at: 0, old, new: None }
    }

    pub(crate) fn run(&mut self, span: Span) {
        let end = self.old.now + span;
        while self.old.now < end {
            while self.due.get(self.at).is_some_and(|due| *due <= self.old.now) {
                let unit = &self.units[self.at];
                self.old.session.push(Arc::clone(unit), self.old.now);
                if let Some(new) = &mut self.new {
                    new.session.push(Arc::clone(unit), new.now);
                }
                self.at += 1;
            }
            self.old.run(Span::from_millis(1));
            if let Some(new) = &mut self.new {
                new.run(Span::from_millis(1));
            }
        }
    }

    /// As the engine does when the service asks for another connection.
    fn hand_over(&mut self) {
        let mut new = successor(self.old.now);
        new.session.begin(SyntheticStream::ladder(self.renditions()).config());
        new.turn();
        self.new = Some(new);
        self.old.session.depart(self.old.now);
    }

    fn renditions(&self) -> usize {
        self.units.iter().filter(|unit| unit.is_video() && unit.pts == self.units[0].pts).count().max(1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sent_before_and_after_is_whole(
        renditions in 1usize..=4,
        delays_ms in prop::collection::vec(0i64..70, 5),
        asked_ms in 2_500i64..7_000,
        connecting_ms in 0i64..6_000,
        slow in any::<bool>(),
    ) {
        let mut handover = Handover::new(renditions, 20, &delays_ms);
        let config = SyntheticStream::ladder(renditions).config();
        // Enough for the stream, and little more: there is a queue.
        let bytes_per_ms = usize::try_from(config.bitrate().0 * 11 / 80).unwrap();
        handover.old.bytes_per_ms = slow.then_some(bytes_per_ms);
        handover.run(Span::from_millis(asked_ms));
        prop_assert_eq!(handover.old.session.step(), Step::Live);
        handover.hand_over();
        handover.run(Span::from_millis(connecting_ms));
        handover.new.as_mut().unwrap().let_connect();
        handover.run(Span::from_secs(5));
        prop_assert_eq!(handover.old.ended(), Some(&Ended::Departed));
        handover.run(Span::from_secs(4));
        let Handover { units, at, old, new, .. } = handover;
        let new = new.unwrap();
        prop_assert_eq!(new.session.step(), Step::Live);
        let said_end = |event: &ServerEvent| {
            matches!(event, ServerEvent::FcUnpublish { .. } | ServerEvent::DeleteStream { .. })
        };
        prop_assert!(!old.heard.iter().any(said_end), "the end was signalled");
        prop_assert_eq!(new.session.stats(new.now).queue.dropped.units, 0);
        prop_assert_eq!(new.session.stats(new.now).rejected, 0);

        let (before, after) = (arrived(&old, &units), arrived(&new, &units));
        // Begins with an IDR of one and the same time on all renditions.
        let mut boundary = None;
        for track in 0..renditions {
            let track = Track::Video(TrackId(u8::try_from(track).unwrap()));
            let first = after.iter().find(|unit| unit.track == track).unwrap();
            prop_assert!(first.is_idr);
            prop_assert_eq!(*boundary.get_or_insert(first.pts), first.pts);
        }
        let boundary = boundary.unwrap();
        prop_assert!(before.iter().all(|unit| !unit.is_video() || unit.pts < boundary));
        // Sound may be sent twice for as long as renditions come later than it.
        let id = |unit: &Arc<AccessUnit>| (unit.track, unit.dts);
        let (old_ids, new_ids): (BTreeSet<_>, BTreeSet<_>) =
            (before.iter().map(id).collect(), after.iter().map(id).collect());
        for unit in before.iter().filter(|unit| new_ids.contains(&id(unit))) {
            prop_assert!(!unit.is_video() && (unit.pts - boundary).as_millis() <= 70);
        }
        // Gapless: everything from the beginning on that had time to be sent is in one of them.
        let began = before.iter().map(|unit| unit.dts).min().unwrap();
        let sure = new.now - Span::from_millis(300);
        for unit in units[..at].iter().filter(|unit| unit.dts >= began && unit.dts.as_nanos() < sure.as_nanos()) {
            let is_sent = old_ids.contains(&id(unit)) || new_ids.contains(&id(unit));
            prop_assert!(is_sent, "{:?} at {} ms is missing", unit.track, unit.pts.as_millis());
        }
    }
}

#[test]
fn a_connection_that_takes_too_long_costs_whole_groups_of_pictures_only() {
    let mut handover = Handover::new(2, 40, &[0, 0, 0]);
    handover.run(Span::from_millis(2_500));
    handover.hand_over();
    handover.old.session.let_go(handover.old.now);
    // Nine seconds to connect, and nine more for the service to say yes.
    handover.run(Span::from_millis(9_000));
    let new = handover.new.as_mut().unwrap();
    new.let_connect();
    new.hitch = Hitch::HangPublish;
    handover.run(Span::from_millis(9_000));
    let new = handover.new.as_mut().unwrap();
    new.hitch = Hitch::None;
    new.server.accept_publish().unwrap();
    new.serve();
    handover.run(Span::from_secs(3));
    let new = handover.new.unwrap();
    assert_eq!(new.session.step(), Step::Live);
    let after = arrived(&new, &handover.units);
    let first = after.iter().find(|unit| unit.is_video()).unwrap();
    // Accepted at 21.5 seconds; the ten seconds before that are there, from a keyframe on.
    assert_eq!((first.is_idr, first.pts.as_millis()), (true, 12_000));
    assert!(!new.notices.contains(&Notice::KeyframeWanted));
    let sent = after.iter().filter(|unit| unit.track == Track::Video(TrackId(0)));
    let indices: Vec<u64> = sent.map(|unit| unit.index).collect();
    assert!(indices.windows(2).all(|pair| pair[1] == pair[0] + 1), "{indices:?}");
    // A queue that was filled on purpose is no bad news.
    assert!(!new.notices.iter().any(|notice| matches!(notice, Notice::Health(_))));
}

#[test]
fn a_departure_that_was_never_live_is_over_at_once() {
    for hitch in [Hitch::Name, Hitch::Connect, Hitch::HangPublish] {
        let mut rig = Rig::with(hitch);
        rig.run(Span::from_secs(1));
        rig.session.depart(rig.now);
        rig.turn();
        assert_eq!(rig.ended(), Some(&Ended::Departed), "{hitch:?}");
    }
    // Accepted, and nothing was sent yet.
    let mut rig = Rig::plain();
    rig.run(Span::from_millis(100));
    assert_eq!(rig.session.step(), Step::Accepted);
    rig.session.depart(rig.now);
    rig.turn();
    assert_eq!(rig.ended(), Some(&Ended::Departed));
}

#[test]
fn a_departure_is_over_in_time_even_without_a_keyframe() {
    let mut handover = Handover::new(2, 40, &[0, 0, 0]);
    for unit in &mut handover.units {
        if unit.track == Track::Video(TrackId(1)) && unit.pts.as_millis() > 3_000 {
            Arc::make_mut(unit).is_idr = false;
        }
    }
    handover.run(Span::from_millis(2_500));
    handover.hand_over();
    handover.run(Span::from_millis(14_990));
    assert_eq!(handover.old.ended(), None);
    handover.run(Span::from_millis(20));
    assert_eq!(handover.old.ended(), Some(&Ended::Departed));
    // What could not be the boundary was sent all the same.
    let before = arrived(&handover.old, &handover.units);
    assert!(before.iter().any(|unit| unit.is_video() && unit.pts.as_millis() > 15_000));
}

#[test]
fn whoever_stops_while_departing_signals_the_end() {
    let mut handover = Handover::new(2, 20, &[0, 0, 0]);
    handover.run(Span::from_millis(2_500));
    handover.hand_over();
    handover.run(Span::from_millis(200));
    handover.old.session.stop(handover.old.now);
    handover.run(Span::from_secs(1));
    assert_eq!(handover.old.ended(), Some(&Ended::Stopped { clean: true }));
    assert!(matches!(
        handover.old.heard[handover.old.heard.len() - 2..],
        [ServerEvent::FcUnpublish { .. }, ServerEvent::DeleteStream { .. }]
    ));
}

#[test]
fn a_server_that_hangs_up_on_a_departure_has_done_no_wrong() {
    let mut handover = Handover::new(2, 20, &[0, 0, 0]);
    handover.run(Span::from_millis(2_500));
    handover.hand_over();
    handover.old.session.handle(publish::Event::Closed, handover.old.now);
    handover.old.turn();
    assert_eq!(handover.old.ended(), Some(&Ended::Departed));
}
