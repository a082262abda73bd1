//! What the desktop's store keeps: the stream key, the passphrase of SRT, and the address of each further destination
//! with its key.

use desktop::{CredentialStore, Error};
use units::Secret;

use crate::preferences::KeptDestination;
use crate::settings::Further;

/// Stands before the names in the store.
const PREFIX: &str = "Genlock";
const KEY: &str = "stream key";
const PASSPHRASE: &str = "SRT passphrase";

fn destination(number: u32) -> String {
    format!("destination {number}")
}

/// The store of the person who runs the program; `None` where there is none, or where the program is portable and
/// leaves nothing on the PC.
pub(crate) fn store() -> Option<CredentialStore> {
    let is_portable = desktop::Folders::find().is_some_and(|folders| folders.is_portable);
    if is_portable {
        return None;
    }
    CredentialStore::open(PREFIX).inspect_err(|error| tracing::info!(%error, "no credential store")).ok()
}

/// Reads a secret; one that can not be read is as good as none, and is logged.
fn read(store: &CredentialStore, name: &str) -> Option<Secret> {
    let read =
        store.get(name).inspect_err(|error| tracing::warn!(%error, name, "a secret could not be read"));
    read.ok().flatten().filter(|secret| !secret.is_empty())
}

/// The stream key that is remembered.
pub(crate) fn stream_key(store: &CredentialStore) -> Option<Secret> {
    read(store, KEY)
}

/// The passphrase that is remembered.
pub(crate) fn passphrase(store: &CredentialStore) -> Option<Secret> {
    read(store, PASSPHRASE)
}

/// Remembers key and passphrase; an empty key, or no passphrase, forgets what was there.
///
/// # Errors
/// What the store says.
pub(crate) fn keep(store: &CredentialStore, key: &Secret, passphrase: Option<&Secret>) -> Result<(), Error> {
    for (name, secret) in [(KEY, Some(key)), (PASSPHRASE, passphrase)] {
        match secret.filter(|secret| !secret.is_empty()) {
            Some(secret) => store.set(name, secret)?,
            None => store.remove(name)?,
        }
    }
    Ok(())
}

/// Forgets key and passphrase.
///
/// # Errors
/// What the store says.
pub(crate) fn forget(store: &CredentialStore) -> Result<(), Error> {
    store.remove(KEY)?;
    store.remove(PASSPHRASE)
}

/// Remembers the address of a further destination, with its key.
///
/// # Errors
/// What the store says.
pub(crate) fn keep_destination(store: &CredentialStore, number: u32, further: &Further) -> Result<(), Error> {
    store.set(&destination(number), &further.address.to_url(&Secret::new("")))
}

/// Forgets it.
///
/// # Errors
/// What the store says.
pub(crate) fn forget_destination(store: &CredentialStore, number: u32) -> Result<(), Error> {
    store.remove(&destination(number))
}

/// The destination that was kept, with its key from the store.
///
/// # Errors
/// Why it can not be used, as the rest of a sentence.
pub(crate) fn read_destination(store: &CredentialStore, kept: &KeptDestination) -> Result<Further, String> {
    let address = store.get(&destination(kept.number)).map_err(|error| error.to_string())?;
    let address = address.ok_or("its key is not in the credential store any more")?;
    Further::read(&kept.name, address.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_passphrase_and_destinations_come_back_and_go() {
        let store = CredentialStore::in_memory();
        assert_eq!(stream_key(&store), None);
        keep(&store, &Secret::new("sk_us-west-2_Kept"), Some(&Secret::new("ten letters"))).unwrap();
        assert_eq!(stream_key(&store), Some(Secret::new("sk_us-west-2_Kept")));
        assert_eq!(passphrase(&store), Some(Secret::new("ten letters")));
        keep(&store, &Secret::new("other"), None).unwrap();
        assert_eq!((stream_key(&store), passphrase(&store)), (Some(Secret::new("other")), None));
        forget(&store).unwrap();
        assert_eq!(stream_key(&store), None);

        let address = "srt://media.example:9000?streamid=Hidden1&passphrase=Hidden12345";
        let further = Further::read("Second", address).unwrap();
        keep_destination(&store, 3, &further).unwrap();
        let kept = KeptDestination {
            number: 3,
            name: "Second".into(),
            address: further.address.clone().without_secrets().to_string(),
        };
        assert!(!kept.address.contains("Hidden"), "{}", kept.address);
        let back = read_destination(&store, &kept).unwrap();
        assert_eq!((back.name, back.address.key()), (further.name, further.address.key()));
        assert_eq!(back.address.passphrase(), further.address.passphrase());
        forget_destination(&store, 3).unwrap();
        assert!(read_destination(&store, &kept).is_err());
    }
}
