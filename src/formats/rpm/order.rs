//! Which of two versions rpm takes for the newer one.
//!
//! Source: rpm's `rpmvercmp`, described in rpm-version(7).

use std::cmp::Ordering;

/// Orders two versions or two releases. Any two texts have an order.
pub fn compare(mut a: &str, mut b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    loop {
        let separator = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
        (a, b) = (a.trim_start_matches(separator), b.trim_start_matches(separator));
        // `~` is older than the end, `^` newer than the end and older than anything else.
        match (a.strip_prefix('~'), b.strip_prefix('~')) {
            (Some(x), Some(y)) => {
                (a, b) = (x, y);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        match (a.strip_prefix('^'), b.strip_prefix('^')) {
            (Some(x), Some(y)) => {
                (a, b) = (x, y);
                continue;
            }
            (Some(_), None) => return if b.is_empty() { Ordering::Greater } else { Ordering::Less },
            (None, Some(_)) => return if a.is_empty() { Ordering::Less } else { Ordering::Greater },
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        let numeric = a.starts_with(|c: char| c.is_ascii_digit());
        let same = |c: char| if numeric { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let cut = |s: &str| s.find(|c| !same(c)).unwrap_or(s.len());
        let (a_end, b_end) = (cut(a), cut(b));
        if b_end == 0 {
            // A number is newer than letters.
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let (x, y) = (&a[..a_end], &b[..b_end]);
        let order = if numeric {
            let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[a_end..], &b[b_end..]);
    }
}

/// Orders epoch, version and release, one after the other.
pub fn compare_evr(a: (u32, &str, &str), b: (u32, &str, &str)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)).then_with(|| compare(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn versions_are_ordered_as_rpm_does() {
        let versions = [
            "0",
            "1",
            "1.0",
            "1.0.1",
            "1.00",
            "1.0a",
            "1.a",
            "a",
            "a1",
            "1~rc1",
            "1~",
            "1^",
            "1^git1",
            "1^git1~rc",
            "1~rc^x",
            "10",
            "9",
            "1..0",
            "1_0",
            "1.0.",
            "2026.01.01",
            "fc4",
            "5",
            "5~",
            "1.el9",
            "1.el8",
            "1+x",
        ];
        let mut script = String::new();
        for a in versions {
            for b in versions {
                script.push_str(&format!("print(rpm.vercmp('{a}','{b}')..';')"));
            }
        }
        let said = Command::new("rpm").args(["--eval", &format!("%{{lua: {script}}}")]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let mut said = said.trim().split(';');
        for a in versions {
            for b in versions {
                assert_eq!(Some((compare(a, b) as i32).to_string().as_str()), said.next(), "{a} {b}");
            }
        }
    }
}
