//! Streams break, and are picked up again: one rule of docs/reconnect.md after the other.

use publish::{
    BroadcastConfig, Cause, Ended, Happened, Interruption, Order, Outcome, Phase, Renewal, Telling,
};
use units::{MediaTime, Span};

use crate::rig::{
    HOUR, MINUTE, OPEN, Rig, SECOND, asking, attempt, ended_by_service, failure, is_taken_over, open, others,
    plain, refused,
};

#[test]
fn a_stream_begins_without_priority_and_ends_when_the_person_says_so() {
    let mut rig = Rig::new(plain());
    assert_eq!(rig.orders(), [OPEN]);
    assert_eq!(rig.phase(), Phase::Starting);
    rig.go_live();
    rig.tell(Happened::Stop);
    assert_eq!((rig.orders(), rig.phase()), (vec![Order::Stop], Phase::Stopping));
    rig.tell(Happened::Stop);
    rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
    assert_eq!((rig.orders(), rig.phase()), (vec![], Phase::Over(Outcome::Stopped)));
}

#[test]
fn a_configuration_comes_first_where_one_is_needed() {
    let mut rig = Rig::new(asking());
    assert_eq!((rig.orders(), rig.phase()), (vec![Order::Ask], Phase::Asking { again: false }));
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), [OPEN]);

    let mut rig = Rig::new(asking());
    rig.tell(Happened::NotConfigured { refused: true });
    assert_eq!(rig.phase(), Phase::Over(Outcome::NotConfigured { refused: true }));

    // One that was got a moment ago will do; an old one will not.
    let configured_at = Some(MediaTime::ZERO);
    let mut rig = Rig::new(BroadcastConfig { configured_at, ..asking() });
    assert_eq!(rig.orders(), [OPEN]);
    let old = Some(MediaTime::ZERO - HOUR - HOUR - Span::from_secs(46 * 3600));
    let mut rig = Rig::new(BroadcastConfig { configured_at: old, ..asking() });
    assert_eq!(rig.orders(), [Order::Ask]);
}

#[test]
fn a_first_failure_is_told_and_not_tried_again() {
    for (cause, refusal) in [
        (Cause::NameNotFound, false),
        (Cause::ConnectTimedOut, false),
        (refused("Unknown key."), true),
        (Cause::PublishClosed, true),
    ] {
        let mut rig = Rig::new(plain());
        rig.fail(cause.clone());
        let expected = match refusal {
            true => Outcome::Refused(failure(cause)),
            false => Outcome::Failed(failure(cause)),
        };
        assert_eq!(rig.phase(), Phase::Over(expected));
    }
}

#[test]
fn a_broken_stream_is_picked_up_at_once_with_the_next_priority() {
    for cause in [Cause::Stalled, Cause::Unacknowledged, Cause::Silent, Cause::Lost("reset".into())] {
        let mut rig = Rig::on_air(plain());
        rig.fail(cause);
        assert_eq!(rig.orders(), [open(1)]);
        rig.go_live();
        assert!(matches!(rig.told.last(), Some(Telling::Recovered { attempts: 1, .. })), "{:?}", rig.told);
        rig.wait(MINUTE);
        rig.fail(Cause::Stalled);
        assert_eq!(rig.orders(), [open(2)]);
        rig.go_live();
        let figures = rig.broadcast.figures(rig.now);
        assert_eq!((figures.reconnects, figures.takeovers, figures.priority), (2, 2, Some(2)));
        // It is the same stream all the time.
        assert_eq!(figures.stream_began_at, Some(MediaTime::from_millis(1_000)));
    }
}

#[test]
fn reconnects_count_on_from_the_number_of_the_person() {
    let mut rig = Rig::on_air(BroadcastConfig { first_priority: Some(5_000), ..plain() });
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [open(5_001)]);
}

