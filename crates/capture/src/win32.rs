//! What we ask of Windows itself, beside GStreamer: monitors, windows, programs, versions, what the person allows. All
//! of it is asked anew each time; nothing is kept between two questions.

mod copying;
mod direct_show;
mod monitors;
mod programs;
mod registry;
mod top_level;

pub(crate) use copying::{Copying, copy};
pub(crate) use direct_show::video_devices;
pub(crate) use monitors::{Monitor, monitor_is_at, monitors};
pub(crate) use programs::{is_running, main_process, playing};
pub(crate) use registry::{Allowed, build_number, may_use_cameras, may_use_microphones};
pub(crate) use top_level::{Hiding, Presence, TopLevel, presence, windows};

/// Text of the system's own width, up to `length` units or the first zero.
fn string(units: &[u16], length: usize) -> String {
    let units = units.get(..length).unwrap_or(units);
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(units.get(..end).unwrap_or(units))
}

/// Text for the system: UTF-16 with a zero at its end.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
