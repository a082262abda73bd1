//! Faults on demand.

use ingest::{Ending, Faults, Refusal, Stall};
use units::Span;

use crate::publisher::*;

fn refusal(code: &str) -> Option<Refusal> {
    Some(Refusal { code: String::from(code), description: String::from("Not today.") })
}

#[tokio::test]
async fn refusals_at_connect_and_at_publish() {
    let connect = Faults { refuse_connect: refusal("NetConnection.Connect.Rejected"), ..Faults::default() };
    let publish = Faults { refuse_publish: refusal("NetStream.Publish.BadName"), ..Faults::default() };
    let (ingest, _) = start_with(config(None)).await;
    for (number, faults) in [(1, connect), (2, publish)] {
        let expected = faults.refuse_connect.clone().or(faults.refuse_publish.clone()).unwrap();
        ingest.set_faults(faults);
        let mut publisher = Publisher::dial(&ingest, &ingest.addresses().rtmp, KEY).await;
        assert_eq!(publisher.expect_refusal().await, (expected.code, expected.description));
        publisher.expect_close().await;
        let report = report_number(&ingest, number).await;
        assert_eq!((report.ending, codes(&report)), (Ending::Fault, vec!["rehearsed-fault"]));
    }
}

#[tokio::test]
async fn the_connection_is_cut_after_a_while_and_the_next_one_is_not() {
    let mut faulty = config(None);
    faulty.faults = Faults { close_after: Some(Span::from_secs(3)), sessions: Some(1), ..Faults::default() };
    let (ingest, clock) = start_with(faulty).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    clock.advance(Span::from_secs(3));
    publisher.expect_close().await;
    let report = only_report(&ingest).await;
    assert_eq!((report.ending, report.lasted_ms), (Ending::Fault, 3000));
    assert!(report.verdict.accepted, "a fault is not the stream's");

    let mut again = Publisher::dial(&ingest, &ingest.addresses().rtmp, &format!("{KEY}?priority=1")).await;
    again.expect_published().await;
    clock.advance(Span::from_secs(3));
    again.send_configs().await;
    again.say_goodbye().await;
    assert_eq!(report_number(&ingest, 2).await.ending, Ending::Publisher);
}

#[tokio::test]
async fn a_stall_ends_when_its_time_is_over() {
    let mut faulty = config(None);
    let stall = Stall { after: Span::from_secs(1), lasting: Some(Span::from_secs(5)) };
    faulty.faults = Faults { stall: Some(stall), ..Faults::default() };
    let (ingest, clock) = start_with(faulty).await;
    let mut publisher = Publisher::live(&ingest).await;
    clock.advance(Span::from_secs(1));
    // Far more than the system holds for a connection that is not read.
    let flood = tokio::spawn(async move {
        publisher.send_configs().await;
        publisher.send_frames(0, 120, 100_000).await;
        publisher
    });
    clock.advance(Span::from_secs(5));
    let mut publisher = tokio::time::timeout(STUCK, flood).await.expect("the stall did not end").unwrap();
    // Such a bitrate does not please the service, which is another matter.
    publisher.expect_kick().await;
    assert_eq!(only_report(&ingest).await.ending, Ending::Service);
}

#[tokio::test]
async fn a_slow_reader_takes_no_more_than_its_rate() {
    let mut slow = config(None);
    slow.faults = Faults { read_bytes_per_sec: Some(10_000), ..Faults::default() };
    let (ingest, clock) = start_with(slow).await;
    let url = ingest.addresses().rtmp.clone();
    let publishing = Publisher::dial(&ingest, &url, KEY).await;
    let publishing = tokio::spawn(async move {
        let mut publisher = publishing;
        publisher.expect_published().await;
        publisher.say_goodbye().await;
    });
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    while !publishing.is_finished() {
        clock.advance(Span::from_millis(20));
        ticks.tick().await;
    }
    publishing.await.unwrap();
    while ingest.reports().is_empty() {
        clock.advance(Span::from_millis(20));
        ticks.tick().await;
    }
    let report = only_report(&ingest).await;
    let seconds = report.received_bytes as f64 / 10_000.0;
    assert!(
        report.lasted_ms as f64 / 1000.0 >= seconds - 0.2,
        "{} bytes in {} ms",
        report.received_bytes,
        report.lasted_ms
    );
}
