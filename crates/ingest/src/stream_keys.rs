//! Which keys may publish, and what the granted ones promise.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ivs::ladder::Promise;
use units::{MediaTime, Secret};

use crate::config::StreamKey;
use crate::event_log::random_hex;
use crate::rejection::Rejection;
use crate::stream_name::StreamName;

/// Prefix of every granted key (the guide's example, ibid.).
const GRANTED_PREFIX: &str = "v1_";

/// Granted keys that are kept; the oldest are forgotten first, as if they had expired.
const MAX_GRANTED: usize = 1000;

/// A stream name whose key is valid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The place on air that the key has.
    pub(crate) place: usize,
    /// What comes with a granted key.
    pub(crate) granted: Option<Granted>,
}

/// The answer that a granted key was given out with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) config_id: String,
    pub(crate) promise: Promise,
}

/// A key of the channel, by its position. What asks for a configuration must show one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelKey(usize);

/// The keys of the channel, and those that were granted for them.
#[derive(Debug)]
pub(crate) struct StreamKeys {
    keys: Vec<StreamKey>,
    granted: Mutex<VecDeque<GrantedKey>>,
}

#[derive(Debug)]
struct GrantedKey {
    /// Says nothing about the channel's key that it stands for.
    key: Secret,
    /// Position of that key.
    position: usize,
    expires: MediaTime,
    granted: Granted,
}

impl StreamKeys {
    pub(crate) fn new(keys: Vec<StreamKey>) -> Self {
        Self { keys, granted: Mutex::default() }
    }

