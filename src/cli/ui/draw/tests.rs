use super::*;
use crate::diagnostic::codes;

fn source(name: &str, text: &str) -> Arc<SourceText> {
    Arc::new(SourceText { name: name.to_owned(), text: text.to_owned() })
}

fn span(source: &Arc<SourceText>, part: &str) -> Span {
    let start = source.text.find(part).expect("is in the text");
    Span::new(source, start..start + part.len())
}

fn config() -> Arc<SourceText> {
    source("fitout.toml", "[[files]]\nfrom = \"a\"\nonwer = \"root:hello\"\n\n\n\n\nlast = 1\n")
}

fn unknown_key() -> Diagnostic {
    Diagnostic::error(codes::CONFIG_UNKNOWN_KEY, "unknown key `onwer` in this [[files]] rule")
        .at(&span(&config(), "onwer"), "did you mean `owner`?")
        .help("keys here: from, to")
        .note("the grammar is closed")
}

fn lines(lines: &[&str]) -> String {
    lines.join("\n")
}

#[test]
fn draws_a_place_with_its_label() {
    let expected = lines(&[
        "error[config/unknown-key]: unknown key `onwer` in this [[files]] rule",
        " --> fitout.toml:3:1",
        "  |",
        "3 | onwer = \"root:hello\"",
        "  | ^^^^^ did you mean `owner`?",
        "  |",
        "  = help: keys here: from, to",
        "  = note: the grammar is closed",
    ]);
    assert_eq!(draw(&unknown_key(), false), expected);
}

#[test]
fn draws_several_places_and_several_texts() {
    let config = config();
    let template = source("postinst.sh.hbs", "#!/bin/sh\n{{nmae}}\n");
    let diagnostic = Diagnostic::warning(codes::CONFIG_UNSET_HOLE, "no value for `nmae`")
        .at(&span(&template, "{{nmae}}"), "used here")
        .at(&span(&config, "from"), "first")
        .at(&span(&config, "last"), "");
    let expected = lines(&[
        "warning[config/unset-hole]: no value for `nmae`",
        " --> postinst.sh.hbs:2:1",
        "  |",
        "2 | {{nmae}}",
        "  | ^^^^^^^^ used here",
        "  |",
        " ::: fitout.toml:2:1",
        "  |",
        "2 | from = \"a\"",
        "  | ---- first",
        "...",
        "8 | last = 1",
        "  | ----",
    ]);
    assert_eq!(draw(&diagnostic, false), expected);
}

#[test]
fn draws_a_path_where_there_is_no_text() {
    let diagnostic = Diagnostic::error(codes::CONFIG_NOT_FOUND, "no config here").path("a/fitout.toml").help("go on");
    let expected = lines(&["error[config/not-found]: no config here", " --> a/fitout.toml", "  = help: go on"]);
    assert_eq!(draw(&diagnostic, false), expected);
    let bare = Diagnostic::error(codes::CONFIG_NOT_FOUND, "no config here");
    assert_eq!(draw(&bare, false), "error[config/not-found]: no config here");
}

#[test]
fn draws_a_path_beside_a_place() {
    let config = source("fitout.toml", "depends = []\n");
    let diagnostic = Diagnostic::error(codes::CONFIG_NOT_FOUND, "no dependency provides libz.so.1")
        .at(&span(&config, "depends"), "not here")
        .path("/usr/lib/hello/beam.smp")
        .help("add it");
    let expected = lines(&[
        "error[config/not-found]: no dependency provides libz.so.1",
        " --> fitout.toml:1:1",
        "  |",
        "1 | depends = []",
        "  | ^^^^^^^ not here",
        " ::: /usr/lib/hello/beam.smp",
        "  = help: add it",
    ]);
    assert_eq!(draw(&diagnostic, false), expected);
}

#[test]
fn colour_is_the_only_difference() {
    let coloured = draw(&unknown_key(), true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut escape = false;
    for c in coloured.chars() {
        match c {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            _ => plain.push(c),
        }
    }
    assert_eq!(plain, draw(&unknown_key(), false));
}

#[test]
fn a_terminal_finds_nothing_to_obey() {
    let evil = "\u{1b}[2J\u{9b}31m\u{7}\r\u{202e}";
    let text = source(evil, &format!("a = \"{evil}\" # ü\n"));
    let diagnostic = Diagnostic::error(codes::CONFIG_SYNTAX, format!("message{evil}\nsecond line"))
        .at(&Span::new(&text, 5..9), evil)
        .at(&span(&text, "ü"), "after the controls")
        .path(evil)
        .help(evil)
        .note(evil);
    let drawing = draw(&diagnostic, false);
    assert!(drawing.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{drawing:?}");
    assert!(drawing.starts_with("error[config/syntax]: message\\u{1b}[2J"), "{drawing}");
    assert!(drawing.contains("\\nsecond line"));
    assert!(github(&diagnostic, Path::new("")).chars().all(|c| !c.is_control()));
}

#[test]
fn spans_outside_or_inside_a_character_do_no_harm() {
    let text = source("x", "ü");
    for range in [0..1, 1..1, 1..2, 2..2, 9..12] {
        let span = Span { source: Arc::clone(&text), range };
        let diagnostic = Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&span, "l");
        assert!(draw(&diagnostic, false).contains("x:1:"));
    }
    let ended = source("x", "a = 1\n");
    let diagnostic = Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&Span::new(&ended, 6..6), "l");
    assert!(draw(&diagnostic, false).contains("x:2:1"));
    let empty = source("x", "");
    assert!(draw(&Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&Span::new(&empty, 0..0), "l"), false).contains('l'));
}

#[test]
fn json_says_everything() {
    let mut diagnostic = unknown_key();
    diagnostic.path = Some("dist/x.deb".to_owned());
    assert_eq!(
        json(&diagnostic),
        json!({
            "code": "config/unknown-key",
            "severity": "error",
            "message": "unknown key `onwer` in this [[files]] rule",
            "path": "dist/x.deb",
            "labels": [{
                "file": "fitout.toml", "line": 3, "column": 1, "end": { "line": 3, "column": 6 },
                "text": "did you mean `owner`?",
            }],
            "helps": ["keys here: from, to"],
            "notes": ["the grammar is closed"],
        })
    );
}

#[test]
fn github_annotations_are_escaped() {
    assert_eq!(
        github(&unknown_key(), Path::new("apps/hello")),
        "::error file=apps/hello/fitout.toml,line=3,col=1,endColumn=6,title=config/unknown-key::unknown key `onwer` in this \
         [[files]] rule%0Adid you mean `owner`?%0Ahelp: keys here: from, to%0Anote: the grammar is closed"
    );
    let sly = Diagnostic::warning(codes::CONFIG_NOT_FOUND, "100 %\n::error::x").path("a,b:c%\n");
    let github = |finding: &Diagnostic| github(finding, Path::new(""));
    assert_eq!(github(&sly), "::warning file=a%2Cb%3Ac%25%0A,title=config/not-found::100 %25%0A::error::x");
    let text = source("f", "one\ntwo\n");
    let both = Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&Span::new(&text, 0..7), "");
    assert_eq!(github(&both), "::error file=f,line=1,endLine=2,title=config/syntax::m");
    assert_eq!(github(&Diagnostic::error(codes::CONFIG_SYNTAX, "m")), "::error title=config/syntax::m");
    let on_the_host = Diagnostic::error(codes::CONFIG_SYNTAX, "m").path("/usr/bin/hello");
    assert_eq!(github(&on_the_host), "::error title=config/syntax::m", "no file of the repository");
}
