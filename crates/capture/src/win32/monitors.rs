//! The monitors of the desktop, with the names that people read in Windows' own settings.

#![expect(unsafe_code, reason = "monitors are listed by the system's C interface")]

use std::collections::HashMap;

use windows::Win32::Devices::Display::{
    DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME, DISPLAYCONFIG_DEVICE_INFO_GET_TARGET_NAME,
    DISPLAYCONFIG_DEVICE_INFO_HEADER, DISPLAYCONFIG_OUTPUT_TECHNOLOGY_INTERNAL, DISPLAYCONFIG_PATH_INFO,
    DISPLAYCONFIG_SOURCE_DEVICE_NAME, DISPLAYCONFIG_TARGET_DEVICE_NAME, DisplayConfigGetDeviceInfo,
    GetDisplayConfigBufferSizes, QDC_ONLY_ACTIVE_PATHS, QueryDisplayConfig,
};
use windows::Win32::Foundation::{ERROR_SUCCESS, LPARAM, RECT};
use windows::Win32::Graphics::Gdi::{
    DISPLAY_DEVICEW, EnumDisplayDevicesW, EnumDisplayMonitors, GetMonitorInfoW, HDC, HMONITOR, MONITORINFO,
    MONITORINFOEXW,
};
use windows::core::{BOOL, PCWSTR};

use super::{string, wide};

/// `MONITORINFOF_PRIMARY` (Microsoft Learn, `MONITORINFO`).
const PRIMARY: u32 = 1;

/// A monitor that is part of the desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Monitor {
    /// Its `HMONITOR`, which changes when monitors are plugged.
    pub(crate) handle: u64,
    /// Its place in Windows' list, from 0, by which `gdiscreencapsrc` counts.
    pub(crate) number: usize,
    /// What a person calls it; no two have the same.
    pub(crate) name: String,
    /// The name Windows itself uses: `\\.\DISPLAY1`.
    pub(crate) device: String,
    pub(crate) is_primary: bool,
    /// Left and top edge on the desktop, in pixels.
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// All monitors, in Windows' order.
pub(crate) fn monitors() -> Vec<Monitor> {
    let friendly = friendly_names();
    let mut monitors: Vec<Monitor> =
        handles().into_iter().enumerate().filter_map(|(number, handle)| described(number, handle)).collect();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for monitor in &mut monitors {
        let named = friendly.get(&monitor.device).cloned().or_else(|| adapter_name(&monitor.device));
        let name = named.unwrap_or_else(|| format!("Display {}", monitor.number + 1));
        let count = seen.entry(name.clone()).or_insert(0);
        *count += 1;
        monitor.name = if *count > 1 { format!("{name} ({count})") } else { name };
    }
    monitors
}

/// Whether `monitor` is still where and what it was. Much cheaper than listing all with their names.
pub(crate) fn monitor_is_at(monitor: &Monitor) -> bool {
    described(monitor.number, HMONITOR(monitor.handle as usize as *mut core::ffi::c_void)).is_some_and(
        |now| {
            (&now.device, now.x, now.y, now.width, now.height)
                == (&monitor.device, monitor.x, monitor.y, monitor.width, monitor.height)
        },
    )
}

fn handles() -> Vec<HMONITOR> {
    /// Takes each monitor as Windows lists it.
    extern "system" fn take(monitor: HMONITOR, _: HDC, _: *mut RECT, list: LPARAM) -> BOOL {
        // SAFETY: `list` is the address of the vector below, which outlives the enumeration and which nobody else
        // touches while it lasts.
        let list = unsafe { &mut *(list.0 as *mut Vec<HMONITOR>) };
        list.push(monitor);
        true.into()
    }
    let mut list: Vec<HMONITOR> = Vec::new();
    // SAFETY: the callback has the signature that is asked for, and is called before the function returns only.
    let listed = unsafe { EnumDisplayMonitors(None, None, Some(take), LPARAM(&raw mut list as isize)) };
    if !listed.as_bool() {
        tracing::debug!("the list of monitors is not complete");
    }
    list
}

