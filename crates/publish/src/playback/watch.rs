//! What to fetch, when, and what it says.

use units::{MediaTime, Span};

use super::playlist::{Media, Reading, read_playlist};
use super::{PlaybackState, PlaybackUrl};
use crate::WallClock;

/// How often to look while nothing is there: the shortest time between two segments that services use.
const IDLE: Span = Span::from_secs(2);
/// Bounds of the time between two looks at a playlist. RFC 8216, 6.3.4, asks for one target duration after a change and
/// half of one otherwise.
const SHORTEST_PAUSE: Span = Span::from_secs(1);
const LONGEST_PAUSE: Span = Span::from_secs(10);
/// Players stay three target durations behind the end (RFC 8216, 6.3.3): when nothing new came for as long, what they
/// had is played.
const PATIENCE_IN_TARGETS: i64 = 3;
const SHORTEST_PATIENCE: Span = Span::from_secs(6);
const LONGEST_PATIENCE: Span = Span::from_secs(30);
/// One failure may be chance; two in a row are told.
const TELLING_FAILURES: u32 = 2;
/// A newest segment that ends further ahead of this computer's clock, or further behind it, says that the clocks disagree.
const CREDIBLE_AHEAD: Span = Span::from_secs(2);
const CREDIBLE_BEHIND: Span = Span::from_secs(600);
/// Longest reason that is kept, in characters.
const REASON_CHARACTERS: usize = 200;

/// What a fetch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// The whole of a playlist.
    Playlist,
    /// The first bytes of a segment: they show that it is there.
    Segment,
}

impl Wanted {
    /// Most bytes to read. A playlist of an hour has 100 kB. Of a segment the rest is not wanted: close the connection.
    pub const fn most_bytes(self) -> usize {
        match self {
            Self::Playlist => 1 << 20,
            Self::Segment => 1 << 10,
        }
    }
}

/// Something to fetch by GET, following a few redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where.
    pub url: PlaybackUrl,
    /// What for.
    pub wanted: Wanted,
}

/// What became of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// An answer of 200 or 206.
    Got {
        /// Where it came from in the end, redirections followed.
        from: PlaybackUrl,
        /// At most [`Wanted::most_bytes`].
        bytes: Vec<u8>,
    },
    /// Another HTTP status.
    Status(u16),
    /// No answer; why, in a sentence for a person without any part of the address but the host.
    Failed(String),
}

/// The newest segment that was fetched.
#[derive(Clone, Debug)]
struct Seen {
    at: MediaTime,
    name: String,
    behind: Option<Span>,
}

/// Follows a channel's playback playlist. Sans-IO: fetch what [`Self::poll`] gives, tell [`Self::handle`] what became of
/// it, and come back at [`Self::wake_at`].
#[derive(Clone, Debug)]
pub struct PlaybackWatch {
    /// Of the channel.
    top: PlaybackUrl,
    /// Of the variant that is followed.
    variant: Option<PlaybackUrl>,
    wall: Option<WallClock>,
    under_way: Option<Fetch>,
    next_at: MediaTime,
    /// Fetch this first; and its end in UTC, nanoseconds since 1970.
    segment: Option<(PlaybackUrl, Option<i64>)>,
    target: Span,
    /// Newest place that a playlist showed: media sequence number and parts.
    place: Option<(u64, u32)>,
    /// An earlier place than the newest, which a playlist showed last time.
    earlier: Option<(u64, u32)>,
    /// Nothing was there, so that what comes next is new.
    was_absent: bool,
    seen: Option<Seen>,
    /// The stream was over when last looked at.
    is_over: bool,
    failures: u32,
    trouble: String,
}

impl PlaybackWatch {
    /// Follows `url` from `now` on. `wall` ties the media clock to UTC, for how far viewers are behind.
    pub fn new(url: PlaybackUrl, wall: Option<WallClock>, now: MediaTime) -> Self {
        Self {
            top: url,
            variant: None,
            wall,
            under_way: None,
            next_at: now,
            segment: None,
            target: IDLE,
            place: None,
            earlier: None,
            was_absent: false,
            seen: None,
            is_over: false,
            failures: 0,
            trouble: String::new(),
        }
    }

