//! Packages.

use super::*;
use crate::formats::Format as _;
use crate::formats::deb::Deb;
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
            if version == 6 {
                // rpmlint 2.4 cannot read one, signed or not.
                continue;
            }
            let linted = Command::new("rpmlint").arg(&signed).output().unwrap();
            let linted = String::from_utf8_lossy(&linted.stdout).into_owned();
            assert!(linted.contains("1 packages and 0 specfiles checked"), "{linted}");
            assert!(!linted.contains("no-signature") && !linted.contains("invalid-signature"), "{linted}");
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

fn sample_deb(folder: &Path) -> PathBuf {
    let (plan, sources) = sample::plan();
    trial::write(&Deb, &plan, &sources, folder).unwrap()
}

#[test]
fn debsigs_and_dpkg_read_a_signed_deb() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Rsa3072), &rig.make("two", Algorithm::Ed25519)]);
    let package = sample_deb(rig.folder.path());
    let [signed, again] = ["signed.deb", "again.deb"].map(|name| rig.path(name));
    sign_deb(&package, &signed, &signer, NOW).unwrap();
    let [before, after] = [&package, &signed].map(|path| fs_err::read(path).unwrap());
    assert_eq!(after[..before.len()], before);
    sign_deb(&signed, &again, &signer, NOW).unwrap();
    assert_eq!(fs_err::read(&again).unwrap(), after);
    // What debsig-verify does: the content of the members, and a detached signature over it.
    let ar = |words: &[&str]| {
        let output = Command::new("ar").args(words).current_dir(rig.folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let listed = String::from_utf8(ar(&["t", "signed.deb"])).unwrap();
    let members: Vec<&str> = listed.lines().collect();
    assert_eq!((members[0], members[3], members.len()), ("debian-binary", "_gpgorigin", 4));
    fs_err::write(rig.path("content"), ar(&["p", "signed.deb", members[0], members[1], members[2]])).unwrap();
    fs_err::write(rig.path("signature"), ar(&["p", "signed.deb", "_gpgorigin"])).unwrap();
    assert_eq!(rig.gpgv(&signer, &["signature", "content"]).matches(" VALIDSIG ").count(), 1);
    run(Command::new("dpkg-deb").arg("--contents").arg(&signed));
    let listing = Deb.read(&mut fs_err::File::open(&signed).unwrap(), "signed.deb").unwrap();
    assert_eq!(listing.signatures.len(), 1);
    assert_eq!(listing.findings, []);
    for bytes in [&b""[..], b"not a package", &before[..200], &before[..before.len() / 2]] {
        fs_err::write(rig.path("bad.deb"), bytes).unwrap();
        let error = sign_deb(&rig.path("bad.deb"), &rig.path("to.deb"), &signer, NOW).unwrap_err();
        assert!(matches!(error, SignError::Damaged { .. }), "{error}");
        assert!(!rig.path("to.deb").exists());
    }
}

#[test]
fn debsig_verify_takes_a_signed_deb() {
    let rig = Rig::new();
    let now = crate::resolve::clock::now();
    let signer = rig.open_at(&[&rig.make_with("one", Algorithm::Ed25519, now - DAY, None, None)], now).unwrap().0;
    let signed = rig.path("signed.deb");
    sign_deb(&sample_deb(rig.folder.path()), &signed, &signer, now).unwrap();
    let id = signer.keys()[0].fingerprint.as_str();
    let id = &id[id.len() - 16..];
    for folder in ["policies", "keyrings"] {
        fs_err::create_dir_all(rig.path(folder).join(id)).unwrap();
    }
    let policy = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE Policy SYSTEM \"https://www.debian.org/debsig/1.0/policy.dtd\">\n\
         <Policy xmlns=\"https://www.debian.org/debsig/1.0/\">\n\
         <Origin Name=\"test\" id=\"{id}\" Description=\"test\"/>\n\
         <Selection><Required Type=\"origin\" File=\"ring.gpg\" id=\"{id}\"/></Selection>\n\
         <Verification><Required Type=\"origin\" File=\"ring.gpg\" id=\"{id}\"/></Verification>\n</Policy>\n"
    );
    fs_err::write(rig.path("policies").join(id).join("test.pol"), policy).unwrap();
    fs_err::write(rig.path("keyrings").join(id).join("ring.gpg"), signer.certificates_binary().unwrap()).unwrap();
    let verify = |package: &Path| {
        let mut command = Command::new("debsig-verify");
        command.arg("--policies-dir").arg(rig.path("policies")).arg("--keyrings-dir").arg(rig.path("keyrings"));
        command.arg(package).output().unwrap()
    };
    let output = verify(&signed);
    assert!(output.status.success(), "{output:?}");
    let mut bytes = fs_err::read(&signed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&signed, bytes).unwrap();
    assert!(!verify(&signed).status.success());
}
