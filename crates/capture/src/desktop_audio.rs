//! What the computer plays, through cpal: on Linux the monitor that PulseAudio (and PipeWire, which speaks its
//! protocol) keeps for every output; on Windows a WASAPI loopback of the output device.

use scene::SourceId;

use crate::sound_device::{SoundDevice, Wanted};
use crate::{CaptureContext, Error};

pub(crate) fn open(
    id: SourceId,
    device: Option<&str>,
    context: &CaptureContext,
) -> Result<SoundDevice, Error> {
    SoundDevice::start("desktop sound", id, Wanted::Desktop(device.map(str::to_owned)), context)
}
