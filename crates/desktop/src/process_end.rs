//! The end of the program, which may not hang.
//!
//! When a process ends, Windows first ends all its threads but one, and then lets every library clean up. A library that
//! then waits for a thread of its own waits for ever. Programs that used libsrt, as GStreamer for Windows has it, hang there
//! under Wine, and a driver may do the same on a PC. A program that has closed its files and said its last word needs nothing of that. Elsewhere threads
//! still run while libraries clean up.

/// Ends this process with `code`. What was printed is out; what is open is closed by the system, and nothing is dropped:
/// only for the end of `main`.
#[cfg(windows)]
#[expect(unsafe_code, reason = "two calls of the system, argued")]
pub fn leave(code: u8) -> ! {
    use std::io::Write;

    use windows::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

    // A closed pipe can not be helped any more.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    // SAFETY: the handle stands for this process and needs no closing; no memory is passed.
    let _ended = unsafe { TerminateProcess(GetCurrentProcess(), u32::from(code)) };
    // It does not come back, unless it failed.
    std::process::exit(i32::from(code))
}

/// Ends this process with `code`, after its libraries have cleaned up. Nothing is dropped: only for the end of `main`.
#[cfg(not(windows))]
pub fn leave(code: u8) -> ! {
    std::process::exit(i32::from(code))
}
