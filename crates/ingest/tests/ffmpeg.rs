//! A publisher that others wrote: ffmpeg streams to the rehearsal ingest, and what the ingest kept is what ffmpeg
//! sent, packet for packet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{Ending, IngestConfig, SessionReport, StreamKey, start};
use ivs::ChannelType;
use units::{Clock, MediaTime, Secret};

/// How often a clip is played again after the first time. One that is played for ever ends only when it is made to.
const ONCE: &str = "0";
const FOR_EVER: &str = "-1";

const KEY: &str = "sk_us-west-2_FfmpegsOwn7890abcd";

struct WallClock(Instant);

impl Clock for WallClock {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap())
    }
}

/// Runs ffmpeg to its end; its output, should it fail.
fn ffmpeg(arguments: &[&str]) -> Result<String, String> {
    let run = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "error"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect(
            "this test needs ffmpeg on the PATH; `./x test` installs it (Debian: apt-get install ffmpeg)",
        );
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    if run.status.success() { Ok(String::from_utf8_lossy(&run.stdout).into_owned()) } else { Err(said) }
}

/// Makes a clip as the guide's example command does, with colours signalled.
fn make_clip(path: &Path, size: &str, seconds: &str) {
    let picture = format!("testsrc2=size={size}:rate=30");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
        "-t",
        seconds,
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-profile:v",
        "main",
        "-preset",
        "veryfast",
        "-b:v",
        "1000k",
        "-minrate",
        "1000k",
        "-maxrate",
        "1000k",
        "-bufsize",
        "1000k",
        "-x264opts",
        "nal-hrd=cbr:no-scenecut",
        "-g",
        "60",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-colorspace",
        "bt709",
        "-color_range",
        "tv",
        "-c:a",
        "aac",
        "-b:a",
        "160k",
        "-ac",
        "2",
        path.to_str().unwrap(),
    ])
    .unwrap();
}

/// Per-track hashes of all packets.
fn packet_hashes(path: &Path) -> String {
    ffmpeg(&[
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "streamhash",
        "-hash",
        "md5",
        "-",
    ])
    .unwrap()
}

async fn publish(
    config: IngestConfig,
    clip: &Path,
    loops: &'static str,
    secure: bool,
) -> (SessionReport, Result<String, String>) {
    let ingest = start(config, Arc::new(WallClock(Instant::now()))).await.unwrap();
    let base = if secure { &ingest.addresses().rtmps } else { &ingest.addresses().rtmp };
    let url = format!("{base}/{KEY}");
    let clip = clip.to_str().unwrap().to_owned();
    let publishing = tokio::task::spawn_blocking(move || {
        ffmpeg(&["-stream_loop", loops, "-i", &clip, "-c", "copy", "-f", "flv", &url])
    });
    let waiting = tokio::time::timeout(Duration::from_secs(120), ingest.wait_for_reports(1)).await;
    let report = waiting.expect("ffmpeg's stream did not end").remove(0);
    (report, publishing.await.unwrap())
}

fn config(out: &Path) -> IngestConfig {
    IngestConfig {
        keys: vec![StreamKey::lasting(Secret::new(KEY))],
        out_dir: Some(out.to_owned()),
        ..IngestConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_is_taken_and_every_packet_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.flv");
    make_clip(&clip, "640x360", "7");
    for secure in [false, true] {
        let out = folder.path().join(if secure { "rtmps" } else { "rtmp" });
        let (report, said) = publish(config(&out), &clip, ONCE, secure).await;
        said.unwrap();
        assert!(report.verdict.accepted, "{:?}", report.verdict);
        assert_eq!((report.ending, report.said_goodbye), (Ending::Publisher, true));
        let figures = &report.verdict.figures;
        assert_eq!((figures.video_frames, figures.keyframes.count), (210, 4));
        assert_eq!(figures.video_size_px, Some([640, 360]));
        assert_eq!((figures.keyframes.shortest_ms, figures.keyframes.longest_ms), (Some(2000), Some(2000)));
        assert_eq!((figures.audio_sample_rate_hz, figures.audio_channels), (Some(48_000), Some(2)));
        let codes: Vec<_> = report.verdict.findings.iter().map(|counted| counted.finding.code.name).collect();
        assert!(codes.iter().all(|code| ["audio-bitrate"].contains(code)), "{:?}", report.verdict.findings);
        let kept = out.join(report.file.unwrap());
        assert_eq!(packet_hashes(&kept), packet_hashes(&clip));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_is_sent_away_when_it_breaks_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.flv");
    make_clip(&clip, "2560x1440", "1");
    let (report, said) = publish(config(&folder.path().join("large")), &clip, FOR_EVER, false).await;
    assert!(said.is_err(), "ffmpeg noticed nothing");
    assert_eq!(report.verdict.findings[0].finding.code, ivs::code::INGEST_RESOLUTION);
    assert_eq!(report.ending, Ending::Service);

    let mut basic = config(&folder.path().join("key"));
    basic.rules.channel_type = ChannelType::Basic;
    basic.keys = vec![StreamKey::lasting(Secret::new("another"))];
    let (report, said) = publish(basic, &clip, FOR_EVER, true).await;
    assert!(said.is_err(), "ffmpeg noticed nothing");
    assert_eq!(report.verdict.findings[0].finding.code, ivs::code::KEY_UNKNOWN);
}
