//! Seconds since 1970 as a date of the Gregorian calendar in UTC, and as RFC 3339 says it.
//!
//! Enters: a count of seconds, also a negative one. Leaves: the date. No clock is read here: see `resolve::clock`.

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Year, as in 2026.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// Days from the start of the (March-based) year to the start of its month `index`, March being 0.
fn days_before(index: i64) -> i64 {
    (153 * index + 2) / 5
}

/// The date of a count of seconds since 1970.
pub fn date(seconds: i64) -> Date {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March put the leap day last; 400 of them are 146,097 days; 719,468 days lie between
    // 0000-03-01 and 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let index = (5 * day_of_year + 2) / 153;
    let month = if index < 10 { index + 3 } else { index - 9 };
    let small = |n: i64| u8::try_from(n).unwrap_or_default();
    Date {
        year: era * 400 + year_of_era + i64::from(month <= 2),
        month: small(month),
        day: small(day_of_year - days_before(index) + 1),
        hour: small(rest / 3_600),
        minute: small(rest / 60 % 60),
        second: small(rest % 60),
    }
}

/// `2026-11-23T14:05:44Z`
pub fn rfc3339(seconds: i64) -> String {
    let d = date(seconds);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", d.year, d.month, d.day, d.hour, d.minute, d.second)
}

/// The count of seconds of a date; the inverse of [`date`]. A day or month out of range runs on into the next.
pub fn seconds(d: Date) -> i64 {
    let (year, index) =
        if d.month <= 2 { (d.year - 1, i64::from(d.month) + 9) } else { (d.year, i64::from(d.month) - 3) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_era =
        365 * year_of_era + year_of_era / 4 - year_of_era / 100 + days_before(index) + i64::from(d.day) - 1;
    let days = era * 146_097 + day_of_era - 719_468;
    days * 86_400 + i64::from(d.hour) * 3_600 + i64::from(d.minute) * 60 + i64::from(d.second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
        ] {
            assert_eq!(rfc3339(at), text);
        }
    }

    #[test]
    fn every_day_of_a_thousand_years_goes_there_and_back() {
        let mut before = date(-86_400 * 365 * 400);
        for day in (-365 * 400 + 1)..(365 * 600) {
            let now = date(day * 86_400);
            assert_eq!(seconds(now), day * 86_400);
            let next_day = now.year == before.year && now.month == before.month && now.day == before.day + 1;
            assert!(next_day || now.day == 1, "{before:?} then {now:?}");
            before = now;
        }
    }
}
