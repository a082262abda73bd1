//! What we write is read by a parser that others wrote from the same documents.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

use std::io::Cursor;

use bytes::Bytes;
use ertmp::flv::{
    self, AudioPacket, AudioTag, ExAudioTag, ExVideoBody, ExVideoTag, FourCc, FrameType, LegacyAudioBody,
    LegacyVideoBody, LegacyVideoTag, ModEx, TagKind, Tracks, VideoPacket, VideoTag,
};
use proptest::collection::vec;
use proptest::prelude::*;
use scuffle_flv::audio::AudioData;
use scuffle_flv::audio::body::AudioTagBody;
use scuffle_flv::audio::body::enhanced::{AudioPacket as TheirAudioPacket, ExAudioTagBody};
use scuffle_flv::audio::body::legacy::LegacyAudioTagBody;
use scuffle_flv::audio::body::legacy::aac::AacAudioData;
use scuffle_flv::audio::header::AudioTagHeader;
use scuffle_flv::audio::header::enhanced::AudioPacketModEx;
use scuffle_flv::file::FlvFile;
use scuffle_flv::tag::FlvTagData;
use scuffle_flv::video::VideoData;
use scuffle_flv::video::body::VideoTagBody;
use scuffle_flv::video::body::enhanced::{
    ExVideoTagBody, VideoPacket as TheirVideoPacket, VideoPacketCodedFrames, VideoPacketSequenceStart,
};
use scuffle_flv::video::body::legacy::LegacyVideoTagBody;
use scuffle_flv::video::header::VideoTagHeaderData;
use scuffle_flv::video::header::enhanced::VideoPacketModEx;
use scuffle_flv::video::header::legacy::{LegacyVideoTagHeader, LegacyVideoTagHeaderAvcPacket};
use units::TrackId;

/// A packet as both parsers can express it.
#[derive(Clone, Debug, PartialEq)]
enum Flat {
    Start(Vec<u8>),
    Frame { offset_ms: i32, data: Vec<u8> },
    FrameX(Vec<u8>),
    End,
}

/// Codecs of which the other parser does not look into the configuration, or whose offset it knows.
const VIDEO: [FourCc; 4] = [FourCc::AVC, FourCc::HEVC, FourCc::VP9, FourCc::VP8];

fn flat(kind: u8, four_cc: FourCc, offset_ms: i32, data: Vec<u8>) -> Flat {
    match kind {
        // The other parser takes configurations apart; random bytes are for codecs it passes through.
        0 if !four_cc.has_composition_offset() => Flat::Start(data),
        1 if four_cc.has_composition_offset() => Flat::FrameX(data),
        2 => Flat::End,
        _ => Flat::Frame { offset_ms: if four_cc.has_composition_offset() { offset_ms } else { 0 }, data },
    }
}

fn ours(packet: &Flat) -> VideoPacket<'_> {
    match packet {
        Flat::Start(data) => VideoPacket::SequenceStart(data),
        Flat::Frame { offset_ms, data } => {
            VideoPacket::CodedFrames { composition_offset_ms: *offset_ms, data }
        }
        Flat::FrameX(data) => VideoPacket::CodedFramesX(data),
        Flat::End => VideoPacket::SequenceEnd,
    }
}

fn theirs(packet: TheirVideoPacket<'_>) -> Flat {
    match packet {
        TheirVideoPacket::SequenceStart(VideoPacketSequenceStart::Other(data)) => Flat::Start(data.to_vec()),
        TheirVideoPacket::CodedFrames(
            VideoPacketCodedFrames::Avc { composition_time_offset, data }
            | VideoPacketCodedFrames::Hevc { composition_time_offset, data },
        ) => Flat::Frame { offset_ms: composition_time_offset, data: data.to_vec() },
        TheirVideoPacket::CodedFrames(VideoPacketCodedFrames::Other(data)) => {
            Flat::Frame { offset_ms: 0, data: data.to_vec() }
        }
        TheirVideoPacket::CodedFramesX { data } => Flat::FrameX(data.to_vec()),
        TheirVideoPacket::SequenceEnd => Flat::End,
        other => panic!("{other:?}"),
    }
}

