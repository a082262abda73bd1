//! The rules of a session, each in virtual time and against a real server half.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

mod conclusion;
mod deliveries;
mod departure;
mod metrics;
mod rates;
mod rig;

use std::sync::Arc;

use ertmp::flv::{ExVideoBody, Form, Tracks, VideoPacket, VideoTag};
use ertmp::{MediaKind, ServerEvent};
use proptest::prelude::*;
use publish::{Action, Cause, Ended, Event, Fault, Health, Notice, QueueLimits, Stage, Step};
use rig::{Hitch, KEY, Rig, config};
use testkit::SyntheticStream;
use units::{Span, Track, TrackId};

const SECOND: Span = Span::from_secs(1);

fn live(renditions: usize) -> (Rig, SyntheticStream) {
    let mut rig = Rig::plain();
    let mut stream = SyntheticStream::ladder(renditions);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(2));
    assert_eq!(rig.session.step(), Step::Live);
    (rig, stream)
}

#[test]
fn every_step_is_told_in_order() {
    let mut rig = Rig::with(Hitch::None);
    let mut stream = SyntheticStream::single();
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(2));
    rig.session.stop(rig.now);
    rig.run(SECOND);
    assert_eq!(
        rig.steps(),
        [
            Step::Resolving,
            Step::Connecting,
            Step::Securing,
            Step::Greeting,
            Step::Asking,
            Step::Accepted,
            Step::Live,
            Step::Stopping,
            Step::Ended
        ]
    );
    assert_eq!(
        rig.actions,
        [Action::Resolve, Action::Connect, Action::StartTls, Action::Close, Action::Abort]
    );
    assert!(rig.notices.contains(&Notice::KeyframeWanted));
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
    assert!(matches!(
        rig.heard[rig.heard.len() - 2..],
        [ServerEvent::FcUnpublish { .. }, ServerEvent::DeleteStream { .. }]
    ));
}

#[test]
fn the_stream_begins_with_metadata_headers_and_an_idr_at_zero() {
    let mut settings = config("rtmp://ingest.example/app");
    settings.primary_form = Some(Form::Legacy);
    settings.colour_info = false;
    let mut rig = Rig::new(settings);
    let mut stream = SyntheticStream::ladder(3);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(2));
    rig.stream(&mut stream, Span::from_secs(3));
    let first_media = rig.heard.iter().position(|event| matches!(event, ServerEvent::Media { .. })).unwrap();
    assert!(matches!(rig.heard[first_media - 1], ServerEvent::Metadata { .. }));
    let media: Vec<_> = rig.media().collect();
    // AAC's header, then AVC's of the primary track, then those of the others as OneTrack.
    assert_eq!((media[0].0, &media[0].2[..2]), (MediaKind::Audio, &[0xaf, 0][..]));
    assert_eq!((media[1].0, &media[1].2[..2]), (MediaKind::Video, &[0x17, 0][..]));
    for (at, track) in [(2, 1), (3, 2)] {
        assert_eq!(media[at].2[..7], [0x96, 0x00, b'a', b'v', b'c', b'1', track]);
    }
    assert!(media[..4].iter().all(|(_, timestamp, _)| *timestamp == 0));
    let (kind, timestamp, body) = media[4];
    assert_eq!((kind, timestamp, &body[..2]), (MediaKind::Video, 0, &[0x17, 1][..]));
    assert!(media.windows(2).all(|pair| pair[0].1 <= pair[1].1), "timestamps went backwards");
    // The session was accepted at one second, so the IDR at two seconds is where it begins.
    let idrs = media.iter().filter(|(_, _, body)| body.starts_with(&[0x17, 1])).map(|media| media.1);
    assert_eq!(idrs.collect::<Vec<_>>(), [0, 2_000, 4_000]);
}

#[test]
fn the_enhanced_form_packages_the_primary_track_without_multitrack() {
    let mut settings = config("rtmp://ingest.example/app");
    settings.primary_form = Some(Form::Enhanced);
    let mut rig = Rig::new(settings);
    let mut stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    rig.stream(&mut stream, Span::from_secs(2));
    rig.session.stop(rig.now);
    rig.run(SECOND);
    assert!(rig.server.client_capabilities().is_enhanced());
    let mut ends = Vec::new();
    for (kind, _, body) in rig.media() {
        if kind != MediaKind::Video {
            continue;
        }
        let VideoTag::Enhanced(tag) = VideoTag::decode(body).unwrap() else { panic!("a legacy tag") };
        let ExVideoBody::Tracks(tracks) = tag.body else { panic!("no track") };
        assert_eq!(
            matches!(tracks, Tracks::Single { .. }),
            tracks.iter().all(|(track, ..)| track == TrackId::PRIMARY)
        );
        ends.extend(
            tracks
                .iter()
                .filter(|(_, _, packet)| **packet == VideoPacket::SequenceEnd)
                .map(|(track, ..)| track),
        );
    }
    assert_eq!(ends, [TrackId(0), TrackId(1)]);
}

