//! scuffle-flv, a strict parser that others wrote, reads every tag of whole multitrack streams as they left the socket.

use std::collections::BTreeMap;
use std::io::Cursor;

use bytes::Bytes;
use ertmp::MediaKind;
use ertmp::amf0::{self, Value};
use ertmp::flv::{self, TagKind};
use net::{Ended, Notice};
use scuffle_flv::audio::AudioData;
use scuffle_flv::audio::body::AudioTagBody;
use scuffle_flv::audio::body::legacy::LegacyAudioTagBody;
use scuffle_flv::audio::body::legacy::aac::AacAudioData;
use scuffle_flv::file::FlvFile;
use scuffle_flv::script::ScriptData;
use scuffle_flv::tag::FlvTagData;
use scuffle_flv::video::VideoData;
use scuffle_flv::video::body::VideoTagBody;
use scuffle_flv::video::body::enhanced::{
    ExVideoTagBody, VideoPacket, VideoPacketCodedFrames, VideoPacketSequenceStart,
};
use units::{Size, Track, VideoCodec};

use crate::clip::Clip;
use crate::server::{Manner, Received, Server};
use crate::show::{Show, destination};

/// What the parser found of one track of pictures.
#[derive(Default)]
struct Pictures {
    /// Names and order of the packets that are no pictures.
    marks: Vec<&'static str>,
    /// The pictures themselves.
    frames: Vec<Bytes>,
}

async fn stream(clip: &Clip) -> Received {
    let server = Server::start(Manner::Welcoming, None).await;
    let mut destination = destination(&format!("rtmp://{}/app", server.address), None);
    destination.primary_form = Some(flv::Form::Enhanced);
    let mut show = Show::start(&destination);
    show.accepted().await.unwrap();
    show.send(clip.config.clone(), &clip.units);
    assert_eq!(show.finish().await, Ended::Stopped { clean: true });
    // This server announces multitrack, as Enhanced RTMP v2 wants it.
    assert!(!show.notices.contains(&Notice::MultitrackUnannounced), "{:?}", show.notices);
    server.received().await
}

/// What came in as the file that a recorder would write of it.
pub(crate) fn file(received: &Received) -> Vec<u8> {
    let mut file = flv::file_header(true, true).to_vec();
    for value in &received.metadata {
        let mut script = Vec::new();
        amf0::encode(&Value::from("onMetaData"), &mut script).unwrap();
        amf0::encode(value, &mut script).unwrap();
        file.extend(flv::file_tag(TagKind::Script, 0, &script).unwrap());
    }
    for (kind, timestamp_ms, body) in &received.media {
        let kind = if *kind == MediaKind::Video { TagKind::Video } else { TagKind::Audio };
        file.extend(flv::file_tag(kind, *timestamp_ms, body).unwrap());
    }
    file
}

/// Each message must be used up to its last byte; the file parser does not look at what a tag leaves over.
fn assert_no_rest(received: &Received) {
    for (kind, _, body) in &received.media {
        let mut cursor = Cursor::new(Bytes::from(body.clone()));
        if *kind == MediaKind::Video {
            VideoData::demux(&mut cursor).unwrap();
        } else {
            AudioData::demux(&mut cursor).unwrap();
        }
        assert_eq!(cursor.position(), body.len() as u64, "read to the end");
    }
}

/// Track 0 comes in packets of a single track, every other in multitrack packets of one track (IVS multitrack
/// integration guide, "Connect Using Enhanced RTMP").
fn packets(body: ExVideoTagBody<'_>) -> (u8, [u8; 4], VideoPacket<'_>) {
    match body {
        ExVideoTagBody::NoMultitrack { video_four_cc, packet } => (0, video_four_cc.0, packet),
        ExVideoTagBody::ManyTracks(mut tracks) => {
            assert_eq!(tracks.len(), 1, "one track in a packet");
            let track = tracks.remove(0);
            assert_ne!(track.video_track_id, 0, "track 0 is the single one");
            (track.video_track_id, track.video_four_cc.0, track.packet)
        }
        ExVideoTagBody::Command => panic!("a command"),
    }
}

