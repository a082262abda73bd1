//! From FLV tag bodies, as RTMP carries them, to what is judged.

use ertmp::MediaKind;
use ertmp::flv::{
    AudioPacket, AudioTag, ExVideoBody, FourCc, FrameType, LegacyAudioBody, LegacyVideoBody, Tracks,
    VideoPacket, VideoTag,
};
use units::{Dts, MediaTime, Pts, TrackId, VideoCodec};

use super::finding::{Finding, Severity, code};
use super::packaging::Form;
use super::{Judge, Picture, Sound};
use crate::limits::MultitrackInput;

impl Judge {
    /// The body of an audio or video message (or FLV tag) with its timestamp in milliseconds, which may wrap.
    pub fn flv_tag(&mut self, kind: MediaKind, timestamp_ms: u32, body: &[u8], now: MediaTime) {
        let at_ms = self.timestamps.unwrap_ms(timestamp_ms);
        let read = match kind {
            MediaKind::Video => VideoTag::decode(body).map(|tag| self.video_tag(&tag, at_ms, now)),
            MediaKind::Audio => AudioTag::decode(body).map(|tag| self.audio_tag(&tag, at_ms, now)),
        };
        if let Err(error) = read {
            self.heard(now);
            let sentence = format!("A message can not be read: {error}.");
            self.report(Finding::new(Severity::Warning, code::MALFORMED, now, sentence, ""));
        }
    }

    fn video_tag(&mut self, tag: &VideoTag<'_>, at_ms: i64, now: MediaTime) {
        let keyframe = tag.frame_type() == FrameType::Key;
        match tag {
            VideoTag::Legacy(legacy) => match &legacy.body {
                LegacyVideoBody::AvcSequenceHeader(record) => {
                    self.heard(now);
                    self.packaged(TrackId::PRIMARY, Form::Legacy, true, now);
                    self.video_config(TrackId::PRIMARY, VideoCodec::Avc, record, now);
                }
                LegacyVideoBody::AvcNalUnits { composition_offset_ms, data } => {
                    self.packaged(TrackId::PRIMARY, Form::Legacy, false, now);
                    let track = TrackId::PRIMARY;
                    self.coded_picture(track, keyframe, at_ms, *composition_offset_ms, data, now);
                }
                LegacyVideoBody::AvcSequenceEnd => {
                    self.heard(now);
                    self.track_ended(TrackId::PRIMARY);
                }
                LegacyVideoBody::Command { .. } => self.heard(now),
                LegacyVideoBody::Other { codec_id, .. } => {
                    self.heard(now);
                    self.other_video_codec(TrackId::PRIMARY, legacy_video_codec(*codec_id), now);
                }
            },
            VideoTag::Enhanced(enhanced) => match &enhanced.body {
                ExVideoBody::Command(_) => self.heard(now),
                ExVideoBody::Tracks(tracks) if tracks.is_multitrack() && !self.takes_several(now) => {}
                ExVideoBody::Tracks(tracks) => {
                    let form = form(tracks);
                    for (track, four_cc, packet) in tracks.iter() {
                        self.video_packet((track, four_cc, form), packet, keyframe, at_ms, now);
                    }
                }
            },
        }
    }

    fn video_packet(
        &mut self,
        (track, four_cc, form): (TrackId, FourCc, Form),
        packet: &VideoPacket<'_>,
        keyframe: bool,
        at_ms: i64,
        now: MediaTime,
    ) {
        let codec = match four_cc {
            FourCc::AVC => VideoCodec::Avc,
            FourCc::HEVC => VideoCodec::Hevc,
            other => {
                self.heard(now);
                self.other_video_codec(track, &other.to_string(), now);
                return;
            }
        };
        match packet {
            VideoPacket::SequenceStart(record) => {
                self.heard(now);
                self.packaged(track, form, true, now);
                self.video_config(track, codec, record, now);
            }
            VideoPacket::CodedFrames { data, .. } | VideoPacket::CodedFramesX(data) => {
                if !self.takes_coded(track, codec, now) {
                    self.heard(now);
                    return;
                }
                self.packaged(track, form, false, now);
                let offset_ms = match packet {
                    VideoPacket::CodedFrames { composition_offset_ms, .. } => *composition_offset_ms,
                    _ => 0,
                };
                self.coded_picture(track, keyframe, at_ms, offset_ms, data, now);
            }
            VideoPacket::SequenceEnd => {
                self.heard(now);
                self.track_ended(track);
            }
            VideoPacket::Metadata(_) | VideoPacket::Mpeg2TsSequenceStart(_) => self.heard(now),
        }
    }