#[test]
fn a_number_that_nobody_saw_is_not_used_up() {
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    for _ in 0..5 {
        rig.fail(Cause::Unreachable);
        rig.wait_for_attempt();
    }
    assert_eq!(rig.orders(), vec![open(1); 6]);
    // This one may have been heard.
    rig.fail(Cause::PublishTimedOut);
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [open(2)]);
}

#[test]
fn attempts_are_twenty_five_with_growing_pauses() {
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    let (mut last, mut total) = (Span::ZERO, Span::ZERO);
    for number in 1..25 {
        assert_eq!(attempt(&rig.phase()), number);
        rig.fail(Cause::Unreachable);
        let pause = rig.wait_for_attempt();
        assert!(pause > last || pause > Span::from_secs(700), "{pause:?} after {last:?}");
        (last, total) = (pause, total + pause);
    }
    assert_eq!(attempt(&rig.phase()), 25);
    assert!(total > HOUR + HOUR && total < HOUR + HOUR + HOUR + HOUR, "{total:?}");
    rig.fail(Cause::Unreachable);
    let gave_up = Outcome::GaveUp { attempts: 25, failure: failure(Cause::Unreachable) };
    assert_eq!(rig.phase(), Phase::Over(gave_up));
}

#[test]
fn being_on_air_for_a_while_counts_attempts_anew() {
    let mut rig = Rig::on_air(plain());
    for number in 1..10 {
        // A second on air is no success: the pauses go on growing.
        rig.fail(Cause::Stalled);
        if number > 1 {
            rig.wait_for_attempt();
        }
        assert_eq!(attempt(&rig.phase()), number);
        rig.go_live();
        rig.wait(SECOND);
    }
    rig.wait(Span::from_secs(15));
    assert_eq!(rig.broadcast.figures(rig.now).attempts, 0);
    rig.fail(Cause::Stalled);
    assert_eq!(attempt(&rig.phase()), 1);
}

#[test]
fn reconnecting_can_be_turned_off() {
    let mut rig = Rig::on_air(BroadcastConfig { reconnects: false, ..plain() });
    rig.fail(Cause::Stalled);
    assert_eq!(rig.phase(), Phase::Over(Outcome::Failed(failure(Cause::Stalled))));
    assert_eq!(rig.orders(), []);
}

#[test]
fn now_and_a_changed_network_need_not_wait() {
    let waiting = || {
        let mut rig = Rig::on_air(plain());
        rig.fail(Cause::Stalled);
        for _ in 0..8 {
            rig.fail(Cause::Unreachable);
            if attempt(&rig.phase()) < 9 {
                rig.wait_for_attempt();
            }
        }
        rig.wait(Span::from_secs(3));
        rig.orders();
        rig
    };
    for happened in [Happened::RetryNow, Happened::NetworkChanged] {
        let mut rig = waiting();
        rig.tell(happened.clone());
        assert_eq!(rig.orders(), [open(1)]);
        // And twice is not two sessions.
        rig.tell(happened);
        assert_eq!(rig.orders(), []);
    }
    let mut rig = waiting();
    rig.tell_all([Happened::NetworkChanged, Happened::RetryNow]);
    assert_eq!(rig.orders(), [open(1)]);
}

#[test]
fn an_attempt_over_the_network_of_before_is_not_waited_for() {
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    rig.orders();
    rig.tell(Happened::NetworkChanged);
    assert_eq!(rig.orders(), [], "it has just begun");
    rig.wait(SECOND + SECOND);
    rig.tell(Happened::NetworkChanged);
    assert_eq!(rig.orders(), [Order::Stop]);
    rig.tell(Happened::Accepted);
    rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
    // The service may have heard the first one.
    assert_eq!(rig.orders(), [open(2)]);
    // A stream on air is left alone: its session finds out whether it lives.
    rig.go_live();
    rig.tell(Happened::NetworkChanged);
    assert_eq!(rig.orders(), []);
}

