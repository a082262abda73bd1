//! The sound devices there are, and which one is meant.

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{BufferSize, Device, Host, SampleFormat, StreamConfig};

use super::Wanted;
use super::intake::is_convertible;
use crate::Error;

/// PulseAudio names the source that hears what a sink plays after the sink (PulseAudio documentation, "Modules",
/// module-null-sink and others: "<sink name>.monitor").
const MONITOR: &str = ".monitor";
/// Length of one piece of sound asked of a PulseAudio server, in parts of a second: 20 ms.
const PULSE_PIECES_PER_SEC: u32 = 50;

/// Part of the sound system that a device belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
    /// An input that hears an output.
    Monitor,
}

struct Entry {
    device: Device,
    id: String,
    name: String,
    kinds: Vec<Kind>,
}

/// The sound system that is used.
pub(super) struct Catalog {
    host: Host,
    is_pulse: bool,
}

/// The device that is meant.
pub(super) struct Found {
    pub(super) device: Device,
    /// Never changes for one device.
    pub(super) id: String,
    /// What a person calls it.
    pub(super) name: String,
    /// Why this one.
    pub(super) how: &'static str,
}

impl Catalog {
    /// On Linux PulseAudio (or PipeWire through its PulseAudio service) where it runs, else ALSA; on Windows WASAPI.
    pub(super) fn open() -> Self {
        let host = cpal::default_host();
        let is_pulse = host.id().to_string().eq_ignore_ascii_case("pulseaudio");
        Self { host, is_pulse }
    }

