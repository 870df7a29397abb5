use super::table::TABLE;
use super::*;
use crate::assemble::plan::{ElfFacts, Kind, Sources};
use crate::assemble::sample::{entry, fact, plan_of};

/// A program; versions as `("libc.so.6", "GLIBC_2.34")`.
fn program(needed: &[&str], versions: &[(&str, &str)]) -> ElfFile {
    let mut file = ElfFile {
        is_64: true,
        linked: true,
        dynamic: true,
        interpreter: Some("/lib64/ld-linux-x86-64.so.2".into()),
        needed: needed.iter().map(|s| (*s).to_owned()).collect(),
        ..ElfFile::default()
    };
    for (soname, version) in versions {
        file.verneed.entry((*soname).to_owned()).or_default().insert((*version).to_owned());
    }
    file
}

fn plan(files: &[(&str, ElfFile)], others: &[&str]) -> Plan {
    let mut sources = Sources::default();
    let paths = files.iter().map(|(path, _)| *path).chain(others.iter().copied());
    let mut entries: Vec<_> =
        paths.map(|path| entry(path, Kind::File(sources.made(path.as_bytes().to_vec())))).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut plan = plan_of(entries);
    let files = files.iter().map(|(path, file)| ((*path).into(), file.clone())).collect();
    plan.elf = ElfFacts { files, ..ElfFacts::default() };
    plan
}

fn relations(files: &[(&str, ElfFile)], distribution: Option<&str>) -> Vec<String> {
    let mut plan = plan(files, &[]);
    plan.deb.distribution = distribution.map(|d| fact(d.to_owned()));
    let (relations, findings) = depends(&plan);
    assert_eq!(findings, []);
    relations
}

fn codes_of(findings: &Findings) -> Vec<&str> {
    findings.iter().map(|f| f.code.name).collect()
}

#[test]
fn the_highest_version_over_all_files_and_sonames_of_a_package() {
    let one = program(&["libc.so.6", "libgcc_s.so.1"], &[("libc.so.6", "GLIBC_2.4"), ("libgcc_s.so.1", "GCC_4.2.0")]);
    let two = program(&["libm.so.6", "libc.so.6"], &[("libm.so.6", "GLIBC_2.29"), ("libc.so.6", "GLIBC_2.17")]);
    let found = relations(&[("/usr/bin/one", one), ("/usr/bin/two", two)], None);
    assert_eq!(found, ["libc6 (>= 2.29)", "libgcc-s1 (>= 4.2)"]);
}

#[test]
fn packed_relative_relocations_need_glibc_2_36() {
    let file = program(&["libc.so.6"], &[("libc.so.6", "GLIBC_ABI_DT_RELR"), ("libc.so.6", "GLIBC_2.34")]);
    assert_eq!(relations(&[("/usr/bin/x", file)], None), ["libc6 (>= 2.36)"]);
}

#[test]
fn versions_of_the_cxx_library() {
    let bound = |version| relations(&[("/x", program(&["libstdc++.so.6"], &[("libstdc++.so.6", version)]))], None);
    for (version, gcc) in [
        ("GLIBCXX_3.4", "4.1.1"),
        ("GLIBCXX_3.4.9", "4.2"),
        ("GLIBCXX_3.4.21", "5"),
        ("GLIBCXX_3.4.29", "11"),
        ("GLIBCXX_3.4.32", "13.2"),
        ("GLIBCXX_IEEE128_3.4.29", "11"),
        ("CXXABI_1.3", "4.1.1"),
        ("CXXABI_1.3.9", "5"),
        ("CXXABI_ARM_1.3.3", "4.4"),
        ("CXXABI_FLOAT128", "5"),
    ] {
        assert_eq!(bound(version), [format!("libstdc++6 (>= {gcc})")], "{version}");
    }
}

