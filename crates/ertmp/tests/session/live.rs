//! The client of this crate against the server of this crate.

use ertmp::amf0::Value;
use ertmp::chunk::{ChunkDecoder, Limits};
use ertmp::flv::{Form, StreamMetadata};
use ertmp::{
    Capabilities, ClientConfig, ClientEvent, ClientSession, Fault, FourCcSupport, Level, MediaKind,
    RANDOM_BYTES, ServerEvent, Stage,
};
use proptest::prelude::*;
use units::{Secret, StreamConfig};

use crate::wire::{KEY, NAME, Wire, client_config, kinds, server};

#[test]
fn a_stream_goes_live_and_ends() {
    let mut wire = Wire::live(vec![4096]);
    assert_eq!(
        kinds(&wire.server_events),
        ["handshake", "connect", "releaseStream", "FCPublish", "createStream", "publish"]
    );
    let ServerEvent::Connect(request) = &wire.server_events[1] else { panic!("connect") };
    assert_eq!((request.app.as_str(), request.tc_url.as_str()), ("app", "rtmps://ingest.example:443/app"));
    assert_eq!(request.object.get("type").and_then(Value::as_str), Some("nonprivate"));
    assert_eq!(request.capabilities, Capabilities::publisher());
    assert!(request.capabilities.video_support("hvc1").contains(FourCcSupport::CAN_ENCODE));
    let ServerEvent::Publish { stream_name, kind } = &wire.server_events[5] else { panic!("publish") };
    assert_eq!((stream_name.expose(), kind.as_str()), (NAME, "live"));
    let [
        ClientEvent::HandshakeDone,
        ClientEvent::Connected { server },
        ClientEvent::Status { level: Level::Status, .. },
        ClientEvent::StreamCreated,
        ClientEvent::Published { code, .. },
    ] = wire.client_events.as_slice()
    else {
        panic!("{:?}", wire.client_events)
    };
    assert_eq!(server.enhanced, Capabilities::ingest());
    assert_eq!(code, "NetStream.Publish.Start");

    let metadata = StreamMetadata::new(&StreamConfig::default(), Form::Legacy, Form::Legacy, "Genlock 0.1");
    wire.client.send_metadata(&metadata).unwrap();
    wire.client.send_media(MediaKind::Video, 0, &[0x17, 0, 0, 0, 0, 1]).unwrap();
    wire.client.send_media(MediaKind::Audio, u32::MAX, &[]).unwrap();
    wire.client.finish().unwrap();
    assert_eq!(wire.client.stage(), Stage::Ended);
    wire.settle();
    assert_eq!(
        wire.server_events,
        [
            ServerEvent::Metadata { timestamp_ms: 0, value: metadata.to_value() },
            ServerEvent::Media { kind: MediaKind::Video, timestamp_ms: 0, body: vec![0x17, 0, 0, 0, 0, 1] },
            ServerEvent::Media { kind: MediaKind::Audio, timestamp_ms: u32::MAX, body: vec![] },
            ServerEvent::FcUnpublish { stream_name: Secret::new(NAME) },
            ServerEvent::DeleteStream { stream_id: 1 },
        ]
    );
    assert!(!wire.server.is_publishing());
    let refused = wire.client.send_media(MediaKind::Audio, 0, &[]);
    assert_eq!(refused.unwrap_err().fault(), Fault::Caller);
}

#[test]
fn without_enhanced_nothing_is_said_about_it() {
    let config = ClientConfig {
        app: "live".into(),
        tc_url: "rtmp://127.0.0.1/live".into(),
        stream_name: Secret::new("x"),
        flash_ver: "FMLE/3.0".into(),
        enhanced: false,
    };
    let mut wire = Wire::new(vec![100]);
    wire.client = ClientSession::new(config, &[1; RANDOM_BYTES]);
    wire.run(|_, _| false);
    let ServerEvent::Connect(request) = &wire.server_events[1] else { panic!("connect") };
    assert!(!request.capabilities.is_enhanced());
    assert_eq!(wire.client.stage(), Stage::Live, "the server's answer decides nothing");
    assert_eq!(wire.server.request_reconnect(None, "").unwrap_err().fault(), Fault::Caller);
}

#[test]
fn the_stream_key_is_where_it_must_be_and_nowhere_else() {
    let mut wire = Wire::new(vec![50]);
    let mut connect_bytes = Vec::new();
    while wire.client.stage() < Stage::Connect {
        while let Some(bytes) = wire.client.poll_output() {
            wire.server.handle_input(&bytes).unwrap();
        }
        while let Some(bytes) = wire.server.poll_output() {
            wire.client.handle_input(&bytes).unwrap();
        }
    }
    connect_bytes.extend(wire.client.poll_output().unwrap());
    let contains = |bytes: &[u8]| bytes.windows(KEY.len()).filter(|window| *window == KEY.as_bytes()).count();
    assert!(connect_bytes.windows(7).any(|window| window == b"connect"));
    assert_eq!(contains(&connect_bytes), 0);
    let mut wire = Wire::live(vec![50]);
    assert_eq!(contains(&wire.to_server), 3, "releaseStream, FCPublish, publish");
    let status = format!("Your stream {NAME} ({KEY}) is too large.");
    wire.server.kick("NetStream.Publish.Rejected", &status).unwrap();
    let mut shown = format!("{:?}{:?}{:?}", wire.server_events, wire.client_events, client_config());
    wire.settle();
    shown += &format!("{:?}{:?}", wire.server_events, wire.client_events);
    assert!(!shown.contains(KEY), "{shown}");
    assert!(shown.contains("Your stream ••• (•••) is too large."), "{shown}");
}

