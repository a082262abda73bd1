//! What the window looks like. Few pictures, for they must be looked at; and no overflow where there is little room.

use egui::Vec2;
use egui_kittest::kittest::Queryable as _;
use ui::ThemeChoice;

use crate::fixture::{Desk, Opening, off_air, on_air, open_with};
use crate::ladder_fixture::{ready, ready_with_five, warning};

/// Lets a minute of upload pass, so that the graph has something to show.
fn let_a_minute_pass(harness: &mut egui_kittest::Harness<'_, Desk>) {
    for second in 0..60u32 {
        let desk = harness.state_mut();
        desk.now_secs += 1.0;
        let dip = if (28..37).contains(&second) { 1_700 } else { 0 };
        desk.view.destinations[0].upload.0 = 4_050 + (second * 37 % 90) - dip;
        harness.step();
    }
}

#[test]
fn on_air_in_the_dark_theme() {
    let opening = Opening { picture: true, ..Opening::default() };
    let mut harness = open_with(on_air(), &opening);
    let_a_minute_pass(&mut harness);
    harness.snapshot("on_air_dark");
}

#[test]
fn before_the_show_in_the_light_theme() {
    let opening = Opening { size: Vec2::new(1280.0, 720.0), picture: true, ..Opening::default() };
    let mut harness = open_with(off_air(), &opening);
    let ctx = harness.ctx.clone();
    harness.state_mut().studio.as_mut().unwrap().set_theme(&ctx, ThemeChoice::Light);
    harness.run_steps(3);
    harness.snapshot("off_air_light");
}

#[test]
fn a_small_window_full_of_trouble() {
    let mut view = on_air();
    let lost = control::DeviceState::Lost { reason: "unplugged; looking for it".to_owned() };
    view.meters[0].state = lost.clone();
    view.items[0].state = lost;
    view.items[1].visible = false;
    view.destinations[0].state = control::LiveState::Degraded;
    view.destinations[0].queue.dropped_frames = 41;
    view.renditions[0].measured_fps = 21.3;
    view.renditions[0].skipped_frames = 8;
    let opening = Opening { size: Vec2::new(1024.0, 640.0), pixels_per_point: 1.0, picture: true };
    let mut harness = open_with(view, &opening);
    harness.get_by_role_and_label(egui::accesskit::Role::ListItem, "Editor window, window, running").click();
    harness.run_steps(3);
    harness.key_press(egui::Key::F6);
    harness.key_press(egui::Key::F6);
    harness.run_steps(3);
    harness.snapshot("trouble_small");
}

#[test]
fn the_list_of_commands_in_high_contrast() {
    let opening = Opening { size: Vec2::new(1024.0, 640.0), pixels_per_point: 1.0, picture: false };
    let mut harness = open_with(off_air(), &opening);
    let ctx = harness.ctx.clone();
    harness.state_mut().studio.as_mut().unwrap().set_theme(&ctx, ThemeChoice::HighContrast);
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::CTRL, egui::Key::K);
    harness.run_steps(3);
    harness.snapshot("commands_high_contrast");
}

/// Opens the go-live sheet, in a theme.
fn sheet(view: control::View, theme: ThemeChoice, opening: &Opening) -> egui_kittest::Harness<'static, Desk> {
    let mut harness = open_with(view, opening);
    let ctx = harness.ctx.clone();
    harness.state_mut().studio.as_mut().unwrap().set_theme(&ctx, theme);
    harness.run_steps(2);
    harness.get_by_label("Go live…").click();
    harness.run_steps(4);
    harness
}

#[test]
fn the_go_live_sheet_in_the_dark_theme() {
    let opening = Opening { picture: true, ..Opening::default() };
    let mut harness = sheet(ready_with_five(), ThemeChoice::Dark, &opening);
    harness.snapshot("go_live_dark");
}

#[test]
fn the_go_live_sheet_without_a_key_in_a_small_light_window() {
    let mut view = ready();
    view.servers.has_key = false;
    view.servers.key_note = String::new();
    view.ladder = control::LadderView::default();
    view.meters.last_mut().unwrap().levels = control::MeterLevels::default();
    view.items[0].state = control::DeviceState::Lost { reason: "unplugged; looking for it".to_owned() };
    let opening = Opening { size: Vec2::new(960.0, 600.0), pixels_per_point: 1.0, picture: true };
    let mut harness = sheet(view, ThemeChoice::Light, &opening);
    harness.snapshot("go_live_small_light");
}

#[test]
fn requested_and_granted_in_high_contrast() {
    let opening = Opening { size: Vec2::new(1280.0, 720.0), ..Opening::default() };
    let mut harness = sheet(ready(), ThemeChoice::HighContrast, &opening);
    harness.get_by_label("why these?").click();
    harness.run_steps(4);
    harness.snapshot("requested_and_granted_high_contrast");
}

#[test]
fn the_preferences_in_the_light_theme() {
    let opening = Opening { size: Vec2::new(1280.0, 720.0), ..Opening::default() };
    let mut view = ready();
    view.preferences.chosen.max_bitrate = Some(units::Kbps(6_000));
    let mut harness = sheet(view, ThemeChoice::Light, &opening);
    harness.get_by_label("change: what is asked for").click();
    harness.run_steps(4);
    harness.snapshot("preferences_light");
}

