use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{Check, ListedKind, trial};
use super::*;
use crate::assemble::plan::Sources;
use crate::assemble::sample::{entry, plan, plan_of};
use crate::codec::deflate::Deflater;

fn build(plan: &Plan, sources: &Sources, folder: &Path) -> PathBuf {
    trial::write(&Zip, plan, sources, folder).unwrap()
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let out = Command::new(program).args(arguments).current_dir(folder).env("TZ", "UTC").output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{program} {arguments:?}: {text}{}", String::from_utf8_lossy(&out.stderr));
    text
}

fn sample() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (plan, sources) = plan();
    let path = build(&plan, &sources, folder.path());
    (folder, path)
}

/// Paths with type, mode, mtime and content of what a tool extracted.
fn tree(root: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut out = Vec::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(path) = todo.pop() {
        let meta = fs_err::symlink_metadata(&path).unwrap();
        let content = if meta.is_dir() {
            todo.extend(fs_err::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            String::new()
        } else if meta.is_symlink() {
            format!("-> {}", fs_err::read_link(&path).unwrap().display())
        } else {
            format!("crc {:08x} at {}", crc32fast::hash(&fs_err::read(&path).unwrap()), meta.mtime())
        };
        out.push(format!("{} {:o} {content}", path.strip_prefix(root).unwrap().display(), meta.mode()));
    }
    out.sort();
    out
}

#[test]
fn the_tools_of_the_field_restore_the_same_tree() {
    let (folder, path) = sample();
    let zip = path.to_str().unwrap();
    assert_eq!(path.file_name().unwrap(), "hello-1.4.0-rc.1+b5-linux-amd64.zip");
    assert!(run("unzip", &["-t", zip], folder.path()).contains("No errors detected"));
    run("unzip", &["-q", "-X", zip, "-d", "unzip"], folder.path());
    fs_err::create_dir(folder.path().join("bsdtar")).unwrap();
    run("bsdtar", &["-xpf", zip, "-C", "bsdtar"], folder.path());
    run("busybox", &["unzip", "-q", zip, "-d", "busybox"], folder.path());
    let unzipped = tree(&folder.path().join("unzip/hello-1.4.0-rc.1+b5-linux-amd64"));
    let data: Vec<u8> = (0..40_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
    let data = crc32fast::hash(&data);
    let expected = [
        " 40755 ".into(),
        "etc 40755 ".into(),
        "etc/hello 40755 ".into(),
        format!("etc/hello/env 100644 crc {:08x} at 1700000000", crc32fast::hash(b"PORT=80\n")),
        "usr 40755 ".into(),
        "usr/bin 40755 ".into(),
        format!("usr/bin/hello 100755 crc {:08x} at 1700000000", crc32fast::hash(b"#!/bin/sh\necho hello\n")),
        "usr/bin/hi 120777 -> hello".into(),
        "usr/lib 40755 ".into(),
        "usr/lib/hello 40755 ".into(),
        format!("usr/lib/hello/data 100644 crc {data:08x} at 1700000000"),
        format!("usr/lib/hello/data2 100644 crc {data:08x} at 1700000000"),
        "usr/lib/hello/empty 40755 ".into(),
        "usr/lib/hello/nothing 100644 crc 00000000 at 1700000000".into(),
    ];
    // What it says is `assemble::maintainer`'s matter.
    let planned = |tree: Vec<String>| {
        let (installer, rest): (Vec<String>, Vec<String>) =
            tree.into_iter().partition(|line| line.starts_with("install.sh 100755 "));
        assert_eq!(installer.len(), 1);
        rest
    };
    assert_eq!(planned(unzipped), expected);
    assert_eq!(planned(tree(&folder.path().join("bsdtar/hello-1.4.0-rc.1+b5-linux-amd64"))), expected);
    // busybox knows neither modes nor symlinks nor exact times: the contents must be there.
    let busybox = tree(&folder.path().join("busybox/hello-1.4.0-rc.1+b5-linux-amd64")).join("\n");
    assert_eq!(busybox.matches(&format!("crc {data:08x}")).count(), 2);
    let script = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), len(z.infolist()))";
    assert_eq!(run("python3", &["-c", script, zip], folder.path()).trim(), "None 15");
}

