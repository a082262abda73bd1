//! Sources from the outside: opened as the app opens them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

#[cfg(target_os = "linux")]
mod display;
mod drawn;
mod files;
#[cfg(target_os = "linux")]
mod leaks;
#[cfg(windows)]
mod painted_window;
#[cfg(target_os = "linux")]
mod sound_devices;
mod support;
#[cfg(target_os = "linux")]
mod window;
#[cfg(windows)]
mod windows_desktop;
#[cfg(windows)]
mod windows_elements;
#[cfg(windows)]
mod windows_sound;
