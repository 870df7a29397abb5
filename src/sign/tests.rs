//! Signs with keys that are made here, and lets the tools of hosts judge: gpgv and rpmkeys of Debian 12.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use super::*;
use crate::assemble::sample;
use crate::build::environment::Variables;
use crate::config::schema::{At, Confidential, Sign, SignKey};
use crate::diagnostic::{Findings, SourceText};
use crate::formats::{rpm::Rpm, trial};

mod forms;
mod outside;
mod packages;

/// After all keys of these tests are made, and before one of them ends.
const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// A folder with keys, and a gpg of its own.
struct Rig {
    folder: tempfile::TempDir,
    variables: Variables,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::join_paths(["/usr/bin", "/bin"].iter().map(Path::new)).unwrap();
        let home = folder.path().join("gnupg");
        run(Command::new("mkdir").args(["-m", "700"]).arg(&home));
        let variables = Variables::from([("PATH".into(), path), ("GNUPGHOME".into(), home.into())]);
        Self { folder, variables }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key that ends a year after [`NOW`].
    fn make(&self, name: &str, algorithm: Algorithm) -> At<SignKey> {
        self.make_with(name, algorithm, NOW - DAY, Some(366 * 86_400), None)
    }

    fn make_with(
        &self,
        name: &str,
        algorithm: Algorithm,
        created: i64,
        life: Option<u32>,
        passphrase: Option<&[u8]>,
    ) -> At<SignKey> {
        let user_id = &format!("{name} <{name}@example.org>");
        let key = generate(&NewKey { user_id, algorithm, created, life, passphrase }).unwrap();
        fs_err::write(self.path(name), key).unwrap();
        at(SignKey { file: Some(at(name.into())), ..SignKey::default() })
    }

    fn open(&self, keys: &[&At<SignKey>]) -> Result<(Signer, Findings), Findings> {
        self.open_at(keys, NOW)
    }

    fn open_at(&self, keys: &[&At<SignKey>], now: i64) -> Result<(Signer, Findings), Findings> {
        let source = Arc::new(SourceText { name: "fitout.toml".into(), text: String::new() });
        let ground = Ground { source: &source, folder: self.folder.path(), variables: &self.variables, now };
        open(&Sign { keys: keys.iter().map(|key| (*key).clone()).collect(), ..Sign::default() }, ground)
    }

    fn signer(&self, keys: &[&At<SignKey>]) -> Signer {
        let (signer, findings) = self.open(keys).unwrap();
        assert_eq!(findings, []);
        signer
    }

    /// gpgv, as apt of Debian 12 runs it; fails as apt does.
    fn gpgv(&self, signer: &Signer, files: &[&str]) -> String {
        fs_err::write(self.path("ring.gpg"), signer.certificates_binary().unwrap()).unwrap();
        // It has no clock of its own to be set, and these keys are of another time.
        let output = Command::new("gpg")
            .args(["--batch", "--no-default-keyring", "--trust-model", "always", "--status-fd", "1"])
            .args(["--faked-system-time", &format!("{NOW}!"), "--keyring", "./ring.gpg", "--verify"])
            .args(files)
            .current_dir(self.folder.path())
            .env("GNUPGHOME", self.path("gnupg"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // An agent would outlive the test.
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.path("gnupg")).output();
    }
}

fn at<T>(value: T) -> At<T> {
    At { value, range: 0..0 }
}

fn run(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const TEXT: &str = "Origin: hello\n-dashed\n-----BEGIN PGP SIGNATURE-----\ntrailing \t\n\nSHA256:\n abc 1 main\n";

#[test]
fn gpg_takes_what_keys_of_each_algorithm_sign() {
    let rig = Rig::new();
    for algorithm in [Algorithm::Ed25519, Algorithm::Rsa3072] {
        let signer = rig.signer(&[&rig.make("one", algorithm)]);
        fs_err::write(rig.path("InRelease"), signer.sign_clear(TEXT.as_bytes(), NOW).unwrap()).unwrap();
        assert!(rig.gpgv(&signer, &["InRelease"]).contains(" VALIDSIG "));
        fs_err::write(rig.path("Release"), TEXT).unwrap();
        fs_err::write(rig.path("Release.gpg"), signer.sign_detached(TEXT.as_bytes(), NOW).unwrap()).unwrap();
        let status = rig.gpgv(&signer, &["Release.gpg", "Release"]);
        let key = &signer.keys()[0];
        assert!(status.contains(&format!("VALIDSIG {} ", key.fingerprint)), "{status}");
        assert_eq!((key.user_id.as_str(), key.expires), ("one <one@example.org>", Some(NOW + 365 * DAY)));
    }
}

#[test]
fn many_threads_may_sign() {
    fn shared<T: Send + Sync>() {}
    shared::<Signer>();
    shared::<Certificate>();
    shared::<SignError>();
}

#[test]
fn what_is_signed_twice_is_the_same() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Ed25519), &rig.make("two", Algorithm::Rsa3072)]);
    let both = || (signer.sign_clear(b"a\n", NOW).unwrap(), signer.sign_detached(b"a\n", NOW).unwrap());
    assert_eq!(both(), both());
}

