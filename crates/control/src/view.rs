//! How things are: a snapshot the engine publishes several times a second.

use scene::{ItemId, SceneId, SourceId};
use units::{FrameRate, Kbps, Size, Span, TrackId, VideoCodec};

use crate::{
    AlignmentView, DesktopView, DestinationView, DevicesView, LadderView, LiveState, MachineView,
    NetworkCheckView, PairingView, PreferencesView, Problem, Question, ServersView, SourceEntry,
    TransitionKind,
};

/// Whether the file is being written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordingState {
    /// No recording.
    #[default]
    Off,
    /// Being written.
    Recording,
    /// Being closed.
    Finishing,
    /// It ended by a failure; the file plays up to then.
    Failed,
}

/// A scene in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneView {
    /// Its identity.
    pub id: SceneId,
    /// Its name.
    pub name: String,
    /// It is the programme.
    pub is_program: bool,
}

/// How a source is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceState {
    /// Not there yet.
    #[default]
    Starting,
    /// Delivering.
    Running,
    /// Gone; its last frame or its placeholder is shown while we look for it.
    Lost {
        /// What is known of why.
        reason: String,
    },
}

/// An item of the programme scene.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceView {
    /// The item.
    pub item: ItemId,
    /// Its source.
    pub source: SourceId,
    /// The source's name.
    pub name: String,
    /// Its kind, such as “display”.
    pub kind: &'static str,
    /// Whether it is shown.
    pub visible: bool,
    /// How it is doing.
    pub state: DeviceState,
    /// Which element or device delivers it and why that one, such as “ximagesrc, the first that worked”.
    pub via: String,
}

/// Levels of one signal, both channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeterLevels {
    /// Highest sample of the last block, dBFS, left and right; -inf is silence.
    pub peak_db: [f32; 2],
    /// Highest peak of the last second, dBFS, left and right.
    pub peak_hold_db: [f32; 2],
    /// Root mean square over 300 ms, dBFS, left and right.
    pub rms_db: [f32; 2],
    /// Loudness over 3 s, LUFS (EBU R 128 short-term); -inf is silence.
    pub lufs_short: f32,
}

impl Default for MeterLevels {
    fn default() -> Self {
        let silence = [f32::NEG_INFINITY; 2];
        Self { peak_db: silence, peak_hold_db: silence, rms_db: silence, lufs_short: f32::NEG_INFINITY }
    }
}

/// One strip of the mixer.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioMeterView {
    /// The source, or `None` for the master.
    pub source: Option<SourceId>,
    /// Its name.
    pub name: String,
    /// Not heard.
    pub muted: bool,
    /// Multiplier, 0 to 2.
    pub gain: f32,
    /// Delay in milliseconds.
    pub delay_ms: u32,
    /// Its levels after gain.
    pub levels: MeterLevels,
    /// What the limiter takes off right now, in dB, 0 or more; master only.
    pub limiter_db: f32,
    /// How much faster (positive) its clock runs than ours, in parts per million; 0 where unknown.
    pub drift_ppm: f32,
    /// How it is doing.
    pub state: DeviceState,
}

/// The canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramView {
    /// Its size.
    pub size: Size,
    /// Its rate.
    pub rate: FrameRate,
    /// The adapter that composes, such as “llvmpipe (Vulkan, software)”.
    pub adapter: String,
    /// Canvas frames made.
    pub rendered_frames: u64,
    /// Canvas frames made too late for their instant.
    pub lagged_frames: u64,
    /// Chosen transition.
    pub transition: TransitionKind,
    /// Its length in milliseconds.
    pub transition_ms: u32,
}

/// Which encoder makes a rendition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncoderView {
    /// The element or API, such as `x264enc`.
    pub name: String,
    /// Why this one, in words.
    pub reason: String,
}

