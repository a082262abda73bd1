mod several;
mod show;

use proptest::prelude::*;
use units::{Kbps, Size};

use super::*;
use crate::ChannelType;

/// 720p Main, 4:2:0, progressive, BT.709: what the guide asks for, as x264 wrote it.
const RECORD_720P: &[u8] = &[
    0x01, 0x4d, 0x40, 0x1f, 0xff, 0xe1, 0x00, 0x26, 0x67, 0x4d, 0x40, 0x1f, 0xec, 0xa0, 0x28, 0x02, 0xdd,
    0x80, 0xb5, 0x01, 0x01, 0x01, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x18, 0x10, 0x00,
    0x3d, 0x09, 0x00, 0x07, 0xa1, 0x39, 0x28, 0xc0, 0x1e, 0x30, 0x63, 0x2c, 0x01, 0x00, 0x04, 0x68, 0xef,
    0xbc, 0x80,
];
/// 2560x1440, High, colours not signalled.
const RECORD_1440P: &[u8] = &[
    0x01, 0x42, 0xc0, 0x32, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x42, 0xc0, 0x32, 0xda, 0x00, 0xa0, 0x02, 0xd6,
    0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xca, 0x80, 0x01,
    0x00, 0x04, 0x68, 0xce, 0x0f, 0xc8,
];
const AAC_48_STEREO: &[u8] = &[0x11, 0x90];

/// A made-up stream: what is sent, and what is odd about it.
#[derive(Clone)]
struct Stream {
    record: Option<&'static [u8]>,
    sound_config: &'static [u8],
    video_kbps: usize,
    audio_kbps: usize,
    fps: i64,
    seconds: i64,
    channel: ChannelType,
    /// Frames after which the frame is an IDR.
    idr: fn(i64) -> bool,
    pictures: bool,
    sound: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            record: Some(RECORD_720P),
            sound_config: AAC_48_STEREO,
            video_kbps: 2500,
            audio_kbps: 160,
            fps: 30,
            seconds: 21,
            channel: ChannelType::Standard,
            idr: |frame| frame % 60 == 0,
            pictures: true,
            sound: true,
        }
    }
}

/// One NAL unit of a type behind its length, filling `bytes`.
fn unit(idr: bool, bytes: usize) -> Vec<u8> {
    let payload = bytes.saturating_sub(4).max(1);
    let mut data = u32::try_from(payload).unwrap().to_be_bytes().to_vec();
    data.push(if idr { 0x65 } else { 0x41 });
    data.resize(4 + payload, 0x80);
    data
}

impl Stream {
    fn judge(&self) -> (Verdict, Vec<Observation>) {
        let mut judge = Judge::new(Rules { channel_type: self.channel, ..Rules::default() });
        let track = TrackId::PRIMARY;
        let mut observed = Vec::new();
        judge.connected(Protocol::Rtmps, MediaTime::ZERO);
        judge.published(MediaTime::ZERO);
        if let (true, Some(record)) = (self.pictures, self.record) {
            judge.video_config(track, VideoCodec::Avc, record, MediaTime::ZERO);
        }
        if self.sound {
            judge.audio_config(track, self.sound_config, MediaTime::ZERO);
        }
        let mut sounds = 0;
        for frame in 0..self.seconds * self.fps {
            let at = MediaTime::from_millis(frame * 1000 / self.fps);
            while self.sound && sounds * 1024 * 1000 / 48_000 <= at.as_millis() {
                let pts = Pts::from_millis(sounds * 1024 * 1000 / 48_000);
                judge.sound(&Sound { track, pts, bytes: self.audio_kbps * 1000 / 8 * 1024 / 48_000 }, at);
                sounds += 1;
            }
            if self.pictures {
                let idr = (self.idr)(frame);
                let data = unit(idr, self.video_kbps * 125 / usize::try_from(self.fps).unwrap());
                let (dts, pts) = (Dts::from_nanos(at.as_nanos()), at.to_pts());
                judge.picture(&Picture { track, dts, pts, keyframe: idr, data: &data }, at);
            }
            judge.tick(at);
            observed.extend(core::iter::from_fn(|| judge.poll()));
        }
        let verdict = judge.finish(MediaTime::from_millis(self.seconds * 1000));
        observed.extend(core::iter::from_fn(|| judge.poll()));
        (verdict, observed)
    }

