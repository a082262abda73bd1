//! Broadcast performance metrics, as ffmpeg's own reader of bitstreams finds them behind a real socket.
//!
//! ffmpeg takes the NAL units and SEI messages apart (`trace_headers`). What is inside of a message is read here once
//! more, written from the guide's tables alone (IVS multitrack integration guide, "BPM Message Definitions").

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use net::Ended;
use publish::WallClock;
use units::{AccessUnit, FrameCounts, MediaTime, Size, Span, Track, TrackId, VideoCodec};

use crate::clip::Clip;
use crate::scuffle::file;
use crate::server::{Manner, Server};
use crate::show::{self, destination};
use crate::tools::{Program, ffmpeg};

/// 2024-03-25T15:10:34.489Z, the time of the guide's examples.
const UNIX_NANOS: i64 = 1_711_379_434_489_000_000;

const TIMESTAMPS: &str = "0aecffe752724e2fa62fd19cd61a93b5";
const SESSION: &str = "ca60e71c6a8b4388a377151df7bf8ac2";
const RENDITION: &str = "f1fbc1d5101e4fb5a61eb8ce3c07b8c0";

/// A NAL unit, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
enum Unit {
    /// The SEI messages for user data in a unit of its own.
    Sei(Vec<Vec<u8>>),
    Slice,
}

/// A picture as ffmpeg takes it apart.
#[derive(Debug, Default)]
struct Picture {
    is_key: bool,
    units: Vec<Unit>,
}

/// The pictures of a track.
fn pictures(file: &Path, track: usize) -> Vec<Picture> {
    let mut command = Command::new(ffmpeg());
    command.args(["-hide_banner", "-nostats", "-i"]).arg(file);
    command.args([
        "-map",
        &format!("0:v:{track}"),
        "-c",
        "copy",
        "-bsf:v",
        "trace_headers",
        "-f",
        "null",
        "-",
    ]);
    let mut pictures: Vec<Picture> = Vec::new();
    for line in Program::start(&mut command).errors().lines() {
        let Some((_, line)) = line.strip_prefix("[trace_headers").and_then(|rest| rest.split_once("] "))
        else {
            continue;
        };
        if line.starts_with("Packet: ") {
            pictures.push(Picture { is_key: line.contains("key frame"), units: Vec::new() });
            continue;
        }
        // Ahead of the first packet come the parameter sets.
        let Some(Picture { units, .. }) = pictures.last_mut() else { continue };
        match line {
            "Supplemental Enhancement Information" | "Prefix Supplemental Enhancement Information" => {
                units.push(Unit::Sei(Vec::new()));
            }
            "Slice Header" | "Slice Segment Header" => units.push(Unit::Slice),
            "User Data Unregistered" => {
                let Some(Unit::Sei(messages)) = units.last_mut() else { panic!("user data outside of SEI") };
                messages.push(Vec::new());
            }
            _ if line.contains("uuid_iso_iec_11578[") || line.contains("user_data_payload_byte[") => {
                let Some(Unit::Sei(messages)) = units.last_mut() else { panic!("user data outside of SEI") };
                let byte = line.rsplit_once("= ").unwrap().1.trim().parse().unwrap();
                messages.last_mut().unwrap().push(byte);
            }
            _ => {}
        }
    }
    pictures
}

/// A message read by the guide's tables.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    /// Event and text of each.
    timestamps: Vec<(u8, String)>,
    /// Tag and value of each.
    counters: Vec<(u8, u32)>,
}

fn read(bytes: &[u8]) -> (String, Message) {
    let (uuid, mut rest) = bytes.split_at(16);
    let uuid: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut message = Message::default();
    let take = |rest: &mut &[u8], count: usize| {
        let (taken, left) = rest.split_at(count);
        *rest = left;
        taken.to_vec()
    };
    // Four bits of zero and a number less one; the tables do not allow more than sixteen.
    for _ in 0..=take(&mut rest, 1)[0] {
        let [1, event] = take(&mut rest, 2)[..] else { panic!("not an RFC 3339 timestamp") };
        let end = rest.iter().position(|byte| *byte == 0).expect("st(v) ends with a zero");
        let text = String::from_utf8(take(&mut rest, end)).unwrap();
        take(&mut rest, 1);
        message.timestamps.push((event, text));
    }
    if uuid != TIMESTAMPS {
        for _ in 0..=take(&mut rest, 1)[0] {
            let tag = take(&mut rest, 1)[0];
            let value = u32::from_be_bytes(take(&mut rest, 4).try_into().unwrap());
            message.counters.push((tag, value));
        }
    }
    assert_eq!(rest, [0u8; 0], "read to the end");
    (uuid, message)
}

fn is_ours(message: &[u8]) -> bool {
    [TIMESTAMPS, SESSION, RENDITION].contains(&read_uuid(message).as_str())
}