#[test]
fn entries_are_deflated_only_where_that_is_smaller() {
    let (_folder, path) = sample();
    let mut archive = zip::ZipArchive::new(fs_err::File::open(&path).unwrap()).unwrap();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let deflated = file.compression() == zip::CompressionMethod::Deflated;
        let name = file.name().unwrap().into_owned();
        assert_eq!(deflated, name.contains("/data"), "{name}");
        assert_eq!((file.last_modified().unwrap().year(), file.unix_mode().is_some()), (2023, true));
        std::io::copy(&mut file, &mut std::io::sink()).unwrap();
    }
    let (mut plan, sources) = plan();
    plan.zip.compression.value = Compression::None;
    let folder = tempfile::tempdir().unwrap();
    let stored = build(&plan, &sources, folder.path());
    assert!(fs_err::metadata(stored).unwrap().len() > 320_000);
}

#[test]
fn what_was_planned_is_read_back() {
    let (_folder, path) = sample();
    let listing = Zip.read(&mut fs_err::File::open(&path).unwrap(), "x.zip").unwrap();
    assert_eq!((&*listing.name, &*listing.version, &*listing.arch), ("hello", "1.4.0-rc.1+b5", "amd64"));
    assert_eq!(listing.checks, [Check { what: "CRC of every entry".into(), problem: None }]);
    assert_eq!(listing.findings, []);
    let (plan, sources) = plan();
    let read: Vec<_> = listing.entries.iter().filter(|entry| entry.path != "/install.sh").collect();
    assert_eq!((read.len(), listing.entries.len()), (plan.entries.len(), plan.entries.len() + 1));
    for (read, planned) in read.into_iter().zip(plan.entries.iter()) {
        assert_eq!((&*read.path, read.mode, read.mtime), (&*planned.path, planned.mode, plan.clock));
        match &planned.kind {
            Kind::Directory { .. } => assert_eq!(read.kind, ListedKind::Directory),
            Kind::Symlink { target } => assert_eq!(read.kind, ListedKind::Symlink(target.to_string())),
            Kind::File(source) => {
                use crate::assemble::plan::Content;
                use sha2::Digest as _;
                let Content::Made(bytes) = &sources.list()[source.id.0 as usize] else { unreachable!() };
                let sum = sha2::Sha256::digest(bytes).into();
                assert_eq!((read.size, read.sha256), (source.size, Some(sum)));
            }
            Kind::Hardlink { .. } => assert_eq!((&read.kind, read.size), (&ListedKind::File, 160_000)),
        }
    }
}

#[test]
fn scripts_of_the_archive_stand_executable_beside_the_tree() {
    let (folder, path) = sample();
    run("unzip", &["-q", path.to_str().unwrap()], folder.path());
    let installer = folder.path().join("hello-1.4.0-rc.1+b5-linux-amd64/install.sh");
    assert!(run(installer.to_str().unwrap(), &["--help"], folder.path()).contains("uninstall"));
}

#[test]
fn other_entries_make_an_archive_too() {
    let (plan, sources) = plan();
    let folder = tempfile::tempdir().unwrap();
    let (store, digests) = trial::fill(&sources, &[], folder.path());
    let around = Folder { name: "hello-1.0-source".into(), clock: 0, deflate: true, scripts: Vec::new() };
    let layout = super::archive("s.zip".into(), around, &digests, || plan.entries.iter()).unwrap();
    let path = trial::emit(&layout, &store, folder.path());
    let listed = run("unzip", &["-Z1", path.to_str().unwrap()], folder.path());
    assert_eq!(listed.lines().count(), 14);
    assert!(listed.contains("hello-1.0-source/usr/lib/hello/data2\n"));
}

