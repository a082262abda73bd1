//! SRT, judged by libsrt itself and by ffmpeg 9.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use net::{Destination, Ended, Failure};
use tempfile::TempDir;
use tokio::time::sleep;
use units::{Secret, Size, Span, VideoCodec};

use crate::clip::Clip;
use crate::show::{self, KEY, Show};
use crate::tools::{Lines, Program, ffmpeg};

const PASSPHRASE: &str = "NotToBeSeenEither_0123456789";

fn clip() -> Clip {
    Clip::make(VideoCodec::Avc, &[Size::new(320, 180).unwrap()])
}

/// libsrt as the listening end.
struct Listener {
    program: Program,
    lines: Lines,
    port: u16,
    dir: TempDir,
}

impl Listener {
    fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/srt_listener.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(dir.path().join("got.ts")).args(arguments);
        let mut program = Program::start(&mut command);
        let lines = program.lines();
        let mut listener = Self { program, lines, port: 0, dir };
        listener.port = number(&listener.event("listening"), "port").try_into().unwrap();
        listener
    }

    /// What follows in the line of this event.
    fn event(&self, name: &str) -> String {
        self.lines.after(&format!("{{\"event\": \"{name}\""))
    }

    fn destination(&self, passphrase: Option<&str>) -> Destination {
        to_port(self.port, passphrase)
    }

    fn got(&self) -> PathBuf {
        self.dir.path().join("got.ts")
    }
}

fn to_port(port: u16, passphrase: Option<&str>) -> Destination {
    let mut destination = show::destination(&format!("srt://127.0.0.1:{port}"), None);
    if let Some(passphrase) = passphrase {
        destination.address = destination.address.with_passphrase(Secret::new(passphrase));
    }
    destination
}

/// A number in a line of JSON that is no deeper than one level.
fn number(line: &str, name: &str) -> u64 {
    let (_, rest) =
        line.split_once(&format!("\"{name}\": ")).unwrap_or_else(|| panic!("no {name} in {line}"));
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// MD5 of every packet of a file, by track: of pictures without what tells a decoder where they begin and how to read
/// them, of sound without its headers.
fn hashes(path: &Path, is_transport_stream: bool) -> [Vec<String>; 2] {
    let strip = "filter_units=remove_types=7|8|9";
    let (video, audio) = if is_transport_stream {
        (String::from(strip), "aac_adtstoasc")
    } else {
        (format!("h264_mp4toannexb,{strip}"), "null")
    };
    let mut command = Command::new(ffmpeg());
    command.args(["-v", "error", "-i"]).arg(path).args(["-map", "0:v", "-map", "0:a", "-c", "copy"]);
    command.args(["-bsf:v", &video, "-bsf:a", audio, "-f", "framehash", "-hash", "md5", "-"]);
    let told = Program::start(&mut command).output();
    let mut tracks = [Vec::new(), Vec::new()];
    for line in told.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        tracks[fields[0].parse::<usize>().unwrap()].push(String::from(fields[5]));
    }
    tracks
}

#[track_caller]
fn assert_same(got: &Path, clip: &Clip) {
    let (got, sent) = (hashes(got, true), hashes(&clip.file(0), false));
    assert_eq!(sent[0].len(), 90, "three seconds of pictures");
    assert_eq!(got[0], sent[0], "pictures");
    // Sound before the first picture is not sent.
    assert!(sent[1].len() > 130 && got[1].len() + 3 > sent[1].len(), "{} of {}", got[1].len(), sent[1].len());
    assert!(sent[1].ends_with(&got[1]), "sound");
}