#[test]
fn refusals_reach_the_client_with_code_and_text() {
    let mut wire = Wire::new(vec![1000]);
    wire.run(|server, event| match event {
        ServerEvent::Connect(_) => {
            server.refuse_connect("NetConnection.Connect.Rejected", "No such application.").unwrap();
            true
        }
        _ => false,
    });
    let refused = ClientEvent::Refused {
        stage: Stage::Connect,
        code: "NetConnection.Connect.Rejected".into(),
        description: "No such application.".into(),
    };
    assert_eq!(wire.client_events.last(), Some(&refused));
    assert_eq!(wire.client.stage(), Stage::Ended);

    let mut wire = Wire::new(vec![1000]);
    wire.run(|server, event| match event {
        ServerEvent::Publish { .. } => {
            server.refuse_publish("NetStream.Publish.BadName", "The stream key is not valid.").unwrap();
            true
        }
        _ => false,
    });
    let refused = ClientEvent::Refused {
        stage: Stage::Publish,
        code: "NetStream.Publish.BadName".into(),
        description: "The stream key is not valid.".into(),
    };
    assert_eq!(wire.client_events.last(), Some(&refused));
    // What a client still sends after that is nobody's business, and no error either.
    wire.server.handle_input(&[0xFF; 100]).unwrap();
    assert_eq!(wire.server.accept_publish().unwrap_err().fault(), Fault::Caller);
}

#[test]
fn a_kick_is_an_error_status_on_the_live_stream() {
    let mut wire = Wire::live(vec![1000]);
    wire.server.kick("NetStream.Publish.Rejected", "Starvation.").unwrap();
    wire.settle();
    let kicked = ClientEvent::Status {
        level: Level::Error,
        code: "NetStream.Publish.Rejected".into(),
        description: "Starvation.".into(),
    };
    assert_eq!(wire.client_events, [kicked]);
}

#[test]
fn pings_are_answered_and_reconnect_requests_heard() {
    let mut wire = Wire::live(vec![5]);
    wire.server.ping(77).unwrap();
    wire.server.request_reconnect(Some("rtmps://other.example/app"), "Maintenance.").unwrap();
    wire.server.request_reconnect(None, "").unwrap();
    wire.settle();
    let request = |tc_url: Option<&str>, description: &str| ClientEvent::ReconnectRequest {
        tc_url: tc_url.map(String::from),
        description: description.into(),
    };
    assert_eq!(
        wire.client_events,
        [
            ClientEvent::PingAnswered,
            request(Some("rtmps://other.example/app"), "Maintenance."),
            request(None, "")
        ]
    );
    assert_eq!(wire.server_events, [ServerEvent::Pong { timestamp_ms: 77 }]);
    assert_eq!(wire.client.stage(), Stage::Live, "the old connection goes on");
}

#[test]
fn every_window_is_acknowledged() {
    let mut wire = Wire::live(vec![60_000]);
    for number in 0..40 {
        wire.client.send_media(MediaKind::Video, number, &[0; 50_000]).unwrap();
        wire.settle();
    }
    let acknowledged = wire.client.acknowledged_bytes();
    assert_eq!(wire.client.sent_bytes(), wire.server.received_bytes());
    // The client asks for one in 625,000 bytes.
    assert!(acknowledged > wire.client.sent_bytes() - 625_000 - 60_000, "{acknowledged}");
    assert_eq!(wire.server.sent_bytes(), wire.client.received_bytes());
}

#[test]
fn the_client_announces_its_chunk_size_before_it_uses_it() {
    let wire = Wire::live(vec![4096]);
    let mut decoder = ChunkDecoder::new(Limits::default());
    decoder.push(&wire.to_server[1 + 2 * 1536..]);
    while decoder.next_message().unwrap().is_some() {}
    assert_eq!(decoder.chunk_bytes(), 4096);
}

proptest! {
    #[test]
    fn any_split_in_both_directions_tells_the_same(
        pieces in proptest::collection::vec(1usize..3000, 1..10),
        media in proptest::collection::vec((any::<bool>(), any::<u32>(), 0usize..9000, any::<u8>()), 0..12),
    ) {
        let mut wire = Wire::live(pieces);
        prop_assert_eq!(
            kinds(&wire.server_events),
            ["handshake", "connect", "releaseStream", "FCPublish", "createStream", "publish"]
        );
        wire.server_events.clear();
        let mut expected = Vec::new();
        for (is_video, timestamp_ms, size, fill) in media {
            let kind = if is_video { MediaKind::Video } else { MediaKind::Audio };
            let body = vec![fill; size];
            wire.client.send_media(kind, timestamp_ms, &body).unwrap();
            expected.push(ServerEvent::Media { kind, timestamp_ms, body });
        }
        wire.run(|_, _| false);
        prop_assert_eq!(&wire.server_events, &expected);
    }

    #[test]
    fn no_change_of_any_byte_panics(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        piece in 1usize..2000,
    ) {
        let mut wire = Wire::live(vec![4096]);
        wire.client.send_media(MediaKind::Video, 40, &[7; 300]).unwrap();
        wire.client.finish().unwrap();
        wire.settle();
        let mut bytes = wire.to_server.clone();
        // The handshake is random anyway.
        let start = 1 + 2 * 1536;
        for (at, flip) in flips {
            let at = start + at.index(bytes.len() - start);
            bytes[at] ^= flip;
        }
        let mut server = server();
        for piece in bytes.chunks(piece) {
            if server.handle_input(piece).is_err() {
                break;
            }
            while let Some(event) = server.poll_event() {
                let answer = match event {
                    ServerEvent::Connect(_) => server.accept_connect(),
                    ServerEvent::Publish { .. } => server.accept_publish(),
                    _ => Ok(()),
                };
                if answer.is_err() {
                    return Ok(());
                }
            }
        }
    }
}