    fn said(&self) -> String {
        let (verdict, _) = self.judge();
        let mut said = String::from(if verdict.accepted { "accepted" } else { "refused" });
        for CountedFinding { finding, count } in &verdict.findings {
            let (severity, code) = (finding.severity, finding.code);
            said.push_str(&format!(
                "\n{severity:?} {}{} x{count} at {} ms: {}",
                code.name,
                if code.named_by == NamedBy::Service { " (service)" } else { "" },
                finding.at.as_millis(),
                finding.sentence
            ));
            if let Some(Breach { limit_name, limit_value, exceeded_by, limit_unit }) = &finding.breach {
                said.push_str(&format!(
                    "\n    {limit_name}: {limit_value} {limit_unit}, exceeded by {exceeded_by}"
                ));
            }
        }
        said
    }
}

#[test]
fn the_stream_that_the_guide_asks_for_has_no_findings() {
    let (verdict, observed) = Stream::default().judge();
    assert_eq!(verdict.findings, []);
    assert!(verdict.accepted);
    assert_eq!(observed, [Observation::FirstIdr, Observation::StreamStart]);
    let figures = verdict.figures;
    assert_eq!((figures.video_frames, figures.keyframes.count), (630, 11));
    assert_eq!(figures.keyframes.mean_ms, Some(2000));
    assert_eq!(figures.video_size_px, Some([1280, 720]));
    assert_eq!(figures.video_profile.as_deref(), Some("Main 3.1"));
    assert!((29.9..=30.1).contains(&figures.frame_rate), "{}", figures.frame_rate);
    assert!((2490..=2510).contains(&figures.video_kbps), "{}", figures.video_kbps);
    assert!((155..=161).contains(&figures.audio_kbps), "{}", figures.audio_kbps);
}

#[test]
fn one_second_keyframes_and_the_full_bitrate_are_fine_too() {
    let stream = Stream {
        idr: |frame| frame % 60 == 0,
        fps: 60,
        video_kbps: 8300,
        audio_kbps: 160,
        ..Stream::default()
    };
    assert_eq!(stream.said(), "accepted");
}

#[test]
fn sentences_of_every_breach() {
    let usual = Stream::default();
    let streams = [
        ("1440p", Stream { record: Some(RECORD_1440P), ..usual.clone() }),
        ("twice the bitrate", Stream { video_kbps: 17_000, ..usual.clone() }),
        ("BASIC with 4 Mbps", Stream { video_kbps: 4000, channel: ChannelType::Basic, ..usual.clone() }),
        (
            "picture at the limit, sound above",
            Stream { video_kbps: 8500, audio_kbps: 320, seconds: 60, ..usual.clone() },
        ),
        ("keyframe every 10 s", Stream { idr: |frame| frame % 300 == 0, ..usual.clone() }),
        ("keyframe every 3 s", Stream { idr: |frame| frame % 90 == 0, ..usual.clone() }),
        ("scene cuts", Stream { idr: |frame| frame % 60 == 0 || frame == 133, ..usual.clone() }),
        ("no keyframe", Stream { idr: |_| false, ..usual.clone() }),
        ("120 fps", Stream { fps: 120, idr: |frame| frame % 240 == 0, ..usual.clone() }),
        ("sound only", Stream { pictures: false, ..usual.clone() }),
        ("picture only", Stream { sound: false, ..usual.clone() }),
        ("nothing", Stream { sound: false, pictures: false, ..usual.clone() }),
        ("HE-AAC", Stream { sound_config: &[0x2b, 0x11, 0x88, 0x00], ..usual.clone() }),
        ("32 kHz 5.1", Stream { sound_config: &[0x12, 0xb0], ..usual.clone() }),
        ("sound with 64 kbps", Stream { audio_kbps: 64, ..usual.clone() }),
        ("sound with 400 kbps", Stream { audio_kbps: 400, ..usual.clone() }),
        ("no decoder configuration", Stream { record: None, ..usual.clone() }),
        (
            "broken decoder configurations",
            Stream { record: Some(&[1, 2]), sound_config: &[0x11], ..usual.clone() },
        ),
    ];
    let said: Vec<String> =
        streams.iter().map(|(name, stream)| format!("# {name}\n{}", stream.said())).collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

fn codes(judge: &mut Judge) -> Vec<&'static str> {
    core::iter::from_fn(|| judge.poll())
        .filter_map(|observed| match observed {
            Observation::Finding(finding) => Some(finding.code.name),
            _ => None,
        })
        .collect()
}

#[test]
fn rtmp_without_tls_is_refused_unless_allowed() {
    let mut judge = Judge::new(Rules::default());
    judge.connected(Protocol::Rtmp, MediaTime::ZERO);
    assert!(judge.is_over());
    assert_eq!(codes(&mut judge), ["insecure-ingest-not-allowed"]);
    let mut judge = Judge::new(Rules { insecure_ingest: true, ..Rules::default() });
    judge.connected(Protocol::Rtmp, MediaTime::ZERO);
    assert!(!judge.is_over());
}

