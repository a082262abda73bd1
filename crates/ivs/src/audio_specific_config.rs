//! `AudioSpecificConfig` of AAC (ISO/IEC 14496-3, 1.6.2.1).

use crate::Error;
use crate::bits::BitReader;

const WHAT: &str = "AudioSpecificConfig";

/// ISO/IEC 14496-3, table 1.18, in Hz.
const SAMPLE_RATES_HZ: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// ISO/IEC 14496-3, table 1.17.
const AAC_LC: u8 = 2;
const SBR: u8 = 5;
const PS: u8 = 29;

/// What a decoder of AAC is told before the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Audio object type of the core (ISO/IEC 14496-3, table 1.17); 2 is AAC-LC.
    pub object_type: u8,
    /// Samples per second and channel of the core.
    pub sample_rate_hz: u32,
    /// Channels; `None` when they are described in a program config element.
    pub channels: Option<u8>,
    /// Spectral band replication is signalled, explicitly or in the backward compatible way: HE-AAC.
    pub spectral_band_replication: bool,
    /// Samples per frame and channel: 1024, or 960.
    pub frame_samples: u16,
}

impl AudioSpecificConfig {
    /// Reads `bytes`.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the bytes do not follow the standard.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(bytes, WHAT);
        let mut object_type = object_type(&mut bits)?;
        let sample_rate_hz = sample_rate(&mut bits)?;
        let channel_configuration = bits.unsigned(4)?;
        let mut spectral_band_replication = false;
        if matches!(object_type, SBR | PS) {
            spectral_band_replication = true;
            sample_rate(&mut bits)?;
            object_type = self::object_type(&mut bits)?;
        }
        let short_frames = bits.flag()?;
        if !spectral_band_replication && backward_compatible_sbr(&mut bits, channel_configuration) {
            spectral_band_replication = true;
        }
        let channels = match channel_configuration {
            0 => None,
            1..=6 => Some(channel_configuration as u8),
            7 => Some(8),
            _ => {
                return Err(Error::Malformed { what: WHAT, why: "the channel configuration is reserved" });
            }
        };
        let frame_samples = if short_frames { 960 } else { 1024 };
        Ok(Self { object_type, sample_rate_hz, channels, spectral_band_replication, frame_samples })
    }

    /// Whether this is AAC-LC and nothing more.
    pub const fn is_aac_lc(&self) -> bool {
        self.object_type == AAC_LC && !self.spectral_band_replication
    }
}

fn object_type(bits: &mut BitReader<'_>) -> Result<u8, Error> {
    let short = bits.unsigned(5)?;
    let object_type = if short == 31 { 32 + bits.unsigned(6)? } else { short };
    // At most 32 + 63.
    Ok(object_type as u8)
}

fn sample_rate(bits: &mut BitReader<'_>) -> Result<u32, Error> {
    let index = bits.unsigned(4)?;
    if index == 15 {
        return bits.unsigned(24);
    }
    usize::try_from(index)
        .ok()
        .and_then(|index| SAMPLE_RATES_HZ.get(index).copied())
        .ok_or(Error::Malformed { what: WHAT, why: "the sample rate is reserved" })
}

/// Looks for the sync extension 0x2b7 behind a GASpecificConfig without program config element. Its absence or a cut
/// is no error: old encoders write nothing there.
fn backward_compatible_sbr(bits: &mut BitReader<'_>, channel_configuration: u32) -> bool {
    let mut look = || -> Result<bool, Error> {
        if bits.flag()? {
            bits.unsigned(14)?; // coreCoderDelay
        }
        bits.flag()?; // extensionFlag
        if channel_configuration == 0 || bits.remaining() < 17 || bits.unsigned(11)? != 0x2b7 {
            return Ok(false);
        }
        Ok(object_type(bits)? == SBR && bits.flag()?)
    };
    look().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_encoders_write() {
        // AAC-LC, 48 kHz, stereo.
        let config = AudioSpecificConfig::parse(&[0x11, 0x90]).unwrap();
        assert!(config.is_aac_lc());
        assert_eq!((config.sample_rate_hz, config.channels, config.frame_samples), (48_000, Some(2), 1024));
        // The same with an explicit "no SBR" behind it, as ffmpeg writes.
        assert!(AudioSpecificConfig::parse(&[0x11, 0x90, 0x56, 0xe5, 0x00]).unwrap().is_aac_lc());
        // 44.1 kHz mono.
        let mono = AudioSpecificConfig::parse(&[0x12, 0x08]).unwrap();
        assert_eq!((mono.sample_rate_hz, mono.channels), (44_100, Some(1)));
        // HE-AAC signalled explicitly, and in the backward compatible way.
        let explicit = AudioSpecificConfig::parse(&[0x2b, 0x11, 0x88, 0x00]).unwrap();
        assert!(explicit.spectral_band_replication && !explicit.is_aac_lc());
        assert!(!AudioSpecificConfig::parse(&[0x13, 0x10, 0x56, 0xe5, 0x98]).unwrap().is_aac_lc());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = AudioSpecificConfig::parse(&bytes);
        }
    }
}
