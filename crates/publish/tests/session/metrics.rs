//! Broadcast performance metrics as a server finds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ertmp::MediaKind;
use ertmp::flv::{ExVideoBody, VideoPacket, VideoTag};
use ivs::metrics::{Event, Metric, RenditionCounters, SessionCounters, UtcMillis, When, find_in_unit};
use proptest::prelude::*;
use publish::{SessionConfig, WallClock};
use testkit::SyntheticStream;
use units::{AccessUnit, Span, StreamConfig, Track, TrackId, VideoCodec};

use crate::rig::{Rig, config};

/// 2026-01-02T03:04:05.100Z, as in the worked examples.
const UNIX_NANOS: i64 = 1_767_323_045_100_000_000;

fn measured() -> SessionConfig {
    let mut settings = config("rtmp://ingest.example/app");
    settings.metrics = Some(WallClock { unix_nanos_at_media_zero: UNIX_NANOS });
    settings
}

/// A picture as it arrived.
struct Arrived {
    track: TrackId,
    timestamp_ms: u32,
    is_key: bool,
    data: Vec<u8>,
}

fn pictures(rig: &Rig) -> Vec<Arrived> {
    let mut pictures = Vec::new();
    for (kind, timestamp_ms, body) in rig.media() {
        if kind != MediaKind::Video {
            continue;
        }
        let VideoTag::Enhanced(tag) = VideoTag::decode(body).unwrap() else { panic!("a legacy tag") };
        let ExVideoBody::Tracks(tracks) = &tag.body else { panic!("no track") };
        for (track, _, packet) in tracks.iter() {
            if let VideoPacket::CodedFrames { data, .. } | VideoPacket::CodedFramesX(data) = packet {
                let is_key = tag.frame_type == ertmp::flv::FrameType::Key;
                pictures.push(Arrived { track, timestamp_ms, is_key, data: data.to_vec() });
            }
        }
    }
    pictures
}

/// Every picture has what it must have and nothing else; the metrics of the IDRs, by track.
fn metrics_of(rig: &Rig, codec: VideoCodec) -> BTreeMap<TrackId, Vec<[Metric; 3]>> {
    let mut all: BTreeMap<TrackId, Vec<[Metric; 3]>> = BTreeMap::new();
    for picture in pictures(rig) {
        let found = find_in_unit(codec, &picture.data);
        assert!(found.after.is_empty() && found.malformed.is_empty() && found.own_nal_each);
        if picture.is_key {
            let three: [Metric; 3] = found.before_first_slice.try_into().expect("three messages");
            all.entry(picture.track).or_default().push(three);
        } else {
            assert_eq!(found.before_first_slice, []);
        }
    }
    all
}

fn counters(metrics: &[Metric; 3]) -> (SessionCounters, RenditionCounters) {
    match metrics {
        [
            Metric::Timestamps(_),
            Metric::Session { counters, .. },
            Metric::Rendition { counters: own, .. },
        ] => (*counters, *own),
        other => panic!("another order: {other:?}"),
    }
}

#[test]
fn timestamps_go_from_composition_to_interleaving() {
    let mut rig = Rig::new(measured());
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(3));
    for metrics in metrics_of(&rig, VideoCodec::Avc).values() {
        let Metric::Timestamps(times) = &metrics[0][0] else { panic!("{metrics:?}") };
        let [cts, fer, ferc, pir] = times[..] else { panic!("{times:?}") };
        let events = [Event::Composition, Event::EncodeRequest, Event::EncodeComplete, Event::Interleave];
        assert_eq!([cts, fer, ferc, pir].map(|time| time.event), events);
        let millis = |time: ivs::metrics::Timestamp| match time.when {
            When::Utc(UtcMillis(millis)) => millis - UNIX_NANOS / 1_000_000,
            other => panic!("{other:?}"),
        };
        // The synthetic encoder is asked after 2 ms and done after 8; the stream begins at two seconds.
        assert_eq!([millis(cts), millis(fer), millis(ferc)], [2_000, 2_002, 2_008]);
        assert!((2_000..=2_041).contains(&millis(pir)), "{}", millis(pir));
    }
}

#[test]
fn the_unit_that_others_share_stays_as_it_was() {
    let mut rig = Rig::new(measured());
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    let units = stream.take_span(Span::from_secs(5));
    let copies: Vec<AccessUnit> = units.iter().map(|unit| (**unit).clone()).collect();
    for unit in &units {
        if rig.now < unit.pts.at() {
            rig.run(unit.pts.at() - rig.now);
        }
        rig.session.push(Arc::clone(unit), rig.now);
    }
    rig.run(Span::from_secs(1));
    assert!(!metrics_of(&rig, VideoCodec::Avc).is_empty());
    assert!(units.iter().zip(&copies).all(|(unit, copy)| **unit == *copy));
    // And what is sent is the unit but for the messages.
    let sent = pictures(&rig);
    let idr =
        units.iter().find(|unit| unit.is_idr && unit.is_video() && unit.pts.as_millis() == 2_000).unwrap();
    let picture = sent.iter().find(|sent| sent.timestamp_ms == 0).unwrap();
    assert!(picture.data.ends_with(&idr.data) && picture.data.len() > idr.data.len());
}

#[test]
fn without_a_clock_nothing_is_added() {
    let mut rig = Rig::plain();
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(3));
    for picture in pictures(&rig) {
        assert_eq!(find_in_unit(VideoCodec::Avc, &picture.data).before_first_slice, []);
    }
}