#[test]
fn a_second_track_is_not_allowed() {
    let mut judge = Judge::new(Rules::default());
    judge.video_config(TrackId(1), VideoCodec::Avc, RECORD_720P, MediaTime::ZERO);
    assert!(judge.is_over());
    assert_eq!(codes(&mut judge), ["MultitrackInputNotAllowed"]);
}

#[test]
fn thirty_seconds_of_silence_end_the_stream() {
    let mut judge = Judge::new(Rules::default());
    judge.published(MediaTime::from_millis(500));
    judge.tick(MediaTime::from_millis(30_499));
    assert!(!judge.is_over());
    judge.heard(MediaTime::from_millis(30_499));
    judge.tick(MediaTime::from_millis(60_498));
    assert!(!judge.is_over());
    judge.tick(MediaTime::from_millis(60_499));
    assert!(judge.is_over());
    assert_eq!(codes(&mut judge), ["no-data"]);
}

#[test]
fn time_stamps_must_go_forward_and_keep_together() {
    let mut judge = Judge::new(Rules::default());
    let track = TrackId::PRIMARY;
    judge.video_config(track, VideoCodec::Avc, RECORD_720P, MediaTime::ZERO);
    judge.audio_config(track, AAC_48_STEREO, MediaTime::ZERO);
    let show = |judge: &mut Judge, ms| {
        let (dts, pts, keyframe) = (Dts::from_millis(ms), Pts::from_millis(ms), ms == 1000);
        let data = unit(keyframe, 100);
        judge.picture(&Picture { track, dts, pts, keyframe, data: &data }, MediaTime::from_millis(ms));
        codes(judge)
    };
    let hear = |judge: &mut Judge, ms| {
        judge.sound(&Sound { track, pts: Pts::from_millis(ms), bytes: 300 }, MediaTime::from_millis(ms));
        codes(judge)
    };
    assert_eq!(show(&mut judge, 1000), [""; 0]);
    assert_eq!(hear(&mut judge, 1000), [""; 0]);
    assert_eq!(show(&mut judge, 990), ["timestamps-backwards"]);
    assert_eq!(show(&mut judge, 3000), [""; 0]);
    assert_eq!(hear(&mut judge, 2990), [""; 0]);
    assert!(show(&mut judge, 6000).contains(&"timestamp-gap"));
    assert_eq!(hear(&mut judge, 2900), [""; 0], "already told for the picture");
    let figures = judge.verdict(MediaTime::ZERO).figures;
    assert_eq!(figures.backward_timestamps, 2);
}

#[test]
fn what_is_announced_is_compared() {
    let mut judge = Judge::new(Rules::default());
    let media = AnnouncedMedia {
        width_px: Some(1920.0),
        height_px: Some(1080.0),
        audio_kbps: Some(64.0),
        ..AnnouncedMedia::default()
    };
    judge.announced(media, MediaTime::ZERO);
    judge.video_config(TrackId::PRIMARY, VideoCodec::Avc, RECORD_720P, MediaTime::ZERO);
    assert_eq!(codes(&mut judge), ["audio-bitrate", "announced-differs"]);
}

#[test]
fn a_new_size_on_air_is_judged_again() {
    let mut judge = Judge::new(Rules::default());
    judge.video_config(TrackId::PRIMARY, VideoCodec::Avc, RECORD_720P, MediaTime::ZERO);
    judge.video_config(TrackId::PRIMARY, VideoCodec::Avc, RECORD_1440P, MediaTime::from_millis(5));
    let codes = codes(&mut judge);
    assert!(codes.contains(&"resolution-changed") && codes.contains(&"Ingest Resolution"), "{codes:?}");
}

#[test]
fn verdict_json() {
    let stream = Stream { record: Some(RECORD_1440P), ..Stream::default() };
    insta::assert_snapshot!(serde_json::to_string_pretty(&stream.judge().0).unwrap());
}

#[test]
fn resolutions_at_the_limits() {
    let refused = |width, height| {
        let mut ledger = Ledger::default();
        let size = Size::new(width, height).unwrap();
        picture::judge_resolution(
            picture::Subject::Only,
            size,
            ChannelType::Standard,
            MediaTime::ZERO,
            &mut ledger,
        );
        ledger
            .take_untold()
            .and_then(|finding| finding.breach)
            .map(|breach| (breach.limit_unit, breach.exceeded_by))
    };
    for fine in [(1920, 1080), (1080, 1920), (1280, 720), (1440, 1440), (1920, 800)] {
        assert_eq!(refused(fine.0, fine.1), None, "{fine:?}");
    }
    assert_eq!(refused(1922, 800), Some(("pixels per edge", 2)));
    assert_eq!(refused(1920, 1088), Some(("total pixels", 15_360)));
    assert_eq!(ChannelType::Standard.max_bitrate(Size::new(1920, 1080).unwrap()).value, Kbps(8500));
}

