//! A disk that is full at any write, and files that change while they are packed: all or nothing, and a word of help.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{contents, finish, fitout, is_root, project};

const CONFIG: &str = "[package]\nname = \"full\"\nversion = \"1.0.0\"\nsummary = \"Fills\"\nlicense = \"MIT\"\n\
    maintainer = \"A <a@example.org>\"\n[build]\npreset = \"plain\"\n[[files]]\nfrom = \"tree\"\nto = \"/opt/full\"\n";

/// Bytes that do not compress.
fn noise(length: usize, mut state: u32) -> Vec<u8> {
    let mut step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| step()).collect()
}

fn mounted(folder: &Path, kib: usize, with: impl FnOnce()) {
    let size = format!("size={kib}k");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder).status().unwrap();
    assert!(mounted.success());
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(with));
    assert!(Command::new("umount").arg(folder).status().unwrap().success());
    result.unwrap();
}

#[test]
fn a_disk_that_is_full_at_any_write_leaves_nothing_and_is_told() {
    if !is_root() {
        assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "it takes root to mount a small file system");
        println!("note: not root, no small file system to fill");
        return;
    }
    let folder = project(&[("fitout.toml", CONFIG), ("dist/x", ""), ("tree/small", "small")]);
    fs::remove_file(folder.path().join("dist/x")).unwrap();
    for number in 0..6u32 {
        fs::write(folder.path().join(format!("tree/f{number}")), noise(40_000 * number as usize, number)).unwrap();
    }
    let dist = folder.path().join("dist");
    let (mut whole, mut failed) = (0, 0);
    // Scratch and five artifacts take 3.6 MB: from nothing to enough.
    for kib in (0..=4400).step_by(275).map(|kib| kib + 4) {
        mounted(&dist, kib, || {
            let (code, stdout, stderr) = finish(fitout(folder.path()).args(["build", "--no-cache"]).output().unwrap());
            let left = fs::read_dir(&dist).unwrap().count();
            if code == 0 {
                whole += 1;
                assert_eq!(left, 6, "{kib} KiB");
                return;
            }
            failed += 1;
            assert_eq!((code, left, stdout.as_str()), (3, 0, ""), "{kib} KiB: {stderr}");
            assert!(
                stderr.contains("error[engine/write]") && stderr.contains("free some space"),
                "{kib} KiB: {stderr}"
            );
        });
    }
    assert!(whole > 0 && failed > 5, "{whole} whole, {failed} failed");
}

#[test]
fn a_file_that_is_written_meanwhile_is_packed_whole_or_not_at_all() {
    let folder = project(&[("fitout.toml", CONFIG), ("tree/still", "still")]);
    let path = folder.path().join("tree/busy");
    let versions = [noise(700_000, 1), noise(700_000, 2), noise(690_000, 3), noise(3_000, 4)];
    fs::write(&path, &versions[0]).unwrap();
    let stop = AtomicBool::new(false);
    let (mut whole, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in versions.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                fs::remove_file(&path).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(3));
                fs::write(&path, version).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(60));
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..30 {
                let output = fitout(folder.path()).args(["build", "--format", "tarball,zip"]).output().unwrap();
                let (code, _, stderr) = finish(output);
                let dist = folder.path().join("dist");
                // It is made after the plan.
                let artifacts = if dist.is_dir() { contents(&dist) } else { BTreeMap::new() };
                let _ = fs::remove_dir_all(&dist);
                if code == 0 {
                    let (_, tarball) = artifacts.iter().find(|(name, _)| name.ends_with(".tar.gz")).unwrap();
                    assert_whole(tarball, &versions);
                    whole += 1;
                } else {
                    assert!(artifacts.is_empty(), "{stderr}");
                    assert!(
                        code == 3 && stderr.contains("tree/busy") && stderr.contains("= help: "),
                        "{code}: {stderr}"
                    );
                    refused += 1;
                }
            }
        }));
        stop.store(true, Ordering::Relaxed);
        result.unwrap();
    });
    println!("{whole} whole, {refused} refused");
    assert!(whole > 0, "{refused} refused, none made");
}

/// The file in the archive is one of its versions, or is not there: it was gone at the walk.
fn assert_whole(tarball: &[u8], versions: &[Vec<u8>]) {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(tarball));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("busy") {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            assert!(versions.contains(&bytes), "{} bytes of no version", bytes.len());
        }
    }
}
