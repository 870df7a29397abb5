//! ELF files, their architecture, bundled libraries.

use super::*;
use crate::diagnostic::codes;

/// The smallest ELF header of a machine: 64-bit little-endian, no sections, no segments.
fn elf(machine: u16) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    for half in [3u16, machine] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1u32.to_le_bytes());
    file.resize(52, 0);
    for half in [64u16, 56, 0, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file
}

#[test]
fn a_program_makes_the_package_dependent() {
    let mut project = Project::new();
    project
        .file("p", elf(62))
        .file("s", "#!/usr/bin/env python3\n")
        .mode("s", 0o755)
        .file("n", "#!/bin/no\n")
        .file("e", "");
    project.from("p", "/opt/p").from("s", "/opt/s").from("n", "/opt/n").from("e", "/opt/e");
    fs_err::hard_link(project.at("p"), project.at("q")).unwrap();
    project.from("q", "/opt/q");
    let plan = project.plan();
    assert!(!plan.target.independent);
    assert_eq!(plan.elf.files.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["/opt/p", "/opt/q"]);
    assert_eq!(plan.elf.files["/opt/p"].machine, 62);
    assert_eq!(plan.elf.shebangs.len(), 1);
    assert_eq!(plan.elf.shebangs["/opt/s"], "/usr/bin/env python3");
}

#[test]
fn a_program_for_another_machine_is_refused() {
    let mut project = Project::new();
    project.file("p", elf(183)).from("p", "/opt/p.debug");
    let told = project.refusal(codes::ELF_WRONG_ARCH);
    assert_eq!(told.message, "`/opt/p.debug` is built for arm64, and this package is for amd64");
    assert!(told.helps[0].contains("targets = [\"linux/arm64\"]"));
    project.file("p", elf(247));
    assert!(project.run().result.is_ok(), "eBPF runs everywhere");
    // No more than the header of a program.
    let mut header = elf(183);
    header[16] = 2;
    header[54..].fill(0);
    project.file("p", header);
    project.refusal(codes::ELF_WRONG_ARCH);
    project.file("p", elf(183));
    project.release.target.arch = Arch::Arm64;
    assert!(project.run().result.is_ok());
}

#[test]
fn a_file_that_cannot_be_opened_is_the_machines_fault() {
    let mut sources = Sources::default();
    let stat = Stat { size: 9, mtime_ns: 0, ctime_ns: 0, inode: (0, 0) };
    let file = sources.file("/nonexistent/file".into(), stat);
    let entries = [super::super::sample::entry("/opt/x", Kind::File(file))];
    let target = plan_of(Vec::new()).target;
    let mut findings = Vec::new();
    super::super::natives::elf_facts(&entries, &sources, &target, Path::new("/nonexistent"), &mut findings);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, codes::FILES_UNREADABLE);
    assert!(findings[0].message.starts_with("cannot read `file`: No such file"), "{}", findings[0].message);
}

#[test]
fn bundled_libraries_are_found_on_the_build_host() {
    let mut project = Project::new();
    // In a host of our own: ld.so.conf with an include, a library of another machine before the right one.
    project
        .file("host/etc/ld.so.conf", "include ld.so.conf.d/*.conf # more\n")
        .file("host/etc/ld.so.conf.d/b.conf", "/opt/lib\n");
    project.file("host/opt/lib/libx.so.1", elf(183)).file("host/usr/lib/x86_64-linux-gnu/libx.so.1.2", elf(62));
    project.link("host/usr/lib/x86_64-linux-gnu/libx.so.1", "libx.so.1.2").file("host/opt/lib/libonly.so.1", elf(183));
    project.release.bundle = ["libx.so.1", "libonly.so.1", "libno.so.1", "../etc/x"].map(|s| fact(s.to_owned())).into();
    let run = super::super::collect::Run::new(&project.release);
    let mut findings = Vec::new();
    let drafts = super::super::bundle::collect(&run, &project.at("host"), &mut Gaps::default(), &mut findings);
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].path.as_ref(), "/usr/lib/hello/lib/libx.so.1");
    let real = fs_err::canonicalize(project.at("host/usr/lib/x86_64-linux-gnu/libx.so.1.2")).unwrap();
    assert!(matches!(&drafts[0].body, super::super::draft::Body::File(path, _) if *path == real));
    assert!(findings.iter().all(|f| f.code == codes::FILES_BUNDLE_NOT_FOUND));
    assert_eq!(findings.len(), 3);
    assert!(findings[0].notes[0].contains("libonly.so.1` is of another architecture"));
}

#[test]
fn a_library_of_this_machine_can_be_bundled() {
    let mut project = Project::new();
    if cfg!(not(target_arch = "x86_64")) {
        project.release.target.arch = Arch::Arm64;
    }
    project.release.bundle = vec![fact("libgcc_s.so.1".into())];
    let plan = project.plan();
    let file = &plan.elf.files["/usr/lib/hello/lib/libgcc_s.so.1"];
    assert_eq!(file.soname.as_deref(), Some("libgcc_s.so.1"));
    assert_eq!(entry(&plan, "/usr/lib/hello/lib/libgcc_s.so.1").churn, Churn::Runtime);
}

#[test]
fn the_c_library_is_not_bundled() {
    let mut project = Project::new();
    project.release.bundle = ["libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0", "libc.musl-x86_64.so.1"]
        .map(|s| fact(s.to_owned()))
        .into();
    let run = super::super::collect::Run::new(&project.release);
    let mut findings = Vec::new();
    assert!(super::super::bundle::collect(&run, Path::new("/"), &mut Gaps::default(), &mut findings).is_empty());
    assert_eq!(findings.iter().map(|f| f.code).collect::<Vec<_>>(), [codes::FILES_BUNDLE_LIBC; 4]);
}
