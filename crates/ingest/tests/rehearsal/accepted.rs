//! Streams that the service takes.

use ertmp::flv::{Item, Reader, TagKind};
use ingest::Ending;
use ivs::event::Event;
use tokio::sync::broadcast::Receiver;
use units::Span;

use crate::publisher::*;

fn told(events: &mut Receiver<Event>) -> Vec<&'static str> {
    std::iter::from_fn(|| events.try_recv().ok()).map(|event| event.name()).collect()
}

#[tokio::test]
async fn a_stream_over_rtmp_is_taken_judged_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (ingest, clock) = start_with(config(Some(folder.path()))).await;
    let mut events = ingest.subscribe();
    clock.advance(Span::from_millis(1234));
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    publisher.send_frames(0, 241, 8000).await;
    publisher.say_goodbye().await;
    let report = only_report(&ingest).await;

    assert!(report.verdict.accepted && report.verdict.findings.is_empty(), "{:?}", report.verdict.findings);
    assert_eq!((report.ending, report.said_goodbye), (Ending::Publisher, true));
    assert_eq!((report.video_messages, report.audio_messages), (242, 242));
    assert_eq!((report.connected_at_ms, report.first_idr_after_ms), (1234, Some(0)));
    assert_eq!(report.verdict.figures.keyframes.count, 5);
    assert_eq!(report.verdict.figures.video_size_px, Some([1280, 720]));
    assert_eq!(report.encoder.as_deref(), Some("FMLE/3.0 (compatible; test)"));
    assert_eq!(told(&mut events), ["Session Created", "Stream Start", "Session Ended", "Stream End"]);

    let kept = std::fs::read(folder.path().join(report.file.unwrap())).unwrap();
    assert_eq!(report.file_problem, None);
    let mut reader = Reader::new();
    reader.push(&kept);
    let mut tags = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        if let Item::Tag(tag) = item {
            tags.push((tag.kind, tag.timestamp_ms, tag.body));
        }
    }
    assert_eq!(reader.unread_bytes(), 0);
    let sent: Vec<_> =
        publisher.sent.iter().map(|(kind, at, body)| (TagKind::from(*kind), *at, body.clone())).collect();
    assert!(tags == sent, "the file does not hold the very bodies that were sent");

    let lines = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    let names: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["detail"]["event_name"].clone())
        .collect();
    assert_eq!(names, ["Session Created", "Stream Start", "Session Ended", "Stream End"]);
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report-1.json")).unwrap()).unwrap();
    assert_eq!(written["verdict"]["accepted"], true);
    assert_eq!(written["ending"], "publisher");
}

#[tokio::test]
async fn a_stream_over_rtmps_is_taken_with_the_runs_own_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (ingest, _) = start_with(config(Some(folder.path()))).await;
    let address = &ingest.addresses().rtmps;
    for (number, host) in [(1, "127.0.0.1"), (2, "localhost")] {
        let url = address.replace("127.0.0.1", host);
        let mut publisher = Publisher::dial(&ingest, &url, &format!("{KEY}?priority=3")).await;
        publisher.expect_published().await;
        publisher.send_configs().await;
        publisher.send_frames(0, 30, 8000).await;
        publisher.say_goodbye().await;
        let report = report_number(&ingest, number).await;
        assert_eq!(report.protocol, ivs::Protocol::Rtmps);
        assert!(report.verdict.accepted, "{:?}", report.verdict);
    }
    let ca_file = ingest.addresses().ca_file.clone().unwrap();
    assert_eq!(std::fs::read_to_string(ca_file).unwrap(), ingest.ca_pem());
}

#[tokio::test]
async fn a_made_up_key_is_there_when_none_was_given() {
    let (ingest, _) = start_with(ingest::IngestConfig::default()).await;
    let key = ingest.stream_key();
    assert!(ivs::is_key_shaped(key.expose()));
    let mut publisher = Publisher::dial(&ingest, &ingest.addresses().rtmp, key.expose()).await;
    publisher.expect_published().await;
}

#[tokio::test]
async fn the_key_is_free_again_as_soon_as_the_publisher_left() {
    let (ingest, _) = start_with(config(None)).await;
    for number in 1..=3 {
        let mut publisher = Publisher::live(&ingest).await;
        publisher.say_goodbye().await;
        assert_eq!(report_number(&ingest, number).await.ending, Ending::Publisher);
    }
}

#[tokio::test]
async fn starvation_and_thirty_seconds_of_silence() {
    let (ingest, clock) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut publisher = Publisher::live(&ingest).await;
    let mut next =
        async || tokio::time::timeout(STUCK, events.recv()).await.expect("no event").unwrap().name();
    assert_eq!(next().await, "Session Created");
    publisher.send_configs().await;
    publisher.send_frames(0, 181, 8000).await;
    assert_eq!(next().await, "Stream Start");
    clock.advance(Span::from_secs(10));
    assert_eq!(next().await, "Starvation Start");
    publisher.send_frames(181, 331, 8000).await;
    assert_eq!(next().await, "Starvation End");
    // The last frames may still be on their way, so one leap would not do.
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    while ingest.reports().is_empty() {
        clock.advance(Span::from_secs(5));
        ticks.tick().await;
    }
    let said = publisher.expect_kick().await;
    assert!(said.contains("no-data") && said.contains("30 seconds"), "{said}");
    let report = only_report(&ingest).await;
    assert_eq!(report.ending, Ending::Service);
    assert!(codes(&report).contains(&"no-data"), "{:?}", codes(&report));
    assert!(report.lasted_ms >= 40_000, "{}", report.lasted_ms);
    assert_eq!(report.verdict.figures.starvations, 2);
}
