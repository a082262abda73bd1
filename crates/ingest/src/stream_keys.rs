//! Which keys may publish, which are on air, and what the granted ones promise.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ivs::ladder::Promise;
use units::{MediaTime, Secret};

use crate::config::StreamKey;
use crate::event_log::random_hex;

/// The query argument with the id of the configuration (the guide, "Connect Using Enhanced RTMP").
const CONFIG_ID_ARGUMENT: &str = "clientConfigId";

/// Prefix of every granted key (the guide's example, ibid.).
const GRANTED_PREFIX: &str = "v1_";

/// Granted keys that are kept; the oldest are forgotten first, as if they had expired.
const MAX_GRANTED: usize = 1000;

/// Why a stream name was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No key of the channel.
    Unknown,
    /// A key of the channel whose time is over.
    Expired,
    /// A stream of the same key is on air.
    InUse,
    /// It looks like a granted key and was never granted, or was forgotten.
    NeverGranted,
    /// A granted key whose time, or whose channel key's time, is over.
    GrantExpired,
    /// A granted key without the id of its configuration, or with another one's.
    OtherConfiguration,
}

/// What a publisher that was let in has.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) live: LiveKey,
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
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    /// Whether the channel's key of the same position is on air, itself or by a key granted for it.
    live: Vec<bool>,
    granted: VecDeque<GrantedKey>,
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

/// Holds a key on air until it is dropped.
#[derive(Debug)]
pub(crate) struct LiveKey {
    position: usize,
    shared: Arc<Mutex<Shared>>,
}

impl StreamKeys {
    pub(crate) fn new(keys: Vec<StreamKey>) -> Self {
        let shared = Shared { live: vec![false; keys.len()], granted: VecDeque::new() };
        Self { keys, shared: Arc::new(Mutex::new(shared)) }
    }

    pub(crate) fn first(&self) -> Option<&Secret> {
        self.keys.first().map(|key| &key.key)
    }

    /// The key of the channel that `authentication` is, with or without query arguments, if it is valid `now`.
    pub(crate) fn find(&self, authentication: &Secret, now: MediaTime) -> Option<ChannelKey> {
        let (key, _) = split(authentication.expose());
        let position = self.keys.iter().position(|known| known.key.expose() == key)?;
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
        let mut shared = lock(&self.shared);
        if shared.granted.len() >= MAX_GRANTED {
            shared.granted.pop_front();
        }
        shared.granted.push_back(GrantedKey { key: key.clone(), position: channel_key.0, expires, granted });
        key
    }

    /// Lets a stream name in: a key with its query arguments.
    pub(crate) fn claim(&self, stream_name: &Secret, now: MediaTime) -> Result<Claim, Rejection> {
        let (key, arguments) = split(stream_name.expose());
        let mut shared = lock(&self.shared);
        let (position, granted) =
            if let Some(position) = self.keys.iter().position(|known| known.key.expose() == key) {
                if !self.is_valid(position, now) {
                    return Err(Rejection::Expired);
                }
                (position, None)
            } else if let Some(known) = shared.granted.iter().find(|known| known.key.expose() == key) {
                if now >= known.expires || !self.is_valid(known.position, now) {
                    return Err(Rejection::GrantExpired);
                }
                if config_id(arguments) != Some(known.granted.config_id.as_str()) {
                    return Err(Rejection::OtherConfiguration);
                }
                (known.position, Some(known.granted.clone()))
            } else if key.starts_with(GRANTED_PREFIX) {
                return Err(Rejection::NeverGranted);
            } else {
                return Err(Rejection::Unknown);
            };
        let on_air = shared.live.get_mut(position).ok_or(Rejection::Unknown)?;
        if core::mem::replace(on_air, true) {
            return Err(Rejection::InUse);
        }
        Ok(Claim { live: LiveKey { position, shared: Arc::clone(&self.shared) }, granted })
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
}

/// Key and query arguments of a stream name.
fn split(stream_name: &str) -> (&str, &str) {
    stream_name.split_once('?').unwrap_or((stream_name, ""))
}

fn config_id(arguments: &str) -> Option<&str> {
    let named =
        |argument: &&str| argument.split_once('=').is_some_and(|(name, _)| name == CONFIG_ID_ARGUMENT);
    arguments.split('&').find(named)?.split_once('=').map(|(_, value)| value)
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for LiveKey {
    fn drop(&mut self) {
        if let Some(on_air) = lock(&self.shared).live.get_mut(self.position) {
            *on_air = false;
        }
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

    fn claim(keys: &StreamKeys, name: &str, ms: i64) -> Result<Claim, Rejection> {
        keys.claim(&Secret::new(name), at(ms))
    }

    #[test]
    fn one_publisher_per_key_until_it_expires() {
        let keys = keys();
        assert_eq!(claim(&keys, "three", 0).unwrap_err(), Rejection::Unknown);
        assert_eq!(claim(&keys, "", 0).unwrap_err(), Rejection::Unknown);
        let first = claim(&keys, "one?priority=1", 0).unwrap();
        assert_eq!(claim(&keys, "one", 5000).unwrap_err(), Rejection::InUse);
        let second = claim(&keys, "two", 999).unwrap();
        drop((first, second));
        assert!(claim(&keys, "one", 5000).is_ok());
        assert_eq!(claim(&keys, "two", 1000).unwrap_err(), Rejection::Expired);
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
            assert_eq!(claim(&keys, &name, 0).unwrap_err(), Rejection::OtherConfiguration, "{name}");
        }
        let name = format!("{key}?bandwidthtest=1&clientConfigId=id&priority=4");
        let claimed = claim(&keys, &name, 499).unwrap();
        assert_eq!(claimed.granted, Some(granted("id")));
        drop(claimed);
        assert_eq!(claim(&keys, &name, 500).unwrap_err(), Rejection::GrantExpired);
        assert_eq!(claim(&keys, &format!("{key}0"), 0).unwrap_err(), Rejection::NeverGranted);
        assert_eq!(
            keys.clean(&format!("it was {name}")),
            "it was •••?bandwidthtest=1&clientConfigId=id&priority=4"
        );
    }

    #[test]
    fn a_granted_key_is_on_air_and_ends_with_the_one_it_stands_for() {
        let keys = keys();
        let two = keys.find(&Secret::new("two"), at(999)).unwrap();
        let name = format!("{}?clientConfigId=id", keys.grant(two, granted("id"), at(9000)).expose());
        let live = claim(&keys, "two", 0).unwrap();
        assert_eq!(claim(&keys, &name, 0).unwrap_err(), Rejection::InUse);
        drop(live);
        let live = claim(&keys, &name, 0).unwrap();
        assert_eq!(claim(&keys, "two", 0).unwrap_err(), Rejection::InUse);
        assert!(claim(&keys, "one", 0).is_ok());
        drop(live);
        assert_eq!(claim(&keys, &name, 1000).unwrap_err(), Rejection::GrantExpired);
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
        assert_eq!(claim(&keys, &name(&oldest), 0).unwrap_err(), Rejection::NeverGranted);
        assert!(claim(&keys, &name(&second), 0).is_ok());
    }
}
