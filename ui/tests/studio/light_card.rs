//! Why the light is what it is, and what can be done about it.

use control::{Command, DestinationView, LiveState, PlaybackView, RecordingState};
use egui::accesskit::{Live, Role};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::Span;

use crate::fixture::{in_state, on_air, open};
use crate::hand::{Window, click, everything_said, press, type_text};
use crate::stream_fixture::{OTHER, over_srt, reconnecting, several, taken_over};

/// What stands beside the state word.
fn note(harness: &Window, word: &str) -> String {
    let name = format!("Live state: {word}");
    let chip = harness.get_by_role_and_label(Role::Status, &name);
    chip.accesskit_node().description().unwrap_or_default()
}

#[test]
fn the_light_claims_no_more_than_was_seen() {
    for (state, playback, word, expected) in [
        (LiveState::Accepted, PlaybackView::Waiting, "Accepted", "viewers can not play yet"),
        (LiveState::Accepted, PlaybackView::Unknown, "Accepted", "not everything is confirmed yet"),
        (LiveState::Live, PlaybackView::Unknown, "Live", "confirmed by the ingest"),
        (LiveState::Live, PlaybackView::Playable { behind: None }, "Live", "viewers can play"),
        (
            LiveState::Live,
            PlaybackView::Playable { behind: Some(Span::from_millis(3_100)) },
            "Live",
            "viewers can play, 3.1 s behind",
        ),
        (LiveState::TakenOver, PlaybackView::Unknown, "Taken over", "another PC has the channel"),
    ] {
        let mut view = in_state(state);
        view.destinations[0].playback = playback;
        let harness = open(view);
        assert_eq!(note(&harness, word), expected);
    }
}

#[test]
fn what_is_accepted_and_not_yet_playable_says_so() {
    let mut view = in_state(LiveState::Accepted);
    view.destinations[0].playback = PlaybackView::Waiting;
    let harness = open(view);
    harness.get_by_label("The ingest takes the stream. No viewer can play it yet.");
}

#[test]
fn a_degraded_stream_says_why() {
    let mut view = in_state(LiveState::Degraded);
    view.destinations[0].reason = "Nothing new can be played for 9 s.".to_owned();
    let harness = open(view);
    let told = harness.get_by_label("Nothing new can be played for 9 s.");
    assert_eq!(told.accesskit_node().live(), Live::Polite);
    assert_eq!(note(&harness, "Live, degraded"), "nothing new can be played for 9 s");
}

#[test]
fn reconnecting_counts_down_and_can_be_hurried_or_ended() {
    let mut harness = open(reconnecting());
    harness.get_by_label("The network was gone for a moment.");
    harness.get_by_label("Attempt 3 of 25 in 4 s.");
    assert_eq!(note(&harness, "Reconnecting"), "attempt 3 of 25 in 4 s");
    let main = DestinationView::MAIN;
    assert_eq!(click(&mut harness, Role::Button, "Reconnect now"), [Command::RetryNow(main)]);
    assert_eq!(click(&mut harness, Role::Button, "Cancel"), [Command::GiveUp(main)]);

    harness.state_mut().view.destinations[0].retry.as_mut().unwrap().next_in = Span::ZERO;
    harness.run_steps(2);
    harness.get_by_label("Attempt 3 of 25 is being made.");
    assert!(harness.get_by_role_and_label(Role::Button, "Reconnect now").accesskit_node().is_disabled());
    assert_eq!(click(&mut harness, Role::Button, "Cancel"), [Command::GiveUp(main)]);
}

#[test]
fn reconnecting_works_by_keyboard_too() {
    let mut harness = open(reconnecting());
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "reconnect now");
    let asked = press(&mut harness, Modifiers::NONE, Key::Enter);
    assert_eq!(asked, [Command::RetryNow(DestinationView::MAIN)]);
}

#[test]
fn a_takeover_is_said_plainly() {
    let harness = open(taken_over());
    harness.get_by_label("Another PC took over. The recording goes on.");
    let mut view = taken_over();
    view.recording.state = RecordingState::Off;
    let harness = open(view);
    harness.get_by_label("Another PC took over. Nothing is being recorded.");
    let mut view = taken_over();
    view.destinations[0].reason = "Another PC seems to have taken over.".to_owned();
    let harness = open(view);
    harness.get_by_label("Another PC seems to have taken over. The recording goes on.");
}

#[test]
fn what_goes_well_needs_no_card() {
    let harness = open(on_air());
    assert!(harness.query_by_role_and_label(Role::Group, "Live").is_none());
}

#[test]
fn a_failure_is_told_once() {
    let mut view = in_state(LiveState::Failed);
    view.destinations[0].reason = "The key was refused.".to_owned();
    let mut harness = open(view);
    assert!(!everything_said(&harness).contains("The key was refused."), "its problem tells it");
    harness.state_mut().view.problems.clear();
    harness.run_steps(2);
    harness.get_by_label("The key was refused.");
}

#[test]
fn live_at_another_destination_is_still_live() {
    let mut view = several();
    view.destinations[0].state = LiveState::Failed;
    let mut harness = open(view);
    assert_eq!(note(&harness, "Live elsewhere"), "Channel: failed");
    harness.get_by_role_and_label(Role::Button, "Stop (hold)");
    harness.state_mut().view.destinations = vec![over_srt()];
    harness.run_steps(2);
    assert_eq!(note(&harness, "Live elsewhere"), "Archive");
    assert_eq!(over_srt().id, OTHER);
}

#[test]
fn renewal_is_told_and_takes_two_clicks() {
    let mut harness = open(several());
    harness.get_by_label("Renewed in 46 h, at a keyframe");
    assert_eq!(click(&mut harness, Role::Button, "renew now"), []);
    assert_eq!(click(&mut harness, Role::Button, "click again"), [Command::RenewNow]);
    assert_eq!(click(&mut harness, Role::Button, "renew now"), []);
    harness.state_mut().now_secs += 3.5;
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "renew now");

    let main = &mut harness.state_mut().view.destinations[0];
    main.renews_in = None;
    main.ends_in = Some(Span::from_secs(5_400));
    harness.run_steps(2);
    harness.get_by_label("The service ends it in 90 min");
}
