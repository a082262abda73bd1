//! GetClientConfiguration: what is granted, what is refused, and its faults on demand.

use ingest::{ConfigurationFaults, IngestConfig, InquiryOutcome, ScriptedAnswer};
use ivs::client_configuration::ClientConfiguration;
use ivs::{MultitrackInput, ResolutionClass, Rules};
use serde_json::{Value, json};
use units::Span;

use crate::asked::scripted;
use crate::inquirer::*;
use crate::publisher::*;
use crate::show::{Show, stream_name};

#[tokio::test]
async fn a_held_back_answer_waits_for_the_media_clock_and_only_so_many_requests_are_faulty() {
    let (ingest, clock) = start_with(config(None)).await;
    ingest.set_configuration_faults(ConfigurationFaults {
        requests: Some(1),
        delay: Span::from_secs(3),
        answer: Some(ScriptedAnswer::HttpStatus(500)),
        ..ConfigurationFaults::default()
    });
    let mut socket = connect(&ingest).await;
    let body = request().to_string();
    send(&mut socket, (head("POST", CONFIGURATION, body.len()) + &body).as_bytes()).await;
    let mut answer = tokio::spawn(async move { receive(&mut socket).await.unwrap() });
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), &mut answer).await;
    assert!(early.is_err(), "it was not held back");
    clock.advance(Span::from_secs(3));
    // The request may have come after the clock was turned.
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    while !answer.is_finished() {
        ticks.tick().await;
        clock.advance(Span::from_millis(500));
    }
    assert_eq!(answer.await.unwrap().status, 500);
    assert_eq!(configure(&ingest, &request()).await.status, 200);
}

fn with_policy(multitrack: MultitrackInput) -> IngestConfig {
    let plain = config(None);
    IngestConfig { rules: Rules { multitrack, ..plain.rules }, ..plain }
}

const fn allow(maximum_resolution: ResolutionClass) -> MultitrackInput {
    MultitrackInput::Allow { maximum_resolution }
}

/// Width, height, frames per second and kbps of every rendition that is granted.
fn granted(answer: &Value) -> Vec<[u64; 4]> {
    let renditions = answer["encoder_configurations"].as_array().unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let rate = |value: &Value| number(&value["numerator"]) / number(&value["denominator"]);
    renditions
        .iter()
        .map(|rendition| {
            let kbps = number(&rendition["settings"]["bitrate"]);
            [number(&rendition["width"]), number(&rendition["height"]), rate(&rendition["framerate"]), kbps]
        })
        .collect()
}

