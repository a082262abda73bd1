//! What the computer plays: on Linux the monitor that PulseAudio (and PipeWire, which speaks its protocol) keeps for
//! every output; on Windows a WASAPI loopback of the output device, through cpal, or of one program; see
//! `program_sound`.

use scene::{ProgramSelector, SourceId};

use crate::program_sound::ProgramSound;
use crate::sound_device::{SoundDevice, Wanted};
use crate::{CaptureContext, Error, LiveSource};

pub(crate) fn open(
    id: SourceId,
    device: Option<&str>,
    program: Option<&ProgramSelector>,
    context: &CaptureContext,
) -> Result<Box<dyn LiveSource>, Error> {
    Ok(match program {
        Some(program) => Box::new(ProgramSound::start(id, program, context)?),
        None => {
            let wanted = Wanted::Desktop(device.map(str::to_owned));
            Box::new(SoundDevice::start("desktop sound", id, wanted, context)?)
        }
    })
}
