//! Dates as change logs write them -> seconds since 1970.

use crate::codec::calendar::{Date, date as date_of, seconds};

/// Names as change logs abbreviate them.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 at midnight of a date; `None` if there is no such date from 1970 to 9999.
fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    let date =
        Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()?, hour: 0, minute: 0, second: 0 };
    // A day that is not there runs on into the next month.
    let time = seconds(date);
    ((1970..=9999).contains(&year) && (1..=12).contains(&month) && date_of(time) == date).then_some(time)
}

/// `2026-01-31`
pub(crate) fn date(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-').map(|part| part.parse::<i64>().ok());
    midnight(parts.next()??, parts.next()??, parts.next()??)
}

/// `Sat, 31 Jan 2026 12:00:00 +0100`, the form of RFC 5322 that Debian change logs use; the day's name may be missing and
/// is not compared.
pub(crate) fn mail_date(text: &str) -> Option<i64> {
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
    fn dates_agree_with_the_machines_own() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 +0000",
            "Sat, 31 Jan 2026 12:00:00 +0100",
            "Mon, 29 Feb 2016 23:59:59 -0730",
            "Fri, 31 Dec 1999 00:00:01 +0000",
        ] {
            let said = std::process::Command::new("date").args(["-u", "-d", text, "+%s %Y"]).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            let time = mail_date(text).unwrap();
            assert_eq!(said.trim(), format!("{time} {}", date_of(time).year));
        }
        assert_eq!(date("2026-01-31"), mail_date("31 Jan 2026 00:00:00 +0000"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in ["2026-02-29", "2026-13-01", "2026-00-01", "2026-1", "26-01-01", "99999-01-01", "2026-01-32", "x"] {
            assert_eq!(date(bad), None, "{bad}");
        }
        for bad in [
            "Sat, 31 Jan 2026 25:00:00 +0000",
            "31 Foo 2026 00:00:00 +0000",
            "31 Jan 2026 00:00:00",
            "1 Jan 1970 00:00:00 +0100",
            "1 Jan 2000 0:0:0 é1",
        ] {
            assert_eq!(mail_date(bad), None, "{bad}");
        }
    }
}
