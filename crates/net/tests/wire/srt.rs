//! SRT, judged by ffmpeg 9.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use net::{Destination, Ended, Failure};
use units::{Secret, Size, VideoCodec};

use crate::clip::Clip;
use crate::show::{self, Show};
use crate::tools::{Program, ffmpeg};

pub(crate) const PASSPHRASE: &str = "NotToBeSeenEither_0123456789";

pub(crate) fn clip() -> Clip {
    Clip::make(VideoCodec::Avc, &[Size::new(320, 180).unwrap()])
}

pub(crate) fn to_port(port: u16, passphrase: Option<&str>) -> Destination {
    let mut destination = show::destination(&format!("srt://127.0.0.1:{port}"), None);
    if let Some(passphrase) = passphrase {
        destination.address = destination.address.with_passphrase(Secret::new(passphrase));
    }
    destination
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
pub(crate) fn assert_same(got: &Path, clip: &Clip) {
    let (got, sent) = (hashes(got, true), hashes(&clip.file(0), false));
    assert_eq!(sent[0].len(), 90, "three seconds of pictures");
    assert_eq!(got[0], sent[0], "pictures");
    // Sound before the first picture is not sent.
    assert!(sent[1].len() > 130 && got[1].len() + 3 > sent[1].len(), "{} of {}", got[1].len(), sent[1].len());
    assert!(sent[1].ends_with(&got[1]), "sound");
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

pub(crate) async fn failure(destination: &Destination) -> Failure {
    let mut show = Show::start(destination);
    Show::expect_failure(show.accepted().await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_no_refusal() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let failure = failure(&to_port(taken.local_addr().unwrap().port(), None)).await;
    assert_eq!((failure.code(), failure.is_refusal()), ("connect_timed_out", false));
}
