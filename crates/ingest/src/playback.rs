//! What viewers would play: HTTP Live Streaming (RFC 8216) of the stream that is on air.
//!
//! Every rendition is a media playlist of its own with the sound inside, cut at its IDR pictures. A segment is listed
//! [`BEHIND`] after it is complete, as if a service had worked on it, so that a publisher sees the difference between being
//! accepted and being played. Nothing is transcoded. Bandwidth tests are never seen here.

mod carried;
mod playlist;
mod rendition;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ertmp::MediaKind;
use ertmp::flv::TimestampUnwrapper;
use units::{AudioConfig, Dts, MediaTime, Span, TrackId};

use crate::channel::Audience;
use carried::{Carried, sound_config};
use rendition::Rendition;

/// Path of the channel's playlist.
pub(crate) const CHANNEL_PATH: &str = "/playback/channel.m3u8";
const FOLDER: &str = "/playback/";

/// How long after its end a segment is listed: with segments of two seconds viewers are two to four seconds behind.
pub(crate) const BEHIND: Span = Span::from_secs(2);
/// How long a stream can be played after its end.
const KEPT: Span = Span::from_secs(60);
/// Most renditions that are kept; the service takes fewer (GetClientConfiguration, `maximum_video_tracks`).
const MAX_RENDITIONS: usize = 16;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MEDIA: &str = "video/mp4";

/// Something that a player fetched.
pub(crate) struct Served {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

/// The channel as viewers see it.
pub(crate) struct Playback {
    /// Wall clock time of media time zero, in milliseconds since 1970.
    unix_ms_at_zero: i64,
    stream: Mutex<Option<Stream>>,
}

/// A stream on air, or just over.
struct Stream {
    id: String,
    renditions: BTreeMap<TrackId, Rendition>,
    sound: Option<AudioConfig>,
    timestamps: TimestampUnwrapper,
    ended_at: Option<MediaTime>,
}

impl Stream {
    fn new(id: &str) -> Self {
        Self {
            id: String::from(id),
            renditions: BTreeMap::new(),
            sound: None,
            timestamps: TimestampUnwrapper::new(),
            ended_at: None,
        }
    }

    fn take(&mut self, carried: &Carried<'_>, at_ms: i64, now: MediaTime) {
        let dts = Dts::from_millis(at_ms);
        match carried {
            Carried::Header { track, codec, record } => {
                if self.renditions.len() < MAX_RENDITIONS || self.renditions.contains_key(track) {
                    let rendition = self.renditions.entry(*track).or_default();
                    rendition.configure(*track, *codec, record, now);
                }
            }
            Carried::Picture { track, is_idr, offset_ms, data } => {
                if let Some(rendition) = self.renditions.get_mut(track) {
                    rendition.picture(dts, *offset_ms, *is_idr, data, self.sound.as_ref(), now);
                }
            }
            Carried::SoundHeader(config) => {
                let sound = sound_config(config);
                if sound.is_some() && sound != self.sound {
                    self.sound = sound;
                    self.renditions.values_mut().for_each(|rendition| rendition.break_off(now));
                }
            }
            Carried::Sound(data) => {
                if let Some(sound) = &self.sound {
                    for rendition in self.renditions.values_mut() {
                        rendition.sound(dts, data, sound);
                    }
                }
            }
        }
    }

    fn is_visible(&self, now: MediaTime) -> bool {
        self.ended_at.is_none_or(|ended_at| now - ended_at <= KEPT)
    }
}

impl Playback {
    /// Nothing to be seen yet.
    pub(crate) fn new(now: MediaTime) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        Self { unix_ms_at_zero: unix_ms.saturating_sub(now.as_millis()), stream: Mutex::new(None) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Stream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `path` is one of the playback's, there or not.
    pub(crate) fn is_under(path: &str) -> bool {
        path.starts_with(FOLDER)
    }

    /// What lies under `path`; `None` for nothing.
    pub(crate) fn serve(&self, path: &str, now: MediaTime) -> Option<Served> {
        let stream = self.lock();
        let stream = stream.as_ref().filter(|stream| stream.is_visible(now))?;
        let listed_until = if stream.ended_at.is_some() { None } else { Some(now - BEHIND) };
        let text = |text: String| Served { content_type: PLAYLIST, bytes: text.into() };
        if path == CHANNEL_PATH {
            let renditions = stream.renditions.iter().map(|(track, rendition)| (*track, rendition));
            return playlist::channel(&stream.id, renditions, stream.sound.is_some(), listed_until).map(text);
        }
        let mut parts = path.strip_prefix(FOLDER)?.split('/');
        let (id, track, name) = (parts.next()?, parts.next()?, parts.next()?);
        if id != stream.id || parts.next().is_some() {
            return None;
        }
        let rendition = stream.renditions.get(&TrackId(track.parse().ok()?))?;
        if name == playlist::RENDITION_NAME {
            let is_over = stream.ended_at.is_some();
            return playlist::rendition(rendition, self.unix_ms_at_zero, is_over, listed_until).map(text);
        }
        let bytes = playlist::media_number(name).and_then(|named| rendition.media(named))?;
        Some(Served { content_type: MEDIA, bytes })
    }
}

impl Audience for Playback {
    fn began(&self, stream_id: &str, _now: MediaTime) {
        let mut stream = self.lock();
        // One channel has one stream at a time; a second key's is not shown.
        if stream.as_ref().is_none_or(|stream| stream.ended_at.is_some()) {
            *stream = Some(Stream::new(stream_id));
        }
    }

    fn tag(&self, stream_id: &str, kind: MediaKind, timestamp_ms: u32, body: &[u8], now: MediaTime) {
        let mut stream = self.lock();
        let Some(stream) =
            stream.as_mut().filter(|stream| stream.id == stream_id && stream.ended_at.is_none())
        else {
            return;
        };
        let at_ms = stream.timestamps.unwrap_ms(timestamp_ms);
        carried::each(kind, body, |carried| stream.take(&carried, at_ms, now));
    }

    fn continued(&self, stream_id: &str, now: MediaTime) {
        let mut stream = self.lock();
        if let Some(stream) = stream.as_mut().filter(|stream| stream.id == stream_id) {
            stream.timestamps = TimestampUnwrapper::new();
            stream.renditions.values_mut().for_each(|rendition| rendition.break_off(now));
        }
    }

    fn ended(&self, stream_id: &str, now: MediaTime) {
        let mut stream = self.lock();
        if let Some(stream) = stream.as_mut().filter(|stream| stream.id == stream_id) {
            stream.renditions.values_mut().for_each(|rendition| rendition.break_off(now));
            stream.ended_at.get_or_insert(now);
        }
    }
}

#[cfg(test)]
mod tests;