#[test]
fn a_flapping_network_does_not_use_up_the_attempts() {
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    let begun = rig.now;
    for _ in 0..300 {
        if matches!(rig.phase(), Phase::Connecting { .. }) {
            rig.fail(Cause::Unreachable);
        }
        rig.tell(Happened::NetworkChanged);
        rig.wait(SECOND);
    }
    assert!(!rig.phase().is_final(), "gave up after {:?}", rig.now - begun);
    assert!(rig.broadcast.figures(rig.now).attempts < 25);
}

#[test]
fn the_person_may_give_up() {
    let mut rig = Rig::on_air(plain());
    rig.tell(Happened::GiveUp);
    assert_eq!(rig.phase(), Phase::OnAir, "nothing is being tried");
    rig.fail(Cause::Stalled);
    rig.fail(Cause::Unreachable);
    rig.orders();
    rig.tell(Happened::GiveUp);
    let gave_up = Outcome::GaveUp { attempts: 1, failure: failure(Cause::Unreachable) };
    assert_eq!((rig.orders(), rig.phase()), (vec![], Phase::Over(gave_up)));

    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    rig.orders();
    rig.tell(Happened::GiveUp);
    assert_eq!((rig.orders(), rig.phase()), (vec![Order::Stop], Phase::Stopping));
    rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
    assert!(matches!(rig.phase(), Phase::Over(Outcome::GaveUp { attempts: 1, .. })));
}

#[test]
fn stop_ends_every_phase_and_voids_what_nobody_picked_up() {
    // While a question is open: its answer changes nothing.
    let mut rig = Rig::new(asking());
    rig.orders();
    rig.tell(Happened::Stop);
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!((rig.orders(), rig.phase()), (vec![], Phase::Over(Outcome::Stopped)));
    // Between two attempts.
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    rig.fail(Cause::Unreachable);
    rig.tell(Happened::Stop);
    assert_eq!(rig.phase(), Phase::Over(Outcome::Stopped));
    // Together with what opens a session: it is never opened.
    let mut rig = Rig::on_air(plain());
    rig.fail(Cause::Stalled);
    rig.fail(Cause::Unreachable);
    rig.orders();
    rig.tell_all([Happened::RetryNow, Happened::Stop]);
    assert_eq!((rig.orders(), rig.phase()), (vec![], Phase::Over(Outcome::Stopped)));
    // While moving, and while renewing: the other session is dropped.
    for happened in [Happened::MoveRequested, Happened::RenewNow] {
        let mut rig = Rig::on_air(plain());
        rig.tell(happened.clone());
        rig.orders();
        rig.tell(Happened::Stop);
        assert_eq!(rig.orders(), [Order::Abandon, Order::Stop]);
        let mut rig = Rig::on_air(plain());
        rig.tell_all([happened, Happened::Stop]);
        assert_eq!(rig.orders(), [Order::Stop]);
    }
    // Between the end of the one and the promotion of the other.
    let mut rig = Rig::on_air(plain());
    rig.tell(Happened::MoveRequested);
    rig.orders();
    rig.tell_all([Happened::Ended(Ended::Departed), Happened::Stop]);
    assert_eq!((rig.orders(), rig.phase()), (vec![Order::Abandon], Phase::Over(Outcome::Stopped)));
}

#[test]
fn a_cut_off_asks_first() {
    let mut rig = Rig::on_air(asking());
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [open(1)]);
    rig.tell(Happened::Accepted);
    rig.wait(SECOND);
    rig.fail(Cause::Lost("reset".into()));
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [Order::Ask]);
    assert_eq!(rig.phase(), Phase::Asking { again: true });
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), [open(2)]);
    rig.go_live();

    // Also the very first one, once.
    let mut rig = Rig::new(asking());
    rig.tell(Happened::Configured { same_media: true });
    rig.orders();
    rig.tell(Happened::Accepted);
    rig.fail(Cause::ClosedByPeer);
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), [open(1)]);
    rig.tell(Happened::Accepted);
    rig.fail(Cause::ClosedByPeer);
    assert_eq!(rig.phase(), Phase::Over(Outcome::Failed(failure(Cause::ClosedByPeer))));
}