#[test]
fn every_step_has_its_deadline() {
    let cases = [
        (Hitch::Name, 5_000, Cause::NameTimedOut, Stage::Name),
        (Hitch::Connect, 10_000, Cause::ConnectTimedOut, Stage::Connect),
        (Hitch::Tls, 10_000, Cause::TlsTimedOut, Stage::Tls),
        (Hitch::Handshake, 10_000, Cause::HandshakeTimedOut, Stage::Handshake),
        (Hitch::Connecting, 10_000, Cause::PublishTimedOut, Stage::Publish),
        (Hitch::HangPublish, 10_000, Cause::PublishTimedOut, Stage::Publish),
    ];
    for (hitch, millis, cause, stage) in cases {
        let mut rig = Rig::with(hitch);
        rig.turn();
        rig.run(Span::from_millis(millis - 1));
        assert_eq!(rig.ended(), None, "{hitch:?}");
        rig.run(Span::from_millis(2));
        assert_eq!((&rig.failure().cause, rig.failure().stage), (&cause, stage), "{hitch:?}");
        assert_eq!(rig.actions.last(), Some(&Action::Abort));
        assert_eq!(rig.session.wake_at(rig.now), None);
    }
}

#[test]
fn refusals_bring_the_services_own_words_and_never_the_key() {
    let mut rig = Rig::with(Hitch::RefuseConnect);
    rig.run(SECOND);
    let refused =
        Cause::Refused { code: "NetConnection.Connect.Rejected".into(), text: "no such app".into() };
    assert_eq!((rig.failure().stage, &rig.failure().cause), (Stage::Publish, &refused));
    let mut rig = Rig::with(Hitch::RefusePublish);
    rig.run(SECOND);
    let failure = rig.failure();
    assert_eq!(
        failure.happened(),
        "The service refused the stream: stream ••• is already live (NetStream.Publish.BadName)."
    );
    assert!(failure.is_refusal());
    assert_eq!((failure.fault(), failure.code()), (Fault::Service, "refused_by_service"));
}

#[test]
fn an_error_from_the_service_ends_a_running_stream() {
    let (mut rig, _) = live(1);
    rig.server.kick("NetStream.Publish.Rejected", "Bitrate exceeds the channel's limit").unwrap();
    rig.serve();
    rig.turn();
    assert_eq!(
        rig.failure().happened(),
        "The service ended the stream: Bitrate exceeds the channel's limit (NetStream.Publish.Rejected)."
    );
    assert_eq!(rig.failure().stage, Stage::Live);
}

#[test]
fn a_warning_before_the_connection_closes_is_the_reason() {
    let (mut rig, _) = live(1);
    rig.server.status(ertmp::Level::Warning, "NetStream.Maintenance", "moving").unwrap();
    rig.serve();
    rig.session.handle(Event::Closed, rig.now);
    rig.turn();
    let reason = Cause::EndedByService { code: "NetStream.Maintenance".into(), text: "moving".into() };
    assert_eq!(rig.failure().cause, reason);
}

#[test]
fn a_peer_that_hangs_up_is_told_apart_by_when() {
    let cases = [
        (Hitch::Connect, Stage::Connect, "connect_failed"),
        (Hitch::Tls, Stage::Tls, "tls_closed"),
        (Hitch::Handshake, Stage::Handshake, "handshake_closed"),
        (Hitch::HangPublish, Stage::Publish, "publish_closed"),
        (Hitch::None, Stage::Live, "closed_by_peer"),
    ];
    for (hitch, stage, code) in cases {
        let mut rig = Rig::with(hitch);
        rig.run(SECOND);
        rig.session.handle(Event::Closed, rig.now);
        rig.turn();
        assert_eq!((rig.failure().stage, rig.failure().code()), (stage, code));
    }
}

