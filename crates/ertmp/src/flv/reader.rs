//! Reading FLV files piece by piece.

use alloc::vec::Vec;

use super::file::{TAG_HEADER_BYTES, TagKind};
use crate::cursor::Cursor;
use crate::error::{Error, Layer};

/// Bytes of the file header that this version of the format defines.
const HEADER_BYTES: u32 = 9;

/// Longest file header that is accepted: later versions may add fields, and none ever did.
const MAX_HEADER_BYTES: u32 = 1024;

/// What a file consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Comes first, once.
    Header(Header),
    /// Sound, pictures or values.
    Tag(Tag),
}

/// The header of a file. Writers that stream often claim both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file claims to have sound.
    pub has_audio: bool,
    /// The file claims to have pictures.
    pub has_video: bool,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What the body is.
    pub kind: TagKind,
    /// Milliseconds, wrapping at 2^32.
    pub timestamp_ms: u32,
    /// See [`super::VideoTag`], [`super::AudioTag`] and [`crate::amf0`].
    pub body: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Expected {
    Header,
    /// The size of the tag in front, and its value.
    PreviousTagSize(u32),
    Tag,
}

/// Takes a file in pieces of any size and gives its tags.
pub struct Reader {
    input: Vec<u8>,
    read: usize,
    expected: Expected,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader at the start of a file.
    pub const fn new() -> Self {
        Self { input: Vec::new(), read: 0, expected: Expected::Header }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.drain(..self.read.min(self.input.len()));
        self.read = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next item; `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what is no FLV file, tags of unknown kinds, and a PreviousTagSize that is wrong;
    /// [`Error::Incompatible`] for encrypted tags. The reader stays where it was.
    pub fn next_item(&mut self) -> Result<Option<Item>, Error> {
        loop {
            let unread = self.input.get(self.read..).unwrap_or_default();
            let mut cursor = Cursor::new(unread);
            let (item, expected) = match self.expected {
                Expected::Header => match read_header(&mut cursor)? {
                    None => return Ok(None),
                    Some(header) => (Some(Item::Header(header)), Expected::PreviousTagSize(0)),
                },
                Expected::PreviousTagSize(size) => match cursor.u32() {
                    None => return Ok(None),
                    Some(stated) if stated == size => (None, Expected::Tag),
                    Some(_) => return Err(Error::malformed(Layer::File, "a PreviousTagSize that is wrong")),
                },
                Expected::Tag => match read_tag(&mut cursor)? {
                    None => return Ok(None),
                    Some((tag, size)) => (Some(Item::Tag(tag)), Expected::PreviousTagSize(size)),
                },
            };
            self.read += unread.len() - cursor.rest().len();
            self.expected = expected;
            if item.is_some() {
                return Ok(item);
            }
        }
    }

    /// Whether the file could end here: behind a whole tag and its size, or behind the tag and without the size, as
    /// writers that were killed leave it.
    pub fn is_at_boundary(&self) -> bool {
        self.unread_bytes() == 0 && !matches!(self.expected, Expected::Header)
    }

    /// Bytes that were pushed and not read yet.
    pub fn unread_bytes(&self) -> usize {
        self.input.len().saturating_sub(self.read)
    }
}

fn read_header(cursor: &mut Cursor<'_>) -> Result<Option<Header>, Error> {
    let start = cursor.rest();
    if !start.iter().zip(b"FLV").all(|(byte, expected)| byte == expected) {
        return Err(Error::malformed(Layer::File, "does not begin with FLV"));
    }
    let (Some(_), Some(version), Some(flags), Some(size)) =
        (cursor.take(3), cursor.u8(), cursor.u8(), cursor.u32())
    else {
        return Ok(None);
    };
    if version != 1 {
        return Err(Error::malformed(Layer::File, "not version 1 of the format"));
    }
    if !(HEADER_BYTES..=MAX_HEADER_BYTES).contains(&size) {
        return Err(Error::malformed(Layer::File, "a header of a length that makes no sense"));
    }
    let extra = usize::try_from(size - HEADER_BYTES).unwrap_or(0);
    if cursor.take(extra).is_none() {
        return Ok(None);
    }
    Ok(Some(Header { has_audio: flags & 4 != 0, has_video: flags & 1 != 0 }))
}

/// The tag and its size with header.
fn read_tag(cursor: &mut Cursor<'_>) -> Result<Option<(Tag, u32)>, Error> {
    let Some(first) = cursor.u8() else { return Ok(None) };
    if first & 0x20 != 0 {
        return Err(Error::Incompatible { reason: "encrypted FLV tags" });
    }
    let kind =
        TagKind::from_number(first).ok_or(Error::malformed(Layer::File, "a tag of an unknown kind"))?;
    let (Some(size), Some(low), Some(high), Some(_stream)) =
        (cursor.u24(), cursor.u24(), cursor.u8(), cursor.u24())
    else {
        return Ok(None);
    };
    let Some(body) = usize::try_from(size).ok().and_then(|size| cursor.take(size)) else {
        return Ok(None);
    };
    let timestamp_ms = u32::from(high) << 24 | low;
    Ok(Some((Tag { kind, timestamp_ms, body: body.to_vec() }, size + TAG_HEADER_BYTES)))
}