    /// Whether viewers can play, as far as is known at `now`.
    pub fn state(&self, now: MediaTime) -> PlaybackState {
        let fresh = self.seen.as_ref().filter(|seen| now - seen.at <= self.patience() && !self.is_over);
        if let Some(seen) = fresh {
            return PlaybackState::Playable { behind: seen.behind, newest: seen.name.clone() };
        }
        if self.failures >= TELLING_FAILURES {
            return PlaybackState::Unreachable(self.trouble.clone());
        }
        self.seen.as_ref().map_or(PlaybackState::NotYet, |seen| PlaybackState::Stalled { since: seen.at })
    }

    /// How long nothing new may come.
    fn patience(&self) -> Span {
        let nanos = self.target.as_nanos().saturating_mul(PATIENCE_IN_TARGETS);
        Span::from_nanos(nanos).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE)
    }

    /// What to fetch now; `None` while a fetch is under way, or it is not time yet.
    pub fn poll(&mut self, now: MediaTime) -> Option<Fetch> {
        if self.under_way.is_some() || now < self.next_at {
            return None;
        }
        let fetch = match &self.segment {
            Some((url, _)) => Fetch { url: url.clone(), wanted: Wanted::Segment },
            None => {
                Fetch { url: self.variant.as_ref().unwrap_or(&self.top).clone(), wanted: Wanted::Playlist }
            }
        };
        self.under_way = Some(fetch.clone());
        Some(fetch)
    }

    /// When [`Self::poll`] has something; `None` while a fetch is under way.
    pub fn wake_at(&self) -> Option<MediaTime> {
        self.under_way.is_none().then_some(self.next_at)
    }

    /// What became of the fetch under way. Without one, nothing happens.
    pub fn handle(&mut self, fetched: Fetched, now: MediaTime) {
        let Some(fetch) = self.under_way.take() else { return };
        match (fetch.wanted, fetched) {
            (Wanted::Playlist, Fetched::Got { from, bytes }) => self.handle_playlist(&from, &bytes, now),
            (Wanted::Playlist, Fetched::Status(404 | 410)) => self.handle_absence(now),
            (Wanted::Segment, Fetched::Got { bytes, .. }) if !bytes.is_empty() => self.handle_segment(now),
            (Wanted::Segment, Fetched::Got { .. }) => {
                self.fail(&format!("{} gives an empty segment.", fetch.url.host()), now);
            }
            // It may have left the playlist meanwhile.
            (_, Fetched::Status(status)) => self.fail(&status_words(&fetch.url.host(), status), now),
            (_, Fetched::Failed(why)) => self.fail(&why, now),
        }
    }

    fn handle_playlist(&mut self, from: &PlaybackUrl, bytes: &[u8], now: MediaTime) {
        match read_playlist(bytes) {
            Ok(Reading::Multivariant { variant }) if self.variant.is_none() => match from.join(&variant) {
                // At once: this was only the way there.
                Ok(variant) => {
                    self.variant = Some(variant);
                    self.next_at = now;
                }
                Err(why) => {
                    self.fail(&format!("A rendition's address in the playlist can not be used: {why}."), now);
                }
            },
            Ok(Reading::Multivariant { .. }) => {
                self.fail(&format!("{} names a list of renditions as a rendition.", from.host()), now);
            }
            Ok(Reading::Media(media)) => self.handle_media(from, media, now),
            Err(error) => {
                self.fail(&format!("What {} gives {}.", from.host(), error.words()), now);
            }
        }
    }

    fn handle_media(&mut self, from: &PlaybackUrl, media: Media, now: MediaTime) {
        self.calm();
        self.target = media.target;
        if media.is_over {
            self.handle_absence(now);
            return;
        }
        let Some(newest) = media.newest else {
            self.was_absent = true;
            self.next_at = now + IDLE;
            return;
        };
        if !self.is_news((newest.sequence, newest.parts)) {
            // A variant's address may change with every stream of the channel: ask the channel again.
            if self.seen.as_ref().is_some_and(|seen| now - seen.at > self.patience()) {
                self.variant = None;
            }
            self.next_at = now + self.pause(2);
            return;
        }
        match from.join(&newest.uri) {
            Ok(url) => {
                self.segment = Some((url, newest.ends_at_unix_nanos));
                self.next_at = now;
            }
            Err(why) => {
                self.fail(&format!("A segment's address in the playlist can not be used: {why}."), now);
            }
        }
    }

    /// Whether `place` is newer than all before. What a first look finds may be left of an earlier stream, and is news
    /// only when nothing was there before. Earlier places come from caches that lag behind; when they rise as well, a new
    /// stream counts from its own beginning.
    fn is_news(&mut self, place: (u64, u32)) -> bool {
        let is_news = match self.place {
            None => self.was_absent,
            Some(known) if place > known => true,
            Some(known) if place < known => {
                self.was_absent || self.earlier.is_some_and(|earlier| place > earlier)
            }
            Some(_) => self.was_absent,
        };
        self.earlier = self.place.filter(|known| place < *known).map(|_| place);
        if self.place.is_none() || is_news {
            self.place = Some(place);
            self.earlier = None;
            self.was_absent = false;
        }
        is_news
    }

    fn handle_segment(&mut self, now: MediaTime) {
        self.calm();
        if let Some((url, ends_at)) = self.segment.take() {
            let behind = ends_at.and_then(|ends_at| self.behind(ends_at, now));
            self.seen = Some(Seen { at: now, name: url.name(), behind });
            self.is_over = false;
        }
        self.next_at = now + self.pause(1);
    }

    fn behind(&self, ends_at_unix_nanos: i64, now: MediaTime) -> Option<Span> {
        let behind = Span::from_nanos(self.wall?.unix_nanos(now).saturating_sub(ends_at_unix_nanos));
        (-CREDIBLE_AHEAD..=CREDIBLE_BEHIND).contains(&behind).then(|| behind.max(Span::ZERO))
    }

    /// There is no stream.
    fn handle_absence(&mut self, now: MediaTime) {
        self.calm();
        // A variant that is gone says nothing about the channel: ask for that at once.
        self.next_at = if self.variant.take().is_some() && !self.is_over { now } else { now + IDLE };
        self.is_over = true;
        self.was_absent = true;
    }

    /// A target duration, or a part of it.
    fn pause(&self, divisor: i64) -> Span {
        Span::from_nanos(self.target.as_nanos() / divisor).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    fn calm(&mut self) {
        self.failures = 0;
        self.trouble.clear();
    }

    fn fail(&mut self, why: &str, now: MediaTime) {
        self.segment = None;
        self.failures = self.failures.saturating_add(1);
        self.trouble = why.chars().filter(|c| !c.is_control()).take(REASON_CHARACTERS).collect();
        if self.failures >= TELLING_FAILURES {
            self.variant = None;
        }
        let doubled = SHORTEST_PAUSE.as_nanos() << self.failures.saturating_sub(1).min(4);
        self.next_at = now + Span::from_nanos(doubled).min(LONGEST_PAUSE);
    }
}

fn status_words(host: &str, status: u16) -> String {
    match status {
        401 | 403 => format!(
            "{host} lets nobody watch without a token (HTTP {status}); is the channel private, or restricted to some \
             countries?"
        ),
        404 | 410 => format!("{host} lists a segment that it does not give (HTTP {status})."),
        429 => format!("{host} is asked too often (HTTP 429)."),
        500.. => format!("{host} is in trouble (HTTP {status})."),
        _ => format!("{host} does not give it (HTTP {status})."),
    }
}

#[cfg(test)]
mod tests;
