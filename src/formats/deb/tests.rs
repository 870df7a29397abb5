//! The control archive: fields, relations, scripts, refusals.

use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::assemble::plan::{Compression, Dialect, Script, Step, Version};
use crate::assemble::sample::{fact, plan};
use crate::diagnostic::Origin;

pub(super) fn names(findings: &Findings) -> Vec<&'static str> {
    findings.iter().map(|f| f.code.name).collect()
}

fn control(plan: &Plan) -> String {
    let mut findings = Findings::new();
    let text = layout::control_text(plan, &mut findings);
    assert_eq!(findings, []);
    text
}

pub(super) fn version_of(text: &str) -> Version {
    let (rest, build) = text.split_once('+').map_or((text, None), |(r, b)| (r, Some(b.to_owned())));
    let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(c, p)| (c, Some(p.to_owned())));
    Version { text: text.to_owned(), core: core.to_owned(), prerelease, build }
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

/// Every setting that has a field of its own.
fn fill_fields(plan: &mut Plan) {
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
}

#[test]
fn every_field_in_the_order_of_dpkg_gencontrol() {
    let (mut plan, _) = plan();
    plan.identity.epoch = Some(2);
    plan.identity.release = Some(fact("3".into()));
    plan.identity.description =
        format!("First line.\nSecond line.\n\n.NET is not needed.\n  verbatim  line {}", "x".repeat(80));
    fill_fields(&mut plan);
    for (field, value) in [("Bugs", "mailto:bugs@example.org"), ("X-Notes", "one\n\ntwo"), ("XB-Tag", "role::program")]
    {
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
 First line.
 Second line.
 .
  .NET is not needed.
   verbatim  line {}
Tag: role::program
X-Notes: one
 .
 two
",
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
fn scripts_are_programs_and_have_what_they_call() {
    let (mut plan, _) = plan();
    let script = |text: &str| Step::Script {
        dialect: Dialect::Deb,
        moment: "postinst",
        script: Script { text: text.to_owned(), interpreter: Vec::new(), origin: Origin::Default },
    };
    let capabilities = Step::Capabilities { path: "/usr/bin/hello".into(), capabilities: "cap_chown=ep".into() };
    plan.lifecycle.steps = vec![capabilities, script("#!/bin/sh\nset -e\nexit 0\n")];
    assert!(control(&plan).contains("\nDepends: libcap2-bin\n"));
    let mut findings = Findings::new();
    let postinst = scripts::texts(&plan, &mut findings).remove("postinst").unwrap();
    assert!(postinst.starts_with("#!/bin/sh\nset -e\ncase "), "{postinst}");
    assert!(postinst.ends_with("esac\n(\nset +e\nset -e\nexit 0\n)\n"), "{postinst}");
    assert_eq!(findings, []);
    plan.lifecycle.steps = vec![script("set -e\n")];
    assert!(!control(&plan).contains("libcap2-bin"));
    scripts::texts(&plan, &mut findings);
    assert_eq!(names(&findings), ["deb/script"]);
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

#[test]
fn what_elf_files_need_is_in_depends() {
    let (mut plan, _) = plan();
    let needs = |soname: &str, version: &str| {
        let mut file =
            crate::assemble::plan::ElfFile { is_64: true, linked: true, dynamic: true, ..Default::default() };
        file.needed = vec![soname.to_owned(), "libours.so.1".to_owned()];
        file.verneed.insert(soname.to_owned(), [version.to_owned()].into());
        file
    };
    plan.elf.files.insert("/usr/bin/hello".into(), needs("libc.so.6", "GLIBC_2.34"));
    plan.deb.libraries.insert("libours.so.1".into(), fact("libours1 (>= 1.0)".into()));
    plan.deb.relations.insert("Depends", vec![fact("adduser".into())]);
    assert!(control(&plan).contains("\nDepends: adduser, libc6 (>= 2.34), libours1 (>= 1.0)\n"), "{}", control(&plan));
    plan.deb.libraries.insert("libours.so.1".into(), fact("lib_ours".into()));
    let mut findings = Findings::new();
    layout::control_text(&plan, &mut findings);
    assert_eq!(names(&findings), ["deb/relation"]);
    plan.deb.auto_depends = false;
    assert!(control(&plan).contains("\nDepends: adduser\n"));
}

#[test]
fn a_data_member_over_ten_digits_is_refused_when_its_size_is_known() {
    use crate::formats::{Fill, Known, Piece, Section, SectionFacts};
    let (plan, sources) = plan();
    let folder = tempfile::tempdir().unwrap();
    let (_, digests) = crate::formats::trial::fill(&sources, &[&plan], folder.path());
    let layout = Deb.layout(&plan, &digests).unwrap();
    let mut fills: Vec<Fill> = Vec::new();
    for section in &layout.sections {
        // Sections with content are streams of their own, and hold nothing that is deferred.
        let Section::Stream { compression: Compression::None, pieces, .. } = section else { continue };
        pieces(&mut |piece| {
            if let Piece::Deferred { fill, .. } = piece {
                fills.push(fill);
            }
            Ok(())
        })
        .unwrap();
    }
    let [control, data] = &fills[..] else { panic!("{} deferred pieces", fills.len()) };
    let known = |packed_size| Known { sections: vec![SectionFacts { packed_size, ..SectionFacts::default() }; 6] };
    assert_eq!(control(&known(17)).unwrap(), b"17        ");
    assert_eq!(data(&known(9_999_999_999)).unwrap(), b"9999999999");
    let refusal = data(&known(10_000_000_000)).unwrap_err();
    assert_eq!(refusal.code.name, "deb/too-large");
    assert!(refusal.message.contains("10000000000"), "{}", refusal.message);
    assert!(!refusal.helps.is_empty());
}
