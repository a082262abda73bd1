//! `Genlock Studio.exe`: starts `genlock.exe` beside it without a console, for shortcuts and double-clicks. It has no
//! console of its own, hands its arguments on, and does not wait. `src/console.rs` of the program says why it is there.

#![cfg_attr(windows, windows_subsystem = "windows")]

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Exit code "could not start" of the program's own contract.
const COULD_NOT_START: u8 = 4;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            tell(&sentence);
            COULD_NOT_START.into()
        }
    }
}

fn start() -> Result<(), String> {
    let program = program().map_err(|error| format!("Genlock's own folder cannot be found: {error}."))?;
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    without_console(&mut command);
    command.spawn().map(drop).map_err(|error| {
        format!("{} could not be started: {error}.\n\nInstall Genlock again.", program.display())
    })
}

fn program() -> std::io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    Ok(here.with_file_name(if cfg!(windows) { "genlock.exe" } else { "genlock" }))
}

#[cfg(windows)]
fn without_console(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    /// The new process has no console until it asks for one (Microsoft, "Process Creation Flags").
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    command.creation_flags(DETACHED_PROCESS);
}

#[cfg(not(windows))]
fn without_console(_command: &mut Command) {}

/// There is no terminal to tell it in.
#[cfg(windows)]
#[expect(unsafe_code, reason = "one call of the window API, argued")]
fn tell(sentence: &str) {
    use windows::Win32::UI::WindowsAndMessaging::{MB_ICONERROR, MB_OK, MessageBoxW};
    use windows::core::{HSTRING, h};
    let sentence = HSTRING::from(sentence);
    // SAFETY: both strings end with a zero and live until the call returns; no window is named as the owner.
    unsafe { MessageBoxW(None, &sentence, h!("Genlock"), MB_OK | MB_ICONERROR) };
}

#[cfg(not(windows))]
fn tell(sentence: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{sentence}");
}
