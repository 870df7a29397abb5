//! Forms that keys come in, from gpg and for gpg.

use super::*;
use crate::diagnostic::codes;

fn passphrase(rig: &mut Rig, text: &str) -> Option<At<Confidential>> {
    rig.variables.insert("PASSPHRASE".into(), text.into());
    Some(at(Confidential { env: Some(at("PASSPHRASE".into())), file: None }))
}

#[test]
fn a_variable_holds_a_key_armored_or_in_base64_of_either() {
    let mut rig = Rig::new();
    rig.make("one", Algorithm::Ed25519);
    let armored = fs_err::read(rig.path("one")).unwrap();
    let keys = armor::keys("one", &armored).unwrap();
    let pgp::composed::PublicOrSecret::Secret(secret) = &keys[0] else { panic!("a secret key") };
    let binary = armor::binary(secret).unwrap();
    let base64 = crate::codec::base64::encode;
    let folded = base64(&binary).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n").collect();
    let mut fingerprints = Vec::new();
    for text in [String::from_utf8(armored.clone()).unwrap(), base64(&armored), base64(&binary), folded] {
        rig.variables.insert("KEY".into(), text.into());
        let key = at(SignKey { env: Some(at("KEY".into())), ..SignKey::default() });
        fingerprints.push(rig.signer(&[&key]).keys()[0].fingerprint.clone());
    }
    fs_err::write(rig.path("one.gpg"), binary).unwrap();
    let key = at(SignKey { file: Some(at("one.gpg".into())), ..SignKey::default() });
    fingerprints.push(rig.signer(&[&key]).keys()[0].fingerprint.clone());
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 1);
}

#[test]
fn gpg_reads_and_unlocks_our_keys_and_we_those_of_gpg() {
    let mut rig = Rig::new();
    let place = passphrase(&mut rig, "s3same\n");
    rig.make_with("ours", Algorithm::Rsa3072, NOW - DAY, Some(86_400 * 400), Some(b"s3same"));
    let gpg = |arguments: &[&str]| {
        let clock = format!("{NOW}!");
        let mut command = Command::new("gpg");
        command.args(["--batch", "-q", "--pinentry-mode", "loopback", "--passphrase", "s3same"]);
        command.args(["--faked-system-time", &clock]).args(arguments);
        run(command.current_dir(rig.folder.path()).env("GNUPGHOME", rig.path("gnupg")))
    };
    gpg(&["--import", "ours"]);
    gpg(&["--armor", "--local-user", "ours", "--detach-sign", "-o", "by-gpg", "ours"]);
    // Sign-only subkey below a primary key that only certifies, as careful people have it.
    gpg(&["--quick-gen-key", "Theirs <theirs@example.org>", "ed25519", "cert", "2y"]);
    let listed = gpg(&["--list-keys", "--with-colons", "theirs"]);
    let primary = listed.lines().find_map(|l| l.strip_prefix("fpr:")).unwrap().trim_matches(':').to_owned();
    gpg(&["--quick-add-key", &primary, "ed25519", "sign", "1y"]);
    fs_err::write(rig.path("theirs"), gpg(&["--armor", "--export-secret-keys", "theirs"])).unwrap();
    fs_err::write(rig.path("subkeys"), gpg(&["--armor", "--export-secret-subkeys", "theirs"])).unwrap();
    for name in ["ours", "theirs", "subkeys"] {
        let key = at(SignKey { file: Some(at(name.into())), passphrase: place.clone(), ..SignKey::default() });
        let signer = rig.signer(&[&key]);
        let framed = signer.sign_clear(TEXT.as_bytes(), NOW).unwrap();
        fs_err::write(rig.path("InRelease"), &framed).unwrap();
        assert!(rig.gpgv(&signer, &["InRelease"]).contains(" VALIDSIG "), "{name}");
        let ring = read_certificates("ring", &signer.certificates().unwrap()).unwrap();
        assert!(verify_clear(&ring, &framed, NOW).is_ok(), "{name}");
        assert_eq!(signer.keys()[0].signs_with != signer.keys()[0].fingerprint, name != "ours");
    }
    let ring = read_certificates("ours", &fs_err::read(rig.path("ours")).unwrap()).unwrap();
    let by_gpg = fs_err::read(rig.path("by-gpg")).unwrap();
    verify_detached(&ring, &by_gpg, &fs_err::read(rig.path("ours")).unwrap(), NOW).unwrap();
}

