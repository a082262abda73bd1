//! Ahead of the limits, and from one connection to another.

use publish::{BroadcastConfig, Cause, Ended, Happened, Interruption, Order, Phase, Renewal, Telling};
use units::Span;

use crate::rig::{
    HOUR, INVALID_PRIORITY, MINUTE, OPEN, Rig, SECOND, asking, ended_by_service, failure, is_taken_over,
    open, plain, refused,
};

#[test]
fn a_move_is_one_stream_over_two_connections() {
    let mut rig = Rig::on_air(plain());
    rig.tell(Happened::MoveRequested);
    assert_eq!(rig.orders(), [Order::OpenNext { priority: Some(1), waits: false }, Order::Depart]);
    rig.tell(Happened::MoveRequested);
    rig.tell(Happened::RenewNow);
    rig.tell(Happened::NextAccepted);
    rig.tell(Happened::NextLive);
    assert_eq!((rig.orders(), rig.phase()), (vec![], Phase::OnAir));
    rig.tell(Happened::Ended(Ended::Departed));
    // The renewal comes when the move is over.
    let renewal = [Order::Promote, Order::OpenNext { priority: None, waits: true }, Order::Conclude];
    assert_eq!(rig.orders(), renewal);
}

#[test]
fn a_move_that_fails_is_a_reconnect() {
    let mut rig = Rig::on_air(plain());
    rig.tell(Happened::MoveRequested);
    rig.tell(Happened::NextEnded(Ended::Failed(failure(Cause::PublishTimedOut))));
    rig.orders();
    rig.tell(Happened::Ended(Ended::Departed));
    assert_eq!(rig.orders(), [open(2)]);
    rig.go_live();

    let mut rig = Rig::on_air(plain());
    rig.tell(Happened::MoveRequested);
    rig.orders();
    // The present one breaks while it leaves: the other one is on its way already.
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [Order::Promote]);
    rig.fail(refused(INVALID_PRIORITY));
    assert_eq!(is_taken_over(&rig), Some(true));
}

#[test]
fn a_stream_is_renewed_an_hour_ahead() {
    let mut rig = Rig::on_air(asking());
    let figures = rig.broadcast.figures(rig.now);
    let began_at = figures.stream_began_at.unwrap();
    assert_eq!(figures.renews_at, Some(began_at + Span::from_secs(47 * 3600)));
    assert_eq!(figures.ends_at, Some(began_at + Span::from_secs(48 * 3600)));
    rig.wait(figures.renews_at.unwrap() - rig.now - SECOND);
    assert_eq!(rig.orders(), []);
    rig.wait(SECOND);
    assert_eq!((rig.orders(), rig.phase()), (vec![Order::Ask], Phase::OnAir));
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), [Order::OpenNext { priority: None, waits: true }, Order::Conclude]);
    assert_eq!(rig.phase(), Phase::Renewing);
    rig.wait(SECOND);
    rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
    assert_eq!(rig.orders(), [Order::Proceed, Order::Promote]);
    assert_eq!(rig.phase(), Phase::Renewing);
    rig.wait(SECOND);
    rig.go_live();
    let figures = rig.broadcast.figures(rig.now);
    assert_eq!((figures.renewals, figures.off_air), (1, SECOND));
    assert_eq!(figures.stream_began_at, Some(rig.now));
    assert_eq!(rig.told.last(), Some(&Telling::Renewed { off_air: SECOND }));
}

#[test]
fn a_key_that_ends_before_the_stream_is_changed_without_a_cut() {
    let mut rig = Rig::on_air(asking());
    // The line was away for longer than the service holds a stream: another one began, with the key of before.
    rig.wait(Span::from_secs(40 * 3600));
    rig.fail(Cause::Stalled);
    rig.fail(Cause::Unreachable);
    rig.wait(MINUTE);
    rig.go_live();
    rig.orders();
    let figures = rig.broadcast.figures(rig.now);
    assert_eq!(figures.stream_began_at, Some(rig.now));
    rig.wait(Span::from_secs(7 * 3600));
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: true });
    let priority = figures.priority.map(|last| last + 1);
    assert_eq!(rig.orders(), [Order::OpenNext { priority, waits: false }, Order::Depart]);
    rig.tell(Happened::NextAccepted);
    rig.tell(Happened::Ended(Ended::Departed));
    rig.tell(Happened::Live);
    assert_eq!(rig.orders(), [Order::Promote]);
    let after = rig.broadcast.figures(rig.now);
    assert_eq!((after.stream_began_at, after.renewals), (figures.stream_began_at, 0));
    rig.wait(HOUR);
    assert_eq!(rig.orders(), []);
}

#[test]
fn a_wish_may_be_about_another_configuration() {
    // Just configured, and yet: the person, or an overloaded computer, wants another ladder.
    let mut rig = Rig::on_air(asking());
    rig.tell(Happened::RenewNow);
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: false });
    assert_eq!(rig.orders(), [Order::Conclude]);
    rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
    rig.go_live();
    assert_eq!(rig.orders(), [OPEN]);

    // Between two attempts: the next one must not take over with other media.
    let mut rig = Rig::on_air(asking());
    rig.fail(Cause::Stalled);
    rig.fail(Cause::Unreachable);
    rig.orders();
    rig.tell(Happened::RenewNow);
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: false });
    assert_eq!(rig.orders(), []);
    rig.wait_for_attempt();
    assert_eq!(rig.orders(), [OPEN]);
    rig.go_live();
    assert_eq!(rig.orders(), [], "what was wanted is on air");

    // Before the first picture: it comes true after it.
    let mut rig = Rig::new(asking());
    rig.tell(Happened::Configured { same_media: true });
    rig.wait(SECOND);
    rig.tell(Happened::RenewNow);
    rig.tell(Happened::Accepted);
    rig.orders();
    rig.tell(Happened::Live);
    assert_eq!(rig.orders(), [Order::Ask]);
}

