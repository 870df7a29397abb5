//! Packages of ours before dpkg, lintian and our own reader; packages of dpkg-deb before our reader.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::assemble::plan::{Compression, Kind, Sources, Step};
use crate::assemble::sample::{entry, fact, plan};
use crate::formats::{ListedKind, trial};

const ALL: &[Compression] = &[Compression::Gzip(6), Compression::Xz(6), Compression::Zstd(3), Compression::None];

fn run(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).env("LC_ALL", "C").env("TZ", "UTC").output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {arguments:?}: {err}");
    String::from_utf8(out.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn listing(path: &Path) -> Listing {
    Deb.read(&mut fs_err::File::open(path).unwrap(), "").unwrap()
}

fn build(plan: &Plan, sources: &Sources, folder: &Path) -> PathBuf {
    trial::write(&Deb, plan, sources, folder).unwrap()
}

#[test]
fn dpkg_deb_reads_every_compression_and_so_do_we() {
    for compression in ALL {
        let (mut plan, sources) = plan();
        plan.deb.compression = fact(*compression);
        let folder = tempfile::tempdir().unwrap();
        let deb = build(&plan, &sources, folder.path());
        assert_eq!(deb.file_name().unwrap(), "hello_1.4.0~rc.1+b5_amd64.deb");
        let members = run("ar", &["t", text(&deb)]);
        let suffixes = match compression {
            Compression::Gzip(_) => [".gz", ".gz"],
            Compression::Xz(_) => [".xz", ".xz"],
            Compression::Zstd(_) => [".gz", ".zst"],
            Compression::None => ["", ""],
        };
        assert_eq!(members, format!("debian-binary\ncontrol.tar{}\ndata.tar{}\n", suffixes[0], suffixes[1]));
        let listed = run("dpkg-deb", &["--contents", text(&deb)]);
        let paths: Vec<_> = listed.lines().map(|l| l.split_whitespace().nth(5).unwrap()).collect();
        let mut expected = vec![
            "./",
            "./etc/",
            "./etc/hello/",
            "./etc/hello/env",
            "./usr/",
            "./usr/bin/",
            "./usr/bin/hello",
            "./usr/bin/hi",
            "./usr/lib/",
            "./usr/lib/hello/",
            "./usr/lib/hello/data",
            "./usr/lib/hello/data2",
            "./usr/lib/hello/empty/",
            "./usr/lib/hello/nothing",
        ];
        if matches!(compression, Compression::Gzip(_)) {
            // Large files are spliced, and stand last; a hard link stays behind its first name.
            expected.retain(|path| !path.ends_with("/data") && !path.ends_with("/data2"));
            expected.extend(["./usr/lib/hello/data", "./usr/lib/hello/data2"]);
        }
        assert_eq!(paths, expected);
        assert!(run("dpkg-deb", &["--info", text(&deb)]).contains("Package: hello"));
        let tree = folder.path().join("tree");
        run("dpkg-deb", &["-x", text(&deb), text(&tree)]);
        run("dpkg-deb", &["-e", text(&deb), text(&folder.path().join("control"))]);
        let sums = fs_err::read_to_string(folder.path().join("control/md5sums")).unwrap();
        let lines: Vec<_> = sums.lines().map(|l| l.split_once("  ").unwrap().1).collect();
        assert_eq!(lines, ["usr/bin/hello", "usr/lib/hello/data", "usr/lib/hello/data2", "usr/lib/hello/nothing"]);
        run("sh", &["-c", &format!("cd '{}' && md5sum -c --strict ../control/md5sums", text(&tree))]);
        assert_eq!(fs_err::read_to_string(folder.path().join("control/conffiles")).unwrap(), "/etc/hello/env\n");
        reads_back_as_planned(&plan, &sources, &listing(&deb));
    }
}

fn reads_back_as_planned(plan: &Plan, sources: &Sources, listing: &Listing) {
    use sha2::Digest as _;
    assert_eq!((listing.name.as_str(), listing.version.as_str()), ("hello", "1.4.0~rc.1+b5"));
    assert_eq!(listing.arch, "amd64");
    assert_eq!(listing.checks, [crate::formats::Check { what: "md5sums".into(), problem: None }]);
    assert_eq!(listing.findings, []);
    let planned: Vec<_> = plan.entries_for("deb").collect();
    assert_eq!(planned.len(), listing.entries.len());
    for (planned, listed) in planned.iter().zip(&listing.entries) {
        assert_eq!((planned.path.as_ref(), planned.mode), (listed.path.as_str(), listed.mode));
        assert_eq!((&*listed.user, &*listed.group, listed.mtime), ("root", "root", plan.clock));
        match &planned.kind {
            Kind::Directory { .. } => assert_eq!(listed.kind, ListedKind::Directory),
            Kind::Symlink { target } => assert_eq!(listed.kind, ListedKind::Symlink(target.to_string())),
            Kind::Hardlink { target } => assert_eq!(listed.kind, ListedKind::Hardlink(target.to_string())),
            Kind::File(source) => {
                let crate::assemble::plan::Content::Made(bytes) = &sources.list()[source.id.0 as usize] else {
                    panic!("made in the sample")
                };
                assert_eq!(listed.sha256, Some(sha2::Sha256::digest(bytes).into()));
                assert_eq!(listed.size, source.size);
            }
        }
        let config = planned.path.as_ref() == "/etc/hello/env";
        assert_eq!(listed.flags, if config { vec!["config"] } else { Vec::new() });
    }
}

/// An empty administration of dpkg.
fn root(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    fs_err::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs_err::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    fs_err::write(root.join("var/lib/dpkg/status"), "").unwrap();
    root
}

#[test]
fn dpkg_installs_it_with_long_names_and_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut plan, mut sources) = plan();
    let mut entries = plan.entries.to_vec();
    let long = format!("/usr/lib/hello/{}", "long/".repeat(40).trim_end_matches('/'));
    for (at, _) in long.match_indices('/').skip(4) {
        entries.push(entry(&long[..at], Kind::Directory { shared: false }));
    }
    entries.push(entry(&long, Kind::File(sources.made(b"deep".to_vec()))));
    entries.push(entry("/usr/lib/hello/z", Kind::Hardlink { target: Arc::from(long.as_str()) }));
    entries.push(entry("/usr/lib/hello/zz", Kind::Symlink { target: Arc::from(long.as_str()) }));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    plan.entries = entries.into();
    let deb = build(&plan, &sources, folder.path());
    let root = root(folder.path());
    let at = format!("--root={}", text(&root));
    run("dpkg", &[&at, "--force-depends", "--force-architecture", "-i", text(&deb)]);
    assert_eq!(fs_err::read_to_string(root.join(&long[1..])).unwrap(), "deep");
    assert_eq!(fs_err::read_to_string(root.join("usr/lib/hello/z")).unwrap(), "deep");
    assert_eq!(run("dpkg", &[&at, "--verify", "hello"]), "");
    let status = run("dpkg-query", &[&format!("--admindir={}/var/lib/dpkg", text(&root)), "-s", "hello"]);
    assert!(status.contains("Status: install ok installed"));
    assert!(status.contains("Conffiles:\n /etc/hello/env "));
    run("dpkg", &[&at, "-P", "hello"]);
    assert!(!root.join("usr/lib/hello").exists());
    assert!(!root.join("etc/hello").exists());
}