#[test]
fn the_end_of_a_key_is_told_in_time() {
    let rig = Rig::new();
    let key = rig.make_with("one", Algorithm::Ed25519, NOW - DAY, Some(86_400 * 100), None);
    let end = NOW + 99 * DAY;
    let code = |now| match rig.open_at(&[&key], now) {
        Ok((_, findings)) => findings.first().map(|finding| finding.code),
        Err(findings) => findings.first().map(|finding| finding.code),
    };
    assert_eq!(code(end - 91 * DAY), None);
    assert_eq!(code(end - 89 * DAY), Some(codes::SIGN_EXPIRES_SOON));
    assert_eq!(code(end - 1), Some(codes::SIGN_EXPIRES_SOON));
    assert_eq!(code(end), Some(codes::SIGN_EXPIRED));
    // Made on a machine whose clock goes ahead.
    assert_eq!(code(NOW - 3 * DAY), Some(codes::SIGN_EXPIRED));
}

#[test]
fn nothing_of_a_secret_is_in_what_can_be_printed() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Ed25519)]);
    let keys = armor::keys("one", &fs_err::read(rig.path("one")).unwrap()).unwrap();
    let pgp::composed::PublicOrSecret::Secret(secret) = &keys[0] else { panic!("a secret key") };
    let public = armor::binary(&secret.to_public_key()).unwrap();
    // The last bytes of the secret key packet are the secret number and its checksum.
    let mut packet = Vec::new();
    pgp::ser::Serialize::to_writer(&secret.primary_key, &mut packet).unwrap();
    let number = &packet[packet.len() - 34..packet.len() - 2];
    assert!(!public.windows(32).any(|window| window == number));
    let shown = format!("{signer:?}").replace([' ', ','], "").to_lowercase();
    assert!(!shown.contains(&crate::codec::hex::hex(number)), "{shown}");
    let decimal: String = number.iter().map(u8::to_string).collect();
    assert!(!shown.contains(&decimal), "{shown}");
}

/// What is verified may come from anywhere.
#[test]
fn damaged_keys_and_signatures_are_errors_and_no_more() {
    let rig = Rig::new();
    for algorithm in [Algorithm::Ed25519, Algorithm::Rsa3072] {
        let signer = rig.signer(&[&rig.make("one", algorithm)]);
        let ring = signer.certificates_binary().unwrap();
        let signature = armor::binary(&Packets(&signer.sign(SignatureType::Binary, &in_memory(b"abc"), NOW).unwrap()));
        let signature = signature.unwrap();
        let whole = read_certificates("ring", &ring).unwrap();
        assert!(verify_detached(&whole, &signature, b"abc", NOW).is_ok());
        // RSA has long numbers whose bits are all alike.
        for at in (0..ring.len()).filter(|at| *at < 64 || at % 7 == 0) {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = ring.clone();
                changed[at] ^= change;
                let Ok(changed) = read_certificates("ring", &changed) else { continue };
                // Where it still verifies, it is still the same key.
                if let Ok(by) = verify_detached(&changed, &signature, b"abc", NOW) {
                    assert_eq!(by, [signer.keys()[0].fingerprint.clone()], "byte {at} of the key");
                }
            }
        }
        for at in 0..signature.len() {
            assert!(verify_detached(&whole, &signature[..at], b"abc", NOW).is_err(), "{at} bytes");
            let mut changed = signature.clone();
            changed[at] ^= 0xff;
            // The part that is not signed names the key only.
            if let Ok(by) = verify_detached(&whole, &changed, b"abc", NOW) {
                assert_eq!(by, [signer.keys()[0].fingerprint.clone()], "byte {at} of the signature");
            }
        }
        for at in 0..ring.len() {
            let _ = read_certificates("ring", &ring[..at]);
        }
    }
    for bytes in [&b""[..], b"-----BEGIN PGP PUBLIC KEY BLOCK-----", &[0xff; 4096], &[0x99; 4096]] {
        assert!(read_certificates("ring", bytes).is_err());
        assert!(verify_detached(&[], bytes, b"abc", NOW).is_err());
        assert!(verify_clear(&[], bytes, NOW).is_err());
    }
}
