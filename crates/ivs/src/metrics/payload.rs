//! What the messages say.

use core::fmt;

use super::UtcMillis;
use crate::Error;

const TIMESTAMPS_UUID: [u8; 16] =
    [0x0a, 0xec, 0xff, 0xe7, 0x52, 0x72, 0x4e, 0x2f, 0xa6, 0x2f, 0xd1, 0x9c, 0xd6, 0x1a, 0x93, 0xb5];
const SESSION_UUID: [u8; 16] =
    [0xca, 0x60, 0xe7, 0x1c, 0x6a, 0x8b, 0x43, 0x88, 0xa3, 0x77, 0x15, 0x1d, 0xf7, 0xbf, 0x8a, 0xc2];
const RENDITION_UUID: [u8; 16] =
    [0xf1, 0xfb, 0xc1, 0xd5, 0x10, 0x1e, 0x4f, 0xb5, 0xa6, 0x1e, 0xb8, 0xce, 0x3c, 0x07, 0xb8, 0xc0];

/// `timestamp_type` of the guide's table.
const RFC_3339: u8 = 1;
const SINCE_EPOCH: u8 = 2;
const DELTA: u8 = 3;

/// What a picture went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It was composed.
    Composition,
    /// The encoder was handed it.
    EncodeRequest,
    /// The encoder gave it back.
    EncodeComplete,
    /// It took its place among the packets to send.
    Interleave,
    /// A number that the guide does not define.
    Other(u8),
}

/// When something happened, in one of the three forms of the guide's "timestamp_type Table".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A date and time.
    Utc(UtcMillis),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    SinceEpochMillis(u64),
    /// Nanoseconds after another event; which one is not said.
    DeltaNanos(i64),
}

/// A time of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// What happened.
    pub event: Event,
    /// When.
    pub when: When,
}

/// The four times of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// It was composed.
    pub cts: UtcMillis,
    /// The encoder was handed it.
    pub fer: UtcMillis,
    /// The encoder gave it back.
    pub ferc: UtcMillis,
    /// It took its place among the packets to send.
    pub pir: UtcMillis,
}

/// Frames of the session since the last message of the same track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounters {
    /// Rendered by the compositor.
    pub rendered: u32,
    /// The compositor was too late for.
    pub lagged: u32,
    /// Dropped because the network was congested.
    pub dropped: u32,
    /// Put out by all renditions together.
    pub output: u32,
}

/// Frames of one rendition since its last message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenditionCounters {
    /// It was to encode.
    pub input: u32,
    /// It did not encode.
    pub skipped: u32,
    /// It encoded.
    pub output: u32,
}

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// BPM TS.
    Timestamps(Vec<Timestamp>),
    /// BPM SM.
    Session {
        /// When it was sent.
        times: Vec<Timestamp>,
        /// What was counted.
        counters: SessionCounters,
    },
    /// BPM ERM.
    Rendition {
        /// When it was sent.
        times: Vec<Timestamp>,
        /// What was counted.
        counters: RenditionCounters,
    },
}

impl Event {
    /// Its number (the guide, "BPM TS SEI Field Description Table").
    pub const fn code(self) -> u8 {
        match self {
            Self::Composition => 1,
            Self::EncodeRequest => 2,
            Self::EncodeComplete => 3,
            Self::Interleave => 4,
            Self::Other(code) => code,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            1 => Self::Composition,
            2 => Self::EncodeRequest,
            3 => Self::EncodeComplete,
            4 => Self::Interleave,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timestamps(_) => "timestamps",
            Self::Session { .. } => "session metrics",
            Self::Rendition { .. } => "rendition metrics",
        })
    }
}

/// BPM TS: the four times, each as RFC 3339 with the NUL that ends a `st(v)` (ITU-T H.264, 7.2). 125 bytes.
pub fn timestamp_message(times: &Timestamps) -> Vec<u8> {
    let times = [
        (Event::Composition, times.cts),
        (Event::EncodeRequest, times.fer),
        (Event::EncodeComplete, times.ferc),
        (Event::Interleave, times.pir),
    ];
    message(TIMESTAMPS_UUID, &times, &[])
}

/// BPM SM, sent at `pir`. 65 bytes.
pub fn session_message(pir: UtcMillis, counters: SessionCounters) -> Vec<u8> {
    let SessionCounters { rendered, lagged, dropped, output } = counters;
    message(SESSION_UUID, &[(Event::Interleave, pir)], &[rendered, lagged, dropped, output])
}

