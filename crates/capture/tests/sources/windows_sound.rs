//! Sound on Windows: what an output plays is heard by loopback, what a microphone hears as input. Under Wine both are
//! the same device of a sound server without loudspeakers.

use std::f32::consts::TAU;

use crate::support::{Heard, context, lost_reason, source, wait_for, wait_until_running};
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use scene::{ProgramSelector, SourceKind};

const TONE_HZ: f32 = 1_000.0;

/// A tone at the default output until it is dropped.
fn tone() -> cpal::Stream {
    let device = cpal::default_host().default_output_device().expect("an output");
    let config = device.default_output_config().unwrap().config();
    let (rate, channels) = (config.sample_rate as f32, usize::from(config.channels));
    let mut sample = 0u32;
    let play = move |data: &mut [f32], _: &cpal::OutputCallbackInfo| {
        for frame in data.chunks_mut(channels) {
            frame.fill(0.5 * (sample as f32 * TAU * TONE_HZ / rate).sin());
            sample = sample.wrapping_add(1) % rate as u32;
        }
    };
    let stream = device.build_output_stream::<f32, _, _>(config, play, |_| (), None).unwrap();
    stream.play().unwrap();
    stream
}

/// Share of the sound's power that lies at `hz` (Goertzel's algorithm), over the last half second heard.
fn share_at(heard: &Heard, hz: f32) -> f32 {
    let heard = heard.lock().unwrap();
    let Some((_, last)) = heard.last() else { return 0.0 };
    let (rate, channels) = (last.rate_hz, usize::from(last.channels));
    let mut samples: Vec<f32> =
        heard.iter().flat_map(|(_, block)| block.samples.iter().step_by(channels).copied()).collect();
    let half = rate as usize / 2;
    if samples.len() < half {
        return 0.0;
    }
    let samples = samples.split_off(samples.len() - half);
    let power: f32 = samples.iter().map(|s| s * s).sum();
    if power < 1.0 {
        return 0.0;
    }
    let factor = 2.0 * (TAU * hz / rate as f32).cos();
    let (before, last) =
        samples.iter().fold((0.0, 0.0), |(before, last), s| (last, s + factor * last - before));
    let at = last * last + before * before - factor * last * before;
    2.0 * at / (power * half as f32)
}

#[test]
fn what_the_computer_plays_is_heard() {
    let listed = capture::list_devices();
    assert!(listed.outputs.iter().any(|output| output.note.ends_with(", default")), "{:?}", listed.outputs);
    let (context, heard) = context(".".as_ref());
    let desktop = source(SourceKind::DesktopAudio { device: None, program: None });
    let source = capture::open(&desktop, &context).unwrap();
    wait_until_running(source.as_ref());
    assert!(source.via().starts_with("WASAPI: "), "{}", source.via());
    let _tone = tone();
    wait_for("the tone", || (share_at(&heard, TONE_HZ) > 0.8).then_some(()));
    assert!(share_at(&heard, 3_000.0) < 0.05);
}

#[test]
fn a_microphone_is_heard() {
    let listed = capture::list_devices();
    let input = listed.inputs.first().expect("an input").clone();
    let (context, heard) = context(".".as_ref());
    let microphone = source(SourceKind::AudioInput { device: Some(input.name.clone()) });
    let source = capture::open(&microphone, &context).unwrap();
    wait_until_running(source.as_ref());
    assert!(source.via().starts_with(&format!("WASAPI: {}, ", input.name)), "{}", source.via());
    wait_for("sound", || (heard.lock().unwrap().len() > 3).then_some(()));
}

#[test]
fn a_program_that_does_not_run_is_named_and_no_other_device_takes_its_place() {
    let (context, heard) = context(".".as_ref());
    let program = ProgramSelector { program: "no-such-game.exe".into(), title: None, all_but: false };
    let program = source(SourceKind::DesktopAudio { device: None, program: Some(program) });
    let source = capture::open(&program, &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    let expected = "“no-such-game.exe” is not heard: it is not running; it is looked for every second";
    assert_eq!(reason, expected);
    assert!(heard.lock().unwrap().is_empty());
}
