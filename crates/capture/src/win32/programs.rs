//! Programs: which process is meant by a program's name, and which of them play sound.

#![expect(unsafe_code, reason = "processes and sound sessions are listed by C interfaces and COM")]

use std::collections::HashSet;

use windows::Win32::Foundation::CloseHandle;
use windows::Win32::Media::Audio::{
    AudioSessionStateActive, DEVICE_STATE_ACTIVE, IAudioSessionControl2, IAudioSessionManager2,
    IMMDeviceEnumerator, MMDeviceEnumerator, eRender,
};
use windows::Win32::System::Com::{
    CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
};
use windows::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows::core::Interface as _;

use super::string;

/// A process that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    /// File name of the program.
    pub(crate) program: String,
}

/// Runs `work` with COM at hand for this thread.
pub(super) fn with_com<T>(work: impl FnOnce() -> windows::core::Result<T>) -> windows::core::Result<T> {
    // SAFETY: each success is undone below on the same thread, after everything that `work` made is gone. Where the
    // thread already has COM of the other kind, that one serves.
    let ours = unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }.is_ok();
    let done = work();
    if ours {
        // SAFETY: see above.
        unsafe { CoUninitialize() };
    }
    done
}

/// All processes; none when Windows does not tell.
fn processes() -> Vec<Process> {
    // SAFETY: takes numbers; the answer is a handle of ours.
    let Ok(snapshot) = (unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) }) else {
        return Vec::new();
    };
    let mut entry = PROCESSENTRY32W {
        dwSize: u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or(0),
        ..Default::default()
    };
    let mut found = Vec::new();
    // SAFETY: the structure is as large as its first field says, and outlives the call.
    let mut more = unsafe { Process32FirstW(snapshot, &raw mut entry) }.is_ok();
    while more {
        found.push(Process {
            id: entry.th32ProcessID,
            parent: entry.th32ParentProcessID,
            program: string(&entry.szExeFile, entry.szExeFile.len()),
        });
        // SAFETY: as above; the end of the list is an error value.
        more = unsafe { Process32NextW(snapshot, &raw mut entry) }.is_ok();
    }
    // SAFETY: the handle is ours, is open, and is not used afterwards. Failing to close it cannot be helped.
    let _ = unsafe { CloseHandle(snapshot) };
    found
}

/// The process that stands for a program: the one that started the others of the same name, so that all of them are in
/// its tree. Of several that do not belong together the one whose window is in front; `title` restricts these windows.
pub(crate) fn main_process(program: &str, title: Option<&str>) -> Option<u32> {
    let of_program: Vec<Process> =
        processes().into_iter().filter(|process| process.program.eq_ignore_ascii_case(program)).collect();
    let with_window = super::windows().into_iter().find(|window| {
        of_program.iter().any(|process| process.id == window.process)
            && title.is_none_or(|title| window.title.contains(title))
    });
    let begin = match (with_window, title) {
        (Some(window), _) => window.process,
        (None, Some(_)) => return None,
        (None, None) => of_program.first()?.id,
    };
    Some(root_of(begin, &of_program))
}

/// Climbs from a process to the one of the same program that started it.
fn root_of(begin: u32, of_program: &[Process]) -> u32 {
    let mut root = begin;
    // Numbers of processes are used again, so parents may go in a circle.
    for _ in 0..of_program.len() {
        let parent = of_program.iter().find(|process| process.id == root).map(|process| process.parent);
        match parent.filter(|parent| of_program.iter().any(|process| process.id == *parent)) {
            Some(parent) if parent != root => root = parent,
            _ => break,
        }
    }
    root
}

/// Whether the process of that number still runs that program.
pub(crate) fn is_running(id: u32, program: &str) -> bool {
    processes().iter().any(|process| process.id == id && process.program.eq_ignore_ascii_case(program))
}

/// The programs that play sound now, through any output; none when Windows does not tell.
pub(crate) fn playing() -> Vec<String> {
    let ids = match with_com(sessions) {
        Ok(ids) => ids,
        Err(problem) => {
            tracing::debug!(%problem, "the sound sessions are not told");
            return Vec::new();
        }
    };
    let mut programs: Vec<String> =
        processes().into_iter().filter(|p| p.id != 0 && ids.contains(&p.id)).map(|p| p.program).collect();
    programs.sort_unstable_by_key(|program| program.to_lowercase());
    programs.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    programs
}

/// The processes with an active sound session.
fn sessions() -> windows::core::Result<HashSet<u32>> {
    let mut ids = HashSet::new();
    // SAFETY: COM is there for this thread. All of these take values and give interfaces that free themselves.
    unsafe {
        let devices: IMMDeviceEnumerator = CoCreateInstance(&MMDeviceEnumerator, None, CLSCTX_ALL)?;
        let outputs = devices.EnumAudioEndpoints(eRender, DEVICE_STATE_ACTIVE)?;
        for place in 0..outputs.GetCount()? {
            let manager: IAudioSessionManager2 = outputs.Item(place)?.Activate(CLSCTX_ALL, None)?;
            let list = manager.GetSessionEnumerator()?;
            for number in 0..list.GetCount()? {
                let session = list.GetSession(number)?;
                if session.GetState()? == AudioSessionStateActive {
                    ids.insert(session.cast::<IAudioSessionControl2>()?.GetProcessId()?);
                }
            }
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, parent: u32) -> Process {
        Process { id, parent, program: "browser.exe".into() }
    }

    #[test]
    fn the_root_of_a_tree_is_found_and_circles_end() {
        let tree = [process(10, 4), process(20, 10), process(30, 20), process(40, 5)];
        assert_eq!(root_of(30, &tree), 10);
        assert_eq!(root_of(10, &tree), 10);
        assert_eq!(root_of(40, &tree), 40);
        let circle = [process(1, 2), process(2, 1)];
        assert!([1, 2].contains(&root_of(1, &circle)));
    }

    #[test]
    fn this_program_is_found_by_its_name() {
        let own = std::env::current_exe().unwrap();
        let own = own.file_name().unwrap().to_string_lossy().into_owned();
        let found = main_process(&own.to_uppercase(), None).unwrap();
        assert!(is_running(found, &own));
        assert_eq!(main_process(&own, Some("no window has this title")), None);
        assert_eq!(main_process("no-such-program.exe", None), None);
        assert!(!is_running(found, "no-such-program.exe"));
    }
}
