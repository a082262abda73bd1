use units::{FrameRate, Size, TrackId};

use super::*;
use crate::backend;
use crate::property::Honoured;
use crate::{FALLBACK_ORDER, RateControl};

fn text(value: &str) -> SettingValue {
    SettingValue::Text(value.to_owned())
}

fn request(encoder_type: &str, settings: &[(&str, SettingValue)]) -> RequestedSettings {
    RequestedSettings {
        encoder_type: encoder_type.to_owned(),
        settings: settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    }
}

/// Every key of a family, with values that mean something.
fn everything(encoder_type: &str) -> RequestedSettings {
    use SettingValue::{Flag, Number};
    let common = [("rate_control", text("CBR")), ("bitrate", Number(6000.0)), ("keyint_sec", Number(2.0))];
    let own: Vec<(&str, SettingValue)> = match kind_of(encoder_type).0 {
        Some(EncoderFamily::Nvenc) => vec![
            ("max_bitrate", Number(7000.0)),
            ("cqp", Number(20.0)),
            ("target_quality", Number(20.0)),
            ("preset", text("p6")),
            ("tune", text("hq")),
            ("multipass", text("qres")),
            ("profile", text("high")),
            ("lookahead", Flag(true)),
            ("adaptive_quantization", Flag(true)),
            ("bf", Number(3.0)),
            ("bframe_ref_mode", Number(2.0)),
            ("split_encode", Number(1.0)),
            ("device", Number(0.0)),
            ("disable_scenecut", Flag(true)),
            ("repeat_headers", Flag(true)),
            ("force_cuda_tex", Flag(true)),
            ("opts", text("lookaheadDepth=2 aqStrength=5 maxBitRate=1")),
            ("tea", text("hot")),
            ("la_depth", Number(3.0)),
        ],
        Some(EncoderFamily::Amf) => vec![
            ("cqp", Number(20.0)),
            ("preset", text("quality")),
            ("profile", text("high")),
            ("bf", Number(2.0)),
            ("pre_analysis", Flag(true)),
            ("repeat_headers", Flag(false)),
            ("ffmpeg_opts", text("MaxNumRefFrames=4")),
        ],
        Some(EncoderFamily::QuickSync) => vec![
            ("target_usage", text("TU4")),
            ("profile", text("high")),
            ("max_bitrate", Number(7000.0)),
            ("bframes", Number(2.0)),
            ("la_depth", Number(15.0)),
            ("latency", text("normal")),
            ("async_depth", Number(4.0)),
            ("cqp", Number(20.0)),
            ("qpi", Number(20.0)),
            ("qpp", Number(20.0)),
            ("qpb", Number(20.0)),
            ("icq_quality", Number(20.0)),
        ],
        Some(EncoderFamily::X264) => vec![
            ("buffer_size", Number(3000.0)),
            ("use_bufsize", Flag(true)),
            ("crf", Number(20.0)),
            ("bf", Number(2.0)),
            ("preset", text("faster")),
            ("profile", text("main")),
            ("tune", text("")),
            ("x264opts", text("ref=2 keyint=30:aq-mode=2 scenecut=0 threads=3 psy-rd=1;0")),
            ("vfr", Flag(false)),
        ],
        Some(EncoderFamily::VideoToolbox) => vec![
            ("bframes", Flag(true)),
            ("profile", text("high")),
            ("quality", Number(60.0)),
            ("limit_bitrate", Flag(true)),
            ("max_bitrate", Number(7000.0)),
            ("max_bitrate_window", Number(1.5)),
            ("spatial_aq_mode", Number(1.0)),
        ],
        Some(EncoderFamily::Vaapi) => vec![
            ("vaapi_device", text("/dev/dri/renderD128")),
            ("profile", Number(100.0)),
            ("bf", Number(0.0)),
            ("qp", Number(20.0)),
            ("level", Number(40.0)),
            ("maxrate", Number(7000.0)),
            ("ffmpeg_opts", text("")),
        ],
        None => Vec::new(),
    };
    request(encoder_type, &[common.to_vec(), own].concat())
}

fn rendition(requested: RequestedSettings) -> RenditionConfig {
    let size = Size::new(1280, 720).unwrap();
    RenditionConfig::from_request(TrackId::PRIMARY, size, FrameRate::FPS_30, requested).unwrap()
}

/// What the report would be if the element of `kind` had every property under its first name.
fn on(kind: BackendKind, requested: RequestedSettings) -> String {
    let config = rendition(requested);
    let mapping = backend::map(kind, &config, 2);
    let honoured = mapping.assignments.iter().map(|assignment| Honoured {
        setting: assignment.setting.to_owned(),
        property: assignment.names[0].to_owned(),
        value: assignment.value.to_string(),
    });
    let applied = Applied {
        // Its name differs from system to system.
        element: kind.element_for(config.codec).unwrap().replace(backend::NVENC_LIBRARY, "the driver"),
        honoured: honoured.chain(mapping.noted).collect(),
        not_honoured: mapping.not_honoured,
    };
    let mut page = String::new();
    for line in report(&config, kind, &applied) {
        page += &format!("{} = {}", line.key, line.value);
        match (&line.property, &line.applied) {
            (Some(property), Some(value)) => page += &format!("  ->  {property} = {value}"),
            (None, Some(value)) => page += &format!("  ->  {value}"),
            _ => {}
        }
        if let Some(reason) = &line.reason {
            page += &format!("  !  {reason}");
        }
        page.push('\n');
    }
    page
}

