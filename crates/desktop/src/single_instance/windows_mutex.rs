//! A named mutex says who is first; a named event tells them of another start.
#![expect(unsafe_code, reason = "mutexes and events have a C interface only")]

use std::path::Path;

use windows::Win32::Foundation::{CloseHandle, ERROR_ALREADY_EXISTS, GetLastError, HANDLE, WAIT_OBJECT_0};
use windows::Win32::System::Threading::{
    CreateEventW, CreateMutexW, INFINITE, SetEvent, WaitForSingleObject,
};
use windows::Win32::UI::WindowsAndMessaging::{ASFW_ANY, AllowSetForegroundWindow};
use windows::core::{HSTRING, PCWSTR};

use crate::Error;

/// The handles that are the place; the names are gone when the last handle is closed.
#[derive(Debug)]
pub(super) struct Place {
    mutex: HANDLE,
    event: HANDLE,
}

// SAFETY: both handles are the process's and may be waited for, set and closed from any thread; the mutex is never
// owned, only its name counts.
unsafe impl Send for Place {}
// SAFETY: as above; SetEvent and WaitForSingleObject need no exclusive access.
unsafe impl Sync for Place {}

impl Place {
    /// `None` where somebody else has it; they have been told.
    pub(super) fn claim(name: &str, _folder: &Path) -> Result<Option<Self>, Error> {
        let failed = |error| Error::system("the place of the only studio could not be claimed", error);
        let event_name = HSTRING::from(format!("Local\\{name} another start"));
        let mutex_name = HSTRING::from(format!("Local\\{name}"));
        // SAFETY: the name ends with a zero and lives through the call. The event is made before the mutex, so that
        // whoever finds the mutex finds the event too.
        let event =
            unsafe { CreateEventW(None, false, false, PCWSTR(event_name.as_ptr())) }.map_err(failed)?;
        // SAFETY: as above; the last error is read before anything else can set it.
        let (mutex, exists) = unsafe {
            let mutex = CreateMutexW(None, false, PCWSTR(mutex_name.as_ptr()));
            (mutex, GetLastError() == ERROR_ALREADY_EXISTS)
        };
        let mutex = match mutex {
            Ok(mutex) => mutex,
            Err(error) => {
                // SAFETY: `event` was opened above and is closed once.
                let _ = unsafe { CloseHandle(event) };
                return Err(failed(error));
            }
        };
        let place = Self { mutex, event };
        if exists {
            // SAFETY: no pointers. The person started us, so we may let the first come to the front.
            let _ = unsafe { AllowSetForegroundWindow(ASFW_ANY) };
            place.wake();
            return Ok(None);
        }
        Ok(Some(place))
    }

    /// Waits for another start or for [`Self::wake`]; false when nothing can be waited for.
    pub(super) fn wait(&self) -> bool {
        // SAFETY: the event is open as long as `self` is.
        unsafe { WaitForSingleObject(self.event, INFINITE) == WAIT_OBJECT_0 }
    }

    pub(super) fn wake(&self) {
        // SAFETY: the event is open as long as `self` is.
        let _ = unsafe { SetEvent(self.event) };
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: both handles are ours and are closed once, here.
        unsafe {
            let _ = CloseHandle(self.mutex);
            let _ = CloseHandle(self.event);
        }
    }
}
