//! Lets SRT callers in: one thread that accepts, and one for each of them. A caller that is not read, or whose disk is
//! slow, holds nobody else up.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::SrtReception;
use super::library::{Bound, Call, CallId, Caller, Gate, IDLE_PATIENCE, Listener, Problem, Received};
use super::session::{SrtSession, reason};
use crate::connection::TICK;
use crate::received::create_numbered;
use crate::service::Service;

/// Longest message of a live stream (SRT API, `SRTO_PAYLOADSIZE`), with room to spare.
const MESSAGE_BYTES: usize = 2048;

/// How often the accepting thread looks whether it is to stop.
const ACCEPT_PATIENCE: Duration = Duration::from_millis(50);

/// A connection that broke so long after the last packet was not shut down by its peer: it timed out. Less than
/// [`IDLE_PATIENCE`] by what a thread may come late.
const VANISHED_AFTER: Duration = IDLE_PATIENCE.saturating_sub(Duration::from_millis(500));

/// How long after its time a packet may become readable: its time counts from when the call came, and a call may be
/// late by what the network or this machine was busy with.
const LATE_CALL: Duration = Duration::from_secs(1);

/// Where callers knock.
struct Knocking {
    service: Arc<Service>,
    max_callers: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Let in, and not yet accepted.
    admitted: HashMap<CallId, SrtSession>,
    /// Not let in, and not yet reported.
    refused: Vec<SrtSession>,
    /// Accepted, and not yet gone.
    inside: usize,
}

impl Knocking {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate for Knocking {
    fn admit(&self, call: Call) -> Result<(), i32> {
        if !*self.service.reachable().borrow() {
            return Err(reason::DOWN);
        }
        let now = self.service.now();
        let mut session = SrtSession::new(Arc::clone(&self.service), call.peer, &call.stream_id);
        let admitted = {
            let state = self.lock();
            state.inside + state.admitted.len() < self.max_callers
        };
        let answer = if admitted {
            session.admit(now)
        } else {
            session.too_many(now);
            Err(reason::DOWN)
        };
        let mut state = self.lock();
        match answer {
            Ok(()) => {
                state.admitted.insert(call.id, session);
            }
            Err(_) => state.refused.push(session),
        }
        answer
    }
}

/// Takes callers until the ingest is stopped. The task ends when all of them are gone.
pub(super) fn serve(
    bound: Bound,
    service: Arc<Service>,
    stopping: watch::Receiver<bool>,
    max_callers: usize,
) -> Result<JoinHandle<()>, Problem> {
    let knocking = Arc::new(Knocking { service, max_callers, state: Mutex::default() });
    let gate: Arc<dyn Gate> = Arc::clone(&knocking) as Arc<dyn Gate>;
    let listener = bound.listen(gate)?;
    let (done, ended) = oneshot::channel();
    let accepting = move || {
        accept(listener, &knocking, &stopping);
        // Nobody waits when the ingest was dropped.
        let _ = done.send(());
    };
    let spawned = thread::Builder::new().name(String::from("ingest srt")).spawn(accepting);
    spawned.map_err(|error| Problem::Unusable(error.to_string()))?;
    Ok(tokio::spawn(async move {
        let _ = ended.await;
    }))
}

fn is_stopping(stopping: &watch::Receiver<bool>) -> bool {
    // The sender is gone when the ingest was dropped.
    *stopping.borrow() || stopping.has_changed().is_err()
}

fn accept(listener: Listener, knocking: &Arc<Knocking>, stopping: &watch::Receiver<bool>) {
    let mut inside: Vec<thread::JoinHandle<()>> = Vec::new();
    while !is_stopping(stopping) {
        if let Some(caller) = listener.accept(ACCEPT_PATIENCE) {
            let session = knocking.lock().admitted.remove(&caller.id());
            if let Some(session) = session
                && let Some(thread) = let_in(caller, session, knocking, stopping)
            {
                inside.push(thread);
            }
        }
        report_failed(&listener, knocking);
        inside.retain(|thread| !thread.is_finished());
    }
    // Callers that come now are told that nobody is here.
    drop(listener);
    let left: Vec<_> = {
        let mut state = knocking.lock();
        state.admitted.drain().map(|(_, session)| session).collect()
    };
    for mut session in left {
        session.stop();
        file(session, knocking);
    }
    for thread in inside {
        if thread.join().is_err() {
            tracing::error!("a session of the rehearsal ingest died");
        }
    }
}

/// Reports those that were not let in, and those whose handshake failed.
fn report_failed(listener: &Listener, knocking: &Knocking) {
    let (refused, waiting): (Vec<_>, Vec<_>) = {
        let mut state = knocking.lock();
        (core::mem::take(&mut state.refused), state.admitted.keys().copied().collect())
    };
    for session in refused {
        file(session, knocking);
    }
    // The library is asked without the lock, which a thread of its own may wait for.
    for call in waiting.into_iter().filter(|call| listener.has_failed(*call)) {
        let session = knocking.lock().admitted.remove(&call);
        if let Some(mut session) = session {
            session.handshake_failed(knocking.service.now());
            file(session, knocking);
        }
    }
}

fn file(session: SrtSession, knocking: &Knocking) {
    let now = knocking.service.now();
    knocking.service.file_report(session.finish(None, None, now));
}

fn let_in(
    caller: Caller,
    session: SrtSession,
    knocking: &Arc<Knocking>,
    stopping: &watch::Receiver<bool>,
) -> Option<thread::JoinHandle<()>> {
    let (own, stopping) = (Arc::clone(knocking), stopping.clone());
    knocking.lock().inside += 1;
    let work = move || {
        run(&caller, session, &own.service, &stopping);
        own.lock().inside -= 1;
    };
    let spawned = thread::Builder::new().name(String::from("ingest srt caller")).spawn(work);
    if spawned.is_err() {
        knocking.lock().inside -= 1;
        tracing::warn!("the system gives no thread for a caller; it was sent away");
    }
    spawned.ok()
}

/// Serves one caller to its end.
fn run(caller: &Caller, mut session: SrtSession, service: &Service, stopping: &watch::Receiver<bool>) {
    let mut kept = Kept::Nothing;
    let mut buffer = [0u8; MESSAGE_BYTES];
    let mut arrivals = Arrivals::new(caller);
    let mut rest = Rest::default();
    session.publish(service.now());
    while !session.is_over() {
        if is_stopping(stopping) {
            session.stop();
            break;
        }
        if !session.may_read(service.now()) {
            thread::sleep(TICK);
            if !arrivals.look(caller, &mut session) {
                session.closed(arrivals.were_recent(), service.now());
            }
        } else {
            match caller.receive(&mut buffer) {
                Received::Bytes(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    kept.write(bytes, session.number(), service);
                    session.handle_input(bytes, service.now());
                }
                Received::Nothing => {
                    kept.flush();
                    thread::sleep(LOOK);
                }
                // What is held back comes at its time, also when the peer has left meanwhile.
                Received::Closed if rest.is_to_come(caller, &arrivals) => thread::sleep(LOOK),
                Received::Closed => session.closed(rest.was_left_in_order, service.now()),
            }
        }
        if arrivals.is_due() {
            arrivals.look(caller, &mut session);
            session.tick(service.now());
        }
    }
    let ended_at = service.now();
    session.leave_air(ended_at);
    let (name, problem) = kept.finish();
    let is_frozen = session.is_frozen();
    service.file_report(session.finish(name, problem, ended_at));
    while is_frozen && !is_stopping(stopping) && caller.statistics().is_some() {
        // The connection stays open until its peer leaves it.
        thread::sleep(TICK);
    }
}

/// How often is looked for what came.
const LOOK: Duration = Duration::from_millis(5);

/// What is held back of a connection that is over.
#[derive(Default)]
struct Rest {
    /// When the connection was over.
    since: Option<Instant>,
    /// Its peer shut it down.
    was_left_in_order: bool,
}

impl Rest {
    /// Whether more will be readable.
    fn is_to_come(&mut self, caller: &Caller, arrivals: &Arrivals) -> bool {
        let since = *self.since.get_or_insert_with(|| {
            self.was_left_in_order = arrivals.were_recent();
            Instant::now()
        });
        let latency = Duration::from_millis(u64::from(caller.latency_ms()));
        self.was_left_in_order && since.elapsed() < latency + LATE_CALL && caller.held_packets() > 0
    }
}

/// Watches when packets come, whether or not they are read.
struct Arrivals {
    reception: SrtReception,
    newest: Instant,
    looked: Instant,
}

impl Arrivals {
    fn new(caller: &Caller) -> Self {
        let reception = SrtReception {
            latency_ms: caller.latency_ms(),
            key_bits: caller.key_bits(),
            ..SrtReception::default()
        };
        let now = Instant::now();
        Self { reception, newest: now, looked: now }
    }

