//! How values are quoted in YAML.
//!
//! Enters: a registry. Leaves: `{{x}}` is a string in double quotes, whatever it holds; `{{bare x}}` is a word of safe characters as it is.
//!
//! Source: YAML 1.2.2, section 7.3.1: a JSON string is one.

use handlebars::Handlebars;

use super::{UNQUOTABLE, helper};

/// Makes the helper and the rule for bare values known.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_escape_fn(quoted);
    helper(registry, "bare", |values| Some(bare(values.first()?.as_str()?)));
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn bare(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._:/".contains(c);
    if !value.is_empty() && value.chars().all(safe) { value.to_owned() } else { UNQUOTABLE.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_strings_and_words_are_words() {
        assert_eq!(quoted("a: \"b\" #\n{{"), r##""a: \"b\" #\n{{""##);
        assert_eq!(bare("secrets.A_B"), "secrets.A_B");
        for bad in ["", "a b", "${{ x }}", "a\n"] {
            assert_eq!(bare(bad), UNQUOTABLE.to_string(), "{bad}");
        }
    }
}
