//! Real pictures and sound, made and judged by ffmpeg 9.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ertmp::flv::{
    AudioTag, ExVideoBody, FourCc, FrameType, Item, LegacyAudioBody, LegacyVideoBody, Reader, TagKind,
    Tracks, VideoPacket, VideoTag,
};
use tempfile::TempDir;
use units::{
    AccessUnit, AudioCodec, AudioConfig, Dts, EncodeStamps, FrameRate, Kbps, MediaTime, Pts, Size, Span,
    StreamConfig, Track, TrackId, VideoCodec, VideoConfig, VideoProfile,
};

use crate::tools::{Program, ffmpeg};

/// A clip as FLV files of one rendition each, and as access units of all.
pub(crate) struct Clip {
    pub(crate) config: StreamConfig,
    pub(crate) units: Vec<Arc<AccessUnit>>,
    dir: TempDir,
    renditions: usize,
}

impl Clip {
    /// Three seconds of `sizes` renditions at 30 frames per second with aligned keyframes each second, with B-frames,
    /// and of sound.
    pub(crate) fn make(codec: VideoCodec, sizes: &[Size]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = StreamConfig::default();
        let mut units = Vec::new();
        for (id, size) in (0u8..).zip(sizes) {
            let path = dir.path().join(format!("{id}.flv"));
            encode(codec, *size, &path);
            let (video, audio, mut found) = read(&std::fs::read(&path).unwrap(), TrackId(id), *size);
            assert_eq!(video.codec, codec);
            config.video.push(Arc::new(video));
            if id == 0 {
                config.audio.push(Arc::new(audio));
            } else {
                found.retain(AccessUnit::is_video);
            }
            units.extend(found.into_iter().map(Arc::new));
        }
        units.sort_by_key(|unit| (unit.dts, unit.track));
        let clip = Self { config, units, dir, renditions: sizes.len() };
        let aligned = clip.keyframes(TrackId::PRIMARY);
        assert_eq!(aligned.len(), 3, "one each second");
        for video in &clip.config.video {
            assert_eq!(clip.keyframes(video.track), aligned, "IDRs of {:?}", video.track);
        }
        clip
    }

    /// When the pictures are shown that a player can begin with.
    fn keyframes(&self, track: TrackId) -> Vec<Pts> {
        let of_track = self.units.iter().filter(|unit| unit.track == Track::Video(track));
        of_track.filter(|unit| unit.is_idr).map(|unit| unit.pts).collect()
    }

    /// The file of one rendition, and of the sound where it is the first.
    pub(crate) fn file(&self, rendition: usize) -> PathBuf {
        self.dir.path().join(format!("{rendition}.flv"))
    }

    /// What ffmpeg reads from its own files, without the sound before the first picture, which is not sent.
    pub(crate) fn packets(&self) -> Packets {
        let mut tracks = Vec::new();
        for id in 0..self.renditions {
            let found = packets_of(&self.file(id)).0;
            let kept = if id == 0 { found.len() } else { 1 };
            tracks.extend(found.into_iter().take(kept));
        }
        tracks.sort();
        Packets(tracks)
    }
}

fn encode(codec: VideoCodec, size: Size, path: &Path) {
    let mut command = Command::new(ffmpeg());
    command.args(["-v", "error", "-f", "lavfi", "-i", &format!("testsrc2=size={size}:rate=30")]).args([
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
        "-t",
        "3",
        "-ac",
        "2",
    ]);
    match codec {
        VideoCodec::Avc => command
            .args(["-c:v", "libx264", "-preset", "veryfast", "-keyint_min", "30", "-sc_threshold", "0"])
            .args(["-bf", "2", "-threads", "1"]),
        VideoCodec::Hevc => command
            .args(["-c:v", "libx265", "-preset", "ultrafast", "-x265-params"])
            .arg("min-keyint=30:scenecut=0:open-gop=0:bframes=2:pools=1:frame-threads=1:log-level=error"),
    };
    command
        .args(["-pix_fmt", "yuv420p", "-b:v", "300k", "-g", "30"])
        .args(["-c:a", "aac", "-b:a", "96k", "-flvflags", "no_duration_filesize", "-f", "flv"])
        .arg(path);
    Program::start(&mut command).output();
}

/// A packet as ffmpeg's framehash tells it: dts, pts, size, MD5. Times are in milliseconds since the first picture.
type Packet = (i64, i64, u64, String);

/// Packets by track.
#[derive(PartialEq, Eq)]
pub(crate) struct Packets(Vec<Vec<Packet>>);

