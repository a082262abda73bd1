//! Requests as they are sent, answers as they come and go.

use proptest::prelude::*;
use serde_json::{Value, json};
use units::{FrameRate, Kbps, Secret, Size, Span, VideoCodec};

use super::*;
use crate::Protocol;
use crate::limits::ResolutionClass;

fn request() -> Request {
    Request {
        authentication: Secret::new("sk_us-west-2_EXAMPLE?bandwidthtest=1"),
        client: Client {
            name: "genlock".into(),
            version: "0.1.0".into(),
            supported_codecs: vec![VideoCodec::Avc, VideoCodec::Hevc],
        },
        capabilities: Capabilities {
            cpu: Cpu {
                physical_cores: 8,
                logical_cores: 16,
                speed_mhz: Some(4200),
                name: Some("AMD Ryzen 7".into()),
            },
            memory: Memory { total_bytes: 34_359_738_368, free_bytes: 21_474_836_480 },
            gaming_features: Some(GamingFeatures { hags_enabled: Some(true), ..GamingFeatures::default() }),
            system: System {
                version: "6.8.0".into(),
                name: "Ubuntu".into(),
                build: 0,
                release: "24.04".into(),
                revision: String::new(),
                bits: 64,
                arm: false,
                arm_emulation: false,
            },
            gpus: vec![
                Gpu {
                    model: "NVIDIA GeForce RTX 4080".into(),
                    vendor_id: 0x10de,
                    device_id: 0x2704,
                    dedicated_video_memory: Some(17_179_869_184),
                    shared_system_memory: None,
                    driver_version: Some("560.35.03".into()),
                    luid: Some("0000:01:00.0".into()),
                },
                Gpu { model: "Unnamed".into(), vendor_id: 0x8086, device_id: 0x4680, ..Gpu::default() },
            ],
        },
        preferences: Preferences {
            canvas: Size::new(2560, 1440).unwrap(),
            output: Size::new(1920, 1080).unwrap(),
            rate: FrameRate::FPS_60,
            maximum_video_tracks: Some(4),
            maximum_aggregate_bitrate: None,
            maximum_resolution: None,
            vod_track_audio: false,
            composition_gpu_index: Some(0),
            audio_samples_per_sec: 48_000,
            audio_channels: 2,
            audio_max_buffering_ms: 960,
            audio_fixed_buffering: false,
        },
        stream_attempt_start_time: "2026-01-02T03:04:05.000Z".into(),
    }
}

fn value(secret: &Secret) -> Value {
    serde_json::from_str(secret.expose()).unwrap()
}

#[test]
fn requests_of_both_schemas() {
    for version in SchemaVersion::ALL {
        let body = value(&request().to_json(version));
        insta::assert_snapshot!(format!("request_{version}"), format!("{body:#}"));
    }
}

#[test]
fn no_request_prints_its_key() {
    let printed = format!("{:?} {:?}", request(), request().to_json(SchemaVersion::default()));
    assert!(!printed.contains("EXAMPLE"), "{printed}");
}

/// What the service's side reads is what was said, as far as the schema has a place for it.
#[test]
fn requests_are_taken_by_the_services_side() {
    let mut requests = vec![request()];
    let mut bare = request();
    bare.capabilities = Capabilities {
        cpu: Cpu { physical_cores: 1, logical_cores: 1, speed_mhz: None, name: None },
        gaming_features: None,
        gpus: Vec::new(),
        ..bare.capabilities
    };
    bare.preferences.maximum_aggregate_bitrate = Some(Kbps(6000));
    bare.preferences.maximum_resolution = Some(ResolutionClass::Hd);
    bare.preferences.composition_gpu_index = None;
    requests.push(bare);
    for request in requests {
        for version in SchemaVersion::ALL {
            let received = validate(&value(&request.to_json(version))).unwrap();
            assert_eq!(received.unknown_fields, [""; 0], "{version}");
            assert_eq!(received.version, version);
            assert_eq!(received.authentication, request.authentication);
            assert_eq!(received.client, request.client);
            assert_eq!(received.preferences.as_ref(), Some(&request.preferences));
            assert_eq!(received.stream_attempt_start_time.as_ref(), Some(&request.stream_attempt_start_time));
            let mut expected = request.capabilities.clone();
            match version {
                SchemaVersion::V2024_06_04 => {
                    expected.cpu.name.get_or_insert("Unknown".into());
                    expected.gaming_features.get_or_insert_default();
                    for gpu in &mut expected.gpus {
                        gpu.driver_version.get_or_insert("Unknown".into());
                    }
                }
                SchemaVersion::V2025_01_25 => expected.gpus.iter_mut().for_each(|gpu| gpu.luid = None),
            }
            assert_eq!(received.capabilities, expected, "{version}");
        }
    }
}

