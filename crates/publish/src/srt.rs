//! SRT: one attempt to be on air, and what there is to know of the connection.

use units::Span;

mod figures;

pub use figures::SrtFigures;

/// How long the peer is asked to hold media back unless the person says otherwise. Four round trips of 150 ms, or ten of
/// 60 ms: Haivision's deployment guide asks for about four times the round trip time, more on lossy paths; libsrt's own
/// 120 ms are for a local network. It delays what viewers see by as much.
pub const SRT_LATENCY: Span = Span::from_millis(600);