fn read_uuid(message: &[u8]) -> String {
    message.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The three messages of a picture, each alone in a NAL unit ahead of the first slice.
fn metrics(picture: &Picture) -> Vec<(String, Message)> {
    let first_slice = picture.units.iter().position(|unit| *unit == Unit::Slice).expect("a slice");
    let mut found = Vec::new();
    for (at, unit) in picture.units.iter().enumerate() {
        let Unit::Sei(messages) = unit else { continue };
        let ours = messages.iter().filter(|message| is_ours(message)).count();
        if ours > 0 {
            assert!(at < first_slice, "behind a slice");
            assert_eq!((ours, messages.len()), (1, 1), "not in a NAL unit of its own");
            found.push(read(&messages[0]));
        }
    }
    found
}

/// Per picture of each rendition: one rendered, a tenth lagged, one taken in, a fifteenth skipped, the others out.
fn counted(clip: &Clip) -> Vec<Arc<AccessUnit>> {
    let mut totals: std::collections::BTreeMap<TrackId, u64> = std::collections::BTreeMap::new();
    let counts = |units: &Arc<AccessUnit>| {
        let mut unit = AccessUnit::clone(units);
        if let Track::Video(track) = unit.track {
            let total = totals.entry(track).or_default();
            unit.stamps.counts = FrameCounts {
                rendered: *total,
                lagged: *total / 10,
                input: *total,
                skipped: *total / 15,
                output: *total - *total / 15,
            };
            // In the second before the stream, so that interleaving comes after it on any machine.
            unit.stamps.composed_at =
                MediaTime::ZERO + Span::from_millis(i64::try_from(*total).unwrap() - 1_000);
            unit.stamps.encode_requested_at = unit.stamps.composed_at + Span::from_millis(1);
            unit.stamps.encode_completed_at = unit.stamps.composed_at + Span::from_millis(2);
            *total += 1;
        }
        Arc::new(unit)
    };
    clip.units.iter().map(counts).collect()
}

async fn every_idr_of_every_track_has_them(codec: VideoCodec, widths: &[u32]) {
    let sizes: Vec<Size> = widths.iter().map(|width| Size::new(*width, width * 9 / 16).unwrap()).collect();
    let clip = Clip::make(codec, &sizes);
    let server = Server::start(Manner::Welcoming, None).await;
    let mut destination = destination(&format!("rtmp://{}/app", server.address), None);
    destination.multitrack = true;
    destination.metrics = Some(WallClock { unix_nanos_at_media_zero: UNIX_NANOS });
    let ended = show::whole(&destination, clip.config.clone(), &counted(&clip)).await;
    assert_eq!(ended, Ended::Stopped { clean: true });
    let dir = tempfile::tempdir().unwrap();
    let recording = dir.path().join("received.flv");
    std::fs::write(&recording, file(&server.received().await)).unwrap();

    for track in 0..widths.len() {
        let pictures = pictures(&recording, track);
        assert_eq!(pictures.len(), 90);
        let mut idrs = 0u32;
        for picture in &pictures {
            let found = metrics(picture);
            if !picture.is_key {
                assert_eq!(found, [], "metrics at a picture that is no IDR");
                continue;
            }
            let kinds: Vec<&str> = found.iter().map(|(uuid, _)| uuid.as_str()).collect();
            assert_eq!(kinds, [TIMESTAMPS, SESSION, RENDITION], "track {track}, IDR {idrs}");
            check(&found[0].1, &found[1].1, &found[2].1, idrs, u32::try_from(widths.len()).unwrap());
            idrs += 1;
        }
        assert_eq!(idrs, 3, "track {track}");
    }
    let mut command = Command::new(ffmpeg());
    command.args(["-v", "warning", "-i"]).arg(&recording).args(["-map", "0:v", "-f", "null", "-"]);
    assert_eq!(Program::start(&mut command).errors(), "", "ffmpeg decodes it without a word");
}

fn check(timestamps: &Message, session: &Message, rendition: &Message, idr: u32, tracks: u32) {
    // Composition, encode request, its completion, and interleaving; in this order in time too.
    let events: Vec<u8> = timestamps.timestamps.iter().map(|(event, _)| *event).collect();
    assert_eq!(events, [1, 2, 3, 4]);
    let texts: Vec<&str> = timestamps.timestamps.iter().map(|(_, text)| text.as_str()).collect();
    assert!(texts.is_sorted(), "{texts:?}");
    for text in &texts {
        assert!(text.len() == 24 && text.starts_with("2024-03-25T15:1") && text.ends_with('Z'), "{text}");
    }
    // Pictures 0, 30 and 60, a second before the start of the clock and that many milliseconds later.
    let composed = ["2024-03-25T15:10:33.489Z", "2024-03-25T15:10:33.519Z", "2024-03-25T15:10:33.549Z"];
    assert_eq!(texts[0], composed[idr as usize]);

    for message in [session, rendition] {
        assert_eq!(message.timestamps, [(4, String::from(texts[3]))], "the time of interleaving");
    }
    if idr == 0 {
        assert_eq!(session.counters, [(1, 0), (2, 0), (3, 0), (4, 0)], "the first segment counts nothing");
        assert_eq!(rendition.counters, [(1, 0), (2, 0), (3, 0)]);
        return;
    }
    let [(1, rendered), (2, lagged), (3, dropped), (4, output)] = session.counters[..] else {
        panic!("{session:?}")
    };
    assert_eq!((rendered, lagged, dropped), (30, 3, 0));
    // All renditions together; how far the others are at this moment depends on the order of interleaving.
    assert!((30 * tracks - tracks..=30 * tracks + tracks).contains(&output), "{output}");
    assert_eq!(rendition.counters, [(1, 30), (2, 2), (3, 28)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_renditions() {
    every_idr_of_every_track_has_them(VideoCodec::Avc, &[320, 160, 128]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_renditions_of_hevc() {
    every_idr_of_every_track_has_them(VideoCodec::Hevc, &[320, 160]).await;
}
