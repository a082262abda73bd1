//! Whole shows: what comes out is decoded by ffmpeg and compared with what went in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use encoder::{
    BReference, BackendKind, EncoderGroup, EncoderOutput, Error, FALLBACK_ORDER, LatencyTuning,
    RenditionConfig, RequestedSettings, SettingValue, choose, probe,
};
use units::{
    Clock, FrameRate, Kbps, MediaTime, Size, Span, Track, TrackId, VideoCodec, VideoFrame, VideoProfile,
};

use crate::fake::Fake;
use crate::support::{Stream, clock, encode, ffmpeg, frame, picture, size};

pub(crate) fn rendition(track: u8, width: u32, height: u32) -> RenditionConfig {
    let mut config = RenditionConfig::new(TrackId(track), size(width, height), FrameRate::FPS_30, Kbps(1000));
    config.backend = Some(BackendKind::NvencDirect);
    config.keyint = Span::from_secs(1);
    config
}

pub(crate) fn hevc(track: u8, width: u32, height: u32) -> RenditionConfig {
    let mut config = rendition(track, width, height);
    (config.codec, config.profile) = (VideoCodec::Hevc, VideoProfile::Main);
    config
}

fn with_b_frames(mut config: RenditionConfig, b_frames: u8, ahead: u16) -> RenditionConfig {
    config.settings.tuning = Some(LatencyTuning::Quality);
    config.settings.b_frames = Some(b_frames);
    config.settings.lookahead_frames = Some(ahead);
    config
}

/// The planes of a picture one behind the other, Cb and Cr apart, as ffmpeg writes them.
fn planar(picture: &VideoFrame) -> Vec<u8> {
    let (height, half) = (picture.size().height_px() as usize, picture.size().height_px() as usize / 2);
    let mut bytes: Vec<u8> = (0..height).flat_map(|row| picture.row(0, row).to_vec()).collect();
    for which in 0..2 {
        bytes.extend((0..half).flat_map(|row| picture.row(1, row).iter().skip(which).step_by(2).copied()));
    }
    bytes
}

/// Decodes with ffmpeg and compares every picture with the one that went in.
fn assert_pictures(stream: &Stream, shape: Size, frames: impl Iterator<Item = u64>) {
    let form = if stream.configs[0].codec == VideoCodec::Avc { "h264" } else { "hevc" };
    let arguments = [
        "-probesize",
        "100M",
        "-f",
        form,
        "-i",
        "pipe:0",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        "-fps_mode",
        "passthrough",
        "-",
    ];
    let (bytes, warnings) = ffmpeg(&arguments, stream.byte_stream());
    assert_eq!(warnings, "");
    let length = shape.pixels() as usize * 3 / 2;
    let mut decoded = bytes.chunks_exact(length);
    let mut count = 0;
    for index in frames {
        let found = decoded.next().unwrap_or_else(|| panic!("{form}: picture {index} is missing"));
        assert!(found == planar(&picture(shape, index, 0)), "{form}: picture {index} is another one");
        count += 1;
    }
    assert!(decoded.next().is_none(), "{form}: more than {count} pictures");
}

fn assert_decodable_in_time(stream: &Stream) {
    assert!(stream.units.is_sorted_by_key(|unit| unit.dts));
    assert!(stream.units.windows(2).all(|pair| pair[0].dts < pair[1].dts), "decode times rise");
    assert!(stream.units.iter().all(|unit| unit.dts.as_nanos() <= unit.pts.as_nanos()));
}

#[test]
fn two_renditions_of_two_codes_keep_their_idrs_aligned_and_every_picture() {
    let fake = Fake::install();
    // 90 is no multiple of 16, so that something is coded and not shown.
    let renditions = vec![rendition(0, 320, 180), hevc(1, 160, 90)];
    let streams = encode(FrameRate::FPS_30, renditions, 60..150, |group, index| {
        if index == 77 {
            group.request_idr();
        }
    });
    for (stream, shape) in streams.iter().zip([size(320, 180), size(160, 90)]) {
        assert_eq!(stream.idrs(), [60, 77, 107, 137]);
        assert_eq!(stream.slips, 0);
        assert_eq!(stream.configs.len(), 1);
        assert_decodable_in_time(stream);
        assert_pictures(stream, shape, 60..150);
    }
    assert_eq!(fake.figure("b_pictures"), 0);
    fake.assert_clean();
}

