//! How values are quoted in what systemd reads.
//!
//! Enters: a registry. Leaves: it knows helpers, one for each kind of place: `{{x}}` is a word of safe characters,
//! `{{path x}}` an absolute path, `{{text x}}` the rest of a line, `{{exec words}}` a command line, `{{assignment name value}}` a
//! variable, `{{quoted x}}` a word in quotes, `{{raw x}}` a line of systemd's own grammar that the user wrote.
//!
//! Source: systemd.syntax(7), "Quoting"; systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers".

use super::{UNQUOTABLE, helper};
use handlebars::Handlebars;

/// Makes the helpers and the rule for bare values known.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_escape_fn(token);
    helper(registry, "text", |values| Some(line(values.first()?.as_str()?)));
    helper(registry, "path", |values| Some(path(values.first()?.as_str()?)));
    helper(registry, "raw", |values| Some(raw(values.first()?.as_str()?)));
    helper(registry, "quoted", |values| Some(quoted(&specifiers(values.first()?.as_str()?))));
    helper(registry, "assignment", |values| {
        Some(quoted(&specifiers(&format!("{}={}", values.first()?.as_str()?, values.get(1)?.as_str()?))))
    });
    helper(registry, "exec", |values| {
        let words = values.first()?.as_array()?.iter().map(|word| word.as_str().map(str::to_owned));
        Some(command(&words.collect::<Option<Vec<_>>>()?))
    });
}

/// A word that needs no quotes anywhere: names of units, signals, numbers.
fn token(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:@+/\\~=*".contains(c);
    if !text.is_empty() && text.chars().all(safe) { text.to_owned() } else { UNQUOTABLE.to_string() }
}

/// A percent sign begins a specifier unless it is doubled.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// The rest of a line, where nothing but specifiers and the end of the line means anything.
fn line(text: &str) -> String {
    // A backslash at the end would take the next line along.
    let text = specifiers(text.trim_end_matches(|c: char| c == '\\' || c.is_whitespace()).trim_start());
    text.chars().map(|c| if c.is_control() { UNQUOTABLE } else { c }).collect()
}

/// A path in lists that blanks and quotes would end.
fn path(text: &str) -> String {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'\\;#".contains(c);
    if text.is_empty() || text.chars().any(odd) { UNQUOTABLE.to_string() } else { specifiers(text) }
}

/// Systemd's own words, specifiers and all.
fn raw(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { UNQUOTABLE } else { c }).collect()
}

/// In double quotes, with the escapes of C.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push(UNQUOTABLE),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A command line: systemd replaces `$NAME` and `%x` in it, and splits it like a shell. What cannot stand there becomes a
/// NUL, which no template lets pass.
pub fn command(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@+%$".contains(c);
    let words = words.iter().map(|word| {
        let word = specifiers(word).replace('$', "$$");
        if !word.is_empty() && word.chars().all(plain) { word } else { quoted(&word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_means_anything() {
        assert_eq!(token("hello@.service"), "hello@.service");
        assert_eq!(token("a b"), "\0");
        assert_eq!(token(""), "\0");
        assert_eq!(line(" 100% \\"), "100%%");
        assert_eq!(line("a\nExecStart=/bin/evil"), "a\0ExecStart=/bin/evil");
        assert_eq!(path("/var/lib/50%"), "/var/lib/50%%");
        assert_eq!(path("/var/lib/a b"), "\0");
        assert_eq!(quoted("A=a \"b\" \\"), r#""A=a \"b\" \\""#);
        let command = |words: &[&str]| command(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            command(&["/usr/bin/x", "--port=80", "$HOME", "50%", "a b", ""]),
            r#"/usr/bin/x --port=80 $$HOME 50%% "a b" """#
        );
        assert_eq!(command(&["/usr/bin/x", ";", "it's"]), r#"/usr/bin/x ";" "it's""#);
    }
}
