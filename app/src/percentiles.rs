//! Medians and 99th percentiles of durations, in constant memory.

use std::sync::atomic::{AtomicU64, Ordering};

use units::Span;

use crate::report::Percentiles;

/// Width of a bucket: a quarter of a millisecond.
const BUCKET: Span = Span::from_micros(250);
/// Buckets up to one second; the last one holds everything longer.
const BUCKETS: usize = 4001;

/// Counts durations by their length. Many threads may record.
#[derive(Debug)]
pub(crate) struct Durations {
    counts: Vec<AtomicU64>,
}

impl Default for Durations {
    fn default() -> Self {
        Self { counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Durations {
    pub(crate) fn record(&self, span: Span) {
        let bucket = usize::try_from(span.as_nanos().max(0) / BUCKET.as_nanos()).unwrap_or(BUCKETS);
        if let Some(count) = self.counts.get(bucket.min(BUCKETS - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Median and 99th percentile in milliseconds, each the upper end of its bucket; zero when nothing was recorded.
    pub(crate) fn percentiles(&self) -> Percentiles {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let at = |share: f64| {
            let rank = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            counts
                .iter()
                .position(|count| {
                    seen += count;
                    total > 0 && seen >= rank.max(1)
                })
                .map_or(0.0, |bucket| (bucket + 1) as f64 * BUCKET.as_secs_f64() * 1000.0)
        };
        Percentiles { median: at(0.5), p99: at(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all() {
        let durations = Durations::default();
        assert_eq!(durations.percentiles().median, 0.0);
        for ms in 1..=100 {
            durations.record(Span::from_millis(ms) - Span::from_micros(1));
        }
        let found = durations.percentiles();
        assert_eq!((found.median, found.p99), (50.0, 99.0));
        durations.record(Span::from_secs(3600));
        durations.record(Span::from_millis(-5));
    }
}
