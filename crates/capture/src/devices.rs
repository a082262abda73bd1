//! What could be captured on this computer.

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::{Error, elements, sound_device};

/// A device as `genlock doctor` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What a scene calls it.
    pub name: String,
    /// What else there is to say: size, sound system, whether it is the default.
    pub note: String,
}

/// The devices of this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Displays that can be captured whole.
    pub displays: Vec<Device>,
    /// Cameras and capture cards.
    pub cameras: Vec<Device>,
    /// Microphones and other sound inputs.
    pub inputs: Vec<Device>,
    /// Sound outputs, whose sound can be heard as desktop sound.
    pub outputs: Vec<Device>,
    /// What could not be listed, and why; one sentence each.
    pub problems: Vec<String>,
}

/// Lists the devices of this computer. May take seconds: drivers are asked.
pub fn list_devices() -> Devices {
    let mut devices = Devices::default();
    let note = |what: &str, problem: Error| format!("{what} could not be listed: {problem}");
    match displays() {
        Ok(displays) => devices.displays = displays,
        Err(problem) => devices.problems.push(note("Displays", problem)),
    }
    match cameras() {
        Ok(cameras) => {
            let listed = |c: Camera| Device { name: c.name, note: c.path.unwrap_or_default() };
            devices.cameras = cameras.into_iter().map(listed).collect();
        }
        Err(problem) => devices.problems.push(note("Cameras", problem)),
    }
    match sound_device::list() {
        Ok((inputs, outputs)) => {
            let listed = |list: Vec<(String, String)>| {
                list.into_iter().map(|(name, note)| Device { name, note }).collect()
            };
            (devices.inputs, devices.outputs) = (listed(inputs), listed(outputs));
        }
        Err(problem) => devices.problems.push(note("Sound devices", problem)),
    }
    devices
}

#[cfg(target_os = "linux")]
fn displays() -> Result<Vec<Device>, Error> {
    let monitors = crate::x11::Server::connect(None)?.monitors()?;
    let listed = |m: crate::x11::Monitor| {
        let mark = if m.is_primary { ", primary" } else { "" };
        Device { name: m.name, note: format!("{}x{} at {},{}{mark}", m.width, m.height, m.x, m.y) }
    };
    Ok(monitors.into_iter().map(listed).collect())
}

#[cfg(not(target_os = "linux"))]
fn displays() -> Result<Vec<Device>, Error> {
    let listed = |device: &gst::Device| Device {
        name: device.display_name().to_string(),
        note: device.device_class().to_string(),
    };
    Ok(of_class("Source/Monitor")?.iter().map(listed).collect())
}

/// A monitor as GStreamer's device providers on Windows list it.
#[cfg(windows)]
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
#[cfg(windows)]
pub(crate) fn monitor(name: &str) -> Result<MonitorDevice, Error> {
    let devices = of_class("Source/Monitor")?;
    let known: Vec<String> = devices.iter().map(|device| device.display_name().to_string()).collect();
    let index = known.iter().position(|known| known == name).ok_or_else(|| {
        Error::Device(format!("there is no such monitor (there are: {})", known.join(", ")))
    })?;
    let handle = devices
        .get(index)
        .and_then(gst::Device::properties)
        .and_then(|properties| properties.get::<u64>("device.hmonitor").ok());
    Ok(MonitorDevice { index, handle })
}

/// A camera that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Camera {
    pub(crate) name: String,
    /// Its device file, on Linux.
    pub(crate) path: Option<String>,
}

/// The cameras that are connected, in the system's order. Of several with the same name, the second and later are
/// called “name (2)” and so on.
pub(crate) fn cameras() -> Result<Vec<Camera>, Error> {
    let mut cameras = if cfg!(target_os = "linux") {
        video4linux(std::path::Path::new("/sys/class/video4linux"))
    } else {
        of_class("Video/Source")?
            .iter()
            .map(|device| Camera { name: device.display_name().to_string(), path: None })
            .collect()
    };
    let mut seen = std::collections::HashMap::new();
    for camera in &mut cameras {
        let count = seen.entry(camera.name.clone()).or_insert(0u32);
        *count += 1;
        // Elsewhere than on Linux the name is what the device is opened by, so it stays as it is.
        if *count > 1 && camera.path.is_some() {
            camera.name = format!("{} ({count})", camera.name);
        }
    }
    Ok(cameras)
}

/// Reads sysfs: one folder `videoN` for each node, with files `name` and `index` (Linux kernel documentation, sysfs
/// ABI, "/sys/class/video4linux"). Nodes of an index above 0 are a camera's metadata.
fn video4linux(folder: &std::path::Path) -> Vec<Camera> {
    // Without the folder the kernel knows no video devices at all.
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut nodes: Vec<(u32, Camera)> = entries
        .flatten()
        .filter_map(|entry| {
            let node = entry.file_name().into_string().ok()?;
            let number = node.strip_prefix("video")?.parse().ok()?;
            let read = |file| std::fs::read_to_string(entry.path().join(file)).ok();
            if read("index").is_some_and(|index| index.trim() != "0") {
                return None;
            }
            let name = read("name").map_or_else(|| node.clone(), |name| name.trim().to_owned());
            Some((number, Camera { name, path: Some(format!("/dev/{node}")) }))
        })
        .collect();
    nodes.sort_by_key(|(number, _)| *number);
    nodes.into_iter().map(|(_, camera)| camera).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_are_read_from_sysfs_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        for (node, name, index) in [
            ("video10", "Card", "0"),
            ("video2", "HD Pro", "0"),
            ("video3", "HD Pro", "1"),
            ("v4l-subdev0", "x", "0"),
        ] {
            let node = folder.path().join(node);
            std::fs::create_dir(&node).unwrap();
            std::fs::write(node.join("name"), format!("{name}\n")).unwrap();
            std::fs::write(node.join("index"), format!("{index}\n")).unwrap();
        }
        let found: Vec<(String, String)> =
            video4linux(folder.path()).into_iter().map(|c| (c.name, c.path.unwrap())).collect();
        let expected = [("HD Pro", "/dev/video2"), ("Card", "/dev/video10")];
        assert_eq!(found, expected.map(|(name, path)| (name.to_owned(), path.to_owned())));
        assert!(video4linux(&folder.path().join("absent")).is_empty());
    }
}
