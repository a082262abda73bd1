//! The question for a stream configuration as another web server receives it: nginx, with TLS of OpenSSL, keeps the
//! body as it came, and a JSON Schema written from the service's documents judges it.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ivs::client_configuration::{
    Capabilities, Client, Cpu, GamingFeatures, Gpu, Memory, Preferences, Request, SchemaVersion, System,
};
use net::{Ask, InquiryCause, ask_configuration};
use tempfile::TempDir;
use tokio::runtime::Handle;
use units::{FrameRate, Kbps, Secret, Size, Span, VideoCodec};

use crate::authority::Authority;
use crate::nginx::{Nginx, PATIENCE};
use crate::show::{KEY, WallClock};
use crate::tools::{Program, python};

/// Two renditions, in the shape that the service answers with.
const ANSWER: &str = r#"{"meta":{"service":"IVS","schema_version":"2025-01-25",
    "config_id":"d34c2f7e-ce3a-4be4-a6a0-f51960abbc4f","required_encode_resource_estimate_percent":12},
    "ingest_endpoints":[{"protocol":"RTMPS","url_template":"rtmps://ingest.example/app/{stream_key}",
        "authentication":"v1_0123_4567_89ab"}],
    "encoder_configurations":[
        {"type":"obs_nvenc_h264_tex","width":1280,"height":720,"framerate":{"numerator":30,"denominator":1},
         "settings":{"rate_control":"CBR","bitrate":2500,"keyint_sec":2,"bf":0,"profile":"high"}},
        {"type":"obs_nvenc_h264_tex","width":640,"height":360,"framerate":{"numerator":30,"denominator":1},
         "settings":{"rate_control":"CBR","bitrate":500,"keyint_sec":2,"bf":0,"profile":"main"}}],
    "audio_configurations":{"live":[{"codec":"aac","track_id":0,"channels":2,"settings":{"bitrate":160}}]}}"#;

/// Keeps the bodies it is sent, and writes a line for each request: method, path, media type, whether the program
/// named itself, protocol, and where the body is.
fn web_server(dir: TempDir) -> Nginx {
    std::fs::write(dir.path().join("answer.json"), ANSWER).unwrap();
    Nginx::start(dir, |port, folder| {
        format!(
            "http {{
                 client_body_temp_path {folder}/bodies;
                 proxy_temp_path {folder}/proxy;
                 fastcgi_temp_path {folder}/fastcgi;
                 uwsgi_temp_path {folder}/uwsgi;
                 scgi_temp_path {folder}/scgi;
                 log_format asked '$request_method $uri $http_content_type $http_user_agent $ssl_protocol $request_body_file';
                 access_log off;
                 server {{
                     listen 127.0.0.1:{port} ssl;
                     ssl_certificate {folder}/cert.pem;
                     ssl_certificate_key {folder}/key.pem;
                     ssl_protocols TLSv1.2 TLSv1.3;
                     client_body_in_file_only on;
                     location /api/v3/GetClientConfiguration {{
                         access_log {folder}/asked asked;
                         proxy_method GET;
                         proxy_pass http://unix:{folder}/answer.sock:/answer.json;
                     }}
                     location /refused {{ return 403; }}
                 }}
                 server {{
                     listen unix:{folder}/answer.sock;
                     default_type application/json;
                     root {folder};
                 }}
             }}"
        )
    })
}

