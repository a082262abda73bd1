//! Streams of several tracks: one that keeps its promise, and each way to break it.

use ertmp::MediaKind;
use ertmp::flv::{Form, FourCc};
use testkit::Rendition;
use units::FrameRate;

use super::show::{HEVC_720P, Show, bytes, configure, is_video, judge_file, rendition, three_messages};
use super::*;
use crate::limits::ResolutionClass;
use crate::metrics::sei_nal;

/// Gives the IDR of a track at `pts_ms` to the picture behind it.
fn slip(units: &mut [AccessUnit], track: u8, pts_ms: i64) {
    let at: Vec<usize> = (0..units.len())
        .filter(|at| is_video(&units[*at], track) && units[*at].pts.as_millis() >= pts_ms)
        .take(2)
        .collect();
    let (first, second) = (at[0], at[1]);
    let (data, is_idr) = (units[first].data.clone(), units[first].is_idr);
    units[first].data = units[second].data.clone();
    units[first].is_idr = units[second].is_idr;
    units[second].data = data;
    units[second].is_idr = is_idr;
}

#[test]
fn a_ladder_that_keeps_its_promise_has_no_findings() {
    let verdict = Show::default().judge();
    assert_eq!(verdict.findings, []);
    assert!(verdict.accepted);
    let figures = verdict.figures;
    assert_eq!(figures.alignment, Some(AlignmentFigures { idrs: 6, misaligned: 0 }));
    assert_eq!(figures.metrics, Some(MetricsFigures { messages: 54, missing: 0 }));
    assert_eq!(figures.tracks.len(), 3);
    let sizes: Vec<_> = figures.tracks.iter().filter_map(|track| track.size_px).collect();
    assert_eq!(sizes, [[1280, 720], [852, 480], [640, 360]]);
    for track in &figures.tracks {
        assert_eq!((track.frames, track.keyframes.count, track.ended), (360, 6, true), "{track:?}");
        assert_eq!(track.signalled_frame_rate, Some(30.0));
    }
}

#[test]
fn ladders_of_other_kinds_are_taken_too() {
    let full = Rendition { rate: FrameRate::FPS_60, ..rendition(1920, 1080, 6000) };
    let half =
        [full, Rendition { rate: FrameRate::FPS_60, ..rendition(1280, 720, 3000) }, rendition(640, 360, 600)];
    let halved = Show { sent: half.to_vec(), promised: Some(half.to_vec()), ..Show::default() };
    // The canvas runs at 60 frames per second, so an IDR comes every second.
    assert_eq!(halved.codes(), [""; 0]);
    let hevc = [rendition(1280, 720, 2000), rendition(1280, 720, 1000)];
    let hevc = Show {
        sent: hevc.to_vec(),
        promised: Some(hevc.to_vec()),
        promised_codec: VideoCodec::Hevc,
        hevc: true,
        ..Show::default()
    };
    assert_eq!(hevc.codes(), [""; 0]);
    let tracks = hevc.judge().figures.tracks;
    assert!(tracks.iter().all(|track| track.codec.as_deref() == Some("H.265")));
    assert!(tracks.iter().all(|track| track.profile.as_deref() == Some("Main 3.1")));
    let required = MultitrackInput::Require { maximum_resolution: ResolutionClass::Hd };
    assert_eq!(Show { multitrack: required, ..Show::default() }.codes(), [""; 0]);
    let one = vec![rendition(1280, 720, 2500)];
    let one = Show { sent: one.clone(), promised: Some(one), multitrack: required, ..Show::default() };
    assert_eq!(one.codes(), [""; 0], "a promise of one track is kept by one track");
    let lower = vec![rendition(1280, 720, 1000), rendition(852, 480, 500), rendition(640, 360, 200)];
    assert_eq!(Show { sent: lower, ..Show::default() }.codes(), [""; 0], "congestion may lower bitrates");
}

#[test]
fn the_others_are_compared_without_a_track_that_is_missing() {
    let missing = Show { dropped: &[2], ..Show::default() }.judge().figures;
    assert_eq!(missing.alignment, Some(AlignmentFigures { idrs: 6, misaligned: 0 }));
    assert_eq!(missing.tracks.iter().map(|track| track.frames).collect::<Vec<_>>(), [360, 360, 0]);
    let slipped = Show { dropped: &[2], units: |units| slip(units, 1, 10_000), ..Show::default() };
    assert_eq!(slipped.codes(), ["InvalidMultitrackInputTrackCount", "idrs-misaligned"]);
}

