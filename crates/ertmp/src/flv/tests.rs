use alloc::vec::Vec;

use proptest::prelude::*;
use std::vec;
use units::TrackId;

use super::arbitrary::{audio_tag, video_tag};
use super::*;
use crate::error::Fault;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(|byte| !b" |\n".contains(byte)).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn enhanced(frame_type: FrameType, mod_ex: Vec<ModEx<'_>>, tracks: Tracks<VideoPacket<'_>>, bytes: &[u8]) {
    let body = ExVideoBody::Tracks(tracks);
    let tag = VideoTag::Enhanced(ExVideoTag { frame_type, mod_ex, body });
    assert_eq!(tag.encode().unwrap(), bytes);
    assert_eq!(VideoTag::decode(bytes), Ok(tag));
}

#[test]
fn example_a_one_track_sequence_start() {
    let record =
        hex("01 42 c0 0d ff e1 00 17 67 42 c0 0d da 05 06 7e 7c 04 40 00 00 03 00 40 00 00 07 83 c5 0a a8
         01 00 04 68 ce 3c 80");
    let bytes = [hex("96 00 61 76 63 31 01"), record.clone()].concat();
    assert_eq!(bytes.len(), 45);
    let packet = VideoPacket::SequenceStart(&record);
    enhanced(FrameType::Key, vec![], Tracks::One { four_cc: FourCc::AVC, track: TrackId(1), packet }, &bytes);
}

#[test]
fn example_b_single_track_inter_frames() {
    let nal = hex("00 00 00 05 02 01 D0 19 5E");
    let bytes = [hex("A1 68 76 63 31 00 00 21"), nal.clone()].concat();
    let packet = VideoPacket::CodedFrames { composition_offset_ms: 33, data: &nal };
    enhanced(FrameType::Inter, vec![], Tracks::Single { four_cc: FourCc::HEVC, packet }, &bytes);
    let bytes = [hex("A3 68 76 63 31"), nal.clone()].concat();
    let packet = VideoPacket::CodedFramesX(&nal);
    enhanced(FrameType::Inter, vec![], Tracks::Single { four_cc: FourCc::HEVC, packet }, &bytes);
}

#[test]
fn example_c_mod_ex_and_many_tracks() {
    let bytes = hex("97 | 02 01 E2 40 06 | 11 61 76 63 31 | 00 00 00 0B 00 00 00 00 00 00 04 65 88 84 00
         | 01 00 00 0B 00 00 00 00 00 00 04 65 88 84 21");
    let packet = |data| VideoPacket::CodedFrames { composition_offset_ms: 0, data };
    let packets = vec![
        (TrackId(0), packet(&[0, 0, 0, 4, 0x65, 0x88, 0x84, 0x00])),
        (TrackId(1), packet(&[0, 0, 0, 4, 0x65, 0x88, 0x84, 0x21])),
    ];
    enhanced(
        FrameType::Key,
        vec![ModEx::TimestampOffsetNanos(123_456)],
        Tracks::Many { four_cc: FourCc::AVC, packets },
        &bytes,
    );
}

#[test]
fn legacy_tags_have_their_golden_bytes() {
    let record = hex("01 42 c0 0d");
    let decode = |bytes: &[u8]| VideoTag::decode(bytes).unwrap().encode().unwrap();
    let tag = VideoTag::Legacy(LegacyVideoTag {
        frame_type: FrameType::Key,
        body: LegacyVideoBody::AvcSequenceHeader(&record),
    });
    assert_eq!(tag.encode().unwrap(), hex("17 00 000000 01 42 c0 0d"));
    let data = [0, 0, 0, 1, 0x41];
    let body = LegacyVideoBody::AvcNalUnits { composition_offset_ms: -2, data: &data };
    let tag = VideoTag::Legacy(LegacyVideoTag { frame_type: FrameType::Inter, body });
    assert_eq!(tag.encode().unwrap(), hex("27 01 FFFFFE 00000001 41"));
    assert_eq!(decode(&hex("17 02 000000")), hex("17 02 000000"));
    assert_eq!(AudioTag::legacy_aac(LegacyAudioBody::AacRaw(&[0x21])).encode().unwrap(), hex("AF 01 21"));
    let config = [0x11, 0x90];
    let tag = AudioTag::legacy_aac(LegacyAudioBody::AacSequenceHeader(&config));
    assert_eq!(tag.encode().unwrap(), hex("AF 00 11 90"));
}

#[test]
fn extra_sound_tracks_have_the_bytes_that_ffmpeg_writes() {
    let packet = AudioPacket::CodedFrames(&[0x21, 0x1B]);
    let body = Tracks::One { four_cc: FourCc::AAC, track: TrackId(1), packet };
    let tag = AudioTag::Enhanced(ExAudioTag { mod_ex: vec![], body });
    assert_eq!(tag.encode().unwrap(), hex("95 01 6D 70 34 61 01 21 1B"));
}

#[test]
fn metadata_frames_have_no_frame_type() {
    for bytes in [hex("84 68 76 63 31 05"), hex("86 04 68 76 63 31 02 05"), hex("D4 68 76 63 31 05")] {
        let tag = VideoTag::decode(&bytes).unwrap();
        assert!(matches!(&tag, VideoTag::Enhanced(ExVideoTag { body: ExVideoBody::Tracks(tracks), .. })
            if matches!(tracks.iter().next(), Some((_, FourCc::HEVC, VideoPacket::Metadata([5]))))));
        assert_eq!(tag.encode().unwrap(), bytes);
    }
}

#[test]
fn what_breaks_the_grammar_is_refused() {
    for video in [
        "",                                     // nothing
        "17",                                   // no AVC packet type
        "17 01 00 00",                          // half an offset
        "17 03 00 00 00",                       // unknown AVC packet type
        "17 02 00 00 00 01",                    // bytes behind the end
        "90 61 76 63",                          // half a FourCC
        "91 61 76 63 31 00",                    // half an offset
        "92 61 76 63 31 00",                    // bytes behind the end
        "93 61 76 30 31 00",                    // CodedFramesX of AV1
        "98 61 76 63 31",                       // reserved packet type
        "96 06 61 76 63 31 00",                 // multitrack within multitrack
        "96 31 61 76 63 31 00",                 // unknown multitrack type
        "96 11 61 76 63 31",                    // no track
        "96 11 61 76 63 31 00 00 00 04 00 00",  // a track that ends early
        "96 21 61 76 63 31 00 00 00 00",        // no composition offset in the track
        "97 01 00 00 01 61 76 63 31",           // a nanosecond offset of two bytes
        "97 02 0F 42 40 01 61 76 63 31 000000", // 1,000,000 ns
        "97 FF FF FF 00",                       // a ModEx that ends early
        "D0",                                   // a command without its byte
        "D0 00 00",                             // bytes behind it
    ] {
        assert_eq!(VideoTag::decode(&hex(video)).unwrap_err().fault(), Fault::Bytes, "{video}");
    }
    for audio in [
        "AF",                         // no AAC packet type
        "AF 02",                      // unknown AAC packet type
        "91 6D 70 34",                // half a FourCC
        "92 6D 70 34 61 00",          // bytes behind the end
        "93 6D 70 34 61",             // reserved packet type
        "94 6D 70 34 61 03 02",       // unknown channel order
        "94 6D 70 34 61 01 02 00 00", // half a mask
        "94 6D 70 34 61 02 03 00 01", // too few positions
        "94 6D 70 34 61 00 02 00",    // bytes behind the end
        "95 05 6D 70 34 61 01",       // multitrack within multitrack
        "95 00 6D 70 34 61",          // no track
    ] {
        assert_eq!(AudioTag::decode(&hex(audio)).unwrap_err().fault(), Fault::Bytes, "{audio}");
    }
}

#[test]
fn what_has_no_form_on_the_wire_is_refused() {
    let video =
        |frame_type, body| VideoTag::Enhanced(ExVideoTag { frame_type, mod_ex: vec![], body }).encode();
    let single = |four_cc, packet| ExVideoBody::Tracks(Tracks::Single { four_cc, packet });
    let mixed = vec![(TrackId(0), VideoPacket::SequenceEnd), (TrackId(1), VideoPacket::SequenceStart(&[]))];
    for (frame_type, body) in [
        (FrameType::Key, ExVideoBody::Command(VideoCommand::END_SEEK)),
        (FrameType::Command, single(FourCc::AVC, VideoPacket::SequenceEnd)),
        (FrameType::Key, single(FourCc::AV1, VideoPacket::CodedFramesX(&[]))),
        (
            FrameType::Key,
            single(FourCc::AV1, VideoPacket::CodedFrames { composition_offset_ms: 1, data: &[] }),
        ),
        (
            FrameType::Key,
            single(FourCc::AVC, VideoPacket::CodedFrames { composition_offset_ms: 1 << 23, data: &[] }),
        ),
        (FrameType::Key, ExVideoBody::Tracks(Tracks::ManyCodecs { packets: vec![] })),
        (FrameType::Key, ExVideoBody::Tracks(Tracks::Many { four_cc: FourCc::AVC, packets: mixed })),
    ] {
        assert_eq!(video(frame_type, body).unwrap_err().fault(), Fault::Caller);
    }
    for mod_ex in [
        ModEx::TimestampOffsetNanos(1_000_000),
        ModEx::Other { kind: 0, data: &[1] },
        ModEx::Other { kind: 16, data: &[1] },
        ModEx::Other { kind: 1, data: &[] },
        ModEx::Other { kind: 1, data: &[0; 65_537] },
    ] {
        let body = single(FourCc::AVC, VideoPacket::SequenceEnd);
        let tag = ExVideoTag { frame_type: FrameType::Key, mod_ex: vec![mod_ex], body };
        assert_eq!(VideoTag::Enhanced(tag).encode().unwrap_err().fault(), Fault::Caller);
    }
    let sound = LegacyAudioTag { flags: 0, body: LegacyAudioBody::Other { format: 9, data: &[] } };
    assert_eq!(AudioTag::Legacy(sound).encode().unwrap_err().fault(), Fault::Caller);
}

fn read_all(bytes: &[u8], piece: usize) -> Result<Vec<Item>, crate::Error> {
    let mut reader = Reader::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.push(piece);
        while let Some(item) = reader.next_item()? {
            items.push(item);
        }
    }
    assert!(reader.is_at_boundary() || reader.unread_bytes() > 0 || items.is_empty());
    Ok(items)
}

#[test]
fn a_file_has_its_golden_bytes() {
    assert_eq!(file_header(true, true).to_vec(), hex("46 4C 56 01 05 00 00 00 09 00 00 00 00"));
    let tag = file_tag(TagKind::Video, 0x0102_0304, &[0x17, 2, 0, 0, 0]).unwrap();
    assert_eq!(tag, hex("09 000005 020304 01 000000 17 02 000000 00000010"));
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let header = file_header(true, true);
    let refused = |bytes: &[u8]| read_all(bytes, 1).unwrap_err().fault();
    assert_eq!(refused(b"FL0"), Fault::Bytes);
    assert_eq!(refused(b"FLV\x02\x05\0\0\0\x09"), Fault::Bytes, "version 2");
    assert_eq!(refused(b"FLV\x01\x05\0\0\0\x08"), Fault::Bytes, "a header of 8 bytes");
    assert_eq!(refused(b"FLV\x01\x05\x7F\0\0\0"), Fault::Bytes, "a header of 2 GB");
    assert_eq!(refused(&[&header[..9], &[0, 0, 0, 1]].concat()), Fault::Bytes, "PreviousTagSize0");
    assert_eq!(refused(&[header.as_slice(), &[7]].concat()), Fault::Bytes, "an unknown kind");
    assert_eq!(refused(&[header.as_slice(), &[0x29]].concat()), Fault::Compatibility, "encrypted");
    let mut tag = file_tag(TagKind::Audio, 0, &[0xAF, 1]).unwrap();
    tag[16] = 99;
    assert_eq!(refused(&[header.as_slice(), &tag].concat()), Fault::Bytes, "PreviousTagSize1");
}

proptest! {
    #[test]
    fn decoding_inverts_encoding_of_video(tag in video_tag()) {
        let bytes = tag.encode().unwrap();
        prop_assert_eq!(VideoTag::decode(&bytes), Ok(tag));
    }

    #[test]
    fn decoding_inverts_encoding_of_audio(tag in audio_tag()) {
        let bytes = tag.encode().unwrap();
        prop_assert_eq!(AudioTag::decode(&bytes), Ok(tag));
    }

    #[test]
    fn no_truncation_or_change_panics(
        video in video_tag(),
        audio in audio_tag(),
        cut in any::<prop::sample::Index>(),
        flip in any::<u8>(),
    ) {
        let mut bytes = video.encode().unwrap();
        let at = cut.index(bytes.len());
        let _ = VideoTag::decode(&bytes[..at]);
        bytes[at] ^= flip;
        let _ = VideoTag::decode(&bytes);
        let mut bytes = audio.encode().unwrap();
        bytes.push(0);
        let at = cut.index(bytes.len());
        let _ = AudioTag::decode(&bytes[..at]);
        bytes[at] ^= flip;
        let _ = AudioTag::decode(&bytes);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = VideoTag::decode(&bytes);
        let _ = AudioTag::decode(&bytes);
        let _ = read_all(&bytes, 7);
        let _ = read_all(&[file_header(true, true).as_slice(), &bytes].concat(), 5);
    }

    #[test]
    fn whatever_decodes_survives_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(tag) = VideoTag::decode(&bytes) {
            let again = tag.encode().unwrap();
            prop_assert_eq!(VideoTag::decode(&again), Ok(tag.clone()));
        }
        if let Ok(tag) = AudioTag::decode(&bytes) {
            let again = tag.encode().unwrap();
            prop_assert_eq!(AudioTag::decode(&again), Ok(tag.clone()));
        }
    }

    #[test]
    fn any_split_of_a_file_reads_the_same(
        tags in proptest::collection::vec((0u8..3, any::<u32>(), proptest::collection::vec(any::<u8>(), 0..50)), 0..10),
        piece in 1usize..60,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = file_header(true, false).to_vec();
        let mut items = vec![Item::Header(Header { has_audio: true, has_video: false })];
        for (kind, timestamp_ms, body) in tags {
            let kind = [TagKind::Audio, TagKind::Video, TagKind::Script][usize::from(kind)];
            bytes.extend(file_tag(kind, timestamp_ms, &body).unwrap());
            items.push(Item::Tag(Tag { kind, timestamp_ms, body }));
        }
        prop_assert_eq!(read_all(&bytes, piece), Ok(items.clone()));
        let truncated = read_all(&bytes[..cut.index(bytes.len())], piece).unwrap();
        prop_assert_eq!(&truncated[..], &items[..truncated.len()]);
    }
}
