//! Who holds what: sessions, their buffers and resources, and what was done wrong.

use core::ffi::c_void;
use std::collections::{HashMap, VecDeque};
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use nvenc_api::{B_REFERENCE_EACH, B_REFERENCE_MIDDLE, Config, InitializeParams, Status};

use crate::order::{Kind, Order, Waiting};
use crate::rules::{Refusal, Stream, field, refuse};
use crate::{avc, hevc, wishes};

/// A buffer for pictures.
pub(crate) struct Input {
    pub(crate) pitch: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) locked: bool,
    pub(crate) filled: bool,
}

/// A finished access unit.
pub(crate) struct Unit {
    pub(crate) bytes: Vec<u8>,
    pub(crate) time: u64,
    pub(crate) duration: u64,
    pub(crate) kind: Kind,
}

/// A buffer for access units.
pub(crate) enum Output {
    Free,
    Due,
    Done(Unit),
    Locked(Unit),
}

enum Coder {
    Avc(avc::Coder),
    Hevc(hevc::Coder),
}

/// A session that was readied.
pub(crate) struct Ready {
    pub(crate) stream: Stream,
    pub(crate) params: InitializeParams,
    pub(crate) config: Config,
    order: Order,
    coder: Coder,
    /// Buffers that were handed in, in that order.
    due: VecDeque<usize>,
    pub(crate) last_time: Option<u64>,
    pub(crate) ended: bool,
    /// Parameter sets come with the first picture at any rate.
    begun: bool,
}

/// What a session holds of one's own making.
#[derive(Default)]
pub(crate) struct Resources {
    /// By handle: the resource, its use, and whether it is mapped.
    pub(crate) registered: HashMap<usize, Registered>,
    /// Mapped handles and what they are of.
    pub(crate) mapped: HashMap<usize, usize>,
}

/// A registered resource.
#[cfg_attr(not(windows), expect(dead_code, reason = "resources are Direct3D's"))]
pub(crate) struct Registered {
    pub(crate) resource: usize,
    pub(crate) usage: u32,
}

/// An open session.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) ready: Option<Ready>,
    pub(crate) inputs: HashMap<usize, Input>,
    pub(crate) outputs: HashMap<usize, Output>,
    pub(crate) resources: Resources,
    #[cfg_attr(not(windows), expect(dead_code, reason = "devices differ on Windows"))]
    pub(crate) device: usize,
    /// Fences and values to set when a buffer is written, by its handle.
    pub(crate) signals: Vec<(usize, (usize, u64))>,
    pub(crate) lost: bool,
    /// Words for the last error.
    pub(crate) words: CString,
}

#[expect(unsafe_code, reason = "copies of C structures with pointers that are not followed")]
// SAFETY: the settings hold addresses that are never followed after the call that brought them.
unsafe impl Send for Session {}

/// The books of the process.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) sessions: HashMap<usize, Session>,
    next: usize,
    faults: Vec<String>,
    figures: HashMap<&'static str, i64>,
    newest: Option<(InitializeParams, Config)>,
}

#[expect(unsafe_code, reason = "copies of C structures with pointers that are not followed")]
// SAFETY: as for `Session`.
unsafe impl Send for Books {}

pub(crate) fn books() -> MutexGuard<'static, Books> {
    static BOOKS: OnceLock<Mutex<Books>> = OnceLock::new();
    BOOKS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The device that is none: an address of our own.
pub(crate) fn fake_device() -> *mut c_void {
    static DEVICE: u8 = 0;
    (&raw const DEVICE).cast_mut().cast()
}

pub(crate) fn fault(words: &str) {
    books().faults.push(words.to_owned());
}

