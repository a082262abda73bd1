//! The encoders we know: the fallback order, and the one table of what each generic setting is called by each of
//! them, in which unit. One file per back end.
//!
//! Property names and units are those of GStreamer's own element documentation, 1.22 (Debian 12) and 1.28 (shipped on
//! Windows); where a name changed between them both are listed and the one that exists is used. NVENC and Media
//! Foundation elements multiply their "kbit" by 1024, so a true kilobit is converted here.

use std::fmt;

use units::{Kbps, VideoCodec, VideoProfile};

pub(crate) use crate::nvenc::LIBRARY as NVENC_LIBRARY;
use crate::property::{Assignment, Honoured, NotHonoured, Value};
use crate::rendition::RenditionConfig;

mod amf;
mod media_foundation;
mod nvenc;
mod nvenc_direct;
mod openh264;
mod quick_sync;
pub(crate) mod setting;
mod x264;
mod x265;

/// An encoder family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BackendKind {
    /// NVIDIA, spoken to through its driver.
    NvencDirect,
    /// NVIDIA, `nvh264enc` and `nvh265enc`.
    Nvenc,
    /// AMD, `amfh264enc` and `amfh265enc`.
    Amf,
    /// Intel, `qsvh264enc` and `qsvh265enc`.
    QuickSync,
    /// Whatever Windows offers, `mfh264enc` and `mfh265enc`.
    MediaFoundation,
    /// Software, `x264enc`; H.264 only.
    X264,
    /// Software, `x265enc`; H.265 only.
    X265,
    /// Software of last resort, `openh264enc`; H.264 only.
    OpenH264,
}

/// Order in which encoders are tried: hardware by vendor, then what the system offers, then software. Those that do
/// not make the wanted code are passed over.
pub const FALLBACK_ORDER: [BackendKind; 8] = [
    BackendKind::NvencDirect,
    BackendKind::Nvenc,
    BackendKind::Amf,
    BackendKind::QuickSync,
    BackendKind::MediaFoundation,
    BackendKind::X264,
    BackendKind::X265,
    BackendKind::OpenH264,
];

/// All codes, H.264 first.
pub(crate) const CODECS: [VideoCodec; 2] = [VideoCodec::Avc, VideoCodec::Hevc];

