//! The texts of the command line: help, the schema, completions.

use super::harness::{Goldens, fitout, folder};

/// `fitout help` names these; a verb more or less shows in its golden.
const VERBS: &[&str] = &[
    "init",
    "plan",
    "build",
    "inspect",
    "diff",
    "lint",
    "merge",
    "publish",
    "promote",
    "repo",
    "explain",
    "keys",
    "release",
    "templates",
    "cache",
    "generate",
];

#[test]
fn texts() {
    let mut goldens = Goldens::default();
    let mut agree = |file: &str, args: &[&str]| {
        let (code, stdout, stderr) = fitout(&folder(), args);
        assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}: {stderr}");
        goldens.agree(format!("cli/{file}"), &stdout);
    };
    agree("help.txt", &["--help"]);
    for verb in VERBS {
        agree(&format!("{verb}.txt"), &[verb, "--help"]);
    }
    agree("schema.json", &["generate", "schema"]);
    agree("completions.bash", &["generate", "completions", "bash"]);
    goldens.finish();
}

#[test]
fn every_verb_has_its_help() {
    let (_, help, _) = fitout(&folder(), &["--help"]);
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of verbs");
    let verbs = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> = verbs.filter_map(|line| line.split_whitespace().next()).filter(|v| *v != "help").collect();
    assert_eq!(verbs, VERBS);
}
