//! Two PCs and one channel.

use publish::{BroadcastConfig, Cause, Happened, Intent, Interruption, Outcome, Phase, Telling};
use units::Span;

use crate::rig::{
    HOUR, INVALID_PRIORITY, LIMIT_BREACHED, MEDIA_MISMATCH, MINUTE, OPEN, Rig, SECOND, ended_by_service,
    failure, is_taken_over, open, plain, refused,
};

#[test]
fn whoever_was_taken_over_stops_trying_and_may_take_back() {
    let said_so = ended_by_service("[taken-over] Another publisher took the stream over.");
    let mut rig = Rig::on_air(plain());
    rig.fail(said_so);
    assert_eq!((rig.orders(), is_taken_over(&rig)), (vec![], Some(true)));
    rig.wait(HOUR);
    rig.tell(Happened::NetworkChanged);
    rig.tell(Happened::RetryNow);
    assert_eq!(rig.orders(), []);
    rig.tell(Happened::TakeOver);
    assert_eq!(rig.orders(), [open(2_000)]);
    rig.go_live();
    rig.wait(Span::from_secs(3));
    assert_eq!(rig.told.last(), Some(&Telling::TookOver { priority: 2_000 }));
    // From here on reconnects count in the new room.
    rig.wait(MINUTE);
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [open(2_001)]);
}

#[test]
fn a_refused_reconnect_tells_who_won() {
    // The service closed the connection without a word, or the PC was frozen: the reconnect learns it.
    for cause in [Cause::ClosedByPeer, Cause::Stalled] {
        for (text, at) in
            [(INVALID_PRIORITY, refused(INVALID_PRIORITY)), (MEDIA_MISMATCH, refused(MEDIA_MISMATCH))]
        {
            let mut rig = Rig::on_air(plain());
            rig.fail(cause.clone());
            assert_eq!(rig.orders(), [open(1)]);
            rig.fail(at);
            assert_eq!((rig.orders(), is_taken_over(&rig)), (vec![], Some(true)), "{text}");
            rig.tell(Happened::Stop);
            assert_eq!(rig.phase(), Phase::Over(Outcome::TakenOver));
        }
    }
    // It may find out only when it has seen our media.
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    rig.go_live();
    rig.fail(ended_by_service(INVALID_PRIORITY));
    assert_eq!(is_taken_over(&rig), Some(true));
}

#[test]
fn being_taken_over_is_no_reconnect_and_is_told_with_reconnecting_off() {
    let mut rig = Rig::on_air(BroadcastConfig { reconnects: false, ..plain() });
    rig.fail(ended_by_service("[taken-over] Another one."));
    assert_eq!(is_taken_over(&rig), Some(true));
}

#[test]
fn nobody_fights() {
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::ClosedByPeer);
    for _ in 0..2 {
        assert!(is_taken_over(&rig).is_none());
        rig.go_live();
        rig.wait(Span::from_secs(20));
        rig.fail(Cause::ClosedByPeer);
    }
    assert_eq!(is_taken_over(&rig), Some(false));
    // An hour between the two is no fight.
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::ClosedByPeer);
    for _ in 0..5 {
        rig.go_live();
        rig.wait(HOUR);
        rig.fail(Cause::ClosedByPeer);
        assert!(matches!(rig.phase(), Phase::Connecting { .. }));
    }
}

