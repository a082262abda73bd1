//! What FLV tag bodies carry, as far as a player wants it: H.264, H.265 and AAC.

use ertmp::MediaKind;
use ertmp::flv::{
    AudioPacket, AudioTag, ExVideoBody, FourCc, FrameType, LegacyAudioBody, LegacyVideoBody, VideoPacket,
    VideoTag,
};
use ivs::{AudioSpecificConfig, AvcDecoderConfig, HevcDecoderConfig};
use units::{AudioCodec, AudioConfig, FrameRate, Kbps, Size, TrackId, VideoCodec, VideoConfig, VideoProfile};

/// One thing a tag carries.
pub(super) enum Carried<'a> {
    /// The decoder configuration of a rendition.
    Header { track: TrackId, codec: VideoCodec, record: &'a [u8] },
    /// A picture of one.
    Picture { track: TrackId, is_idr: bool, offset_ms: i32, data: &'a [u8] },
    /// The decoder configuration of the sound.
    SoundHeader(&'a [u8]),
    /// A frame of it.
    Sound(&'a [u8]),
}

/// Calls `take` with each thing that a tag body carries. What can not be read carries nothing: the judge says so.
pub(super) fn each(kind: MediaKind, body: &[u8], mut take: impl FnMut(Carried<'_>)) {
    match kind {
        MediaKind::Video => {
            if let Ok(tag) = VideoTag::decode(body) {
                video(&tag, &mut take);
            }
        }
        MediaKind::Audio => match AudioTag::decode(body) {
            Ok(AudioTag::Legacy(legacy)) => match legacy.body {
                LegacyAudioBody::AacSequenceHeader(config) => take(Carried::SoundHeader(config)),
                LegacyAudioBody::AacRaw(data) => take(Carried::Sound(data)),
                LegacyAudioBody::Other { .. } => {}
            },
            Ok(AudioTag::Enhanced(enhanced)) => {
                // Further mixes are for recordings, not for viewers of the live stream.
                for (_, _, packet) in enhanced
                    .body
                    .iter()
                    .filter(|(track, code, _)| *track == TrackId::PRIMARY && *code == FourCc::AAC)
                {
                    match packet {
                        AudioPacket::SequenceStart(config) => take(Carried::SoundHeader(config)),
                        AudioPacket::CodedFrames(data) => take(Carried::Sound(data)),
                        AudioPacket::SequenceEnd | AudioPacket::MultichannelConfig(_) => {}
                    }
                }
            }
            Ok(AudioTag::Empty) | Err(_) => {}
        },
    }
}

fn video(tag: &VideoTag<'_>, take: &mut impl FnMut(Carried<'_>)) {
    let is_idr = tag.frame_type() == FrameType::Key;
    let track = TrackId::PRIMARY;
    match tag {
        VideoTag::Legacy(legacy) => match legacy.body {
            LegacyVideoBody::AvcSequenceHeader(record) => {
                take(Carried::Header { track, codec: VideoCodec::Avc, record });
            }
            LegacyVideoBody::AvcNalUnits { composition_offset_ms: offset_ms, data } => {
                take(Carried::Picture { track, is_idr, offset_ms, data });
            }
            _ => {}
        },
        VideoTag::Enhanced(enhanced) => {
            let ExVideoBody::Tracks(tracks) = &enhanced.body else { return };
            for (track, four_cc, packet) in tracks.iter() {
                let codec = match four_cc {
                    FourCc::AVC => VideoCodec::Avc,
                    FourCc::HEVC => VideoCodec::Hevc,
                    _ => continue,
                };
                match *packet {
                    VideoPacket::SequenceStart(record) => take(Carried::Header { track, codec, record }),
                    VideoPacket::CodedFrames { composition_offset_ms: offset_ms, data } => {
                        take(Carried::Picture { track, is_idr, offset_ms, data });
                    }
                    VideoPacket::CodedFramesX(data) => {
                        take(Carried::Picture { track, is_idr, offset_ms: 0, data });
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The rendition that a decoder configuration record describes; `None` when it can not be read.
pub(super) fn video_config(track: TrackId, codec: VideoCodec, record: &[u8]) -> Option<VideoConfig> {
    let size: Size = match codec {
        VideoCodec::Avc => AvcDecoderConfig::parse(record).ok()?.sps.size,
        VideoCodec::Hevc => HevcDecoderConfig::parse(record).ok()?.sps.size,
    };
    Some(VideoConfig {
        track,
        codec,
        profile: VideoProfile::High,
        size,
        // RTMP tells times in milliseconds; the units of time that this makes are finer.
        rate: FrameRate::FPS_30,
        bitrate: Kbps(0),
        decoder_config: record.into(),
    })
}

/// The sound that an `AudioSpecificConfig` describes; `None` when it can not be read.
pub(super) fn sound_config(config: &[u8]) -> Option<AudioConfig> {
    let parsed = AudioSpecificConfig::parse(config).ok().filter(AudioSpecificConfig::is_aac_lc)?;
    Some(AudioConfig {
        track: TrackId::PRIMARY,
        codec: AudioCodec::AacLc,
        sample_rate_hz: parsed.sample_rate_hz,
        channels: parsed.channels.unwrap_or(2),
        bitrate: Kbps(0),
        decoder_config: config.into(),
    })
}
