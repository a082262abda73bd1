//! The whole program against its own rehearsal ingest, judged by ffmpeg.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

mod hold;
mod lip_sync;
mod multitrack;
mod service;
mod show;

use show::{Show, decode_errors, everything_written};

#[test]
fn a_rehearsal_is_accepted_and_leaves_files_that_others_can_play() {
    let show = Show::rehearse(&["--for", "8s", "--canvas", "640x360", "--fps", "30", "--switch", "3s"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);

    let report = show.report();
    assert_eq!(report["ingest"]["accepted"], true, "{report:#}");
    assert_eq!(report["renditions"][0]["idr_slips"], 0, "{report:#}");
    assert!(report["destination"]["acknowledged_bytes"].as_u64().unwrap() > 0, "{report:#}");

    for file in [show.received_stream(), show.recording()] {
        assert_eq!(decode_errors(&file), "", "{}", file.display());
        let seconds = show::duration_seconds(&file);
        assert!((4.0..=9.5).contains(&seconds), "{} lasts {seconds} s", file.display());
    }
}

#[test]
fn picture_and_sound_of_the_received_stream_coincide() {
    // The demo's first scene shows the test pattern over the whole canvas.
    let show = Show::rehearse(&["--for", "9s", "--canvas", "640x360", "--fps", "30", "--no-record"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let offsets = lip_sync::offsets_ms(&show.received_stream(), 640, 360);
    assert!(offsets.len() >= 3, "only {} flashes with a beep", offsets.len());
    for offset in &offsets {
        assert!(offset.abs() <= 20.0, "lip-sync is off by {offset:.1} ms: {offsets:?}");
    }
}

#[test]
fn the_stream_key_is_nowhere() {
    let key = "sk_us-west-2_NobodyMayReadThis9x";
    let show = Show::rehearse_with_key(key, &["--for", "4s", "--canvas", "320x180", "--json"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    for (place, bytes) in everything_written(&show) {
        // The publish command carries the key over the wire; nothing that is kept does.
        let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!found, "the stream key is in {place}");
    }
}

#[test]
fn an_untrusted_certificate_ends_in_one_sentence() {
    let ingest = show::Ingest::start(&[]);
    let show = Show::live(&ingest.rtmps, &ingest.key, &["--for", "5s", "--canvas", "320x180", "--no-record"]);
    assert_eq!(show.exit, Some(4), "{}", show.stderr);
    assert!(show.stderr.contains("certificate"), "{}", show.stderr);
    assert!(!show.stderr.contains(&ingest.key), "{}", show.stderr);
    assert!(!show.stderr.contains("panicked"), "{}", show.stderr);
}

#[test]
fn live_over_tls_to_another_process() {
    let ingest = show::Ingest::start(&["--secure-only"]);
    let ca = ingest.ca.to_str().unwrap().to_owned();
    let show = Show::live(
        &ingest.rtmps,
        &ingest.key,
        &["--ca", &ca, "--for", "5s", "--canvas", "320x180", "--no-record"],
    );
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    assert_eq!(decode_errors(&ingest.received_stream()), "");
}

#[test]
fn a_wrong_key_is_refused_by_the_service() {
    let ingest = show::Ingest::start(&[]);
    let show = Show::live(
        &ingest.rtmp,
        "sk_us-west-2_WrongWrongWrong",
        &["--for", "5s", "--canvas", "320x180", "--no-record"],
    );
    assert_eq!(show.exit, Some(3), "{}", show.stderr);
    assert!(!show.stderr.contains("WrongWrong"), "{}", show.stderr);
}

#[test]
fn a_recording_that_is_killed_plays_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, received) = (folder.path().join("recording"), folder.path().join("received"));
    show::record_and_kill(&recording, &received);
    let file = show::only_file(&recording, "mp4");
    let before = show::duration_seconds(&file);
    let sent = show::duration_seconds(&show::only_file(&received, "flv"));
    assert!(before >= sent - 2.0, "{before} s survived of {sent} s that had been sent");

    let recovered = show::genlock(&["recover", recording.to_str().unwrap()]);
    assert!(recovered.status.success(), "{}", String::from_utf8_lossy(&recovered.stderr));
    assert_eq!(decode_errors(&file), "");
    assert!(show::duration_seconds(&file) >= before - 0.1);
}
