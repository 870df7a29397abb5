use std::process::Command;

use super::*;
use crate::assemble::plan::Sources;
use crate::assemble::sample::{fact, plan};
use crate::formats::{ListedKind, source, trial};

fn run(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).env("LC_ALL", "C").env("TZ", "UTC").output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && err.is_empty(), "{program} {arguments:?}: {err}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn tar_and_bsdtar_read_every_compression_and_so_do_we() {
    for (compression, suffix) in [
        (Compression::Gzip(6), ".tar.gz"),
        (Compression::Xz(6), ".tar.xz"),
        (Compression::Zstd(3), ".tar.zst"),
        (Compression::None, ".tar"),
    ] {
        let (mut plan, sources) = plan();
        plan.tarball.compression = fact(compression);
        let folder = tempfile::tempdir().unwrap();
        let path = trial::write(&Tarball, &plan, &sources, folder.path()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, format!("hello-1.4.0-rc.1+b5-linux-amd64{suffix}"));
        let listed = run("tar", &["-tvf", path.to_str().unwrap()]);
        let top = "hello-1.4.0-rc.1+b5-linux-amd64";
        assert_eq!(listed.lines().next().unwrap(), format!("drwxr-xr-x root/root         0 2023-11-14 22:13 {top}/"));
        assert!(listed.contains(&format!("{top}/usr/lib/hello/data2 link to {top}/usr/lib/hello/data\n")), "{listed}");
        assert!(listed.contains(&format!(" {top}/install.sh\n")), "{listed}");
        assert_eq!(listed.lines().count(), 15);
        assert_eq!(run("bsdtar", &["-tf", path.to_str().unwrap()]).lines().count(), 15);
        let head = &fs_err::read(&path).unwrap();
        assert!(Tarball.recognises(&head[..head.len().min(512)], name));
        let listing = Tarball.read(&mut fs_err::File::open(&path).unwrap(), name).unwrap();
        assert_eq!((listing.name.as_str(), listing.version.as_str()), ("hello", "1.4.0-rc.1+b5"));
        assert_eq!(listing.arch, "amd64");
        assert_eq!(listing.findings, []);
        let planned: Vec<_> = plan.entries.iter().map(|e| (e.path.to_string(), e.mode)).collect();
        let of_plan = listing.entries.iter().filter(|entry| entry.path != "/install.sh");
        let read: Vec<_> = of_plan.map(|e| (e.path.clone(), e.mode)).collect();
        assert_eq!(planned, read);
        let link = listing.entries.iter().find(|e| e.path.ends_with("data2")).unwrap();
        assert_eq!(link.kind, ListedKind::Hardlink("/usr/lib/hello/data".into()));
    }
}

#[test]
fn foreign_tars_keep_their_paths() {
    let folder = tempfile::tempdir().unwrap();
    let at = |p: &str| folder.path().join(p);
    fs_err::create_dir(at("project-1.0")).unwrap();
    fs_err::write(at("project-1.0/README"), "x").unwrap();
    let out = at("foreign.tgz");
    let place = folder.path().to_str().unwrap();
    run("tar", &["-czf", out.to_str().unwrap(), "--format=pax", "-C", place, "project-1.0"]);
    let listing = Tarball.read(&mut fs_err::File::open(&out).unwrap(), "foreign.tgz").unwrap();
    let paths: Vec<_> = listing.entries.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["/project-1.0", "/project-1.0/README"]);
    let zip = Tarball.read(&mut std::io::Cursor::new(b"BZh91AY&SY"), "x.tar.bz2");
    assert_eq!(zip.unwrap_err().code.name, "artifact/unsupported");
    let text = Tarball.read(&mut std::io::Cursor::new(vec![b'x'; 2000]), "x.tar");
    assert_eq!(text.unwrap_err().code.name, "artifact/damaged");
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    for (name, version) in [("a/b", "1.0"), ("a", "1:0"), (".a", "1.0"), ("a b", "1.0"), ("", "1.0"), ("a", "")] {
        let (mut plan, _) = plan();
        plan.identity.name = fact(name.to_owned());
        plan.identity.version.value.text = version.to_owned();
        let findings = Tarball.file_name(&plan).unwrap_err();
        assert_eq!(findings[0].code.name, "tarball/name", "{name} {version}");
    }
    let (mut plan, _) = plan();
    plan.target.arch = crate::assemble::plan::Arch::Arm7;
    assert_eq!(Tarball.file_name(&plan).unwrap().name, "hello-1.4.0-rc.1+b5-linux-armv7.tar.gz");
}

#[test]
fn images_are_not_taken_for_tarballs() {
    let mut head = vec![0; 512];
    head[257..262].copy_from_slice(b"ustar");
    assert!(Tarball.recognises(&head, "x"));
    head[..10].copy_from_slice(b"oci-layout");
    assert!(!Tarball.recognises(&head, "x.tar"));
    assert!(!Tarball.recognises(&[0x1f, 0x8b, 8], "x.gz"));
    assert!(Tarball.recognises(&[0x1f, 0x8b, 8], "x.TGZ"));
}

#[test]
fn a_source_archive_is_made_from_what_git_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    fs_err::write(folder.path().join("a"), "abc").unwrap();
    run("git", &["-C", place, "init", "-q"]);
    run("git", &["-C", place, "add", "a"]);
    let mut sources = Sources::default();
    let (entries, _) = source::entries(folder.path(), &mut sources).unwrap();
    let frame = Frame { prefix: "x-1".to_owned(), clock: 0, large: Large::First };
    let all = || entries.iter();
    let layout = archive("x-1.tar".into(), frame, Compression::None, codes::SOURCE_PATH, all, &[]).unwrap();
    assert_eq!((layout.file_name.as_str(), layout.sections.len()), ("x-1.tar", 1));
}