#[test]
fn more_than_65535_entries_are_zip64() {
    let mut sources = Sources::default();
    let content = sources.made(b"x".to_vec());
    let mut entries = vec![entry("/d", Kind::Directory { shared: false })];
    for i in 0..70_000 {
        entries.push(entry(&format!("/d/{i:05}"), Kind::File(content.clone())));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = build(&plan_of(entries), &sources, folder.path());
    let zip = path.to_str().unwrap();
    let script = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(len(z.infolist()), z.testzip(), \
                  z.read('hello-1.4.0-rc.1+b5-linux-amd64/d/69999'))";
    assert_eq!(run("python3", &["-c", script, zip], folder.path()).trim(), "70003 None b'x'");
    assert!(run("unzip", &["-tqq", zip], folder.path()).is_empty());
    assert_eq!(run("bsdtar", &["-tf", zip], folder.path()).lines().count(), 70_003);
    let listing = Zip.read(&mut fs_err::File::open(&path).unwrap(), "x.zip").unwrap();
    assert_eq!((listing.entries.len(), listing.findings.len()), (70_002, 0));
}

#[test]
fn what_zip_cannot_carry_is_refused_all_at_once() {
    let (mut plan, _) = plan();
    plan.identity.version.value.text = "1/2".into();
    plan.identity.name.value = "a\nb".into();
    plan.zip.compression.value = Compression::Zstd(3);
    let codes: Vec<_> = Zip.file_name(&plan).unwrap_err().iter().map(|d| d.code.name).collect();
    assert_eq!(codes, ["tarball/name", "tarball/name", "zip/compression"]);
}

/// An archive by our own records; content deflated where `deflate`.
fn by_hand(entries: &[(&str, u32, &[u8], bool)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, mode, content, deflate) in entries {
        let packed = if *deflate { Deflater::new(6, false).whole(content).unwrap() } else { content.to_vec() };
        let record = Record {
            name,
            mode: *mode,
            method: if *deflate { Method::Deflated } else { Method::Stored },
            crc32: crc32fast::hash(content),
            packed: packed.len() as u64,
            size: content.len() as u64,
            stamp: Stamp::new(0),
        };
        directory.extend(record.central_header(out.len() as u64));
        out.extend(record.local_header());
        out.extend(packed);
    }
    let (offset, size) = (out.len() as u64, directory.len() as u64);
    out.extend(directory);
    out.extend(records::end(entries.len() as u64, size, offset));
    out
}

fn codes_of(bytes: &[u8]) -> Vec<&'static str> {
    match Zip.read(&mut Cursor::new(bytes), "x.zip") {
        Ok(listing) => listing.findings.iter().map(|d| d.code.name).collect(),
        Err(diagnostic) => vec![diagnostic.code.name],
    }
}

#[test]
fn hostile_names_are_reported() {
    for name in ["../x", "a/../../x", "/etc/passwd", "c:/x", "..\\x"] {
        assert_eq!(codes_of(&by_hand(&[(name, 0o100_644, b"x", false)])), ["artifact/escaping-path"], "{name}");
    }
    let twice = by_hand(&[("a", 0o100_644, b"x", false), ("a", 0o100_644, b"y", false)]);
    assert_eq!(codes_of(&twice), ["artifact/duplicate-entry"]);
    let long = vec![b't'; 100_000];
    let listing = Zip.read(&mut Cursor::new(by_hand(&[("l", 0o120_777, &long, true)])), "x.zip").unwrap();
    assert_eq!(listing.entries[0].kind, ListedKind::Symlink("t".repeat(4_095)));
}

#[test]
fn a_backslash_separates_where_the_archive_was_made_so() {
    // FAT, Unix, HPFS, NTFS, VFAT, macOS: APPNOTE 4.4.2.2.
    for (host, path) in [(0, "/a/b"), (3, "/a\\b"), (6, "/a/b"), (10, "/a/b"), (14, "/a/b"), (19, "/a\\b")] {
        let mut bytes = by_hand(&[("a\\b", 0o100_644, b"x", false)]);
        let central = bytes.windows(4).rposition(|w| w == records::CENTRAL.to_le_bytes()).unwrap();
        bytes[central + 5] = host;
        let listing = Zip.read(&mut Cursor::new(bytes), "x.zip").unwrap();
        assert_eq!(listing.entries[0].path, path, "made on {host}");
    }
}

