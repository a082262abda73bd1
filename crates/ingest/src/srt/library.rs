//! libsrt, loaded when it is needed: the calls that a listener needs, made safe.
//!
//! GStreamer's `srtsrc` takes one caller and knows no way to refuse one with a reason or to read two at once, so a
//! takeover could not be rehearsed with it. The library below it can, and comes with GStreamer's `srt` plugin, so
//! nothing more needs to be installed or linked. It is loaded by name at run time and never unloaded, because it has
//! threads of its own.
//!
//! All that is unsafe is in this file: the signatures of the functions, as `srt.h` of libsrt 1.4.2 to 1.5 declares
//! them, and the pointers given to them. What is known of the library is its API documentation ("SRT API Functions",
//! "SRT API Socket Options").

#![allow(unsafe_code, reason = "calls into libsrt; each block says why it is sound")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use libloading::Library;
use socket2::{SockAddr, SockAddrStorage};
use units::Secret;

use super::visits::Visits;

/// Names of the library: that of Debian's GStreamer, those of other systems, that of GStreamer for Windows.
#[cfg(windows)]
const NAMES: [&str; 2] = ["srt.dll", "libsrt.dll"];
#[cfg(not(windows))]
const NAMES: [&str; 4] = ["libsrt-gnutls.so.1.5", "libsrt.so.1.5", "libsrt-openssl.so.1.5", "libsrt.so.1.4"];

/// `SRT_SOCKOPT` of `srt.h`.
const RECEIVE_BLOCKS: c_int = 2;
const HELD_PACKETS: c_int = 20;
const LATENCY_MS: c_int = 23;
const PASSPHRASE: c_int = 26;
const KEY_BYTES: c_int = 27;
const RECEIVE_LATENCY_MS: c_int = 43;
const IDLE_PATIENCE_MS: c_int = 55;

/// `SRT_SOCKSTATUS`: broken, closing, closed, gone.
const BROKEN: c_int = 6;

/// `SRT_EPOLL_IN`.
const READABLE: c_int = 1;

/// `SRT_ERRNO`: nothing to read, and nothing in time.
const NOTHING_YET: c_int = 6002;
const NOTHING_IN_TIME: c_int = 6003;

/// `LOG_CRIT` of syslog. A caller that is refused is no news here: its report says so.
const LOG_CRITICAL: c_int = 2;

/// How long a peer may say nothing at all before its connection counts as lost: libsrt's own default. Senders say
/// something every second, also when they have no data.
pub(super) const IDLE_PATIENCE: Duration = Duration::from_millis(5000);

/// Callers that wait to be accepted.
const BACKLOG: c_int = 16;

/// Longest stream id (SRT API, `SRTO_STREAMID`).
const MAX_STREAM_ID: usize = 512;

/// Room for `CBytePerfMon`, which has about 500 bytes in libsrt 1.5 and has only ever grown at its end.
const STATISTICS_WORDS: usize = 256;

type Hook = unsafe extern "C" fn(*mut c_void, c_int, c_int, *const SockAddrStorage, *const c_char) -> c_int;

/// The functions of the library.
struct Api {
    /// Keeps the functions below in memory.
    _library: Library,
    create_socket: unsafe extern "C" fn() -> c_int,
    bind: unsafe extern "C" fn(c_int, *const SockAddrStorage, c_int) -> c_int,
    listen: unsafe extern "C" fn(c_int, c_int) -> c_int,
    listen_callback: unsafe extern "C" fn(c_int, Hook, *mut c_void) -> c_int,
    accept: unsafe extern "C" fn(c_int, *mut SockAddrStorage, *mut c_int) -> c_int,
    close: unsafe extern "C" fn(c_int) -> c_int,
    local_name: unsafe extern "C" fn(c_int, *mut SockAddrStorage, *mut c_int) -> c_int,
    set_option: unsafe extern "C" fn(c_int, c_int, *const c_void, c_int) -> c_int,
    option: unsafe extern "C" fn(c_int, c_int, *mut c_void, *mut c_int) -> c_int,
    receive: unsafe extern "C" fn(c_int, *mut c_char, c_int) -> c_int,
    state: unsafe extern "C" fn(c_int) -> c_int,
    set_reason: unsafe extern "C" fn(c_int, c_int) -> c_int,
    last_error: unsafe extern "C" fn(*mut c_int) -> c_int,
    last_error_text: unsafe extern "C" fn() -> *const c_char,
    statistics: unsafe extern "C" fn(c_int, *mut c_void, c_int) -> c_int,
    epoll_create: unsafe extern "C" fn() -> c_int,
    epoll_add: unsafe extern "C" fn(c_int, c_int, *const c_int) -> c_int,
    epoll_wait: EpollWait,
    epoll_release: unsafe extern "C" fn(c_int) -> c_int,
    #[cfg(unix)]
    cleanup: unsafe extern "C" fn() -> c_int,
}

