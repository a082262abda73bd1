//! Sound devices: found once, by name or as the default of that moment, and never exchanged for another.
//!
//! Windows: WASAPI through cpal, outputs heard by loopback. Linux: PulseAudio, or PipeWire through its PulseAudio
//! service; where neither runs, ALSA through cpal, which has no desktop sound.
//!
//! The device's callback converts samples into a lock-free ring; the source's thread takes them out, evens out the
//! time stamps and hands the sound on. When the device vanishes there is silence until the same device is back.

mod catalog;
mod intake;
#[cfg(target_os = "linux")]
mod pulse;
mod system;
mod timeline;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use scene::SourceId;
use units::{AudioBlock, VideoFrame};

use crate::slot::{Slot, Stop};
use crate::supervisor::PAUSES;
use crate::{CaptureContext, Error, LiveSource, SourceState};
use intake::{Outtake, Trouble};
use system::{Opened, Playing, System};

pub(crate) use system::list;
pub(crate) use timeline::Timeline;

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
    fn name(&self) -> Option<&str> {
        match self {
            Self::Input(name) | Self::Desktop(name) => name.as_deref(),
        }
    }

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

/// A device that is being heard.
struct Listening {
    // Declared first: the stream ends before the ring it writes to.
    _playing: Playing,
    outtake: Outtake,
    trouble: Arc<Trouble>,
    system: System,
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
                Err(why) => match self.advice() {
                    Some(advice) => format!("{advice} ({why})"),
                    None => why.to_string(),
                },
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

    /// What the person can do about a device that does not open; a sentence without its full stop.
    fn advice(&self) -> Option<String> {
        #[cfg(windows)]
        if matches!(self.wanted, Wanted::Input(_)) {
            use crate::win32::{Allowed, may_use_microphones};
            let who = match may_use_microphones() {
                Allowed::Yes => return None,
                Allowed::NotOnThisComputer => "microphone access is switched off for this computer",
                Allowed::NotForThisPerson => "microphone access is switched off for desktop programs",
            };
            return Some(format!("{who}: switch it on in Windows' Settings, Privacy & security, Microphone"));
        }
        None
    }

    fn begin(&mut self) -> Result<Listening, Error> {
        let system = System::open()?;
        let trouble = Arc::new(Trouble::default());
        let clock = Arc::clone(&self.context.clock);
        let Opened { id, name, rate_hz, channels, outtake, playing } =
            system.listen_to(&self.wanted, self.pinned.as_deref(), clock, &trouble)?;
        let how =
            if self.wanted.name().is_some() { "chosen by name" } else { "the default when it was opened" };
        let plural = if channels == 1 { "" } else { "s" };
        self.slot
            .set_via(format!("{}: {name}, {rate_hz} Hz, {channels} channel{plural}, {how}", system.name()));
        self.pinned = Some(id);
        Ok(Listening { _playing: playing, outtake, trouble, system, rate_hz, channels })
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
                // Sound servers end the stream of a removed device without a word.
                if let Some(id) = &self.pinned
                    && !listening.system.is_present(id)
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
                tracing::warn!(
                    source = self.title,
                    samples = lost - dropped,
                    "sound was lost: we were too slow"
                );
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
