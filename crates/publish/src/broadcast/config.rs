//! What a broadcast has to know before it begins.

use ivs::limits::{
    CONFIGURED_KEY_VALIDITY, MAX_RECONNECT_ATTEMPTS, MAX_SILENCE, MAX_STREAM_DURATION, MAX_TAKEOVERS,
};
use units::{MediaTime, Span};

/// What the person wants and what the destination is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastConfig {
    /// Whether a broken stream is picked up again by itself. The person may turn it off (IVS multitrack integration
    /// guide, "Automatically Reconnecting").
    pub reconnects: bool,
    /// Whether the peer understands priorities: Amazon IVS and the rehearsal ingest do.
    pub takes_over: bool,
    /// The priority that the first session uses, as the person gave it, 1 to 2,147,483,647.
    pub first_priority: Option<u32>,
    /// Whether the service is asked for a configuration before a stream begins (GetClientConfiguration).
    pub asks: bool,
    /// When the configuration in hand was got. `None` when there is none: then it is asked for first.
    pub configured_at: Option<MediaTime>,
    /// When a running stream is renewed.
    pub renewal: Renewal,
    /// How it begins.
    pub intent: Intent,
    /// Until when the service may still hold a stream of this person that ended just before, so that a refusal says
    /// nothing yet: the new stream is tried again every two seconds.
    pub held_until: Option<MediaTime>,
    /// The service's limits.
    pub limits: BroadcastLimits,
}

impl BroadcastConfig {
    /// A broadcast to Amazon IVS, or to a rehearsal of it, with a stream key that does not expire: no configuration is
    /// asked for.
    pub fn for_ivs() -> Self {
        Self {
            reconnects: true,
            takes_over: true,
            first_priority: None,
            asks: false,
            configured_at: None,
            renewal: Renewal::Auto,
            intent: Intent::Begin,
            held_until: None,
            limits: BroadcastLimits::default(),
        }
    }

    /// A broadcast to another service: no priorities, and no limits that we know of.
    pub fn for_others() -> Self {
        Self {
            takes_over: false,
            limits: BroadcastLimits { stream: None, key: None, ..BroadcastLimits::default() },
            ..Self::for_ivs()
        }
    }
}

/// How a broadcast begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// With a stream of its own; refused when another one runs.
    Begin,
    /// In place of a stream that runs on the same channel.
    TakeOver {
        /// The highest priority that is known to be in use, for instance from pairing.
        known: Option<u32>,
    },
}

/// When a running stream is ended and begun anew, ahead of the service's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renewal {
    /// One hour before stream or key end, whichever comes first.
    #[default]
    Auto,
    /// This long after the stream began, and as with [`Self::Auto`] should that be earlier.
    After(Span),
    /// Not by itself: the service ends the stream, and a new one begins if reconnecting is on.
    Never,
}

/// Numbers of the service; the defaults are those of its documents. A rehearsal in accelerated time has others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastLimits {
    /// Longest stream; `None` when there is no limit. 48 hours.
    pub stream: Option<Span>,
    /// How long the key of a configuration is valid; `None` when it does not expire. 48 hours.
    pub key: Option<Span>,
    /// How long before the end of either [`Renewal::Auto`] renews. One hour.
    pub renewal_lead: Span,
    /// How long the service holds a connection that went silent, and refuses others meanwhile. 30 seconds.
    pub hold: Span,
    /// Takeovers of one stream. 100.
    pub takeovers: u32,
    /// Attempts to connect again between two successes. 25.
    pub attempts: u32,
}

impl Default for BroadcastLimits {
    fn default() -> Self {
        Self {
            stream: Some(MAX_STREAM_DURATION.value),
            key: Some(CONFIGURED_KEY_VALIDITY.value),
            renewal_lead: Span::from_secs(3600),
            hold: MAX_SILENCE.value,
            takeovers: MAX_TAKEOVERS.value,
            attempts: MAX_RECONNECT_ATTEMPTS.value,
        }
    }
}
