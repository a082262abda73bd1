//! What the numbers of pictures mean as colours, told outside of the pictures (E-RTMP v2, "Metadata Frame").

use alloc::vec::Vec;

use units::{TrackId, VideoConfig};

use super::packager::{Form, enhanced_video, is_legacy};
use super::{FourCc, FrameType, VideoPacket};
use crate::amf0::{self, Value, properties};
use crate::error::Error;

/// BT.709 as primaries, transfer characteristics and matrix coefficients (ITU-T H.273, tables 2 to 4).
const BT_709: f64 = 1.0;
/// Bits per sample, of which limited range uses 16 to 235.
const BITS: f64 = 8.0;

/// The message that tells the colours of the primary track, to be sent ahead of its first picture; `None` in legacy
/// form, which has no place for it, and for other tracks. Every rendition is BT.709 in 8 bits of limited range: the
/// canvas is, and scaling does not change that. The range itself is not part of `colorInfo`; it is in the sequence
/// parameter set.
///
/// It has the frame type of a command, which the grammar allows in front of metadata of a single track only (E-RTMP v2,
/// "Enhanced Video", ExVideoTagHeader): ffmpeg 9 hands metadata with any other frame type to the decoder as a picture.
/// So the other tracks go without; their sequence parameter sets say the same.
///
/// # Errors
/// None in practice; the type is that of everything that encodes.
pub fn colour_info(config: &VideoConfig, form: Form) -> Result<Option<Vec<u8>>, Error> {
    let four_cc = FourCc::from(config.codec);
    if config.track != TrackId::PRIMARY || is_legacy(config.track, four_cc, form) {
        return Ok(None);
    }
    let colours = properties([
        ("bitDepth", Value::from(BITS)),
        ("colorPrimaries", Value::from(BT_709)),
        ("transferCharacteristics", Value::from(BT_709)),
        ("matrixCoefficients", Value::from(BT_709)),
    ]);
    let info = properties([("colorConfig", Value::Object(colours))]);
    let mut data = Vec::new();
    amf0::encode(&Value::from("colorInfo"), &mut data)?;
    amf0::encode(&Value::Object(info), &mut data)?;
    enhanced_video(config.track, four_cc, FrameType::Command, VideoPacket::Metadata(&data)).map(Some)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use units::{FrameRate, Kbps, Size, VideoCodec, VideoProfile};

    use super::*;

    fn config(track: u8, codec: VideoCodec) -> VideoConfig {
        VideoConfig {
            track: TrackId(track),
            codec,
            profile: VideoProfile::Main,
            size: Size::new(1280, 720).unwrap(),
            rate: FrameRate::FPS_30,
            bitrate: Kbps(2_500),
            decoder_config: vec![].into(),
        }
    }

    #[test]
    fn the_primary_track_tells_its_colours_as_a_command_and_no_other_does() {
        for (codec, four_cc) in [(VideoCodec::Avc, *b"avc1"), (VideoCodec::Hevc, *b"hvc1")] {
            let body = colour_info(&config(0, codec), Form::Enhanced).unwrap().unwrap();
            assert_eq!(body[..8], [&[0xD4], &four_cc[..], &[0x02, 0x00, 0x09]].concat());
            assert_eq!(&body[8..17], b"colorInfo");
            assert_eq!(colour_info(&config(1, codec), Form::Enhanced), Ok(None));
        }
        assert_eq!(colour_info(&config(0, VideoCodec::Avc), Form::Legacy), Ok(None));
    }
}
