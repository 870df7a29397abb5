use super::*;

fn vocabulary() -> Vocabulary<'static> {
    Vocabulary { formats: &["deb", "rpm", "tarball", "zip", "oci"] }
}

fn findings_of(text: &str) -> Findings {
    let findings = load("fitout.toml", text, &vocabulary()).map_or_else(|errors| errors, |document| document.findings);
    assert!(!findings.is_empty(), "nothing is found in {text}");
    findings
}

/// A file without findings.
fn read(text: &str) -> (Document, Manifest) {
    let document = load("fitout.toml", text, &vocabulary()).expect("TOML");
    let (tree, lost) = document.tree(&[]);
    let reading = document.read(tree, lost, None);
    assert!(reading.findings.is_empty() && reading.lost.is_empty(), "{reading:?}");
    (document, reading.manifest)
}

fn codes_of(text: &str) -> Vec<(&'static str, usize)> {
    let findings = findings_of(text);
    findings.iter().map(|f| (f.code.name, f.labels.first().map_or(0, |l| l.span.line_column().0))).collect()
}

#[test]
fn reads_a_file_and_keeps_its_places() {
    let text = "[package]\nname = \"hello\"\nversion = { from = \"git\" }\n[[files]]\nfrom = \"a\"\nto = \"/b\"\nwhen = \"deb\"\n";
    let (document, manifest) = read(text);
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
    assert!(read("").1.files.is_empty());
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
    let manifest = read(text).1;
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
    let (mut passed, mut pruned, mut files) = (0, 0, Vec::new());
    for (name, key) in &root.known {
        every_place(&key.grammar, &|value| format!("{name} = {value}"), &mut files);
    }
    for text in files {
        let source = Arc::new(SourceText { name: String::new(), text: text.clone() });
        let mut tree = DeTable::parse(&text).expect("TOML");
        let checked = check::check(&source, &grammar, &mut tree);
        let lost = prune(&grammar, tree.get_mut(), &checked.wrong);
        assert!(lost.is_empty() || !checked.findings.is_empty(), "{text} loses {lost:?} in silence");
        if let Err(error) = Manifest::deserialize(Deserializer::from(tree)) {
            panic!("{text} passes, and {error}: {checked:?}");
        }
        *if checked.findings.is_empty() { &mut passed } else { &mut pruned } += 1;
    }
    assert!(passed > 500, "only {passed} files passed: the test has lost its aim");
    assert!(pruned > 500, "only {pruned} files were pruned: the test has lost its aim");
}

/// What is left of a file that breaks the grammar.
fn rest(text: &str) -> Reading {
    let document = load("fitout.toml", text, &vocabulary()).expect("TOML");
    assert!(!document.findings.is_empty());
    let (tree, lost) = document.tree(&[]);
    document.read(tree, lost, None)
}

#[test]
fn what_was_probably_meant_is_judged_as_that() {
    let text = "[pakage]\nnaem = \"a\"\nlicnse = 3\nsumary = 1\n[build]\nformats = \"rmp\"\n[files]\nform = \"a\"\nto = \"/a\"\n";
    let reading = rest(text);
    let told: Vec<_> = reading.findings.iter().map(|f| f.code.name).collect();
    assert_eq!(told[..4], ["config/unknown-key"; 4]);
    assert_eq!(told[4..], ["config/wrong-type", "config/invalid-value", "config/wrong-type", "config/unknown-key"]);
    let manifest = &reading.manifest;
    assert_eq!(manifest.package.name.as_ref().map(|name| name.value.as_str()), Some("a"));
    assert_eq!(manifest.build.formats.as_ref().map(|formats| formats[0].value.as_str()), Some("rpm"));
    assert_eq!(manifest.files[0].from.as_ref().map(|from| from.value.as_str()), Some("a"));
    assert!(
        reading.lost("package.license") && reading.lost("package.summary"),
        "neither is missing: {:?}",
        reading.lost
    );
    assert!(!reading.lost("package.name") && !reading.lost("build") && !reading.lost("files"));
}

#[test]
fn what_is_wrong_is_gone_and_the_rest_is_there() {
    let text = "[package]\nname = 1\nepoch = -1\nsummary = \"s\"\n[build]\npreset = \"x\"\n[[files]]\nfrom = 1\nto = \"/a\"\n[[files]]\ntext = \"\"\nto = \"/b\"\nmode = \"9\"\nowner = 1\n[[lint.allow]]\ncode = \"x\"\nreason = \"\"\n[format.oci.health-check]\nretries = 1\n[environment.live.package]\nlicense = 1\n";
    let reading = rest(text);
    let manifest = &reading.manifest;
    assert_eq!((manifest.package.name.as_ref(), manifest.package.epoch.as_ref()), (None, None));
    assert_eq!(manifest.package.summary.as_ref().map(|text| text.value.as_str()), Some("s"));
    assert_eq!(manifest.files.len(), 1, "the rule without a source is gone, the other one is not");
    assert!(manifest.files[0].mode.is_none() && manifest.files[0].owner.is_none());
    assert!(manifest.lint.allow.is_empty() && manifest.format.oci.health_check.is_none());
    for path in ["package.name", "package.epoch", "package", "build.preset", "files", "format.oci.health-check"] {
        assert!(reading.lost(path), "{path}: {:?}", reading.lost);
    }
    assert!(!reading.lost("package.license"), "it is wrong in another environment only");
    assert!(!reading.lost("package.summary") && !reading.lost("build.formats") && !reading.lost("pack"));
}

#[test]
fn what_is_wrong_for_later_rooms_can_be_taken_out() {
    let text = "[package]\nname = \"a\"\nversion = { from = \"git\" }\n[build]\ntargets = [\"x\", \"y\"]\n[[files]]\nfrom = \"a\"\nto = \"/a\"\n[[files]]\nfrom = \"b\"\nto = \"/b\"\n";
    let document = load("fitout.toml", text, &vocabulary()).expect("TOML");
    let places = ["[package]", "\"git\"", "\"x\"", "\"/a\""].map(|word| {
        let at = text.find(word).expect(word);
        at..at + word.len()
    });
    let (tree, lost) = document.tree(&places);
    let manifest = document.read(tree, lost, None).manifest;
    assert!(manifest.package.name.is_some(), "a section is not taken out for what it lacks");
    assert!(manifest.package.version.is_none(), "a table goes with the key that it needs");
    assert_eq!(manifest.build.targets.expect("a list").len(), 1);
    assert_eq!(manifest.files.len(), 1, "a rule goes with its place");
    assert_eq!(manifest.files[0].to.as_ref().map(|to| to.value.as_str()), Some("/b"));
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
    read(overlay);
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
        ("a = \"b\nc = 1\n", Some("put `\"` where it is missing")),
        ("a = [b, c]\n", Some("a line is `key = value` or the header of a table; texts stand in quotes")),
        ("[package\n", Some("put `]` where it is missing")),
        ("a = 1\na = 2\n", Some("a key, or a table, stands once: take one out, or join the two")),
    ] {
        let findings = findings_of(text);
        assert_eq!(findings[0].code, codes::CONFIG_SYNTAX);
        assert_eq!(findings[0].helps.first().map(String::as_str), help, "{text}");
    }
}
