use ertmp::{ClientConfig, ClientEvent, ClientSession};
use proptest::prelude::*;
use testkit::VirtualClock;
use units::Secret;

use super::*;
use crate::config::{IngestConfig, StreamKey};
use crate::event_log::EventLog;
use crate::faults::Stall;
use crate::inquiry::InquiryLog;
use crate::listener::Addresses;
use crate::stream_keys::StreamKeys;

const KEY: &str = "sk_us-west-2_OnlyInThisTest1234";

fn session() -> Session {
    session_with(Faults::default())
}

fn session_with(faults: Faults) -> Session {
    let config = IngestConfig { faults, ..IngestConfig::default() };
    let keys = StreamKeys::new(vec![StreamKey::lasting(Secret::new(KEY))]);
    let events = EventLog::new(config.channel.clone(), None, MediaTime::ZERO).unwrap();
    let logs = (events, InquiryLog::new(None).unwrap());
    let service = Service::new(Arc::new(VirtualClock::new()), config, keys, logs, Addresses::default());
    Session::new(Arc::new(service), Protocol::Rtmp, SocketAddr::from(([127, 0, 0, 1], 1)))
}

/// Lets a client publish a little to a session, without a socket; gives all bytes that the client sent.
fn publish_once() -> (Session, Vec<u8>) {
    publish_to(session())
}

fn publish_to(mut session: Session) -> (Session, Vec<u8>) {
    let config = ClientConfig {
        app: String::from("app"),
        tc_url: String::from("rtmp://127.0.0.1/app"),
        stream_name: Secret::new(KEY),
        flash_ver: String::from("test"),
        enhanced: true,
    };
    let mut client = ClientSession::new(config, &[9; RANDOM_BYTES]);
    let mut sent = Vec::new();
    for _ in 0..20 {
        while let Some(bytes) = client.poll_output() {
            sent.extend_from_slice(&bytes);
            session.handle_input(&bytes, MediaTime::ZERO);
        }
        while let Some(bytes) = session.poll_output() {
            client.handle_input(&bytes).unwrap();
        }
        while let Some(event) = client.poll_event() {
            if matches!(event, ClientEvent::Published { .. }) {
                for at in 0..5u32 {
                    client
                        .send_media(MediaKind::Video, at * 33, &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65])
                        .unwrap();
                    client.send_media(MediaKind::Audio, at * 33, &[0xaf, 1, 1, 2, 3]).unwrap();
                }
                client.finish().unwrap();
            }
        }
    }
    (session, sent)
}

#[test]
fn a_whole_stream_without_a_socket() {
    let (session, sent) = publish_once();
    let report = session.finish(None, None, MediaTime::ZERO).unwrap();
    assert_eq!((report.ending, report.said_goodbye), (Ending::Publisher, true));
    assert_eq!((report.video_messages, report.audio_messages), (5, 5));
    assert_eq!(report.received_bytes, sent.len() as u64);
}

#[test]
fn a_stall_allows_no_reading_while_it_lasts() {
    let at = MediaTime::from_millis;
    for (lasting, after_the_end) in [(Some(Span::from_secs(5)), READ_BYTES), (None, 0)] {
        let stall = Stall { after: Span::from_secs(1), lasting };
        let (session, _) = publish_to(session_with(Faults { stall: Some(stall), ..Faults::default() }));
        assert_eq!(session.read_allowance(at(999)), READ_BYTES);
        assert_eq!(session.read_allowance(at(1000)), 0);
        assert_eq!(session.read_allowance(at(5999)), 0);
        assert_eq!(session.read_allowance(at(6000)), after_the_end);
    }
}

#[test]
fn a_slow_reader_waits_for_its_bytes_to_be_due() {
    let at = MediaTime::from_millis;
    let faults = Faults { read_bytes_per_sec: Some(1000), ..Faults::default() };
    let mut session = session_with(faults);
    assert_eq!(session.read_allowance(at(0)), 100);
    session.handle_input(&[3; 100], at(0));
    assert_eq!(session.read_allowance(at(99)), 0);
    assert_eq!(session.read_allowance(at(100)), 100);
}

proptest! {
    /// Whatever is done to the bytes of a good client: no panic, and a report without the key.
    #[test]
    fn damaged_input_ends_in_a_report(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        piece in 1usize..4000,
    ) {
        let (_, mut bytes) = publish_once();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let mut session = session();
        for piece in bytes.chunks(piece) {
            session.handle_input(piece, MediaTime::ZERO);
            while session.poll_output().is_some() {}
            session.tick(MediaTime::ZERO);
        }
        session.tick(MediaTime::from_millis(31_000));
        session.peer_closed();
        if let Some(report) = session.finish(None, None, MediaTime::from_millis(31_000)) {
            prop_assert!(!serde_json::to_string(&report).unwrap().contains(KEY));
        }
    }

    #[test]
    fn noise_ends_in_a_report(noise in proptest::collection::vec(any::<u8>(), 0..6000)) {
        let mut session = session();
        session.handle_input(&[3], MediaTime::ZERO);
        session.handle_input(&noise, MediaTime::ZERO);
        session.peer_closed();
        prop_assert!(session.finish(None, None, MediaTime::ZERO).is_some());
    }
}
