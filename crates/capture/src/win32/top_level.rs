//! The windows on the desktop: which there are, whether one can still be captured, and hiding our own from captures.

#![expect(unsafe_code, reason = "windows are listed by the system's C interface")]

use std::sync::{Mutex, PoisonError};

use windows::Win32::Foundation::{CloseHandle, HWND};
use windows::Win32::Graphics::Dwm::{DWMWA_CLOAKED, DwmGetWindowAttribute};
use windows::Win32::System::Threading::{
    GetCurrentProcessId, OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW,
};
use windows::Win32::UI::WindowsAndMessaging::{
    GW_HWNDNEXT, GWL_EXSTYLE, GetClassNameW, GetTopWindow, GetWindow, GetWindowLongPtrW, GetWindowTextW,
    GetWindowThreadProcessId, IsIconic, IsWindow, IsWindowVisible, SetWindowDisplayAffinity,
    WDA_EXCLUDEFROMCAPTURE, WDA_NONE, WINDOW_DISPLAY_AFFINITY, WS_EX_TOOLWINDOW,
};
use windows::core::PWSTR;

use super::string;
use crate::Error;

/// Longest title and path that are read, in UTF-16 units.
const TEXT_UNITS: usize = 1024;
/// The list of windows changes while it is walked; more steps than this are a circle.
const STEPS: usize = 10_000;

/// A top-level window that is shown or minimised.
pub(crate) struct TopLevel {
    /// Its handle as GStreamer takes it.
    pub(crate) handle: u64,
    pub(crate) title: String,
    pub(crate) class: String,
    /// File name of the program, without its folder.
    pub(crate) program: Option<String>,
    /// The process it belongs to.
    pub(crate) process: u32,
    pub(crate) is_minimised: bool,
    /// It belongs to this process.
    pub(crate) is_own: bool,
    /// It is a palette or tip that has no place in the taskbar.
    pub(crate) is_tool: bool,
}

/// Whether a window can be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It can.
    Shown,
    /// It is open, and Windows draws nothing of it.
    Minimised,
    /// It is gone, or hidden for good.
    Closed,
}

/// All top-level windows that are shown or minimised, the one in front first.
pub(crate) fn windows() -> Vec<TopLevel> {
    handles().into_iter().filter(|window| presence_of(*window) != Presence::Closed).map(describe).collect()
}

/// All top-level windows, also those that are never shown.
fn handles() -> Vec<HWND> {
    let mut found = Vec::new();
    // SAFETY: takes no pointer; no window at all is an error value.
    let mut next = unsafe { GetTopWindow(None) };
    for _ in 0..STEPS {
        let Ok(window) = next else { break };
        found.push(window);
        // SAFETY: takes a handle by value; a window that closed meanwhile is an error value, which ends the list.
        next = unsafe { GetWindow(window, GW_HWNDNEXT) };
    }
    found
}

/// How a window is by its handle.
pub(crate) fn presence(handle: u64) -> Presence {
    presence_of(window(handle))
}

/// The system's form of a handle.
pub(super) fn window(handle: u64) -> HWND {
    HWND(handle as usize as *mut core::ffi::c_void)
}

fn presence_of(window: HWND) -> Presence {
    // SAFETY: these take a handle by value and answer "no" for one that is none.
    let (is_visible, is_minimised) = unsafe {
        (IsWindow(Some(window)).as_bool() && IsWindowVisible(window).as_bool(), IsIconic(window).as_bool())
    };
    match (is_visible && !is_cloaked(window), is_minimised) {
        (false, _) => Presence::Closed,
        (true, true) => Presence::Minimised,
        (true, false) => Presence::Shown,
    }
}

/// Whether the desktop hides the window although it is visible: sleeping apps of the Store, other virtual desktops
/// (Microsoft Learn, `DWMWINDOWATTRIBUTE`, `DWMWA_CLOAKED`).
fn is_cloaked(window: HWND) -> bool {
    let mut cloaked = 0u32;
    let size = u32::try_from(size_of::<u32>()).unwrap_or(4);
    // SAFETY: writes at most `size` bytes to the number, which outlives the call. A system without the attribute
    // answers with an error, and cloaks no windows.
    let asked = unsafe { DwmGetWindowAttribute(window, DWMWA_CLOAKED, (&raw mut cloaked).cast(), size) };
    asked.is_ok() && cloaked != 0
}

fn describe(window: HWND) -> TopLevel {
    let mut text = [0u16; TEXT_UNITS];
    // SAFETY: the functions write at most as many units as the slice has, and return how many they wrote.
    let length = unsafe { GetWindowTextW(window, &mut text) };
    let title = string(&text, usize::try_from(length).unwrap_or(0));
    // SAFETY: as above.
    let length = unsafe { GetClassNameW(window, &mut text) };
    let class = string(&text, usize::try_from(length).unwrap_or(0));
    let process = process_of(window);
    // SAFETY: takes a handle by value; 0 for one that is none.
    let style = unsafe { GetWindowLongPtrW(window, GWL_EXSTYLE) };
    TopLevel {
        handle: window.0 as usize as u64,
        title,
        class,
        program: program(process),
        process,
        is_minimised: presence_of(window) == Presence::Minimised,
        // SAFETY: takes nothing and cannot fail.
        is_own: process == unsafe { GetCurrentProcessId() },
        is_tool: style & isize::try_from(WS_EX_TOOLWINDOW.0).unwrap_or(0) != 0,
    }
}

fn process_of(window: HWND) -> u32 {
    let mut process = 0;
    // SAFETY: writes one number to where the reference points.
    unsafe { GetWindowThreadProcessId(window, Some(&raw mut process)) };
    process
}

fn program(process: u32) -> Option<String> {
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

/// How many want our own windows to be hidden.
static HIDING: Mutex<usize> = Mutex::new(0);

/// While one of these lives, our own windows are in no capture, ours or others'. Captures show what lies behind them
/// (Microsoft Learn, `SetWindowDisplayAffinity`: `WDA_EXCLUDEFROMCAPTURE`, Windows 10 version 2004).
pub(crate) struct Hiding(());

impl Default for Hiding {
    fn default() -> Self {
        *HIDING.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(())
    }
}

impl Hiding {
    /// Hides the windows that are there now.
    ///
    /// # Errors
    /// When Windows refuses it for one of them.
    pub(crate) fn renew(&self) -> Result<(), Error> {
        set_affinity(WDA_EXCLUDEFROMCAPTURE)
    }
}

impl Drop for Hiding {
    fn drop(&mut self) {
        let mut count = HIDING.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        if *count == 0
            && let Err(why) = set_affinity(WDA_NONE)
        {
            tracing::debug!(%why, "our windows stay hidden from captures");
        }
    }
}

fn set_affinity(affinity: WINDOW_DISPLAY_AFFINITY) -> Result<(), Error> {
    // SAFETY: takes nothing and cannot fail.
    let own = unsafe { GetCurrentProcessId() };
    for window in handles() {
        if process_of(window) != own || presence_of(window) == Presence::Closed {
            continue;
        }
        // SAFETY: takes a handle and a number by value.
        unsafe { SetWindowDisplayAffinity(window, affinity) }
            .map_err(|problem| Error::Device(format!("Windows refuses it: {}", problem.message())))?;
    }
    Ok(())
}
