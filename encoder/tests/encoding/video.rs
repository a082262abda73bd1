//! Real encodes with the software encoders, judged by ffmpeg and by h264-reader.

use crate::support::{Stream, clock, encode, ffmpeg, nal_units, parameter_sets, picture, size};
use encoder::{
    BackendKind, EncoderGroup, Error, FALLBACK_ORDER, LatencyTuning, RenditionConfig, VideoSettings,
};
use h264_reader::nal::sps::{ColourDescription, SeqParameterSet, VideoSignalType};
use h264_reader::rbsp::{BitReader, ByteReader};
use units::{FrameRate, Kbps, Span, TrackId, VideoCodec, VideoProfile};

pub(crate) fn rendition(
    track: u8,
    kind: BackendKind,
    width: u32,
    height: u32,
    fps: u32,
    kbps: u32,
) -> RenditionConfig {
    let rate = FrameRate::new(fps, 1).unwrap();
    let mut config = RenditionConfig::new(TrackId(track), size(width, height), rate, Kbps(kbps));
    config.backend = Some(kind);
    config
}

fn sps(stream: &Stream) -> SeqParameterSet {
    let sets = parameter_sets(&stream.configs[0].decoder_config);
    SeqParameterSet::from_bits(BitReader::new(ByteReader::skipping_h264_header(&sets[0][..]))).unwrap()
}

fn assert_bt709_limited(stream: &Stream) {
    let signal = sps(stream).vui_parameters.expect("a VUI").video_signal_type.expect("a signal type");
    let VideoSignalType { video_full_range_flag, colour_description, .. } = signal;
    assert!(!video_full_range_flag);
    let Some(ColourDescription { colour_primaries, transfer_characteristics, matrix_coefficients }) =
        colour_description
    else {
        panic!("no colour description")
    };
    assert_eq!((colour_primaries, transfer_characteristics, matrix_coefficients), (1, 1, 1));
}

/// Decodes with ffmpeg; the number of pictures, and no warning.
pub(crate) fn decoded_pictures(stream: &Stream) -> usize {
    let bytes = stream.byte_stream();
    let arguments = ["-f", "h264", "-i", "pipe:0", "-f", "framemd5", "-fps_mode", "passthrough", "pipe:1"];
    let (out, warnings) = ffmpeg(&arguments, bytes);
    assert_eq!(warnings, "", "ffmpeg is not content");
    String::from_utf8(out).unwrap().lines().filter(|line| !line.starts_with('#')).count()
}

fn assert_well_formed(stream: &Stream) {
    assert_eq!(stream.configs.len(), 1);
    assert_eq!(stream.slips, 0);
    let mut last = None;
    for unit in &stream.units {
        assert!(unit.dts.as_nanos() <= unit.pts.as_nanos());
        assert!(last < Some(unit.dts), "decoding times rise");
        last = Some(unit.dts);
        assert_eq!(unit.stamps.composed_at.as_millis(), 10);
        assert_eq!(unit.stamps.encode_completed_at.as_millis(), 12);
        for nal in nal_units(&unit.data) {
            assert!(!matches!(nal[0] & 0x1f, 7..=11), "a parameter set or delimiter in an access unit");
            assert!(!nal.windows(4).any(|text| text == b"x264"), "the version banner");
        }
    }
}

#[test]
fn two_renditions_at_thirty_and_fifteen_have_the_same_idrs() {
    for (kind, profile) in [(BackendKind::X264, 100), (BackendKind::OpenH264, 66)] {
        let canvas = FrameRate::FPS_30;
        let renditions = vec![rendition(0, kind, 320, 180, 30, 800), rendition(1, kind, 160, 90, 15, 200)];
        let streams = encode(canvas, renditions, 0..150, |group, index| {
            if index == 75 {
                group.request_idr();
            }
        });
        for stream in &streams {
            assert_well_formed(stream);
            // Frame 75 is not one that both take; 76 is.
            assert_eq!(stream.idrs(), [0, 60, 76, 136], "{kind}: two seconds count from the requested one");
            assert_bt709_limited(stream);
            assert_eq!(u8::from(sps(stream).profile_idc), profile);
            for unit in &stream.units {
                assert_eq!(unit.pts, canvas.pts_of(unit.index));
            }
        }
        assert_eq!(decoded_pictures(&streams[0]), 150, "{kind}");
        assert_eq!(decoded_pictures(&streams[1]), 75, "{kind}");
        assert!(streams[1].units.iter().all(|unit| unit.index % 2 == 0));
        assert_eq!(sps(&streams[0]).pixel_dimensions().unwrap(), (320, 180));
    }
}

