//! One studio at a time: two would fight over camera, microphone and channel. A second start tells the first, which
//! comes to the front.
//!
//! On Windows a named mutex and a named event of the person's session; elsewhere a lock on a file and a socket beside
//! it. Both end with the process, however it ends.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::Error;

#[cfg_attr(windows, path = "single_instance/windows_mutex.rs")]
#[cfg_attr(not(windows), path = "single_instance/lock_file.rs")]
mod system;

/// What a start found.
#[derive(Debug)]
pub enum Claim {
    /// It is the only one.
    First(First),
    /// Another one runs, and was told to come to the front.
    Second,
}

/// The place of the only one; free again when it is dropped.
#[derive(Debug)]
pub struct First {
    place: Arc<system::Place>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Claims the place called `name`, letters and digits only. `folder` is where the lock lies where the system has no
/// named mutexes; it is made when needed.
///
/// # Errors
/// [`Error::System`] when the system gives neither the place nor the one who has it.
pub fn claim(name: &str, folder: &Path) -> Result<Claim, Error> {
    Ok(match system::Place::claim(name, folder)? {
        Some(place) => Claim::First(First {
            place: Arc::new(place),
            ending: Arc::new(AtomicBool::new(false)),
            thread: None,
        }),
        None => Claim::Second,
    })
}

impl First {
    /// Calls `on_start` each time another one was started, on a thread of its own.
    ///
    /// # Errors
    /// [`Error::System`] when there is no thread.
    pub fn on_other_start(&mut self, on_start: impl Fn() + Send + 'static) -> Result<(), Error> {
        let (place, ending) = (self.place.clone(), self.ending.clone());
        let thread = std::thread::Builder::new().name("other-start".into()).spawn(move || {
            while place.wait() && !ending.load(Ordering::Acquire) {
                on_start();
            }
        });
        self.thread = Some(thread.map_err(|error| Error::system("no thread for other starts", error))?);
        Ok(())
    }
}

impl Drop for First {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            self.place.wake();
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test")]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_second_start_tells_the_first_and_the_place_is_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("GenlockTest{}", std::process::id());
        let Claim::First(mut first) = claim(&name, folder.path()).unwrap() else { panic!("not the first") };
        let (tell, told) = crossbeam_channel::bounded(8);
        first.on_other_start(move || tell.send(()).unwrap()).unwrap();
        for _ in 0..3 {
            assert!(matches!(claim(&name, folder.path()).unwrap(), Claim::Second));
            told.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        drop(first);
        assert!(matches!(claim(&name, folder.path()).unwrap(), Claim::First(_)));
    }

    #[test]
    fn other_names_are_other_places() {
        let folder = tempfile::tempdir().unwrap();
        let name = |which: &str| format!("GenlockTest{which}{}", std::process::id());
        let one = claim(&name("One"), folder.path()).unwrap();
        let two = claim(&name("Two"), folder.path()).unwrap();
        assert!(matches!((one, two), (Claim::First(_), Claim::First(_))));
    }
}
