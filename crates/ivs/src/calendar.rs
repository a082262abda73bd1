//! The Gregorian calendar, in days since 1970-01-01. Counts in years that begin in March, so that the leap day is the
//! last of its year.

const DAYS_PER_400_YEARS: u64 = 146_097;
/// 0000-03-01 lies so many days before 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

/// Year, month and day, `days` after 1970-01-01.
pub(crate) const fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let era = days / DAYS_PER_400_YEARS;
    let day_of_era = days % DAYS_PER_400_YEARS;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Days from 1970-01-01 to a day of 1970 or later; `None` when there is no such day.
pub(crate) fn days_to(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year_from_march = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * DAYS_PER_400_YEARS + day_of_era).checked_sub(DAYS_BEFORE_1970)?;
    // 31 February is 3 March.
    (civil_date(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_until_the_year_10000_reads_back() {
        let mut before = (1969, 12, 31);
        for days in 0..2_932_897 {
            let (year, month, day) = civil_date(days);
            assert!((year, month, day) > before, "{days}");
            assert_eq!(days_to(year, month, day), Some(days));
            before = (year, month, day);
        }
        assert_eq!(before, (9999, 12, 31));
    }

    #[test]
    fn days_that_are_none() {
        for (year, month, day) in
            [(2023, 2, 29), (1900, 1, 1), (2024, 13, 1), (2024, 0, 1), (2024, 4, 31), (2100, 2, 29)]
        {
            assert_eq!(days_to(year, month, day), None, "{year}-{month}-{day}");
        }
        assert_eq!(days_to(2024, 2, 29), Some(19_782));
    }
}
