//! Packages.

use super::*;
use crate::formats::Format as _;
use crate::formats::rpm::signing::Unsigned;

fn sample_rpm(folder: &Path, version: u8) -> PathBuf {
    let (mut plan, sources) = sample::plan();
    plan.rpm.format_version = version;
    trial::write(&Rpm, &plan, &sources, folder).unwrap()
}

/// What rpmkeys says with these keys imported and no others.
fn rpmkeys(rig: &Rig, imported: &[&Signer], package: &Path) -> (bool, String) {
    let db = tempfile::tempdir().unwrap();
    let rpmkeys = || {
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(db.path());
        command
    };
    for signer in imported {
        fs_err::write(rig.path("import.asc"), signer.certificates().unwrap()).unwrap();
        run(rpmkeys().arg("--import").arg(rig.path("import.asc")));
    }
    let level = ["--define", "_pkgverify_level all", "--define", "_pkgverify_flags 0x0"];
    let output = rpmkeys().args(level).arg("-Kv").arg(package).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn rpm_of_debian_12_takes_signed_packages_of_both_versions() {
    let rig = Rig::new();
    // rpm has no clock that could be set.
    let now = crate::resolve::clock::now();
    let key = |name, algorithm| rig.make_with(name, algorithm, now - DAY, Some(366 * 86_400), None);
    let ed = rig.open_at(&[&key("ed", Algorithm::Ed25519)], now).unwrap().0;
    let rsa = rig.open_at(&[&key("rsa", Algorithm::Rsa3072)], now).unwrap().0;
    for version in [4, 6] {
        let package = sample_rpm(rig.folder.path(), version);
        for signer in [&ed, &rsa] {
            let signed = rig.path("signed.rpm");
            sign_rpm(&package, &signed, signer, now).unwrap();
            let (ok, said) = rpmkeys(&rig, &[signer], &signed);
            assert!(ok && said.contains("Signature, key ID"), "{said}");
            let (ok, said) = rpmkeys(&rig, &[], &signed);
            assert!(!ok && said.contains("NOKEY"), "{said}");
        }
    }
}

#[test]
fn only_what_holds_the_signature_changes() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Rsa4096), &rig.make("two", Algorithm::Ed25519)]);
    for version in [4, 6] {
        let package = sample_rpm(rig.folder.path(), version);
        let [signed, again] = ["signed.rpm", "again.rpm"].map(|name| rig.path(name));
        sign_rpm(&package, &signed, &signer, NOW).unwrap();
        let [before, after] = [&package, &signed].map(|path| fs_err::read(path).unwrap());
        assert_eq!(before.len(), after.len());
        let front = Unsigned::read(&mut fs_err::File::open(&package).unwrap()).unwrap().front();
        let front = usize::try_from(front).unwrap();
        assert_ne!(before[..front], after[..front]);
        assert_eq!(before[front..], after[front..]);
        // Signing again replaces the signature, be it longer or shorter.
        sign_rpm(&signed, &again, &rig.signer(&[&rig.make("three", Algorithm::Ed25519)]), NOW).unwrap();
        let third = fs_err::read(&again).unwrap();
        assert_eq!((third.len(), &third[front..]), (before.len(), &before[front..]));
        sign_rpm(&again, &again, &signer, NOW).unwrap();
        assert_eq!(fs_err::read(&again).unwrap(), after);
        let listing = Rpm.read(&mut fs_err::File::open(&again).unwrap(), "again.rpm").unwrap();
        // Version 6 has the one signature in two places.
        assert_eq!(listing.signatures.len(), if version == 6 { 2 } else { 1 });
        assert!(listing.signatures[0].starts_with("RSA over the header"), "{:?}", listing.signatures);
        assert!(listing.checks.iter().all(|check| check.problem.is_none()), "{:?}", listing.checks);
    }
}

#[test]
fn what_is_no_package_is_not_signed() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Ed25519)]);
    for bytes in [&b""[..], b"not a package", &[0xed, 0xab, 0xee, 0xdb]] {
        fs_err::write(rig.path("bad.rpm"), bytes).unwrap();
        let error = sign_rpm(&rig.path("bad.rpm"), &rig.path("to.rpm"), &signer, NOW).unwrap_err();
        assert!(matches!(error, SignError::Damaged { .. }), "{error}");
        assert!(!rig.path("to.rpm").exists());
    }
}
