//! Streams that break, move house and begin anew, from the program's command line to what the ingest received.

use std::time::Duration;

use ingest::{Faults, IngestConfig};
use units::Span;

use crate::service::{KEY, Service, decode_errors_of_all_tracks, tracks};
use crate::show::{Running, Show, decode_errors, duration_seconds};

/// A show to this service with one rendition.
fn single(service: &Service, options: &[&str]) -> Running {
    let ca = service.ca();
    let all = [&["--ca", &ca, "--canvas", "320x180", "--fps", "30"], options].concat();
    Running::live(&service.ingest().addresses().rtmps, KEY, &all)
}

/// Waits until the service has told an event, however long that takes here; a service that never does ends the test.
fn wait_for_event(service: &Service, name: &str) {
    let begun = std::time::Instant::now();
    while !service.events().iter().any(|event| event == name) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {name} in {:?}", service.events());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_broken_connection_is_picked_up_by_taking_the_stream_over() {
    let faults = Faults { sessions: Some(1), close_after: Some(Span::from_secs(4)), ..Faults::default() };
    let service = Service::start(IngestConfig { faults, ..Service::allowing() });
    let show = single(&service, &["--for", "13s"]).wait();
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let report = show.report();
    assert_eq!(report["destination"]["reconnects"], 1, "{report:#}");
    assert_eq!(report["destination"]["priority"], 1, "{report:#}");
    assert!(report["destination"]["gaps"]["count"].as_u64().unwrap() >= 1, "{report:#}");

    // The recording knows nothing of it, and beside it stands what viewers missed.
    assert_eq!(decode_errors(&show.recording()), "");
    assert!(duration_seconds(&show.recording()) > 9.0);
    let ledger = std::fs::read_to_string(show.recording().with_extension("gaps.json")).unwrap();
    let ledger: serde_json::Value = serde_json::from_str(&ledger).unwrap();
    let gaps = ledger["destinations"][0]["ledger"]["gaps"].as_array().unwrap().clone();
    // A busy machine may have lost single pictures besides.
    let breaks = gaps.iter().filter(|gap| {
        let (from, to) = (gap["from_ms"].as_i64().unwrap(), gap["to_ms"].as_i64().unwrap());
        assert!(from < to && to < 13_000, "{ledger:#}");
        from > 1_000
    });
    assert!(breaks.count() >= 1, "{ledger:#}");

    let events = service.events();
    assert!(events.iter().any(|event| event == "Stream Takeover"), "{events:?}");
    let (sessions, folder) = service.stop();
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    assert_eq!((sessions[1].priority, sessions[1].took_over), (Some(1), true));
    assert_eq!(sessions[0].stream_id, sessions[1].stream_id, "viewers have one stream");
    let file = folder.path().join(sessions[1].file.as_deref().unwrap());
    assert_eq!(decode_errors_of_all_tracks(&file), "", "the first thing sent is an IDR with its headers");
}

