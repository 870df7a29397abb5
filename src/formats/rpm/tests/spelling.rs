//! Names, versions and relations, compared with what rpm makes of them.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::assemble::plan::{Arch, Target, Version};

fn version(text: &str) -> Version {
    let (rest, build) = text.split_once('+').map_or((text, None), |(r, b)| (r, Some(b.to_owned())));
    let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(c, p)| (c, Some(p.to_owned())));
    Version { text: text.into(), core: core.into(), prerelease, build }
}

fn spelled(text: &str) -> String {
    naming::spell_version(&version(text))
}

/// What `rpm.vercmp` says of each pair, all in one run.
fn vercmp(pairs: &[(String, String)]) -> Vec<Ordering> {
    let calls: Vec<String> = pairs.iter().map(|(a, b)| format!("print(rpm.vercmp('{a}','{b}')..';')")).collect();
    let said = run("rpm", &["--eval", &format!("%{{lua:{}}}", calls.join(" "))]);
    said.trim().trim_end_matches(';').split(';').map(|n| n.trim().parse::<i32>().unwrap().cmp(&0)).collect()
}

#[test]
fn versions_are_spelled() {
    for (given, expected) in [
        ("1.2.3", "1.2.3"),
        ("1.2.3-rc.1+b5", "1.2.3~rc.1+b5"),
        ("1.2.3-beta-2", "1.2.3~beta.2"),
        ("1.2.3+2024-01-02", "1.2.3+2024.01.02"),
        ("2024.01", "2024.01"),
    ] {
        assert_eq!(spelled(given), expected);
    }
}

