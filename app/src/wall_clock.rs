//! The time of day, for file names and what the service is told; nothing that is played depends on it.

use std::time::SystemTime;

/// Local date and time as a file name takes it: `2026-11-21 20-14-05`, with dashes where Windows allows no colons.
pub(crate) fn file_stamp(at: SystemTime) -> String {
    let zoned = jiff::Timestamp::try_from(at).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%Y-%m-%d %H-%M-%S").to_string()
}

/// The instant in UTC as RFC 3339 writes it, to the millisecond: `2026-11-21T20:14:05.120Z`.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    let instant = jiff::Timestamp::try_from(at).unwrap_or_default();
    instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Whole seconds since 1970-01-01T00:00:00Z, 0 before.
pub(crate) fn unix_seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_no_character_that_a_file_name_can_not_hold() {
        let stamp = file_stamp(SystemTime::now());
        assert_eq!(stamp.len(), 19, "{stamp}");
        assert!(stamp.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' '), "{stamp}");
    }

    #[test]
    fn utc_is_written_to_the_millisecond() {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_123_900);
        assert_eq!(rfc3339(at), "2023-11-14T22:13:20.123Z");
    }
}
