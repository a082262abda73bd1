//! The bytes of everything Genlock sends, written down from the documents (E-RTMP v2, "Enhanced Video" and "Enhancing
//! NetConnection connect Command"; AMF0, section 2; RTMP 1.0, 5.3.1) and not from what the encoder makes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::sync::Arc;

use ertmp::flv::{self, Form, FourCc, StreamMetadata};
use ertmp::{ClientConfig, ClientSession, RANDOM_BYTES, ServerConfig, ServerSession};
use units::{
    AccessUnit, AudioCodec, AudioConfig, Dts, EncodeStamps, FrameRate, Kbps, Pts, Secret, Size, Span,
    StreamConfig, Track, TrackConfig, TrackId, VideoCodec, VideoConfig, VideoProfile,
};

/// Hexadecimal digits; blanks and everything behind `//` in a line mean nothing.
fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.lines().filter_map(|line| line.split("//").next()).collect();
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn video(track: u8, codec: VideoCodec, decoder_config: &str) -> VideoConfig {
    VideoConfig {
        track: TrackId(track),
        codec,
        profile: VideoProfile::Main,
        size: Size::new(1920, 1080).unwrap(),
        rate: FrameRate::FPS_60,
        bitrate: Kbps(6_000),
        decoder_config: hex(decoder_config).into(),
    }
}

fn unit(track: u8, offset_ms: i64, is_idr: bool, data: &str) -> AccessUnit {
    AccessUnit {
        track: Track::Video(TrackId(track)),
        pts: Pts::from_millis(1_000 + offset_ms),
        dts: Dts::from_millis(1_000),
        span: Span::from_millis(16),
        is_idr,
        is_disposable: false,
        index: 60,
        stamps: EncodeStamps::default(),
        data: hex(data).into(),
    }
}

#[track_caller]
fn start(config: VideoConfig, form: Form, bytes: &str) {
    assert_eq!(flv::sequence_start(&TrackConfig::Video(config), form).unwrap(), hex(bytes));
}

#[track_caller]
fn frame(unit: &AccessUnit, four_cc: FourCc, form: Form, bytes: &str) {
    assert_eq!(flv::coded_frame(unit, four_cc, form).unwrap(), hex(bytes));
}

#[track_caller]
fn end(track: u8, four_cc: FourCc, bytes: &str) {
    let track = Track::Video(TrackId(track));
    assert_eq!(flv::sequence_end(track, four_cc, Form::Enhanced).unwrap(), Some(hex(bytes)));
}

/// The record of the worked example of a OneTrack SequenceStart.
const AVCC: &str =
    "01 42 c0 0d ff e1 00 17 67 42 c0 0d da 05 06 7e 7c 04 40 00 00 03 00 40 00 00 07 83 c5 0a a8 01 00 04
    68 ce 3c 80";
/// The first bytes of an HEVCDecoderConfigurationRecord; nothing here looks inside.
const HVCC: &str = "01 01 60 00 00 00 90 00 00 00 00 00 5d f0 00 fc fd f8 f8 00 00 0f 00";
const AVC_IDR: &str = "00 00 00 04 65 88 84 00";
const AVC_SLICE: &str = "00 00 00 04 41 9a 02 04";
const HEVC_IDR: &str = "00 00 00 05 26 01 af 19 5e";
/// The slice of the worked example.
const HEVC_SLICE: &str = "00 00 00 05 02 01 d0 19 5e";

#[test]
fn the_primary_track_in_avc() {
    let form = Form::Enhanced;
    start(video(0, VideoCodec::Avc, AVCC), form, &format!("90 61766331 {AVCC}"));
    frame(&unit(0, 0, true, AVC_IDR), FourCc::AVC, form, &format!("93 61766331 {AVC_IDR}"));
    frame(&unit(0, 33, true, AVC_IDR), FourCc::AVC, form, &format!("91 61766331 000021 {AVC_IDR}"));
    frame(&unit(0, 0, false, AVC_SLICE), FourCc::AVC, form, &format!("a3 61766331 {AVC_SLICE}"));
    frame(&unit(0, 50, false, AVC_SLICE), FourCc::AVC, form, &format!("a1 61766331 000032 {AVC_SLICE}"));
    end(0, FourCc::AVC, "92 61766331");
}

#[test]
fn the_primary_track_in_avc_in_the_legacy_form() {
    let form = Form::Legacy;
    start(video(0, VideoCodec::Avc, AVCC), form, &format!("17 00 000000 {AVCC}"));
    frame(&unit(0, 0, true, AVC_IDR), FourCc::AVC, form, &format!("17 01 000000 {AVC_IDR}"));
    frame(&unit(0, 33, false, AVC_SLICE), FourCc::AVC, form, &format!("27 01 000021 {AVC_SLICE}"));
}

