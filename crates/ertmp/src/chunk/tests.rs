use super::*;
use crate::error::{Error, Fault};
use proptest::prelude::*;
use std::vec;

fn message(chunk_stream: u32, timestamp_ms: u32, payload: Vec<u8>) -> Message {
    Message { chunk_stream, timestamp_ms, type_id: 9, stream_id: 1, payload }
}

fn encoded(messages: &[Message]) -> Vec<u8> {
    let mut encoder = ChunkEncoder::new();
    let mut bytes = Vec::new();
    for message in messages {
        encoder.encode(message, &mut bytes).unwrap();
    }
    bytes
}

fn decoded(bytes: &[u8]) -> Result<Vec<Message>, Error> {
    let mut decoder = ChunkDecoder::new(Limits::default());
    decoder.push(bytes);
    drain(&mut decoder)
}

fn drain(decoder: &mut ChunkDecoder) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::new();
    while let Some(message) = decoder.next_message()? {
        messages.push(message);
    }
    Ok(messages)
}

#[test]
fn the_first_example_of_the_specification() {
    // RTMP 1.0, 5.3.2.1: four audio messages of 32 bytes, 20 ms apart, on chunk stream 3 and message stream 12345.
    let audio = |timestamp_ms| Message {
        chunk_stream: 3,
        timestamp_ms,
        type_id: 8,
        stream_id: 12345,
        payload: vec![0xAB; 32],
    };
    let messages = [audio(1000), audio(1020), audio(1040), audio(1060)];
    let bytes = encoded(&messages);
    let payload = [0xAB; 32];
    let expected = [
        b"\x03\x00\x03\xE8\x00\x00\x20\x08\x39\x30\x00\x00".as_slice(),
        &payload,
        b"\x83\x00\x00\x14",
        &payload,
        b"\xC3",
        &payload,
        b"\xC3",
        &payload,
    ]
    .concat();
    assert_eq!(bytes, expected);
    assert_eq!(decoded(&bytes), Ok(messages.to_vec()));
}

#[test]
fn the_second_example_of_the_specification() {
    // RTMP 1.0, 5.3.2.2: a video message of 307 bytes is cut into 128, 128 and 51.
    let video = Message {
        chunk_stream: 4,
        timestamp_ms: 1000,
        type_id: 9,
        stream_id: 12346,
        payload: vec![0xCD; 307],
    };
    let bytes = encoded(core::slice::from_ref(&video));
    assert_eq!(bytes.len(), 140 + 129 + 52);
    assert_eq!(bytes[..12], *b"\x04\x00\x03\xE8\x00\x01\x33\x09\x3A\x30\x00\x00");
    assert_eq!((bytes[140], bytes[269]), (0xC4, 0xC4));
    assert_eq!(decoded(&bytes), Ok(vec![video]));
}

#[test]
fn chunk_streams_have_one_two_and_three_byte_forms() {
    for (chunk_stream, header) in [
        (2, [0x02].as_slice()),
        (63, &[0x3F]),
        (64, &[0x00, 0x00]),
        (319, &[0x00, 0xFF]),
        (320, &[0x01, 0x00, 0x01]),
        (65_599, &[0x01, 0xFF, 0xFF]),
    ] {
        let message = message(chunk_stream, 5, vec![1, 2, 3]);
        let bytes = encoded(core::slice::from_ref(&message));
        assert_eq!(&bytes[..header.len()], header);
        assert_eq!(decoded(&bytes), Ok(vec![message]));
    }
    let mut encoder = ChunkEncoder::new();
    for wrong in [0, 1, 65_600] {
        assert_eq!(
            encoder.encode(&message(wrong, 0, vec![]), &mut vec![]).unwrap_err().fault(),
            Fault::Caller
        );
    }
}

#[test]
fn the_three_byte_form_may_name_small_chunk_streams() {
    let bytes = b"\x01\x00\x00\x00\x00\x05\x00\x00\x01\x09\x01\x00\x00\x00\x77";
    assert_eq!(decoded(bytes), Ok(vec![message(64, 5, vec![0x77])]));
}

