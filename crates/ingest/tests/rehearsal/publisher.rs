//! A publisher over a real socket, and a stream made of nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ertmp::amf0::{self, Value};
use ertmp::{ClientConfig, ClientEvent, ClientSession, MediaKind, RANDOM_BYTES};
use ingest::{Ingest, IngestConfig, SessionReport, StreamKey, start};
use ivs::IngestAddress;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use testkit::VirtualClock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use units::Secret;

/// The key of every test. No test may find it in anything that was written.
pub const KEY: &str = "sk_us-west-2_N0tInAnyFile7890abcd";

/// 720p Main, as x264 wrote it.
pub const RECORD_720P: &[u8] = &[
    0x01, 0x4d, 0x40, 0x1f, 0xff, 0xe1, 0x00, 0x26, 0x67, 0x4d, 0x40, 0x1f, 0xec, 0xa0, 0x28, 0x02, 0xdd,
    0x80, 0xb5, 0x01, 0x01, 0x01, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x18, 0x10, 0x00,
    0x3d, 0x09, 0x00, 0x07, 0xa1, 0x39, 0x28, 0xc0, 0x1e, 0x30, 0x63, 0x2c, 0x01, 0x00, 0x04, 0x68, 0xef,
    0xbc, 0x80,
];
/// 2560x1440, as x264 wrote it.
pub const RECORD_1440P: &[u8] = &[
    0x01, 0x42, 0xc0, 0x32, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x42, 0xc0, 0x32, 0xda, 0x00, 0xa0, 0x02, 0xd6,
    0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xca, 0x80, 0x01,
    0x00, 0x04, 0x68, 0xce, 0x0f, 0xc8,
];

/// Nothing here takes this long; a test that does is stuck.
pub const STUCK: Duration = Duration::from_secs(60);

pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

pub struct Publisher {
    socket: Box<dyn Socket>,
    session: ClientSession,
    /// Everything the server said.
    pub events: Vec<ClientEvent>,
    /// Everything that was sent: kind, timestamp, body.
    pub sent: Vec<(MediaKind, u32, Vec<u8>)>,
}

pub fn config(out_dir: Option<&Path>) -> IngestConfig {
    IngestConfig {
        keys: vec![StreamKey::lasting(Secret::new(KEY))],
        out_dir: out_dir.map(Path::to_owned),
        ..IngestConfig::default()
    }
}

pub async fn start_with(config: IngestConfig) -> (Ingest, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::new());
    let ingest = start(config, clock.clone()).await.unwrap();
    (ingest, clock)
}

/// One report of a session that must have ended by itself.
pub async fn only_report(ingest: &Ingest) -> SessionReport {
    report_number(ingest, 1).await
}

pub async fn report_number(ingest: &Ingest, number: u64) -> SessionReport {
    let reports = tokio::time::timeout(STUCK, ingest.wait_for_reports(number)).await.expect("no report came");
    reports.into_iter().next_back().unwrap()
}

pub fn codes(report: &SessionReport) -> Vec<&'static str> {
    report.verdict.findings.iter().map(|counted| counted.finding.code.name).collect()
}

pub async fn connect_tcp(url: &str) -> TcpStream {
    let address: IngestAddress = url.parse().unwrap();
    let tcp = TcpStream::connect((address.host(), address.port())).await.unwrap();
    // As every publisher: what is small is not held back until what was before is confirmed.
    tcp.set_nodelay(true).unwrap();
    tcp
}

