//! Streams of several tracks: what is taken, and every reason for which the service disconnects (the guide, "Handling
//! Video Disconnections"; IVS API reference, StreamEvent).

use std::collections::BTreeMap;

use ertmp::flv::{ExVideoBody, FourCc, Item, Reader, TagKind, VideoTag};
use ingest::{Ending, Ingest, IngestConfig, ReconnectRequest, SessionReport};
use ivs::event::Event;
use ivs::limits::CONFIGURED_KEY_VALIDITY;
use ivs::{MultitrackInput, ResolutionClass, Rules};
use tokio::sync::broadcast::Receiver;
use units::{FrameRate, Kbps, Span, TrackId};

use crate::publisher::*;
use crate::show::{RUNGS, Show, answer, grant, rendition};

pub const ALLOW: MultitrackInput = MultitrackInput::Allow { maximum_resolution: ResolutionClass::FullHd };
const REQUIRE: MultitrackInput = MultitrackInput::Require { maximum_resolution: ResolutionClass::FullHd };

pub fn with_policy(multitrack: MultitrackInput) -> IngestConfig {
    let plain = config(None);
    IngestConfig { rules: Rules { multitrack, ..plain.rules }, ..plain }
}

fn ended(events: &mut Receiver<Event>) -> Vec<Option<&'static str>> {
    let events = std::iter::from_fn(|| events.try_recv().ok());
    events.filter(|event| event.name() == "Session Ended").map(|event| event.code()).collect()
}

#[tokio::test]
async fn a_stream_as_promised_is_taken_and_all_its_tracks_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = IngestConfig { out_dir: Some(folder.path().to_owned()), ..with_policy(REQUIRE) };
    let (ingest, _) = start_with(config).await;
    let mut events = ingest.subscribe();
    let name = grant(&ingest, &answer());
    let show = Show::default();
    let mut publisher = show.publish(&ingest, &name).await;
    show.end(&mut publisher).await;
    let report = only_report(&ingest).await;

    assert!(report.verdict.accepted && report.verdict.findings.is_empty(), "{:?}", report.verdict.findings);
    assert_eq!((report.ending, report.said_goodbye), (Ending::Publisher, true));
    assert!(report.config_id.as_deref().is_some_and(|id| name.ends_with(id)), "{:?}", report.config_id);
    assert_eq!(ended(&mut events), [None]);

    let kept = std::fs::read(folder.path().join(report.file.unwrap())).unwrap();
    let mut reader = Reader::new();
    reader.push(&kept);
    let mut bodies = Vec::new();
    let mut messages = BTreeMap::new();
    while let Some(item) = reader.next_item().unwrap() {
        let Item::Tag(tag) = item else { continue };
        if tag.kind == TagKind::Video {
            let VideoTag::Enhanced(video) = VideoTag::decode(&tag.body).unwrap() else { panic!() };
            let ExVideoBody::Tracks(tracks) = video.body else { panic!() };
            for (track, ..) in tracks.iter() {
                *messages.entry(track).or_insert(0) += 1;
            }
        }
        bodies.push((tag.timestamp_ms, tag.body));
    }
    // A header, 30 pictures a second for seven seconds, and an end.
    assert_eq!(messages, (0..3).map(|id| (TrackId(id), 212)).collect());
    let sent: Vec<_> = publisher.sent.iter().map(|(_, at, body)| (*at, body.clone())).collect();
    assert!(bodies == sent, "the file does not hold the very bodies that were sent");
}

/// What became of a show that was thrown out.
struct ThrownOut {
    /// The code that the publisher was told.
    code: String,
    /// The codes of the events that told of the end.
    ended: Vec<Option<&'static str>>,
    report: SessionReport,
}

/// Publishes a show that the service ends.
async fn publish_in_vain(show: Show, ingest: &Ingest, stream_name: &str) -> ThrownOut {
    let mut events = ingest.subscribe();
    let mut publisher = show.publish(ingest, stream_name).await;
    // So that a stream which is taken by mistake ends, and nobody waits for ever.
    show.end(&mut publisher).await;
    let said = publisher.expect_kick().await;
    let report = only_report(ingest).await;
    assert_eq!((report.ending, report.verdict.accepted), (Ending::Service, false));
    let code = said.strip_prefix('[').and_then(|said| said.split_once(']')).expect("a code").0.to_owned();
    let findings = report.verdict.findings.iter().map(|counted| &counted.finding);
    let found =
        findings.filter(|finding| finding.code.name == code).any(|finding| finding.severity.ends_stream());
    assert!(found, "{said}: {:?}", report.verdict.findings);
    ThrownOut { code, ended: ended(&mut events), report }
}

