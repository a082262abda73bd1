//! What the numbers of pictures mean as colours, told outside of the pictures (E-RTMP v2, "Metadata Frame").

use alloc::vec::Vec;

use units::VideoConfig;

use super::packager::{Form, enhanced_video, is_legacy};
use super::{FourCc, FrameType, VideoPacket};
use crate::amf0::{self, Value, properties};
use crate::error::Error;

/// BT.709 as primaries, transfer characteristics and matrix coefficients (ITU-T H.273, tables 2 to 4).
const BT_709: f64 = 1.0;
/// Bits per sample, of which limited range uses 16 to 235.
const BITS: f64 = 8.0;

/// The message that tells the colours of a track, to be sent ahead of its first picture; `None` for a track in legacy
/// form, which has no place for it. Every rendition is BT.709 in 8 bits of limited range: the canvas is, and scaling
/// does not change that. The range itself is not part of `colorInfo`; it is in the sequence parameter set.
///
/// # Errors
/// None in practice; the type is that of everything that encodes.
pub fn colour_info(config: &VideoConfig, form: Form) -> Result<Option<Vec<u8>>, Error> {
    let four_cc = FourCc::from(config.codec);
    if is_legacy(config.track, four_cc, form) {
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
    // The frame type means nothing in front of metadata; 0 is customary.
    enhanced_video(config.track, four_cc, FrameType::Other(0), VideoPacket::Metadata(&data)).map(Some)
}
