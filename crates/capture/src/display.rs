//! A whole display.
//!
//! Linux: `ximagesrc`. Windows: `d3d12screencapturesrc`, then `d3d11screencapturesrc`, then `gdiscreencapsrc`. Each is
//! tried until one gives a picture; pictures arrive at the display's own size, as the element makes them, without
//! conversion.

use gstreamer as gst;
use scene::DisplaySelector;
use units::FrameRate;

use crate::frames::Alpha;
use crate::live::Candidate;
use crate::supervisor::{Plan, Supervised};
use crate::{CaptureContext, Error};

pub(crate) fn open(
    display: &DisplaySelector,
    show_cursor: bool,
    context: &CaptureContext,
) -> Result<Supervised, Error> {
    let plan = DisplayPlan {
        display: display.clone(),
        show_cursor,
        rate: context.rate,
        #[cfg(target_os = "linux")]
        asked: None,
    };
    Supervised::start("capture display", plan, context)
}

/// Caps that keep a screen at the canvas' rate: more pictures would be thrown away anyway.
pub(crate) fn at_rate(rate: FrameRate) -> gst::Caps {
    let numerator = i32::try_from(rate.numerator()).unwrap_or(i32::MAX);
    let denominator = i32::try_from(rate.denominator()).unwrap_or(1);
    gst::Caps::builder("video/x-raw").field("framerate", gst::Fraction::new(numerator, denominator)).build()
}

struct DisplayPlan {
    display: DisplaySelector,
    show_cursor: bool,
    rate: FrameRate,
    /// The server that was asked for its monitors. Kept, because a virtual X server resets itself when its last client
    /// leaves, and the element's connection would meet it in the middle of that.
    #[cfg(target_os = "linux")]
    asked: Option<crate::x11::Server>,
}

impl Plan for DisplayPlan {
    fn title(&self) -> String {
        match &self.display {
            DisplaySelector::Primary => "The primary display".into(),
            DisplaySelector::Named(name) => format!("Display “{name}”"),
        }
    }

    fn candidates(&mut self) -> Result<Vec<Candidate>, Error> {
        self.ways()
    }
}

impl DisplayPlan {
    #[cfg(target_os = "linux")]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        let (server, monitor) = match &self.display {
            // The name of an X display rather than of a monitor.
            DisplaySelector::Named(name) if name.contains(':') => (Some(name.as_str()), None),
            DisplaySelector::Named(name) => (None, Some(name.as_str())),
            DisplaySelector::Primary => (None, None),
        };
        let asked = crate::x11::Server::connect(server)?;
        let monitors = asked.monitors()?;
        let chosen = match monitor {
            Some(name) => Some(monitors.iter().find(|m| m.name == name).ok_or_else(|| {
                let known: Vec<&str> = monitors.iter().map(|m| m.name.as_str()).collect();
                Error::Device(format!("there is no such monitor (there are: {})", known.join(", ")))
            })?),
            // One monitor is the whole screen, and so is none known.
            None if monitors.len() < 2 || server.is_some() => None,
            None => monitors.iter().find(|m| m.is_primary).or(monitors.first()),
        };
        let mut settings =
            vec![("show-pointer", self.show_cursor.to_string()), ("use-damage", USE_DAMAGE.to_string())];
        if let Some(name) = server {
            settings.push(("display-name", name.to_owned()));
        }
        let mut note = match (server, chosen) {
            (Some(name), _) => format!("X display {name}"),
            (None, Some(monitor)) => format!("monitor {}", monitor.name),
            (None, None) => "the X screen".to_owned(),
        };
        if let Some(monitor) = chosen {
            // The end is the last pixel that is captured, not the first that is not.
            let ends =
                (monitor.x + monitor.width).checked_sub(1).zip((monitor.y + monitor.height).checked_sub(1));
            let (end_x, end_y) = ends.ok_or_else(|| Error::Device("the monitor has no pixels".into()))?;
            settings.extend([
                ("startx", monitor.x.to_string()),
                ("starty", monitor.y.to_string()),
                ("endx", end_x.to_string()),
                ("endy", end_y.to_string()),
            ]);
        }
        if std::env::var("XDG_SESSION_TYPE").is_ok_and(|kind| kind == "wayland") {
            note.push_str(" (this is a Wayland session: only X11 programs can be seen)");
        }
        let candidates = x_image_candidates(&settings, self.rate, &note);
        self.asked = Some(asked);
        Ok(candidates)
    }

    #[cfg(windows)]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        let (monitor, note) = match &self.display {
            DisplaySelector::Primary => (None, "the primary monitor".to_owned()),
            DisplaySelector::Named(name) => {
                let found = crate::devices::monitor(name)?;
                (Some((found.index, found.handle)), format!("monitor {name}"))
            }
        };
        Ok(windows_ways(monitor, self.show_cursor, self.rate, &note))
    }

    #[cfg(not(any(windows, target_os = "linux")))]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        Err(Error::Device("displays are captured on Linux and Windows only".into()))
    }
}

