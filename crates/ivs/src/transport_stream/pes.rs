//! PES packets: putting them together, and their times (ISO/IEC 13818-1, 2.4.3.6).

use super::MAX_UNIT_BYTES;

/// Time stamps count so often per second, in so many bits.
const TICKS_PER_SEC: i128 = 90_000;
const TIME_BITS: u32 = 33;

/// Bytes before what `PES_packet_length` counts.
const PREFIX_BYTES: usize = 6;

/// `stream_id`s whose packets have no header behind their length (ISO/IEC 13818-1, table 2-21): maps, padding, private
/// data of the second kind, entitlements, directories and the like.
const WITHOUT_HEADER: [u8; 8] = [0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff];

/// Puts the PES packets of one PID together.
#[derive(Clone, Debug, Default)]
pub(super) struct PesAssembler {
    bytes: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing has begun.
    #[default]
    Idle,
    Open,
    /// Something of it is missing.
    Damaged,
    TooLong,
}

/// What became of a PES packet.
#[derive(Debug)]
pub(super) enum Assembled {
    Whole(Vec<u8>),
    /// Transport packets are missing in it.
    Damaged,
    /// It is shorter than it says.
    CutShort,
    TooLong,
}

impl PesAssembler {
    /// A new one begins: gives the one before, when it had no length of its own.
    pub(super) fn begin(&mut self) -> Option<Assembled> {
        let ended = self.finish();
        self.state = State::Open;
        ended
    }

    /// The next bytes; a packet that says its length is given when it is whole.
    pub(super) fn push(&mut self, payload: &[u8]) -> Option<Assembled> {
        if self.state != State::Open {
            return None;
        }
        if self.bytes.len().saturating_add(payload.len()) > MAX_UNIT_BYTES {
            self.bytes = Vec::new();
            self.state = State::TooLong;
            return None;
        }
        self.bytes.extend_from_slice(payload);
        let length = self.length()?;
        if self.bytes.len() < length {
            return None;
        }
        // Bytes behind the end are stuffing.
        self.bytes.truncate(length);
        self.state = State::Idle;
        Some(Assembled::Whole(core::mem::take(&mut self.bytes)))
    }

    /// Something is missing.
    pub(super) fn damage(&mut self) {
        self.bytes = Vec::new();
        if self.state != State::Idle {
            self.state = State::Damaged;
        }
    }

    /// No more comes of it.
    pub(super) fn finish(&mut self) -> Option<Assembled> {
        let bytes = core::mem::take(&mut self.bytes);
        let has_length = length(&bytes).is_some();
        match core::mem::take(&mut self.state) {
            State::Idle => None,
            State::Damaged => Some(Assembled::Damaged),
            State::TooLong => Some(Assembled::TooLong),
            State::Open if has_length || bytes.len() < PREFIX_BYTES => Some(Assembled::CutShort),
            State::Open => Some(Assembled::Whole(bytes)),
        }
    }

    fn length(&self) -> Option<usize> {
        length(&self.bytes)
    }
}

/// The whole length of a packet, if it says one: pictures may be of unknown length.
fn length(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, _, high, low, ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    (length > 0).then_some(length + PREFIX_BYTES)
}

/// A PES packet, taken apart. Times are in nanoseconds.
#[derive(Debug)]
pub(super) struct Pes<'a> {
    /// When its first access unit is shown or heard.
    pub(super) pts: Option<i64>,
    /// When it is decoded, if that is earlier.
    pub(super) dts: Option<i64>,
    pub(super) payload: &'a [u8],
}

/// Takes a packet apart; `None` for one without picture or sound.
pub(super) fn read<'a>(bytes: &'a [u8], times: &mut Unwrapper) -> Result<Option<Pes<'a>>, ()> {
    let [0, 0, 1, stream_id, _, _, rest @ ..] = bytes else { return Err(()) };
    if WITHOUT_HEADER.contains(stream_id) {
        return Ok(None);
    }
    let [marker, flags, header_length, rest @ ..] = rest else { return Err(()) };
    if marker >> 6 != 0b10 {
        return Err(());
    }
    let (header, payload) = rest.split_at_checked(usize::from(*header_length)).ok_or(())?;
    let (pts, dts) = match flags >> 6 {
        0b10 => (Some(time(header.get(..5)).ok_or(())?), None),
        0b11 => (Some(time(header.get(..5)).ok_or(())?), Some(time(header.get(5..10)).ok_or(())?)),
        0b00 => (None, None),
        _ => return Err(()),
    };
    // Decoding comes first, so that what is counted on never goes back and forth.
    let dts = dts.map(|dts| times.unwrap(dts));
    let pts = pts.map(|pts| times.unwrap(pts));
    Ok(Some(Pes { pts, dts, payload }))
}

/// 33 bits in five bytes with marker bits between.
fn time(bytes: Option<&[u8]>) -> Option<u64> {
    let [a, b, c, d, e] = bytes? else { return None };
    // Each of these bytes ends in a marker bit.
    if a & c & e & 1 == 0 {
        return None;
    }
    Some(
        u64::from(a >> 1 & 0b111) << 30
            | u64::from(*b) << 22
            | u64::from(c >> 1) << 15
            | u64::from(*d) << 7
            | u64::from(e >> 1),
    )
}

/// Counts time stamps on over the wrap of their 33 bits, after 26.5 hours.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unwrapper {
    last: Option<i64>,
}

impl Unwrapper {
    /// Nanoseconds of a time stamp, which is near to the one before, on either side.
    pub(super) fn unwrap(&mut self, ticks: u64) -> i64 {
        let ticks = i64::try_from(ticks).unwrap_or_default();
        let ticks = match self.last {
            None => ticks,
            Some(last) => {
                let period = 1i64 << TIME_BITS;
                let ahead = ticks.wrapping_sub(last).rem_euclid(period);
                let step = if ahead >= period / 2 { ahead - period } else { ahead };
                last.saturating_add(step)
            }
        };
        self.last = Some(ticks);
        i64::try_from(i128::from(ticks) * 1_000_000_000 / TICKS_PER_SEC).unwrap_or(i64::MAX)
    }
}