type EpollWait = unsafe extern "C" fn(
    c_int,
    *mut c_int,
    *mut c_int,
    *mut c_int,
    *mut c_int,
    i64,
    *mut c_void,
    *mut c_int,
    *mut c_void,
    *mut c_int,
) -> c_int;

/// Why there is no listener.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// The library is not installed.
    #[error("libsrt is not on this system; it comes with the srt plugin of GStreamer")]
    Missing,
    /// It is there and can not be used.
    #[error("libsrt can not be used: {0}")]
    Unusable(String),
    /// The process ends, and the library with it.
    #[error("the program is ending")]
    Ending,
    /// Another program has the port.
    #[error("the port is in use")]
    PortInUse,
    /// The library says no.
    #[error("{0}")]
    Refused(String),
}

/// Decides who may come in. It is asked by a thread of libsrt, which all callers wait for.
pub(super) trait Gate: Send + Sync {
    /// A caller wants in. An error is the reason that it is told (`srt_setrejectreason`; "SRT Access Control").
    fn admit(&self, call: Call) -> Result<(), c_int>;
}

/// A caller that waits for an answer.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) peer: SocketAddr,
    /// As it came, in the clear.
    pub(super) stream_id: Secret,
}

/// A caller, from its call on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CallId(c_int);

impl Api {
    /// Finds library and functions, once for the process.
    fn get() -> Result<&'static Self, Problem> {
        static API: OnceLock<Result<Api, Problem>> = OnceLock::new();
        API.get_or_init(Self::load).as_ref().map_err(Clone::clone)
    }

    fn load() -> Result<Self, Problem> {
        // SAFETY: libsrt has no initialisers beyond those of its C++ statics, and is what GStreamer's plugin loads into
        // this process too.
        let found = NAMES.iter().find_map(|name| unsafe { Library::new(name) }.ok());
        let library = found.ok_or(Problem::Missing)?;
        let missing = |error: libloading::Error| Problem::Unusable(error.to_string());
        // SAFETY: each type below is the function's declaration in `srt.h`, with `SRTSOCKET` and enums as `int`,
        // `struct sockaddr*` as a pointer to storage that begins with one, and `SYSSOCKET` never passed. The pointers
        // stay valid because the library is kept beside them and `Api` lives in a static.
        let api = unsafe {
            let startup: unsafe extern "C" fn() -> c_int = *library.get(b"srt_startup\0").map_err(missing)?;
            let log_level: unsafe extern "C" fn(c_int) =
                *library.get(b"srt_setloglevel\0").map_err(missing)?;
            let api = Self {
                create_socket: *library.get(b"srt_create_socket\0").map_err(missing)?,
                bind: *library.get(b"srt_bind\0").map_err(missing)?,
                listen: *library.get(b"srt_listen\0").map_err(missing)?,
                listen_callback: *library.get(b"srt_listen_callback\0").map_err(missing)?,
                accept: *library.get(b"srt_accept\0").map_err(missing)?,
                close: *library.get(b"srt_close\0").map_err(missing)?,
                local_name: *library.get(b"srt_getsockname\0").map_err(missing)?,
                set_option: *library.get(b"srt_setsockflag\0").map_err(missing)?,
                option: *library.get(b"srt_getsockflag\0").map_err(missing)?,
                receive: *library.get(b"srt_recvmsg\0").map_err(missing)?,
                state: *library.get(b"srt_getsockstate\0").map_err(missing)?,
                set_reason: *library.get(b"srt_setrejectreason\0").map_err(missing)?,
                last_error: *library.get(b"srt_getlasterror\0").map_err(missing)?,
                last_error_text: *library.get(b"srt_getlasterror_str\0").map_err(missing)?,
                statistics: *library.get(b"srt_bstats\0").map_err(missing)?,
                epoll_create: *library.get(b"srt_epoll_create\0").map_err(missing)?,
                epoll_add: *library.get(b"srt_epoll_add_usock\0").map_err(missing)?,
                epoll_wait: *library.get(b"srt_epoll_wait\0").map_err(missing)?,
                epoll_release: *library.get(b"srt_epoll_release\0").map_err(missing)?,
                #[cfg(unix)]
                cleanup: *library.get(b"srt_cleanup\0").map_err(missing)?,
                _library: library,
            };
            // Counted by the library, so it does not matter that GStreamer's plugin calls it too. Undone only at the end
            // of the process: sockets may be open until then.
            if startup() < 0 {
                return Err(Problem::Unusable(api.error_text()));
            }
            end_before_the_process();
            log_level(LOG_CRITICAL);
            api
        };
        Ok(api)
    }

    fn error_code(&self) -> c_int {
        // SAFETY: the argument may be null (API documentation); the value is of the calling thread.
        unsafe { (self.last_error)(core::ptr::null_mut()) }
    }

    fn error_text(&self) -> String {
        // SAFETY: the text is of the calling thread, ends with a zero and stays until the thread's next call.
        let text = unsafe {
            let text = (self.last_error_text)();
            if text.is_null() { None } else { Some(CStr::from_ptr(text).to_string_lossy().into_owned()) }
        };
        text.unwrap_or_else(|| String::from("no reason given"))
    }

    fn set_int(&self, socket: c_int, option: c_int, value: c_int) -> Result<(), Problem> {
        let size = c_int::try_from(size_of::<c_int>()).unwrap_or(4);
        // SAFETY: the pointer is to an int that lives over the call, and its size is given.
        let set = unsafe { (self.set_option)(socket, option, (&raw const value).cast(), size) };
        if set == 0 { Ok(()) } else { Err(Problem::Refused(self.error_text())) }
    }

    fn set_bool(&self, socket: c_int, option: c_int, value: bool) -> Result<(), Problem> {
        // The library takes an int for a flag, too (API documentation, `srt_setsockflag`).
        self.set_int(socket, option, c_int::from(value))
    }

    fn int(&self, socket: c_int, option: c_int) -> Option<c_int> {
        let _call = CALLS.begin()?;
        let mut value: c_int = 0;
        let mut size = c_int::try_from(size_of::<c_int>()).unwrap_or(4);
        // SAFETY: value and size live over the call, and the options asked for are ints.
        let got = unsafe { (self.option)(socket, option, (&raw mut value).cast(), &raw mut size) };
        (got == 0).then_some(value)
    }
}

