//! What the window looks like while a stream meets with something, and that it fits and bears nonsense then too.

use control::{CheckRunView, LiveState, PairingView, View};
use egui::accesskit::Role;
use egui::{Key, Modifiers, Vec2};
use egui_kittest::kittest::Queryable as _;
use ui::ThemeChoice;
use units::{Kbps, Span};

use crate::fixture::{Opening, open_with};
use crate::hand::{Window, press, type_text};
use crate::ladder_fixture::ready_with_five;
use crate::stream_fixture::{
    check_choices, check_result, over_srt, paired, reconnecting, several, taken_over,
};

fn themed(view: View, theme: ThemeChoice, opening: &Opening) -> Window {
    let mut harness = open_with(view, opening);
    let ctx = harness.ctx.clone();
    harness.state_mut().studio.as_mut().unwrap().set_theme(&ctx, theme);
    harness.run_steps(3);
    harness
}

/// Opens a sheet by the list of commands.
fn call(harness: &mut Window, command: &str) {
    press(harness, Modifiers::CTRL, Key::K);
    type_text(harness, command);
    press(harness, Modifiers::NONE, Key::Enter);
    harness.run_steps(3);
}

fn with_picture(width: f32, height: f32) -> Opening {
    Opening { size: Vec2::new(width, height), picture: true, ..Opening::default() }
}

#[test]
fn reconnecting_in_the_dark_theme() {
    let mut view = reconnecting();
    view.destinations.push(over_srt());
    let mut harness = themed(view, ThemeChoice::Dark, &with_picture(1440.0, 900.0));
    harness.snapshot("reconnecting_dark");
}

#[test]
fn taken_over_in_the_light_theme() {
    let mut harness = themed(taken_over(), ThemeChoice::Light, &with_picture(1280.0, 720.0));
    harness.snapshot("taken_over_light");
}

#[test]
fn several_destinations_in_the_dark_theme() {
    let mut view = several();
    view.pairing = paired();
    let mut harness = themed(view, ThemeChoice::Dark, &with_picture(1440.0, 900.0));
    harness.snapshot("several_dark");
}

#[test]
fn the_go_live_sheet_with_a_second_pc_and_little_upload() {
    let mut view = ready_with_five();
    view.network_check.choices = check_choices();
    view.network_check.result = Some(check_result());
    view.pairing = PairingView { can_take_over: true, ..paired() };
    let mut harness = themed(view, ThemeChoice::Dark, &with_picture(1440.0, 900.0));
    harness.get_by_label("Go live…").click();
    harness.run_steps(4);
    harness.snapshot("go_live_second_pc_dark");
}

#[test]
fn the_network_check_in_the_light_theme() {
    let mut view = ready_with_five();
    view.network_check.choices = check_choices();
    view.network_check.result = Some(check_result());
    let mut harness = themed(view, ThemeChoice::Light, &with_picture(1280.0, 720.0));
    call(&mut harness, "network check");
    harness.snapshot("network_check_light");
}

#[test]
fn the_preferences_of_the_stream_in_the_dark_theme() {
    let mut view = ready_with_five();
    view.pairing = paired();
    view.preferences.chosen.renewal = control::RenewalChoice::After(Span::from_secs(36 * 3_600));
    view.preferences.chosen.srt_latency_ms = Some(800);
    let mut harness = themed(view, ThemeChoice::Dark, &with_picture(1440.0, 900.0));
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    harness.get_by_role_and_label(Role::Button, "test…: upload").focus();
    harness.run_steps(6);
    harness.snapshot("preferences_stream_dark");
}

#[test]
fn pairing_in_high_contrast() {
    let mut view = ready_with_five();
    view.pairing = paired();
    let mut harness = themed(view, ThemeChoice::HighContrast, &with_picture(1280.0, 720.0));
    call(&mut harness, "second pc");
    harness.get_by_role_and_label(Role::RadioButton, "Goes with the code").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "Make a code").click();
    harness.run_steps(2);
    let code = units::Secret::new("genlock-pair:1:bm90aGluZw");
    harness.state_mut().tell(&control::Event::Pairing { code, saved_as: None });
    harness.run_steps(3);
    harness.snapshot("pairing_high_contrast");
}

#[test]
fn the_list_of_destinations_in_the_dark_theme() {
    let mut harness = themed(several(), ThemeChoice::Dark, &with_picture(1280.0, 720.0));
    harness.get_by_label("change: destinations").click();
    harness.run_steps(4);
    harness.snapshot("destinations_dark");
}

