//! What could be captured on this computer.

#[cfg(windows)]
use gstreamer as gst;
#[cfg(windows)]
use gstreamer::prelude::*;
use scene::WindowSelector;

#[cfg(windows)]
use crate::elements;
use crate::{Error, program_sound, sound_device};

/// A device as `genlock doctor` and the window list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What a scene calls it.
    pub name: String,
    /// What else there is to say: size, sound system, whether it is the default, how it is captured.
    pub note: String,
}

/// A window that could be captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWindow {
    /// Its title at the moment.
    pub title: String,
    /// What finds it again after it was closed and opened once more.
    pub selector: WindowSelector,
}

/// A program whose sound could be heard alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its file name, without its folder.
    pub name: String,
    /// Title of its front window; empty where it has none.
    pub title: String,
    /// It plays sound now.
    pub is_playing: bool,
}

/// The devices of this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Displays that can be captured whole.
    pub displays: Vec<Device>,
    /// Windows that can be captured, without those of this program; the one in front first.
    pub windows: Vec<OpenWindow>,
    /// Cameras and capture cards.
    pub cameras: Vec<Device>,
    /// Microphones and other sound inputs.
    pub inputs: Vec<Device>,
    /// Sound outputs, whose sound can be heard as desktop sound.
    pub outputs: Vec<Device>,
    /// Programs whose sound can be heard alone; those that play first.
    pub programs: Vec<Program>,
    /// Why no program can be heard alone here; `None` where it can.
    pub no_program_sound: Option<String>,
    /// Why the border of what is captured can not be chosen here; `None` where it can.
    pub no_border: Option<String>,
    /// What could not be listed, and why; one sentence each.
    pub problems: Vec<String>,
}

