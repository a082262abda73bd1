//! A microphone or other sound input, through cpal: PulseAudio (which PipeWire speaks too), else ALSA on Linux, WASAPI
//! on Windows.

use scene::SourceId;

use crate::sound_device::{SoundDevice, Wanted};
use crate::{CaptureContext, Error};

pub(crate) fn open(
    id: SourceId,
    device: Option<&str>,
    context: &CaptureContext,
) -> Result<SoundDevice, Error> {
    SoundDevice::start("microphone", id, Wanted::Input(device.map(str::to_owned)), context)
}
