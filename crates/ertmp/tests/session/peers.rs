//! Each half against bytes that the other would not send.

use ertmp::amf0::{self, Value};
use ertmp::chunk::{ChunkEncoder, Message};
use ertmp::{
    ClientConfig, ClientEvent, ClientSession, Error, Fault, Level, RANDOM_BYTES, ServerEvent, ServerSession,
    Stage,
};
use proptest::prelude::*;
use units::Secret;

use crate::wire::{KEY, client, client_config, kinds, server};

/// Bytes of a server that was not written here, after its handshake.
fn foreign_server(messages: &[(u32, &str, f64, &[Value])]) -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.resize(1 + 2 * 1536, 0);
    let mut encoder = ChunkEncoder::new();
    for (stream_id, name, transaction, values) in messages {
        let mut payload = Vec::new();
        amf0::encode(&Value::from(*name), &mut payload).unwrap();
        amf0::encode(&Value::from(*transaction), &mut payload).unwrap();
        for value in *values {
            amf0::encode(value, &mut payload).unwrap();
        }
        let message =
            Message { chunk_stream: 3, timestamp_ms: 0, type_id: 20, stream_id: *stream_id, payload };
        encoder.encode(&message, &mut bytes).unwrap();
    }
    bytes
}

fn info(level: &str, code: &str) -> Value {
    Value::object([("level", level.into()), ("code", code.into())])
}

fn events_of(messages: &[(u32, &str, f64, &[Value])]) -> (Vec<ClientEvent>, Result<(), Error>) {
    let mut client = client();
    let result = client.handle_input(&foreign_server(messages));
    (std::iter::from_fn(|| client.poll_event()).collect(), result)
}

#[test]
fn servers_of_all_sorts_are_understood() {
    let null = &[Value::Null][..];
    let (events, result) = events_of(&[
        (0, "onBWDone", 0.0, null),
        (0, "_result", 1.0, &[Value::Null, info("status", "NetConnection.Connect.Success")]),
        (0, "_error", 2.0, &[Value::Null, info("error", "NetConnection.Call.Failed")]),
        (0, "_error", 3.0, null),
        (0, "_result", 4.0, &[Value::Null, Value::from(1.0)]),
        (1, "onStatus", 5.0, &[Value::Null, info("status", "NetStream.Publish.Start")]),
        (1, "onStatus", 0.0, &[]),
        (0, "close", 0.0, &[]),
    ]);
    assert_eq!(result, Ok(()));
    assert_eq!(events[0], ClientEvent::HandshakeDone);
    assert!(matches!(&events[1], ClientEvent::Connected { server } if !server.enhanced.is_enhanced()));
    assert_eq!(events[2], ClientEvent::StreamCreated);
    assert!(matches!(&events[3], ClientEvent::Published { .. }));
    assert!(matches!(&events[4], ClientEvent::Status { level: Level::Status, code, .. } if code.is_empty()));
    assert_eq!(events[5..], [ClientEvent::Closed]);
}

#[test]
fn the_bare_on_fc_publish_of_ffmpeg_is_understood() {
    let mut bytes = foreign_server(&[(0, "_result", 1.0, &[Value::Null])]);
    let payload = b"\x02\x00\x0BonFCPublish".to_vec();
    let message = Message { chunk_stream: 5, timestamp_ms: 0, type_id: 20, stream_id: 0, payload };
    ChunkEncoder::new().encode(&message, &mut bytes).unwrap();
    let mut client = client();
    assert_eq!(client.handle_input(&bytes), Ok(()));
    let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
    assert!(matches!(events[..], [ClientEvent::HandshakeDone, ClientEvent::Connected { .. }]));
}

