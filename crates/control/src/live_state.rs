//! The live light.

/// The live light of a destination. It never claims more than was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LiveState {
    /// Not streaming.
    #[default]
    Off,
    /// On the way: name, connection, TLS, handshake, publish.
    Connecting,
    /// The ingest takes the stream. Not every track is confirmed yet, or, where it is known where viewers play, no
    /// segment was seen there yet.
    Accepted,
    /// The bytes of every promised track are confirmed and, where it is known where viewers play, they can.
    Live,
    /// It was live and still is, but pictures are being dropped, bytes are not confirmed, or nothing new can be played.
    Degraded,
    /// The connection broke; it is on the way back.
    Reconnecting,
    /// Saying goodbye.
    Stopping,
    /// Another sender has the channel now. We do not fight for it.
    TakenOver,
    /// It ended by a failure; the problems say which.
    Failed,
}

impl LiveState {
    /// The state word of the window.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "Off air",
            Self::Connecting => "Connecting",
            Self::Accepted => "Accepted",
            Self::Live => "Live",
            Self::Degraded => "Live, degraded",
            Self::Reconnecting => "Reconnecting",
            Self::Stopping => "Stopping",
            Self::TakenOver => "Taken over",
            Self::Failed => "Failed",
        }
    }

    /// Whether viewers are known to be served: the only states in which anything is red.
    pub const fn is_on_air(self) -> bool {
        matches!(self, Self::Live | Self::Degraded)
    }

    /// Whether a broadcast is under way: it was started, and it neither was stopped nor ended.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Connecting | Self::Accepted | Self::Live | Self::Degraded | Self::Reconnecting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_air_is_under_way() {
        for state in [LiveState::Live, LiveState::Degraded] {
            assert!(state.is_on_air() && state.is_under_way());
        }
        for state in [LiveState::Connecting, LiveState::Accepted, LiveState::Reconnecting] {
            assert!(state.is_under_way() && !state.is_on_air());
        }
        for state in [LiveState::Off, LiveState::Stopping, LiveState::TakenOver, LiveState::Failed] {
            assert!(!state.is_under_way() && !state.is_on_air());
        }
    }
}
