//! What is looked at and decided before and beside the show.

use control::{Answer, Command, LadderStep, LiveState, Preferences, ServerChoice};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::{Kbps, Secret, Size};

use crate::fixture::{Desk, off_air, on_air, open};
use crate::ladder_fixture::{ready, warning};

type Window = egui_kittest::Harness<'static, Desk>;

fn click(harness: &mut Window, role: Role, name: &str) -> Vec<Command> {
    harness.get_by_role_and_label(role, name).click();
    harness.run_steps(4);
    harness.state_mut().take()
}

fn press(harness: &mut Window, modifiers: Modifiers, key: Key) -> Vec<Command> {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(3);
    harness.state_mut().take()
}

fn type_text(harness: &mut Window, text: &str) {
    harness.event(Event::Text(text.to_owned()));
    harness.run_steps(2);
}

fn is_open(harness: &Window, sheet: &str) -> bool {
    harness.query_by_role_and_label(Role::Dialog, sheet).is_some()
}

fn hold(harness: &mut Window, name: &str, secs: f64) -> Vec<Command> {
    let pos = harness.get_by_role_and_label(Role::Button, name).rect().center();
    for pressed in [true, false] {
        harness.event(Event::PointerMoved(pos));
        let button = PointerButton::Primary;
        harness.event(Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE });
        harness.step();
        if pressed {
            harness.state_mut().now_secs += secs;
            harness.step();
        }
    }
    harness.run_steps(3);
    harness.state_mut().take()
}

/// Every text that the window tells assistive technology.
fn everything_said(harness: &Window) -> String {
    let mut said = String::new();
    let mut next = vec![harness.root()];
    while let Some(node) = next.pop() {
        let inner = node.accesskit_node();
        for text in [inner.label(), inner.value(), inner.description()].into_iter().flatten() {
            said.push_str(&text);
            said.push('\n');
        }
        next.extend(node.children());
    }
    said
}

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
            "Button change: server",
            "Button start: recording",
            "Button Cancel",
        ]
    );
    assert_eq!(asked, [Command::GoLive]);
}

/// Role and name of the control that has the keyboard.
fn focused(harness: &Window) -> String {
    let mut next = vec![harness.root()];
    while let Some(node) = next.pop() {
        if node.is_focused() && node.accesskit_node().role() != Role::Window {
            let node = node.accesskit_node();
            return format!("{:?} {}", node.role(), node.label().unwrap_or_default());
        }
        next.extend(node.children());
    }
    String::from("nothing")
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

#[test]
fn the_server_is_chosen_from_the_menu() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "change: server");
    let chosen = harness.get_by_role_and_label(Role::RadioButton, "Auto (RTMPS, Recommended)");
    assert_eq!(chosen.accesskit_node().toggled(), Some(egui::accesskit::Toggled::True));
    let gone = harness.get_by_role_and_label(Role::RadioButton, "Paris (RTMPS) (not available)");
    assert!(gone.accesskit_node().is_disabled());
    let asked = click(&mut harness, Role::RadioButton, "Frankfurt (RTMP)");
    let frankfurt = ServerChoice::Listed { name: "Frankfurt".to_owned(), secure: false };
    assert_eq!(asked, [Command::ChooseServer(frankfurt)]);
    assert!(is_open(&harness, "Go live"), "the menu closes, the sheet stays");
    assert!(harness.query_by_label("Auto (RTMP)").is_none());
    click(&mut harness, Role::Button, "change: server");
    assert_eq!(click(&mut harness, Role::Button, "Fetch the list again"), [Command::RefreshServers]);
    click(&mut harness, Role::Button, "change: server");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [], "Escape closes the menu first");
    assert!(is_open(&harness, "Go live"));
}

#[test]
fn the_menu_of_servers_works_by_keyboard() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    harness.get_by_role_and_label(Role::Button, "change: server").focus();
    harness.run_steps(2);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    let mut presses = 0;
    while focused(&harness) != "RadioButton Frankfurt (RTMP)" {
        press(&mut harness, Modifiers::NONE, Key::Tab);
        presses += 1;
        assert!(presses < 8, "the keyboard is at {}", focused(&harness));
    }
    let frankfurt = ServerChoice::Listed { name: "Frankfurt".to_owned(), secure: false };
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Space), [Command::ChooseServer(frankfurt)]);
}

#[test]
fn the_list_of_commands_lies_over_a_sheet() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    press(&mut harness, Modifiers::CTRL, Key::K);
    harness.get_by_label("Search commands");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), []);
    assert!(harness.query_by_label("Search commands").is_none());
    assert!(is_open(&harness, "Go live"));
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "requested");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(is_open(&harness, "Requested and granted"));
}

