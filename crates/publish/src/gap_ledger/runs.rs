//! Sets of media time, as runs without overlap.

use std::collections::BTreeMap;

use units::{MediaTime, Span};

/// Two runs that lie this close are one: lengths of units are rounded down to the nanosecond.
pub(super) const ROUNDING: Span = Span::from_micros(1);

/// A set of media times: runs from (inside) to (outside), apart from each other, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    /// Ends by beginnings.
    runs: BTreeMap<MediaTime, MediaTime>,
}

impl Runs {
    /// Adds everything from `from` up to `to`; nothing when that is empty.
    pub(crate) fn insert(&mut self, from: MediaTime, to: MediaTime) {
        if to <= from {
            return;
        }
        let (mut from, mut to) = (from, to);
        // Runs that begin no later than just behind the new one, from the back, as far as they touch it.
        while let Some((begin, end)) = self.runs.range(..=to + ROUNDING).next_back().map(|(b, e)| (*b, *e)) {
            if end + ROUNDING < from {
                break;
            }
            self.runs.remove(&begin);
            from = from.min(begin);
            to = to.max(end);
        }
        self.runs.insert(from, to);
    }

    /// The runs, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (MediaTime, MediaTime)> + '_ {
        self.runs.iter().map(|(from, to)| (*from, *to))
    }

    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    /// End of the last run.
    pub(crate) fn end(&self) -> Option<MediaTime> {
        self.runs.last_key_value().map(|(_, to)| *to)
    }

    /// What is missing from `from` up to `to`, in order.
    pub(crate) fn missing(&self, from: MediaTime, to: MediaTime) -> Vec<(MediaTime, MediaTime)> {
        let mut missing = Vec::new();
        let mut at = from;
        let before = self.runs.range(..from).next_back().map(|(begin, end)| (*begin, *end));
        for (begin, end) in before.into_iter().chain(self.runs.range(from..).map(|(b, e)| (*b, *e))) {
            if begin >= to {
                break;
            }
            if begin > at + ROUNDING {
                missing.push((at, begin));
            }
            at = at.max(end);
        }
        if at + ROUNDING < to {
            missing.push((at, to));
        }
        missing
    }

    /// The parts of the runs between `from` and `to`, in order.
    pub(crate) fn within(&self, from: MediaTime, to: MediaTime) -> Vec<(MediaTime, MediaTime)> {
        if to <= from {
            return Vec::new();
        }
        let before = self.runs.range(..from).next_back().map(|(begin, end)| (*begin, *end));
        before
            .into_iter()
            .chain(self.runs.range(from..to).map(|(begin, end)| (*begin, *end)))
            .map(|(begin, end)| (begin.max(from), end.min(to)))
            .filter(|(begin, end)| begin < end)
            .collect()
    }

    /// Forgets the shortest runs that have others on both sides, so that about `most` are left.
    pub(crate) fn forget_shortest(&mut self, most: usize) {
        let surplus = self.runs.len().saturating_sub(most);
        let inner = self.runs.len().saturating_sub(2);
        let mut by_length: Vec<(Span, MediaTime)> =
            self.iter().skip(1).take(inner).map(|(from, to)| (to - from, from)).collect();
        if surplus == 0 || surplus >= by_length.len() {
            return;
        }
        by_length.select_nth_unstable(surplus);
        for (_, from) in by_length.into_iter().take(surplus) {
            self.runs.remove(&from);
        }
    }
}