/// obs-multitrack.md 1.12.
const ANSWER_A: &str = include_str!("tests/answer_a.json");
/// obs-multitrack.md 1.13.
const ANSWER_B: &str = include_str!("tests/answer_b.json");

fn parse(answer: &str) -> ClientConfiguration {
    ClientConfiguration::parse(answer.as_bytes()).unwrap()
}

#[test]
fn answers_read_and_written_again() {
    for (name, text) in [("answer_a", ANSWER_A), ("answer_b", ANSWER_B)] {
        let answer = parse(text);
        assert_eq!(answer.unknown_fields, [""; 0]);
        let written = value(&answer.to_json());
        insta::assert_snapshot!(name, format!("{written:#}"));
        assert_eq!(parse(answer.to_json().expose()), answer);
        // Everything that was there is there again.
        assert_eq!(missing(&serde_json::from_str(text).unwrap(), &written, String::new()), None);
    }
}

/// The first place where `whole` has what `written` has not.
fn missing(whole: &Value, written: &Value, at: String) -> Option<String> {
    match (whole, written) {
        (Value::Object(whole), Value::Object(written)) => whole.iter().find_map(|(name, value)| {
            missing(value, written.get(name).unwrap_or(&Value::Null), format!("{at}/{name}"))
        }),
        (Value::Array(whole), Value::Array(written)) if whole.len() == written.len() => {
            whole.iter().zip(written).find_map(|(value, written)| missing(value, written, format!("{at}/")))
        }
        _ => (whole != written).then_some(at),
    }
}

#[test]
fn answer_a_field_by_field() {
    let answer = parse(ANSWER_A);
    assert_eq!(answer.config_id, "1f6a2f0e-7f7c-4d0b-9c55-3d2d1f4b0a11");
    assert_eq!((answer.service.as_str(), answer.schema_version.as_str()), ("IVS", "2025-01-25"));
    assert_eq!(answer.encode_resource_percent, Some(21));
    assert_eq!(answer.status, Status::Success);
    assert_eq!(answer.total_bitrate(), Kbps(6000 + 2500 + 500 + 160));
    let secure = answer.endpoint(Protocol::Rtmps).unwrap();
    assert_eq!(secure.url_template, "rtmps://ingest.global-contribute.live-video.net/app/{stream_key}");
    assert!(secure.authentication.as_ref().unwrap().expose().starts_with("v1_SIG64_"));
    let first = &answer.encoder_configurations[0];
    assert_eq!(first.encoder_type, "obs_nvenc_h264_tex");
    assert_eq!(first.codec, Some(VideoCodec::Avc));
    assert_eq!((first.size, first.rate), (Size::new(1920, 1080).unwrap(), Some(FrameRate::FPS_30)));
    assert_eq!(first.scaler, GpuScale::Bicubic);
    assert_eq!((first.color_space, first.range), (ColorSpace::Bt709, ColorRange::Partial));
    assert_eq!((first.format, first.canvas_index), (PixelFormat::Nv12, 0));
    assert_eq!(first.bitrate_interpolation_points, [0, 3960, 4800, 6000].map(Kbps));
    assert_eq!((first.bitrate(), first.keyint()), (Some(Kbps(6000)), Some(Span::from_secs(2))));
    assert_eq!((first.setting("profile"), first.setting("opts")), (Some("high"), Some("lookaheadDepth=2")));
    assert_eq!(first.settings["lookahead"], true);
    let sound =
        AudioConfiguration { codec: "aac".into(), track_id: 0, channels: 2, bitrate: Some(Kbps(160)) };
    assert_eq!(answer.live_audio, [sound]);
    assert_eq!(answer.vod_audio, []);
}

