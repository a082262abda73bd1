//! Streams that the service does not take, and peers that speak something else.

use ertmp::MediaKind;
use ingest::{Ending, StreamKey};
use ivs::{ChannelType, Rules};
use units::{MediaTime, Secret, Span};

use crate::publisher::*;

#[tokio::test]
async fn a_wrong_application_is_refused_at_connect() {
    let (ingest, _) = start_with(config(None)).await;
    let url = ingest.addresses().rtmp.replace("/app", "/live");
    let mut publisher = Publisher::dial(&ingest, &url, KEY).await;
    let (code, said) = publisher.expect_refusal().await;
    assert_eq!(code, "NetConnection.Connect.InvalidApp");
    assert!(said.contains("/app"), "{said}");
    publisher.expect_close().await;
    let report = only_report(&ingest).await;
    assert_eq!((codes(&report), report.ending), (vec!["app-unknown"], Ending::Service));
    assert!(!report.verdict.accepted && report.stream_id.is_none());
}

#[tokio::test]
async fn insecure_ingest_is_refused_at_connect_unless_allowed() {
    let mut strict = config(None);
    strict.rules.insecure_ingest = false;
    let (ingest, _) = start_with(strict).await;
    let (code, said) = Publisher::dial(&ingest, &ingest.addresses().rtmp, KEY).await.expect_refusal().await;
    assert_eq!(code, "NetConnection.Connect.Rejected");
    assert!(said.contains("rtmps://"), "{said}");
    assert_eq!(codes(&only_report(&ingest).await), ["insecure-ingest-not-allowed"]);
    Publisher::dial(&ingest, &ingest.addresses().rtmps, KEY).await.expect_published().await;
}

#[tokio::test]
async fn unknown_and_expired_keys_are_refused_at_publish() {
    let mut with_two = config(None);
    let expires = Some(MediaTime::from_millis(5000));
    with_two.keys.push(StreamKey { key: Secret::new("short-lived"), expires });
    let (ingest, clock) = start_with(with_two).await;
    let mut events = ingest.subscribe();
    let url = &ingest.addresses().rtmp;
    let (code, said) =
        Publisher::dial(&ingest, url, "sk_us-west-2_SomebodyElses").await.expect_refusal().await;
    assert_eq!(code, "NetStream.Publish.Denied");
    assert!(said.contains("stream key") && !said.contains("SomebodyElses"), "{said}");
    assert_eq!(codes(&only_report(&ingest).await), ["stream-key-unknown"]);
    assert!(events.try_recv().is_err(), "no session, no event");

    let mut early = Publisher::dial(&ingest, url, "short-lived").await;
    early.expect_published().await;
    early.say_goodbye().await;
    report_number(&ingest, 2).await;
    clock.advance(Span::from_secs(5));
    let (code, said) = Publisher::dial(&ingest, url, "short-lived").await.expect_refusal().await;
    assert_eq!(code, "NetStream.Publish.Denied");
    assert!(said.contains("no longer valid"), "{said}");
    assert_eq!(codes(&report_number(&ingest, 3).await), ["stream-key-expired"]);
}

#[tokio::test]
async fn a_second_publisher_with_the_same_key_is_refused_and_the_first_goes_on() {
    let (ingest, _) = start_with(config(None)).await;
    let mut first = Publisher::live(&ingest).await;
    first.send_configs().await;
    let mut second = Publisher::dial(&ingest, &ingest.addresses().rtmps, KEY).await;
    let (code, said) = second.expect_refusal().await;
    assert_eq!(code, "NetStream.Publish.BadName");
    assert!(said.contains("on air already"), "{said}");
    let report = only_report(&ingest).await;
    assert_eq!((report.session, codes(&report)), (2, vec!["stream-key-in-use"]));
    first.send_frames(0, 90, 8000).await;
    first.say_goodbye().await;
    let report = report_number(&ingest, 2).await;
    assert_eq!((report.session, report.ending), (1, Ending::Publisher));
    assert!(report.verdict.accepted);
}

#[tokio::test]
async fn several_tracks_end_with_the_services_code() {
    let (ingest, _) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    let mut second_track = b"\x96\x00avc1\x01".to_vec();
    second_track.extend_from_slice(RECORD_720P);
    publisher.send(MediaKind::Video, 0, second_track).await;
    let said = publisher.expect_kick().await;
    assert!(said.starts_with("[MultitrackInputNotAllowed]"), "{said}");
    publisher.expect_close().await;
    let report = only_report(&ingest).await;
    assert_eq!(report.verdict.findings[0].finding.code, ivs::code::MULTITRACK_NOT_ALLOWED);
    assert_eq!(events.recv().await.unwrap().name(), "Session Created");
    let ended = events.recv().await.unwrap();
    assert_eq!((ended.name(), ended.code()), ("Session Ended", Some("MultitrackInputNotAllowed")));
    assert_eq!(Some(ended.stream_id()), report.stream_id.as_deref());
}

