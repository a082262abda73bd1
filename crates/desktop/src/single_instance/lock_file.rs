//! A lock on a file says who is first; a socket beside it tells them of another start.

use std::fs::{File, TryLockError};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::Error;

#[derive(Debug)]
pub(super) struct Place {
    /// Locked as long as it is open.
    _lock: File,
    socket: PathBuf,
    /// `None` where the path is too long for a socket: other starts are then not told of.
    listener: Option<UnixListener>,
}

impl Place {
    /// `None` where somebody else has it; they have been told.
    pub(super) fn claim(name: &str, folder: &Path) -> Result<Option<Self>, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::system("the place of the only studio could not be claimed", error)
        };
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let lock = File::create(folder.join(format!("{name}.lock"))).map_err(|error| failed(&error))?;
        let socket = folder.join(format!("{name}.socket"));
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let _ = UnixStream::connect(&socket);
                return Ok(None);
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // The lock is ours, so a socket that is there is left over from somebody who is gone.
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket);
        if let Err(error) = &listener {
            tracing::info!(%error, "other starts are not noticed");
        }
        Ok(Some(Self { _lock: lock, socket, listener: listener.ok() }))
    }

    /// Waits for another start or for [`Self::wake`]; false when nothing can be waited for.
    pub(super) fn wait(&self) -> bool {
        self.listener.as_ref().is_some_and(|listener| listener.accept().is_ok())
    }

    pub(super) fn wake(&self) {
        let _ = UnixStream::connect(&self.socket);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}
