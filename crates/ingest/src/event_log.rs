//! Events of the service's form, to a file as JSON lines and to whoever listens.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ivs::event::{Channel, Event, Happening, UnixSeconds};
use rustls::crypto::SecureRandom;
use tokio::sync::broadcast;
use units::MediaTime;

use crate::Error;

/// Name of the file in the output folder.
const FILE_NAME: &str = "events.jsonl";

/// Events that a listener may lag behind before it loses the oldest.
const CHANNEL_EVENTS: usize = 256;

/// Letters of a stream id's second half, as in the guide's examples (`st-1A2b3c4D5e6F78ghij9Klmn`).
const STREAM_ID_LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const STREAM_ID_LENGTH: usize = 23;

/// Writes and spreads events.
pub(crate) struct EventLog {
    channel: Channel,
    /// Wall clock time of media time zero, in milliseconds since 1970.
    unix_ms_at_zero: i64,
    file: Mutex<Option<File>>,
    listeners: broadcast::Sender<Event>,
}

impl EventLog {
    /// A log that begins at `now`. Events carry the wall clock time of the media clock's instants.
    pub(crate) fn new(channel: Channel, out_dir: Option<&Path>, now: MediaTime) -> Result<Self, Error> {
        let file = out_dir
            .map(|folder| {
                let path = folder.join(FILE_NAME);
                let open = File::options().create(true).append(true).open(&path);
                open.map_err(|source| Error::Folder { path, source })
            })
            .transpose()?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            channel,
            unix_ms_at_zero: unix_ms.saturating_sub(now.as_millis()),
            file: Mutex::new(file),
            listeners: broadcast::Sender::new(CHANNEL_EVENTS),
        })
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.listeners.subscribe()
    }

    /// Tells of `happening` in the stream `stream_id`.
    pub(crate) fn tell(&self, stream_id: &str, happening: Happening, now: MediaTime) {
        let unix_ms = self.unix_ms_at_zero.saturating_add(now.as_millis());
        let time = UnixSeconds(u64::try_from(unix_ms / 1000).unwrap_or_default());
        let event = Event::new(&self.channel, stream_id, happening, uuid(), time);
        tracing::info!(event = event.name(), stream_id, "rehearsal ingest");
        if let Ok(mut line) = serde_json::to_vec(&event) {
            line.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = file.as_mut()
                && let Err(error) = open.write_all(&line)
            {
                tracing::warn!(%error, "events can no longer be written to {FILE_NAME}");
                *file = None;
            }
        }
        // Nobody listening is no error.
        let _ = self.listeners.send(event);
    }
}

/// Fills `bytes` from the system's source of randomness. `false` when it gives none.
pub(crate) fn random(bytes: &mut [u8]) -> bool {
    let provider = rustls::crypto::ring::default_provider();
    let source: &dyn SecureRandom = provider.secure_random;
    source.fill(bytes).is_ok()
}

/// A random UUID (RFC 9562, 5.4).
pub(crate) fn uuid() -> String {
    let mut bytes = [0u8; 16];
    random(&mut bytes);
    let value = u128::from_be_bytes(bytes) & !(0xf000 << 64) & !(0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{value:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    parts.join("-")
}

/// A random stream id of the service's form.
pub(crate) fn stream_id() -> String {
    format!("st-{}", random_letters(STREAM_ID_LENGTH))
}

/// So many random bytes in hexadecimal.
pub(crate) fn random_hex(count: usize) -> String {
    let mut bytes = vec![0u8; count];
    random(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Random letters and digits.
pub(crate) fn random_letters(count: usize) -> String {
    let mut bytes = vec![0u8; count];
    random(&mut bytes);
    bytes
        .iter()
        .map(|byte| {
            let letter = STREAM_ID_LETTERS.get(usize::from(*byte) % STREAM_ID_LETTERS.len());
            char::from(letter.copied().unwrap_or(b'0'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_the_guide() {
        let id = uuid();
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(id, uuid());
        assert_eq!(stream_id().len(), 26);
    }
}
