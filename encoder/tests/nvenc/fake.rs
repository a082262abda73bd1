//! The fake driver library, as a test sees it: it lies beside the test, where cargo puts what tests depend on.
#![allow(unsafe_code, reason = "functions of a library that is loaded")]

use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fake_nvenc as _;
use libloading::Library;

/// The fake, held by one test at a time.
pub(crate) struct Fake {
    library: Library,
    _alone: MutexGuard<'static, ()>,
}

fn path() -> PathBuf {
    let name = format!("{}fake_nvenc{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let own = std::env::current_exe().unwrap();
    let beside = own.parent().unwrap().join(&name);
    assert!(beside.is_file(), "{} is built as what the encoder's tests depend on", beside.display());
    beside
}

impl Fake {
    /// Makes the encoder take the fake for the driver.
    pub(crate) fn install() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let path = path();
        // SAFETY: no other thread of this process reads the environment yet: every test of this program takes the lock
        // before it starts any.
        unsafe { std::env::set_var("GENLOCK_NVENC_LIBRARY", &path) };
        // SAFETY: the fake does nothing when it is loaded.
        let library = unsafe { Library::new(&path) }.unwrap();
        Self { library, _alone: alone }
    }

    /// Tells it what to do.
    pub(crate) fn wish(&self, name: &str, value: i64) {
        let name = CString::new(name).unwrap();
        // SAFETY: name and type are those of the fake's documentation.
        unsafe {
            let set = self
                .library
                .get::<unsafe extern "C" fn(*const c_char, i64)>(b"genlock_fake_nvenc_set\0")
                .unwrap();
            set(name.as_ptr(), value);
        }
    }

    /// What it did.
    pub(crate) fn figure(&self, name: &str) -> i64 {
        let name = CString::new(name).unwrap();
        // SAFETY: as above.
        unsafe {
            let get = self
                .library
                .get::<unsafe extern "C" fn(*const c_char) -> i64>(b"genlock_fake_nvenc_get\0")
                .unwrap();
            get(name.as_ptr())
        }
    }

    /// What was done wrong.
    pub(crate) fn faults(&self) -> String {
        let mut text = vec![0u8; 4096];
        // SAFETY: as above; there is as much room as is said.
        unsafe {
            let fault = self
                .library
                .get::<unsafe extern "C" fn(*mut c_char, usize) -> usize>(b"genlock_fake_nvenc_fault\0")
                .unwrap();
            fault(text.as_mut_ptr().cast(), text.len());
        }
        let end = text.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8_lossy(&text[..end]).into_owned()
    }

    /// Every call was right, and everything was given back.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.faults(), "");
        assert_eq!((self.figure("open_sessions"), self.figure("held")), (0, 0));
    }
}
