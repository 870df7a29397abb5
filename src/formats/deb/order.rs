//! Which of two versions dpkg takes for the newer one.
//!
//! Source: deb-version(7), "Sorting algorithm".

use std::cmp::Ordering;

/// Orders two versions, each `[EPOCH:]UPSTREAM[-REVISION]`. Any two texts have an order.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a_epoch, a_upstream, a_revision) = parts(a);
    let (b_epoch, b_upstream, b_revision) = parts(b);
    let epoch = digits(a_epoch, b_epoch);
    epoch.then_with(|| text(a_upstream, b_upstream)).then_with(|| text(a_revision, b_revision))
}

fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    // No revision is as good as `0`.
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch, upstream, revision)
}

/// Numbers of any length.
fn digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// `~` before the end, the end before letters, letters before all else.
fn rank(byte: Option<u8>) -> i32 {
    match byte {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(byte),
        Some(byte) => i32::from(byte) + 256,
    }
}

fn text(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let ends = |s: &str| s.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(s.len());
        let (a_end, b_end) = (ends(a), ends(b));
        let (a_word, b_word) = (&a.as_bytes()[..a_end], &b.as_bytes()[..b_end]);
        for at in 0..a_word.len().max(b_word.len()) {
            let order = rank(a_word.get(at).copied()).cmp(&rank(b_word.get(at).copied()));
            if order != Ordering::Equal {
                return order;
            }
        }
        (a, b) = (&a[a_end..], &b[b_end..]);
        let ends = |s: &str| s.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(s.len());
        let (a_end, b_end) = (ends(a), ends(b));
        let order = digits(&a[..a_end], &b[..b_end]);
        if order != Ordering::Equal || (a_end == a.len() && b_end == b.len()) {
            return order;
        }
        (a, b) = (&a[a_end..], &b[b_end..]);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_does() {
        let versions = [
            "0",
            "1",
            "1.0",
            "1.0-0",
            "1.0-1",
            "1.0~rc1",
            "1.0~~",
            "1.0~rc1-1",
            "1.0+git1",
            "1.0a",
            "1.0.1",
            "1.00",
            "10",
            "9",
            "2:0",
            "0:1.0",
            "1.0-1+b1",
            "1.0-1~bpo1",
            "1.0-a-1",
            "1..0",
            "1.0.",
            "1.0+",
            "1.0z",
            "20260101000000000000000001",
            "20260101000000000000000000",
        ];
        let mut script = String::from("for a in \"$@\"; do for b in \"$@\"; do ");
        script.push_str("if dpkg --compare-versions \"$a\" lt \"$b\" 2>/dev/null; then echo lt; ");
        script.push_str(
            "elif dpkg --compare-versions \"$a\" eq \"$b\" 2>/dev/null; then echo eq; else echo gt; fi; done; done",
        );
        let said = Command::new("sh").args(["-c", &script, "sh"]).args(versions).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let mut said = said.lines();
        for a in versions {
            for b in versions {
                let own = match compare(a, b) {
                    Ordering::Less => "lt",
                    Ordering::Equal => "eq",
                    Ordering::Greater => "gt",
                };
                assert_eq!(Some(own), said.next(), "{a} {b}");
            }
        }
    }
}
