//! Whether a path loses packets also when it is not full, as Wi-Fi does: told by what TCP repeats while the stream keeps
//! up and no queue stands on the path.

use units::Span;

use super::notice::TcpFigures;

/// While less than this waits, the stream keeps up.
pub(super) const KEEPS_UP: Span = Span::from_millis(150);
/// A share says something from so many bytes on, some 140 packets.
const TELLING_BYTES: u64 = 200_000;
/// From here on what is older counts half.
const OLD_BYTES: u64 = 2_000_000;
/// Repeated of a thousand from which on a path loses at random. A good one stays far below, and one of a hundred costs TCP
/// half of what a home connection carries.
const LOSING: u64 = 3;
/// A round trip that is longer than the shortest by this has a queue on its way.
const QUEUE: Span = Span::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct RandomLoss {
    last: Option<TcpFigures>,
    shortest: Option<Span>,
    has_queue: bool,
    /// Bytes sent, and of those repeated, while the stream kept up on an empty path.
    sent: u64,
    repeated: u64,
}

impl RandomLoss {
    /// Takes figures that were asked for just now, with whether the stream keeps up.
    pub(super) fn observe(&mut self, figures: TcpFigures, keeps_up: bool) {
        let before = self.last.replace(figures).unwrap_or(figures);
        if figures.rtt > Span::ZERO {
            let shortest = self.shortest.map_or(figures.rtt, |shortest| shortest.min(figures.rtt));
            self.shortest = Some(shortest);
            self.has_queue = figures.rtt - shortest >= QUEUE;
        }
        if !keeps_up || self.has_queue {
            return;
        }
        self.sent += figures.sent.saturating_sub(before.sent);
        self.repeated += figures.retransmitted.saturating_sub(before.retransmitted);
        if self.sent >= OLD_BYTES {
            (self.sent, self.repeated) = (self.sent / 2, self.repeated / 2);
        }
    }

    /// Whether the path loses at random, and is not full now.
    pub(super) fn is_there(&self) -> bool {
        !self.has_queue
            && self.sent >= TELLING_BYTES
            && self.repeated.saturating_mul(1_000) >= self.sent.saturating_mul(LOSING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(losses: &mut RandomLoss, seconds: u64, of_thousand: u64, rtt_ms: i64, keeps_up: bool) -> bool {
        for _ in 0..seconds * 10 {
            let last = losses.last.unwrap_or_default();
            let figures = TcpFigures {
                rtt: Span::from_millis(rtt_ms),
                sent: last.sent + 33_000,
                retransmitted: last.retransmitted + 33 * of_thousand,
                ..last
            };
            losses.observe(figures, keeps_up);
        }
        losses.is_there()
    }

    #[test]
    fn is_what_is_repeated_while_the_stream_keeps_up() {
        let mut losses = RandomLoss::default();
        assert!(!after(&mut losses, 60, 0, 40, true), "nothing is repeated");
        assert!(after(&mut losses, 10, 10, 40, true), "one of a hundred");
        assert!(!after(&mut losses, 60, 1, 40, true), "it is over");
    }

    #[test]
    fn is_not_what_a_full_path_loses() {
        let mut losses = RandomLoss::default();
        assert!(!after(&mut losses, 10, 0, 40, true));
        assert!(!after(&mut losses, 60, 50, 290, true), "a queue stands on the path");
        assert!(
            !after(&mut losses, 60, 50, 40, false),
            "a short queue that is full: the stream does not keep up"
        );
        assert!(!after(&mut losses, 1, 0, 40, true));
    }

    #[test]
    fn a_queue_is_believed_at_once() {
        let mut losses = RandomLoss::default();
        assert!(after(&mut losses, 10, 10, 40, true));
        let last = losses.last.unwrap();
        losses.observe(TcpFigures { rtt: Span::from_millis(200), ..last }, true);
        assert!(!losses.is_there());
    }
}