/// Lists the devices of this computer. May take seconds: drivers are asked.
pub fn list_devices() -> Devices {
    let mut devices = Devices {
        no_program_sound: program_sound::unavailable(),
        no_border: no_border(),
        ..Devices::default()
    };
    let note = |what: &str, problem: Error| format!("{what} could not be listed: {problem}");
    match displays() {
        Ok(displays) => devices.displays = displays,
        Err(problem) => devices.problems.push(note("Displays", problem)),
    }
    match windows() {
        Ok(windows) => devices.windows = windows,
        Err(problem) => devices.problems.push(note("Windows", problem)),
    }
    match cameras() {
        Ok(cameras) => {
            let listed = |c: Camera| Device { note: c.note(), name: c.name };
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
    if devices.no_program_sound.is_none() {
        devices.programs = programs(&devices.windows);
    }
    #[cfg(windows)]
    devices.problems.extend(forbidden());
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

#[cfg(windows)]
fn displays() -> Result<Vec<Device>, Error> {
    let listed = |m: crate::win32::Monitor| {
        let mark = if m.is_primary { ", primary" } else { "" };
        Device { name: m.name, note: format!("{}x{} at {},{}{mark}", m.width, m.height, m.x, m.y) }
    };
    Ok(crate::win32::monitors().into_iter().map(listed).collect())
}

#[cfg(not(any(windows, target_os = "linux")))]
fn displays() -> Result<Vec<Device>, Error> {
    Err(Error::Device("displays are captured on Linux and Windows only".into()))
}

#[cfg(target_os = "linux")]
fn windows() -> Result<Vec<OpenWindow>, Error> {
    let own = std::env::current_exe().ok();
    let own =
        own.as_deref().and_then(std::path::Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let mut windows = crate::x11::Server::connect(None)?.windows()?;
    windows.reverse();
    let listed = |window: crate::x11::TopLevel| {
        let is_own = window.program.is_some() && window.program == own;
        (!window.title.is_empty() && !is_own).then(|| OpenWindow {
            selector: WindowSelector {
                title: Some(window.title.clone()),
                class: window.classes.last().cloned(),
                program: window.program,
            },
            title: window.title,
        })
    };
    Ok(windows.into_iter().filter_map(listed).collect())
}

#[cfg(windows)]
fn windows() -> Result<Vec<OpenWindow>, Error> {
    let listed = |window: crate::win32::TopLevel| {
        (!window.title.is_empty() && !window.is_own && !window.is_tool).then(|| OpenWindow {
            selector: WindowSelector {
                title: Some(window.title.clone()),
                class: Some(window.class),
                program: window.program,
            },
            title: window.title,
        })
    };
    Ok(crate::win32::windows().into_iter().filter_map(listed).collect())
}

#[cfg(not(any(windows, target_os = "linux")))]
fn windows() -> Result<Vec<OpenWindow>, Error> {
    Err(Error::Device("windows are captured on Linux and Windows only".into()))
}

/// The programs that play sound, then the others that have a window.
fn programs(windows: &[OpenWindow]) -> Vec<Program> {
    #[cfg(windows)]
    let playing = crate::win32::playing();
    #[cfg(not(windows))]
    let playing: Vec<String> = Vec::new();
    let title_of = |program: &str| {
        let of_program = |window: &&OpenWindow| {
            window.selector.program.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(program))
        };
        windows.iter().find(of_program).map_or_else(String::new, |window| window.title.clone())
    };
    let own = std::env::current_exe().ok();
    let own =
        own.as_deref().and_then(std::path::Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let is_own = |name: &str| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let mut programs: Vec<Program> = playing
        .into_iter()
        .filter(|name| !is_own(name))
        .map(|name| Program { title: title_of(&name), name, is_playing: true })
        .collect();
    for window in windows {
        let Some(name) = &window.selector.program else { continue };
        if !programs.iter().any(|program| program.name.eq_ignore_ascii_case(name)) {
            programs.push(Program { name: name.clone(), title: window.title.clone(), is_playing: false });
        }
    }
    programs
}

#[cfg(windows)]
fn no_border() -> Option<String> {
    let build = crate::win32::build_number()?;
    (build < crate::display::BORDERLESS_BUILD).then(|| {
        "This Windows always draws a yellow border around what Windows Graphics Capture takes; it takes Windows 11 to \
         turn it off."
            .to_owned()
    })
}

#[cfg(not(windows))]
fn no_border() -> Option<String> {
    Some("No border is drawn around what is captured here.".to_owned())
}

/// What the person has switched off, in sentences.
#[cfg(windows)]
fn forbidden() -> Vec<String> {
    use crate::win32::{Allowed, may_use_cameras, may_use_microphones};
    let sentence = |allowed: Allowed, what: &str| {
        let whom = match allowed {
            Allowed::Yes => return None,
            Allowed::NotOnThisComputer => "for this computer",
            Allowed::NotForThisPerson => "for desktop programs",
        };
        Some(format!(
            "{what} access is switched off {whom}: switch it on in Windows' Settings, Privacy & security, {what}."
        ))
    };
    let both = [sentence(may_use_cameras(), "Camera"), sentence(may_use_microphones(), "Microphone")];
    both.into_iter().flatten().collect()
}

/// An interface through which a camera can be captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// The element that captures through it.
    pub(crate) element: &'static str,
    /// The property that names the camera to the element, and its value.
    pub(crate) property: &'static str,
    pub(crate) value: String,
    /// What there is to say of the interface; may be empty.
    pub(crate) remark: &'static str,
}

/// A camera that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Camera {
    pub(crate) name: String,
    /// The interfaces that know it, best first; at least one.
    pub(crate) doors: Vec<Door>,
}

impl Camera {
    fn note(&self) -> String {
        let Some(door) = self.doors.first() else { return String::new() };
        if door.element == "v4l2src" { door.value.clone() } else { format!("by {}", door.element) }
    }
}

/// The cameras that are connected, in the system's order. Of several with the same name, the second and later are
/// called “name (2)” and so on.
pub(crate) fn cameras() -> Result<Vec<Camera>, Error> {
    #[cfg(windows)]
    let mut cameras = {
        let media_foundation = provided("mfdeviceprovider")?;
        let streaming = provided("ksdeviceprovider")?;
        // Without DirectShow the others still count.
        let direct_show = crate::win32::video_devices().unwrap_or_else(|problem| {
            tracing::debug!(%problem, "no cameras by DirectShow");
            Vec::new()
        });
        joined(&media_foundation, &streaming, &direct_show)
    };
    #[cfg(not(windows))]
    let mut cameras = video4linux(std::path::Path::new("/sys/class/video4linux"));
    let mut seen = std::collections::HashMap::new();
    for camera in &mut cameras {
        let count = seen.entry(camera.name.clone()).or_insert(0u32);
        *count += 1;
        if *count > 1 {
            camera.name = format!("{} ({count})", camera.name);
        }
    }
    Ok(cameras)
}

/// A camera as an interface of Windows lists it: its name, and its path where that is told.
#[cfg(any(windows, test))]
type Named = (String, Option<String>);

/// The cameras of all interfaces, each once. Interfaces share a camera where its path is the same, whatever its case
/// and the interface at its end (`#{...}`), else where its name is.
#[cfg(any(windows, test))]
fn joined(media_foundation: &[Named], streaming: &[Named], direct_show: &[String]) -> Vec<Camera> {
    let device = |path: &str| path.split("#{").next().unwrap_or(path).to_ascii_lowercase();
    let mut cameras: Vec<(Camera, Option<String>)> = Vec::new();
    let mut add = |(name, path): &Named, element, by_path, by_name, remark| {
        let (property, value) = match path {
            Some(path) => (by_path, path.clone()),
            None => (by_name, name.clone()),
        };
        let door = Door { element, property, value, remark };
        let path = path.as_deref().map(device);
        let same = cameras.iter_mut().find(|(camera, own)| match (own, &path) {
            (Some(own), Some(path)) => own == path,
            _ => camera.name == *name && camera.doors.iter().all(|door| door.element != element),
        });
        match same {
            Some((camera, _)) => camera.doors.push(door),
            None => cameras.push((Camera { name: name.clone(), doors: vec![door] }, path)),
        }
    };
    for camera in media_foundation {
        add(camera, "mfvideosrc", "device-path", "device-name", "by Media Foundation");
    }
    for camera in streaming {
        add(camera, "ksvideosrc", "device-path", "device-name", "by its driver, kernel streaming");
    }
    for name in direct_show {
        let remark = "by DirectShow, the interface of older virtual cameras";
        add(&(name.clone(), None), "dshowvideosrc", "device", "device-name", remark);
    }
    cameras.into_iter().map(|(camera, _)| camera).collect()
}

/// The cameras that one of GStreamer's providers lists; none where it is not installed.
#[cfg(windows)]
fn provided(provider: &str) -> Result<Vec<Named>, Error> {
    elements::init()?;
    let Some(provider) = gst::DeviceProviderFactory::by_name(provider) else { return Ok(Vec::new()) };
    // A provider lists once without being started.
    let named = |device: gst::Device| {
        let is_camera = device.device_class().contains("Video");
        let path = device.properties().and_then(|all| all.get::<String>("device.path").ok());
        is_camera.then(|| (device.display_name().to_string(), path))
    };
    Ok(provider.devices().into_iter().filter_map(named).collect())
}

/// Reads sysfs: one folder `videoN` for each node, with files `name` and `index` (Linux kernel documentation, sysfs
/// ABI, "/sys/class/video4linux"). Nodes of an index above 0 are a camera's metadata.
#[cfg(any(not(windows), test))]
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
            let door =
                Door { element: "v4l2src", property: "device", value: format!("/dev/{node}"), remark: "" };
            Some((number, Camera { name, doors: vec![door] }))
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
        let found: Vec<(String, String)> = video4linux(folder.path())
            .into_iter()
            .map(|c| (c.note(), c.name))
            .map(|(note, name)| (name, note))
            .collect();
        let expected = [("HD Pro", "/dev/video2"), ("Card", "/dev/video10")];
        assert_eq!(found, expected.map(|(name, path)| (name.to_owned(), path.to_owned())));
        assert!(video4linux(&folder.path().join("absent")).is_empty());
    }

    #[test]
    fn interfaces_share_the_cameras_that_they_know() {
        let named = |name: &str, path: Option<&str>| (name.to_owned(), path.map(str::to_owned));
        let by_foundation = [
            named("HD Pro", Some(r"\\?\usb#vid_046d#1#{e5323777-f976-4f5b-9b55-b94699c46e44}\global")),
            named("HD Pro", Some(r"\\?\usb#vid_046d#2#{e5323777-f976-4f5b-9b55-b94699c46e44}\global")),
        ];
        let by_streaming = [
            named("HD Pro", Some(r"\\?\USB#VID_046D#2#{65e8773d-8f56-11d0-a3b9-00a0c9223196}\global")),
            named("Card", Some(r"\\?\pci#card#{65e8773d-8f56-11d0-a3b9-00a0c9223196}\0")),
        ];
        let by_show = ["HD Pro".to_owned(), "HD Pro".to_owned(), "OBS Virtual Camera".to_owned()];
        let cameras = joined(&by_foundation, &by_streaming, &by_show);
        let all: Vec<(&str, Vec<&str>)> = cameras
            .iter()
            .map(|c| (c.name.as_str(), c.doors.iter().map(|door| door.element).collect()))
            .collect();
        assert_eq!(
            all,
            [
                ("HD Pro", vec!["mfvideosrc", "dshowvideosrc"]),
                ("HD Pro", vec!["mfvideosrc", "ksvideosrc", "dshowvideosrc"]),
                ("Card", vec!["ksvideosrc"]),
                ("OBS Virtual Camera", vec!["dshowvideosrc"]),
            ]
        );
        assert_eq!(
            (cameras[3].doors[0].property, cameras[3].doors[0].value.as_str()),
            ("device-name", "OBS Virtual Camera")
        );
        assert_eq!(cameras[1].doors[1].property, "device-path");
    }
}