#[test]
fn extended_timestamps_are_repeated_in_every_chunk() {
    let late = message(6, 0x0100_0000, vec![9; 300]);
    let bytes = encoded(core::slice::from_ref(&late));
    assert_eq!(bytes[..16], *b"\x06\xFF\xFF\xFF\x00\x01\x2C\x09\x01\x00\x00\x00\x01\x00\x00\x00");
    assert_eq!(bytes[144..149], *b"\xC6\x01\x00\x00\x00");
    assert_eq!(decoded(&bytes), Ok(vec![late.clone()]));
    // The message after it has a small delta and no extended timestamp any more.
    let next = message(6, 0x0100_0021, vec![9; 300]);
    let both = encoded(&[late.clone(), next.clone()]);
    assert_eq!(both[bytes.len()..][..4], *b"\x86\x00\x00\x21");
    assert_eq!(decoded(&both), Ok(vec![late, next]));
    let edge = message(6, EXTENDED_TIMESTAMP, vec![]);
    assert_eq!(decoded(&encoded(core::slice::from_ref(&edge))), Ok(vec![edge]));
}

#[test]
fn an_extended_delta_is_understood_although_never_written() {
    let bytes =
        b"\x04\x00\x00\x0A\x00\x00\x01\x09\x01\x00\x00\x00\x61\x84\xFF\xFF\xFF\x01\x00\x00\x00\x62\xC4\x01\x00\x00\x00\x63";
    let expected = [(10, b'a'), (0x0100_000A, b'b'), (0x0200_000A, b'c')];
    assert_eq!(decoded(bytes), Ok(expected.map(|(time, byte)| message(4, time, vec![byte])).to_vec()));
}

#[test]
fn timestamps_wrap_and_go_backwards() {
    let times = [0xFFFF_FFF0, 0xFFFF_FFFF, 5, 3, 0x8000_0000, 0x8000_0001, 0];
    let messages = times.map(|time| message(6, time, vec![1])).to_vec();
    assert_eq!(decoded(&encoded(&messages)), Ok(messages));
}

#[test]
fn a_short_header_after_an_absolute_one_repeats_the_timestamp_as_delta() {
    // RTMP 1.0, 5.3.1.2.4.
    let bytes = b"\x04\x00\x00\x28\x00\x00\x01\x09\x01\x00\x00\x00\x61\xC4\x62";
    assert_eq!(decoded(bytes), Ok(vec![message(4, 40, vec![b'a']), message(4, 80, vec![b'b'])]));
    // And because peers disagree, we do not write it.
    let ours = encoded(&[message(4, 40, vec![b'a']), message(4, 80, vec![b'b'])]);
    assert_eq!(ours[13], 0x84);
}

#[test]
fn chunk_streams_interleave() {
    // A message of 200 bytes on chunk stream 6, with a whole one on chunk stream 4 between its chunks.
    let video = message(6, 40, (0..200).collect());
    let audio = message(4, 41, vec![0xAF; 10]);
    let mut encoder = ChunkEncoder::new();
    let mut bytes = Vec::new();
    encoder.encode(&video, &mut bytes).unwrap();
    let mut between = Vec::new();
    encoder.encode(&audio, &mut between).unwrap();
    bytes.splice(12 + 128..12 + 128, between);
    assert_eq!(decoded(&bytes), Ok(vec![audio, video]));
}

#[test]
fn abort_drops_the_unfinished_message_only() {
    let video = message(6, 40, vec![1; 200]);
    let mut bytes = encoded(core::slice::from_ref(&video));
    bytes.truncate(12 + 128);
    bytes.extend_from_slice(b"\x02\x00\x00\x00\x00\x00\x04\x02\x00\x00\x00\x00\x00\x00\x00\x06");
    bytes.extend_from_slice(&encoded(core::slice::from_ref(&video)));
    assert_eq!(decoded(&bytes), Ok(vec![video]));
}

#[test]
fn the_chunk_size_changes_where_it_is_announced() {
    let mut encoder = ChunkEncoder::new();
    let mut bytes = Vec::new();
    let messages: Vec<_> = [1, 7, 4096, 0xFF_FFFF].map(|size| message(6, size, vec![3; 5000])).to_vec();
    for message in &messages {
        encoder.set_chunk_bytes(message.timestamp_ms, &mut bytes).unwrap();
        encoder.encode(message, &mut bytes).unwrap();
    }
    assert_eq!(decoded(&bytes), Ok(messages));
    assert!(encoder.set_chunk_bytes(0, &mut bytes).is_err());
    let set = |size: u32| [b"\x02\0\0\0\0\0\x04\x01\0\0\0\0".as_slice(), &size.to_be_bytes()].concat();
    assert_eq!(decoded(&set(0)).unwrap_err().fault(), Fault::Bytes);
    assert_eq!(decoded(&set(0x8000_0000)).unwrap_err().fault(), Fault::Bytes);
    assert_eq!(decoded(&set(0x7FFF_FFFF)), Ok(vec![]));
}