#[test]
fn every_family_on_its_own_back_end() {
    for (name, encoder_type, kind) in [
        ("nvenc_direct", "obs_nvenc_h264_tex", BackendKind::NvencDirect),
        ("nvenc_direct_hevc", "obs_nvenc_hevc_tex", BackendKind::NvencDirect),
        ("nvenc", "obs_nvenc_h264_tex", BackendKind::Nvenc),
        ("nvenc_hevc", "obs_nvenc_hevc_tex", BackendKind::Nvenc),
        ("amf", "h264_texture_amf", BackendKind::Amf),
        ("amf_hevc", "h265_texture_amf", BackendKind::Amf),
        ("quick_sync", "obs_qsv11_v2", BackendKind::QuickSync),
        ("quick_sync_hevc", "obs_qsv11_hevc", BackendKind::QuickSync),
        ("x264", "obs_x264", BackendKind::X264),
    ] {
        insta::assert_snapshot!(name, on(kind, everything(encoder_type)));
    }
}

#[test]
fn a_family_that_is_not_here_on_another_back_end() {
    for (name, encoder_type, kind) in [
        ("nvenc_on_amf", "obs_nvenc_h264_tex", BackendKind::Amf),
        ("nvenc_on_quick_sync", "obs_nvenc_h264_tex", BackendKind::QuickSync),
        ("nvenc_on_media_foundation", "obs_nvenc_h264_tex", BackendKind::MediaFoundation),
        ("nvenc_on_x264", "obs_nvenc_h264_tex", BackendKind::X264),
        ("nvenc_on_openh264", "obs_nvenc_h264_tex", BackendKind::OpenH264),
        ("nvenc_on_x265", "obs_nvenc_hevc_tex", BackendKind::X265),
        ("vaapi_on_x264", "ffmpeg_vaapi_tex", BackendKind::X264),
        ("video_toolbox_on_x264", "com.apple.videotoolbox.videoencoder.ave.avc", BackendKind::X264),
    ] {
        insta::assert_snapshot!(name, on(kind, everything(encoder_type)));
    }
}

#[test]
fn all_type_names_are_known() {
    use EncoderFamily::{Amf, Nvenc, QuickSync, Vaapi, VideoToolbox, X264};
    let (avc, hevc) = (Some(VideoCodec::Avc), Some(VideoCodec::Hevc));
    for (name, family, codec) in [
        ("obs_nvenc_h264_tex", Nvenc, avc),
        ("obs_nvenc_hevc_tex", Nvenc, hevc),
        ("obs_nvenc_av1_tex", Nvenc, None),
        ("obs_nvenc_h264_soft", Nvenc, avc),
        ("obs_nvenc_hevc_soft", Nvenc, hevc),
        ("obs_nvenc_h264_cuda", Nvenc, avc),
        ("jim_nvenc", Nvenc, avc),
        ("jim_hevc_nvenc", Nvenc, hevc),
        ("jim_av1_nvenc", Nvenc, None),
        ("ffmpeg_nvenc", Nvenc, avc),
        ("h264_texture_amf", Amf, avc),
        ("h265_texture_amf", Amf, hevc),
        ("av1_texture_amf", Amf, None),
        ("h264_fallback_amf", Amf, avc),
        ("obs_qsv11_v2", QuickSync, avc),
        ("obs_qsv11_hevc", QuickSync, hevc),
        ("obs_qsv11_av1", QuickSync, None),
        ("obs_qsv11_soft_v2", QuickSync, avc),
        ("obs_qsv11", QuickSync, avc),
        ("ffmpeg_vaapi_tex", Vaapi, avc),
        ("hevc_ffmpeg_vaapi_tex", Vaapi, hevc),
        ("av1_ffmpeg_vaapi_tex", Vaapi, None),
        ("com.apple.videotoolbox.videoencoder.ave.avc", VideoToolbox, avc),
        ("com.apple.videotoolbox.videoencoder.ave.hevc", VideoToolbox, hevc),
        ("obs_x264", X264, avc),
        ("obs_x265", X264, hevc),
    ] {
        assert_eq!(kind_of(name), (Some(family), codec), "{name}");
    }
    assert_eq!(kind_of("steam_h264"), (None, avc));
    assert_eq!(kind_of("steam"), (None, None));
}

