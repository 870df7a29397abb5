//! Needs and verdicts, against made files and the programs of this machine.

use super::*;
use crate::formats::ListedEntry;

fn entry(path: &str) -> ListedEntry {
    ListedEntry {
        path: path.to_owned(),
        kind: ListedKind::File,
        mode: 0o755,
        user: "".into(),
        group: "".into(),
        size: 1,
        mtime: 0,
        sha256: None,
        flags: Vec::new(),
        capabilities: None,
        layer: None,
    }
}

/// Path, sonames with a version each, soname, run path.
type Made<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>, &'a [&'a str]);

fn host(files: &[Made<'_>]) -> Host {
    let mut listing = Listing::default();
    for (path, needed, soname, runpath) in files {
        let mut file = ElfFile { is_64: true, linked: true, shared: true, executable: true, ..ElfFile::default() };
        file.interpreter = soname.is_none().then(|| "/lib64/ld-linux-x86-64.so.2".to_owned());
        file.soname = soname.map(str::to_owned);
        file.runpath = runpath.iter().map(|part| (*part).to_owned()).collect();
        for (library, version) in *needed {
            file.needed.push((*library).to_owned());
            if !version.is_empty() {
                let versions = version.split(' ').map(str::to_owned).collect();
                file.verneed.insert((*library).to_owned(), versions);
            }
        }
        listing.programs.files.insert((*path).to_owned(), file);
        listing.entries.push(entry(path));
    }
    listing.sort();
    Host::of(&listing).expect("there are ELF files")
}

fn answer_of<'h>(host: &'h Host, name: &str) -> &'h Answer {
    host.systems.iter().find(|answer| answer.distribution == name).expect("a known distribution")
}

#[test]
fn the_highest_version_decides_and_is_told_with_its_file() {
    let host = host(&[
        ("/a", &[("libc.so.6", "GLIBC_2.2.5"), ("libm.so.6", "GLIBC_2.29")], None, &[]),
        ("/b", &[("libc.so.6", "GLIBC_2.34 GLIBC_2.4"), ("libstdc++.so.6", "GLIBCXX_3.4.9 GLIBCXX_3.4.29")], None, &[]),
        ("/c", &[("libcrypto.so.3", "OPENSSL_3.0.0"), ("libc.so.6", "")], None, &[]),
    ]);
    let told: Vec<(String, &str, usize)> =
        host.needs.iter().map(|need| (need.to_string(), need.file.as_str(), need.files)).collect();
    let wanted = [
        ("glibc 2.34", "/b", 3),
        ("libcrypto.so.3 OPENSSL_3.0.0", "/c", 1),
        ("libstdc++.so.6 GLIBCXX_3.4.29", "/b", 1),
    ];
    assert_eq!(told, wanted.map(|(need, file, files)| (need.to_owned(), file, files)));
    for name in ["debian-12", "debian-13", "ubuntu-22.04", "el-9", "el-10", "fedora-42", "amazon-2023", "opensuse-15.6"]
    {
        assert_eq!(answer_of(&host, name).runs, Runs::Yes, "{name}");
    }
    let old = answer_of(&host, "debian-11");
    assert_eq!(
        (old.runs, old.lacks.join("; ")),
        (Runs::No, "glibc 2.34; libcrypto.so.3; libstdc++.so.6 GLIBCXX_3.4.29".to_owned())
    );
    // Its libstdc++ is of GCC 8.
    assert!(answer_of(&host, "el-8").lacks.iter().any(|lack| lack.starts_with("libstdc++")));
}

#[test]
fn what_is_brought_along_is_no_need_if_the_loader_finds_it() {
    let library: Made<'_> = ("/opt/x/lib/libssl.so.1.1", &[], Some("libssl.so.1.1"), &[]);
    let found = host(&[("/opt/x/bin/x", &[("libssl.so.1.1", "")], None, &["$ORIGIN/../lib"]), library]);
    assert!(found.needs.is_empty(), "{:?}", found.needs);
    assert!(found.systems.iter().all(|answer| answer.runs == Runs::Yes));
    let astray = host(&[("/opt/x/bin/x", &[("libssl.so.1.1", "")], None, &[]), library]);
    assert_eq!(answer_of(&astray, "debian-12").runs, Runs::No);
    assert_eq!(answer_of(&astray, "el-9").runs, Runs::Yes);
}

#[test]
fn what_is_not_known_is_not_promised() {
    let host = host(&[(
        "/a",
        &[("libsystemd.so.0", "LIBSYSTEMD_209 LIBSYSTEMD_254"), ("libwrap.so.0", ""), ("libown.so.7", "")],
        None,
        &[],
    )]);
    let debian = answer_of(&host, "debian-12");
    assert_eq!(
        (debian.runs, debian.unknown.join(", ")),
        (Runs::Unknown, "libown.so.7, libsystemd.so.0 LIBSYSTEMD_254".into())
    );
    assert_eq!(answer_of(&host, "el-9").unknown[2], "libwrap.so.0");
}

#[test]
fn a_program_of_musl_runs_where_musl_is_packaged() {
    let host = host(&[("/a", &[("libc.musl-x86_64.so.1", "")], None, &[])]);
    assert_eq!(host.needs[0].to_string(), "musl");
    assert_eq!(answer_of(&host, "debian-13").runs, Runs::Yes);
    assert_eq!((answer_of(&host, "el-9").runs, answer_of(&host, "el-9").lacks.join("")), (Runs::No, "musl".to_owned()));
}

#[test]
fn a_release_without_a_runtime_system_wants_one() {
    let mut listing = Listing { entries: vec![entry("/usr/lib/x/releases/start_erl.data")], ..Listing::default() };
    assert!(Host::of(&listing).is_some_and(|host| host.wants_erlang));
    listing.entries.insert(0, entry("/usr/lib/x/erts-13.1.5/bin/erl"));
    assert!(Host::of(&listing).is_none());
}

/// The table says of this system what its own loader says.
#[test]
fn programs_of_this_machine_run_on_this_machine() {
    let text = std::fs::read_to_string("/etc/os-release").unwrap();
    let of = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim_matches('"').to_owned())
    };
    let (Some(id), Some(version)) = (of("ID="), of("VERSION_ID=")) else { return };
    let name = format!("{id}-{version}");
    let Some(_) = SYSTEMS.iter().find(|system| system.name == name) else { return };
    let mut listing = Listing::default();
    for path in ["/usr/bin/apt", "/usr/bin/bash", "/usr/bin/openssl", "/usr/bin/gpg", "/usr/bin/curl", "/usr/bin/git"] {
        let Ok(content) = std::fs::read(path) else { continue };
        let mut watch = crate::formats::programs::Watch::default();
        watch.see(&content);
        listing.programs.take(path, 0o755, watch);
    }
    let host = Host::of(&listing).unwrap();
    let answer = answer_of(&host, &name);
    assert!(answer.lacks.is_empty(), "{answer:?}");
}
