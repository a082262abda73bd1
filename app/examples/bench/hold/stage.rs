//! The rehearsal ingest at the far end of the emulated link, and who watches what it receives.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use ingest::{Ingest, IngestConfig, SrtDoor, StreamKey};
use testkit::{LinkConfig, LinkFigures};
use tokio::runtime::Runtime;
use units::{Clock, MediaTime, Secret, Span};

use crate::hold::network::{self, FAR, NEAR, Network};
use crate::hold::relay::Relays;
use crate::hold::sender::SRT_LATENCY_MS;
use crate::hold::viewer::Viewer;

/// Both are made for this bench and open nothing.
pub(crate) const KEY: &str = "sk_us-west-2_benchbenchbench";
pub(crate) const PASSPHRASE: &str = "bench-passphrase";

/// Loss and jitter of every run are the same.
const SEED: u64 = 4;

/// How a stream is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Rtmps,
    Srt,
}

impl Protocol {
    pub(crate) const BOTH: [Self; 2] = [Self::Rtmps, Self::Srt];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rtmps => "rtmps",
            Self::Srt => "srt",
        }
    }
}

struct WallClock(Instant);

impl Clock for WallClock {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO + Span::from_duration(self.0.elapsed())
    }
}

/// What carries the packets.
enum Way {
    Network(Network),
    Relays(Relays),
}

/// Everything but the sender.
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    pub(crate) viewer: Viewer,
    way: Way,
    ingest: Option<Ingest>,
    runtime: Runtime,
    /// Where senders send to: RTMPS, and SRT.
    rtmps: String,
    srt: String,
}

impl Stage {
    /// A link in front of a fresh ingest. `folder` is made.
    pub(crate) fn set(folder: &Path, link: LinkConfig) -> Result<Self> {
        let out = folder.join("received");
        std::fs::create_dir_all(&out)?;
        let (mut way, near) = if network::is_inside() {
            (Way::Network(Network::open(link, link, SEED)?), NEAR.parse::<IpAddr>()?)
        } else {
            (Way::Relays(Relays::open(link, SEED)), IpAddr::V4(Ipv4Addr::LOCALHOST))
        };
        let config = IngestConfig {
            bind_ip: near,
            certificate_names: vec![String::from(FAR)],
            keys: vec![StreamKey::lasting(Secret::new(KEY))],
            // Rates that a bad link makes uneven are judged in the report, and end nothing.
            enforce: false,
            out_dir: Some(out.clone()),
            srt: Some(SrtDoor {
                port: 0,
                passphrase: Some(Secret::new(PASSPHRASE)),
                latency: Span::from_millis(i64::from(SRT_LATENCY_MS)),
            }),
            ..IngestConfig::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ingest = runtime.block_on(ingest::start(config, Arc::new(WallClock(Instant::now()))))?;
        let viewer = Viewer::start(&out)?;
        let rtmps = origin(&ingest.addresses().rtmps)?;
        let srt = origin(ingest.addresses().srt.as_deref().unwrap_or("srt://127.0.0.1:1"))?;
        let (rtmps, srt) = match &mut way {
            Way::Network(_) => (format!("{FAR}:{}", rtmps.port()), format!("{FAR}:{}", srt.port())),
            Way::Relays(relays) => {
                (format!("127.0.0.1:{}", relays.tcp(rtmps)?), format!("127.0.0.1:{}", relays.udp(srt)?))
            }
        };
        Ok(Self { folder: folder.to_owned(), viewer, way, ingest: Some(ingest), runtime, rtmps, srt })
    }

    /// Pulls the cable.
    pub(crate) fn cut(&self) {
        match &self.way {
            Way::Network(network) => network.cut(),
            Way::Relays(relays) => relays.cut(),
        }
    }

    /// Puts it back.
    pub(crate) fn restore(&self) {
        match &self.way {
            Way::Network(network) => network.restore(),
            Way::Relays(relays) => relays.restore(),
        }
    }

    /// What the link did with what was sent.
    pub(crate) fn up(&self) -> LinkFigures {
        match &self.way {
            Way::Network(network) => network.up(),
            Way::Relays(relays) => relays.up(),
        }
    }

    /// Where a sender sends to, over the link. The key is left out with `None`; otherwise it is inside, with this
    /// priority.
    pub(crate) fn address(&self, protocol: Protocol, key: Option<Option<u32>>) -> String {
        match protocol {
            Protocol::Rtmps => {
                let base = format!("rtmps://{}/app", self.rtmps);
                match key {
                    None => base,
                    Some(None) => format!("{base}/{KEY}"),
                    Some(Some(priority)) => format!("{base}/{KEY}?priority={priority}"),
                }
            }
            Protocol::Srt => {
                let base = format!("srt://{}", self.srt);
                let options = format!("passphrase={PASSPHRASE}");
                let for_peer = format!("{options}&pbkeylen=32&latency={}", SRT_LATENCY_MS * 1_000);
                match key {
                    None => format!("{base}?{options}"),
                    Some(None) => format!("{base}?streamid={KEY}&{for_peer}"),
                    // `#!::u=KEY,priority=N` with the number sign escaped.
                    Some(Some(priority)) => {
                        format!("{base}?streamid=%23!::u={KEY},priority={priority}&{for_peer}")
                    }
                }
            }
        }
    }

    /// The certificate to trust.
    pub(crate) fn ca_file(&self) -> Result<PathBuf> {
        self.ingest.as_ref().and_then(|ingest| ingest.addresses().ca_file.clone()).context("a certificate")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(ingest) = self.ingest.take() {
            let _reports = self.runtime.block_on(ingest.stop());
        }
    }
}

/// The address and port in a URL.
fn origin(url: &str) -> Result<SocketAddr> {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    Ok(after.split(['/', '?']).next().unwrap_or_default().parse()?)
}
