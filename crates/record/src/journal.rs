//! The journal beside a running recording: what it is, and how far it got, one JSON object per line.
//!
//! A file with a journal beside it was not finished. The journal is locked while its recording runs, so a repair
//! never touches a recording that another program is still writing; it is removed when the recording is finished.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use units::StreamConfig;

const EXTENSION: &str = "journal.jsonl";

/// `show.mp4` has the journal `show.journal.jsonl`.
pub(crate) fn path_of(recording: &Path) -> PathBuf {
    recording.with_extension(EXTENSION)
}

/// The recording that a journal belongs to; `None` for a file that is no journal.
pub(crate) fn recording_of(journal: &Path) -> Option<PathBuf> {
    let stem = journal.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    Some(journal.with_file_name(format!("{stem}.mp4")))
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Recording { version: u32, file: &'a str, started_unix_ms: u64, tracks: Vec<String> },
    Fragment { sequence: u32, offset: u64, bytes: u64, media_ms: i64 },
    Finished { bytes: u64, duration_ms: i64 },
}

/// A journal being written. What goes wrong with it never stops the recording; it is said once in the log.
pub(crate) struct Journal {
    file: Option<File>,
    path: PathBuf,
}

impl Journal {
    /// Creates and locks the journal of `recording`.
    pub(crate) fn create(recording: &Path) -> io::Result<Self> {
        let path = path_of(recording);
        let file = OpenOptions::new().create_new(true).read(true).append(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(TryLockError::Error(error)) => {
                tracing::warn!(path = %path.display(), %error, "the folder's file system has no locks");
            }
        }
        Ok(Self { file: Some(file), path })
    }

    fn line(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let mut bytes = serde_json::to_vec(line).unwrap_or_default();
        bytes.push(b'\n');
        if let Err(error) = file.write_all(&bytes) {
            tracing::warn!(path = %self.path.display(), %error, "the recording goes on without its journal");
            self.file = None;
        }
    }

    pub(crate) fn started(&mut self, file: &str, started_unix: Duration, config: &StreamConfig) {
        let video =
            config.video.iter().map(|v| format!("{} {} {} fps {}", v.codec, v.size, v.rate, v.bitrate));
        let audio =
            config.audio.iter().map(|a| format!("AAC {} Hz x{} {}", a.sample_rate_hz, a.channels, a.bitrate));
        let started_unix_ms = u64::try_from(started_unix.as_millis()).unwrap_or(u64::MAX);
        self.line(&Line::Recording {
            version: 1,
            file,
            started_unix_ms,
            tracks: video.chain(audio).collect(),
        });
    }

    /// A fragment is on the medium; it begins at `media_ms` of the media clock.
    pub(crate) fn fragment(&mut self, sequence: u32, offset: u64, bytes: u64, media_ms: i64) {
        self.line(&Line::Fragment { sequence, offset, bytes, media_ms });
    }

    /// The recording is whole: the journal has done its work.
    pub(crate) fn finished(mut self, bytes: u64, duration_ms: i64, keep: bool) {
        self.line(&Line::Finished { bytes, duration_ms });
        if !keep {
            self.remove();
        }
    }

    pub(crate) fn remove(mut self) {
        self.file = None;
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove a journal");
        }
    }
}

/// What a journal beside a file says.
#[derive(Debug)]
pub(crate) enum Found {
    /// There is none, or it ends with the mark of a finished recording.
    None,
    /// Its recording is running.
    Locked,
    /// Its recording was cut short. Holding the file holds the lock.
    Open {
        /// The locked journal.
        _lock: File,
    },
}

/// Looks for the journal of `recording`, and locks it.
pub(crate) fn find(recording: &Path) -> io::Result<Found> {
    let path = path_of(recording);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(Found::Locked),
        // A file system without locks also has no running recording that holds one.
        Ok(()) | Err(TryLockError::Error(_)) => {
            let finished = io::read_to_string(&file).unwrap_or_default().contains("{\"finished\":");
            Ok(if finished { Found::None } else { Found::Open { _lock: file } })
        }
    }
}
