//! `{name}` holes: facts that paths, links and rendered files may name.
//!
//! Enters: a text and the values. Leaves: the text with its holes filled, or every hole that has no value. A hole is a
//! brace, a word of lower-case letters, digits and hyphens, and a brace. Braces around anything else mean nothing here, so
//! that the alternatives of a glob (`{a,b}`), JSON and shell need no doubling. `{{name}}` is a literal `{name}`; `${NAME}`
//! is left alone, since it is filled at start on the host.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::config::suggest;
use crate::diagnostic::{Diagnostic, SourceText, Span, codes};
use crate::resolve::identity::{Identity, Target};

/// Values of holes by name.
pub type Holes = BTreeMap<String, String>;

/// The values for one target. `{environment}` is there only in one.
pub(crate) fn values(
    identity: &Identity,
    target: &Target,
    rust_target: &str,
    environment: Option<&str>,
    prefix: &str,
) -> Holes {
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
    if let Some(repository) = &identity.repository {
        set("repository", repository);
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
pub(crate) fn stand_ins(environment: bool) -> Holes {
    let mut names = vec!["name", "version", "os", "arch", "target", "rust-target", "summary", "maintainer", "license"];
    // These may or may not have a value: no finding rather than a wrong one.
    names.extend(["homepage", "repository", "vendor", "revision"]);
    if environment {
        names.push("environment");
    }
    let mut all: Holes = names.into_iter().map(|name| (name.to_owned(), name.to_owned())).collect();
    all.insert("prefix".into(), "/prefix".into());
    all
}

/// A hole without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// Bytes of the text, braces included.
    pub range: Range<usize>,
    /// What stands between the braces.
    pub name: String,
}

impl Unset {
    /// As a finding without a place.
    pub fn diagnostic(&self, holes: &Holes) -> Diagnostic {
        let name = &self.name;
        let mut told = Diagnostic::error(codes::CONFIG_UNSET_HOLE, format!("the hole `{{{name}}}` has no value"));
        if let Some(near) = suggest::nearest(name, holes.keys().map(String::as_str)) {
            told = told.help(format!("did you mean `{{{near}}}`?"));
        }
        if name == "environment" {
            return told.help("it has a value only with `--environment`");
        }
        let known = holes.keys().map(|known| format!("`{{{known}}}`")).collect::<Vec<_>>().join(", ");
        told.help(format!("holes with a value: {known}"))
            .note(format!("a literal `{{{name}}}` is written `{{{{{name}}}}}`"))
    }

    /// As a finding that points into the text.
    pub fn in_text(&self, holes: &Holes, source: &Arc<SourceText>) -> Diagnostic {
        self.diagnostic(holes).at(&Span::new(source, self.range.clone()), "")
    }
}

/// Fills the holes of `text`.
///
/// # Errors
/// All holes without a value.
pub fn fill(text: &str, holes: &Holes) -> Result<String, Vec<Unset>> {
    let mut filled = String::with_capacity(text.len());
    let mut unset = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('{') {
        let open = at + found;
        filled.push_str(&text[at..open]);
        let rest = &text[open..];
        let of_host = text[..open].ends_with('$');
        at = match hole(rest) {
            Some((name, length)) if !of_host => {
                match holes.get(name) {
                    _ if rest.starts_with("{{") => filled.extend(["{", name, "}"]),
                    Some(value) => filled.push_str(value),
                    None => unset.push(Unset { range: open..open + length, name: name.to_owned() }),
                }
                open + length
            }
            _ => {
                filled.push('{');
                open + 1
            }
        };
    }
    filled.push_str(&text[at..]);
    if unset.is_empty() { Ok(filled) } else { Err(unset) }
}

/// The name of the hole that `text` begins with, single or doubled, and the bytes that it takes.
fn hole(text: &str) -> Option<(&str, usize)> {
    let braces = if text.starts_with("{{") { 2 } else { 1 };
    let inner = &text[braces..];
    let length = inner.bytes().position(|b| !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))?;
    let (name, after) = inner.split_at(length);
    let closed = after.starts_with(&"}}"[..braces]);
    (closed && name.starts_with(|c: char| c.is_ascii_lowercase())).then_some((name, length + 2 * braces))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes() -> Holes {
        [("name", "hello"), ("version", "1.2"), ("odd", "{name}")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn holes_are_filled_once() {
        let filled = |text: &str| fill(text, &holes()).unwrap();
        assert_eq!(filled("/usr/lib/{name}/{version}"), "/usr/lib/hello/1.2");
        assert_eq!(filled("{{name}} {name}"), "{name} hello");
        assert_eq!(filled("{odd}"), "{name}", "a value is not looked at again");
        assert_eq!(filled("${name}/${HOME}/$C ${PORT:-{version}}"), "${name}/${HOME}/$C ${PORT:-1.2}");
        assert_eq!(filled("{\"a\": {\"b\": \"{name}\"}}"), "{\"a\": {\"b\": \"hello\"}}");
        assert_eq!(
            filled("f() { x; }; {{ .Values }} {a,b} {} {Name} {-x} }{"),
            "f() { x; }; {{ .Values }} {a,b} {} {Name} {-x} }{"
        );
        assert_eq!(filled("ünïcode {name} é{"), "ünïcode hello é{");
        for same in ["", "{", "}", "{}", "{{", "{ name }", "{{a b}}", "a{b", "*.{a,b}"] {
            assert_eq!(filled(same), same);
        }
    }

    #[test]
    fn every_unset_hole_is_found() {
        let unset = fill("{nmae} and {b} and {{c}}", &holes()).unwrap_err();
        assert_eq!(
            unset.iter().map(|u| (u.name.as_str(), u.range.clone())).collect::<Vec<_>>(),
            [("nmae", 0..6), ("b", 11..14)]
        );
        let told = unset[0].diagnostic(&holes());
        assert_eq!(told.code, codes::CONFIG_UNSET_HOLE);
        assert_eq!(told.helps, ["did you mean `{name}`?", "holes with a value: `{name}`, `{odd}`, `{version}`"]);
        let unset = fill("{environment}", &holes()).unwrap_err();
        assert_eq!(unset[0].diagnostic(&holes()).helps, ["it has a value only with `--environment`"]);
    }
}
