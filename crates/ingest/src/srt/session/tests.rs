use proptest::prelude::*;
use testkit::VirtualClock;

use super::*;
use crate::config::{IngestConfig, StreamKey};
use crate::event_log::EventLog;
use crate::faults::Stall;
use crate::inquiry::InquiryLog;
use crate::listener::Addresses;
use crate::stream_keys::StreamKeys;

const KEY: &str = "sk_us-west-2_OnlyInThisTest1234";

const fn at(ms: i64) -> MediaTime {
    MediaTime::from_millis(ms)
}

fn service(config: IngestConfig) -> Arc<Service> {
    let expired = StreamKey { key: Secret::new("old"), expires: Some(MediaTime::ZERO) };
    let keys = StreamKeys::new(vec![StreamKey::lasting(Secret::new(KEY)), expired]);
    let events = EventLog::new(config.channel.clone(), None, MediaTime::ZERO).unwrap();
    let logs = (events, InquiryLog::new(None).unwrap());
    Arc::new(Service::new(Arc::new(VirtualClock::new()), config, keys, logs, Addresses::default()))
}

fn session(service: &Arc<Service>, stream_id: &str) -> SrtSession {
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    SrtSession::new(Arc::clone(service), peer, &Secret::new(stream_id))
}

fn codes(report: &SessionReport) -> Vec<&'static str> {
    report.verdict.findings.iter().map(|counted| counted.finding.code.name).collect()
}

#[test]
fn every_refusal_has_its_reason() {
    let service = service(IngestConfig::default());
    let with = |priority: &str| format!("#!::u={KEY},priority={priority}");
    for (stream_id, reason) in [
        ("", reason::BAD_REQUEST),
        ("#!::priority=3", reason::BAD_REQUEST),
        ("sk_us-west-2_another", reason::FORBIDDEN),
        ("old", reason::UNAUTHORIZED),
        ("v1_never_granted", reason::UNAUTHORIZED),
        (&with("0"), reason::CONFLICT),
        (&with("2147483648"), reason::CONFLICT),
    ] {
        let mut caller = session(&service, stream_id);
        assert_eq!(caller.admit(at(1)), Err(reason), "{stream_id}");
        assert!(caller.is_over());
        let report = caller.finish(None, None, at(1));
        assert_eq!(
            (report.ending, report.verdict.accepted, report.stream_id),
            (Ending::Service, false, None)
        );
        assert!(!serde_json::to_string(&report.verdict).unwrap().contains("sk_us"));
    }
    assert!(service.channel.on_air().is_empty());
}

#[test]
fn a_caller_has_its_place_only_once_it_is_accepted() {
    let service = service(IngestConfig { max_takeovers: 0, ..IngestConfig::default() });
    let (mut first, mut second) = (session(&service, KEY), session(&service, KEY));
    assert_eq!((first.admit(at(0)), second.admit(at(0))), (Ok(()), Ok(())));
    assert!(service.channel.on_air().is_empty());
    // The passphrase of one is wrong.
    let mut stranger = session(&service, KEY);
    assert_eq!(stranger.admit(at(0)), Ok(()));
    stranger.handshake_failed(at(1));
    assert_eq!(codes(&stranger.finish(None, None, at(1))), ["srt-passphrase"]);
    first.publish(at(2));
    assert_eq!(service.channel.on_air()[0].session, Some(first.number()));
    // The other one's hands were shaken a moment later.
    second.publish(at(3));
    assert!(second.is_over());
    assert_eq!(codes(&second.finish(None, None, at(3))), ["stream-key-in-use"]);
    assert_eq!(session(&service, KEY).admit(at(4)), Err(reason::CONFLICT));
    let taking = format!("#!::u={KEY},priority=3");
    assert_eq!(session(&service, &taking).admit(at(4)), Err(reason::OVERLOAD));
    first.closed(true, at(5));
    let report = first.finish(None, None, at(5));
    assert_eq!((report.ending, report.said_goodbye), (Ending::Publisher, true));
    assert!(service.channel.on_air().is_empty());
}

#[test]
fn who_vanishes_keeps_its_place_and_who_sends_nothing_loses_it() {
    let service = service(IngestConfig::default());
    let mut caller = session(&service, KEY);
    caller.admit(at(0)).unwrap();
    caller.publish(at(0));
    caller.closed(false, at(5000));
    assert_eq!(caller.finish(None, None, at(5000)).ending, Ending::PeerClosed);
    assert_eq!(service.channel.on_air()[0].session, None);
    service.channel.tick(at(60_000));
    assert!(service.channel.on_air().is_empty());
    let mut silent = session(&service, KEY);
    silent.admit(at(60_000)).unwrap();
    silent.publish(at(60_000));
    for ms in (0..=31_000).step_by(500) {
        silent.tick(at(60_000 + ms));
    }
    assert!(silent.is_over());
    let report = silent.finish(None, None, at(91_000));
    assert!(codes(&report).contains(&"no-data"), "{:?}", codes(&report));
}

