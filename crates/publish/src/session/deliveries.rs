//! Which media left, and which of it arrived as far as can be told.

use std::collections::{BTreeMap, VecDeque};

use units::{MediaTime, Span, StreamConfig, Track};

use super::notice::TrackProgress;
use crate::gap_ledger::Runs;
use crate::{Certainty, Delivered};

/// A track of which nothing was confirmed for this long is silent: twice as long as a Wi-Fi takes to change its access
/// point, and shorter than any keyframe interval plus the deadlines after which a session ends by itself.
const SILENT_AFTER: Span = Span::from_secs(3);
/// Where the system does not tell what is in flight: no system keeps more than this for one connection, so whatever was
/// written before the latest bytes of this number has been confirmed (Linux, tcp(7), `tcp_wmem`: at most 4 MiB unless
/// configured otherwise).
const MOST_IN_FLIGHT: u64 = 8 << 20;
/// Writes within this are remembered as one.
const WRITES_APART: Span = Span::from_millis(20);

/// Runs of one track that are kept for whoever asks: days of dropped tails. A ledger asks every few seconds.
const MOST_FRESH: usize = 50_000;

/// A unit on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) track: Track,
    pub(crate) from: MediaTime,
    pub(crate) to: MediaTime,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    sent_to: Option<MediaTime>,
    sent_at: Option<MediaTime>,
    confirmed_to: Option<MediaTime>,
    confirmed_at: Option<MediaTime>,
}

/// Follows units from the socket to the peer's confirmation.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    tracks: BTreeMap<Track, Progress>,
    /// Written and not confirmed, each with the number of bytes up to its end.
    on_the_way: VecDeque<(u64, Unit)>,
    /// Times of writes that are not confirmed, each with the number of bytes up to its end.
    writes: VecDeque<(u64, MediaTime)>,
    written: u64,
    confirmed: u64,
    acknowledged: u64,
    /// When the confirmations last grew, or nothing was there to be confirmed.
    progress_at: MediaTime,
    /// The system tells what is in flight.
    is_told: bool,
    /// To be told to whoever asks.
    fresh: BTreeMap<(Track, Certainty), Runs>,
}

impl Deliveries {
    /// These tracks were promised.
    pub(crate) fn promise(&mut self, config: &StreamConfig) {
        let renditions = config.video.iter().map(|video| Track::Video(video.track));
        let sound = config.audio.iter().map(|audio| Track::Audio(audio.track));
        let nothing = Progress { sent_to: None, sent_at: None, confirmed_to: None, confirmed_at: None };
        let before = std::mem::take(&mut self.tracks);
        self.tracks = renditions
            .chain(sound)
            .map(|track| (track, before.get(&track).copied().unwrap_or(nothing)))
            .collect();
    }

    /// `bytes` were handed to the system.
    pub(crate) fn wrote(&mut self, bytes: usize, now: MediaTime) {
        if self.written == self.confirmed {
            self.progress_at = now;
        }
        self.written += bytes as u64;
        match self.writes.back_mut() {
            // The beginning counts, so that nothing looks younger than it is.
            Some((end, at)) if now - *at < WRITES_APART => *end = self.written,
            _ => self.writes.push_back((self.written, now)),
        }
        if !self.is_told {
            self.settle(now);
        }
    }

    /// A unit that ends with the byte of number `end` was handed to the system.
    pub(crate) fn left(&mut self, unit: Unit, end: u64, now: MediaTime) {
        if let Some(progress) = self.tracks.get_mut(&unit.track) {
            progress.sent_to = progress.sent_to.max(Some(unit.to));
            progress.sent_at = Some(now);
        }
        self.on_the_way.push_back((end, unit));
        if end <= self.confirmed {
            self.arrive(now);
        }
    }

    /// The system holds `bytes` that are not confirmed.
    pub(crate) fn in_flight(&mut self, bytes: u64, now: MediaTime) {
        self.is_told = true;
        self.confirm(self.written.saturating_sub(bytes), now);
    }

