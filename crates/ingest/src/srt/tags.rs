//! From a transport stream to the messages that RTMP would carry, which judge and viewers understand.

use ertmp::MediaKind;
use ertmp::flv::{AudioTag, FrameType, LegacyAudioBody, LegacyVideoBody, LegacyVideoTag, VideoTag};
use ivs::transport_stream::Item;
use units::TrackId;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: MediaKind,
    /// In milliseconds; wraps after 49.7 days.
    pub(super) timestamp_ms: u32,
    /// As the body of an FLV tag.
    pub(super) body: Vec<u8>,
}

/// Makes messages of items of the first track of each kind.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Decoder configurations that wait for the time of what they are for.
    video_config: Option<Vec<u8>>,
    audio_config: Option<Vec<u8>>,
}

impl Messages {
    /// The messages that `item` makes, in order. `Err` when it can not be carried: then it is lost.
    pub(super) fn make(&mut self, item: Item) -> Result<Vec<Message>, ertmp::Error> {
        let mut made = Vec::new();
        match item {
            Item::VideoConfig { track: TrackId::PRIMARY, record } => self.video_config = Some(record),
            Item::AudioConfig { track: TrackId::PRIMARY, config } => self.audio_config = Some(config),
            Item::Picture { track: TrackId::PRIMARY, dts, pts, is_idr, data } => {
                let at_ms = dts.as_millis();
                if let Some(record) = self.video_config.take() {
                    made.push(video(at_ms, true, LegacyVideoBody::AvcSequenceHeader(&record))?);
                }
                let offset = pts.as_millis().saturating_sub(at_ms);
                let composition_offset_ms = i32::try_from(offset).unwrap_or(i32::MAX);
                made.push(video(
                    at_ms,
                    is_idr,
                    LegacyVideoBody::AvcNalUnits { composition_offset_ms, data: &data },
                )?);
            }
            Item::Sound { track: TrackId::PRIMARY, pts, data } => {
                let at_ms = pts.as_millis();
                if let Some(config) = self.audio_config.take() {
                    made.push(audio(at_ms, LegacyAudioBody::AacSequenceHeader(&config))?);
                }
                made.push(audio(at_ms, LegacyAudioBody::AacRaw(&data))?);
            }
            _ => {}
        }
        Ok(made)
    }
}

fn video(at_ms: i64, is_key: bool, body: LegacyVideoBody<'_>) -> Result<Message, ertmp::Error> {
    let frame_type = if is_key { FrameType::Key } else { FrameType::Inter };
    let body = VideoTag::Legacy(LegacyVideoTag { frame_type, body }).encode()?;
    Ok(Message { kind: MediaKind::Video, timestamp_ms: wrap(at_ms), body })
}

fn audio(at_ms: i64, body: LegacyAudioBody<'_>) -> Result<Message, ertmp::Error> {
    let body = AudioTag::legacy_aac(body).encode()?;
    Ok(Message { kind: MediaKind::Audio, timestamp_ms: wrap(at_ms), body })
}

fn wrap(ms: i64) -> u32 {
    // The lower 32 bits, also of a time before zero.
    u32::try_from(ms.rem_euclid(1 << 32)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use units::{Dts, Pts};

    use super::*;

    #[test]
    fn a_configuration_waits_for_the_time_of_its_picture() {
        let mut messages = Messages::default();
        let track = TrackId::PRIMARY;
        assert_eq!(messages.make(Item::VideoConfig { track, record: vec![1, 2] }).unwrap(), []);
        let picture = |ms: i64, is_idr| Item::Picture {
            track,
            dts: Dts::from_millis(ms),
            pts: Pts::from_millis(ms + 33),
            is_idr,
            data: vec![0, 0, 0, 1, 0x65],
        };
        let made = messages.make(picture(3_600_000, true)).unwrap();
        let expected = [vec![0x17, 0, 0, 0, 0, 1, 2], vec![0x17, 1, 0, 0, 33, 0, 0, 0, 1, 0x65]];
        assert_eq!(made.iter().map(|message| message.body.clone()).collect::<Vec<_>>(), expected);
        assert!(made.iter().all(|message| message.timestamp_ms == 3_600_000));
        let made = messages.make(picture((1 << 32) + 5, false)).unwrap();
        assert_eq!((made.len(), made[0].timestamp_ms, made[0].body[0]), (1, 5, 0x27));
        // Another track is not carried.
        let sound = Item::Sound { track: TrackId(1), pts: Pts::from_millis(0), data: vec![1] };
        assert_eq!(messages.make(sound).unwrap(), []);
    }

    #[test]
    fn sound_is_raw_aac_behind_its_configuration() {
        let mut messages = Messages::default();
        let track = TrackId::PRIMARY;
        messages.make(Item::AudioConfig { track, config: vec![0x11, 0x90] }).unwrap();
        let made = messages.make(Item::Sound { track, pts: Pts::from_millis(-1), data: vec![7] }).unwrap();
        assert_eq!(
            made.iter().map(|message| message.body.clone()).collect::<Vec<_>>(),
            [vec![0xaf, 0, 0x11, 0x90], vec![0xaf, 1, 7]]
        );
        assert_eq!(made[1].timestamp_ms, u32::MAX);
    }
}
