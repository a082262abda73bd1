//! The few questions we have for Windows: which windows there are, and whether one is still open.

#![expect(unsafe_code, reason = "windows are listed by the system's C interface")]

use windows::Win32::Foundation::{CloseHandle, HWND};
use windows::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use windows::Win32::UI::WindowsAndMessaging::{
    GW_HWNDNEXT, GetClassNameW, GetTopWindow, GetWindow, GetWindowTextW, GetWindowThreadProcessId, IsIconic,
    IsWindow, IsWindowVisible,
};
use windows::core::PWSTR;

/// Longest title and path that are read, in UTF-16 units.
const TEXT_UNITS: usize = 1024;
/// The list of windows changes while it is walked; more steps than this are a circle.
const STEPS: usize = 10_000;

/// A top-level window that can be seen.
pub(crate) struct TopLevel {
    /// Its handle as GStreamer takes it.
    pub(crate) handle: u64,
    pub(crate) title: String,
    pub(crate) class: String,
    /// File name of the program, without its folder.
    pub(crate) program: Option<String>,
}

/// All top-level windows that can be seen, the one in front first.
pub(crate) fn windows() -> Vec<TopLevel> {
    let mut found = Vec::new();
    // SAFETY: takes no pointer; no window at all is an error value.
    let mut next = unsafe { GetTopWindow(None) };
    for _ in 0..STEPS {
        let Ok(window) = next else { break };
        if is_seen(window) {
            found.push(describe(window));
        }
        // SAFETY: takes a handle by value; a window that closed meanwhile is an error value, which ends the list.
        next = unsafe { GetWindow(window, GW_HWNDNEXT) };
    }
    found
}

/// Whether the window is still open and not minimised.
pub(crate) fn is_open(handle: u64) -> bool {
    is_seen(HWND(handle as usize as *mut core::ffi::c_void))
}

fn is_seen(window: HWND) -> bool {
    // SAFETY: these take a handle by value and answer "no" for one that is none.
    unsafe {
        IsWindow(Some(window)).as_bool() && IsWindowVisible(window).as_bool() && !IsIconic(window).as_bool()
    }
}

fn describe(window: HWND) -> TopLevel {
    let mut text = [0u16; TEXT_UNITS];
    // SAFETY: the functions write at most as many units as the slice has, and return how many they wrote.
    let length = unsafe { GetWindowTextW(window, &mut text) };
    let title = string(&text, usize::try_from(length).unwrap_or(0));
    // SAFETY: as above.
    let length = unsafe { GetClassNameW(window, &mut text) };
    let class = string(&text, usize::try_from(length).unwrap_or(0));
    TopLevel { handle: window.0 as usize as u64, title, class, program: program(window) }
}

fn string(units: &[u16], length: usize) -> String {
    String::from_utf16_lossy(units.get(..length).unwrap_or(units))
}

fn program(window: HWND) -> Option<String> {
    let mut process = 0;
    // SAFETY: writes one number to where the reference points.
    unsafe { GetWindowThreadProcessId(window, Some(&raw mut process)) };
    // SAFETY: takes numbers; a process that may not be opened is an error value.
    let opened = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, process) }.ok()?;
    let mut path = [0u16; TEXT_UNITS];
    let mut length = u32::try_from(path.len()).ok()?;
    // SAFETY: `path` has `length` units and outlives the call, which sets `length` to what it wrote.
    let named = unsafe {
        QueryFullProcessImageNameW(opened, PROCESS_NAME_WIN32, PWSTR(path.as_mut_ptr()), &raw mut length)
    };
    // SAFETY: the handle is ours, is open, and is not used afterwards. Failing to close it cannot be helped.
    let _ = unsafe { CloseHandle(opened) };
    named.ok()?;
    let path = string(&path, usize::try_from(length).ok()?);
    path.rsplit('\\').next().map(str::to_owned)
}
