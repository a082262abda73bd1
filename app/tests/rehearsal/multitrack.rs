//! Several renditions, from the question to the service to the verdict, judged by the rehearsal and by ffmpeg.

use std::path::PathBuf;

use ingest::{ConfigurationFaults, Faults, IngestConfig, ReconnectRequest, ScriptedAnswer};
use units::Span;

use crate::service::{KEY, Service, decode_errors_of_all_tracks, tracks};
use crate::show::{Show, decode_errors};

#[test]
fn a_granted_ladder_is_sent_whole_and_accepted() {
    let show = Show::rehearse(&["--tracks", "2", "--for", "9s", "--canvas", "854x480", "--fps", "30"]);
    assert_eq!(show.exit, Some(0), "{}\n{}", show.stderr, show.stdout);
    let report = show.report();
    let session = &report["ingest"]["sessions"][0];
    assert_eq!(report["ingest"]["accepted"], true, "{report:#}");
    assert_eq!(report["ladder"]["origin"], "the service", "{report:#}");
    assert!(report["destination"]["config_id"].as_str().is_some_and(|id| id.len() == 36), "{report:#}");
    assert_eq!(report["ladder"]["misaligned_idrs"], 0, "{report:#}");
    assert!(report["ladder"]["aligned_idrs"].as_u64().unwrap() >= 3, "{report:#}");
    let settings = report["renditions"][1]["settings"].as_array().unwrap();
    assert!(settings.iter().any(|s| s["key"] == "bitrate" && s["honoured"] == true), "{report:#}");
    let figures = &session["verdict"]["figures"];
    assert_eq!(figures["alignment"]["misaligned"], 0, "{figures:#}");
    assert_eq!(figures["metrics"]["missing"], 0, "{figures:#}");

    let tracks = tracks(&show.received_stream());
    assert_eq!(tracks.len(), 2, "{tracks:?}");
    let (most, least) = (tracks[0].1.max(tracks[1].1), tracks[0].1.min(tracks[1].1));
    // At the end the encoders are a few pictures apart: what is not encoded by then is not waited for.
    assert!(least > 100 && most - least <= 15, "{tracks:?}");
    assert_eq!(decode_errors_of_all_tracks(&show.received_stream()), "");
    assert_eq!(decode_errors(&show.recording()), "");
}

#[test]
fn a_ladder_from_a_file_is_used_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.json");
    std::fs::write(&file, include_str!("answer.json")).unwrap();
    let show = Show::rehearse(&["--ladder", file.to_str().unwrap(), "--for", "8s", "--canvas", "640x360"]);
    assert_eq!(show.exit, Some(0), "{}\n{}", show.stderr, show.stdout);
    let sizes: Vec<String> = tracks(&show.received_stream()).into_iter().map(|(size, _)| size).collect();
    assert_eq!(sizes, ["640x360", "480x270", "320x180"]);
    let report = show.report();
    assert_eq!(report["renditions"][2]["fps"], "15", "{report:#}");
    assert_eq!(report["renditions"][1]["codec"], "H.265", "{report:#}");
    assert_eq!(report["ladder"]["misaligned_idrs"], 0, "{report:#}");
}

#[test]
fn auto_without_a_configuration_goes_where_find_ingest_says() {
    let service = Service::start(Service::allowing());
    let ca = service.folder.path().join("ingest-ca.pem");
    let url = service.ingest().addresses().find_ingest_url.clone();
    let options = ["--servers-url", &url, "--ca", ca.to_str().unwrap(), "--canvas", "320x180"];
    let show = Show::live("auto", KEY, &[&options[..], &["--for", "5s", "--no-record"]].concat());
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let (sessions, _) = service.stop();
    assert!(sessions.len() == 1 && sessions[0].verdict.accepted, "{sessions:#?}");
}

#[test]
fn a_refusal_inside_of_success_ends_in_its_sentence() {
    let answer = ScriptedAnswer::Error { html: "<p>Your <b>GPU</b> is not supported.</p>".into() };
    let faults = ConfigurationFaults { answer: Some(answer), ..ConfigurationFaults::default() };
    let service = Service::start(IngestConfig { configuration: faults, ..Service::allowing() });
    let show = service.show(&["--for", "6s", "--no-record"]);
    assert_eq!(show.exit, Some(3), "{}", show.stderr);
    assert!(show.stderr.contains("Your GPU is not supported."), "{}", show.stderr);
    assert!(!show.stderr.contains("<b>"), "{}", show.stderr);
    let (sessions, _) = service.stop();
    assert!(sessions.is_empty(), "nothing may be sent after a refusal");
}

