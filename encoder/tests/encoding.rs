//! The crate as its users see it: real encodes with the software encoders, judged by ffmpeg and by h264-reader.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_wrap,
    reason = "a test"
)]

#[path = "encoding/delivery.rs"]
mod delivery;
#[path = "encoding/hevc.rs"]
mod hevc;
#[path = "encoding/ladder.rs"]
mod ladder;
#[path = "encoding/sound.rs"]
mod sound;
#[path = "encoding/support.rs"]
mod support;
#[path = "encoding/video.rs"]
mod video;
