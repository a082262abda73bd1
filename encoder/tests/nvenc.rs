//! NVENC through its driver, against the fake driver library, which checks every call. Nothing here needs a GPU, and
//! nothing here shows what a real one does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_wrap,
    reason = "a test"
)]

#[path = "nvenc/fake.rs"]
mod fake;
#[path = "nvenc/settings.rs"]
mod settings;
#[path = "nvenc/show.rs"]
mod show;
#[path = "encoding/support.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod support;
