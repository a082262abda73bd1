//! What the fake is to do, told by whoever tests with it: through the environment variable `GENLOCK_FAKE_NVENC` as
//! `name=number,name=number`, or through [`genlock_fake_nvenc_set`]. And what it did, through
//! [`genlock_fake_nvenc_get`] and [`genlock_fake_nvenc_fault`].
//!
//! | name | meaning | otherwise |
//! |---|---|---|
//! | `sessions` | sessions at once | 64 |
//! | `limit_status` | what the one too many gets | 10, out of memory |
//! | `version` | interface, as `NvEncodeAPIGetMaxSupportedVersion` counts | 12.1 |
//! | `fail_call`, `fail_status` | that many calls from now, one fails like that, once | never, 20 |
//! | `lose_device` | that many pictures from now, the device is gone for that session | never |
//! | `hang` | that many access units from now, reading never returns | never |
//! | `caps.N` | value of capability N, see `rules` | a chip that can all |
//! | `hevc` | whether there is H.265 | 1 |
#![expect(unsafe_code, reason = "functions for a test to call")]

use core::ffi::{CStr, c_char};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::books;

type Wishes = HashMap<String, i64>;

fn wishes() -> MutexGuard<'static, Wishes> {
    static WISHES: OnceLock<Mutex<Wishes>> = OnceLock::new();
    let from_environment = || {
        let told = std::env::var("GENLOCK_FAKE_NVENC").unwrap_or_default();
        let pairs = told.split(',').filter_map(|pair| pair.split_once('='));
        Mutex::new(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    };
    WISHES.get_or_init(from_environment).lock().unwrap_or_else(PoisonError::into_inner)
}

/// A wish.
pub(crate) fn get(name: &str) -> Option<i64> {
    wishes().get(name).copied()
}

/// Counts a wish down; true once, when it has come to its end.
pub(crate) fn comes_true(name: &str) -> bool {
    let mut wishes = wishes();
    match wishes.get_mut(name) {
        Some(1) => {
            wishes.remove(name);
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

/// Says what to do. A negative number takes a wish back.
///
/// # Safety
/// `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn genlock_fake_nvenc_set(name: *const c_char, value: i64) {
    // SAFETY: the caller says so.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
    if value < 0 {
        wishes().remove(&name);
    } else {
        wishes().insert(name, value);
    }
}

/// What it did: `open_sessions`, `opened`, `held` (buffers, resources and mappings that nobody gave back), `faults`,
/// `calls`, `pictures`, `idrs`, `b_pictures`, `reconfigured`, and by its name in the header any field that the newest
/// session was readied or changed with. −1 for what it does not know.
///
/// # Safety
/// `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn genlock_fake_nvenc_get(name: *const c_char) -> i64 {
    // SAFETY: the caller says so.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    books::figure(&name)
}

/// Writes what was done wrong, one line each, as a C string of at most `room` bytes. Returns how many lines there are.
///
/// # Safety
/// `text` has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn genlock_fake_nvenc_fault(text: *mut c_char, room: usize) -> usize {
    let faults = books::faults();
    let all = faults.join("\n");
    let bytes: Vec<u8> = all.bytes().take(room.saturating_sub(1)).chain(core::iter::once(0)).collect();
    if room > 0 && !text.is_null() {
        // SAFETY: no more than `room` bytes are written, for which the caller has made room.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), text.cast::<u8>(), bytes.len()) };
    }
    faults.len()
}
