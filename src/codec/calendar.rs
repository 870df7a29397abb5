//! Seconds since 1970 as a date of the Gregorian calendar in UTC, as RFC 3339 and RFC 5322 write it, and back.
//!
//! Enters: a count of seconds, also a negative one, or a text. Leaves: the date, its text, or the count. No clock is read
//! here: see `resolve::clock`.

/// Names as RFC 5322, change logs and rpm abbreviate them. Day 0 was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

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

impl Date {
    /// `Nov`
    pub fn month_name(&self) -> &'static str {
        MONTHS[usize::from(self.month.clamp(1, 12)) - 1]
    }
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

/// `Tue, 14 Nov 2023 22:13:20 +0000`
pub fn rfc5322(seconds: i64) -> String {
    let d = date(seconds);
    let (weekday, month) = (weekday(seconds), d.month_name());
    format!("{weekday}, {:02} {month} {:04} {:02}:{:02}:{:02} +0000", d.day, d.year, d.hour, d.minute, d.second)
}

/// `Tue`
pub fn weekday(seconds: i64) -> &'static str {
    DAYS[usize::try_from(seconds.div_euclid(86_400).rem_euclid(7)).unwrap_or_default()]
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

/// Seconds since 1970 at midnight of a date; `None` if there is no such date from 1970 to 9999.
fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let given =
        Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()?, hour: 0, minute: 0, second: 0 };
    // A day that is not there runs on into the next month.
    let time = seconds(given);
    (date(time) == given).then_some(time)
}

/// The seconds of `2026-01-31` at midnight; none if it is no date from 1970 to 9999.
pub fn parse_day(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-').map(|part| part.parse::<i64>().ok());
    midnight(parts.next()??, parts.next()??, parts.next()??)
}

/// The seconds of `2026-01-31T12:00:00Z`; an offset from UTC may stand in place of the `Z`, a fraction is dropped.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let (day, rest) = text.split_once(['T', 't', ' '])?;
    let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let time = time.split('.').next()?;
    let zone = if zone.eq_ignore_ascii_case("z") { "+0000".to_owned() } else { zone.replace(':', "") };
    let parts: Vec<&str> = day.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    parse_rfc5322(&format!("{day} {month} {year} {time} {zone}"))
}

/// The seconds of `Sat, 31 Jan 2026 12:00:00 +0100`, the form of RFC 5322 that Debian change logs use; the day's name may
/// be missing and is not compared.
pub fn parse_rfc5322(text: &str) -> Option<i64> {
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [day, month, year, time, zone] = words[..] else { return None };
    let month = i64::try_from(MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?).ok()? + 1;
    let clock: Vec<i64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    let offset = match zone {
        "GMT" | "UTC" | "Z" => 0,
        _ => {
            let (sign, digits) = zone.split_at_checked(1)?;
            let digits: i64 = digits.parse().ok().filter(|d| (0..=9959).contains(d))?;
            let seconds = (digits / 100 * 60 + digits % 100) * 60;
            match sign {
                "+" => seconds,
                "-" => -seconds,
                _ => return None,
            }
        }
    };
    let time = midnight(year.parse().ok()?, month, day.parse().ok()?)? + hour * 3600 + minute * 60 + second - offset;
    (time >= 0).then_some(time)
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

    #[test]
    fn dates_as_the_date_tool_says_them() {
        for time in [0, 1_700_000_000, 951_782_400, 951_868_799, 1_582_934_400, 4_102_444_800, 315_532_800, -1] {
            let output = std::process::Command::new("date")
                .args(["-u", "-R", "-d", &format!("@{time}")])
                .env("LC_ALL", "C")
                .output()
                .unwrap();
            assert_eq!(rfc5322(time), String::from_utf8(output.stdout).unwrap().trim());
        }
    }

    #[test]
    fn dates_agree_with_the_machines_own() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 +0000",
            "Sat, 31 Jan 2026 12:00:00 +0100",
            "Mon, 29 Feb 2016 23:59:59 -0730",
            "Fri, 31 Dec 1999 00:00:01 +0000",
        ] {
            let said = std::process::Command::new("date").args(["-u", "-d", text, "+%s %Y"]).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            let time = parse_rfc5322(text).unwrap();
            assert_eq!(said.trim(), format!("{time} {}", date(time).year));
        }
        assert_eq!(parse_rfc3339("2026-01-31T12:34:56.789+01:00"), parse_rfc5322("31 Jan 2026 12:34:56 +0100"));
        assert_eq!(parse_rfc3339(&rfc3339(1_700_000_000)), Some(1_700_000_000));
        assert_eq!(parse_day("2026-01-31"), parse_rfc5322("31 Jan 2026 00:00:00 +0000"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-1",
            "26-01-01",
            "99999-01-01",
            "2026-01-32",
            "9223372036854775807-01-01",
            "x",
        ] {
            assert_eq!(parse_day(bad), None, "{bad}");
        }
        for bad in [
            "Sat, 31 Jan 2026 25:00:00 +0000",
            "31 Foo 2026 00:00:00 +0000",
            "31 Jan 2026 00:00:00",
            "1 Jan 1970 00:00:00 +0100",
            "1 Jan 2000 0:0:0 é1",
        ] {
            assert_eq!(parse_rfc5322(bad), None, "{bad}");
        }
    }
}
