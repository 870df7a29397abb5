//! A change log -> [`Change`] records, newest first as they stand.
//!
//! Enters: the file that the config names, a Debian changelog (deb-changelog(5)) or Markdown in the manner of Keep a
//! Changelog. Leaves: records with version, time, author and lines. Without a file: one record for this version.

use std::ops::Range;
use std::sync::Arc;

use crate::codec::calendar;
use crate::config::schema::Text;
use crate::diagnostic::{Diagnostic, SourceText, Span, codes};
use crate::resolve::identity::{Change, Identity};

use super::ground::Ground;

/// The records; at least one. `clock` dates what has no date of its own.
pub(crate) fn read(
    ground: &Ground,
    named: Option<&Text>,
    identity: Option<&Identity>,
    clock: Option<i64>,
) -> Option<Vec<Change>> {
    // The file is checked even where a fact is missing.
    let maintainer = identity.map_or("", |identity| &identity.maintainer);
    let records = match named {
        None => Vec::new(),
        Some(named) => {
            let source = ground.read(named)?;
            let is_markdown = named.ends_with(".md") || source.text.trim_start().starts_with('#');
            let result = if is_markdown { markdown(&source, maintainer, clock.unwrap_or(0)) } else { debian(&source) };
            match result {
                Ok(records) => records,
                Err(findings) => {
                    for finding in findings {
                        ground.report(finding.at(&ground.span(&named.range), "the change log named here"));
                    }
                    return None;
                }
            }
        }
    };
    if !records.is_empty() {
        return Some(records);
    }
    let identity = identity?;
    Some(vec![Change {
        version: identity.version.text.clone(),
        time: clock?,
        author: identity.maintainer.value.clone(),
        lines: vec![format!("Release {}.", identity.version.text)],
    }])
}

/// Lines with their bytes in the text.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let trimmed = line.trim_end();
        let range = start..start + trimmed.len();
        start += line.len();
        (range, trimmed)
    })
}

fn wrong(source: &Arc<SourceText>, range: Range<usize>, why: &str, help: &str) -> Diagnostic {
    Diagnostic::error(
        codes::RESOLVE_BAD_CHANGELOG,
        format!("`{}` is no change log that can be read: {why}", source.name),
    )
    .at(&Span::new(source, range), "")
    .help(help)
}

const BEGINS: &str = "a record begins with `name (version) suite; urgency=medium`";
const ENDS: &str = "a record ends with ` -- Name <mail>  Sat, 31 Jan 2026 12:00:00 +0000`";

/// deb-changelog(5): `name (version) suite; key=value`, lines with two blanks before them, ` -- Name <mail>  date`.
fn debian(source: &Arc<SourceText>) -> Result<Vec<Change>, Vec<Diagnostic>> {
    let (mut records, mut findings) = (Vec::new(), Vec::new());
    let mut open: Option<(Change, Range<usize>)> = None;
    for (range, line) in lines(&source.text) {
        let editors = line.starts_with('#') || line.starts_with("Local variables:") || line.starts_with("vim:");
        if open.is_none() && editors {
            // Settings of an editor follow the last record.
            break;
        }
        if line.is_empty() {
            continue;
        }
        if let Some(text) = line.strip_prefix(" -- ") {
            match (open.take(), trailer(text)) {
                (Some((change, _)), Some((author, time))) => records.push(Change { time, author, ..change }),
                (Some(_), None) => findings.push(wrong(source, range, "the date of this record cannot be read", ENDS)),
                (None, _) => findings.push(wrong(source, range, "a record ends here and none has begun", BEGINS)),
            }
        } else if let Some(text) = line.strip_prefix("  ") {
            match &mut open {
                Some((change, _)) => bullet(&mut change.lines, text),
                None => findings.push(wrong(source, range, "this line is in no record", BEGINS)),
            }
        } else if let Some(version) = header(line) {
            let change = Change { version: version.to_owned(), time: 0, author: String::new(), lines: Vec::new() };
            if let Some((_, before)) = open.replace((change, range)) {
                findings.push(wrong(source, before, "this record has no end", ENDS));
            }
        } else {
            findings.push(wrong(source, range, "this line begins no record and has no two blanks before it", BEGINS));
            return Err(findings);
        }
    }
    if let Some((_, range)) = open {
        findings.push(wrong(source, range, "this record has no end", ENDS));
    }
    if findings.is_empty() { Ok(records) } else { Err(findings) }
}

