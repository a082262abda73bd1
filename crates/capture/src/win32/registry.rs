//! What stands in the registry: which Windows this is, and what the person lets programs use.

#![expect(unsafe_code, reason = "the registry is read through the system's C interface")]

use windows::Win32::Foundation::ERROR_SUCCESS;
use windows::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW,
};
use windows::core::PCWSTR;

use super::{string, wide};

/// Longest value that is read, in UTF-16 units.
const VALUE_UNITS: usize = 256;
/// Where Windows keeps what the person set under “Privacy & security”.
const CONSENT: &str = r"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore";

/// What the person lets desktop programs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// They may, or Windows does not say.
    Yes,
    /// Switched off for everybody on this computer.
    NotOnThisComputer,
    /// Switched off by this person.
    NotForThisPerson,
}

/// The number of this Windows: 19045 is Windows 10 22H2, 22000 the first Windows 11. It is read where Windows' own
/// “About” reads it, because the functions that tell it lie to programs without a manifest.
pub(crate) fn build_number() -> Option<u32> {
    let key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    text(HKEY_LOCAL_MACHINE, key, "CurrentBuildNumber")?.parse().ok()
}

/// Whether desktop programs may use cameras.
pub(crate) fn may_use_cameras() -> Allowed {
    may_use("webcam")
}

/// Whether desktop programs may use microphones.
pub(crate) fn may_use_microphones() -> Allowed {
    may_use("microphone")
}

fn may_use(what: &str) -> Allowed {
    let is_denied = |root, key: &str| {
        text(root, &format!(r"{CONSENT}\{key}"), "Value").is_some_and(|v| v.eq_ignore_ascii_case("deny"))
    };
    if is_denied(HKEY_LOCAL_MACHINE, what) {
        Allowed::NotOnThisComputer
    } else if is_denied(HKEY_CURRENT_USER, what)
        || is_denied(HKEY_CURRENT_USER, &format!(r"{what}\NonPackaged"))
    {
        Allowed::NotForThisPerson
    } else {
        Allowed::Yes
    }
}

fn text(root: HKEY, key: &str, value: &str) -> Option<String> {
    let (key, value) = (wide(key), wide(value));
    let mut units = [0u16; VALUE_UNITS];
    let mut bytes = u32::try_from(size_of_val(&units)).ok()?;
    // SAFETY: both names end with a zero, and at most `bytes` bytes are written to the array, which outlives the call.
    let read = unsafe {
        RegGetValueW(
            root,
            PCWSTR(key.as_ptr()),
            PCWSTR(value.as_ptr()),
            RRF_RT_REG_SZ,
            None,
            Some(units.as_mut_ptr().cast()),
            Some(&raw mut bytes),
        )
    };
    (read == ERROR_SUCCESS).then(|| string(&units, usize::try_from(bytes).unwrap_or(0) / 2))
}
