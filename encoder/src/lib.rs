//! One picture in, aligned access units out: the encoder group with its IDR schedule, the back ends behind it with
//! their probe and self-test, and the sound encoder.
//!
//! Everything goes through GStreamer elements that are looked up at run time; an element, property or value that does
//! not exist is an [`Error`] or an entry in [`Applied::not_honoured`], never a panic.
//!
//! - [`EncoderGroup`]: N renditions of one canvas. [`IdrSchedule`] alone decides which frames are IDRs; they are
//!   forced on every encoder, and every output is checked against it.
//! - [`probe`], [`choose`], [`test_backend`], [`round_trip`], [`usable_codecs`]: which encoders work here, and which one a rendition
//!   gets.
//! - [`prefer_adapter`]: which graphics card encodes, where there are several.
//! - [`RequestedSettings`], [`interpret`]: settings in the words of the service, and what became of each of them.
//! - [`dry_run`]: a whole ladder, tried before anything is sent.
//! - [`still_clip`]: something valid to send where what is sent does not matter.
//! - [`AacEncoder`]: sound, with exact presentation times.

mod aac;
mod adapter;
mod alignment;
mod backend;
mod clip;
mod dry_run;
mod error;
mod group;
mod nal;
mod nvenc;
mod output;
mod picture;
mod pipeline;
mod probe;
mod property;
mod rendition;
mod requested;
mod schedule;
mod self_test;
mod worker;

pub use aac::{AacEncoder, AudioEncoderConfig, AudioStats};
pub use adapter::{AdapterElement, adapter_elements, prefer_adapter};
pub use alignment::Alignment;
pub use backend::{BackendKind, FALLBACK_ORDER};
pub use clip::still_clip;
pub use dry_run::{DryRunFailure, dry_run};
pub use error::Error;
pub use group::{CanvasFrame, EncoderGroup, TrackReport};
pub use output::{EncoderOutput, SlipKind, TrackStats};
pub use probe::{BackendReport, Choice, choose, probe, test_backend, usable_codecs};
pub use property::{Applied, Honoured, NotHonoured};
pub use rendition::{
    BReference, LatencyTuning, Multipass, Preset, RateControl, RenditionConfig, VideoSettings,
};
pub use requested::{
    EncoderFamily, Interpretation, InterpretedKey, Meaning, RequestedSettings, SettingReport, SettingValue,
    interpret,
};
pub use schedule::IdrSchedule;
pub use self_test::round_trip;
pub use units::EncoderPicture;
