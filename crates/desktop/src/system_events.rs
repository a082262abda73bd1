//! What the system tells a program that has a window: the session ends, the computer goes to sleep and wakes, devices
//! come and go, a key that works from anywhere was pressed.
//!
//! On Windows one hidden window on a thread of its own hears all of it, whether the studio's window is open or not and
//! whatever that is busy with. Elsewhere nobody tells: [`SystemEvents::start`] says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::{Chord, Error};

#[cfg_attr(windows, path = "system_events/hidden_window.rs")]
#[cfg_attr(not(windows), path = "system_events/nobody.rs")]
mod system;

/// How long the end of the session waits for a [`Reply`]: Windows ends a program that takes longer than five seconds
/// (Microsoft, “WM_ENDSESSION”).
pub const ENDING_PATIENCE: Duration = Duration::from_millis(4_500);
/// How long going to sleep waits for a [`Reply`]: Windows sleeps after two seconds (Microsoft, “PBT_APMSUSPEND”).
pub const SUSPEND_PATIENCE: Duration = Duration::from_millis(1_800);

/// Events that wait to be heard; more than a hand or a docking station makes at once.
const WAITING: usize = 64;

/// Something the system told.
#[derive(Debug)]
#[non_exhaustive]
pub enum SystemEvent {
    /// The computer goes to sleep when the reply is dropped, or after [`SUSPEND_PATIENCE`].
    Suspending(Reply),
    /// It is awake again.
    Resumed,
    /// The session ends, and this process with it, when the reply is dropped, or after [`ENDING_PATIENCE`].
    SessionEnding(Reply),
    /// Devices came or went; one docking station tells this many times.
    DevicesChanged,
    /// A chord was pressed, with the number it was registered with.
    Hotkey(u16),
}

/// Lets the system go on when it is dropped.
#[derive(Debug)]
pub struct Reply {
    #[expect(dead_code, reason = "its end is the reply")]
    dropped: Sender<()>,
}

impl Reply {
    /// A reply, and what becomes disconnected when it is dropped.
    pub fn pair() -> (Self, Receiver<()>) {
        let (dropped, waits) = crossbeam_channel::bounded(0);
        (Self { dropped }, waits)
    }
}

/// Why the session should not end now, if anything speaks against it.
type Busy = Arc<Mutex<Option<String>>>;

/// Listens until it is dropped.
#[derive(Debug)]
pub struct SystemEvents {
    window: system::Window,
    busy: Busy,
}

impl SystemEvents {
    /// Begins to listen. `title` is what Windows calls the program where it asks whether the session may end.
    ///
    /// # Errors
    /// [`Error::NotHere`] where the system tells nothing, [`Error::System`] when it refuses the window.
    pub fn start(title: &str) -> Result<(Self, Receiver<SystemEvent>), Error> {
        let (tell, told) = crossbeam_channel::bounded(WAITING);
        let busy = Busy::default();
        let window = system::Window::open(title, tell, busy.clone())?;
        Ok((Self { window, busy }, told))
    }

    /// While there is a reason, one plain sentence, Windows asks the person before it ends the session, and shows it.
    pub fn set_busy(&self, reason: Option<&str>) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = reason.map(str::to_owned);
    }

    /// Keys that work from anywhere, for as long as this listens.
    pub fn hotkeys(&self) -> Hotkeys {
        Hotkeys(self.window.address())
    }
}

/// Registers keys that work from anywhere.
#[derive(Clone, Debug)]
pub struct Hotkeys(system::Address);

impl Hotkeys {
    /// Takes `chord` away from all other programs; pressing it tells [`SystemEvent::Hotkey`] with `number`, once for
    /// each press. What `number` stood for before is given back first.
    ///
    /// # Errors
    /// [`Error::ChordTaken`] when another program holds it, [`Error::System`] when the system refuses for another
    /// reason.
    pub fn register(&self, number: u16, chord: Chord) -> Result<(), Error> {
        system::register(self, number, chord)
    }

    /// Gives the chord of `number` back.
    pub fn release(&self, number: u16) {
        system::release(self, number);
    }
}