/// Everything that can be the matter at once.
fn all_at_once() -> View {
    let mut view = reconnecting();
    let long = "A sentence that is far too long for anybody to read at a glance. ".repeat(3);
    view.destinations[0].retry.as_mut().unwrap().why.clone_from(&long);
    view.destinations[0].ends_in = Some(Span::from_secs(60));
    view.pairing = PairingView { can_take_over: true, take_back: true, ..paired() };
    let other = view.pairing.paired.as_mut().unwrap();
    other.channel = "rtmps://a_place_with_a_name_that_does_not_end.example/app".to_owned();
    other.differences = vec![long.clone(), long.clone()];
    for id in 1..6 {
        let mut destination = over_srt();
        destination.id = id;
        destination.name = format!("A destination with a name that is much too long, number {id}");
        destination.state = if id % 2 == 0 { LiveState::Reconnecting } else { LiveState::Failed };
        destination.reason.clone_from(&long);
        destination.retry.clone_from(&view.destinations[0].retry);
        view.destinations.push(destination);
    }
    view.network_check.choices = check_choices();
    view.network_check.choices[0].leads_to = "a_place_with_a_name_that_does_not_end_".repeat(6);
    view.network_check.result = Some(check_result());
    view.network_check.result.as_mut().unwrap().sentences = vec![long; 12];
    view
}

#[test]
fn trouble_fits_where_there_is_little_room() {
    for (size, pixels_per_point) in
        [((1024.0, 640.0), 1.0), ((900.0, 560.0), 1.25), ((640.0, 400.0), 1.0), ((2560.0, 1440.0), 1.5)]
    {
        let opening = Opening { size: Vec2::from(size), pixels_per_point, picture: false };
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, Vec2::from(size)).expand(0.5);
        let mut harness = open_with(all_at_once(), &opening);
        let button = harness.get_by_label("Stop (hold)").rect();
        assert!(window.contains_rect(button), "{size:?}: {button:?}");
        for name in ["Reconnecting", "Upload", "Destinations", "Second PC"] {
            let card = harness.get_by_role_and_label(Role::Group, name).rect();
            assert!(card.right() <= button.right() + 1.0, "{size:?} {name}: {card:?} beside {button:?}");
        }
        for (command, sheet) in [
            ("destinations: add", "Destinations"),
            ("second pc: pair", "Second PC"),
            ("network check: test", "Network check"),
        ] {
            call(&mut harness, command);
            let dialog = harness.get_by_role_and_label(Role::Dialog, sheet).rect();
            assert!(window.contains_rect(dialog), "{size:?} {sheet}: {dialog:?}");
            let done = harness.get_by_role_and_label(Role::Button, "Done").rect();
            assert!(dialog.contains_rect(done), "{size:?} {sheet}: {done:?} in {dialog:?}");
        }
    }
}

#[test]
fn nonsense_is_drawn_without_a_panic() {
    let mut view = all_at_once();
    let main = &mut view.destinations[0];
    main.state = LiveState::Degraded;
    main.renews_in = Some(Span::from_nanos(i64::MIN));
    main.ends_in = Some(Span::from_nanos(i64::MAX));
    main.unconfirmed = Span::from_nanos(i64::MAX);
    main.rtt_ms = Some(f32::NAN);
    (main.takeovers, main.takeover_limit, main.priority) = (u32::MAX, u32::MAX, Some(u32::MAX));
    main.gaps.count = u32::MAX;
    main.gaps.total = Span::from_nanos(i64::MIN);
    main.playback = control::PlaybackView::Playable { behind: Some(Span::from_nanos(i64::MIN)) };
    let retry = main.retry.as_mut().unwrap();
    (retry.attempt, retry.of, retry.next_in) = (u32::MAX, 0, Span::from_nanos(i64::MAX));
    let srt = view.destinations[1].srt.as_mut().unwrap();
    (srt.loss_percent, srt.rtt_ms, srt.latency_ms) = (f32::INFINITY, f32::NEG_INFINITY, u32::MAX);
    view.network_check.running = Some(CheckRunView {
        target: String::new(),
        fraction: f32::NAN,
        rate: Kbps(u32::MAX),
        left: Span::from_nanos(i64::MIN),
    });
    let result = view.network_check.result.as_mut().unwrap();
    (result.carries, result.recommended) = (Kbps(u32::MAX), Kbps(0));
    (result.jitter, result.ago) = (Span::from_nanos(i64::MIN), Span::from_nanos(i64::MIN));
    result.loss_percent = f32::NAN;
    let mut harness = open_with(view, &Opening::default());
    for command in ["destinations: add", "second pc: pair", "network check: test"] {
        call(&mut harness, command);
    }
    harness.state_mut().view.destinations[0].state = LiveState::TakenOver;
    harness.run_steps(3);
    harness.get_by_label("Live state: Taken over");
}

#[test]
fn a_stream_in_trouble_is_cheap_to_draw_and_comes_to_rest() {
    let mut view = reconnecting();
    view.destinations.push(over_srt());
    view.pairing = paired();
    let mut harness = open_with(view, &Opening::default());
    let meshes = harness.ctx.tessellate(harness.output().shapes.clone(), 1.0);
    assert!(meshes.len() < 80, "{} draws", meshes.len());
    let steps = harness.run();
    assert!(steps <= 2, "it took {steps} passes to come to rest");
}