/// Track, codec and packet.
type Seen = (u8, [u8; 4], Flat);

/// What the other parser sees, and the nanosecond offsets.
fn read_video(bytes: Vec<u8>) -> (Vec<Seen>, Vec<u32>) {
    let len = bytes.len() as u64;
    let mut cursor = Cursor::new(Bytes::from(bytes));
    let data = VideoData::demux(&mut cursor).unwrap();
    assert_eq!(cursor.position(), len, "read to the end");
    let VideoTagHeaderData::Enhanced(header) = data.header.data else { panic!("legacy") };
    let nanos = header.video_packet_mod_exs.iter().filter_map(|modifier| match modifier {
        VideoPacketModEx::TimestampOffsetNano { video_timestamp_nano_offset } => {
            Some(*video_timestamp_nano_offset)
        }
        VideoPacketModEx::Other { .. } => None,
    });
    let nanos = nanos.collect();
    let VideoTagBody::Enhanced(body) = data.body else { panic!("legacy") };
    let packets = match body {
        ExVideoTagBody::NoMultitrack { video_four_cc, packet } => vec![(0, video_four_cc.0, theirs(packet))],
        ExVideoTagBody::ManyTracks(tracks) => tracks
            .into_iter()
            .map(|track| (track.video_track_id, track.video_four_cc.0, theirs(track.packet)))
            .collect(),
        ExVideoTagBody::Command => panic!("command"),
    };
    (packets, nanos)
}

#[test]
fn decoder_configurations_arrive_whole() {
    // The record of enhanced-rtmp example A: Constrained Baseline, level 1.3.
    let record = [
        0x01, 0x42, 0xC0, 0x0D, 0xFF, 0xE1, 0x00, 0x17, 0x67, 0x42, 0xC0, 0x0D, 0xDA, 0x05, 0x06, 0x7E, 0x7C,
        0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x07, 0x83, 0xC5, 0x0A, 0xA8, 0x01, 0x00, 0x04,
        0x68, 0xCE, 0x3C, 0x80,
    ];
    let packet = VideoPacket::SequenceStart(&record);
    let tracks = Tracks::One { four_cc: FourCc::AVC, track: TrackId(1), packet };
    let body = ExVideoBody::Tracks(tracks);
    let tag = VideoTag::Enhanced(ExVideoTag { frame_type: FrameType::Key, mod_ex: vec![], body });
    let data = VideoData::demux(&mut Cursor::new(Bytes::from(tag.encode().unwrap()))).unwrap();
    let VideoTagBody::Enhanced(ExVideoTagBody::ManyTracks(tracks)) = data.body else { panic!("multitrack") };
    assert_eq!(tracks[0].video_track_id, 1);
    let TheirVideoPacket::SequenceStart(VideoPacketSequenceStart::Avc(config)) = &tracks[0].packet else {
        panic!("AVC")
    };
    assert_eq!((config.profile_indication, config.level_indication), (0x42, 0x0D));
    assert_eq!(config.sps[0].as_ref(), &record[8..31]);
    let body = LegacyVideoBody::AvcSequenceHeader(&record);
    let tag = VideoTag::Legacy(LegacyVideoTag { frame_type: FrameType::Key, body });
    let data = VideoData::demux(&mut Cursor::new(Bytes::from(tag.encode().unwrap()))).unwrap();
    let VideoTagBody::Legacy(LegacyVideoTagBody::AvcVideoPacketSeqHdr(config)) = data.body else {
        panic!("AVC")
    };
    assert_eq!(config.pps[0].as_ref(), &record[34..]);
}

