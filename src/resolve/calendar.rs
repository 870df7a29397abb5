//! Days and seconds of the Gregorian calendar, UTC: for change logs and copyright lines.

const DAY: i64 = 86_400;

/// Names as change logs abbreviate them.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 at midnight of a date; `None` if there is no such date from 1970 to 9999.
pub(crate) fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    let years: i64 = (1970..year).map(|year| if leaps(year) { 366 } else { 365 }).sum();
    let months: i64 = (1..month).map(|month| days_of(year, month)).sum();
    Some((years + months + day - 1) * DAY)
}

/// The year that a time lies in.
pub(crate) fn year(time: i64) -> i64 {
    let mut days = time.max(0).div_euclid(DAY);
    let mut year = 1970;
    while days >= if leaps(year) { 366 } else { 365 } {
        days -= if leaps(year) { 366 } else { 365 };
        year += 1;
    }
    year
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

fn leaps(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if leaps(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
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
            assert_eq!(said.trim(), format!("{time} {}", year(time)));
        }
        assert_eq!(date("2026-01-31"), mail_date("31 Jan 2026 00:00:00 +0000"));
        assert_eq!(year(-5), 1970);
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