/// Publishes a show to a key that promises [`RUNGS`].
async fn thrown_out(show: Show) -> ThrownOut {
    let (ingest, _) = start_with(with_policy(ALLOW)).await;
    let name = grant(&ingest, &answer());
    let out = publish_in_vain(show, &ingest, &name).await;
    assert!(out.report.config_id.is_some());
    out
}

async fn expect_service_code(show: Show, code: &'static str) {
    let ThrownOut { code: said, ended, report } = thrown_out(show).await;
    assert_eq!((said.as_str(), ended), (code, vec![Some(code)]), "{:?}", report.verdict.findings);
}

const TRACK_COUNT: &str = "InvalidMultitrackInputTrackCount";
const MEDIA_PROPERTIES: &str = "InvalidMultitrackInputVideoTrackMediaProperties";

#[tokio::test]
async fn a_missing_track() {
    let mut show = Show::default();
    show.renditions.pop();
    expect_service_code(show, TRACK_COUNT).await;
}

#[tokio::test]
async fn a_track_too_many() {
    let mut show = Show::default();
    show.renditions.push(rendition(284, 160, 200));
    expect_service_code(show, TRACK_COUNT).await;
}

#[tokio::test]
async fn one_track_only_where_three_were_promised() {
    let mut show = Show::default();
    show.renditions.truncate(1);
    expect_service_code(show, TRACK_COUNT).await;
}

#[tokio::test]
async fn another_code() {
    expect_service_code(Show { second_codec: FourCc::HEVC, ..Show::default() }, MEDIA_PROPERTIES).await;
}

#[tokio::test]
async fn another_size() {
    let mut show = Show::default();
    show.renditions[2] = rendition(640, 352, 500);
    expect_service_code(show, MEDIA_PROPERTIES).await;
}

#[tokio::test]
async fn another_frame_rate() {
    let mut show = Show { seconds: 13, ..Show::default() };
    show.renditions[1].rate = FrameRate::new(15, 1).unwrap();
    expect_service_code(show, MEDIA_PROPERTIES).await;
}

#[tokio::test]
async fn a_higher_bitrate() {
    let mut show = Show { seconds: 13, ..Show::default() };
    show.renditions[2].bitrate = Kbps(RUNGS[2].2 * 2);
    expect_service_code(show, MEDIA_PROPERTIES).await;
}

/// Congestion lowers bitrates, and the service allows for it by its interpolation points.
#[tokio::test]
async fn a_lower_bitrate_is_taken() {
    let (ingest, _) = start_with(with_policy(ALLOW)).await;
    let name = grant(&ingest, &answer());
    let mut show = Show::default();
    show.renditions[0].bitrate = Kbps(1650);
    let mut publisher = show.publish(&ingest, &name).await;
    show.end(&mut publisher).await;
    let report = only_report(&ingest).await;
    assert!(report.verdict.accepted, "{:?}", report.verdict.findings);
}

// The next two reasons are in the guide without a code; the event has none then.

#[tokio::test]
async fn keyframes_apart() {
    let out = thrown_out(Show { hasty_track: Some(TrackId(1)), ..Show::default() }).await;
    assert_eq!((out.code.as_str(), out.ended), ("idrs-misaligned", vec![None]));
}

#[tokio::test]
async fn keyframes_without_metrics_on_one_track() {
    let out = thrown_out(Show { silent_track: Some(TrackId(2)), ..Show::default() }).await;
    assert_eq!((out.code.as_str(), out.ended), ("metrics-missing", vec![None]));
}

async fn with_plain_key(multitrack: MultitrackInput, show: Show, code: &'static str) {
    let (ingest, _) = start_with(with_policy(multitrack)).await;
    let out = publish_in_vain(show, &ingest, KEY).await;
    assert_eq!((out.code.as_str(), out.ended, out.report.config_id), (code, vec![Some(code)], None));
}

#[tokio::test]
async fn several_tracks_with_a_plain_key() {
    for (policy, code) in [
        (ALLOW, "GetClientConfigurationStreamKeyRequired"),
        (REQUIRE, "GetClientConfigurationStreamKeyRequired"),
        (MultitrackInput::NotAllowed, "MultitrackInputNotAllowed"),
    ] {
        with_plain_key(policy, Show::default(), code).await;
    }
}

#[tokio::test]
async fn one_track_with_a_plain_key_where_several_are_required() {
    let mut show = Show::default();
    show.renditions.truncate(1);
    with_plain_key(REQUIRE, show, "MultitrackInputRequired").await;
}

async fn refused_key(ingest: &Ingest, events: &mut Receiver<Event>, number: u64, name: &str) -> String {
    const INVALID: &str = "InvalidGetClientConfigurationStreamKey";
    let mut publisher = Publisher::dial(ingest, &ingest.addresses().rtmp, name).await;
    let (code, said) = publisher.expect_refusal().await;
    assert_eq!(code, "NetStream.Publish.Denied");
    let report = report_number(ingest, number).await;
    assert_eq!((codes(&report), report.ending), (vec![INVALID], Ending::Service));
    assert_eq!(ended(events), [Some(INVALID)]);
    said
}

