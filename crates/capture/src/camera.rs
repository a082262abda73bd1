//! A camera or capture card.
//!
//! Linux: `v4l2src`; the devices and their names are those of `/sys/class/video4linux`. Windows: Media Foundation
//! (`mfvideosrc`), then the driver's own interface (`ksvideosrc`), then DirectShow (`dshowvideosrc`), where alone some
//! virtual cameras are to be found; each camera by the interfaces that know it. The device's modes are looked at first
//! and the one nearest to the canvas is asked for, because what a camera gives by itself is often its slowest or
//! smallest mode.

mod modes;

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use units::{FrameRate, Size};

use crate::devices::Door;
use crate::frames::Alpha;
use crate::live::Candidate;
use crate::supervisor::{Plan, Supervised};
use crate::{CaptureContext, Error, devices, elements};

/// A camera that gives no picture for this long counts as gone. Longer than the exposure of a dark room.
const STALL: Duration = Duration::from_secs(3);

pub(crate) fn open(device: Option<&str>, context: &CaptureContext) -> Result<Supervised, Error> {
    let plan = CameraPlan { device: device.map(str::to_owned), canvas: context.canvas, rate: context.rate };
    Supervised::start("capture camera", plan, context)
}

struct CameraPlan {
    device: Option<String>,
    canvas: Size,
    rate: FrameRate,
}

impl Plan for CameraPlan {
    fn title(&self) -> String {
        match &self.device {
            Some(name) => format!("Camera “{name}”"),
            None => "A camera".into(),
        }
    }

    fn candidates(&mut self) -> Result<Vec<Candidate>, Error> {
        let cameras = devices::cameras()?;
        let camera = match &self.device {
            Some(name) => cameras.iter().find(|camera| camera.name == *name).ok_or_else(|| {
                let known: Vec<String> = cameras.iter().map(|c| format!("“{}”", c.name)).collect();
                Error::Device(if known.is_empty() {
                    "no camera is connected".into()
                } else {
                    format!("the cameras that are connected are {}", known.join(", "))
                })
            })?,
            None => cameras.first().ok_or_else(|| Error::Device("no camera is connected".into()))?,
        };
        Ok(camera.doors.iter().flat_map(|door| self.ways(door, &camera.name)).collect())
    }

    #[cfg(windows)]
    fn advice(&self) -> Option<String> {
        use crate::win32::{Allowed, may_use_cameras};
        let who = match may_use_cameras() {
            Allowed::Yes => return None,
            Allowed::NotOnThisComputer => "camera access is switched off for this computer",
            Allowed::NotForThisPerson => "camera access is switched off for desktop programs",
        };
        Some(format!("{who}: switch it on in Windows' Settings, Privacy & security, Camera"))
    }

    fn stall(&self) -> Option<Duration> {
        Some(STALL)
    }
}

impl CameraPlan {
    /// The ways to capture through one interface: in the best mode, then in whatever mode it gives, raw or as JPEG.
    fn ways(&self, door: &Door, name: &str) -> Vec<Candidate> {
        let setting = (door.property, door.value.clone());
        let interface = if door.remark.is_empty() { String::new() } else { format!(", {}", door.remark) };
        let way = |filter: Option<gst::Caps>, jpeg: bool, what: &str| Candidate {
            element: door.element,
            painter: None,
            settings: vec![setting.clone()],
            wishes: Vec::new(),
            filter,
            then: if jpeg { &["jpegdec", "videoconvert"] } else { &["videoconvert"] },
            alpha: Alpha::Ignored,
            note: format!("{name} in {what}{interface}"),
        };
        let mut ways = Vec::new();
        if let Some(mode) =
            offered(door.element, &setting).and_then(|caps| modes::choose(&caps, self.canvas, self.rate))
        {
            ways.push(way(Some(mode.caps()), mode.is_jpeg, &mode.to_string()));
        }
        ways.push(way(Some(gst::Caps::new_empty_simple("video/x-raw")), false, "its own raw mode"));
        ways.push(way(Some(gst::Caps::new_empty_simple("image/jpeg")), true, "its own JPEG mode"));
        ways
    }
}

/// What the device says it can give; `None` when it cannot be asked, which the attempt to capture will explain.
fn offered(element: &'static str, (property, value): &(&str, String)) -> Option<gst::Caps> {
    let source = elements::make(element, &[(property, value)]).ok()?;
    let caps = source
        .set_state(gst::State::Ready)
        .ok()
        .and_then(|_| source.static_pad("src"))
        .map(|pad| pad.query_caps(None));
    // Going back to Null cannot fail for a reason that matters here: the device is let go with the element.
    let _ = source.set_state(gst::State::Null);
    caps
}
