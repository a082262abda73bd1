use proptest::prelude::*;

use super::*;

const TOP: &str = "https://play.example/v1/channel.m3u8?token=NotToBeSeen";
const MASTER: &str =
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlow/index.m3u8?token=NotToBeSeen\n";

/// A channel's origin, as seen through a cache.
#[derive(Clone, Debug, Default)]
struct Origin {
    /// Media sequence number of the newest segment; `None` for no stream.
    newest: Option<u64>,
    is_over: bool,
    /// Everything fails.
    is_down: bool,
    /// Segments are listed and not there.
    is_hollow: bool,
}

impl Origin {
    fn answer(&self, fetch: &Fetch) -> Fetched {
        let got = |text: String| Fetched::Got { from: fetch.url.clone(), bytes: text.into_bytes() };
        let Some(newest) = self.newest else { return Fetched::Status(404) };
        if self.is_down {
            return Fetched::Failed(String::from("play.example did not answer in time."));
        }
        match fetch.url.name().as_str() {
            "channel.m3u8" => got(String::from(MASTER)),
            "index.m3u8" => {
                let from = newest.saturating_sub(2);
                let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{from}\n");
                for n in from..=newest {
                    text.push_str(&format!("#EXTINF:2,\n{n}.m4s?token=NotToBeSeen\n"));
                }
                if self.is_over {
                    text.push_str("#EXT-X-ENDLIST\n");
                }
                got(text)
            }
            _ if self.is_hollow => Fetched::Status(404),
            _ => got(String::from("moof")),
        }
    }
}

struct Rig {
    watch: PlaybackWatch,
    origin: Origin,
    now: MediaTime,
    fetches: u64,
    /// When a segment was last fetched.
    segment_at: Option<MediaTime>,
}

impl Rig {
    fn new() -> Self {
        let now = MediaTime::from_millis(1_000);
        let watch = PlaybackWatch::new(PlaybackUrl::parse(TOP).unwrap(), None, now);
        Self { watch, origin: Origin::default(), now, fetches: 0, segment_at: None }
    }

    /// Fetches at once whatever is asked for, until `span` has passed.
    fn pass(&mut self, span: Span) {
        let until = self.now + span;
        loop {
            while let Some(fetch) = self.watch.poll(self.now) {
                assert_eq!(self.watch.poll(self.now), None, "one fetch at a time");
                assert_eq!(self.watch.wake_at(), None);
                self.fetches += 1;
                let fetched = self.origin.answer(&fetch);
                if fetch.wanted == Wanted::Segment && matches!(fetched, Fetched::Got { .. }) {
                    self.segment_at = Some(self.now);
                }
                self.watch.handle(fetched, self.now);
                self.check();
            }
            let wake_at = self.watch.wake_at().unwrap();
            assert!(wake_at > self.now && wake_at - self.now <= LONGEST_PAUSE, "{wake_at:?}");
            if wake_at > until {
                break;
            }
            self.now = wake_at;
            self.check();
        }
        self.now = until;
        self.check();
    }

    fn state(&self) -> PlaybackState {
        self.watch.state(self.now)
    }

    fn is_playable(&self) -> bool {
        matches!(self.state(), PlaybackState::Playable { .. })
    }

    /// What holds after every step.
    fn check(&self) {
        let state = self.state();
        assert!(!format!("{state:?} {:?}", self.watch).contains("NotToBeSeen"), "{state:?}");
        match state {
            PlaybackState::Playable { newest, .. } => {
                let at = self.segment_at.expect("a segment was fetched");
                assert!(self.now - at <= self.watch.patience());
                assert!(newest.ends_with(".m4s"), "{newest}");
            }
            PlaybackState::Stalled { since } => assert_eq!(Some(since), self.segment_at),
            PlaybackState::NotYet | PlaybackState::Unreachable(_) => {}
        }
    }
}

