//! A granted rung as an answer of the service puts it.

use serde_json::{Map, Value, json};
use units::{VideoCodec, VideoProfile};

use super::Rung;
use crate::client_configuration::{EncoderConfiguration, SchemaVersion};
use crate::limits::KEYFRAME_INTERVAL;

/// Encoders as the service names them, by vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncoderFamily {
    /// NVIDIA.
    Nvenc,
    /// AMD.
    Amf,
    /// Intel.
    Qsv,
    /// The processor; granted in rehearsals only, the service wants a graphics card.
    Software,
}

impl EncoderFamily {
    /// The family of a graphics card by its PCI vendor id; `None` for vendors without an encoder that is known.
    pub const fn of_vendor(vendor_id: u32) -> Option<Self> {
        match vendor_id {
            0x10de => Some(Self::Nvenc),
            0x1002 => Some(Self::Amf),
            0x8086 => Some(Self::Qsv),
            _ => None,
        }
    }

    /// The name of its encoder for `codec` in answers of `version` (the API reference, EncoderConfiguration, for
    /// NVENC of the earlier version; obs-multitrack.md 1.10 for all others; software HEVC has none anywhere).
    pub const fn encoder_type(self, codec: VideoCodec, version: SchemaVersion) -> &'static str {
        match (self, codec, version) {
            (Self::Nvenc, VideoCodec::Avc, SchemaVersion::V2024_06_04) => "jim_nvenc",
            (Self::Nvenc, VideoCodec::Hevc, SchemaVersion::V2024_06_04) => "jim_hevc_nvenc",
            (Self::Nvenc, VideoCodec::Avc, _) => "obs_nvenc_h264_tex",
            (Self::Nvenc, VideoCodec::Hevc, _) => "obs_nvenc_hevc_tex",
            (Self::Amf, VideoCodec::Avc, _) => "h264_texture_amf",
            (Self::Amf, VideoCodec::Hevc, _) => "h265_texture_amf",
            (Self::Qsv, VideoCodec::Avc, _) => "obs_qsv11_v2",
            (Self::Qsv, VideoCodec::Hevc, _) => "obs_qsv11_hevc",
            (Self::Software, VideoCodec::Avc, _) => "obs_x264",
            (Self::Software, VideoCodec::Hevc, _) => "obs_x265",
        }
    }

    /// What its encoder is set to besides rate control and profile: NVENC as it was granted (obs-multitrack.md 1.13),
    /// AMF and QSV with the keys that theirs read, software as fast and without delay as a shared processor needs.
    fn settings(self, version: SchemaVersion) -> Value {
        match (self, version) {
            (Self::Nvenc, SchemaVersion::V2024_06_04) => json!({
                "bf": 2, "preset2": "p5", "tune": "hq", "lookahead": false, "psycho_aq": true,
            }),
            (Self::Nvenc, SchemaVersion::V2025_01_25) => json!({
                "bf": 2, "preset": "p5", "tune": "hq", "multipass": "qres", "lookahead": false,
                "adaptive_quantization": true,
            }),
            (Self::Amf, _) => json!({ "bf": 0, "preset": "quality" }),
            (Self::Qsv, _) => json!({ "bframes": 0, "target_usage": "TU4" }),
            (Self::Software, _) => json!({ "bf": 0, "preset": "veryfast", "tune": "zerolatency" }),
        }
    }
}

impl Rung {
    /// This rung as an answer of `version` puts it for an encoder of `family`.
    pub fn configuration(&self, family: EncoderFamily, version: SchemaVersion) -> EncoderConfiguration {
        let mut configuration =
            EncoderConfiguration::new(family.encoder_type(self.codec, version), self.size);
        configuration.rate = Some(self.rate);
        configuration.bitrate_interpolation_points.clone_from(&self.points);
        configuration.settings = match family.settings(version) {
            Value::Object(settings) => settings,
            _ => Map::new(),
        };
        let keyint_sec = KEYFRAME_INTERVAL.value.as_millis() / 1000;
        for (key, value) in [
            ("rate_control", json!("CBR")),
            ("bitrate", json!(self.bitrate.0)),
            ("keyint_sec", json!(keyint_sec)),
            ("profile", json!(profile_name(self.profile))),
        ] {
            configuration.settings.insert(key.into(), value);
        }
        configuration
    }
}

/// The API reference, VideoTrackSettings.
const fn profile_name(profile: VideoProfile) -> &'static str {
    match profile {
        VideoProfile::ConstrainedBaseline => "baseline",
        VideoProfile::Main => "main",
        VideoProfile::High => "high",
    }
}
