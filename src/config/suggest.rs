//! The nearest existing name.
//!
//! Enters: what was typed and what exists. Leaves: the one name that was probably meant, or none: a suggestion that is
//! wrong costs more time than no suggestion. Nothing is compared with files here; callers bring the names.

/// Names longer than this are compared for equality only: the table of distances is quadratic.
const LONGEST: usize = 256;

/// The candidate that `typed` was probably meant to be; the first of equally near ones.
///
/// Letter case and the choice between `-` and `_` cost nothing. Otherwise a slip (a letter that is missing, added, wrong
/// or swapped with its neighbour) may happen once in three letters, and not at all in a name of two. An abbreviation of at
/// least three letters finds its name if it is the only one that begins so.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = folded(typed);
    let mut best: Option<(usize, &str)> = None;
    let mut abbreviated = Vec::new();
    for candidate in candidates {
        let folded = folded(candidate);
        if typed.len() >= 3 && folded.starts_with(&typed) {
            abbreviated.push(candidate);
        }
        let allowed = typed.len().max(folded.len()) / 3;
        let Some(distance) = distance(&typed, &folded).filter(|d| *d <= allowed) else { continue };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    match (best, abbreviated.as_slice()) {
        (Some((_, name)), _) => Some(name),
        (None, [only]) => Some(only),
        _ => None,
    }
}

fn folded(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).map(|c| if c == '_' { '-' } else { c }).collect()
}

/// Damerau's distance in its restricted form: a swapped pair is one slip and is not edited again.
fn distance(a: &[char], b: &[char]) -> Option<usize> {
    if a == b {
        return Some(0);
    }
    if a.is_empty() || b.is_empty() || a.len() > LONGEST || b.len() > LONGEST {
        return None;
    }
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(from != to);
            row[j + 1] = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["from", "to", "role", "owner", "mode", "dir-mode", "exclude", "when"];

    fn keys(typed: &str) -> Option<&'static str> {
        nearest(typed, KEYS.iter().copied())
    }

    #[test]
    fn finds_the_usual_slips() {
        assert_eq!(keys("onwer"), Some("owner"), "swapped");
        assert_eq!(keys("ower"), Some("owner"), "missing");
        assert_eq!(keys("fromm"), Some("from"), "added");
        assert_eq!(keys("rola"), Some("role"), "wrong");
        assert_eq!(keys("dir_mode"), Some("dir-mode"), "underscore");
        assert_eq!(keys("Owner"), Some("owner"), "case");
        assert_eq!(keys("excl"), Some("exclude"), "abbreviated");
    }

    #[test]
    fn keeps_silent_rather_than_guess() {
        assert_eq!(keys("group"), None);
        assert_eq!(keys("go"), None, "one slip of two letters is another word");
        assert_eq!(keys(""), None);
        assert_eq!(nearest("lib", ["libssl", "libcrypto"]), None, "two names begin so");
        assert_eq!(keys(&"o".repeat(1_000_000)), None);
    }

    #[test]
    fn takes_the_nearest_and_of_equals_the_first() {
        assert_eq!(nearest("moda", ["node", "mode"]), Some("mode"));
        assert_eq!(nearest("mede", ["made", "mode"]), Some("made"));
    }

    #[test]
    fn counts_slips() {
        let slips = |a: &str, b: &str| distance(&folded(a), &folded(b));
        assert_eq!(slips("kitten", "sitting"), Some(3));
        assert_eq!(slips("ab", "ba"), Some(1));
        assert_eq!(slips("ca", "abc"), Some(3), "a swapped pair is not edited again");
    }
}
