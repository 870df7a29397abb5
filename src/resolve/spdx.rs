//! SPDX licence expressions (SPDX specification, annex "License expressions"), with every identifier of the SPDX list.
//!
//! Enters: an expression such as `(MIT OR Apache-2.0) AND GPL-2.0-or-later WITH Classpath-exception-2.0`. Leaves: what is
//! wrong in it, or the identifiers that are deprecated. The same words are what rpm's `License` tag and Debian's
//! copyright files take. A licence that the list lacks is written `LicenseRef-NAME`.

use std::ops::Range;

use crate::config::suggest;

/// `IDENTIFIER`, or `IDENTIFIER<tab>REPLACEMENT` for a deprecated one, sorted.
const LICENSES: &str = include_str!("spdx/licenses.txt");
/// The same for what follows `WITH`.
const EXCEPTIONS: &str = include_str!("spdx/exceptions.txt");

/// What people write, and what they mean by it; small letters.
const MEANT: &[(&str, &str)] = &[
    ("agplv3", "AGPL-3.0-only"),
    ("apache", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("artistic", "Artistic-1.0-Perl"),
    ("asl", "Apache-2.0"),
    ("bsd", "BSD-3-Clause"),
    ("bsd2", "BSD-2-Clause"),
    ("bsd3", "BSD-3-Clause"),
    ("expat", "MIT"),
    ("gpl2", "GPL-2.0-only"),
    ("gpl3", "GPL-3.0-only"),
    ("gplv2", "GPL-2.0-only"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gplv3", "GPL-3.0-only"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("lgplv2", "LGPL-2.0-only"),
    ("lgplv2+", "LGPL-2.0-or-later"),
    ("lgplv3", "LGPL-3.0-only"),
    ("lgplv3+", "LGPL-3.0-or-later"),
    ("mplv2", "MPL-2.0"),
    ("proprietary", "LicenseRef-Proprietary"),
    ("psf", "PSF-2.0"),
    ("unlicensed", "LicenseRef-Proprietary"),
];

const EXAMPLE: &str = "write it as in `MIT OR Apache-2.0`";
const OWN: &str =
    "a licence that SPDX does not list is written `LicenseRef-NAME`; the list is at https://spdx.org/licenses/";

/// Why an expression is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Bytes of the expression; none where all of it is meant.
    pub range: Range<usize>,
    /// What is wrong with them.
    pub message: String,
    /// What to do, each one line.
    pub helps: Vec<String>,
}

/// An identifier that the list keeps for old expressions only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deprecated {
    /// Bytes of the expression.
    pub range: Range<usize>,
    /// The identifier.
    pub id: String,
    /// What to write instead, where the list says that.
    pub instead: Option<&'static str>,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    License,
    Exception,
    /// `AND`, `OR`, `)`, and `WITH` after a licence that has none yet.
    Operator {
        with: bool,
    },
}

/// Judges a whole expression.
///
/// # Errors
/// Every identifier that is none; last, the first word that stands in a wrong place.
pub(crate) fn check(expression: &str) -> Result<Vec<Deprecated>, Vec<Fault>> {
    let (mut deprecated, mut faults) = (Vec::new(), Vec::new());
    let ended = structure(expression, &mut |word, range, is_exception| match identifier(word, range, is_exception) {
        Ok(old) => deprecated.extend(old),
        Err(fault) => faults.push(fault),
    });
    if let Err(fault) = ended {
        // What it says of a word is more than that the word is unknown.
        faults.retain(|other| other.range.start < fault.range.start || other.range.end > fault.range.end);
        faults.push(fault);
    }
    if faults.is_empty() { Ok(deprecated) } else { Err(faults) }
}