#[test]
fn a_stream_that_is_cut_off_right_after_publish_asks_for_a_new_configuration() {
    let faults = Faults { sessions: Some(1), close_after: Some(Span::ZERO), ..Faults::default() };
    let service = Service::start(IngestConfig { faults, ..Service::allowing() });
    let show = service.show(&["--for", "8s", "--tracks", "2", "--no-record"]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let asked = service.ingest().inquiries();
    let asked = asked.iter().filter(|inquiry| inquiry.path.contains("GetClientConfiguration")).count();
    assert_eq!(asked, 2);
    let (sessions, _) = service.stop();
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    assert!(sessions[1].verdict.accepted && sessions[1].config_id != sessions[0].config_id, "{sessions:#?}");
}

#[test]
fn whoever_wants_no_reconnect_gets_the_failure() {
    let faults = Faults { close_after: Some(Span::from_secs(3)), ..Faults::default() };
    let service = Service::start(IngestConfig { faults, ..Service::allowing() });
    let show = single(&service, &["--for", "20s", "--no-reconnect", "--no-record"]).wait();
    assert_eq!(show.exit, Some(5), "{}", show.stderr);
    assert_eq!(service.stop().0.len(), 1);
}

#[test]
fn a_second_computer_takes_over_and_the_first_lets_it() {
    let service = Service::start(Service::allowing());
    let folder = tempfile::tempdir().unwrap();
    let pairing = folder.path().join("pairing.txt");
    let pairing = pairing.to_str().unwrap();
    let first = single(&service, &["--for", "18s", "--pairing-out", pairing]);
    wait_for_event(&service, "Stream Start");

    let other_size = ["--for", "9s", "--no-record", "--takeover", pairing, "--canvas", "640x360"];
    let refused = Running::live(
        &service.ingest().addresses().rtmps,
        KEY,
        &[&["--ca", &service.ca()][..], &other_size[..]].concat(),
    )
    .wait();
    assert_eq!(refused.exit, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("320x180"), "it says what differs: {}", refused.stderr);

    let second = single(&service, &["--for", "8s", "--no-record", "--takeover", pairing]).wait();
    assert_eq!(second.exit, Some(0), "{}", second.stderr);
    assert_eq!(second.report()["destination"]["priority"], 2000, "{}", second.stderr);
    let first = first.wait();
    assert!(first.stderr.contains("took over"), "{}", first.stderr);
    assert_eq!(decode_errors(&first.recording()), "");
    assert!(duration_seconds(&first.recording()) > 14.0, "the recording goes on");

    let events = service.events();
    assert_eq!(events.iter().filter(|event| *event == "Stream Takeover").count(), 1, "{events:?}");
    let (sessions, _) = service.stop();
    let accepted = sessions.iter().filter(|session| session.published_after_ms.is_some()).count();
    // One try to come back, which told who has the channel, and no fight.
    assert!(accepted == 2 && sessions.len() <= 3, "{sessions:#?}");
}

#[test]
fn a_stream_is_renewed_at_a_keyframe_without_losing_a_picture() {
    let service = Service::start(Service::allowing());
    let show = service.show(&[
        "--for",
        "70s",
        "--tracks",
        "2",
        "--fps",
        "30",
        "--renew-after",
        "60s",
        "--no-record",
    ]);
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let (sessions, folder) = service.stop();
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    let mut ids: Vec<_> = sessions.iter().map(|session| session.stream_id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), sessions.len(), "every one is a stream of its own");
    assert!(sessions.iter().all(|session| session.verdict.accepted && session.said_goodbye), "{sessions:#?}");
    let mut frames = 0;
    for session in &sessions {
        let file = folder.path().join(session.file.as_deref().unwrap());
        assert_eq!(decode_errors_of_all_tracks(&file), "");
        frames += tracks(&file)[0].1;
    }
    let made = show.report()["renditions"][0]["output_frames"].as_u64().unwrap();
    // What is encoded when the show ends is not waited for.
    assert!(frames + 15 >= made, "{frames} of {made} pictures arrived");
}

#[test]
fn one_destination_that_fails_never_touches_the_other() {
    let main = Service::start(Service::allowing());
    // The certificate of the first would not do for the second.
    let rules = ivs::Rules { insecure_ingest: true, ..ivs::Rules::default() };
    let other = Service::start(IngestConfig { rules, ..IngestConfig::default() });
    let also = format!("{}/{KEY}", other.ingest().addresses().rtmp);
    let show = single(&main, &["--for", "12s", "--also", &also, "--no-record"]);
    wait_for_event(&other, "Stream Start");
    let (theirs, _) = other.stop();
    assert!(theirs[0].verdict.accepted, "{theirs:#?}");
    let show = show.wait();
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    assert!(!show.stderr.contains(KEY), "{}", show.stderr);
    let report = show.report();
    assert_eq!(report["destination"]["gaps"]["count"], 0, "{report:#}");
    assert_eq!(report["destination"]["connections"], 1, "{report:#}");
    let (sessions, _) = main.stop();
    assert!(sessions.len() == 1 && sessions[0].verdict.accepted && sessions[0].said_goodbye, "{sessions:#?}");
}

#[test]
fn a_show_whose_peer_takes_nothing_any_more_still_ends_and_closes_its_file() {
    let stall = ingest::Stall { after: Span::from_secs(2), lasting: None };
    let faults = Faults { stall: Some(stall), ..Faults::default() };
    let service = Service::start(IngestConfig { faults, ..Service::allowing() });
    let show: Show = single(&service, &["--for", "6s"]).wait();
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    assert_eq!(show.report()["recording"]["complete"], true, "{}", show.stderr);
    assert_eq!(decode_errors(&show.recording()), "");
}

