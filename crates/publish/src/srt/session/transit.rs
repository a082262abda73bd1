//! Units between the send queue and the wire: in the multiplexer, and in SRT's own buffer.

use std::collections::VecDeque;

use units::{MediaTime, Span, Track};

use crate::session::deliveries::Unit;

/// Units the multiplexer may hold: it needs one of each track, and the next, to know where one ends.
const IN_MULTIPLEXER: usize = 6;
/// What was taken is remembered for longer than any answer of SRT takes.
const MEMORY: Span = Span::from_secs(20);
/// Points in time within this are one.
const APART: Span = Span::from_millis(20);

/// A unit on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passenger {
    pub(super) unit: Unit,
    /// When the picture was composed; `None` for sound.
    pub(super) composed_at: Option<MediaTime>,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Transit {
    /// Handed to the multiplexer; where they begin is not known yet.
    waiting: VecDeque<Passenger>,
    /// The one that began last.
    open: Option<Passenger>,
    /// With the number of bytes up to their end.
    ended: VecDeque<(u64, Passenger)>,
    packed: u64,
    taken: u64,
    unsent: u64,
    is_complete: bool,
    /// Bytes taken by when.
    history: VecDeque<(MediaTime, u64)>,
}

impl Transit {
    pub(super) fn board(&mut self, passenger: Passenger) {
        self.waiting.push_back(passenger);
    }

    /// A unit of `track` begins `at`, and the one before it ends there.
    pub(super) fn packed(&mut self, track: Track, at: u64) {
        if let Some(passenger) = self.open.take() {
            self.ended.push_back((at, passenger));
        }
        let place = self.waiting.iter().position(|passenger| passenger.unit.track == track);
        self.open = place.and_then(|place| self.waiting.remove(place));
    }

    pub(super) fn all_packed(&mut self, bytes: u64) {
        self.packed = self.packed.max(bytes);
        self.ended.extend(self.open.take().map(|passenger| (bytes, passenger)));
        self.is_complete = true;
        // Whatever the multiplexer kept for itself did not leave.
        self.waiting.clear();
    }

    /// The latest unit of `track` will not be packed.
    pub(super) fn discard(&mut self, track: Track) {
        if let Some(place) = self.waiting.iter().rposition(|passenger| passenger.unit.track == track) {
            self.waiting.remove(place);
        }
    }

    pub(super) fn made(&mut self, packed: u64) {
        self.packed = self.packed.max(packed);
    }

    /// Takes the counts; gives how many bytes more SRT has taken.
    pub(super) fn moved(&mut self, taken: u64, unsent: u64) -> usize {
        let fresh = taken.saturating_sub(self.taken);
        self.taken = self.taken.max(taken);
        self.unsent = unsent;
        usize::try_from(fresh).unwrap_or(usize::MAX)
    }

    pub(super) fn remember(&mut self, now: MediaTime) {
        match self.history.back_mut() {
            Some((at, taken)) if now - *at < APART => *taken = self.taken,
            _ => self.history.push_back((now, self.taken)),
        }
        while self.history.get(1).is_some_and(|(at, _)| now - *at > MEMORY) {
            self.history.pop_front();
        }
    }

    /// The next unit all of whose bytes SRT has taken, with its end.
    pub(super) fn alight(&mut self) -> Option<(u64, Passenger)> {
        self.ended.pop_front_if(|(end, _)| *end <= self.taken)
    }

    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes that SRT had taken at `time`.
    pub(super) fn taken_by(&self, time: MediaTime) -> u64 {
        // An entry counts from its beginning on and may have grown for `APART` after.
        let known = self.history.iter().rev().find(|(at, _)| *at + APART <= time);
        known.map_or(0, |(_, taken)| *taken)
    }

    /// Bytes packed and not sent even once.
    pub(super) const fn behind(&self) -> u64 {
        self.packed.saturating_sub(self.taken) + self.unsent
    }

    /// Bytes, at least, that were handed to the multiplexer and not taken by SRT. What the multiplexer keeps until it
    /// gets more does not count.
    pub(super) const fn outstanding(&self) -> u64 {
        self.packed.saturating_sub(self.taken)
    }

    /// Everything was packed, taken and sent.
    pub(super) const fn is_all_out(&self) -> bool {
        self.is_complete && self.behind() == 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.behind() == 0
    }

    /// Whether another unit may follow while `ahead` bytes may wait.
    pub(super) fn has_room(&self, ahead: u64) -> bool {
        let in_multiplexer: usize = self.waiting.iter().map(|passenger| passenger.bytes).sum();
        self.behind() < ahead && (self.waiting.len() < IN_MULTIPLEXER || (in_multiplexer as u64) < ahead / 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::TrackId;

    const VIDEO: Track = Track::Video(TrackId(0));
    const SOUND: Track = Track::Audio(TrackId(0));

    fn passenger(track: Track, n: i64) -> Passenger {
        let from = MediaTime::from_millis(n);
        Passenger { unit: Unit { track, from, to: from }, composed_at: None, bytes: 1_000 }
    }

    #[test]
    fn a_unit_ends_where_the_next_begins_whatever_its_track() {
        let mut transit = Transit::default();
        for unit in [passenger(VIDEO, 0), passenger(SOUND, 1), passenger(VIDEO, 2)] {
            transit.board(unit);
        }
        transit.packed(SOUND, 376);
        transit.packed(VIDEO, 752);
        transit.packed(VIDEO, 1_880);
        assert!(transit.alight().is_none());
        transit.made(2_632);
        assert_eq!(transit.moved(1_316, 188), 1_316);
        let (end, unit) = transit.alight().unwrap();
        assert_eq!((end, unit.unit.track), (752, SOUND));
        assert!(transit.alight().is_none());
        assert_eq!(transit.behind(), 1_504);
        transit.moved(2_632, 0);
        assert_eq!(transit.alight().unwrap().0, 1_880);
        transit.all_packed(2_632);
        let (end, unit) = transit.alight().unwrap();
        assert_eq!((end, unit.unit.from.as_millis()), (2_632, 2));
        assert!(transit.alight().is_none() && transit.is_empty());
    }

    #[test]
    fn remembers_what_was_taken_by_when() {
        let mut transit = Transit::default();
        for n in 1_u32..=100 {
            transit.moved(u64::from(n) * 1_316, 0);
            transit.remember(MediaTime::from_millis(i64::from(n) * 10));
        }
        let taken = transit.taken_by(MediaTime::from_millis(500));
        assert!((46..=50).contains(&(taken / 1_316)), "{taken}");
        assert_eq!(transit.taken_by(MediaTime::ZERO), 0);
        assert!(transit.history.len() <= 51);
    }

    #[test]
    fn the_multiplexer_always_gets_what_it_needs() {
        let mut transit = Transit::default();
        let huge = Passenger { bytes: 1 << 20, ..passenger(VIDEO, 0) };
        transit.board(huge);
        assert!(transit.has_room(50_000), "a huge picture comes out only when the next unit goes in");
        for n in 1..6 {
            transit.board(passenger(SOUND, n));
        }
        assert!(!transit.has_room(50_000));
        assert!(!Transit { packed: 60_000, ..Transit::default() }.has_room(50_000));
    }
}
