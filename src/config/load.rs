//! Text -> [`Document`] -> [`Manifest`].
//!
//! Enters: the text of a config file. Leaves: a [`Document`] that holds the grammar, or every finding at once; and from it,
//! when the overlay has been chosen, the [`Manifest`]. Reading the file and merging overlays happen elsewhere.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer, Error};

use super::grammar::{Grammar, Vocabulary};
use super::schema::{self, Manifest};
use super::{check, rules};
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
pub fn load(name: &str, text: &str, known: &Vocabulary) -> Result<Document, Findings> {
    let source = Arc::new(SourceText { name: name.to_owned(), text: text.to_owned() });
    let (tree, errors) = DeTable::parse_recoverable(text);
    // What the parser guessed of a broken file is not worth judging: one missing quote would be ten findings.
    if !errors.is_empty() {
        return Err(in_order(errors.iter().map(|error| syntax(&source, error)).collect()));
    }
    let grammar = Grammar::of(&schema::json_schema(known));
    let mut findings = check::check(&source, &grammar, &tree);
    findings.extend(rules::check(&source, &grammar, tree.get_ref()));
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
    let help = leading_zero(&source.text, range.start);
    let finding = finding.at(&Span::new(source, range), "");
    match help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// `mode = 0644` is not even TOML: a number has no leading zero. Says how a mode is written.
fn leading_zero(text: &str, at: usize) -> Option<String> {
    let (before, after) = (text.get(..at)?, text.get(at..)?);
    let line = before.rsplit('\n').next()?;
    let key = line.strip_suffix(|c: char| c == '=' || c.is_whitespace())?.trim_end_matches(['=', ' ', '\t']);
    let key = key.rsplit(['{', ',', ' ', '\t']).next().filter(|key| key.ends_with("mode"))?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    rules::parse_mode(&digits).map(|_| format!("a mode is a string: `{key} = \"{digits}\"`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        Vocabulary { formats: vec!["deb", "rpm", "tarball", "zip", "oci"] }
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
        assert_eq!(codes_of("[[lint.allow]]\ncode = \"config/syntax\"\nreasons = \"x\"\n"), [("config/unknown-key", 3)]);
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
    fn a_mode_with_a_bare_leading_zero_is_helped() {
        for (text, help) in [
            ("[[files]]\nmode = 0644\n", Some("a mode is a string: `mode = \"0644\"`")),
            ("files = [{dir-mode=0755}]\n", Some("a mode is a string: `dir-mode = \"0755\"`")),
            ("[package]\nepoch = 01\n", None),
        ] {
            let findings = load("fitout.toml", text, &vocabulary()).expect_err("has findings");
            assert_eq!(findings[0].code, codes::CONFIG_SYNTAX);
            assert_eq!(findings[0].helps.first().map(String::as_str), help, "{text}");
        }
    }
}
