//! The console of a program that is both a window and a command line.
//!
//! `genlock.exe` is a console program: only such a one is waited for by a terminal, gives scripts its exit code and
//! reads Ctrl+C there. What it must not do is leave an empty black window behind the studio when somebody started it
//! from the desktop, where Windows makes a console for every console program. Three things see to that:
//!
//! - the manifest says `consoleAllocationPolicy` detached, so that Windows 11 from 24H2 on makes none
//!   (Microsoft, "Console Allocation Policy");
//! - shortcuts start `Genlock Studio.exe`, which starts this program without a console (`src/bin/genlock-studio.rs`);
//! - and [`leave_if_alone`] lets go of one that nobody else uses.

/// Lets go of the console when this process is alone on it, which it is when Windows made it for this process: a shell
/// that waits for its command is on the console too (`GetConsoleProcessList`). Says whether it did.
///
/// What is written to stdout and stderr afterwards goes nowhere, unless they were sent to a file or a pipe: then the
/// console is kept, since it is a script that started the program.
#[cfg(windows)]
#[expect(unsafe_code, reason = "three calls of the console API, each argued")]
pub(crate) fn leave_if_alone() -> bool {
    use std::io::IsTerminal;
    use windows::Win32::System::Console::{FreeConsole, GetConsoleProcessList};

    if !std::io::stdout().is_terminal() || !std::io::stderr().is_terminal() {
        return false;
    }
    let mut processes = [0u32; 2];
    // SAFETY: the call writes at most as many numbers as the slice has, and keeps no pointer.
    let attached = unsafe { GetConsoleProcessList(&mut processes) };
    // 0 is a failure: there is no console.
    if attached != 1 {
        return false;
    }
    // SAFETY: takes no argument. Handles to the console become invalid, and the standard library reads an invalid
    // handle of stdin, stdout or stderr as one that is not there.
    unsafe { FreeConsole() }.is_ok()
}

/// Only Windows makes consoles by itself.
#[cfg(not(windows))]
pub(crate) fn leave_if_alone() -> bool {
    false
}
