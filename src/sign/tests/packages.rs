//! Packages.

use super::*;

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
    let now = NOW - 40_000_000;
    let key = |name, algorithm| rig.make_with(name, algorithm, now - DAY, None, None);
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
