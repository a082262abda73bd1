//! Action Message Format 0, the values that commands and metadata are made of.
//!
//! Decoding is bounded: nesting to [`MAX_DEPTH`] levels, [`MAX_VALUES`] values per call. Strings must be UTF-8, as the
//! format demands (AMF0, 1.3.1).

use alloc::string::String;
use alloc::vec::Vec;

use crate::cursor::Cursor;
use crate::error::{Error, Layer};

/// Deepest nesting of objects and arrays that is decoded. Commands nest three levels at most.
pub const MAX_DEPTH: usize = 16;

/// Most values, members included, that one call decodes: a value takes far more memory than the single byte that a
/// null takes on the wire.
pub const MAX_VALUES: usize = 65_536;

/// Named members in the order of the wire. Names may repeat; the first one counts.
pub type Properties = Vec<(String, Value)>;

/// A value of AMF0, section 2.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// 2.2: the only number there is.
    Number(f64),
    /// 2.3.
    Boolean(bool),
    /// 2.4 and 2.14: written in the long form when it is longer than 65,535 bytes.
    String(String),
    /// 2.5.
    Object(Properties),
    /// 2.7.
    Null,
    /// 2.8.
    Undefined,
    /// 2.9: the index of an earlier object; not resolved.
    Reference(u16),
    /// 2.10: named members like an object, and a count that nobody relies on.
    EcmaArray(Properties),
    /// 2.12.
    StrictArray(Vec<Value>),
    /// 2.13.
    Date {
        /// Milliseconds since 1970-01-01 00:00 UTC.
        unix_ms: f64,
        /// Reserved, should be 0.
        zone_minutes: i16,
    },
    /// 2.15.
    Unsupported,
    /// 2.17.
    XmlDocument(String),
    /// 2.18: an object that names its class.
    TypedObject {
        /// Registered class name.
        class: String,
        /// Members.
        properties: Properties,
    },
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// An object of `members`.
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Object(properties(members))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number.
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The members of an object of any kind.
    pub fn properties(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(properties) | Self::EcmaArray(properties) | Self::TypedObject { properties, .. } => {
                Some(properties)
            }
            _ => None,
        }
    }

    /// The first member called `name` of an object of any kind.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.properties()?.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

/// Members from borrowed names.
pub fn properties<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Properties {
    members.into_iter().map(|(name, value)| (String::from(name), value)).collect()
}

/// Markers of AMF0, 2.1.
mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const REFERENCE: u8 = 0x07;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0A;
    pub(super) const DATE: u8 = 0x0B;
    pub(super) const LONG_STRING: u8 = 0x0C;
    pub(super) const UNSUPPORTED: u8 = 0x0D;
    pub(super) const XML_DOCUMENT: u8 = 0x0F;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
    pub(super) const AVMPLUS: u8 = 0x11;
}

const ENDS_EARLY: Error = Error::malformed(Layer::Amf, "ends early");

/// Decodes the first value of `bytes` and gives the bytes behind it.
///
/// # Errors
/// [`Error::Malformed`] for bytes that are no AMF0 value, [`Error::Incompatible`] for AMF3, [`Error::TooLarge`] past
/// [`MAX_DEPTH`] or [`MAX_VALUES`].
pub fn decode(bytes: &[u8]) -> Result<(Value, &[u8]), Error> {
    let mut decoder = Decoder { cursor: Cursor::new(bytes), values_left: MAX_VALUES };
    let value = decoder.value(MAX_DEPTH)?;
    Ok((value, decoder.cursor.rest()))
}

/// Decodes all values of `bytes`.
///
/// # Errors
/// As [`decode`].
pub fn decode_all(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let mut decoder = Decoder { cursor: Cursor::new(bytes), values_left: MAX_VALUES };
    let mut values = Vec::new();
    while !decoder.cursor.is_empty() {
        values.push(decoder.value(MAX_DEPTH)?);
    }
    Ok(values)
}

struct Decoder<'a> {
    cursor: Cursor<'a>,
    values_left: usize,
}

