//! A FAKE of NVIDIA's encoder library, for tests where no GPU of NVIDIA's is. It says so wherever it speaks: by the symbol
//! `genlock_fake_nvenc`, by `genlock fake NVENC` in every error text.
//!
//! It implements the part of `NvEncodeAPI` 12.1 that Genlock uses (`table`), is strict about order and content of every
//! call (`rules`, `books`), refuses what a chip would refuse, keeps pictures back for lookahead and B-frames
//! (`order`), and gives access units that any decoder takes, whose pictures are those that went in (`avc`,
//! `hevc`): samples without any compression, so bitrates are not kept.
//!
//! It does as it is told (`wishes`): how many sessions there are, what the chip can do, which call fails or hangs.

mod avc;
mod bits;
mod books;
#[cfg(windows)]
mod direct3d;
mod hevc;
mod order;
mod picture;
mod rules;
mod table;
pub mod wishes;

use core::ffi::{c_char, c_void};

use nvenc_api::{API_VERSION_SUPPORTED, FunctionList, Status};

/// What it calls itself.
const NAME: &core::ffi::CStr = c"genlock fake NVENC";

/// Says that this is a fake: its name as a C string.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "a symbol to be found")]
pub extern "C" fn genlock_fake_nvenc() -> *const c_char {
    NAME.as_ptr()
}

/// A device to open sessions on, where there is none.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "a symbol to be found")]
pub extern "C" fn genlock_fake_nvenc_device() -> *mut c_void {
    books::fake_device()
}

/// The interface it speaks; `version` of the wishes says otherwise.
///
/// # Safety
/// `version` is null or points to a number.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an entry point of the driver's library")]
pub unsafe extern "system" fn NvEncodeAPIGetMaxSupportedVersion(version: *mut u32) -> Status {
    if version.is_null() {
        return Status::INVALID_PTR;
    }
    let spoken = wishes::get("version").unwrap_or(i64::from(API_VERSION_SUPPORTED));
    // SAFETY: it is not null, and the caller says that it points to a number.
    unsafe { *version = u32::try_from(spoken).unwrap_or(0) };
    Status::SUCCESS
}

/// Fills the table.
///
/// # Safety
/// `list` is null or points to a table.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an entry point of the driver's library")]
pub unsafe extern "system" fn NvEncodeAPICreateInstance(list: *mut FunctionList) -> Status {
    if list.is_null() {
        return Status::INVALID_PTR;
    }
    // SAFETY: it is not null, and the caller says that it points to a table.
    let list = unsafe { &mut *list };
    if list.version != FunctionList::VERSION {
        books::fault("NvEncodeAPICreateInstance: the table has the wrong version word");
        return Status::INVALID_VERSION;
    }
    if list.reserved != 0 || !list.reserved1.is_null() || list.reserved2.iter().any(|word| !word.is_null()) {
        books::fault("NvEncodeAPICreateInstance: what is reserved is not zero");
        return Status::INVALID_PARAM;
    }
    table::fill(list);
    Status::SUCCESS
}