#[test]
fn the_primary_track_in_hevc_has_one_form() {
    for form in [Form::Enhanced, Form::Legacy] {
        start(video(0, VideoCodec::Hevc, HVCC), form, &format!("90 68766331 {HVCC}"));
        frame(&unit(0, 0, true, HEVC_IDR), FourCc::HEVC, form, &format!("93 68766331 {HEVC_IDR}"));
        // The worked example: an inter frame 33 ms later than it is decoded.
        frame(
            &unit(0, 33, false, HEVC_SLICE),
            FourCc::HEVC,
            form,
            &format!("a1 68766331 000021 {HEVC_SLICE}"),
        );
        frame(&unit(0, 0, false, HEVC_SLICE), FourCc::HEVC, form, &format!("a3 68766331 {HEVC_SLICE}"));
    }
    end(0, FourCc::HEVC, "92 68766331");
}

#[test]
fn every_other_track_is_one_of_a_multitrack() {
    for form in [Form::Enhanced, Form::Legacy] {
        start(video(1, VideoCodec::Avc, AVCC), form, &format!("96 00 61766331 01 {AVCC}"));
        start(video(2, VideoCodec::Hevc, HVCC), form, &format!("96 00 68766331 02 {HVCC}"));
        frame(&unit(1, 0, true, AVC_IDR), FourCc::AVC, form, &format!("96 03 61766331 01 {AVC_IDR}"));
        frame(&unit(1, 33, true, AVC_IDR), FourCc::AVC, form, &format!("96 01 61766331 01 000021 {AVC_IDR}"));
        frame(&unit(1, 0, false, AVC_SLICE), FourCc::AVC, form, &format!("a6 03 61766331 01 {AVC_SLICE}"));
        frame(
            &unit(3, 33, false, AVC_SLICE),
            FourCc::AVC,
            form,
            &format!("a6 01 61766331 03 000021 {AVC_SLICE}"),
        );
        frame(&unit(2, 0, true, HEVC_IDR), FourCc::HEVC, form, &format!("96 03 68766331 02 {HEVC_IDR}"));
        frame(
            &unit(2, 33, false, HEVC_SLICE),
            FourCc::HEVC,
            form,
            &format!("a6 01 68766331 02 000021 {HEVC_SLICE}"),
        );
    }
    end(1, FourCc::AVC, "96 02 61766331 01");
    end(2, FourCc::HEVC, "96 02 68766331 02");
}

#[test]
fn colours_are_told_as_metadata() {
    let info = "
        02 0009 636f6c6f72496e666f                                                      // colorInfo
        03 000b 636f6c6f72436f6e666967 03                                               // colorConfig
        0008 6269744465707468                               00 4020000000000000         // bitDepth 8
        000e 636f6c6f725072696d6172696573                   00 3ff0000000000000         // colorPrimaries 1
        0017 7472616e7366657243686172616374657269737469637300 3ff0000000000000         // transferCharacteristics 1
        0012 6d6174726978436f656666696369656e7473           00 3ff0000000000000         // matrixCoefficients 1
        000009 000009
    ";
    // 4 is metadata; the frame type in front of it means nothing, and 5 is what ffmpeg takes for no picture.
    for (codec, four_cc) in [(VideoCodec::Avc, "61766331"), (VideoCodec::Hevc, "68766331")] {
        let bytes = hex(&format!("d4 {four_cc}\n{info}"));
        assert_eq!(flv::colour_info(&video(0, codec, ""), Form::Enhanced).unwrap(), Some(bytes));
    }
    assert_eq!(flv::colour_info(&video(0, VideoCodec::Avc, ""), Form::Legacy).unwrap(), None);
    assert_eq!(flv::colour_info(&video(1, VideoCodec::Avc, ""), Form::Enhanced).unwrap(), None);
}