#[test]
fn a_unit_that_is_none_is_sent_as_it_is_and_counted() {
    let mut rig = Rig::new(measured());
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    for unit in stream.take_span(Span::from_secs(4)) {
        let mut unit = Arc::unwrap_or_clone(unit);
        if unit.track == Track::Video(TrackId(1)) && unit.is_idr {
            unit.data = Arc::from([0, 0, 0, 9, 0x65].as_slice());
        }
        if rig.now < unit.pts.at() {
            rig.run(unit.pts.at() - rig.now);
        }
        rig.session.push(Arc::new(unit), rig.now);
    }
    rig.run(Span::from_millis(100));
    assert_eq!(rig.session.stats(rig.now).without_metrics, 1);
    assert!(pictures(&rig).iter().any(|picture| picture.data == [0, 0, 0, 9, 0x65]));
}

/// The same stream as HEVC: only the headers of its NAL units are others, and nothing here looks further.
fn as_hevc(mut config: StreamConfig, units: Vec<Arc<AccessUnit>>) -> (StreamConfig, Vec<Arc<AccessUnit>>) {
    for video in &mut config.video {
        Arc::make_mut(video).codec = VideoCodec::Hevc;
    }
    let units = units.into_iter().map(|unit| {
        let mut unit = Arc::unwrap_or_clone(unit);
        if unit.is_video() {
            // IDR_W_RADL is 19 and TRAIL_R is 1 (ITU-T H.265, table 7-1).
            let mut data = unit.data.to_vec();
            data[4] = if unit.is_idr { 19 << 1 } else { 1 << 1 };
            unit.data = data.into();
        }
        Arc::new(unit)
    });
    (config, units.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// On any wire and for either codec: three messages before the first slice of every IDR of every rendition; the
    /// first ones are zero; and from then on the differences sum up to the totals.
    #[test]
    fn differences_sum_up_to_totals(
        renditions in 2usize..=3,
        is_hevc in any::<bool>(),
        spells in prop::collection::vec((prop_oneof![Just(None), (300usize..2_000).prop_map(Some)], 500i64..6_000), 1..6),
        lags in prop::collection::vec(0u64..5, 16),
    ) {
        let codec = if is_hevc { VideoCodec::Hevc } else { VideoCodec::Avc };
        let mut stream = SyntheticStream::ladder(renditions);
        let whole: i64 = spells.iter().map(|(_, millis)| millis).sum();
        let mut config = stream.config();
        let mut units = stream.take_span(Span::from_millis(whole));
        if is_hevc {
            (config, units) = as_hevc(config, units);
        }
        // Some frames lag and some are skipped, more and more.
        for unit in &mut units {
            let unit = Arc::make_mut(unit);
            let trouble: u64 = lags.iter().take(usize::try_from(unit.index / 30).unwrap_or(0)).sum();
            if unit.is_video() {
                unit.stamps.counts.lagged = trouble;
                unit.stamps.counts.skipped = trouble / 2;
                unit.stamps.counts.output -= (trouble / 2).min(unit.stamps.counts.output);
            }
        }
        let mut rig = Rig::new(measured());
        rig.session.begin(config);
        let mut units = units.into_iter().peekable();
        let mut idrs: BTreeMap<TrackId, Vec<AccessUnit>> = BTreeMap::new();
        for (rate, millis) in spells {
            rig.bytes_per_ms = rate;
            let end = rig.now + Span::from_millis(millis);
            while rig.now < end {
                while let Some(unit) = units.next_if(|unit| unit.pts.at() <= rig.now) {
                    if let (Track::Video(track), true) = (unit.track, unit.is_idr) {
                        idrs.entry(track).or_default().push((*unit).clone());
                    }
                    rig.session.push(unit, rig.now);
                }
                rig.run(Span::from_millis(1));
            }
        }
        rig.bytes_per_ms = None;
        rig.run(Span::from_secs(1));
        prop_assert_eq!(rig.session.stats(rig.now).without_metrics, 0);
        let sent_pictures = pictures(&rig).len() as u64;
        let dropped_pictures = rig.session.stats(rig.now).queue.dropped.units;
        for (track, told) in metrics_of(&rig, codec) {
            let sent: Vec<_> = idrs[&track].iter().rev().take(told.len()).rev().collect();
            let mut session = SessionCounters::default();
            let mut own = RenditionCounters::default();
            prop_assert_eq!(counters(&told[0]), (session, own), "the first are not zero");
            for metrics in &told {
                let (of_session, of_own) = counters(metrics);
                session.rendered += of_session.rendered;
                session.lagged += of_session.lagged;
                session.dropped += of_session.dropped;
                session.output += of_session.output;
                own.input += of_own.input;
                own.skipped += of_own.skipped;
                own.output += of_own.output;
            }
            let (first, last) = (sent[0].stamps.counts, sent[sent.len() - 1].stamps.counts);
            prop_assert_eq!(u64::from(session.rendered), last.rendered - first.rendered);
            prop_assert_eq!(u64::from(session.lagged), last.lagged - first.lagged);
            prop_assert_eq!(u64::from(own.input), last.input - first.input);
            prop_assert_eq!(u64::from(own.skipped), last.skipped - first.skipped);
            prop_assert_eq!(u64::from(own.output), last.output - first.output);
            // The totals of the session at its last IDR can not be more than those of now.
            prop_assert!(u64::from(session.dropped) <= dropped_pictures);
            prop_assert!(u64::from(session.output) <= sent_pictures + dropped_pictures);
        }
    }
}
