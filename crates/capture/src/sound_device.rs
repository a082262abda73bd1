//! Sound devices: found once, by name or as the default of that moment, and never exchanged for another.
//!
//! The device's callback converts samples into a lock-free ring; the source's thread takes them out, evens out the
//! time stamps and hands the sound on. When the device vanishes there is silence until the same device is back.

mod catalog;
mod intake;
mod timeline;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use scene::SourceId;
use units::{AudioBlock, VideoFrame};

use crate::slot::{Slot, Stop};
use crate::supervisor::PAUSES;
use crate::{CaptureContext, Error, LiveSource, SourceState};
use catalog::{Catalog, Found};
use intake::{Outtake, Trouble};
use timeline::Timeline;

pub(crate) use catalog::list;

/// How often the system is asked whether the device is still there, where it does not say so itself.
const LOOK: Duration = Duration::from_millis(250);
/// A microphone that gives nothing for this long counts as gone.
const STALL: Duration = Duration::from_secs(5);
/// Longest wait for a device's thread when the source is dropped; drivers of dying devices may never answer.
const PARTING: Duration = Duration::from_secs(2);

/// Which sound is wanted.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// An input by name, or the default.
    Input(Option<String>),
    /// What an output plays, by the output's name, or the default's.
    Desktop(Option<String>),
}

impl Wanted {
    fn title(&self) -> String {
        match self {
            Self::Input(Some(name)) => format!("Microphone “{name}”"),
            Self::Input(None) => "The default microphone".into(),
            Self::Desktop(Some(name)) => format!("The sound of “{name}”"),
            Self::Desktop(None) => "The desktop sound".into(),
        }
    }
}

/// A sound device that is kept open.
pub(crate) struct SoundDevice {
    slot: Arc<Slot>,
    stop: Arc<Stop>,
    ended: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl SoundDevice {
    pub(crate) fn start(
        thread: &str,
        id: SourceId,
        wanted: Wanted,
        context: &CaptureContext,
    ) -> Result<Self, Error> {
        let slot = Arc::new(Slot::new("not opened yet"));
        let (stop, ended) = (Arc::new(Stop::default()), Arc::new(Stop::default()));
        let mut listener = Listener {
            id,
            title: wanted.title(),
            wanted,
            pinned: None,
            context: context.clone(),
            slot: Arc::clone(&slot),
            stop: Arc::clone(&stop),
        };
        let signal = EndSignal(Arc::clone(&ended));
        let thread = std::thread::Builder::new().name(thread.to_owned()).spawn(move || {
            let _signal = signal;
            listener.run();
        })?;
        Ok(Self { slot, stop, ended, thread: Some(thread) })
    }
}

/// Says that the thread is over, also when it panicked.
struct EndSignal(Arc<Stop>);

impl Drop for EndSignal {
    fn drop(&mut self) {
        self.0.ask();
    }
}

impl LiveSource for SoundDevice {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        None
    }

    fn state(&self) -> SourceState {
        self.slot.state()
    }

    fn via(&self) -> String {
        self.slot.via()
    }
}

impl Drop for SoundDevice {
    fn drop(&mut self) {
        self.stop.ask();
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        if !self.ended.sleep(PARTING) {
            tracing::warn!(via = self.slot.via(), "a sound device does not let go; it is left alone");
            return;
        }
        if thread.join().is_err() {
            tracing::error!("a sound device's thread ended in a panic");
        }
    }
}

/// The thread that listens to a device.
struct Listener {
    id: SourceId,
    title: String,
    wanted: Wanted,
    /// The device this source stands for, from the first time it was found.
    pinned: Option<String>,
    context: CaptureContext,
    slot: Arc<Slot>,
    stop: Arc<Stop>,
}

/// A stream that plays until it is dropped.
struct Listening {
    // Declared first: the stream ends before the ring it writes to.
    _stream: cpal::Stream,
    outtake: Outtake,
    trouble: Arc<Trouble>,
    catalog: Catalog,
    rate_hz: u32,
    channels: u16,
}

impl Listener {
    fn run(&mut self) {
        let mut failures = 0;
        while !self.stop.is_asked() {
            let why = match self.begin() {
                Ok(mut listening) => {
                    failures = 0;
                    self.slot.set_state(SourceState::Running);
                    tracing::info!(source = self.title, via = self.slot.via(), "heard");
                    self.listen(&mut listening)
                }
                Err(why) => why.to_string(),
            };
            if self.stop.is_asked() {
                return;
            }
            if failures == 0 {
                tracing::warn!(source = self.title, why, "is not heard");
            }
            let reason = format!("{} is not heard: {why}", self.title);
            self.slot.set_state(SourceState::Lost { reason });
            let pause = PAUSES.get(failures).or(PAUSES.last()).copied().unwrap_or(LOOK);
            failures += 1;
            if self.stop.sleep(pause) {
                return;
            }
        }
    }

    fn begin(&mut self) -> Result<Listening, Error> {
        let catalog = Catalog::open();
        let found = catalog.find(&self.wanted, self.pinned.as_deref())?;
        let Found { device, id, name, how } = found;
        let failed = |problem: cpal::Error| Error::Device(format!("{name}: {problem}"));
        let (config, format) = catalog.config(&device).map_err(failed)?;
        let trouble = Arc::new(Trouble::default());
        let (intake, outtake) = intake::ring(
            config.sample_rate,
            config.channels,
            Arc::clone(&self.context.clock),
            std::thread::current(),
            Arc::clone(&trouble),
        );
        let stream = intake.listen_to(&device, config, format).map_err(failed)?;
        stream.play().map_err(failed)?;
        self.slot.set_via(format!(
            "{}: {name}, {} Hz, {} channel{}, {how}",
            catalog.host_name(),
            config.sample_rate,
            config.channels,
            if config.channels == 1 { "" } else { "s" },
        ));
        self.pinned = Some(id);
        Ok(Listening {
            _stream: stream,
            outtake,
            trouble,
            catalog,
            rate_hz: config.sample_rate,
            channels: config.channels,
        })
    }

    /// Hands on what is heard until the device goes away or the source is not wanted; returns why.
    fn listen(&self, listening: &mut Listening) -> String {
        let mut timeline = Timeline::new(listening.rate_hz);
        let (mut heard_at, mut looked_at) = (Instant::now(), Instant::now());
        let mut dropped = 0;
        loop {
            if self.stop.is_asked() {
                return String::new();
            }
            if let Some(why) = listening.trouble.broken() {
                return why;
            }
            if looked_at.elapsed() >= LOOK {
                // Before anything is handed on: the server may have moved our stream to another device.
                if let Some(id) = &self.pinned
                    && !listening.catalog.is_present(id)
                {
                    return "it was disconnected".to_owned();
                }
                looked_at = Instant::now();
            }
            while let Some((stamp, samples)) = listening.outtake.next() {
                heard_at = Instant::now();
                let frames = samples.len() / usize::from(listening.channels.max(1));
                let block = AudioBlock {
                    rate_hz: listening.rate_hz,
                    channels: listening.channels,
                    samples,
                    captured_at: timeline.place(stamp, frames),
                };
                (self.context.sound)(self.id, block);
            }
            let lost = listening.trouble.dropped_samples();
            if lost > dropped {
                tracing::warn!(source = self.title, samples = lost - dropped, "sound was lost: we were too slow");
                dropped = lost;
            }
            if matches!(self.wanted, Wanted::Input(_)) && heard_at.elapsed() > STALL {
                return "it gives no sound any more".to_owned();
            }
            // The callback wakes us; the pause only bounds how late a loss is noticed.
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}
