//! Session policy of one output, without a socket or a clock: what to do next, given what happened and when.
//!
//! * [`Session`]: from looking up the name to the last byte, with a deadline for every step.
//! * [`SrtSession`]: the same for SRT.
//! * [`SendQueue`]: what waits to be sent, in order and bounded.
//! * [`RateControl`]: which bitrates the upload carries.
//! * [`StartGate`]: where the stream may begin.
//! * [`Broadcast`]: what a person started and has not stopped, over as many sessions as it takes. [`Light`]: what may be
//!   said of it.
//! * [`GapLedger`]: which media times did not reach a destination.
//! * [`Attempts`]: when to ask a service again. [`InquiryFailure`]: why it gave no answer.
//! * [`PlaybackWatch`]: whether viewers can play. [`NetworkCheck`]: what the upload carries, found before going live.
//! * [`Failure`]: what went wrong, whose fault it is, and sentences for a person.
//!
//! Time is an argument everywhere, so that every rule can be tested in no time.

mod answer;
mod attempts;
mod broadcast;
mod failure;
mod gap_ledger;
mod inquiry;
mod latency;
mod light;
mod network_check;
pub mod pairing;
pub mod playback;
mod queue;
mod rate_control;
mod session;
mod srt;
mod start;
pub mod takeover;

pub use answer::Answer;
pub use attempts::{AttemptLimits, Attempts};
pub use broadcast::{
    Broadcast, BroadcastConfig, BroadcastFigures, BroadcastLimits, Happened, Intent, Interruption, Order,
    Outcome, Phase, Renewal, Telling,
};
pub use failure::{Cause, Failure, Fault, Stage};
pub use gap_ledger::{Certainty, Delivered, Gap, GapKind, GapLedger, GapSummary, LedgerAnchor};
pub use inquiry::{InquiryCause, InquiryFailure};
pub use latency::{Latency, Percentiles, Throughput};
pub use light::{Degradation, Light, LightState, Viewers};
pub use network_check::{
    CheckClip, CheckPhase, CheckSample, ClipError, ClipLoop, HEADROOM_PERCENT, NetworkCheck, Recommendation,
    pad,
};
pub use pairing::{PairedTrack, Pairing, PairingError};
pub use playback::{PlaybackState, PlaybackUrl, PlaybackWatch};
pub use queue::{Dropped, Gauge, Pushed, QueueLimits, Queued, SendQueue};
pub use rate_control::{RateAdvice, RateControl};
pub use session::{
    Action, Deadlines, Ended, Event, Health, Notice, RungRates, Session, SessionConfig, Stats, Step,
    TcpFigures, TrackProgress, WallClock,
};
pub use srt::{
    PesStart, SRT_LATENCY, SRT_PAYLOAD_BYTES, SrtAction, SrtConfig, SrtEvent, SrtFigures, SrtSession,
    SrtUnit, TS_PACKET_BYTES, TS_PACKETS, TransportCounter, null_packets,
};
pub use start::{Start, StartGate};
pub use takeover::TakeoverRefusal;
