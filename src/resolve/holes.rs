//! `{name}` holes: facts that paths, links and rendered files may name.
//!
//! A hole is a brace, a word of lower-case letters, digits and hyphens, and a brace. Anything else in braces is text, so
//! that the alternatives of a glob (`{a,b}`) and JSON stay what they are; `{{` and `}}` around such a word give it back with
//! single braces. `${NAME}` is the host's, not ours.

use std::collections::BTreeMap;

use crate::config::suggest;
use crate::diagnostic::{Diagnostic, Span, codes};
use crate::resolve::identity::{Identity, Target};

/// The values for one target. `{environment}` is there only in one.
pub(crate) fn values(
    identity: &Identity,
    target: &Target,
    rust_target: &str,
    environment: Option<&str>,
    prefix: &str,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
    set("name", &identity.name);
    set("version", &identity.version.text);
    set("os", target.os);
    // `arm/v7` is no part of a path.
    set("arch", &target.arch.go().replace('/', ""));
    set("target", &target.to_string());
    set("rust-target", rust_target);
    set("prefix", prefix);
    set("summary", &identity.summary);
    set("maintainer", &identity.maintainer);
    set("license", &identity.license);
    if let Some(homepage) = &identity.homepage {
        set("homepage", homepage);
    }
    if let Some(vendor) = &identity.vendor {
        set("vendor", vendor);
    }
    if let Some(environment) = environment {
        set("environment", environment);
    }
    if let Some(revision) = &identity.revision {
        set("revision", revision);
    }
    all
}

/// A value for each name, for checking rules where a fact is missing.
pub(crate) fn stand_ins(environment: bool) -> BTreeMap<String, String> {
    let mut names = vec!["name", "version", "os", "arch", "target", "rust-target", "summary", "maintainer", "license"];
    // These may or may not have a value: no finding rather than a wrong one.
    names.extend(["homepage", "vendor", "revision"]);
    if environment {
        names.push("environment");
    }
    let mut all: BTreeMap<String, String> = names.into_iter().map(|name| (name.to_owned(), name.to_owned())).collect();
    all.insert("prefix".into(), "/prefix".into());
    all
}

/// Fills the holes of a text; `span` is where it stands.
///
/// # Errors
/// A hole without a value.
pub fn fill(text: &str, holes: &BTreeMap<String, String>, span: &Span) -> Result<String, Diagnostic> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let of_host = rest[..at].ends_with('$');
        let doubled = rest[at..].starts_with("{{");
        let inner = &rest[at + if doubled { 2 } else { 1 }..];
        let close = if doubled { "}}" } else { "}" };
        match inner.split_once(close) {
            Some((word, after)) if is_hole(word) && !of_host => {
                if doubled {
                    out.extend(["{", word, "}"]);
                } else {
                    out.push_str(holes.get(word).ok_or_else(|| unset(word, holes, span))?);
                }
                rest = after;
            }
            _ => {
                out.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn is_hole(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn unset(word: &str, holes: &BTreeMap<String, String>, span: &Span) -> Diagnostic {
    let label = match suggest::nearest(word, holes.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => String::new(),
    };
    let names: Vec<String> = holes.keys().map(|name| format!("`{{{name}}}`")).collect();
    let finding = Diagnostic::error(codes::CONFIG_UNSET_HOLE, format!("`{{{word}}}` has no value")).at(span, label);
    if word == "environment" {
        return finding.help("it has one only with `--environment`");
    }
    finding
        .help(format!("holes are {}", names.join(", ")))
        .note(format!("a literal `{{{word}}}` is written `{{{{{word}}}}}`"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::SourceText;

    fn filled(text: &str) -> Result<String, Diagnostic> {
        let source = Arc::new(SourceText { name: "fitout.toml".into(), text: text.into() });
        let holes = BTreeMap::from([("name".to_owned(), "hello".to_owned()), ("arch".to_owned(), "amd64".to_owned())]);
        fill(text, &holes, &Span::new(&source, 0..text.len()))
    }

    #[test]
    fn holes_are_filled_and_nothing_else() {
        assert_eq!(filled("/usr/{name}/{arch}").unwrap(), "/usr/hello/amd64");
        for same in ["*.{a,b}", "${name}", "{ name }", "{", "}", "{}", "{\"a\":1}", "{Name}", "{{", "{{a b}}", "a{b"] {
            assert_eq!(filled(same).unwrap(), same);
        }
        assert_eq!(filled("{{name}} {name}").unwrap(), "{name} hello");
    }

    #[test]
    fn unset_holes_are_named() {
        let finding = filled("{nmae}").unwrap_err();
        assert_eq!(finding.code, codes::CONFIG_UNSET_HOLE);
        assert_eq!(finding.labels[0].text, "did you mean `{name}`?");
    }
}