#[test]
fn connect_states_what_a_publisher_can() {
    let payload = hex("
        020007 636f6e6e656374 00 3ff0000000000000                                       // connect, transaction 1
        03
        0003 617070 02 0003 617070                                                      // app
        0004 74797065 02 000a 6e6f6e70726976617465                                      // type: nonprivate
        0008 666c617368566572 02 0022
            464d4c452f332e302028636f6d70617469626c653b2047656e6c6f636b20302e3129        // flashVer
        0006 73776655726c 02 0015 72746d70733a2f2f612e6578616d706c652f617070            // swfUrl
        0005 746355726c 02 0015 72746d70733a2f2f612e6578616d706c652f617070              // tcUrl
        000a 666f757243634c697374 0a 00000003
            02 0004 61766331 02 0004 68766331 02 0004 6d703461                          // fourCcList
        0012 766964656f466f75724363496e666f4d6170 03
            0004 61766331 00 4000000000000000 0004 68766331 00 4000000000000000 000009  // videoFourCcInfoMap: CanEncode
        0012 617564696f466f75724363496e666f4d6170 03
            0004 6d703461 00 4000000000000000 000009                                    // audioFourCcInfoMap: CanEncode
        0006 636170734578 00 4008000000000000                                           // capsEx: Reconnect, Multitrack
        000009
    ");
    assert_eq!(payload.len(), 0x0137);
    // Chunk stream 3, timestamp 0, a command in AMF0 of the connection itself.
    let chunk = [hex("03 000000 000137 14 00000000"), payload].concat();
    let config = ClientConfig {
        app: String::from("app"),
        tc_url: String::from("rtmps://a.example/app"),
        stream_name: Secret::new("sk_eu-west-1_NotToBeSeen"),
        flash_ver: String::from("FMLE/3.0 (compatible; Genlock 0.1)"),
        enhanced: true,
    };
    let mut client = ClientSession::new(config, &[1; RANDOM_BYTES]);
    let mut server = ServerSession::new(ServerConfig::default(), &[2; RANDOM_BYTES]);
    server.handle_input(&client.poll_output().unwrap()).unwrap();
    while let Some(bytes) = server.poll_output() {
        client.handle_input(&bytes).unwrap();
    }
    let sent = client.poll_output().unwrap();
    assert!(sent.ends_with(&chunk), "{:02x?}", &sent[RANDOM_BYTES..]);
    // Before it, chunks of 4096 bytes are announced (RTMP 1.0, 5.4.1).
    let announced = hex("02 000000 000004 01 00000000 00001000");
    assert!(sent[..sent.len() - chunk.len()].ends_with(&announced));
}

#[test]
fn metadata_maps_the_tracks() {
    let mut second = video(1, VideoCodec::Avc, AVCC);
    (second.size, second.bitrate) = (Size::new(1280, 720).unwrap(), Kbps(3_000));
    let mut third = video(2, VideoCodec::Hevc, HVCC);
    (third.size, third.bitrate) = (Size::new(852, 480).unwrap(), Kbps(1_000));
    third.rate = FrameRate::FPS_30;
    let sound = AudioConfig {
        track: TrackId::PRIMARY,
        codec: AudioCodec::AacLc,
        sample_rate_hz: 48_000,
        channels: 2,
        bitrate: Kbps(160),
        decoder_config: hex("11 90").into(),
    };
    let config = StreamConfig {
        video: vec![Arc::new(video(0, VideoCodec::Avc, AVCC)), Arc::new(second), Arc::new(third)],
        audio: vec![Arc::new(sound)],
    };
    let metadata = StreamMetadata::new(&config, Form::Enhanced, Form::Legacy, "Genlock 0.1");
    let expected = hex("
        02 000a 6f6e4d65746144617461                                        // onMetaData
        08 0000000e                                                         // an ECMA array of 14
        0008 6475726174696f6e               00 0000000000000000             // duration 0
        0005 7769647468                     00 409e000000000000             // width 1920
        0006 686569676874                   00 4090e00000000000             // height 1080
        000d 766964656f6461746172617465     00 40b7700000000000             // videodatarate 6000
        0009 6672616d6572617465             00 404e000000000000             // framerate 60
        000c 766964656f636f6465636964       00 41d85d98cc400000             // videocodecid avc1: 1635148593
        000d 617564696f6461746172617465     00 4064000000000000             // audiodatarate 160
        000f 617564696f73616d706c6572617465 00 40e7700000000000             // audiosamplerate 48000
        000f 617564696f73616d706c6573697a65 00 4030000000000000             // audiosamplesize 16
        000d 617564696f6368616e6e656c73     00 4000000000000000             // audiochannels 2
        0006 73746572656f                   01 01                           // stereo
        000c 617564696f636f6465636964       00 4024000000000000             // audiocodecid 10, the legacy form
        0007 656e636f646572 02 000b 47656e6c6f636b20302e31                  // encoder
        0013 766964656f547261636b4964496e666f4d6170 03                      // videoTrackIdInfoMap
        0001 31 03                                                          // 1
            0005 7769647468                 00 4094000000000000             // 1280
            0006 686569676874               00 4086800000000000             // 720
            000d 766964656f6461746172617465 00 40a7700000000000             // 3000
            0009 6672616d6572617465         00 404e000000000000             // 60
            000c 766964656f636f6465636964   00 41d85d98cc400000 000009      // avc1
        0001 32 03                                                          // 2
            0005 7769647468                 00 408aa00000000000             // 852
            0006 686569676874               00 407e000000000000             // 480
            000d 766964656f6461746172617465 00 408f400000000000             // 1000
            0009 6672616d6572617465         00 403e000000000000             // 30
            000c 766964656f636f6465636964   00 41da1d98cc400000 000009      // hvc1: 1752589105
        000009 000009
    ");
    assert_eq!(metadata.to_script().unwrap(), expected);
}
