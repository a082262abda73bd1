//! The body that is posted.

use serde_json::{Value, json};
use units::{FrameRate, Kbps, Secret, Size, VideoCodec};

use super::{SERVICE, SchemaVersion};
use crate::limits::ResolutionClass;

/// Everything GetClientConfiguration wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The person's stream key.
    pub authentication: Secret,
    /// This software.
    pub client: Client,
    /// This machine.
    pub capabilities: Capabilities,
    /// The canvas, and what the person allows.
    pub preferences: Preferences,
    /// When going live was asked for, as RFC 3339 in UTC.
    pub stream_attempt_start_time: String,
}

/// The software that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name, 1 to 128 characters.
    pub name: String,
    /// Its version, 1 to 128 characters.
    pub version: String,
    /// The codes it has a working encoder for.
    pub supported_codecs: Vec<VideoCodec>,
}

/// The machine that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Its processor.
    pub cpu: Cpu,
    /// Its memory.
    pub memory: Memory,
    /// What Windows does for games; nowhere else is there any.
    pub gaming_features: Option<GamingFeatures>,
    /// Its operating system.
    pub system: System,
    /// Its graphics cards. [`Preferences::composition_gpu_index`] counts in this list.
    pub gpus: Vec<Gpu>,
}

/// A processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Physical cores, at least 1.
    pub physical_cores: u32,
    /// Logical cores, at least 1.
    pub logical_cores: u32,
    /// Clock in MHz: the base of Intel's, the maximum of AMD's (the API reference, CpuDescription).
    pub speed_mhz: Option<u32>,
    /// Vendor and model.
    pub name: Option<String>,
}

/// System memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What programs can still get.
    pub free_bytes: u64,
}

/// What Windows does for games; `None` where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GamingFeatures {
    /// The game bar is on.
    pub game_bar_enabled: Option<bool>,
    /// Recording of games is allowed.
    pub game_dvr_allowed: Option<bool>,
    /// Recording of games is on.
    pub game_dvr_enabled: Option<bool>,
    /// Games are recorded in the background.
    pub game_dvr_bg_recording: Option<bool>,
    /// Game mode is on.
    pub game_mode_enabled: Option<bool>,
    /// The graphics card schedules its own work.
    pub hags_enabled: Option<bool>,
}

/// An operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Its version, 1 to 128 characters.
    pub version: String,
    /// Its name, such as `Windows` or `Ubuntu`.
    pub name: String,
    /// Its build number; 0 where it has none.
    pub build: u32,
    /// Its release, such as `24.04`.
    pub release: String,
    /// Its revision; a text in both schema versions, empty where it has none.
    pub revision: String,
    /// 32 or 64.
    pub bits: u8,
    /// It runs on ARM.
    pub arm: bool,
    /// This program runs on ARM by emulation.
    pub arm_emulation: bool,
}

/// A graphics card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gpu {
    /// Exactly the manufacturer's name for it, or the service may not know it (the API reference, GpuDescription).
    pub model: String,
    /// PCI vendor id.
    pub vendor_id: u32,
    /// PCI device id.
    pub device_id: u32,
    /// Its own memory in bytes, where known.
    pub dedicated_video_memory: Option<u64>,
    /// System memory it shares, in bytes, where known.
    pub shared_system_memory: Option<u64>,
    /// Version of its driver.
    pub driver_version: Option<String>,
    /// Any local identifier that tells it from the others.
    pub luid: Option<String>,
}

/// The canvas, and what the person allows. `None` leaves the choice to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// What is composed.
    pub canvas: Size,
    /// The largest rendition that is wanted; within the canvas.
    pub output: Size,
    /// Frames per second that are composed.
    pub rate: FrameRate,
    /// Most video tracks.
    pub maximum_video_tracks: Option<u32>,
    /// Most that all tracks together may take.
    pub maximum_aggregate_bitrate: Option<Kbps>,
    /// Largest class of rendition.
    pub maximum_resolution: Option<ResolutionClass>,
    /// A separate mix of sound is wanted for the recording of the service.
    pub vod_track_audio: bool,
    /// Which of [`Capabilities::gpus`] composes.
    pub composition_gpu_index: Option<u32>,
    /// Samples of sound per second.
    pub audio_samples_per_sec: u32,
    /// Channels of sound.
    pub audio_channels: u32,
    /// How far the sound may lag behind the picture before it is dropped, in milliseconds.
    pub audio_max_buffering_ms: u32,
    /// The sound always lags by that much.
    pub audio_fixed_buffering: bool,
}

impl Request {
    /// The complete body for `version`, as JSON. Secret because the key is in it.
    ///
    /// What is unknown is an explicit `null` wherever the version takes one, as OBS Studio writes it, and left out where
    /// it does not. The memory of a graphics card is left out in both: it need not be given, and if it is must be at
    /// least 1 (the API reference, GpuDescription).
    pub fn to_json(&self, version: SchemaVersion) -> Secret {
        Secret::new(self.to_value(version).to_string())
    }

    fn to_value(&self, version: SchemaVersion) -> Value {
        json!({
            "service": SERVICE,
            "schema_version": version.name(),
            "authentication": self.authentication.expose(),
            // Required by the API reference. OBS Studio does not send it in the later version; clients that do are
            // answered there all the same.
            "stream_attempt_start_time": self.stream_attempt_start_time,
            "client": {
                "name": self.client.name,
                "version": self.client.version,
                "supported_codecs": self.client.supported_codecs.iter().map(|codec| codec_name(*codec)).collect::<Vec<_>>(),
            },
            "capabilities": self.capabilities.to_value(version),
            "preferences": self.preferences.to_value(version),
        })
    }
}

