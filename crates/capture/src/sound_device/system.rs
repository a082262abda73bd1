//! Which sound system is used, and a device of it being opened.

use std::sync::Arc;

use cpal::traits::StreamTrait as _;
use units::Clock;

use super::Wanted;
use super::catalog::{Catalog, Found, Listed};
use super::intake::{self, Outtake, Trouble};
#[cfg(target_os = "linux")]
use super::pulse::Pulse;
use crate::Error;

/// The sound system of this computer.
pub(super) enum System {
    /// PulseAudio, or PipeWire through its PulseAudio service.
    #[cfg(target_os = "linux")]
    Pulse(Pulse),
    /// What cpal uses: WASAPI, ALSA.
    Cpal(Catalog),
}

/// A device that gives sound until `playing` is dropped.
pub(super) struct Opened {
    /// Never changes for one device.
    pub(super) id: String,
    /// What a person calls it.
    pub(super) name: String,
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
    pub(super) outtake: Outtake,
    pub(super) playing: Playing,
}

/// A running stream.
#[expect(dead_code, reason = "kept for what happens when it is dropped: the stream ends")]
pub(super) enum Playing {
    #[cfg(target_os = "linux")]
    Pulse(pulseaudio::RecordStream),
    Cpal(cpal::Stream),
}

impl System {
    /// Finds the sound system that runs now.
    pub(super) fn open() -> Result<Self, Error> {
        #[cfg(target_os = "linux")]
        if let Some(pulse) = Pulse::connect()? {
            return Ok(Self::Pulse(pulse));
        }
        Ok(Self::Cpal(Catalog::open()))
    }

    /// What people call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pulse(_) => "PulseAudio",
            Self::Cpal(catalog) => catalog.host_name(),
        }
    }

    /// Opens the device of id `pinned`, else the one that is wanted. The calling thread is woken for new sound.
    pub(super) fn listen_to(
        &self,
        wanted: &Wanted,
        pinned: Option<&str>,
        clock: Arc<dyn Clock>,
        trouble: &Arc<Trouble>,
    ) -> Result<Opened, Error> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pulse(pulse) => pulse.listen_to(wanted, pinned, clock, trouble),
            Self::Cpal(catalog) => {
                let Found { device, id, name } = catalog.find(wanted, pinned)?;
                let failed = |problem: cpal::Error| Error::Device(format!("{name}: {problem}"));
                let (config, format) = catalog.config(&device).map_err(failed)?;
                let (rate_hz, channels) = (config.sample_rate, config.channels);
                let (intake, outtake) = intake::ring(rate_hz, channels, clock, Arc::clone(trouble));
                let stream = intake.listen_to(&device, config, format).map_err(failed)?;
                stream.play().map_err(failed)?;
                Ok(Opened { id, name, rate_hz, channels, outtake, playing: Playing::Cpal(stream) })
            }
        }
    }

    /// Whether the device of that id is still there. Systems that say so themselves when a device goes away are not
    /// asked: listing their devices may open every one of them.
    pub(super) fn is_present(&self, id: &str) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pulse(pulse) => pulse.is_present(id),
            Self::Cpal(_) => {
                let _ = id;
                true
            }
        }
    }
}

/// All inputs and all outputs as names and notes, the defaults marked.
pub(crate) fn list() -> Result<(Vec<Listed>, Vec<Listed>), Error> {
    match System::open()? {
        #[cfg(target_os = "linux")]
        System::Pulse(pulse) => pulse.list(),
        System::Cpal(catalog) => catalog.list(),
    }
}
