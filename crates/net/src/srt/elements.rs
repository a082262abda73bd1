//! GStreamer's elements, found at run time. Versions from 1.22 (Debian 12) to 1.28 (the Windows wheels) differ in what
//! they offer: what is not there is left out where it can be, and named where it can not.

use std::sync::{Mutex, OnceLock, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use publish::Cause;

use super::end;

/// Makes an element.
///
/// # Errors
/// [`Cause::PartMissing`].
pub(super) fn make(factory: &str) -> Result<gst::Element, Cause> {
    init()?;
    gst::ElementFactory::make(factory)
        .build()
        .map_err(|_| Cause::PartMissing(format!("GStreamer has no element “{factory}” here")))
}

fn init() -> Result<(), Cause> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| gst::init().map_err(|error| error.to_string()));
    started.clone().map_err(|why| Cause::PartMissing(format!("GStreamer does not start: {why}")))
}

/// Makes a sink for SRT. One more is kept for as long as the program runs: the element shuts libsrt down with the last of
/// its kind and starts it with the next, which takes a second, and libsrt is not made for doing that often. The one that
/// is kept goes at the end of the process, see [`end`].
///
/// # Errors
/// [`Cause::PartMissing`].
pub(super) fn make_srt_sink() -> Result<gst::Element, Cause> {
    let sink = make("srtsink")?;
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.is_none() {
        // At the level of debugging this category prints all parameters, the passphrase among them.
        if let Some(category) = gst::DebugCategory::get("srtobject")
            && category.threshold() > gst::DebugLevel::Warning
        {
            category.set_threshold(gst::DebugLevel::Warning);
        }
        *kept = make("srtsink").ok();
        end::before_the_process(let_go);
    }
    Ok(sink)
}

/// The sink that is kept.
static KEPT: Mutex<Option<gst::Element>> = Mutex::new(None);

/// Has the element shut libsrt down, with its thread.
extern "C" fn let_go() {
    // Not waited for: whoever holds it at the end of the process will not let go of it any more.
    if let Ok(mut kept) = KEPT.try_lock() {
        *kept = None;
    }
}

/// Sets a property that not every version has.
pub(super) fn set_if_there(element: &gst::Element, name: &str, value: impl Into<gst::glib::Value>) {
    if element.find_property(name).is_some() {
        element.set_property(name, value);
    }
}

/// A number in a structure, whatever its type: they changed between versions.
pub(super) fn number(structure: &gst::StructureRef, name: &str) -> Option<f64> {
    let value = structure.value(name).ok()?;
    let number = value
        .get::<f64>()
        .ok()
        .or_else(|| value.get::<i32>().ok().map(f64::from))
        .or_else(|| value.get::<u32>().ok().map(f64::from))
        .or_else(|| value.get::<i64>().ok().map(approximate))
        .or_else(|| value.get::<u64>().ok().and_then(|value| i64::try_from(value).ok()).map(approximate));
    number.filter(|number| number.is_finite())
}

#[expect(clippy::cast_precision_loss, reason = "counts of packets and bytes stay far below 2^53")]
fn approximate(value: i64) -> f64 {
    value as f64
}

/// A count in a structure; zero when it is not there or below.
pub(super) fn count(structure: &gst::StructureRef, name: &str) -> u64 {
    let number = number(structure, name).unwrap_or(0.0).max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative, and below 2^53"
    )]
    let count = number as u64;
    count
}

/// A span that a structure gives in milliseconds.
pub(super) fn millis(structure: &gst::StructureRef, name: &str) -> units::Span {
    let nanos = (number(structure, name).unwrap_or(0.0).clamp(0.0, 1e9) * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let nanos = nanos as i64;
    units::Span::from_nanos(nanos)
}

/// A rate that a structure gives in megabits per second.
pub(super) fn megabits(structure: &gst::StructureRef, name: &str) -> units::Kbps {
    let kbps = (number(structure, name).unwrap_or(0.0).clamp(0.0, 1e6) * 1e3).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let kbps = kbps as u32;
    units::Kbps(kbps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_of_any_type() {
        init().unwrap();
        let structure = gst::Structure::builder("stats")
            .field("a", 3_i32)
            .field("b", 4_u64)
            .field("c", -1_i64)
            .field("rtt", 12.5_f64)
            .field("rate", 6.25_f64)
            .build();
        assert_eq!([count(&structure, "a"), count(&structure, "b"), count(&structure, "c")], [3, 4, 0]);
        assert_eq!(count(&structure, "missing"), 0);
        assert_eq!(millis(&structure, "rtt"), units::Span::from_micros(12_500));
        assert_eq!(megabits(&structure, "rate"), units::Kbps(6_250));
    }
}