#[test]
fn whoever_answers_instead_of_an_rtmp_server_is_recognised() {
    for (bytes, happened) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nServer: proxy\r\n\r\n"[..],
            "Port 1935 of ingest.example should speak RTMP, but something there answered like a web server (HTTP 400).",
        ),
        (
            &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x0a],
            "Port 1935 of ingest.example should speak RTMP, but something there answered in TLS, the encrypted form.",
        ),
        (
            b"220 mail.example ESMTP\r\n",
            "Port 1935 of ingest.example should speak RTMP, but something there answered “220 mail.example ESMTP”.",
        ),
    ] {
        let mut rig = Rig::plain();
        rig.hitch = Hitch::Handshake;
        rig.run(Span::from_millis(10));
        rig.session.handle(Event::Received(bytes), rig.now);
        rig.turn();
        assert_eq!(rig.failure().happened(), happened);
        assert_eq!(rig.failure().code(), "not_rtmp");
    }
}

#[test]
fn a_slow_upload_costs_the_highest_rendition_first_and_never_an_idr_or_sound() {
    let (mut rig, mut stream) = live(3);
    // Three renditions and sound need 8.36 Mbps; the wire carries 5.6.
    rig.bytes_per_ms = Some(700);
    rig.stream(&mut stream, Span::from_secs(40));
    let stats = rig.session.stats(rig.now);
    assert_eq!(stats.health, Health::Slow);
    assert!(rig.notices.contains(&Notice::Health(Health::Slow)));
    let dropped: Vec<u64> = stats.dropped.iter().map(|(_, dropped)| dropped.units).collect();
    assert!(dropped[0] > 300, "{dropped:?}");
    assert_eq!(dropped[1..], [0, 0, 0], "{dropped:?}");
    assert!((5_400..=5_620).contains(&stats.upload.0), "{}", stats.upload);
    // And it recovers.
    rig.bytes_per_ms = None;
    rig.stream(&mut stream, Span::from_secs(5));
    assert_eq!(rig.session.stats(rig.now).health, Health::Good);
    let media: Vec<_> = rig.media().filter(|(kind, ..)| *kind == MediaKind::Video).collect();
    assert!(media.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    let idrs = media.iter().filter(|(_, _, body)| body.starts_with(b"\x93avc1")).count();
    assert_eq!(idrs, 24, "those at 2, 4, ... 48 seconds");
}

#[test]
fn a_standing_upload_is_degraded_then_given_up() {
    let (mut rig, mut stream) = live(1);
    rig.bytes_per_ms = Some(0);
    rig.stream(&mut stream, Span::from_millis(1_200));
    assert_eq!(rig.session.stats(rig.now).health, Health::Slow);
    rig.stream(&mut stream, Span::from_millis(4_700));
    assert_eq!(rig.ended(), None);
    let waiting = rig.session.stats(rig.now).queue;
    assert!(waiting.bytes < QueueLimits::default().bytes);
    rig.stream(&mut stream, Span::from_millis(300));
    assert_eq!(rig.failure().cause, Cause::Stalled);
    assert_eq!(rig.failure().fault(), Fault::Network);
    assert_eq!(rig.session.stats(rig.now).queue.units, 0);
}

#[test]
fn a_peer_that_stops_acknowledging_is_noticed() {
    let (mut rig, mut stream) = live(1);
    rig.stream(&mut stream, Span::from_secs(5));
    assert!(rig.session.stats(rig.now).acknowledged_bytes.unwrap() > 500_000);
    rig.deaf = true;
    rig.stream(&mut stream, Span::from_secs(8));
    assert_eq!(rig.session.stats(rig.now).health, Health::Unconfirmed);
    rig.stream(&mut stream, Span::from_secs(10));
    assert_eq!(rig.failure().cause, Cause::Unacknowledged);
}

#[test]
fn stopping_sends_what_waits_and_says_good_bye() {
    let (mut rig, mut stream) = live(1);
    // Half a second behind, which half a second of wire can make good.
    rig.bytes_per_ms = Some(0);
    rig.stream(&mut stream, Span::from_millis(500));
    let waiting = rig.session.stats(rig.now).queue.units;
    assert!(waiting > 30);
    rig.bytes_per_ms = Some(700);
    let before = rig.media().count();
    rig.session.stop(rig.now);
    rig.run(SECOND);
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
    // The piece that was under way, and everything that waited.
    assert_eq!(rig.media().count(), before + waiting + 1);
}

#[test]
fn stopping_is_over_in_time_whatever_hangs() {
    for hitch in
        [Hitch::Name, Hitch::Connect, Hitch::Tls, Hitch::Handshake, Hitch::Connecting, Hitch::HangPublish]
    {
        let mut rig = Rig::with(hitch);
        rig.run(SECOND);
        rig.session.stop(rig.now);
        rig.turn();
        assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }), "{hitch:?}");
        assert_eq!(rig.actions.last(), Some(&Action::Abort));
    }
    let (mut rig, mut stream) = live(1);
    rig.bytes_per_ms = Some(0);
    rig.stream(&mut stream, SECOND);
    rig.session.stop(rig.now);
    rig.run(Span::from_millis(1_799));
    assert_eq!(rig.ended(), None);
    rig.run(Span::from_millis(1));
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: false }));
}

