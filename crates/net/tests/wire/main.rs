//! Real sockets on loopback: against a server half of our own, and against receivers that others wrote.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

mod authority;
mod clip;
mod ffmpeg;
mod inquiry;
mod loopback;
mod metrics;
mod network_check;
mod playback;
mod refusals;
mod scuffle;
mod secrecy;
mod server;
mod show;
mod srt;
mod tools;
mod uplink;

/// Judged by programs that `./x tools` installs on Linux only: Python, nginx and node. What is sent is the same bytes on
/// every system.
#[cfg(target_os = "linux")]
mod nginx;
#[cfg(target_os = "linux")]
mod nginx_https;
#[cfg(target_os = "linux")]
mod nginx_rtmp;
#[cfg(target_os = "linux")]
mod node_media_server;
#[cfg(target_os = "linux")]
mod srt_library;
