//! ffmpeg 9 takes the stream, and what it got is what was sent, packet for packet.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use ertmp::flv::Form;
use net::Ended;
use units::{Size, VideoCodec};

use crate::clip::{AS_PACKETS, Clip, Packets};
use crate::show::{self, KEY, destination};
use crate::tools::{Program, ffmpeg};

/// ffmpeg takes no port 0, and its listener takes one connection, so it can not be probed: a free port is looked for,
/// and a connection that comes too early is refused and tried again.
async fn receive(clip: &Clip, enhanced: bool) -> Packets {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(ffmpeg());
    command
        .args(["-v", "error", "-listen", "1", "-timeout", "30", "-i"])
        .arg(format!("rtmp://127.0.0.1:{port}/live/{KEY}"))
        .args(AS_PACKETS);
    let receiver = Program::start(&mut command);
    let mut destination = destination(&format!("rtmp://127.0.0.1:{port}/live/"), None);
    destination.primary_form = Some(if enhanced { Form::Enhanced } else { Form::Legacy });
    let started = Instant::now();
    let ended = loop {
        assert!(started.elapsed() < Duration::from_secs(60), "ffmpeg does not listen");
        let ended = show::whole(&destination, clip.config.clone(), &clip.units).await;
        match &ended {
            Ended::Failed(failure) if failure.code() == "connect_refused" => tokio::task::yield_now().await,
            _ => break ended,
        }
    };
    assert_eq!(ended, Ended::Stopped { clean: true });
    Packets::parse(&tokio::task::spawn_blocking(move || receiver.output()).await.unwrap())
}

fn sizes(widths: &[u32]) -> Vec<Size> {
    widths.iter().map(|width| Size::new(*width, width * 9 / 16).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rendition_in_the_legacy_form() {
    let clip = Clip::make(VideoCodec::Avc, &sizes(&[320]));
    let sent = clip.packets();
    assert_eq!(sent.counts()[0], 90, "three seconds of pictures");
    assert!(sent.counts()[1] > 130, "and of sound");
    receive(&clip, false).await.assert_same(&sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rendition_in_the_enhanced_form() {
    let clip = Clip::make(VideoCodec::Avc, &sizes(&[320]));
    receive(&clip, true).await.assert_same(&clip.packets());
}

#[tokio::test(flavor = "multi_thread")]
async fn three_renditions_in_both_forms_of_the_primary_track() {
    let clip = Clip::make(VideoCodec::Avc, &sizes(&[640, 320, 160]));
    let sent = clip.packets();
    assert_eq!(sent.counts()[..3], [90, 90, 90]);
    for enhanced in [false, true] {
        receive(&clip, enhanced).await.assert_same(&sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_renditions_of_hevc() {
    let clip = Clip::make(VideoCodec::Hevc, &sizes(&[320, 160]));
    let sent = clip.packets();
    assert_eq!(sent.counts()[..2], [90, 90]);
    receive(&clip, true).await.assert_same(&sent);
}
