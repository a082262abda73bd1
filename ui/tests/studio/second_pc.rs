//! Two PCs that stand in for each other: pairing, taking over, taking back.

use control::{Command, Event, PairingView};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::Secret;

use crate::fixture::{off_air, on_air, open};
use crate::hand::{Window, click, everything_said, hold, is_open, press, type_text};
use crate::ladder_fixture::ready;
use crate::stream_fixture::{paired, several, taken_over};

const CODE: &str = "genlock-pair:1:bm90aGluZw";

/// Opens the pairing sheet over a window.
fn pairing_sheet(pairing: PairingView) -> Window {
    let mut view = ready();
    view.pairing = pairing;
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "second pc");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(is_open(&harness, "Second PC"));
    harness
}

#[test]
fn taking_over_takes_a_hold() {
    let mut view = off_air();
    view.pairing = PairingView { can_take_over: true, ..paired() };
    let mut harness = open(view);
    harness.get_by_label("ready, matches");
    assert_eq!(hold(&mut harness, "Take over from here (hold)", 0.3), []);
    harness.state_mut().now_secs += 4.0;
    harness.run_steps(2);
    assert_eq!(hold(&mut harness, "Take over from here (hold)", 0.7), [Command::TakeOver]);
    assert_eq!(click(&mut harness, Role::Button, "Take over from here (hold)"), []);
    assert_eq!(click(&mut harness, Role::Button, "Click again to take over"), [Command::TakeOver]);
}

#[test]
fn what_differs_can_not_take_over() {
    let mut view = off_air();
    view.pairing = PairingView { can_take_over: true, ..paired() };
    let differs = "The other PC sends 1920×1080, this one 1280×720.";
    view.pairing.paired.as_mut().unwrap().differences = vec![differs.to_owned()];
    let mut harness = open(view);
    harness.get_by_label(differs);
    harness.get_by_label("does not match");
    let button = harness.get_by_role_and_label(Role::Button, "Take over from here");
    assert!(button.accesskit_node().is_disabled());
    assert_eq!(hold(&mut harness, "Take over from here", 0.7), []);
}

#[test]
fn what_was_taken_can_be_taken_back_or_left() {
    let mut harness = open(taken_over());
    harness.get_by_label("2 of 100 takeovers of this stream are used.");
    assert_eq!(hold(&mut harness, "Take back (hold)", 0.7), [Command::TakeOver]);
    assert_eq!(click(&mut harness, Role::Button, "Leave it to the other PC"), [Command::StopLive]);
    let asked = press(&mut harness, Modifiers::CTRL | Modifiers::SHIFT, Key::L);
    assert_eq!(asked, [Command::TakeOver]);
}

#[test]
fn a_hold_that_meant_to_stop_never_takes_back() {
    let mut harness = open(on_air());
    let at = harness.get_by_role_and_label(Role::Button, "Stop (hold)").rect().center();
    let button = egui::PointerButton::Primary;
    harness.event(egui::Event::PointerMoved(at));
    harness.event(egui::Event::PointerButton { pos: at, button, pressed: true, modifiers: Modifiers::NONE });
    harness.step();
    harness.state_mut().view = taken_over();
    harness.step();
    harness.state_mut().now_secs += 5.0;
    harness.run_steps(3);
    assert_eq!(harness.state_mut().take(), []);
}

#[test]
fn while_others_are_under_way_the_red_button_stops_and_the_card_takes_back() {
    let mut view = several();
    let taken = taken_over();
    view.destinations[0] = taken.destinations[0].clone();
    view.pairing = taken.pairing;
    let mut harness = open(view);
    harness.get_by_label("The other destinations go on.");
    harness.get_by_role_and_label(Role::Button, "Stop (hold)");
    assert_eq!(hold(&mut harness, "Take back (hold)", 0.7), [Command::TakeOver]);
}

#[test]
fn the_go_live_sheet_offers_the_takeover_once_all_is_ready() {
    let mut view = ready();
    view.pairing = PairingView { can_take_over: true, ..paired() };
    let mut harness = open(view);
    click(&mut harness, Role::Button, "Go live…");
    harness.get_by_label("Second PC: good");
    assert_eq!(hold(&mut harness, "Take over (hold)", 0.7), [Command::TakeOver]);
    assert!(!is_open(&harness, "Go live"));

    harness.state_mut().view.ladder.step = control::LadderStep::Testing;
    harness.run_steps(2);
    click(&mut harness, Role::Button, "Go live…");
    assert_eq!(hold(&mut harness, "Take over", 0.7), []);
}

#[test]
fn a_code_is_made_copied_and_never_shown() {
    let mut harness = pairing_sheet(paired());
    harness.get_by_label("Paired with: good");
    assert_eq!(click(&mut harness, Role::Button, "Make a code"), [Command::OfferPairing { with_key: false }]);
    harness.get_by_label("Making it…");
    let code =
        Event::Pairing { code: Secret::new(CODE), saved_as: Some("/home/creator/pair.txt".to_owned()) };
    harness.state_mut().tell(&code);
    harness.run_steps(3);
    harness.get_by_label("The code is ready. It is in the file /home/creator/pair.txt, too.");
    assert!(!everything_said(&harness).contains(CODE));
    assert!(!everything_said(&harness).contains("holds the stream key"));
    harness.get_by_role_and_label(Role::Button, "Copy the code").click();
    let copied = |harness: &Window| {
        harness
            .output()
            .platform_output
            .commands
            .iter()
            .any(|command| matches!(command, egui::OutputCommand::CopyText(text) if text == CODE))
    };
    let steps = (0..4).filter(|_| {
        harness.step();
        copied(&harness)
    });
    assert_eq!(steps.count(), 1);

    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(!is_open(&harness, "Second PC"));
    harness.state_mut().tell(&code);
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "second pc");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(harness.query_by_label("Copy the code").is_none(), "a code is not kept");
}

#[test]
fn the_key_goes_with_the_code_only_when_the_person_says_so() {
    let mut harness = pairing_sheet(paired());
    click(&mut harness, Role::RadioButton, "Goes with the code");
    assert_eq!(click(&mut harness, Role::Button, "Make a code"), [Command::OfferPairing { with_key: true }]);
    harness.state_mut().tell(&Event::Pairing { code: Secret::new(CODE), saved_as: None });
    harness.run_steps(3);
    harness.get_by_label_contains("whoever has it can stream to your channel");
}

#[test]
fn a_code_is_used_and_a_pairing_forgotten() {
    let mut harness = pairing_sheet(PairingView::default());
    harness.get_by_label("Choose a server and have the renditions granted first.");
    assert!(harness.get_by_role_and_label(Role::Button, "Make a code").accesskit_node().is_disabled());
    harness.get_by_role_and_label(Role::PasswordInput, "Code of the other PC").focus();
    harness.run_steps(2);
    type_text(&mut harness, CODE);
    assert!(!everything_said(&harness).contains(CODE));
    assert_eq!(click(&mut harness, Role::Button, "Pair"), [Command::UsePairing(Secret::new(CODE))]);
    harness.state_mut().view.pairing = paired();
    harness.run_steps(2);
    assert_eq!(click(&mut harness, Role::Button, "forget: second PC"), [Command::ForgetPairing]);
}
