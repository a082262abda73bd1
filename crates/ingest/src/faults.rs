//! Faults that connections shall have.

use core::fmt;

use units::Span;

/// Faults to rehearse. Each is off by default; times are the media clock's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Only the first so many sessions have the faults, so that a reconnect can succeed. `None` means all.
    pub sessions: Option<u64>,
    /// Close the connection without an answer at this stage.
    pub close_at: Option<Stage>,
    /// Give no answer at this stage and none after it, while the connection stays open.
    pub hang_at: Option<Stage>,
    /// Answer `connect` with an error.
    pub refuse_connect: Option<Refusal>,
    /// Answer `publish` with an error.
    pub refuse_publish: Option<Refusal>,
    /// Close the connection without a word so long after `publish`; [`Span::ZERO`] is at once. The stream is held, as
    /// for every publisher whose connection is gone.
    pub close_after: Option<Span>,
    /// So long after `publish`, neither read nor write any more while the connection stays open. After 30 seconds of
    /// silence the stream ends, and the publisher is not told.
    pub half_open_after: Option<Span>,
    /// Stop taking bytes while the connection stays open.
    pub stall: Option<Stall>,
    /// Stop taking bytes again and again, as a link does that loses packets: TCP makes loss into pauses.
    pub stutter: Option<Stutter>,
    /// Every byte takes so much longer, in each direction.
    pub delay: Span,
    /// Take no more than so many bytes per second.
    pub read_bytes_per_sec: Option<u32>,
    /// Ask the publisher to move (E-RTMP v2, "Reconnect Request"), as a server does before it is shut down. A publisher
    /// that did not say in `connect` that it understands this is not asked.
    pub request_reconnect: Option<ReconnectRequest>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// TCP connects. Closing here resets the connection.
    Tcp,
    /// The TLS handshake; plain RTMP has none.
    Tls,
    /// RTMP's own handshake.
    Handshake,
    /// `connect`.
    Connect,
    /// `publish`.
    Publish,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::Tls, Self::Handshake, Self::Connect, Self::Publish];

    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::Connect => "connect",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectRequest {
    /// So long after `publish`.
    pub after: Span,
    /// Where to, such as `rtmp://127.0.0.1:40123/app`; `None` for the same address anew.
    pub tc_url: Option<String>,
}

/// An answer that says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `NetConnection.Connect.Rejected`.
    pub code: String,
    /// For a person.
    pub description: String,
}

/// A stall of the reading side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// So long after `publish`.
    pub after: Span,
    /// How long; `None` until the end.
    pub lasting: Option<Span>,
}

impl Stall {
    /// Whether nothing is read so long after `publish`.
    pub(crate) fn holds(&self, since: Span) -> bool {
        since >= self.after && self.lasting.is_none_or(|lasting| since < self.after + lasting)
    }
}

/// Short stalls at regular times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stutter {
    /// From the beginning of one to that of the next; the first comes after as long. Longer than zero.
    pub every: Span,
    /// How long each of them is.
    pub lasting: Span,
}

impl Stutter {
    /// Whether nothing is read so long after `publish`.
    pub(crate) fn holds(&self, since: Span) -> bool {
        let every = self.every.as_nanos();
        every > 0 && since >= self.every && since.as_nanos() % every < self.lasting.as_nanos()
    }
}
