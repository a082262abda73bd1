//! What SRT counts.

use units::{Kbps, Span};

/// What SRT says of a connection. Packets and bytes are totals since it was connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SrtFigures {
    /// Time to the peer and back, smoothed.
    pub rtt: Span,
    /// How long the peer holds media back so that what was lost can be sent again: what both sides agreed on.
    pub latency: Span,
    /// Packets of media sent, those sent again included.
    pub sent: u64,
    /// Packets the peer reported as lost.
    pub lost: u64,
    /// Packets sent again.
    pub retransmitted: u64,
    /// Packets given up because they were too late to be of use.
    pub dropped: u64,
    /// Packets in which the peer confirmed what it had.
    pub acknowledgements: u64,
    /// What the path may carry, as estimated from how packets spread on the way. A coarse figure.
    pub bandwidth: Kbps,
    /// What is sent, SRT's own part included.
    pub send_rate: Kbps,
}

impl SrtFigures {
    /// Packets lost of 100 sent, since the connection began.
    pub fn loss_percent(&self) -> f32 {
        if self.sent == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
        let percent = self.lost as f64 * 100.0 / self.sent as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a figure to look at")]
        let percent = percent as f32;
        percent
    }
}