#[test]
fn b_frames_and_lookahead_reorder_and_nothing_is_lost() {
    let fake = Fake::install();
    for (b_frames, ahead, reference) in [
        (2, 0, None),
        (1, 4, None),
        (3, 8, Some(BReference::Middle)),
        (2, 0, Some(BReference::Each)),
        (4, 20, None),
    ] {
        let mut renditions = vec![
            with_b_frames(rendition(0, 160, 90), b_frames, ahead),
            with_b_frames(hevc(1, 160, 90), b_frames, ahead),
        ];
        for config in &mut renditions {
            config.settings.b_reference = reference;
        }
        let streams = encode(FrameRate::FPS_30, renditions, 0..100, |group, index| {
            if index == 44 {
                group.request_idr();
            }
        });
        for stream in &streams {
            assert_eq!(stream.idrs(), [0, 30, 44, 74], "{b_frames} {ahead} {reference:?}");
            assert_decodable_in_time(stream);
            let order: Vec<_> = stream.units.iter().map(|unit| unit.index).collect();
            assert!(!order.is_sorted(), "{order:?}");
            let disposable = stream.units.iter().filter(|unit| unit.is_disposable).count();
            assert_eq!(disposable == 0, reference == Some(BReference::Each));
            assert_pictures(stream, size(160, 90), 0..100);
        }
    }
    assert!(fake.figure("b_pictures") > 400);
    fake.assert_clean();
}

#[test]
fn the_bitrate_changes_between_two_pictures_without_a_session_or_an_idr() {
    let fake = Fake::install();
    assert!(encoder::test_backend(BackendKind::NvencDirect, &rendition(0, 160, 90)).passed);
    let opened = fake.figure("opened");
    let streams = encode(FrameRate::FPS_30, vec![rendition(0, 160, 90)], 0..50, |group, index| match index {
        10 => group.set_bitrate(TrackId(0), Kbps(400)).unwrap(),
        40 => group.set_bitrate(TrackId(0), Kbps(3000)).unwrap(),
        _ => {}
    });
    assert_eq!((fake.figure("opened"), fake.figure("reconfigured")), (opened + 1, 2));
    assert_eq!((fake.figure("averageBitRate"), fake.figure("maxBitRate")), (3_000_000, 3_000_000));
    assert_eq!(fake.figure("vbvBufferSize"), 1_000_000, "never more than it was made for");
    assert_eq!(streams[0].idrs(), [0, 30]);
    fake.assert_clean();
}