async fn reads_every_tag(codec: VideoCodec, widths: &[u32]) {
    let sizes: Vec<Size> = widths.iter().map(|width| Size::new(*width, width * 9 / 16).unwrap()).collect();
    let clip = Clip::make(codec, &sizes);
    let received = stream(&clip).await;
    assert_no_rest(&received);
    let bytes = file(&received);
    let parsed = FlvFile::demux(&mut Cursor::new(Bytes::from(bytes))).unwrap();
    assert_eq!(parsed.tags.len(), received.media.len() + 1, "and the metadata");
    let expected_four_cc = if codec == VideoCodec::Avc { *b"avc1" } else { *b"hvc1" };

    let mut pictures: BTreeMap<u8, Pictures> = BTreeMap::new();
    let (mut sounds, mut sound_headers, mut order) = (Vec::new(), 0, Vec::new());
    for tag in parsed.tags {
        match tag.data {
            FlvTagData::ScriptData(ScriptData::OnMetaData(metadata)) => {
                assert_eq!(metadata.width, Some(f64::from(widths[0])));
                assert_eq!(metadata.video_track_id_info_map.unwrap().len(), widths.len() - 1);
            }
            FlvTagData::Video(VideoData { body: VideoTagBody::Enhanced(body), .. }) => {
                let (track, four_cc, packet) = packets(body);
                assert_eq!(four_cc, expected_four_cc);
                let of_track = pictures.entry(track).or_default();
                let frame = match packet {
                    VideoPacket::CodedFrames(
                        VideoPacketCodedFrames::Avc { data, .. } | VideoPacketCodedFrames::Hevc { data, .. },
                    )
                    | VideoPacket::CodedFramesX { data } => data,
                    other => {
                        of_track.marks.push(name(&other, codec));
                        order.extend((name(&other, codec) == "start").then_some(track));
                        continue;
                    }
                };
                // No picture before the last sequence header of all tracks.
                assert_eq!(order.len(), widths.len(), "a picture before a sequence header");
                of_track.frames.push(frame);
            }
            FlvTagData::Audio(AudioData {
                body: AudioTagBody::Legacy(LegacyAudioTagBody::Aac(sound)),
                ..
            }) => match sound {
                AacAudioData::SequenceHeader(_) => sound_headers += 1,
                AacAudioData::Raw(data) => sounds.push(data),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sound_headers, 1);
    let first_picture = clip.units.iter().find(|unit| unit.is_video()).unwrap().dts;
    let sent = |of: Track| {
        let units = clip.units.iter().filter(move |unit| unit.track == of && unit.dts >= first_picture);
        units.map(|unit| Bytes::copy_from_slice(&unit.data)).collect::<Vec<_>>()
    };
    assert!(sounds == sent(Track::Audio(clip.config.audio[0].track)), "sound differs");
    assert_eq!(pictures.len(), widths.len());
    for video in &clip.config.video {
        let found = &pictures[&video.track.0];
        assert_eq!(found.frames.len(), 90);
        assert!(found.frames == sent(Track::Video(video.track)), "pictures of {:?} differ", video.track);
        let marks: Vec<_> = found.marks.iter().filter(|mark| **mark != "metadata").collect();
        assert_eq!(marks, [&"start", &"end"], "{:?}", video.track);
    }
}

fn name(packet: &VideoPacket<'_>, codec: VideoCodec) -> &'static str {
    match (packet, codec) {
        (VideoPacket::SequenceStart(VideoPacketSequenceStart::Avc(_)), VideoCodec::Avc)
        | (VideoPacket::SequenceStart(VideoPacketSequenceStart::Hevc(_)), VideoCodec::Hevc) => "start",
        (VideoPacket::SequenceEnd, _) => "end",
        (VideoPacket::Metadata(_), _) => "metadata",
        (other, _) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_renditions() {
    reads_every_tag(VideoCodec::Avc, &[320, 160, 128]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_renditions_of_hevc() {
    reads_every_tag(VideoCodec::Hevc, &[320, 160]).await;
}
