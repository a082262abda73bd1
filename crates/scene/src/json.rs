//! Collections as versioned JSON.
//!
//! The file is one object: `genlock_scenes` with the version of the format, and the fields of [`Collection`]. What a
//! newer program adds is reported and left out, never guessed at; what is out of range is an error with its path.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{Collection, Item, Scene, Source, SourceId, Violation};

/// The version this program writes, and the only one there has been.
pub const FORMAT_VERSION: u32 = 1;

const VERSION_FIELD: &str = "genlock_scenes";

/// Why a text is not a collection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not JSON at all.
    #[error("not readable at line {line}, column {column}: {problem}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1; 0 at the end of the text.
        column: usize,
        /// What the parser expected.
        problem: String,
    },
    /// JSON, but something else than a scene collection.
    #[error("not a Genlock scene collection: the field “genlock_scenes” is missing")]
    NotACollection,
    /// Written by a newer program.
    #[error("written by a newer Genlock (format {found}; this program reads up to {FORMAT_VERSION})")]
    TooNew {
        /// The version in the file.
        found: u64,
    },
    /// A field is missing, of the wrong type, or out of range.
    #[error(transparent)]
    Invalid(#[from] Violation),
}

/// Something in a file that is not an error, but that a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A field this program does not know; it is lost when the collection is saved.
    UnknownField {
        /// Where.
        path: String,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownField { path } => write!(f, "{path}: unknown field, left out"),
        }
    }
}

/// A collection that was read, and what was odd about the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The collection; [`Collection::verify`] accepts it.
    pub collection: Collection,
    /// Oddities, in the order of the file.
    pub notices: Vec<Notice>,
}

#[derive(Serialize)]
struct File<'a> {
    genlock_scenes: u32,
    #[serde(flatten)]
    collection: &'a Collection,
}

/// The collection as a file: indented, fields always in the same order, with a line break at the end.
///
/// # Errors
/// [`Violation`] when [`Collection::verify`] does not accept the collection: what could not be read again is not
/// written.
pub fn to_json(collection: &Collection) -> Result<String, Violation> {
    collection.verify()?;
    let file = File { genlock_scenes: FORMAT_VERSION, collection };
    let mut text = serde_json::to_string_pretty(&file)
        .map_err(|error| crate::verify::violation("collection", error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// Reads a file made by [`to_json`], or by hand.
///
/// # Errors
/// [`ReadError`], with line and column for what is not JSON, and with the path to the field for what is.
pub fn from_json(text: &str) -> Result<Loaded, ReadError> {
    // Editors on Windows may put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|error| ReadError::Syntax {
        line: error.line(),
        column: error.column(),
        problem: without_position(&error.to_string()),
    })?;
    let Value::Object(mut top) = value else {
        return Err(ReadError::NotACollection);
    };
    match top.remove(VERSION_FIELD).as_ref().map(Value::as_u64) {
        Some(Some(version)) if version == u64::from(FORMAT_VERSION) => {}
        Some(Some(found)) if found > u64::from(FORMAT_VERSION) => return Err(ReadError::TooNew { found }),
        _ => return Err(ReadError::NotACollection),
    }
    let collection = collection(&top)?;
    collection.verify()?;
    let mut notices = Vec::new();
    let known = serde_json::to_value(&collection).unwrap_or(Value::Null);
    note_unknown(&Value::Object(top), &known, "", &mut notices);
    Ok(Loaded { collection, notices })
}

/// `serde_json` ends its messages with the position, which we give in fields.
fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// Reads piece by piece, because serde's own errors do not say in which scene or item they are.
fn collection(top: &Map<String, Value>) -> Result<Collection, Violation> {
    let sources = list(top, "sources", "sources", piece::<Source>)?;
    let scenes = list(top, "scenes", "scenes", scene)?;
    let always_heard = match top.get("always_heard") {
        None => Vec::new(),
        Some(_) => list(top, "always_heard", "always_heard", piece::<SourceId>)?,
    };
    Ok(Collection { name: field(top, "name", "name")?, sources, scenes, always_heard })
}

fn scene(path: &str, value: &Value) -> Result<Scene, Violation> {
    let Value::Object(fields) = value else {
        return Err(unreadable(path, "expected an object"));
    };
    Ok(Scene {
        id: field(fields, "id", &format!("{path}.id"))?,
        name: field(fields, "name", &format!("{path}.name"))?,
        items: list(fields, "items", &format!("{path}.items"), item)?,
    })
}

/// An item's slot is read by its fields, so that the path of an error reaches down to them.
fn item(path: &str, value: &Value) -> Result<Item, Violation> {
    if let Some(Value::Object(slot)) = value.get("slot") {
        for (name, field) in slot {
            let one = Value::Object(Map::from_iter([(name.clone(), field.clone())]));
            piece::<crate::Slot>(&format!("{path}.slot.{name}"), &one)?;
        }
    }
    piece(path, value)
}

fn list<T>(
    fields: &Map<String, Value>,
    name: &str,
    path: &str,
    read: impl Fn(&str, &Value) -> Result<T, Violation>,
) -> Result<Vec<T>, Violation> {
    match fields.get(name) {
        Some(Value::Array(entries)) => {
            entries.iter().enumerate().map(|(i, entry)| read(&format!("{path}[{i}]"), entry)).collect()
        }
        Some(_) => Err(unreadable(path, "expected a list")),
        None => Err(unreadable(path, "missing")),
    }
}

fn field<T: DeserializeOwned>(fields: &Map<String, Value>, name: &str, path: &str) -> Result<T, Violation> {
    piece(path, fields.get(name).ok_or_else(|| unreadable(path, "missing"))?)
}

fn piece<T: DeserializeOwned>(path: &str, value: &Value) -> Result<T, Violation> {
    T::deserialize(value).map_err(|error| unreadable(path, &without_position(&error.to_string())))
}

fn unreadable(path: &str, problem: &str) -> Violation {
    crate::verify::violation(path, problem)
}

/// Every field we know is always written, so a field of the file that is not in what we would write is unknown.
fn note_unknown(found: &Value, known: &Value, path: &str, notices: &mut Vec<Notice>) {
    match (found, known) {
        (Value::Object(found), Value::Object(known)) => {
            for (name, value) in found {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(known) => note_unknown(value, known, &path, notices),
                    None => notices.push(Notice::UnknownField { path }),
                }
            }
        }
        (Value::Array(found), Value::Array(known)) => {
            for (i, (found, known)) in found.iter().zip(known).enumerate() {
                note_unknown(found, known, &format!("{path}[{i}]"), notices);
            }
        }
        _ => {}
    }
}