/// Every way to leave the promise, with the one code it gives.
#[test]
fn each_mutation_has_its_code() {
    let good = Show::default;
    let changed = |at: usize, rendition: Rendition| {
        let mut sent = good().sent;
        sent[at] = rendition;
        sent
    };
    let cases: Vec<(&str, &str, Show)> = vec![
        ("dropped track", "InvalidMultitrackInputTrackCount", Show { dropped: &[2], ..good() }),
        ("dropped primary", "InvalidMultitrackInputTrackCount", Show { dropped: &[0], ..good() }),
        (
            "further track",
            "InvalidMultitrackInputTrackCount",
            Show { promised: Some(good().sent[..2].to_vec()), ..good() },
        ),
        (
            "track that stops",
            "InvalidMultitrackInputTrackCount",
            Show {
                units: |units| units.retain(|unit| !is_video(unit, 1) || unit.pts.as_millis() < 4000),
                ..good()
            },
        ),
        (
            "wrong size",
            "InvalidMultitrackInputVideoTrackMediaProperties",
            Show { sent: changed(1, rendition(854, 480, 1200)), ..good() },
        ),
        (
            "wrong code",
            "InvalidMultitrackInputVideoTrackMediaProperties",
            Show { promised_codec: VideoCodec::Hevc, ..good() },
        ),
        (
            "half the rate",
            "InvalidMultitrackInputVideoTrackMediaProperties",
            Show {
                units: |units| {
                    units.retain(|unit| !is_video(unit, 2) || unit.index.is_multiple_of(2));
                },
                ..good()
            },
        ),
        (
            "double the rate",
            "InvalidMultitrackInputVideoTrackMediaProperties",
            Show {
                promised: Some(
                    good()
                        .sent
                        .into_iter()
                        .map(|rendition| Rendition { rate: FrameRate::new(15, 1).unwrap(), ..rendition })
                        .collect(),
                ),
                ..good()
            },
        ),
        (
            "double the bitrate",
            "InvalidMultitrackInputVideoTrackMediaProperties",
            Show { sent: changed(1, rendition(852, 480, 2400)), ..good() },
        ),
        ("misaligned IDR", "idrs-misaligned", Show { units: |units| slip(units, 1, 10_000), ..good() }),
        (
            "message missing once",
            "metrics-missing",
            Show {
                metrics: |track, idr| {
                    let mut messages = three_messages(track, idr);
                    if (track, idr) == (2, 3) {
                        messages.remove(1);
                    }
                    messages
                },
                ..good()
            },
        ),
        ("no metrics", "metrics-missing", Show { metrics: |_, _| Vec::new(), ..good() }),
        (
            "counters at first",
            "metrics-not-zero-at-first",
            Show { metrics: |track, idr| three_messages(track, idr + 1), ..good() },
        ),
        (
            "time of the session at composition",
            "metrics-form",
            Show {
                metrics: |track, idr| {
                    let mut messages = three_messages(track, idr);
                    messages[1][18] = 1;
                    messages
                },
                ..good()
            },
        ),
        ("plain key", "GetClientConfigurationStreamKeyRequired", Show { promised: None, ..good() }),
        (
            "one track where several are required",
            "MultitrackInputRequired",
            Show {
                multitrack: MultitrackInput::Require { maximum_resolution: ResolutionClass::FullHd },
                promised: None,
                sent: good().sent[..1].to_vec(),
                ..good()
            },
        ),
        (
            "several where one is allowed",
            "MultitrackInputNotAllowed",
            Show { multitrack: MultitrackInput::NotAllowed, promised: None, ..good() },
        ),
        (
            "several on another channel type",
            "MultitrackInputNotAllowed",
            Show { channel: ChannelType::AdvancedHd, promised: None, ..good() },
        ),
        (
            "above the channel's maximum",
            "Ingest Resolution",
            Show { multitrack: MultitrackInput::Allow { maximum_resolution: ResolutionClass::Sd }, ..good() },
        ),
        ("above the channel's bitrate", "Ingest Bitrate", {
            let ladder = vec![rendition(1920, 1080, 20_000), rendition(1280, 720, 16_000)];
            Show { sent: ladder.clone(), promised: Some(ladder), ..good() }
        }),
        (
            "one track in H.265 with a plain key",
            "video-codec",
            Show { sent: good().sent[..1].to_vec(), promised: None, hevc: true, ..good() },
        ),
        ("legacy primary", "primary-track-packaging", Show { form: Form::Legacy, ..good() }),
        ("no ends", "sequence-end-missing", Show { ends: false, ..good() }),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(_, code, show)| show.codes() != [*code])
        .map(|(name, code, show)| format!("{name}: {code} expected, {}", show.said()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let said: Vec<String> =
        cases.iter().map(|(name, _, show)| format!("# {name}\n{}", show.said())).collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

fn codes_of(verdict: &Verdict) -> Vec<&'static str> {
    verdict.findings.iter().map(|counted| counted.finding.code.name).collect()
}

#[test]
fn a_file_is_judged_with_a_promise_and_without() {
    let show = Show::default();
    let kept = judge_file(&show, show.promise());
    assert_eq!(kept.findings, []);
    assert_eq!(kept.figures, show.judge().figures);
    let unknown = judge_file(&show, None);
    assert_eq!(codes_of(&unknown), ["promise-unknown"]);
    assert!(unknown.accepted);
    let mut other = show.promise().unwrap();
    other.tracks.pop();
    assert_eq!(codes_of(&judge_file(&show, Some(other))), ["InvalidMultitrackInputTrackCount"]);
    let misaligned = Show { units: |units| slip(units, 1, 10_000), ..show.clone() };
    assert_eq!(codes_of(&judge_file(&misaligned, None)), ["idrs-misaligned", "promise-unknown"]);
    let single = Show { sent: show.sent[..1].to_vec(), ..show.clone() };
    assert_eq!(codes_of(&judge_file(&single, None)), [""; 0]);
    let hevc = Show { hevc: true, ..single };
    assert_eq!(codes_of(&judge_file(&hevc, None)), ["video-codec"], "one track is H.264");
    let headless = Show { dropped: &[0], ..show };
    let codes = codes_of(&judge_file(&headless, None));
    assert_eq!(codes, ["InvalidMultitrackInputTrackCount", "promise-unknown"], "track 0 must be there");
}

#[test]
fn a_recording_has_no_metrics() {
    let show = Show { metrics: |_, _| Vec::new(), ..Show::default() };
    let (config, units) = show.make();
    let mut judge = Judge::new(show.rules());
    judge.promise(show.promise().unwrap());
    judge.recorded();
    judge.published(MediaTime::ZERO);
    configure(&mut judge, &config);
    let mut now = MediaTime::ZERO;
    for unit in &units {
        now = MediaTime::from_nanos(unit.dts.as_nanos());
        judge.access_unit(unit, now);
    }
    let verdict = judge.finish(now);
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.figures.metrics, None);
    assert_eq!(verdict.figures.alignment, Some(AlignmentFigures { idrs: 6, misaligned: 0 }));
}

/// OBS Studio puts the messages behind the picture, and the service takes them.
#[test]
fn metrics_behind_the_picture_are_a_warning() {
    let show = Show { metrics: |_, _| Vec::new(), ..Show::default() };
    let mut judge = Judge::new(show.rules());
    judge.promise(show.promise().unwrap());
    let (config, units) = show.make();
    configure(&mut judge, &config);
    for mut unit in units.into_iter().filter(|unit| unit.pts.as_millis() < 1000) {
        if unit.is_idr && unit.is_video() {
            let mut data = unit.data.to_vec();
            for payload in three_messages(0, 0) {
                let nal = sei_nal(VideoCodec::Avc, &payload);
                data.extend(u32::try_from(nal.len()).unwrap().to_be_bytes());
                data.extend(nal);
            }
            unit.data = data.into();
        }
        judge.access_unit(&unit, unit.pts.at());
    }
    assert_eq!(codes(&mut judge), ["metrics-behind-picture"]);
}

#[test]
fn what_is_announced_of_each_track_is_compared() {
    use ertmp::amf0::Value;
    let show = Show::default();
    let size = |width: f64, height: f64| {
        Value::object([("width", Value::from(width)), ("height", Value::from(height))])
    };
    let announce = |second: Value| {
        let map = Value::object([("1", size(852.0, 480.0)), ("2", second)]);
        let metadata = Value::object([
            ("width", Value::from(1280.0)),
            ("height", Value::from(720.0)),
            ("videoTrackIdInfoMap", map),
        ]);
        let mut judge = Judge::new(show.rules());
        judge.promise(show.promise().unwrap());
        judge.announced(AnnouncedMedia::read(&metadata), MediaTime::ZERO);
        configure(&mut judge, &show.make().0);
        codes(&mut judge)
    };
    assert_eq!(announce(size(640.0, 360.0)), [""; 0]);
    assert_eq!(announce(Value::object([("framerate", Value::from(30.0))])), [""; 0]);
    assert_eq!(announce(size(1280.0, 720.0)), ["announced-differs"]);
}

#[test]
fn many_tracks_in_a_message_are_read_and_noted() {
    use ertmp::flv::{ExVideoBody, ExVideoTag, FrameType, Tracks, VideoPacket, VideoTag};
    let show = Show { promised: Some(Show::default().sent[..2].to_vec()), ..Show::default() };
    let (config, units) = Show { sent: Show::default().sent[..2].to_vec(), ..show.clone() }.make();
    let mut judge = Judge::new(show.rules());
    judge.promise(show.promise().unwrap());
    let mut send = |frame_type, packets: Vec<(TrackId, VideoPacket<'_>)>| {
        let body = ExVideoBody::Tracks(Tracks::Many { four_cc: FourCc::AVC, packets });
        let tag = VideoTag::Enhanced(ExVideoTag { frame_type, mod_ex: vec![], body });
        judge.flv_tag(MediaKind::Video, 0, &tag.encode().unwrap(), MediaTime::ZERO);
    };
    let starts =
        config.video.iter().map(|video| (video.track, VideoPacket::SequenceStart(&video.decoder_config)));
    send(FrameType::Key, starts.collect());
    let first = units.iter().filter(|unit| unit.is_idr && unit.pts.as_millis() == 0);
    let frames = first.filter_map(|unit| match unit.track {
        Track::Video(track) => Some((track, VideoPacket::CodedFramesX(&unit.data))),
        Track::Audio(_) => None,
    });
    send(FrameType::Key, frames.collect());
    let figures = judge.verdict(MediaTime::ZERO).figures;
    assert_eq!(figures.tracks.iter().map(|track| track.frames).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(figures.alignment, Some(AlignmentFigures { idrs: 1, misaligned: 0 }));
    assert_eq!(codes(&mut judge), ["many-tracks-packaging"]);
}

#[test]
fn sound_beyond_what_was_granted_is_noted() {
    let show = Show::default();
    let mut judge = Judge::new(show.rules());
    let mut promise = show.promise().unwrap();
    promise.audio.push(Kbps(160));
    judge.promise(promise);
    let hear = |judge: &mut Judge, track| {
        judge.audio_config(TrackId(track), AAC_48_STEREO, MediaTime::ZERO);
        judge.sound(&Sound { track: TrackId(track), pts: Pts::ZERO, bytes: 400 }, MediaTime::ZERO);
        codes(judge)
    };
    assert_eq!(hear(&mut judge, 0), [""; 0]);
    assert_eq!(hear(&mut judge, 1), [""; 0]);
    assert_eq!(hear(&mut judge, 2), ["audio-tracks"]);
    assert_eq!(judge.verdict(MediaTime::ZERO).figures.audio_frames, 1);
}

#[test]
fn a_late_track_is_told_of_its_header_and_its_first_idr() {
    let show = Show::default();
    let mut judge = Judge::new(show.rules());
    judge.promise(show.promise().unwrap());
    let messages = show.messages();
    let is_late = |body: &[u8]| body.get(..2) == Some(&[0x96, 0x00]) && body.get(6) == Some(&2);
    let late = messages.iter().position(|(_, _, body)| is_late(body)).unwrap();
    let mut order: Vec<_> =
        messages.iter().enumerate().filter(|(at, _)| *at != late).map(|(_, m)| m).collect();
    let behind =
        order.iter().position(|(kind, _, body)| *kind == MediaKind::Video && body[0] == 0x93).unwrap();
    order.insert(behind + 1, &messages[late]);
    for (kind, at_ms, body) in order.into_iter().filter(|(_, at_ms, _)| *at_ms < 1000) {
        judge.flv_tag(*kind, *at_ms, body, MediaTime::ZERO);
    }
    assert_eq!(codes(&mut judge), ["sequence-header-late"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tags_of_several_tracks_are_judged_without_panic(
        steps in proptest::collection::vec(
            (0u8..8, 0u8..5, any::<bool>(), any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..80),
        key in 0u8..3,
        required in any::<bool>(),
    ) {
        let maximum_resolution = ResolutionClass::Hd;
        let show = Show {
            multitrack: if required {
                MultitrackInput::Require { maximum_resolution }
            } else {
                MultitrackInput::Allow { maximum_resolution }
            },
            ..Show::default()
        };
        let mut judge = Judge::new(show.rules());
        match key {
            0 => judge.promise(show.promise().unwrap()),
            1 => judge.key_unknown(),
            _ => {}
        }
        judge.published(MediaTime::ZERO);
        let record = RECORD_720P;
        for (what, track, hevc, at_ms, noise) in steps {
            let four_cc: &[u8] = if hevc { b"hvc1" } else { b"avc1" };
            let config = if hevc { bytes(HEVC_720P) } else { record.to_vec() };
            let idr: &[u8] = if hevc { &[0, 0, 0, 3, 0x26, 1, 2] } else { &[0, 0, 0, 2, 0x65, 2] };
            let body = match what {
                0 => [&[0x96, 0x00], four_cc, &[track], &config].concat(),
                1 => [&[0x90], four_cc, &config].concat(),
                2 => [&[0x96, 0x03], four_cc, &[track], idr].concat(),
                3 => [&[0x93], four_cc, idr].concat(),
                4 => [&[0xa6, 0x03], four_cc, &[track], &noise].concat(),
                5 => [&[0x96, 0x02], four_cc, &[track]].concat(),
                6 => [&[0x96, 0x11], four_cc, &noise].concat(),
                _ => noise,
            };
            let at_ms = u32::from(at_ms) / 8;
            let now = MediaTime::from_millis(i64::from(at_ms));
            judge.flv_tag(MediaKind::Video, at_ms, &body, now);
            judge.tick(now);
            prop_assert!(judge.pictures.len() <= 8);
            let figures = judge.verdict(now).figures;
            if let Some(alignment) = figures.alignment {
                prop_assert!(alignment.misaligned <= alignment.idrs);
            }
        }
        let verdict = judge.finish(MediaTime::from_millis(8192));
        prop_assert_eq!(verdict.accepted, !judge.is_over());
        prop_assert!(verdict.findings.len() <= 80);
    }

    /// Whatever the order in which tracks are interleaved within 300 ms, aligned IDRs are found aligned.
    #[test]
    fn interleaving_does_not_matter(delays in proptest::array::uniform3(0i64..300)) {
        let show = Show { metrics: |_, _| Vec::new(), seconds: 8, ..Show::default() };
        let (config, mut units) = show.make();
        units.retain(AccessUnit::is_video);
        // The same delay for all pictures of a track, so that each stays in its own order.
        let arrival = |unit: &AccessUnit| {
            let Track::Video(track) = unit.track else { return 0 };
            unit.dts.as_millis() + delays[usize::from(track.0)]
        };
        let mut judge = Judge::new(show.rules());
        judge.promise(show.promise().unwrap());
        judge.recorded();
        configure(&mut judge, &config);
        units.sort_by_key(arrival);
        for unit in &units {
            judge.access_unit(unit, unit.pts.at());
        }
        let figures = judge.verdict(MediaTime::ZERO).figures;
        prop_assert_eq!(figures.alignment, Some(AlignmentFigures { idrs: 4, misaligned: 0 }));
    }
}
