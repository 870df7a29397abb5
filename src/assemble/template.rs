//! `{name}` holes of a file's content, filled when the package is built.
//!
//! Enters: a text and the values. Leaves: the text with its holes filled, or every hole that has no value. The grammar is
//! that of holes in paths: `{{name}}` is a literal `{name}`, `${NAME}` is left alone, since it is filled at start on the
//! host, and braces around anything but a name mean nothing here, so that JSON and shell need no doubling. Holes of
//! paths arrive filled.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::config::suggest;
use crate::diagnostic::{Diagnostic, SourceText, Span, codes};

/// Values of holes by name.
pub type Holes = BTreeMap<String, String>;

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
        assert_eq!(filled(""), "");
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
    }
}