    pub(super) fn host_name(&self) -> &'static str {
        self.host.id().name()
    }

    fn entries(&self) -> Result<Vec<Entry>, Error> {
        let devices = self
            .host
            .devices()
            .map_err(|problem| Error::Device(format!("the sound system does not answer: {problem}")))?;
        Ok(devices.filter_map(|device| self.entry(device)).collect())
    }

    /// `None` for devices that cannot be described: they vanished meanwhile.
    fn entry(&self, device: Device) -> Option<Entry> {
        let id = device.id().ok()?.id().to_owned();
        let name = device.description().ok()?.name().to_owned();
        let mut kinds = Vec::new();
        if self.is_pulse && id.ends_with(MONITOR) {
            kinds.push(Kind::Monitor);
        } else {
            if device.supports_input() {
                kinds.push(Kind::Input);
            }
            if device.supports_output() {
                kinds.push(Kind::Output);
            }
        }
        Some(Entry { device, id, name, kinds })
    }

    /// The device to listen to: the pinned one, or the one that is wanted.
    pub(super) fn find(&self, wanted: &Wanted, pinned: Option<&str>) -> Result<Found, Error> {
        let entries = self.entries()?;
        match wanted {
            Wanted::Input(name) => {
                self.choose(entries, Kind::Input, name.as_deref(), pinned, || {
                    self.host.default_input_device()
                })
            }
            Wanted::Desktop(name) if self.is_pulse => self.find_monitor(entries, name.as_deref(), pinned),
            Wanted::Desktop(name) if cfg!(windows) => {
                // cpal opens an output for input as a loopback.
                self.choose(entries, Kind::Output, name.as_deref(), pinned, || {
                    self.host.default_output_device()
                })
            }
            Wanted::Desktop(_) => {
                Err(Error::Device("it can only be heard where PulseAudio or PipeWire runs".into()))
            }
        }
    }

    fn choose(
        &self,
        entries: Vec<Entry>,
        kind: Kind,
        name: Option<&str>,
        pinned: Option<&str>,
        default: impl FnOnce() -> Option<Device>,
    ) -> Result<Found, Error> {
        let what = if kind == Kind::Input { "sound input" } else { "sound output" };
        let of_kind: Vec<Entry> = entries.into_iter().filter(|entry| entry.kinds.contains(&kind)).collect();
        let (wanted_id, how) = match (pinned, name) {
            (Some(id), Some(_)) => (id.to_owned(), "chosen by name"),
            (Some(id), None) => (id.to_owned(), "the default when it was opened"),
            (None, Some(name)) => {
                let found = of_kind.iter().find(|entry| entry.name == name || entry.id == name);
                (found.ok_or_else(|| unknown(what, &of_kind))?.id.clone(), "chosen by name")
            }
            (None, None) => {
                let device = default().and_then(|device| self.entry(device));
                // PulseAudio may take a monitor for the default input where there is no microphone.
                let device = device.filter(|entry| entry.kinds.contains(&kind));
                let absent = || Error::Device(format!("no {what} is connected"));
                (device.ok_or_else(absent)?.id, "the default when it was opened")
            }
        };
        let entry = of_kind
            .into_iter()
            .find(|entry| entry.id == wanted_id)
            .ok_or_else(|| Error::Device("it is not connected".into()))?;
        Ok(Found { device: entry.device, id: entry.id, name: entry.name, how })
    }

    fn find_monitor(
        &self,
        entries: Vec<Entry>,
        name: Option<&str>,
        pinned: Option<&str>,
    ) -> Result<Found, Error> {
        let outputs = || entries.iter().filter(|entry| entry.kinds.contains(&Kind::Output));
        let (id, how) = match (pinned, name) {
            (Some(id), Some(_)) => (id.to_owned(), "chosen by name"),
            (Some(id), None) => (id.to_owned(), "the default when it was opened"),
            (None, Some(name)) => {
                let output = outputs().find(|entry| entry.name == name || entry.id == name).ok_or_else(|| {
                    let known: Vec<String> = outputs().map(|entry| format!("“{}”", entry.name)).collect();
                    not_among("sound output", &known)
                })?;
                (format!("{}{MONITOR}", output.id), "chosen by name")
            }
            (None, None) => {
                let output = self.host.default_output_device().and_then(|device| self.entry(device));
                let absent = || Error::Device("no sound output is connected".into());
                (format!("{}{MONITOR}", output.ok_or_else(absent)?.id), "the default when it was opened")
            }
        };
        let entry = entries
            .into_iter()
            .find(|entry| entry.id == id)
            .ok_or_else(|| Error::Device("it is not connected".into()))?;
        Ok(Found { device: entry.device, id: entry.id, name: entry.name, how })
    }

    /// Whether the device of that id is still there, as far as the system can be asked without disturbing it.
    pub(super) fn is_present(&self, id: &str) -> bool {
        // A PulseAudio server moves streams of a removed device to another one without an error. The others end the
        // stream, and listing their devices would open every one of them.
        !self.is_pulse || self.entries().is_ok_and(|entries| entries.iter().any(|entry| entry.id == id))
    }

    /// How to open a device for input.
    pub(super) fn config(&self, device: &Device) -> Result<(StreamConfig, SampleFormat), cpal::Error> {
        if self.is_pulse {
            // The server converts anything, so it is asked for what the mixer wants.
            let channels = device.default_input_config()?.channels().clamp(1, 2);
            let buffer_size = BufferSize::Fixed(units::SAMPLE_RATE_HZ / PULSE_PIECES_PER_SEC);
            let config = StreamConfig { channels, sample_rate: units::SAMPLE_RATE_HZ, buffer_size };
            return Ok((config, SampleFormat::F32));
        }
        let supported = match device.default_input_config() {
            Ok(config) => config,
            // An output that is heard by loopback has no input configuration.
            Err(_) => device.default_output_config()?,
        };
        let format = supported.sample_format();
        if !is_convertible(format) {
            let message = format!("its sample format {format} is not known here");
            return Err(cpal::Error::with_message(cpal::ErrorKind::UnsupportedConfig, message));
        }
        Ok((supported.config(), format))
    }
}

fn unknown(what: &str, entries: &[Entry]) -> Error {
    let known: Vec<String> = entries.iter().map(|entry| format!("“{}”", entry.name)).collect();
    not_among(what, &known)
}

fn not_among(what: &str, known: &[String]) -> Error {
    Error::Device(if known.is_empty() {
        format!("no {what} is connected")
    } else {
        format!("the {what}s that are connected are {}", known.join(", "))
    })
}

/// Name and note of a device, for people.
pub(crate) type Listed = (String, String);

/// All inputs and all outputs, the defaults marked.
pub(crate) fn list() -> Result<(Vec<Listed>, Vec<Listed>), Error> {
    let catalog = Catalog::open();
    let default_of = |device: Option<Device>| device.and_then(|d| d.id().ok()).map(|id| id.id().to_owned());
    let default_input = default_of(catalog.host.default_input_device());
    let default_output = default_of(catalog.host.default_output_device());
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for entry in catalog.entries()? {
        let note = |default: &Option<String>| {
            let system = catalog.host_name();
            let mark = if default.as_ref() == Some(&entry.id) { ", default" } else { "" };
            format!("{system}{mark}")
        };
        if entry.kinds.contains(&Kind::Input) {
            inputs.push((entry.name.clone(), note(&default_input)));
        }
        if entry.kinds.contains(&Kind::Output) {
            outputs.push((entry.name.clone(), note(&default_output)));
        }
    }
    Ok((inputs, outputs))
}
