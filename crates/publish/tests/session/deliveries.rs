//! What left, what arrived, and how soon it is noticed that nothing arrives.

use std::collections::BTreeMap;

use proptest::prelude::*;
use publish::{Cause, Certainty, Delivered, Ended, Event, GapKind, GapLedger, Health, Step, TcpFigures};
use testkit::SyntheticStream;
use units::{MediaTime, Span, Track, TrackId};

use crate::rig::{Rig, config};

const SECOND: Span = Span::from_secs(1);
const TOP: Track = Track::Video(TrackId(0));
const SOUND: Track = Track::Audio(TrackId(0));

fn live(renditions: usize) -> (Rig, SyntheticStream) {
    let mut rig = Rig::plain();
    rig.told = true;
    let mut stream = SyntheticStream::ladder(renditions);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(3));
    assert_eq!(rig.session.step(), Step::Live);
    (rig, stream)
}

fn lasting(delivered: &[Delivered], track: Track, certainty: Certainty) -> i64 {
    let of = delivered.iter().filter(|run| run.track == track && run.certainty == certainty);
    of.map(|run| (run.to - run.from).as_nanos()).sum::<i64>() / 1_000_000
}

#[test]
fn a_half_open_connection_is_found_within_seconds() {
    let (mut rig, mut stream) = live(2);
    rig.frozen = true;
    rig.stream(&mut stream, Span::from_millis(1_900));
    assert_eq!(rig.session.stats(rig.now).health, Health::Good);
    rig.stream(&mut stream, Span::from_millis(500));
    let stats = rig.session.stats(rig.now);
    assert_eq!((stats.health, stats.step), (Health::Unconfirmed, Step::Live));
    assert!((2_000..=2_500).contains(&stats.unconfirmed.as_millis()), "{:?}", stats.unconfirmed);
    rig.stream(&mut stream, Span::from_millis(3_400));
    assert_eq!(rig.ended(), None);
    rig.stream(&mut stream, Span::from_millis(500));
    assert_eq!(rig.failure().cause, Cause::Unacknowledged);
}

#[test]
fn slow_progress_is_no_stall() {
    let mut rig = Rig::plain();
    let mut stream = SyntheticStream::single();
    rig.session.begin(stream.config());
    rig.run(Span::from_millis(10));
    // The peer itself never acknowledges.
    rig.deaf = true;
    rig.stream(&mut stream, SECOND);
    let mut written = rig.session.stats(rig.now).sent_bytes;
    // Ever more is in flight, and every two seconds some of it arrives.
    let mut confirmed = written;
    for _ in 0..30 {
        rig.stream(&mut stream, Span::from_secs(2));
        confirmed += (rig.session.stats(rig.now).sent_bytes - written) / 2;
        written = rig.session.stats(rig.now).sent_bytes;
        rig.session.handle(Event::InFlight { bytes: written - confirmed }, rig.now);
    }
    assert_eq!(rig.ended(), None);
    assert!(rig.session.stats(rig.now).unconfirmed > Span::from_secs(10));
}

#[test]
fn a_rendition_that_stops_is_silent_and_the_others_are_not() {
    let (mut rig, mut stream) = live(3);
    let lost = Track::Video(TrackId(1));
    let silent = |rig: &Rig| {
        let tracks = rig.session.stats(rig.now).tracks;
        tracks.iter().filter(|track| track.is_silent).map(|track| track.track).collect::<Vec<_>>()
    };
    assert_eq!(rig.session.stats(rig.now).tracks.len(), 4);
    let mut push = |rig: &mut Rig, span: Span| {
        for unit in stream.take_span(span) {
            rig.run((unit.pts.at() - rig.now).max(Span::ZERO));
            if unit.track != lost {
                rig.session.push(unit, rig.now);
            }
        }
    };
    push(&mut rig, Span::from_millis(2_800));
    assert_eq!(silent(&rig), []);
    push(&mut rig, Span::from_millis(600));
    assert_eq!(silent(&rig), [lost]);
    let stats = rig.session.stats(rig.now);
    let (top, lost) = (&stats.tracks[0], &stats.tracks[1]);
    assert!(top.confirmed_to > lost.confirmed_to && top.confirmed_at > lost.confirmed_at);
}

#[test]
fn before_the_stream_begins_nothing_is_silent() {
    let mut rig = Rig::plain();
    rig.session.begin(SyntheticStream::ladder(2).config());
    rig.run(Span::from_secs(10));
    let stats = rig.session.stats(rig.now);
    assert_eq!(stats.step, Step::Accepted);
    assert!(stats.tracks.iter().all(|track| !track.is_silent && track.sent_to.is_none()));
}

#[test]
fn what_was_written_into_a_dead_connection_is_told_apart() {
    let (mut rig, mut stream) = live(1);
    rig.stream(&mut stream, Span::from_millis(2_005));
    let mut delivered = rig.session.deliveries();
    let began = delivered.iter().find(|run| run.track == TOP).unwrap().from;
    let confirmed_to = delivered.iter().filter(|run| run.track == TOP).map(|run| run.to).max().unwrap();
    rig.frozen = true;
    rig.stream(&mut stream, Span::from_secs(8));
    assert_eq!(rig.failure().cause, Cause::Unacknowledged);
    delivered.extend(rig.session.deliveries());
    assert_eq!(rig.session.deliveries(), []);
    let written = lasting(&delivered, TOP, Certainty::Written);
    assert!((5_900..=6_300).contains(&written), "{written}");
    // The ledger, with a session that comes back at the keyframe of 16 s.
    let mut ledger = GapLedger::new([TOP, SOUND]);
    ledger.began(began);
    for run in &delivered {
        ledger.delivered(run);
    }
    ledger.interrupted(rig.now, rig.failure().happened());
    let (back, end) = (MediaTime::from_millis(16_000), MediaTime::from_millis(20_000));
    for track in [TOP, SOUND] {
        ledger.delivered(&Delivered { track, from: back, to: end, certainty: Certainty::Confirmed });
    }
    ledger.ended(end);
    let gaps: Vec<_> = ledger.gaps().into_iter().filter(|gap| gap.track == TOP).collect();
    let [doubtful, missing] = &gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((doubtful.kind, missing.kind), (GapKind::Unconfirmed, GapKind::NotSent));
    assert!(doubtful.from >= confirmed_to && doubtful.to == missing.from && missing.to == back, "{gaps:?}");
    assert_eq!(missing.why, "ingest.example stopped confirming what it was sent.");
}