/// Whether the words stand as they must; hands on every identifier, and whether it is that of an exception.
fn structure(expression: &str, identifiers: &mut dyn FnMut(&str, Range<usize>, bool)) -> Result<(), Fault> {
    let (mut depth, mut next, mut last) = (0u32, Next::License, 0..0);
    for (range, word) in words(expression) {
        let fault = |message: String, help: &str| Fault { range: range.clone(), message, helps: vec![help.to_owned()] };
        next = match (word, next) {
            ("(", Next::License) => {
                depth += 1;
                Next::License
            }
            (")", Next::Operator { .. }) if depth > 0 => {
                depth -= 1;
                Next::Operator { with: false }
            }
            ("AND" | "OR", Next::Operator { .. }) => Next::License,
            ("WITH", Next::Operator { with: true }) => Next::Exception,
            ("(" | ")" | "AND" | "OR" | "WITH", _) => {
                return Err(fault(format!("`{word}` may not stand there"), EXAMPLE));
            }
            (_, Next::Operator { .. }) if ["and", "or", "with"].contains(&word.to_lowercase().as_str()) => {
                let help = format!("operators are written in capital letters: `{}`", word.to_uppercase());
                return Err(fault(format!("`{word}` is no operator"), &help));
            }
            (_, Next::Operator { .. }) if is_listed(&format!("{}-{word}", &expression[last.clone()])) => {
                let meant = format!("{}-{word}", &expression[last.clone()]);
                let range = last.start..range.end;
                let message = format!("`{}` is no identifier", &expression[range.clone()]);
                return Err(Fault { range, message, helps: vec![format!("did you mean `{meant}`?")] });
            }
            (_, Next::Operator { .. }) => {
                let message = format!("`{word}` follows another identifier");
                return Err(fault(
                    message,
                    "join them by `AND`, `OR` or `WITH`, or write one identifier without blanks",
                ));
            }
            (_, Next::License | Next::Exception) => {
                last = range.clone();
                identifiers(word, range, next == Next::Exception);
                Next::Operator { with: next == Next::License }
            }
        };
    }
    let ends = |message: &str| Fault {
        range: expression.len()..expression.len(),
        message: message.to_owned(),
        helps: vec![EXAMPLE.to_owned()],
    };
    match next {
        Next::Operator { .. } if depth == 0 => Ok(()),
        Next::Operator { .. } => Err(ends("a parenthesis is not closed")),
        _ if expression.trim().is_empty() => Err(ends("it is empty")),
        _ => Err(ends("it ends too early")),
    }
}

/// Whether the list has this identifier of a licence, deprecated or not.
pub fn is_listed(id: &str) -> bool {
    find(LICENSES, id).is_some()
}

/// Words and parentheses with their bytes.
fn words(expression: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = expression.get(at..)?;
        let start = at + rest.find(|c: char| !c.is_whitespace())?;
        let rest = &expression[start..];
        let length = match rest.find(|c: char| c.is_whitespace() || "()".contains(c)) {
            Some(0) => 1,
            Some(length) => length,
            None => rest.len(),
        };
        at = start + length;
        Some((start..at, &expression[start..at]))
    })
}

/// Judges one identifier.
fn identifier(word: &str, range: Range<usize>, is_exception: bool) -> Result<Option<Deprecated>, Fault> {
    let (list, noun, own) =
        if is_exception { (EXCEPTIONS, "exception", "AdditionRef-") } else { (LICENSES, "licence", "LicenseRef-") };
    // A reference may be to another document.
    let local = word.strip_prefix("DocumentRef-").and_then(|rest| Some(rest.split_once(':')?.1)).unwrap_or(word);
    if local.strip_prefix(own).is_some_and(is_word) {
        return Ok(None);
    }
    // Some old identifiers end with the operator.
    let later = word.strip_suffix('+').filter(|_| !is_exception);
    match find(list, word).or_else(|| find(list, later?)) {
        Some(None) => Ok(None),
        Some(Some(instead)) => {
            let instead = Some(instead).filter(|instead| !instead.is_empty());
            Ok(Some(Deprecated { range, id: word.to_owned(), instead }))
        }
        None => Err(unknown(word, range, list, noun)),
    }
}

fn unknown(word: &str, range: Range<usize>, list: &'static str, noun: &str) -> Fault {
    let message = format!("SPDX lists no {noun} `{word}`");
    if word.contains('/') && list == LICENSES {
        let parts: Vec<&str> = word.split('/').filter(|part| !part.is_empty()).collect();
        return Fault {
            range,
            message,
            helps: vec![format!("alternatives are joined by `OR`: `{}`", parts.join(" OR "))],
        };
    }
    let small = word.to_lowercase();
    let meant = MEANT.iter().find(|(typed, _)| *typed == small && list == LICENSES).map(|(_, meant)| *meant);
    let current = || entries(list).filter(|(_, instead)| instead.is_none()).map(|(id, _)| id);
    let near = meant.or_else(|| suggest::nearest(word, current()));
    let near = near.map(|near| format!("did you mean `{near}`?"));
    Fault { range, message, helps: near.into_iter().chain([OWN.to_owned()]).collect() }
}

/// `None` if it is not there; `Some(Some(…))` if it is deprecated.
#[allow(clippy::option_option)]
fn find(list: &'static str, id: &str) -> Option<Option<&'static str>> {
    entries(list).find(|(listed, _)| *listed == id).map(|(_, instead)| instead)
}

fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').map_or((line, None), |(id, instead)| (id, Some(instead))))
}

