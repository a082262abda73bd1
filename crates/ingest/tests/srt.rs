//! SRT callers that others wrote: ffmpeg and GStreamer stream to the rehearsal ingest, are let in or not, take each
//! other over, and what the ingest kept is what they sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{Ending, Faults, Ingest, IngestConfig, SessionReport, SrtDoor, StreamKey, start};
use ivs::{Protocol, Rules};
use units::{Clock, MediaTime, Secret, Span};

const KEY: &str = "sk_us-west-2_FfmpegsOwn7890abcd";
const PASSPHRASE: &str = "ZU5A3yrjGAKghUNDr0c5NXBhsPrj1mtcKMNB1uh7o";

struct WallClock(Instant);

impl Clock for WallClock {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap())
    }
}

/// A program that is ended with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().expect("`./x test` installs what the tests need"))
    }

    /// Waits for its end: whether it went well, and what it said.
    async fn end(self) -> (bool, String) {
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = self;
            let mut said = String::new();
            let mut stderr = child.0.stderr.take().unwrap();
            std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
            (child.0.wait().unwrap().success(), said)
        });
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it did not end").unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ffmpeg() -> Command {
    let path = std::env::var("GENLOCK_FFMPEG").expect("GENLOCK_FFMPEG names ffmpeg 9; `./x test` sets it");
    let mut command = Command::new(path);
    command.args(["-hide_banner", "-nostdin", "-v", "error"]);
    command
}

