//! Streams that are taken over, held, and ended by their time.

use ertmp::{ClientEvent, MediaKind};
use ingest::{Ending, Farewell, Faults, Ingest, IngestConfig, OnAir, SessionReport};
use ivs::event::Event;
use testkit::VirtualClock;
use tokio::sync::broadcast::Receiver;
use units::Span;

use crate::promised::{ALLOW, with_policy};
use crate::publisher::*;
use crate::show::{Show, answer, grant, rendition};

/// 640x360, as the test kit writes it.
fn record_360p() -> Vec<u8> {
    let stream = testkit::SyntheticStream::new(&[rendition(640, 360, 500)], 60);
    stream.config().video[0].decoder_config.to_vec()
}

async fn next(events: &mut Receiver<Event>) -> Event {
    tokio::time::timeout(STUCK, events.recv()).await.expect("no event").unwrap()
}

async fn expect_events(events: &mut Receiver<Event>, expected: &[&str]) -> Event {
    let mut last = None;
    for name in expected {
        let event = next(events).await;
        assert_eq!(&event.name(), name, "{event:?}");
        last = Some(event);
    }
    last.unwrap()
}

async fn priority(ingest: &Ingest, priority: u32) -> Publisher {
    Publisher::dial(ingest, &ingest.addresses().rtmp, &format!("{KEY}?priority={priority}")).await
}

async fn let_in(ingest: &Ingest, number: u32) -> Publisher {
    let mut publisher = priority(ingest, number).await;
    publisher.expect_published().await;
    publisher
}

fn only(ingest: &Ingest) -> OnAir {
    let mut on_air = ingest.on_air();
    assert_eq!(on_air.len(), 1, "{on_air:?}");
    on_air.remove(0)
}

async fn until(condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(STUCK, async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    });
    waited.await.expect("it never came");
}

/// Turns the clock on in steps until somebody has ended.
async fn turn_until_reports(ingest: &Ingest, clock: &VirtualClock, step: Span, count: usize) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    while ingest.reports().len() < count {
        clock.advance(step);
        ticks.tick().await;
    }
}

/// Turns the clock on in small steps until `waited` is there.
async fn turn_while<T: Send + 'static>(
    clock: &VirtualClock,
    waited: impl Future<Output = T> + Send + 'static,
) -> T {
    let waited = tokio::spawn(waited);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    while !waited.is_finished() {
        clock.advance(Span::from_millis(100));
        ticks.tick().await;
    }
    waited.await.unwrap()
}

fn report_of(reports: &[SessionReport], session: u64) -> &SessionReport {
    reports.iter().find(|report| report.session == session).unwrap()
}

#[tokio::test]
async fn a_takeover_continues_the_stream_and_the_old_connection_is_closed() {
    for farewell in [Farewell::Silence, Farewell::Status] {
        let (ingest, _) = start_with(IngestConfig { farewell, ..config(None) }).await;
        let mut events = ingest.subscribe();
        let mut old = Publisher::live(&ingest).await;
        old.send_configs().await;
        old.send_frames(0, 181, 8000).await;
        expect_events(&mut events, &["Session Created", "Stream Start"]).await;
        let mut new = let_in(&ingest, 1000).await;
        new.send_configs().await;
        // The old one goes on until the first IDR picture of the new one.
        old.send_frames(181, 200, 8000).await;
        assert_eq!(only(&ingest).session, Some(1));
        new.send_frames(0, 1, 8000).await;
        let told = expect_events(&mut events, &["Stream Takeover"]).await;
        if farewell == Farewell::Status {
            let said = old.expect_kick().await;
            assert!(said.starts_with("[taken-over]"), "{said}");
        }
        old.expect_break().await;
        let is_error =
            |event: &&ClientEvent| matches!(event, ClientEvent::Status { level: ertmp::Level::Error, .. });
        let errors = old.events.iter().filter(is_error).count();
        assert_eq!(errors, usize::from(farewell == Farewell::Status), "{:?}", old.events);
        let on_air = only(&ingest);
        assert_eq!((on_air.session, on_air.priority, on_air.takeovers), (Some(2), Some(1000), 1));
        let report = only_report(&ingest).await;
        assert_eq!((report.session, report.ending), (1, Ending::TakenOver));
        assert!(report.verdict.accepted, "to be taken over is nobody's fault: {:?}", report.verdict);
        assert_eq!(report.stream_id.as_deref(), Some(told.stream_id()));
        new.send_frames(1, 241, 8000).await;
        new.say_goodbye().await;
        let report = report_number(&ingest, 2).await;
        assert_eq!((report.session, report.ending), (2, Ending::Publisher));
        assert_eq!((report.priority, report.took_over), (Some(1000), true));
        assert_eq!(report.stream_id.as_deref(), Some(told.stream_id()));
        // It started once.
        expect_events(&mut events, &["Session Ended", "Stream End"]).await;
        assert!(events.try_recv().is_err() && ingest.on_air().is_empty());
    }
}

