//! Sound devices, against a PulseAudio server that the test starts with outputs that lead nowhere.
//!
//! The sound libraries find their server through the environment, which a test must not change for its neighbours. So
//! each test starts the server and then runs itself again in a child process whose environment names that server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Heard, Killed, context, lost_reason, source, wait_for, wait_until_running};
use capture::SourceState;
use scene::SourceKind;
use units::{AudioBlock, Span, span_from_samples};

/// Names the server's socket to the child.
const SOCKET: &str = "GENLOCK_TEST_PULSE_SOCKET";

/// Runs `test` again with a server of its own, or says that this already is that run.
fn with_server(test: &str) -> Option<PathBuf> {
    if let Some(socket) = std::env::var_os(SOCKET) {
        return Some(socket.into());
    }
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("native");
    let null_sink = |name: &str, text: &str| {
        format!(
            "--load=module-null-sink sink_name={name} sink_properties=\"device.description='{text}'\" rate=48000 channels=2"
        )
    };
    let server = Command::new("pulseaudio")
        .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit"])
        .arg(format!("--load=module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()))
        .arg(null_sink("speakers", "Good Speakers"))
        .arg(null_sink("headset", "Headset"))
        .arg(
            "--load=module-remap-source source_name=mic master=headset.monitor \
              source_properties=\"device.description='Good Microphone'\"",
        )
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("pulseaudio is installed");
    let _server = Killed(server);
    wait_for("the sound server", || {
        let answer = pactl(&socket, &["list", "short", "sources"]);
        answer.contains("mic").then_some(())
    });
    let server = format!("unix:{}", socket.display());
    let home = home.path().as_os_str();
    let environment = [
        ("HOME", home),
        ("XDG_RUNTIME_DIR", home),
        ("PULSE_SERVER", server.as_ref()),
        (SOCKET, socket.as_os_str()),
    ];
    crate::support::run_again(test, &environment);
    None
}

fn pactl(socket: &Path, arguments: &[&str]) -> String {
    let output = Command::new("pactl")
        .arg(format!("--server=unix:{}", socket.display()))
        .args(arguments)
        .output()
        .expect("pactl is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Plays a tone of `hz` into the output until dropped.
fn play(socket: &Path, output: &str, hz: u32) -> Killed {
    let tone = format!("sine=frequency={hz}:sample_rate=48000,volume=4");
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "quiet", "-nostdin", "-f", "lavfi", "-i", &tone, "-ac", "2"])
        .args(["-t", "300", "-f", "s16le", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    let player = Command::new("pacat")
        .arg(format!("--server=unix:{}", socket.display()))
        .args(["--playback", "--raw", "--rate=48000", "--channels=2", "--format=s16le"])
        .arg(format!("--device={output}"))
        .stdin(ffmpeg.stdout.take().unwrap())
        .spawn()
        .expect("pacat is installed");
    // ffmpeg ends when its reader is gone.
    std::thread::Builder::new().name("reaper".into()).spawn(move || ffmpeg.wait()).unwrap();
    Killed(player)
}

/// Strength of `hz` in the first channel (Goertzel's algorithm), 1 for a sine of full scale.
fn strength(samples: &[f32], hz: f64) -> f64 {
    let step = 2.0 * (std::f64::consts::TAU * hz / 48_000.0).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (f64::from(*sample) + step * one - two, one);
    }
    2.0 * (one * one + two * two - step * one * two).max(0.0).sqrt() / samples.len() as f64
}

/// Takes the sound heard so far away and looks at its last `frames` samples of the first channel.
fn last_heard(heard: &Heard, frames: usize) -> Option<Vec<f32>> {
    let heard = heard.lock().unwrap();
    let first: Vec<f32> =
        heard.iter().flat_map(|(_, b)| b.samples.iter().step_by(usize::from(b.channels)).copied()).collect();
    (first.len() >= frames).then(|| first[first.len() - frames..].to_vec())
}

/// Waits until a tone of `hz` is heard.
fn wait_for_tone(heard: &Heard, hz: f64) {
    wait_for(&format!("a tone of {hz} Hz"), || {
        last_heard(heard, 9600).filter(|samples| strength(samples, hz) > 0.2).map(drop)
    });
}

fn desktop(device: Option<&str>) -> scene::Source {
    source(SourceKind::DesktopAudio { device: device.map(str::to_owned), program: None })
}

#[test]
fn what_the_computer_plays_is_heard() {
    let Some(socket) = with_server("sound_devices::what_the_computer_plays_is_heard") else { return };
    let _tone = play(&socket, "speakers", 1000);
    let _other = play(&socket, "headset", 3000);
    let (context, heard) = context(".".as_ref());
    let opened = context.clock.now();
    let source = capture::open(&desktop(Some("Good Speakers")), &context).unwrap();
    wait_until_running(source.as_ref());
    wait_for_tone(&heard, 1000.0);
    assert!(source.via().starts_with("PulseAudio: "), "{}", source.via());
    assert!(source.via().ends_with("48000 Hz, 2 channels, chosen by name"), "{}", source.via());
    assert!(source.newest_frame().is_none());

    heard.lock().unwrap().clear();
    wait_for("a second", || last_heard(&heard, 48_000));
    let samples = last_heard(&heard, 48_000).unwrap();
    assert!(strength(&samples, 1000.0) > 0.2);
    assert!(strength(&samples, 3000.0) < 0.01, "nothing of the other output");
    let blocks: Vec<AudioBlock> = heard.lock().unwrap().iter().map(|(_, b)| b.clone()).collect();
    assert!(blocks.iter().all(|b| b.rate_hz == 48_000 && b.channels == 2));
    let is_joined = |pair: &&[AudioBlock]| {
        let end = pair[0].captured_at + span_from_samples(pair[0].frames() as u64);
        (pair[1].captured_at - end).abs() < Span::from_millis(1)
    };
    // A computer that was busy for a moment may make us correct the time once.
    let joined = blocks.windows(2).filter(is_joined).count();
    assert!(joined * 10 >= (blocks.len() - 1) * 9, "{joined} of {} blocks lie end to end", blocks.len());
    // The stamps follow the media clock: all of this was heard between opening and now.
    assert!(blocks.iter().all(|b| b.captured_at > opened && b.captured_at <= context.clock.now()));

    // The other output, and the default, which is the first.
    let other = capture::open(&desktop(Some("headset")), &context).unwrap();
    wait_until_running(other.as_ref());
    drop(source);
    heard.lock().unwrap().clear();
    wait_for_tone(&heard, 3000.0);
    drop(other);
    pactl(&socket, &["set-default-sink", "speakers"]);
    let default = capture::open(&desktop(None), &context).unwrap();
    wait_until_running(default.as_ref());
    heard.lock().unwrap().clear();
    wait_for_tone(&heard, 1000.0);
    assert!(default.via().ends_with("the default when it was opened"), "{}", default.via());
}

#[test]
fn a_device_that_vanishes_is_silent_until_it_is_back() {
    let Some(socket) = with_server("sound_devices::a_device_that_vanishes_is_silent_until_it_is_back") else {
        return;
    };
    let (context, heard) = context(".".as_ref());
    let _other = play(&socket, "headset", 3000);
    let tone = play(&socket, "speakers", 1000);
    let source = capture::open(&desktop(Some("Good Speakers")), &context).unwrap();
    wait_until_running(source.as_ref());
    wait_for_tone(&heard, 1000.0);

    drop(tone);
    let modules = pactl(&socket, &["list", "short", "modules"]);
    let module = modules.lines().find(|line| line.contains("sink_name=speakers")).unwrap();
    pactl(&socket, &["set-default-sink", "headset"]);
    pactl(&socket, &["unload-module", module.split_whitespace().next().unwrap()]);
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    assert!(reason.starts_with("The sound of “Good Speakers” is not heard: "), "{reason}");
    heard.lock().unwrap().clear();
    let until = Instant::now() + Duration::from_millis(1500);
    wait_for("some retries", || (Instant::now() > until).then_some(()));
    assert!(heard.lock().unwrap().is_empty(), "silence, and not the other output");

    let again = "sink_properties=\"device.description='Good Speakers'\"";
    pactl(&socket, &["load-module", "module-null-sink", "sink_name=speakers", again, "rate=48000"]);
    wait_for("its return", || (source.state() == SourceState::Running).then_some(()));
    let _tone = play(&socket, "speakers", 1000);
    wait_for_tone(&heard, 1000.0);
}

#[test]
fn microphones_are_inputs_and_not_monitors() {
    let Some(socket) = with_server("sound_devices::microphones_are_inputs_and_not_monitors") else { return };
    let (context, heard) = context(".".as_ref());
    let _tone = play(&socket, "headset", 2000);
    let microphone = |device: &str| source(SourceKind::AudioInput { device: Some(device.into()) });
    let source = capture::open(&microphone("Good Microphone"), &context).unwrap();
    wait_until_running(source.as_ref());
    wait_for_tone(&heard, 2000.0);
    drop(source);

    let absent = capture::open(&microphone("A Better One"), &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(absent.as_ref()));
    assert_eq!(
        reason,
        "Microphone “A Better One” is not heard: the sound inputs that are connected are “Good Microphone”"
    );
    let devices = capture::list_devices();
    let names = |list: &[capture::Device]| list.iter().map(|d| d.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&devices.inputs), ["Good Microphone"]);
    assert_eq!(names(&devices.outputs), ["Good Speakers", "Headset"]);
    assert!(devices.inputs[0].note.contains("PulseAudio"), "{:?}", devices.inputs);
}