#[test]
fn the_first_idr_is_the_first_frame_all_take_wherever_the_canvas_is() {
    let canvas = FrameRate::new(60_000, 1001).unwrap();
    let half = FrameRate::new(30_000, 1001).unwrap();
    let mut first = rendition(0, BackendKind::X264, 320, 180, 60, 500);
    first.rate = canvas;
    let mut second = rendition(1, BackendKind::X264, 160, 90, 30, 200);
    second.rate = half;
    let streams = encode(canvas, vec![first, second], 100_001..100_300, |_, _| {});
    for stream in &streams {
        assert_well_formed(stream);
        assert_eq!(stream.idrs(), [100_002, 100_122, 100_242]);
    }
}

#[test]
fn x264_holds_the_bitrate_within_five_percent_and_follows_a_change() {
    let canvas = FrameRate::FPS_30;
    let config = rendition(0, BackendKind::X264, 640, 360, 30, 1500);
    let stream = encode(canvas, vec![config], 0..600, |group, index| {
        if index == 300 {
            group.set_bitrate(TrackId(0), Kbps(700)).unwrap();
        }
    });
    assert_well_formed(&stream[0]);
    let (before, after) = stream[0].units.split_at(300);
    let part = |units: &[_]| Stream { units: units.to_vec(), ..Stream::default() }.kbps();
    let (before, after) = (part(before), part(&after[60..]));
    assert!((before / 1500.0 - 1.0).abs() < 0.05, "{before} kbps of 1500");
    assert!((after / 700.0 - 1.0).abs() < 0.07, "{after} kbps of 700");
}

#[test]
fn a_still_picture_is_filled_up_to_the_constant_bitrate() {
    let canvas = FrameRate::FPS_30;
    let config = rendition(0, BackendKind::X264, 320, 180, 30, 800);
    let (group, receiver) = EncoderGroup::start(canvas, vec![config.clone()], clock()).unwrap();
    let still = picture(config.size, 0, 0);
    for index in 0..300 {
        assert!(group.wait_for_room(std::time::Duration::from_secs(60)));
        group.push(&crate::support::frame(canvas, index, vec![(TrackId(0), still.clone())])).unwrap();
    }
    assert!(group.finish());
    let mut stream = Stream::default();
    for event in receiver.try_iter() {
        if let encoder::EncoderOutput::Unit(unit) = event {
            stream.units.push(unit);
        }
    }
    let kbps = stream.kbps();
    assert!((kbps / 800.0 - 1.0).abs() < 0.05, "{kbps} kbps of 800");
}

#[test]
fn openh264_keeps_near_the_bitrate() {
    let config = rendition(0, BackendKind::OpenH264, 640, 360, 30, 1500);
    let stream = encode(FrameRate::FPS_30, vec![config], 0..300, |_, _| {});
    assert_well_formed(&stream[0]);
    let kbps = stream[0].kbps();
    assert!((kbps / 1500.0 - 1.0).abs() < 0.15, "{kbps} kbps of 1500");
}

#[test]
fn b_frames_keep_decoding_before_showing() {
    let mut config = rendition(0, BackendKind::X264, 320, 180, 30, 800);
    config.settings =
        VideoSettings { tuning: Some(LatencyTuning::Quality), b_frames: Some(2), ..VideoSettings::default() };
    let streams = encode(FrameRate::FPS_30, vec![config], 0..130, |_, _| {});
    assert_well_formed(&streams[0]);
    assert_eq!(streams[0].idrs(), [0, 60, 120]);
    assert!(
        streams[0].units.iter().any(|unit| unit.composition_offset() > Span::from_millis(34)),
        "no B-frames"
    );
    assert!(streams[0].units.iter().any(|unit| unit.is_disposable));
    assert_eq!(streams[0].units[0].dts.as_millis(), -34, "one frame before the first picture");
    assert_eq!(decoded_pictures(&streams[0]), 130);
}

