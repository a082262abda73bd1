//! Why the desktop did not do as asked.

/// Why the desktop did not do as asked. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This desktop has no such thing.
    #[error("{0}")]
    NotHere(&'static str),
    /// Another program holds the chord (RegisterHotKey, ERROR_HOTKEY_ALREADY_REGISTERED).
    #[error("another program holds {0}")]
    ChordTaken(String),
    /// A secret is longer than the store takes; a bound of the caller's making.
    #[error("it is {bytes} bytes long, and the store takes {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What the store takes.
        limit: usize,
    },
    /// What the store holds is none of ours.
    #[error("what the store holds is no text")]
    NoText,
    /// The system refused.
    #[error("{action}: {reason}")]
    System {
        /// What was tried, such as “could not read the credential”.
        action: &'static str,
        /// The system's answer.
        reason: String,
    },
}

impl Error {
    /// The system's refusal of `action`.
    pub(crate) fn system(action: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::System { action, reason: reason.to_string() }
    }
}
