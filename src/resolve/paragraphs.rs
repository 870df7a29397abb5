//! The description, wrapped once for all formats.

/// Columns that lintian and rpmlint allow a line of a description, less the blank that deb puts before each.
const COLUMNS: usize = 78;

/// Wraps long lines at blanks. Lines that begin with a blank are kept: they are lists and examples, which package tools
/// show as they are. Empty lines separate paragraphs; those around the text are dropped.
pub fn wrap(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.trim_matches('\n').lines() {
        let line = line.trim_end();
        if line.starts_with([' ', '\t']) || line.chars().count() <= COLUMNS {
            lines.push(line.to_owned());
            continue;
        }
        let mut row = String::new();
        for word in line.split_whitespace() {
            if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > COLUMNS {
                lines.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        lines.push(row);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_lines_of_prose_are_wrapped() {
        let long = "word ".repeat(40);
        let wrapped = wrap(&format!("\nShort.\n\n{long}\n  kept  {long}\n\n"));
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(&lines[..2], ["Short.", ""]);
        assert!(lines[2..].iter().filter(|line| !line.starts_with(' ')).all(|line| line.len() <= COLUMNS));
        assert!(lines.iter().any(|line| line.starts_with("  kept  word") && line.len() > 200));
        assert_eq!(wrapped.matches("word").count(), 80);
        assert_eq!(wrap("x".repeat(200).as_str()).len(), 200, "a word is never cut");
    }
}