#[test]
fn answer_b_has_a_warning_and_sound_for_the_recording() {
    let answer = parse(ANSWER_B);
    let Status::Warning(message) = &answer.status else { panic!("{:?}", answer.status) };
    assert_eq!(message.text, "Your graphics driver is close to the minimum version. Update soon.");
    assert_eq!(message.links[0].url, "https://example.com/d");
    assert_eq!(answer.vod_audio[0].track_id, 1);
    assert_eq!(answer.encoder_configurations.len(), 5);
    assert_eq!(answer.total_bitrate(), Kbps(10_200 + 2 * 160));
}

/// obs-multitrack.md 1.13, refusal shape: no keys, nothing granted, HTTP 200.
#[test]
fn a_refusal_is_an_answer() {
    let answer = parse(
        r#"{"meta":{"service":"IVS","schema_version":"2025-01-25","config_id":"x",
            "required_encode_resource_estimate_percent":0},
            "status":{"result":"error","html_en_us":"Your <b>GPU</b> is too old."},
            "ingest_endpoints":[{"protocol":"RTMP","url_template":"rtmp://h/app/{stream_key}"}],
            "encoder_configurations":[],"audio_configurations":{"live":[],"vod":[]}}"#,
    );
    assert!(matches!(&answer.status, Status::Error(message) if message.text == "Your GPU is too old."));
    assert_eq!(answer.ingest_endpoints[0].authentication, None);
    assert_eq!(parse(answer.to_json().expose()), answer);
}

#[test]
fn every_status() {
    let status = |status: Value| parse(&json!({ "status": status }).to_string()).status;
    assert_eq!(status(Value::Null), Status::Success);
    assert_eq!(status(json!({ "result": "success" })), Status::Success);
    assert!(matches!(status(json!({ "result": "warning" })), Status::Warning(_)));
    let unknown = |status: Value| match status_of(&status) {
        Status::Unknown { result, message } => (result, message.text),
        other => panic!("{other:?}"),
    };
    assert_eq!(unknown(json!({ "result": "maybe", "html_en_us": "?" })), ("maybe".into(), "?".into()));
    assert_eq!(unknown(json!({ "result": null })), (String::new(), String::new()));
    assert_eq!(unknown(json!({})), (String::new(), String::new()));
    assert_eq!(unknown(json!({ "result": "x".repeat(100) })).0.len(), 40);
}

fn status_of(status: &Value) -> Status {
    parse(&json!({ "status": status }).to_string()).status
}

