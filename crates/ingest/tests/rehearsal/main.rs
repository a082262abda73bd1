//! The rehearsal ingest over real loopback sockets, published to by our own client half.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

mod accepted;
mod asked;
mod configured;
mod faults;
mod inquirer;
mod promised;
mod publisher;
mod refused;
mod secrets;
mod show;
mod stages;
mod starting;
mod taken;
