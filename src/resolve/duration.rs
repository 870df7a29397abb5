//! How long something takes, in the words of systemd.time(7): the one grammar of all keys that take a time.
//!
//! Enters: `90s`, `10min`, `1h 30m`, `1.5s`. Leaves: nanoseconds. Calendar times are not here. A number without a unit is
//! refused: systemd takes it for seconds, images for nanoseconds.

/// For findings.
pub(super) const HELP: &str = "write it as `30s`, `10min`, `1h 30m` or `500ms`";

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
const DAY: u64 = 86_400 * SECOND;

/// Units and their names, as systemd has them; a year is 365.25 days, a month a twelfth of it.
const UNITS: [(&[&str], u64); 9] = [
    (&["us", "usec", "µs", "μs"], 1_000),
    (&["ms", "msec"], MILLISECOND),
    (&["s", "sec", "second", "seconds"], SECOND),
    (&["m", "min", "minute", "minutes"], 60 * SECOND),
    (&["h", "hr", "hour", "hours"], 3_600 * SECOND),
    (&["d", "day", "days"], DAY),
    (&["w", "week", "weeks"], 7 * DAY),
    (&["M", "month", "months"], 2_629_800 * SECOND),
    (&["y", "year", "years"], 31_557_600 * SECOND),
];

/// A time in nanoseconds: numbers with units, which add up; none if it is not one, or is longer than an image's
/// configuration can say (292 years).
pub(super) fn nanoseconds(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text.trim(), 0u64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, length) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        total = total.checked_add(times(number, *length)?)?;
        rest = after.trim_start();
    }
    // Docker reads times as signed.
    i64::try_from(total).ok().map(|_| total)
}

/// `1.5` of a unit.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || part.contains('.') || (part.is_empty() && number.contains('.')) {
        return None;
    }
    let mut total = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in part.bytes() {
        place /= 10;
        total = total.checked_add(u64::from(digit - b'0').checked_mul(place)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as `systemd-analyze timespan` tells it.
    #[test]
    fn durations() {
        let good = [
            ("30s", 30_000_000_000),
            ("1m30s", 90_000_000_000),
            ("2h500ms", 7_200_500_000_000),
            ("10min", 600_000_000_000),
            ("1h 30 min", 5_400_000_000_000),
            (" 5 seconds ", 5_000_000_000),
            ("1.5s", 1_500_000_000),
            ("1s1s", 2_000_000_000),
            ("30s1m", 90_000_000_000),
            ("1d", 86_400_000_000_000),
            ("2w", 1_209_600_000_000_000),
            ("1M", 2_629_800_000_000_000),
            ("7us", 7_000),
            ("0s", 0),
        ];
        for (text, expected) in good {
            assert_eq!(nanoseconds(text), Some(expected), "{text}");
        }
        for bad in
            ["", " ", "30", "s", "-1s", "1.s", ".5s", "1.2.3s", "1,5s", "99999999999999h", "293y", "1é", "1 x", "1s 2"]
        {
            assert_eq!(nanoseconds(bad), None, "{bad}");
        }
    }
}