/// Versions as releases have them: words first, then numbers, at most one word.
fn usual() -> impl Strategy<Value = String> {
    let core = (0u8..3, 0u8..3, 0u8..12).prop_map(|(a, b, c)| format!("{a}.{b}.{c}"));
    let word = prop::sample::select(vec!["alpha", "beta", "dev", "rc", "pre"]);
    let tail = prop::collection::vec(0u32..30, 0..3);
    (core, prop::option::of((word, tail))).prop_map(|(core, prerelease)| match prerelease {
        None => core,
        Some((word, tail)) => tail.iter().fold(format!("{core}-{word}"), |text, n| format!("{text}.{n}")),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn rpm_orders_our_versions_as_semver_does(pairs in prop::collection::vec((usual(), usual()), 150)) {
        let ours: Vec<_> = pairs.iter().map(|(a, b)| (spelled(a), spelled(b))).collect();
        for ((a, b), order) in pairs.iter().zip(vercmp(&ours)) {
            let parse = |text: &str| semver::Version::parse(text).unwrap();
            prop_assert_eq!(order, parse(a).cmp_precedence(&parse(b)), "{} and {}", a, b);
        }
    }
}

#[test]
fn where_rpm_orders_otherwise_than_semver() {
    // Each pair rises by rpm; the page of `spell_version` names the four reasons.
    let pairs = [
        ("1.0.0-alpha.beta", "1.0.0-alpha.1"),
        ("1.0.0-rc9", "1.0.0-rc10"),
        ("1.0.0-a.z", "1.0.0-a-z.1"),
        ("1.0.0", "1.0.0+b1"),
        // The build does not lift a prerelease over the release.
        ("1.0.0-rc.1+b9", "1.0.0"),
    ];
    let ours: Vec<_> = pairs.iter().map(|(a, b)| (spelled(a), spelled(b))).collect();
    assert_eq!(vercmp(&ours), [Ordering::Less; 5]);
}

#[test]
fn architectures_have_the_words_of_rpm() {
    for arch in Arch::ALL {
        let words = naming::arch(&Target { os: "linux", arch: *arch, independent: false });
        let said = run("rpm", &["--target", &format!("{}-linux", words.name), "--eval", "%{?_isa} %{_target_cpu}"]);
        assert_eq!(said.trim(), format!("({}) {}", words.isa.unwrap(), words.name));
    }
    let words = naming::arch(&Target { os: "linux", arch: Arch::Amd64, independent: true });
    assert_eq!((words.name, words.isa), ("noarch", None));
}

#[test]
fn releases_get_the_suffix_of_the_distribution() {
    let (mut plan, _) = sample::plan();
    for (release, distribution, expected) in [
        (None, None, "1"),
        (None, Some("el-9"), "1.el9"),
        (None, Some("el-9.4"), "1.el9"),
        (Some("2"), Some("fedora-43"), "2.fc43"),
        (Some("2.fc43"), Some("fedora-43"), "2.fc43"),
        (Some("3"), Some("amazon-2023"), "3.amzn2023"),
        (Some("3"), Some("opensuse-15.6"), "3"),
    ] {
        plan.identity.release = release.map(|r: &str| fact(r.to_owned()));
        plan.rpm.distribution = distribution.map(|d: &str| fact(d.to_owned()));
        assert_eq!(naming::name(&plan).unwrap().release, expected);
    }
}

#[test]
fn a_distribution_that_there_cannot_be_is_refused() {
    let (mut plan, _) = sample::plan();
    for (wrong, help) in [
        ("el-.", "such as `el-9`"),
        ("el-9.", "such as `el-9`"),
        ("el-2024", "such as `el-9`"),
        ("fedora-4.3", "such as `el-9`"),
        ("fedora", "such as `el-9`"),
        ("rocky-9", "did you mean `el-9`?"),
        ("fedra-43", "did you mean `fedora-43`?"),
    ] {
        plan.rpm.distribution = Some(fact(wrong.into()));
        let findings = naming::name(&plan).unwrap_err();
        assert_eq!(findings[0].code.name, "rpm/unknown-distribution", "{wrong}");
        assert!(findings[0].helps[0].contains(help), "{wrong}: {:?}", findings[0].helps);
    }
}

#[test]
fn what_rpm_cannot_carry_is_refused_all_at_once() {
    let (mut plan, _) = sample::plan();
    plan.identity.name = fact("-hello world".into());
    plan.identity.version = fact(version("1..2"));
    plan.identity.release = Some(fact("1-2".into()));
    plan.identity.summary = fact("two\nlines".into());
    plan.rpm.distribution = Some(fact("slackware-15".into()));
    plan.clock = -1;
    relation(&mut plan, "Requires", &["foo>=1", "good >= 1", "foo ~ 2"]);
    plan.lifecycle.steps = vec![
        scriptlet("postinst", "true", &[]),
        scriptlet("post", "true", &["bash"]),
        trigger("filetriggerin", &["usr/lib"], 0, "true", &[]),
        trigger("triggerinn", &["bash"], 0, "true", &[]),
        trigger("triggerin", &["bash"], 0, "true", &["/bin/sh", "-e"]),
    ];
    let findings = Rpm.file_name(&plan).unwrap_err();
    let codes: Vec<&str> = findings.iter().map(|f| f.code.name).collect();
    assert_eq!(
        codes,
        [
            "rpm/text",
            "rpm/name",
            "rpm/version",
            "rpm/release",
            "rpm/unknown-distribution",
            "rpm/script",
            "rpm/script",
            "rpm/trigger",
            "rpm/trigger",
            "rpm/trigger",
            "rpm/relation",
            "rpm/relation",
            "rpm/time-out-of-range",
        ]
    );
    assert!(findings.iter().all(|f| !f.helps.is_empty() && !f.message.ends_with('.')));
    assert!(findings[10].message.contains("put blanks around the comparison"), "{}", findings[10].message);
}

#[test]
fn refusals_that_need_the_files() {
    let (mut plan, _) = sample::plan();
    let digests = Digests::new(vec![crate::engine::store::Digest::default(); 9]);
    plan.rpm.prefixes = vec![fact("/opt/none".into()), fact("usr".into())];
    let codes =
        |plan: &Plan| -> Vec<&str> { Rpm.layout(plan, &digests).err().unwrap().iter().map(|f| f.code.name).collect() };
    assert_eq!(codes(&plan), ["rpm/prefix"; 2]);
    plan.entries = vec![entry("/x", Kind::Hardlink { target: "/gone".into() })].into();
    assert_eq!(codes(&plan), ["rpm/entry"]);
}

/// Asks rpmspec whether it takes relations of a kind, and how it spells them.
fn rpmspec(lines: &[String]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("x.spec");
    let text = format!(
        "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\n{}\n%description\nx\n%files\n",
        lines.join("\n")
    );
    fs_err::write(&spec, text).unwrap();
    let output = Command::new("rpmspec").args(["-q", "--requires"]).arg(&spec).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}

#[test]
fn relations_are_spelled_as_rpm_spells_them() {
    let texts = [
        "foo",
        "foo >= 1:2.0~rc1-1",
        "foo == 2",
        "foo =< 3^git1",
        "/usr/bin/env",
        "_under+plus.dot-dash",
        "config(x) = 1",
        "perl(Foo::Bar) > 1",
        "libc.so.6(GLIBC_2.34)(64bit)",
        "rtld(GNU_HASH)",
        "(aa  or   (bb >= 2 and cc))",
        "(perl(Foo) >= 1 or b)",
        "(/usr/bin/a or b)",
        "(foo if bar else baz)",
        "((a with b) without c)",
    ];
    let kind = relations::kind("Requires").unwrap().0;
    let mut ours: Vec<String> = texts.iter().map(|t| relations::parse(t, kind).unwrap().spelled()).collect();
    ours.sort();
    let lines: Vec<String> = texts.iter().map(|text| format!("Requires: {text}")).collect();
    let theirs = rpmspec(&lines).unwrap();
    let mut theirs: Vec<&str> = theirs.lines().filter(|line| !line.starts_with("rpmlib(")).collect();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn rich_relations_may_stand_where_rpm_takes_them() {
    let texts = [
        "(a if b)",
        "(a unless b)",
        "(a if b else c)",
        "(a unless b else c)",
        "(a or (b if c))",
        "(a and (b if c))",
        "(a and (b unless c))",
        "(a or (b unless c))",
        "(a with (b or c))",
        "(a with (b if c))",
        "((a or b) with c)",
        "(a without (b and c))",
        "(a without b without c)",
        "(a and b or c)",
        "(a)",
        "()",
        "(a if b if c)",
        "((a and b) with c)",
        "((a with b) and c)",
        "(a if (b unless c))",
        "((a unless b) if c)",
        "(a unless (b if c))",
        "((a if b) unless c)",
        "(a if b else (c unless d))",
        "(a if (b or (c if d)))",
        "((a or (b if c)) and d)",
        "(((a)))",
        "(a with (b with (c or d)))",
        "(a or b",
        "(a nor b)",
    ];
    for word in ["Requires", "Conflicts", "Supplements", "Obsoletes"] {
        let kind = relations::kind(word).unwrap().0;
        for text in texts {
            let theirs = rpmspec(&[format!("{word}: {text}")]);
            let ours = relations::parse(text, kind);
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{word}: {text}\n{ours:?}\n{theirs:?}");
        }
    }
}

#[test]
fn relations_that_rpm_would_misread_are_refused() {
    let kind = relations::kind("Requires").unwrap().0;
    for text in [
        "",
        "foo >=",
        "foo bar",
        "foo, bar",
        "foo>=1",
        "foo >= 1-2-3",
        "foo >= x:1",
        "foo >= 1:",
        "/x >= 1",
        "-foo",
        "foo(",
        "foo)",
        "foo = %{version}",
        "foo != 1",
        "a >= 1 b",
        "(a) b",
        "foo = -1",
    ] {
        assert!(relations::parse(text, kind).is_err(), "{text}");
    }
    let obsoletes = relations::kind("Obsoletes").unwrap().0;
    for text in ["/usr/bin/x", "perl(Foo)", "(a or b)"] {
        assert!(relations::parse(text, obsoletes).is_err(), "{text}");
    }
    assert!(relations::kind("Requires(whenever)").is_none() && relations::kind("Breaks").is_none());
}