    fn is_due(&self) -> bool {
        self.looked.elapsed() >= TICK
    }

    /// Takes the figures; `false` when the connection is over.
    fn look(&mut self, caller: &Caller, session: &mut SrtSession) -> bool {
        self.looked = Instant::now();
        let Some(now) = caller.statistics() else { return false };
        // A connection that breaks answers zeros for a moment.
        if now.packets > self.reception.packets {
            self.newest = self.looked;
            let SrtReception { latency_ms, key_bits, .. } = self.reception;
            let (packets, lost) = (now.packets, now.lost);
            let (dropped, undecrypted) = (now.dropped, now.undecrypted);
            self.reception = SrtReception { latency_ms, key_bits, packets, lost, dropped, undecrypted };
        }
        session.received(self.reception);
        true
    }

    /// Whether packets came until just now, so that a connection which is over was shut down and did not time out.
    fn were_recent(&self) -> bool {
        self.newest.elapsed() < VANISHED_AFTER
    }
}

/// What waits for the disk: three messages. Others read the file while it grows, and see when each picture came.
const FILE_BUFFER_BYTES: usize = 4 * 1024;

/// The file with what was received, which is created with the first byte.
enum Kept {
    Nothing,
    Open(String, BufWriter<File>),
    Failed(Option<String>, String),
}

impl Kept {
    fn write(&mut self, bytes: &[u8], number: u64, service: &Service) {
        if let (Self::Nothing, Some(folder)) = (&*self, &service.config.out_dir) {
            *self = match create_numbered(folder, number, "ts") {
                Ok((name, file)) => Self::Open(name, BufWriter::with_capacity(FILE_BUFFER_BYTES, file)),
                Err(error) => Self::Failed(None, error.to_string()),
            };
        }
        self.attempt(|file| file.write_all(bytes));
    }

    /// Others read the file while it grows.
    fn flush(&mut self) {
        self.attempt(Write::flush);
    }

    fn attempt(&mut self, work: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) {
        if let Self::Open(name, file) = self
            && let Err(error) = work(file)
        {
            *self = Self::Failed(Some(core::mem::take(name)), error.to_string());
        }
    }

    /// Name of the file, and what went wrong with it.
    fn finish(mut self) -> (Option<String>, Option<String>) {
        self.flush();
        match self {
            Self::Nothing => (None, None),
            Self::Open(name, _) => (Some(name), None),
            Self::Failed(name, problem) => (name, Some(problem)),
        }
    }
}
