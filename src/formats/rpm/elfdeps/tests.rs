use std::sync::Arc;

use super::*;
use crate::assemble::plan::{Kind, Sources};
use crate::assemble::sample::{entry, plan_of};

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn library() -> ElfFile {
    ElfFile {
        is_64: true,
        linked: true,
        shared: true,
        dynamic: true,
        soname: Some("libfoo.so.1".into()),
        needed: vec!["libc.so.6".into(), "plugin.so".into(), "libfoo".into()],
        verneed: [("libc.so.6".to_owned(), set(&["GLIBC_2.34"]))].into(),
        verdef: set(&["FOO_1"]),
        verdef_base: Some("libfoo.so.1".into()),
        gnu_hash_only: true,
        ..ElfFile::default()
    }
}

#[test]
fn a_library() {
    let mut file = library();
    assert_eq!(file_requires(&file), set(&["libc.so.6()(64bit)", "libc.so.6(GLIBC_2.34)(64bit)", "rtld(GNU_HASH)"]));
    assert_eq!(file_provides(&file, "/x"), set(&["libfoo.so.1()(64bit)", "libfoo.so.1(FOO_1)(64bit)"]));
    file.is_64 = false;
    assert_eq!(file_requires(&file), set(&["libc.so.6", "libc.so.6(GLIBC_2.34)", "rtld(GNU_HASH)"]));
    assert_eq!(file_provides(&file, "/x"), set(&["libfoo.so.1", "libfoo.so.1(FOO_1)"]));
}

#[test]
fn a_name_is_made_up_for_a_library_without_soname() {
    let mut file = library();
    (file.soname, file.verdef_base) = (None, None);
    assert_eq!(file_provides(&file, "/usr/lib/app/libnif.so"), set(&["libnif.so()(64bit)"]));
    assert_eq!(file_provides(&file, "/usr/lib/app/nif.so"), set(&[]));
}

#[test]
fn programs_provide_nothing_and_need_only_when_executable() {
    let mut file = ElfFile { interpreter: Some("/lib64/ld-linux-x86-64.so.2".into()), debug: true, ..library() };
    file.soname = None;
    file.verdef.clear();
    assert_eq!(file_requires(&file), set(&[]));
    file.executable = true;
    assert!(!file_requires(&file).is_empty());
    assert_eq!(file_provides(&file, "/usr/bin/libprogram.so"), set(&[]));
    file.linked = false;
    assert_eq!(file_requires(&file), set(&[]));
}

#[test]
fn what_bundled_libraries_serve_is_no_need() {
    let mut file = library();
    file.needed.push("libssl.so.3".into());
    file.verneed.insert("libssl.so.3".into(), set(&["OPENSSL_3.0.0"]));
    assert!(file_requires(&file).contains("libssl.so.3(OPENSSL_3.0.0)(64bit)"));
    file.served = set(&["libssl.so.3"]);
    assert_eq!(file_requires(&file), file_requires(&library()));
}

#[test]
fn scripts_need_the_programs_that_they_name_by_path() {
    for (line, wanted) in [
        ("/bin/sh -e", &["/bin/sh"][..]),
        ("/usr/bin/env python3", &["/usr/bin/env"]),
        ("/usr/bin/env /opt/x/bin/lua", &["/usr/bin/env", "/opt/x/bin/lua"]),
        ("/bin/sh /etc/rc", &["/bin/sh"]),
        ("sh", &[]),
    ] {
        assert_eq!(script_requires(line), wanted, "{line}");
    }
}

#[test]
fn over_a_plan() {
    let mut sources = Sources::default();
    let mut file = |path: &str, mode: u32| {
        let mut entry = entry(path, Kind::File(sources.made(path.as_bytes().to_vec())));
        entry.mode = mode;
        entry
    };
    let mut elsewhere = file("/usr/lib/app/libfoo.so.1", 0o644);
    elsewhere.formats = crate::assemble::plan::FormatSet::only(0);
    let mut plan = plan_of(vec![
        file("/usr/bin/app", 0o755),
        file("/usr/bin/sourced", 0o644),
        elsewhere,
        entry("/usr/lib/app/libhard.so", Kind::Hardlink { target: "/usr/lib/app/libbar.so".into() }),
    ]);
    plan.elf.shebangs.insert("/usr/bin/app".into(), "/bin/bash".into());
    plan.elf.shebangs.insert("/usr/bin/sourced".into(), "/bin/zsh".into());
    plan.elf.files.insert("/usr/lib/app/libfoo.so.1".into(), library());
    let nameless = ElfFile { soname: None, verdef_base: None, needed: Vec::new(), ..library() };
    plan.elf.files.insert(Arc::from("/usr/lib/app/libbar.so"), nameless);
    assert_eq!(requires(&plan), set(&["/bin/bash", "libc.so.6(GLIBC_2.34)(64bit)", "rtld(GNU_HASH)"]));
    assert_eq!(provides(&plan), set(&["libhard.so()(64bit)"]));
    plan.rpm.auto_requires = false;
    assert_eq!(requires(&plan), set(&[]));
}