/// One rung of the ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct RenditionView {
    /// The track.
    pub track: TrackId,
    /// Its size.
    pub size: Size,
    /// Its rate.
    pub rate: FrameRate,
    /// Its code.
    pub codec: VideoCodec,
    /// The bitrate that was granted.
    pub nominal: Kbps,
    /// The bitrate asked of the encoder now: the nominal one, or less while the upload is short.
    pub target: Kbps,
    /// The bitrate of the last seconds.
    pub measured: Kbps,
    /// Frames per second of the last seconds.
    pub measured_fps: f32,
    /// Frames the encoder could not take.
    pub skipped_frames: u64,
    /// Frames that were encoded, and dropped before they were sent.
    pub dropped_frames: u64,
    /// Frames that wait for the encoder.
    pub queue: u64,
    /// The most that can wait; 0 where nothing is known of it.
    pub queue_limit: u64,
    /// How often the encoder died and was started again.
    pub restarts: u64,
    /// IDRs made.
    pub idrs: u64,
    /// IDRs that were not where the schedule wanted them.
    pub idr_slips: u64,
    /// Its encoder.
    pub encoder: EncoderView,
}

/// The recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordingView {
    /// Whether it is on.
    pub state: RecordingState,
    /// The folder that recordings go to; empty where none was chosen.
    pub folder: String,
    /// The file.
    pub path: String,
    /// How long it is.
    pub length: Span,
    /// Its size.
    pub bytes: u64,
    /// How much longer the disk lasts at this rate; `None` where unknown.
    pub room_left: Option<Span>,
}

/// How things are.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Name of the collection.
    pub collection: String,
    /// It is a rehearsal: the ingest is our own, nobody watches.
    pub is_rehearsal: bool,
    /// The canvas.
    pub program: ProgramView,
    /// The scenes, in order.
    pub scenes: Vec<SceneView>,
    /// The items of the programme scene, the frontmost first.
    pub items: Vec<SourceView>,
    /// Every source of the collection.
    pub sources: Vec<SourceEntry>,
    /// What sources can be taken from.
    pub devices: DevicesView,
    /// The strips of the mixer; the master is last.
    pub meters: Vec<AudioMeterView>,
    /// What is encoded.
    pub renditions: Vec<RenditionView>,
    /// Whether the renditions keep in step.
    pub alignment: AlignmentView,
    /// What was asked for and what was granted.
    pub ladder: LadderView,
    /// What is wanted of the ladder.
    pub preferences: PreferencesView,
    /// The server menu and the key.
    pub servers: ServersView,
    /// Something is to be decided or seen before going live: multitrack is on, or key or destination are not set. The
    /// window's button then opens the go-live sheet; [`Command::GoLive`](crate::Command::GoLive) needs no sheet.
    pub go_live_sheet: bool,
    /// What only the person can answer.
    pub question: Option<Question>,
    /// Where it goes: the main destination first, where it is set up, then the others.
    pub destinations: Vec<DestinationView>,
    /// The other computer, and takeover.
    pub pairing: PairingView,
    /// The network check.
    pub network_check: NetworkCheckView,
    /// What this PC can do.
    pub machine: MachineView,
    /// The recording.
    pub recording: RecordingView,
    /// What the person's desktop adds.
    pub desktop: DesktopView,
    /// What a person should know, the newest first, each with its number for
    /// [`Command::DismissProblem`](crate::Command::DismissProblem).
    pub problems: Vec<(u64, Problem)>,
    /// Share of one core this program uses, 1.0 being a whole core.
    pub cpu_cores: f32,
    /// Whether there is something to undo.
    pub can_undo: bool,
    /// Whether there is something to redo.
    pub can_redo: bool,
}

impl View {
    /// The main destination; `None` where it is not set up.
    pub fn destination(&self) -> Option<&DestinationView> {
        self.destinations.iter().find(|destination| destination.is_main())
    }

    /// The light of the main destination; off where it is not set up.
    pub fn live_state(&self) -> LiveState {
        self.destination().map_or(LiveState::Off, |destination| destination.state)
    }

    /// Whether viewers of any destination are served.
    pub fn is_on_air(&self) -> bool {
        self.destinations.iter().any(|destination| destination.state.is_on_air())
    }

    /// Whether a broadcast is under way at any destination.
    pub fn is_under_way(&self) -> bool {
        self.destinations.iter().any(|destination| destination.state.is_under_way())
    }
}