#[test]
fn the_names_of_each_release() {
    let files = || [("/x", program(&["libssl.so.3", "libz.so.1"], &[("libssl.so.3", "OPENSSL_3.0.0")]))];
    assert_eq!(relations(&files(), None), ["libssl3 (>= 3.0.0) | libssl3t64 (>= 3.0.0)", "zlib1g"]);
    for (distribution, name) in [
        ("debian-12", "libssl3"),
        ("debian-13", "libssl3t64"),
        ("ubuntu-22.04", "libssl3"),
        ("ubuntu-24.04", "libssl3t64"),
    ] {
        assert_eq!(relations(&files(), Some(distribution)), [format!("{name} (>= 3.0.0)"), "zlib1g".into()]);
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    let versions = [("libc.so.6", "GLIBC_PRIVATE"), ("libstdc++.so.6", "GLIBCXX_3.4.99")];
    let file = program(&["libssl.so.1.1", "libfoo.so.1", "libc.so.6", "libstdc++.so.6"], &versions);
    let plan = plan(&[("/usr/bin/a", file.clone()), ("/usr/bin/b", file)], &[]);
    let (relations, findings) = depends(&plan);
    assert_eq!(relations, ["libc6", "libstdc++6"]);
    assert_eq!(
        codes_of(&findings),
        ["elf/unknown-soname", "elf/unknown-soname", "elf/private-symbol", "elf/private-symbol", "elf/unknown-version"]
    );
    assert_eq!(
        findings[0].message,
        "`/usr/bin/a` and 1 more file need `libfoo.so.1`, which is neither in the package nor in fitout's table"
    );
    assert!(findings[0].helps[0].contains("`\"libfoo.so.1\" = \"PACKAGE\"` under `[format.deb.libraries]`"));
    assert_eq!(findings[1].notes, ["the table has `libssl.so.3`"]);
}

#[test]
fn a_library_that_one_release_lacks() {
    let mut plan = plan(&[("/x", program(&["libldap-2.5.so.0"], &[]))], &[]);
    plan.deb.distribution = Some(fact("debian-13".into()));
    let (relations, findings) = depends(&plan);
    assert!(relations.is_empty());
    assert_eq!(codes_of(&findings), ["elf/not-in-distribution"]);
    assert_eq!(findings[0].message, "`/x` needs `libldap-2.5.so.0`, which `debian-13` does not have");
}

#[test]
fn the_user_wins() {
    let file = program(&["libfoo.so.1", "libssl.so.3", "libvendor.so"], &[]);
    let mut plan = plan(&[("/usr/bin/x", file)], &[]);
    for (soname, relation) in
        [("libfoo.so.1", "libfoo1 (>= 1.2)"), ("libssl.so.3", "openssl-fips"), ("libvendor.so", "")]
    {
        plan.deb.libraries.insert(soname.into(), fact(relation.into()));
    }
    let (relations, findings) = depends(&plan);
    assert_eq!(relations, ["libfoo1 (>= 1.2)", "openssl-fips"]);
    assert_eq!(findings, []);
    plan.deb.auto_depends = false;
    assert_eq!(depends(&plan), (Vec::new(), Vec::new()));
}

#[test]
fn an_unknown_distribution_is_refused() {
    let mut plan = plan(&[], &[]);
    plan.deb.distribution = Some(fact("debian-7".into()));
    assert_eq!(codes_of(&depends(&plan).1), ["config/invalid-value"]);
}

#[test]
fn libraries_in_the_package_satisfy_themselves() {
    let library =
        |soname: &str| ElfFile { soname: Some(soname.into()), linked: true, shared: true, ..ElfFile::default() };
    let mut by_origin = program(&["libown.so.1", "libssl.so.3"], &[]);
    by_origin.runpath = vec!["${ORIGIN}/../lib/app".into()];
    let mut plugin = library("plugin.so");
    plugin.needed = vec!["libbeside.so".into(), "libown.so.1".into()];
    plugin.runpath = vec!["$ORIGIN".into()];
    let files = [
        ("/usr/bin/app", by_origin),
        ("/usr/lib/app/libown.so.1", library("libown.so.1")),
        ("/usr/lib/app/libssl.so.3", library("libssl.so.3")),
        ("/opt/app/plugin.so", plugin),
        ("/usr/bin/tool", program(&["libsystem.so.2"], &[])),
        ("/usr/lib/x86_64-linux-gnu/libsystem.so.2.0.1", library("libsystem.so.2")),
    ];
    let (relations, findings) = depends(&plan(&files, &["/opt/app/libbeside.so"]));
    assert_eq!((relations, findings), (Vec::new(), Vec::new()));
}

#[test]
fn libraries_in_the_package_where_no_loader_looks() {
    let library =
        |soname: &str| ElfFile { soname: Some(soname.into()), linked: true, shared: true, ..ElfFile::default() };
    let files = [
        ("/usr/bin/app", program(&["libown.so.1", "libssl.so.3"], &[])),
        ("/usr/lib/app/libown.so.1", library("libown.so.1")),
        ("/usr/lib/app/libssl.so.3", library("libssl.so.3")),
    ];
    let (relations, findings) = depends(&plan(&files, &[]));
    assert_eq!(relations, ["libssl3 | libssl3t64"], "the system's own is what the loader will find");
    assert_eq!(codes_of(&findings), ["elf/not-on-path"]);
    assert_eq!(
        findings[0].message,
        "`/usr/bin/app` needs `libown.so.1`, which the package has at `/usr/lib/app/libown.so.1`, off its path"
    );
}

#[test]
fn the_table_is_sorted_and_large() {
    assert!(TABLE.windows(2).all(|pair| pair[0].soname < pair[1].soname));
    assert!(TABLE.len() >= 400);
    assert!(TABLE.iter().all(|row| row.packages.iter().any(|package| !package.is_empty())));
    assert_eq!(table::nearest("libldap.so.2"), Some("libldap.so.2"));
    assert_eq!(table::nearest("libnothing.so.1"), None);
}
