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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn media_of(text: &str) -> Media {
        match read_playlist(text.as_bytes()) {
            Ok(Reading::Media(media)) => media,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_segment_is_the_newest() {
        let media = media_of(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:41\n\
             #EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:00.500Z\n#EXTINF:2.000,\n41.m4s\n\
             #EXTINF:1.500,\n42.m4s?token=x\n",
        );
        assert_eq!((media.target, media.is_over), (Span::from_secs(2), false));
        let newest = media.newest.unwrap();
        assert_eq!((newest.sequence, newest.parts, &*newest.uri), (42, 0, "42.m4s?token=x"));
        // 12:00:00.5 and both durations, after 1970.
        assert_eq!(newest.ends_at_unix_nanos, Some(1_795_262_404_000_000_000));
    }

    #[test]
    fn parts_of_a_segment_that_is_not_complete_are_newer() {
        let head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n\
                    #EXT-X-PART:DURATION=1,URI=\"7.0.m4s\"\n#EXT-X-PART:DURATION=1,URI=\"7.1.m4s\"\n#EXTINF:2,\n7.m4s\n";
        assert_eq!(media_of(head).newest.unwrap().uri, "7.m4s");
        let text = format!(
            "{head}#EXT-X-PART:DURATION=0.5,INDEPENDENT=YES,URI=\"8.0.m4s\"\n#EXT-X-PART:URI=\"8.1.m4s\",DURATION=0.5\n"
        );
        let newest = media_of(&text).newest.unwrap();
        assert_eq!((newest.sequence, newest.parts, &*newest.uri), (8, 2, "8.1.m4s"));
    }

    #[test]
    fn an_end_and_an_empty_list_are_seen() {
        let media = media_of("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n");
        assert!(media.is_over);
        assert_eq!(media_of("#EXTM3U\n#EXT-X-TARGETDURATION:2\n").newest, None);
    }

    #[test]
    fn the_least_rendition_with_a_picture_is_followed() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=160000,CODECS=\"mp4a.40.2\"\nsound.m3u8\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080\nhigh.m3u8\n\
                    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI=\"frames.m3u8\"\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS=\"avc1.4d401f,mp4a.40.2\"\nlow.m3u8\n";
        let reading = read_playlist(text.as_bytes()).unwrap();
        assert_eq!(reading, Reading::Multivariant { variant: String::from("low.m3u8") });
        let none = b"#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI=\"frames.m3u8\"\n";
        assert_eq!(read_playlist(none), Err(PlaylistError::NoVariant));
    }

    #[test]
    fn other_things_are_no_playlists() {
        for bytes in [&b""[..], b"<html>", b"\xef\xbb\xbf#EXTM3U\n", b"#EXTM3U8\n", b"\xff#EXTM3U", b"{}"] {
            assert_eq!(read_playlist(bytes), Err(PlaylistError::NotAPlaylist));
        }
    }

    proptest! {
        #[test]
        fn nothing_upsets_the_reading(
            tags in prop::collection::vec(
                prop::sample::select(vec![
                    "#EXT-X-TARGETDURATION:", "#EXT-X-MEDIA-SEQUENCE:", "#EXTINF:", "#EXT-X-PART:", "#EXT-X-ENDLIST",
                    "#EXT-X-PROGRAM-DATE-TIME:", "#EXT-X-STREAM-INF:", "#EXT-X-MAP:", "#EXT-X-KEY:", "#EXT-X-BYTERANGE:",
                    "#EXT-X-DATERANGE:", "#EXT-X-MEDIA:", "#EXT-X-SESSION-DATA:", "segment.ts", "#EXT-X-START:",
                ]), 0..30),
            values in prop::collection::vec("[ -~é\"=,:0-9TZ-]{0,24}", 30),
        ) {
            let mut text = String::from("#EXTM3U\n");
            for (tag, value) in tags.iter().zip(&values) {
                text.push_str(tag);
                text.push_str(value);
                text.push('\n');
            }
            if let Ok(Reading::Media(media)) = read_playlist(text.as_bytes()) {
                prop_assert!((Span::from_secs(1)..=Span::from_secs(3_600)).contains(&media.target));
            }
        }
    }
}
