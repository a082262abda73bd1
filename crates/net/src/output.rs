//! The handle that the rest of the program holds, whatever the protocol.

use std::sync::{Arc, Mutex, PoisonError};

use ivs::Protocol;
use publish::{Delivered, Ended, Notice, Stats};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use units::{AccessUnit, Clock, StreamConfig};

use crate::{Destination, Error, rtmp, srt};

/// Notices that wait for a reader. A session makes a dozen and one for each change of health; whoever reads less often
/// finds the present state in [`Output::stats`] and the end in [`Output::ended`].
const NOTICES: usize = 256;

/// A protocol's half of an [`Output`]. None of these calls waits for the network.
pub(crate) trait Way: Send + Sync {
    /// See [`Output::begin`].
    fn begin(&self, config: StreamConfig);
    /// See [`Output::send`].
    fn send(&self, unit: Arc<AccessUnit>);
    /// See [`Output::stats`].
    fn stats(&self) -> Stats;
    /// See [`Output::deliveries`].
    fn deliveries(&self) -> Vec<Delivered>;
    /// See [`Output::stop`].
    fn stop(&self);
    /// See [`Output::depart`].
    fn depart(&self);
    /// See [`Output::conclude`].
    fn conclude(&self);
    /// See [`Output::proceed`].
    fn proceed(&self);
    /// The handle is dropped: nobody will give a unit any more.
    fn let_go(&self);
}

/// Where the task behind an output tells what happens.
pub(crate) struct Tellings {
    notices: mpsc::Sender<Notice>,
    ended: watch::Sender<Option<Ended>>,
}

/// The handle's end of [`Tellings`].
pub(crate) struct Heard {
    notices: mpsc::Receiver<Notice>,
    ended: watch::Receiver<Option<Ended>>,
}

impl Tellings {
    pub(crate) fn new() -> (Self, Heard) {
        let (notice_sender, notices) = mpsc::channel(NOTICES);
        let (ended_sender, ended) = watch::channel(None);
        (Self { notices: notice_sender, ended: ended_sender }, Heard { notices, ended })
    }

    /// Passes a notice on; true when it was the last one.
    pub(crate) fn tell(&self, notice: Notice) -> bool {
        let last = match &notice {
            Notice::Ended(ended) => Some(ended.clone()),
            _ => None,
        };
        // Nobody has to listen, see `NOTICES`.
        let _unheard = self.notices.try_send(notice);
        let is_last = last.is_some();
        if is_last {
            self.ended.send_replace(last);
        }
        is_last
    }
}

/// A stream to one destination, connecting from the moment it is started unless it [waits](Destination::waits).
/// Dropping it stops it in good order; one that departs or concludes sends what it was given and closes.
pub struct Output {
    way: Box<dyn Way>,
    notices: Mutex<Option<mpsc::Receiver<Notice>>>,
    ended: watch::Receiver<Option<Ended>>,
}

/// Starts a session with `destination` on `runtime`. Reads the CA file and the system's certificates here, so call it
/// where a few milliseconds do not matter.
///
/// # Errors
/// Everything that is wrong with the destination before anything is sent.
pub fn start(runtime: &Handle, destination: &Destination, clock: Arc<dyn Clock>) -> Result<Output, Error> {
    match destination.address.protocol() {
        Protocol::Rtmp | Protocol::Rtmps => rtmp::start(runtime, destination, clock),
        Protocol::Srt => srt::start(runtime, destination, clock),
    }
}

impl Output {
    pub(crate) fn new(way: Box<dyn Way>, heard: Heard) -> Self {
        Self { way, notices: Mutex::new(Some(heard.notices)), ended: heard.ended }
    }

    /// Tells the decoder configuration of all tracks: once before the first [`Self::send`], and again when it changes.
    pub fn begin(&self, config: StreamConfig) {
        self.way.begin(config);
    }

    /// Hands an access unit over. Never waits for the network: what does not fit is dropped by the rules of
    /// [`publish::SendQueue`], and counted.
    pub fn send(&self, unit: Arc<AccessUnit>) {
        self.way.send(unit);
    }

    /// What happens, as it happens. The receiver is there for one taker; later calls give `None`.
    pub fn events(&self) -> Option<mpsc::Receiver<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Figures of this moment.
    pub fn stats(&self) -> Stats {
        self.way.stats()
    }

    /// What has left and what has arrived since the last call, for the [`publish::GapLedger`]. Once the output has
    /// [ended](Self::ended), one more call tells the rest.
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.way.deliveries()
    }

    /// Ends the stream in good order. Returns at once; the end is there within two seconds, see [`Self::ended`].
    pub fn stop(&self) {
        self.way.stop();
    }

    /// Leaves the stream at the next common IDR to another output, which was started with
    /// [`Destination::keep_from_keyframe`] and is given the same units already; see [`publish::Session::depart`]. Goes
    /// on taking units until then, and ends as [`Ended::Departed`].
    pub fn depart(&self) {
        self.way.depart();
    }

    /// Ends the stream at the next common IDR, and tells the service that it ends; see [`publish::Session::conclude`].
    /// Goes on taking units until then, and ends as [`Ended::Stopped`].
    pub fn conclude(&self) {
        self.way.conclude();
    }

    /// Lets an output connect that was started with [`Destination::waits`].
    pub fn proceed(&self) {
        self.way.proceed();
    }

    /// How it ended; `None` while it goes on.
    pub fn ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Waits for the end. `None` when the runtime was shut down before.
    pub async fn wait_ended(&self) -> Option<Ended> {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.way.let_go();
    }
}
