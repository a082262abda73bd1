//! What the person's desktop gives to a running show, and how what it tells becomes commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use control::{Command, HotkeyAct, RecordingState, View};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use desktop::{Chord, Error, Reply, SystemEvent, SystemEvents};

/// Devices settle for so long before they are looked for: a docking station tells of each of its parts.
const SETTLE: Duration = Duration::from_millis(700);
/// How often a waiting reply looks whether what it waits for is done.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What the desktop gives; `None` where it gives nothing, and why in words.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    system: Option<Arc<SystemEvents>>,
    no_hotkeys: String,
}

impl Host {
    /// A show that no desktop knows of.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn none() -> Self {
        Self { system: None, no_hotkeys: "there is no desktop in a test".into() }
    }

    /// Listens to the desktop.
    pub(crate) fn start() -> (Self, Option<Receiver<SystemEvent>>) {
        match SystemEvents::start("Genlock") {
            Ok((system, told)) => {
                (Self { system: Some(Arc::new(system)), no_hotkeys: String::new() }, Some(told))
            }
            Err(error) => {
                tracing::info!(%error, "the desktop tells nothing");
                (Self { system: None, no_hotkeys: error.to_string() }, None)
            }
        }
    }

    /// Why no key works from anywhere; empty where keys do.
    pub(crate) fn no_hotkeys(&self) -> &str {
        &self.no_hotkeys
    }

    /// While there is a reason, the desktop asks before it ends the session.
    pub(crate) fn set_busy(&self, reason: Option<&str>) {
        if let Some(system) = &self.system {
            system.set_busy(reason);
        }
    }

    /// # Errors
    /// Why the chord does not work.
    pub(crate) fn register_hotkey(&self, number: u16, chord: Chord) -> Result<(), Error> {
        match &self.system {
            Some(system) => system.hotkeys().register(number, chord),
            None => Err(Error::NotHere("keys that work from anywhere are not available here")),
        }
    }

    pub(crate) fn release_hotkey(&self, number: u16) {
        if let Some(system) = &self.system {
            system.hotkeys().release(number);
        }
    }
}

/// Turns what the desktop tells into commands, until it tells no more.
pub(crate) struct Listener {
    pub(crate) told: Receiver<SystemEvent>,
    pub(crate) commands: Sender<Command>,
    pub(crate) view: Arc<ArcSwap<View>>,
    /// Becomes true when the engine has closed everything.
    pub(crate) ended: Arc<AtomicBool>,
}

impl Listener {
    /// Listens on a thread of its own, which ends with the [`SystemEvents`].
    pub(crate) fn start(self) {
        let started = std::thread::Builder::new().name("desktop".into()).spawn(move || self.listen());
        if let Err(error) = started {
            tracing::warn!(%error, "what the desktop tells is not heard");
        }
    }

    fn listen(self) {
        let mut look_at: Option<Instant> = None;
        loop {
            let wait =
                look_at.map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(Instant::now()));
            match self.told.recv_timeout(wait) {
                Ok(SystemEvent::DevicesChanged) => look_at = Some(Instant::now() + SETTLE),
                Ok(event) => self.hear(event),
                Err(RecvTimeoutError::Timeout) => {
                    if look_at.take().is_some() {
                        self.send(Command::DevicesChanged);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn hear(&self, event: SystemEvent) {
        match event {
            SystemEvent::SessionEnding(reply) => {
                self.send(Command::Quit);
                let ended = || self.ended.load(Ordering::Acquire);
                wait(reply, desktop::system_events::ENDING_PATIENCE, ended);
            }
            SystemEvent::Suspending(reply) => {
                self.send(Command::PrepareSleep);
                let begun = Instant::now();
                // A moment for the command to be obeyed and the view to follow.
                let closed = || {
                    let state = self.view.load().recording.state;
                    let is_open = matches!(state, RecordingState::Recording | RecordingState::Finishing);
                    begun.elapsed() > Duration::from_millis(300) && !is_open
                };
                wait(reply, desktop::system_events::SUSPEND_PATIENCE, closed);
            }
            SystemEvent::Resumed => self.send(Command::WakeUp),
            SystemEvent::Hotkey(number) => {
                let act = HotkeyAct::from_number(number);
                for command in act.map(|act| commands_of(act, &self.view.load())).unwrap_or_default() {
                    self.send(command);
                }
            }
            other => tracing::debug!(?other, "nothing to do"),
        }
    }

    fn send(&self, command: Command) {
        if self.commands.send_timeout(command, Duration::from_secs(1)).is_err() {
            tracing::warn!("the engine takes no commands at the moment");
        }
    }
}

/// Holds the reply until `done`, or until nobody waits for it any more.
fn wait(reply: Reply, patience: Duration, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() && begun.elapsed() < patience {
        std::thread::sleep(LOOK_EVERY);
    }
    drop(reply);
}

/// What a key means, as things are.
pub(crate) fn commands_of(act: HotkeyAct, view: &View) -> Vec<Command> {
    match act {
        HotkeyAct::GoLive if view.is_under_way() => Vec::new(),
        HotkeyAct::GoLive => vec![Command::GoLive],
        HotkeyAct::StopLive if view.is_under_way() => vec![Command::StopLive],
        HotkeyAct::StopLive => Vec::new(),
        HotkeyAct::Record => match view.recording.state {
            RecordingState::Recording => vec![Command::StopRecording],
            RecordingState::Off | RecordingState::Failed => vec![Command::StartRecording],
            _ => Vec::new(),
        },
        HotkeyAct::MuteMicrophones => vec![Command::ToggleMicrophones],
        HotkeyAct::Scene(place) => {
            let scene = usize::from(place).checked_sub(1).and_then(|place| view.scenes.get(place));
            scene.map(|scene| Command::SwitchScene(scene.id)).into_iter().collect()
        }
    }
}
