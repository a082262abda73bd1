use alloc::sync::Arc;
use alloc::vec;

use units::{
    AudioCodec, Dts, EncodeStamps, FrameRate, Kbps, Pts, Size, Span, StreamConfig, VideoCodec, VideoProfile,
};

use super::*;
use crate::amf0::{self, Value};
use crate::flv::StreamMetadata;

fn video(track: u8, codec: VideoCodec) -> VideoConfig {
    VideoConfig {
        track: TrackId(track),
        codec,
        profile: VideoProfile::Main,
        size: Size::new(1280, 720).unwrap(),
        rate: FrameRate::new(30_000, 1001).unwrap(),
        bitrate: Kbps(4500),
        decoder_config: Arc::from([1, 2, 3].as_slice()),
    }
}

fn audio(track: u8) -> AudioConfig {
    AudioConfig {
        track: TrackId(track),
        codec: AudioCodec::AacLc,
        sample_rate_hz: 48_000,
        channels: 2,
        bitrate: Kbps(160),
        decoder_config: Arc::from([0x11, 0x90].as_slice()),
    }
}

fn unit(track: Track, dts_ns: i64, pts_ns: i64, is_idr: bool) -> AccessUnit {
    AccessUnit {
        track,
        pts: Pts::from_nanos(pts_ns),
        dts: Dts::from_nanos(dts_ns),
        span: Span::from_millis(33),
        is_idr,
        is_disposable: false,
        index: 0,
        stamps: EncodeStamps::default(),
        data: Arc::from([0, 0, 0, 1, 0x65].as_slice()),
    }
}

const V0: Track = Track::Video(TrackId(0));
const V2: Track = Track::Video(TrackId(2));
const NAL: &[u8] = &[0, 0, 0, 1, 0x65];

fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn sequence_starts_take_the_form_of_their_track() {
    let start = |config, form| sequence_start(&config, form).unwrap();
    let avc = |track| TrackConfig::Video(video(track, VideoCodec::Avc));
    let hevc = |track| TrackConfig::Video(video(track, VideoCodec::Hevc));
    let aac = |track| TrackConfig::Audio(audio(track));
    assert_eq!(start(avc(0), Form::Legacy), b"\x17\0\0\0\0\x01\x02\x03");
    assert_eq!(start(avc(0), Form::Enhanced), b"\x90avc1\x01\x02\x03");
    for form in [Form::Legacy, Form::Enhanced] {
        assert_eq!(start(avc(2), form), b"\x96\0avc1\x02\x01\x02\x03");
        assert_eq!(start(hevc(0), form), b"\x90hvc1\x01\x02\x03");
        assert_eq!(start(hevc(1), form), b"\x96\0hvc1\x01\x01\x02\x03");
        assert_eq!(start(aac(1), form), b"\x95\0mp4a\x01\x11\x90");
    }
    assert_eq!(start(aac(0), Form::Legacy), b"\xAF\0\x11\x90");
    assert_eq!(start(aac(0), Form::Enhanced), b"\x90mp4a\x11\x90");
}

#[test]
fn frames_take_the_shortest_form() {
    let frame = |track, offset_ms: i64, is_idr, form| {
        coded_frame(&unit(track, 0, offset_ms * 1_000_000, is_idr), FourCc::AVC, form).unwrap()
    };
    assert_eq!(frame(V0, 0, true, Form::Legacy), bytes(&[b"\x17\x01\0\0\0", NAL]));
    assert_eq!(frame(V0, 33, false, Form::Legacy), bytes(&[b"\x27\x01\0\0\x21", NAL]));
    assert_eq!(frame(V0, 0, true, Form::Enhanced), bytes(&[b"\x93avc1", NAL]));
    assert_eq!(frame(V0, 33, false, Form::Enhanced), bytes(&[b"\xA1avc1\0\0\x21", NAL]));
    assert_eq!(frame(V2, 0, true, Form::Enhanced), bytes(&[b"\x96\x03avc1\x02", NAL]));
    assert_eq!(frame(V2, 33, false, Form::Legacy), bytes(&[b"\xA6\x01avc1\x02\0\0\x21", NAL]));
    let mut disposable = unit(V0, 0, 0, false);
    disposable.is_disposable = true;
    assert_eq!(coded_frame(&disposable, FourCc::HEVC, Form::Legacy).unwrap(), bytes(&[b"\xB3hvc1", NAL]));
    let sound = |track| unit(Track::Audio(TrackId(track)), 0, 0, true);
    assert_eq!(coded_frame(&sound(0), FourCc::AAC, Form::Legacy).unwrap(), bytes(&[b"\xAF\x01", NAL]));
    assert_eq!(coded_frame(&sound(0), FourCc::AAC, Form::Enhanced).unwrap(), bytes(&[b"\x91mp4a", NAL]));
    assert_eq!(
        coded_frame(&sound(3), FourCc::AAC, Form::Legacy).unwrap(),
        bytes(&[b"\x95\x01mp4a\x03", NAL])
    );
}