/// How both schema versions spell a code (the API reference, ClientDescription).
pub(super) const fn codec_name(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Avc => "h264",
        VideoCodec::Hevc => "h265",
    }
}

impl Capabilities {
    /// The `capabilities` member of a request.
    pub fn to_value(&self, version: SchemaVersion) -> Value {
        let emulation = match version {
            SchemaVersion::V2024_06_04 => "arm_emulation",
            SchemaVersion::V2025_01_25 => "armEmulation",
        };
        let cpu = json!({
            "physical_cores": self.cpu.physical_cores,
            "logical_cores": self.cpu.logical_cores,
            "speed": self.cpu.speed_mhz,
            "name": named(self.cpu.name.as_deref(), version),
        });
        let gaming_features = self.gaming_features.map(|features| {
            json!({
                "game_bar_enabled": features.game_bar_enabled,
                "game_dvr_allowed": features.game_dvr_allowed,
                "game_dvr_enabled": features.game_dvr_enabled,
                "game_dvr_bg_recording": features.game_dvr_bg_recording,
                "game_mode_enabled": features.game_mode_enabled,
                "hags_enabled": features.hags_enabled,
            })
        });
        // The earlier version requires the object and none of its members (the API reference, CapabilitiesDescription
        // and GamingFeaturesDescription).
        let no_features = match version {
            SchemaVersion::V2024_06_04 => json!({}),
            SchemaVersion::V2025_01_25 => Value::Null,
        };
        json!({
            "cpu": known(cpu, "speed", version),
            "memory": { "total": self.memory.total_bytes, "free": self.memory.free_bytes },
            "gaming_features": gaming_features.unwrap_or(no_features),
            "system": {
                "version": self.system.version,
                "name": self.system.name,
                "build": self.system.build,
                "release": self.system.release,
                "revision": self.system.revision,
                "bits": self.system.bits,
                "arm": self.system.arm,
                emulation: self.system.arm_emulation,
            },
            "gpu": self.gpus.iter().map(|gpu| gpu.to_value(version)).collect::<Vec<_>>(),
        })
    }
}

/// `object` without its member `name` where that is unknown and the earlier version has no `null` for it: the API
/// reference gives `null` as a default for limits only.
fn known(mut object: Value, name: &str, version: SchemaVersion) -> Value {
    if let (SchemaVersion::V2024_06_04, Value::Object(members)) = (version, &mut object)
        && members.get(name).is_some_and(Value::is_null)
    {
        members.remove(name);
    }
    object
}

/// A name that the earlier version requires and the later takes `null` for.
fn named(name: Option<&str>, version: SchemaVersion) -> Option<&str> {
    match version {
        SchemaVersion::V2024_06_04 => Some(name.unwrap_or("Unknown")),
        SchemaVersion::V2025_01_25 => name,
    }
}

impl Gpu {
    fn to_value(&self, version: SchemaVersion) -> Value {
        let mut gpu = json!({
            "model": self.model,
            "vendor_id": self.vendor_id,
            "device_id": self.device_id,
            "driver_version": named(self.driver_version.as_deref(), version),
        });
        if let Value::Object(members) = &mut gpu {
            for (name, bytes) in [
                ("dedicated_video_memory", self.dedicated_video_memory),
                ("shared_system_memory", self.shared_system_memory),
            ] {
                if let Some(bytes) = bytes.filter(|bytes| *bytes > 0) {
                    members.insert(name.into(), bytes.into());
                }
            }
            if let (SchemaVersion::V2024_06_04, Some(luid)) = (version, &self.luid) {
                members.insert("luid".into(), luid.as_str().into());
            }
        }
        gpu
    }
}

impl Preferences {
    /// The `preferences` member of a request.
    pub fn to_value(&self, version: SchemaVersion) -> Value {
        let rate = json!({ "numerator": self.rate.numerator(), "denominator": self.rate.denominator() });
        let bitrate = self.maximum_aggregate_bitrate.map(|bitrate| bitrate.0);
        let class = self.maximum_resolution.map(ResolutionClass::name);
        match version {
            SchemaVersion::V2024_06_04 => known(
                json!({
                    "canvas_width": self.canvas.width_px(),
                    "canvas_height": self.canvas.height_px(),
                    "width": self.output.width_px(),
                    "height": self.output.height_px(),
                    "framerate": rate,
                    "maximum_streaming_bandwidth": bitrate,
                    "maximum_resolution": class,
                    "maximum_video_tracks": self.maximum_video_tracks,
                    "vod_track_audio": self.vod_track_audio,
                    "composition_gpu_index": self.composition_gpu_index,
                }),
                "composition_gpu_index",
                version,
            ),
            SchemaVersion::V2025_01_25 => {
                let mut preferences = json!({
                    "maximum_aggregate_bitrate": bitrate,
                    "maximum_video_tracks": self.maximum_video_tracks,
                    "vod_track_audio": self.vod_track_audio,
                    "composition_gpu_index": self.composition_gpu_index,
                    "audio_samples_per_sec": self.audio_samples_per_sec,
                    "audio_channels": self.audio_channels,
                    "audio_max_buffering_ms": self.audio_max_buffering_ms,
                    "audio_fixed_buffering": self.audio_fixed_buffering,
                    "canvases": [{
                        "canvas_width": self.canvas.width_px(),
                        "canvas_height": self.canvas.height_px(),
                        "width": self.output.width_px(),
                        "height": self.output.height_px(),
                        "framerate": rate,
                    }],
                });
                // OBS Studio has no such wish; it is only told when there is one.
                if let (Value::Object(members), Some(class)) = (&mut preferences, class) {
                    members.insert("maximum_resolution".into(), class.into());
                }
                preferences
            }
        }
    }
}
