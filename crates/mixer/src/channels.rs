//! Any number of channels to stereo, and broken samples to silence.

/// Louder than any sound: +24 dBFS. Samples are kept within it so that sums stay finite.
const LOUDEST: f32 = 16.0;
/// Below this a sample is silence; smaller numbers only slow the processor down.
const QUIETEST: f32 = 1e-20;
/// -3 dB, the weight of centre and surround (ITU-R BS.775-4, table 2).
const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// A sample that can be calculated with.
pub(crate) fn clean(sample: f32) -> f32 {
    if !sample.is_finite() || sample.abs() < QUIETEST { 0.0 } else { sample.clamp(-LOUDEST, LOUDEST) }
}

/// One frame of `channels` samples as left and right. Mono goes to both sides; 4.0, 5.1 and 7.1 in the order of
/// SMPTE and Windows are mixed down; of anything else the first two channels are taken.
pub(crate) fn to_stereo(frame: &[f32]) -> [f32; 2] {
    match *frame {
        [] => [0.0, 0.0],
        [mono] => [clean(mono); 2],
        [left, right, rear_left, rear_right] => fold([left, right], 0.0, [rear_left, rear_right]),
        [left, right, centre, _, rear_left, rear_right] => {
            fold([left, right], centre, [rear_left, rear_right])
        }
        [left, right, centre, _, rear_left, rear_right, side_left, side_right] => {
            let sides = [clean(rear_left) + clean(side_left), clean(rear_right) + clean(side_right)];
            fold([left, right], centre, sides)
        }
        [left, right, ..] => [clean(left), clean(right)],
    }
}

fn fold(front: [f32; 2], centre: f32, rear: [f32; 2]) -> [f32; 2] {
    let ([left, right], [rear_left, rear_right]) = (front, rear);
    let centre = clean(centre) * HALF_POWER;
    [
        clean(clean(left) + centre + clean(rear_left) * HALF_POWER),
        clean(clean(right) + centre + clean(rear_right) * HALF_POWER),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_fold_to_stereo() {
        assert_eq!(to_stereo(&[0.5]), [0.5, 0.5]);
        assert_eq!(to_stereo(&[0.1, 0.2]), [0.1, 0.2]);
        assert_eq!(to_stereo(&[0.1, 0.2, 0.9]), [0.1, 0.2]);
        let [left, right] = to_stereo(&[0.1, 0.2, 0.3, 1.0, 0.4, 0.0]);
        assert!((left - (0.1 + 0.7 * HALF_POWER)).abs() < 1e-6);
        assert!((right - (0.2 + 0.3 * HALF_POWER)).abs() < 1e-6);
    }

    #[test]
    fn broken_samples_become_silence() {
        assert_eq!(to_stereo(&[f32::NAN, f32::INFINITY]), [0.0, 0.0]);
        assert_eq!(to_stereo(&[1e-40, -1e30]), [0.0, -LOUDEST]);
    }
}