/// `idstring` of the specification.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_whole_and_in_order() {
        for (list, least) in [(LICENSES, 700), (EXCEPTIONS, 80)] {
            let all: Vec<_> = entries(list).collect();
            assert!(all.len() > least && all.iter().all(|(id, _)| is_word(id.trim_end_matches('+'))), "{all:?}");
            for (id, instead) in &all {
                let replaced = instead.filter(|instead| !instead.is_empty());
                assert_eq!(replaced.map(check), replaced.map(|_| Ok(Vec::new())), "{id} is replaced by what is right");
            }
        }
    }

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "Apache-2.0 OR MIT",
            "(MIT AND BSD-3-Clause) OR Apache-2.0+",
            "((MIT))",
            "GPL-3.0-only WITH GCC-exception-3.1",
            "GPL-2.0-or-later WITH Classpath-exception-2.0 AND MIT",
            "LicenseRef-Ours",
            "DocumentRef-x:LicenseRef-Ours.2 OR MIT",
            "GPL-2.0-only WITH AdditionRef-Ours",
        ] {
            assert_eq!(check(good), Ok(Vec::new()), "{good}");
        }
        for (bad, range, message) in [
            ("", 0..0, "it is empty"),
            ("MIT/Apache-2.0", 0..14, "SPDX lists no licence `MIT/Apache-2.0`"),
            ("MIT Apache-2.0", 4..14, "`Apache-2.0` follows another identifier"),
            ("MIT OR Apache 2.0", 7..17, "`Apache 2.0` is no identifier"),
            ("MIT OR", 6..6, "it ends too early"),
            ("(MIT", 4..4, "a parenthesis is not closed"),
            ("MIT)", 3..4, "`)` may not stand there"),
            ("OR", 0..2, "`OR` may not stand there"),
            ("MIT, BSD", 0..4, "SPDX lists no licence `MIT,`"),
            ("MIT or ISC", 4..6, "`or` is no operator"),
            ("MIT WITH", 8..8, "it ends too early"),
            ("MIT WITH ISC", 9..12, "SPDX lists no exception `ISC`"),
            ("(MIT) WITH LLVM-exception", 6..10, "`WITH` may not stand there"),
            ("LicenseRef-", 0..11, "SPDX lists no licence `LicenseRef-`"),
            ("LicenseRef-a_b", 0..14, "SPDX lists no licence `LicenseRef-a_b`"),
            ("ISC OR GPL® 2", 7..12, "SPDX lists no licence `GPL®`"),
        ] {
            let faults = check(bad).expect_err(bad);
            assert_eq!((faults[0].range.clone(), faults[0].message.as_str()), (range, message), "{bad}");
            assert!(faults.iter().all(|fault| !fault.helps.is_empty()));
        }
    }

    #[test]
    fn what_was_meant_is_named() {
        for (typed, meant) in [
            ("mit", "MIT"),
            ("Apache-2", "Apache-2.0"),
            ("Apache2.0", "Apache-2.0"),
            ("GPLv3+", "GPL-3.0-or-later"),
            ("BSD", "BSD-3-Clause"),
            ("Proprietary", "LicenseRef-Proprietary"),
            ("MPL-2", "MPL-2.0"),
            ("LGPL-2.1-ony", "LGPL-2.1-only"),
        ] {
            assert_eq!(check(typed).expect_err(typed)[0].helps[0], format!("did you mean `{meant}`?"), "{typed}");
        }
        assert_eq!(check("MIT/ISC").expect_err("a slash")[0].helps, ["alternatives are joined by `OR`: `MIT OR ISC`"]);
        let exception = check("GPL-2.0-only WITH classpath-exception").expect_err("no exception");
        assert_eq!(exception[0].helps[0], "did you mean `Classpath-exception-2.0`?");
        assert_eq!(check("Qwertz").expect_err("nothing is near")[0].helps, [OWN]);
        let all: Vec<_> = check("MIR OR (Apachy-2.0").expect_err("three faults").into_iter().map(|f| f.range).collect();
        assert_eq!(all, [0..3, 8..18, 18..18]);
    }

    #[test]
    fn deprecated_identifiers_name_their_replacement() {
        let found = check("MIT OR GPL-2.0+ OR Net-SNMP").expect("an expression");
        let found: Vec<_> = found.iter().map(|old| (old.range.clone(), old.id.as_str(), old.instead)).collect();
        assert_eq!(found, [(7..15, "GPL-2.0+", Some("GPL-2.0-or-later")), (19..27, "Net-SNMP", None)]);
        assert!(is_listed("GPL-2.0") && is_listed("0BSD") && !is_listed("Apache2") && !is_listed("GPL-2.0\t"));
    }
}