#[test]
fn a_question_on_air_in_the_dark_theme() {
    let mut view = on_air();
    view.ladder = ready().ladder;
    view.question = Some(warning());
    view.renditions[0].target.0 = 1_800;
    view.renditions[0].measured.0 = 1_790;
    view.renditions[1].dropped_frames = 12;
    view.renditions[2].restarts = 1;
    view.alignment.misaligned = 1;
    view.alignment.healed = 1;
    let opening = Opening { size: Vec2::new(1280.0, 720.0), picture: true, ..Opening::default() };
    let mut harness = open_with(view, &opening);
    harness.snapshot("question_on_air_dark");
}

/// Every control lies within the window, and right-hand cards end where their panel ends.
#[test]
fn nothing_overflows_where_there_is_little_room() {
    for (size, pixels_per_point) in
        [((1024.0, 640.0), 1.0), ((1024.0, 640.0), 2.0), ((900.0, 560.0), 1.25), ((2560.0, 1440.0), 1.5)]
    {
        let mut view = on_air();
        view.collection = "A collection whose name somebody made far too long for any bar".to_owned();
        view.scenes[0].name =
            "A scene whose name does not fit on a card at all, whatever one does".to_owned();
        view.renditions[0].encoder.name = "an encoder with a very long name indeed".to_owned();
        let opening = Opening { size: Vec2::from(size), pixels_per_point, picture: false };
        let harness = open_with(view, &opening);
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, Vec2::from(size));
        let button = harness.get_by_label("Stop (hold)").rect();
        assert!(window.contains_rect(button), "{size:?}: {button:?}");
        for name in ["Upload", "Renditions", "Recording"] {
            let card = harness.get_by_role_and_label(egui::accesskit::Role::Group, name).rect();
            assert!(card.right() <= window.right() + 0.5, "{size:?} {name}: {card:?}");
            assert!(card.right() <= button.right() + 1.0, "{size:?} {name}: {card:?} beside {button:?}");
        }
        let live = harness.get_by_label("Live state: Live").rect();
        assert!(window.contains_rect(live), "{size:?}: {live:?}");
    }
}

/// Every button of a sheet can be reached in the smallest window.
#[test]
fn sheets_fit_where_there_is_little_room() {
    for (size, pixels_per_point) in
        [((960.0, 600.0), 1.0), ((900.0, 560.0), 1.25), ((640.0, 400.0), 1.0), ((2560.0, 1440.0), 1.5)]
    {
        let mut view = ready_with_five();
        view.ladder.requested = "Everything that can be asked for, and more than that. ".repeat(5);
        view.ladder.notes = vec!["A note that is far too long for anybody to read. ".repeat(8); 12];
        view.ladder.granted[0].encoder = "an encoder with a very long name indeed".to_owned();
        view.ladder.granted[0].settings[0].key = "a_key_without_any_space_in_it_".repeat(6);
        view.ladder.granted[0].settings[0].value = "value".repeat(60);
        view.servers.leads_to = "a_place_with_a_name_that_does_not_end_".repeat(6);
        view.servers.key_note = "Accepted by somebody who has a lot to say. ".repeat(4);
        let opening = Opening { size: Vec2::from(size), pixels_per_point, picture: false };
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, Vec2::from(size)).expand(0.5);
        let inside = |harness: &egui_kittest::Harness<'_, Desk>, sheet: &str, buttons: &[&str]| {
            let dialog = harness.get_by_role_and_label(egui::accesskit::Role::Dialog, sheet).rect();
            assert!(window.contains_rect(dialog), "{size:?} {sheet}: {dialog:?}");
            for button in buttons {
                let rect = harness.get_by_role_and_label(egui::accesskit::Role::Button, button).rect();
                assert!(dialog.expand(0.5).contains_rect(rect), "{size:?} {sheet} {button}: {rect:?}");
            }
        };
        let mut harness = sheet(view, ThemeChoice::Dark, &opening);
        inside(&harness, "Go live", &["Cancel", "Go live (hold)"]);
        harness.get_by_label("why these?").click_accesskit();
        harness.run_steps(4);
        inside(&harness, "Requested and granted", &["copy as text", "Done"]);
        harness.key_press(egui::Key::Escape);
        harness.key_press_modifiers(egui::Modifiers::CTRL, egui::Key::Comma);
        harness.run_steps(4);
        inside(&harness, "Preferences", &["Done"]);
        let mut question = warning();
        question.text = question.text.repeat(12);
        harness.state_mut().view.question = Some(question);
        harness.run_steps(4);
        let buttons = ["Cancel", "Go on", "Send one rendition"];
        inside(&harness, "The service has a warning", &buttons);
        harness.state_mut().view.destinations[0].state = control::LiveState::Live;
        harness.run_steps(4);
        inside(&harness, "The service has a warning", &buttons);
        let dialog =
            harness.get_by_role_and_label(egui::accesskit::Role::Dialog, "The service has a warning");
        for kept in ["Stop (hold)", "Live state: Live"] {
            let kept = harness.get_by_label(kept).rect();
            // Where nothing is wide enough for a sheet, it must cover something.
            let covered = dialog.rect().intersect(kept).width().max(0.0);
            assert!(size.0 < 900.0 || covered < 60.0, "{size:?}: {covered} points of {kept:?} are covered");
        }
    }
}

