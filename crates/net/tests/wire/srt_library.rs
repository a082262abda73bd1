//! SRT, judged by libsrt itself, which a Python script drives.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use net::{Destination, Ended};
use tempfile::TempDir;
use tokio::time::sleep;
use units::{Size, Span, VideoCodec};

use crate::clip::Clip;
use crate::show::{self, KEY, Show};
use crate::srt::{PASSPHRASE, assert_same, clip, failure, to_port};
use crate::tools::{Lines, Program};

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

/// A number in a line of JSON that is no deeper than one level.
fn number(line: &str, name: &str) -> u64 {
    let (_, rest) =
        line.split_once(&format!("\"{name}\": ")).unwrap_or_else(|| panic!("no {name} in {line}"));
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
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
