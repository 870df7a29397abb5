//! One value of a dotenv file: lines `KEY=value`, with `export`, quotes and comments. Nothing is expanded.

/// The value of `key`; of several, the last, as a shell that reads the file would have it.
pub(super) fn value(text: &str, key: &str) -> Option<String> {
    text.lines().filter_map(|line| assignment(line).filter(|(name, _)| *name == key)).next_back().map(|(_, v)| v)
}

/// The keys of a file, in order.
pub(super) fn keys(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| assignment(line).map(|(name, _)| name)).collect()
}

fn assignment(line: &str) -> Option<(&str, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, rest) = line.split_once('=')?;
    let name = name.trim_end();
    let first = name.chars().next()?;
    let is_name = (first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    is_name.then(|| (name, unquote(rest.trim_start())))
}

fn unquote(text: &str) -> String {
    match text.chars().next() {
        Some('\'') => text[1..].split('\'').next().unwrap_or_default().to_owned(),
        Some('"') => {
            let mut value = String::new();
            let mut chars = text[1..].chars();
            while let Some(c) = chars.next() {
                match c {
                    '"' => break,
                    '\\' => value.extend(chars.next()),
                    c => value.push(c),
                }
            }
            value
        }
        // A comment begins at a `#` after a blank; `1.0#2` is a value.
        _ => {
            let begins = |i: usize| i == 0 || text[..i].ends_with([' ', '\t']);
            let end = text.match_indices('#').find(|(i, _)| begins(*i));
            text[..end.map_or(text.len(), |(i, _)| i)].trim_end().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_a_shell_would() {
        let text = "# VERSION=0\nexport VERSION = \"1.2.3\" # the version\nOTHER='4 5'\nPLAIN=6.7#8 # nine\nEMPTY=\nnot a line\nVERSION=2.0\n";
        assert_eq!(value(text, "VERSION").as_deref(), Some("2.0"));
        assert_eq!(value("export  A=\"x\\\"y\"z", "A").as_deref(), Some("x\"y"));
        assert_eq!(value(text, "OTHER").as_deref(), Some("4 5"));
        assert_eq!(value(text, "PLAIN").as_deref(), Some("6.7#8"));
        assert_eq!(value(text, "EMPTY").as_deref(), Some(""));
        assert_eq!(value(text, "NONE"), None);
        assert_eq!(keys(text), ["VERSION", "OTHER", "PLAIN", "EMPTY", "VERSION"]);
    }
}
