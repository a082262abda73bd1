//! Ladders of several renditions: of two codes, at divided rates, as the service asks for them, and tried beforehand.

use crate::support::{clock, encode, size};
use crate::{hevc, video};
use encoder::{
    Alignment, BackendKind, EncoderGroup, RenditionConfig, RequestedSettings, SettingValue, dry_run,
};
use units::{FrameRate, Kbps, TrackId, VideoCodec, VideoProfile};

fn request(encoder_type: &str, kbps: f64) -> RequestedSettings {
    let text = |value: &str| SettingValue::Text(value.to_owned());
    let settings = [
        ("rate_control", text("CBR")),
        ("bitrate", SettingValue::Number(kbps)),
        ("keyint_sec", SettingValue::Number(1.0)),
        ("bf", SettingValue::Number(0.0)),
        ("preset", text("p5")),
        ("tune", text("ull")),
        ("profile", text("main")),
        ("adaptive_quantization", SettingValue::Flag(true)),
        ("wishes", SettingValue::Other("[]".to_owned())),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value)).to_vec();
    RequestedSettings { encoder_type: encoder_type.to_owned(), settings }
}

#[test]
fn two_codes_and_a_divided_rate_keep_one_cadence() {
    let canvas = FrameRate::FPS_60;
    let renditions = vec![
        hevc::rendition(0, 192, 108, 60, 400),
        video::rendition(1, BackendKind::X264, 160, 90, 30, 200),
        video::rendition(2, BackendKind::OpenH264, 160, 90, 30, 200),
    ];
    let mut seen = Alignment::default();
    let streams = encode(canvas, renditions, 1_000_001..1_000_300, |group, index| {
        if index == 1_000_051 {
            group.request_idr();
        }
        seen = group.alignment();
    });
    let frames: Vec<u64> = vec![1_000_002, 1_000_052, 1_000_172, 1_000_292];
    for stream in &streams {
        assert_eq!(stream.idrs(), frames);
    }
    assert!(seen.misaligned == 0 && seen.idrs >= 3, "{seen:?}");
    hevc::assert_well_formed(&streams[0]);
    assert_eq!(hevc::decoded_pictures(&streams[0]), 298);
    assert_eq!(video::decoded_pictures(&streams[1]), 149);
    assert_eq!(video::decoded_pictures(&streams[2]), 149);
    // What was counted when each was made.
    for (stream, divisor) in streams.iter().zip([1, 2, 2]) {
        for (place, unit) in stream.units.iter().enumerate() {
            let counts = unit.stamps.counts;
            assert_eq!(counts.input, place as u64 + 1);
            assert_eq!((counts.skipped, counts.output), (0, counts.input));
            assert_eq!((counts.rendered, counts.lagged), (unit.index + 1, 3));
        }
        assert_eq!(stream.units[1].index - stream.units[0].index, divisor);
    }
}

#[test]
fn what_the_service_asks_of_a_gpu_that_is_not_here_is_made_with_what_is() {
    let rate = FrameRate::FPS_30;
    let make = |track, width, height, encoder_type, kbps| {
        RenditionConfig::from_request(TrackId(track), size(width, height), rate, request(encoder_type, kbps))
    };
    let avc = make(0, 192, 108, "obs_nvenc_h264_tex", 400.0).unwrap();
    let hevc = make(1, 160, 90, "obs_nvenc_hevc_tex", 200.0).unwrap();
    assert_eq!((avc.codec, avc.profile, avc.bitrate), (VideoCodec::Avc, VideoProfile::Main, Kbps(400)));
    assert_eq!((hevc.codec, hevc.profile), (VideoCodec::Hevc, VideoProfile::Main));
    let reports = dry_run(rate, &[avc, hevc], &clock()).unwrap();
    assert_eq!(reports.len(), 2);
    for report in &reports {
        assert_eq!(report.settings.len(), 10, "the type and every key");
        let line = |key: &str| report.settings.iter().find(|line| line.key == key).unwrap();
        assert_eq!(line("type").applied.as_deref(), report.backend.element_for(report.codec));
        if report.backend != BackendKind::Nvenc {
            assert!(line("type").reason.as_ref().unwrap().starts_with("NVIDIA NVENC is not usable here; "));
            assert!(
                report.reason.contains("NVIDIA NVENC, which the service asked for: "),
                "{}",
                report.reason
            );
        }
        assert_eq!(line("bitrate").property.as_deref(), Some("bitrate"));
        assert_eq!(line("profile").applied.as_deref(), Some("main"));
        assert!(line("keyint_sec").applied.as_ref().unwrap().contains("every 30 frames"));
        assert_eq!(line("wishes").reason.as_deref(), Some("nobody knows this setting"));
        for line in &report.settings {
            assert!(line.applied.is_some() || line.reason.is_some(), "{line:?}");
        }
    }
}

#[test]
fn a_dry_run_names_the_rendition_that_does_not_work() {
    let good = video::rendition(0, BackendKind::X264, 160, 90, 30, 200);
    if !cfg!(windows) {
        let bad = video::rendition(4, BackendKind::MediaFoundation, 160, 90, 30, 200);
        let failure = dry_run(FrameRate::FPS_30, &[good.clone(), bad], &clock()).unwrap_err();
        assert_eq!(failure.track, Some(TrackId(4)));
        assert!(failure.reason.contains("“mfh264enc” is not installed"), "{failure}");
    }
    let mut wrong_code = video::rendition(5, BackendKind::X264, 160, 90, 30, 200);
    (wrong_code.codec, wrong_code.profile) = (VideoCodec::Hevc, VideoProfile::Main);
    let failure = dry_run(FrameRate::FPS_30, &[good.clone(), wrong_code], &clock()).unwrap_err();
    assert_eq!(failure.to_string(), "track 5: x264 (software) is not usable: it makes no H.265");
    let undivided = video::rendition(6, BackendKind::X264, 160, 90, 25, 200);
    let failure = dry_run(FrameRate::FPS_30, &[good.clone(), undivided], &clock()).unwrap_err();
    assert_eq!(failure.track, Some(TrackId(6)));
    assert_eq!(dry_run(FrameRate::FPS_30, &[], &clock()).unwrap_err().track, None);
    let half = video::rendition(1, BackendKind::OpenH264, 160, 90, 15, 200);
    let quarter = hevc::rendition(2, 160, 90, 10, 200);
    let reports = dry_run(FrameRate::FPS_30, &[good, half, quarter], &clock()).unwrap();
    let kinds: Vec<_> = reports.iter().map(|report| report.backend).collect();
    assert_eq!(kinds, [BackendKind::X264, BackendKind::OpenH264, BackendKind::X265]);
    drop(EncoderGroup::start(FrameRate::FPS_30, Vec::new(), clock()).map(drop).unwrap_err());
}
