//! Real artifacts of every format, cut short, with bytes flipped, or with nothing real behind their first bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fitout::diagnostic::Diagnostic;
use fitout::formats::{Listing, read_file};

use super::endured;
use super::support::{finish, fitout, project};

/// Bytes flipped in each artifact, one copy each.
const FLIPS: usize = 300;
/// Lengths at which each artifact is cut.
const CUTS: usize = 60;

/// A random number generator that gives the same numbers everywhere: the constants are those of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).expect("31 bits") % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// All formats under all compressions, of a small tree: name and bytes.
fn artifacts() -> &'static [(String, Vec<u8>)] {
    static BUILT: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let streams = [
            ("gzip", "deb, rpm, tarball, zip, oci"),
            ("xz", "deb, rpm, tarball"),
            ("zstd", "deb, rpm, tarball, oci"),
            ("none", "deb, rpm, tarball, zip, oci"),
        ];
        streams.into_iter().flat_map(|(compression, formats)| built(compression, formats)).collect()
    })
}

fn built(compression: &str, formats: &str) -> Vec<(String, Vec<u8>)> {
    let formats: Vec<&str> = formats.split(", ").collect();
    let settings = formats.join(&format!("]\ncompression = \"{compression}\"\n[format."));
    let config = format!(
        "[package]\nname = \"prey\"\nversion = \"1.0\"\nsummary = \"Prey\"\nmaintainer = \"O <o@example.org>\"\n\
         license = \"MIT\"\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = {formats:?}\n\
         targets = [\"linux/amd64\"]\n[[files]]\ntext = \"x = 1\\n\"\nto = \"/etc/prey.conf\"\nrole = \"config\"\n\
         [[files]]\nlink = \"/etc/prey.conf\"\nto = \"/usr/share/prey.conf\"\n[format.{settings}]\n\
         compression = \"{compression}\"\n"
    );
    let lines: String = (0..4000).map(|line| line.to_string() + " lines\n").collect();
    let folder = project(&[("fitout.toml", &config), ("tree/a", "a\n"), ("tree/lines", &lines)]);
    let (code, stdout, stderr) =
        finish(fitout(folder.path()).args(["build"]).env("SOURCE_DATE_EPOCH", "1700000000").output().expect("starts"));
    assert_eq!(code, 0, "{stderr}");
    let read = |path: &str| {
        let name = Path::new(path).file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs_err::read(folder.path().join(path)).expect("the artifact"))
    };
    stdout.lines().map(read).collect()
}

/// Reads bytes as an artifact of this name; a panic fails the test with the place of the damage.
fn read(folder: &Path, name: &str, bytes: &[u8], what: &str) -> Result<Listing, Diagnostic> {
    let path = folder.join(name);
    fs_err::write(&path, bytes).expect("writes the prey");
    let result = catch_unwind(AssertUnwindSafe(|| read_file(&path)));
    result.unwrap_or_else(|_| panic!("{name}: a panic, {what}")).map(|(listing, _)| listing)
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Whether damage was told: by an error, a check that failed, or a finding.
fn is_told(result: &Result<Listing, Diagnostic>) -> bool {
    match result {
        Ok(listing) => listing.checks.iter().any(|check| check.problem.is_some()) || !listing.findings.is_empty(),
        Err(finding) => !finding.message.is_empty() && finding.code.name.contains('/'),
    }
}

#[test]
fn whole_artifacts_are_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(artifacts().len(), 17);
    for (name, bytes) in artifacts() {
        let whole = read(folder.path(), name, bytes, "it is whole");
        assert!(whole.is_ok() && !is_told(&whole), "{name}: {whole:?}");
    }
}

#[test]
fn a_cut_is_told_wherever_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(1);
    for (name, bytes) in artifacts() {
        let spread = (0..CUTS / 2).map(|part| part * bytes.len() / (CUTS / 2));
        let cuts: Vec<usize> = spread.chain((0..CUTS / 2).map(|_| random.below(bytes.len()))).collect();
        for cut in cuts {
            let result = read(folder.path(), name, &bytes[..cut], &format!("cut at {cut}"));
            // The manifest.json of docker stands at the end of an image, and an OCI archive is whole without it; a tar
            // that lost its padding alone is read by everybody.
            let harmless = bytes.len() - cut <= 4 << 10 && extension(name) == "tar";
            assert!(is_told(&result) || harmless, "{name}: nobody says that it is cut at {cut} of {}", bytes.len());
        }
    }
}

#[test]
fn flipped_bytes_never_panic_and_are_told_where_there_are_checksums() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(2);
    for (name, bytes) in artifacts() {
        let mut silent = 0;
        for _ in 0..FLIPS {
            let at = random.below(bytes.len());
            let mask = 1 << random.below(8);
            let mut bad = bytes.clone();
            bad[at] ^= mask;
            let result = read(folder.path(), name, &bad, &format!("byte {at} with {mask:#x}"));
            silent += usize::from(!is_told(&result));
        }
        // A plain tar has no checksum of its content; half of this small rpm is space reserved for signatures, its lead is read by nobody.
        let unchecked = match extension(name) {
            "tar" if !name.contains(".oci.") => FLIPS,
            "rpm" => FLIPS * 2 / 3,
            _ => FLIPS / 4,
        };
        assert!(silent <= unchecked, "{name}: {silent} of {FLIPS} flips were not told");
    }
}

#[test]
fn noise_behind_a_magic_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(3);
    let mut tar = vec![0; 257];
    tar.extend_from_slice(b"ustar\x0000");
    let magics: [(&str, Vec<u8>); 9] = [
        ("x.deb", b"!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n".to_vec()),
        ("x.rpm", b"\xed\xab\xee\xdb\x03\x00\x00\x00\x00\x01".to_vec()),
        ("x.zip", b"PK\x03\x04".to_vec()),
        ("y.zip", b"PK\x05\x06".to_vec()),
        ("x.tar.gz", vec![0x1f, 0x8b, 8]),
        ("x.tar.xz", b"\xfd7zXZ\x00".to_vec()),
        ("x.tar.zst", vec![0x28, 0xb5, 0x2f, 0xfd]),
        ("x.tar", tar.clone()),
        ("x.oci.tar", [&b"oci-layout"[..], &tar[10..]].concat()),
    ];
    for (name, magic) in magics {
        for length in [0, 1, 7, 60, 512, 4096, 70_000] {
            let bytes = [&magic[..], &random.bytes(length)].concat();
            let result = read(folder.path(), name, &bytes, &format!("{length} bytes of noise"));
            assert!(is_told(&result), "{name}: {length} bytes of noise are an artifact");
        }
    }
}

/// The mass above runs inside of this process; here the verbs themselves, each in one of its own.
#[test]
fn every_verb_endures_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(4);
    for (name, bytes) in artifacts().iter().take(12) {
        let good = folder.path().join("good").join(name);
        fs_err::create_dir_all(good.parent().expect("a parent")).expect("a folder");
        fs_err::write(&good, bytes).expect("writes");
        for damage in 0..2 {
            let mut bad = bytes.clone();
            if damage == 0 {
                bad.truncate(random.below(bytes.len()));
            } else {
                let at = random.below(bytes.len());
                bad[at] ^= 0x55;
            }
            let path: PathBuf = folder.path().join(name);
            fs_err::write(&path, &bad).expect("writes");
            let good = format!("good/{name}");
            for args in [
                &["inspect", "--tree", "--scripts", "--fields", name][..],
                &["inspect", "--json", name],
                &["diff", &good, name],
                &["lint", name],
            ] {
                endured(name, folder.path(), args);
            }
        }
    }
}
