//! A whole display.
//!
//! Linux: `ximagesrc`. Windows: `d3d12screencapturesrc`, then `d3d11screencapturesrc`, by desktop duplication and then
//! by Windows Graphics Capture; then `gdiscreencapsrc`. Each is tried until one gives a picture; pictures arrive at the
//! display's own size, as the element makes them, in system memory, without conversion.

use gstreamer as gst;
use scene::DisplaySelector;
use units::FrameRate;

use crate::frames::Alpha;
use crate::live::Candidate;
use crate::supervisor::{Plan, Supervised};
use crate::{CaptureContext, Error};

/// What is shown of a screen beside its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The mouse pointer.
    pub(crate) cursor: bool,
    /// The border that Windows draws around what is captured.
    pub(crate) border: bool,
    /// The windows of this program.
    pub(crate) own_windows: bool,
}

pub(crate) fn open(
    display: &DisplaySelector,
    shown: Shown,
    context: &CaptureContext,
) -> Result<Supervised, Error> {
    let plan = DisplayPlan {
        display: display.clone(),
        shown,
        rate: context.rate,
        #[cfg(target_os = "linux")]
        asked: None,
        #[cfg(windows)]
        captured: None,
        #[cfg(windows)]
        hiding: None,
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
    shown: Shown,
    rate: FrameRate,
    /// The server that was asked for its monitors. Kept, because a virtual X server resets itself when its last client
    /// leaves, and the element's connection would meet it in the middle of that.
    #[cfg(target_os = "linux")]
    asked: Option<crate::x11::Server>,
    /// The monitor that is captured.
    #[cfg(windows)]
    captured: Option<crate::win32::Monitor>,
    /// While this lives, our own windows are in no capture.
    #[cfg(windows)]
    hiding: Option<crate::win32::Hiding>,
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

    #[cfg(windows)]
    fn check(&mut self) -> Result<(), Error> {
        if let Some(hiding) = &self.hiding {
            // Windows that were opened since are hidden too; that this is refused was told at the beginning.
            let _ = hiding.renew();
        }
        match &self.captured {
            Some(monitor) if !crate::win32::monitor_is_at(monitor) => {
                Err(Error::Device("monitors were changed".into()))
            }
            _ => Ok(()),
        }
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
            vec![("show-pointer", self.shown.cursor.to_string()), ("use-damage", USE_DAMAGE.to_string())];
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
        if !self.shown.own_windows {
            note.push_str(" (our own windows are seen: only Windows can leave them out)");
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
        let monitors = crate::win32::monitors();
        let known: Vec<&str> = monitors.iter().map(|monitor| monitor.name.as_str()).collect();
        let found = match &self.display {
            DisplaySelector::Primary => {
                monitors.iter().find(|monitor| monitor.is_primary).or(monitors.first())
            }
            DisplaySelector::Named(name) => {
                monitors.iter().find(|monitor| monitor.name == *name || monitor.device == *name)
            }
        };
        let found = found.ok_or_else(|| {
            Error::Device(format!("there is no such monitor (there are: {})", known.join(", ")))
        })?;
        let mut note = format!("monitor {}, {}x{}", found.name, found.width, found.height);
        if !self.shown.own_windows {
            let hiding = self.hiding.get_or_insert_with(crate::win32::Hiding::default);
            match hiding.renew() {
                Ok(()) => note.push_str(", without our own windows"),
                Err(why) => note.push_str(&format!(" (our own windows are seen: {why})")),
            }
        }
        let ways = windows_ways((found.number, found.handle), self.shown, self.rate, &note);
        self.captured = Some(found.clone());
        Ok(ways)
    }

    #[cfg(not(any(windows, target_os = "linux")))]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        Err(Error::Device("displays are captured on Linux and Windows only".into()))
    }
}

/// The first Windows whose capture border can be turned off: `GraphicsCaptureSession.IsBorderRequired` came with
/// Windows SDK 10.0.20348 (Microsoft Learn).
#[cfg(any(windows, test))]
pub(crate) const BORDERLESS_BUILD: u32 = 20_348;

/// What to say of the border where a wish for or against it cannot be fulfilled by Windows Graphics Capture.
#[cfg(any(windows, test))]
pub(crate) fn border_note(border: bool, build: Option<u32>) -> &'static str {
    if !border && build.is_some_and(|build| build < BORDERLESS_BUILD) {
        " (this Windows draws a yellow border around it and lets nobody turn it off)"
    } else {
        ""
    }
}