#[test]
fn a_slow_wire_gets_the_good_bye_even_if_not_everything_that_waits() {
    let (mut rig, mut stream) = live(1);
    rig.bytes_per_ms = Some(0);
    rig.stream(&mut stream, Span::from_millis(1_500));
    rig.bytes_per_ms = Some(100);
    rig.session.stop(rig.now);
    rig.run(Span::from_millis(1_800));
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
    assert!(matches!(rig.heard.last(), Some(ServerEvent::DeleteStream { .. })));
}

#[test]
fn without_a_common_keyframe_there_is_an_end() {
    let mut rig = Rig::plain();
    let stream = SyntheticStream::ladder(2);
    rig.session.begin(stream.config());
    for unit in stream.take(5_000) {
        if unit.track == Track::Video(TrackId(1)) {
            continue;
        }
        if rig.now < unit.pts.at() {
            rig.run(unit.pts.at() - rig.now);
        }
        rig.session.push(unit, rig.now);
    }
    assert!(matches!(rig.failure().cause, Cause::Own(_)));
    assert_eq!(rig.failure().fault(), Fault::Genlock);
    assert_eq!(rig.media().count(), 0);
}

#[test]
fn a_changed_configuration_goes_ahead_of_its_next_keyframe() {
    let (mut rig, mut stream) = live(2);
    let mut changed = stream.config();
    let mut video = (*changed.video[1]).clone();
    let mut bytes = video.decoder_config.to_vec();
    bytes[3] = 41;
    video.decoder_config = bytes.into();
    changed.video[1] = Arc::new(video);
    rig.session.begin(changed);
    let before = rig.media().count();
    rig.stream(&mut stream, Span::from_secs(5));
    let headers: Vec<(u32, usize)> = rig
        .media()
        .enumerate()
        .skip(before)
        .filter(|(_, (_, _, body))| body.starts_with(&[0x96, 0x00]))
        .map(|(at, (_, timestamp, _))| (timestamp, at))
        .collect();
    let [(2_000, at)] = headers[..] else { panic!("{headers:?}") };
    let (_, timestamp, next) = rig.media().nth(at + 1).unwrap();
    assert_eq!((timestamp, &next[..2]), (2_000, &[0x96, 0x03][..]));
}

#[test]
fn latency_is_from_composition_to_the_last_byte() {
    let (mut rig, mut stream) = live(1);
    rig.stream(&mut stream, Span::from_secs(12));
    let stats = rig.session.stats(rig.now);
    // The wire is as fast as can be; what is left is the rounding up to a millisecond and the wait for sound.
    assert!(stats.latency_recent.samples >= 299, "{stats:?}");
    assert_eq!((stats.rejected, stats.disordered), (0, 0));
    assert!(stats.latency_recent.median <= Span::from_millis(25), "{stats:?}");
    assert!(stats.latency_session.p99 <= QueueLimits::default().patience + Span::from_millis(2));
}

#[test]
fn nothing_that_can_be_printed_holds_the_key() {
    let settings = config("rtmps://ingest.example/app");
    let mut printed = format!("{settings:?}");
    for hitch in [Hitch::None, Hitch::RefuseConnect, Hitch::RefusePublish, Hitch::HangPublish] {
        let mut rig = Rig::with(hitch);
        rig.run(Span::from_secs(12));
        printed += &format!("{:?}{:?}", rig.notices, rig.session.stats(rig.now));
        if let Some(Ended::Failed(failure)) = rig.ended() {
            printed += &format!("{failure}{}{}{}", failure.done(), failure.advice(), failure.code());
        }
    }
    assert!(!printed.contains(KEY) && !printed.contains("K7pQ"), "{printed}");
}