#[test]
fn a_bomb_of_overlapping_entries_is_not_inflated() {
    let content = vec![0; 1 << 20];
    let mut bytes = by_hand(&[("a", 0o100_644, &content, true), ("b", 0o100_644, &content, true)]);
    // Both central headers point at the first entry.
    let second = bytes.windows(4).rposition(|w| w == records::CENTRAL.to_le_bytes()).unwrap();
    bytes[second + 42..second + 46].fill(0);
    assert_eq!(codes_of(&bytes), ["zip/overlap", "artifact/damaged"]);
}

#[test]
fn content_that_is_not_as_stated_is_reported() {
    let good = by_hand(&[("a", 0o100_644, b"hello hello hello hello", true)]);
    assert_eq!(codes_of(&good), [""; 0]);
    let central = good.windows(4).rposition(|w| w == records::CENTRAL.to_le_bytes()).unwrap();
    // CRC, size and method, in both headers alike; a flag that says "encrypted".
    for (local, directory, value) in [(14, 16, 9), (22, 24, 5), (22, 24, 99), (8, 10, 12), (6, 8, 1)] {
        let mut bad = good.clone();
        bad[local] = value;
        bad[central + directory] = value;
        let code = if local < 10 { "artifact/unsupported" } else { "artifact/damaged" };
        assert_eq!(codes_of(&bad), [code], "{local} = {value}");
        bad[local] = good[local];
        let found = codes_of(&bad);
        assert!(found.contains(&"artifact/damaged"), "{local} = {value} in the directory alone: {found:?}");
    }
}

#[test]
fn archives_of_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("d")).unwrap();
    fs_err::write(folder.path().join("d/f"), b"text ".repeat(1000)).unwrap();
    std::os::unix::fs::symlink("f", folder.path().join("d/l")).unwrap();
    run("zip", &["-q", "-r", "-y", "info.zip", "d"], folder.path());
    let script = "import zipfile; z=zipfile.ZipFile('py.zip','w',zipfile.ZIP_DEFLATED); z.write('d/f'); z.close()";
    run("python3", &["-c", script], folder.path());
    run("sh", &["-c", "cat d/f info.zip > sfx.zip; bsdtar -a -cf bsd.zip d"], folder.path());
    for name in ["info.zip", "py.zip", "sfx.zip", "bsd.zip"] {
        let listing = Zip.read(&mut fs_err::File::open(folder.path().join(name)).unwrap(), name).unwrap();
        assert_eq!(listing.findings, [], "{name}");
        let file = listing.entries.iter().find(|e| e.path == "/d/f").unwrap();
        assert_eq!((file.size, file.mode, file.sha256.is_some()), (5000, 0o644, true), "{name}");
        if name != "py.zip" {
            let link = listing.entries.iter().find(|e| e.path == "/d/l").unwrap();
            assert_eq!(link.kind, ListedKind::Symlink("f".into()), "{name}");
        }
    }
}

#[test]
fn damage_anywhere_never_panics() {
    let bytes = by_hand(&[
        ("n-1/", 0o040_755, b"", false),
        ("n-1/a", 0o100_644, &[7; 3000], true),
        ("n-1/b", 0o120_777, b"a", false),
    ]);
    for cut in 0..bytes.len() {
        assert!(Zip.read(&mut Cursor::new(&bytes[..cut]), "x.zip").is_err(), "cut at {cut}");
    }
    let mut large = bytes[..bytes.len() - 22].to_vec();
    let offset = u32::from_le_bytes(bytes[bytes.len() - 6..][..4].try_into().unwrap());
    // The same archive with zip64 end records, so that their fields are flipped too.
    let directory = large.len() as u64 - u64::from(offset);
    let mut end = records::end(0xffff, directory, u64::from(offset));
    end[24..40].copy_from_slice(&[3u64.to_le_bytes(), 3u64.to_le_bytes()].concat());
    large.extend(end);
    for original in [bytes, large] {
        assert_eq!(codes_of(&original), [""; 0]);
        for at in 0..original.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = original.clone();
                bad[at] ^= flip;
                let _ = Zip.read(&mut Cursor::new(bad), "x.zip");
            }
        }
    }
    assert!(Zip.recognises(b"PK\x03\x04", "x") && !Zip.recognises(b"!<arch>\n", "x.deb"));
}