#[test]
fn an_empty_show_is_drawn_too() {
    let mut view = off_air();
    view.scenes.clear();
    view.items.clear();
    view.meters.clear();
    view.renditions.clear();
    view.destinations.clear();
    let harness = open_with(view, &Opening::default());
    harness.get_by_label("No scenes yet");
    harness.get_by_label("no ladder yet");
}

#[test]
fn a_window_at_rest_asks_for_no_repaint() {
    let mut harness = open_with(on_air(), &Opening::default());
    let steps = harness.run();
    assert!(steps <= 2, "it took {steps} passes to come to rest");
}

#[test]
fn a_pass_with_a_sheet_is_cheap_to_draw() {
    let harness = sheet(ready_with_five(), ThemeChoice::Dark, &Opening::default());
    let (vertices, draws) = cost(&harness);
    assert!((1_000..16_000).contains(&vertices), "{vertices} vertices");
    assert!(draws < 80, "{draws} draws");
}

/// Vertices and draws of the last pass.
fn cost(harness: &egui_kittest::Harness<'_, Desk>) -> (usize, usize) {
    let meshes = harness.ctx.tessellate(harness.output().shapes.clone(), 1.0);
    let vertices = meshes.iter().map(|clipped| match &clipped.primitive {
        egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
        egui::epaint::Primitive::Callback(_) => 0,
    });
    (vertices.sum(), meshes.len())
}

/// On software adapters every vertex costs processor time that the encoders need.
#[test]
fn a_pass_is_cheap_to_draw() {
    let harness = open_with(on_air(), &Opening::default());
    let (vertices, draws) = cost(&harness);
    assert!((1_000..12_000).contains(&vertices), "{vertices} vertices");
    assert!(draws < 60, "{draws} draws");
}

#[test]
fn arranging_moves_a_panel_and_reset_brings_it_back() {
    let mut harness = open_with(on_air(), &Opening::default());
    let width = |harness: &egui_kittest::Harness<'_, Desk>| harness.get_by_label("Stop (hold)").rect().left();
    let before = width(&harness);
    let choose = |harness: &mut egui_kittest::Harness<'_, Desk>, name: &str| {
        harness.get_by_role_and_label(egui::accesskit::Role::Button, "Panels").click();
        harness.run_steps(3);
        harness.get_by_label(name).click();
        harness.run_steps(3);
        harness.key_press(egui::Key::Escape);
        harness.run_steps(3);
    };
    choose(&mut harness, "Arrange panels");
    // The border between programme and stream is dragged 100 points to the left.
    let border = egui::pos2(before - 12.5, 300.0);
    harness.drag_at(border);
    harness.run_steps(2);
    harness.hover_at(border - Vec2::new(50.0, 0.0));
    harness.run_steps(2);
    harness.hover_at(border - Vec2::new(100.0, 0.0));
    harness.run_steps(2);
    harness.drop_at(border - Vec2::new(100.0, 0.0));
    harness.run_steps(3);
    let after = width(&harness);
    assert!((before - after - 100.0).abs() < 4.0, "{before} became {after}");
    harness.snapshot("arranging");
    choose(&mut harness, "Reset layout");
    assert!((width(&harness) - before).abs() < 1.0);
}

#[test]
fn an_absurd_view_is_drawn_without_a_panic() {
    let mut view = on_air();
    view.cpu_cores = f32::NAN;
    view.program.lagged_frames = u64::MAX;
    for meter in &mut view.meters {
        meter.gain = f32::NAN;
        meter.limiter_db = f32::INFINITY;
        meter.drift_ppm = f32::NAN;
        meter.levels.peak_db = [f32::NAN, f32::INFINITY];
        meter.levels.peak_hold_db = [f32::INFINITY, f32::NAN];
        meter.levels.lufs_short = f32::NAN;
    }
    let destination = &mut view.destinations[0];
    (destination.upload.0, destination.needed.0) = (u32::MAX, u32::MAX);
    destination.on_air = units::Span::from_secs(i64::MAX);
    destination.composition_to_wire_ms = f32::INFINITY;
    destination.queue.waiting = units::Span::from_nanos(i64::MIN);
    view.recording.bytes = u64::MAX;
    view.recording.room_left = Some(units::Span::from_secs(i64::MAX));
    view.renditions[0].measured_fps = f32::NAN;
    view.problems.push(view.problems[0].clone());
    let mut harness = open_with(view, &Opening::default());
    harness.state_mut().now_secs = f64::MAX;
    harness.run_steps(2);
    harness.state_mut().now_secs = -1.0;
    harness.run_steps(2);
    harness.get_by_label("Live state: Live");
}
