//! Which keys may publish, and which are on air.

use std::sync::{Arc, Mutex, PoisonError};

use units::{MediaTime, Secret};

use crate::config::StreamKey;

/// Why a stream name was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    Unknown,
    Expired,
    InUse,
}

/// The keys of the channel.
#[derive(Debug)]
pub(crate) struct StreamKeys {
    keys: Vec<StreamKey>,
    /// Whether the key of the same position is on air.
    live: Arc<Mutex<Vec<bool>>>,
}

/// Holds a key on air until it is dropped.
#[derive(Debug)]
pub(crate) struct LiveKey {
    position: usize,
    live: Arc<Mutex<Vec<bool>>>,
}

impl StreamKeys {
    pub(crate) fn new(keys: Vec<StreamKey>) -> Self {
        let live = Arc::new(Mutex::new(vec![false; keys.len()]));
        Self { keys, live }
    }

    pub(crate) fn first(&self) -> Option<&Secret> {
        self.keys.first().map(|key| &key.key)
    }

    /// Lets a stream name in: a key, with or without query arguments.
    pub(crate) fn claim(&self, stream_name: &Secret, now: MediaTime) -> Result<LiveKey, Rejection> {
        let name = stream_name.expose();
        let key = name.split_once('?').map_or(name, |(key, _)| key);
        let position =
            self.keys.iter().position(|known| known.key.expose() == key).ok_or(Rejection::Unknown)?;
        let expires = self.keys.get(position).and_then(|known| known.expires);
        if expires.is_some_and(|expires| now >= expires) {
            return Err(Rejection::Expired);
        }
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let on_air = live.get_mut(position).ok_or(Rejection::Unknown)?;
        if core::mem::replace(on_air, true) {
            return Err(Rejection::InUse);
        }
        Ok(LiveKey { position, live: Arc::clone(&self.live) })
    }

    /// `text` without any key of the channel and any text of their form.
    pub(crate) fn clean(&self, text: &str) -> String {
        let cleaned =
            self.keys.iter().fold(String::from(text), |text, key| text.replace(key.key.expose(), "•••"));
        ivs::redact(&cleaned)
    }
}

impl Drop for LiveKey {
    fn drop(&mut self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(on_air) = live.get_mut(self.position) {
            *on_air = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_publisher_per_key_until_it_expires() {
        let expires = MediaTime::from_millis(1000);
        let keys = StreamKeys::new(vec![
            StreamKey::lasting(Secret::new("one")),
            StreamKey { key: Secret::new("two"), expires: Some(expires) },
        ]);
        let claim = |name: &str, ms| keys.claim(&Secret::new(name), MediaTime::from_millis(ms));
        assert_eq!(claim("three", 0).unwrap_err(), Rejection::Unknown);
        assert_eq!(claim("", 0).unwrap_err(), Rejection::Unknown);
        let first = claim("one?priority=1", 0).unwrap();
        assert_eq!(claim("one", 5000).unwrap_err(), Rejection::InUse);
        let second = claim("two", 999).unwrap();
        drop((first, second));
        assert!(claim("one", 5000).is_ok());
        assert_eq!(claim("two", 1000).unwrap_err(), Rejection::Expired);
        assert_eq!(keys.clean("one and sk_us-west-2_abcdefgh"), "••• and •••");
    }
}