#[test]
fn capabilities_are_there_after_installation() {
    let folder = tempfile::tempdir().unwrap();
    let (mut plan, sources) = plan();
    let capabilities = "cap_net_bind_service=ep".into();
    plan.lifecycle.steps = vec![Step::Capabilities { path: "/usr/bin/hello".into(), capabilities }];
    let deb = build(&plan, &sources, folder.path());
    let root = root(folder.path());
    let at = format!("--root={}", text(&root));
    let mut dpkg = vec![at.as_str(), "--force-depends", "--force-script-chrootless", "-i", text(&deb)];
    run("dpkg", &dpkg);
    let binary = root.join("usr/bin/hello");
    assert!(run("getcap", &[text(&binary)]).contains("cap_net_bind_service=ep"));
    run("setcap", &["-r", text(&binary)]);
    // Again: the scripts run as often as dpkg likes.
    dpkg.insert(0, "--force-all");
    run("dpkg", &dpkg);
    assert!(run("getcap", &[text(&binary)]).contains("cap_net_bind_service=ep"));
}

#[test]
fn installed_size_is_that_of_dpkg_gencontrol() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, sources) = plan();
    let deb = build(&plan, &sources, folder.path());
    let tree = folder.path().join("debian/hello");
    fs_err::create_dir_all(tree.parent().unwrap()).unwrap();
    run("dpkg-deb", &["-x", text(&deb), text(&tree)]);
    let debian = folder.path().join("debian");
    fs_err::write(
        debian.join("control"),
        "Source: hello\nMaintainer: A <a@example.org>\n\nPackage: hello\nArchitecture: any\nDescription: x\n",
    )
    .unwrap();
    fs_err::write(
        debian.join("changelog"),
        "hello (1.0) unstable; urgency=low\n\n  * x\n\n -- A <a@example.org>  Tue, 14 Nov 2023 22:13:20 +0000\n",
    )
    .unwrap();
    // To stdout: a `DEBIAN` folder in the tree would be counted, which deb-substvars(5) says it is not.
    let command = format!("cd '{}' && dpkg-gencontrol -O -phello -Pdebian/hello", text(folder.path()));
    let theirs = run("sh", &["-c", &command]);
    let line = |control: &str| control.lines().find(|l| l.starts_with("Installed-Size")).map(str::to_owned);
    let ours = run("dpkg-deb", &["-f", text(&deb)]);
    assert_eq!(line(&ours), line(&theirs));
}