/// `Name <mail>  date`
fn trailer(text: &str) -> Option<(String, i64)> {
    let (author, date) = text.split_once('>')?;
    Some((format!("{author}>"), calendar::parse_rfc5322(date)?))
}

/// `name (version) suite; urgency=medium`
fn header(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(')')?;
    let good = !name.contains(char::is_whitespace) && !version.is_empty() && rest.contains(';');
    good.then_some(version)
}

/// `* text` begins a line of the record; anything else goes on with the last.
fn bullet(lines: &mut Vec<String>, text: &str) {
    let text = text.trim();
    match text.strip_prefix(['*', '-', '+']).filter(|rest| rest.starts_with(' ')) {
        Some(new) => lines.push(new.trim().to_owned()),
        None => match lines.last_mut() {
            Some(last) => {
                last.push(' ');
                last.push_str(text);
            }
            None => lines.push(text.to_owned()),
        },
    }
}

/// `## [1.2.3] - 2026-01-31`, `### Added`, `- text`. What is not released is left out.
fn markdown(source: &Arc<SourceText>, maintainer: &str, clock: i64) -> Result<Vec<Change>, Vec<Diagnostic>> {
    let (mut records, mut findings) = (Vec::<Change>::new(), Vec::new());
    let (mut inside, mut section, mut after_blank) = (false, String::new(), true);
    for (range, line) in lines(&source.text) {
        if let Some(title) = line.strip_prefix("## ") {
            section.clear();
            let (version, date) = heading(title);
            inside = !version.eq_ignore_ascii_case("unreleased") && version.starts_with(|c: char| c.is_ascii_digit());
            if !inside {
                continue;
            }
            let time = match date {
                None => Some(clock),
                Some(date) => calendar::parse_day(date),
            };
            if time.is_none() {
                findings.push(wrong(
                    source,
                    range,
                    "the date of this heading cannot be read",
                    "write it as `## [1.2.3] - 2026-01-31`",
                ));
            }
            records.push(Change {
                version: version.to_owned(),
                time: time.unwrap_or(0),
                author: maintainer.to_owned(),
                lines: Vec::new(),
            });
        } else if let Some(title) = line.strip_prefix("### ") {
            title.trim().clone_into(&mut section);
        } else if let Some(record) = records.last_mut().filter(|_| inside) {
            // Definitions of links, `[1.2.3]: https://…`, end the file.
            let is_link = line.starts_with('[') && line.contains("]: ");
            if !line.trim().is_empty() && !is_link {
                item(&mut record.lines, &mut section, line, after_blank);
            }
        }
        after_blank = line.trim().is_empty();
    }
    for record in &mut records {
        if record.lines.is_empty() {
            record.lines.push(format!("Release {}.", record.version));
        }
    }
    if findings.is_empty() { Ok(records) } else { Err(findings) }
}

/// A list item or a paragraph begins a line, with the section's name where that changes; other lines go on.
fn item(lines: &mut Vec<String>, section: &mut String, line: &str, after_blank: bool) {
    let text = line.trim();
    let is_item = ["- ", "* ", "+ "].iter().any(|mark| text.starts_with(mark));
    if is_item || after_blank || lines.is_empty() {
        let text = if is_item { text[2..].trim() } else { text };
        let named = if section.is_empty() { text.to_owned() } else { format!("{}: {text}", std::mem::take(section)) };
        lines.push(named);
    } else {
        bullet(lines, text);
    }
}

/// `[1.2.3] - 2026-01-31`, `1.2.3 (2026-01-31)`, `v1.2.3` -> version and date.
fn heading(title: &str) -> (&str, Option<&str>) {
    let title = title.trim().trim_end_matches("[YANKED]").trim();
    let end = title.find([' ', '\t']).unwrap_or(title.len());
    let (version, rest) = title.split_at(end);
    let version = version.trim_start_matches('[').split(']').next().unwrap_or_default();
    let version = match version.strip_prefix('v') {
        Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => number,
        _ => version,
    };
    let date = rest.trim().trim_matches(|c: char| "-–—()".contains(c) || c.is_whitespace());
    (version, (!date.is_empty()).then_some(date))
}

#[cfg(test)]
mod tests;
