//! The version of a `mix.exs`, as far as it is a literal.
//!
//! `mix.exs` is a program, and fitout runs none: it understands `version: "1.2.3"`, `version: @version` with a literal
//! attribute, and either of them as the content of a file (`File.read!("VERSION") |> String.trim()`).

/// Where a `mix.exs` says that the version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is this.
    Literal(String),
    /// It is the content of this file, beside `mix.exs`.
    File(String),
}

/// What `version:` of `def project` says; `None` if that would need Elixir to be run.
pub(crate) fn version(text: &str) -> Option<Said> {
    let text = without_comments(text);
    let project = &text[text.find("def project").unwrap_or(0)..];
    let value = after_key(project, "version:")?;
    let Some(attribute) = value.strip_prefix('@') else { return said(value) };
    let end = attribute.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(attribute.len());
    said(after_key(&text, &format!("@{} ", &attribute[..end]))?)
}

/// The atom of `app:`.
pub(crate) fn app(text: &str) -> Option<String> {
    let text = without_comments(text);
    let value = after_key(&text, "app:")?.strip_prefix(':')?;
    let end = value.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(value.len());
    (end > 0).then(|| value[..end].to_owned())
}

/// The literal of `description:`.
pub(crate) fn description(text: &str) -> Option<String> {
    match said(after_key(&without_comments(text), "description:")?)? {
        Said::Literal(text) => Some(text),
        Said::File(_) => None,
    }
}

/// What follows the first `key` that is a word of its own.
fn after_key<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let at = text.match_indices(key).find(|(i, _)| {
        !text[..*i].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"' || c == ':' || c == '@')
    })?;
    Some(text[at.0 + key.len()..].trim_start())
}

/// A string literal, or the reading of a file whose name is one.
fn said(value: &str) -> Option<Said> {
    if let Some(file) = value.strip_prefix("File.read!(") {
        let (name, rest) = literal(file.trim_start())?;
        return only_trimmed(rest.trim_start().strip_prefix(')')?).then_some(Said::File(name));
    }
    if let Some(inner) = value.strip_prefix("String.trim(") {
        return said(inner.trim_start()).filter(|said| matches!(said, Said::File(_)));
    }
    let (text, rest) = literal(value)?;
    match rest.trim_start().strip_prefix("|>") {
        None => Some(Said::Literal(text)),
        Some(pipe) => {
            let rest = pipe.trim_start().strip_prefix("File.read!")?;
            only_trimmed(rest.strip_prefix("()").unwrap_or(rest)).then_some(Said::File(text))
        }
    }
}

/// Whether nothing is done with a value but trimming it.
fn only_trimmed(rest: &str) -> bool {
    match rest.trim_start().strip_prefix("|>") {
        None => true,
        Some(pipe) => pipe.trim_start().strip_prefix("String.trim").is_some_and(only_trimmed_after),
    }
}

fn only_trimmed_after(rest: &str) -> bool {
    only_trimmed(rest.strip_prefix("()").unwrap_or(rest))
}

/// A `"…"` without interpolation at the start of the text, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"').filter(|body| !body.starts_with("\"\""))?;
    let end = body.find('"')?;
    let value = &body[..end];
    (!value.contains("#{") && !value.contains('\\')).then(|| (value.to_owned(), &body[end + 1..]))
}

/// The text without `#` comments; a `#` in a string or of a char (`?#`) is none.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let (mut quoted, mut escaped, mut before) = (false, false, ' ');
        for c in line.chars() {
            if c == '#' && !quoted && before != '?' {
                break;
            }
            if c == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = c == '\\' && !escaped;
            before = c;
            out.push(c);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(value: &str) -> String {
        format!(
            "defmodule A do\n  @version \"3.2.1\" # now\n  def project do\n    [app: :my_app, # version: \"9\"\n     version: {value},\n     deps: deps()]\n  end\nend\n"
        )
    }

    #[test]
    fn literals_attributes_and_files_are_understood() {
        let literal = |s: &str| Some(Said::Literal(s.into()));
        let file = Some(Said::File("VERSION".into()));
        assert_eq!(version(&project("\"1.4.0-rc.1\"")), literal("1.4.0-rc.1"));
        assert_eq!(version(&project("@version")), literal("3.2.1"));
        assert_eq!(version(&project("\"VERSION\" |> File.read!() |> String.trim()")), file);
        assert_eq!(version(&project("File.read!(\"VERSION\") |> String.trim()")), file);
        assert_eq!(version(&project("String.trim(File.read!(\"VERSION\"))")), file);
        assert_eq!(version(&project("File.read!(\"VERSION\")")), file);
    }

    #[test]
    fn programs_are_not() {
        for value in
            ["version()", "\"1.#{minor()}\"", "System.get_env(\"V\")", "@other", "\"V\" |> File.read!() |> clean()"]
        {
            assert_eq!(version(&project(value)), None, "{value}");
        }
    }

    #[test]
    fn names_are_found() {
        assert_eq!(app(&project("1")).as_deref(), Some("my_app"));
        assert_eq!(description("description: \"Says # hello\",").as_deref(), Some("Says # hello"));
    }
}