#[test]
fn two_keys_sign_beside_each_other() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Ed25519), &rig.make("two", Algorithm::Rsa3072)]);
    let framed = signer.sign_clear(TEXT.as_bytes(), NOW).unwrap();
    fs_err::write(rig.path("InRelease"), &framed).unwrap();
    assert_eq!(rig.gpgv(&signer, &["InRelease"]).matches(" VALIDSIG ").count(), 2);
    let ring = read_certificates("ring", &signer.certificates().unwrap()).unwrap();
    let verified = verify_clear(&ring, &framed, NOW).unwrap();
    assert_eq!(verified.text, TEXT);
    // The first key signs last.
    let fingerprints: Vec<Fingerprint> = signer.keys().iter().map(|key| key.fingerprint.clone()).collect();
    assert_eq!(verified.by.iter().rev().collect::<Vec<_>>(), fingerprints.iter().collect::<Vec<_>>());
    // Whoever has one of the keys is content.
    assert_eq!(verify_clear(&ring[..1], &framed, NOW).unwrap().by, fingerprints[..1]);
}

#[test]
fn any_changed_bit_is_found() {
    let rig = Rig::new();
    let signer = rig.signer(&[&rig.make("one", Algorithm::Ed25519)]);
    let ring = read_certificates("ring", &signer.certificates_binary().unwrap()).unwrap();
    let framed = signer.sign_clear(b"Date: today\nSHA256:\n abc 1 main\n", NOW).unwrap();
    let good = verify_clear(&ring, &framed, NOW).unwrap();
    for at in 0..framed.len() {
        for bit in 0..8 {
            let mut changed = framed.clone();
            changed[at] ^= 1 << bit;
            // The checksum of the armor and its blanks are not signed, and then the text is what it was.
            if let Ok(verified) = verify_clear(&ring, &changed, NOW) {
                assert_eq!(clear::canonical(&verified.text), clear::canonical(&good.text), "byte {at} bit {bit}");
            }
        }
    }
    let detached = signer.sign_detached(b"abc", NOW).unwrap();
    assert!(verify_detached(&ring, &detached, b"abc", NOW).is_ok());
    assert!(matches!(verify_detached(&ring, &detached, b"abd", NOW), Err(SignError::Bad { .. })));
    let other = rig.signer(&[&rig.make("two", Algorithm::Ed25519)]);
    let others = read_certificates("ring", &other.certificates().unwrap()).unwrap();
    assert!(matches!(verify_detached(&others, &detached, b"abc", NOW), Err(SignError::Unknown { .. })));
    let late = verify_detached(&ring, &detached, b"abc", NOW + 365 * DAY);
    assert!(matches!(late, Err(SignError::Refused { why: Refusal::Expired, .. })), "{late:?}");
    let early = verify_detached(&ring, &detached, b"abc", NOW - 2 * DAY);
    assert!(matches!(early, Err(SignError::Refused { why: Refusal::Time, .. })), "{early:?}");
    // A text's signature is none of bytes, though they are the same.
    let text = armor::armored(
        &Packets(&signer.sign(SignatureType::Text, &in_memory(b"abc"), NOW).unwrap()),
        BlockType::Signature,
    );
    let kind = verify_detached(&ring, &text.unwrap(), b"abc", NOW);
    assert!(matches!(kind, Err(SignError::Refused { why: Refusal::Kind, .. })), "{kind:?}");
}
