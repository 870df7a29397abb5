//! Secrets of destinations: read where the config says that they are, and kept out of all that is told.
//!
//! Enters: the place of a secret. Leaves: its text, for a request or a program alone; [`Secrets::hide`] takes it out of what others say.

use std::ffi::OsStr;

use super::destinations::Ground;
use crate::codec::base64;
use crate::config::schema::Confidential;
use crate::diagnostic::{Diagnostic, Span, codes};
use crate::sign;

/// Secrets that were read.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

/// What stands in the place of one.
const HIDDEN: &str = "***";

impl Secrets {
    /// The text of a secret, which is one line.
    ///
    /// # Errors
    /// It is not there, or is no line.
    pub(super) fn read(
        &mut self,
        place: &Confidential,
        span: &Span,
        ground: &Ground<'_>,
    ) -> Result<String, Diagnostic> {
        let wrong = |message: String| Diagnostic::error(codes::PUBLISH_SECRET, message).at(span, "");
        let (name, bytes) = if let Some(variable) = &place.env {
            let value = ground.request.variables.get(OsStr::new(&variable.value)).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| {
                let help =
                    format!("set it where fitout runs: `export {}=…`; CI has a store for secrets", variable.value);
                wrong(format!("the variable `{}` is not set", variable.value)).help(help)
            })?;
            (format!("${}", variable.value), value.as_encoded_bytes().to_vec())
        } else {
            let file = place.file.as_ref().map_or("", |file| file.value.as_str());
            let bytes = fs_err::read(ground.project.join(file)).map_err(|error| {
                wrong(format!("the secret in `{file}` cannot be read"))
                    .note(error.kind().to_string())
                    .help("the path is relative to the config; keep the file out of git")
            })?;
            (file.to_owned(), bytes)
        };
        let text = String::from_utf8(sign::one_line(&bytes).to_vec()).ok();
        let text = text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control)).ok_or_else(|| {
            wrong(format!("the secret in `{name}` is no line of text"))
                .help("it is one line; an end of line behind it does not count")
        })?;
        self.keep(&text);
        Ok(text)
    }

    /// Takes note of a text that must not be told, and of its usual spellings.
    pub(super) fn keep(&mut self, text: &str) {
        let escaped: String = serde_json::Value::from(text).to_string().trim_matches('"').to_owned();
        self.0.extend([text.to_owned(), base64::encode(text.as_bytes()), escaped]);
        // One may hold another.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.0.dedup();
    }

    /// A text without any of them.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0
            .iter()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_secret_is_told() {
        let mut secrets = Secrets::default();
        secrets.keep("hush");
        secrets.keep("hush\"er");
        let said = "a hush, aHVzaA== or hush\\\"er";
        assert_eq!(secrets.hide(said), "a ***, *** or ***");
        assert_eq!(Secrets::default().hide(said), said);
    }
}