#[tokio::test]
async fn a_priority_that_is_not_greater_is_refused_at_publish_with_the_services_code() {
    let (ingest, _) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut old = let_in(&ingest, 7).await;
    old.send_configs().await;
    let stream_id = next(&mut events).await.stream_id().to_owned();
    for (number, name) in [(1, "7"), (2, "1"), (3, "0"), (4, "2147483648"), (5, "-3")] {
        let name = format!("{KEY}?priority={name}");
        let mut late = Publisher::dial(&ingest, &ingest.addresses().rtmps, &name).await;
        let (code, said) = late.expect_refusal().await;
        assert_eq!(code, "NetStream.Publish.BadName");
        assert!(said.starts_with("[StreamTakeoverInvalidPriority] "), "{said}");
        let told = next(&mut events).await;
        assert_eq!(
            (told.name(), told.code()),
            ("Stream Takeover Failure", Some("StreamTakeoverInvalidPriority"))
        );
        assert_eq!(told.stream_id(), stream_id);
        let report = report_number(&ingest, number).await;
        assert_eq!(codes(&report), ["StreamTakeoverInvalidPriority"]);
        assert!(report.verdict.findings[0].finding.source.ends_with("Stream Takeover"));
    }
    assert_eq!(only(&ingest).session, Some(1));
    // The greatest of all, after which there is none.
    let mut last = let_in(&ingest, 2_147_483_647).await;
    last.send_configs().await;
    last.send_frames(0, 1, 8000).await;
    expect_events(&mut events, &["Stream Takeover"]).await;
    assert_eq!(priority(&ingest, 2_147_483_647).await.expect_refusal().await.0, "NetStream.Publish.BadName");
}

#[tokio::test]
async fn other_media_are_refused_after_their_headers_and_the_old_stream_goes_on() {
    let (ingest, clock) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut old = Publisher::live(&ingest).await;
    old.send_configs().await;
    old.send_frames(0, 1, 8000).await;
    let stream_id = next(&mut events).await.stream_id().to_owned();
    let mut other = let_in(&ingest, 1).await;
    other.send(MediaKind::Video, 0, video(true, 0, &record_360p())).await;
    other.send(MediaKind::Audio, 0, vec![0xaf, 0, 0x11, 0x90]).await;
    other.send_frames(0, 1, 8000).await;
    let said = other.expect_kick().await;
    assert!(said.starts_with("[StreamTakeoverMediaMismatch] "), "{said}");
    assert!(said.contains("1280x720") && said.contains("640x360"), "{said}");
    other.expect_close().await;
    let told = next(&mut events).await;
    assert_eq!((told.name(), told.code()), ("Stream Takeover Failure", Some("StreamTakeoverMediaMismatch")));
    assert_eq!(told.stream_id(), stream_id);
    let report = only_report(&ingest).await;
    assert_eq!((report.session, report.took_over, report.ending), (2, false, Ending::Service));

    // One without sound is waited for a second, in which its sound may begin.
    let mut silent = let_in(&ingest, 1).await;
    silent.send(MediaKind::Video, 0, video(true, 0, RECORD_720P)).await;
    silent.send(MediaKind::Video, 0, video(true, 1, &nal_unit(true, 8000))).await;
    let said = turn_while(&clock, async move { silent.expect_kick().await }).await;
    assert!(said.contains("has sound, and this one has none"), "{said}");
    old.send_frames(1, 30, 8000).await;
    old.say_goodbye().await;
    let reports = tokio::time::timeout(STUCK, ingest.wait_for_reports(3)).await.unwrap();
    assert!(report_of(&reports, 1).verdict.accepted);
}