    fn audio_tag(&mut self, tag: &AudioTag<'_>, at_ms: i64, now: MediaTime) {
        match tag {
            AudioTag::Empty => self.heard(now),
            AudioTag::Legacy(legacy) => match &legacy.body {
                LegacyAudioBody::AacSequenceHeader(config) => {
                    self.heard(now);
                    self.audio_config(TrackId::PRIMARY, config, now);
                }
                LegacyAudioBody::AacRaw(data) => self.coded_sound(TrackId::PRIMARY, at_ms, data, now),
                LegacyAudioBody::Other { format, .. } => {
                    self.heard(now);
                    self.refuse_audio_codec(legacy_audio_codec(*format), now);
                }
            },
            AudioTag::Enhanced(enhanced) if enhanced.body.is_multitrack() && !self.takes_several(now) => {}
            AudioTag::Enhanced(enhanced) => {
                for (track, four_cc, packet) in enhanced.body.iter() {
                    self.audio_packet(track, four_cc, packet, at_ms, now);
                }
            }
        }
    }

    fn audio_packet(
        &mut self,
        track: TrackId,
        four_cc: FourCc,
        packet: &AudioPacket<'_>,
        at_ms: i64,
        now: MediaTime,
    ) {
        if four_cc != FourCc::AAC {
            self.heard(now);
            self.refuse_audio_codec(&four_cc.to_string(), now);
            return;
        }
        match packet {
            AudioPacket::SequenceStart(config) => {
                self.heard(now);
                self.audio_config(track, config, now);
            }
            AudioPacket::CodedFrames(data) => self.coded_sound(track, at_ms, data, now),
            AudioPacket::SequenceEnd | AudioPacket::MultichannelConfig(_) => self.heard(now),
        }
    }

    /// Whether messages in multitrack form are taken; such messages are refused as a whole else, even for track 0.
    fn takes_several(&mut self, now: MediaTime) -> bool {
        let takes = self.policy() != MultitrackInput::NotAllowed;
        if !takes {
            self.heard(now);
            self.refuse_multitrack(now);
        }
        takes
    }

    fn coded_picture(
        &mut self,
        track: TrackId,
        keyframe: bool,
        at_ms: i64,
        offset_ms: i32,
        data: &[u8],
        now: MediaTime,
    ) {
        let dts = Dts::from_millis(at_ms);
        let pts = Pts::from_millis(at_ms.saturating_add(i64::from(offset_ms)));
        self.picture(&Picture { track, dts, pts, keyframe, data }, now);
    }

    fn coded_sound(&mut self, track: TrackId, at_ms: i64, data: &[u8], now: MediaTime) {
        let pts = Pts::from_millis(at_ms);
        self.sound(&Sound { track, pts, bytes: data.len() }, now);
    }
}

fn form(tracks: &Tracks<VideoPacket<'_>>) -> Form {
    match tracks {
        Tracks::Single { .. } => Form::Single,
        Tracks::One { .. } => Form::OneTrack,
        Tracks::Many { .. } | Tracks::ManyCodecs { .. } => Form::ManyTracks,
    }
}

/// Names of the codec ids of FLV 10.1, E.4.3.1.
const fn legacy_video_codec(id: u8) -> &'static str {
    match id {
        2 => "Sorenson H.263",
        3 | 6 => "Screen video",
        4 | 5 => "On2 VP6",
        _ => "an unknown code",
    }
}

/// Names of the sound formats of FLV 10.1, E.4.2.1.
const fn legacy_audio_codec(format: u8) -> &'static str {
    match format {
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711",
        11 => "Speex",
        _ => "an unknown code",
    }
}