#[test]
fn a_test_of_bandwidth_has_no_place() {
    let service = service(IngestConfig::default());
    let mut test = session(&service, &format!("#!::u={KEY},bandwidthtest=1"));
    test.admit(at(0)).unwrap();
    test.publish(at(0));
    assert!(service.channel.on_air().is_empty() && !test.is_over());
    test.closed(true, at(10));
    let report = test.finish(None, None, at(10));
    assert!(report.bandwidth_test && report.stream_id.is_none());
}

#[test]
fn faults_refuse_and_hold_up() {
    let refusal = Refusal { code: String::from("x"), description: format!("not {KEY}") };
    for (faults, reason) in [
        (Faults { refuse_connect: Some(refusal.clone()), ..Faults::default() }, reason::DOWN),
        (Faults { refuse_publish: Some(refusal), ..Faults::default() }, reason::FORBIDDEN),
    ] {
        let service = service(IngestConfig { faults, ..IngestConfig::default() });
        let mut caller = session(&service, KEY);
        assert_eq!(caller.admit(at(0)), Err(reason));
        let report = caller.finish(None, None, at(0));
        assert_eq!((report.ending, codes(&report)), (Ending::Fault, vec!["rehearsed-fault"]));
        assert!(!report.verdict.findings[0].finding.sentence.contains(KEY));
    }
    let stall = Stall { after: Span::from_secs(1), lasting: Some(Span::from_secs(2)) };
    let faults = Faults { stall: Some(stall), read_bytes_per_sec: Some(1000), ..Faults::default() };
    let service = service(IngestConfig { faults, ..IngestConfig::default() });
    let mut caller = session(&service, KEY);
    caller.admit(at(0)).unwrap();
    caller.publish(at(0));
    let reads = |caller: &SrtSession, ms: i64| caller.may_read(at(ms));
    assert!(reads(&caller, 0));
    caller.handle_input(&[0xff; 500], at(0));
    assert!(!reads(&caller, 499) && reads(&caller, 500));
    assert!(!reads(&caller, 1000) && !reads(&caller, 2999) && reads(&caller, 3000));
}

#[test]
fn stages_orders_and_half_open_connections() {
    let at_stage = |close_at, hang_at| {
        let service = service(IngestConfig {
            faults: Faults { close_at, hang_at, ..Faults::default() },
            ..IngestConfig::default()
        });
        let mut caller = session(&service, KEY);
        let admitted = caller.admit(at(0));
        if admitted.is_ok() {
            caller.publish(at(0));
        }
        assert!(service.channel.on_air().is_empty());
        (admitted, caller.is_over(), caller.is_frozen())
    };
    assert_eq!(at_stage(Some(Stage::Connect), None), (Err(reason::DOWN), true, false));
    assert_eq!(at_stage(Some(Stage::Publish), None), (Ok(()), true, false));
    assert_eq!(at_stage(None, Some(Stage::Publish)), (Ok(()), false, true));
    let faults = Faults { half_open_after: Some(Span::from_secs(1)), ..Faults::default() };
    let service = service(IngestConfig { faults, ..IngestConfig::default() });
    let mut caller = session(&service, KEY);
    caller.admit(at(0)).unwrap();
    caller.publish(at(0));
    assert!(caller.may_read(at(999)));
    caller.tick(at(1000));
    assert!(caller.is_frozen() && !caller.may_read(at(1000)) && !caller.is_over());
    service.order(caller.number(), ConnectionOrder::Close);
    caller.tick(at(1020));
    assert_eq!(caller.finish(None, None, at(1020)).ending, Ending::Fault);
}

proptest! {
    /// Whatever a caller sends, and whenever it leaves: the books close and the place is free or held.
    #[test]
    fn anything_may_be_sent(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..20), in_order in any::<bool>()
    ) {
        let service = service(IngestConfig::default());
        let mut caller = session(&service, KEY);
        caller.admit(at(0)).unwrap();
        caller.publish(at(0));
        let bytes: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        for (ms, piece) in (0i64..).zip(&pieces) {
            caller.handle_input(piece, at(ms * 100));
            caller.tick(at(ms * 100));
            prop_assert_eq!(service.channel.on_air().len(), 1);
        }
        caller.closed(in_order, at(2000));
        let report = caller.finish(None, None, at(2000));
        prop_assert_eq!(report.received_bytes, bytes);
        prop_assert_eq!(service.channel.on_air().len(), usize::from(!in_order));
    }
}
