use std::sync::Arc;

use ertmp::flv::{Form, FourCc, coded_frame, sequence_start_audio, sequence_start_video};
use publish::playback::{Fetch, Fetched};
use publish::{PlaybackState, PlaybackUrl, PlaybackWatch, WallClock};
use testkit::SyntheticStream;
use units::{AccessUnit, Track};

use super::*;

const ID: &str = "st-1";
const HOST: &str = "https://127.0.0.1:1";

/// A stream in virtual time, from its publisher to a player.
struct Rig {
    playback: Playback,
    stream: SyntheticStream,
    now: MediaTime,
    /// What publishers' timestamps are ahead of the clock.
    ahead_ms: i64,
}

impl Rig {
    fn new(renditions: usize) -> Self {
        let now = MediaTime::ZERO;
        Self { playback: Playback::new(now), stream: SyntheticStream::ladder(renditions), now, ahead_ms: 0 }
    }

    fn tag(&self, kind: MediaKind, at_ms: i64, body: &[u8]) {
        let [.., a, b, c, d] = (at_ms + self.ahead_ms).to_be_bytes();
        self.playback.tag(ID, kind, u32::from_be_bytes([a, b, c, d]), body, self.now);
    }

    fn headers(&self) {
        let config = self.stream.config();
        for video in &config.video {
            self.tag(
                MediaKind::Video,
                self.now.as_millis(),
                &sequence_start_video(video, Form::Enhanced).unwrap(),
            );
        }
        let sound = sequence_start_audio(&config.audio[0], Form::Legacy).unwrap();
        self.tag(MediaKind::Audio, self.now.as_millis(), &sound);
    }

    fn unit(&mut self, unit: &AccessUnit) {
        self.now = self.now.max(MediaTime::from_nanos(unit.dts.as_nanos()));
        let (kind, code, form) = match unit.track {
            Track::Video(_) => (MediaKind::Video, FourCc::AVC, Form::Enhanced),
            Track::Audio(_) => (MediaKind::Audio, FourCc::AAC, Form::Legacy),
        };
        self.tag(kind, unit.dts.as_millis(), &coded_frame(unit, code, form).unwrap());
    }

    fn pass(&mut self, span: Span) {
        for unit in self.stream.take_span(span) {
            self.unit(&unit);
        }
    }

    fn text(&self, path: &str) -> Option<String> {
        let served = self.playback.serve(path, self.now)?;
        assert_eq!(served.content_type, PLAYLIST);
        Some(String::from_utf8(served.bytes.to_vec()).unwrap())
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        Some(self.playback.serve(path, self.now)?.bytes.to_vec())
    }
}

fn rendition_path(track: u8, name: &str) -> String {
    format!("/playback/{ID}/{track}/{name}")
}

#[test]
fn segments_are_listed_two_seconds_after_their_end() {
    let mut rig = Rig::new(2);
    rig.playback.began(ID, rig.now);
    rig.headers();
    // The IDR picture at 2 s ends the first segment, which is listed at 4 s.
    rig.pass(Span::from_millis(3_980));
    assert_eq!(rig.text(CHANNEL_PATH), None);
    rig.pass(Span::from_millis(40));
    let channel = rig.text(CHANNEL_PATH).unwrap();
    let lines: Vec<&str> = channel.lines().collect();
    assert_eq!(lines[..3], ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]);
    assert!(lines[3].ends_with(",RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\""), "{channel}");
    assert_eq!((lines[4], lines[6]), ("st-1/0/index.m3u8", "st-1/1/index.m3u8"));
    let text = rig.text(&rendition_path(1, "index.m3u8")).unwrap();
    assert!(text.contains("#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"), "{text}");
    assert!(text.contains("#EXT-X-MAP:URI=\"init-0.mp4\"\n"), "{text}");
    assert!(text.ends_with("#EXTINF:2.000,\n0.m4s\n"), "{text}");
    let initialisation = rig.bytes(&rendition_path(1, "init-0.mp4")).unwrap();
    assert_eq!(initialisation[4..8], *b"ftyp");
    let segment = rig.bytes(&rendition_path(1, "0.m4s")).unwrap();
    assert_eq!(segment[4..8], *b"moof");
}

#[test]
fn the_window_moves_and_what_leaves_it_is_forgotten() {
    let mut rig = Rig::new(1);
    rig.playback.began(ID, rig.now);
    rig.headers();
    rig.pass(Span::from_secs(61));
    let text = rig.text(&rendition_path(0, "index.m3u8")).unwrap();
    // 30 segments are complete, the last at 60 s is not listed yet.
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:23\n"), "{text}");
    assert_eq!(text.matches("#EXTINF").count(), rendition::LISTED_SEGMENTS);
    assert!(text.ends_with("28.m4s\n"), "{text}");
    assert!(rig.bytes(&rendition_path(0, "18.m4s")).is_some());
    assert_eq!(rig.bytes(&rendition_path(0, "17.m4s")), None);
    assert!(rig.bytes(&rendition_path(0, "init-0.mp4")).is_some());
}