impl Packets {
    /// The output of ffmpeg's framehash, in which track 0 is of pictures.
    pub(crate) fn parse(framehash: &str) -> Self {
        let mut tracks: Vec<Vec<Packet>> = Vec::new();
        for line in framehash.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            // Behind the hash there may be side data, such as a configuration that is told once more.
            let [track, dts, pts, _duration, size, hash, ..] = fields[..] else { panic!("{line}") };
            let track: usize = track.parse().unwrap();
            if tracks.len() <= track {
                tracks.resize(track + 1, Vec::new());
            }
            let (dts, pts) = (dts.parse().unwrap(), pts.parse().unwrap());
            tracks[track].push((dts, pts, size.parse().unwrap(), String::from(hash)));
        }
        let first = tracks[0][0].0;
        for track in &mut tracks {
            track.retain(|packet| packet.0 >= first);
            for packet in track.iter_mut() {
                packet.0 -= first;
                packet.1 -= first;
            }
        }
        tracks.sort();
        Self(tracks)
    }

    pub(crate) fn counts(&self) -> Vec<usize> {
        self.0.iter().map(Vec::len).collect()
    }

    #[track_caller]
    pub(crate) fn assert_same(&self, sent: &Self) {
        assert_eq!(self.counts(), sent.counts(), "packets per track");
        for (track, (got, sent)) in self.0.iter().zip(&sent.0).enumerate() {
            for (at, (got, sent)) in got.iter().zip(sent).enumerate() {
                assert_eq!(got, sent, "packet {at} of track {track}");
            }
        }
    }
}

/// The packets of a file.
pub(crate) fn packets_of(path: &Path) -> Packets {
    let mut command = Command::new(ffmpeg());
    command.args(["-v", "error", "-i"]).arg(path).args(AS_PACKETS);
    Packets::parse(&Program::start(&mut command).output())
}

/// Makes ffmpeg write what [`Packets::parse`] reads.
pub(crate) const AS_PACKETS: [&str; 11] =
    ["-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"];

fn read(bytes: &[u8], track: TrackId, size: Size) -> (VideoConfig, AudioConfig, Vec<AccessUnit>) {
    let mut reader = Reader::new();
    reader.push(bytes);
    let (mut video, mut audio, mut units) = (None, None, Vec::new());
    while let Some(item) = reader.next_item().unwrap() {
        let Item::Tag(tag) = item else { continue };
        let dts = Dts::from_millis(i64::from(tag.timestamp_ms));
        match tag.kind {
            TagKind::Video => {
                let picture = VideoTag::decode(&tag.body).unwrap();
                let is_idr = picture.frame_type() == FrameType::Key;
                match flat(picture) {
                    Picture::Config(codec, config) => {
                        video = Some(VideoConfig {
                            track,
                            codec,
                            profile: if codec == VideoCodec::Avc {
                                VideoProfile::High
                            } else {
                                VideoProfile::Main
                            },
                            size,
                            rate: FrameRate::FPS_30,
                            bitrate: Kbps(300),
                            decoder_config: config.into(),
                        });
                    }
                    Picture::Frame(composition_offset_ms, data) => {
                        let pts = dts + Span::from_millis(i64::from(composition_offset_ms));
                        let pts = Pts::from_nanos(pts.as_nanos());
                        units.push(unit(Track::Video(track), pts, dts, is_idr, data));
                    }
                    Picture::End => {}
                }
            }
            TagKind::Audio => {
                let AudioTag::Legacy(legacy) = AudioTag::decode(&tag.body).unwrap() else {
                    panic!("enhanced")
                };
                match legacy.body {
                    LegacyAudioBody::AacSequenceHeader(config) => {
                        audio = Some(AudioConfig {
                            track: TrackId::PRIMARY,
                            codec: AudioCodec::AacLc,
                            sample_rate_hz: 48_000,
                            channels: 2,
                            bitrate: Kbps(96),
                            decoder_config: config.into(),
                        });
                    }
                    LegacyAudioBody::AacRaw(data) => {
                        let pts = Pts::from_nanos(dts.as_nanos());
                        units.push(unit(Track::Audio(TrackId::PRIMARY), pts, dts, true, data));
                    }
                    LegacyAudioBody::Other { .. } => panic!("not AAC"),
                }
            }
            TagKind::Script => {}
        }
    }
    (video.unwrap(), audio.unwrap(), units)
}

/// What ffmpeg writes for a single track, of either code.
enum Picture<'a> {
    Config(VideoCodec, &'a [u8]),
    Frame(i32, &'a [u8]),
    End,
}

fn flat(tag: VideoTag<'_>) -> Picture<'_> {
    match tag {
        VideoTag::Legacy(legacy) => match legacy.body {
            LegacyVideoBody::AvcSequenceHeader(config) => Picture::Config(VideoCodec::Avc, config),
            LegacyVideoBody::AvcNalUnits { composition_offset_ms, data } => {
                Picture::Frame(composition_offset_ms, data)
            }
            _ => Picture::End,
        },
        VideoTag::Enhanced(enhanced) => match enhanced.body {
            ExVideoBody::Tracks(Tracks::Single { four_cc: FourCc::HEVC, packet }) => match packet {
                VideoPacket::SequenceStart(config) => Picture::Config(VideoCodec::Hevc, config),
                VideoPacket::CodedFrames { composition_offset_ms, data } => {
                    Picture::Frame(composition_offset_ms, data)
                }
                VideoPacket::CodedFramesX(data) => Picture::Frame(0, data),
                _ => Picture::End,
            },
            _ => panic!("not of one HEVC track"),
        },
    }
}

fn unit(track: Track, pts: Pts, dts: Dts, is_idr: bool, data: &[u8]) -> AccessUnit {
    AccessUnit {
        track,
        pts,
        dts,
        span: Span::from_millis(20),
        is_idr,
        is_disposable: false,
        index: 0,
        stamps: EncodeStamps { composed_at: MediaTime::ZERO, ..EncodeStamps::default() },
        data: data.into(),
    }
}