proptest! {
    #[test]
    fn any_stream_is_judged_without_panic(
        steps in proptest::collection::vec((0u8..7, any::<i64>(), any::<i64>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..60)
    ) {
        let mut judge = Judge::new(Rules::default());
        for (what, at, now, data) in steps {
            let now = MediaTime::from_nanos(now);
            let track = TrackId(u8::from(what == 6));
            match what {
                0 => judge.published(now),
                1 => judge.video_config(track, VideoCodec::Avc, if data.is_empty() { RECORD_720P } else { &data }, now),
                2 => judge.audio_config(track, &data, now),
                3 | 6 => judge.picture(&Picture { track, dts: Dts::from_nanos(at), pts: Pts::from_nanos(at), keyframe: at % 2 == 0, data: &data }, now),
                4 => judge.sound(&Sound { track, pts: Pts::from_nanos(at), bytes: data.len() }, now),
                _ => judge.tick(now),
            }
        }
        let verdict = judge.finish(MediaTime::ZERO);
        prop_assert_eq!(verdict.accepted, !judge.is_over());
        prop_assert!(verdict.findings.len() <= 80);
    }
}

#[test]
fn tags_of_other_codes_and_forms() {
    let judged = |kind, body: &[u8]| {
        let mut judge = Judge::new(Rules::default());
        judge.flv_tag(kind, 0, body, MediaTime::ZERO);
        codes(&mut judge)
    };
    use ertmp::MediaKind::{Audio, Video};
    assert_eq!(judged(Video, &[0x12, 0]), ["video-codec"]);
    assert_eq!(judged(Video, b"\x91hvc1\0\0\0\0"), ["video-codec"]);
    assert_eq!(judged(Video, b"\x96\x01avc1\x01\0\0\0\0"), ["MultitrackInputNotAllowed"]);
    assert_eq!(judged(Audio, &[0x2f, 0]), ["audio-codec"]);
    assert_eq!(judged(Audio, b"\x91Opus\0"), ["audio-codec"]);
    assert_eq!(judged(Audio, b"\x95\x01mp4a\x01\0"), ["MultitrackInputNotAllowed"]);
    assert_eq!(judged(Video, &[0x17]), ["malformed-media"]);
    assert_eq!(judged(Audio, &[]), [""; 0]);
}

#[test]
fn tags_carry_configuration_and_frames() {
    let mut judge = Judge::new(Rules::default());
    let now = MediaTime::ZERO;
    let legacy = |head: &[u8], data: &[u8]| [head, data].concat();
    judge.flv_tag(ertmp::MediaKind::Video, 0, &legacy(&[0x17, 0, 0, 0, 0], RECORD_720P), now);
    judge.flv_tag(ertmp::MediaKind::Audio, 0, &legacy(&[0xaf, 0], AAC_48_STEREO), now);
    judge.flv_tag(ertmp::MediaKind::Video, 0, &legacy(&[0x17, 1, 0, 0, 66], &unit(true, 500)), now);
    judge.flv_tag(ertmp::MediaKind::Video, 33, &legacy(b"\xa3avc1", &unit(false, 100)), now);
    judge.flv_tag(ertmp::MediaKind::Audio, 21, &legacy(&[0xaf, 1], &[0; 300]), now);
    let figures = judge.verdict(now).figures;
    assert_eq!((figures.video_frames, figures.audio_frames, figures.keyframes.count), (2, 1, 1));
    assert_eq!((figures.video_bytes, figures.audio_bytes, figures.reordered), (600, 300, true));
    assert_eq!(judge.poll(), Some(Observation::FirstIdr));
    assert_eq!(judge.poll(), None);
}

proptest! {
    #[test]
    fn any_tag_is_judged_without_panic(
        tags in proptest::collection::vec((any::<bool>(), any::<u32>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..20)
    ) {
        let mut judge = Judge::new(Rules::default());
        for (video, timestamp_ms, body) in tags {
            let kind = if video { ertmp::MediaKind::Video } else { ertmp::MediaKind::Audio };
            judge.flv_tag(kind, timestamp_ms, &body, MediaTime::ZERO);
        }
        judge.finish(MediaTime::ZERO);
    }
}