/// A clip as a transport stream.
fn make_clip(folder: &Path, name: &str, size: &str, seconds: &str, video: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let picture = format!("testsrc2=size={size}:rate=30");
    let made = ffmpeg()
        .args(["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", seconds])
        .args(video)
        .args(["-pix_fmt", "yuv420p", "-g", "30", "-bf", "2", "-b:v", "1000k"])
        .args([
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-colorspace",
            "bt709",
            "-color_range",
            "tv",
        ])
        .args(["-c:a", "aac", "-b:a", "160k", "-ac", "2", "-f", "mpegts"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

const H264: [&str; 6] = ["-c:v", "libx264", "-profile:v", "main", "-preset", "veryfast"];

/// Frames and their hashes after decoding, one line each.
fn decoded(path: &Path) -> Vec<String> {
    let run = ffmpeg().arg("-i").arg(path).args(["-map", "0:v", "-f", "framemd5", "-"]).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    // The hash is the last field; times differ by the container.
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| String::from(line.rsplit(',').next().unwrap().trim())).collect()
}

fn config(out: &Path) -> IngestConfig {
    IngestConfig {
        keys: vec![StreamKey::lasting(Secret::new(KEY))],
        out_dir: Some(out.to_owned()),
        rules: Rules { insecure_ingest: false, ..Rules::default() },
        srt: Some(SrtDoor { passphrase: Some(Secret::new(PASSPHRASE)), ..SrtDoor::default() }),
        ..IngestConfig::default()
    }
}

async fn open(config: IngestConfig) -> Ingest {
    start(config, Arc::new(WallClock(Instant::now()))).await.unwrap()
}

fn url(ingest: &Ingest, stream_id: &str, passphrase: &str) -> String {
    let base = ingest.addresses().srt.clone().unwrap();
    // ffmpeg unescapes the stream id.
    let stream_id = stream_id.replace('#', "%23");
    let mut url = format!("{base}?streamid={stream_id}&connect_timeout=5000");
    if !passphrase.is_empty() {
        url += &format!("&passphrase={passphrase}");
    }
    url
}

/// ffmpeg sends `clip` in its own time, so often.
fn send(clip: &Path, loops: &str, url: &str) -> Running {
    Running::start(
        ffmpeg()
            .args(["-re", "-stream_loop", loops, "-i"])
            .arg(clip)
            .args(["-c", "copy", "-f", "mpegts"])
            .arg(url),
    )
}

async fn reports(ingest: &Ingest, count: u64) -> Vec<SessionReport> {
    let waiting = tokio::time::timeout(Duration::from_secs(60), ingest.wait_for_reports(count)).await;
    waiting.unwrap_or_else(|_| panic!("{:?}", ingest.reports()))
}

/// Waits until `session` is on air.
async fn on_air(ingest: &Ingest, session: u64) {
    let waiting = async {
        while !ingest.on_air().iter().any(|stream| stream.session == Some(session)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("{:?} {:?}", ingest.on_air(), ingest.reports()));
}

fn codes(report: &SessionReport) -> Vec<&'static str> {
    report.verdict.findings.iter().map(|counted| counted.finding.code.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ffmpeg_sends_is_kept_byte_for_byte_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(folder.path(), "clip.ts", "640x360", "4", &H264);
    let out = folder.path().join("out");
    let ingest = open(config(&out)).await;
    // The same bytes into a file and over SRT, whose latency (here in microseconds) is long enough for a machine that
    // does something else for half a second: what comes later than that is left out, which is not what is looked at.
    let sent = folder.path().join("sent.ts");
    let over_srt = format!("{}&latency=800000", url(&ingest, KEY, PASSPHRASE));
    let tee = format!("[f=mpegts]{}|[f=mpegts]{over_srt}", sent.display());
    let sending = Running::start(
        ffmpeg().args(["-re", "-i"]).arg(&clip).args(["-map", "0", "-c", "copy", "-f", "tee", &tee]),
    );
    let report = reports(&ingest, 1).await.remove(0);
    let (went_well, said) = sending.end().await;
    assert!(went_well, "{said}");
    assert_eq!(
        (report.protocol, report.ending, report.said_goodbye),
        (Protocol::Srt, Ending::Publisher, true)
    );
    assert!(report.verdict.accepted, "{:?}", report.verdict);
    let kept = out.join(report.file.as_ref().unwrap());
    assert_eq!(kept.file_name().unwrap(), "received-1.ts");
    assert!(out.join("report-1.json").exists());
    let frames = decoded(&kept);
    let (kept, sent) = (std::fs::read(&kept).unwrap(), std::fs::read(&sent).unwrap());
    // ffmpeg closes at once, so what the transport still held back is lost.
    assert!(sent.starts_with(&kept) && kept.len() * 4 > sent.len() * 3, "{} of {}", kept.len(), sent.len());
    let figures = &report.verdict.figures;
    let counted = usize::try_from(figures.video_frames).unwrap();
    assert!(
        (90..=120).contains(&counted) && frames.len().abs_diff(counted) <= 1,
        "{counted} {}",
        frames.len()
    );
    assert_eq!(figures.keyframes.count, 4);
    assert_eq!((figures.keyframes.shortest_ms, figures.keyframes.longest_ms), (Some(1000), Some(1000)));
    assert_eq!(figures.video_size_px, Some([640, 360]));
    assert_eq!((figures.audio_sample_rate_hz, figures.audio_channels), (Some(48_000), Some(2)));
    assert!(!codes(&report).contains(&"malformed-media"), "{:?}", report.verdict.findings);
    let srt = report.srt.unwrap();
    assert!(srt.key_bits >= 128 && srt.latency_ms >= 120 && srt.packets > 0, "{srt:?}");
    assert_eq!((srt.dropped, srt.undecrypted), (0, 0));
    let text = std::fs::read_to_string(out.join("report-1.json")).unwrap();
    assert!(!text.contains(KEY) && !text.contains(PASSPHRASE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_key_or_no_passphrase_is_refused_in_the_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(folder.path(), "clip.ts", "320x180", "1", &H264);
    let ingest = open(config(&folder.path().join("out"))).await;
    let callers = [
        ("sk_us-west-2_unknown", PASSPHRASE, "stream-key-unknown"),
        ("", PASSPHRASE, "stream-key-unknown"),
        (KEY, "another passphrase", "srt-passphrase"),
        (KEY, "", "srt-passphrase"),
        (&format!("#!::u={KEY},priority=0"), PASSPHRASE, "InvalidPriority"),
    ];
    for (count, (stream_id, passphrase, code)) in (1u64..).zip(callers) {
        let (went_well, said) = send(&clip, "-1", &url(&ingest, stream_id, passphrase)).end().await;
        assert!(!went_well && said.contains("Error opening output"), "{stream_id:?}: {said}");
        let report = reports(&ingest, count).await.pop().unwrap();
        assert!(codes(&report).iter().any(|name| name.contains(code)), "{stream_id:?}: {:?}", codes(&report));
        assert_eq!((report.ending, report.received_bytes), (Ending::Service, 0));
        assert!(ingest.on_air().is_empty());
    }
    // And the right one still gets in.
    let sending = send(&clip, "0", &url(&ingest, KEY, PASSPHRASE));
    let report = reports(&ingest, callers.len() as u64 + 1).await.pop().unwrap();
    // It does not linger, so its last moments are lost.
    assert_eq!((report.ending, report.said_goodbye), (Ending::Publisher, true));
    assert!((15..=31).contains(&report.video_messages), "{report:?}");
    sending.end().await;
    // Where nothing is encrypted, who encrypts is refused.
    let mut open_door = config(&folder.path().join("plain"));
    open_door.rules.insecure_ingest = true;
    open_door.srt = Some(SrtDoor::default());
    let ingest = open(open_door).await;
    assert_eq!(ingest.srt_passphrase(), None);
    assert!(!send(&clip, "-1", &url(&ingest, KEY, PASSPHRASE)).end().await.0);
    assert!(codes(&reports(&ingest, 1).await[0]).contains(&"srt-passphrase"));
    let sending = send(&clip, "0", &url(&ingest, KEY, ""));
    let report = reports(&ingest, 2).await.pop().unwrap();
    assert_eq!((report.ending, report.srt.unwrap().key_bits), (Ending::Publisher, 0));
    sending.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_with_a_higher_priority_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(folder.path(), "clip.ts", "640x360", "4", &H264);
    let other = make_clip(folder.path(), "other.ts", "320x180", "4", &H264);
    let out = folder.path().join("out");
    let ingest = open(config(&out)).await;
    let by = |priority: u32| url(&ingest, &format!("#!::u={KEY},priority={priority}"), PASSPHRASE);
    let first = send(&clip, "-1", &url(&ingest, KEY, PASSPHRASE));
    on_air(&ingest, 1).await;
    let stream = ingest.on_air().remove(0).stream_id;
    let second = send(&clip, "-1", &by(2));
    on_air(&ingest, 2).await;
    let report = reports(&ingest, 1).await.remove(0);
    assert_eq!((report.session, report.ending), (1, Ending::TakenOver));
    assert!(!first.end().await.0, "the first did not notice");
    // Without a priority, with one that is not higher, and with other media: none of them gets the place.
    assert!(!send(&clip, "-1", &url(&ingest, KEY, PASSPHRASE)).end().await.0);
    assert!(!send(&clip, "-1", &by(2)).end().await.0);
    assert!(!send(&other, "-1", &by(9)).end().await.0);
    let ended = reports(&ingest, 4).await;
    let named = |at: usize, code: &str| codes(&ended[at]).iter().any(|name| name.contains(code));
    assert!(
        named(1, "stream-key-in-use") && named(2, "InvalidPriority") && named(3, "MediaMismatch"),
        "{ended:?}"
    );
    assert_eq!(ingest.on_air().len(), 1);
    let still = ingest.on_air().remove(0);
    assert_eq!(
        (still.stream_id, still.session, still.priority, still.takeovers),
        (stream, Some(2), Some(2), 1)
    );
    drop(second);
    let events = std::fs::read_to_string(out.join("events.jsonl")).unwrap();
    assert_eq!(events.matches("Stream Takeover Failure").count(), 2, "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_after_another_and_several_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(folder.path(), "clip.ts", "320x180", "2", &H264);
    let mut several = config(&folder.path().join("out"));
    let keys = ["sk_us-west-2_one", "sk_us-west-2_two", "sk_us-west-2_three"];
    several.keys = keys.iter().map(|key| StreamKey::lasting(Secret::new(*key))).collect();
    let ingest = open(several).await;
    for _ in 0..2 {
        let sending = send(&clip, "0", &url(&ingest, keys[0], PASSPHRASE));
        assert!(sending.end().await.0);
    }
    reports(&ingest, 2).await;
    let all: Vec<_> = keys.iter().map(|key| send(&clip, "-1", &url(&ingest, key, PASSPHRASE))).collect();
    for session in 3..=5 {
        on_air(&ingest, session).await;
    }
    assert_eq!(ingest.on_air().len(), 3);
    let stopping = Instant::now();
    let ended = ingest.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(2), "{:?}", stopping.elapsed());
    assert_eq!(ended.len(), 5);
    assert!(ended[..2].iter().all(|report| report.ending == Ending::Publisher), "{ended:?}");
    assert!(ended[2..].iter().all(|report| report.ending == Ending::Stopped), "{ended:?}");
    drop(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_place_of_a_caller_that_vanished_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let clip = make_clip(folder.path(), "clip.ts", "320x180", "2", &H264);
    let ingest = open(config(&folder.path().join("out"))).await;
    let first = send(&clip, "-1", &url(&ingest, KEY, PASSPHRASE));
    on_air(&ingest, 1).await;
    // Killed, so that it says nothing.
    drop(first);
    let report = reports(&ingest, 1).await.remove(0);
    assert_eq!((report.ending, report.said_goodbye), (Ending::PeerClosed, false));
    let held = ingest.on_air().remove(0);
    assert_eq!(held.session, None);
    assert!(!send(&clip, "-1", &url(&ingest, KEY, PASSPHRASE)).end().await.0);
    assert!(codes(&reports(&ingest, 2).await[1]).contains(&"stream-key-in-use"));
    let again = send(&clip, "-1", &url(&ingest, &format!("#!::u={KEY},priority=1"), PASSPHRASE));
    on_air(&ingest, 3).await;
    assert_eq!(ingest.on_air().remove(0).stream_id, held.stream_id);
    drop(again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_service_does_not_take_ends_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let mpeg2 = make_clip(folder.path(), "mpeg2.ts", "320x180", "2", &["-c:v", "mpeg2video"]);
    let clip = make_clip(folder.path(), "clip.ts", "320x180", "2", &H264);
    let two = folder.path().join("two.ts");
    let made = ffmpeg()
        .arg("-i")
        .arg(&clip)
        .args(["-map", "0:v", "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "mpegts"])
        .arg(&two)
        .status();
    assert!(made.unwrap().success());
    let ingest = open(config(&folder.path().join("out"))).await;
    // Without a map ffmpeg sends one picture only.
    let all = ["-map", "0", "-c", "copy", "-f", "mpegts"];
    for (count, (clip, code)) in (1u64..).zip([(&mpeg2, "video-codec"), (&two, "MultitrackInputNotAllowed")])
    {
        let mut command = ffmpeg();
        command
            .args(["-re", "-stream_loop", "-1", "-i"])
            .arg(clip)
            .args(all)
            .arg(url(&ingest, KEY, PASSPHRASE));
        let sending = Running::start(&mut command);
        let report = reports(&ingest, count).await.pop().unwrap();
        assert_eq!(report.ending, Ending::Service);
        assert_eq!(codes(&report)[0], code);
        assert!(!sending.end().await.0, "ffmpeg did not notice");
    }
    // And a fault on demand.
    ingest.set_faults(Faults { close_after: Some(Span::from_millis(500)), ..Faults::default() });
    let sending = send(&clip, "-1", &url(&ingest, KEY, PASSPHRASE));
    assert_eq!(reports(&ingest, 3).await[2].ending, Ending::Fault);
    assert!(!sending.end().await.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamers_stream_is_taken_and_can_be_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ingest = open(config(&out)).await;
    let port = ingest.addresses().srt.clone().unwrap();
    let pipeline = format!(
        "videotestsrc num-buffers=90 is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! \
         x264enc key-int-max=30 tune=zerolatency ! h264parse ! mpegtsmux name=mux alignment=7 ! \
         srtsink uri={port} mode=caller streamid={KEY} passphrase={PASSPHRASE} wait-for-connection=true \
         audiotestsrc num-buffers=140 is-live=true ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux."
    );
    let sending = Running::start(
        // Its name has a dot, so Windows takes it to be whole as it stands.
        Command::new(format!("gst-launch-1.0{}", std::env::consts::EXE_SUFFIX))
            .arg("-q")
            .args(pipeline.split_whitespace()),
    );
    let report = reports(&ingest, 1).await.remove(0);
    let (went_well, said) = sending.end().await;
    assert!(went_well, "{said}");
    assert_eq!((report.ending, report.verdict.figures.video_size_px), (Ending::Publisher, Some([320, 180])));
    // The last moments may be lost: this sender closes at once. What came is whole.
    let frames = decoded(&out.join(report.file.as_ref().unwrap()));
    let counted = usize::try_from(report.verdict.figures.video_frames).unwrap();
    assert!(counted >= 60 && frames.len().abs_diff(counted) <= 1, "{counted} {}", frames.len());
    assert!(!codes(&report).contains(&"malformed-media"), "{:?}", report.verdict.findings);
}