/// The reason of a refusal, which is no error of HTTP.
fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["status"]["result"], "error");
    assert_eq!(json["encoder_configurations"], json!([]));
    let endpoints = json["ingest_endpoints"].as_array().unwrap();
    assert!(endpoints.iter().all(|endpoint| endpoint.get("authentication").is_none()));
    json["status"]["html_en_us"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ladder_is_granted_with_a_key_that_promises_it() {
    let folder = tempfile::tempdir().unwrap();
    let policy = with_policy(allow(ResolutionClass::FullHd));
    let (ingest, _) = start_with(IngestConfig { out_dir: Some(folder.path().to_owned()), ..policy }).await;
    let mut wish = request();
    wish["preferences"]["maximum_video_tracks"] = json!(3);
    let json = configure(&ingest, &wish).await.json();
    assert!(json.get("status").is_none(), "success is told by saying nothing: {json}");
    assert_eq!(json["meta"]["service"], "IVS");
    assert_eq!(json["meta"]["schema_version"], "2025-01-25");
    assert_eq!(granted(&json), [[1280, 720, 30, 2500], [852, 480, 30, 1000], [640, 360, 30, 500]]);
    let types: Vec<_> =
        json["encoder_configurations"].as_array().unwrap().iter().map(|each| each["type"].clone()).collect();
    assert_eq!(types, ["obs_x264", "obs_x264", "obs_x264"], "no card that encodes");
    assert_eq!(json["audio_configurations"]["live"][0]["settings"]["bitrate"], 160);
    let endpoints = json["ingest_endpoints"].as_array().unwrap();
    let addresses = [&ingest.addresses().rtmp, &ingest.addresses().rtmps];
    for ((endpoint, protocol), address) in endpoints.iter().zip(["RTMP", "RTMPS"]).zip(addresses) {
        assert_eq!(endpoint["protocol"], protocol);
        assert_eq!(endpoint["url_template"], format!("{address}/{{stream_key}}"));
    }

    // Exactly what was granted is taken with that key.
    let answer = ClientConfiguration::parse(json.to_string().as_bytes()).unwrap();
    let show = Show::of(&answer);
    let mut publisher = show.publish(&ingest, &stream_name(&answer)).await;
    show.end(&mut publisher).await;
    let report = only_report(&ingest).await;
    assert!(report.verdict.accepted, "{:?}", report.verdict.findings);
    assert_eq!(report.config_id.as_deref(), json["meta"]["config_id"].as_str());

    let inquiry = ingest.inquiries().remove(0);
    assert_eq!((inquiry.outcome, inquiry.http_status), (InquiryOutcome::Answered, 200));
    assert_eq!((inquiry.config_id, inquiry.client.as_deref()), (report.config_id, Some("test 1.0")));
    assert_eq!(inquiry.granted.len(), 3);
    assert!(inquiry.granted[0].starts_with("1280x720 30 fps"), "{:?}", inquiry.granted);
    ingest.stop().await;
    let granted_key = answer.ingest_endpoints[0].authentication.clone().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [KEY, granted_key.expose()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn the_ladder_keeps_every_limit() {
    use ResolutionClass::{FullHd, Hd, Sd};
    let full_hd = |wish: &mut Value| {
        for (name, pixels) in
            [("width", 1920), ("height", 1080), ("canvas_width", 1920), ("canvas_height", 1080)]
        {
            wish["preferences"]["canvases"][0][name] = json!(pixels);
        }
        wish["preferences"]["canvases"][0]["framerate"] = json!({ "numerator": 60, "denominator": 1 });
    };
    for (maximum, heights) in
        [(FullHd, vec![1080, 720, 480, 360, 160]), (Hd, vec![720, 480, 360, 160]), (Sd, vec![480, 360])]
    {
        let (ingest, _) = start_with(with_policy(allow(maximum))).await;
        let mut wish = request();
        full_hd(&mut wish);
        let json = configure(&ingest, &wish).await.json();
        let ladder = granted(&json);
        assert_eq!(ladder.iter().map(|[_, height, ..]| *height).collect::<Vec<_>>(), heights, "{maximum}");
        assert!(ladder.iter().map(|[.., kbps]| kbps).sum::<u64>() <= 10_200);

        wish["preferences"]["maximum_video_tracks"] = json!(2);
        wish["preferences"]["maximum_aggregate_bitrate"] = json!(1500);
        let json = configure(&ingest, &wish).await.json();
        let ladder = granted(&json);
        assert!((1..=2).contains(&ladder.len()), "{ladder:?}");
        assert!(ladder.iter().map(|[.., kbps]| kbps).sum::<u64>() <= 1500, "{ladder:?}");
    }
    let (ingest, _) = start_with(with_policy(allow(FullHd))).await;
    ingest.set_configuration_faults(ConfigurationFaults {
        requests: Some(1),
        maximum_tracks: Some(2),
        ..ConfigurationFaults::default()
    });
    let first = configure(&ingest, &request()).await.json();
    let second = configure(&ingest, &request()).await.json();
    assert_eq!(granted(&first).len(), 2);
    assert!(granted(&second).len() > 2, "the ladder changes between two requests");
    assert_ne!(first["meta"]["config_id"], second["meta"]["config_id"]);
}

#[tokio::test]
async fn the_encoder_is_that_of_the_card_that_composes() {
    let (ingest, _) =
        start_with(IngestConfig { offers_hevc: true, ..with_policy(allow(ResolutionClass::FullHd)) }).await;
    let card = |vendor: u32| {
        json!({
            "model": "A card", "vendor_id": vendor, "device_id": 7, "dedicated_video_memory": 8_000_000_000u64,
            "shared_system_memory": 1, "driver_version": "32.0.15.6603",
        })
    };
    let (nvidia, amd, intel, other) = (0x10de, 0x1002, 0x8086, 0x1414);
    let cases = [
        (vec![nvidia], 0, "h264", "obs_nvenc_h264_tex"),
        (vec![nvidia], 0, "h265", "obs_nvenc_hevc_tex"),
        (vec![amd, nvidia], 0, "h264", "h264_texture_amf"),
        (vec![amd, intel], 1, "h264", "obs_qsv11_v2"),
        (vec![other, amd], 0, "h264", "h264_texture_amf"),
        (vec![other], 0, "h264", "obs_x264"),
    ];
    for (vendors, composing, codec, expected) in cases {
        let mut wish = request();
        wish["capabilities"]["gpu"] = vendors.iter().map(|vendor| card(*vendor)).collect();
        wish["preferences"]["composition_gpu_index"] = json!(composing);
        wish["client"]["supported_codecs"] = json!([codec]);
        let json = configure(&ingest, &wish).await.json();
        assert_eq!(json["encoder_configurations"][0]["type"], expected, "{vendors:?} {codec}");
    }
    // Without the option everybody is granted H.264, as the service does.
    let (ingest, _) = start_with(with_policy(allow(ResolutionClass::FullHd))).await;
    let mut wish = request();
    wish["client"]["supported_codecs"] = json!(["h265"]);
    let json = configure(&ingest, &wish).await.json();
    assert_eq!(json["encoder_configurations"][0]["type"], "obs_x264");
}

#[tokio::test]
async fn what_is_refused_is_refused_with_a_sentence() {
    let (ingest, _) = start_with(with_policy(allow(ResolutionClass::FullHd))).await;
    let mut wrong_key = request();
    wrong_key["authentication"] = json!("sk_us-west-2_SomebodyElses123");
    let mut ntsc = request();
    ntsc["preferences"]["canvases"][0]["framerate"] = json!({ "numerator": 60_000, "denominator": 1001 });
    let mut narrow = request();
    narrow["preferences"]["maximum_aggregate_bitrate"] = json!(50);
    for (wish, expected) in [(&wrong_key, "stream key"), (&ntsc, "59.94"), (&narrow, "too little")] {
        let said = refusal(&configure(&ingest, wish).await);
        assert!(said.contains(expected) && !said.contains("SomebodyElses"), "{said}");
    }
    // A key with the arguments that a person typed behind it is theirs.
    let mut with_arguments = request();
    with_arguments["authentication"] = json!(format!("{KEY}?bandwidthtest=1"));
    assert!(configure(&ingest, &with_arguments).await.json().get("status").is_none());
    let outcomes: Vec<_> = ingest.inquiries().iter().map(|inquiry| inquiry.outcome).collect();
    use InquiryOutcome::{Answered, Refused};
    assert_eq!(outcomes, [Refused, Refused, Refused, Answered]);
    assert!(!serde_json::to_string(&ingest.inquiries()).unwrap().contains("SomebodyElses"));

    let (ingest, _) = start_with(with_policy(MultitrackInput::NotAllowed)).await;
    let said = refusal(&configure(&ingest, &request()).await);
    assert!(said.contains("not configured to support multitrack"), "{said}");
}

/// Members that must be there, and values of another type than the documents say. JSON pointers.
#[tokio::test]
async fn every_wrong_type_is_answered_with_400_and_nothing_else() {
    let (ingest, _) = start_with(with_policy(allow(ResolutionClass::FullHd))).await;
    assert_eq!(configure(&ingest, &request()).await.status, 200);
    let wrong = [
        ("/service", json!("Twitch")),
        ("/schema_version", json!("2023-05-10")),
        ("/schema_version", json!(20_250_125)),
        ("/authentication", json!(17)),
        ("/client", json!([])),
        ("/client/name", json!(null)),
        ("/client/version", json!(32)),
        ("/client/supported_codecs", json!("h264")),
        ("/capabilities/cpu/physical_cores", json!("8")),
        ("/capabilities/cpu/logical_cores", json!(4.5)),
        ("/capabilities/memory/total", json!("8 GB")),
        ("/capabilities/memory/free", json!(-1)),
        ("/capabilities/gaming_features", json!(true)),
        ("/capabilities/system/revision", json!(4317)),
        ("/capabilities/system/bits", json!("64")),
        ("/capabilities/system/arm", json!(0)),
        ("/capabilities/gpu", json!({})),
        ("/capabilities/gpu/0/model", json!(4070)),
        ("/capabilities/gpu/0/vendor_id", json!("0x10de")),
        ("/preferences/vod_track_audio", json!("no")),
        ("/preferences/maximum_video_tracks", json!("3")),
        ("/preferences/maximum_aggregate_bitrate", json!(10_200.5)),
        ("/preferences/audio_samples_per_sec", json!("48000")),
        ("/preferences/canvases", json!([])),
        ("/preferences/canvases/0/width", json!("1280")),
        ("/preferences/canvases/0/framerate", json!(30)),
        ("/preferences/canvases/0/framerate/denominator", json!(0)),
    ];
    for (number, (pointer, value)) in wrong.into_iter().enumerate() {
        let mut body = request();
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = configure(&ingest, &body).await;
        assert_eq!((answer.status, answer.body.len()), (400, 0), "{pointer}");
        let inquiry = ingest.inquiries().pop().unwrap();
        assert_eq!(inquiry.outcome, InquiryOutcome::Malformed);
        assert_eq!(inquiry.inquiry, number as u64 + 2);
        let name = pointer.rsplit('/').find(|part| part.parse::<u8>().is_err()).unwrap();
        assert!(
            inquiry.complaints.iter().any(|complaint| complaint.contains(name)),
            "{:?}",
            inquiry.complaints
        );
        assert!(!inquiry.complaints.iter().any(|complaint| complaint.contains(KEY)));
    }
}

#[tokio::test]
async fn the_documented_schema_is_spoken_too() {
    let (ingest, _) = start_with(with_policy(allow(ResolutionClass::FullHd))).await;
    // The API reference's shape: a flat canvas, and the time when going live was asked for.
    let mut wish = request();
    wish["schema_version"] = json!("2024-06-04");
    wish["stream_attempt_start_time"] = json!("2026-11-21T11:00:00.000Z");
    wish["capabilities"]["system"]["arm_emulation"] = json!(false);
    wish["capabilities"]["system"].as_object_mut().unwrap().remove("armEmulation");
    wish["capabilities"]["gaming_features"] = json!({
        "game_bar_enabled": true, "game_dvr_allowed": true, "game_dvr_enabled": false,
        "game_dvr_bg_recording": false, "game_mode_enabled": true, "hags_enabled": true,
    });
    wish["preferences"] = json!({
        "width": 1280, "height": 720, "canvas_width": 1280, "canvas_height": 720,
        "framerate": { "numerator": 30, "denominator": 1 },
        "maximum_video_tracks": 3, "vod_track_audio": false, "composition_gpu_index": 0,
    });
    let answer = configure(&ingest, &wish).await;
    assert_eq!(answer.status, 200, "{:?}", ingest.inquiries());
    assert_eq!(answer.json()["meta"]["schema_version"], "2024-06-04");
    assert_eq!(granted(&answer.json()).len(), 3);
}

#[tokio::test]
async fn warnings_refusals_and_unheard_of_states_on_demand() {
    let (ingest, _) = start_with(with_policy(allow(ResolutionClass::FullHd))).await;
    let html = String::from("Your <b>driver</b> is old. <a href=\"https://example.com/d\">Update</a>.");
    ingest.set_configuration_faults(scripted(ScriptedAnswer::Warning { html: html.clone() }));
    let json = configure(&ingest, &request()).await.json();
    assert_eq!(json["status"], json!({ "result": "warning", "html_en_us": html }));
    assert!(!granted(&json).is_empty());
    ingest.set_configuration_faults(scripted(ScriptedAnswer::Error { html: html.clone() }));
    assert_eq!(refusal(&configure(&ingest, &request()).await), html);
    let result = String::from("maintenance");
    ingest.set_configuration_faults(scripted(ScriptedAnswer::UnknownStatus { result }));
    let json = configure(&ingest, &request()).await.json();
    assert_eq!(json["status"]["result"], "maintenance");
    assert!(!granted(&json).is_empty());
}

#[tokio::test]
async fn a_key_that_is_expired_when_it_arrives() {
    let (ingest, _) = start_with(with_policy(allow(ResolutionClass::FullHd))).await;
    ingest.set_configuration_faults(ConfigurationFaults {
        requests: Some(1),
        key_validity: Some(Span::ZERO),
        ..ConfigurationFaults::default()
    });
    for is_valid in [false, true] {
        let answer = configure(&ingest, &request()).await;
        let name = stream_name(&ClientConfiguration::parse(&answer.body).unwrap());
        let mut publisher = Publisher::dial(&ingest, &ingest.addresses().rtmp, &name).await;
        if is_valid {
            publisher.expect_published().await;
        } else {
            let (_, said) = publisher.expect_refusal().await;
            assert!(said.starts_with("[InvalidGetClientConfigurationStreamKey]"), "{said}");
        }
    }
}
