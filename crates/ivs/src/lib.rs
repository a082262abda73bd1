//! What Amazon IVS knows and demands, without a socket, a clock or a file.
//!
//! * [`IngestAddress`]: the URL forms of an ingest, the stream key split off.
//! * [`client_configuration`]: GetClientConfiguration, asked and answered; [`find_ingest`]: where to connect.
//! * [`ladder`]: which renditions there are, and how they give way; [`metrics`]: what the stream says of its own making.
//! * [`limits`]: every number of the service as data, each with the section it was read in.
//! * [`Judge`]: watches what an ingest receives and says what the service would say; the rehearsal ingest and
//!   `genlock check` use the same one.
//! * [`transport_stream`]: reading what SRT carries.
//! * [`event`]: what the service tells through EventBridge, as JSON of the same form.
//!
//! "The guide" in this crate is the *Amazon IVS Low-Latency Streaming User Guide*; section names are its own.

mod address;
mod audio_specific_config;
mod bits;
mod calendar;
pub mod client_configuration;
mod error;
pub mod event;
pub mod find_ingest;
mod judge;
mod key;
pub mod ladder;
pub mod limits;
pub mod metrics;
mod parameter_set;
pub mod stream_name;
pub mod transport_stream;

pub use address::{IngestAddress, Protocol, RtmpTarget, SrtTarget};
pub use audio_specific_config::AudioSpecificConfig;
pub use error::Error;
pub use judge::{
    AlignmentFigures, AnnouncedMedia, AnnouncedTrack, Breach, Code, CountedFinding, Figures, Finding,
    FlvFileJudge, Judge, KeyframeFigures, MetricsFigures, NamedBy, Observation, Picture, Severity, Sound,
    StreamShape, TrackFigures, TrackShape, Verdict, code,
};
pub use key::{is_key_shaped, redact};
pub use limits::{ChannelType, MultitrackInput, ResolutionClass, Rules};
pub use parameter_set::{
    AvcDecoderConfig, ColourDescription, FrameTiming, HevcDecoderConfig, HevcSequenceParameterSet,
    HevcTiming, SequenceParameterSet,
};
