//! The figures of a show, as `--report FILE` writes them.

use serde::Serialize;

/// What a show was made of and what became of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Version of this program.
    pub(crate) genlock: &'static str,
    /// Exit code of the program.
    pub(crate) exit: u8,
    /// Seconds from the start of the engine to its end.
    pub(crate) seconds: f64,
    pub(crate) canvas: CanvasFigures,
    pub(crate) ladder: LadderFigures,
    pub(crate) renditions: Vec<RenditionFigures>,
    pub(crate) sound: SoundFigures,
    pub(crate) destination: Option<DestinationFigures>,
    /// Destinations besides the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) further: Vec<DestinationFigures>,
    pub(crate) recording: Option<RecordingFigures>,
    pub(crate) process: ProcessFigures,
    /// What the rehearsal ingest says of what it received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ingest: Option<serde_json::Value>,
    pub(crate) problems: Vec<control::Problem>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CanvasFigures {
    pub(crate) size: String,
    pub(crate) fps: String,
    pub(crate) adapter: String,
    pub(crate) rendered_frames: u64,
    pub(crate) lagged_frames: u64,
    /// Milliseconds the compositor needed per frame: half of them took less, and 99 of 100.
    pub(crate) compose_ms: Percentiles,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct LadderFigures {
    /// Who made it.
    pub(crate) origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_id: Option<String>,
    /// What was asked for, in one sentence.
    pub(crate) requested: String,
    /// All renditions and the sound.
    pub(crate) total_kbps: u32,
    /// Keyframes that all renditions made of the same frame, and those that they did not.
    pub(crate) aligned_idrs: u64,
    pub(crate) misaligned_idrs: u64,
    /// Times the upload changed the bitrates.
    pub(crate) bitrate_changes: u64,
    /// What was not done as asked, or not understood.
    pub(crate) notes: Vec<String>,
}

/// A setting the service asked for, and what became of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct SettingFigures {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) became: String,
    pub(crate) honoured: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct RenditionFigures {
    pub(crate) track: u8,
    pub(crate) size: String,
    pub(crate) fps: String,
    pub(crate) codec: String,
    /// What the encoder was asked for last; below the nominal bitrate when the upload was slow.
    pub(crate) target_kbps: u32,
    pub(crate) nominal_kbps: u32,
    pub(crate) measured_kbps: u32,
    pub(crate) encoder: String,
    pub(crate) encoder_reason: String,
    pub(crate) output_frames: u64,
    /// Frames the encoder could not take.
    pub(crate) skipped_frames: u64,
    /// Pictures that were encoded and not sent.
    pub(crate) dropped_frames: u64,
    /// Times the encoder was started again.
    pub(crate) restarts: u64,
    pub(crate) idrs: u64,
    pub(crate) idr_slips: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) settings: Vec<SettingFigures>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct SoundFigures {
    pub(crate) encoder: String,
    pub(crate) kbps: u32,
    pub(crate) units: u64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct DestinationFigures {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) state: String,
    /// Code of the failure that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// The service said no.
    pub(crate) refused: bool,
    /// Seconds between the ingest's acceptance and the end.
    pub(crate) on_air_seconds: f64,
    /// Milliseconds from the wish to go live to the first IDR on the socket.
    pub(crate) first_idr_ms: Option<f64>,
    pub(crate) sent_bytes: u64,
    /// `None` when the peer never told.
    pub(crate) acknowledged_bytes: Option<u64>,
    pub(crate) dropped_frames: u64,
    pub(crate) composition_to_wire_ms: Percentiles,
    /// Connections it took, one after the other.
    pub(crate) connections: u32,
    /// The service's name for the configuration that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_id: Option<String>,
    /// Times it came back after the connection broke.
    pub(crate) reconnects: u32,
    /// Times it took the place of a stream on the channel, its own or another computer's.
    pub(crate) takeovers: u32,
    /// The takeover priority used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u32>,
    /// What did not reach it.
    pub(crate) gaps: GapFigures,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct GapFigures {
    /// Times at which something of any track is missing.
    pub(crate) count: usize,
    pub(crate) total_ms: i64,
    /// The first of them, track by track, on the media clock.
    pub(crate) listed: Vec<GapLine>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct GapLine {
    pub(crate) track: String,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) kind: &'static str,
    pub(crate) why: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct RecordingFigures {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) complete: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) median: f64,
    pub(crate) p99: f64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct ProcessFigures {
    /// Seconds of processor time, all threads together.
    pub(crate) cpu_seconds: f64,
    /// The same per second of the show: 1.0 is one core.
    pub(crate) cpu_cores: f64,
    pub(crate) peak_memory_mb: f64,
}