#[test]
fn a_name_that_is_a_word_leaves_codes_and_texts_alone() {
    for name in ["Start", "NetStream"] {
        let config = ClientConfig { stream_name: Secret::new(name), ..client_config() };
        let mut client = ClientSession::new(config, &[1; RANDOM_BYTES]);
        let messages: [(u32, &str, f64, &[Value]); 3] = [
            (0, "_result", 1.0, &[Value::Null]),
            (0, "_result", 4.0, &[Value::Null, Value::Number(1.0)]),
            (1, "onStatus", 0.0, &[Value::Null, info("status", "NetStream.Publish.Start")]),
        ];
        client.handle_input(&foreign_server(&messages)).unwrap();
        assert_eq!(client.stage(), Stage::Live);
    }
}

#[test]
fn every_stage_can_be_refused() {
    let connected: (u32, &str, f64, &[Value]) = (0, "_result", 1.0, &[Value::Null, Value::Null]);
    let created: (u32, &str, f64, &[Value]) = (0, "_result", 4.0, &[Value::Null, Value::Number(1.0)]);
    let error = [Value::Null, info("error", "Some.Code")];
    for (messages, stage) in [
        (vec![(0, "_error", 1.0, &error[..])], Stage::Connect),
        (vec![(0, "onStatus", 0.0, &error[..])], Stage::Connect),
        (vec![connected, (0, "_error", 4.0, &error[..])], Stage::CreateStream),
        (vec![connected, created, (1, "_error", 5.0, &error[..])], Stage::Publish),
        (vec![connected, created, (1, "onStatus", 0.0, &error[..])], Stage::Publish),
    ] {
        let (events, result) = events_of(&messages);
        assert_eq!(result, Ok(()));
        let refused = ClientEvent::Refused { stage, code: "Some.Code".into(), description: String::new() };
        assert_eq!(events.last(), Some(&refused));
    }
}

#[test]
fn a_server_that_breaks_the_protocol_is_an_error() {
    let connected: (u32, &str, f64, &[Value]) = (0, "_result", 1.0, &[Value::Null, Value::Null]);
    for number in [0.0, -1.0, f64::NAN, 1e20] {
        let (_, result) = events_of(&[connected, (0, "_result", 4.0, &[Value::Null, Value::Number(number)])]);
        assert_eq!(result.unwrap_err().fault(), Fault::Bytes, "message stream {number}");
    }
    let mut client = client();
    assert_eq!(client.handle_input(b"HTTP/1.1 403"), Err(Error::NotRtmp { version: b'H' }));
}

#[test]
fn finishing_early_says_no_more_than_is_needed() {
    let mut early = client();
    early.finish().unwrap();
    early.poll_output();
    early.handle_input(&foreign_server(&[])).unwrap();
    assert_eq!(early.poll_output().map(|bytes| bytes.len()), Some(1536), "C2 and no connect");
    let mut created = client();
    created.handle_input(&foreign_server(&[(0, "_result", 1.0, &[Value::Null])])).unwrap();
    created.poll_output();
    created.finish().unwrap();
    let bytes = created.poll_output().unwrap();
    assert!(bytes.windows(11).any(|window| window == b"FCUnpublish"));
    assert!(!bytes.windows(12).any(|window| window == b"deleteStream"));
    created.finish().unwrap();
    assert_eq!(created.poll_output(), None, "once is enough");
}

/// What a client sends that does not wait for any answer.
fn impatient_client(stream_id: u32, with_media: bool) -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.resize(1 + 2 * 1536, 0);
    let mut encoder = ChunkEncoder::new();
    let mut command = |stream_id: u32, values: &[Value]| {
        let mut payload = Vec::new();
        for value in values {
            amf0::encode(value, &mut payload).unwrap();
        }
        let message = Message { chunk_stream: 3, timestamp_ms: 0, type_id: 20, stream_id, payload };
        encoder.encode(&message, &mut bytes).unwrap();
    };
    command(0, &["connect".into(), 1.0.into(), Value::object([("app", "live".into())])]);
    command(0, &["createStream".into(), 2.0.into(), Value::Null]);
    command(stream_id, &["publish".into(), 3.0.into(), Value::Null, KEY.into()]);
    if with_media {
        let message = Message {
            chunk_stream: 4,
            timestamp_ms: 0,
            type_id: 9,
            stream_id,
            payload: vec![0x17, 2, 0, 0, 0],
        };
        encoder.encode(&message, &mut bytes).unwrap();
    }
    bytes
}