#[tokio::test(flavor = "multi_thread")]
async fn libsrt_sees_key_and_priority_and_decrypts_everything_to_the_last_packet() {
    let clip = clip();
    let listener = Listener::start(&["--passphrase", PASSPHRASE, "--key-bytes", "32"]);
    let mut destination = listener.destination(Some(PASSPHRASE));
    destination.priority = Some(7);
    let mut show = Show::start(&destination);
    show.accepted().await.unwrap();
    show.send(clip.config.clone(), &clip.units);
    let ended = show.finish().await;
    assert_eq!(ended, Ended::Stopped { clean: true });
    assert!(listener.event("asked").contains(&format!("\"#!::u={KEY},priority=7\"")));
    let accepted = listener.event("accepted");
    assert!(accepted.contains("\"km\": \"secured\""), "{accepted}");
    assert_eq!((number(&accepted, "key_bytes"), number(&accepted, "latency")), (32, 600), "{accepted}");
    let end = listener.event("end");
    for (name, value) in [("odd", 0), ("lost", 0), ("dropped", 0), ("undecrypted", 0)] {
        assert_eq!(number(&end, name), value, "{name} in {end}");
    }
    assert_same(&listener.got(), &clip);
    let stats = show.output.stats();
    let figures = stats.srt.unwrap();
    assert!(figures.sent > 0 && figures.acknowledgements > 0 && figures.dropped == 0, "{figures:?}");
    assert_eq!(figures.latency, Span::from_millis(600));
    assert_eq!((stats.rejected, stats.queue.dropped.units), (0, 0));
    assert_eq!(number(&end, "bytes"), stats.sent_bytes + 1_316, "the first packet says nothing");
    let delivered = show.output.deliveries();
    assert!(delivered.iter().all(|run| run.certainty == net::Certainty::Confirmed), "{delivered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_alone_and_no_passphrase() {
    let clip = clip();
    let listener = Listener::start(&[]);
    let ended = show::whole(&listener.destination(None), clip.config.clone(), &clip.units).await;
    assert_eq!(ended, Ended::Stopped { clean: true });
    assert!(listener.event("asked").contains(&format!("\"{KEY}\"")));
    assert!(listener.event("accepted").contains("\"km\": \"unsecured\""));
    listener.event("end");
    assert_same(&listener.got(), &clip);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_renditions_the_primary_one_is_sent() {
    let sizes: Vec<Size> = [(320, 180), (160, 90)].map(|(w, h)| Size::new(w, h).unwrap()).into();
    let clip = Clip::make(VideoCodec::Avc, &sizes);
    let listener = Listener::start(&["--latency", "900"]);
    let ended = show::whole(&listener.destination(None), clip.config.clone(), &clip.units).await;
    assert_eq!(ended, Ended::Stopped { clean: true }, "the peer's longer latency is waited for");
    assert_eq!(number(&listener.event("accepted"), "latency"), 900);
    listener.event("end");
    assert_same(&listener.got(), &clip);
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_gets_every_packet() {
    let clip = clip();
    let dir = tempfile::tempdir().unwrap();
    let got = dir.path().join("got.ts");
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(ffmpeg());
    command
        .args(["-v", "error", "-i"])
        .arg(format!("srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}&pbkeylen=16"))
        .args(["-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "mpegts"])
        .arg(&got);
    let receiver = Program::start(&mut command);
    // A call is repeated for three seconds, and ffmpeg may take longer than that to listen.
    let started = Instant::now();
    let ended = loop {
        assert!(started.elapsed() < Duration::from_secs(60), "ffmpeg does not listen");
        let ended = show::whole(&to_port(port, Some(PASSPHRASE)), clip.config.clone(), &clip.units).await;
        match &ended {
            Ended::Failed(failure) if failure.code() == "connect_timed_out" => tokio::task::yield_now().await,
            _ => break ended,
        }
    };
    assert_eq!(ended, Ended::Stopped { clean: true });
    tokio::task::spawn_blocking(move || receiver.output()).await.unwrap();
    assert_same(&got, &clip);
}

async fn failure(destination: &Destination) -> Failure {
    let mut show = Show::start(destination);
    Show::expect_failure(show.accepted().await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart() {
    let listener = Listener::start(&["--refuse", "1403"]);
    let refused = failure(&listener.destination(None)).await;
    assert_eq!((refused.code(), refused.is_refusal()), ("refused_by_service", true));
    assert!(refused.happened().contains("SRT 1403"), "{refused}");

    let listener = Listener::start(&["--refuse", "1403", "--passphrase", PASSPHRASE]);
    let refused = failure(&listener.destination(Some("AnotherPassphrase"))).await;
    assert!(refused.happened().contains("SRT 1403"), "the key is looked at first: {refused}");

    let listener = Listener::start(&["--passphrase", PASSPHRASE]);
    let wrong = failure(&listener.destination(Some("AnotherPassphrase"))).await;
    assert_eq!(wrong.code(), "passphrase_wrong");
    let listener = Listener::start(&["--passphrase", PASSPHRASE]);
    assert_eq!(failure(&listener.destination(None)).await.code(), "passphrase_missing");
    let listener = Listener::start(&[]);
    assert_eq!(failure(&listener.destination(Some(PASSPHRASE))).await.code(), "passphrase_unwanted");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_no_refusal() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let failure = failure(&to_port(taken.local_addr().unwrap().port(), None)).await;
    assert_eq!((failure.code(), failure.is_refusal()), ("connect_timed_out", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closes_and_one_that_vanishes_are_told_apart() {
    let clip = clip();
    let listener = Listener::start(&["--close-after", "60000"]);
    let mut show = Show::start(&listener.destination(None));
    show.accepted().await.unwrap();
    show.send(clip.config.clone(), &clip.units);
    assert_eq!(Show::expect_failure(show.ended().await).code(), "closed_by_peer");

    let listener = Listener::start(&[]);
    let mut show = Show::start(&listener.destination(None));
    show.accepted().await.unwrap();
    show.send(clip.config.clone(), &clip.units);
    while show.output.stats().srt.is_none_or(|figures| figures.acknowledgements == 0) {
        sleep(Duration::from_millis(5)).await;
    }
    drop(listener.program);
    assert_eq!(Show::expect_failure(show.ended().await).code(), "silent");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_takes_no_longer_than_two_seconds_when_the_peer_is_gone() {
    let clip = clip();
    let listener = Listener::start(&[]);
    let mut show = Show::start(&listener.destination(None));
    show.accepted().await.unwrap();
    show.send(clip.config.clone(), &clip.units);
    drop(listener.program);
    let asked_at = Instant::now();
    show.output.stop();
    assert!(matches!(show.ended().await, Ended::Stopped { .. }));
    assert!(asked_at.elapsed() < Duration::from_secs(2), "{:?}", asked_at.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn h265_is_not_sent() {
    let clip = Clip::make(VideoCodec::Hevc, &[Size::new(320, 180).unwrap()]);
    let listener = Listener::start(&[]);
    let ended = show::whole(&listener.destination(None), clip.config.clone(), &clip.units).await;
    assert_eq!(Show::expect_failure(ended).code(), "unsendable");
}
