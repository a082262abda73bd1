//! Whether a path carries what is sent over it. SRT does not slow down: it sends what it is given, and what the path does
//! not carry is late, lost, or given up.

use std::collections::VecDeque;

use units::{MediaTime, Span};

use super::{SRT_PAYLOAD_BYTES, SrtFigures};

/// Loss is judged over this.
const WINDOW: Span = Span::from_secs(2);
/// The shortest round trip of this long is that of an empty path.
const MEMORY: Span = Span::from_secs(60);
/// Packets reported lost of 100 from which on they may be lost for want of room, when a queue stands on the path as well.
/// Wi-Fi loses a few of 100, which SRT sends again, and a peer reports one loss more than once.
const CROWDED_PERCENT: u64 = 9;
/// The queue that speaks for want of room.
const CROWDED_QUEUE: Span = Span::from_millis(50);
/// From here on they are lost for want of room even on paths that hold no queue: with 0.8 of what is needed, one of five.
const OVERRUN_PERCENT: u64 = 20;
/// What a crowded path counts as, in waiting media: more than [`RateControl`](crate::RateControl) takes calmly.
const CROWDED: Span = Span::from_millis(600);

#[derive(Debug, Default)]
pub(crate) struct Congestion {
    seen: VecDeque<(MediaTime, SrtFigures)>,
    /// Candidates for the shortest round trip, rising in both.
    shortest: VecDeque<(MediaTime, Span)>,
}

impl Congestion {
    pub(crate) fn observe(&mut self, figures: SrtFigures, now: MediaTime) {
        self.seen.push_back((now, figures));
        while self.seen.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.seen.pop_front();
        }
        if figures.rtt > Span::ZERO {
            while self.shortest.back().is_some_and(|(_, rtt)| *rtt >= figures.rtt) {
                self.shortest.pop_back();
            }
            self.shortest.push_back((now, figures.rtt));
            while self.shortest.front().is_some_and(|(at, _)| now - *at > MEMORY) {
                self.shortest.pop_front();
            }
        }
    }

    /// What waits on the path, in media time: how much longer a round trip takes than over an empty path; or more, when
    /// packets are lost or given up for want of room.
    pub(crate) fn waiting(&self) -> Span {
        let queued = self.queued();
        if self.is_crowded() { queued.max(CROWDED) } else { queued }
    }

    /// Whether packets are lost or given up for want of room. A path that loses some of them for other reasons is not
    /// crowded: sending less would mend nothing.
    pub(crate) fn is_crowded(&self) -> bool {
        let (Some((_, first)), Some((_, last))) = (self.seen.front(), self.seen.back()) else { return false };
        let lost = last.lost.saturating_sub(first.lost);
        let sent = last.sent.saturating_sub(first.sent);
        let is_above = |percent: u64| lost > 3 && lost * 100 > sent * percent;
        last.dropped > first.dropped
            || is_above(OVERRUN_PERCENT)
            || (is_above(CROWDED_PERCENT) && self.queued() >= CROWDED_QUEUE)
    }

    /// How much longer a round trip takes than over an empty path.
    fn queued(&self) -> Span {
        let Some((_, last)) = self.seen.back() else { return Span::ZERO };
        let base = self.shortest.front().map_or(last.rtt, |(_, rtt)| *rtt);
        (last.rtt - base).max(Span::ZERO)
    }

    /// Bytes of media that got through, as far as the peer said.
    pub(crate) fn carried(&self) -> u64 {
        let packets = self.seen.back().map_or(0, |(_, last)| last.sent.saturating_sub(last.lost));
        packets * SRT_PAYLOAD_BYTES as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn figures(rtt_ms: i64, sent: u64, lost: u64, dropped: u64) -> SrtFigures {
        SrtFigures { rtt: Span::from_millis(rtt_ms), sent, lost, dropped, ..SrtFigures::default() }
    }

    #[test]
    fn a_few_losses_are_no_want_of_room() {
        let mut congestion = Congestion::default();
        for second in 0_u64..20 {
            let now = at(i64::try_from(second).unwrap() * 500);
            congestion.observe(figures(40, second * 250, second * 12, 0), now);
            assert_eq!(congestion.waiting(), Span::ZERO, "five of a hundred");
        }
        congestion.observe(figures(40, 5_250, 341, 0), at(10_000));
        assert_eq!(congestion.waiting(), Span::ZERO, "twelve of a hundred, and no queue");
        congestion.observe(figures(100, 5_300, 360, 0), at(10_200));
        assert_eq!(congestion.waiting(), CROWDED, "and a queue");
        congestion.observe(figures(40, 5_500, 560, 0), at(10_700));
        assert!(congestion.is_crowded(), "a third");
    }

    #[test]
    fn a_long_queue_shows_in_the_round_trip_and_what_is_given_up_counts() {
        let mut congestion = Congestion::default();
        congestion.observe(figures(30, 100, 0, 0), at(0));
        congestion.observe(figures(480, 200, 0, 0), at(500));
        assert_eq!(congestion.waiting(), Span::from_millis(450));
        congestion.observe(figures(35, 300, 0, 2), at(700));
        assert_eq!(congestion.waiting(), CROWDED);
        congestion.observe(figures(35, 400, 0, 2), at(2_800));
        congestion.observe(figures(35, 500, 0, 2), at(4_900));
        assert_eq!(congestion.waiting(), Span::from_millis(5));
        assert_eq!(congestion.carried(), 500 * 1_316);
    }

    #[test]
    fn a_longer_path_is_the_usual_one_after_a_while() {
        let mut congestion = Congestion::default();
        congestion.observe(figures(30, 1, 0, 0), at(0));
        for second in 1..=62 {
            congestion.observe(figures(90, 1, 0, 0), at(second * 1_000));
        }
        assert_eq!(congestion.waiting(), Span::ZERO);
    }
}
