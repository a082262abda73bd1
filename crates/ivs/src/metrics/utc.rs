//! Points in time to the millisecond.

use core::fmt;

use crate::calendar::{civil_date, days_to};

/// Milliseconds since 1970-01-01T00:00:00Z without leap seconds (the guide, "timestamp_type Table"). Prints as
/// `2024-03-25T15:10:34.489Z`, always 24 characters: what lies outside of the years 1970 to 9999 is printed as the
/// nearest that does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMillis(pub i64);

const MILLIS_PER_DAY: u64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z.
const LAST: u64 = 253_402_300_799_999;

impl UtcMillis {
    /// The point in time `nanos` nanoseconds after 1970-01-01T00:00:00Z, rounded down.
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Self(nanos.div_euclid(1_000_000))
    }

    /// The text that goes into a message.
    pub fn rfc3339(self) -> String {
        self.to_string()
    }

    /// Reads RFC 3339 in UTC (`Z`), with any number of decimals; those beyond milliseconds are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix(['Z', 'z'])?.split_once(['T', 't'])?;
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let (time, decimals) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
        if decimals.is_empty() || decimals.len() > 18 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let millis = decimals.bytes().chain(*b"000").take(3).fold(0, |sum, b| sum * 10 + u64::from(b - b'0'));
        // 60 is a leap second.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_to(year, month, day)?;
        let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + millis;
        i64::try_from(days * MILLIS_PER_DAY + of_day).ok().map(Self)
    }
}

/// Three numbers of exactly so many digits.
fn fields(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        if !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

impl fmt::Display for UtcMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0).unwrap_or(0).min(LAST);
        let (year, month, day) = civil_date(millis / MILLIS_PER_DAY);
        let of_day = millis % MILLIS_PER_DAY;
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, millis) = (of_day / 1000 % 60, of_day % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}
