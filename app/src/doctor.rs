//! `genlock doctor`: what this machine can do, on a page.

use std::io::Write;

use compositor::Gpu;
use serde::Serialize;

use crate::outcome::{Exit, Failure};

/// Drift of the two system clocks against each other over the test that is worth telling, in parts per million.
const CLOCK_LIMIT_PPM: f64 = 500.0;

#[derive(Serialize)]
struct Checkup {
    genlock: &'static str,
    gpu: Result<GpuLine, String>,
    encoders: Vec<EncoderLine>,
    displays: Vec<DeviceLine>,
    cameras: Vec<DeviceLine>,
    inputs: Vec<DeviceLine>,
    outputs: Vec<DeviceLine>,
    recordings: Result<DiskLine, String>,
    clock: ClockLine,
    /// What would not work, and how to mend it.
    troubles: Vec<String>,
}

#[derive(Serialize)]
struct GpuLine {
    name: String,
    backend: String,
    driver: String,
    is_software: bool,
}

#[derive(Serialize)]
struct EncoderLine {
    element: &'static str,
    available: bool,
    passed: bool,
    reason: String,
    took_ms: u64,
}

#[derive(Serialize)]
struct DeviceLine {
    name: String,
    note: String,
}

#[derive(Serialize)]
struct DiskLine {
    folder: String,
    free_bytes: Option<u64>,
}

#[derive(Serialize)]
struct ClockLine {
    /// How far the time of day moved against the monotonic clock during the checkup, in parts per million.
    wall_against_monotonic_ppm: f64,
    is_steady: bool,
}

/// # Errors
/// None that are known; the checkup itself says what is wrong.
pub(crate) fn run(as_json: bool) -> Result<Exit, Failure> {
    let checkup = examine();
    let mut out = std::io::stdout().lock();
    let text = if as_json {
        serde_json::to_string_pretty(&checkup).unwrap_or_default() + "\n"
    } else {
        page(&checkup)
    };
    let _ = out.write_all(text.as_bytes());
    let can_stream = checkup.gpu.is_ok() && checkup.encoders.iter().any(|encoder| encoder.passed);
    Ok(if can_stream { Exit::Done } else { Exit::CouldNotStart })
}

fn examine() -> Checkup {
    let (wall, monotonic) = (std::time::SystemTime::now(), std::time::Instant::now());
    let gpu = Gpu::open(None).map_err(|error| error.to_string()).map(|gpu| {
        let info = gpu.info().clone();
        GpuLine { name: info.name, backend: info.backend, driver: info.driver, is_software: info.is_software }
    });
    let encoders: Vec<_> = encoder::probe()
        .into_iter()
        .map(|report| EncoderLine {
            element: report.element,
            available: report.available,
            passed: report.passed,
            reason: report.reason,
            took_ms: report.took_ms,
        })
        .collect();
    let devices = capture::list_devices();
    let lines = |devices: Vec<capture::Device>| {
        devices.into_iter().map(|device| DeviceLine { name: device.name, note: device.note }).collect()
    };
    let folder = crate::settings::default_recordings();
    let recordings = crate::settings::make_writable(&folder)
        .map(|()| DiskLine {
            folder: folder.display().to_string(),
            free_bytes: crate::disk::free_bytes(&folder),
        })
        .map_err(|failure| failure.to_string());
    let passed = monotonic.elapsed().as_secs_f64();
    let walled = wall.elapsed().map_or(f64::NEG_INFINITY, |span| span.as_secs_f64());
    let ppm = (walled - passed) / passed.max(0.001) * 1e6;
    let clock = ClockLine { wall_against_monotonic_ppm: ppm, is_steady: ppm.abs() < CLOCK_LIMIT_PPM };
    let mut troubles = devices.problems.clone();
    troubles.extend(gpu.as_ref().err().cloned());
    troubles.extend(recordings.as_ref().err().cloned());
    if !encoders.iter().any(|encoder| encoder.passed) {
        troubles.push(
            "No H.264 encoder works here. Install the driver of your graphics card, or GStreamer's x264 or openh264 \
             plugin (on Debian and Ubuntu gstreamer1.0-plugins-ugly, gstreamer1.0-plugins-bad)."
                .into(),
        );
    }
    if !clock.is_steady {
        troubles.push("The time of day jumps against the monotonic clock; switch network time on.".into());
    }
    Checkup {
        genlock: env!("CARGO_PKG_VERSION"),
        gpu,
        encoders,
        displays: lines(devices.displays),
        cameras: lines(devices.cameras),
        inputs: lines(devices.inputs),
        outputs: lines(devices.outputs),
        recordings,
        clock,
        troubles,
    }
}

fn page(checkup: &Checkup) -> String {
    let mut lines = vec![format!("Genlock {} on this machine", checkup.genlock), String::new()];
    lines.push(match &checkup.gpu {
        Ok(gpu) => {
            let how = if gpu.is_software { "no graphics card: the processor draws" } else { "hardware" };
            format!("Graphics     {} through {} ({how})", gpu.name, gpu.backend)
        }
        Err(why) => format!("Graphics     none: {why}"),
    });
    let chosen = checkup.encoders.iter().position(|encoder| encoder.passed);
    for (place, encoder) in checkup.encoders.iter().enumerate() {
        let label = if place == 0 { "Encoders" } else { "" };
        let mark = if Some(place) == chosen { ", used first" } else { "" };
        lines.push(format!("{label:<12} {:<12} {}{mark}", encoder.element, encoder.reason));
    }
    for (label, devices) in [
        ("Displays", &checkup.displays),
        ("Cameras", &checkup.cameras),
        ("Microphones", &checkup.inputs),
        ("Sound out", &checkup.outputs),
    ] {
        if devices.is_empty() {
            lines.push(format!("{label:<12} none"));
        }
        for (place, device) in devices.iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            lines.push(format!("{label:<12} {}  {}", device.name, device.note).trim_end().to_owned());
        }
    }
    lines.push(match &checkup.recordings {
        Ok(disk) => {
            let room = disk
                .free_bytes
                .map_or_else(String::new, |bytes| format!(", {:.0} GB free", bytes as f64 / 1e9));
            format!("Recordings   {}{room}", disk.folder)
        }
        Err(why) => format!("Recordings   {why}"),
    });
    lines.push(format!("Clock        {}", if checkup.clock.is_steady { "steady" } else { "jumps" }));
    lines.push(String::new());
    if checkup.troubles.is_empty() {
        lines.push("Nothing to mend.".into());
    }
    lines.extend(checkup.troubles.iter().map(|trouble| format!("To mend: {trouble}")));
    lines.join("\n") + "\n"
}
