//! What answers say: their status against what was expected, and places in their JSON.

use serde_json::Value;

use crate::config::schema::{At, Text};
use crate::resolve::holes::Holes;
use crate::store::http::Answer;

/// Which answers are success, and which say that it is there.
pub(super) struct Fits<'a> {
    success: Vec<u16>,
    exists: Vec<u16>,
    text: Option<&'a str>,
}

impl<'a> Fits<'a> {
    pub(super) fn of(success: Option<&[At<u32>]>, exists: &[At<u32>], text: Option<&'a Text>) -> Self {
        let statuses = |list: &[At<u32>]| list.iter().filter_map(|status| u16::try_from(status.value).ok()).collect();
        Self {
            success: success.map(statuses).unwrap_or_default(),
            exists: statuses(exists),
            text: text.map(|text| text.value.as_str()),
        }
    }

    pub(super) fn all(&self) -> Vec<u16> {
        self.success.iter().chain(&self.exists).copied().collect()
    }

    pub(super) fn succeeds(&self, answer: &Answer) -> bool {
        if self.success.is_empty() { answer.is_good() } else { self.success.contains(&answer.status) }
    }

    pub(super) fn exists(&self, answer: &Answer) -> bool {
        let says = |text| String::from_utf8_lossy(&answer.body).contains(text);
        self.exists.contains(&answer.status) && self.text.is_none_or(says)
    }
}

/// The element of a list whose members are these, or all of the answer where no list is named and they are its own.
pub(super) fn element<'v>(answer: &'v Value, list: Option<&str>, wanted: &Holes) -> Option<&'v Value> {
    let fits = |element: &&Value| wanted.iter().all(|(name, value)| member(element, name).as_ref() == Some(value));
    match list {
        Some(at) => answer.pointer(at)?.as_array()?.iter().find(fits),
        None => Some(answer).filter(fits),
    }
}

/// A member by name, or a place by its JSON pointer.
pub(super) fn member(element: &Value, name: &str) -> Option<String> {
    let found = if name.starts_with('/') { element.pointer(name)? } else { element.get(name)? };
    text(found)
}

/// What is at a JSON pointer, as text.
pub(super) fn at(json: &Value, pointer: &str) -> Option<String> {
    text(json.pointer(pointer)?)
}

fn text(value: &Value) -> Option<String> {
    match value {
        // An address with what may follow it: RFC 6570.
        Value::String(text) => Some(text.split("{?").next().unwrap_or_default().to_owned()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `true` and `false` are no texts.
pub(super) fn scalar(text: String) -> Value {
    match &*text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text),
    }
}

/// In one line.
pub(super) fn line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace()).collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_json() {
        let json = serde_json::json!({ "results": [{ "name": "a", "id": 1 }, { "name": "b", "id": 2, "ok": true }] });
        let wanted = |name: &str| Holes::from([("name".to_owned(), name.to_owned())]);
        let found = element(&json, Some("/results"), &wanted("b")).unwrap();
        assert_eq!((member(found, "id"), at(found, "/ok")), (Some("2".into()), Some("true".into())));
        assert!(element(&json, Some("/results"), &wanted("c")).is_none());
        assert!(element(&json, Some("/nothing"), &wanted("b")).is_none());
        assert_eq!(at(&serde_json::json!({ "u": "https://x/y{?name,label}" }), "/u").as_deref(), Some("https://x/y"));
    }

    #[test]
    fn a_status_may_need_its_words() {
        let answer = |status, body: &str| Answer { status, body: body.into(), ..Answer::default() };
        let status = |value| At { value, range: 0..0 };
        let text = At { value: "already".to_owned(), range: 0..0 };
        let exists = [status(422)];
        let fits = Fits::of(None, &exists, Some(&text));
        assert!(fits.exists(&answer(422, "is already there")) && !fits.exists(&answer(422, "no")));
        assert!(fits.succeeds(&answer(201, "")) && !fits.succeeds(&answer(302, "")));
        let only = [status(204)];
        assert!(!Fits::of(Some(&only), &[], None).succeeds(&answer(200, "")));
    }
}