    /// How many places on air there are: one for each key of the channel.
    pub(crate) const fn places(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn first(&self) -> Option<&Secret> {
        self.keys.first().map(|key| &key.key)
    }

    /// The key of the channel that `authentication` is, with or without query arguments, if it is valid `now`.
    pub(crate) fn find(&self, authentication: &Secret, now: MediaTime) -> Option<ChannelKey> {
        let name = StreamName::of_rtmp(authentication);
        let position = self.keys.iter().position(|known| known.key == name.key)?;
        self.is_valid(position, now).then_some(ChannelKey(position))
    }

    /// The first key of the channel. There is always one: the ingest does not start without.
    pub(crate) const fn any(&self) -> ChannelKey {
        ChannelKey(0)
    }

    /// A new key that stands for `channel_key` until `expires` and promises what `granted` says.
    pub(crate) fn grant(&self, channel_key: ChannelKey, granted: Granted, expires: MediaTime) -> Secret {
        // As long as those of the service, which hold a signature, a time and the ladder (314 characters). Here they are
        // nothing but random: what they stand for never leaves this table.
        let parts = [random_hex(32), random_hex(4), random_hex(118)];
        let key = Secret::new(format!("{GRANTED_PREFIX}{}", parts.join("_")));
        let mut all = self.lock();
        if all.len() >= MAX_GRANTED {
            all.pop_front();
        }
        all.push_back(GrantedKey { key: key.clone(), position: channel_key.0, expires, granted });
        key
    }

    /// Looks a stream name up.
    ///
    /// # Errors
    /// No key of ours, or none any more.
    pub(crate) fn know(&self, name: &StreamName, now: MediaTime) -> Result<Known, Rejection> {
        let key = &name.key;
        if let Some(place) = self.keys.iter().position(|known| known.key == *key) {
            return match self.is_valid(place, now) {
                true => Ok(Known { place, granted: None }),
                false => Err(Rejection::Expired),
            };
        }
        let granted = self.lock();
        let Some(known) = granted.iter().find(|known| known.key == *key) else {
            let is_damaged = key.expose().starts_with(GRANTED_PREFIX);
            return Err(if is_damaged { Rejection::NeverGranted } else { Rejection::Unknown });
        };
        if now >= known.expires || !self.is_valid(known.position, now) {
            return Err(Rejection::GrantExpired);
        }
        if name.config_id.as_ref() != Some(&known.granted.config_id) {
            return Err(Rejection::OtherConfiguration);
        }
        Ok(Known { place: known.position, granted: Some(known.granted.clone()) })
    }

    /// `text` without any key of the channel, any granted key, and any text of their form.
    pub(crate) fn clean(&self, text: &str) -> String {
        let cleaned =
            self.keys.iter().fold(String::from(text), |text, key| text.replace(key.key.expose(), "•••"));
        ivs::redact(&cleaned)
    }

    fn is_valid(&self, position: usize, now: MediaTime) -> bool {
        let expires = self.keys.get(position).and_then(|known| known.expires);
        expires.is_none_or(|expires| now < expires)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<GrantedKey>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    fn keys() -> StreamKeys {
        StreamKeys::new(vec![
            StreamKey::lasting(Secret::new("one")),
            StreamKey { key: Secret::new("two"), expires: Some(at(1000)) },
        ])
    }

    fn granted(config_id: &str) -> Granted {
        Granted { config_id: String::from(config_id), promise: Promise::default() }
    }

    fn know(keys: &StreamKeys, name: &str, ms: i64) -> Result<Known, Rejection> {
        keys.know(&StreamName::of_rtmp(&Secret::new(name)), at(ms))
    }

    #[test]
    fn a_key_of_the_channel_is_known_until_it_expires() {
        let keys = keys();
        assert_eq!(know(&keys, "three", 0), Err(Rejection::Unknown));
        assert_eq!(know(&keys, "", 0), Err(Rejection::Unknown));
        assert_eq!(know(&keys, "one?priority=1", 0), Ok(Known { place: 0, granted: None }));
        assert_eq!(know(&keys, "two", 999), Ok(Known { place: 1, granted: None }));
        assert_eq!(know(&keys, "two", 1000), Err(Rejection::Expired));
        assert_eq!(keys.clean("one and sk_us-west-2_abcdefgh"), "••• and •••");
    }

    #[test]
    fn a_granted_key_needs_its_configuration_and_its_time() {
        let keys = keys();
        let one = keys.find(&Secret::new("one?bandwidthtest=1"), at(0)).unwrap();
        let key = keys.grant(one, granted("id"), at(500));
        let key = key.expose();
        assert!(ivs::is_key_shaped(key) && key.len() > 300 && !key.contains("one"), "{key}");
        for name in [key.to_owned(), format!("{key}?clientConfigId=di"), format!("{key}?clientConfigId")] {
            assert_eq!(know(&keys, &name, 0), Err(Rejection::OtherConfiguration), "{name}");
        }
        let name = format!("{key}?bandwidthtest=1&clientConfigId=id&priority=4");
        assert_eq!(know(&keys, &name, 499), Ok(Known { place: 0, granted: Some(granted("id")) }));
        assert_eq!(know(&keys, &name, 500), Err(Rejection::GrantExpired));
        assert_eq!(know(&keys, &format!("{key}0"), 0), Err(Rejection::NeverGranted));
        assert_eq!(
            keys.clean(&format!("it was {name}")),
            "it was •••?bandwidthtest=1&clientConfigId=id&priority=4"
        );
    }

    #[test]
    fn a_granted_key_has_the_place_and_the_time_of_the_one_it_stands_for() {
        let keys = keys();
        let two = keys.find(&Secret::new("two"), at(999)).unwrap();
        let name = format!("{}?clientConfigId=id", keys.grant(two, granted("id"), at(9000)).expose());
        assert_eq!(know(&keys, &name, 999).unwrap().place, 1);
        assert_eq!(know(&keys, &name, 1000), Err(Rejection::GrantExpired));
        assert_eq!(keys.find(&Secret::new("two"), at(1000)), None);
        assert_eq!(keys.find(&Secret::new("three"), at(0)), None);
    }

    #[test]
    fn the_oldest_grants_are_forgotten() {
        let keys = keys();
        let name = |key: &Secret| format!("{}?clientConfigId=id", key.expose());
        let oldest = keys.grant(keys.any(), granted("id"), at(9000));
        let second = keys.grant(keys.any(), granted("id"), at(9000));
        for _ in 1..MAX_GRANTED {
            keys.grant(keys.any(), granted("id"), at(9000));
        }
        assert_eq!(know(&keys, &name(&oldest), 0), Err(Rejection::NeverGranted));
        assert!(know(&keys, &name(&second), 0).is_ok());
    }
}
