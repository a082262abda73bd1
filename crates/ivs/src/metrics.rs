//! Broadcast performance metrics: three SEI messages in front of every IDR of every track (the guide, "Broadcast
//! Performance Metrics (BPM) Message Definitions").
//!
//! Each is a `user_data_unregistered` message (ITU-T H.264, D.1.7; ITU-T H.265, D.2.7) in a NAL unit of its own. They
//! are put before the first slice, since they describe the picture that follows.

mod nal;
mod payload;
mod utc;

pub use nal::{Found, find_in_unit, insert_before_first_slice, sei_nal};
pub use payload::{
    Event, Metric, RenditionCounters, SessionCounters, Timestamp, Timestamps, When, read, rendition_message,
    session_message, timestamp_message,
};
pub use utc::UtcMillis;

#[cfg(test)]
mod tests;
