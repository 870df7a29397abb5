//! How sizes, modes and entries are written, the same in every report.

use crate::assemble::plan::{Entry, Kind};
use crate::formats::{ListedEntry, ListedKind};

/// `12.4 MB`: powers of ten, one decimal from kilobytes on.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `1,204`
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `3 files`
pub fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `-rw-r-----`, as ls(1) writes it.
pub fn permissions(letter: char, mode: u32) -> String {
    let mut text = String::from(letter);
    for (shift, special, on, off) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => on,
            (false, true) => off,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The letter and what follows the path: ` -> target`.
pub fn kind(entry: &ListedEntry) -> (char, String) {
    match &entry.kind {
        ListedKind::Directory => ('d', String::new()),
        ListedKind::File => ('-', String::new()),
        ListedKind::Symlink(target) => ('l', format!(" -> {}", printable(target))),
        ListedKind::Hardlink(target) => ('-', format!(" link to {}", printable(target))),
        ListedKind::Special(letter) => (*letter, String::new()),
    }
}

/// The same for an entry of a plan.
pub fn plan_kind(entry: &Entry) -> (char, String) {
    match &entry.kind {
        Kind::Directory { .. } => ('d', String::new()),
        Kind::File(_) => ('-', String::new()),
        Kind::Symlink { target } => ('l', format!(" -> {target}")),
        Kind::Hardlink { target } => ('-', format!(" link to {target}")),
    }
}

/// Text from an artifact, safe for a terminal: control characters are escaped.
pub fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// Like [`printable`], but keeps line breaks and tabs.
pub fn printable_lines(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() && c != '\n' && c != '\t' { c.escape_default().collect::<Vec<_>>() } else { vec![c] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_ten() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (12_449_999, "12.4 MB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "18446.7 PB");
    }

    #[test]
    fn permissions_are_those_of_ls() {
        assert_eq!(permissions('-', 0o640), "-rw-r-----");
        assert_eq!(permissions('d', 0o1777), "drwxrwxrwt");
        assert_eq!(permissions('-', 0o4755), "-rwsr-xr-x");
        assert_eq!(permissions('-', 0o2640), "-rw-r-S---");
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
