//! Text -> [`Document`] -> [`Manifest`].
//!
//! Enters: the text of a config file. Leaves: a [`Document`] that holds the grammar, or every finding at once; and from it,
//! when the overlay has been chosen, the [`Manifest`]. Reading the file and merging overlays happen elsewhere.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer, Error};

use super::grammar::Grammar;
pub use super::grammar::Vocabulary;
use super::schema::{self, Manifest};
use super::{check, environments, rules};
use crate::diagnostic::{Diagnostic, Findings, SourceText, Span, codes};

/// A config file that was parsed and found to keep the grammar.
#[derive(Debug)]
pub struct Document {
    source: Arc<SourceText>,
    grammar: Grammar,
}

/// Parses and checks a config file; `name` is what messages call it.
///
/// # Errors
/// All findings of the file, in its order: of its TOML, or else of its keys and values.
pub fn load(name: &str, text: &str, known: &Vocabulary<'_>) -> Result<Document, Findings> {
    let source = Arc::new(SourceText { name: name.to_owned(), text: text.to_owned() });
    let (tree, errors) = DeTable::parse_recoverable(text);
    // What the parser guessed of a broken file is not worth judging: one missing quote would be ten findings.
    if !errors.is_empty() {
        return Err(in_order(errors.iter().map(|error| syntax(&source, error)).collect()));
    }
    let grammar = Grammar::of(&schema::json_schema(known));
    let mut findings = check::check(&source, &grammar, &tree);
    findings.extend(rules::check(&source, &grammar, tree.get_ref()));
    findings.extend(environments::check(&source, tree.get_ref()));
    if findings.is_empty() { Ok(Document { source, grammar }) } else { Err(in_order(findings)) }
}

impl Document {
    /// The text that all spans point into.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// Points at bytes of the file, such as [`schema::At::range`].
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(&self.source, range)
    }

    /// The file as a tree with spans. It borrows from the text and is parsed anew, which takes microseconds.
    pub fn tree(&self) -> Spanned<DeTable<'_>> {
        DeTable::parse_recoverable(&self.source.text).0
    }

    /// Reads a tree of this file, as it is or with an overlay merged into it.
    ///
    /// # Errors
    /// What the grammar refuses in the merged tree only, such as a key that neither base nor overlay has.
    pub fn read(&self, tree: Spanned<DeTable<'_>>) -> Result<Manifest, Findings> {
        let findings = check::check(&self.source, &self.grammar, &tree);
        if !findings.is_empty() {
            return Err(in_order(findings));
        }
        Manifest::deserialize(Deserializer::from(tree)).map_err(|error| vec![self.unreadable(&error)])
    }

    /// The check lets nothing pass that serde refuses; if it ever does, the place is still worth more than a panic.
    fn unreadable(&self, error: &Error) -> Diagnostic {
        let finding = Diagnostic::error(codes::CONFIG_WRONG_TYPE, error.message());
        match error.span() {
            Some(range) => finding.at(&self.span(range), ""),
            None => finding.path(&self.source.name),
        }
    }
}

/// Sorts by place, as the file is read.
fn in_order(mut findings: Findings) -> Findings {
    findings.sort_by_key(|finding| finding.labels.first().map_or(0, |label| label.span.range.start));
    findings
}

