//! What could be captured on this computer.

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::{Error, elements};

/// A monitor as GStreamer's device providers on Windows list it.
pub(crate) struct MonitorDevice {
    /// Its number in the list, from 0.
    pub(crate) index: usize,
    /// Its `HMONITOR`, where the provider tells it.
    pub(crate) handle: Option<u64>,
}

/// The devices of a class (`Source/Monitor`, `Video/Source`) that GStreamer's providers know.
pub(crate) fn of_class(class: &str) -> Result<Vec<gst::Device>, Error> {
    elements::init()?;
    let monitor = gst::DeviceMonitor::new();
    monitor.add_filter(Some(class), None);
    // Starting fails when no provider is installed for the class; then there are no devices.
    if monitor.start().is_err() {
        return Ok(Vec::new());
    }
    let devices = monitor.devices().into_iter().collect();
    monitor.stop();
    Ok(devices)
}

/// The monitor of that name.
pub(crate) fn monitor(name: &str) -> Result<MonitorDevice, Error> {
    let devices = of_class("Source/Monitor")?;
    let known: Vec<String> = devices.iter().map(|device| device.display_name().to_string()).collect();
    let index = known.iter().position(|known| known == name).ok_or_else(|| {
        Error::Device(format!("there is no such monitor (there are: {})", known.join(", ")))
    })?;
    let handle = devices
        .get(index)
        .and_then(|device| device.properties())
        .and_then(|properties| properties.get::<u64>("device.hmonitor").ok());
    Ok(MonitorDevice { index, handle })
}