#[test]
fn the_worked_example_is_taken_over_whole() {
    use SettingValue::{Flag, Number};
    let asked = request(
        "obs_nvenc_h264_tex",
        &[
            ("rate_control", text("CBR")),
            ("bitrate", Number(2500.0)),
            ("keyint_sec", Number(2.0)),
            ("bf", Number(3.0)),
            ("preset", text("p6")),
            ("tune", text("hq")),
            ("multipass", text("qres")),
            ("profile", text("main")),
            // Depth in the options, whether at all in its own key, in any order.
            ("opts", text("lookaheadDepth=2")),
            ("lookahead", Flag(true)),
            ("adaptive_quantization", Flag(true)),
        ],
    );
    let config = rendition(asked);
    assert_eq!(
        (config.bitrate, config.profile, config.keyint),
        (Kbps(2500), VideoProfile::Main, Span::from_secs(2))
    );
    let wanted = VideoSettings {
        preset: Some(Preset::new(6)),
        for_hardware: true,
        rate_control: Some(RateControl::Constant),
        tuning: Some(LatencyTuning::Quality),
        b_frames: Some(3),
        lookahead_frames: Some(2),
        adaptive_quantisation: Some(true),
        multipass: Some(Multipass::Quarter),
        ..VideoSettings::default()
    };
    assert_eq!(config.settings, wanted);
}

#[test]
fn variable_bitrates_have_their_limit() {
    let asked = [
        ("max_bitrate", SettingValue::Number(9000.0)),
        ("bitrate", text("6000")),
        ("rate_control", text("VBR")),
    ];
    let config = rendition(request("jim_nvenc", &asked));
    assert_eq!(config.settings.rate_control, Some(RateControl::Variable { most: Some(Kbps(9000)) }));
    for (kind, most) in [
        (BackendKind::NvencDirect, Some("9000000")),
        (BackendKind::Nvenc, Some("8789")),
        (BackendKind::Amf, Some("9000")),
        (BackendKind::QuickSync, Some("9000")),
        (BackendKind::MediaFoundation, Some("8789")),
        (BackendKind::X264, None),
        (BackendKind::OpenH264, None),
    ] {
        let mapping = backend::map(kind, &config, 2);
        let found = mapping.assignments.iter().find(|assignment| assignment.setting == setting::MOST_BITRATE);
        assert_eq!(found.map(|assignment| assignment.value.to_string()).as_deref(), most, "{kind}");
    }
}

#[test]
fn what_no_encoder_makes_is_refused_and_the_rest_survived() {
    let size = Size::new(1280, 720).unwrap();
    let make = |asked| RenditionConfig::from_request(TrackId(3), size, FrameRate::FPS_30, asked);
    let refused = make(everything("obs_nvenc_av1_tex")).unwrap_err();
    assert_eq!(refused.to_string(), "track 3: the encoder type “obs_nvenc_av1_tex” is not supported");
    let refused = make(request("obs_x264", &[])).unwrap_err();
    assert_eq!(refused.to_string(), "track 3: a rendition without a bitrate is not supported");
    let odd = [
        ("bitrate", SettingValue::Number(-3.5)),
        ("bitrate", SettingValue::Number(900.0)),
        ("preset", SettingValue::Other("[1,2]".to_owned())),
        ("bf", SettingValue::Number(f64::NAN)),
        ("lookahead", SettingValue::Other("null".to_owned())),
        ("keyint_sec", SettingValue::Number(400.0)),
        ("tune", text("loud")),
    ];
    let config = make(request("obs_nvenc_h264_tex", &odd)).unwrap();
    let read = interpret(config.requested.as_ref().unwrap());
    assert_eq!(read.keys.len(), odd.len());
    let honoured = read.keys.iter().filter(|key| matches!(key.meaning, Meaning::Setting(_))).count();
    assert_eq!(honoured, 1, "{:?}", read.keys);
    assert_eq!(config.keyint, Span::from_secs(2));
}

#[test]
fn every_line_of_every_report_says_what_became_of_it() {
    for encoder_type in [
        "obs_nvenc_h264_tex",
        "h264_texture_amf",
        "obs_qsv11_v2",
        "obs_x264",
        "ffmpeg_vaapi_tex",
        "nobody_h264",
    ] {
        for kind in FALLBACK_ORDER.into_iter().filter(|kind| *kind != BackendKind::X265) {
            for line in on(kind, everything(encoder_type)).lines() {
                assert!(line.contains("->") || line.contains('!'), "{kind}: {line}");
            }
        }
    }
}

#[test]
fn an_encoder_that_the_person_chose_is_not_excused() {
    let mut config = rendition(request("obs_nvenc_h264_tex", &[("bitrate", SettingValue::Number(900.0))]));
    config.backend = Some(BackendKind::X264);
    let lines = report(&config, BackendKind::X264, &Applied::default());
    assert_eq!(lines[0].reason.as_deref(), Some("x264 (software) was asked for on this computer"));
}
