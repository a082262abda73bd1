//! Credential Manager through wincred.h.
#![expect(unsafe_code, reason = "Credential Manager has a C interface only")]

use units::Secret;
use windows::Win32::Foundation::ERROR_NOT_FOUND;
use windows::Win32::Security::Credentials::{
    CRED_FLAGS, CRED_PERSIST_LOCAL_MACHINE, CRED_TYPE_GENERIC, CREDENTIALW, CredDeleteW, CredFree, CredReadW,
    CredWriteW,
};
use windows::core::{HSTRING, PCWSTR, PWSTR};

use crate::Error;

fn is_missing(error: &windows::core::Error) -> bool {
    error.code() == ERROR_NOT_FOUND.to_hresult()
}

pub(super) fn read(target: &str) -> Result<Option<Secret>, Error> {
    let target = HSTRING::from(target);
    let mut found: *mut CREDENTIALW = std::ptr::null_mut();
    // SAFETY: `target` ends with a zero and lives through the call; `found` is a place for one pointer.
    let read = unsafe { CredReadW(PCWSTR(target.as_ptr()), CRED_TYPE_GENERIC, None, &raw mut found) };
    match read {
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(Error::system("the credential could not be read", error)),
        Ok(()) => {}
    }
    // SAFETY: CredReadW succeeded, so `found` points at one CREDENTIALW until CredFree; its blob has
    // CredentialBlobSize bytes, and is copied before that. An empty blob may have no address.
    let text = unsafe {
        let credential = &*found;
        let blob = if credential.CredentialBlob.is_null() {
            Vec::new()
        } else {
            std::slice::from_raw_parts(credential.CredentialBlob, credential.CredentialBlobSize as usize)
                .to_vec()
        };
        CredFree(found.cast());
        String::from_utf8(blob)
    };
    text.map(|text| Some(Secret::new(text))).map_err(|_| Error::NoText)
}

pub(super) fn write(target: &str, secret: &Secret) -> Result<(), Error> {
    let (target, user) = (HSTRING::from(target), HSTRING::from("Genlock"));
    let mut blob = secret.expose().as_bytes().to_vec();
    let credential = CREDENTIALW {
        Flags: CRED_FLAGS(0),
        Type: CRED_TYPE_GENERIC,
        TargetName: PWSTR(target.as_ptr().cast_mut()),
        UserName: PWSTR(user.as_ptr().cast_mut()),
        CredentialBlobSize: u32::try_from(blob.len()).unwrap_or(u32::MAX),
        CredentialBlob: blob.as_mut_ptr(),
        Persist: CRED_PERSIST_LOCAL_MACHINE,
        ..CREDENTIALW::default()
    };
    // SAFETY: all pointers in `credential` are to values that outlive the call, which only reads them; both texts end
    // with a zero, and the size is the blob's.
    let written = unsafe { CredWriteW(&raw const credential, 0) };
    blob.fill(0);
    written.map_err(|error| Error::system("the credential could not be kept", error))
}

pub(super) fn remove(target: &str) -> Result<(), Error> {
    let target = HSTRING::from(target);
    // SAFETY: `target` ends with a zero and lives through the call.
    match unsafe { CredDeleteW(PCWSTR(target.as_ptr()), CRED_TYPE_GENERIC, None) } {
        Err(error) if !is_missing(&error) => Err(Error::system("the credential could not be removed", error)),
        _ => Ok(()),
    }
}
