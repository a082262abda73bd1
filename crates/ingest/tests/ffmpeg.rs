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

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
        // Newer versions take the colours from the pictures, older ones from the options below.
        "-vf",
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
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

/// An ffmpeg that publishes a clip for ever, as fast as it is played.
struct Live(Child);

impl Live {
    fn publish(program: &Path, clip: &Path, url: &str) -> Self {
        let child = Command::new(program)
            .args(["-hide_banner", "-nostdin", "-v", "error", "-re", "-stream_loop", FOR_EVER, "-i"])
            .arg(clip)
            .args(["-c", "copy", "-f", "flv", url])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs ffmpeg, and ffmpeg 9 at GENLOCK_FFMPEG or where `./x tools` puts it");
        Self(child)
    }

    /// Waits until it ends by itself; what it said.
    async fn ends(mut self) -> String {
        let ended = tokio::time::timeout(Duration::from_secs(60), async {
            while self.0.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        ended.await.expect("ffmpeg noticed nothing");
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!self.0.wait().unwrap().success(), "ffmpeg thinks that all was well: {said}");
        said
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn event(events: &mut tokio::sync::broadcast::Receiver<ivs::event::Event>) -> ivs::event::Event {
    tokio::time::timeout(Duration::from_secs(60), events.recv()).await.expect("no event").unwrap()
}

/// ffmpeg 9: `GENLOCK_FFMPEG`, or where `./x tools` puts it.
fn ffmpeg_9() -> PathBuf {
    if let Some(path) = std::env::var_os("GENLOCK_FFMPEG") {
        return PathBuf::from(path);
    }
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/lib");
    let found = std::fs::read_dir(&packages).into_iter().flatten().flatten().find_map(|python| {
        let binaries = python.path().join("site-packages/imageio_ffmpeg/binaries");
        let is_ffmpeg = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ffmpeg-"))
        };
        std::fs::read_dir(binaries).ok()?.flatten().map(|entry| entry.path()).find(is_ffmpeg)
    });
    found.expect("ffmpeg 9 is not installed: run `./x tools`, or set GENLOCK_FFMPEG to its path")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_takes_over_is_taken_over_and_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, other) = (folder.path().join("clip.flv"), folder.path().join("other.flv"));
    make_clip(&clip, "640x360", "4");
    make_clip(&other, "320x180", "4");
    for (number, program) in [PathBuf::from("ffmpeg"), ffmpeg_9()].iter().enumerate() {
        let out = folder.path().join(number.to_string());
        take_over(program, [&clip, &other], &out).await;
    }
}

async fn take_over(program: &Path, [clip, other]: [&Path; 2], out: &Path) {
    let ingest = start(config(out), Arc::new(WallClock(Instant::now()))).await.unwrap();
    let mut events = ingest.subscribe();
    let url = |arguments: &str| format!("{}/{KEY}{arguments}", ingest.addresses().rtmp);

    let first = Live::publish(program, clip, &url(""));
    let created = event(&mut events).await;
    assert_eq!(created.name(), "Session Created");
    // Without a priority, and with other media: refused, and the first goes on.
    assert!(!Live::publish(program, clip, &url("")).ends().await.is_empty());
    assert!(!Live::publish(program, other, &url("?priority=1")).ends().await.is_empty());
    let failed = event(&mut events).await;
    assert_eq!(failed.code(), Some("StreamTakeoverMediaMismatch"));
    assert_eq!(ingest.on_air()[0].session, Some(1));

    let second = Live::publish(program, clip, &url("?priority=1"));
    let taken = event(&mut events).await;
    assert_eq!((taken.name(), taken.stream_id()), ("Stream Takeover", created.stream_id()));
    assert!(!first.ends().await.is_empty());
    // The same priority again is none that is greater.
    assert!(!Live::publish(program, clip, &url("?priority=1")).ends().await.is_empty());
    assert_eq!(event(&mut events).await.code(), Some("StreamTakeoverInvalidPriority"));
    let on_air = ingest.on_air().remove(0);
    assert_eq!((on_air.priority, on_air.takeovers), (Some(1), 1));

    // Killed, it says nothing: the place is held, and a takeover gets it.
    drop(second);
    while ingest.on_air()[0].session.is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!Live::publish(program, clip, &url("")).ends().await.is_empty());
    let _third = Live::publish(program, clip, &url("?priority=2"));
    while event(&mut events).await.name() != "Stream Takeover" {}
    assert_eq!(ingest.on_air()[0].takeovers, 2);
    for report in ingest.stop().await.iter().filter(|report| report.took_over) {
        let kept = out.join(report.file.as_ref().unwrap());
        let frames = ffmpeg(&["-i", kept.to_str().unwrap(), "-map", "0:v", "-c", "copy", "-f", "null", "-"]);
        frames.expect("what a takeover left must be readable by itself");
    }
}

/// Per-track hashes of all packets of what viewers get.
fn played_hashes(url: &str) -> String {
    ffmpeg(&[
        "-i",
        url,
        "-map",
        "0:v:0",
        "-map",
        "0:a:0",
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_plays_every_packet_that_was_published() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.flv");
    make_clip(&clip, "640x360", "7");
    let ingest = start(config(folder.path()), Arc::new(WallClock(Instant::now()))).await.unwrap();
    let url = format!("{}/{KEY}", ingest.addresses().rtmps);
    let path = clip.to_str().unwrap().to_owned();
    let publishing =
        tokio::task::spawn_blocking(move || ffmpeg(&["-i", &path, "-c", "copy", "-f", "flv", &url]));
    let waiting = tokio::time::timeout(Duration::from_secs(120), ingest.wait_for_reports(1)).await;
    waiting.expect("ffmpeg's stream did not end");
    publishing.await.unwrap().unwrap();
    // The stream is over, so everything is listed and the player comes to an end.
    let playlist = ingest.addresses().playback_url.clone();
    let played = tokio::task::spawn_blocking(move || played_hashes(&playlist)).await.unwrap();
    assert_eq!(played, packet_hashes(&clip));
}
