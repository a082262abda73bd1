//! What the window looks like. Few pictures, for they must be looked at; and no overflow where there is little room.

use egui::Vec2;
use egui_kittest::kittest::Queryable as _;
use ui::ThemeChoice;

use crate::fixture::{Desk, Opening, off_air, on_air, open_with};

/// Lets a minute of upload pass, so that the graph has something to show.
fn let_a_minute_pass(harness: &mut egui_kittest::Harness<'_, Desk>) {
    for second in 0..60u32 {
        let desk = harness.state_mut();
        desk.now_secs += 1.0;
        let dip = if (28..37).contains(&second) { 1_700 } else { 0 };
        desk.view.destination.as_mut().unwrap().upload.0 = 4_050 + (second * 37 % 90) - dip;
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
    view.destination.as_mut().unwrap().state = control::LiveState::Degraded;
    view.destination.as_mut().unwrap().queue.dropped_frames = 41;
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

#[test]
fn an_empty_show_is_drawn_too() {
    let mut view = off_air();
    view.scenes.clear();
    view.items.clear();
    view.meters.clear();
    view.renditions.clear();
    view.destination = None;
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

/// On software adapters every vertex costs processor time that the encoders need.
#[test]
fn a_pass_is_cheap_to_draw() {
    let harness = open_with(on_air(), &Opening::default());
    let meshes = harness.ctx.tessellate(harness.output().shapes.clone(), 1.0);
    let vertices: usize = meshes
        .iter()
        .map(|clipped| match &clipped.primitive {
            egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
            egui::epaint::Primitive::Callback(_) => 0,
        })
        .sum();
    assert!((1_000..12_000).contains(&vertices), "{vertices} vertices");
    assert!(meshes.len() < 60, "{} draws", meshes.len());
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
    let destination = view.destination.as_mut().unwrap();
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
