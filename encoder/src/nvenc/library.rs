//! The driver's library, found at run time, and the table of its functions.
#![expect(unsafe_code, reason = "a library is loaded and its functions are called")]

use std::collections::HashMap;
use std::ffi::{CStr, OsString, c_char, c_void};
use std::sync::{Arc, Mutex, OnceLock};

use libloading::Library;
use nvenc_api::{API_VERSION_SUPPORTED, CreateInstance, FunctionList, GetMaxSupportedVersion, Status};

use crate::worker::lock;

/// Name of the driver's library, which comes with the driver and lies where the system keeps its own.
#[cfg(windows)]
pub(crate) const LIBRARY: &str = "nvEncodeAPI64.dll";
/// Name of the driver's library.
#[cfg(not(windows))]
pub(crate) const LIBRARY: &str = "libnvidia-encode.so.1";

/// Names a library to take instead: for tests and for support.
const INSTEAD: &str = "GENLOCK_NVENC_LIBRARY";

/// The symbol by which a fake says that it is one: a function without arguments that returns its name.
const FAKE: &[u8] = b"genlock_fake_nvenc\0";
/// The symbol by which a fake gives a device, where there is no GPU to ask.
const FAKE_DEVICE: &[u8] = b"genlock_fake_nvenc_device\0";

/// The oldest driver that speaks our interface (Video Codec SDK 12.1, release notes), and the oldest that the service
/// takes (IVS user guide, multitrack integration guide, “System Requirements”).
const OLDEST: &str = "531.61";
const OLDEST_FOR_SERVICE: &str = "545.92";

/// The driver, as far as we speak to it. It is never unloaded: drivers keep threads of their own.
pub(crate) struct Driver {
    /// The functions.
    pub(crate) table: FunctionList,
    /// What a fake calls itself.
    pub(crate) fake: Option<String>,
    /// A device that the fake made up.
    fake_device: Option<unsafe extern "C" fn() -> *mut c_void>,
    _library: Library,
}

impl Driver {
    /// The device of a fake that runs where no GPU is.
    pub(crate) fn fake_device(&self) -> Option<*mut c_void> {
        // SAFETY: the function takes nothing and returns an address that is only handed back to the same library.
        self.fake_device.map(|make| unsafe { make() }).filter(|device| !device.is_null())
    }
}

type Known = HashMap<OsString, Result<Arc<Driver>, String>>;

/// The driver of this machine, or of the library that `GENLOCK_NVENC_LIBRARY` names; each is loaded once.
///
/// # Errors
/// In words: there is none, or it is too old.
pub(crate) fn driver() -> Result<Arc<Driver>, String> {
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    let name = std::env::var_os(INSTEAD).filter(|name| !name.is_empty());
    let key = name.clone().unwrap_or_else(|| LIBRARY.into());
    let mut known = lock(KNOWN.get_or_init(Mutex::default));
    known.entry(key).or_insert_with(|| load(name.as_ref()).map(Arc::new)).clone()
}

fn load(instead: Option<&OsString>) -> Result<Driver, String> {
    let library = match instead {
        Some(path) => open_named(path)
            .map_err(|error| format!("the library that {INSTEAD} names can not be loaded: {error}"))?,
        None => open_system().map_err(|_| {
            format!("there is no NVIDIA driver here that encodes (“{LIBRARY}” is not installed)")
        })?,
    };
    // SAFETY: the names are those of nvEncodeAPI.h and the types are those that it gives them.
    let found = unsafe {
        library.get::<GetMaxSupportedVersion>(b"NvEncodeAPIGetMaxSupportedVersion\0").and_then(|version| {
            Ok((*version, *library.get::<CreateInstance>(b"NvEncodeAPICreateInstance\0")?))
        })
    };
    let (newest, create) = found.map_err(|error| format!("“{LIBRARY}” is no NVENC library: {error}"))?;
    let mut version = 0u32;
    // SAFETY: the pointer is to a local variable.
    let status = unsafe { newest(&raw mut version) };
    if status != Status::SUCCESS {
        return Err(format!(
            "the NVIDIA driver does not say which interface it speaks (status {})",
            status.0
        ));
    }
    if version < API_VERSION_SUPPORTED {
        return Err(format!(
            "the NVIDIA driver is too old: it speaks NVENC {}.{}, and 12.1 is needed. Install NVIDIA driver {OLDEST} or \
             newer; Amazon IVS asks for {OLDEST_FOR_SERVICE}",
            version >> 4,
            version & 15
        ));
    }
    let mut table = FunctionList { version: FunctionList::VERSION, ..FunctionList::default() };
    // SAFETY: the table has the size and the version word of the interface that the driver has just said it speaks.
    let status = unsafe { create(&raw mut table) };
    if status != Status::SUCCESS {
        return Err(format!("the NVIDIA driver gives no functions (status {})", status.0));
    }
    // SAFETY: a function of this name is ours alone, takes nothing and returns a text that lives as long as the library.
    let fake = unsafe {
        library
            .get::<unsafe extern "C" fn() -> *const c_char>(FAKE)
            .ok()
            .map(|name| CStr::from_ptr(name()).to_string_lossy().into_owned())
    };
    // SAFETY: as above.
    let fake_device =
        unsafe { library.get::<unsafe extern "C" fn() -> *mut c_void>(FAKE_DEVICE).ok().map(|make| *make) };
    Ok(Driver { table, fake, fake_device, _library: library })
}

fn open_named(path: &OsString) -> Result<Library, libloading::Error> {
    // SAFETY: whoever set the variable answers for what the library does when it is loaded.
    unsafe { Library::new(path) }
}

/// From the system's own folder and from nowhere else: a library beside the program or in the present folder could be
/// anybody's.
#[cfg(windows)]
fn open_system() -> Result<Library, libloading::Error> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_SYSTEM32, Library as Native};
    // SAFETY: the driver's library may be loaded at any time by any thread.
    unsafe { Native::load_with_flags(LIBRARY, LOAD_LIBRARY_SEARCH_SYSTEM32) }.map(Library::from)
}

#[cfg(not(windows))]
fn open_system() -> Result<Library, libloading::Error> {
    // SAFETY: the driver's library may be loaded at any time by any thread.
    unsafe { Library::new(LIBRARY) }
}

// SAFETY (for `Driver` being shared): the table is plain data and the functions of the interface may be called from
// any thread; see `session` for what one session needs.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}