#[test]
fn a_question_that_was_called_off_is_asked_again() {
    let mut rig = Rig::on_air(asking());
    rig.wait(Span::from_secs(47 * 3600));
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.fail(ended_by_service("[taken-over] Another one."));
    assert!(!rig.broadcast.awaits_answer());
    rig.wait(HOUR);
    rig.tell(Happened::TakeOver);
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), [open(2_000)]);
}

#[test]
fn the_person_chooses_when() {
    let renewal = Renewal::After(HOUR + HOUR);
    let mut rig = Rig::on_air(BroadcastConfig { renewal, ..plain() });
    rig.wait(HOUR + HOUR - MINUTE);
    assert_eq!(rig.orders(), [Order::OpenNext { priority: None, waits: true }, Order::Conclude]);

    let mut rig = Rig::on_air(BroadcastConfig { renewal: Renewal::Never, ..plain() });
    rig.wait(Span::from_secs(48 * 3600) - MINUTE);
    assert_eq!(rig.orders(), []);
    rig.tell(Happened::RenewNow);
    rig.tell(Happened::RenewNow);
    assert_eq!(rig.orders(), [Order::OpenNext { priority: None, waits: true }, Order::Conclude]);
}

#[test]
fn a_renewal_with_another_ladder_opens_when_the_old_stream_is_over() {
    let mut rig = Rig::on_air(asking());
    rig.wait(HOUR);
    rig.tell(Happened::RenewNow);
    rig.tell(Happened::Configured { same_media: false });
    assert_eq!(rig.orders(), [Order::Ask, Order::Conclude]);
    rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
    assert_eq!(rig.orders(), [OPEN]);
    rig.go_live();
    // And from here on it is the ladder.
    rig.wait(MINUTE);
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [open(1)]);
}

#[test]
fn a_renewal_that_the_service_does_not_see_yet_is_tried_for_forty_seconds() {
    let mut rig = Rig::on_air(plain());
    rig.tell(Happened::RenewNow);
    rig.tell(Happened::Ended(Ended::Stopped { clean: false }));
    rig.orders();
    let begun = rig.now;
    while rig.now - begun < Span::from_secs(34) {
        rig.fail(refused("Already publishing."));
        if matches!(rig.phase(), Phase::Waiting { .. }) {
            rig.wait_for_attempt();
        }
        assert_eq!(rig.orders(), [OPEN]);
    }
    rig.go_live();
}

#[test]
fn without_a_configuration_the_old_stream_goes_on_and_it_is_asked_again() {
    let mut rig = Rig::on_air(asking());
    rig.wait(Span::from_secs(47 * 3600));
    assert_eq!(rig.orders(), [Order::Ask]);
    for asked in 1..20 {
        rig.tell(Happened::NotConfigured { refused: asked % 2 == 0 });
        assert_eq!((rig.orders(), rig.phase()), (vec![], Phase::OnAir));
        assert!(rig.wait_for_attempt() <= Span::from_secs(600));
        assert_eq!(rig.orders(), [Order::Ask]);
    }
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), [Order::OpenNext { priority: None, waits: true }, Order::Conclude]);
}

#[test]
fn a_stream_that_breaks_while_its_renewal_is_asked_for_is_picked_up_first() {
    let mut rig = Rig::on_air(asking());
    rig.wait(Span::from_secs(47 * 3600));
    assert_eq!(rig.orders(), [Order::Ask]);
    rig.fail(Cause::Stalled);
    assert_eq!(rig.orders(), [open(1)], "the key is good for another hour");
    rig.tell(Happened::Configured { same_media: true });
    assert_eq!(rig.orders(), []);
    rig.tell(Happened::Accepted);
    assert_eq!(rig.orders(), []);
    rig.tell(Happened::Live);
    assert_eq!(rig.orders(), [Order::OpenNext { priority: None, waits: true }, Order::Conclude]);
}

#[test]
fn the_end_at_48_hours_is_no_failure() {
    for ending in [Cause::ClosedByPeer, ended_by_service("[maximum-duration] As long as it may.")] {
        let mut rig = Rig::on_air(BroadcastConfig { renewal: Renewal::Never, ..asking() });
        rig.wait(Span::from_secs(48 * 3600) - MINUTE);
        rig.fail(ending);
        assert!(matches!(rig.told.last(), Some(Telling::Interrupted { why: Interruption::TimeUp, .. })));
        assert_eq!(rig.orders(), [Order::Ask]);
        rig.tell(Happened::Configured { same_media: true });
        assert_eq!(rig.orders(), [OPEN], "nothing is held, so nothing is waited for");
        rig.go_live();
        assert_eq!(rig.broadcast.figures(rig.now).stream_began_at, Some(rig.now));
    }
}
