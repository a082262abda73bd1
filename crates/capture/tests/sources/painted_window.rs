//! A window of one colour on the Windows desktop, on a thread of its own that answers its messages.
#![expect(unsafe_code, reason = "windows are made by the system's C interface")]

use std::thread::JoinHandle;

use windows::Win32::Foundation::{COLORREF, HWND, LPARAM, WPARAM};
use windows::Win32::Graphics::Gdi::{CreateSolidBrush, UpdateWindow};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DispatchMessageW, GetMessageW, HWND_TOPMOST, IsWindow, MSG,
    PostMessageW, RegisterClassW, SHOW_WINDOW_CMD, SW_MINIMIZE, SW_RESTORE, SW_SHOWNOACTIVATE,
    SWP_NOACTIVATE, SWP_NOMOVE, SetWindowPos, ShowWindow, ShowWindowAsync, WM_CLOSE, WNDCLASSW,
    WS_EX_TOPMOST, WS_POPUP,
};
use windows::core::{HSTRING, PCWSTR};

pub(crate) struct PaintedWindow {
    handle: usize,
    thread: Option<JoinHandle<()>>,
}

impl PaintedWindow {
    /// Shows a window without frame, in front of all others, and waits until it is painted.
    pub(crate) fn show(class: &str, title: &str, [x, y, width, height]: [i32; 4], rgb: u32) -> Self {
        let (class, title) = (HSTRING::from(class), HSTRING::from(title));
        let (made, is_made) = crossbeam_channel::bounded(1);
        let thread = std::thread::Builder::new().name("painted window".into());
        let thread = thread.spawn(move || {
            // Blue, green, red in the system's order.
            let color = COLORREF((rgb & 0xff) << 16 | rgb & 0xff00 | rgb >> 16);
            // SAFETY: plain calls with values that outlive them. A class that is there already has the same colour in
            // these tests, or belongs to a name of its own.
            let window = unsafe {
                let description = WNDCLASSW {
                    lpfnWndProc: Some(answer),
                    hbrBackground: CreateSolidBrush(color),
                    lpszClassName: PCWSTR(class.as_ptr()),
                    ..WNDCLASSW::default()
                };
                RegisterClassW(&raw const description);
                let window = CreateWindowExW(
                    WS_EX_TOPMOST,
                    &class,
                    &title,
                    WS_POPUP,
                    x,
                    y,
                    width,
                    height,
                    None,
                    None,
                    None,
                    None,
                )
                .unwrap();
                let _ = ShowWindow(window, SW_SHOWNOACTIVATE);
                let _ = UpdateWindow(window);
                window
            };
            made.send(window.0 as usize).unwrap();
            let mut message = MSG::default();
            // SAFETY: the structure outlives the calls. The loop ends when the window is gone.
            unsafe {
                while IsWindow(Some(window)).as_bool() && GetMessageW(&raw mut message, None, 0, 0).as_bool()
                {
                    DispatchMessageW(&raw const message);
                }
            }
        });
        Self { handle: is_made.recv().unwrap(), thread: Some(thread.unwrap()) }
    }

    fn window(&self) -> HWND {
        HWND(self.handle as *mut core::ffi::c_void)
    }

    pub(crate) fn resize(&self, width: i32, height: i32) {
        let flags = SWP_NOMOVE | SWP_NOACTIVATE;
        // SAFETY: takes handles and numbers by value.
        unsafe { SetWindowPos(self.window(), Some(HWND_TOPMOST), 0, 0, width, height, flags) }.unwrap();
    }

    fn order(&self, command: SHOW_WINDOW_CMD) {
        // SAFETY: takes a handle and a number by value.
        let _ = unsafe { ShowWindowAsync(self.window(), command) };
    }

    pub(crate) fn minimise(&self) {
        self.order(SW_MINIMIZE);
    }

    pub(crate) fn restore(&self) {
        self.order(SW_RESTORE);
    }
}

impl Drop for PaintedWindow {
    fn drop(&mut self) {
        // SAFETY: takes values. A window that is gone already refuses, and its thread is over.
        let _ = unsafe { PostMessageW(Some(self.window()), WM_CLOSE, WPARAM(0), LPARAM(0)) };
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Answers as every window does: paints the ground, closes when told to.
extern "system" fn answer(
    window: HWND,
    message: u32,
    first: WPARAM,
    second: LPARAM,
) -> windows::Win32::Foundation::LRESULT {
    // SAFETY: the system calls this with its own values.
    unsafe { DefWindowProcW(window, message, first, second) }
}