#[test]
fn legacy_aac_is_read() {
    for (body, expected) in [
        (
            LegacyAudioBody::AacSequenceHeader(&[0x11, 0x90]),
            AacAudioData::SequenceHeader(Bytes::from_static(&[0x11, 0x90])),
        ),
        (LegacyAudioBody::AacRaw(&[0x21, 7]), AacAudioData::Raw(Bytes::from_static(&[0x21, 7]))),
    ] {
        let bytes = AudioTag::legacy_aac(body).encode().unwrap();
        let data = AudioData::demux(&mut Cursor::new(Bytes::from(bytes))).unwrap();
        assert_eq!(data.body, AudioTagBody::Legacy(LegacyAudioTagBody::Aac(expected)));
    }
}

proptest! {
    #[test]
    fn every_shape_of_video_message_is_read_the_same(
        (form, kind, nanos) in (0u8..4, 0u8..4, proptest::option::of(0u32..1_000_000)),
        packets in vec((0usize..4, any::<u8>(), -0x80_0000i32..0x80_0000, vec(any::<u8>(), 1..30)), 1..4),
    ) {
        // One packet type in a message, and one codec unless it is of the kind ManyTracksManyCodecs.
        let first_codec = VIDEO[packets[0].0];
        let packets: Vec<_> = packets
            .into_iter()
            .map(|(codec, track, offset_ms, data)| {
                let four_cc = if form == 3 { VIDEO[codec % 2 + 2 * usize::from(!first_codec.has_composition_offset())] } else { first_codec };
                (track, four_cc, flat(kind, four_cc, offset_ms, data))
            })
            .collect();
        let (track, four_cc, packet) = &packets[0];
        let (four_cc, track, packet) = (*four_cc, TrackId(*track), ours(packet));
        let tracks = match form {
            0 => Tracks::Single { four_cc, packet },
            1 => Tracks::One { four_cc, track, packet },
            2 => Tracks::Many {
                four_cc,
                packets: packets.iter().map(|(track, _, packet)| (TrackId(*track), ours(packet))).collect(),
            },
            _ => Tracks::ManyCodecs {
                packets: packets.iter().map(|(track, four_cc, packet)| (*four_cc, TrackId(*track), ours(packet))).collect(),
            },
        };
        let expected: Vec<_> =
            tracks.iter().zip(&packets).map(|((track, four_cc, _), (_, _, packet))| (track.0, four_cc.0, packet.clone())).collect();
        let mod_ex = nanos.map(ModEx::TimestampOffsetNanos).into_iter().collect();
        let tag = ExVideoTag { frame_type: FrameType::Inter, mod_ex, body: ExVideoBody::Tracks(tracks) };
        let bytes = VideoTag::Enhanced(tag).encode().unwrap();
        prop_assert_eq!(read_video(bytes), (expected, nanos.into_iter().collect()));
    }

    #[test]
    fn legacy_video_is_read_the_same(offset_ms in -0x80_0000i32..0x80_0000, data in vec(any::<u8>(), 0..30)) {
        let body = LegacyVideoBody::AvcNalUnits { composition_offset_ms: offset_ms, data: &data };
        let tag = VideoTag::Legacy(LegacyVideoTag { frame_type: FrameType::Inter, body });
        let read = VideoData::demux(&mut Cursor::new(Bytes::from(tag.encode().unwrap()))).unwrap();
        let VideoTagHeaderData::Legacy(LegacyVideoTagHeader::AvcPacket(header)) = read.header.data else { panic!("AVC") };
        // The other parser leaves the sign to its caller.
        let composition_time_offset = offset_ms.cast_unsigned() & 0xFF_FFFF;
        prop_assert_eq!(header, LegacyVideoTagHeaderAvcPacket::Nalu { composition_time_offset });
        prop_assert_eq!(read.body, VideoTagBody::Legacy(LegacyVideoTagBody::Other { data: Bytes::from(data) }));
    }

    #[test]
    fn every_shape_of_audio_message_is_read_the_same(
        (form, kind, nanos) in (0u8..4, 0u8..3, proptest::option::of(0u32..1_000_000)),
        packets in vec((any::<bool>(), any::<u8>(), vec(any::<u8>(), 1..30)), 1..4),
    ) {
        let four_cc = |is_aac: bool| if is_aac { FourCc::AAC } else { FourCc::OPUS };
        let packet = |data| match kind {
            0 => AudioPacket::SequenceStart(data),
            1 => AudioPacket::CodedFrames(data),
            _ => AudioPacket::SequenceEnd,
        };
        let (first_is_aac, first_track, first_data) = &packets[0];
        let shared = four_cc(*first_is_aac);
        let tracks = match form {
            0 => Tracks::Single { four_cc: shared, packet: packet(first_data) },
            1 => Tracks::One { four_cc: shared, track: TrackId(*first_track), packet: packet(first_data) },
            2 => Tracks::Many {
                four_cc: shared,
                packets: packets.iter().map(|(_, track, data)| (TrackId(*track), packet(data))).collect(),
            },
            _ => Tracks::ManyCodecs {
                packets: packets.iter().map(|(is_aac, track, data)| (four_cc(*is_aac), TrackId(*track), packet(data))).collect(),
            },
        };
        let expected: Vec<_> = tracks
            .iter()
            .zip(&packets)
            .map(|((track, four_cc, _), (_, _, data))| (track.0, four_cc.0, match kind {
                0 => TheirAudioPacket::SequenceStart { header_data: Bytes::from(data.clone()) },
                1 => TheirAudioPacket::CodedFrames { data: Bytes::from(data.clone()) },
                _ => TheirAudioPacket::SequenceEnd,
            }))
            .collect();
        let mod_ex = nanos.map(ModEx::TimestampOffsetNanos).into_iter().collect();
        let bytes = AudioTag::Enhanced(ExAudioTag { mod_ex, body: tracks }).encode().unwrap();
        let read = AudioData::demux(&mut Cursor::new(Bytes::from(bytes))).unwrap();
        let AudioTagHeader::Enhanced(header) = read.header else { panic!("legacy") };
        let offsets: Vec<_> = header.audio_packet_mod_exs.iter().map(|modifier| match modifier {
            AudioPacketModEx::TimestampOffsetNano { audio_timestamp_nano_offset } => *audio_timestamp_nano_offset,
            AudioPacketModEx::Other { .. } => panic!("other"),
        }).collect();
        prop_assert_eq!(offsets, nanos.into_iter().collect::<Vec<_>>());
        let AudioTagBody::Enhanced(body) = read.body else { panic!("legacy") };
        let read: Vec<_> = match body {
            ExAudioTagBody::NoMultitrack { audio_four_cc, packet } => vec![(0, audio_four_cc.0, packet)],
            ExAudioTagBody::ManyTracks(tracks) => {
                tracks.into_iter().map(|track| (track.audio_track_id, track.audio_four_cc.0, track.packet)).collect()
            }
        };
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn files_are_read_the_same(times in vec(any::<u32>(), 1..8)) {
        let mut bytes = flv::file_header(true, true).to_vec();
        let body = AudioTag::legacy_aac(LegacyAudioBody::AacRaw(&[0x21])).encode().unwrap();
        for time in &times {
            bytes.extend(flv::file_tag(TagKind::Audio, *time, &body).unwrap());
        }
        let file = FlvFile::demux(&mut Cursor::new(Bytes::from(bytes))).unwrap();
        prop_assert!(file.header.is_audio_present && file.header.is_video_present);
        prop_assert!(file.tags.iter().all(|tag| matches!(tag.data, FlvTagData::Audio(_)) && tag.stream_id == 0));
        prop_assert_eq!(file.tags.iter().map(|tag| tag.timestamp_ms).collect::<Vec<_>>(), times);
    }
}
