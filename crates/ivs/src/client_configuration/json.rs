//! Reading JSON so that every fault has a path, and every member that nobody asked for is noticed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use units::Secret;

use super::AnswerError;

/// Largest answer that is read. Five renditions take 4 kB; what is larger is no configuration.
pub(crate) const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Longest text of the service that is repeated when it means nothing to us.
const MAX_REPEATED_CHARS: usize = 40;

/// Where a value stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// For people: `encoder_configurations[1].width`.
    path: String,
    /// RFC 6901: `/encoder_configurations/1/width`.
    pointer: String,
}

impl Place {
    fn member(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Self { path: format!("{}{dot}{name}", self.path), pointer: format!("{}/{escaped}", self.pointer) }
    }

    fn element(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), pointer: format!("{}/{index}", self.pointer) }
    }

    fn is_root(&self) -> bool {
        self.pointer.is_empty()
    }
}

/// What an answer holds beyond what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surplus {
    /// Paths, for people.
    pub(crate) paths: Vec<String>,
    pub(crate) values: UnknownValues,
}

/// Values of an answer that mean nothing to us. They go back into it when it is written again; nothing else can be done
/// with them, and they never print, since nobody knows what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownValues {
    /// JSON by RFC 6901 pointer.
    values: Vec<(String, Secret)>,
}

impl Surplus {
    fn add(&mut self, place: &Place, value: &Value) {
        self.paths.push(place.path.clone());
        self.values.add(place, value);
    }
}

impl UnknownValues {
    fn add(&mut self, place: &Place, value: &Value) {
        self.values.push((place.pointer.clone(), Secret::new(value.to_string())));
    }

    /// Puts the values back where they were in `answer`, if it still has the place for them.
    pub(crate) fn restore(&self, answer: &mut Value) {
        for (pointer, text) in &self.values {
            let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
            let name = name.replace("~1", "/").replace("~0", "~");
            if let (Some(Value::Object(members)), Ok(value)) =
                (answer.pointer_mut(parent), serde_json::from_str(text.expose()))
            {
                members.insert(name, value);
            }
        }
    }
}

/// Parses the bytes of an answer.
pub(crate) fn parse(body: &[u8]) -> Result<Value, AnswerError> {
    if body.len() > MAX_ANSWER_BYTES {
        return Err(AnswerError::TooLarge { bytes: body.len(), limit: MAX_ANSWER_BYTES });
    }
    serde_json::from_slice(body)
        .map_err(|error| AnswerError::NotJson { line: error.line(), column: error.column() })
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    place: Place,
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, place: Place::default() }
    }

    fn wrong_type(&self, expected: &'static str) -> AnswerError {
        let path = if self.place.is_root() { "the whole".into() } else { self.place.path.clone() };
        AnswerError::WrongType { path, expected, found: kind(self.value) }
    }

    pub(crate) fn out_of_range(&self, expected: &'static str) -> AnswerError {
        AnswerError::OutOfRange { path: self.place.path.clone(), expected }
    }

    pub(crate) fn object(&self) -> Result<Object<'a>, AnswerError> {
        let members = self.value.as_object().ok_or_else(|| self.wrong_type("an object"))?;
        Ok(Object { members, place: self.place.clone(), asked: BTreeSet::new() })
    }

    pub(crate) fn elements(&self) -> Result<Vec<Self>, AnswerError> {
        let elements = self.value.as_array().ok_or_else(|| self.wrong_type("a list"))?;
        let place = |index| self.place.element(index);
        Ok(elements.iter().enumerate().map(|(index, value)| Self { value, place: place(index) }).collect())
    }

    pub(crate) fn map(&self) -> Result<Map<String, Value>, AnswerError> {
        self.value.as_object().cloned().ok_or_else(|| self.wrong_type("an object"))
    }

    pub(crate) fn text(&self) -> Result<&'a str, AnswerError> {
        self.value.as_str().ok_or_else(|| self.wrong_type("a text"))
    }

    pub(crate) fn flag(&self) -> Result<bool, AnswerError> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    pub(crate) fn number(&self) -> Result<f64, AnswerError> {
        self.value.as_f64().ok_or_else(|| self.wrong_type("a number"))
    }

    /// A whole number of 32 bits. `2.0` is one: JSON has only one kind of number.
    pub(crate) fn whole(&self) -> Result<u32, AnswerError> {
        if !self.value.is_number() {
            return Err(self.wrong_type("a whole number"));
        }
        whole(self.value).ok_or_else(|| self.out_of_range("a whole number from 0 to 4294967295"))
    }

    /// Notes that this value means nothing to us, and keeps it.
    pub(crate) fn report(&self, surplus: &mut Surplus) {
        surplus.paths.push(self.describe());
        surplus.values.add(&self.place, self.value);
    }

    /// Where this value stands, and which it is if it is a short text.
    pub(crate) fn describe(&self) -> String {
        match self.value.as_str() {
            Some(text) if text.chars().count() <= MAX_REPEATED_CHARS => {
                format!("{} ({})", self.place.path, text.escape_debug())
            }
            _ => self.place.path.clone(),
        }
    }
}

/// The number that `value` is, if it is a whole one of 32 bits.
pub(crate) fn whole(value: &Value) -> Option<u32> {
    if let Some(whole) = value.as_u64() {
        return u32::try_from(whole).ok();
    }
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    // Checked against the range, so nothing is lost.
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}

/// The members of an object, those that were asked for marked.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    members: &'a Map<String, Value>,
    place: Place,
    asked: BTreeSet<&'static str>,
}

impl<'a> Object<'a> {
    /// A member that may be missing; `null` is missing.
    pub(crate) fn may(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.asked.insert(name);
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        Some(Node { value, place: self.place.member(name) })
    }

    /// A member that must be there.
    pub(crate) fn must(&mut self, name: &'static str) -> Result<Node<'a>, AnswerError> {
        let missing = AnswerError::Missing { path: self.place.member(name).path };
        self.may(name).ok_or(missing)
    }

    /// Elements of a list that may be missing.
    pub(crate) fn list(&mut self, name: &'static str) -> Result<Vec<Node<'a>>, AnswerError> {
        self.may(name).map_or(Ok(Vec::new()), |node| node.elements())
    }

    /// Notes what nobody asked for.
    pub(crate) fn report_rest(&self, surplus: &mut Surplus) {
        for (name, value) in self.members.iter().filter(|(name, _)| !self.asked.contains(name.as_str())) {
            surplus.add(&self.place.member(name), value);
        }
    }
}

/// What a person would call this kind of value.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