#[test]
fn a_stream_that_begins_is_playable_with_its_first_segment() {
    let mut rig = Rig::new();
    rig.pass(Span::from_secs(5));
    assert_eq!(rig.state(), PlaybackState::NotYet);
    rig.origin.newest = Some(0);
    rig.pass(Span::from_secs(2));
    assert_eq!(rig.state(), PlaybackState::Playable { behind: None, newest: String::from("0.m4s") });
}

#[test]
fn what_is_left_of_an_earlier_stream_is_not_ours() {
    let mut rig = Rig::new();
    rig.origin.newest = Some(900);
    rig.pass(Span::from_secs(60));
    assert_eq!(rig.state(), PlaybackState::NotYet);
    // A newer one shows that it goes on.
    rig.origin.newest = Some(901);
    rig.pass(Span::from_secs(2));
    assert!(rig.is_playable());
}

#[test]
fn an_end_is_a_stall_and_a_new_stream_counts_anew() {
    let mut rig = Rig::new();
    rig.origin.newest = Some(5);
    rig.pass(Span::from_secs(3));
    rig.origin.newest = Some(6);
    rig.pass(Span::from_secs(3));
    assert!(rig.is_playable());
    rig.origin.is_over = true;
    rig.pass(Span::from_secs(3));
    assert!(matches!(rig.state(), PlaybackState::Stalled { .. }), "{:?}", rig.state());
    rig.origin = Origin { newest: Some(0), ..Origin::default() };
    rig.pass(Span::from_secs(5));
    assert!(rig.is_playable(), "{:?}", rig.state());
}

#[test]
fn no_new_segment_for_three_target_durations_is_a_stall() {
    let mut rig = Rig::new();
    rig.pass(Span::from_secs(1));
    rig.origin.newest = Some(0);
    rig.pass(Span::from_secs(3));
    let since = rig.segment_at.unwrap();
    rig.pass(since + SHORTEST_PATIENCE - rig.now);
    assert!(rig.is_playable());
    rig.pass(Span::from_millis(1));
    assert_eq!(rig.state(), PlaybackState::Stalled { since });
    rig.origin.newest = Some(1);
    rig.pass(Span::from_secs(2));
    assert!(rig.is_playable());
}

#[test]
fn a_cache_that_lags_behind_is_no_progress() {
    let mut rig = Rig::new();
    rig.pass(Span::from_secs(1));
    rig.origin.newest = Some(40);
    rig.pass(Span::from_secs(3));
    for n in 0..20 {
        rig.origin.newest = Some(if n % 2 == 0 { 39 } else { 40 });
        rig.pass(Span::from_secs(1));
    }
    assert!(matches!(rig.state(), PlaybackState::Stalled { .. }), "{:?}", rig.state());
    // Counting from the beginning again, and going on, is a new stream.
    rig.origin.newest = Some(0);
    rig.pass(Span::from_secs(4));
    rig.origin.newest = Some(1);
    rig.pass(Span::from_secs(4));
    assert!(rig.is_playable());
}

#[test]
fn a_list_of_segments_that_are_not_there_is_not_playable() {
    let mut rig = Rig::new();
    rig.pass(Span::from_secs(1));
    rig.origin.newest = Some(0);
    rig.origin.is_hollow = true;
    for n in 1..20 {
        rig.origin.newest = Some(n);
        rig.pass(Span::from_secs(2));
    }
    // The playlist is well: a person is told only when fetching fails twice in a row.
    assert!(!rig.is_playable(), "{:?}", rig.state());
}

#[test]
fn trouble_on_our_side_is_told_apart_from_a_stall() {
    let mut rig = Rig::new();
    rig.pass(Span::from_secs(1));
    rig.origin.newest = Some(0);
    rig.pass(Span::from_secs(3));
    rig.origin.is_down = true;
    rig.pass(Span::from_secs(3));
    assert!(rig.is_playable(), "players have something left");
    rig.pass(Span::from_secs(20));
    let why = String::from("play.example did not answer in time.");
    assert_eq!(rig.state(), PlaybackState::Unreachable(why));
}

