//! The desktop window manager, and where windows are.
#![expect(unsafe_code, reason = "windows have a C interface only")]

use raw_window_handle::{HasWindowHandle, RawWindowHandle};
use windows::Win32::Foundation::{HWND, LPARAM, RECT};
use windows::Win32::Graphics::Dwm::{DWMWA_USE_IMMERSIVE_DARK_MODE, DwmSetWindowAttribute};
use windows::Win32::Graphics::Gdi::{EnumDisplayMonitors, GetMonitorInfoW, HDC, HMONITOR, MONITORINFO};
use windows::Win32::UI::Accessibility::{HCF_HIGHCONTRASTON, HIGHCONTRASTW};
use windows::Win32::UI::WindowsAndMessaging::{
    GetWindowPlacement, SPI_GETHIGHCONTRAST, SW_HIDE, SW_SHOWMAXIMIZED, SW_SHOWMINIMIZED,
    SYSTEM_PARAMETERS_INFO_UPDATE_FLAGS, SetWindowPlacement, SystemParametersInfoW, WINDOWPLACEMENT,
    WPF_RESTORETOMAXIMIZED,
};
use windows::core::BOOL;

use super::Place;

fn handle(window: &impl HasWindowHandle) -> Option<HWND> {
    match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Win32(handle) => {
            Some(HWND(std::ptr::without_provenance_mut(handle.hwnd.get().cast_unsigned())))
        }
        _ => None,
    }
}

pub(super) fn set_dark(window: &impl HasWindowHandle, dark: bool) {
    let Some(window) = handle(window) else { return };
    let dark = BOOL::from(dark && !wants_high_contrast());
    // SAFETY: the attribute is one BOOL, whose address and size are given; the window lives while it is borrowed.
    let set = unsafe {
        let size = size_of::<BOOL>() as u32;
        DwmSetWindowAttribute(window, DWMWA_USE_IMMERSIVE_DARK_MODE, (&raw const dark).cast(), size)
    };
    if let Err(error) = set {
        // Windows before 2004 has no such attribute; its title bars are light.
        tracing::info!(%error, "the title bar keeps its colour");
    }
}

pub(super) fn wants_high_contrast() -> bool {
    let size = size_of::<HIGHCONTRASTW>() as u32;
    let mut asked = HIGHCONTRASTW { cbSize: size, ..HIGHCONTRASTW::default() };
    // SAFETY: the structure has the size it says, and is filled within the call.
    let answered = unsafe {
        SystemParametersInfoW(
            SPI_GETHIGHCONTRAST,
            size,
            Some((&raw mut asked).cast()),
            SYSTEM_PARAMETERS_INFO_UPDATE_FLAGS(0),
        )
    };
    answered.is_ok() && asked.dwFlags.0 & HCF_HIGHCONTRASTON.0 != 0
}

fn placement(window: HWND) -> Option<WINDOWPLACEMENT> {
    let mut found =
        WINDOWPLACEMENT { length: size_of::<WINDOWPLACEMENT>() as u32, ..WINDOWPLACEMENT::default() };
    // SAFETY: the structure has the length it says; the window lives while the caller borrows it.
    unsafe { GetWindowPlacement(window, &raw mut found) }.ok().map(|()| found)
}

pub(super) fn place(window: &impl HasWindowHandle) -> Option<Place> {
    let found = placement(handle(window)?)?;
    let RECT { left, top, right, bottom } = found.rcNormalPosition;
    let shown = found.showCmd;
    let will_be = shown == SW_SHOWMINIMIZED.0.cast_unsigned() && found.flags.contains(WPF_RESTORETOMAXIMIZED);
    let maximized = shown == SW_SHOWMAXIMIZED.0.cast_unsigned() || will_be;
    Some(Place { left, top, right, bottom, maximized })
}

pub(super) fn put(window: &impl HasWindowHandle, place: Place, least: (i32, i32)) {
    let Some(window) = handle(window) else { return };
    let Some(mut wanted) = placement(window) else { return };
    let Place { left, top, right, bottom, .. } = place.clamped(&visible_areas(), least);
    wanted.rcNormalPosition = RECT { left, top, right, bottom };
    wanted.showCmd = SW_HIDE.0.cast_unsigned();
    // SAFETY: as with GetWindowPlacement; the structure is only read.
    if let Err(error) = unsafe { SetWindowPlacement(window, &raw const wanted) } {
        tracing::info!(%error, "the window opens where Windows puts it");
    }
}

/// The work areas of all monitors, without task bars; the first monitor's is the first.
fn visible_areas() -> Vec<Place> {
    unsafe extern "system" fn take(monitor: HMONITOR, _: HDC, _: *mut RECT, areas: LPARAM) -> BOOL {
        let mut info = MONITORINFO { cbSize: size_of::<MONITORINFO>() as u32, ..MONITORINFO::default() };
        // SAFETY: `areas` is the address of the vector below, which nobody else uses during the enumeration; the
        // structure has the size it says.
        unsafe {
            if GetMonitorInfoW(monitor, &raw mut info).as_bool() {
                let areas: *mut Vec<(bool, Place)> =
                    std::ptr::with_exposed_provenance_mut(areas.0.cast_unsigned());
                let RECT { left, top, right, bottom } = info.rcWork;
                let is_primary = info.dwFlags & 1 != 0;
                (*areas).push((is_primary, Place { left, top, right, bottom, maximized: false }));
            }
        }
        true.into()
    }
    let mut areas: Vec<(bool, Place)> = Vec::new();
    let address = (&raw mut areas).expose_provenance().cast_signed();
    // SAFETY: the procedure has the right form and is called within this call only, with the vector's address.
    let _ = unsafe { EnumDisplayMonitors(None, None, Some(take), LPARAM(address)) };
    areas.sort_by_key(|(is_primary, _)| !is_primary);
    areas.into_iter().map(|(_, area)| area).collect()
}
