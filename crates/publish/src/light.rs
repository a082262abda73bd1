//! The light: what it says is true of the whole way, from the encoder to the viewer, as far as anybody can know.

use std::fmt;

use units::{Span, Track};

use crate::{Health, Phase, Step};

/// How long sent bytes may go unconfirmed. A peer's TCP confirms within a round trip, its RTMP once in a window of
/// some seconds.
const UNCONFIRMED_AFTER: Span = Span::from_secs(5);

/// What the light says of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LightState {
    /// Nothing is sent.
    Off,
    /// On its way to the air for the first time.
    Connecting,
    /// The ingest takes the stream. Viewers, or confirmation, are still to come.
    Accepted,
    /// Every promised track is sent and confirmed, and viewers get it where that is known.
    Live,
    /// On air, but not as it should be.
    Degraded(Degradation),
    /// Off the air; it is tried again by itself.
    Reconnecting,
    /// Saying good-bye.
    Stopping,
    /// Another PC has the channel.
    TakenOver,
    /// It broke, and nothing is tried.
    Failed,
}

/// Why a stream on air is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Degradation {
    /// The upload is slower than the stream.
    Slow,
    /// What is sent is not confirmed.
    Unconfirmed,
    /// Nothing arrives of these tracks, though they were promised.
    Silent(Vec<Track>),
    /// The ingest takes the stream, and viewers get no more of it.
    NotPlaying,
}

impl fmt::Display for Degradation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow => f.write_str(Health::Slow.words()),
            Self::Unconfirmed => f.write_str(Health::Unconfirmed.words()),
            Self::Silent(tracks) => {
                f.write_str("nothing arrives of ")?;
                for (at, track) in tracks.iter().enumerate() {
                    let separator = match at {
                        0 => "",
                        _ if at + 1 == tracks.len() => " and ",
                        _ => ", ",
                    };
                    match track {
                        Track::Video(id) => write!(f, "{separator}rendition {id}")?,
                        Track::Audio(id) => write!(f, "{separator}sound track {id}")?,
                    }
                }
                Ok(())
            }
            Self::NotPlaying => f.write_str("viewers get no new pictures"),
        }
    }
}

/// What viewers get, as far as the channel's playback playlist tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Viewers {
    /// No playback address is known, or it can not be read.
    #[default]
    Unknown,
    /// No segment of this stream yet.
    NotYet,
    /// New segments keep coming.
    Playing,
    /// They came, and stopped coming.
    Stalled,
}

/// What the light is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Light<'a> {
    /// How far the broadcast is.
    pub phase: &'a Phase,
    /// How far the present session is; `None` without one.
    pub step: Option<Step>,
    /// How well it is doing.
    pub health: Health,
    /// Age of the oldest byte that was sent and not confirmed.
    pub unconfirmed: Span,
    /// Whether bytes of every promised track were confirmed in this session.
    pub all_confirmed: bool,
    /// The promised tracks of which nothing arrives any more.
    pub silent: &'a [Track],
    /// What viewers get.
    pub viewers: Viewers,
}

impl Light<'_> {
    /// What the light says. It never says live while bytes of any promised track are not being confirmed; where a
    /// playback address is known, not before its newest segment was seen, and not once it stops advancing.
    pub fn judge(&self) -> LightState {
        use crate::Outcome;
        match self.phase {
            Phase::Starting | Phase::Asking { again: false } => self.on_the_way(LightState::Connecting),
            Phase::Asking { again: true } | Phase::Waiting { .. } => LightState::Reconnecting,
            Phase::Connecting { .. } => self.on_the_way(LightState::Reconnecting),
            Phase::OnAir | Phase::Renewing => match self.step {
                Some(Step::Live) => self.on_air(),
                Some(Step::Stopping) if *self.phase == Phase::OnAir => self.on_air(),
                _ => self.on_the_way(LightState::Reconnecting),
            },
            Phase::Stopping => LightState::Stopping,
            Phase::TakenOver { .. } => LightState::TakenOver,
            Phase::Over(Outcome::Stopped) => LightState::Off,
            Phase::Over(Outcome::TakenOver) => LightState::Off,
            Phase::Over(_) => LightState::Failed,
        }
    }

    fn on_the_way(&self, until_then: LightState) -> LightState {
        match self.step {
            Some(Step::Live) => self.on_air(),
            Some(Step::Accepted) => LightState::Accepted,
            _ => until_then,
        }
    }

    fn on_air(&self) -> LightState {
        if !self.silent.is_empty() {
            return LightState::Degraded(Degradation::Silent(self.silent.to_vec()));
        }
        if self.health == Health::Unconfirmed || self.unconfirmed >= UNCONFIRMED_AFTER {
            return LightState::Degraded(Degradation::Unconfirmed);
        }
        if self.viewers == Viewers::Stalled {
            return LightState::Degraded(Degradation::NotPlaying);
        }
        if self.health == Health::Slow {
            return LightState::Degraded(Degradation::Slow);
        }
        if !self.all_confirmed || self.viewers == Viewers::NotYet {
            return LightState::Accepted;
        }
        LightState::Live
    }
}
