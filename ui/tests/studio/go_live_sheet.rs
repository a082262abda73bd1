//! The sheet before the show: what is looked at, mended, and then gone live with.

use control::{Answer, Command, LadderStep};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::Secret;

use crate::fixture::{off_air, open};
use crate::hand::{click, everything_said, focused, hold, is_open, press, type_text};
use crate::ladder_fixture::{ready, warning};

#[test]
fn the_red_button_opens_the_sheet_where_something_is_to_be_decided() {
    let mut harness = open(ready());
    assert_eq!(click(&mut harness, Role::Button, "Go live…"), [Command::PrepareLive]);
    assert!(is_open(&harness, "Go live"));
    for line in [
        "Stream key: good",
        "Asked for: note",
        "Granted: good",
        "Server: good",
        "Sound: good",
        "Recording: note",
    ] {
        harness.get_by_role_and_label(Role::Image, line);
    }
    harness.get_by_label("Accepted 3 s ago, valid for 48 hours.");
    harness.get_by_label("Up to 3 renditions of 1280×720 at 30 per second, any bitrate.");
    harness.get_by_label_contains("One setting could not be honoured.");
    assert_eq!(hold(&mut harness, "Go live (hold)", 0.3), [], "a slip of the hand");
    harness.state_mut().now_secs += 4.0;
    harness.run_steps(2);
    assert_eq!(hold(&mut harness, "Go live (hold)", 0.7), [Command::GoLive]);
    assert!(!is_open(&harness, "Go live"));
}

#[test]
fn without_a_destination_the_sheet_is_where_one_is_chosen() {
    let mut view = ready();
    view.destinations.clear();
    view.servers.leads_to = String::new();
    let mut harness = open(view);
    click(&mut harness, Role::Button, "Go live…");
    harness.get_by_label("Choose a server first.");
    assert_eq!(hold(&mut harness, "Go live", 0.7), []);
    harness.get_by_role_and_label(Role::Button, "change: server");
}

#[test]
fn a_rehearsal_has_its_own_words() {
    let mut view = ready();
    view.is_rehearsal = true;
    let mut harness = open(view);
    assert_eq!(click(&mut harness, Role::Button, "Rehearse…"), [Command::PrepareLive]);
    assert!(is_open(&harness, "Rehearse"));
    harness.get_by_label_contains("nobody is watching");
    harness.get_by_label("A rehearsal is never public.");
    assert_eq!(hold(&mut harness, "Rehearse (hold)", 0.7), [Command::GoLive]);
}

#[test]
fn without_anything_to_decide_there_is_no_sheet() {
    let mut harness = open(off_air());
    assert_eq!(hold(&mut harness, "Go live (hold)", 0.7), [Command::GoLive]);
    assert!(!is_open(&harness, "Go live"));
}

#[test]
fn escape_and_cancel_stop_getting_ready() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [Command::CancelPrepare]);
    assert!(!is_open(&harness, "Go live"));
    click(&mut harness, Role::Button, "Go live…");
    assert_eq!(click(&mut harness, Role::Button, "Cancel"), [Command::CancelPrepare]);
    assert!(!is_open(&harness, "Go live"));
}

#[test]
fn the_keyboard_alone_goes_live() {
    let mut harness = open(ready());
    let ctrl_shift = Modifiers::CTRL | Modifiers::SHIFT;
    assert_eq!(press(&mut harness, ctrl_shift, Key::L), [Command::PrepareLive]);
    assert!(is_open(&harness, "Go live"));
    let mut stops = Vec::new();
    let mut asked = Vec::new();
    for _ in 0..30 {
        let focused = focused(&harness);
        if focused == "Button Go live (hold)" {
            press(&mut harness, Modifiers::NONE, Key::Enter);
            asked = press(&mut harness, Modifiers::NONE, Key::Enter);
            break;
        }
        stops.push(focused);
        press(&mut harness, Modifiers::NONE, Key::Tab);
    }
    assert_eq!(
        stops,
        [
            "Button change: stream key",
            "Button change: what is asked for",
            "Button why these?",
            "Button 720p30, 2\u{202F}500 kbps, H.264 · x264enc",
            "Button 480p30, 1\u{202F}000 kbps, H.264 · x264enc",
            "Button 360p30, 500 kbps, H.264 · x264enc",
            "Button test…: upload",
            "Button change: server",
            "Button start: recording",
            "Button Cancel",
        ]
    );
    assert_eq!(asked, [Command::GoLive]);
}

