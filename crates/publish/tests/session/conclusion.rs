//! A stream ends at a keyframe, and another one, which waited for that, begins with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ertmp::ServerEvent;
use proptest::prelude::*;
use publish::{Action, Ended, Notice, Step};
use testkit::SyntheticStream;
use units::{AccessUnit, Span};

use crate::departure::{Handover, arrived};
use crate::rig::{Hitch, Rig, config};

const SECOND: Span = Span::from_secs(1);

fn waiting() -> Rig {
    let mut settings = config("rtmp://ingest.example/app");
    settings.waits = true;
    settings.keep_from_keyframe = true;
    Rig::new(settings)
}

fn says_the_end(rig: &Rig) -> usize {
    let said = |event: &&ServerEvent| {
        matches!(event, ServerEvent::FcUnpublish { .. } | ServerEvent::DeleteStream { .. })
    };
    rig.heard.iter().filter(said).count()
}

fn live() -> (Rig, SyntheticStream) {
    let mut rig = Rig::plain();
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_millis(2_500));
    assert_eq!(rig.session.step(), Step::Live);
    (rig, stream)
}

#[test]
fn a_session_that_waits_does_nothing_until_it_may() {
    let mut rig = waiting();
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(60));
    assert_eq!((rig.session.step(), rig.actions.len()), (Step::Waiting, 0));
    assert_eq!(rig.session.wake_at(rig.now), None);
    rig.session.proceed(rig.now);
    rig.stream(&mut stream, SECOND);
    assert_eq!((rig.session.step(), rig.actions[0]), (Step::Live, Action::Resolve));
    // Once is enough.
    rig.session.proceed(rig.now);
    rig.stream(&mut stream, SECOND);
    assert_eq!(rig.session.step(), Step::Live);
}

#[test]
fn a_session_that_waits_can_be_stopped_and_left() {
    let mut rig = waiting();
    rig.session.stop(rig.now);
    rig.turn();
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
    let mut rig = waiting();
    rig.session.depart(rig.now);
    rig.turn();
    assert_eq!(rig.ended(), Some(&Ended::Departed));
}

#[test]
fn concluding_before_anything_was_sent_ends_at_once() {
    let mut rig = Rig::with(Hitch::Connect);
    rig.run(SECOND);
    rig.session.conclude(rig.now);
    rig.turn();
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
}

#[test]
fn stopping_overrules_a_conclusion_and_keeps_its_two_seconds() {
    for (after, bytes_per_ms) in [(0, None), (500, Some(0)), (1_700, Some(0))] {
        let (mut rig, mut stream) = live();
        rig.bytes_per_ms = bytes_per_ms;
        rig.session.conclude(rig.now);
        rig.stream(&mut stream, Span::from_millis(after));
        let asked = rig.now;
        rig.session.stop(rig.now);
        while rig.ended().is_none() {
            rig.stream(&mut stream, Span::from_millis(1));
        }
        assert!(rig.now - asked <= Span::from_millis(1_800), "{:?}", rig.now - asked);
        assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: bytes_per_ms.is_none() }));
    }
}

#[test]
fn a_conclusion_that_finds_no_keyframe_or_no_peer_ends_all_the_same() {
    let (mut rig, _) = live();
    rig.session.conclude(rig.now);
    rig.run(Span::from_secs(15));
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: false }));
    let (mut rig, _) = live();
    rig.session.conclude(rig.now);
    rig.session.handle(publish::Event::Closed, rig.now);
    rig.turn();
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: false }));
}

#[test]
fn whoever_departs_after_all_says_no_end() {
    for (first, second, ends) in [(true, false, 0), (false, true, 2)] {
        let (mut rig, mut stream) = live();
        for concludes in [!first, !second] {
            if concludes {
                rig.session.depart(rig.now);
            } else {
                rig.session.conclude(rig.now);
            }
        }
        rig.stream(&mut stream, Span::from_secs(3));
        assert!(rig.ended().is_some());
        let expected = if second { 2 } else { 0 };
        assert_eq!((says_the_end(&rig), ends), (expected, expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn the_next_stream_begins_where_the_last_one_ended(
        renditions in 1usize..=3,
        delays_ms in prop::collection::vec(0i64..70, 4),
        asked_ms in 2_500i64..6_000,
        slow in any::<bool>(),
    ) {
        let mut renewal = Handover::new(renditions, 16, &delays_ms);
        let config = SyntheticStream::ladder(renditions).config();
        let bytes_per_ms = usize::try_from(config.bitrate().0 * 11 / 80).unwrap();
        renewal.old.bytes_per_ms = slow.then_some(bytes_per_ms);
        renewal.run(Span::from_millis(asked_ms));
        let mut next = waiting();
        next.now = renewal.old.now;
        next.session.begin(config);
        renewal.new = Some(next);
        renewal.old.session.conclude(renewal.old.now);
        while renewal.old.ended().is_none() {
            renewal.run(Span::from_millis(1));
            prop_assert_eq!(renewal.new.as_ref().unwrap().session.step(), Step::Waiting);
        }
        prop_assert_eq!(renewal.old.ended(), Some(&Ended::Stopped { clean: true }));
        prop_assert_eq!(says_the_end(&renewal.old), 2);
        let next = renewal.new.as_mut().unwrap();
        next.session.proceed(next.now);
        renewal.run(Span::from_secs(4));
        let Handover { units, at, old, new, .. } = renewal;
        let new = new.unwrap();
        prop_assert!(new.notices.contains(&Notice::Step(Step::Live)));

        let (before, after) = (arrived(&old, &units), arrived(&new, &units));
        let boundary = after.iter().find(|unit| unit.is_video()).unwrap().pts;
        prop_assert!(after.iter().find(|unit| unit.is_video()).unwrap().is_idr);
        prop_assert!(before.iter().all(|unit| !unit.is_video() || unit.pts < boundary));
        let id = |unit: &Arc<AccessUnit>| (unit.track, unit.dts);
        let ids: BTreeSet<_> = before.iter().chain(&after).map(id).collect();
        let began = before.iter().map(|unit| unit.dts).min().unwrap();
        let sure = new.now - Span::from_millis(300);
        for unit in units[..at].iter().filter(|unit| unit.dts >= began && unit.dts.as_nanos() < sure.as_nanos()) {
            prop_assert!(ids.contains(&id(unit)), "{:?} at {} ms is missing", unit.track, unit.pts.as_millis());
        }
    }
}
