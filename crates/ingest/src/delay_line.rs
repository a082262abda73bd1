//! Bytes that take longer than they do.

use std::collections::VecDeque;

use units::{MediaTime, Span};

/// Bytes that may be on their way in one direction: a second of everything a channel can be sent, four times over.
const MAX_BYTES: usize = 8 << 20;

/// One direction of a connection whose bytes arrive late, in their order.
#[derive(Debug)]
pub(crate) struct DelayLine {
    delay: Span,
    /// When due, and what; nothing is the end of the stream.
    under_way: VecDeque<(MediaTime, Vec<u8>)>,
    bytes: usize,
    ended: bool,
}

impl DelayLine {
    pub(crate) const fn new(delay: Span) -> Self {
        Self { delay, under_way: VecDeque::new(), bytes: 0, ended: false }
    }

    /// Whether more may be put in.
    pub(crate) const fn takes_more(&self) -> bool {
        self.bytes < MAX_BYTES && !self.ended
    }

    /// Puts `bytes` in at `now`; empty ones mean the end, behind which there is nothing.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, now: MediaTime) {
        if self.ended {
            return;
        }
        self.ended = bytes.is_empty();
        self.bytes += bytes.len();
        self.under_way.push_back((now + self.delay, bytes));
    }

    /// What has arrived by `now`.
    pub(crate) fn pop(&mut self, now: MediaTime) -> Option<Vec<u8>> {
        let (due, _) = self.under_way.front()?;
        if *due > now { None } else { self.pop_anyway() }
    }

    /// What would arrive next, however long it takes.
    pub(crate) fn pop_anyway(&mut self) -> Option<Vec<u8>> {
        let (_, bytes) = self.under_way.pop_front()?;
        self.bytes -= bytes.len();
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_arrive_late_and_in_order_and_then_the_end() {
        let at = MediaTime::from_millis;
        let mut line = DelayLine::new(Span::from_millis(100));
        line.push(vec![1], at(0));
        line.push(vec![2], at(50));
        line.push(Vec::new(), at(60));
        assert!(!line.takes_more());
        assert_eq!(line.pop(at(99)), None);
        assert_eq!((line.pop(at(100)), line.pop(at(149))), (Some(vec![1]), None));
        assert_eq!(
            (line.pop(at(160)), line.pop(at(160)), line.pop(at(160))),
            (Some(vec![2]), Some(vec![]), None)
        );
        assert_eq!(line.bytes, 0);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_early(
            pieces in proptest::collection::vec((0i64..50, proptest::collection::vec(any::<u8>(), 1..20)), 0..40),
            delay_ms in 0i64..200,
        ) {
            let delay = Span::from_millis(delay_ms);
            let mut line = DelayLine::new(delay);
            let (mut now, mut put, mut got) = (MediaTime::ZERO, Vec::new(), Vec::new());
            let mut arrivals = VecDeque::new();
            for (pause, bytes) in pieces {
                now += Span::from_millis(pause);
                line.push(bytes.clone(), now);
                put.extend_from_slice(&bytes);
                arrivals.push_back(now + delay);
                while let Some(bytes) = line.pop(now) {
                    prop_assert!(arrivals.pop_front().is_some_and(|due| due <= now));
                    got.extend(bytes);
                }
            }
            while let Some(bytes) = line.pop(now + delay) {
                got.extend(bytes);
            }
            prop_assert_eq!((got, line.bytes), (put, 0));
        }
    }
}
