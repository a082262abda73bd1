//! Keeps the process alive when the X server refuses a request of `ximagesrc`.
//!
//! The element reads windows through Xlib. When a window is closed (or a screen becomes smaller) between its question
//! and the server's answer, Xlib calls its error handler, and the one it comes with prints a line and calls `exit`
//! (Xlib documentation, section 11.8.2, "Using the Default Error Handlers"). A closed window must not end a show.

#![expect(unsafe_code, reason = "Xlib's error handler can only be replaced through its C interface")]

use std::ffi::c_int;
use std::sync::OnceLock;

use x11_dl::xlib::{Display, XErrorEvent, Xlib};

/// Takes note of nothing: what became of the window is found out by asking the server ourselves.
unsafe extern "C" fn ignore(_display: *mut Display, _event: *mut XErrorEvent) -> c_int {
    0
}

/// Replaces the handler that ends the process. A handler that somebody else installed (the window library's) stays: it
/// does not end the process either.
pub(crate) fn survive() {
    // Never closed: the handler stays installed for as long as the process lives.
    static XLIB: OnceLock<Option<Xlib>> = OnceLock::new();
    let xlib = XLIB.get_or_init(|| {
        Xlib::open()
            .inspect_err(|problem| tracing::warn!(%problem, "Xlib is not installed; ximagesrc will not work"))
            .ok()
    });
    let Some(xlib) = xlib else { return };
    // SAFETY: XSetErrorHandler takes a function pointer (or null, for the default handler), stores it and returns the
    // old one; it needs no display. `ignore` has the type that Xlib calls, touches neither of its arguments, does not
    // unwind and lives as long as the process. The pointers that are compared or given back are those that Xlib gave.
    unsafe {
        let before = (xlib.XSetErrorHandler)(None);
        let default = (xlib.XSetErrorHandler)(Some(ignore));
        let address = |handler: Option<unsafe extern "C" fn(*mut Display, *mut XErrorEvent) -> c_int>| {
            handler.map(|function| function as usize)
        };
        if address(before) != address(default) {
            (xlib.XSetErrorHandler)(before);
        }
    }
}
