//! The only client sockets of Genlock: carries out what `publish` decides, over TCP and TLS, and over SRT.
//!
//! [`start`] opens an [`Output`] to one destination. Everything slow happens in its task; the threads that produce
//! access units only ever put them into a bounded queue. [`ask_configuration`] and [`find_ingest`] ask the service's
//! control plane over HTTPS, [`watch_playback`] looks whether viewers can play, [`check_network`] measures the upload.

mod destination;
mod dial;
mod driver;
mod error;
mod https;
mod inquiry;
mod link;
mod network_check;
mod network_watch;
mod output;
mod playback;
mod rtmp;
mod socket;
mod srt;
mod tls;
mod trust;

pub use destination::Destination;
pub use error::Error;
pub use ertmp::flv::Form;
pub use inquiry::{Ask, Inquiry, InquiryStep, Progress, ask_configuration, find_ingest};
pub use network_check::{CheckConfig, CheckFailure, CheckProgress, RunningCheck, check_network};
pub use network_watch::NetworkWatch;
pub use output::{Output, start};
pub use playback::{Playback, PlaybackWatcher, watch_playback};
pub use publish::{
    Certainty, CheckClip, CheckPhase, ClipError, Delivered, Ended, Failure, Fault, Health, InquiryCause,
    InquiryFailure, Notice, PlaybackState, PlaybackUrl, Recommendation, RungRates, SrtFigures, Stage, Stats,
    Step, TcpFigures, TrackProgress, WallClock,
};
