//! Connections that fail at every stage, bytes that come late or in bursts, and ports that are closed.

use std::io::ErrorKind;
use std::time::Duration;

use ertmp::ClientEvent;
use ingest::{Ending, Faults, Ingest, Stage, Stutter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use units::Span;

use crate::publisher::*;

async fn with_faults(faults: Faults) -> (Ingest, std::sync::Arc<testkit::VirtualClock>) {
    let mut faulty = config(None);
    faulty.session_faults = [(1, faults)].into();
    start_with(faulty).await
}

/// The first bytes of an RTMP client: version and its random block.
fn first_bytes() -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.resize(1537, 7);
    bytes
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer_at_every_stage() {
    for stage in Stage::ALL {
        let (ingest, _) = with_faults(Faults { close_at: Some(stage), ..Faults::default() }).await;
        match stage {
            Stage::Tcp | Stage::Handshake => {
                let mut socket = connect_tcp(&ingest.addresses().rtmp).await;
                let _ = socket.write_all(&first_bytes()).await;
                let mut answer = Vec::new();
                let _ = tokio::time::timeout(STUCK, socket.read_to_end(&mut answer)).await.unwrap();
                assert!(answer.is_empty(), "{stage}");
            }
            Stage::Tls => {
                let tcp = connect_tcp(&ingest.addresses().rtmps).await;
                let name = rustls_pki_types::ServerName::try_from("127.0.0.1").unwrap();
                let shaken = connector(ingest.ca_pem()).connect(name, tcp);
                assert!(tokio::time::timeout(STUCK, shaken).await.unwrap().is_err());
            }
            Stage::Connect | Stage::Publish => {
                let mut publisher = Publisher::dial(&ingest, &ingest.addresses().rtmps, KEY).await;
                publisher.expect_break().await;
                let connected =
                    publisher.events.iter().any(|event| matches!(event, ClientEvent::Connected { .. }));
                assert_eq!(connected, stage == Stage::Publish);
            }
        }
        let report = only_report(&ingest).await;
        assert_eq!((report.ending, codes(&report)), (Ending::Fault, vec!["rehearsed-fault"]), "{stage}");
        let sentence = &report.verdict.findings[0].finding.sentence;
        assert!(sentence.ends_with(&format!("closed at {stage}.")), "{sentence}");
        // The next one gets in.
        Publisher::live(&ingest).await.say_goodbye().await;
    }
}

#[tokio::test]
async fn a_connection_hangs_at_every_stage_until_the_ingest_is_stopped() {
    for stage in Stage::ALL {
        let (ingest, clock) = with_faults(Faults { hang_at: Some(stage), ..Faults::default() }).await;
        let url = if stage == Stage::Tls { &ingest.addresses().rtmps } else { &ingest.addresses().rtmp };
        if stage == Stage::Connect || stage == Stage::Publish {
            let mut publisher = Publisher::dial(&ingest, url, KEY).await;
            publisher.write_until_silent().await;
            let connected =
                publisher.events.iter().any(|event| matches!(event, ClientEvent::Connected { .. }));
            assert_eq!(connected, stage == Stage::Publish);
            clock.advance(Span::from_secs(31));
            let report = only_report(&ingest).await;
            assert_eq!((report.ending, codes(&report)), (Ending::ProtocolError, vec!["protocol-error"]));
            assert!(publisher.is_silent().await, "{stage}: nobody tells it");
            tokio::time::timeout(STUCK, ingest.stop())
                .await
                .expect("a hanging connection holds the ingest up");
        } else {
            let mut socket = connect_tcp(url).await;
            let _ = socket.write_all(&first_bytes()).await;
            let mut answer = [0];
            let read = tokio::time::timeout(Duration::from_millis(100), socket.read(&mut answer)).await;
            assert!(read.is_err(), "{stage}: {read:?}");
            tokio::time::timeout(STUCK, ingest.stop())
                .await
                .expect("a hanging connection holds the ingest up");
        }
    }
}

#[tokio::test]
async fn the_connection_can_end_right_after_publish() {
    let (ingest, _) = with_faults(Faults { close_after: Some(Span::ZERO), ..Faults::default() }).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.expect_close().await;
    assert_eq!(only_report(&ingest).await.ending, Ending::Fault);
    // The channel is held for it, as the service would.
    assert_eq!(ingest.on_air().len(), 1);
}

#[tokio::test]
async fn ports_can_be_closed_and_opened_again() {
    let (ingest, _) = start_with(config(None)).await;
    let mut standing = Publisher::live(&ingest).await;
    standing.send_configs().await;
    for url in [&ingest.addresses().rtmp, &ingest.addresses().rtmps] {
        let address: ivs::IngestAddress = url.parse().unwrap();
        let dial = || TcpStream::connect((String::from(address.host()), address.port()));
        let wait_for = async |wanted: bool| {
            let reached = tokio::time::timeout(STUCK, async {
                loop {
                    match dial().await {
                        Ok(_) if wanted => return,
                        // One that came a moment before is reset.
                        Err(error) if !wanted && error.kind() == ErrorKind::ConnectionRefused => return,
                        _ => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
            });
            reached.await.expect("the port did not change");
        };
        ingest.set_reachable(false);
        wait_for(false).await;
        ingest.set_reachable(true);
        wait_for(true).await;
    }
    standing.send_frames(0, 61, 8000).await;
    standing.say_goodbye().await;
    // Those that only looked at the port of RTMPS have reports too.
    let own = async {
        loop {
            if let Some(report) = ingest.reports().into_iter().find(|report| report.session == 1) {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let report = tokio::time::timeout(STUCK, own).await.unwrap();
    assert!(report.verdict.accepted, "who stands is left alone: {report:?}");
}

#[tokio::test]
async fn delayed_bytes_all_arrive_and_take_their_time() {
    let delay = Span::from_millis(400);
    let (ingest, clock) = with_faults(Faults { delay, ..Faults::default() }).await;
    let url = ingest.addresses().rtmp.clone();
    let publisher = Publisher::dial(&ingest, &url, KEY).await;
    let sent = tokio::spawn(async move {
        let mut publisher = publisher;
        publisher.expect_published().await;
        publisher.send_configs().await;
        publisher.send_frames(0, 90, 8000).await;
        publisher.say_goodbye().await;
        publisher.sent.len()
    });
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while ingest.reports().is_empty() {
        clock.advance(Span::from_millis(20));
        ticks.tick().await;
    }
    let report = only_report(&ingest).await;
    assert_eq!((report.ending, report.verdict.accepted), (Ending::Publisher, true), "{:?}", report.verdict);
    let messages = report.video_messages + report.audio_messages;
    assert_eq!(usize::try_from(messages).unwrap(), sent.await.unwrap());
    // Handshake, connect, createStream and publish are three ways there and two back at least.
    assert!(report.published_after_ms >= Some(5 * 400), "{report:?}");
}

#[tokio::test]
async fn a_stutter_holds_the_reading_again_and_again() {
    let stutter = Stutter { every: Span::from_secs(2), lasting: Span::from_secs(1) };
    let (ingest, clock) = with_faults(Faults { stutter: Some(stutter), ..Faults::default() }).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    // From the second to the third second nothing is read; far more is sent than the system holds.
    clock.advance(Span::from_millis(2100));
    let flood = tokio::spawn(async move {
        publisher.send_frames(0, 60, 400_000).await;
        publisher
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!flood.is_finished(), "it was read during the stutter");
    clock.advance(Span::from_millis(900));
    tokio::time::timeout(STUCK, flood).await.expect("the stutter did not end").unwrap();
}
