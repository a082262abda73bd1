//! How long pictures take from the compositor to the wire, and how fast bytes leave.

use std::collections::VecDeque;

use units::{Kbps, MediaTime, Span};

/// Median and 99th percentile of a set of spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of the samples are at most this.
    pub median: Span,
    /// 99 of 100 samples are at most this.
    pub p99: Span,
    /// Samples that were looked at; both figures are zero without any.
    pub samples: u64,
}

/// Samples kept for the recent figures: ten seconds of five renditions at 60 frames per second.
const RECENT_SAMPLES: usize = 3_000;

/// Latency over the last ten seconds, exact, and over the whole session, within two per cent.
#[derive(Debug)]
pub struct Latency {
    recent: VecDeque<(MediaTime, Span)>,
    session: Histogram,
}

impl Default for Latency {
    fn default() -> Self {
        Self { recent: VecDeque::new(), session: Histogram::new() }
    }
}

impl Latency {
    /// How far back [`Self::recent`] looks.
    pub const WINDOW: Span = Span::from_secs(10);

    /// Adds what was measured at `now`.
    pub fn add(&mut self, span: Span, now: MediaTime) {
        self.session.add(span);
        self.recent.push_back((now, span));
        while self.recent.len() > RECENT_SAMPLES {
            self.recent.pop_front();
        }
    }

    /// Figures of the last ten seconds before `now`.
    pub fn recent(&self, now: MediaTime) -> Percentiles {
        let mut spans: Vec<Span> =
            self.recent.iter().filter(|(at, _)| now - *at <= Self::WINDOW).map(|(_, span)| *span).collect();
        spans.sort_unstable();
        let at = |rank: u64| usize::try_from(rank).ok().and_then(|rank| spans.get(rank)).copied();
        let samples = spans.len() as u64;
        Percentiles {
            median: at(nearest_rank(samples, 50)).unwrap_or_default(),
            p99: at(nearest_rank(samples, 99)).unwrap_or_default(),
            samples,
        }
    }

    /// Figures since the start.
    pub fn session(&self) -> Percentiles {
        self.session.percentiles()
    }
}

/// Index, from zero, of the sample at `percent` of `samples` by the nearest-rank rule.
fn nearest_rank(samples: u64, percent: u64) -> u64 {
    (samples * percent).div_ceil(100).saturating_sub(1)
}

/// Bits of a value that are kept: 64 steps for each doubling, an error below 1/64.
const PRECISION_BITS: u32 = 6;
/// Values are clamped to this many bits of microseconds: 4295 seconds.
const VALUE_BITS: u32 = 32;

/// Counts of spans in steps that grow with the value, so that a day of samples needs a few kilobytes.
#[derive(Debug)]
struct Histogram {
    counts: Box<[u64]>,
    samples: u64,
}

impl Histogram {
    fn new() -> Self {
        let steps = (VALUE_BITS - PRECISION_BITS + 1) << PRECISION_BITS;
        Self { counts: vec![0; steps as usize].into_boxed_slice(), samples: 0 }
    }

    fn step_of(micros: u32) -> u32 {
        let shift = (u32::BITS - micros.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
        (shift << PRECISION_BITS) + (micros >> shift)
    }

    /// Largest value in microseconds of step `step`.
    fn end_of(step: u32) -> u64 {
        let shift = (step >> PRECISION_BITS).saturating_sub(1);
        let kept = u64::from(step - (shift << PRECISION_BITS));
        ((kept + 1) << shift) - 1
    }

    fn add(&mut self, span: Span) {
        let micros = u32::try_from(span.as_nanos().max(0) / 1_000).unwrap_or(u32::MAX);
        if let Some(count) = self.counts.get_mut(Self::step_of(micros) as usize) {
            *count += 1;
            self.samples += 1;
        }
    }

    fn at(&self, rank: u64) -> Span {
        let mut seen = 0;
        for (step, count) in (0u32..).zip(&self.counts) {
            seen += count;
            if seen > rank {
                return Span::from_micros(i64::try_from(Self::end_of(step)).unwrap_or(i64::MAX));
            }
        }
        Span::ZERO
    }

    fn percentiles(&self) -> Percentiles {
        if self.samples == 0 {
            return Percentiles::default();
        }
        Percentiles {
            median: self.at(nearest_rank(self.samples, 50)),
            p99: self.at(nearest_rank(self.samples, 99)),
            samples: self.samples,
        }
    }
}

/// Bytes over the last two seconds.
#[derive(Debug, Default)]
pub struct Throughput {
    sent: VecDeque<(MediaTime, u64)>,
    started: Option<MediaTime>,
}

impl Throughput {
    /// How far back it looks.
    pub const WINDOW: Span = Span::from_secs(2);

    /// `bytes` left at `now`.
    pub fn add(&mut self, bytes: u64, now: MediaTime) {
        self.started.get_or_insert(now);
        // Writes within one millisecond share an entry, which bounds the list at two thousand.
        match self.sent.back_mut() {
            Some((at, sum)) if at.as_millis() == now.as_millis() => *sum += bytes,
            _ => self.sent.push_back((now, bytes)),
        }
        while self.sent.front().is_some_and(|(at, _)| now - *at > Self::WINDOW) {
            self.sent.pop_front();
        }
    }

    /// The rate over the two seconds before `now`, or over the time since the first byte where that is shorter.
    pub fn rate(&self, now: MediaTime) -> Kbps {
        let Some(started) = self.started else { return Kbps(0) };
        let over = (now - started).as_nanos().clamp(1, Self::WINDOW.as_nanos());
        let bytes: u64 =
            self.sent.iter().filter(|(at, _)| now - *at <= Self::WINDOW).map(|(_, bytes)| *bytes).sum();
        let bits_per_sec = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(over.unsigned_abs());
        // The first milliseconds of a session would otherwise read as gigabits.
        if over < 100_000_000 {
            Kbps(0)
        } else {
            Kbps::from_bits_per_sec(u64::try_from(bits_per_sec).unwrap_or(u64::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recent_figures_forget_and_session_figures_do_not() {
        let mut latency = Latency::default();
        for n in 1..=100 {
            latency.add(Span::from_millis(n), MediaTime::from_millis(n));
        }
        let now = MediaTime::from_millis(100);
        assert_eq!(
            latency.recent(now),
            Percentiles { median: Span::from_millis(50), p99: Span::from_millis(99), samples: 100 }
        );
        assert_eq!(latency.recent(now + Span::from_secs(11)), Percentiles::default());
        let session = latency.session();
        assert_eq!(session.samples, 100);
        assert!((session.median - Span::from_millis(50)).abs() < Span::from_millis(1), "{session:?}");
    }

    #[test]
    fn rate_counts_two_seconds() {
        let mut sent = Throughput::default();
        for n in 0..50 {
            sent.add(12_500, MediaTime::from_millis(n * 100));
        }
        let rate = sent.rate(MediaTime::from_millis(4_900));
        assert!((1_000..=1_060).contains(&rate.0), "{rate}");
        assert_eq!(sent.rate(MediaTime::from_millis(60_000)), Kbps(0));
    }

    proptest! {
        #[test]
        fn a_step_holds_its_value(micros in any::<u32>()) {
            let step = Histogram::step_of(micros);
            prop_assert!((step as usize) < Histogram::new().counts.len());
            let end = Histogram::end_of(step);
            prop_assert!(end >= u64::from(micros));
            prop_assert!(end - u64::from(micros) <= u64::from(micros) / 64 + 1);
        }
    }
}
