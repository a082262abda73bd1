//! A camera or capture card.
//!
//! Linux: `v4l2src`; the devices and their names are those of `/sys/class/video4linux`. Windows: `mfvideosrc`, then
//! `ksvideosrc`; the names are those of GStreamer's device providers. The device's modes are looked at first and the
//! one nearest to the canvas is asked for, because what a camera gives by itself is often its slowest or smallest mode.

mod modes;

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use units::{FrameRate, Size};

use crate::devices::Camera;
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
        let elements: &[&'static str] =
            if cfg!(windows) { &["mfvideosrc", "ksvideosrc"] } else { &["v4l2src"] };
        Ok(elements.iter().flat_map(|element| self.ways(element, camera)).collect())
    }

    fn stall(&self) -> Option<Duration> {
        Some(STALL)
    }
}

impl CameraPlan {
    /// The ways to capture through `element`: in the best mode, then in whatever mode it gives, raw or as JPEG.
    fn ways(&self, element: &'static str, camera: &Camera) -> Vec<Candidate> {
        let setting = match &camera.path {
            Some(path) => ("device", path.clone()),
            None => ("device-name", camera.name.clone()),
        };
        let way = |filter: Option<gst::Caps>, jpeg: bool, what: &str| Candidate {
            element,
            settings: vec![setting.clone()],
            wishes: Vec::new(),
            filter,
            then: if jpeg { &["jpegdec", "videoconvert"] } else { &["videoconvert"] },
            alpha: Alpha::Ignored,
            note: format!("{} in {what}", camera.name),
        };
        let mut ways = Vec::new();
        if let Some(mode) =
            offered(element, &setting).and_then(|caps| modes::choose(&caps, self.canvas, self.rate))
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