/// A TLS client that trusts `ca_pem` and nothing else.
pub fn connector(ca_pem: &str) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Publisher {
    /// Connects to `url`, over TLS for `rtmps`, and asks to publish as `stream_name`.
    pub async fn dial(ingest: &Ingest, url: &str, stream_name: &str) -> Self {
        let address: IngestAddress = url.parse().unwrap();
        let tcp = connect_tcp(url).await;
        let socket: Box<dyn Socket> = if address.protocol() == ivs::Protocol::Rtmps {
            let name = ServerName::try_from(String::from(address.host())).unwrap();
            Box::new(connector(ingest.ca_pem()).connect(name, tcp).await.unwrap())
        } else {
            Box::new(tcp)
        };
        let target = address.rtmp_target(&Secret::new(stream_name)).unwrap();
        let config = ClientConfig {
            app: target.app,
            tc_url: target.tc_url,
            stream_name: target.stream_name,
            flash_ver: String::from("FMLE/3.0 (compatible; test)"),
            enhanced: true,
        };
        let session = ClientSession::new(config, &[7; RANDOM_BYTES]);
        Self { socket, session, events: Vec::new(), sent: Vec::new() }
    }

    /// Dials over RTMP with the right key and waits to be let in.
    pub async fn live(ingest: &Ingest) -> Self {
        let mut publisher = Self::dial(ingest, &ingest.addresses().rtmp, KEY).await;
        publisher.expect_published().await;
        publisher
    }

    pub async fn expect_published(&mut self) {
        let answer = self.wait_for_verdict().await;
        assert!(matches!(answer, ClientEvent::Published { .. }), "{answer:?}");
    }

    /// Code and description of a refusal.
    pub async fn expect_refusal(&mut self) -> (String, String) {
        match self.wait_for_verdict().await {
            ClientEvent::Refused { code, description, .. } => (code, description),
            other => panic!("{other:?}"),
        }
    }

    async fn wait_for_verdict(&mut self) -> ClientEvent {
        self.wait_for(|event| matches!(event, ClientEvent::Published { .. } | ClientEvent::Refused { .. }))
            .await
    }

    /// Waits for the status that ends a stream on air.
    pub async fn expect_kick(&mut self) -> String {
        let kicked = |event: &ClientEvent| {
            matches!(
                event,
                ClientEvent::Status { level: ertmp::Level::Error, .. } | ClientEvent::Refused { .. }
            )
        };
        match self.wait_for(kicked).await {
            ClientEvent::Status { description, .. } | ClientEvent::Refused { description, .. } => description,
            other => panic!("{other:?}"),
        }
    }

    /// Waits to be asked to move; where to.
    pub async fn expect_reconnect_request(&mut self) -> Option<String> {
        match self.wait_for(|event| matches!(event, ClientEvent::ReconnectRequest { .. })).await {
            ClientEvent::ReconnectRequest { tc_url, .. } => tc_url,
            other => panic!("{other:?}"),
        }
    }

    async fn wait_for(&mut self, wanted: impl Fn(&ClientEvent) -> bool) -> ClientEvent {
        loop {
            self.flush().await;
            while let Some(event) = self.session.poll_event() {
                self.events.push(event.clone());
                if wanted(&event) {
                    return event;
                }
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(STUCK, self.socket.read(&mut buffer)).await.expect("no answer");
            let count = read.expect("the connection broke before the answer");
            assert_ne!(count, 0, "closed before the answer: {:?}", self.events);
            self.session.handle_input(&buffer[..count]).unwrap();
        }
    }

    /// Writes what is due. A server that has thrown us out may not take it.
    async fn flush(&mut self) {
        while let Some(bytes) = self.session.poll_output() {
            if self.socket.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = self.socket.flush().await;
    }

    pub async fn send(&mut self, kind: MediaKind, timestamp_ms: u32, body: Vec<u8>) {
        self.session.send_media(kind, timestamp_ms, &body).unwrap();
        self.sent.push((kind, timestamp_ms, body));
        self.flush().await;
    }

    /// Decoder configurations of a 720p stream with sound.
    pub async fn send_configs(&mut self) {
        self.send(MediaKind::Video, 0, video(true, 0, RECORD_720P)).await;
        self.send(MediaKind::Audio, 0, vec![0xaf, 0, 0x11, 0x90]).await;
    }

    /// Picture and sound of the frames `from..to` at 30 fps with an IDR every 2 seconds, `bytes` per picture.
    pub async fn send_frames(&mut self, from: u32, to: u32, bytes: usize) {
        for frame in from..to {
            let at = frame * 1000 / 30;
            let idr = frame % 60 == 0;
            self.send(MediaKind::Video, at, video(idr, 1, &nal_unit(idr, bytes))).await;
            let mut sound = vec![0xaf, 1];
            sound.resize(500, u8::try_from(frame % 251).unwrap());
            self.send(MediaKind::Audio, at, sound).await;
        }
    }

    pub async fn say_goodbye(&mut self) {
        self.session.finish().unwrap();
        self.flush().await;
        let _ = self.socket.shutdown().await;
    }

    /// Says all it has to say and hears what there is, until the server breaks the connection.
    pub async fn expect_break(&mut self) {
        assert!(!self.talk(STUCK).await, "the server did not close");
    }

    /// The same, until the server says nothing for a moment.
    pub async fn write_until_silent(&mut self) {
        assert!(self.talk(Duration::from_millis(200)).await, "the server closed");
    }

    /// Talks until nothing comes for so long (`true`), or the connection is closed.
    async fn talk(&mut self, patience: Duration) -> bool {
        loop {
            self.flush().await;
            while let Some(event) = self.session.poll_event() {
                self.events.push(event);
            }
            let mut buffer = [0; 4096];
            match tokio::time::timeout(patience, self.socket.read(&mut buffer)).await {
                Err(_) => return true,
                Ok(Ok(0) | Err(_)) => return false,
                Ok(Ok(count)) => self.session.handle_input(&buffer[..count]).unwrap(),
            }
        }
    }

    /// Says that the stream ends and stays connected.
    pub async fn unpublish_only(&mut self) {
        let mut body = Vec::new();
        for value in [Value::from("FCUnpublish"), Value::from(6.0), Value::Null, Value::from(KEY)] {
            amf0::encode(&value, &mut body).unwrap();
        }
        assert!(body.len() < 128, "one chunk");
        // Chunk stream 3 with a full header: no time, length, a command in AMF 0, message stream 0 (RTMP 1.0, 5.3.1).
        let length = u8::try_from(body.len()).unwrap();
        let mut chunk = vec![3, 0, 0, 0, 0, 0, length, 20, 0, 0, 0, 0];
        chunk.extend_from_slice(&body);
        self.write_raw(&chunk).await.unwrap();
        self.socket.flush().await.unwrap();
    }

    /// Whether the server neither writes nor closes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        let mut buffer = [0; 16];
        tokio::time::timeout(Duration::from_millis(100), self.socket.read(&mut buffer)).await.is_err()
    }

    pub async fn write_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.socket.write_all(bytes).await
    }

    /// Reads until the server closes.
    pub async fn expect_close(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(STUCK, self.socket.read_to_end(&mut rest)).await;
        let _ = read.expect("the server did not close");
    }
}

/// A legacy video tag body; `packet` 0 is a decoder configuration, 1 a picture.
pub fn video(key: bool, packet: u8, data: &[u8]) -> Vec<u8> {
    let mut body = vec![if key { 0x17 } else { 0x27 }, packet, 0, 0, 0];
    body.extend_from_slice(data);
    body
}

/// One NAL unit behind its length, `bytes` in all.
pub fn nal_unit(idr: bool, bytes: usize) -> Vec<u8> {
    let length = bytes - 4;
    let mut unit = u32::try_from(length).unwrap().to_be_bytes().to_vec();
    unit.push(if idr { 0x65 } else { 0x41 });
    unit.resize(bytes, 0x80);
    unit
}