#[test]
fn an_address_of_ones_own_is_a_secret_too() {
    const ADDRESS: &str = "rtmps://192.0.2.7:443/app/sk_abc";
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "change: server");
    assert_eq!(click(&mut harness, Role::RadioButton, "Specify Custom Server…"), []);
    assert_eq!(focused(&harness), "PasswordInput Address of the server");
    type_text(&mut harness, ADDRESS);
    assert!(!everything_said(&harness).contains(ADDRESS));
    click(&mut harness, Role::Switch, "Show the address");
    assert!(everything_said(&harness).contains(ADDRESS), "it was asked for");
    let asked = click(&mut harness, Role::Button, "Use this server");
    assert_eq!(asked, [Command::ChooseServer(ServerChoice::Custom(Secret::new(ADDRESS)))]);
    assert!(!everything_said(&harness).contains(ADDRESS));
}

#[test]
fn preferences_count_at_once_and_the_ladder_is_asked_for_again() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "change: what is asked for");
    assert!(is_open(&harness, "Preferences"));
    let chosen = Preferences { multitrack: true, max_tracks: Some(3), ..Preferences::default() };
    for (name, expected) in [
        ("2 tracks", Preferences { max_tracks: Some(2), ..chosen.clone() }),
        ("Auto: up to 3", Preferences { max_tracks: None, ..chosen.clone() }),
        (
            "852×480",
            Preferences { max_tracks: None, output: Some(Size::new(852, 480).unwrap()), ..chosen.clone() },
        ),
        ("Auto: 1280×720, as the canvas", Preferences { max_tracks: None, ..chosen.clone() }),
        (
            "30 per second",
            Preferences { max_tracks: None, rate: Some(units::FrameRate::FPS_30), ..chosen.clone() },
        ),
        ("Auto: 30, as the canvas", Preferences { max_tracks: None, ..chosen.clone() }),
        ("Limit", Preferences { max_tracks: None, max_bitrate: Some(Kbps(4_160)), ..chosen.clone() }),
        ("Auto: what the renditions need", Preferences { max_tracks: None, ..chosen.clone() }),
    ] {
        // The engine has not answered yet: the hand's last wish stands all the same.
        let asked = click(&mut harness, Role::RadioButton, name);
        assert_eq!(asked, [Command::SetPreferences(expected)], "{name}");
    }
    assert_eq!(click(&mut harness, Role::Button, "Done"), [Command::PrepareLive]);
    assert!(is_open(&harness, "Go live"));
}

#[test]
fn a_bitrate_is_typed() {
    let mut view = ready();
    view.preferences.chosen.max_bitrate = Some(Kbps(6_000));
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    assert!(is_open(&harness, "Preferences"));
    harness.get_by_role_and_label(Role::SpinButton, "Maximum bitrate in kbps").focus();
    harness.run_steps(3);
    press(&mut harness, Modifiers::CTRL, Key::A);
    type_text(&mut harness, "3200");
    let asked = press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(
        matches!(
            asked.as_slice(),
            [Command::SetPreferences(Preferences { max_bitrate: Some(Kbps(3_200)), .. })]
        ),
        "{asked:?}"
    );
}

#[test]
fn one_rendition_has_no_tracks_to_limit() {
    let mut view = ready();
    view.preferences.chosen = Preferences::default();
    let mut harness = open(view);
    click(&mut harness, Role::Button, "Preferences");
    assert!(harness.get_by_role_and_label(Role::RadioButton, "2 tracks").accesskit_node().is_disabled());
    assert_eq!(click(&mut harness, Role::RadioButton, "2 tracks"), []);
    let asked = click(&mut harness, Role::RadioButton, "Several (multitrack video)");
    assert_eq!(asked, [Command::SetPreferences(Preferences { multitrack: true, ..Preferences::default() })]);
    assert!(!harness.get_by_role_and_label(Role::RadioButton, "2 tracks").accesskit_node().is_disabled());
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [], "nobody is going live");
    assert!(!is_open(&harness, "Preferences"));
}