#[test]
fn lintian_finds_no_fault_with_the_container() {
    let folder = tempfile::tempdir().unwrap();
    for compression in [Compression::Gzip(6), Compression::Xz(6)] {
        let (mut plan, sources) = plan();
        plan.deb.compression = fact(compression);
        let deb = build(&plan, &sources, folder.path());
        let out = Command::new("lintian").args(["--allow-root", "-L", ">=warning"]).arg(&deb).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        // What the sample lacks, being no real package.
        let content = ["no-copyright-file", "no-changelog", "no-manual-page"];
        assert!(said.contains("E: hello: no-changelog"), "lintian looked into it: {said}");
        for line in said.lines().filter(|l| !l.starts_with("N:")) {
            assert!(content.iter().any(|tag| line.contains(tag)), "{line}");
        }
    }
}

/// A tree with what the readers must tell apart, packed by dpkg-deb.
fn packed_by_dpkg(folder: &Path, compression: &str) -> PathBuf {
    let tree = folder.join("theirs");
    fs_err::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs_err::create_dir_all(tree.join("usr/share/x")).unwrap();
    fs_err::create_dir_all(tree.join("etc")).unwrap();
    fs_err::write(tree.join("usr/share/x/a"), "abc").unwrap();
    fs_err::hard_link(tree.join("usr/share/x/a"), tree.join("usr/share/x/b")).unwrap();
    std::os::unix::fs::symlink("a", tree.join("usr/share/x/c")).unwrap();
    fs_err::write(tree.join("etc/x.conf"), "1").unwrap();
    let control = "Package: theirs\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: A <a@example.org>\n\
                   Depends: a1 (>= 1) | b1,\n c1\nDescription: x\n more\n";
    fs_err::write(tree.join("DEBIAN/control"), control).unwrap();
    fs_err::write(tree.join("DEBIAN/conffiles"), "/etc/x.conf\n").unwrap();
    let sums = "900150983cd24fb0d6963f7d28e17f72  usr/share/x/a\n900150983cd24fb0d6963f7d28e17f72  usr/share/x/b\n";
    fs_err::write(tree.join("DEBIAN/md5sums"), sums).unwrap();
    fs_err::write(tree.join("DEBIAN/postinst"), "#!/bin/sh -e\n:\n").unwrap();
    run("chmod", &["0755", text(&tree.join("DEBIAN/postinst"))]);
    let deb = folder.join(format!("theirs-{compression}.deb"));
    let option = format!("-Z{compression}");
    run("dpkg-deb", &["--root-owner-group", &option, "-b", text(&tree), text(&deb)]);
    fs_err::remove_dir_all(&tree).unwrap();
    deb
}

