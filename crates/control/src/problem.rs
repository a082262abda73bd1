//! Errors as a person meets them.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// We did something else than asked.
    Warning,
    /// Something was lost or could not be done.
    Error,
}

/// What happened, what we did, what the person can do. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code for look-up, such as `net.tls.untrusted`.
    pub code: &'static str,
    /// What happened, in one sentence.
    pub happened: String,
    /// What Genlock did about it, in one sentence.
    pub done: String,
    /// What the person can do, in one sentence; empty when there is nothing to do.
    pub advice: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.happened)?;
        for part in [&self.done, &self.advice] {
            if !part.is_empty() {
                write!(f, " {part}")?;
            }
        }
        Ok(())
    }
}
