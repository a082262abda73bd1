//! Finding out what a PC can do.

use std::path::Path;

use compositor::{Delivery, Gpu, GpuInfo};
use ivs::client_configuration::{GamingFeatures, SchemaVersion, System};
use units::Kbps;

use super::Place;
use super::facts::{
    AdapterElementFacts, CardFacts, ClockFacts, DeviceFacts, EncoderFacts, Facts, GpuFacts, KeyFacts,
    MachineFacts, RecordingsFacts, RenditionFacts,
};
use crate::fast_path;
use crate::ladder::Ladder;
use crate::survey::{NO_RELEASE, Survey, survey};

/// Drift of the two system clocks against each other over the test that is worth telling, in parts per million.
const CLOCK_LIMIT_PPM: f64 = 500.0;
/// Renditions of the ladder that everything is told for.
const RENDITIONS: u8 = 3;
/// Bitrate of its sound (IVS user guide, "Audio Settings": 96 to 320).
const AUDIO: Kbps = Kbps(160);

/// Tries everything on this PC, whose pictures `gpu` composes. Takes seconds: every encoder codes some pictures,
/// and drivers are asked for their devices.
pub(crate) fn examine(gpu: &Result<Gpu, String>, place: &Place) -> Facts {
    let (wall, monotonic) = (std::time::SystemTime::now(), std::time::Instant::now());
    let composition = gpu.as_ref().map(Gpu::info);
    let survey = composition.as_ref().ok().map(|info| survey(info));
    if let Some(luid) = survey.as_ref().and_then(Survey::composition_luid) {
        encoder::prefer_adapter(luid);
    }
    let encoders = encoder::probe().into_iter().map(encoder_facts).collect();
    let ladder = Ladder::built_in(place.canvas, place.rate, RENDITIONS, None, AUDIO);
    let total = ladder.as_ref().map_or(AUDIO, Ladder::total);
    let ladder = ladder.map_or_else(|_| Vec::new(), |ladder| renditions(&ladder, gpu.as_ref().ok(), place));
    let devices = capture::list_devices();
    let lines = |devices: Vec<capture::Device>| {
        devices.into_iter().map(|device| DeviceFacts { name: device.name, note: device.note }).collect()
    };
    let folder = place.recordings.clone().unwrap_or_else(crate::settings::default_recordings);
    let recordings = crate::settings::make_writable(&folder)
        .map(|()| recordings(&folder, total))
        .map_err(|failure| failure.to_string());
    let passed = monotonic.elapsed().as_secs_f64();
    let walled = wall.elapsed().map_or(f64::NEG_INFINITY, |span| span.as_secs_f64());
    let ppm = (walled - passed) / passed.max(0.001) * 1e6;
    Facts {
        genlock: env!("CARGO_PKG_VERSION"),
        is_windows: cfg!(windows),
        gpu: composition.map(graphics).map_err(Clone::clone),
        machine: survey.as_ref().map(machine),
        cards: survey.as_ref().map(cards).unwrap_or_default(),
        adapter_elements: adapter_elements(survey.as_ref()),
        encoders,
        ladder,
        displays: lines(devices.displays),
        cameras: lines(devices.cameras),
        inputs: lines(devices.inputs),
        outputs: lines(devices.outputs),
        device_problems: devices.problems,
        recordings,
        keys: keys(),
        clock: ClockFacts { wall_against_monotonic_ppm: ppm, is_steady: ppm.abs() < CLOCK_LIMIT_PPM },
    }
}

fn graphics(info: &GpuInfo) -> GpuFacts {
    GpuFacts {
        name: info.name.clone(),
        backend: info.backend.clone(),
        driver: info.driver.clone(),
        is_software: info.is_software,
    }
}

fn machine(survey: &Survey) -> MachineFacts {
    let told = &survey.capabilities;
    let cpu = &told.cpu;
    let speed = cpu.speed_mhz.map_or_else(String::new, |speed| format!(", {speed} MHz"));
    let name = cpu.name.as_deref().unwrap_or("an unnamed processor");
    MachineFacts {
        capabilities: told.to_value(SchemaVersion::default()),
        composition_gpu_index: survey.composition_gpu,
        system: system(&told.system),
        processor: format!("{name}, {} cores, {} threads{speed}", cpu.physical_cores, cpu.logical_cores),
        memory_bytes: told.memory.total_bytes,
        free_memory_bytes: told.memory.free_bytes,
        gaming: told.gaming_features.as_ref().map(gaming).unwrap_or_default(),
    }
}

/// First build of Windows 11 (Microsoft, "Windows 11 release information"); its version is 10.0 as well.
const WINDOWS_11: u32 = 22_000;

/// A system's name as its maker calls it.
pub(super) fn system(system: &System) -> String {
    let emulated = if system.arm_emulation { ", on ARM by emulation" } else { "" };
    if system.name != "Windows" {
        let (name, release, version) = (&system.name, &system.release, &system.version);
        return format!("{name} {release}, {version}, {} bits{emulated}", system.bits);
    }
    let name = if system.build >= WINDOWS_11 { "Windows 11" } else { "Windows 10" };
    let name = if system.version == "10.0" { name.to_owned() } else { format!("Windows {}", system.version) };
    let revision = if system.revision.is_empty() { String::new() } else { format!(".{}", system.revision) };
    let release = if system.release == NO_RELEASE { String::new() } else { format!(" {}", system.release) };
    format!("{name}{release}, build {}{revision}, {} bits{emulated}", system.build, system.bits)
}

