//! What the window says.

use control::{LiveState, Problem, RecordingState, Severity};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use crate::fixture::{in_state, off_air, on_air, open};

#[test]
fn every_state_has_its_word_and_its_button() {
    for (state, word, button) in [
        (LiveState::Off, "Off air", "Go live (hold)"),
        (LiveState::Connecting, "Connecting", "Stop (hold)"),
        (LiveState::Live, "Live", "Stop (hold)"),
        (LiveState::Accepted, "Accepted", "Stop (hold)"),
        (LiveState::Degraded, "Live, degraded", "Stop (hold)"),
        (LiveState::Reconnecting, "Reconnecting", "Stop (hold)"),
        (LiveState::TakenOver, "Taken over", "Go live (hold)"),
        (LiveState::Stopping, "Stopping", "Stopping"),
        (LiveState::Failed, "Failed", "Go live (hold)"),
    ] {
        let harness = open(in_state(state));
        harness.get_by_role_and_label(Role::Status, &format!("Live state: {word}"));
        harness.get_by_role_and_label(Role::Button, button);
    }
}

#[test]
fn a_rehearsal_never_claims_to_be_live() {
    for (state, word, button) in [
        (LiveState::Off, "Off air", "Rehearse (hold)"),
        (LiveState::Accepted, "Accepted", "End rehearsal (hold)"),
        (LiveState::Live, "Rehearsal", "End rehearsal (hold)"),
        (LiveState::Reconnecting, "Reconnecting", "End rehearsal (hold)"),
    ] {
        let mut view = in_state(state);
        view.is_rehearsal = true;
        let harness = open(view);
        harness.get_by_role_and_label(Role::Status, &format!("Live state: {word}"));
        harness.get_by_role_and_label(Role::Button, button);
    }
}

#[test]
fn the_recording_has_its_word() {
    for (state, word) in [
        (RecordingState::Off, "off"),
        (RecordingState::Recording, "on"),
        (RecordingState::Finishing, "finishing"),
        (RecordingState::Failed, "failed"),
    ] {
        let mut view = on_air();
        view.recording.state = state;
        let harness = open(view);
        harness.get_by_label(&format!("Recording: {word}"));
    }
}

#[test]
fn a_problem_says_what_happened_what_was_done_and_what_can_be_done() {
    for (severity, word) in
        [(Severity::Notice, "Notice"), (Severity::Warning, "Warning"), (Severity::Error, "Error")]
    {
        let mut view = off_air();
        view.problems = vec![(
            9,
            Problem {
                severity,
                code: "net.tls.untrusted",
                happened: "The certificate of the ingest is signed by nobody this computer trusts."
                    .to_owned(),
                done: "Nothing was sent.".to_owned(),
                advice: "Check the address, or pass the authority with --ca.".to_owned(),
            },
        )];
        let harness = open(view);
        harness.get_by_label("The certificate of the ingest is signed by nobody this computer trusts.");
        harness.get_by_label("Nothing was sent.");
        harness.get_by_label("Check the address, or pass the authority with --ca.");
        harness.get_by_label_contains(&format!(" {word}"));
    }
}

#[test]
fn a_problem_tells_how_long_ago_it_came() {
    let mut harness = open(on_air());
    harness.state_mut().now_secs += 41.0;
    harness.run_steps(2);
    harness.get_by_label_contains("41 s ago");
}

#[test]
fn figures_stand_where_they_are_looked_for() {
    let mut view = on_air();
    view.renditions[1].idr_slips = 1;
    view.program.lagged_frames = 3;
    let harness = open(view);
    for words in [
        "4.1 of 4.2 Mbps",
        "queue 38 ms",
        "0 frames dropped",
        "720p30 · x264enc",
        "1 IDR slipped",
        "3 lagged · 0 skipped",
        "composition to wire 22 ms",
        "CPU 18\u{A0}%",
        "limiter 0.0 dB",
    ] {
        harness.get_by_label(words);
    }
}
