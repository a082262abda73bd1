//! What can go wrong, by whose fault.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use units::Track;

/// Why something could not be recorded or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk is full. Everything before is in the file.
    #[error("the disk that holds {} is full", path.display())]
    DiskFull {
        /// The recording.
        path: PathBuf,
    },
    /// The system refused a file operation.
    #[error("{action} {}: {source}", path.display())]
    Resource {
        /// What was tried: “could not create”.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The recording has stopped because of an earlier error.
    #[error("the recording has stopped after an error")]
    Stopped,
    /// No picture (or no sound, in a recording without pictures) arrived that a recording could begin with.
    #[error("nothing was recorded: no key frame arrived")]
    Empty,
    /// The decoder configuration of a track can not be read, or there are no tracks.
    #[error("the configuration of {track} can not be recorded: {problem}")]
    Config {
        /// Which track.
        track: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A unit of a track that is not in the recording's configuration.
    #[error("{} is not part of this recording", track_name(*.0))]
    UnknownTrack(Track),
    /// A unit that is not after the one before it in its track, or is shown before it is decoded. It was left out.
    #[error("a unit of {} at {at_ms} ms is out of order and was left out", track_name(*track))]
    OutOfOrder {
        /// The track.
        track: Track,
        /// The unit's decode time on the media clock, in milliseconds.
        at_ms: i64,
    },
    /// The file is not an MP4 this crate can read.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A mistake in this crate: a box could not be put into bytes.
    #[error("internal error in the recorder: {0}")]
    Internal(String),
}

fn track_name(track: Track) -> String {
    match track {
        Track::Video(id) => format!("video track {id}"),
        Track::Audio(id) => format!("audio track {id}"),
    }
}

impl Error {
    pub(crate) fn resource(action: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::StorageFull || source.kind() == io::ErrorKind::QuotaExceeded {
            return Self::DiskFull { path: path.to_owned() };
        }
        Self::Resource { action, path: path.to_owned(), source }
    }

    pub(crate) fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), problem: problem.into() }
    }
}

impl From<shiguredo_mp4::Error> for Error {
    /// For encoding only, where the boxes are our own.
    fn from(error: shiguredo_mp4::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
