use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::assemble::plan::{Arch, Compression, Dialect, Script, Step, Version};
use crate::assemble::sample::{fact, plan};
use crate::diagnostic::Origin;

fn names(findings: &Findings) -> Vec<&'static str> {
    findings.iter().map(|f| f.code.name).collect()
}

fn control(plan: &Plan) -> String {
    let mut findings = Findings::new();
    let text = layout::control_text(plan, &mut findings);
    assert_eq!(findings, []);
    text
}

fn version_of(text: &str) -> Version {
    let (rest, build) = text.split_once('+').map_or((text, None), |(r, b)| (r, Some(b.to_owned())));
    let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(c, p)| (c, Some(p.to_owned())));
    Version { text: text.to_owned(), core: core.to_owned(), prerelease, build }
}

fn spelled(text: &str) -> Result<String, Findings> {
    let (mut plan, _) = plan();
    plan.identity.version = fact(version_of(text));
    naming::version(&plan.identity).map(|v| v.to_string())
}

#[test]
fn the_control_file_of_the_sample() {
    let (plan, _) = plan();
    let expected = "\
Package: hello
Version: 1.4.0~rc.1+b5
Architecture: amd64
Maintainer: Ops Team <ops@example.org>
Installed-Size: 168
Section: misc
Priority: optional
Homepage: https://example.org/hello
Description: Greets people over HTTP
 A server that greets.
 .
 It does nothing else.
";
    assert_eq!(control(&plan), expected);
}