#[test]
fn packages_of_dpkg_deb_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let deb = packed_by_dpkg(folder.path(), compression);
        let listing = listing(&deb);
        assert_eq!(
            (listing.name.as_str(), listing.version.as_str(), listing.arch.as_str()),
            ("theirs", "1:2.0-1", "all")
        );
        assert_eq!(listing.relations["Depends"], ["a1 (>= 1) | b1", "c1"]);
        let shown: Vec<_> = listing.entries.iter().map(|e| (e.path.as_str(), &e.kind, e.flags.join(","))).collect();
        let expected = [
            ("/etc", &ListedKind::Directory, String::new()),
            ("/etc/x.conf", &ListedKind::File, "config".to_owned()),
            ("/usr", &ListedKind::Directory, String::new()),
            ("/usr/share", &ListedKind::Directory, String::new()),
            ("/usr/share/x", &ListedKind::Directory, String::new()),
            ("/usr/share/x/a", &ListedKind::File, String::new()),
            ("/usr/share/x/b", &ListedKind::Hardlink("/usr/share/x/a".into()), String::new()),
            ("/usr/share/x/c", &ListedKind::Symlink("a".into()), String::new()),
        ];
        assert_eq!(shown, expected);
        assert_eq!(listing.scripts[0].name, "postinst");
        assert_eq!(listing.scripts[0].interpreter, "/bin/sh -e");
        assert_eq!(listing.checks[0].problem, None, "{compression}");
        assert_eq!(listing.findings, []);
    }
}

#[test]
fn a_signature_member_is_named_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let deb = packed_by_dpkg(folder.path(), "gzip");
    fs_err::write(folder.path().join("_gpgorigin"), "not a real one").unwrap();
    run("sh", &["-c", &format!("cd '{}' && ar q '{}' _gpgorigin", text(folder.path()), text(&deb))]);
    assert_eq!(listing(&deb).signatures, ["debsigs: _gpgorigin, 14 bytes"]);
    let mut bytes = fs_err::read(&deb).unwrap();
    let read = |bytes: &[u8]| Deb.read(&mut std::io::Cursor::new(bytes), "");
    // Cut off anywhere: an error or a finding, never a panic.
    for cut in (0..bytes.len()).step_by(7) {
        if let Ok(listing) = read(&bytes[..cut]) {
            assert!(cut > bytes.len() - 100, "{cut} of {}", bytes.len());
            assert!(!listing.entries.is_empty());
        }
    }
    let plain = fs_err::read(packed_by_dpkg(folder.path(), "none")).unwrap();
    let renamed = String::from_utf8_lossy(&plain).replace("data.tar    ", "data.tar.bz2");
    assert_eq!(read(renamed.as_bytes()).unwrap_err().code.name, "artifact/unsupported");
    // A byte changed anywhere: whatever it says, it says it.
    for whole in [&mut bytes, &mut plain.clone()] {
        for at in (0..whole.len()).step_by(13) {
            whole[at] ^= 0x11;
            let _ = read(whole);
            whole[at] ^= 0x11;
        }
    }
}

#[test]
fn a_changed_file_fails_its_md5() {
    let folder = tempfile::tempdir().unwrap();
    let deb = packed_by_dpkg(folder.path(), "none");
    let mut bytes = fs_err::read(&deb).unwrap();
    let at = bytes.windows(3).rposition(|w| w == b"abc").unwrap();
    bytes[at] = b'X';
    let listing = Deb.read(&mut std::io::Cursor::new(bytes), "").unwrap();
    assert_eq!(listing.checks[0].problem.as_deref(), Some("`/usr/share/x/a` differs, and 1 more"));
}

#[test]
fn two_builds_are_the_same_bytes() {
    let (plan, sources) = plan();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [a, b] = folders.map(|f| fs_err::read(build(&plan, &sources, f.path())).unwrap());
    assert!(a == b);
}
