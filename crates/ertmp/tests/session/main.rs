//! Both halves talk to each other, and to peers that were not written here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

mod live;
mod peers;
mod wire;
