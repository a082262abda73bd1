//! Reading playlists: from bytes that anybody may have sent to the little that is wanted of them.

use m3u8_rs::{MasterPlaylist, MediaPlaylist, Playlist};
use units::Span;

/// Longest duration that is believed, in seconds: no live segment is longer.
const LONGEST_SECS: f64 = 3_600.0;

/// What is wanted of a playlist.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A multivariant playlist: the address, as it stands there, of the variant to follow. That is the one that takes
    /// the least bandwidth and has a picture: whoever watches the upload should not take from it.
    Multivariant {
        /// Address, absolute or relative to the playlist's.
        variant: String,
    },
    /// A media playlist.
    Media(Media),
}

/// What is wanted of a media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// Upper bound of a segment's duration (RFC 8216, 4.3.3.1), 1 s to an hour.
    pub target: Span,
    /// The stream is over (RFC 8216, 4.3.3.4).
    pub is_over: bool,
    /// The newest segment, or the newest part of one; `None` while there is none.
    pub newest: Option<Newest>,
}

/// The newest thing in a media playlist that a player can play.
#[derive(Clone, Debug, PartialEq)]
pub struct Newest {
    /// Media sequence number of its segment (RFC 8216, 4.3.3.2).
    pub sequence: u64,
    /// How many parts of a segment that is not complete are there; 0 for a whole segment.
    pub parts: u32,
    /// Address, absolute or relative to the playlist's.
    pub uri: String,
    /// Its end in UTC, nanoseconds since 1970, where the playlist tells times of day (RFC 8216, 4.3.2.6).
    pub ends_at_unix_nanos: Option<i64>,
}

/// Why something is no playlist; in words to put behind "it ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaylistError {
    /// It is not one at all.
    NotAPlaylist,
    /// A multivariant playlist without a variant that has an address.
    NoVariant,
}

impl PlaylistError {
    /// In words for a person, to put behind "what was fetched ".
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotAPlaylist => "is no HLS playlist",
            Self::NoVariant => "is an HLS playlist that names no rendition",
        }
    }
}

/// Reads a playlist of either kind. Total: any bytes give a reading or an error.
///
/// # Errors
/// [`PlaylistError`] when it is none, or leads nowhere.
pub fn read_playlist(bytes: &[u8]) -> Result<Reading, PlaylistError> {
    // The tag has to be the very first line (RFC 8216, 4.3.1.1), and the text UTF-8 without a byte order mark (4.1).
    let text = std::str::from_utf8(bytes).map_err(|_| PlaylistError::NotAPlaylist)?;
    if text.lines().next().map(str::trim_end) != Some("#EXTM3U") {
        return Err(PlaylistError::NotAPlaylist);
    }
    match m3u8_rs::parse_playlist_res(bytes) {
        Ok(Playlist::MasterPlaylist(playlist)) => multivariant(&playlist),
        Ok(Playlist::MediaPlaylist(playlist)) => Ok(Reading::Media(media(&playlist, text))),
        Err(_) => Err(PlaylistError::NotAPlaylist),
    }
}

fn multivariant(playlist: &MasterPlaylist) -> Result<Reading, PlaylistError> {
    let has_picture =
        |codecs: &str| ["avc", "hvc", "hev", "av01", "vp09"].iter().any(|code| codecs.contains(code));
    playlist
        .variants
        .iter()
        .filter(|variant| !variant.is_i_frame && !variant.uri.is_empty())
        .min_by_key(|variant| {
            let pictured = variant.resolution.is_some() || variant.codecs.as_deref().is_some_and(has_picture);
            (!pictured, variant.bandwidth)
        })
        .map(|variant| Reading::Multivariant { variant: variant.uri.trim().to_owned() })
        .ok_or(PlaylistError::NoVariant)
}

/// Seconds of a playlist as nanoseconds; what is no duration is none.
fn nanos(secs: f64) -> i64 {
    if secs.is_finite() && secs > 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "bounded by an hour")]
        let nanos = (secs.min(LONGEST_SECS) * 1e9) as i64;
        nanos
    } else {
        0
    }
}

fn media(playlist: &MediaPlaylist, text: &str) -> Media {
    let target = i64::try_from(playlist.target_duration).unwrap_or(i64::MAX).clamp(1, 3_600);
    let mut newest = None;
    let mut time_of_day: Option<i64> = None;
    for (sequence, segment) in (playlist.media_sequence..).zip(&playlist.segments) {
        let start = segment.program_date_time.and_then(|at| at.timestamp_nanos_opt());
        time_of_day = start.or(time_of_day).map(|at| at.saturating_add(nanos(f64::from(segment.duration))));
        newest = Some(Newest {
            sequence,
            parts: 0,
            uri: segment.uri.trim().to_owned(),
            ends_at_unix_nanos: time_of_day,
        });
    }
    if let Some((parts, uri, lasting)) = open_parts(text) {
        let sequence =
            newest.as_ref().map_or(playlist.media_sequence, |newest| newest.sequence.saturating_add(1));
        let ends_at_unix_nanos = time_of_day.map(|at| at.saturating_add(lasting));
        newest = Some(Newest { sequence, parts, uri, ends_at_unix_nanos });
    }
    Media { target: Span::from_secs(target), is_over: playlist.end_list, newest }
}

/// Parts behind the last whole segment (RFC 8216bis, 4.4.4.9), which the parser of playlists leaves out: how many, the
/// address of the last, and how long they last together in nanoseconds.
fn open_parts(text: &str) -> Option<(u32, String, i64)> {
    let mut parts = None;
    for line in text.lines().map(str::trim) {
        if let Some(attributes) = line.strip_prefix("#EXT-X-PART:") {
            let Some(uri) = attribute(attributes, "URI") else { continue };
            let lasting =
                attribute(attributes, "DURATION").and_then(|secs| secs.parse().ok()).map_or(0, nanos);
            let (count, _, before) = parts.take().unwrap_or((0u32, String::new(), 0i64));
            parts = Some((count.saturating_add(1), String::from(uri), before.saturating_add(lasting)));
        } else if !line.is_empty() && !line.starts_with('#') {
            // An address ends a segment: the parts before it are whole now.
            parts = None;
        }
    }
    parts
}

/// The value of `name` in an attribute list (RFC 8216, 4.2), without quotation marks.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.strip_prefix(',').unwrap_or_default())
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim() == name {
            return Some(value);
        }
        rest = next;
    }
}