/// Those of our own calls that are under way. A process may end while threads of an ingest that was just dropped are still
/// closing what they had.
static CALLS: Visits = Visits::new();

/// How long the end of the process waits for calls under way, the longest of which waits for a caller.
#[cfg(unix)]
const LAST_CALLS: Duration = Duration::from_secs(2);

/// Has the library shut down when the process ends, after the last of our calls. Version 1.5.1 destroys its tables then,
/// while its own thread or one of ours may still be walking through them: about one process of thirty crashed there on a
/// busy machine, after everything was done. Windows ends all other threads of a process before it destroys anything, and
/// what may hang there, the program leaves out (`desktop::process_end`).
fn end_before_the_process() {
    #[cfg(unix)]
    {
        extern "C" fn end() {
            if CALLS.end(LAST_CALLS)
                && let Ok(api) = Api::get()
            {
                // SAFETY: takes nothing, and undoes one `srt_startup`, which was called once for `Api`.
                unsafe { (api.cleanup)() };
            }
        }
        // SAFETY: as atexit(3) declares it. It only notes the function, which is part of the program and so stays.
        unsafe extern "C" {
            safe fn atexit(act: extern "C" fn()) -> c_int;
        }
        // At worst there is no room, and the process ends as it would have without it.
        let _noted = atexit(end);
    }
}

/// A UDP port that is bound and not yet listened on.
pub(crate) struct Bound {
    api: &'static Api,
    socket: c_int,
    address: SocketAddr,
}

/// A port that takes callers.
pub(super) struct Listener {
    bound: Bound,
    epoll: c_int,
    gate: usize,
}

/// How a port is opened.
pub(super) struct Options<'a> {
    pub(super) latency: Duration,
    pub(super) passphrase: Option<&'a Secret>,
}

