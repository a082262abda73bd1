//! What sources can be taken from: looked for when somebody asks, on a thread of its own, because drivers are slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use control::{DeviceChoice, DevicesView, ProgramChoice, WindowChoice};

/// What was found the last time.
#[derive(Default)]
pub(super) struct Devices {
    found: Arc<ArcSwap<DevicesView>>,
    is_looking: Arc<AtomicBool>,
}

/// Says that the looking is over, also when it panicked.
struct Looking(Arc<AtomicBool>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Devices {
    /// Looks once more, unless that is being done.
    pub(super) fn look(&self) {
        if self.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let looking = Looking(Arc::clone(&self.is_looking));
        let found = Arc::clone(&self.found);
        let look = move || {
            found.store(Arc::new(told(capture::list_devices())));
            drop(looking);
        };
        if let Err(problem) = std::thread::Builder::new().name("devices".into()).spawn(look) {
            tracing::warn!(%problem, "devices are not looked for");
        }
    }

    pub(super) fn view(&self) -> DevicesView {
        let is_looking = self.is_looking.load(Ordering::Acquire);
        DevicesView { is_looking, ..DevicesView::clone(&self.found.load()) }
    }
}

fn told(found: capture::Devices) -> DevicesView {
    let choices = |devices: Vec<capture::Device>| {
        devices.into_iter().map(|device| DeviceChoice { name: device.name, note: device.note }).collect()
    };
    let window =
        |window: capture::OpenWindow| WindowChoice { title: window.title, selector: window.selector };
    let program = |program: capture::Program| ProgramChoice {
        program: program.name,
        title: program.title,
        is_playing: program.is_playing,
    };
    DevicesView {
        is_looking: false,
        is_known: true,
        displays: choices(found.displays),
        windows: found.windows.into_iter().map(window).collect(),
        cameras: choices(found.cameras),
        inputs: choices(found.inputs),
        outputs: choices(found.outputs),
        programs: found.programs.into_iter().map(program).collect(),
        no_program_sound: found.no_program_sound.unwrap_or_default(),
        no_border: found.no_border.unwrap_or_default(),
        problems: found.problems,
    }
}