#[test]
fn tracks_end_in_their_own_form() {
    let end = |track, four_cc, form| sequence_end(track, four_cc, form).unwrap();
    assert_eq!(end(V0, FourCc::AVC, Form::Legacy).unwrap(), b"\x17\x02\0\0\0");
    assert_eq!(end(V0, FourCc::AVC, Form::Enhanced).unwrap(), b"\x92avc1");
    assert_eq!(end(V2, FourCc::AVC, Form::Enhanced).unwrap(), b"\x96\x02avc1\x02");
    assert_eq!(end(Track::Audio(TrackId(0)), FourCc::AAC, Form::Legacy), None);
    assert_eq!(end(Track::Audio(TrackId(1)), FourCc::AAC, Form::Legacy).unwrap(), b"\x95\x02mp4a\x01");
}

#[test]
fn offsets_are_differences_of_rounded_times() {
    // 33.3 ms and 66.6 ms: 66 - 33, where rounding the difference of 33.3 would do too; then 0.9 ms and 1.0 ms.
    assert_eq!(composition_offset_ms(&unit(V0, 33_366_666, 66_733_333, false)), 33);
    assert_eq!(composition_offset_ms(&unit(V0, 900_000, 1_000_000, false)), 1);
    assert_eq!(composition_offset_ms(&unit(V0, 1_000_000, 1_900_000, false)), 0);
    assert_eq!(composition_offset_ms(&unit(V0, 0, i64::MAX, false)), 0x7F_FFFF);
}

#[test]
fn a_codec_without_offsets_takes_none() {
    assert!(coded_frame(&unit(V0, 0, 0, true), FourCc::AV1, Form::Enhanced).is_ok());
    assert!(coded_frame(&unit(V0, 0, 40_000_000, true), FourCc::AV1, Form::Enhanced).is_err());
}

#[test]
fn metadata_describes_every_track() {
    let config = StreamConfig {
        video: vec![Arc::new(video(0, VideoCodec::Avc)), Arc::new(video(1, VideoCodec::Hevc))],
        audio: vec![Arc::new(audio(0)), Arc::new(audio(1))],
    };
    let value = StreamMetadata::new(&config, Form::Legacy, Form::Legacy, "Genlock 0.1").to_value();
    let number = |value: &Value, name| value.get(name).and_then(Value::as_number);
    assert!(matches!(value, Value::EcmaArray(_)));
    assert_eq!(number(&value, "width"), Some(1280.0));
    assert_eq!(number(&value, "videocodecid"), Some(7.0));
    assert_eq!(number(&value, "audiocodecid"), Some(10.0));
    assert_eq!(number(&value, "audiosamplerate"), Some(48_000.0));
    assert_eq!(value.get("stereo"), Some(&Value::Boolean(true)));
    assert!(number(&value, "framerate").is_some_and(|rate| (rate - 29.97).abs() < 0.001));
    let tracks = value.get("videoTrackIdInfoMap").unwrap();
    assert_eq!(tracks.get("0"), None, "track 0 is described at the top");
    let track = tracks.get("1").unwrap();
    // E-RTMP v2, "Enhancing onMetaData": the FourCC as a big-endian number.
    assert_eq!(number(track, "videocodecid"), Some(1_752_589_105.0));
    assert_eq!(number(track, "height"), Some(720.0));
    let sound = value.get("audioTrackIdInfoMap").and_then(|map| map.get("1")).unwrap();
    assert_eq!(number(sound, "audiocodecid"), Some(1_836_069_985.0));
    assert_eq!(number(sound, "samplerate"), Some(48_000.0));
    let enhanced = StreamMetadata::new(&config, Form::Enhanced, Form::Legacy, "Genlock 0.1");
    assert_eq!(number(&enhanced.to_value(), "videocodecid"), Some(1_635_148_593.0));
    let script = enhanced.to_script().unwrap();
    assert_eq!(amf0::decode_all(&script), Ok(vec![Value::from("onMetaData"), enhanced.to_value()]));
}