pub(crate) fn faults() -> Vec<String> {
    books().faults.clone()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn figure(name: &str) -> i64 {
    let books = books();
    match name {
        "open_sessions" => number(books.sessions.len()),
        "faults" => number(books.faults.len()),
        "held" => books
            .sessions
            .values()
            .map(|session| {
                let Resources { registered, mapped } = &session.resources;
                number(session.inputs.len() + session.outputs.len() + registered.len() + mapped.len())
            })
            .sum(),
        _ => {
            let counted = books.figures.get(name).copied();
            let field = || field(name, &books.newest.as_ref()?.0, &books.newest.as_ref()?.1);
            counted.or_else(field).unwrap_or(match name {
                "opened" | "calls" | "pictures" | "idrs" | "b_pictures" | "reconfigured" => 0,
                _ => -1,
            })
        }
    }
}

impl Books {
    pub(crate) fn count(&mut self, name: &'static str) {
        *self.figures.entry(name).or_default() += 1;
    }

    /// A handle that was never given out before.
    pub(crate) fn handle(&mut self) -> usize {
        self.next += 1;
        0x5eed_0000_0000 + self.next * 16
    }

    pub(crate) fn remember(&mut self, params: InitializeParams, config: Config) {
        self.newest = Some((params, config));
    }

    /// Whoever calls did wrong.
    pub(crate) fn blame(&mut self, call: &str, words: &str) {
        self.faults.push(format!("{call}: {words}"));
    }
}

/// Does `work` with a session, and keeps the words of a refusal.
pub(crate) fn with_session(
    session: *mut c_void,
    call: &'static str,
    work: impl FnOnce(&mut Books, usize, &mut Session) -> Result<Status, Refusal>,
) -> Status {
    let mut books = books();
    books.count("calls");
    let key = session as usize;
    let Some(mut found) = books.sessions.remove(&key) else {
        books.blame(call, "there is no such session");
        return Status::INVALID_ENCODERDEVICE;
    };
    let result = if found.lost && !call.contains("Destroy") && !call.contains("Un") {
        Err((Status::DEVICE_NOT_EXIST, "the device is gone".to_owned()))
    } else if wishes::comes_true("fail_call") {
        let status = wishes::get("fail_status").and_then(|status| u32::try_from(status).ok());
        Err((Status(status.unwrap_or(Status::GENERIC.0)), "as it was told".to_owned()))
    } else {
        let result = work(&mut books, key, &mut found);
        if let Err((status, words)) = &result {
            // What a chip can not do and what is lost is nobody's fault.
            let innocent = [Status::DEVICE_NOT_EXIST, Status::UNSUPPORTED_PARAM, Status::OUT_OF_MEMORY];
            if !innocent.contains(status) {
                books.blame(call, words);
            }
        }
        result
    };
    let status = match result {
        Ok(status) => status,
        Err((status, words)) => {
            let words = format!("genlock fake NVENC, {call}: {words}");
            found.words = CString::new(words.replace('\0', " ")).unwrap_or_default();
            status
        }
    };
    books.sessions.insert(key, found);
    status
}

impl Session {
    pub(crate) fn ready(&mut self) -> Result<&mut Ready, Refusal> {
        self.ready.as_mut().ok_or((Status::ENCODER_NOT_INITIALIZED, "the session was not readied".to_owned()))
    }

    /// Readies the session.
    pub(crate) fn begin(&mut self, stream: Stream, params: InitializeParams, config: Config) {
        let looks = config.rc.flags & nvenc_api::RcParams::ENABLE_LOOKAHEAD != 0;
        let ahead = if looks { usize::from(config.rc.lookahead_depth) } else { 0 };
        let b_frames = usize::try_from(stream.b_frames).unwrap_or(0);
        let (middle, each) =
            (stream.b_reference == B_REFERENCE_MIDDLE, stream.b_reference == B_REFERENCE_EACH);
        let coder = if stream.hevc {
            Coder::Hevc(hevc::Coder::new(stream))
        } else {
            Coder::Avc(avc::Coder::new(stream))
        };
        self.ready = Some(Ready {
            stream,
            params,
            config,
            order: Order::new(b_frames, ahead, middle, each),
            coder,
            due: VecDeque::new(),
            last_time: None,
            ended: false,
            begun: false,
        });
    }

    /// Takes a picture, or the end, and codes what can be coded now. Whether something was.
    pub(crate) fn code(
        &mut self,
        books: &mut Books,
        next: Option<(Waiting, usize)>,
    ) -> Result<bool, Refusal> {
        let Self { ready, outputs, signals, .. } = self;
        let Some(ready) = ready else {
            return refuse(Status::ENCODER_NOT_INITIALIZED, "the session was not readied");
        };
        let ends = next.is_none();
        if let Some((waiting, output)) = next {
            ready.order.push(waiting);
            ready.due.push_back(output);
            outputs.insert(output, Output::Due);
        }
        let mut any = false;
        loop {
            let turns = ready.order.next(ends);
            if turns.is_empty() {
                return Ok(any);
            }
            for turn in turns {
                let mut turn = turn;
                let is_idr = turn.kind == Kind::Idr;
                turn.waiting.sets |= is_idr && (ready.stream.repeats_sets || !ready.begun);
                let bytes = match &mut ready.coder {
                    Coder::Avc(coder) => coder.code(&turn),
                    Coder::Hevc(coder) => coder.code(&turn),
                };
                ready.begun = true;
                books.count("pictures");
                match turn.kind {
                    Kind::Idr => books.count("idrs"),
                    Kind::B { .. } => books.count("b_pictures"),
                    Kind::P => {}
                }
                let Waiting { time, duration, .. } = turn.waiting;
                let Some(output) = ready.due.pop_front() else {
                    return refuse(Status::GENERIC, "more access units than buffers");
                };
                outputs.insert(output, Output::Done(Unit { bytes, time, duration, kind: turn.kind }));
                any = true;
                signals.retain(|(of, (fence, value))| {
                    #[cfg(windows)]
                    if *of == output {
                        crate::direct3d::signal(*fence, *value);
                    }
                    #[cfg(not(windows))]
                    let _ = (fence, value);
                    *of != output
                });
            }
        }
    }
}