#[tokio::test]
async fn too_many_pixels_end_the_stream_with_a_limit_breach() {
    let (ingest, _) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send(MediaKind::Video, 0, video(true, 0, RECORD_1440P)).await;
    let said = publisher.expect_kick().await;
    assert!(said.starts_with("[Ingest Resolution] The picture is 2560x1440"), "{said}");
    let report = only_report(&ingest).await;
    assert_eq!(report.ending, Ending::Service);
    let names: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).map(|event| event.name()).collect();
    assert_eq!(names, ["Session Created", "Ingest Resolution", "Session Ended"]);
}

#[tokio::test]
async fn too_many_bits_end_the_stream_of_a_basic_channel() {
    let mut basic = config(None);
    basic.rules = Rules { channel_type: ChannelType::Basic, ..basic.rules };
    let (ingest, _) = start_with(basic).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    // 30 pictures of 25 kB: 6 Mbps where 3.5 are allowed.
    publisher.send_frames(0, 60, 25_000).await;
    let said = publisher.expect_kick().await;
    assert!(said.starts_with("[Ingest Bitrate]") && said.contains("BASIC"), "{said}");
    let report = only_report(&ingest).await;
    let breach = report.verdict.findings[0].finding.breach.clone().unwrap();
    assert_eq!((breach.limit_name, breach.limit_value), ("Ingest Bitrate", 3_500_000));
    assert!((1_500_000..4_000_000).contains(&breach.exceeded_by), "{breach:?}");
}

#[tokio::test]
async fn without_enforcement_the_stream_goes_on_and_the_report_tells() {
    let mut lenient = config(None);
    lenient.enforce = false;
    let (ingest, _) = start_with(lenient).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send(MediaKind::Video, 0, video(true, 0, RECORD_1440P)).await;
    publisher.send_frames(0, 61, 8000).await;
    publisher.say_goodbye().await;
    let report = only_report(&ingest).await;
    assert_eq!(report.ending, Ending::Publisher);
    assert!(!report.verdict.accepted);
    assert_eq!(report.verdict.figures.video_frames, 61);
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_never_gets_in() {
    let (ingest, _) = start_with(config(None)).await;
    let (other, _) = start_with(config(None)).await;
    let tcp = connect_tcp(&ingest.addresses().rtmps).await;
    let name = rustls_pki_types::ServerName::try_from("127.0.0.1").unwrap();
    assert!(connector(other.ca_pem()).connect(name, tcp).await.is_err());
    let report = only_report(&ingest).await;
    assert_eq!((report.ending, codes(&report)), (Ending::ProtocolError, vec!["protocol-error"]));
    assert!(report.verdict.findings[0].finding.sentence.starts_with("TLS could not be set up"));
    let tcp = connect_tcp(&ingest.addresses().rtmps).await;
    let wrong_name = rustls_pki_types::ServerName::try_from("ingest.example").unwrap();
    assert!(connector(ingest.ca_pem()).connect(wrong_name, tcp).await.is_err());
}

#[tokio::test]
async fn strangers_end_their_own_connection_only() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (ingest, _) = start_with(config(None)).await;
    let mut live = Publisher::live(&ingest).await;
    live.send_configs().await;
    let noise: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut rtmp_then_noise = vec![3u8];
    rtmp_then_noise.extend_from_slice(&noise);
    let strangers: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[0x16, 3, 1, 2, 0, 1], &noise, &rtmp_then_noise];
    let mut count = 0;
    for url in [&ingest.addresses().rtmp, &ingest.addresses().rtmps] {
        for bytes in strangers {
            let mut socket = connect_tcp(url).await;
            let _ = socket.write_all(bytes).await;
            let _ = socket.shutdown().await;
            let mut answer = Vec::new();
            let _ = tokio::time::timeout(STUCK, socket.read_to_end(&mut answer)).await.expect("not closed");
            count += 1;
            let report = report_number(&ingest, count).await;
            assert!(report.published_after_ms.is_none(), "{report:?}");
        }
    }
    // Somebody who only looks whether the port is open is no session.
    drop(connect_tcp(&ingest.addresses().rtmp).await);
    live.send_frames(0, 61, 8000).await;
    live.say_goodbye().await;
    let report = report_number(&ingest, count + 1).await;
    assert_eq!((report.session, report.verdict.accepted), (1, true));
}

#[tokio::test]
async fn who_connects_and_never_publishes_is_sent_away() {
    let (ingest, clock) = start_with(config(None)).await;
    let mut idle = Publisher::dial(&ingest, &ingest.addresses().rtmp, KEY).await;
    idle.write_raw(&[3]).await.unwrap();
    // The session begins when the connection is accepted, which the clock must not outrun.
    tokio::task::yield_now().await;
    let closed = tokio::spawn(async move { idle.expect_close().await });
    while ingest.reports().is_empty() && !closed.is_finished() {
        clock.advance(Span::from_secs(10));
        tokio::task::yield_now().await;
    }
    let report = only_report(&ingest).await;
    assert_eq!((report.ending, codes(&report)), (Ending::ProtocolError, vec!["protocol-error"]));
    closed.await.unwrap();
}