#[test]
fn a_refusal_without_a_reason_asks_and_is_believed_the_third_time() {
    for (drop, taken_over) in [(Cause::ClosedByPeer, true), (Cause::Stalled, false)] {
        let mut rig = Rig::on_air(asking());
        rig.fail(drop);
        for _ in 0..2 {
            rig.orders();
            rig.fail(refused("No."));
            rig.wait_for_attempt();
            assert_eq!(rig.orders(), [Order::Ask]);
            rig.tell(Happened::Configured { same_media: true });
        }
        rig.fail(refused("No."));
        match taken_over {
            true => assert_eq!(is_taken_over(&rig), Some(false)),
            false => assert_eq!(rig.phase(), Phase::Over(Outcome::Refused(failure(refused("No."))))),
        }
    }
}

#[test]
fn without_a_configuration_the_old_one_serves_while_it_is_valid() {
    let mut rig = Rig::on_air(asking());
    rig.fail(Cause::Stalled);
    rig.orders();
    rig.fail(refused("No."));
    rig.wait_for_attempt();
    rig.tell(Happened::NotConfigured { refused: false });
    assert_eq!(rig.orders(), [Order::Ask, open(2)]);

    // After 48 hours it is not valid any more, and there is nothing to connect with until the service answers.
    let mut rig = Rig::on_air(BroadcastConfig { renewal: Renewal::Never, ..asking() });
    rig.wait(HOUR + Span::from_secs(47 * 3600));
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::NotConfigured { refused: false });
    assert!(matches!(rig.phase(), Phase::Waiting { why: Interruption::NotConfigured, .. }));
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: true });
    assert!(matches!(rig.orders()[..], [Order::Open { .. }]));
}

#[test]
fn another_ladder_needs_another_stream() {
    let mut rig = Rig::on_air(asking());
    rig.fail(Cause::Stalled);
    rig.orders();
    rig.fail(refused("No."));
    rig.wait_for_attempt();
    rig.tell(Happened::Configured { same_media: false });
    assert_eq!(rig.orders(), [Order::Ask]);
    assert!(matches!(rig.phase(), Phase::Waiting { why: Interruption::Held, priority: None, .. }));
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [OPEN]);
}

#[test]
fn the_service_says_why_it_ends_a_stream_only_twice() {
    let why = || ended_by_service("[bitrate-exceeded] Too much.");
    let mut rig = Rig::on_air(asking());
    rig.fail(why());
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: true });
    rig.go_live();
    rig.wait(MINUTE);
    rig.fail(why());
    assert_eq!(rig.phase(), Phase::Over(Outcome::Refused(failure(why()))));
    // Its owner ended it: that is meant.
    let mut rig = Rig::on_air(plain());
    rig.fail(ended_by_service("[stream-stopped] The channel's owner ended the stream."));
    assert!(rig.phase().is_final());
}

#[test]
fn other_services_are_reconnected_without_numbers_and_given_time() {
    let mut rig = Rig::on_air(others());
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [OPEN]);
    let begun = rig.now;
    while rig.now - begun < Span::from_secs(35) {
        rig.fail(refused("Already publishing."));
        assert!(rig.wait_for_attempt() <= Span::from_secs(5));
        assert_eq!(rig.orders(), [OPEN]);
    }
    rig.go_live();
    rig.wait(MINUTE);
    // It has no limit that we know of.
    assert_eq!(rig.broadcast.figures(rig.now).renews_at, None);
}

#[test]
fn a_stream_that_follows_another_is_given_time() {
    let held_until = Some(MediaTime::from_millis(40_000));
    let mut rig = Rig::new(BroadcastConfig { held_until, ..plain() });
    rig.orders();
    rig.fail(refused("Already publishing."));
    assert_eq!(rig.orders(), [OPEN]);
    rig.fail(refused("Already publishing."));
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [OPEN]);
    rig.wait(MINUTE);
    rig.fail(refused("Already publishing."));
    assert!(rig.phase().is_final());
}
