//! Writing FLV files (FLV 10.1, E.2 to E.4.1).

use alloc::vec::Vec;

use crate::MediaKind;
use crate::cursor::u24_bytes;
use crate::error::Error;

/// Bytes of a tag in front of its body.
pub(super) const TAG_HEADER_BYTES: u32 = 11;

/// Kinds of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// AMF0 values: `onMetaData` and the like.
    Script,
}

impl TagKind {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Script => 18,
        }
    }

    pub(super) const fn from_number(number: u8) -> Option<Self> {
        match number {
            8 => Some(Self::Audio),
            9 => Some(Self::Video),
            18 => Some(Self::Script),
            _ => None,
        }
    }
}

impl From<MediaKind> for TagKind {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::Audio,
            MediaKind::Video => Self::Video,
        }
    }
}

/// The header of a file and the first PreviousTagSize, which is 0.
pub const fn file_header(has_audio: bool, has_video: bool) -> [u8; 13] {
    let flags = (has_audio as u8) << 2 | has_video as u8;
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// A tag and the PreviousTagSize behind it. `timestamp_ms` is that of the message; files count on to 2^31 and readers
/// take the rest as negative.
///
/// # Errors
/// [`Error::Misused`] for bodies over 16,777,215 bytes.
pub fn file_tag(kind: TagKind, timestamp_ms: u32, body: &[u8]) -> Result<Vec<u8>, Error> {
    let size = u32::try_from(body.len()).ok().filter(|size| *size <= 0xFF_FFFF);
    let size = size.ok_or(Error::Misused { reason: "a tag of over 16777215 bytes" })?;
    let mut out = Vec::with_capacity(15 + body.len());
    out.push(kind.number());
    out.extend_from_slice(&u24_bytes(size));
    out.extend_from_slice(&u24_bytes(timestamp_ms));
    // The upper byte of the timestamp stands behind the lower three.
    out.push(timestamp_ms.to_be_bytes()[0]);
    out.extend_from_slice(&[0; 3]);
    out.extend_from_slice(body);
    out.extend_from_slice(&(size + TAG_HEADER_BYTES).to_be_bytes());
    Ok(out)
}
