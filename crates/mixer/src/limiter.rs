//! The look-ahead peak limiter on the master.

use units::SAMPLE_RATE_HZ;

/// No sample of the mix is louder than this: -1 dBFS.
pub const CEILING: f32 = 0.891_250_9;

/// By how many samples the limiter knows the future: 5 ms.
pub(crate) const LOOK_AHEAD: usize = SAMPLE_RATE_HZ as usize / 200;

/// Window of both filters: a peak is seen in the first and has its full effect at the end of the second.
const WINDOW: usize = LOOK_AHEAD + 1;

/// How fast the gain comes back: to 63 % in 100 ms.
const RELEASE_SAMPLES: f64 = SAMPLE_RATE_HZ as f64 / 10.0;

/// For each frame that goes in, the frame that went in [`LOOK_AHEAD`] frames earlier comes out, attenuated so that it
/// does not exceed [`CEILING`].
///
/// The gain each frame needs is held down over a window (sliding minimum), let go exponentially, and averaged over a
/// window of the same length, which makes it glide. When a frame comes out, every value of the average is at most
/// what it needs.
pub(crate) struct Limiter {
    /// Frames on their way through.
    delay: [[f32; 2]; LOOK_AHEAD],
    /// Candidates for the sliding minimum: number of the frame and its gain, rising gains.
    candidates: [(u64, f64); WINDOW],
    candidates_begin: usize,
    candidates_len: usize,
    released: f64,
    average: [f64; WINDOW],
    sum: f64,
    number: u64,
    least: f64,
    release: f64,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self {
            delay: [[0.0; 2]; LOOK_AHEAD],
            candidates: [(0, 1.0); WINDOW],
            candidates_begin: 0,
            candidates_len: 0,
            released: 1.0,
            average: [1.0; WINDOW],
            sum: WINDOW as f64,
            number: 0,
            least: 1.0,
            release: 1.0 - (-1.0 / RELEASE_SAMPLES).exp(),
        }
    }

    /// Puts one frame in and takes one out.
    pub(crate) fn process(&mut self, frame: [f32; 2]) -> [f32; 2] {
        let peak = frame[0].abs().max(frame[1].abs());
        let needed = if peak > CEILING { f64::from(CEILING) / f64::from(peak) } else { 1.0 };
        let held = self.hold(needed);
        self.released = held.min(self.released + (1.0 - self.released) * self.release);

        let place = usize::try_from(self.number % WINDOW as u64).unwrap_or(0);
        if let Some(slot) = self.average.get_mut(place) {
            self.sum += self.released - *slot;
            *slot = self.released;
        }
        if place == 0 {
            // Rounding must not add up over hours.
            self.sum = self.average.iter().sum();
        }
        let gain = (self.sum / WINDOW as f64).min(1.0);
        self.least = self.least.min(gain);

        let place = usize::try_from(self.number % LOOK_AHEAD as u64).unwrap_or(0);
        let delayed = self.delay.get_mut(place).map_or(frame, |slot| std::mem::replace(slot, frame));
        self.number += 1;
        delayed.map(|sample| ((f64::from(sample) * gain) as f32).clamp(-CEILING, CEILING))
    }

    /// The least of the last [`WINDOW`] gains.
    fn hold(&mut self, gain: f64) -> f64 {
        let at = |begin: usize, offset: usize| (begin + offset) % WINDOW;
        let oldest = (self.number + 1).saturating_sub(WINDOW as u64);
        while self.candidates_len > 0 {
            match self.candidates.get(self.candidates_begin) {
                Some((number, _)) if *number < oldest => {
                    self.candidates_begin = at(self.candidates_begin, 1);
                    self.candidates_len -= 1;
                }
                _ => break,
            }
        }
        while self.candidates_len > 0 {
            match self.candidates.get(at(self.candidates_begin, self.candidates_len - 1)) {
                Some((_, other)) if *other >= gain => self.candidates_len -= 1,
                _ => break,
            }
        }
        // At most WINDOW candidates: their numbers differ and lie within the window.
        if let Some(slot) = self.candidates.get_mut(at(self.candidates_begin, self.candidates_len)) {
            *slot = (self.number, gain);
            self.candidates_len += 1;
        }
        self.candidates.get(self.candidates_begin).map_or(gain, |(_, least)| *least)
    }

    /// The lowest gain since this was last asked, as a positive number of decibels; and starts over.
    pub(crate) fn take_reduction_db(&mut self) -> f32 {
        let least = std::mem::replace(&mut self.least, 1.0);
        (-20.0 * least.log10()).max(0.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(limiter: &mut Limiter, input: impl IntoIterator<Item = f32>) -> Vec<f32> {
        input.into_iter().map(|sample| limiter.process([sample, -sample])[0]).collect()
    }

    #[test]
    fn quiet_sound_passes_untouched_and_late_by_the_look_ahead() {
        let mut limiter = Limiter::new();
        let input: Vec<f32> = (0..2000).map(|n| (n as f32 * 0.1).sin() * 0.8).collect();
        let output = run(&mut limiter, input.iter().copied());
        assert_eq!(output[LOOK_AHEAD..], input[..2000 - LOOK_AHEAD]);
        assert_eq!(limiter.take_reduction_db(), 0.0);
    }

    #[test]
    fn a_peak_is_met_smoothly_and_let_go_slowly() {
        let mut limiter = Limiter::new();
        let mut input = vec![0.5f32; 30_000];
        input[5000] = 4.0;
        let output = run(&mut limiter, input);
        let peak = output[5000 + LOOK_AHEAD];
        assert!((peak - CEILING).abs() < 0.02, "{peak}");
        for pair in output[LOOK_AHEAD..].windows(2) {
            let step = (pair[1] - pair[0]).abs();
            assert!(step < 0.01 || pair.contains(&peak), "a jump of {step}");
        }
        let reduction = limiter.take_reduction_db();
        assert!((reduction - 13.04).abs() < 0.1, "{reduction} dB");
        let after = |ms: usize| output[5000 + 2 * LOOK_AHEAD + ms * 48] / 0.5;
        assert!(after(20) < 0.5, "{}", after(20));
        assert!(after(400) > 0.97, "{}", after(400));
    }

    proptest! {
        #[test]
        fn nothing_exceeds_the_ceiling(
            input in proptest::collection::vec(prop_oneof![-1.0f32..1.0, -16.0f32..16.0, Just(16.0), Just(0.0)], 1..3000)
        ) {
            let mut limiter = Limiter::new();
            for sample in input {
                let [left, right] = limiter.process([sample, sample * 0.3]);
                prop_assert!(left.abs() <= CEILING && right.abs() <= CEILING);
                // Not by cutting: the gain alone is enough, up to rounding.
                prop_assert!(limiter.sum / WINDOW as f64 <= 1.0 + 1e-9);
            }
        }

        #[test]
        fn the_gain_alone_is_enough(
            input in proptest::collection::vec(prop_oneof![-1.0f32..1.0, -16.0f32..16.0], 300..2000)
        ) {
            let mut limiter = Limiter::new();
            let mut delayed = std::collections::VecDeque::new();
            for sample in input {
                delayed.push_back(sample);
                limiter.process([sample, sample]);
                if delayed.len() > LOOK_AHEAD {
                    let out = f64::from(delayed.pop_front().unwrap()) * (limiter.sum / WINDOW as f64);
                    prop_assert!(out.abs() <= f64::from(CEILING) + 1e-6, "{}", out);
                }
            }
        }
    }
}
