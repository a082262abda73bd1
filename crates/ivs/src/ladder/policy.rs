//! The policy that grants a ladder.

use serde_json::json;
use units::{FrameRate, Kbps, Size, VideoCodec, VideoProfile};

use super::ResolutionClass;
use crate::client_configuration::EncoderConfiguration;

/// What a ladder is wanted for. `None` leaves the choice to the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The largest picture there is: the canvas, or what the person wants of it.
    pub canvas: Size,
    /// Frames per second that are composed.
    pub rate: FrameRate,
    /// Most video tracks.
    pub max_tracks: Option<u32>,
    /// Most that all video tracks together may take.
    pub max_bitrate: Option<Kbps>,
    /// Largest class of rendition.
    pub max_resolution: Option<ResolutionClass>,
    /// Codes that can be encoded, the preferred first; none given means AVC (the API reference, ClientDescription).
    pub codecs: Vec<VideoCodec>,
}

/// A granted rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Picture size, both sides even.
    pub size: Size,
    /// Frames per second; divides the canvas's.
    pub rate: FrameRate,
    /// Nominal bitrate.
    pub bitrate: Kbps,
    /// Bitrates to go down by, from 0 to the nominal; as many in every rung.
    pub points: Vec<Kbps>,
    /// The profile.
    pub profile: VideoProfile,
    /// The code.
    pub codec: VideoCodec,
}

/// Why no ladder is granted: always something the person can change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LadderRefusal {
    /// The canvas's rate is none of the service's (the guide, "Handling Warnings and Errors").
    #[error(
        "a canvas of {rate} frames per second can not be sent as multitrack video; choose 24, 25, 30, 48, 50 or 60"
    )]
    FrameRate {
        /// The canvas's rate.
        rate: FrameRate,
    },
    /// The canvas is smaller than the lowest rendition.
    #[error("a canvas of {canvas} is too small for multitrack video; it must be at least 160 pixels high")]
    CanvasTooSmall {
        /// The canvas.
        canvas: Size,
    },
    /// Not even the lowest rendition fits.
    #[error("{limit} is too little for multitrack video; the smallest rendition takes {needed}")]
    BitrateTooLow {
        /// What was allowed.
        limit: Kbps,
        /// What the smallest ladder takes.
        needed: Kbps,
    },
    /// No track is allowed.
    #[error("multitrack video needs at least one video track")]
    NoTracks,
}

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

/// Grants a ladder, the highest rung first.
///
/// # Errors
/// [`LadderRefusal`] with what to change.
pub fn grant(wish: &Wish) -> Result<Vec<Rung>, LadderRefusal> {
    Err(LadderRefusal::CanvasTooSmall { canvas: wish.canvas })
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

    /// The name of its encoder for `codec` in answers (obs-multitrack.md 1.10).
    pub const fn encoder_type(self, codec: VideoCodec) -> &'static str {
        match (self, codec) {
            (Self::Nvenc, VideoCodec::Avc) => "obs_nvenc_h264_tex",
            (Self::Nvenc, VideoCodec::Hevc) => "obs_nvenc_hevc_tex",
            (Self::Amf, VideoCodec::Avc) => "h264_texture_amf",
            (Self::Amf, VideoCodec::Hevc) => "h265_texture_amf",
            (Self::Qsv, VideoCodec::Avc) => "obs_qsv11_v2",
            (Self::Qsv, VideoCodec::Hevc) => "obs_qsv11_hevc",
            (Self::Software, VideoCodec::Avc) => "obs_x264",
            (Self::Software, VideoCodec::Hevc) => "obs_x265",
        }
    }
}

impl Rung {
    /// This rung as an answer of the service would put it for an encoder of `family`.
    pub fn configuration(&self, family: EncoderFamily) -> EncoderConfiguration {
        let mut configuration = EncoderConfiguration::new(family.encoder_type(self.codec), self.size);
        configuration.rate = Some(self.rate);
        configuration.bitrate_interpolation_points.clone_from(&self.points);
        configuration.settings.insert("bitrate".into(), json!(self.bitrate.0));
        configuration
    }
}
