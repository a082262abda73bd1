//! The information object of `onStatus` and its kin (RTMP 1.0, 7.2.2).

use alloc::string::String;
use core::fmt;

use crate::amf0::{Properties, Value, properties};

/// Gravity of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// For information.
    Status,
    /// Something is wrong but goes on.
    Warning,
    /// It failed.
    Error,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(crate) struct Info {
    pub(crate) level: Level,
    pub(crate) code: String,
    pub(crate) description: String,
}

impl Info {
    /// Reads an information object; members that are missing become empty, a level that is missing becomes `level`.
    pub(crate) fn read(object: Option<&Value>, level: Level) -> Self {
        let text = |name| {
            let text = object.and_then(|object| object.get(name)).and_then(Value::as_str);
            String::from(text.unwrap_or_default())
        };
        let level = match text("level").as_str() {
            "error" => Level::Error,
            "warning" => Level::Warning,
            "status" => Level::Status,
            _ => level,
        };
        Self { level, code: text("code"), description: text("description") }
    }
}

/// Members of an information object.
pub(crate) fn info(level: Level, code: &str, description: &str) -> Properties {
    properties([
        ("level", Value::from(level.name())),
        ("code", Value::from(code)),
        ("description", Value::from(description)),
    ])
}