#[test]
fn nothing_is_read_past_a_verdict_that_is_pending() {
    let mut server = server();
    server.handle_input(&impatient_client(1, true)).unwrap();
    let poll =
        |server: &mut ServerSession| kinds(&std::iter::from_fn(|| server.poll_event()).collect::<Vec<_>>());
    assert_eq!(poll(&mut server), ["handshake", "connect"]);
    assert_eq!(server.accept_publish().unwrap_err().fault(), Fault::Caller);
    server.accept_connect().unwrap();
    assert_eq!(poll(&mut server), ["createStream", "publish"]);
    assert_eq!(server.accept_connect().unwrap_err().fault(), Fault::Caller);
    server.accept_publish().unwrap();
    assert_eq!(poll(&mut server), ["media"]);
    // And the memory for what waits is bounded.
    let mut server = self::server();
    server.handle_input(&impatient_client(1, false)).unwrap();
    let result = (0..100).try_for_each(|_| server.handle_input(&[0; 100_000]));
    assert_eq!(result.unwrap_err().fault(), Fault::Resource);
}

#[test]
fn a_client_that_breaks_the_protocol_is_an_error() {
    let after_accepts = |bytes: &[u8]| {
        let mut server = server();
        let mut result = server.handle_input(bytes);
        while let (Ok(()), Some(event)) = (&result, server.poll_event()) {
            result = match event {
                ServerEvent::Connect(_) => server.accept_connect(),
                ServerEvent::Publish { .. } => server.accept_publish(),
                _ => continue,
            };
        }
        result
    };
    assert_eq!(after_accepts(&impatient_client(1, true)), Ok(()));
    assert_eq!(
        after_accepts(&impatient_client(2, false)).unwrap_err().fault(),
        Fault::Peer,
        "no such stream"
    );
    let hello = vec![3; 1 + 2 * 1536];
    let message = |type_id: u8, payload: &[u8]| {
        let mut bytes = hello.clone();
        let message =
            Message { chunk_stream: 3, timestamp_ms: 0, type_id, stream_id: 0, payload: payload.to_vec() };
        ChunkEncoder::new().encode(&message, &mut bytes).unwrap();
        after_accepts(&bytes).unwrap_err().fault()
    };
    assert_eq!(message(9, &[0x17]), Fault::Peer, "media before publish");
    assert_eq!(
        message(20, b"\x02\x00\x07publish\x00\0\0\0\0\0\0\0\0"),
        Fault::Peer,
        "publish before connect"
    );
    assert_eq!(
        message(20, b"\x02\x00\x07connect\x00\0\0\0\0\0\0\0\0\x05"),
        Fault::Bytes,
        "no command object"
    );
    assert_eq!(message(20, b"\x05"), Fault::Bytes, "no name");
    assert_eq!(message(20, b"\x02\x00\x07connect\x05"), Fault::Bytes, "no transaction id");
    assert_eq!(message(17, b"\x03"), Fault::Compatibility, "AMF3");
    assert_eq!(message(22, &[]), Fault::Compatibility, "aggregate");
    assert_eq!(message(5, &[0, 0, 0, 0]), Fault::Bytes, "a window of nothing");
    assert_eq!(message(4, &[0]), Fault::Bytes, "half a user control event");
}

proptest! {
    #[test]
    fn no_bytes_after_the_handshake_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut input = vec![3; 1 + 2 * 1536];
        input.extend(bytes);
        let _ = client().handle_input(&input);
        let _ = server().handle_input(&input);
    }
}
