//! The console that a program of both worlds brings along.

/// Lets go of the console if nobody else is in it: one that Windows opened for a double click. A console that somebody
/// typed a command into stays theirs.
#[cfg(windows)]
#[expect(unsafe_code, reason = "consoles have a C interface only")]
pub fn leave_if_alone() {
    use windows::Win32::System::Console::{FreeConsole, GetConsoleProcessList};
    let mut processes = [0u32; 2];
    // SAFETY: the call writes at most as many numbers as the slice has; it returns how many there are in all.
    let count = unsafe { GetConsoleProcessList(&mut processes) };
    if count == 1 {
        // SAFETY: no pointers; nothing in this process holds a handle to the console's window.
        let _ = unsafe { FreeConsole() };
    }
}

/// Lets go of the console if nobody else is in it; there is none of that kind here.
#[cfg(not(windows))]
pub const fn leave_if_alone() {}