#[tokio::test]
async fn the_number_of_tracks_must_stay_the_same() {
    let (ingest, clock) = start_with(with_policy(ALLOW)).await;
    let mut events = ingest.subscribe();
    let name = grant(&ingest, &answer());
    let show = Show { seconds: 3, ..Show::default() };
    let _old = show.publish(&ingest, &name).await;
    until(|| !ingest.on_air().is_empty()).await;
    let mut single = let_in(&ingest, 5).await;
    single.send_configs().await;
    single.send_frames(0, 1, 8000).await;
    // The other tracks may still come, for a second.
    let said = turn_while(&clock, async move { single.expect_kick().await }).await;
    assert!(said.contains("3 video tracks, and this one has 1"), "{said}");
    expect_events(&mut events, &["Session Created", "Stream Takeover Failure"]).await;
    // The same three, with a key of another grant.
    let again = format!("{}&priority=6", grant(&ingest, &answer()));
    let mut again = show.publish(&ingest, &again).await;
    expect_events(&mut events, &["Stream Takeover"]).await;
    show.end(&mut again).await;
    let reports = tokio::time::timeout(STUCK, ingest.wait_for_reports(3)).await.unwrap();
    assert_eq!(report_of(&reports, 1).ending, Ending::TakenOver);
    assert!(report_of(&reports, 3).verdict.accepted, "{:?}", report_of(&reports, 3).verdict);
}

#[tokio::test]
async fn takeovers_are_limited_per_stream() {
    let (ingest, _) = start_with(IngestConfig { max_takeovers: 3, ..config(None) }).await;
    let mut events = ingest.subscribe();
    let mut publishers = vec![Publisher::live(&ingest).await];
    for number in 1..=3 {
        let mut publisher = let_in(&ingest, number).await;
        publisher.send_configs().await;
        publisher.send_frames(0, 1, 8000).await;
        until(|| only(&ingest).takeovers == number).await;
        publishers.push(publisher);
    }
    let (_, said) = priority(&ingest, 4).await.expect_refusal().await;
    assert!(said.starts_with("[StreamTakeoverLimitBreached] "), "{said}");
    let seen = ["Session Created", "Stream Takeover", "Stream Takeover", "Stream Takeover"];
    expect_events(&mut events, &seen).await;
    assert_eq!(next(&mut events).await.code(), Some("StreamTakeoverLimitBreached"));
    // A new stream remembers nothing.
    publishers.pop().unwrap().say_goodbye().await;
    until(|| ingest.on_air().is_empty()).await;
    let _first = Publisher::live(&ingest).await;
    assert_eq!((only(&ingest).takeovers, only(&ingest).priority), (0, None));
    assert_eq!(ingest::IngestConfig::default().max_takeovers, 100);
}

