//! A CUDA context on the first GPU, through the library that comes with NVIDIA's driver for Linux: four functions of
//! the CUDA driver interface, looked up at run time.
#![expect(unsafe_code, reason = "functions of the driver are called")]

use std::ffi::{c_int, c_uint, c_void};
use std::sync::OnceLock;

use libloading::Library;

/// Name of the library.
const LIBRARY: &str = "libcuda.so.1";

type Init = unsafe extern "C" fn(c_uint) -> c_int;
type DeviceGet = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
type Create = unsafe extern "C" fn(*mut *mut c_void, c_uint, c_int) -> c_int;
type Pop = unsafe extern "C" fn(*mut *mut c_void) -> c_int;
type Destroy = unsafe extern "C" fn(*mut c_void) -> c_int;

struct Cuda {
    init: Init,
    device_get: DeviceGet,
    create: Create,
    pop: Pop,
    destroy: Destroy,
    _library: Library,
}

fn cuda() -> Result<&'static Cuda, String> {
    static CUDA: OnceLock<Result<Cuda, String>> = OnceLock::new();
    CUDA.get_or_init(|| load().map_err(|error| format!("NVIDIA's CUDA library does not load: {error}")))
        .as_ref()
        .map_err(Clone::clone)
}

fn load() -> Result<Cuda, libloading::Error> {
    // SAFETY: the library may be loaded at any time; names and types are those of cuda.h, with the suffix that the
    // present form of each function has there.
    unsafe {
        let library = Library::new(LIBRARY)?;
        Ok(Cuda {
            init: *library.get(b"cuInit\0")?,
            device_get: *library.get(b"cuDeviceGet\0")?,
            create: *library.get(b"cuCtxCreate_v2\0")?,
            pop: *library.get(b"cuCtxPopCurrent_v2\0")?,
            destroy: *library.get(b"cuCtxDestroy_v2\0")?,
            _library: library,
        })
    }
}

/// A context of our own; a session works on whichever thread uses it.
pub(in crate::nvenc) struct Context(*mut c_void);

impl Context {
    pub(super) fn open() -> Result<Self, String> {
        let cuda = cuda()?;
        let check = |what: &str, status: c_int| {
            if status == 0 { Ok(()) } else { Err(format!("CUDA does not {what} (error {status})")) }
        };
        let (mut device, mut context) = (0, std::ptr::null_mut());
        // SAFETY: all pointers are to local variables, and the calls come in the order cuda.h asks for.
        unsafe {
            check("start", (cuda.init)(0))?;
            check("find a GPU", (cuda.device_get)(&raw mut device, 0))?;
            check("open the GPU", (cuda.create)(&raw mut context, 0, device))?;
            // It was made current on this thread; NVENC makes it so by itself where it needs it.
            let mut popped = std::ptr::null_mut();
            check("let the GPU go", (cuda.pop)(&raw mut popped))?;
        }
        Ok(Self(context))
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.0
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Ok(cuda) = cuda() {
            // SAFETY: the context was made by this library and no session uses it any more.
            let status = unsafe { (cuda.destroy)(self.0) };
            if status != 0 {
                tracing::warn!(status, "a CUDA context is not given back");
            }
        }
    }
}
