//! Rates of the last seconds, made of counters.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use encoder::TrackStats;
use units::{Kbps, TrackId};

use super::Core;

/// Seconds that a rate looks back.
const WINDOW: usize = 4;

/// Bitrate and frame rate of each rendition over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rates {
    samples: BTreeMap<TrackId, VecDeque<(Instant, u64, u64)>>,
}

impl Rates {
    fn add(&mut self, stats: &TrackStats, now: Instant) {
        let samples = self.samples.entry(stats.track).or_default();
        if samples.back().is_some_and(|(_, bytes, _)| *bytes > stats.bytes) {
            // Counters that went back belong to new encoders.
            samples.clear();
        }
        samples.push_back((now, stats.bytes, stats.output));
        while samples.len() > WINDOW + 1 {
            samples.pop_front();
        }
    }

    /// Bitrate and frames per second; zero before the second sample.
    pub(super) fn of(&self, track: TrackId) -> (Kbps, f32) {
        let Some(samples) = self.samples.get(&track) else { return (Kbps(0), 0.0) };
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else { return (Kbps(0), 0.0) };
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        if seconds <= 0.0 {
            return (Kbps(0), 0.0);
        }
        let bits = (last.1 - first.1) as f64 * 8.0;
        let frames = last.2 - first.2;
        (Kbps::from_bits_per_sec((bits / seconds) as u64), (frames as f64 / seconds) as f32)
    }
}

impl Core {
    /// Takes a sample of every rendition's counters.
    pub(super) fn measure(&mut self) {
        let Some(encoding) = &self.encoding else { return };
        let now = Instant::now();
        for stats in encoding.group.stats() {
            self.measured.add(&stats, now);
        }
    }
}