/// The ways on Windows, for a monitor by its number and its `HMONITOR`. Desktop duplication comes first, because it
/// draws no border and costs least; with a border, Windows Graphics Capture, which alone has one.
#[cfg(any(windows, test))]
fn windows_ways((number, handle): (usize, u64), shown: Shown, rate: FrameRate, note: &str) -> Vec<Candidate> {
    #[cfg(windows)]
    let build = crate::win32::build_number();
    #[cfg(not(windows))]
    let build = None;
    let no_border = if shown.border { " (this way has no border)" } else { "" };
    let direct = |element, api: &str| {
        let settings = vec![
            ("monitor-handle", handle.to_string()),
            ("capture-api", api.to_owned()),
            ("show-cursor", shown.cursor.to_string()),
        ];
        let wishes = vec![("show-border", shown.border.to_string())];
        let (name, remark) = match api {
            "wgc" => ("Windows Graphics Capture", border_note(shown.border, build)),
            _ => ("desktop duplication", no_border),
        };
        way(element, settings, wishes, rate, &format!("{note}, by {name}{remark}"), &[])
    };
    // An element of a Windows without Windows Graphics Capture has no choice of interface.
    let plain = |element| {
        let settings =
            vec![("monitor-handle", handle.to_string()), ("show-cursor", shown.cursor.to_string())];
        way(element, settings, Vec::new(), rate, &format!("{note}, by desktop duplication{no_border}"), &[])
    };
    let mut ways: Vec<Candidate> = Vec::new();
    for api in if shown.border { ["wgc", "dxgi"] } else { ["dxgi", "wgc"] } {
        for element in ["d3d12screencapturesrc", "d3d11screencapturesrc"] {
            ways.push(direct(element, api));
        }
    }
    if crate::elements::lacks("d3d11screencapturesrc", "capture-api") {
        ways = vec![plain("d3d12screencapturesrc"), plain("d3d11screencapturesrc")];
    }
    let gdi = vec![("monitor", number.to_string()), ("cursor", shown.cursor.to_string())];
    // GDI gives pixels of 24 bits, so it is the one that is converted.
    let by_gdi = format!("{note}, by GDI{no_border}");
    ways.push(way("gdiscreencapsrc", gdi, Vec::new(), rate, &by_gdi, &["videoconvert"]));
    ways
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
        painter: None,
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

    fn of(ways: &[Candidate], what: &str) -> Vec<Option<String>> {
        ways.iter()
            .map(|way| {
                let mut all = way.settings.iter().chain(&way.wishes);
                all.find(|(name, _)| *name == what).map(|(_, value)| value.clone())
            })
            .collect()
    }

    #[test]
    fn windows_tries_the_newest_interface_first_and_what_has_a_border_where_one_is_wanted() {
        crate::elements::init().unwrap();
        let ways = |border| {
            let shown = Shown { cursor: true, border, own_windows: true };
            windows_ways((1, 0xabcd), shown, FrameRate::FPS_30, "x")
        };
        let plain = ways(false);
        let elements: Vec<&str> = plain.iter().map(|way| way.element).collect();
        assert_eq!(elements.first(), Some(&"d3d12screencapturesrc"));
        assert_eq!(elements.get(1), Some(&"d3d11screencapturesrc"));
        assert_eq!(elements.last(), Some(&"gdiscreencapsrc"));
        let last = plain.len() - 1;
        assert!(of(&plain, "monitor-handle")[..last].iter().all(|handle| handle.as_deref() == Some("43981")));
        assert_eq!(of(&plain, "monitor")[last].as_deref(), Some("1"));
        assert_eq!(of(&plain, "cursor")[last].as_deref(), Some("true"));
        assert!(plain[last].note.ends_with("by GDI"), "{}", plain[last].note);
        let bordered = ways(true);
        assert!(bordered[last].note.ends_with("by GDI (this way has no border)"), "{}", bordered[last].note);
        if elements.len() == 5 {
            assert_eq!(of(&plain, "capture-api")[0].as_deref(), Some("dxgi"));
            assert_eq!(of(&bordered, "capture-api")[0].as_deref(), Some("wgc"));
            assert_eq!(of(&bordered, "show-border")[0].as_deref(), Some("true"));
        }
    }

    #[test]
    fn a_border_that_stays_is_told() {
        assert_eq!(border_note(false, Some(22_000)), "");
        assert!(border_note(false, Some(19_045)).contains("yellow border"));
        assert_eq!(border_note(true, Some(19_045)), "");
        assert_eq!(border_note(false, None), "");
    }
}
