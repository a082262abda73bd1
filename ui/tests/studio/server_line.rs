//! The server that the stream goes to: the menu, and an address of one's own.

use control::{Command, ServerChoice};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::Secret;

use crate::fixture::open;
use crate::hand::{click, everything_said, focused, is_open, press, type_text};
use crate::ladder_fixture::ready;

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