#[tokio::test]
async fn who_vanishes_is_held_for_thirty_seconds() {
    let (ingest, clock) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut first = Publisher::live(&ingest).await;
    first.send_configs().await;
    drop(first);
    assert_eq!(only_report(&ingest).await.ending, Ending::PeerClosed);
    assert_eq!(only(&ingest).session, None);
    clock.advance(Span::from_millis(29_900));
    let mut back = Publisher::dial(&ingest, &ingest.addresses().rtmp, KEY).await;
    let (code, said) = back.expect_refusal().await;
    assert_eq!((code.as_str(), said.contains("on air already")), ("NetStream.Publish.BadName", true));
    // With a priority it is a takeover of what is held.
    let mut taking = let_in(&ingest, 1).await;
    taking.send_configs().await;
    taking.send_frames(0, 1, 8000).await;
    let seen = ["Session Created", "Starvation Start", "Stream Takeover", "Starvation End"];
    let last = expect_events(&mut events, &seen).await;
    assert_eq!(only(&ingest).stream_id, last.stream_id());
    drop(taking);
    report_number(&ingest, 3).await;
    clock.advance(Span::from_secs(30));
    expect_events(&mut events, &["Session Ended"]).await;
    let _free = Publisher::live(&ingest).await;
    assert_ne!(next(&mut events).await.stream_id(), last.stream_id());
}