impl BackendKind {
    /// Name of what makes `codec`, a GStreamer element or a driver's library; `None` where the family makes no such
    /// code.
    pub const fn element_for(self, codec: VideoCodec) -> Option<&'static str> {
        Some(match (self, codec) {
            (Self::NvencDirect, _) => NVENC_LIBRARY,
            (Self::Nvenc, VideoCodec::Avc) => "nvh264enc",
            (Self::Nvenc, VideoCodec::Hevc) => "nvh265enc",
            (Self::Amf, VideoCodec::Avc) => "amfh264enc",
            (Self::Amf, VideoCodec::Hevc) => "amfh265enc",
            (Self::QuickSync, VideoCodec::Avc) => "qsvh264enc",
            (Self::QuickSync, VideoCodec::Hevc) => "qsvh265enc",
            (Self::MediaFoundation, VideoCodec::Avc) => "mfh264enc",
            (Self::MediaFoundation, VideoCodec::Hevc) => "mfh265enc",
            (Self::X264, VideoCodec::Avc) => "x264enc",
            (Self::X265, VideoCodec::Hevc) => "x265enc",
            (Self::OpenH264, VideoCodec::Avc) => "openh264enc",
            (Self::X264 | Self::OpenH264, VideoCodec::Hevc) | (Self::X265, VideoCodec::Avc) => return None,
        })
    }

    /// Name of what codes, the family's first where there are several: the one for H.264 where it makes that.
    pub const fn element(self) -> &'static str {
        match (self.element_for(VideoCodec::Avc), self.element_for(VideoCodec::Hevc)) {
            (Some(element), _) | (None, Some(element)) => element,
            (None, None) => "",
        }
    }

    /// The back end that codes with an element or a library called `element`; “nvenc” is the driver's by whatever name
    /// it has here.
    pub fn from_element(element: &str) -> Option<Self> {
        if element == "nvenc" {
            return Some(Self::NvencDirect);
        }
        let named = |kind: &Self| CODECS.iter().any(|codec| kind.element_for(*codec) == Some(element));
        FALLBACK_ORDER.into_iter().find(named)
    }

    /// Whether it runs on a GPU's encoder block. Media Foundation may, we can not know.
    pub const fn is_hardware(self) -> bool {
        matches!(self, Self::NvencDirect | Self::Nvenc | Self::Amf | Self::QuickSync | Self::MediaFoundation)
    }

    /// Whether it takes pictures that stay in the graphics adapter's memory, [`units::EncoderPicture::Texture`]. None of
    /// the GStreamer elements is given any.
    pub const fn takes_textures(self) -> bool {
        cfg!(windows) && matches!(self, Self::NvencDirect)
    }

    /// PCI id of the maker whose graphics cards it runs on; `None` where it runs on any, or on the processor.
    pub const fn vendor_id(self) -> Option<u32> {
        match self {
            Self::NvencDirect | Self::Nvenc => Some(0x10DE),
            Self::Amf => Some(0x1002),
            Self::QuickSync => Some(0x8086),
            Self::MediaFoundation | Self::X264 | Self::X265 | Self::OpenH264 => None,
        }
    }

    /// The profile that is really coded when `wanted` is asked: OpenH264 stays with Constrained Baseline, whose
    /// pictures every decoder takes and which needs no CABAC.
    pub(crate) const fn profile(self, wanted: VideoProfile) -> VideoProfile {
        match self {
            Self::OpenH264 => VideoProfile::ConstrainedBaseline,
            _ => wanted,
        }
    }

    /// B-pictures between two others that this family makes of what `config` asks.
    pub(crate) fn b_frames(self, config: &RenditionConfig) -> u8 {
        let asked = config.settings.effective_b_frames();
        match (self, config.codec) {
            (Self::X265 | Self::OpenH264, _) | (Self::Amf, VideoCodec::Hevc) => 0,
            // The most that the elements take.
            (Self::Amf, VideoCodec::Avc) => asked.min(3),
            (Self::MediaFoundation, _) => asked.min(2),
            _ => asked,
        }
    }

    /// By how many pictures decoding runs ahead of showing, at most. B-pictures are referred to by others only where
    /// NVENC was asked for it, and where Media Foundation does as it pleases.
    pub(crate) fn reorder_depth(self, config: &RenditionConfig) -> usize {
        match (self, self.b_frames(config)) {
            (_, 0) => 0,
            (Self::MediaFoundation, _) => 2,
            (Self::NvencDirect, b_frames) if b_frames > 1 && config.settings.b_reference.is_some() => 2,
            _ => 1,
        }
    }

    /// Whether a changed bitrate makes the encoder begin anew with an IDR, so that it may change only where one is
    /// scheduled. Seen with x265 3.5 in GStreamer 1.22; the elements of hardware encoders reconfigure without, as their
    /// documentation says.
    pub const fn changes_bitrate_by_idr(self) -> bool {
        matches!(self, Self::X265)
    }

    /// `bitrate` in the unit of the family's elements, rounded down.
    const fn bitrate_units(self, bitrate: Kbps) -> i64 {
        let kbps = bitrate.0 as i64;
        match self {
            // Both multiply by 1024 (gst-plugins-bad, nvcodec and mediafoundation plugins).
            Self::Nvenc | Self::MediaFoundation => kbps * 1000 / 1024,
            Self::Amf | Self::QuickSync | Self::X264 | Self::X265 => kbps,
            Self::OpenH264 | Self::NvencDirect => kbps * 1000,
        }
    }

    /// Name and value of the bitrate property for a bitrate of `bitrate`, rounded down to the element's unit.
    pub(crate) fn bitrate(self, bitrate: Kbps) -> Assignment {
        let names: &'static [&'static str] = match self {
            Self::NvencDirect => &["averageBitRate"],
            _ => &["bitrate"],
        };
        Assignment::must(setting::BITRATE, names, Value::Number(self.bitrate_units(bitrate).max(1)))
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NvencDirect => "NVIDIA NVENC",
            Self::Nvenc => "NVIDIA NVENC through GStreamer",
            Self::Amf => "AMD AMF",
            Self::QuickSync => "Intel Quick Sync",
            Self::MediaFoundation => "Windows Media Foundation",
            Self::X264 => "x264 (software)",
            Self::X265 => "x265 (software)",
            Self::OpenH264 => "OpenH264 (software)",
        })
    }
}

