//! What was found out about a PC. Nothing in it is a secret or names the person, but folders do name their account.

use serde::Serialize;

use crate::survey::driver::Standing;

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Facts {
    /// Version of the program.
    pub(crate) genlock: &'static str,
    pub(crate) is_windows: bool,
    /// What composes, or why nothing does.
    pub(crate) gpu: Result<GpuFacts, String>,
    /// The PC as GetClientConfiguration is told of it.
    pub(crate) machine: Option<MachineFacts>,
    pub(crate) cards: Vec<CardFacts>,
    pub(crate) encoders: Vec<EncoderFacts>,
    /// Hardware encoders on several graphics cards.
    pub(crate) adapter_elements: Vec<AdapterElementFacts>,
    /// The built-in ladder of three.
    pub(crate) ladder: Vec<RenditionFacts>,
    pub(crate) displays: Vec<DeviceFacts>,
    pub(crate) cameras: Vec<DeviceFacts>,
    pub(crate) inputs: Vec<DeviceFacts>,
    pub(crate) outputs: Vec<DeviceFacts>,
    /// What could not be listed, and why; one sentence each.
    pub(crate) device_problems: Vec<String>,
    pub(crate) recordings: Result<RecordingsFacts, String>,
    pub(crate) keys: KeyFacts,
    pub(crate) clock: ClockFacts,
}

impl Facts {
    /// Whether a stream can be made here at all.
    pub(crate) fn can_stream(&self) -> bool {
        self.gpu.is_ok() && self.encoders.iter().any(EncoderFacts::is_enough)
    }
}

/// What draws the pictures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GpuFacts {
    pub(crate) name: String,
    /// The programming interface.
    pub(crate) backend: String,
    pub(crate) driver: String,
    /// It is the processor.
    pub(crate) is_software: bool,
}

/// The PC without its graphics cards.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MachineFacts {
    /// `capabilities` of the request, in the schema that is sent.
    pub(crate) capabilities: serde_json::Value,
    /// Which of its graphics cards composes; none when the processor does.
    pub(crate) composition_gpu_index: Option<u32>,
    /// Windows' or the distribution's name with release and build.
    pub(crate) system: String,
    pub(crate) processor: String,
    pub(crate) memory_bytes: u64,
    pub(crate) free_memory_bytes: u64,
    /// What Windows does for games that takes from a show or gives to it, in words.
    pub(crate) gaming: Vec<String>,
}

/// A graphics card.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CardFacts {
    pub(crate) model: String,
    pub(crate) vendor_id: u32,
    pub(crate) memory_bytes: Option<u64>,
    /// As the system counts.
    pub(crate) driver_version: Option<String>,
    pub(crate) standing: Standing,
    pub(crate) composes: bool,
}

/// An encoder that was tried.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EncoderFacts {
    /// The family, for people.
    pub(crate) family: String,
    /// Whose cards it runs on; none where it runs on any or on the processor.
    pub(crate) vendor_id: Option<u32>,
    pub(crate) is_hardware: bool,
    pub(crate) element: String,
    pub(crate) codec: String,
    /// It is installed.
    pub(crate) available: bool,
    /// It coded pictures that a decoder gave back as they were.
    pub(crate) passed: bool,
    /// In words: how it went.
    pub(crate) reason: String,
    pub(crate) took_ms: u64,
}

impl EncoderFacts {
    /// IVS takes H.264 from everybody; H.265 alone is not enough.
    pub(crate) fn is_enough(&self) -> bool {
        self.passed && self.is_avc()
    }

    pub(crate) fn is_avc(&self) -> bool {
        self.codec == units::VideoCodec::Avc.to_string()
    }
}

/// A hardware encoder on one of the graphics cards.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AdapterElementFacts {
    pub(crate) family: String,
    pub(crate) codec: String,
    pub(crate) element: String,
    /// Model of the card, where the element says which it is on.
    pub(crate) card: Option<String>,
    /// It is the one that is used.
    pub(crate) is_used: bool,
}

/// A rendition of the built-in ladder.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RenditionFacts {
    pub(crate) size: String,
    pub(crate) fps: String,
    pub(crate) kbps: u32,
    /// The encoder's family, or why there is none.
    pub(crate) encoder: Result<String, String>,
    /// Why this one, in words.
    pub(crate) reason: String,
    /// How its pictures get from the compositor to the encoder.
    pub(crate) path: String,
}

/// A device, with the ways it can be captured in its note.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DeviceFacts {
    pub(crate) name: String,
    pub(crate) note: String,
}

/// Where recordings go.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecordingsFacts {
    pub(crate) folder: String,
    pub(crate) free_bytes: Option<u64>,
    /// How long the ladder can be recorded there, in hours.
    pub(crate) hours: Option<u64>,
    /// Why the folder is not a good place; empty where it is one.
    pub(crate) remark: String,
}

/// Where stream keys are kept.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct KeyFacts {
    /// They outlast the program.
    pub(crate) are_kept: bool,
    pub(crate) note: String,
}

/// The PC's clocks.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClockFacts {
    /// How far the time of day moved against the monotonic clock during the examination, in parts per million.
    pub(crate) wall_against_monotonic_ppm: f64,
    pub(crate) is_steady: bool,
}