#[test]
fn a_refusal_says_what_it_may_mean() {
    let mut rig = Rig::new();
    for _ in 0..2 {
        let fetch = rig.watch.poll(rig.now).unwrap();
        assert_eq!(fetch.wanted, Wanted::Playlist);
        rig.watch.handle(Fetched::Status(403), rig.now);
        rig.now = rig.watch.wake_at().unwrap();
    }
    let PlaybackState::Unreachable(why) = rig.state() else { panic!("{:?}", rig.state()) };
    assert!(why.contains("token (HTTP 403)"), "{why}");
}

#[test]
fn times_of_day_say_how_far_viewers_are_behind() {
    let wall = WallClock { unix_nanos_at_media_zero: 1_795_262_400_000_000_000 };
    for (now_secs, behind) in [(7, Some(3)), (4, Some(0)), (3, Some(0)), (1, None), (605, None)] {
        let mut now = MediaTime::ZERO;
        let mut watch = PlaybackWatch::new(PlaybackUrl::parse(TOP).unwrap(), Some(wall), now);
        watch.poll(now).unwrap();
        watch.handle(Fetched::Status(404), now);
        now = MediaTime::from_millis(now_secs * 1_000).max(watch.wake_at().unwrap());
        if now_secs < 2 {
            // A clock that is behind is as wrong as one that is ahead.
            now = MediaTime::from_millis(2_000);
        }
        let fetch = watch.poll(now).unwrap();
        let shift = if now_secs < 2 { 10 } else { 2 };
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:{shift:02}Z\n#EXTINF:2,\n0.ts\n"
        );
        watch.handle(Fetched::Got { from: fetch.url, bytes: text.into_bytes() }, now);
        let fetch = watch.poll(now).unwrap();
        watch.handle(Fetched::Got { from: fetch.url, bytes: vec![0x47] }, now);
        let PlaybackState::Playable { behind: found, .. } = watch.state(now) else { panic!() };
        assert_eq!(found, behind.map(Span::from_secs), "{now_secs}");
    }
}

#[derive(Clone, Debug)]
enum Happening {
    Advance(u64),
    Restart,
    Vanish,
    Over(bool),
    Down(bool),
    Hollow(bool),
    Pass(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0u64..3).prop_map(Happening::Advance),
        1 => Just(Happening::Restart),
        1 => Just(Happening::Vanish),
        1 => any::<bool>().prop_map(Happening::Over),
        1 => any::<bool>().prop_map(Happening::Down),
        1 => any::<bool>().prop_map(Happening::Hollow),
        6 => (0i64..9_000).prop_map(Happening::Pass),
    ]
}

proptest! {
    /// [`Rig::check`] holds after every step; looking costs little; and a stream that runs is found again.
    #[test]
    fn whatever_the_origin_does(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut rig = Rig::new();
        let began = rig.now;
        for happening in happenings {
            match happening {
                Happening::Advance(by) => rig.origin.newest = Some(rig.origin.newest.map_or(0, |n| n + by)),
                Happening::Restart => rig.origin.newest = Some(0),
                Happening::Vanish => rig.origin.newest = None,
                Happening::Over(is) => rig.origin.is_over = is,
                Happening::Down(is) => rig.origin.is_down = is,
                Happening::Hollow(is) => rig.origin.is_hollow = is,
                Happening::Pass(millis) => rig.pass(Span::from_millis(millis)),
            }
        }
        // Three fetches a second at the most: channel, variant, segment.
        let elapsed = u64::try_from((rig.now - began).as_millis()).unwrap() / 1_000;
        prop_assert!(rig.fetches <= 3 * (elapsed + 2), "{} in {elapsed} s", rig.fetches);
        rig.origin = Origin { newest: rig.origin.newest, ..Origin::default() };
        for _ in 0..15 {
            rig.origin.newest = Some(rig.origin.newest.map_or(0, |n| n + 1));
            rig.pass(Span::from_secs(2));
        }
        prop_assert!(rig.is_playable(), "{:?}", rig.state());
    }
}