#[derive(Clone, Debug)]
enum Happening {
    Pass(i64),
    Rate(Option<usize>),
    Receive(Vec<u8>),
    Closed,
    Failed,
    Late(u8),
    Stop,
    Depart,
    Conclude,
    Proceed,
    LetGo,
    Deaf(bool),
    Frozen(bool),
    InFlight(u64),
    Ask,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        8 => (1i64..800).prop_map(Happening::Pass),
        2 => prop_oneof![Just(None), (0usize..2_000).prop_map(Some)].prop_map(Happening::Rate),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Happening::Receive),
        1 => Just(Happening::Closed),
        1 => Just(Happening::Failed),
        1 => (0u8..3).prop_map(Happening::Late),
        1 => Just(Happening::Stop),
        1 => prop::sample::select(vec![Happening::Depart, Happening::Conclude, Happening::LetGo]),
        1 => Just(Happening::Proceed),
        1 => any::<bool>().prop_map(Happening::Deaf),
        1 => any::<bool>().prop_map(Happening::Frozen),
        1 => prop_oneof![0u64..100_000, any::<u64>()].prop_map(Happening::InFlight),
        1 => Just(Happening::Ask),
    ];
    prop::collection::vec(one, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_there_is_one_end_and_it_comes_in_time(
        happenings in happenings(),
        waits in prop::bool::weighted(0.2),
        told in any::<bool>(),
    ) {
        let mut settings = config("rtmps://ingest.example/app");
        settings.waits = waits;
        let mut rig = Rig::new(settings);
        rig.told = told;
        let mut parted_at = None;
        let mut delivered = Vec::new();
        let mut stream = SyntheticStream::ladder(2);
        rig.session.begin(stream.config());
        let mut stopped_at = None;
        for happening in happenings {
            match happening {
                Happening::Pass(millis) => rig.stream(&mut stream, Span::from_millis(millis)),
                Happening::Rate(rate) => rig.bytes_per_ms = rate,
                Happening::Receive(bytes) => rig.session.handle(Event::Received(&bytes), rig.now),
                Happening::Closed => rig.session.handle(Event::Closed, rig.now),
                Happening::Failed => rig.session.handle(Event::Failed(Cause::Lost("reset".into())), rig.now),
                Happening::Late(0) => rig.session.handle(Event::Resolved, rig.now),
                Happening::Late(1) => rig.session.handle(Event::Connected, rig.now),
                Happening::Late(_) => rig.session.handle(Event::TlsDone, rig.now),
                Happening::Stop => {
                    stopped_at.get_or_insert(rig.now);
                    rig.session.stop(rig.now);
                }
                Happening::Depart => {
                    parted_at.get_or_insert(rig.now);
                    rig.session.depart(rig.now);
                }
                Happening::Conclude => {
                    parted_at.get_or_insert(rig.now);
                    rig.session.conclude(rig.now);
                }
                Happening::Proceed => rig.session.proceed(rig.now),
                Happening::LetGo => {
                    parted_at.get_or_insert(rig.now);
                    rig.session.let_go(rig.now);
                }
                Happening::Deaf(deaf) => rig.deaf = deaf,
                Happening::Frozen(frozen) => rig.frozen = frozen,
                Happening::InFlight(bytes) => rig.session.handle(Event::InFlight { bytes }, rig.now),
                Happening::Ask => delivered.extend(rig.session.deliveries()),
            }
            rig.turn();
            if let Some(parted_at) = parted_at {
                prop_assert!(rig.ended().is_some() || rig.now - parted_at < Span::from_secs(17));
            }
            // Nothing is further than what was handed over, and nothing is confirmed that was not.
            for track in rig.session.stats(rig.now).tracks {
                prop_assert!(track.confirmed_to <= track.sent_to, "{track:?}");
                prop_assert_eq!(track.confirmed_to.is_some(), track.confirmed_at.is_some());
            }
            if let Some(stopped_at) = stopped_at {
                prop_assert!(rig.ended().is_some() || rig.now - stopped_at < Span::from_secs(2));
            }
            if rig.session.step() == Step::Ended {
                prop_assert!(rig.ended().is_some());
                prop_assert_eq!(rig.session.next_bytes(rig.now), None);
                prop_assert_eq!(rig.session.stats(rig.now).queue.units, 0);
            }
        }
        rig.session.stop(rig.now);
        rig.run(Span::from_secs(2));
        prop_assert!(rig.ended().is_some());
        let ends = rig.notices.iter().filter(|notice| matches!(notice, Notice::Ended(_))).count();
        prop_assert_eq!(ends, 1);
        // Each unit is told once, as one or the other.
        delivered.extend(rig.session.deliveries());
        for track in rig.session.stats(rig.now).tracks {
            let mut runs: Vec<_> = delivered.iter().filter(|run| run.track == track.track).collect();
            runs.sort_by_key(|run| run.from);
            prop_assert!(runs.windows(2).all(|pair| pair[1].from + Span::from_micros(1) >= pair[0].to));
            prop_assert_eq!(runs.last().map(|run| run.to), track.sent_to);
        }
    }
}
