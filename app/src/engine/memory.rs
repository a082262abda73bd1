//! What is remembered between runs besides preferences: keys in the desktop's store, further destinations, the folder
//! of the recordings. A key is in the store or nowhere.

use std::path::Path;

use control::{KeyMemory, Problem, ServerChoice, Severity};
use ivs::IngestAddress;
use units::Secret;

use super::Core;
use super::further::Listed;
use crate::preferences::KeptDestination;
use crate::{secrets, settings};

impl Core {
    /// Whether the stream key is kept between runs.
    pub(super) fn key_memory(&self) -> KeyMemory {
        match (&self.settings.store, self.settings.personal.remembers_key) {
            (None, _) => KeyMemory::NoStore,
            (Some(_), false) => KeyMemory::Offered,
            (Some(_), true) => KeyMemory::Remembered,
        }
    }

    /// How long the key lasts, where that is for the person to know.
    pub(super) fn key_note(&self) -> String {
        if self.settings.preferences_file.is_none() || self.stream_key().is_empty() {
            return String::new();
        }
        match self.key_memory() {
            KeyMemory::NoStore | KeyMemory::Offered => "It is set, until Genlock ends.".into(),
            KeyMemory::Remembered => "It is set, and remembered on this PC.".into(),
        }
    }

    /// Remembers the key, or forgets it in the store; this run keeps it.
    pub(super) fn remember_key(&mut self, wanted: bool) {
        if self.settings.store.is_none() {
            return;
        }
        self.settings.personal.remembers_key = wanted;
        self.keep_secrets();
        self.keep_preferences();
    }

    /// The passphrase of SRT, wherever it is.
    fn passphrase(&self) -> Option<Secret> {
        let inside = match &self.servers.target.server {
            ServerChoice::Custom(address) => address
                .expose()
                .parse::<IngestAddress>()
                .ok()
                .and_then(|address| address.passphrase().cloned()),
            _ => None,
        };
        inside.or_else(|| self.servers.target.passphrase.clone())
    }

    /// Brings the store in line with what is to be remembered.
    pub(super) fn keep_secrets(&mut self) {
        let Some(store) = &self.settings.store else { return };
        let kept = if self.settings.personal.remembers_key {
            secrets::keep(store, &self.stream_key(), self.passphrase().as_ref())
        } else {
            secrets::forget(store)
        };
        if let Err(error) = kept {
            self.tell_of_store(&error);
        }
    }

    fn tell_of_store(&mut self, error: &desktop::Error) {
        self.tell(Problem {
            severity: Severity::Warning,
            code: "key.not_remembered",
            happened: format!("The credential store did not do as asked: {error}."),
            done: "What you entered holds until Genlock ends.".into(),
            advice: "Look at Credential Manager in the control panel.".into(),
        });
    }

    /// Remembers a destination that the person added; its address with the key goes into the store.
    pub(super) fn keep_destination(&mut self, id: u32) {
        let Some(store) = self.settings.store.clone() else { return };
        let Some(listed) = self.further.iter_mut().find(|listed| listed.id == id) else { return };
        let kept = &self.settings.personal.further;
        let number = kept.iter().map(|kept| kept.number).max().unwrap_or(0).saturating_add(1);
        if let Err(error) = secrets::keep_destination(&store, number, &listed.further) {
            self.tell_of_store(&error);
            return;
        }
        listed.kept_as = Some(number);
        let Listed { further, .. } = listed;
        self.settings.personal.further.push(KeptDestination {
            number,
            name: further.name.clone(),
            address: further.address.clone().without_secrets().to_string(),
        });
        self.keep_preferences();
    }

    /// Forgets a destination and its key.
    pub(super) fn forget_destination(&mut self, number: u32) {
        self.settings.personal.further.retain(|kept| kept.number != number);
        if let Some(store) = &self.settings.store
            && let Err(error) = secrets::forget_destination(store, number)
        {
            self.tell_of_store(&error);
        }
        self.keep_preferences();
    }

    /// Records into `folder` from the next file on.
    pub(super) fn set_recording_folder(&mut self, folder: &Path) {
        if let Err(failure) = settings::make_writable(folder) {
            self.tell(Problem {
                severity: Severity::Warning,
                done: "Recordings go where they went before.".into(),
                advice: "Choose another folder.".into(),
                ..failure.problem
            });
            return;
        }
        self.settings.record_into = Some(folder.to_owned());
        self.settings.personal.recording_folder = Some(folder.to_owned());
        self.room_bytes = crate::disk::free_bytes(folder);
        self.keep_preferences();
        if let Some(problem) = settings::in_one_drive(folder) {
            self.tell(problem);
        }
    }
}