fn request() -> Request {
    Request {
        authentication: Secret::new(KEY),
        client: Client {
            name: "genlock".into(),
            version: "0.1.0".into(),
            supported_codecs: vec![VideoCodec::Avc],
        },
        capabilities: Capabilities {
            cpu: Cpu {
                physical_cores: 8,
                logical_cores: 16,
                speed_mhz: Some(4_200),
                name: Some("AMD Ryzen 7 7800X3D 8-Core Processor".into()),
            },
            memory: Memory { total_bytes: 34_359_738_368, free_bytes: 21_474_836_480 },
            gaming_features: Some(GamingFeatures::default()),
            system: System {
                version: "10.0".into(),
                name: "Windows".into(),
                build: 22_631,
                release: "23H2".into(),
                revision: "4317".into(),
                bits: 64,
                arm: false,
                arm_emulation: false,
            },
            gpus: vec![Gpu {
                model: "NVIDIA GeForce RTX 4070".into(),
                vendor_id: 4_318,
                device_id: 10_118,
                dedicated_video_memory: Some(12_878_610_432),
                shared_system_memory: Some(17_179_869_184),
                driver_version: Some("32.0.15.6603".into()),
                luid: None,
            }],
        },
        preferences: Preferences {
            canvas: Size::new(1_920, 1_080).unwrap(),
            output: Size::new(1_280, 720).unwrap(),
            rate: FrameRate::FPS_30,
            maximum_video_tracks: Some(2),
            maximum_aggregate_bitrate: Some(Kbps(6_000)),
            maximum_resolution: None,
            vod_track_audio: false,
            composition_gpu_index: Some(0),
            audio_samples_per_sec: 48_000,
            audio_channels: 2,
            audio_max_buffering_ms: 960,
            audio_fixed_buffering: false,
        },
        stream_attempt_start_time: "2026-11-21T10:57:50.123Z".into(),
    }
}

/// What the schema of `version` has to say of the file `body`: a JSON list of complaints.
fn verdict(version: SchemaVersion, body: &[u8]) -> String {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ivs/tests/request");
    let mut command = Command::new(python());
    command.arg(schemas.join("judge.py")).arg(schemas.join(format!("{}.schema.json", version.name())));
    let mut program = Program::start(&mut command);
    // One body is one line there; a body has no line breaks of its own.
    let mut stdin = program.stdin();
    stdin.write_all(body).unwrap();
    stdin.write_all(b"\n").unwrap();
    drop(stdin);
    program.output().trim().to_owned()
}

/// The line behind `before` others; nginx writes it a moment after it has answered.
async fn asked(server: &Nginx, before: usize) -> String {
    let started = Instant::now();
    loop {
        let log = std::fs::read_to_string(server.dir.path().join("asked")).unwrap_or_default();
        if let (Some(line), true) = (log.lines().nth(before), log.ends_with('\n')) {
            return line.to_owned();
        }
        assert!(started.elapsed() < PATIENCE, "nginx logs no request");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_arrives_as_the_documents_have_it() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    authority.issue(&["localhost"]).write_to(dir.path());
    let server = web_server(dir);
    for (before, version) in SchemaVersion::ALL.into_iter().enumerate() {
        let ask = Ask {
            url: format!("https://localhost:{}/api/v3/GetClientConfiguration", server.port),
            body: request().to_json(version),
            ca: Some(authority.file()),
            // It asks again until nginx listens.
            deadline: Span::from_secs(60),
        };
        let inquiry = ask_configuration(&Handle::current(), ask, WallClock::start());
        let answer = inquiry.wait().await.unwrap().unwrap();
        assert_eq!(answer.config_id, "d34c2f7e-ce3a-4be4-a6a0-f51960abbc4f");
        assert_eq!(answer.encoder_configurations.len(), 2);

        let asked = asked(&server, before).await;
        let fields: Vec<&str> = asked.split(' ').collect();
        let [method, path, media_type, agent, tls, body] = fields[..] else { panic!("{asked}") };
        let expected = ["POST", "/api/v3/GetClientConfiguration", "application/json"];
        assert_eq!([method, path, media_type], expected);
        assert_eq!(agent, concat!("genlock/", env!("CARGO_PKG_VERSION")));
        assert_eq!(tls, "TLSv1.3");
        let body = std::fs::read(body).unwrap();
        assert_eq!(verdict(version, &body), "[]");
        let other = SchemaVersion::ALL.into_iter().find(|other| *other != version).unwrap();
        assert_ne!(verdict(other, &body), "[]", "the judge tells the versions apart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_another_server_is_told_as_one() {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    authority.issue(&["localhost"]).write_to(dir.path());
    let server = web_server(dir);
    let ask = Ask {
        url: format!("https://localhost:{}/refused", server.port),
        body: request().to_json(SchemaVersion::V2025_01_25),
        ca: Some(authority.file()),
        deadline: Span::from_secs(60),
    };
    let inquiry = ask_configuration(&Handle::current(), ask, WallClock::start());
    let failure = inquiry.wait().await.unwrap().unwrap_err();
    assert_eq!(failure.cause, InquiryCause::Refused { status: 403 });
}