#[test]
fn the_second_press_of_the_key_goes_live_once_nothing_is_in_the_way() {
    let ctrl_shift = Modifiers::CTRL | Modifiers::SHIFT;
    let mut view = ready();
    view.ladder.step = LadderStep::Asking { attempt: 1, seconds_left: 9 };
    let mut harness = open(view);
    press(&mut harness, ctrl_shift, Key::L);
    assert_eq!(press(&mut harness, ctrl_shift, Key::L), [], "the ladder is not there yet");
    assert!(is_open(&harness, "Go live"));
    harness.state_mut().view.ladder.step = LadderStep::Granted;
    assert_eq!(press(&mut harness, ctrl_shift, Key::L), [Command::GoLive]);
    assert!(!is_open(&harness, "Go live"));
}

#[test]
fn nothing_goes_live_over_a_question() {
    let ctrl_shift = Modifiers::CTRL | Modifiers::SHIFT;
    let mut harness = open(ready());
    press(&mut harness, ctrl_shift, Key::L);
    harness.state_mut().view.question = Some(warning());
    harness.run_steps(3);
    assert_eq!(press(&mut harness, ctrl_shift, Key::L), []);
    let asked = click(&mut harness, Role::Button, "Cancel");
    assert_eq!(asked, [Command::Answer { question: 7, answer: Answer::Cancel }]);
    harness.get_by_label("There is a question to answer first.");
}

#[test]
fn without_a_key_nothing_is_asked_for() {
    for step in [LadderStep::NotAsked, LadderStep::Refused, LadderStep::Unreachable] {
        let mut view = ready();
        view.servers.has_key = false;
        view.ladder.step = step;
        let mut harness = open(view);
        assert_eq!(click(&mut harness, Role::Button, "Go live…"), []);
        for action in ["ask now", "ask again"] {
            assert!(harness.query_by_label(action).is_none(), "{step:?}: {action}");
        }
    }
}

#[test]
fn the_key_is_handed_over_and_never_shown() {
    const KEY: &str = "sk_us-west-2_abcdefghijkl_0123456789";
    let mut view = ready();
    view.servers.has_key = false;
    view.servers.key_note = String::new();
    let mut harness = open(view);
    assert_eq!(click(&mut harness, Role::Button, "Go live…"), [], "nothing to ask with yet");
    harness.get_by_label("Enter the stream key first.");
    harness.get_by_role_and_label(Role::Button, "Go live");
    assert_eq!(focused(&harness), "PasswordInput New stream key", "the keyboard is where it is needed");
    type_text(&mut harness, &format!(" {KEY}\n"));
    assert!(!everything_said(&harness).contains(KEY), "the key can be read");
    press(&mut harness, Modifiers::CTRL, Key::A);
    harness.event(Event::Copy);
    harness.step();
    assert!(harness.output().platform_output.commands.is_empty(), "the key was copied");
    let asked = press(&mut harness, Modifiers::NONE, Key::Enter);
    assert_eq!(asked, [Command::SetStreamKey(Secret::new(KEY)), Command::PrepareLive]);
    assert!(!format!("{asked:?}").contains(KEY));

    // Taking it back finds nothing.
    harness.state_mut().view.servers.has_key = false;
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::PasswordInput, "New stream key").focus();
    harness.run_steps(2);
    press(&mut harness, Modifiers::CTRL, Key::Z);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [], "the field is empty");
}

