//! A destination as the window shows it: its light, how it does, and what it did about trouble.

use units::{Kbps, Span};

use crate::LiveState;

/// A queue before an output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputQueueView {
    /// Its name.
    pub name: String,
    /// Media time that waits in it.
    pub waiting: Span,
    /// Its bound.
    pub bound: Span,
    /// Pictures dropped because it was full.
    pub dropped_frames: u64,
}

/// What is known of what viewers can play, from the playlist that they fetch too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaybackView {
    /// Nobody told where viewers play, or nothing can be read there, so nothing is known.
    #[default]
    Unknown,
    /// No segment of this stream was seen yet.
    Waiting,
    /// The newest segment was seen, and newer ones keep coming.
    Playable {
        /// How far viewers are behind what is sent; `None` where the playlist does not tell.
        behind: Option<Span>,
    },
    /// The newest segment stays the newest.
    Stalled,
}

/// The next attempt to get back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryView {
    /// Which attempt it is, the first being 1.
    pub attempt: u32,
    /// How many there are at most.
    pub of: u32,
    /// How long until then; zero while the attempt is being made.
    pub next_in: Span,
    /// What broke, in one sentence.
    pub why: String,
}

/// Media times that did not reach the destination in this stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapsView {
    /// How many.
    pub count: u32,
    /// How long together.
    pub total: Span,
    /// The newest, in a few words, such as “3.2 s at 00:41:07, all tracks”; empty without one.
    pub latest: String,
}

/// What SRT tells of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SrtView {
    /// Round trip, in milliseconds.
    pub rtt_ms: f32,
    /// The latency that was agreed on, in milliseconds.
    pub latency_ms: u32,
    /// Packets that were lost on the way in the last seconds, 0 to 100; most are sent again in time.
    pub loss_percent: f32,
    /// Packets that were sent again.
    pub retransmitted: u64,
    /// Packets that were given up because they would have come too late.
    pub dropped: u64,
}

/// One destination of the broadcast. All of them are fed from one encode; none waits for another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationView {
    /// Names it in commands. [`DestinationView::MAIN`] is the channel that the server menu and the key belong to.
    pub id: u32,
    /// What the person calls it.
    pub name: String,
    /// Where to, without the key: protocol, host and application.
    pub address: String,
    /// How many video tracks it gets.
    pub tracks: usize,
    /// The light.
    pub state: LiveState,
    /// Why the light is what it is, in one sentence, where it is degraded, failed or taken over; else empty.
    pub reason: String,
    /// What it is doing, in words, such as “checking the certificate”.
    pub step: String,
    /// How long it has been live.
    pub on_air: Span,
    /// Upload of the last seconds.
    pub upload: Kbps,
    /// What the ladder needs.
    pub needed: Kbps,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes the peer acknowledged.
    pub acknowledged_bytes: u64,
    /// Age of the oldest byte that was sent and is not confirmed.
    pub unconfirmed: Span,
    /// Median time from composition to the socket in the last seconds, in milliseconds.
    pub composition_to_wire_ms: f32,
    /// Its queue.
    pub queue: OutputQueueView,
    /// The priority that the stream is published with; `None` without one (IVS user guide, “Stream takeover”).
    pub priority: Option<u32>,
    /// How often the stream was taken over so far.
    pub takeovers: u32,
    /// How often a stream can be taken over; 0 where the destination knows no takeover.
    pub takeover_limit: u32,
    /// What viewers can play.
    pub playback: PlaybackView,
    /// The next attempt to get back, while it is reconnecting.
    pub retry: Option<RetryView>,
    /// How long until key and stream are renewed; `None` where they are not, or where nothing is known.
    pub renews_in: Option<Span>,
    /// How long until the service ends the stream or the key dies; `None` where nothing is known.
    pub ends_in: Option<Span>,
    /// What did not reach it.
    pub gaps: GapsView,
    /// What SRT tells; `None` over RTMP.
    pub srt: Option<SrtView>,
    /// Round trip as TCP measures it, in milliseconds; `None` where it does not.
    pub rtt_ms: Option<f32>,
}

impl DestinationView {
    /// The channel that the server menu and the key belong to.
    pub const MAIN: u32 = 0;

    /// Whether it is the main one.
    pub const fn is_main(&self) -> bool {
        self.id == Self::MAIN
    }
}