#[test]
fn a_question_waits_for_its_answer() {
    for (button, answer) in
        [("Go on", Answer::Continue), ("Send one rendition", Answer::SingleTrack), ("Cancel", Answer::Cancel)]
    {
        let mut view = ready();
        view.question = Some(warning());
        let mut harness = open(view);
        assert!(is_open(&harness, "The service has a warning"));
        assert_eq!(focused(&harness), "Button Cancel", "Enter by mistake changes nothing");
        harness.get_by_label_contains("will no longer be supported after 1 March");
        let asked = click(&mut harness, Role::Button, button);
        assert_eq!(asked, [Command::Answer { question: 7, answer }]);
        assert!(!is_open(&harness, "The service has a warning"), "it is answered once");
        harness.state_mut().now_secs += 2.5;
        harness.run_steps(3);
        assert!(is_open(&harness, "The service has a warning"), "the answer did not arrive");
        let asked = click(&mut harness, Role::Button, button);
        assert_eq!(asked, [Command::Answer { question: 7, answer }]);
        harness.state_mut().view.question.as_mut().unwrap().id = 8;
        harness.run_steps(3);
        assert!(is_open(&harness, "The service has a warning"), "another question");
    }
}

#[test]
fn escape_answers_cancel() {
    let mut view = ready();
    view.question = Some(warning());
    let mut harness = open(view);
    let asked = press(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(asked, [Command::Answer { question: 7, answer: Answer::Cancel }]);
}

#[test]
fn a_link_tells_its_host_and_opens_only_on_a_click() {
    let mut view = ready();
    view.question = Some(warning());
    let mut harness = open(view);
    assert!(harness.output().platform_output.commands.is_empty());
    harness.get_by_role_and_label(Role::Button, "open help.example.net").click();
    let opened = |harness: &Window| {
        harness.output().platform_output.commands.iter().any(|command| {
            matches!(command, egui::OutputCommand::OpenUrl(open) if open.url == "https://help.example.net/drivers?lang=en")
        })
    };
    let steps = (0..4).filter(|_| {
        harness.step();
        opened(&harness)
    });
    assert_eq!(steps.count(), 1);
}

#[test]
fn a_question_on_air_leaves_the_show_at_hand() {
    let mut view = on_air();
    view.question = Some(warning());
    let mut harness = open(view);
    assert!(is_open(&harness, "The service has a warning"));
    assert_eq!(focused(&harness), "nothing", "the keyboard stays with the show");
    let asked = click(&mut harness, Role::ListBoxOption, "Talking head");
    assert_eq!(asked, [Command::SwitchScene(scene::SceneId(2))]);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [], "Escape meant the show");
    assert!(is_open(&harness, "The service has a warning"));
    press(&mut harness, Modifiers::SHIFT, Key::F6);
    while focused(&harness) != "Button Cancel" {
        press(&mut harness, Modifiers::NONE, Key::Tab);
    }
    let asked = press(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(asked, [Command::Answer { question: 7, answer: Answer::Cancel }]);
}

#[test]
fn scenes_can_be_switched_by_key_while_the_sheet_is_open() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    let asked = press(&mut harness, Modifiers::CTRL, Key::Num2);
    assert_eq!(asked, [Command::SwitchScene(scene::SceneId(2))]);
    press(&mut harness, Modifiers::NONE, Key::F6);
    assert!(focused(&harness).starts_with("Button change"), "F6 stays on the sheet: {}", focused(&harness));
}

#[test]
fn going_live_by_other_means_takes_the_sheet_away() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    harness.state_mut().view.destinations[0].state = LiveState::Connecting;
    harness.run_steps(3);
    assert!(!is_open(&harness, "Go live"));
    assert_eq!(harness.state_mut().take(), []);
}

#[test]
fn every_control_of_every_sheet_has_a_name() {
    for open_sheet in [
        (|harness| drop(click(harness, Role::Button, "Go live…"))) as fn(&mut Window),
        |harness| drop(press(harness, Modifiers::CTRL, Key::Comma)),
        |harness| {
            click(harness, Role::Button, "Go live…");
            click(harness, Role::Button, "why these?");
        },
        |harness| {
            harness.state_mut().view.question = Some(warning());
            harness.run_steps(3);
        },
    ] {
        let mut harness = open(ready());
        open_sheet(&mut harness);
        let mut next = vec![harness.root()];
        let mut controls = 0;
        while let Some(node) = next.pop() {
            let inner = node.accesskit_node();
            if egui::accessibility::is_input(inner.role()) {
                controls += 1;
                assert!(!inner.label().unwrap_or_default().trim().is_empty(), "a {:?}", inner.role());
            }
            next.extend(node.children());
        }
        assert!(controls > 25, "{controls} controls");
    }
}

#[test]
fn a_sheet_at_rest_asks_for_no_repaint() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    let steps = harness.run();
    assert!(steps <= 2, "it took {steps} passes to come to rest");
}
