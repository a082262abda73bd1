//! Stream keys, passphrases and tokens.

use alloc::string::String;
use core::fmt;

/// A text that must reach no log, error, report, title or process list. `Debug` and `Display` print `•••`; the only
/// way to the text is [`Secret::expose`], which is for the wire and the credential store.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Call it where bytes are written to the peer, nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn never_prints_itself() {
        let key = Secret::new("sk_us-west-2_abcd");
        assert_eq!(format!("{key} {key:?} {:?}", Some(&key)), "••• ••• Some(•••)");
        assert_eq!(key.expose(), "sk_us-west-2_abcd");
    }
}
