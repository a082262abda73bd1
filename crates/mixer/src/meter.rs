//! Levels for the eye: peak, peak hold, RMS and loudness, of stereo sound at 48 kHz.

use units::SAMPLE_RATE_HZ;

/// Frames of one step of the peak and RMS meters: 10 ms.
const STEP: usize = SAMPLE_RATE_HZ as usize / 100;
/// Steps of the peak hold: 1 s.
const HOLD: usize = 100;
/// Steps of the shown peak: 50 ms, so that a window painting 20 times a second misses none.
const PEAK: usize = 5;
/// Steps of the RMS meter: 300 ms, the integration time of a VU meter (IEC 60268-17).
const RMS: usize = 30;
/// Steps of short-term loudness: 3 s (EBU Tech 3341, 2.2).
const SHORT_TERM: usize = 300;

/// The lowest level that is told apart from silence, in dB.
pub const SILENCE_DB: f32 = -120.0;

/// Levels at one point of the mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Highest sample of the last 50 ms, left and right, in dBFS.
    pub peak_db: [f32; 2],
    /// Highest sample of the last second, left and right, in dBFS.
    pub hold_db: [f32; 2],
    /// Root mean square over 300 ms, left and right, in dBFS; a full-scale sine is at -3.
    pub rms_db: [f32; 2],
    /// Short-term loudness over 3 s in LUFS (EBU Tech 3341; ITU-R BS.1770-4), counting the time before the first
    /// sound as silence.
    pub short_term_lufs: f32,
}

impl Levels {
    /// No sound at all.
    pub const SILENCE: Self = Self {
        peak_db: [SILENCE_DB; 2],
        hold_db: [SILENCE_DB; 2],
        rms_db: [SILENCE_DB; 2],
        short_term_lufs: SILENCE_DB,
    };
}

#[derive(Clone, Copy, Default)]
struct Step {
    peak: [f32; 2],
    squares: [f64; 2],
    weighted: f64,
}

/// Measures what passes.
pub(crate) struct Meter {
    steps: Box<[Step; SHORT_TERM]>,
    newest: usize,
    current: Step,
    frames: usize,
    filters: [KWeighting; 2],
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            steps: Box::new([Step::default(); SHORT_TERM]),
            newest: 0,
            current: Step::default(),
            frames: 0,
            filters: [KWeighting::default(), KWeighting::default()],
        }
    }

    pub(crate) fn add(&mut self, frame: [f32; 2]) {
        let step = &mut self.current;
        for (((sample, peak), squares), filter) in
            frame.into_iter().zip(&mut step.peak).zip(&mut step.squares).zip(&mut self.filters)
        {
            *peak = peak.max(sample.abs());
            let sample = f64::from(sample);
            *squares += sample * sample;
            let weighted = filter.process(sample);
            step.weighted += weighted * weighted;
        }
        self.frames += 1;
        if self.frames == STEP {
            self.frames = 0;
            self.newest = (self.newest + 1) % SHORT_TERM;
            let done = std::mem::take(&mut self.current);
            if let Some(slot) = self.steps.get_mut(self.newest) {
                *slot = done;
            }
        }
    }

    fn last(&self, count: usize) -> impl Iterator<Item = &Step> {
        (0..count).filter_map(move |age| self.steps.get((self.newest + SHORT_TERM - age) % SHORT_TERM))
    }

    pub(crate) fn levels(&self) -> Levels {
        let peak = |count| {
            self.last(count)
                .chain([&self.current])
                .fold([0f32; 2], |most, step| [most[0].max(step.peak[0]), most[1].max(step.peak[1])])
        };
        let amplitude_db = |value: f32| decibels(f64::from(value) * f64::from(value));
        let squares =
            self.last(RMS).fold([0f64; 2], |sum, step| [sum[0] + step.squares[0], sum[1] + step.squares[1]]);
        let weighted: f64 = self.last(SHORT_TERM).map(|step| step.weighted).sum();
        let mean = weighted / (SHORT_TERM * STEP) as f64;
        Levels {
            peak_db: peak(PEAK).map(amplitude_db),
            hold_db: peak(HOLD).map(amplitude_db),
            rms_db: squares.map(|sum| decibels(sum / (RMS * STEP) as f64)),
            // ITU-R BS.1770-4, equation 2: left and right have weight 1.
            short_term_lufs: (decibels(mean) - 0.691).max(SILENCE_DB),
        }
    }
}

