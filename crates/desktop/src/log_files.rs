//! A ring of log files, and the last lines of them for a report.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many files are kept.
pub const MAX_FILES: usize = 20;
/// How much all of them take together, in bytes.
pub const MAX_BYTES: u64 = 50 << 20;
/// How large one file gets before the next begins, in bytes.
const FILE_BYTES: u64 = 5 << 20;
/// Lines that a report is given.
const LAST_LINES: usize = 200;
/// Longest line that is kept for a report, in bytes.
const LINE_BYTES: usize = 2_000;

/// Takes what must not be written out of a line.
pub type Redact = fn(&str) -> String;
/// The present local time as a file name bears it, such as `2026-11-21 20-14-05`.
pub type Stamp = fn() -> String;

/// Log files in a folder. Clones write to the same file. The first line makes the file: a run that logs nothing leaves
/// nothing behind.
#[derive(Clone)]
pub struct LogFiles(Arc<Mutex<Inner>>);

struct Inner {
    folder: PathBuf,
    redact: Redact,
    stamp: Stamp,
    file: Option<(File, u64)>,
    /// The disk refused once: nobody is helped by trying it for every line.
    refused: bool,
    last: VecDeque<String>,
}

impl LogFiles {
    /// Logs into `folder`, which is made when needed, and removes the oldest logs in it beyond [`MAX_FILES`] and
    /// [`MAX_BYTES`].
    pub fn new(folder: &Path, redact: Redact, stamp: Stamp) -> Self {
        prune(folder, MAX_FILES.saturating_sub(1), MAX_BYTES.saturating_sub(FILE_BYTES));
        Self(Arc::new(Mutex::new(Inner {
            folder: folder.to_owned(),
            redact,
            stamp,
            file: None,
            refused: false,
            last: VecDeque::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines, the oldest first. Empty when the log is being written to by the thread that asks, which a
    /// report of a crash must not wait for.
    pub fn last_lines(&self) -> Vec<String> {
        match self.0.try_lock() {
            Ok(inner) => inner.last.iter().cloned().collect(),
            Err(std::sync::TryLockError::Poisoned(inner)) => {
                inner.into_inner().last.iter().cloned().collect()
            }
            Err(std::sync::TryLockError::WouldBlock) => Vec::new(),
        }
    }
}

impl Write for LogFiles {
    /// Takes whole events; each is redacted, kept for a report and written to the file. A disk that refuses is no
    /// error: the program goes on without a log.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut inner = self.inner();
        let text = (inner.redact)(&String::from_utf8_lossy(event));
        for line in text.lines() {
            let mut line = line.to_owned();
            line.truncate(line.floor_char_boundary(LINE_BYTES));
            inner.last.push_back(line);
        }
        let extra = inner.last.len().saturating_sub(LAST_LINES);
        inner.last.drain(..extra);
        inner.append(text.as_bytes());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inner {
    fn append(&mut self, text: &[u8]) {
        if self.refused {
            return;
        }
        if self.file.as_ref().is_none_or(|(_, written)| *written >= FILE_BYTES) {
            self.file = None;
            prune(&self.folder, MAX_FILES.saturating_sub(1), MAX_BYTES.saturating_sub(FILE_BYTES));
            let opened = fs::create_dir_all(&self.folder).and_then(|()| self.open());
            self.refused = opened.is_err();
            self.file = opened.ok().map(|file| (file, 0));
        }
        if let Some((file, written)) = &mut self.file {
            self.refused = file.write_all(text).is_err();
            *written += text.len() as u64;
        }
    }

    /// A new file, named by the time and the process; a second one within a second gets a number.
    fn open(&self) -> io::Result<File> {
        let stem = format!("genlock {} {}", (self.stamp)(), std::process::id());
        for attempt in 1u32..1000 {
            let name = if attempt == 1 { format!("{stem}.log") } else { format!("{stem} ({attempt}).log") };
            match File::create_new(self.folder.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened,
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Removes the oldest logs of `folder` until `files` and `bytes` hold. What can not be removed stays.
fn prune(folder: &Path, files: usize, bytes: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut logs: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "log"))
        .filter_map(|entry| {
            let about = entry.metadata().ok()?;
            Some((about.modified().ok()?, about.len(), entry.path()))
        })
        .collect();
    logs.sort_by(|one, other| (other.0, &other.2).cmp(&(one.0, &one.2)));
    let mut sum = 0;
    for (place, (_, length, path)) in logs.iter().enumerate() {
        sum += length;
        if place >= files || sum > bytes {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn redact(text: &str) -> String {
        text.replace("hidden", "•••")
    }

    fn stamp() -> String {
        "2026-11-21 20-14-05".into()
    }

    fn logs(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_is_logged_is_in_the_file_and_in_the_last_lines_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFiles::new(&folder.path().join("logs"), redact, stamp);
        assert!(!folder.path().join("logs").exists(), "a run that logs nothing leaves nothing");
        for number in 0..LAST_LINES + 50 {
            log.write_all(format!("line {number} hidden\n").as_bytes()).unwrap();
        }
        let last = log.last_lines();
        assert_eq!(last.len(), LAST_LINES);
        assert_eq!(last.last().unwrap(), &format!("line {} •••", LAST_LINES + 49));
        let files = logs(&folder.path().join("logs"));
        assert_eq!(files.len(), 1);
        let text = fs::read_to_string(&files[0]).unwrap();
        assert!(text.starts_with("line 0 •••") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn neither_files_nor_bytes_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("crash.txt"), "stays").unwrap();
        for number in 0..30 {
            let path = folder.path().join(format!("genlock {number:02}.log"));
            fs::write(path, vec![b'x'; 100]).unwrap();
        }
        prune(folder.path(), 10, u64::MAX);
        assert_eq!(logs(folder.path()).len(), 11);
        prune(folder.path(), 10, 450);
        assert_eq!(logs(folder.path()).len(), 5);
        assert!(folder.path().join("crash.txt").exists());
        assert!(folder.path().join("genlock 29.log").exists(), "the newest stay");
    }

    #[test]
    fn a_full_file_is_followed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFiles::new(folder.path(), redact, stamp);
        let line = vec![b'x'; 1 << 20];
        for _ in 0..60 {
            log.write_all(&line).unwrap();
        }
        let sizes: Vec<u64> =
            logs(folder.path()).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
        assert!(sizes.len() > 2 && sizes.len() <= MAX_FILES, "{sizes:?}");
        assert!(sizes.iter().sum::<u64>() <= MAX_BYTES, "{sizes:?}");
    }

    #[test]
    fn a_disk_that_refuses_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        fs::write(&file, "").unwrap();
        let mut log = LogFiles::new(&file, redact, stamp);
        log.write_all(b"still here\n").unwrap();
        assert_eq!(log.last_lines(), ["still here"]);
    }
}