/// A rendition's settings in one element's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mapping {
    /// What to set, in this order.
    pub(crate) assignments: Vec<Assignment>,
    /// What was asked for and has no counterpart, or not quite.
    pub(crate) not_honoured: Vec<NotHonoured>,
    /// What is so without a property of its own: by the caps, within an option string, or by leaving a property alone.
    pub(crate) noted: Vec<Honoured>,
}

impl Mapping {
    fn set(&mut self, assignment: Assignment) {
        self.assignments.push(assignment);
    }

    fn must(&mut self, setting: &'static str, names: &'static [&'static str], value: Value) {
        self.set(Assignment::must(setting, names, value));
    }

    fn may(&mut self, setting: &'static str, names: &'static [&'static str], value: Value) {
        self.set(Assignment::may(setting, names, value));
    }

    /// Something that is to be left undone.
    fn off(&mut self, setting: &'static str, names: &'static [&'static str], value: Value) {
        self.set(Assignment::off(setting, names, value));
    }

    /// B-pictures, where `count` may be none.
    fn b_frames(&mut self, names: &'static [&'static str], count: u8) {
        let value = Value::Number(i64::from(count));
        if count == 0 {
            self.off(setting::B_FRAMES, names, value);
        } else {
            self.may(setting::B_FRAMES, names, value);
        }
    }

    fn note(&mut self, setting: &'static str, property: &str, value: impl Into<String>) {
        let (setting, property, value) = (setting.to_owned(), property.to_owned(), value.into());
        self.noted.push(Honoured { setting, property, value });
    }

    fn lacks(&mut self, setting: &'static str, asked: bool, reason: &str) {
        if asked {
            self.not_honoured.push(NotHonoured { setting: setting.to_owned(), reason: reason.to_owned() });
        }
    }
}

/// Pictures one core codes per second at x264's `veryfast`, in pixels, leaving half of the core to others: measured
/// on the project's two-core machine with 1280x720 noise-free video at 30 frames per second.
const PIXELS_PER_SECOND_AND_THREAD: f64 = 45e6;

/// Threads for a software encoder of `config`. One thread costs least: slices and frame threads both buy speed with
/// work. More are used only where one core would not keep up.
pub(crate) fn software_threads(config: &RenditionConfig, cores: usize) -> i64 {
    if let Some(threads) = config.settings.threads {
        return i64::from(threads.max(1));
    }
    let load = config.size.pixels() as f64 * config.rate.as_f64() / PIXELS_PER_SECOND_AND_THREAD;
    (load.ceil() as i64).clamp(1, i64::try_from(cores).unwrap_or(1).clamp(1, 8))
}

/// What `config` means to `kind` on a machine with `cores` processor cores.
pub(crate) fn map(kind: BackendKind, config: &RenditionConfig, cores: usize) -> Mapping {
    let mut mapping = Mapping::default();
    mapping.set(kind.bitrate(config.bitrate));
    mapping.note(setting::PROFILE, "profile", profile_name(kind.profile(config.profile)));
    if kind != BackendKind::NvencDirect {
        let asked = config.settings.b_reference.is_some();
        mapping.lacks(setting::B_REFERENCE, asked, "with this encoder no B-frame is referred to");
    }
    match kind {
        BackendKind::NvencDirect => nvenc_direct::map(&mut mapping, config),
        BackendKind::Nvenc => nvenc::map(&mut mapping, config),
        BackendKind::Amf => amf::map(&mut mapping, config),
        BackendKind::QuickSync => quick_sync::map(&mut mapping, config),
        BackendKind::MediaFoundation => media_foundation::map(&mut mapping, config),
        BackendKind::X264 => x264::map(&mut mapping, config, software_threads(config, cores)),
        BackendKind::X265 => x265::map(&mut mapping, config, software_threads(config, cores)),
        BackendKind::OpenH264 => openh264::map(&mut mapping, config, software_threads(config, cores)),
    }
    mapping
}

/// GStreamer's name of a profile.
pub(crate) const fn profile_name(profile: VideoProfile) -> &'static str {
    match profile {
        VideoProfile::ConstrainedBaseline => "constrained-baseline",
        VideoProfile::Main => "main",
        VideoProfile::High => "high",
    }
}

/// Bits in the rate control buffer.
fn buffer_bits(config: &RenditionConfig) -> i64 {
    i64::from(config.bitrate.0) * i64::from(config.settings.effective_buffer_ms())
}

#[cfg(windows)]
#[cfg(test)]
mod plugin_names;
#[cfg(test)]
mod tests;