#[test]
fn every_field_in_the_order_of_dpkg_gencontrol() {
    let (mut plan, _) = plan();
    plan.identity.epoch = Some(2);
    plan.identity.release = Some(fact("3".into()));
    plan.identity.description =
        format!("{}\n\n.NET is not needed.\n  verbatim  line {}", "word ".repeat(20).trim(), "x".repeat(80));
    plan.deb.essential = true;
    plan.deb.source = Some(fact("hello-src (1.0-1)".into()));
    plan.deb.multi_arch = Some(fact("foreign".into()));
    for (field, value) in [
        ("Provides", "greeter (= 1.0)"),
        (
            "Depends",
            "libc6 (>=2.34),adduser|passwd, python3:any , i386-only [i386], not-here [!amd64], here [linux-any]",
        ),
        ("Pre-Depends", "dpkg (>= 1.17.14)"),
        ("Recommends", "a1 | b1"),
        ("Suggests", "c1"),
        ("Enhances", "d1"),
        ("Conflicts", "e1 (<< 2:1.0-1~)"),
        ("Breaks", "f1"),
        ("Replaces", "g1"),
    ] {
        plan.deb.relations.insert(field, vec![fact(value.to_owned())]);
    }
    for (field, value) in [("Bugs", "mailto:bugs@example.org"), ("X-Notes", "one\n\ntwo"), ("Tag", "role::program")] {
        plan.deb.fields.insert(field.to_owned(), fact(value.to_owned()));
    }
    let expected = format!(
        "\
Package: hello
Source: hello-src (1.0-1)
Version: 2:1.4.0~rc.1+b5-3
Architecture: amd64
Essential: yes
Bugs: mailto:bugs@example.org
Maintainer: Ops Team <ops@example.org>
Installed-Size: 168
Pre-Depends: dpkg (>= 1.17.14)
Depends: libc6 (>= 2.34), adduser | passwd, python3:any, here
Recommends: a1 | b1
Suggests: c1
Enhances: d1
Conflicts: e1 (<< 2:1.0-1~)
Breaks: f1
Replaces: g1
Provides: greeter (= 1.0)
Section: misc
Priority: optional
Multi-Arch: foreign
Homepage: https://example.org/hello
Description: Greets people over HTTP
 {}
 {}
 .
  .NET is not needed.
   verbatim  line {}
Tag: role::program
X-Notes: one
 .
 two
",
        "word ".repeat(15).trim(),
        "word ".repeat(5).trim(),
        "x".repeat(80)
    );
    assert_eq!(control(&plan), expected);
    let order = Command::new("perl")
        .args(["-MDpkg::Control::FieldsCore", "-MDpkg::Control::Types", "-e"])
        .arg("print join qq(\\n), field_ordered_list(CTRL_PKG_DEB)")
        .output()
        .unwrap();
    let order = String::from_utf8(order.stdout).unwrap();
    let place = |name: &str| order.lines().position(|l| l == name).unwrap_or(usize::MAX);
    let places: Vec<_> =
        expected.lines().filter(|l| !l.starts_with(' ')).map(|l| place(l.split(':').next().unwrap())).collect();
    assert!(places.is_sorted(), "{places:?}");
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
    for bad in ["v1.2", "1.2_3", "1:2", "1.2 3", "1.2-ä", ""] {
        assert_eq!(names(&spelled(bad).unwrap_err()), ["deb/version"], "{bad}");
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

#[test]
fn relations_are_refused_with_a_reason() {
    for (field, text, what) in [
        ("Depends", "lib_c", "`lib_c` is no package name"),
        ("Depends", "a1,,b1", "a package name is missing"),
        ("Depends", "a1 (> 1.0)", "`(> 1.0)` does not begin with"),
        ("Depends", "a1 (1.0)", "`(1.0)` does not begin with"),
        ("Depends", "a1 (>= x)", "`x` is no Debian version"),
        ("Depends", "a1 (>= 1.0", "lacks its `)`"),
        ("Depends", "a1 b1", "`b1` after `a1`"),
        ("Depends", "a1 <!nocheck>", "build profile"),
        ("Depends", "${shlibs:Depends}", "substitution variable"),
        ("Depends", "a1 [amd64 !i386]", "all with `!` or none"),
        ("Conflicts", "a1 | b1", "alternatives, which Conflicts cannot have"),
        ("Provides", "a1 (>= 1.0)", "Provides takes `=` only"),
    ] {
        let (mut plan, _) = plan();
        plan.deb.relations.insert(field, vec![fact(text.to_owned())]);
        let findings = Deb.file_name(&plan).unwrap_err();
        assert_eq!(names(&findings), ["deb/relation"], "{text}");
        assert!(findings[0].message.contains(what), "{}", findings[0].message);
        assert_eq!(findings[0].helps.len(), 1);
    }
}

#[test]
fn a_users_relation_wins_over_a_derived_one() {
    let (mut plan, _) = plan();
    plan.deb.relations.insert("Depends", vec![fact("libc6 (>= 2.36), zlib1g".into())]);
    let derived = ["libc6 (>= 2.34)", "libssl3 | libssl3t64", "zlib1g (>= 1.1)", "libgcc-s1", "libgcc-s1"];
    let derived: Vec<String> = derived.iter().map(ToString::to_string).collect();
    let mut findings = Findings::new();
    let fields = relations::all(&plan, &derived, &mut findings);
    let depends: Vec<String> = fields["Depends"].iter().map(ToString::to_string).collect();
    assert_eq!(depends, ["libc6 (>= 2.36)", "zlib1g", "libssl3 | libssl3t64", "libgcc-s1"]);
    assert_eq!(findings, []);
}

#[test]
fn all_findings_come_at_once() {
    let (mut plan, _) = plan();
    plan.identity.name = fact("My_App".into());
    plan.identity.version = fact(version_of("x1"));
    plan.identity.maintainer = fact("nobody".into());
    plan.identity.summary = fact("two\nlines".into());
    plan.deb.triggers = vec![fact("watch /usr/lib".into()), fact("interest-noawait /usr/share/x".into())];
    plan.deb.fields.insert("Depends".into(), fact("x".into()));
    plan.deb.relations.insert("Breaks", vec![fact("?".into())]);
    let mut found = names(&Deb.file_name(&plan).unwrap_err());
    found.sort_unstable();
    assert_eq!(found, ["deb/name", "deb/relation", "deb/trigger", "deb/version"]);
    plan.identity.version = fact(version_of("1.0"));
    let mut found = names(&Deb.file_name(&plan).unwrap_err());
    found.sort_unstable();
    let expected = ["deb/field", "deb/field", "deb/maintainer", "deb/name", "deb/relation", "deb/trigger"];
    assert_eq!(found, expected);
}

#[test]
fn capabilities_are_set_by_the_postinst() {
    let (mut plan, _) = plan();
    let mut entries = plan.entries.to_vec();
    let binary = entries.iter_mut().find(|e| &*e.path == "/usr/bin/hello").unwrap();
    binary.capabilities = Some("cap_net_bind_service=ep".into());
    plan.entries = entries.into();
    assert!(control(&plan).contains("\nDepends: libcap2-bin\n"));
    let lines = "\
# dpkg cannot carry file capabilities.
case \"$1\" in configure|abort-upgrade|abort-remove|abort-deconfigure)
    setcap 'cap_net_bind_service=ep' \"$DPKG_ROOT\"'/usr/bin/hello' || echo 'hello': cannot set capabilities of '/usr/bin/hello' >&2
    ;;
esac
";
    let texts = scripts::texts(&plan, &mut Findings::new());
    assert_eq!(texts["postinst"], format!("#!/bin/sh\nset -e\n{lines}exit 0\n"));
    let script = |text: &str| Step::Script {
        dialect: Dialect::Deb,
        moment: "postinst",
        script: Script { text: text.to_owned(), interpreter: Vec::new(), origin: Origin::Default },
    };
    plan.lifecycle.steps = vec![script("#!/bin/sh\nset -e\nexit 0\n")];
    let mut findings = Findings::new();
    assert_eq!(scripts::texts(&plan, &mut findings)["postinst"], format!("#!/bin/sh\n{lines}set -e\nexit 0\n"));
    assert_eq!(findings, []);
    for bad in ["#!/usr/bin/perl\n", "set -e\n"] {
        plan.lifecycle.steps = vec![script(bad)];
        let mut findings = Findings::new();
        scripts::texts(&plan, &mut findings);
        assert!(names(&findings).contains(&"deb/script"), "{bad}");
    }
}

#[test]
fn a_member_over_the_limit_is_refused() {
    let (mut plan, sources) = plan();
    let mut entries = plan.entries.to_vec();
    for entry in &mut entries {
        if let crate::assemble::plan::Kind::File(source) = &mut entry.kind {
            source.size = ar::LARGEST;
        }
    }
    plan.entries = entries.into();
    plan.deb.compression = fact(Compression::None);
    let digests = Digests::new(sources.list().iter().map(|_| crate::formats::Digest::default()).collect());
    let findings = Deb.layout(&plan, &digests).err().unwrap();
    assert_eq!(names(&findings), ["deb/too-large"]);
}

#[test]
fn an_owner_that_tar_cannot_say_is_refused() {
    let (mut plan, sources) = plan();
    let mut entries = plan.entries.to_vec();
    entries[0].owner.user = Arc::from("u".repeat(40));
    plan.entries = entries.into();
    let digests = Digests::new(sources.list().iter().map(|_| crate::formats::Digest::default()).collect());
    assert_eq!(names(&Deb.layout(&plan, &digests).err().unwrap()), ["deb/path"]);
}

/// Which of each pair dpkg puts first, in one shell.
fn dpkg_says(pairs: &[(String, String)]) -> Vec<&'static str> {
    let script: String = pairs
        .iter()
        .map(|(a, b)| {
            format!("if dpkg --compare-versions '{a}' lt '{b}'; then echo lt; elif dpkg --compare-versions '{a}' eq '{b}'; then echo eq; else echo gt; fi\n")
        })
        .collect();
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