fn syntax(source: &Arc<SourceText>, error: &Error) -> Diagnostic {
    let message = error.message().trim_end_matches(", expected nothing");
    let finding = Diagnostic::error(codes::CONFIG_SYNTAX, format!("this is not TOML: {message}"));
    let Some(range) = error.span() else { return finding.path(&source.name) };
    let help = unquoted(&source.text, range.start);
    let finding = finding.at(&Span::new(source, range), "");
    match help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// `version = 1.4.0` and `mode = 0644` are not even TOML: what looks like a number is a string without quotes. Says how it
/// is written, if the mistake at `at` is in such a value.
fn unquoted(text: &str, at: usize) -> Option<String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.+~:/@".contains(c);
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
    let equals = line.get(..at - start)?.rfind('=')?;
    let (before, after) = (line.get(..equals)?.trim_end(), line.get(equals + 1..)?.trim_start());
    let key = before.rsplit(['{', ',', ' ', '\t']).next()?;
    let end = after.find(|c| !bare(c)).unwrap_or(after.len());
    let (value, rest) = after.split_at(end);
    let whole = rest.trim_start().is_empty() || rest.trim_start().starts_with(['#', ',', '}']);
    let name = !key.is_empty() && key.chars().all(bare);
    (name && whole && !value.is_empty()).then(|| format!("a string stands in quotes: `{key} = \"{value}\"`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary<'static> {
        Vocabulary { formats: &["deb", "rpm", "tarball", "zip", "oci"] }
    }

    fn codes_of(text: &str) -> Vec<(&'static str, usize)> {
        let findings = load("fitout.toml", text, &vocabulary()).expect_err("has findings");
        findings.iter().map(|f| (f.code.name, f.labels.first().map_or(0, |l| l.span.line_column().0))).collect()
    }

    #[test]
    fn reads_a_file_and_keeps_its_places() {
        let text = "[package]\nname = \"hello\"\nversion = { from = \"git\" }\n[[files]]\nfrom = \"a\"\nto = \"/b\"\nwhen = \"deb\"\n";
        let document = load("fitout.toml", text, &vocabulary()).expect("no findings");
        let manifest = document.read(document.tree()).expect("reads");
        let name = manifest.package.name.expect("a name");
        assert_eq!((&*name.value, &text[name.range.clone()]), ("hello", "\"hello\""));
        assert_eq!(document.span(name.range).line_column(), (2, 8));
        let schema::VersionSource::From { from } = manifest.package.version.expect("a version").value else {
            panic!("not a literal")
        };
        assert_eq!(&text[from.range], "\"git\"");
        assert_eq!(&text[manifest.files[0].range.clone()], "[[files]]");
        assert_eq!(manifest.files[0].when.as_ref().expect("a condition").value.0, ["deb"]);
    }

    #[test]
    fn an_empty_file_is_well_formed() {
        let document = load("fitout.toml", "", &vocabulary()).expect("no findings");
        assert!(document.read(document.tree()).expect("reads").files.is_empty());
    }

    #[test]
    fn every_form_that_the_grammar_takes_is_read() {
        let text = r#"
            [package]
            version = "1.0"
            epoch = 4294967295
            bundle = ["libssl.so.3"]
            [build]
            preset = "otp"
            formats = ["deb", "oci"]
            source-archive = true
            [[files]]
            text = "x"
            to = "/x"
            role = "config"
            noreplace = false
            mode = "0600"
            when = ["deb", "rpm"]
            [format.deb]
            fields = { X-Team = "ops" }
            lintian-overrides = [{ tag = "t", reason = "r" }]
            scripts.postinst = "p"
            [format.rpm.scripts]
            post = { file = "f", interpreter = ["/bin/sh"] }
            [[format.rpm.triggers]]
            event = "triggerin"
            on = ["a"]
            file = "f"
            priority = 1
            [format.oci]
            cmd = ["x"]
            env = { A = "b" }
            health-check = { command = ["true"], retries = 3 }
            [[lint.allow]]
            code = "config/syntax"
            reason = "why"
        "#;
        let document = load("fitout.toml", text, &vocabulary()).expect("no findings");
        let manifest = document.read(document.tree()).expect("reads");
        assert_eq!(manifest.package.epoch.map(|epoch| epoch.value), Some(u32::MAX));
        assert_eq!(manifest.format.rpm.triggers[0].priority, Some(1));
        assert_eq!(manifest.format.oci.health_check.and_then(|check| check.retries), Some(3));
    }

    /// Values of every TOML type, right and wrong ones.
    const VALUES: &[&str] = &[
        "\"deb\"",
        "\"0644\"",
        "\"plain\"",
        "\"config/syntax\"",
        "0",
        "-1",
        "4294967295",
        "4294967296",
        "0x7f",
        "1.5",
        "inf",
        "true",
        "1979-05-27",
        "[]",
        "[\"deb\"]",
        "[1]",
        "[[]]",
        "{}",
        "[{}]",
        "{ a = \"b\" }",
        "{ a = 1 }",
        "{ from = \"git\" }",
    ];

    /// Whole files that put every value into every place that the grammar knows.
    fn every_place(grammar: &Grammar, whole: &dyn Fn(&str) -> String, files: &mut Vec<String>) {
        files.extend(VALUES.iter().map(|value| whole(value)));
        match grammar {
            Grammar::List(items) => every_place(items, &|value| whole(&format!("[{value}]")), files),
            Grammar::Either(forms) => forms.iter().for_each(|form| every_place(form, whole, files)),
            Grammar::Table(keys) => {
                for (name, key) in &keys.known {
                    let others: Vec<String> = keys
                        .required
                        .iter()
                        .filter(|other| *other != name)
                        .map(|other| {
                            let list = matches!(keys.known[other].grammar, Grammar::List(_));
                            format!("{other} = {}, ", if list { "[]" } else { "\"config/syntax\"" })
                        })
                        .collect();
                    let inside = |value: &str| whole(&format!("{{ {}{name} = {value} }}", others.concat()));
                    every_place(&key.grammar, &inside, files);
                }
                keys.others
                    .iter()
                    .for_each(|others| every_place(others, &|value| whole(&format!("{{ x = {value} }}")), files));
            }
            _ => {}
        }
    }

    #[test]
    fn what_the_check_lets_pass_is_read() {
        let grammar = Grammar::of(&schema::json_schema(&vocabulary()));
        let Grammar::Table(root) = &grammar else { panic!("a table") };
        let (mut passed, mut files) = (0, Vec::new());
        for (name, key) in &root.known {
            every_place(&key.grammar, &|value| format!("{name} = {value}"), &mut files);
        }
        for text in files {
            let source = Arc::new(SourceText { name: String::new(), text: text.clone() });
            let tree = DeTable::parse(&text).expect("TOML");
            let findings = check::check(&source, &grammar, &tree);
            let read = Manifest::deserialize(Deserializer::from(tree));
            match (findings.is_empty(), read) {
                (true, Err(error)) => panic!("{text} passes, and {error}"),
                (true, Ok(_)) => passed += 1,
                (false, _) => {}
            }
        }
        assert!(passed > 500, "only {passed} files passed: the test has lost its aim");
    }

    #[test]
    fn all_findings_come_in_one_run_in_the_order_of_the_file() {
        let text = "x = 1\n[[files]]\nfrom = 1\nmode = \"9\"\n[build]\npreset = \"ruts\"\n";
        assert_eq!(
            codes_of(text),
            [
                ("config/unknown-key", 1),
                ("config/missing-key", 2),
                ("config/wrong-type", 3),
                ("config/invalid-value", 4),
                ("config/invalid-value", 6)
            ]
        );
    }

    #[test]
    fn a_slip_is_one_finding() {
        assert_eq!(codes_of("[[files]]\nform = \"x\"\nto = \"/x\"\n"), [("config/unknown-key", 2)]);
        assert_eq!(
            codes_of("[[lint.allow]]\ncode = \"config/syntax\"\nreasons = \"x\"\n"),
            [("config/unknown-key", 3)]
        );
    }

    #[test]
    fn numbers_have_bounds() {
        for epoch in ["4294967296", "-1", "99999999999999999999999999"] {
            assert_eq!(codes_of(&format!("[package]\nepoch = {epoch}\n")), [("config/invalid-value", 2)], "{epoch}");
        }
    }

    #[test]
    fn an_overlay_may_be_partial_and_a_list_in_it_may_not() {
        let overlay = "[environment.a.format.oci.health-check]\ninterval = \"1s\"\n";
        assert!(load("fitout.toml", overlay, &vocabulary()).is_ok());
        let list = "[[environment.a.lint.allow]]\ncode = \"config/syntax\"\n";
        assert_eq!(codes_of(list), [("config/missing-key", 1)]);
        assert_eq!(codes_of("[environment.a.environment.b]\n"), [("config/unknown-key", 1)]);
        assert_eq!(codes_of("[[environment.a.files]]\nfrom = \"x\"\n"), [("config/missing-key", 1)]);
        assert_eq!(codes_of("[environment]\na = 1\n"), [("config/wrong-type", 2)]);
    }

    #[test]
    fn hostile_text_is_a_finding_and_no_crash() {
        let deep = "a.".repeat(100_000);
        for text in [format!("[{deep}a]"), format!("{deep}a = 1"), format!("a = {}", "[".repeat(100_000))] {
            assert!(codes_of(&text).iter().all(|(code, _)| *code == "config/syntax"));
        }
        assert_eq!(codes_of("\u{feff}[package]\nnmae = 1\n"), [("config/unknown-key", 2)]);
        assert_eq!(codes_of("\0")[0].0, "config/syntax");
    }

    #[test]
    fn a_string_without_quotes_is_helped() {
        for (text, help) in [
            ("[[files]]\nmode = 0644\n", Some("a string stands in quotes: `mode = \"0644\"`")),
            ("files = [{dir-mode=0755}]\n", Some("a string stands in quotes: `dir-mode = \"0755\"`")),
            ("version = 1.4.0 # now\n", Some("a string stands in quotes: `version = \"1.4.0\"`")),
            ("preset = otp", Some("a string stands in quotes: `preset = \"otp\"`")),
            ("a = \"b\nc = 1\n", None),
            ("a = [b, c]\n", None),
            ("[package\n", None),
            ("a =\n", None),
            ("é = = 1", None),
        ] {
            let findings = load("fitout.toml", text, &vocabulary()).expect_err("has findings");
            assert_eq!(findings[0].code, codes::CONFIG_SYNTAX);
            assert_eq!(findings[0].helps.first().map(String::as_str), help, "{text}");
        }
    }
}