/// The ways on Windows, for a monitor by its number and, where it is known, its `HMONITOR`; without either the
/// primary one.
#[cfg(any(windows, test))]
fn windows_ways(
    monitor: Option<(usize, Option<u64>)>,
    show_cursor: bool,
    rate: FrameRate,
    note: &str,
) -> Vec<Candidate> {
    let which = |by_number: &'static str, by_handle: Option<&'static str>| match (monitor, by_handle) {
        (Some((_, Some(handle))), Some(property)) => vec![(property, handle.to_string())],
        (Some((number, _)), _) => vec![(by_number, number.to_string())],
        (None, _) => Vec::new(),
    };
    let direct = |element| {
        let mut settings = which("monitor-index", Some("monitor-handle"));
        settings.push(("show-cursor", show_cursor.to_string()));
        way(element, settings, Vec::new(), rate, note, &[])
    };
    let mut gdi = which("monitor", None);
    gdi.push(("cursor", show_cursor.to_string()));
    vec![
        direct("d3d12screencapturesrc"),
        direct("d3d11screencapturesrc"),
        // GDI gives 24-bit pixels on some systems, so it is the one that may be converted.
        way("gdiscreencapsrc", gdi, Vec::new(), rate, note, &["videoconvert"]),
    ]
}

/// One way of capturing a screen or window.
pub(crate) fn way(
    element: &'static str,
    settings: Vec<(&'static str, String)>,
    wishes: Vec<(&'static str, String)>,
    rate: FrameRate,
    note: &str,
    then: &'static [&'static str],
) -> Candidate {
    Candidate {
        element,
        settings,
        wishes,
        filter: Some(at_rate(rate)),
        then,
        // Screens have no holes; where a format has a fourth byte, it means nothing.
        alpha: Alpha::Ignored,
        note: note.to_owned(),
    }
}

/// `ximagesrc` as it is, and with a conversion for screens that do not have 32 bits per pixel.
#[cfg(target_os = "linux")]
pub(crate) fn x_image_candidates(
    settings: &[(&'static str, String)],
    rate: FrameRate,
    note: &str,
) -> Vec<Candidate> {
    crate::xlib_errors::survive();
    vec![
        way("ximagesrc", settings.to_vec(), Vec::new(), rate, note, &[]),
        way(
            "ximagesrc",
            settings.to_vec(),
            Vec::new(),
            rate,
            &format!("{note}, converted from the screen's own pixels"),
            &["videoconvert"],
        ),
    ]
}

/// Whether ximagesrc asks the server which parts changed (XDamage) instead of reading all of the screen. It should not:
/// measured for 8 s on Xvfb at 1280x720 and 30 pictures a second with GStreamer 1.22, element and server together took
/// 0.28 CPU seconds without damage, whether the screen moved or not; with damage 0.27 on a still screen and 0.71 with a
/// window of 640x360 moving, because every changed rectangle is fetched and copied by itself.
#[cfg(target_os = "linux")]
pub(crate) const USE_DAMAGE: bool = false;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_tries_the_newest_interface_first() {
        crate::elements::init().unwrap();
        let settings = |monitor| -> Vec<(&str, Vec<(&str, String)>)> {
            let ways = windows_ways(monitor, true, FrameRate::FPS_30, "x");
            ways.into_iter().map(|way| (way.element, way.settings)).collect()
        };
        let on = || "true".to_owned();
        assert_eq!(
            settings(None),
            [
                ("d3d12screencapturesrc", vec![("show-cursor", on())]),
                ("d3d11screencapturesrc", vec![("show-cursor", on())]),
                ("gdiscreencapsrc", vec![("cursor", on())]),
            ]
        );
        let second = settings(Some((1, Some(0xabcd))));
        assert_eq!(second[0].1[0], ("monitor-handle", "43981".to_owned()));
        assert_eq!(second[2].1[0], ("monitor", "1".to_owned()));
        assert_eq!(settings(Some((1, None)))[1].1[0], ("monitor-index", "1".to_owned()));
    }
}