impl Bound {
    /// Binds `address`; port 0 takes one that is free.
    pub(super) fn new(address: SocketAddr, options: &Options<'_>) -> Result<Self, Problem> {
        let api = Api::get()?;
        let _call = CALLS.begin().ok_or(Problem::Ending)?;
        // SAFETY: takes nothing; the library was started.
        let socket = unsafe { (api.create_socket)() };
        if socket < 0 {
            return Err(Problem::Refused(api.error_text()));
        }
        // From here on dropping it closes the socket.
        let mut bound = Self { api, socket, address };
        let millis = |span: Duration| c_int::try_from(span.as_millis()).unwrap_or(c_int::MAX);
        api.set_int(socket, LATENCY_MS, millis(options.latency))?;
        api.set_int(socket, IDLE_PATIENCE_MS, millis(IDLE_PATIENCE))?;
        if let Some(passphrase) = options.passphrase {
            let text = passphrase.expose().as_bytes();
            let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
            // SAFETY: the bytes live over the call, which copies as many as it is told.
            if unsafe { (api.set_option)(socket, PASSPHRASE, text.as_ptr().cast(), length) } != 0 {
                return Err(Problem::Refused(api.error_text()));
            }
        }
        let name = SockAddr::from(address);
        let length = c_int::try_from(name.len()).unwrap_or(0);
        // SAFETY: the address lives over the call, is one of the system's own form, and its length is given.
        if unsafe { (api.bind)(socket, name.as_ptr(), length) } != 0 {
            let text = api.error_text();
            // The library knows one error for all that the system may say; a bind that fails on an address that is
            // there means a port that is taken.
            let can_be_bound = std::net::UdpSocket::bind(address).is_ok();
            return Err(if can_be_bound { Problem::Refused(text) } else { Problem::PortInUse });
        }
        // SAFETY: storage and length are socket2's, large enough for any address, and filled before they are read.
        let local = unsafe {
            SockAddr::try_init(|storage, length| {
                let mut size = c_int::try_from(*length).unwrap_or(c_int::MAX);
                if (api.local_name)(socket, storage, &raw mut size) != 0 {
                    return Err(std::io::Error::other(api.error_text()));
                }
                #[cfg_attr(
                    windows,
                    expect(clippy::useless_conversion, reason = "a socket's length is an int there")
                )]
                let size = size.try_into().unwrap_or(0);
                *length = size;
                Ok(())
            })
        };
        bound.address = local
            .ok()
            .and_then(|((), address)| address.as_socket())
            .ok_or_else(|| Problem::Refused(String::from("the address of the socket is not known")))?;
        Ok(bound)
    }

    /// Where it is bound.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes callers that `gate` admits.
    pub(super) fn listen(self, gate: Arc<dyn Gate>) -> Result<Listener, Problem> {
        let api = self.api;
        let _call = CALLS.begin().ok_or(Problem::Ending)?;
        // SAFETY: takes nothing; the library was started.
        let epoll = unsafe { (api.epoll_create)() };
        let gate = register(gate);
        // From here on dropping it undoes everything.
        let listener = Listener { epoll, gate, bound: self };
        let socket = listener.bound.socket;
        let refused = || Problem::Refused(api.error_text());
        if epoll < 0 {
            return Err(refused());
        }
        api.set_bool(socket, RECEIVE_BLOCKS, false)?;
        // SAFETY: `hook` has the declared signature, and its first argument is a number and never followed as a
        // pointer, so nothing has to outlive the socket.
        if unsafe { (api.listen_callback)(socket, hook, core::ptr::without_provenance_mut(gate)) } != 0 {
            return Err(refused());
        }
        // SAFETY: plain numbers.
        if unsafe { (api.listen)(socket, BACKLOG) } != 0 {
            return Err(refused());
        }
        let events = READABLE;
        // SAFETY: the events live over the call.
        if unsafe { (api.epoll_add)(epoll, socket, &raw const events) } != 0 {
            return Err(refused());
        }
        Ok(listener)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // At the end of the process the library closes what is open.
        let Some(_call) = CALLS.begin() else { return };
        // SAFETY: a plain number; closing what is closed is an error that does nothing.
        unsafe { (self.api.close)(self.socket) };
    }
}

