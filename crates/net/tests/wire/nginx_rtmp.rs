//! nginx-rtmp knows nothing of multitrack. It takes such a stream without a word of refusal, and what it keeps is no
//! ladder: that is the server our warning is for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ertmp::flv::{ExVideoBody, Form, Item, LegacyVideoBody, Reader, TagKind, VideoPacket, VideoTag};
use net::{Ended, Notice, Step};
use units::{Size, TrackId, VideoCodec};

use crate::clip::{Clip, packets_of};
use crate::nginx::{Nginx, PATIENCE};
use crate::show::{KEY, Show, destination};

/// Records what it is sent, and says when the recording is closed.
fn recorder() -> Nginx {
    Nginx::start(tempfile::tempdir().unwrap(), |port, folder| {
        format!(
            "rtmp {{
                 access_log off;
                 server {{
                     listen 127.0.0.1:{port};
                     application live {{
                         live on;
                         record all;
                         record_path {folder};
                         record_suffix .flv;
                         exec_record_done touch {folder}/recorded;
                     }}
                 }}
             }}"
        )
    })
}

/// Streams `clip`; what was said meanwhile, and where the recording is.
async fn record(nginx: &Nginx, clip: &Clip, form: Form) -> (Vec<Notice>, PathBuf) {
    let mut destination = destination(&format!("rtmp://127.0.0.1:{}/live/", nginx.port), None);
    destination.primary_form = Some(form);
    let started = Instant::now();
    let mut show = loop {
        assert!(started.elapsed() < PATIENCE, "nginx does not listen");
        let mut show = Show::start(&destination);
        match show.accepted().await {
            Ok(()) => break show,
            Err(Ended::Failed(failure)) if failure.code() == "connect_refused" => {
                tokio::task::yield_now().await;
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    show.send(clip.config.clone(), &clip.units);
    assert_eq!(show.finish().await, Ended::Stopped { clean: true });
    while !nginx.dir.path().join("recorded").exists() {
        assert!(started.elapsed() < PATIENCE, "nginx does not close its recording");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (show.notices, nginx.dir.path().join(format!("{KEY}.flv")))
}

/// It accepted the stream and refused nothing; our own warning came, once, and before anything left.
#[track_caller]
fn assert_warned(notices: &[Notice]) {
    let at = |wanted: &dyn Fn(&Notice) -> bool| {
        let found: Vec<usize> =
            notices.iter().enumerate().filter(|(_, notice)| wanted(notice)).map(|(at, _)| at).collect();
        let [at] = found[..] else { panic!("{notices:?}") };
        at
    };
    let accepted = at(&|notice| matches!(notice, Notice::Accepted { .. }));
    let warned = at(&|notice| *notice == Notice::MultitrackUnannounced);
    let live = at(&|notice| *notice == Notice::Step(Step::Live));
    assert!(accepted < live && warned < live, "{notices:?}");
}

/// What a recording has of a track.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kept {
    configurations: usize,
    pictures: usize,
}

fn kept(recording: &Path) -> BTreeMap<TrackId, Kept> {
    let mut reader = Reader::new();
    reader.push(&std::fs::read(recording).unwrap());
    let mut kept: BTreeMap<TrackId, Kept> = BTreeMap::new();
    while let Some(item) = reader.next_item().unwrap() {
        let Item::Tag(tag) = item else { continue };
        if tag.kind != TagKind::Video {
            continue;
        }
        match VideoTag::decode(&tag.body).unwrap() {
            VideoTag::Legacy(legacy) => {
                let track = kept.entry(TrackId::PRIMARY).or_default();
                match legacy.body {
                    LegacyVideoBody::AvcSequenceHeader(_) => track.configurations += 1,
                    LegacyVideoBody::AvcNalUnits { .. } => track.pictures += 1,
                    _ => {}
                }
            }
            VideoTag::Enhanced(enhanced) => {
                let ExVideoBody::Tracks(tracks) = enhanced.body else { continue };
                for (track, _, packet) in tracks.iter() {
                    let track = kept.entry(track).or_default();
                    match packet {
                        VideoPacket::SequenceStart(_) => track.configurations += 1,
                        VideoPacket::CodedFrames { .. } | VideoPacket::CodedFramesX(_) => track.pictures += 1,
                        _ => {}
                    }
                }
            }
        }
    }
    kept
}

fn clip(renditions: usize) -> Clip {
    let sizes = [(320, 180), (160, 90), (128, 72)].map(|(width, height)| Size::new(width, height).unwrap());
    Clip::make(VideoCodec::Avc, &sizes[..renditions])
}

#[tokio::test(flavor = "multi_thread")]
async fn records_a_single_rendition_as_it_was_sent() {
    let clip = clip(1);
    let nginx = recorder();
    let (notices, recording) = record(&nginx, &clip, Form::Legacy).await;
    assert!(!notices.contains(&Notice::MultitrackUnannounced), "{notices:?}");
    packets_of(&recording).assert_same(&clip.packets());
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_three_renditions_and_keeps_no_picture() {
    let nginx = recorder();
    let (notices, recording) = record(&nginx, &clip(3), Form::Enhanced).await;
    assert_warned(&notices);
    // 270 pictures were sent, and every one of them was taken off the socket.
    assert_eq!(kept(&recording), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_three_renditions_and_keeps_one_when_the_primary_track_is_legacy() {
    let nginx = recorder();
    let (notices, recording) = record(&nginx, &clip(3), Form::Legacy).await;
    assert_warned(&notices);
    let kept = kept(&recording);
    assert_eq!(kept[&TrackId(0)], Kept { configurations: 1, pictures: 90 });
    // Without its configuration no picture of a track can be decoded.
    for track in [TrackId(1), TrackId(2)] {
        assert_eq!(kept.get(&track).map_or(0, |kept| kept.configurations), 0);
    }
}