#[test]
fn wrong_types_are_told_by_their_path() {
    let whole: Value = serde_json::from_str(ANSWER_B).unwrap();
    for (pointer, wrong, told) in [
        ("/meta", json!(1), "meta in the answer is a number, not an object"),
        ("/meta/config_id", json!(7), "meta.config_id in the answer is a number, not a text"),
        ("/meta/service", Value::Null, "meta.service is missing in the answer"),
        ("/status/html_en_us", json!([]), "status.html_en_us in the answer is a list, not a text"),
        ("/status/result", json!(true), "status.result in the answer is true or false, not a text"),
        ("/ingest_endpoints", json!({}), "ingest_endpoints in the answer is an object, not a list"),
        (
            "/ingest_endpoints/1/url_template",
            json!(1),
            "ingest_endpoints[1].url_template in the answer is a number, not a text",
        ),
        (
            "/ingest_endpoints/0/authentication",
            json!(1),
            "ingest_endpoints[0].authentication in the answer is a number, not a text",
        ),
        (
            "/encoder_configurations/3",
            json!("x"),
            "encoder_configurations[3] in the answer is a text, not an object",
        ),
        (
            "/encoder_configurations/1/width",
            json!("1280"),
            "encoder_configurations[1].width in the answer is a text, not a whole number",
        ),
        (
            "/encoder_configurations/1/width",
            json!(62),
            "encoder_configurations[1].width in the answer is not a number of pixels from 64 to 16384",
        ),
        (
            "/encoder_configurations/1/height",
            json!(-720),
            "encoder_configurations[1].height in the answer is not a whole number from 0 to 4294967295",
        ),
        (
            "/encoder_configurations/0/framerate",
            json!(60),
            "encoder_configurations[0].framerate in the answer is a number, not an object",
        ),
        (
            "/encoder_configurations/0/framerate/denominator",
            json!(0),
            "encoder_configurations[0].framerate in the answer is not a frame rate between 1 and 240 per second",
        ),
        (
            "/encoder_configurations/0/gpu_scale_type",
            json!(3),
            "encoder_configurations[0].gpu_scale_type in the answer is a number, not a text",
        ),
        (
            "/encoder_configurations/0/bitrate_interpolation_points/2",
            json!("4800"),
            "encoder_configurations[0].bitrate_interpolation_points[2] in the answer is a text, not a whole number",
        ),
        (
            "/encoder_configurations/0/settings",
            json!([]),
            "encoder_configurations[0].settings in the answer is a list, not an object",
        ),
        (
            "/encoder_configurations/0/settings/bitrate",
            json!("6000"),
            "encoder_configurations[0].settings.bitrate in the answer is a text, not a whole number",
        ),
        (
            "/encoder_configurations/0/settings/keyint_sec",
            json!(11),
            "encoder_configurations[0].settings.keyint_sec in the answer is not a number of seconds from 0 to 10",
        ),
        (
            "/encoder_configurations/0/settings/profile",
            json!(100),
            "encoder_configurations[0].settings.profile in the answer is a number, not a text",
        ),
        (
            "/audio_configurations/live",
            json!("aac"),
            "audio_configurations.live in the answer is a text, not a list",
        ),
        (
            "/audio_configurations/live/0/channels",
            Value::Null,
            "audio_configurations.live[0].channels is missing in the answer",
        ),
        (
            "/audio_configurations/vod/0/settings/bitrate",
            json!(1.5),
            "audio_configurations.vod[0].settings.bitrate in the answer is not a whole number from 0 to 4294967295",
        ),
    ] {
        let mut answer = whole.clone();
        *answer.pointer_mut(pointer).unwrap() = wrong;
        let error = ClientConfiguration::parse(answer.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    let not_json = ClientConfiguration::parse(b"{\"meta\":\n {").unwrap_err();
    assert_eq!(not_json.to_string(), "the answer is not JSON (line 2, column 2)");
    assert!(matches!(
        ClientConfiguration::parse(&vec![b' '; (1 << 20) + 1]),
        Err(AnswerError::TooLarge { .. })
    ));
    assert!(ClientConfiguration::parse("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn what_means_nothing_to_us_is_told_and_kept() {
    let mut whole: Value = serde_json::from_str(ANSWER_A).unwrap();
    whole["encoder_configurations"][1]["gpu_scale_type"] = json!("OBS_SCALE_MAGIC");
    whole["encoder_configurations"][2]["color/depth"] = json!({ "bits": 10 });
    whole["audio_configurations"]["live"][0]["settings"]["vbr"] = json!(false);
    whole["meta"]["region"] = json!("moon");
    whole["meta"]["required_encode_resource_estimate_percent"] = json!("much");
    whole["hint"] = json!("sk_us-west-2_EXAMPLE");
    let answer = parse(&whole.to_string());
    assert_eq!(
        answer.unknown_fields,
        [
            "meta.required_encode_resource_estimate_percent (much)",
            "meta.region",
            "encoder_configurations[1].gpu_scale_type (OBS_SCALE_MAGIC)",
            "encoder_configurations[2].color/depth",
            "audio_configurations.live[0].settings.vbr",
            "hint",
        ]
    );
    assert_eq!(answer.encoder_configurations[1].scaler, GpuScale::Bicubic);
    assert_eq!(missing(&whole, &value(&answer.to_json()), String::new()), None);
    assert!(!format!("{answer:?}").contains("EXAMPLE"), "{answer:?}");
}

#[test]
fn endpoints_of_other_protocols_are_left_out() {
    let mut whole: Value = serde_json::from_str(ANSWER_A).unwrap();
    whole["ingest_endpoints"][0]["protocol"] = json!("QUIC");
    let answer = parse(&whole.to_string());
    assert_eq!(answer.ingest_endpoints.len(), 1);
    assert_eq!(answer.unknown_fields, ["ingest_endpoints[0].protocol (QUIC)"]);
}

#[test]
fn what_may_be_missing() {
    let empty = parse("{}");
    assert_eq!((empty.config_id.as_str(), &empty.status), ("", &Status::Success));
    let least =
        parse(r#"{"encoder_configurations":[{"type":"obs_x264","width":64,"height":64,"settings":null}]}"#);
    let rendition = &least.encoder_configurations[0];
    assert_eq!((rendition.rate, rendition.bitrate(), rendition.keyint()), (None, None, None));
    assert_eq!(rendition, &EncoderConfiguration::new("obs_x264", Size::new(64, 64).unwrap()));
}

/// obs-multitrack.md 1.10, and the API reference's two.
#[test]
fn codes_by_the_names_of_encoders() {
    use VideoCodec::{Avc, Hevc};
    for (name, codec) in [
        ("obs_nvenc_h264_tex", Some(Avc)),
        ("obs_nvenc_hevc_tex", Some(Hevc)),
        ("obs_nvenc_av1_tex", None),
        ("obs_nvenc_h264_soft", Some(Avc)),
        ("obs_nvenc_hevc_cuda", Some(Hevc)),
        ("jim_nvenc", Some(Avc)),
        ("jim_hevc_nvenc", Some(Hevc)),
        ("jim_av1_nvenc", None),
        ("ffmpeg_nvenc", Some(Avc)),
        ("h264_texture_amf", Some(Avc)),
        ("h265_texture_amf", Some(Hevc)),
        ("av1_texture_amf", None),
        ("h265_fallback_amf", Some(Hevc)),
        ("obs_qsv11", Some(Avc)),
        ("obs_qsv11_v2", Some(Avc)),
        ("obs_qsv11_soft_v2", Some(Avc)),
        ("obs_qsv11_hevc", Some(Hevc)),
        ("obs_qsv11_hevc_soft", Some(Hevc)),
        ("obs_qsv11_av1", None),
        ("ffmpeg_vaapi_tex", Some(Avc)),
        ("hevc_ffmpeg_vaapi_tex", Some(Hevc)),
        ("av1_ffmpeg_vaapi_tex", None),
        ("com.apple.videotoolbox.videoencoder.ave.avc", Some(Avc)),
        ("com.apple.videotoolbox.videoencoder.ave.hevc", Some(Hevc)),
        ("com.apple.videotoolbox.videoencoder.h264.gva", Some(Avc)),
        ("obs_x264", Some(Avc)),
        ("obs_x265", Some(Hevc)),
        ("prores", None),
        ("", None),
    ] {
        assert_eq!(EncoderConfiguration::new(name, Size::new(64, 64).unwrap()).codec, codec, "{name}");
    }
}

#[test]
fn keyframe_intervals() {
    let keyint = |seconds: Value| {
        let mut rendition = EncoderConfiguration::new("obs_x264", Size::new(64, 64).unwrap());
        rendition.settings.insert("keyint_sec".into(), seconds);
        rendition.keyint()
    };
    assert_eq!(keyint(json!(2)), Some(Span::from_secs(2)));
    assert_eq!(keyint(json!(0.5)), Some(Span::from_millis(500)));
    for decided_by_the_encoder in [json!(0), json!(-1), json!(11), json!("2"), json!(1e300)] {
        assert_eq!(keyint(decided_by_the_encoder), None);
    }
}

fn any_rendition() -> impl Strategy<Value = EncoderConfiguration> {
    let size = (64u32..=16_384, 64u32..=16_384).prop_map(|(width, height)| Size::new(width, height).unwrap());
    let rate = prop::option::of(
        (1u32..=240, 1u32..=4).prop_filter_map("a rate", |(n, d)| FrameRate::new(n, d).ok()),
    );
    let points = prop::collection::vec(any::<u32>().prop_map(Kbps), 0..5);
    let choices = (
        prop::sample::select(GpuScale::ALL),
        prop::sample::select(ColorSpace::ALL),
        prop::sample::select(ColorRange::ALL),
        prop::sample::select(PixelFormat::ALL),
    );
    let settings = prop::collection::btree_map(
        "[a-z_]{1,8}",
        prop_oneof![
            any::<u32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ],
        0..4,
    );
    ("[a-z0-9_.]{0,20}", size, rate, points, choices, settings, any::<Option<u32>>(), any::<u32>()).prop_map(
        |(name, size, rate, points, choices, settings, bitrate, canvas_index)| {
            let mut rendition = EncoderConfiguration::new(name, size);
            rendition.rate = rate;
            rendition.bitrate_interpolation_points = points;
            (rendition.scaler, rendition.color_space, rendition.range, rendition.format) = choices;
            rendition.settings = settings.into_iter().collect();
            rendition.settings.remove("profile");
            rendition.settings.remove("keyint_sec");
            rendition.settings.remove("bitrate");
            if let Some(bitrate) = bitrate {
                rendition.settings.insert("bitrate".into(), bitrate.into());
            }
            rendition.canvas_index = canvas_index;
            rendition
        },
    )
}

fn any_answer() -> impl Strategy<Value = ClientConfiguration> {
    let status = prop_oneof![
        Just(Status::Success),
        ".{0,40}".prop_map(|html| Status::Warning(Message::from_html(&html))),
        ".{0,40}".prop_map(|html| Status::Error(Message::from_html(&html))),
        ("[a-r]{0,10}", ".{0,40}")
            .prop_map(|(result, html)| Status::Unknown { result, message: Message::from_html(&html) }),
    ];
    let endpoint = (prop::sample::select(&Protocol::ALL[..]), ".{0,20}", prop::option::of(".{0,20}"))
        .prop_map(|(protocol, url_template, key)| Endpoint {
            protocol,
            url_template,
            authentication: key.map(Secret::new),
        });
    let track = (".{0,8}", any::<u32>(), any::<u32>(), any::<Option<u32>>()).prop_map(
        |(codec, track_id, channels, bitrate)| AudioConfiguration {
            codec,
            track_id,
            channels,
            bitrate: bitrate.map(Kbps),
        },
    );
    let audio = prop::collection::vec(track, 0..3);
    (
        (".{0,8}", ".{0,12}", ".{0,36}", any::<Option<u32>>()),
        status,
        prop::collection::vec(endpoint, 0..3),
        prop::collection::vec(any_rendition(), 0..4),
        audio.clone(),
        audio,
    )
        .prop_map(|(meta, status, ingest_endpoints, encoder_configurations, live_audio, vod_audio)| {
            let (service, schema_version, config_id, encode_resource_percent) = meta;
            ClientConfiguration {
                service,
                schema_version,
                config_id,
                encode_resource_percent,
                status,
                ingest_endpoints,
                encoder_configurations,
                live_audio,
                vod_audio,
                ..ClientConfiguration::default()
            }
        })
}

proptest! {
    #[test]
    fn any_answer_reads_back(answer in any_answer()) {
        prop_assert_eq!(parse(answer.to_json().expose()), answer);
    }

    /// One value of a good answer exchanged for another: read or refused by a path, never lost.
    #[test]
    fn one_changed_value(
        at in any::<prop::sample::Index>(),
        other in prop::sample::select(vec![
            Value::Null, json!(true), json!(-1), json!(0), json!(2.5), json!(1e20), json!("x"), json!([]), json!([1]),
            json!({}), json!({ "result": 1 }),
        ]),
    ) {
        let mut answer: Value = serde_json::from_str(ANSWER_B).unwrap();
        let mut pointers = Vec::new();
        collect(&answer, String::new(), &mut pointers);
        *answer.pointer_mut(at.get(&pointers[..]).as_str()).unwrap() = other;
        if let Ok(read) = ClientConfiguration::parse(answer.to_string().as_bytes()) {
            prop_assert_eq!(parse(read.to_json().expose()).to_json(), read.to_json());
        }
    }

    #[test]
    fn anything_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ClientConfiguration::parse(&bytes);
    }
}

fn collect(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, format!("{at}/{name}"), into));
        }
        Value::Array(elements) => {
            elements
                .iter()
                .enumerate()
                .for_each(|(index, value)| collect(value, format!("{at}/{index}"), into));
        }
        _ => {}
    }
    into.push(at);
}
