//! What happens when the sound encoder breaks.

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO
    }
}

#[test]
fn a_broken_encoder_is_started_again_with_right_times_until_it_breaks_too_often() {
    let config = AudioEncoderConfig { track: TrackId(0), bitrate: Kbps(128) };
    let (encoder, receiver) = AacEncoder::start_failing(config, Arc::new(Still), [4; 10].into()).unwrap();
    let (mut restarts, mut indexes, mut given_up) = (0, Vec::new(), false);
    let mut next = 0;
    while !given_up {
        encoder.push(next, &[0.1; 2048], MediaTime::ZERO);
        next += 1024;
        for event in receiver.try_iter() {
            match event {
                EncoderOutput::Unit(unit) => indexes.push(unit.index),
                EncoderOutput::Died { restarting: true, .. } => restarts += 1,
                EncoderOutput::Died { track, .. } => {
                    assert_eq!(track, Track::Audio(TrackId(0)));
                    given_up = true;
                }
                _ => {}
            }
        }
    }
    assert_eq!(restarts, MAX_RESTARTS + 1, "each break is told");
    assert_eq!(encoder.stats().restarts, u64::from(MAX_RESTARTS));
    assert!(!indexes.is_empty() && indexes.iter().all(|index| index % 1024 == 0));
    assert!(indexes.is_sorted_by(|one, next| one < next));
    assert!(encoder.finish());
    encoder.push(next, &[0.1; 2048], MediaTime::ZERO);
}