/// A clock that is turned by hand.
#[derive(Default)]
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> MediaTime {
        MediaTime::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Seen {
    idrs: Vec<u64>,
    last: u64,
    deaths: Vec<(String, bool)>,
}

/// Drives one rendition until `enough`, with `at` before each picture. The clock goes 33 ms with each. From picture
/// `hangs_from` on nobody waits for room until it was noticed.
fn drive(
    config: RenditionConfig,
    hangs_from: u64,
    mut at: impl FnMut(u64),
    enough: impl Fn(&Seen) -> bool,
) -> Seen {
    let (shape, canvas) = (config.size, FrameRate::FPS_30);
    let turned = Arc::new(Turned::default());
    let (group, receiver) = EncoderGroup::start(canvas, vec![config], turned.clone()).unwrap();
    let mut seen = Seen { idrs: Vec::new(), last: 0, deaths: Vec::new() };
    let still = picture(shape, 0, 0);
    for index in 0..3000 {
        at(index);
        let hangs = index >= hangs_from && seen.deaths.is_empty();
        group.wait_for_room(if hangs { Duration::from_millis(5) } else { Duration::from_secs(60) });
        turned.0.fetch_add(33, Ordering::Relaxed);
        group.push(&frame(canvas, index, vec![(TrackId(0), still.clone())])).unwrap();
        for event in receiver.try_iter() {
            match event {
                EncoderOutput::Unit(unit) => {
                    seen.last = unit.index;
                    if unit.is_idr {
                        seen.idrs.push(unit.index);
                    }
                }
                EncoderOutput::Died { track, reason, restarting } => {
                    assert_eq!(track, Track::Video(TrackId(0)));
                    seen.deaths.push((reason, restarting));
                }
                _ => {}
            }
        }
        if enough(&seen) {
            break;
        }
    }
    group.finish();
    seen
}

#[test]
fn a_gpu_that_is_gone_is_told_and_the_encoder_comes_back_with_an_idr() {
    let fake = Fake::install();
    assert!(encoder::test_backend(BackendKind::NvencDirect, &rendition(0, 160, 90)).passed);
    let tell = |index| {
        if index == 20 {
            fake.wish("lose_device", 10);
        }
    };
    let seen =
        drive(rendition(0, 160, 90), u64::MAX, tell, |seen| !seen.deaths.is_empty() && seen.idrs.len() > 2);
    let [(reason, restarting)] = &seen.deaths[..] else { panic!("{:?}", seen.deaths) };
    assert!(*restarting);
    assert!(reason.starts_with("the GPU is gone: its driver was restarted"), "{reason}");
    assert!(reason.contains("genlock fake NVENC"), "{reason}");
    assert!(seen.idrs.iter().all(|index| index % 30 == 0), "{:?}", seen.idrs);
    fake.assert_clean();
}

#[test]
fn a_driver_that_hangs_is_left_behind_and_another_session_opened() {
    let fake = Fake::install();
    assert!(encoder::test_backend(BackendKind::NvencDirect, &rendition(0, 160, 90)).passed);
    let tell = |index| {
        if index == 20 {
            fake.wish("hang", 5);
        }
    };
    let seen = drive(rendition(0, 160, 90), 20, tell, |seen| {
        !seen.deaths.is_empty() && seen.last > 0 && seen.idrs.len() > 3
    });
    let [(reason, true)] = &seen.deaths[..] else { panic!("{:?}", seen.deaths) };
    assert_eq!(reason, "it gave nothing back for 5 seconds");
    assert_eq!(fake.faults(), "");
    assert_eq!(fake.figure("open_sessions"), 1, "the one that hangs");
}

#[test]
fn a_gpu_that_is_full_is_passed_over_with_the_sentence() {
    let fake = Fake::install();
    for status in [10, 21] {
        fake.wish("sessions", 0);
        fake.wish("limit_status", status);
        let mut config = rendition(0, 160, 90 + status as u32 * 2 - 20);
        let Err(Error::BackendUnusable { kind, reason }) = choose(&config) else { panic!("it was taken") };
        assert_eq!(kind, BackendKind::NvencDirect);
        assert!(reason.contains("the GPU takes no more encoders at once: close other programs"), "{reason}");
        assert!(reason.ends_with("not a GPU: the library is genlock fake NVENC"), "{reason}");
        config.backend = None;
        let choice = choose(&config).unwrap();
        assert_ne!(choice.kind, BackendKind::NvencDirect);
        assert!(choice.reason.contains("not NVIDIA NVENC: "), "{}", choice.reason);
        assert!(choice.reason.contains("the GPU takes no more encoders at once"), "{}", choice.reason);
    }
    fake.assert_clean();
}

#[test]
fn a_fake_is_the_first_choice_and_says_that_it_is_one() {
    let fake = Fake::install();
    assert_eq!(FALLBACK_ORDER[0], BackendKind::NvencDirect);
    for report in probe().into_iter().filter(|report| report.kind == BackendKind::NvencDirect) {
        assert!(report.available && report.passed, "{report:?}");
        assert!(report.reason.ends_with("not a GPU: the library is genlock fake NVENC"), "{report:?}");
    }
    // What the service asks of NVENC goes to the driver first.
    let requested = RequestedSettings {
        encoder_type: "obs_nvenc_h264_tex".to_owned(),
        settings: vec![("bitrate".to_owned(), SettingValue::Number(1000.0))],
    };
    let config =
        RenditionConfig::from_request(TrackId(0), size(160, 90), FrameRate::FPS_30, requested).unwrap();
    let choice = choose(&config).unwrap();
    assert_eq!(choice.kind, BackendKind::NvencDirect);
    assert!(choice.reason.starts_with("what the service asked for"), "{}", choice.reason);
    fake.assert_clean();
}

#[test]
fn an_old_driver_is_told_which_one_to_install() {
    let fake = Fake::install();
    // 11.1, and the library is known only after this.
    fake.wish("version", 0xb1);
    let report = encoder::test_backend(BackendKind::NvencDirect, &rendition(0, 160, 90));
    assert!(!report.available && !report.passed);
    assert!(report.reason.contains("it speaks NVENC 11.1, and 12.1 is needed"), "{}", report.reason);
    assert!(report.reason.contains("531.61") && report.reason.contains("545.92"), "{}", report.reason);
}

#[test]
fn a_thousand_starts_leave_nothing_in_the_fakes_books() {
    let fake = Fake::install();
    let shape = size(146, 50);
    let mut config = rendition(0, 146, 50);
    let still = picture(shape, 0, 0);
    assert!(encoder::test_backend(BackendKind::NvencDirect, &config).passed);
    for round in 0..1000 {
        config.bitrate = Kbps(1000);
        let (group, receiver) =
            EncoderGroup::start(FrameRate::FPS_30, vec![config.clone()], clock()).unwrap();
        group.push(&frame(FrameRate::FPS_30, round, vec![(TrackId(0), still.clone())])).unwrap();
        // Every other one is cut off in the middle.
        if round % 2 == 0 {
            assert!(group.finish());
            assert!(receiver.try_iter().any(|event| matches!(event, EncoderOutput::Unit(_))));
        }
    }
    assert!(fake.figure("opened") > 1000);
    fake.assert_clean();
}
