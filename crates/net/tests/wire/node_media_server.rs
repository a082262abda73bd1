//! node-media-server takes the stream over RTMP and over its own TLS, and records what it got.

use std::path::Path;
use std::process::{ChildStdin, Command};

use ertmp::flv::Form;
use net::{Ended, Stage};
use tempfile::TempDir;
use units::{Size, VideoCodec};

use crate::authority::{Authority, Identity};
use crate::clip::{Clip, Packets, packets_of};
use crate::show::{self, Show, destination};
use crate::tools::{Lines, Program, node_modules};

struct NodeMediaServer {
    rtmp: u16,
    rtmps: u16,
    lines: Lines,
    /// It ends when this does.
    _stdin: ChildStdin,
    _program: Program,
    _dir: TempDir,
}

impl NodeMediaServer {
    fn start(identity: &Identity) -> Self {
        let dir = tempfile::tempdir().unwrap();
        identity.write_to(dir.path());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/node_media_server.cjs");
        let mut program =
            Program::start(Command::new("node").arg(script).arg(node_modules()).arg(dir.path()));
        let lines = program.lines();
        let stdin = program.stdin();
        let (mut rtmp, mut rtmps) = (0, 0);
        loop {
            let line = lines.after("genlock:");
            match line.split_once('=').unwrap() {
                ("rtmp", port) => rtmp = port.parse().unwrap(),
                ("rtmps", port) => rtmps = port.parse().unwrap(),
                _ => {}
            }
            if rtmp > 0 && rtmps > 0 && line.starts_with("ready") {
                break;
            }
        }
        Self { rtmp, rtmps, lines, _stdin: stdin, _program: program, _dir: dir }
    }

    /// Streams `clip` and returns what ffmpeg finds in the recording.
    async fn record(&self, url: &str, ca: Option<&Authority>, clip: &Clip, form: Form) -> Packets {
        let mut destination = destination(url, ca.map(Authority::file));
        destination.primary_form = Some(form);
        let ended = show::whole(&destination, clip.config.clone(), &clip.units).await;
        assert_eq!(ended, Ended::Stopped { clean: true });
        tokio::task::block_in_place(|| {
            let file = self.lines.after("genlock:recorded=");
            packets_of(Path::new(&file))
        })
    }
}

fn clip(codec: VideoCodec, renditions: usize) -> Clip {
    let sizes = [(320, 180), (160, 90), (128, 72)];
    Clip::make(codec, &sizes.map(|(width, height)| Size::new(width, height).unwrap())[..renditions])
}

#[tokio::test(flavor = "multi_thread")]
async fn records_what_was_sent_over_rtmp() {
    let server = NodeMediaServer::start(&Authority::new().issue(&["127.0.0.1"]));
    let url = format!("rtmp://127.0.0.1:{}/live/", server.rtmp);
    let single = clip(VideoCodec::Avc, 1);
    server.record(&url, None, &single, Form::Legacy).await.assert_same(&single.packets());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_three_renditions_over_rtmps() {
    let authority = Authority::new();
    let server = NodeMediaServer::start(&authority.issue(&["localhost", "127.0.0.1"]));
    let url = format!("rtmps://localhost:{}/live/", server.rtmps);
    let triple = clip(VideoCodec::Avc, 3);
    let sent = triple.packets();
    assert_eq!(sent.counts()[..3], [90, 90, 90]);
    server.record(&url, Some(&authority), &triple, Form::Enhanced).await.assert_same(&sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_two_renditions_of_hevc() {
    let server = NodeMediaServer::start(&Authority::new().issue(&["127.0.0.1"]));
    let url = format!("rtmp://127.0.0.1:{}/live/", server.rtmp);
    let double = clip(VideoCodec::Hevc, 2);
    let sent = double.packets();
    assert_eq!(sent.counts()[..2], [90, 90]);
    server.record(&url, None, &double, Form::Enhanced).await.assert_same(&sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn is_refused_with_a_certificate_that_does_not_hold() {
    let authority = Authority::new();
    let server = NodeMediaServer::start(&authority.issue(&["elsewhere.example"]));
    let url = format!("rtmps://localhost:{}/live/", server.rtmps);
    for (ca, code) in [(None, "tls_untrusted_issuer"), (Some(authority.file()), "tls_wrong_name")] {
        let mut show = Show::start(&destination(&url, ca));
        let failure = Show::expect_failure(show.accepted().await.unwrap_err());
        assert_eq!((failure.stage, failure.code()), (Stage::Tls, code));
    }
}
