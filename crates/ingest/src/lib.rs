//! The rehearsal ingest: on loopback, a service that behaves as the documents of Amazon IVS say.
//!
//! It listens for RTMP and for RTMPS with a certificate made for the run, knows stream keys that expire and lets one
//! publisher per key in, judges every stream by the rules of its channel with [`ivs::Judge`], tells what happens as
//! events of the service's own form, and keeps what it received. Faults can be had on demand. SRT is taken where
//! [`IngestConfig::srt`] says so.
//!
//! Viewers play what is on air from a playlist, see [`Addresses::playback_url`].
//!
//! Over HTTPS it answers GetClientConfiguration with a ladder by [`ivs::ladder::grant`] and a key that carries it, and
//! FindIngest with its own addresses. Who publishes with such a key is held to its ladder.
//!
//! What a peer sends can end its own connection and nothing else. Memory per connection is bounded: the longest
//! message is [`MAX_MESSAGE_BYTES`], and a full queue to the disk stops the reading.
//!
//! Time is the media clock's: silence, expiry and faults follow [`units::Clock`], so tests turn them by hand. Only how
//! often the clock is looked at, and the patience with a peer that does not take bytes, are real time.

mod certificate;
mod channel;
mod config;
mod configuration;
mod connection;
mod delay_line;
mod error;
mod event_log;
mod fault_spec;
mod faults;
mod https;
mod inquiry;
mod listener;
mod playback;
mod received;
mod rejection;
mod report;
mod service;
mod session;
mod srt;
mod stream_keys;

use ivs::stream_name;

pub use channel::OnAir;
pub use config::{ConfigurationFaults, Farewell, IngestConfig, ScriptedAnswer, StreamKey};
pub use error::{Door, Error};
pub use fault_spec::{FaultSpec, FaultSpecError};
pub use faults::{Faults, ReconnectRequest, Refusal, Stage, Stall, Stutter};
pub use inquiry::{InquiryOutcome, InquiryReport};
pub use listener::{Addresses, Ingest, start};
pub use report::{Ending, SessionReport};
pub use session::MAX_MESSAGE_BYTES;
pub use srt::{SrtDoor, SrtReception};