#[tokio::test]
async fn a_goodbye_frees_the_channel_at_once_though_the_connection_stays() {
    let (ingest, _) = start_with(config(None)).await;
    let mut first = Publisher::live(&ingest).await;
    first.send_configs().await;
    first.unpublish_only().await;
    until(|| ingest.on_air().is_empty()).await;
    let _second = Publisher::live(&ingest).await;
    assert!(ingest.reports().is_empty(), "the first is still connected");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_held_and_one_that_is_half_open_ends_by_silence() {
    let (ingest, clock) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let mut first = Publisher::live(&ingest).await;
    first.send_configs().await;
    first.send_frames(0, 10, 8000).await;
    ingest.drop_connection(1);
    first.expect_close().await;
    assert_eq!(only_report(&ingest).await.ending, Ending::Fault);
    let mut second = let_in(&ingest, 1).await;
    second.send_configs().await;
    second.send_frames(0, 1, 8000).await;
    expect_events(&mut events, &["Session Created", "Stream Takeover"]).await;

    ingest.freeze_connection(2);
    // It is frozen when the channel does not hear it any more.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    second.send_frames(1, 2, 8000).await;
    turn_until_reports(&ingest, &clock, Span::from_secs(5), 2).await;
    let report = report_number(&ingest, 2).await;
    assert_eq!((report.session, report.ending), (2, Ending::Service));
    assert!(codes(&report).contains(&"no-data"), "{:?}", codes(&report));
    assert!(ingest.on_air().is_empty());
    // Nobody tells the publisher, and its connection stands.
    assert!(second.is_silent().await);
    let _third = Publisher::live(&ingest).await;
}

#[tokio::test]
async fn a_half_open_connection_can_be_a_fault_of_its_time() {
    let mut faulty = config(None);
    let faults = Faults { half_open_after: Some(Span::from_secs(2)), ..Faults::default() };
    faulty.session_faults = [(1, faults)].into();
    let (ingest, clock) = start_with(faulty).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    turn_until_reports(&ingest, &clock, Span::from_secs(1), 1).await;
    assert!(codes(&only_report(&ingest).await).contains(&"no-data"));
    assert!(publisher.is_silent().await);
}

#[tokio::test]
async fn a_stream_ends_after_forty_eight_hours_over_all_takeovers() {
    let (ingest, clock) = start_with(IngestConfig { hold: Span::from_secs(60 * 3600), ..config(None) }).await;
    let mut events = ingest.subscribe();
    let mut first = Publisher::live(&ingest).await;
    first.send_configs().await;
    drop(first);
    report_number(&ingest, 1).await;
    clock.advance(Span::from_millis(48 * 3_600_000 - 1));
    let mut second = let_in(&ingest, 1).await;
    second.send_configs().await;
    second.send_frames(0, 1, 8000).await;
    let seen = ["Session Created", "Starvation Start", "Stream Takeover", "Starvation End"];
    expect_events(&mut events, &seen).await;
    clock.advance(Span::from_millis(1));
    let said = second.expect_kick().await;
    assert!(said.starts_with("[maximum-duration] ") && said.contains("new one"), "{said}");
    expect_events(&mut events, &["Session Ended"]).await;
    let report = report_number(&ingest, 2).await;
    assert_eq!(report.ending, Ending::Service);
    assert!(codes(&report).contains(&"maximum-duration"), "{:?}", codes(&report));
    let _new_stream = Publisher::live(&ingest).await;
}

#[tokio::test]
async fn a_granted_key_and_its_stream_end_after_the_same_time_and_a_new_key_goes_on() {
    let (ingest, clock) = start_with(with_policy(ALLOW)).await;
    let name = grant(&ingest, &answer());
    let mut old = Publisher::dial(&ingest, &ingest.addresses().rtmp, &name).await;
    old.expect_published().await;
    let show = Show { seconds: 3, ..Show::default() };
    show.send(&mut old).await;
    // On air, it may outlive its key by no more than what the stream lasts itself: both began together.
    clock.advance(Span::from_secs(48 * 3600));
    let said = old.expect_kick().await;
    assert!(said.starts_with("[maximum-duration]") || said.starts_with("[no-data]"), "{said}");
    until(|| ingest.on_air().is_empty()).await;
    let (code, said) = Publisher::dial(&ingest, &ingest.addresses().rtmp, &name).await.expect_refusal().await;
    assert_eq!(code, "NetStream.Publish.Denied");
    assert!(said.starts_with("[InvalidGetClientConfigurationStreamKey] "), "{said}");
    let name = grant(&ingest, &answer());
    let mut new = Publisher::dial(&ingest, &ingest.addresses().rtmp, &name).await;
    new.expect_published().await;
}

#[tokio::test]
async fn the_longest_stream_can_be_shorter() {
    let (ingest, clock) = start_with(IngestConfig { max_stream: Span::from_secs(120), ..config(None) }).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    for second in 0..120 {
        publisher.send_frames(second * 30, second * 30 + 30, 200).await;
        assert_eq!(only(&ingest).session, Some(1));
        clock.advance(Span::from_secs(1));
    }
    let said = publisher.expect_kick().await;
    assert!(said.starts_with("[maximum-duration]"), "{said}");
}

#[tokio::test]
async fn the_channels_owner_can_stop_the_stream() {
    let (ingest, _) = start_with(config(None)).await;
    let mut publisher = Publisher::live(&ingest).await;
    publisher.send_configs().await;
    ingest.stop_streams();
    let said = publisher.expect_kick().await;
    assert!(said.starts_with("[stream-stopped] "), "{said}");
    let _again = Publisher::live(&ingest).await;
}

#[tokio::test]
async fn a_test_of_bandwidth_is_judged_and_nobody_sees_it() {
    let (ingest, _) = start_with(config(None)).await;
    let mut events = ingest.subscribe();
    let name = format!("{KEY}?bandwidthtest=1");
    let mut live = Publisher::live(&ingest).await;
    live.send_configs().await;
    next(&mut events).await;
    // Beside a stream that is on air, and one after the other.
    for number in [1, 2] {
        let mut test = Publisher::dial(&ingest, &ingest.addresses().rtmp, &name).await;
        test.expect_published().await;
        test.send_configs().await;
        test.send_frames(0, 241, 8000).await;
        test.say_goodbye().await;
        let report = report_number(&ingest, number).await;
        assert!(report.bandwidth_test && report.stream_id.is_none() && report.verdict.accepted, "{report:?}");
        assert_eq!(report.verdict.figures.video_frames, 241);
        assert_eq!(only(&ingest).session, Some(1));
    }
    live.say_goodbye().await;
    expect_events(&mut events, &["Session Ended"]).await;
    assert!(!report_number(&ingest, 3).await.bandwidth_test);
    assert!(events.try_recv().is_err());
}
