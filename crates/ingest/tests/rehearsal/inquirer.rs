//! Asks over HTTPS, byte by byte as it was written here, so that nothing of ours repairs a mistake of ours.

use ingest::Ingest;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::publisher::*;

pub const CONFIGURATION: &str = "/api/v3/GetClientConfiguration";
pub const FIND_INGEST: &str = "/api/v2/FindIngest";

/// What came back.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.head))
    }

    /// `Content-Length`, if it says one.
    pub fn promised_bytes(&self) -> Option<usize> {
        let line = self.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        });
        line.map(|value| value.trim().parse().unwrap())
    }
}

pub async fn connect(ingest: &Ingest) -> TlsStream<TcpStream> {
    let url = &ingest.addresses().configuration_url;
    let host = url.strip_prefix("https://").unwrap().split('/').next().unwrap();
    let tcp = TcpStream::connect(host).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    connector(ingest.ca_pem()).connect(name, tcp).await.unwrap()
}

pub async fn send(socket: &mut TlsStream<TcpStream>, bytes: &[u8]) {
    // A server that has seen enough may close before it has seen all.
    let _ = socket.write_all(bytes).await;
    let _ = socket.flush().await;
}

/// Reads to the end, however it comes. `None` when nothing was said.
pub async fn receive(socket: &mut TlsStream<TcpStream>) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let reading = async {
        while let Ok(count @ 1..) = socket.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(STUCK, reading).await.expect("no end of the answer");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, head, body: bytes[end + 4..].to_vec() })
}

pub fn head(method: &str, path: &str, body_bytes: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body_bytes}\r\n\r\n"
    )
}

pub async fn ask(ingest: &Ingest, method: &str, path: &str, body: &[u8]) -> Answer {
    let mut socket = connect(ingest).await;
    let mut request = head(method, path, body.len()).into_bytes();
    request.extend_from_slice(body);
    send(&mut socket, &request).await;
    receive(&mut socket).await.expect("no answer")
}

/// Asks for a configuration with `request` as the body.
pub async fn configure(ingest: &Ingest, request: &Value) -> Answer {
    ask(ingest, "POST", CONFIGURATION, request.to_string().as_bytes()).await
}

/// A request with everything in it, as OBS Studio 32 would write it on a machine without a graphics card that encodes
/// (obs-multitrack.md 1.3 and 1.4), for a canvas of 1280x720 at 30 frames per second.
pub fn request() -> Value {
    json!({
        "service": "IVS",
        "schema_version": "2025-01-25",
        "authentication": KEY,
        "client": { "name": "test", "version": "1.0", "supported_codecs": ["h264", "h265"] },
        "capabilities": {
            "cpu": { "physical_cores": 2, "logical_cores": 4, "speed": 2400, "name": "A processor" },
            "memory": { "total": 8_589_934_592u64, "free": 4_294_967_296u64 },
            "gaming_features": null,
            "system": {
                "version": "6.8", "name": "Debian", "build": 0, "release": "13", "revision": "", "bits": 64,
                "arm": false, "armEmulation": false,
            },
            "gpu": [{
                "model": "A display adapter", "vendor_id": 6880, "device_id": 1, "dedicated_video_memory": 1,
                "shared_system_memory": 1, "driver_version": "1.0",
            }],
        },
        "preferences": {
            "maximum_aggregate_bitrate": null,
            "maximum_video_tracks": null,
            "vod_track_audio": false,
            "composition_gpu_index": 0,
            "audio_samples_per_sec": 48_000,
            "audio_channels": 2,
            "audio_max_buffering_ms": 960,
            "audio_fixed_buffering": false,
            "canvases": [{
                "width": 1280, "height": 720, "canvas_width": 1280, "canvas_height": 720,
                "framerate": { "numerator": 30, "denominator": 1 },
            }],
        },
    })
}