impl Listener {
    /// The next caller, waited for no longer than `patience`.
    pub(super) fn accept(&self, patience: Duration) -> Option<Caller> {
        let Bound { api, socket, .. } = self.bound;
        let _call = CALLS.begin()?;
        let mut ready: [c_int; 2] = [0; 2];
        let mut count: c_int = 2;
        let null: *mut c_void = core::ptr::null_mut();
        let millis = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        // SAFETY: the array has as many places as it is said to have and lives over the call; the other sets may be
        // null (API documentation).
        let waited = unsafe {
            (api.epoll_wait)(
                self.epoll,
                ready.as_mut_ptr(),
                &raw mut count,
                null.cast(),
                null.cast(),
                millis,
                null,
                null.cast(),
                null,
                null.cast(),
            )
        };
        if waited <= 0 {
            return None;
        }
        // SAFETY: without an address to fill, both pointers may be null (API documentation).
        let accepted = unsafe { (api.accept)(socket, null.cast(), null.cast()) };
        if accepted < 0 {
            return None;
        }
        let caller = Caller { api, socket: accepted };
        // A call that waits while the connection ends takes a message out of the buffer and answers with the end
        // (libsrt 1.5.1), so that this message would be lost.
        api.set_bool(accepted, RECEIVE_BLOCKS, false).ok()?;
        Some(caller)
    }

    /// Whether the handshake with an admitted caller that was not accepted has come to nothing.
    pub(super) fn has_failed(&self, call: CallId) -> bool {
        let Some(_call) = CALLS.begin() else { return true };
        // SAFETY: a plain number; for a socket that is gone the answer says so.
        unsafe { (self.bound.api.state)(call.0) >= BROKEN }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Callers that come now are refused.
        gates().remove(&self.gate);
        let Some(_call) = CALLS.begin() else { return };
        // SAFETY: a plain number; releasing what never was is an error that does nothing.
        unsafe { (self.bound.api.epoll_release)(self.epoll) };
    }
}

/// A caller that was accepted.
pub(super) struct Caller {
    api: &'static Api,
    socket: c_int,
}

/// What a call to receive brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// So many bytes: one message of the sender.
    Bytes(usize),
    /// Nothing, for a while.
    Nothing,
    /// The connection is over.
    Closed,
}

/// What the library counts of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    /// Data packets that came, those that were sent again included.
    pub(super) packets: u64,
    /// Packets that were missing when a later one came.
    pub(super) lost: u64,
    /// Packets that came too late or never.
    pub(super) dropped: u64,
    /// Packets that could not be decrypted.
    pub(super) undecrypted: u64,
}

impl Caller {
    pub(super) const fn id(&self) -> CallId {
        CallId(self.socket)
    }

    /// The next message, if there is one; never waits. `buffer` must hold the longest one, 1456 bytes.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Received {
        let Some(_call) = CALLS.begin() else { return Received::Closed };
        let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        // SAFETY: the library writes no more than `length` bytes, which the buffer has.
        let count = unsafe { (self.api.receive)(self.socket, buffer.as_mut_ptr().cast(), length) };
        match usize::try_from(count) {
            Ok(0) => Received::Closed,
            Ok(count) => Received::Bytes(count.min(buffer.len())),
            Err(_) => match self.api.error_code() {
                NOTHING_YET | NOTHING_IN_TIME => Received::Nothing,
                _ => Received::Closed,
            },
        }
    }

    /// Packets that came and can not be read yet, because it is not their time: also of a connection that its peer has
    /// shut down, for a while.
    pub(super) fn held_packets(&self) -> u32 {
        self.api.int(self.socket, HELD_PACKETS).and_then(|packets| u32::try_from(packets).ok()).unwrap_or(0)
    }

    /// Figures so far; `None` when the connection is over.
    pub(super) fn statistics(&self) -> Option<Statistics> {
        let _call = CALLS.begin()?;
        // Of 8-byte words, so that it is aligned as the structure is.
        let mut words = [0u64; STATISTICS_WORDS];
        // SAFETY: the structure is smaller than the room and needs no stricter alignment; the library fills it.
        if unsafe { (self.api.statistics)(self.socket, words.as_mut_ptr().cast(), 0) } != 0 {
            return None;
        }
        // `CBytePerfMon`: three 64-bit numbers, of which the third is packets received; seven ints, of which the second
        // is lost ones; 64 bits; then three ints: dropped by the sender, dropped here, not decrypted.
        let int = |at: usize| {
            let word = words.get(at / 2).copied().unwrap_or_default().to_ne_bytes();
            let half = if at.is_multiple_of(2) { word.first_chunk::<4>() } else { word.last_chunk::<4>() };
            half.map_or(0, |half| u64::try_from(i32::from_ne_bytes(*half)).unwrap_or(0))
        };
        let packets = words.get(2).copied().unwrap_or_default();
        Some(Statistics { packets, lost: int(7), dropped: int(17), undecrypted: int(18) })
    }

    /// Bits of the key that the media is encrypted with; 0 for none.
    pub(super) fn key_bits(&self) -> u32 {
        let bytes = self.api.int(self.socket, KEY_BYTES).unwrap_or(0);
        u32::try_from(bytes).unwrap_or(0) * 8
    }

    /// How long packets are held back, as both sides agreed.
    pub(super) fn latency_ms(&self) -> u32 {
        self.api.int(self.socket, RECEIVE_LATENCY_MS).and_then(|ms| u32::try_from(ms).ok()).unwrap_or(0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // At the end of the process the library closes what is open.
        let Some(_call) = CALLS.begin() else { return };
        // SAFETY: a plain number; closing what is closed is an error that does nothing.
        unsafe { (self.api.close)(self.socket) };
    }
}

