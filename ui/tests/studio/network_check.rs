//! What the network carries: where the test goes is told before it goes there.

use control::{CheckRunView, CheckTarget, Command, Preferences};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::{Kbps, Secret, Span};

use crate::fixture::{on_air, open};
use crate::hand::{Window, click, everything_said, is_open, press, type_text};
use crate::stream_fixture::{check_choices, check_result, ready_to_check};

const TELLING: &str = "Test the real ingest, seen by nobody";

fn sheet(view: control::View) -> Window {
    let mut harness = open(view);
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "test…: upload");
    assert!(is_open(&harness, "Network check"));
    harness
}

#[test]
fn the_button_says_that_the_test_goes_to_the_real_ingest() {
    let mut harness = sheet(ready_to_check());
    harness.get_by_label_contains("the service measures it and shows it to nobody");
    assert_eq!(click(&mut harness, Role::Button, TELLING), [Command::CheckNetwork(CheckTarget::Ingest)]);

    harness.state_mut().view.network_check.choices[0].is_real = false;
    harness.run_steps(2);
    assert!(harness.query_by_label(TELLING).is_none());
    let asked = click(&mut harness, Role::Button, "Start the test");
    assert_eq!(asked, [Command::CheckNetwork(CheckTarget::Ingest)]);
}

#[test]
fn another_address_is_a_secret_and_says_who_may_see_it() {
    const ADDRESS: &str = "rtmps://192.0.2.7:443/app/sk_test";
    let mut harness = sheet(ready_to_check());
    click(&mut harness, Role::RadioButton, "Another address…");
    harness.get_by_label_contains("Whoever watches that address sees the test.");
    assert!(harness.get_by_role_and_label(Role::Button, "Start the test").accesskit_node().is_disabled());
    harness.get_by_role_and_label(Role::PasswordInput, "Address to test").focus();
    harness.run_steps(2);
    type_text(&mut harness, ADDRESS);
    assert!(!everything_said(&harness).contains(ADDRESS));
    let asked = click(&mut harness, Role::Button, "Start the test");
    assert_eq!(asked, [Command::CheckNetwork(CheckTarget::Address(Secret::new(ADDRESS)))]);
}

#[test]
fn a_test_shows_its_progress_and_can_be_ended() {
    let mut harness = sheet(ready_to_check());
    harness.state_mut().view.network_check.running = Some(CheckRunView {
        target: "rtmps://acme-live.global-contribute.live-video.net/app".to_owned(),
        fraction: 0.42,
        rate: Kbps(6_240),
        left: Span::from_millis(8_600),
    });
    harness.run_steps(2);
    harness.get_by_label("6.2 Mbps now, 9 s left.");
    let bar = harness.get_by_role_and_label(Role::ProgressIndicator, "Progress of the test");
    assert_eq!(bar.value().as_deref(), Some("42\u{A0}%"));
    assert!(harness.query_by_label(TELLING).is_none(), "one test at a time");
    assert_eq!(click(&mut harness, Role::Button, "Cancel the test"), [Command::CancelNetworkCheck]);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [Command::CancelNetworkCheck]);
    assert!(is_open(&harness, "Go live"), "Escape goes back");
}

#[test]
fn the_result_is_a_recommendation_that_can_be_taken() {
    let mut view = ready_to_check();
    view.network_check.result = Some(check_result());
    let chosen = view.preferences.chosen.clone();
    let mut harness = open(view);
    click(&mut harness, Role::Button, "Go live…");
    harness.get_by_label("Upload: needs a look");
    click(&mut harness, Role::Button, "test again: upload");
    harness.get_by_label("5.4 Mbps, 41 s ago. 4.2 are needed, but no more than 3.6 are advised.");
    harness.get_by_label("Above 5.4 Mbps the queue grew.");
    harness.get_by_label_contains("jitter 14 ms · 0.4\u{A0}% lost");
    let asked = click(&mut harness, Role::Button, "limit the renditions to 3.6 Mbps");
    let limited = Preferences { max_bitrate: Some(Kbps(3_600)), ..chosen };
    assert_eq!(asked, [Command::SetPreferences(limited), Command::PrepareLive]);

    harness.state_mut().view.network_check.result.as_mut().unwrap().recommended = Kbps(9_000);
    harness.run_steps(2);
    harness.get_by_label("5.4 Mbps, 41 s ago. 4.2 are needed, up to 9.0 are advised.");
    assert!(harness.query_by_label("limit the renditions to 9.0 Mbps").is_none());
}

#[test]
fn nothing_is_tested_while_a_stream_is_under_way() {
    let mut view = on_air();
    view.network_check.choices = check_choices();
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "network check");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(harness.get_by_role_and_label(Role::Button, TELLING).accesskit_node().is_disabled());
    assert_eq!(click(&mut harness, Role::Button, TELLING), []);
}

#[test]
fn a_target_that_can_not_be_chosen_says_why() {
    let mut view = ready_to_check();
    view.network_check.choices[0].hindrance = "There is no stream key yet.".to_owned();
    let mut harness = sheet(view);
    harness.get_by_label("There is no stream key yet.");
    assert_eq!(click(&mut harness, Role::Button, TELLING), []);
}
