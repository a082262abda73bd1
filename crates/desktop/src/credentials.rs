//! The store of the person's secrets: Credential Manager of Windows, where they can be seen by name, and removed, under
//! Windows Credentials, `Genlock/…`. One generic credential per secret, kept on this PC only, for this person only.
//!
//! A credential takes 2560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE, wincred.h): keys of Amazon IVS take 50, addresses with
//! key and passphrase a few hundred.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use units::Secret;

use crate::Error;

#[cfg(windows)]
mod windows_store;

/// The longest secret, in bytes of UTF-8 (wincred.h: 5 × 512).
pub const MAX_SECRET_BYTES: usize = 2560;

/// What is told where there is no store.
const NONE_HERE: &str = "keys are kept until Genlock ends: there is no credential store that it knows here";

/// A store of secrets by name. Clones are the same store.
#[derive(Clone, Debug)]
pub struct CredentialStore(Kind);

#[derive(Clone, Debug)]
enum Kind {
    #[cfg(windows)]
    Windows {
        /// Stands before each name.
        prefix: String,
    },
    Memory(Arc<Mutex<BTreeMap<String, Secret>>>),
}

impl CredentialStore {
    /// The store of the person who runs this program; names in it begin with `prefix` and a slash.
    ///
    /// # Errors
    /// [`Error::NotHere`] where there is none.
    #[cfg(windows)]
    pub fn open(prefix: &str) -> Result<Self, Error> {
        Ok(Self(Kind::Windows { prefix: prefix.to_owned() }))
    }

    /// The store of the person who runs this program; names in it begin with `prefix` and a slash.
    ///
    /// # Errors
    /// [`Error::NotHere`] where there is none.
    #[cfg(not(windows))]
    pub fn open(_prefix: &str) -> Result<Self, Error> {
        Err(Error::NotHere(NONE_HERE))
    }

    /// What is said where [`Self::open`] finds no store.
    pub fn none_here() -> &'static str {
        NONE_HERE
    }

    /// A store that forgets everything when its last clone is gone: for a portable program, which leaves nothing on the
    /// PC, and for tests.
    pub fn in_memory() -> Self {
        Self(Kind::Memory(Arc::default()))
    }

    /// The secret called `name`; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::NoText`] for a credential that somebody else wrote, [`Error::System`] when the system refuses.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        match &self.0 {
            #[cfg(windows)]
            Kind::Windows { prefix } => windows_store::read(&format!("{prefix}/{name}")),
            Kind::Memory(map) => Ok(map.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()),
        }
    }

    /// Keeps `secret` as `name`, in place of the one before.
    ///
    /// # Errors
    /// [`Error::TooLong`], or [`Error::System`] when the system refuses.
    pub fn set(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        let bytes = secret.expose().len();
        if bytes > MAX_SECRET_BYTES {
            return Err(Error::TooLong { bytes, limit: MAX_SECRET_BYTES });
        }
        match &self.0 {
            #[cfg(windows)]
            Kind::Windows { prefix } => windows_store::write(&format!("{prefix}/{name}"), secret),
            Kind::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.clone());
                Ok(())
            }
        }
    }

    /// Forgets the secret called `name`; one that is not there is forgotten already.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        match &self.0 {
            #[cfg(windows)]
            Kind::Windows { prefix } => windows_store::remove(&format!("{prefix}/{name}")),
            Kind::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn round_trip(store: &CredentialStore) {
        let name = "stream key";
        assert_eq!(store.get(name).unwrap(), None);
        let key = Secret::new("sk_us-west-2_Äbc123");
        store.set(name, &key).unwrap();
        assert_eq!(store.get(name).unwrap(), Some(key));
        let other = Secret::new("x".repeat(MAX_SECRET_BYTES));
        store.set(name, &other).unwrap();
        assert_eq!(store.get(name).unwrap(), Some(other));
        let too_long = store.set(name, &Secret::new("x".repeat(MAX_SECRET_BYTES + 1)));
        assert!(matches!(too_long, Err(Error::TooLong { .. })), "{too_long:?}");
        store.remove(name).unwrap();
        store.remove(name).unwrap();
        assert_eq!(store.get(name).unwrap(), None);
    }

    #[test]
    fn what_is_kept_comes_back_and_what_is_removed_does_not() {
        round_trip(&CredentialStore::in_memory());
    }

    #[cfg(windows)]
    #[test]
    fn credential_manager_keeps_replaces_and_forgets() {
        let store = CredentialStore::open(&format!("Genlock test {}", std::process::id())).unwrap();
        round_trip(&store);
    }

    #[cfg(not(windows))]
    #[test]
    fn without_a_store_the_person_is_told() {
        let error = CredentialStore::open("Genlock").unwrap_err().to_string();
        assert!(error.contains("until Genlock ends"), "{error}");
    }
}
