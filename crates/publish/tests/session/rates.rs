//! What a session tells about a slow upload, and about a server that announces nothing.

use ertmp::{Capabilities, ServerConfig, ServerEvent, ServerSession};
use publish::{Notice, RungRates, SessionConfig, Step};
use testkit::SyntheticStream;
use units::{Kbps, Span, TrackId};

use crate::rig::{Hitch, Rig, config};

fn laddered() -> SessionConfig {
    let mut settings = config("rtmp://ingest.example/app");
    // What `SyntheticStream::ladder(3)` makes.
    settings.ladder = [(0, 4_500, 3_000), (1, 2_500, 2_000), (2, 1_200, 1_200)]
        .map(|(track, nominal, lower)| RungRates {
            track: TrackId(track),
            nominal: Kbps(nominal),
            points: vec![Kbps(0), Kbps(lower), Kbps(nominal)],
        })
        .to_vec();
    settings
}

fn bitrates(rig: &Rig) -> Vec<Kbps> {
    let sum = |notice: &Notice| match notice {
        Notice::Bitrates(bitrates) => Some(bitrates.iter().map(|(_, rate)| *rate).sum()),
        _ => None,
    };
    rig.notices.iter().filter_map(sum).collect()
}

#[test]
fn an_upload_that_carries_everything_changes_nothing() {
    let mut rig = Rig::new(laddered());
    let mut stream = SyntheticStream::ladder(3);
    rig.session.begin(stream.config());
    rig.bytes_per_ms = Some(1_250);
    rig.stream(&mut stream, Span::from_secs(30));
    assert_eq!(bitrates(&rig), []);
}

#[test]
fn a_slow_upload_lowers_the_bitrates_then_asks_for_less_and_gives_them_back_at_the_end() {
    let mut rig = Rig::new(laddered());
    let mut stream = SyntheticStream::ladder(3);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(5));
    // 5.6 Mbps for a stream of 8.36, whose encoders do not listen.
    rig.bytes_per_ms = Some(700);
    rig.stream(&mut stream, Span::from_secs(40));
    let told = bitrates(&rig);
    assert!(told[0] < Kbps(8_200) && told.is_sorted_by(|a, b| a > b), "{told:?}");
    assert_eq!(told.last(), Some(&Kbps(6_200)), "the lowest");
    let overwhelmed: Vec<Kbps> = rig
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Overwhelmed { sustainable } => Some(*sustainable),
            _ => None,
        })
        .collect();
    let [sustainable] = overwhelmed[..] else { panic!("{overwhelmed:?}") };
    assert!((4_500..=4_800).contains(&sustainable.0), "{sustainable}");
    rig.session.stop(rig.now);
    rig.run(Span::from_secs(2));
    assert_eq!(bitrates(&rig).last(), Some(&Kbps(8_200)));
    assert!(rig.ended().is_some());
}

#[test]
fn without_a_ladder_no_bitrate_is_told() {
    let mut rig = Rig::plain();
    let mut stream = SyntheticStream::ladder(3);
    rig.session.begin(stream.config());
    rig.bytes_per_ms = Some(700);
    rig.stream(&mut stream, Span::from_secs(40));
    assert_eq!(bitrates(&rig), []);
    assert!(!rig.notices.iter().any(|notice| matches!(notice, Notice::Overwhelmed { .. })));
}

fn warned(rig: &Rig) -> usize {
    rig.notices.iter().filter(|notice| **notice == Notice::MultitrackUnannounced).count()
}

fn announcing(mut rig: Rig, capabilities: Capabilities) -> Rig {
    let server = ServerConfig { capabilities, ..ServerConfig::default() };
    rig.server = ServerSession::new(server, &[9; ertmp::RANDOM_BYTES]);
    rig
}

fn mute(rig: Rig) -> Rig {
    announcing(rig, Capabilities::default())
}

#[test]
fn a_server_that_announces_no_multitrack_is_told_before_any_media() {
    for (renditions, expected) in [(1, 0), (2, 1)] {
        let mut rig = mute(Rig::plain());
        let mut stream = SyntheticStream::ladder(renditions);
        rig.session.begin(stream.config());
        rig.run(Span::from_millis(10));
        assert_eq!((rig.session.step(), warned(&rig), rig.media().count()), (Step::Accepted, expected, 0));
        // It is no refusal.
        rig.stream(&mut stream, Span::from_secs(3));
        assert_eq!((rig.session.step(), warned(&rig)), (Step::Live, expected));
    }
    // Told as soon as both are known, whichever is first.
    let mut rig = mute(Rig::with(Hitch::HangPublish));
    rig.run(Span::from_millis(10));
    assert_eq!(warned(&rig), 0);
    rig.session.begin(SyntheticStream::ladder(3).config());
    rig.turn();
    assert_eq!(warned(&rig), 1);
    let mut settings = config("rtmp://ingest.example/app");
    settings.multitrack = true;
    let mut rig = mute(Rig::new(settings));
    rig.run(Span::from_millis(10));
    assert_eq!(warned(&rig), 1);
    let announced = rig.heard.iter().find_map(|event| match event {
        ServerEvent::Connect(request) => Some(request.capabilities.clone()),
        _ => None,
    });
    assert_eq!(announced, Some(Capabilities::publisher()));
}

#[test]
fn a_server_that_announces_it_is_not_warned_of() {
    let mut settings = config("rtmp://ingest.example/app");
    settings.multitrack = true;
    let mut rig = announcing(Rig::new(settings), Capabilities::ingest());
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(3));
    assert_eq!((rig.session.step(), warned(&rig)), (Step::Live, 0));
}