#[test]
fn a_takeover_by_a_person_jumps_until_it_is_high_enough() {
    let intent = Intent::TakeOver { known: None };
    let mut rig = Rig::new(BroadcastConfig { intent, ..plain() });
    assert_eq!(rig.orders(), [open(2_000)]);
    for next in [4_000, 8_000, 16_000] {
        rig.fail(refused(INVALID_PRIORITY));
        assert_eq!(rig.orders(), [open(next)]);
    }
    rig.go_live();
    rig.wait(Span::from_secs(3));
    assert_eq!(rig.told.last(), Some(&Telling::TookOver { priority: 16_000 }));
    assert_eq!(rig.broadcast.figures(rig.now).takeovers, 1);

    // Paired: it is known what to pass. And there is an end.
    let intent = Intent::TakeOver { known: Some(7_003) };
    let mut rig = Rig::new(BroadcastConfig { intent, ..plain() });
    let mut numbers = Vec::new();
    while !rig.phase().is_final() {
        numbers.extend(rig.orders());
        rig.fail(refused(INVALID_PRIORITY));
    }
    assert_eq!((numbers.len(), &numbers[0], &numbers[8]), (9, &open(9_000), &open(519_000)));
    assert_eq!(rig.phase(), Phase::Over(Outcome::Refused(failure(refused(INVALID_PRIORITY)))));
}

#[test]
fn the_range_of_priorities_ends() {
    let most = 2_147_483_647;
    let intent = Intent::TakeOver { known: Some(most - 1) };
    let mut rig = Rig::on_air(BroadcastConfig { intent, ..plain() });
    assert_eq!(rig.broadcast.figures(rig.now).priority, Some(most));
    // No number is left: a new stream, as soon as the service has let go of this one.
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), []);
    assert!(matches!(rig.phase(), Phase::Waiting { priority: None, .. }), "{:?}", rig.phase());
    assert_eq!(rig.wait_for_attempt(), Span::from_secs(32));
    assert_eq!(rig.orders(), [OPEN]);
    rig.go_live();
    rig.wait(MINUTE);
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [open(1)], "the channel has forgotten the old numbers");
}

#[test]
fn nothing_is_told_of_a_takeover_that_was_stopped() {
    let mut rig = Rig::new(BroadcastConfig { intent: Intent::TakeOver { known: None }, ..plain() });
    rig.go_live();
    rig.tell(Happened::Stop);
    rig.wait(MINUTE);
    rig.tell(Happened::Tick);
    assert_eq!(rig.told, []);
}

#[test]
fn other_media_are_not_tried_again() {
    let intent = Intent::TakeOver { known: None };
    let mut rig = Rig::new(BroadcastConfig { intent, ..plain() });
    // The service sees them only when some have come.
    rig.go_live();
    rig.wait(SECOND);
    let mismatch = ended_by_service(MEDIA_MISMATCH);
    rig.fail(mismatch.clone());
    assert_eq!(rig.phase(), Phase::Over(Outcome::Refused(failure(mismatch.clone()))));
    assert!(failure(mismatch).advice().contains("same ladder"));
    assert_eq!(rig.told, [], "nothing was taken over");
}

#[test]
fn a_hundred_takeovers_and_then_a_new_stream() {
    let mut rig = Rig::on_air(plain());
    for number in 1..=100 {
        rig.fail(Cause::Stalled);
        assert_eq!(rig.orders(), [open(number)]);
        rig.go_live();
        rig.wait(MINUTE);
    }
    assert_eq!(rig.broadcast.figures(rig.now).takeovers, 100);
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), []);
    assert_eq!(rig.wait_for_attempt(), Span::from_secs(32));
    assert_eq!(rig.orders(), [OPEN]);
    rig.go_live();
    let figures = rig.broadcast.figures(rig.now);
    assert_eq!((figures.takeovers, figures.priority), (0, None));
    assert_eq!(figures.stream_began_at, Some(rig.now));
}

#[test]
fn the_service_may_count_fewer_takeovers() {
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    rig.orders();
    rig.fail(refused(LIMIT_BREACHED));
    assert!(matches!(rig.phase(), Phase::Waiting { why: Interruption::Held, priority: None, .. }));
    // Only time helps.
    rig.tell(Happened::NetworkChanged);
    rig.tell(Happened::RetryNow);
    assert_eq!(rig.orders(), []);
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [OPEN]);
    // It may need a few seconds more than it promises.
    rig.fail(refused("Already publishing."));
    assert!(matches!(rig.phase(), Phase::Waiting { why: Interruption::Held, .. }));
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [OPEN]);
    rig.go_live();
}
