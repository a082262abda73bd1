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
mod nginx;
mod nginx_https;
mod nginx_rtmp;
mod node_media_server;
mod playback;
mod refusals;
mod scuffle;
mod secrecy;
mod server;
mod show;
mod srt;
mod tools;
mod uplink;
