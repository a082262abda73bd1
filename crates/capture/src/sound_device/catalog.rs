//! The sound devices that cpal knows (WASAPI on Windows, ALSA on Linux), and which one is meant.

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, Host, SampleFormat, StreamConfig};

use super::Wanted;
use super::intake::is_convertible;
use crate::Error;

/// Part of the sound system that a device belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
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
}

/// The device that is meant.
pub(super) struct Found {
    pub(super) device: Device,
    /// Never changes for one device.
    pub(super) id: String,
    /// What a person calls it.
    pub(super) name: String,
}

impl Catalog {
    pub(super) fn open() -> Self {
        Self { host: cpal::default_host() }
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
        if device.supports_input() {
            kinds.push(Kind::Input);
        }
        if device.supports_output() {
            kinds.push(Kind::Output);
        }
        Some(Entry { device, id, name, kinds })
    }

    /// The device to listen to: the pinned one, or the one that is wanted.
    pub(super) fn find(&self, wanted: &Wanted, pinned: Option<&str>) -> Result<Found, Error> {
        let entries = self.entries()?;
        match wanted {
            Wanted::Input(name) => self
                .choose(entries, Kind::Input, name.as_deref(), pinned, || self.host.default_input_device()),
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
        let wanted_id = match (pinned, name) {
            (Some(id), _) => id.to_owned(),
            (None, Some(name)) => {
                let found = of_kind.iter().find(|entry| entry.name == name || entry.id == name);
                let known = || not_among(what, of_kind.iter().map(|entry| entry.name.as_str()));
                found.ok_or_else(known)?.id.clone()
            }
            (None, None) => {
                let device = default().and_then(|device| self.entry(device));
                device.ok_or_else(|| Error::Device(format!("no {what} is connected")))?.id
            }
        };
        let entry = of_kind
            .into_iter()
            .find(|entry| entry.id == wanted_id)
            .ok_or_else(|| Error::Device("it is not connected".into()))?;
        Ok(Found { device: entry.device, id: entry.id, name: entry.name })
    }

    /// How to open a device for input.
    pub(super) fn config(&self, device: &Device) -> Result<(StreamConfig, SampleFormat), cpal::Error> {
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

/// Says that a name is none of those that are `known`.
pub(super) fn not_among<'a>(what: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<String> = known.map(|name| format!("“{name}”")).collect();
    Error::Device(if known.is_empty() {
        format!("no {what} is connected")
    } else {
        format!("the {what}s that are connected are {}", known.join(", "))
    })
}

/// Name and note of a device, for people.
pub(crate) type Listed = (String, String);

impl Catalog {
    /// All inputs and all outputs, the defaults marked.
    pub(super) fn list(&self) -> Result<(Vec<Listed>, Vec<Listed>), Error> {
        let id_of = |device: Option<Device>| device.and_then(|d| d.id().ok()).map(|id| id.id().to_owned());
        let default_input = id_of(self.host.default_input_device());
        let default_output = id_of(self.host.default_output_device());
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for entry in self.entries()? {
            let listed = |default: &Option<String>| {
                let mark = if default.as_ref() == Some(&entry.id) { ", default" } else { "" };
                (entry.name.clone(), format!("{}{mark}", self.host_name()))
            };
            if entry.kinds.contains(&Kind::Input) {
                inputs.push(listed(&default_input));
            }
            if entry.kinds.contains(&Kind::Output) {
                outputs.push(listed(&default_output));
            }
        }
        Ok((inputs, outputs))
    }
}