#[test]
fn a_fresh_chunk_stream_needs_a_message_header() {
    assert_eq!(decoded(&[0xC5]).unwrap_err().fault(), Fault::Bytes);
    assert_eq!(decoded(&[0x85, 0, 0, 0]).unwrap_err().fault(), Fault::Bytes);
    // Type 1 tells enough: it is what librtmp answers its first ping with.
    let pong = b"\x42\x00\x00\x00\x00\x00\x06\x04\x00\x07\x00\x00\x00\x01";
    assert_eq!(decoded(pong).unwrap()[0].payload, [0, 7, 0, 0, 0, 1]);
}

#[test]
fn a_message_may_not_start_within_another() {
    let mut bytes = encoded(&[message(6, 40, vec![1; 200])]);
    bytes.truncate(12 + 128);
    bytes.extend_from_slice(b"\x86\x00\x00\x21");
    assert_eq!(decoded(&bytes).unwrap_err().fault(), Fault::Bytes);
}

#[test]
fn memory_is_bounded() {
    let limits = Limits { message_bytes: 1000, chunk_streams: 8 };
    let mut decoder = ChunkDecoder::new(limits);
    decoder.push(&encoded(&[message(6, 0, vec![0; 1001])]));
    assert_eq!(decoder.next_message().unwrap_err().fault(), Fault::Resource);
    let mut decoder = ChunkDecoder::new(limits);
    decoder.push(&encoded(&(2..12).map(|id| message(id, 0, vec![])).collect::<Vec<_>>()));
    assert_eq!(drain(&mut decoder), Err(Error::TooLarge { what: "chunk streams", limit: 8 }));
    // Unfinished messages on all chunk streams together.
    let mut decoder = ChunkDecoder::new(Limits { message_bytes: 200, chunk_streams: 64 });
    for id in 2..10 {
        let unfinished = encoded(&[message(id, 0, vec![0; 200])]);
        decoder.push(&unfinished[..12 + 128]);
    }
    assert_eq!(drain(&mut decoder), Err(Error::TooLarge { what: "unfinished messages", limit: 400 }));
}

#[test]
fn debug_does_not_show_payloads() {
    let text = std::format!("{:?}", message(3, 0, b"sk_secret".to_vec()));
    assert!(!text.contains("sk_") && !text.contains("115"), "{text}");
}

fn any_message() -> impl Strategy<Value = Message> {
    let id = prop_oneof![4 => 2u32..8, 1 => CHUNK_STREAM_IDS];
    let time = prop_oneof![0u32..5000, 0xFF_FF00u32..0x100_0100, any::<u32>()];
    let length = prop_oneof![3 => 0usize..40, 1 => 0usize..1000];
    (id, time, length, 3u8..23, 0u32..3, any::<u8>()).prop_map(
        |(chunk_stream, timestamp_ms, length, type_id, stream_id, fill)| Message {
            chunk_stream,
            timestamp_ms,
            type_id,
            stream_id,
            payload: vec![fill; length],
        },
    )
}

proptest! {
    #[test]
    fn any_split_of_any_messages_decodes_to_the_same(
        messages in proptest::collection::vec((any_message(), proptest::option::weighted(0.1, 1u32..300)), 0..40),
        cuts in proptest::collection::vec(1usize..200, 1..20),
    ) {
        let mut encoder = ChunkEncoder::new();
        let mut bytes = Vec::new();
        for (message, chunk_bytes) in &messages {
            if let Some(chunk_bytes) = chunk_bytes {
                encoder.set_chunk_bytes(*chunk_bytes, &mut bytes).unwrap();
            }
            encoder.encode(message, &mut bytes).unwrap();
        }
        let mut decoder = ChunkDecoder::new(Limits::default());
        let mut decoded = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at((*cut).min(rest.len()));
            rest = later;
            decoder.push(piece);
            decoded.extend(drain(&mut decoder).unwrap());
        }
        let messages: Vec<_> = messages.into_iter().map(|(message, _)| message).collect();
        prop_assert_eq!(decoded, messages);
        prop_assert_eq!(decoder.unread_bytes(), 0);
    }

    #[test]
    fn truncations_give_the_messages_before_them(
        messages in proptest::collection::vec(any_message(), 1..10),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = encoded(&messages);
        let decoded = decoded(&bytes[..cut.index(bytes.len())]).unwrap();
        prop_assert!(decoded.len() < messages.len() || messages.last().is_some_and(|last| last.payload.is_empty()));
        prop_assert_eq!(&decoded[..], &messages[..decoded.len()]);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decoded(&bytes);
    }
}
