//! Keys that other programs have.

use super::*;
use crate::diagnostic::codes;

/// A key in a gpg of its own; its fingerprint.
fn in_gpg(rig: &Rig, algorithm: &str) -> String {
    let gpg = |arguments: &[&str]| {
        let mut command = Command::new("gpg");
        run(command.args(["--batch", "-q"]).args(arguments).env("GNUPGHOME", rig.path("gnupg")))
    };
    let new = ["--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "Ops <ops@example.org>"];
    gpg(&[&new[..], &[algorithm, "sign", "2y"]].concat());
    let listed = gpg(&["--list-keys", "--with-colons"]);
    fs_err::write(rig.path("public.asc"), gpg(&["--armor", "--export"])).unwrap();
    listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':').to_owned()
}

fn now() -> i64 {
    crate::resolve::clock::now()
}

fn verifies(signer: &Signer) {
    let ring = read_certificates("ring", &signer.certificates().unwrap()).unwrap();
    let framed = signer.sign_clear(TEXT.as_bytes(), now()).unwrap();
    assert_eq!(verify_clear(&ring, &framed, now()).unwrap().by, [signer.keys()[0].fingerprint.clone()]);
    let detached = signer.sign_detached(b"bytes\n", now()).unwrap();
    assert_eq!(verify_detached(&ring, &detached, b"bytes\n", now()).unwrap().len(), 1);
}

fn gpgv(rig: &Rig, signer: &Signer) {
    fs_err::write(rig.path("InRelease"), signer.sign_clear(TEXT.as_bytes(), now()).unwrap()).unwrap();
    fs_err::write(rig.path("ring.gpg"), signer.certificates_binary().unwrap()).unwrap();
    run(Command::new("gpgv").args(["--keyring", "./ring.gpg", "InRelease"]).current_dir(rig.folder.path()));
}

#[test]
fn a_key_of_gpg_signs_without_leaving_it() {
    for algorithm in ["ed25519", "rsa3072"] {
        let rig = Rig::new();
        let fingerprint = in_gpg(&rig, algorithm);
        let key = at(SignKey { agent: Some(at(fingerprint)), ..SignKey::default() });
        let (signer, findings) = rig.open_at(&[&key], now()).unwrap();
        assert_eq!(findings, []);
        verifies(&signer);
        gpgv(&rig, &signer);
        // Beside a key of a file.
        let both = rig.open_at(&[&rig.make("one", Algorithm::Ed25519), &key], NOW - DAY).unwrap_or_else(|findings| {
            panic!("{findings:?}");
        });
        assert_eq!(both.0.keys().len(), 2);
    }
}

#[test]
fn gpg_without_such_a_key_is_told() {
    let rig = Rig::new();
    let key = at(SignKey { agent: Some(at("0123456789ABCDEF0123456789ABCDEF01234567".into())), ..SignKey::default() });
    let findings = rig.open_at(&[&key], now()).unwrap_err();
    assert_eq!(findings[0].code, codes::SIGN_NOT_A_KEY, "{findings:?}");
}

fn command(line: &str) -> At<SignKey> {
    let (command, public) = (Some(at(line.to_owned())), Some(at("public.asc".to_owned())));
    at(SignKey { command, public, ..SignKey::default() })
}

/// What a script for an HSM would do: `$1` says of which kind the signature is.
const HSM: &str = "#!/bin/sh\nmode=; [ \"$2\" = text ] && mode=--textmode\n\
    key=$1; shift 2\n\
    exec gpg --batch -q --armor $mode --local-user \"$key\" \"$@\" --detach-sign -o -\n";

#[test]
fn a_command_signs_what_it_gets() {
    let rig = Rig::new();
    let fingerprint = in_gpg(&rig, "ed25519");
    fs_err::write(rig.path("hsm-sign"), HSM).unwrap();
    let (signer, _) = rig.open_at(&[&command(&format!("sh ./hsm-sign {fingerprint}"))], now()).unwrap();
    verifies(&signer);
    gpgv(&rig, &signer);
    // A command may choose a digest of its own, beside one of another key.
    let own = rig.make_with("one", Algorithm::Ed25519, now() - DAY, None, None);
    let (signer, _) = rig.open_at(&[&own, &command(&format!("sh ./hsm-sign {fingerprint}"))], now()).unwrap();
    gpgv(&rig, &signer);
}

#[test]
fn what_a_command_prints_is_not_trusted() {
    let rig = Rig::new();
    let fingerprint = in_gpg(&rig, "ed25519");
    fs_err::write(rig.path("hsm-sign"), HSM).unwrap();
    let sign = format!("sh ./hsm-sign {fingerprint}");
    for (line, wanted) in [
        ("echo no key in slot 7 >&2; exit 9;:", "it ended with exit status: 9: no key in slot 7"),
        ("echo hello; :", "it printed no OpenPGP signature"),
        ("no-such-program", "it ended with exit status: 127"),
        (&format!("f() {{ {sign} binary --digest-algo SHA1; }}; f"), "its signature is refused: it is over SHA1"),
        // Of the other kind, and over other bytes.
        (&format!("f() {{ {sign} text; }}; f"), "its signature does not hold"),
        (&format!("f() {{ echo other | {sign} binary; }}; f"), "its signature does not hold"),
    ] {
        let (signer, _) = rig.open_at(&[&command(line)], now()).unwrap();
        let error = signer.sign_detached(b"bytes", now()).unwrap_err();
        assert!(error.to_string().contains(wanted), "{line}: {error}");
        assert_eq!(crate::diagnostic::Diagnostic::from(error).code, codes::SIGN_PROGRAM);
    }
}

#[test]
fn a_program_sees_neither_keys_nor_passphrases() {
    let mut rig = Rig::new();
    let fingerprint = in_gpg(&rig, "ed25519");
    fs_err::write(rig.path("hsm-sign"), HSM.replace("exec", "env >seen\nexec")).unwrap();
    let key = rig.make_with("one", Algorithm::Ed25519, NOW - DAY, None, Some(b"s3same"));
    let held = fs_err::read_to_string(rig.path("one")).unwrap();
    rig.variables.insert("MY_KEY".into(), held.into());
    rig.variables.insert("MY_PASSPHRASE".into(), "s3same".into());
    rig.variables.insert("HSM_PIN".into(), "1234".into());
    let passphrase = Some(at(Confidential { env: Some(at("MY_PASSPHRASE".into())), file: None }));
    let by_variable = at(SignKey { env: Some(at("MY_KEY".into())), passphrase, ..SignKey::default() });
    drop(key);
    let keys = [&by_variable, &command(&format!("sh ./hsm-sign {fingerprint}"))];
    let (signer, _) = rig.open_at(&keys, NOW).unwrap();
    signer.sign_detached(b"bytes", NOW).unwrap();
    let seen = fs_err::read_to_string(rig.path("seen")).unwrap();
    assert!(seen.contains("HSM_PIN=1234") && !seen.contains("s3same") && !seen.contains("PRIVATE KEY"), "{seen}");
}