#[tokio::test]
async fn a_granted_key_is_taken_for_two_days_and_not_a_moment_longer() {
    let (ingest, clock) = start_with(with_policy(ALLOW)).await;
    let mut events = ingest.subscribe();
    let name = grant(&ingest, &answer());
    clock.advance(CONFIGURED_KEY_VALIDITY.value - Span::from_millis(1));
    let mut publisher = Publisher::dial(&ingest, &ingest.addresses().rtmp, &name).await;
    publisher.expect_published().await;
    publisher.say_goodbye().await;
    report_number(&ingest, 1).await;
    assert_eq!(ended(&mut events), [None]);
    clock.advance(Span::from_millis(1));
    let said = refused_key(&ingest, &mut events, 2, &name).await;
    assert!(said.contains("no longer valid"), "{said}");
}

#[tokio::test]
async fn damaged_keys_and_other_configurations() {
    let (ingest, _) = start_with(with_policy(ALLOW)).await;
    let mut events = ingest.subscribe();
    let name = grant(&ingest, &answer());
    let (key, id) = name.split_once("?clientConfigId=").unwrap();
    let other = grant(&ingest, &answer());
    let (_, other_id) = other.split_once('=').unwrap();
    let damaged = format!("{}0?clientConfigId={id}", &key[..key.len() - 1].replace("v1_0", "v1_1"));
    let wrong = [
        (key.to_owned(), "clientConfigId"),
        (format!("{key}?clientConfigId={other_id}"), "clientConfigId"),
        (format!("{key}?clientConfigId="), "clientConfigId"),
        (damaged.replace("v1_", "v1_00"), "has given out"),
    ];
    for (number, (name, why)) in (1..).zip(wrong) {
        let said = refused_key(&ingest, &mut events, number, &name).await;
        assert!(said.contains(why) && !said.contains(key), "{said}");
    }
    // Further arguments are the person's own business.
    let mut publisher =
        Publisher::dial(&ingest, &ingest.addresses().rtmp, &format!("{name}&bandwidthtest=1")).await;
    publisher.expect_published().await;
}

#[tokio::test]
async fn a_publisher_that_is_asked_to_move_may_come_back_before_it_leaves() {
    let (ingest, _) = start_with(with_policy(ALLOW)).await;
    let name = grant(&ingest, &answer());
    let url = ingest.addresses().rtmp.clone();
    let mut first = Publisher::dial(&ingest, &url, &name).await;
    first.expect_published().await;
    let mut too_early = Publisher::dial(&ingest, &url, &name).await;
    too_early.expect_refusal().await;
    ingest.request_reconnect(Some(url.clone()));
    assert_eq!(first.expect_reconnect_request().await.as_deref(), Some(url.as_str()));
    let mut second = Publisher::dial(&ingest, &url, &name).await;
    second.expect_published().await;
    first.say_goodbye().await;
    let report = report_number(&ingest, 2).await;
    assert!(report.session == 1 && report.asked_to_move_after_ms.is_some(), "{report:?}");
    // The first one's leaving does not free the key that the second one holds.
    let mut third = Publisher::dial(&ingest, &url, &name).await;
    assert_eq!(third.expect_refusal().await.0, "NetStream.Publish.BadName");
}

#[tokio::test]
async fn a_request_to_move_can_be_a_fault_of_its_time() {
    let mut faulty = with_policy(ALLOW);
    faulty.faults.request_reconnect = Some(ReconnectRequest { after: Span::from_secs(3), tc_url: None });
    let (ingest, clock) = start_with(faulty).await;
    let mut publisher = Publisher::live(&ingest).await;
    clock.advance(Span::from_secs(3));
    assert_eq!(publisher.expect_reconnect_request().await, None);
    publisher.say_goodbye().await;
    assert_eq!(only_report(&ingest).await.asked_to_move_after_ms, Some(3000));
}

#[tokio::test]
async fn capabilities_are_stated_unless_they_are_not_to_be() {
    for stated in [true, false] {
        let (ingest, _) = start_with(IngestConfig { states_capabilities: stated, ..config(None) }).await;
        let publisher = Publisher::live(&ingest).await;
        let server = publisher.events.iter().find_map(|event| match event {
            ertmp::ClientEvent::Connected { server } => Some(server.enhanced.clone()),
            _ => None,
        });
        let server = server.unwrap();
        assert_eq!(server.is_enhanced(), stated);
        assert_eq!(server.has(ertmp::Capabilities::MULTITRACK), stated);
    }
}
