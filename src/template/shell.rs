//! How values are quoted in what a shell reads.
//!
//! Enters: a registry. Leaves: `{{x}}` is a word in single quotes, whatever it holds; `{{folder x}}` the folder that a path
//! lies in; `{{word x}}` a word whose path lies below a folder that the script finds out ([`Word`]); `{{remark x}}` the rest of
//! a comment line.

use handlebars::Handlebars;
use serde::Serialize;
use serde_json::Value;

use super::helper;

/// A word of a script, of which a part may be a path that lies elsewhere on each host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Word {
    /// Stands before the path, such as `--config=`.
    pub head: String,
    /// Variable of the script that holds the folder of the path; empty for none.
    pub below: &'static str,
    /// The path, or the whole word.
    pub text: String,
}

/// Makes the helpers and the rule for bare values known.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_escape_fn(quoted);
    helper(registry, "folder", |values| {
        let path = values.first()?.as_str()?;
        Some(quoted(path.rsplit_once('/').map_or("", |above| above.0)))
    });
    helper(registry, "word", |values| word(values.first()?));
    helper(registry, "remark", |values| Some(values.first()?.as_str()?.replace(char::is_control, " ")));
}

/// One word of the shell, whatever `text` holds: nothing but the quote itself ends single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn word(value: &Value) -> Option<String> {
    let part = |key: &str| value.get(key)?.as_str();
    let (head, below, text) = (part("head")?, part("below")?, part("text")?);
    let head = if head.is_empty() { String::new() } else { quoted(head) };
    Some(if below.is_empty() { head + &quoted(text) } else { format!("{head}\"${below}\"{}", quoted(text)) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_word_may_begin_with_what_the_script_finds_out() {
        let word = |head: &str, below, text: &str| {
            word(&json!(Word { head: head.to_owned(), below, text: text.to_owned() })).unwrap()
        };
        assert_eq!(word("", "", "it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(word("", "svc_root", "/usr/b c"), r#""$svc_root"'/usr/b c'"#);
        assert_eq!(word("--a b=", "svc_place", "/etc/x"), r#"'--a b='"$svc_place"'/etc/x'"#);
    }
}
