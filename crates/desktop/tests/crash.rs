//! A process that crashes leaves a report that a person can read, without keys, and the next start is told of it once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use desktop::crash::{self, Setup};
use desktop::{LogFiles, log_files};

/// Names the folder of the process that is to crash.
const FOLDER: &str = "GENLOCK_TEST_CRASH_FOLDER";

fn redact(text: &str) -> String {
    text.replace("sk_us-west-2_Hidden123", "•••")
}

fn stamp() -> String {
    "2026-11-21 20-14-05".into()
}

fn watch(folder: &Path) {
    let mut log = LogFiles::new(folder, redact as log_files::Redact, stamp);
    std::io::Write::write_all(&mut log, b"the last line with sk_us-west-2_Hidden123\n").unwrap();
    crash::watch(Setup {
        folder: folder.to_owned(),
        about: "Genlock 0.1.0 on a test".into(),
        running: Box::new(|| "live for 3 minutes".into()),
        log: Some(log),
        redact,
        stamp,
        shows_box: false,
        recordings: "What was recorded plays up to the crash.".into(),
    });
}

/// Runs the test called `name` of this program once more, as the process that crashes; gives its report.
fn crash_in_a_process_of_its_own(name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(!ended.status.success(), "it did not crash");
    let path = crash::take_unread(folder.path())
        .unwrap_or_else(|| panic!("no report: {}", String::from_utf8_lossy(&ended.stderr)));
    assert_eq!(crash::take_unread(folder.path()), None, "told once");
    std::fs::read_to_string(path).unwrap()
}

fn folder_to_crash_in() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

#[test]
fn a_panic_is_reported() {
    if let Some(folder) = folder_to_crash_in() {
        watch(&folder);
        panic!("no frame for sk_us-west-2_Hidden123");
    }
    let report = crash_in_a_process_of_its_own("a_panic_is_reported");
    for part in [
        "no frame for •••",
        "crash.rs:",
        "Genlock 0.1.0 on a test",
        "live for 3 minutes",
        "the last line with •••",
        "plays up to the crash",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    assert!(!report.contains("Hidden"), "{report}");
}

#[cfg(windows)]
#[test]
#[expect(unsafe_code, reason = "it is to crash")]
fn an_access_violation_is_reported() {
    if let Some(folder) = folder_to_crash_in() {
        watch(&folder);
        let nowhere: *mut u8 = std::ptr::without_provenance_mut(8);
        // SAFETY: none: there is nothing at that address, and writing there is what the test is about.
        unsafe { std::ptr::write_volatile(nowhere, 1) };
    }
    let report = crash_in_a_process_of_its_own("an_access_violation_is_reported");
    assert!(report.contains("0xC0000005 (access violation) in crash"), "{report}");
    assert!(report.contains("live for 3 minutes"), "{report}");
}