impl Decoder<'_> {
    fn value(&mut self, depth_left: usize) -> Result<Value, Error> {
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or(Error::TooLarge { what: "AMF values", limit: MAX_VALUES as u64 })?;
        Ok(match self.cursor.u8().ok_or(ENDS_EARLY)? {
            marker::NUMBER => Value::Number(self.cursor.f64().ok_or(ENDS_EARLY)?),
            marker::BOOLEAN => Value::Boolean(self.cursor.u8().ok_or(ENDS_EARLY)? != 0),
            marker::STRING => Value::String(self.short_text()?),
            marker::OBJECT => Value::Object(self.members(depth_left)?),
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::REFERENCE => Value::Reference(self.cursor.u16().ok_or(ENDS_EARLY)?),
            marker::ECMA_ARRAY => {
                // The count is a hint that many writers leave at 0; the end marker rules (AMF0, 2.10).
                self.cursor.u32().ok_or(ENDS_EARLY)?;
                Value::EcmaArray(self.members(depth_left)?)
            }
            marker::STRICT_ARRAY => {
                let depth_left = deeper(depth_left)?;
                let count = self.cursor.u32().ok_or(ENDS_EARLY)?;
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth_left)?);
                }
                Value::StrictArray(values)
            }
            marker::DATE => Value::Date {
                unix_ms: self.cursor.f64().ok_or(ENDS_EARLY)?,
                zone_minutes: self.cursor.i16().ok_or(ENDS_EARLY)?,
            },
            marker::LONG_STRING => Value::String(self.long_text()?),
            marker::UNSUPPORTED => Value::Unsupported,
            marker::XML_DOCUMENT => Value::XmlDocument(self.long_text()?),
            marker::TYPED_OBJECT => {
                let class = self.short_text()?;
                Value::TypedObject { class, properties: self.members(depth_left)? }
            }
            marker::AVMPLUS => {
                return Err(Error::Incompatible { reason: "AMF3 values" });
            }
            _ => return Err(Error::malformed(Layer::Amf, "unknown marker")),
        })
    }

    fn members(&mut self, depth_left: usize) -> Result<Properties, Error> {
        let depth_left = deeper(depth_left)?;
        let mut members = Properties::new();
        loop {
            let name = self.short_text()?;
            if name.is_empty() && self.cursor.rest().first() == Some(&marker::OBJECT_END) {
                self.cursor.u8();
                return Ok(members);
            }
            members.push((name, self.value(depth_left)?));
        }
    }

    fn short_text(&mut self) -> Result<String, Error> {
        let len = self.cursor.u16().ok_or(ENDS_EARLY)?;
        self.text(usize::from(len))
    }

    fn long_text(&mut self) -> Result<String, Error> {
        let len = self.cursor.u32().ok_or(ENDS_EARLY)?;
        self.text(usize::try_from(len).map_err(|_| ENDS_EARLY)?)
    }

    fn text(&mut self, len: usize) -> Result<String, Error> {
        let bytes = self.cursor.take(len).ok_or(ENDS_EARLY)?;
        let text =
            core::str::from_utf8(bytes).map_err(|_| Error::malformed(Layer::Amf, "text is not UTF-8"))?;
        Ok(String::from(text))
    }
}

fn deeper(depth_left: usize) -> Result<usize, Error> {
    depth_left
        .checked_sub(1)
        .ok_or(Error::TooLarge { what: "nesting of AMF values", limit: MAX_DEPTH as u64 })
}

/// Appends `value` to `out`.
///
/// # Errors
/// [`Error::Misused`] when a name exceeds 65,535 bytes, a text or an array 2^32 - 1, or values nest deeper than
/// [`MAX_DEPTH`]; `out` then ends in a part of the value.
pub fn encode(value: &Value, out: &mut Vec<u8>) -> Result<(), Error> {
    encode_nested(value, out, MAX_DEPTH)
}

fn encode_nested(value: &Value, out: &mut Vec<u8>, depth_left: usize) -> Result<(), Error> {
    match value {
        Value::Number(number) => {
            out.push(marker::NUMBER);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Boolean(truth) => out.extend_from_slice(&[marker::BOOLEAN, u8::from(*truth)]),
        Value::String(text) if text.len() <= usize::from(u16::MAX) => {
            out.push(marker::STRING);
            encode_name(text, out)?;
        }
        Value::String(text) => {
            out.push(marker::LONG_STRING);
            encode_long(text, out)?;
        }
        Value::Object(properties) => {
            out.push(marker::OBJECT);
            encode_members(properties, out, depth_left)?;
        }
        Value::Null => out.push(marker::NULL),
        Value::Undefined => out.push(marker::UNDEFINED),
        Value::Reference(index) => {
            out.push(marker::REFERENCE);
            out.extend_from_slice(&index.to_be_bytes());
        }
        Value::EcmaArray(properties) => {
            out.push(marker::ECMA_ARRAY);
            out.extend_from_slice(&count(properties.len())?.to_be_bytes());
            encode_members(properties, out, depth_left)?;
        }
        Value::StrictArray(values) => {
            let depth_left = shallower(depth_left)?;
            out.push(marker::STRICT_ARRAY);
            out.extend_from_slice(&count(values.len())?.to_be_bytes());
            for value in values {
                encode_nested(value, out, depth_left)?;
            }
        }
        Value::Date { unix_ms, zone_minutes } => {
            out.push(marker::DATE);
            out.extend_from_slice(&unix_ms.to_be_bytes());
            out.extend_from_slice(&zone_minutes.to_be_bytes());
        }
        Value::Unsupported => out.push(marker::UNSUPPORTED),
        Value::XmlDocument(text) => {
            out.push(marker::XML_DOCUMENT);
            encode_long(text, out)?;
        }
        Value::TypedObject { class, properties } => {
            out.push(marker::TYPED_OBJECT);
            encode_name(class, out)?;
            encode_members(properties, out, depth_left)?;
        }
    }
    Ok(())
}

fn encode_members(properties: &[(String, Value)], out: &mut Vec<u8>, depth_left: usize) -> Result<(), Error> {
    let depth_left = shallower(depth_left)?;
    for (name, value) in properties {
        encode_name(name, out)?;
        encode_nested(value, out, depth_left)?;
    }
    out.extend_from_slice(&[0, 0, marker::OBJECT_END]);
    Ok(())
}

fn encode_name(name: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    let len = u16::try_from(name.len())
        .map_err(|_| Error::Misused { reason: "an AMF name of over 65535 bytes" })?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(name.as_bytes());
    Ok(())
}

fn encode_long(text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend_from_slice(&count(text.len())?.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn count(len: usize) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::Misused { reason: "an AMF value of over 4294967295 pieces" })
}

fn shallower(depth_left: usize) -> Result<usize, Error> {
    depth_left.checked_sub(1).ok_or(Error::Misused { reason: "AMF values nested too deep" })
}

#[cfg(test)]
mod tests;