#[test]
fn main_profile_and_padded_rows() {
    let canvas = FrameRate::FPS_30;
    let mut config = rendition(0, BackendKind::X264, 326, 182, 30, 2000);
    config.profile = VideoProfile::Main;
    let (group, receiver) = EncoderGroup::start(canvas, vec![config.clone()], clock()).unwrap();
    let source = picture(config.size, 3, 58);
    for index in 0..10 {
        assert!(group.wait_for_room(std::time::Duration::from_secs(60)));
        group.push(&crate::support::frame(canvas, index, vec![(TrackId(0), source.clone())])).unwrap();
    }
    assert!(group.finish());
    let mut stream = Stream::default();
    for event in receiver.try_iter() {
        match event {
            encoder::EncoderOutput::Config(config) => stream.configs.push(config),
            encoder::EncoderOutput::Unit(unit) => stream.units.push(unit),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(u8::from(sps(&stream).profile_idc), 77);
    assert_eq!(sps(&stream).pixel_dimensions().unwrap(), (326, 182));
    let (decoded, warnings) = ffmpeg(
        &["-f", "h264", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"],
        stream.byte_stream(),
    );
    assert_eq!(warnings, "");
    let last = &decoded[decoded.len() - 326 * 182..];
    let squares: f64 = (0..182)
        .flat_map(|row| source.row(0, row).iter().zip(&last[row * 326..(row + 1) * 326]))
        .map(|(sent, got)| (f64::from(*sent) - f64::from(*got)).powi(2))
        .sum();
    let psnr = 10.0 * (255.0f64.powi(2) / (squares / (326.0 * 182.0))).log10();
    // Rows that are read with a wrong stride give less than 20; how much the rest is depends on the version of x264.
    assert!(psnr > 28.0, "luma came back with {psnr} dB");
}

#[test]
fn what_can_not_work_is_refused_in_words() {
    let start = |config| EncoderGroup::start(FrameRate::FPS_30, vec![config], clock()).map(drop).unwrap_err();
    if !cfg!(windows) {
        let absent = start(rendition(0, BackendKind::MediaFoundation, 320, 180, 30, 800));
        assert!(matches!(&absent, Error::BackendUnusable { .. }), "{absent}");
        let words = "Windows Media Foundation is not usable: “mfh264enc” is not installed";
        assert_eq!(absent.to_string(), words);
    }
    let undivided = start(rendition(0, BackendKind::X264, 320, 180, 20, 800));
    assert!(matches!(undivided, Error::RateDoesNotDivide { .. }));
    let config = rendition(0, BackendKind::X264, 320, 180, 30, 800);
    let (group, _receiver) = EncoderGroup::start(FrameRate::FPS_30, vec![config], clock()).unwrap();
    let wrong =
        crate::support::frame(FrameRate::FPS_30, 0, vec![(TrackId(0), picture(size(640, 360), 0, 0))]);
    assert!(matches!(group.push(&wrong), Err(Error::WrongPicture { .. })));
    assert!(matches!(group.set_bitrate(TrackId(7), Kbps(900)), Err(Error::NoSuchTrack { .. })));
    assert!(matches!(group.set_bitrate(TrackId(0), Kbps(1)), Err(Error::Bitrate { .. })));
}

#[test]
fn the_probe_offers_what_passed_and_says_why_not_the_rest() {
    let reports = encoder::probe();
    for codec in [VideoCodec::Avc, VideoCodec::Hevc] {
        let found = reports.iter().filter(|report| report.codec == codec).map(|report| report.kind);
        let makers = FALLBACK_ORDER.into_iter().filter(|kind| kind.element_for(codec).is_some());
        assert_eq!(found.collect::<Vec<_>>(), makers.collect::<Vec<_>>());
    }
    let has_hardware = |codec| {
        let reports = encoder::probe();
        reports.iter().any(|report| report.codec == codec && report.passed && report.kind.is_hardware())
    };
    let usable = encoder::usable_codecs();
    assert!(usable.contains(&VideoCodec::Avc));
    assert_eq!(
        usable.contains(&VideoCodec::Hevc),
        has_hardware(VideoCodec::Hevc),
        "software alone is too slow"
    );
    for report in &reports {
        assert!(!report.reason.is_empty());
        assert!(report.available || !report.passed);
        // Whether there is a GPU here is not ours to say; the software encoders the tests need are here.
        if !report.kind.is_hardware() {
            assert!(report.passed, "{report:?}");
        }
    }
    let mut config = rendition(0, BackendKind::X264, 320, 180, 30, 800);
    config.backend = None;
    let choice = encoder::choose(&config).unwrap();
    assert_eq!(Some(choice.kind), reports.iter().find(|report| report.passed).map(|report| report.kind));
    for passed_over in reports.iter().take_while(|report| !report.passed) {
        assert!(choice.reason.contains(&format!("not {}: ", passed_over.kind)), "{}", choice.reason);
    }
}
