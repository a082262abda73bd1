//! What viewers get: the channel's playback playlist is followed, and its newest segment is seen or it is not.
//!
//! [`PlaybackWatch`] decides what to fetch and when, and what that says; it opens no socket. HTTP Live Streaming is RFC
//! 8216 and its second edition (draft-pantos-hls-rfc8216bis), which adds partial segments.

mod playlist;
mod url;
mod watch;

pub use playlist::{Media, Newest, PlaylistError, Reading, read_playlist};
pub use url::PlaybackUrl;
pub use watch::{Fetch, Fetched, PlaybackWatch, Wanted};

use units::{MediaTime, Span};

/// Whether viewers can play the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlaybackState {
    /// Nothing that could be played was seen yet, or only what is left of an earlier stream.
    #[default]
    NotYet,
    /// The newest segment was fetched, and newer ones keep coming.
    Playable {
        /// How far the end of the newest segment is behind the clock of this computer; `None` when the playlist tells no
        /// times of day (RFC 8216, 4.3.2.6) or this computer's clock does not agree with it.
        behind: Option<Span>,
        /// Name of the newest segment: the last part of its path, without arguments.
        newest: String,
    },
    /// It was playable, and no newer segment came for too long.
    Stalled {
        /// When the last new segment was seen.
        since: MediaTime,
    },
    /// The playlist can not be had, or not be read, so nothing is known; why, for a person. Holds no argument of the
    /// address.
    Unreachable(String),
}
