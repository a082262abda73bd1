//! What the pointer asks for.

use control::{Command, DeviceState, RecordingState, TransitionKind};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use scene::{ItemId, SceneId, SourceId};

use crate::fixture::{Desk, on_air, open};

fn click(harness: &mut egui_kittest::Harness<'_, Desk>, role: Role, name: &str) -> Vec<Command> {
    harness.get_by_role_and_label(role, name).click();
    harness.run_steps(3);
    harness.state_mut().take()
}

#[test]
fn a_click_on_a_scene_switches() {
    let mut harness = open(on_air());
    let asked = click(&mut harness, Role::ListBoxOption, "Talking head");
    assert_eq!(asked, [Command::SwitchScene(SceneId(2))]);
}

#[test]
fn transitions_are_chosen_with_their_length() {
    let mut harness = open(on_air());
    let asked = click(&mut harness, Role::RadioButton, "Move");
    assert_eq!(asked, [Command::SetTransition { kind: TransitionKind::Move, duration_ms: 300 }]);
    harness.state_mut().view.program.transition = TransitionKind::Cut;
    harness.state_mut().view.program.transition_ms = 0;
    harness.run_steps(2);
    let asked = click(&mut harness, Role::RadioButton, "Fade 300 ms");
    assert_eq!(asked, [Command::SetTransition { kind: TransitionKind::Fade, duration_ms: 300 }]);
}

#[test]
fn an_eye_hides_its_item_only() {
    let mut harness = open(on_air());
    let asked = click(&mut harness, Role::Switch, "Lower third shown");
    assert_eq!(asked, [Command::SetItemVisible { item: ItemId(12), visible: false }]);
}

#[test]
fn a_row_shows_which_element_delivers_it_and_why() {
    let mut harness = open(on_air());
    assert!(harness.query_by_label_contains("ximagesrc, the only one here").is_none());
    let asked = click(&mut harness, Role::ListItem, "Editor window, window, running");
    assert_eq!(asked, [], "looking changes nothing");
    harness.get_by_label_contains("ximagesrc, the only one here");
}

#[test]
fn muting_and_unmuting() {
    let mut harness = open(on_air());
    let asked = click(&mut harness, Role::Switch, "Mute Microphone");
    assert_eq!(asked, [Command::SetMuted { source: SourceId(21), muted: true }]);
    let asked = click(&mut harness, Role::Switch, "Mute Music");
    assert_eq!(asked, [Command::SetMuted { source: SourceId(23), muted: false }]);
}

#[test]
fn a_lost_microphone_says_so_in_its_strip() {
    let mut harness = open(on_air());
    harness.state_mut().view.meters[0].state = DeviceState::Lost { reason: "unplugged 3 s ago".to_owned() };
    harness.run_steps(2);
    harness.get_by_label("lost: unplugged 3 s ago");
    assert!(harness.query_by_role_and_label(Role::Meter, "Microphone level").is_none());
    harness.get_by_role_and_label(Role::Switch, "Mute Microphone");
}

#[test]
fn the_recording_starts_and_stops() {
    let mut harness = open(on_air());
    assert_eq!(click(&mut harness, Role::Button, "Stop recording"), [Command::StopRecording]);
    harness.state_mut().view.recording.state = RecordingState::Off;
    harness.run_steps(2);
    assert_eq!(click(&mut harness, Role::Button, "Start recording"), [Command::StartRecording]);
    harness.state_mut().view.recording.state = RecordingState::Finishing;
    harness.run_steps(2);
    assert_eq!(click(&mut harness, Role::Button, "Finishing…"), []);
}

#[test]
fn a_problem_is_dismissed_by_its_number() {
    let mut harness = open(on_air());
    let asked = click(&mut harness, Role::Button, "Dismiss: Upload dipped to 2.4 Mbps for 9 s.");
    assert_eq!(asked, [Command::DismissProblem(5)]);
}

#[test]
fn undo_is_offered_only_where_there_is_something_to_undo() {
    let mut harness = open(on_air());
    assert_eq!(click(&mut harness, Role::Button, "Undo"), [Command::Undo]);
    assert_eq!(click(&mut harness, Role::Button, "Redo"), []);
}

#[test]
fn panels_close_and_come_back() {
    let mut harness = open(on_air());
    click(&mut harness, Role::Button, "Panels");
    click(&mut harness, Role::CheckBox, "Mixer");
    assert!(harness.query_by_role_and_label(Role::Switch, "Mute Microphone").is_none());
    if harness.query_by_role_and_label(Role::CheckBox, "Mixer").is_none() {
        click(&mut harness, Role::Button, "Panels");
    }
    click(&mut harness, Role::CheckBox, "Mixer");
    harness.get_by_role_and_label(Role::Switch, "Mute Microphone");
    assert!(
        harness.query_by_role_and_label(Role::CheckBox, "Stream").is_none(),
        "the red button stays in sight"
    );
}

#[test]
fn a_slider_shows_what_the_hand_did_before_the_engine_answers() {
    let mut harness = open(on_air());
    harness.get_by_role_and_label(Role::Slider, "Desktop gain").focus();
    harness.run_steps(2);
    harness.key_press(egui::Key::Home);
    harness.run_steps(2);
    let asked = harness.state_mut().take();
    assert_eq!(asked, [Command::SetGain { source: SourceId(22), gain: 0.0 }]);
    assert_eq!(harness.get_by_role_and_label(Role::Slider, "Desktop gain").value().as_deref(), Some("−∞ dB"));
    harness.state_mut().now_secs += 1.0;
    harness.run_steps(2);
    assert_eq!(
        harness.get_by_role_and_label(Role::Slider, "Desktop gain").value().as_deref(),
        Some("0.0 dB"),
        "the engine never answered, so the window shows what is"
    );
}
