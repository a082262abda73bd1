//! When data arrives: silence, starvation, the longest stream.

use std::collections::VecDeque;

use units::{MediaTime, Span};

use super::Observation;
use super::finding::{Finding, Ledger, Severity, code};
use crate::limits::{MAX_SILENCE, MAX_STREAM_DURATION};

/// The guide says "the expected amount of bits … over a certain timeframe" ("What is stream starvation?") and gives no
/// figures. Ours: of the last 5 seconds less than half arrived; over when four fifths arrive again.
const WINDOW: Span = Span::from_secs(5);
const STARVING_BELOW: Span = Span::from_millis(2500);
const HEALTHY_FROM: Span = Span::from_millis(4000);
const STARVATION_SOURCE: &str = "IVS user guide, Troubleshooting, What is stream starvation?";

/// Arrivals closer together than this share one entry of the history, so it holds at most 52.
const GRAIN: Span = Span::from_millis(100);

#[derive(Clone, Copy, Debug)]
struct Mark {
    arrived: MediaTime,
    /// Newest timestamp of the stream by then, in nanoseconds.
    media: i64,
}

/// Watches arrivals from `publish` on.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrival {
    published: Option<MediaTime>,
    last_data: Option<MediaTime>,
    history: VecDeque<Mark>,
    pub(super) starving: bool,
    pub(super) starvations: u32,
    starving_since: MediaTime,
    starved: Span,
}

impl Arrival {
    pub(super) fn published(&mut self, now: MediaTime) {
        self.published.get_or_insert(now);
        self.last_data.get_or_insert(now);
    }

    /// Something of the stream arrived: `media` is its decoding time in nanoseconds.
    pub(super) fn data(&mut self, now: MediaTime, media: i64) {
        self.published(now);
        self.last_data = Some(now);
        let media = self.history.back().map_or(media, |mark| mark.media.max(media));
        // The oldest keeps its own time stamp: it is what progress is measured from.
        let is_oldest = self.history.len() <= 1;
        match self.history.back_mut() {
            Some(mark) if !is_oldest && now - mark.arrived < GRAIN => mark.media = media,
            _ => self.history.push_back(Mark { arrived: now, media }),
        }
    }

    /// Something arrived that is no media: it ends the silence only.
    pub(super) fn heard(&mut self, now: MediaTime) {
        if self.published.is_some() {
            self.last_data = Some(now);
        }
    }

    /// Time spent starving until `now`.
    pub(super) fn starved(&self, now: MediaTime) -> Span {
        if self.starving { self.starved + (now - self.starving_since) } else { self.starved }
    }

    pub(super) fn tick(
        &mut self,
        now: MediaTime,
        ledger: &mut Ledger,
        observations: &mut VecDeque<Observation>,
    ) {
        let (Some(published), Some(last_data)) = (self.published, self.last_data) else {
            return;
        };
        self.watch_starvation(now, ledger, observations);
        let silent = now - last_data;
        if silent >= MAX_SILENCE.value {
            let sentence = format!(
                "No data came for {} seconds; the service ends the stream then.",
                MAX_SILENCE.value.as_millis() / 1000
            );
            ledger.report(Finding::new(
                Severity::Disconnected,
                code::SILENCE,
                now,
                sentence,
                MAX_SILENCE.source,
            ));
        }
        if now - published >= MAX_STREAM_DURATION.value {
            ledger.report(Finding::new(
                Severity::Disconnected,
                code::MAXIMUM_DURATION,
                now,
                "The stream has lasted 48 hours; the service ends it then, and a new one can be started.",
                MAX_STREAM_DURATION.source,
            ));
        }
    }

    fn watch_starvation(
        &mut self,
        now: MediaTime,
        ledger: &mut Ledger,
        observations: &mut VecDeque<Observation>,
    ) {
        let window_start = now - WINDOW;
        // Keep one mark at or before the start of the window to measure from.
        while self.history.get(1).is_some_and(|second| second.arrived <= window_start) {
            self.history.pop_front();
        }
        let (Some(oldest), Some(newest)) = (self.history.front(), self.history.back()) else {
            return;
        };
        if oldest.arrived > window_start {
            return;
        }
        let progress = Span::from_nanos(newest.media.saturating_sub(oldest.media));
        if !self.starving && progress < STARVING_BELOW {
            self.starving = true;
            self.starving_since = now;
            self.starvations += 1;
            observations.push_back(Observation::StarvationStart);
            ledger.report(Finding::new(
                Severity::Warning,
                code::STARVATION,
                now,
                "Less than half of the stream arrived in the last 5 seconds; viewers see it stop or buffer.",
                STARVATION_SOURCE,
            ));
        } else if self.starving && progress >= HEALTHY_FROM {
            self.starved = self.starved(now);
            self.starving = false;
            observations.push_back(Observation::StarvationEnd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `seconds` of a 30 fps stream that arrives as `arrives` says; returns what was observed and when.
    fn observe(seconds: i64, arrives: impl Fn(i64) -> bool) -> Vec<(i64, Observation)> {
        let (mut arrival, mut ledger, mut observations) =
            (Arrival::default(), Ledger::default(), VecDeque::new());
        let mut seen = Vec::new();
        arrival.published(MediaTime::ZERO);
        for frame in 0..seconds * 30 {
            let now = MediaTime::from_millis(frame * 1000 / 30);
            if arrives(frame / 30) {
                arrival.data(now, now.as_nanos());
            }
            arrival.tick(now, &mut ledger, &mut observations);
            seen.extend(observations.drain(..).map(|what| (frame / 30, what)));
        }
        assert!(arrival.history.len() <= 52, "{}", arrival.history.len());
        seen
    }

    #[test]
    fn a_steady_stream_never_starves() {
        assert_eq!(observe(60, |_| true), []);
    }

    #[test]
    fn a_pause_starves_and_data_ends_it() {
        let seen = observe(60, |second| !(20..30).contains(&second));
        assert_eq!(seen, [(22, Observation::StarvationStart), (30, Observation::StarvationEnd)]);
    }

    #[test]
    fn silence_counts_from_the_last_data() {
        let (mut arrival, mut ledger, mut observations) =
            (Arrival::default(), Ledger::default(), VecDeque::new());
        let at = MediaTime::from_millis;
        arrival.published(at(0));
        arrival.data(at(10_000), 0);
        arrival.tick(at(39_999), &mut ledger, &mut observations);
        assert!(!ledger.has(code::SILENCE));
        arrival.tick(at(40_000), &mut ledger, &mut observations);
        assert!(ledger.has(code::SILENCE));
        assert!(!ledger.has(code::MAXIMUM_DURATION));
        arrival.tick(at(48 * 3600 * 1000), &mut ledger, &mut observations);
        assert!(ledger.has(code::MAXIMUM_DURATION));
    }
}
