//! The light: what it says is true of the whole way, from the encoder to the viewer, as far as anybody can know.

use std::fmt;

use units::{Span, Track};

use crate::{Health, Outcome, Phase, Step};

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
            Phase::Over(Outcome::Stopped | Outcome::TakenOver) => LightState::Off,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interruption;
    use proptest::prelude::*;
    use units::{MediaTime, TrackId};

    const SOUND: Track = Track::Audio(TrackId::PRIMARY);

    fn good(phase: &Phase) -> Light<'_> {
        Light {
            phase,
            step: Some(Step::Live),
            health: Health::Good,
            unconfirmed: Span::ZERO,
            all_confirmed: true,
            silent: &[],
            viewers: Viewers::Playing,
        }
    }

    fn waiting() -> Phase {
        Phase::Waiting {
            attempt: 2,
            of: 25,
            next_at: MediaTime::ZERO,
            why: Interruption::Stalled,
            priority: Some(1),
        }
    }

    #[test]
    fn live_is_said_when_everything_is_and_accepted_until_then() {
        let on_air = good(&Phase::OnAir);
        assert_eq!(on_air.judge(), LightState::Live);
        assert_eq!(Light { viewers: Viewers::Unknown, ..on_air }.judge(), LightState::Live);
        assert_eq!(Light { viewers: Viewers::NotYet, ..on_air }.judge(), LightState::Accepted);
        assert_eq!(Light { all_confirmed: false, ..on_air }.judge(), LightState::Accepted);
        let starting = good(&Phase::Starting);
        let steps = [
            (None, LightState::Connecting),
            (Some(Step::Greeting), LightState::Connecting),
            (Some(Step::Accepted), LightState::Accepted),
            (Some(Step::Live), LightState::Live),
        ];
        for (step, state) in steps {
            assert_eq!(Light { step, ..starting }.judge(), state);
        }
    }

    #[test]
    fn the_worst_reason_is_told() {
        let silent = [Track::Video(TrackId(1)), SOUND];
        let all = Light {
            silent: &silent,
            unconfirmed: Span::from_secs(6),
            viewers: Viewers::Stalled,
            health: Health::Slow,
            ..good(&Phase::OnAir)
        };
        let told = |light: Light<'_>| match light.judge() {
            LightState::Degraded(why) => why.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told(all), "nothing arrives of rendition 1 and sound track 0");
        let heard = Light { silent: &[], ..all };
        assert_eq!(told(heard), "the service does not confirm what it gets");
        let confirmed = Light { unconfirmed: Span::ZERO, ..heard };
        assert_eq!(told(confirmed), "viewers get no new pictures");
        let seen = Light { viewers: Viewers::Playing, ..confirmed };
        assert_eq!(told(seen), "the upload is too slow for this stream");
    }

    #[test]
    fn off_the_air_it_says_what_is_done_about_it() {
        let cases = [
            (Phase::Asking { again: false }, LightState::Connecting),
            (Phase::Asking { again: true }, LightState::Reconnecting),
            (waiting(), LightState::Reconnecting),
            (Phase::Connecting { attempt: 1, of: 25, priority: Some(1) }, LightState::Reconnecting),
            (Phase::Renewing, LightState::Reconnecting),
            (Phase::Over(Outcome::Stopped), LightState::Off),
            (Phase::Over(Outcome::NotConfigured { refused: true }), LightState::Failed),
        ];
        for (phase, state) in cases {
            assert_eq!(Light { step: None, ..good(&phase) }.judge(), state, "{phase:?}");
        }
        // A stream that is being ended is no live stream, whatever still goes out.
        assert_eq!(good(&Phase::Stopping).judge(), LightState::Stopping);
    }

    proptest! {
        #[test]
        fn live_is_never_said_of_what_is_not_confirmed_or_not_seen(
            phase in prop::sample::select(vec![
                Phase::Starting, Phase::OnAir, Phase::Renewing, Phase::Stopping, waiting(),
                Phase::Connecting { attempt: 1, of: 25, priority: None }, Phase::Over(Outcome::Stopped),
            ]),
            step in prop::option::of(prop::sample::select(vec![
                Step::Resolving, Step::Connecting, Step::Asking, Step::Accepted, Step::Live, Step::Stopping,
                Step::Ended,
            ])),
            health in prop::sample::select(vec![Health::Good, Health::Slow, Health::Unconfirmed]),
            unconfirmed_ms in 0i64..10_000,
            all_confirmed in any::<bool>(),
            is_silent in any::<bool>(),
            viewers in prop::sample::select(vec![
                Viewers::Unknown, Viewers::NotYet, Viewers::Playing, Viewers::Stalled,
            ]),
        ) {
            let silent: &[Track] = if is_silent { &[SOUND] } else { &[] };
            let unconfirmed = Span::from_millis(unconfirmed_ms);
            let light =
                Light { phase: &phase, step, health, unconfirmed, all_confirmed, silent, viewers };
            if light.judge() == LightState::Live {
                prop_assert!(all_confirmed && !is_silent && unconfirmed_ms < 5_000 && health == Health::Good);
                prop_assert!(matches!(viewers, Viewers::Unknown | Viewers::Playing));
                prop_assert!(matches!(step, Some(Step::Live | Step::Stopping)));
                let is_off = matches!(phase, Phase::Stopping | Phase::Waiting { .. } | Phase::Over(_));
                prop_assert!(!is_off);
            }
        }
    }
}
