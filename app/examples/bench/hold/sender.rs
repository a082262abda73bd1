//! Who sends: our program, or ffmpeg with the same picture size, rates and encoder settings.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::hold::stage::{KEY, PASSPHRASE, Protocol, Stage};
use crate::peer::ffmpeg;
use crate::show::program;

/// Picture and sound of every show, in kbps. Small pictures, so that encoding leaves the processor to what is measured.
pub(crate) const VIDEO_KBPS: u32 = 2_500;
pub(crate) const AUDIO_KBPS: u32 = 160;
/// Frames per second of every show.
pub(crate) const FPS: f64 = 30.0;
const SIZE: &str = "640x360";

/// Milliseconds that both senders give SRT for repairs.
pub(crate) const SRT_LATENCY_MS: u32 = 400;

/// Beyond the length of its show, how long a sender may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Genlock,
    Ffmpeg,
}

impl Program {
    pub(crate) const BOTH: [Self; 2] = [Self::Genlock, Self::Ffmpeg];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Genlock => "genlock",
            Self::Ffmpeg => "ffmpeg",
        }
    }
}

/// What a sender does besides sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// It leaves what the other needs to take over.
    First,
    /// It takes the channel over.
    Second,
}

/// A running sender. Dropping it ends it.
pub(crate) struct Sender {
    child: Child,
    begin: Instant,
    seconds: u32,
    report: PathBuf,
    log: PathBuf,
}

impl Sender {
    /// Starts a show of so many seconds.
    pub(crate) fn start(
        program: Program,
        protocol: Protocol,
        role: Role,
        stage: &Stage,
        seconds: u32,
    ) -> Result<Self> {
        let name = format!("{}-{role:?}", program.name());
        let (report, log) =
            (stage.folder.join(format!("{name}.json")), stage.folder.join(format!("{name}.log")));
        let mut command = match program {
            Program::Genlock => genlock(protocol, role, stage, seconds, &report)?,
            Program::Ffmpeg => peer(protocol, role, stage, seconds)?,
        };
        // What a program leaves behind by mistake goes with the stage.
        command.current_dir(&stage.folder);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        Ok(Self { child, begin: Instant::now(), seconds, report, log })
    }

    /// Waits for the end of the show, and tells how it went: our program's own figures, or the last words of ffmpeg.
    pub(crate) fn finish(mut self) -> Result<Value> {
        let end = Duration::from_secs(u64::from(self.seconds)) + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.to_string();
            }
            if self.begin.elapsed() > end {
                break String::from("it did not end by itself");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let lasted = self.begin.elapsed().as_secs_f64();
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(4).collect();
        let last = last.join(" | ").replace(KEY, "KEY").replace(PASSPHRASE, "PASSPHRASE");
        let report = std::fs::read(&self.report).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let report = report.map(|report: Value| {
            json!({
                "destination": report["destination"],
                "skipped_frames": report["renditions"][0]["skipped_frames"],
                "target_kbps_at_the_end": report["renditions"][0]["target_kbps"],
                "cpu_cores": report["process"]["cpu_cores"],
            })
        });
        Ok(json!({
            "ended": status, "lasted_seconds": lasted, "last_words_first": last,
            "report": report,
        }))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

fn genlock(protocol: Protocol, role: Role, stage: &Stage, seconds: u32, report: &Path) -> Result<Command> {
    let mut command = Command::new(program()?);
    command
        .args(["live", "--headless", "--no-record", "--scenes", "demo", "--canvas", SIZE, "--fps", "30"])
        .args(["--encoder", "x264enc", "--bitrate", &VIDEO_KBPS.to_string()])
        .args(["--audio-bitrate", &AUDIO_KBPS.to_string(), "--for", &format!("{seconds}s")])
        .arg("--report")
        .arg(report)
        .args(["--to", &stage.address(protocol, None)])
        .env("GENLOCK_STREAM_KEY", KEY)
        .env("XDG_CONFIG_HOME", stage.folder.join("config"))
        .env("XDG_DATA_HOME", stage.folder.join("data"));
    match protocol {
        Protocol::Rtmps => {
            command.arg("--ca").arg(stage.ca_file()?);
        }
        Protocol::Srt => {
            command.args(["--srt-latency", &SRT_LATENCY_MS.to_string()]);
        }
    }
    let pairing = stage.folder.join("pairing");
    match role {
        Role::Plain => {}
        Role::First => {
            command.arg("--pairing-out").arg(pairing);
        }
        Role::Second => {
            command.arg("--takeover").arg(pairing);
        }
    }
    Ok(command)
}

fn peer(protocol: Protocol, role: Role, stage: &Stage, seconds: u32) -> Result<Command> {
    let rate = format!("{VIDEO_KBPS}k");
    let mut command = ffmpeg();
    command
        .args(["-hide_banner", "-v", "warning", "-nostats", "-re", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=size={SIZE}:rate=30"))
        .args(["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args([
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-tune",
            "zerolatency",
        ])
        .args([
            "-pix_fmt",
            "yuv420p",
            "-profile:v",
            "main",
            "-b:v",
            &rate,
            "-maxrate",
            &rate,
            "-bufsize",
            &rate,
        ])
        .args(["-g", "60", "-x264-params", "nal-hrd=cbr:scenecut=0", "-c:a", "aac", "-ac", "2"])
        .args(["-b:a", &format!("{AUDIO_KBPS}k"), "-flags", "+global_header", "-t", &seconds.to_string()]);
    // Its way of coming back: a queue before the muxer, which is begun anew after an error.
    let form = match protocol {
        Protocol::Rtmps => "flv",
        Protocol::Srt => "mpegts",
    };
    command
        .args(["-f", "fifo", "-fifo_format", form, "-attempt_recovery", "1", "-recover_any_error", "1"])
        .args(["-recovery_wait_time", "1", "-drop_pkts_on_overflow", "1", "-restart_with_keyframe", "1"])
        .args(["-queue_size", "600"]);
    if protocol == Protocol::Rtmps {
        command.arg("-format_opts").arg(format!("ca_file={}", stage.ca_file()?.display()));
    }
    let priority = (role == Role::Second).then_some(1_000);
    command.arg(stage.address(protocol, Some(priority)));
    Ok(command)
}

/// Reads a number of a report.
pub(crate) fn number(value: &Value, pointer: &str) -> Result<f64> {
    value.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no {pointer}"))
}