fn decibels(power: f64) -> f32 {
    (10.0 * power.max(1e-12).log10()) as f32
}

/// The two filters of ITU-R BS.1770-4, annex 1, tables 1 and 2: a shelf for the head and a high-pass, at 48 kHz.
#[derive(Clone, Copy, Default)]
struct KWeighting {
    shelf: [f64; 2],
    high_pass: [f64; 2],
}

impl KWeighting {
    fn process(&mut self, sample: f64) -> f64 {
        const SHELF: [f64; 5] =
            [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585];
        const HIGH_PASS: [f64; 5] = [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621];
        let shelved = biquad(SHELF, &mut self.shelf, sample);
        biquad(HIGH_PASS, &mut self.high_pass, shelved)
    }
}

/// One step of a second-order filter, transposed direct form II.
fn biquad([b0, b1, b2, a1, a2]: [f64; 5], state: &mut [f64; 2], input: f64) -> f64 {
    let output = b0 * input + state[0];
    // Adding and taking away a small number makes a decaying tail zero before it becomes denormal.
    state[0] = b1 * input - a1 * output + state[1] + 1e-30 - 1e-30;
    state[1] = b2 * input - a2 * output + 1e-30 - 1e-30;
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude_db: f32, hz: f32, seconds: usize) -> Vec<[f32; 2]> {
        let amplitude = 10f32.powf(amplitude_db / 20.0);
        (0..seconds * 48_000)
            .map(|n| {
                [(n as f64 * f64::from(hz) * std::f64::consts::TAU / 48_000.0).sin() as f32 * amplitude; 2]
            })
            .collect()
    }

    #[test]
    fn a_sine_reads_as_the_standards_say() {
        let mut meter = Meter::new();
        sine(-20.0, 1000.0, 4).into_iter().for_each(|frame| meter.add(frame));
        let levels = meter.levels();
        // EBU Tech 3341, test 1: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS; so -20 dBFS has -20 LUFS.
        assert!((levels.short_term_lufs + 20.0).abs() < 0.1, "{levels:?}");
        assert!((levels.rms_db[0] + 23.01).abs() < 0.05, "{levels:?}");
        assert!((levels.peak_db[1] + 20.0).abs() < 0.05, "{levels:?}");
    }

    #[test]
    fn loudness_agrees_with_libebur128() {
        for (level, hz) in [(-20.0, 1000.0), (-31.0, 100.0), (-12.0, 8000.0), (-40.0, 37.0)] {
            let mut meter = Meter::new();
            let mut judge = ebur128::EbuR128::new(2, 48_000, ebur128::Mode::S).unwrap();
            let sound = sine(level, hz, 5);
            sound.iter().for_each(|frame| meter.add(*frame));
            judge.add_frames_f32(sound.as_flattened()).unwrap();
            let (ours, theirs) = (meter.levels().short_term_lufs, judge.loudness_shortterm().unwrap() as f32);
            assert!((ours - theirs).abs() < 0.05, "{hz} Hz: {ours} and {theirs} LUFS");
        }
    }

    #[test]
    fn hold_outlives_the_peak_by_a_second() {
        let mut meter = Meter::new();
        meter.add([1.0, 0.5]);
        (0..24_000).for_each(|_| meter.add([0.0; 2]));
        let levels = meter.levels();
        assert_eq!(levels.peak_db, [SILENCE_DB; 2]);
        assert!(levels.hold_db[0].abs() < 1e-3 && (levels.hold_db[1] + 6.02).abs() < 0.01);
        (0..30_000).for_each(|_| meter.add([0.0; 2]));
        assert_eq!(meter.levels().hold_db, [SILENCE_DB; 2]);
        assert_eq!(Meter::new().levels(), Levels::SILENCE);
    }
}
