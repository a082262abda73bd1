//! Power requests of Windows; where they can not be had, the older state of a thread.
#![expect(unsafe_code, reason = "power requests have a C interface only")]

use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use windows::Win32::Foundation::{CloseHandle, HANDLE};
use windows::Win32::System::Power::{
    ES_CONTINUOUS, ES_DISPLAY_REQUIRED, ES_SYSTEM_REQUIRED, PowerClearRequest, PowerCreateRequest,
    PowerRequestDisplayRequired, PowerRequestSystemRequired, PowerSetRequest, SetThreadExecutionState,
};
use windows::Win32::System::SystemServices::POWER_REQUEST_CONTEXT_VERSION;
use windows::Win32::System::Threading::{
    POWER_REQUEST_CONTEXT_SIMPLE_STRING, REASON_CONTEXT, REASON_CONTEXT_0,
};
use windows::core::{HSTRING, PWSTR};

use crate::Error;

/// What was asked of the system.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their ends")]
pub(super) enum Held {
    Request(Request),
    /// A thread whose execution state asks for it: the state ends with the thread.
    Thread(StateThread),
}

impl Held {
    pub(super) fn ask(reason: &str, display: bool) -> Result<Self, Error> {
        match Request::make(reason, display) {
            Ok(request) => Ok(Self::Request(request)),
            Err(error) => {
                tracing::info!(%error, "no power request; a thread's state is used instead");
                StateThread::start(display).map(Self::Thread)
            }
        }
    }
}

/// A power request (winbase.h, PowerCreateRequest).
#[derive(Debug)]
pub(super) struct Request {
    handle: HANDLE,
    display: bool,
}

// SAFETY: the handle is the process's, not a thread's; PowerSetRequest and PowerClearRequest may be called from any.
unsafe impl Send for Request {}
// SAFETY: nothing is done with it through a shared reference.
unsafe impl Sync for Request {}

impl Request {
    fn make(reason: &str, display: bool) -> windows::core::Result<Self> {
        let reason = HSTRING::from(reason);
        let context = REASON_CONTEXT {
            Version: POWER_REQUEST_CONTEXT_VERSION,
            Flags: POWER_REQUEST_CONTEXT_SIMPLE_STRING,
            Reason: REASON_CONTEXT_0 { SimpleReasonString: PWSTR(reason.as_ptr().cast_mut()) },
        };
        // SAFETY: the context and its text, which ends with a zero, outlive the call, which copies them.
        let handle = unsafe { PowerCreateRequest(&raw const context) }?;
        if handle.is_invalid() {
            return Err(windows::core::Error::from_thread());
        }
        let request = Self { handle, display };
        // SAFETY: `handle` is a power request that was just made and not closed.
        unsafe {
            PowerSetRequest(handle, PowerRequestSystemRequired)?;
            if display {
                PowerSetRequest(handle, PowerRequestDisplayRequired)?;
            }
        }
        Ok(request)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and is closed once, here. What was not set can be cleared without harm.
        unsafe {
            let _ = PowerClearRequest(self.handle, PowerRequestSystemRequired);
            if self.display {
                let _ = PowerClearRequest(self.handle, PowerRequestDisplayRequired);
            }
            let _ = CloseHandle(self.handle);
        }
    }
}

#[derive(Debug)]
pub(super) struct StateThread {
    /// Dropped, it ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StateThread {
    fn start(display: bool) -> Result<Self, Error> {
        let (end, ended) = bounded::<()>(0);
        let (tell, told) = bounded(1);
        let thread = std::thread::Builder::new().name("awake".into()).spawn(move || {
            let state = ES_CONTINUOUS | ES_SYSTEM_REQUIRED;
            let state = if display { state | ES_DISPLAY_REQUIRED } else { state };
            // SAFETY: the call takes no pointers and changes the state of this thread only.
            let before = unsafe { SetThreadExecutionState(state) };
            let _ = tell.send(before.0 != 0);
            let _ = ended.recv();
            // SAFETY: as above.
            unsafe { SetThreadExecutionState(ES_CONTINUOUS) };
        });
        let thread = thread.map_err(|error| Error::system("the computer could not be kept awake", error))?;
        let held = Self { end: Some(end), thread: Some(thread) };
        match told.recv() {
            Ok(true) => Ok(held),
            _ => Err(Error::system("the computer could not be kept awake", "the system refused")),
        }
    }
}

impl Drop for StateThread {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