/// BPM ERM, sent at `pir`. 60 bytes.
pub fn rendition_message(pir: UtcMillis, counters: RenditionCounters) -> Vec<u8> {
    let RenditionCounters { input, skipped, output } = counters;
    message(RENDITION_UUID, &[(Event::Interleave, pir)], &[input, skipped, output])
}

/// UUID, times, and counters with the tags 1, 2, 3 and so on. At most 16 of either.
fn message(uuid: [u8; 16], times: &[(Event, UtcMillis)], counters: &[u32]) -> Vec<u8> {
    let mut payload = uuid.to_vec();
    payload.push(count_minus_1(times.len()));
    for (event, time) in times {
        payload.extend([RFC_3339, event.code()]);
        payload.extend(time.rfc3339().as_bytes());
        payload.push(0);
    }
    if !counters.is_empty() {
        payload.push(count_minus_1(counters.len()));
        for (tag, counter) in (1u8..).zip(counters) {
            payload.push(tag);
            payload.extend(counter.to_be_bytes());
        }
    }
    payload
}

/// Four reserved bits of zero, then the count less one in four bits.
fn count_minus_1(count: usize) -> u8 {
    u8::try_from(count.saturating_sub(1) & 0x0f).unwrap_or(0)
}

/// Reads the payload of a `user_data_unregistered` message, emulation prevention removed. `None` when it is none of
/// ours.
///
/// # Errors
/// [`Error::Malformed`] when it has the UUID of a metric and is not written as the guide says.
pub fn read(payload: &[u8]) -> Result<Option<Metric>, Error> {
    let Some((uuid, rest)) = payload.split_first_chunk::<16>() else { return Ok(None) };
    let mut reader = Reader { rest };
    let metric = match *uuid {
        TIMESTAMPS_UUID => Metric::Timestamps(reader.times()?),
        SESSION_UUID => {
            let times = reader.times()?;
            let [rendered, lagged, dropped, output] = reader.counters()?;
            Metric::Session { times, counters: SessionCounters { rendered, lagged, dropped, output } }
        }
        RENDITION_UUID => {
            let times = reader.times()?;
            let [input, skipped, output] = reader.counters()?;
            Metric::Rendition { times, counters: RenditionCounters { input, skipped, output } }
        }
        _ => return Ok(None),
    };
    if reader.rest.is_empty() { Ok(Some(metric)) } else { Err(malformed("it goes on after its end")) }
}

const fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "broadcast performance metric", why }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// Of the byte in front of a list only the low four bits count (the guide: a receiver ignores the reserved ones).
    fn count(&mut self) -> Result<usize, Error> {
        let [byte] = self.take()?;
        Ok(usize::from(byte & 0x0f) + 1)
    }

    fn times(&mut self) -> Result<Vec<Timestamp>, Error> {
        let count = self.count()?;
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let [kind, event] = self.take()?;
            let when = match kind {
                RFC_3339 => When::Utc(self.text_time()?),
                SINCE_EPOCH => When::SinceEpochMillis(u64::from_be_bytes(self.take()?)),
                DELTA => When::DeltaNanos(i64::from_be_bytes(self.take()?)),
                _ => return Err(malformed("a time has a type that is not defined")),
            };
            times.push(Timestamp { event: Event::of(event), when });
        }
        Ok(times)
    }

    fn text_time(&mut self) -> Result<UtcMillis, Error> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or(malformed("a time has no end"))?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        let text = core::str::from_utf8(text).ok();
        text.and_then(UtcMillis::parse).ok_or(malformed("a time is not as RFC 3339 writes it"))
    }

    /// `N` counters, tagged 1 to `N` in any order.
    fn counters<const N: usize>(&mut self) -> Result<[u32; N], Error> {
        if self.count()? != N {
            return Err(malformed("it has another number of counters than the guide says"));
        }
        let mut counters = [None; N];
        for _ in 0..N {
            let [tag] = self.take()?;
            let value = u32::from_be_bytes(self.take()?);
            let counter = usize::from(tag).checked_sub(1).and_then(|at| counters.get_mut(at));
            if counter.ok_or(malformed("a counter has a tag that is not defined"))?.replace(value).is_some() {
                return Err(malformed("it has a counter twice"));
            }
        }
        Ok(counters.map(Option::unwrap_or_default))
    }
}