type Gates = HashMap<usize, Arc<dyn Gate>>;

/// The gates of all listeners of the process, by the number that libsrt gives back to [`hook`].
fn gates() -> MutexGuard<'static, Gates> {
    static GATES: OnceLock<Mutex<Gates>> = OnceLock::new();
    GATES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(gate: Arc<dyn Gate>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    gates().insert(number, gate);
    number
}

/// Asked by libsrt about every caller (`srt_listen_callback`); -1 refuses.
///
/// # Safety
/// `peer` points to the address of the caller, and `stream_id` is null or text that ends with a zero; both live over the
/// call. That is what libsrt promises.
unsafe extern "C" fn hook(
    gate: *mut c_void,
    socket: c_int,
    _handshake_version: c_int,
    peer: *const SockAddrStorage,
    stream_id: *const c_char,
) -> c_int {
    let number = gate.addr();
    // Nothing may unwind into libsrt.
    let answer = catch_unwind(AssertUnwindSafe(|| {
        // Not held while the gate decides.
        let gate = gates().get(&number).cloned();
        let stream_id = if stream_id.is_null() {
            String::new()
        } else {
            // SAFETY: not null, so it is text that ends with a zero (see above).
            let text = unsafe { CStr::from_ptr(stream_id) };
            text.to_string_lossy().chars().take(MAX_STREAM_ID).collect()
        };
        // SAFETY: not changed, and an address of the system (see above).
        let peer = unsafe { address(peer) };
        let call = Call { id: CallId(socket), peer, stream_id: Secret::new(stream_id) };
        gate.map_or(Err(NO_GATE), |gate| gate.admit(call))
    }));
    match answer {
        Ok(Ok(())) => 0,
        Ok(Err(reason)) => {
            if let (Ok(api), Some(_call)) = (Api::get(), CALLS.begin()) {
                // SAFETY: plain numbers; only the reason of this very socket is set, as the callback may.
                unsafe { (api.set_reason)(socket, reason) };
            }
            -1
        }
        Err(_) => -1,
    }
}

/// `SRT_REJX_DOWN`: the listener is being closed.
const NO_GATE: c_int = 1503;

/// The address behind `peer`.
///
/// # Safety
/// `peer` is null or points to a `sockaddr_in` or `sockaddr_in6`, by its family.
unsafe fn address(peer: *const SockAddrStorage) -> SocketAddr {
    let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    if peer.is_null() {
        return unknown;
    }
    let examples = [unknown, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))].map(SockAddr::from);
    // SAFETY: every address begins with its family, in 16 bits on Linux and Windows; it is only read.
    let family = unsafe { peer.cast::<u16>().read_unaligned() };
    let Some(example) = examples.iter().find(|example| example.family() == family) else {
        return unknown;
    };
    let length = example.len();
    // SAFETY: an address of this family has `length` bytes, and the storage is larger than any address.
    let copied = unsafe {
        SockAddr::try_init(|storage, size| {
            let bytes = usize::try_from(length).unwrap_or(0);
            core::ptr::copy_nonoverlapping(peer.cast::<u8>(), storage.cast::<u8>(), bytes);
            *size = length;
            Ok(())
        })
    };
    copied.ok().and_then(|((), address)| address.as_socket()).unwrap_or(unknown)
}
