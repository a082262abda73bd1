//! What comes out of the compositor, judged by plain arithmetic in f64 and by ffmpeg's scaler. On any adapter,
//! llvmpipe included; nothing here depends on speed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_wrap,
    reason = "a test"
)]
#![allow(missing_docs, reason = "a test")]

mod colours;
mod frames;
mod layers;
mod reference;
mod scaling;
mod studio;
#[cfg(windows)]
mod textures;