#[test]
fn another_publisher_is_a_discontinuity_with_headers_of_its_own() {
    let mut rig = Rig::new(1);
    rig.playback.began(ID, rig.now);
    rig.headers();
    rig.pass(Span::from_secs(5));
    // Another computer, whose timestamps begin near their wrap.
    rig.playback.continued(ID, rig.now);
    rig.ahead_ms = 4_294_960_000;
    rig.headers();
    rig.pass(Span::from_secs(9));
    let text = rig.text(&rendition_path(0, "index.m3u8")).unwrap();
    assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:0\n"), "{text}");
    let (before, after) = text.split_once("#EXT-X-DISCONTINUITY\n").unwrap();
    assert!(before.ends_with("2.m4s\n"), "{text}");
    assert!(after.starts_with("#EXT-X-MAP:URI=\"init-1.mp4\"\n"), "{text}");
    rig.pass(Span::from_secs(20));
    let text = rig.text(&rendition_path(0, "index.m3u8")).unwrap();
    assert!(
        text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n") && !text.contains("#EXT-X-DISCONTINUITY\n"),
        "{text}"
    );
}

#[test]
fn the_end_lists_everything_and_is_forgotten_after_a_minute() {
    let mut rig = Rig::new(1);
    rig.playback.began(ID, rig.now);
    rig.headers();
    rig.pass(Span::from_secs(5));
    rig.playback.ended(ID, rig.now);
    let text = rig.text(&rendition_path(0, "index.m3u8")).unwrap();
    assert!(text.ends_with("2.m4s\n#EXT-X-ENDLIST\n"), "{text}");
    assert_eq!(text.matches("#EXTINF").count(), 3);
    rig.now += KEPT;
    assert!(rig.text(CHANNEL_PATH).is_some());
    rig.now += Span::from_millis(1);
    assert_eq!(rig.text(CHANNEL_PATH), None);
    rig.playback.began("st-2", rig.now);
    assert_eq!(rig.text(CHANNEL_PATH), None);
}

#[test]
fn nothing_else_lies_there() {
    let mut rig = Rig::new(1);
    rig.playback.began(ID, rig.now);
    rig.headers();
    rig.pass(Span::from_secs(5));
    rig.playback.tag("st-9", MediaKind::Video, 0, &[0x17], rig.now);
    for path in [
        "/playback/",
        "/playback/x",
        "/playback/st-1",
        "/playback/st-1/0",
        "/playback/st-1/1/index.m3u8",
        "/playback/st-1/0/index.m3u8/x",
        "/playback/st-2/0/index.m3u8",
        "/playback/st-1/0/-1.m4s",
        "/playback/st-1/0/init-.mp4",
        "/playback/st-1/999/index.m3u8",
        "/playback/st-1/0/99999999999999999999.m4s",
        "/playback/../st-1",
    ] {
        assert!(rig.playback.serve(path, rig.now).is_none(), "{path}");
    }
}

#[test]
fn whoever_sends_no_keyframe_fills_no_memory() {
    let mut rig = Rig::new(1);
    rig.playback.began(ID, rig.now);
    rig.headers();
    let picture = rig.stream.find(|unit| unit.is_video()).unwrap();
    rig.unit(&picture);
    let mut heavy = AccessUnit::clone(&picture);
    heavy.is_idr = false;
    heavy.data = Arc::from(vec![1; 1 << 20]);
    for n in 1..40 {
        heavy.dts = Dts::from_millis(n * 33);
        heavy.pts = units::Pts::from_millis(n * 33);
        rig.unit(&heavy);
    }
    rig.playback.ended(ID, rig.now);
    assert_eq!(rig.text(CHANNEL_PATH), None);
}

/// A watcher and the playlists that it watches agree, all the way from nothing to the end.
#[test]
fn a_playback_watch_follows_the_stream() {
    let mut rig = Rig::new(3);
    let wall = WallClock { unix_nanos_at_media_zero: rig.playback.unix_ms_at_zero * 1_000_000 };
    let url = PlaybackUrl::parse(&format!("{HOST}{CHANNEL_PATH}")).unwrap();
    let mut watch = PlaybackWatch::new(url, Some(wall), rig.now);
    let mut look = |rig: &Rig| {
        while let Some(Fetch { url, .. }) = watch.poll(rig.now) {
            let fetched = match rig.bytes(&url.target()) {
                Some(bytes) => Fetched::Got { from: url, bytes },
                None => Fetched::Status(404),
            };
            watch.handle(fetched, rig.now);
        }
        watch.state(rig.now)
    };
    assert_eq!(look(&rig), PlaybackState::NotYet);
    rig.playback.began(ID, rig.now);
    rig.headers();
    let mut first_playable = None;
    for _ in 0..100 {
        rig.pass(Span::from_millis(200));
        match look(&rig) {
            PlaybackState::NotYet => assert_eq!(first_playable, None),
            PlaybackState::Playable { behind, newest } => {
                first_playable.get_or_insert(rig.now);
                let behind = behind.unwrap();
                // The ingest lists it after two seconds; the watch looks every one or two.
                assert!((Span::from_millis(1_990)..Span::from_secs(5)).contains(&behind), "{behind:?}");
                assert!(newest.ends_with(".m4s"), "{newest}");
            }
            other => panic!("{other:?}"),
        }
    }
    let first_playable = first_playable.unwrap();
    assert!((4_000..=6_200).contains(&first_playable.as_millis()), "{first_playable:?}");
    rig.playback.ended(ID, rig.now);
    for _ in 0..20 {
        rig.now += Span::from_millis(200);
        look(&rig);
    }
    assert!(matches!(look(&rig), PlaybackState::Stalled { .. }));
}