#[test]
fn another_key_can_be_set_and_a_typed_one_is_forgotten_on_escape() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "change: stream key");
    assert_eq!(focused(&harness), "PasswordInput New stream key");
    type_text(&mut harness, "sk_one");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [Command::CancelPrepare]);
    click(&mut harness, Role::Button, "Go live…");
    assert!(harness.query_by_role_and_label(Role::PasswordInput, "New stream key").is_none());
    click(&mut harness, Role::Button, "change: stream key");
    press(&mut harness, Modifiers::CTRL, Key::Z);
    assert_eq!(click(&mut harness, Role::Button, "Use this key"), [], "nothing was typed since");
    harness.get_by_role_and_label(Role::PasswordInput, "New stream key").focus();
    harness.run_steps(2);
    type_text(&mut harness, "sk_two");
    let asked = click(&mut harness, Role::Button, "Use this key");
    assert_eq!(asked, [Command::SetStreamKey(Secret::new("sk_two")), Command::PrepareLive]);
}

#[test]
fn every_step_of_the_ladder_has_its_words_and_its_way_on() {
    for (step, words, hindrance, action) in [
        (LadderStep::NotAsked, "Not asked for yet.", "Ask for the renditions first.", Some("ask now")),
        (
            LadderStep::Asking { attempt: 1, seconds_left: 9 },
            "Asking the service; 9 s left.",
            "The renditions are being asked for. You can cancel at any time.",
            None,
        ),
        (
            LadderStep::Asking { attempt: 3, seconds_left: 4 },
            "Asking the service, attempt 3; 4 s left.",
            "The renditions are being asked for. You can cancel at any time.",
            None,
        ),
        (
            LadderStep::Testing,
            "Granted. Every encoder is being tried with it.",
            "The encoders are being tried. You can cancel at any time.",
            None,
        ),
        (
            LadderStep::Refused,
            "The renditions were refused.",
            "The renditions were refused. Change what is asked for, or ask again.",
            Some("ask again"),
        ),
        (
            LadderStep::Unreachable,
            "The service could not be reached.",
            "Ask again, or change what is asked for to one rendition.",
            Some("ask again"),
        ),
    ] {
        let mut view = ready();
        view.ladder.step = step;
        view.ladder.granted.clear();
        view.ladder.notes.clear();
        let mut harness = open(view);
        click(&mut harness, Role::Button, "Go live…");
        harness.get_by_label(words);
        harness.get_by_label(hindrance);
        let pressed = hold(&mut harness, "Go live", 0.7);
        assert_eq!(pressed, [], "{step:?}");
        if let Some(action) = action {
            assert_eq!(click(&mut harness, Role::Button, action), [Command::PrepareLive], "{step:?}");
        }
    }
}

#[test]
fn why_these_shows_what_became_of_each_setting() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    assert_eq!(click(&mut harness, Role::Button, "why these?"), []);
    assert!(is_open(&harness, "Requested and granted"));
    harness.get_by_role_and_label(Role::Row, "keyint_sec = 2: key-int-max = 60");
    harness.get_by_role_and_label(Role::Row, "bitrate = 2500: bitrate = 2500");
    let lookahead =
        harness.get_by_label_contains("lookahead = true: not honoured: x264enc has no look-ahead");
    assert_eq!(lookahead.accesskit_node().role(), Role::Row);
    harness.get_by_label_contains("meta.experiment");
    harness.get_by_label("Configuration cfg-7f0e2b");
    click(&mut harness, Role::RadioButton, "480p30, 1\u{202F}000 kbps, H.264 · x264enc");
    harness.get_by_role_and_label(Role::Row, "bitrate = 1000: bitrate = 1000");
    assert!(harness.query_by_label_contains("lookahead").is_none());
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [], "back to where it was opened");
    assert!(is_open(&harness, "Go live"));
}

#[test]
fn a_card_opens_its_own_settings() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "360p30, 500 kbps, H.264 · x264enc");
    harness.get_by_role_and_label(Role::Row, "bitrate = 500: bitrate = 500");
}
