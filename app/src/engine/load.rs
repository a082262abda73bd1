//! Whether the machine carries the ladder, from what the canvas and the encoders count.

use std::collections::VecDeque;

use units::{MediaTime, Span};

/// Time over which a strain is judged: long enough that the start of a program or a scene full of new sources does not
/// count.
const STRAIN_WINDOW: Span = Span::from_secs(5);
/// Share of frames that has to be missing before a person is told. OBS warns from a thousandth on, at 10 frames a second
/// and more; here one frame in fifty does, which at 30 per second a viewer sees as a stutter.
const STRAIN_SHARE: f64 = 0.02;
/// Time over which a strain counts as lasting.
const LASTING_WINDOW: Span = Span::from_secs(20);
/// Share of frames missing over that time that is not going to get better by itself.
const LASTING_SHARE: f64 = 0.1;

/// Counters at one instant, totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Frames the canvas made, and frames it was too late for.
    pub(super) rendered: u64,
    pub(super) lagged: u64,
    /// Frames all encoders together were to encode, and frames they did not.
    pub(super) input: u64,
    pub(super) skipped: u64,
}

/// What is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bottleneck {
    Composing,
    Encoding,
}

/// News about the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strain {
    /// Frames are missing; told once until it is over.
    Begun(Bottleneck),
    /// It has lasted: the ladder is too much for this machine.
    Lasting(Bottleneck),
    /// Frames are complete again.
    Over,
}

/// Judges the load once a second or so.
#[derive(Debug, Default)]
pub(super) struct Load {
    samples: VecDeque<(MediaTime, Counted)>,
    is_strained: bool,
}

impl Load {
    /// Takes the counters at `now`; says what changed.
    pub(super) fn judge(&mut self, counted: Counted, now: MediaTime) -> Option<Strain> {
        let back = self.samples.back().map(|(_, last)| *last);
        if back.is_some_and(|last| counted.input < last.input || counted.rendered < last.rendered) {
            // Counters that went back belong to new encoders.
            self.samples.clear();
        }
        self.samples.push_back((now, counted));
        while self.samples.get(1).is_some_and(|(at, _)| now - *at >= LASTING_WINDOW) {
            self.samples.pop_front();
        }
        if let Some(what) = self.missing(LASTING_WINDOW, LASTING_SHARE, now) {
            self.forget();
            return Some(Strain::Lasting(what));
        }
        match (self.missing(STRAIN_WINDOW, STRAIN_SHARE, now), self.is_strained) {
            (Some(what), false) => {
                self.is_strained = true;
                Some(Strain::Begun(what))
            }
            (None, true) => {
                self.is_strained = false;
                Some(Strain::Over)
            }
            _ => None,
        }
    }

    /// Begins anew, as after a change of the ladder.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What misses at least `share` of its frames over the last `window`, once so much time was seen.
    fn missing(&self, window: Span, share: f64, now: MediaTime) -> Option<Bottleneck> {
        let (_, from) = self.samples.iter().rev().find(|(at, _)| now - *at >= window)?;
        let (_, to) = self.samples.back()?;
        let of = |lost: u64, all: u64| all > 0 && lost as f64 >= share * all as f64;
        let lagged = to.lagged - from.lagged.min(to.lagged);
        let ticks = to.rendered - from.rendered + lagged;
        if of(to.skipped.saturating_sub(from.skipped), to.input - from.input) {
            Some(Bottleneck::Encoding)
        } else if of(lagged, ticks) {
            Some(Bottleneck::Composing)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds one sample a second in which so many of 30 frames and of 90 encodes are missing; returns what was said.
    fn run(
        load: &mut Load,
        counted: &mut Counted,
        from: i64,
        seconds: i64,
        lagged: u64,
        skipped: u64,
    ) -> Vec<Strain> {
        let mut said = Vec::new();
        for second in from..from + seconds {
            counted.rendered += 30 - lagged;
            counted.lagged += lagged;
            counted.input += 90;
            counted.skipped += skipped;
            said.extend(load.judge(*counted, MediaTime::from_millis(second * 1000)));
        }
        said
    }

    #[test]
    fn a_strain_is_told_once_and_its_end_once() {
        let (mut load, mut counted) = (Load::default(), Counted::default());
        assert_eq!(run(&mut load, &mut counted, 0, 30, 0, 1), []);
        assert_eq!(run(&mut load, &mut counted, 30, 8, 0, 5), [Strain::Begun(Bottleneck::Encoding)]);
        assert_eq!(run(&mut load, &mut counted, 38, 30, 0, 0), [Strain::Over]);
        assert_eq!(run(&mut load, &mut counted, 68, 6, 2, 0), [Strain::Begun(Bottleneck::Composing)]);
    }

    #[test]
    fn what_lasts_is_told_after_twenty_seconds_and_not_again_at_once() {
        let (mut load, mut counted) = (Load::default(), Counted::default());
        let said = run(&mut load, &mut counted, 0, 21, 0, 20);
        assert_eq!(said, [Strain::Begun(Bottleneck::Encoding), Strain::Lasting(Bottleneck::Encoding)]);
        let said = run(&mut load, &mut counted, 21, 19, 0, 20);
        assert_eq!(said, [Strain::Begun(Bottleneck::Encoding)], "the smaller ladder gets its time");
    }

    #[test]
    fn counters_of_new_encoders_are_no_strain() {
        let (mut load, mut counted) = (Load::default(), Counted::default());
        assert_eq!(run(&mut load, &mut counted, 0, 10, 0, 0), []);
        counted = Counted { rendered: counted.rendered, ..Counted::default() };
        assert_eq!(run(&mut load, &mut counted, 10, 30, 0, 0), []);
    }
}
