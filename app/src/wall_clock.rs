//! The time of day, for file names and event records only; nothing that is played depends on it.

use std::time::SystemTime;

/// Local date and time as a file name takes it: `2026-11-21 20-14-05`, with dashes where Windows allows no colons.
pub(crate) fn file_stamp(at: SystemTime) -> String {
    let zoned = jiff::Timestamp::try_from(at).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%Y-%m-%d %H-%M-%S").to_string()
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
}