#[test]
fn a_stream_over_srt_is_accepted_and_plays() {
    let service =
        Service::start(IngestConfig { srt: Some(ingest::SrtDoor::default()), ..Service::allowing() });
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, service.ingest().srt_passphrase().unwrap().expose()).unwrap();
    let address = service.ingest().addresses().srt.clone().unwrap();
    let options = ["--canvas", "320x180", "--fps", "30", "--for", "9s", "--srt-latency", "300"];
    let with_passphrase = ["--srt-passphrase-file", passphrase.to_str().unwrap()];
    let show = Running::live(&address, KEY, &[&options[..], &with_passphrase[..]].concat()).wait();
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let (sessions, received) = service.stop();
    assert_eq!(sessions.len(), 1, "{sessions:#?}");
    assert!(sessions[0].verdict.accepted, "{sessions:#?}");
    let srt = sessions[0].srt.as_ref().unwrap();
    assert!(srt.key_bits >= 128, "it is encrypted: {srt:?}");
    assert_eq!((srt.latency_ms, srt.lost, srt.undecrypted), (300, 0, 0));
    let file = crate::show::only_file(received.path(), "ts");
    let arrived = duration_seconds(&file);
    assert!(arrived > 5.0, "{arrived} s arrived");
    let errors = decode_errors(&file);
    assert_eq!(errors, "", "{errors}");
}

#[test]
fn a_wrong_srt_passphrase_ends_in_its_sentence() {
    let service =
        Service::start(IngestConfig { srt: Some(ingest::SrtDoor::default()), ..Service::allowing() });
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "not-the-passphrase").unwrap();
    let address = service.ingest().addresses().srt.clone().unwrap();
    let options = ["--canvas", "320x180", "--for", "9s", "--no-record"];
    let with_passphrase = ["--srt-passphrase-file", passphrase.to_str().unwrap()];
    let show = Running::live(&address, KEY, &[&options[..], &with_passphrase[..]].concat()).wait();
    assert!(matches!(show.exit, Some(3 | 4)), "{:?} {}", show.exit, show.stderr);
    assert!(show.stderr.contains("passphrase"), "{}", show.stderr);
    assert!(!show.stderr.contains("not-the-passphrase"), "{}", show.stderr);
}

#[test]
fn the_light_says_live_when_viewers_can_see_it() {
    let service = Service::start(Service::allowing());
    let url = service.ingest().addresses().playback_url.clone();
    let show = single(&service, &["--for", "12s", "--no-record", "--json", "--playback-url", &url]).wait();
    assert_eq!(show.exit, Some(0), "{}", show.stderr);
    let at = |state: &str| {
        let line = show.stderr.lines().find(|line| line.contains(&format!("\"state\":\"{state}\"")));
        let line: serde_json::Value =
            serde_json::from_str(line.unwrap_or_else(|| panic!("{state}"))).unwrap();
        line["seconds"].as_f64().unwrap()
    };
    // A segment is two seconds long, and is listed two seconds after its end.
    assert!(at("live") - at("accepted") > 2.0, "{}", show.stderr);
}

#[test]
fn a_network_check_is_seen_by_no_viewer_and_ends_in_a_recommendation() {
    let service = Service::start(Service::allowing());
    let (ca, to) = (service.ca(), service.ingest().addresses().rtmps.clone());
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), KEY).unwrap();
    let key = key.path().to_str().unwrap();
    let check = ["network", "--bandwidth-test", "--json", "--to", &to, "--ca", &ca, "--key-file", key];
    let output = crate::show::genlock(&[&check[..], &["--max-bitrate", "3000"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (carries, recommended) =
        (found["carries_kbps"].as_f64().unwrap(), found["recommended_kbps"].as_f64().unwrap());
    assert!(carries > 300.0 && (carries / recommended - 1.5).abs() < 0.05, "{found:#}");
    let events = service.events();
    assert!(!events.iter().any(|event| event == "Stream Start"), "{events:?}");
    let (sessions, _) = service.stop();
    assert!(sessions.len() == 1 && sessions[0].bandwidth_test, "{sessions:#?}");
}
