//! `genlock doctor`: what this machine can do, on a page.

use std::io::Write;

use compositor::{Gpu, GpuInfo};
use ivs::client_configuration::SchemaVersion;
use serde::Serialize;

use crate::outcome::{Exit, Failure};
use crate::survey::survey;

/// Drift of the two system clocks against each other over the test that is worth telling, in parts per million.
const CLOCK_LIMIT_PPM: f64 = 500.0;

#[derive(Serialize)]
struct Checkup {
    genlock: &'static str,
    gpu: Result<GpuLine, String>,
    /// What GetClientConfiguration would be told about this machine.
    machine: Option<MachineLine>,
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
struct MachineLine {
    /// `capabilities` of the request, in the schema that is sent.
    capabilities: serde_json::Value,
    /// Which of its graphics cards composes; none when the processor does.
    composition_gpu_index: Option<u32>,
    /// The same in words, a line each.
    #[serde(skip)]
    words: Vec<String>,
}

#[derive(Serialize)]
struct EncoderLine {
    element: &'static str,
    codec: String,
    available: bool,
    passed: bool,
    reason: String,
    took_ms: u64,
}

impl EncoderLine {
    /// IVS takes H.264 from everybody; H.265 alone is not enough.
    fn is_enough(&self) -> bool {
        self.passed && self.codec == units::VideoCodec::Avc.to_string()
    }
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
    let can_stream = checkup.gpu.is_ok() && checkup.encoders.iter().any(EncoderLine::is_enough);
    Ok(if can_stream { Exit::Done } else { Exit::CouldNotStart })
}

fn examine() -> Checkup {
    let (wall, monotonic) = (std::time::SystemTime::now(), std::time::Instant::now());
    let info = Gpu::open(None).map_err(|error| error.to_string()).map(|gpu| gpu.info().clone());
    let machine = info.as_ref().ok().map(machine);
    let gpu = info.map(|info| GpuLine {
        name: info.name,
        backend: info.backend,
        driver: info.driver,
        is_software: info.is_software,
    });
    let encoders: Vec<_> = encoder::probe()
        .into_iter()
        .map(|report| EncoderLine {
            element: report.element,
            codec: report.codec.to_string(),
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
    if !encoders.iter().any(EncoderLine::is_enough) {
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
        machine,
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

fn machine(composition: &GpuInfo) -> MachineLine {
    let (machine, composition_gpu_index) = survey(composition);
    let (cpu, memory, system) = (&machine.cpu, &machine.memory, &machine.system);
    let speed = cpu.speed_mhz.map_or_else(String::new, |speed| format!(" at {speed} MHz"));
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let mut words = vec![
        format!(
            "{}, {} cores ({} threads){speed}, {} memory ({} free)",
            cpu.name.as_deref().unwrap_or("an unnamed processor"),
            cpu.physical_cores,
            cpu.logical_cores,
            gigabytes(memory.total_bytes),
            gigabytes(memory.free_bytes),
        ),
        format!("{} {}, {}, {} bits", system.name, system.release, system.version, system.bits),
    ];
    if machine.gpus.is_empty() {
        words.push("no graphics card; the service grants a ladder only to machines with one".into());
    }
    words.extend(machine.gpus.iter().enumerate().map(|(place, gpu)| {
        let room =
            gpu.dedicated_video_memory.map_or_else(String::new, |bytes| format!(", {}", gigabytes(bytes)));
        let driver = gpu.driver_version.as_deref().unwrap_or("unknown");
        let composes = composition_gpu_index.is_some_and(|index| usize::try_from(index) == Ok(place));
        let mark = if composes { ", composes" } else { "" };
        format!("{} ({:04x}:{:04x}){room}, driver {driver}{mark}", gpu.model, gpu.vendor_id, gpu.device_id)
    }));
    let capabilities = machine.to_value(SchemaVersion::default());
    MachineLine { capabilities, composition_gpu_index, words }
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
    for (place, words) in checkup.machine.iter().flat_map(|machine| &machine.words).enumerate() {
        let label = if place == 0 { "Told to IVS" } else { "" };
        lines.push(format!("{label:<12} {words}"));
    }
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
