//! What ends the program without a panic: exceptions that nobody handles, such as an access violation in a driver.
#![expect(unsafe_code, reason = "the filter of unhandled exceptions has a C interface only")]

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use windows::Win32::System::Diagnostics::Debug::{EXCEPTION_POINTERS, SetUnhandledExceptionFilter};
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    GetModuleHandleExW,
};
use windows::Win32::UI::WindowsAndMessaging::{
    IDYES, MB_ICONERROR, MB_SETFOREGROUND, MB_TOPMOST, MB_YESNO, MessageBoxW,
};
use windows::core::{HSTRING, PCWSTR, w};

/// How long the thread that crashed waits for the report, and the person who reads about it.
const PATIENCE: Duration = Duration::from_secs(600);
/// Answered by a filter that has dealt with the exception: the process ends (excpt.h).
const EXCEPTION_EXECUTE_HANDLER: i32 = 1;

/// An exception: its code, and where it happened.
type Crash = (u32, usize);

/// The way to the thread that writes the report: the one that crashed may have no stack left.
static REPORTER: OnceLock<(Sender<Crash>, Receiver<()>)> = OnceLock::new();

pub(super) fn install() {
    let (crashed, crashes) = bounded::<Crash>(1);
    let (tell, told) = bounded::<()>(1);
    let thread = std::thread::Builder::new().name("crash-report".into()).spawn(move || {
        while let Ok((code, address)) = crashes.recv() {
            if let Some(path) = super::report(&describe(code, address), "") {
                super::tell(&path);
            }
            let _ = tell.send(());
        }
    });
    if thread.is_err() || REPORTER.set((crashed, told)).is_err() {
        return;
    }
    // SAFETY: the filter has the right form and lives as long as the program.
    unsafe { SetUnhandledExceptionFilter(Some(filter)) };
}

/// Runs on the thread that crashed, whose memory may be torn: it hands two numbers over and waits.
unsafe extern "system" fn filter(pointers: *const EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system gives a pointer to its record, which lives through the call; it is checked for null all the
    // same.
    let crash = unsafe {
        pointers
            .as_ref()
            .and_then(|pointers| pointers.ExceptionRecord.as_ref())
            .map_or((0, 0), |record| (record.ExceptionCode.0.cast_unsigned(), record.ExceptionAddress.addr()))
    };
    if let Some((crashed, told)) = REPORTER.get()
        && crashed.try_send(crash).is_ok()
    {
        let _ = told.recv_timeout(PATIENCE);
    }
    EXCEPTION_EXECUTE_HANDLER
}

fn describe(code: u32, address: usize) -> String {
    let name = match code {
        0xC000_0005 => " (access violation)",
        0xC000_001D => " (illegal instruction)",
        0xC000_0094 => " (division by zero)",
        0xC000_00FD => " (stack overflow)",
        0xC000_0374 => " (heap corruption)",
        0xC000_0409 => " (stack buffer overrun, or an abort)",
        _ => "",
    };
    let place = module_at(address).unwrap_or_else(|| format!("0x{address:X}"));
    format!("The system stopped the program with exception 0x{code:08X}{name} in {place}")
}

/// The module that holds `address`, and how far into it.
fn module_at(address: usize) -> Option<String> {
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let mut module = windows::Win32::Foundation::HMODULE::default();
    let mut name = [0u16; 512];
    // SAFETY: with these flags the “name” is any address, which is not followed; the module's count is left alone, and
    // `name` takes as many characters as it says.
    let length = unsafe {
        GetModuleHandleExW(flags, PCWSTR(std::ptr::without_provenance(address)), &raw mut module).ok()?;
        GetModuleFileNameW(Some(module), &mut name)
    };
    let name = String::from_utf16_lossy(name.get(..length as usize)?);
    let file = name.rsplit('\\').next().unwrap_or(&name);
    Some(format!("{file}+0x{:X}", address.wrapping_sub(module.0.addr())))
}

/// Tells that the program has stopped, and opens the report's folder when asked to.
pub(super) fn show_box(report: &Path, recordings: &str) {
    let text = HSTRING::from(format!(
        "Genlock has stopped because of a failure it was not made for.\n\n{recordings}\n\nA report that you can read is \
         in {}.\n\nOpen its folder?",
        report.display()
    ));
    // SAFETY: both texts end with a zero and outlive the call.
    let answer = unsafe {
        let style = MB_YESNO | MB_ICONERROR | MB_SETFOREGROUND | MB_TOPMOST;
        MessageBoxW(None, PCWSTR(text.as_ptr()), w!("Genlock"), style)
    };
    if answer == IDYES
        && let Some(folder) = report.parent()
    {
        let _ = super::open_folder(folder);
    }
}