#[test]
fn a_clean_end_leaves_no_doubt_even_where_the_system_says_nothing() {
    for told in [true, false] {
        let mut rig = Rig::plain();
        rig.told = told;
        let mut stream = SyntheticStream::single();
        rig.session.begin(stream.config());
        rig.stream(&mut stream, Span::from_secs(5));
        rig.session.stop(rig.now);
        rig.run(SECOND);
        assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
        let delivered = rig.session.deliveries();
        let doubtful = lasting(&delivered, TOP, Certainty::Written);
        // With a system that tells, the end may come before its last word.
        assert!(doubtful <= if told { 100 } else { 0 }, "{delivered:?}");
        assert!(lasting(&delivered, TOP, Certainty::Confirmed) + doubtful >= 4_000, "{delivered:?}");
    }
}

#[test]
fn what_the_system_says_of_the_connection_is_passed_on() {
    let (mut rig, _) = live(1);
    assert_eq!(rig.session.stats(rig.now).tcp, None);
    let figures = TcpFigures { rtt: Span::from_millis(31), retransmitted: 1_460, ..TcpFigures::default() };
    rig.session.handle(Event::Tcp(figures), rig.now);
    assert_eq!(rig.session.stats(rig.now).tcp, Some(figures));
}

#[test]
fn a_peer_that_takes_nothing_for_a_minute_costs_no_memory_and_no_work() {
    let mut settings = config("rtmp://ingest.example/app");
    // As if nobody noticed, which is worse than what happens.
    settings.deadlines.stall = Span::from_secs(1_000);
    settings.deadlines.confirm = Span::from_secs(1_000);
    let mut rig = Rig::new(settings);
    rig.told = true;
    let mut stream = SyntheticStream::ladder(4);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(3));
    (rig.bytes_per_ms, rig.frozen) = (Some(0), true);
    let mut most = 0;
    for _ in 0..60 {
        rig.stream(&mut stream, SECOND);
        let stats = rig.session.stats(rig.now);
        most = most.max(stats.queue.units);
        assert_eq!(stats.step, Step::Live);
    }
    // Four seconds of the lowest rendition, less of the others, IDRs of a minute, and sound.
    assert!(most < 4 * 120 + 4 * 30 + 60 * 47, "{most}");
    // The peer wakes up: what is sent next is whole groups of pictures.
    (rig.bytes_per_ms, rig.frozen) = (None, false);
    rig.stream(&mut stream, Span::from_secs(3));
    assert_eq!(rig.session.stats(rig.now).health, Health::Good);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the link does: every unit that the peer got is told as delivered, none that never left is, and
    /// confirmed only what the peer's system has.
    #[test]
    fn the_books_agree_with_the_peer(
        renditions in 1usize..=2,
        spells in prop::collection::vec((0usize..1_500, 50i64..1_500, any::<bool>()), 1..8),
        told in any::<bool>(),
    ) {
        let mut rig = Rig::plain();
        rig.told = told;
        let mut stream = SyntheticStream::ladder(renditions);
        rig.session.begin(stream.config());
        rig.stream(&mut stream, Span::from_secs(2));
        let mut delivered = Vec::new();
        for (bytes_per_ms, millis, asks) in spells {
            rig.bytes_per_ms = Some(bytes_per_ms);
            rig.stream(&mut stream, Span::from_millis(millis));
            if asks {
                delivered.extend(rig.session.deliveries());
            }
        }
        let stats = rig.session.stats(rig.now);
        rig.session.handle(Event::Failed(Cause::Lost("pulled".into())), rig.now);
        delivered.extend(rig.session.deliveries());
        // Lengths of all units the peer has seen, by track: a message of media each, but for headers and ends.
        let mut runs: BTreeMap<Track, Vec<(i64, i64)>> = BTreeMap::new();
        for run in &delivered {
            prop_assert!(run.from < run.to);
            runs.entry(run.track).or_default().push((run.from.as_nanos(), run.to.as_nanos()));
        }
        for track in &stats.tracks {
            let Some(runs) = runs.get_mut(&track.track) else {
                prop_assert_eq!(track.sent_to, None);
                continue;
            };
            runs.sort_unstable();
            // No time is told twice, but for a unit that was confirmed between two calls.
            prop_assert!(runs.windows(2).all(|pair| pair[1].0 + 1_000 >= pair[0].1), "{:?}", runs);
            prop_assert_eq!(runs.last().map(|(_, to)| *to), track.sent_to.map(MediaTime::as_nanos));
        }
        if !told {
            let confirmed: Vec<_> =
                delivered.iter().filter(|run| run.certainty == Certainty::Confirmed).collect();
            // The rehearsal server acknowledges now and then; nothing beyond that is certain.
            prop_assert!(stats.acknowledged_bytes.is_some() || confirmed.is_empty());
        }
    }
}
