//! Several destinations: each with its own light, figures and ways out of trouble.

use control::{Command, LiveState, RetryView};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::{Secret, Span};

use crate::fixture::{on_air, open};
use crate::hand::{Window, click, everything_said, is_open, press, type_text};
use crate::stream_fixture::{OTHER, several};

#[test]
fn each_destination_has_its_row() {
    let mut harness = open(several());
    harness.get_by_role_and_label(Role::ListItem, "Channel: Live");
    harness.get_by_role_and_label(Role::ListItem, "Archive: Live");
    for words in [
        "queue 38 ms · round trip 24 ms",
        "queue 12 ms · round trip 31 ms",
        "2 gaps, 3.2 s",
        "last gap: 1.1 s at 00:31:07, sound and picture",
        "1.2\u{A0}% lost · 1\u{202F}341 sent again",
        "latency 1\u{202F}000 ms",
    ] {
        harness.get_by_label(words);
    }
    harness.state_mut().view.destinations[1].srt.as_mut().unwrap().dropped = 7;
    harness.state_mut().view.destinations[1].unconfirmed = Span::from_millis(4_200);
    harness.run_steps(2);
    harness.get_by_label("7 came too late");
    harness.get_by_label("not confirmed for 4.2 s");
}

#[test]
fn one_destination_needs_no_list() {
    let harness = open(on_air());
    assert!(harness.query_by_role_and_label(Role::Group, "Destinations").is_none());
}

#[test]
fn one_that_is_in_trouble_is_mended_by_itself() {
    let mut view = several();
    view.destinations[1].state = LiveState::Reconnecting;
    view.destinations[1].retry = Some(RetryView {
        attempt: 2,
        of: 25,
        next_in: Span::from_secs(2),
        why: "The server closed the connection.".to_owned(),
    });
    let mut harness = open(view);
    harness.get_by_label("The server closed the connection.");
    harness.get_by_label("attempt 2 of 25 in 2 s");
    harness.get_by_label("Live state: Live");
    assert_eq!(click(&mut harness, Role::Button, "now: Archive"), [Command::RetryNow(OTHER)]);
    assert_eq!(click(&mut harness, Role::Button, "cancel: Archive"), [Command::GiveUp(OTHER)]);

    let other = &mut harness.state_mut().view.destinations[1];
    (other.state, other.retry) = (LiveState::Failed, None);
    other.reason = "The server refused the stream.".to_owned();
    harness.run_steps(2);
    harness.get_by_label("The server refused the stream.");
    assert_eq!(click(&mut harness, Role::Button, "try again: Archive"), [Command::RetryNow(OTHER)]);

    // The channel was given up: it can be tried again while the other one is live.
    harness.state_mut().view.destinations[1].state = LiveState::Live;
    harness.state_mut().view.destinations[0].state = LiveState::Off;
    harness.run_steps(2);
    let main = control::DestinationView::MAIN;
    assert_eq!(click(&mut harness, Role::Button, "try again: Channel"), [Command::RetryNow(main)]);
    harness.state_mut().view.destinations[1].state = LiveState::Off;
    harness.run_steps(2);
    assert!(harness.query_by_label("try again: Channel").is_none(), "nothing is under way");
}

fn sheet(view: control::View) -> Window {
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "destinations");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(is_open(&harness, "Destinations"));
    harness
}

#[test]
fn one_is_added_by_name_and_address() {
    const ADDRESS: &str = "srt://archive.example:9000?passphrase=neverShown";
    let mut harness = sheet(crate::ladder_fixture::ready());
    harness.get_by_role_and_label(Role::TextInput, "Name of the destination").focus();
    harness.run_steps(2);
    type_text(&mut harness, "Archive");
    harness.get_by_role_and_label(Role::PasswordInput, "Address of the destination").focus();
    harness.run_steps(2);
    type_text(&mut harness, ADDRESS);
    assert!(!everything_said(&harness).contains("neverShown"));
    let added = Command::AddDestination { name: "Archive".to_owned(), address: Secret::new(ADDRESS) };
    assert_eq!(click(&mut harness, Role::Button, "Add"), [added]);
    assert!(harness.get_by_role_and_label(Role::Button, "Add").accesskit_node().is_disabled());
}

#[test]
fn removing_what_is_live_takes_two_clicks() {
    let mut harness = sheet(several());
    assert!(harness.query_by_label("remove: Channel").is_none());
    assert_eq!(click(&mut harness, Role::Button, "remove: Archive"), []);
    harness.state_mut().now_secs += 3.5;
    harness.run_steps(2);
    assert_eq!(click(&mut harness, Role::Button, "remove: Archive"), [], "the first click was forgotten");
    let asked = click(&mut harness, Role::Button, "click again: Archive");
    assert_eq!(asked, [Command::RemoveDestination(OTHER)]);
    harness.state_mut().view.destinations[1].state = LiveState::Off;
    harness.run_steps(2);
    let asked = click(&mut harness, Role::Button, "remove: Archive");
    assert_eq!(asked, [Command::RemoveDestination(OTHER)]);
}

#[test]
fn on_air_the_list_is_a_click_away_and_leaves_the_show_at_hand() {
    let mut harness = open(several());
    click(&mut harness, Role::Button, "change: destinations");
    assert!(is_open(&harness, "Destinations"));
    let asked = click(&mut harness, Role::ListBoxOption, "Talking head");
    assert_eq!(asked, [Command::SwitchScene(scene::SceneId(2))]);
}