fn described(number: usize, handle: HMONITOR) -> Option<Monitor> {
    let mut info = MONITORINFOEXW::default();
    info.monitorInfo.cbSize = u32::try_from(size_of::<MONITORINFOEXW>()).ok()?;
    // SAFETY: the structure is as large as its first field says, and the wide form begins with the narrow one.
    let known = unsafe { GetMonitorInfoW(handle, (&raw mut info).cast::<MONITORINFO>()) };
    if !known.as_bool() {
        return None;
    }
    let place = info.monitorInfo.rcMonitor;
    Some(Monitor {
        handle: handle.0 as usize as u64,
        number,
        name: String::new(),
        device: string(&info.szDevice, info.szDevice.len()),
        is_primary: info.monitorInfo.dwFlags & PRIMARY != 0,
        x: place.left,
        y: place.top,
        width: u32::try_from(place.right - place.left).ok()?,
        height: u32::try_from(place.bottom - place.top).ok()?,
    })
}

/// The names that monitors give themselves, by the name of the device that shows on them.
fn friendly_names() -> HashMap<String, String> {
    let (mut paths, mut modes) = (0, 0);
    // SAFETY: writes two numbers.
    let asked = unsafe { GetDisplayConfigBufferSizes(QDC_ONLY_ACTIVE_PATHS, &raw mut paths, &raw mut modes) };
    if asked != ERROR_SUCCESS {
        return HashMap::new();
    }
    let mut path_list = vec![DISPLAYCONFIG_PATH_INFO::default(); usize::try_from(paths).unwrap_or(0)];
    let mut mode_list = vec![Default::default(); usize::try_from(modes).unwrap_or(0)];
    // SAFETY: the numbers are the lengths of the lists, and are set to how much of them was written.
    let asked = unsafe {
        QueryDisplayConfig(
            QDC_ONLY_ACTIVE_PATHS,
            &raw mut paths,
            path_list.as_mut_ptr(),
            &raw mut modes,
            mode_list.as_mut_ptr(),
            None,
        )
    };
    if asked != ERROR_SUCCESS {
        return HashMap::new();
    }
    path_list.truncate(usize::try_from(paths).unwrap_or(0));
    path_list.iter().filter_map(|path| Some((source_name(path)?, target_name(path)?))).collect()
}

fn source_name(path: &DISPLAYCONFIG_PATH_INFO) -> Option<String> {
    let mut wanted = DISPLAYCONFIG_SOURCE_DEVICE_NAME {
        header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
            r#type: DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME,
            size: u32::try_from(size_of::<DISPLAYCONFIG_SOURCE_DEVICE_NAME>()).ok()?,
            adapterId: path.sourceInfo.adapterId,
            id: path.sourceInfo.id,
        },
        ..Default::default()
    };
    // SAFETY: the header says how large the structure is that it begins.
    let answer = unsafe { DisplayConfigGetDeviceInfo(&raw mut wanted.header) };
    let name = string(&wanted.viewGdiDeviceName, wanted.viewGdiDeviceName.len());
    (answer == 0 && !name.is_empty()).then_some(name)
}

fn target_name(path: &DISPLAYCONFIG_PATH_INFO) -> Option<String> {
    let mut wanted = DISPLAYCONFIG_TARGET_DEVICE_NAME {
        header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
            r#type: DISPLAYCONFIG_DEVICE_INFO_GET_TARGET_NAME,
            size: u32::try_from(size_of::<DISPLAYCONFIG_TARGET_DEVICE_NAME>()).ok()?,
            adapterId: path.targetInfo.adapterId,
            id: path.targetInfo.id,
        },
        ..Default::default()
    };
    // SAFETY: as above.
    let answer = unsafe { DisplayConfigGetDeviceInfo(&raw mut wanted.header) };
    if answer != 0 {
        return None;
    }
    let name = string(&wanted.monitorFriendlyDeviceName, wanted.monitorFriendlyDeviceName.len());
    if !name.is_empty() {
        return Some(name);
    }
    // The panel of a laptop often has no name.
    let built_in = path.targetInfo.outputTechnology == DISPLAYCONFIG_OUTPUT_TECHNOLOGY_INTERNAL;
    built_in.then(|| "Built-in display".to_owned())
}

/// What the driver calls the monitor on a device; “Generic PnP Monitor” at worst.
fn adapter_name(device: &str) -> Option<String> {
    let device = wide(device);
    let mut found =
        DISPLAY_DEVICEW { cb: u32::try_from(size_of::<DISPLAY_DEVICEW>()).ok()?, ..Default::default() };
    // SAFETY: the name ends with a zero, and the structure is as large as its first field says.
    let known = unsafe { EnumDisplayDevicesW(PCWSTR(device.as_ptr()), 0, &raw mut found, 0) };
    let name = string(&found.DeviceString, found.DeviceString.len());
    (known.as_bool() && !name.is_empty()).then_some(name)
}
