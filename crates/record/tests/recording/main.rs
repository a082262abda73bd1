//! Recordings of real pictures and sound, judged by ffmpeg.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

mod files;
mod killed;
mod media;
mod played;
