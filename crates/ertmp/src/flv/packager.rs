//! Access units and decoder configurations as bodies of audio and video messages.

use alloc::vec::Vec;

use units::{AccessUnit, AudioConfig, Track, TrackConfig, TrackId, VideoConfig};

use super::timeline::composition_offset_ms;
use super::{
    AudioPacket, AudioTag, ExAudioTag, ExVideoBody, ExVideoTag, FourCc, FrameType, LegacyAudioBody,
    LegacyVideoBody, LegacyVideoTag, Tracks, VideoPacket, VideoTag,
};
use crate::error::Error;

/// How to package the primary tracks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// H.264 and AAC of track 0 as of FLV 10.1, which every receiver reads. What that cannot express, H.265 and the
    /// other tracks, is packaged as in [`Self::Enhanced`]; this is what most publishers send.
    #[default]
    Legacy,
    /// Track 0 in single-track Enhanced RTMP packets, as IVS asks for with multitrack video; the other tracks as
    /// multitrack packets of the kind OneTrack (IVS user guide, "Connect Using Enhanced RTMP").
    Enhanced,
}

/// The first message of a track: its decoder configuration.
///
/// # Errors
/// None in practice; the type is that of everything that encodes. So it is for the other starts and ends of tracks.
pub fn sequence_start(config: &TrackConfig, form: Form) -> Result<Vec<u8>, Error> {
    match config {
        TrackConfig::Video(config) => sequence_start_video(config, form),
        TrackConfig::Audio(config) => sequence_start_audio(config, form),
    }
}

/// The first message of a picture track.
///
/// # Errors
/// As [`sequence_start`].
pub fn sequence_start_video(config: &VideoConfig, form: Form) -> Result<Vec<u8>, Error> {
    let (track, four_cc) = (config.track, FourCc::from(config.codec));
    if is_legacy(track, four_cc, form) {
        return legacy_video(FrameType::Key, LegacyVideoBody::AvcSequenceHeader(&config.decoder_config));
    }
    enhanced_video(track, four_cc, FrameType::Key, VideoPacket::SequenceStart(&config.decoder_config))
}

/// The first message of a sound track.
///
/// # Errors
/// As [`sequence_start`].
pub fn sequence_start_audio(config: &AudioConfig, form: Form) -> Result<Vec<u8>, Error> {
    let (track, four_cc) = (config.track, FourCc::from(config.codec));
    if is_legacy(track, four_cc, form) {
        return AudioTag::legacy_aac(LegacyAudioBody::AacSequenceHeader(&config.decoder_config)).encode();
    }
    enhanced_audio(track, four_cc, AudioPacket::SequenceStart(&config.decoder_config))
}

/// The message of an access unit whose track is coded in `four_cc`.
///
/// # Errors
/// [`Error::Misused`] when the unit has a composition offset and the codec none.
pub fn coded_frame(unit: &AccessUnit, four_cc: FourCc, form: Form) -> Result<Vec<u8>, Error> {
    let data = &unit.data;
    match unit.track {
        Track::Video(track) => {
            let frame_type = match (unit.is_idr, unit.is_disposable) {
                (true, _) => FrameType::Key,
                (false, true) => FrameType::Disposable,
                (false, false) => FrameType::Inter,
            };
            let composition_offset_ms = composition_offset_ms(unit);
            if is_legacy(track, four_cc, form) {
                return legacy_video(
                    frame_type,
                    LegacyVideoBody::AvcNalUnits { composition_offset_ms, data },
                );
            }
            let packet = if composition_offset_ms == 0 && four_cc.has_composition_offset() {
                VideoPacket::CodedFramesX(data)
            } else {
                VideoPacket::CodedFrames { composition_offset_ms, data }
            };
            enhanced_video(track, four_cc, frame_type, packet)
        }
        Track::Audio(track) if is_legacy(track, four_cc, form) => {
            AudioTag::legacy_aac(LegacyAudioBody::AacRaw(data)).encode()
        }
        Track::Audio(track) => enhanced_audio(track, four_cc, AudioPacket::CodedFrames(data)),
    }
}

/// The last message of a track; `None` for legacy AAC, which has none.
///
/// # Errors
/// As [`sequence_start`].
pub fn sequence_end(track: Track, four_cc: FourCc, form: Form) -> Result<Option<Vec<u8>>, Error> {
    match track {
        Track::Video(track) if is_legacy(track, four_cc, form) => {
            legacy_video(FrameType::Key, LegacyVideoBody::AvcSequenceEnd).map(Some)
        }
        Track::Video(track) => {
            enhanced_video(track, four_cc, FrameType::Key, VideoPacket::SequenceEnd).map(Some)
        }
        Track::Audio(track) if is_legacy(track, four_cc, form) => Ok(None),
        Track::Audio(track) => enhanced_audio(track, four_cc, AudioPacket::SequenceEnd).map(Some),
    }
}

pub(super) fn is_legacy(track: TrackId, four_cc: FourCc, form: Form) -> bool {
    form == Form::Legacy && track == TrackId::PRIMARY && matches!(four_cc, FourCc::AVC | FourCc::AAC)
}

fn tracks<P>(track: TrackId, four_cc: FourCc, packet: P) -> Tracks<P> {
    if track == TrackId::PRIMARY {
        Tracks::Single { four_cc, packet }
    } else {
        Tracks::One { four_cc, track, packet }
    }
}

fn legacy_video(frame_type: FrameType, body: LegacyVideoBody<'_>) -> Result<Vec<u8>, Error> {
    VideoTag::Legacy(LegacyVideoTag { frame_type, body }).encode()
}

pub(super) fn enhanced_video(
    track: TrackId,
    four_cc: FourCc,
    frame_type: FrameType,
    packet: VideoPacket<'_>,
) -> Result<Vec<u8>, Error> {
    let body = ExVideoBody::Tracks(tracks(track, four_cc, packet));
    VideoTag::Enhanced(ExVideoTag { frame_type, mod_ex: Vec::new(), body }).encode()
}

fn enhanced_audio(track: TrackId, four_cc: FourCc, packet: AudioPacket<'_>) -> Result<Vec<u8>, Error> {
    let body = tracks(track, four_cc, packet);
    AudioTag::Enhanced(ExAudioTag { mod_ex: Vec::new(), body }).encode()
}

#[cfg(test)]
mod tests;
