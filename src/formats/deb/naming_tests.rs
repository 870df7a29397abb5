//! Names, versions and architectures, the order of versions against dpkg itself.

use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::tests::{names, version_of};
use super::*;
use crate::assemble::plan::Arch;
use crate::assemble::sample::{fact, plan};

fn spelled(text: &str) -> Result<String, Findings> {
    let (mut plan, _) = plan();
    plan.identity.version = fact(version_of(text));
    naming::version(&plan.identity).map(|v| v.to_string())
}

#[test]
fn names_are_refused_and_the_nearest_is_named() {
    for (name, help) in [
        ("my_app", "call it `my-app`"),
        ("MyApp", "call it `myapp`"),
        ("-x1", "call it `x1`"),
        ("x", "begin with a letter or digit, and use at least two characters"),
        ("", "begin with a letter or digit, and use at least two characters"),
        ("grüezi", "call it `gr-ezi`"),
    ] {
        let (mut plan, _) = plan();
        plan.identity.name = fact(name.to_owned());
        let findings = Deb.file_name(&plan).unwrap_err();
        assert_eq!(names(&findings), ["deb/name"], "{name}");
        assert_eq!(findings[0].helps, [help]);
    }
}

#[test]
fn versions_are_spelled_or_refused() {
    for (typed, debian) in [
        ("1.2.3", "1.2.3"),
        ("1.2.3-rc.1+b5", "1.2.3~rc.1+b5"),
        ("1.2.3-rc-1+a-b", "1.2.3~rc.1+a.b"),
        ("2024.01", "2024.01"),
        ("1.0~beta", "1.0~beta"),
    ] {
        assert_eq!(spelled(typed).as_deref(), Ok(debian));
    }
    for (bad, help) in [
        ("v1.2", "write `1.2`"),
        ("1.0_beta", "write `1.0.beta`"),
        ("1:2", "write `1.2`"),
        ("1.2 3", "write `1.2.3`"),
        ("1.2-ä", "write `1.2`"),
        ("_", "begin with a digit: `1.0`"),
        ("", "begin with a digit: `1.0`"),
    ] {
        let findings = spelled(bad).unwrap_err();
        assert_eq!(names(&findings), ["deb/version"], "{bad}");
        assert_eq!(findings[0].helps, [help], "{bad}");
        let suggested = help.strip_prefix("write `").and_then(|rest| rest.strip_suffix('`'));
        assert!(suggested.is_none_or(|text| spelled(text).is_ok()), "{help}");
    }
    let (mut plan, _) = plan();
    plan.identity.epoch = Some(1);
    plan.identity.release = Some(fact("2".into()));
    let file_name = Deb.file_name(&plan).unwrap();
    assert_eq!(file_name.name, "hello_1.4.0~rc.1+b5-2_amd64.deb");
    assert_eq!(file_name.version, "1:1.4.0~rc.1+b5-2");
    plan.identity.release = Some(fact("2-1".into()));
    assert_eq!(names(&Deb.file_name(&plan).unwrap_err()), ["deb/version"]);
}

#[test]
fn architectures_are_those_of_dpkg() {
    let known = Command::new("dpkg-architecture").arg("-L").output().unwrap();
    let known = String::from_utf8(known.stdout).unwrap();
    for arch in Arch::ALL {
        assert!(known.lines().any(|l| l == naming::arch(*arch)), "{arch:?}");
    }
    let (mut plan, _) = plan();
    plan.target.independent = true;
    assert_eq!(Deb.file_name(&plan).unwrap().name, "hello_1.4.0~rc.1+b5_all.deb");
}

/// Which of each pair dpkg puts first, in one shell.
fn dpkg_says(pairs: &[(String, String)]) -> Vec<&'static str> {
    let mut script = String::from("say() { if dpkg --compare-versions $1 lt $2; then echo lt; return; fi\n");
    script.push_str("if dpkg --compare-versions $1 eq $2; then echo eq; else echo gt; fi; }\n");
    for (a, b) in pairs {
        script.push_str(&format!("say '{a}' '{b}'\n"));
    }
    let out = Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .map(|l| match l {
            "lt" => "lt",
            "eq" => "eq",
            _ => "gt",
        })
        .collect()
}

fn semver_says(a: &str, b: &str) -> &'static str {
    let parse = |t: &str| semver::Version::parse(t).unwrap();
    match parse(a).cmp_precedence(&parse(b)) {
        std::cmp::Ordering::Less => "lt",
        std::cmp::Ordering::Equal => "eq",
        std::cmp::Ordering::Greater => "gt",
    }
}

/// Versions whose prereleases are all digits or all letters, and whose words are none the beginning of another.
fn inside_the_boundary() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["alpha", "beta", "rc", "dev", "nightly", "Final"]);
    let identifier = prop_oneof![(0u32..120).prop_map(|n| n.to_string()), word.prop_map(str::to_owned)];
    let prerelease = prop::collection::vec(identifier, 0..4).prop_map(|v| v.join("."));
    (0u32..3, 0u32..12, 0u32..3, prerelease)
        .prop_map(|(a, b, c, p)| if p.is_empty() { format!("{a}.{b}.{c}") } else { format!("{a}.{b}.{c}-{p}") })
}

#[test]
fn our_spelling_keeps_the_order_of_semver_under_dpkg() {
    let mut runner = TestRunner::deterministic();
    let one = inside_the_boundary();
    let mut draw = || one.new_tree(&mut runner).unwrap().current();
    let mut pairs = Vec::new();
    for round in 0..300 {
        let a = draw();
        let mut b = draw();
        if round % 2 == 0 {
            // Half of them differ in the prerelease only, where the difficulty lies.
            let core = a.split('-').next().unwrap().to_owned();
            b = b.split_once('-').map_or(core.clone(), |(_, p)| format!("{core}-{p}"));
        }
        pairs.push((a, b));
    }
    let debian: Vec<_> = pairs.iter().map(|(a, b)| (spelled(a).unwrap(), spelled(b).unwrap())).collect();
    let answers = dpkg_says(&debian);
    assert_eq!(answers.len(), pairs.len());
    for ((a, b), answer) in pairs.iter().zip(answers) {
        assert_eq!(answer, semver_says(a, b), "{a} and {b}");
    }
}

#[test]
fn the_boundary_is_where_the_documentation_says() {
    let differs = [
        ("1.0.0-rc10", "1.0.0-rc9", "lt", "gt"),
        ("1.0.0-pre.1", "1.0.0-preview.1", "lt", "gt"),
        ("1.0.0-rc-1", "1.0.0-rc.1", "gt", "eq"),
        ("1.0.0-alpha.1", "1.0.0-alpha1", "lt", "gt"),
    ];
    let keeps = [("1.0.0-pre", "1.0.0-preview", "lt"), ("1.0.0-1", "1.0.0-a", "lt"), ("1.0.0-rc.1", "1.0.0+b", "lt")];
    let pairs: Vec<_> = differs
        .iter()
        .map(|(a, b, ..)| (a, b))
        .chain(keeps.iter().map(|(a, b, _)| (a, b)))
        .map(|(a, b)| (spelled(a).unwrap(), spelled(b).unwrap()))
        .collect();
    let answers = dpkg_says(&pairs);
    for ((a, b, semver, dpkg), answer) in differs.iter().zip(&answers) {
        assert_eq!((semver_says(a, b), answer), (*semver, dpkg), "{a} and {b}");
    }
    for ((a, b, both), answer) in keeps.iter().zip(&answers[differs.len()..]) {
        assert_eq!((semver_says(a, b), answer), (*both, both), "{a} and {b}");
    }
}
