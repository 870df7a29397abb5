//! What the holes of requests stand for.
//!
//! Enters: facts, values of the config, what answers said. Leaves: filled templates. In an address a value is percent-encoded but for
//! `/` and what is encoded already; a hole at its very beginning is an address itself.

use std::fmt::Write as _;

use crate::resolve::holes::{self, Holes, Unset};

/// An address.
///
/// # Errors
/// Holes without a value.
pub(super) fn url(template: &str, holes: &Holes) -> Result<String, Vec<Unset>> {
    let (first, rest) = match first_hole(template) {
        Some((name, rest)) if holes.contains_key(name) => (holes.get(name).map_or("", String::as_str), rest),
        _ => ("", template),
    };
    let encoded = holes.iter().map(|(name, value)| (name.clone(), encode(value))).collect();
    holes::fill(rest, &encoded).map(|rest| format!("{}{rest}", first.trim_end_matches('/')))
}

/// The hole that a text begins with.
fn first_hole(template: &str) -> Option<(&str, &str)> {
    template.strip_prefix('{').filter(|rest| !rest.starts_with('{'))?.split_once('}')
}

/// A text in which holes without a value stay as they are, for lists.
pub(super) fn shown(template: &str, holes: &Holes) -> String {
    let mut known = holes.clone();
    for _ in 0..template.len() {
        match url(template, &known) {
            Ok(text) => return text.split('?').next().unwrap_or_default().replace("%7B", "{").replace("%7D", "}"),
            Err(unset) => known.extend(unset.into_iter().map(|hole| (hole.name.clone(), format!("{{{}}}", hole.name)))),
        }
    }
    template.to_owned()
}

fn encode(value: &str) -> String {
    let mut out = String::new();
    let bytes = value.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let is_encoded =
            *byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) || is_encoded {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_what_begins_an_address_is_not() {
        let holes: Holes = [
            ("server", "https://example.org:8443/a/"),
            ("file", "a+b_1.0~rc.1:2 ;=?.deb"),
            ("project", "group%2Fapp"),
            ("task", "/pulp/tasks/1/"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let filled = |template: &str| url(template, &holes).unwrap();
        assert_eq!(
            filled("{server}/x/{file};deb.a=b?q={project}"),
            "https://example.org:8443/a/x/a%2Bb_1.0~rc.1%3A2%20%3B%3D%3F.deb;deb.a=b?q=group%2Fapp"
        );
        assert_eq!(filled("{server}{task}"), "https://example.org:8443/a/pulp/tasks/1/");
        assert_eq!(url("{server}/{nowhere}", &holes).unwrap_err()[0].name, "nowhere");
        assert_eq!(shown("{server}/{release}/x?name={file}", &holes), "https://example.org:8443/a/{release}/x");
    }
}
