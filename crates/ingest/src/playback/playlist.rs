//! Writing playlists, and reading the names of what they list.

use std::fmt::Write;

use ivs::event::UnixSeconds;
use units::{MediaTime, Span, TrackId, VideoCodec, VideoConfig};

use super::rendition::{Named, Rendition, Segment};

/// Name of a rendition's playlist.
pub(super) const RENDITION_NAME: &str = "index.m3u8";
/// Shortest target duration, in seconds.
const SHORTEST_TARGET: i64 = 2;
/// Initialisation segments are announced with this version on (RFC 8216, 7).
const VERSION: u32 = 7;

/// The channel's playlist: every rendition that has a segment. `None` when none has.
pub(super) fn channel<'a>(
    stream_id: &str,
    renditions: impl Iterator<Item = (TrackId, &'a Rendition)>,
    has_sound: bool,
    until: Option<MediaTime>,
) -> Option<String> {
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let empty = text.len();
    for (track, rendition) in renditions {
        let (Some(config), Some(peak)) =
            (rendition.config(), rendition.listed(until).map(Segment::bits_per_sec).max())
        else {
            continue;
        };
        let (width, height) = (config.size.width_px(), config.size.height_px());
        let codecs =
            codecs(config, has_sound).map(|codecs| format!(",CODECS=\"{codecs}\"")).unwrap_or_default();
        // Writing to a text can not fail.
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},RESOLUTION={width}x{height}{codecs}\n\
             {stream_id}/{track}/{RENDITION_NAME}\n"
        );
    }
    (text.len() > empty).then_some(text)
}

/// RFC 6381, 3.3, for H.264: profile, constraints and level as they stand in the decoder configuration record.
fn codecs(config: &VideoConfig, has_sound: bool) -> Option<String> {
    let (VideoCodec::Avc, [_, profile, constraints, level, ..]) = (config.codec, &*config.decoder_config)
    else {
        return None;
    };
    let sound = if has_sound { ",mp4a.40.2" } else { "" };
    Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}{sound}"))
}

/// A rendition's playlist; `None` while it has no segment.
pub(super) fn rendition(
    rendition: &Rendition,
    unix_ms_at_zero: i64,
    is_over: bool,
    until: Option<MediaTime>,
) -> Option<String> {
    let first = rendition.listed(until).next()?;
    let target = (rendition.longest() + Span::from_millis(499)).as_millis() / 1_000;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:{}\n\
         #EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
        target.max(SHORTEST_TARGET),
        first.number,
        first.discontinuity,
    );
    let mut before: Option<&Segment> = None;
    for segment in rendition.listed(until) {
        if before.is_some_and(|before| before.discontinuity != segment.discontinuity) {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let initialisation = segment.initialisation;
        if before.is_none_or(|before| before.initialisation != initialisation) {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"init-{initialisation}.mp4\"");
        }
        let began_at = segment.complete_at - segment.duration;
        let _ = write!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:{:.3},\n{}.m4s\n",
            time_of_day(unix_ms_at_zero.saturating_add(began_at.as_millis())),
            segment.duration.as_secs_f64(),
            segment.number,
        );
        before = Some(segment);
    }
    if is_over {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    Some(text)
}

/// ISO 8601 with milliseconds (RFC 8216, 4.3.2.6).
fn time_of_day(unix_ms: i64) -> String {
    let seconds = UnixSeconds(u64::try_from(unix_ms / 1_000).unwrap_or_default()).to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), unix_ms.rem_euclid(1_000))
}

/// What a name in a rendition's playlist means.
pub(super) fn media_number(name: &str) -> Option<Named> {
    if let Some(number) = name.strip_suffix(".m4s") {
        return number.parse().ok().map(Named::Segment);
    }
    name.strip_prefix("init-")?.strip_suffix(".mp4")?.parse().ok().map(Named::Initialisation)
}