/// What Windows does for games, where it says so.
pub(super) fn gaming(features: &GamingFeatures) -> Vec<String> {
    let said = [
        ("game mode", features.game_mode_enabled),
        ("hardware-accelerated GPU scheduling", features.hags_enabled),
        ("background recording of games", features.game_dvr_bg_recording),
    ];
    said.into_iter()
        .filter_map(|(what, is_on)| Some(format!("{what} {}", if is_on? { "on" } else { "off" })))
        .collect()
}

fn cards(survey: &Survey) -> Vec<CardFacts> {
    let fact = |(place, (gpu, standing)): (usize, (&ivs::client_configuration::Gpu, &_))| CardFacts {
        model: gpu.model.clone(),
        vendor_id: gpu.vendor_id,
        memory_bytes: gpu.dedicated_video_memory,
        driver_version: gpu.driver_version.clone(),
        standing: Clone::clone(standing),
        composes: survey.composition_gpu.is_some_and(|index| usize::try_from(index) == Ok(place)),
    };
    survey.cards().enumerate().map(fact).collect()
}

fn encoder_facts(report: encoder::BackendReport) -> EncoderFacts {
    EncoderFacts {
        family: report.kind.to_string(),
        vendor_id: report.kind.vendor_id(),
        is_hardware: report.kind.is_hardware(),
        element: report.element.to_string(),
        codec: report.codec.to_string(),
        available: report.available,
        passed: report.passed,
        reason: report.reason,
        took_ms: report.took_ms,
    }
}

fn adapter_elements(survey: Option<&Survey>) -> Vec<AdapterElementFacts> {
    let card = |luid: i64| survey.and_then(|survey| survey.model_of(luid)).map(str::to_owned);
    let fact = |found: encoder::AdapterElement| AdapterElementFacts {
        family: found.kind.to_string(),
        codec: found.codec.to_string(),
        card: found.adapter_luid.and_then(card),
        element: found.element,
        is_used: found.is_used,
    };
    encoder::adapter_elements().into_iter().map(fact).collect()
}

fn renditions(ladder: &Ladder, gpu: Option<&Gpu>, place: &Place) -> Vec<RenditionFacts> {
    let fact = |rung: &crate::ladder::Rung| {
        let rendition = &rung.rendition;
        let choice = encoder::choose(rendition);
        let kind = choice.as_ref().ok().map(|choice| choice.kind);
        let path = match (gpu, kind) {
            (Some(gpu), Some(kind)) if kind.takes_textures() => {
                let path = fast_path::choose(gpu, place.canvas, kind, rendition);
                match path.delivery {
                    Delivery::Texture => format!("straight from the graphics card ({})", path.why),
                    Delivery::Memory => format!("from memory ({})", path.why),
                }
            }
            _ => "from memory".to_owned(),
        };
        let (encoder, reason) = match choice {
            Ok(choice) => (Ok(choice.kind.to_string()), choice.reason),
            Err(error) => (Err(error.to_string()), error.to_string()),
        };
        RenditionFacts {
            size: rendition.size.to_string(),
            fps: rendition.rate.to_string(),
            kbps: rendition.bitrate.0,
            encoder,
            reason,
            path,
        }
    };
    ladder.rungs.iter().map(fact).collect()
}

fn recordings(folder: &Path, total: Kbps) -> RecordingsFacts {
    let free_bytes = crate::disk::free_bytes(folder);
    // What a mapped drive stands for shows only in the whole path.
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let file_system = crate::disk::file_system(folder);
    let is_in_one_drive = desktop::folders::one_drive_around(folder).is_some();
    let remark = super::place::remark(&whole, is_in_one_drive, file_system.as_deref());
    let bytes_per_hour = u64::from(total.0) * 1000 / 8 * 3600;
    RecordingsFacts {
        folder: folder.display().to_string(),
        free_bytes,
        hours: free_bytes.map(|bytes| bytes / bytes_per_hour.max(1)),
        remark: remark.unwrap_or_default(),
    }
}

fn keys() -> KeyFacts {
    let note = match crate::secrets::store() {
        Some(store) if crate::secrets::stream_key(&store).is_some() => {
            return KeyFacts {
                are_kept: true,
                note: "A stream key is remembered in Credential Manager.".into(),
            };
        }
        Some(_) => {
            let note = "Credential Manager keeps the stream keys that you let Genlock remember.";
            return KeyFacts { are_kept: true, note: note.into() };
        }
        None if desktop::Folders::find().is_some_and(|folders| folders.is_portable) => {
            "This Genlock is portable: stream keys are kept until it ends, and on no disk."
        }
        None => "Stream keys are kept until Genlock ends, and on no disk.",
    };
    KeyFacts { are_kept: false, note: note.into() }
}