#[test]
fn a_warning_is_told_and_the_stream_goes_on_where_nobody_can_be_asked() {
    let answer = ScriptedAnswer::Warning { html: "Your driver is old.".into() };
    let faults =
        ConfigurationFaults { answer: Some(answer), requests: None, ..ConfigurationFaults::default() };
    let service = Service::start(IngestConfig { configuration: faults, ..Service::allowing() });
    let show = service.show(&["--for", "6s", "--no-record", "--tracks", "2"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    assert!(show.stderr.contains("Your driver is old."), "{}", show.stderr);
    let (sessions, _) = service.stop();
    assert!(sessions.len() == 1 && sessions[0].verdict.accepted, "{sessions:#?}");
}

#[test]
fn a_service_that_fails_twice_is_asked_again() {
    let answer = ScriptedAnswer::HttpStatus(503);
    let faults =
        ConfigurationFaults { answer: Some(answer), requests: Some(2), ..ConfigurationFaults::default() };
    let service = Service::start(IngestConfig { configuration: faults, ..Service::allowing() });
    let show = service.show(&["--for", "9s", "--no-record", "--tracks", "2"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let (sessions, _) = service.stop();
    assert!(sessions.len() == 1 && sessions[0].verdict.accepted, "{sessions:#?}");
}

#[test]
fn a_request_to_reconnect_costs_no_picture() {
    let faults = Faults {
        sessions: Some(1),
        request_reconnect: Some(ReconnectRequest { after: Span::from_secs(3), tc_url: None }),
        ..Faults::default()
    };
    let service = Service::start(IngestConfig { faults, ..Service::allowing() });
    let show = service.show(&["--for", "10s", "--no-record", "--tracks", "2", "--fps", "30"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let (sessions, folder) = service.stop();
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    assert!(sessions.iter().all(|session| session.verdict.accepted), "{sessions:#?}");
    let files: Vec<PathBuf> =
        sessions.iter().map(|session| folder.path().join(session.file.as_deref().unwrap())).collect();
    let frames: u64 = files.iter().map(|file| tracks(file)[0].1).sum();
    let made = sessions.iter().map(|session| session.verdict.figures.video_frames).sum::<u64>();
    assert_eq!(frames, made, "what the ingest counted is in the files");
    // Ten seconds less what it takes to start and to ask; a second lost over the move would show.
    assert!(frames >= 30 * 8, "{frames} frames");
    for file in &files {
        assert_eq!(decode_errors_of_all_tracks(file), "", "{}", file.display());
    }
}

#[test]
fn an_upload_that_carries_no_such_ladder_gets_a_smaller_ladder() {
    // The service would end a stream that lacks so many pictures; here it is to be seen what we do ourselves.
    let faults = Faults { sessions: Some(1), read_bytes_per_sec: Some(40_000), ..Faults::default() };
    let service = Service::start(IngestConfig { faults, enforce: false, ..Service::allowing() });
    let show = service.show(&["--for", "80s", "--tracks", "2", "--canvas", "1280x720"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let report = show.report();
    assert!(report["ladder"]["bitrate_changes"].as_u64().unwrap() > 0, "{}\n{report:#}", show.stderr);
    assert_eq!(report["renditions"].as_array().unwrap().len(), 1, "{}\n{report:#}", show.stderr);
    // Until the service has seen the end of the stream before, for 30 seconds at the most, it refuses another.
    assert!(report["destination"]["connections"].as_u64().unwrap() >= 2, "{report:#}");
    let (mut sessions, folder) = service.stop();
    sessions.retain(|session| session.stream_id.is_some());
    assert_eq!(sessions.len(), 2, "{}\n{sessions:#?}", show.stderr);
    let smaller = tracks(&folder.path().join(sessions[1].file.as_deref().unwrap()));
    assert_eq!(smaller.len(), 1, "{smaller:?}");
    assert!(sessions[1].verdict.accepted, "{sessions:#?}");
}