    /// The peer says that it received `total` bytes.
    pub(crate) fn acknowledged(&mut self, total: u64, now: MediaTime) {
        // A peer can not have received more than was written; some count from another beginning.
        self.acknowledged = self.acknowledged.max(total.min(self.written));
        self.settle(now);
    }

    fn settle(&mut self, now: MediaTime) {
        let presumed = if self.is_told { 0 } else { self.written.saturating_sub(MOST_IN_FLIGHT) };
        self.confirm(self.acknowledged.max(presumed), now);
    }

    fn confirm(&mut self, total: u64, now: MediaTime) {
        if total > self.confirmed {
            self.confirmed = total;
            self.progress_at = now;
            while self.writes.front().is_some_and(|(end, _)| *end <= total) {
                self.writes.pop_front();
            }
            self.arrive(now);
        }
        if self.confirmed == self.written {
            self.progress_at = now;
        }
    }

    fn arrive(&mut self, now: MediaTime) {
        while let Some((_, unit)) = self.on_the_way.pop_front_if(|(end, _)| *end <= self.confirmed) {
            if let Some(progress) = self.tracks.get_mut(&unit.track) {
                progress.confirmed_to = progress.confirmed_to.max(Some(unit.to));
                progress.confirmed_at = Some(now);
            }
            let runs = self.fresh.entry((unit.track, Certainty::Confirmed)).or_default();
            runs.insert(unit.from, unit.to);
            if runs.len() > MOST_FRESH {
                runs.forget_shortest(MOST_FRESH / 2);
            }
        }
    }

    /// Some of the first `total` bytes were given up: what of them is not confirmed counts as written only.
    pub(crate) fn give_up(&mut self, total: u64, now: MediaTime) {
        while let Some((_, unit)) = self.on_the_way.pop_front_if(|(end, _)| *end <= total) {
            self.fresh.entry((unit.track, Certainty::Written)).or_default().insert(unit.from, unit.to);
        }
        self.confirm(total.min(self.written), now);
    }

    /// The session is over. `arrived` when the peer closed the connection after everything had been written.
    pub(crate) fn close(&mut self, arrived: bool, now: MediaTime) {
        if arrived && !self.is_told {
            self.confirm(self.written, now);
        }
        for (_, unit) in std::mem::take(&mut self.on_the_way) {
            self.fresh.entry((unit.track, Certainty::Written)).or_default().insert(unit.from, unit.to);
        }
        self.writes.clear();
    }

    /// What is new since the last call.
    pub(crate) fn take(&mut self) -> Vec<Delivered> {
        let fresh = std::mem::take(&mut self.fresh);
        let told = |((track, certainty), runs): (&(Track, Certainty), &Runs)| {
            let (track, certainty) = (*track, *certainty);
            runs.iter().map(|(from, to)| Delivered { track, from, to, certainty }).collect::<Vec<_>>()
        };
        fresh.iter().flat_map(told).collect()
    }

    /// For how long nothing was confirmed although the system has something that should be; zero where it does not
    /// say so.
    pub(crate) fn without_progress(&self, now: MediaTime) -> Span {
        if self.is_told && self.confirmed < self.written { now - self.progress_at } else { Span::ZERO }
    }

    /// Age of the oldest byte that is known not to be confirmed.
    pub(crate) fn oldest_unconfirmed(&self, now: MediaTime) -> Span {
        let oldest = self.writes.front().filter(|_| self.is_told);
        oldest.map_or(Span::ZERO, |(_, at)| now - *at)
    }

    /// How far each track has come at `now`, on air since `live_at`.
    pub(crate) fn progress(&self, live_at: Option<MediaTime>, now: MediaTime) -> Vec<TrackProgress> {
        let told = |(track, progress): (&Track, &Progress)| {
            let sign = if self.is_told { progress.confirmed_at } else { progress.sent_at };
            let since = sign.max(live_at);
            TrackProgress {
                track: *track,
                sent_to: progress.sent_to,
                confirmed_to: progress.confirmed_to,
                confirmed_at: progress.confirmed_at,
                is_silent: live_at.is_some() && since.is_some_and(|since| now - since >= SILENT_AFTER),
            }
        };
        self.tracks.iter().map(told).collect()
    }
}
