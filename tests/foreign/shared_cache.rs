//! The cache that machines share, in a server that speaks S3: two checkouts in different folders, each with its own cache.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::moto::{SECRET, Server};
use crate::support::{azurite, finish, fitout, gcs, project};

trait Checkouts {
    fn fresh(&self, name: &str, lock: &str, used: &str) -> (String, String);
}

impl Checkouts for Server {
    /// Builds a checkout with a local cache of its own: how the tool went on, what was said.
    fn fresh(&self, name: &str, lock: &str, used: &str) -> (String, String) {
        let folder = project(&[
            (
                "fitout.toml",
                "[package]\nname = \"keeper\"\nversion = \"1.0.0\"\nsummary = \"Keeps\"\nlicense = \"MIT\"\n\
                 maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n\
                 command = \"sh tool\"\n[build.cache]\npaths = [\"kept\"]\nkey = [\"lock\"]\nshared = \"s3://bucket/builds/web\"\n",
            ),
            (
                "tool",
                "set -eu\nmkdir -p tree\nif [ -f kept/a ]; then echo warm; else echo cold; mkdir -p kept; seq 9 > kept/a; \
                 seq 30000 > kept/b; fi > how\ncat src lock > tree/made\n",
            ),
            ("src", "source\n"),
            ("lock", lock),
        ]);
        let place: PathBuf = self.top.path().join(name);
        fs::rename(folder.keep(), &place).unwrap();
        let cache = self.top.path().join(format!("{name}-cache"));
        let mut command = fitout(&place);
        command.args(["build", "--shared-cache", used]).env("FITOUT_CACHE_DIR", &cache);
        command.envs(self.variables());
        let (exit, stdout, stderr) = finish(command.output().unwrap());
        assert_eq!(exit, 0, "{stderr}");
        assert_eq!(fs::read_to_string(place.join("tree/made")).unwrap(), format!("source\n{lock}"), "{stderr}");
        let told = Command::new("grep").args(["-r", SECRET]).args([&place, &cache]).output().unwrap();
        assert!(told.stdout.is_empty() && !stdout.contains(SECRET) && !stderr.contains(SECRET), "{told:?}");
        (fs::read_to_string(place.join("how")).unwrap().trim().to_owned(), stderr)
    }
}

#[test]
fn machines_share_what_tools_keep() {
    let Some(mut server) = Server::start() else { return };
    let (how, said) = server.fresh("a", "1\n", "write");
    assert!(how == "cold" && !said.contains("warning"), "{said}");
    let objects = server.objects();
    assert!(objects.len() == 3 && objects.iter().all(|name| name.starts_with("builds/web/")), "{objects:?}");
    let (how, said) = server.fresh("b", "1\n", "write");
    assert!(how == "warm" && said.contains("Restored kept from the cache: 2 files\n"), "{said}");
    let (how, said) = server.fresh("c", "2\n", "read");
    assert!(how == "warm" && said.contains("of an earlier lock file") && !said.contains("warning"), "{said}");
    assert_eq!(server.objects(), objects, "it only reads");
    assert_eq!(server.fresh("d", "1\n", "off").0, "cold");

    // Several at once, of the same and of other lock files.
    std::thread::scope(|scope| {
        for number in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let (_, said) = server.fresh(&format!("w{number}"), &format!("w{}\n", number / 2), "write");
                assert!(!said.contains("warning"), "{said}");
            });
        }
    });
    let (how, said) = server.fresh("e", "w1\n", "write");
    assert!(how == "warm" && !said.contains("earlier"), "{said}");

    // A damaged blob: told, not used, put again.
    let blob = objects.iter().find(|name| name.contains("/blob/")).unwrap();
    server.ask("PUT", &format!("/bucket/{blob}"), b"damage");
    let (how, said) = server.fresh("f", "1\n", "write");
    assert!(how == "cold" && said.contains("warning[build/cache]") && said.contains("is damaged"), "{said}");
    let (how, said) = server.fresh("g", "1\n", "write");
    assert!(how == "warm" && !said.contains("warning"), "{said}");

    // A store that is down.
    server.stop();
    let start = Instant::now();
    let (how, said) = server.fresh("h", "1\n", "write");
    assert!(how == "cold" && said.matches("warning[build/cache]").count() == 1, "{said}");
    assert!(start.elapsed() < Duration::from_secs(60), "took {:?}", start.elapsed());
}

/// A project of content that is spliced, without a build step.
fn packed(top: &std::path::Path, shared: &str) -> PathBuf {
    let project = top.join("project");
    fs::create_dir_all(project.join("tree")).unwrap();
    let config = format!(
        "[package]\nname = \"packed\"\nversion = \"1.0.0\"\nsummary = \"Packs\"\nlicense = \"MIT\"\n\
         maintainer = \"A <a@example.org>\"\n[build]\npreset = \"plain\"\nformats = [\"deb\", \"zip\"]\n\
         [build.cache]\nshared = \"{shared}\"\n[[files]]\nfrom = \"tree\"\nto = \"/opt/packed\"\n"
    );
    fs::write(project.join("fitout.toml"), config).unwrap();
    for number in 0..40u32 {
        let bytes: Vec<u8> = (0..30_000u32).map(|i| (i.wrapping_mul(i ^ number) >> 7) as u8 & 0x3f).collect();
        fs::write(project.join(format!("tree/f{number}")), bytes).unwrap();
    }
    project
}

/// Builds with an empty cache of its own: the artifacts, what was said, and bytes in the cache of compressed content.
fn packs(top: &std::path::Path, shared: &str, used: &str) -> (Vec<Vec<u8>>, String, usize) {
    packs_as(&[], top, shared, used)
}

/// The same, by a store that these variables tell of.
fn packs_as(
    variables: &[(&str, String)],
    top: &std::path::Path,
    shared: &str,
    used: &str,
) -> (Vec<Vec<u8>>, String, usize) {
    let project = packed(top, shared);
    let cache = tempfile::tempdir_in(top).unwrap();
    let out = tempfile::tempdir_in(top).unwrap();
    let mut command = fitout(&project);
    command
        .args(["-v", "build", "--shared-cache", used, "--out"])
        .arg(out.path())
        .env("FITOUT_CACHE_DIR", cache.path())
        .envs(variables.iter().cloned());
    let (code, _, said) = finish(command.output().unwrap());
    assert!(code == 0 && ![azurite::SECRET, gcs::SECRET].iter().any(|secret| said.contains(secret)), "{said}");
    let mut files: Vec<PathBuf> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let segments = fs::read_dir(cache.path().join("runs")).unwrap().count();
    (files.iter().map(|file| fs::read(file).unwrap()).collect(), said, segments)
}

#[test]
fn machines_share_what_was_compressed() {
    let top = tempfile::tempdir().unwrap();
    let store = top.path().join("store");
    let shared = format!("file:{}", store.display());
    let (plain, said, _) = packs(top.path(), &shared, "off");
    assert!(!said.contains("warning") && !store.exists(), "{said}");
    let (first, said, segments) = packs(top.path(), &shared, "write");
    assert!(first == plain && !said.contains("warning") && segments == 1, "{segments}: {said}");
    let objects = || -> Vec<PathBuf> {
        // A folder for each encoder.
        let inner = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<_> = inner(store.join("runs")).flat_map(inner).collect();
        found.sort();
        found
    };
    let [object] = &objects()[..] else { panic!("{:?}", objects()) };
    // One of the other machine, and one of what is not shared.
    for used in ["read", "write"] {
        let (again, said, segments) = packs(top.path(), &shared, used);
        assert!(again == plain && !said.contains("warning") && segments == 2, "{segments}: {said}");
    }
    assert_eq!(objects().len(), 1, "what was there was put there again");
    lies(top.path(), &shared, object, &plain);
}

/// One machine leaves what it compressed, another takes it.
fn share(
    variables: &[(&str, String)],
    top: &std::path::Path,
    shared: &str,
    objects: impl Fn() -> usize,
) -> Vec<Vec<u8>> {
    let (plain, said, _) = packs_as(variables, top, shared, "off");
    assert!(!said.contains("warning") && objects() == 0, "{said}");
    let (first, said, segments) = packs_as(variables, top, shared, "write");
    assert!(first == plain && !said.contains("warning") && segments == 1, "{segments}: {said}");
    assert_eq!(objects(), 1);
    let (again, said, segments) = packs_as(variables, top, shared, "read");
    assert!(again == plain && !said.contains("warning") && segments == 2, "{segments}: {said}");
    plain
}

#[test]
fn machines_share_by_google_cloud_storage() {
    let server = gcs::Server::start();
    let (variables, shared, top) = (server.variables(), "gs://bucket/builds/web", server.top.path());
    let plain = share(&variables, top, shared, || server.objects().len());
    let mut stranger = variables;
    "another".clone_into(&mut stranger[1].1);
    let (refused, said, _) = packs_as(&stranger, top, shared, "read");
    assert!(refused == plain && said.contains("warning[engine/cache]") && said.contains("401"), "{said}");
}

#[test]
fn machines_share_by_azure() {
    let Some(server) = azurite::Server::start() else { return };
    let (variables, shared, top) = (server.variables(), "az://bucket/builds/web", server.top.path());
    let plain = share(&variables, top, shared, || server.objects().len());
    let mut stranger = variables;
    "b3RoZXI=".clone_into(&mut stranger[2].1);
    let (refused, said, _) = packs_as(&stranger, top, shared, "read");
    assert!(
        refused == plain && said.contains("warning[engine/cache]") && said.contains("AuthorizationFailure"),
        "{said}"
    );
}

/// Whatever the store gives, the artifacts are the same.
fn lies(top: &std::path::Path, shared: &str, object: &std::path::Path, plain: &[Vec<u8>]) {
    let whole = fs::read(object).unwrap();
    for damage in ["a flipped bit", "cut off", "nothing", "something else"] {
        let mut bytes = whole.clone();
        match damage {
            "a flipped bit" => bytes[1000] ^= 1,
            "cut off" => bytes.truncate(whole.len() / 2),
            "nothing" => bytes.clear(),
            _ => bytes = b"<html>no such page</html>".repeat(1000),
        }
        fs::write(object, &bytes).unwrap();
        let (read, said, _) = packs(top, shared, "read");
        assert!(read == plain && said.contains("warning[engine/cache]"), "{damage}: {said}");
        assert!(fs::read(object).unwrap() == bytes, "{damage}: it only reads");
        let (written, said, _) = packs(top, shared, "write");
        assert!(written == plain && said.contains("warning[engine/cache]"), "{damage}: {said}");
        let (mended, said, _) = packs(top, shared, "write");
        assert!(mended == plain && !said.contains("warning"), "{damage}: {said}");
    }
    // An entry of other content under a key that was asked for: its own digests agree.
    // And one of the right content, whose end is completed by zeros that are none of it.
    for forged in [of_other_content(&whole), without_an_end(&whole)] {
        fs::write(object, &forged).unwrap();
        let (made, said, _) = packs(top, shared, "write");
        assert!(made == plain && said.contains("warning[engine/cache]"), "{said}");
    }
}

const FOOTER: usize = 56;
/// Key, digest, offset, length, CRC-32, bytes of the content.
const RECORD: usize = 32 + 16 + 8 + 8 + 4 + 8;

fn number(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// Where the index of a segment begins.
fn index_of(segment: &[u8]) -> usize {
    number(segment, segment.len() - FOOTER)
}

/// A segment of this data and this index, all of whose digests are right.
fn segment(data: &[u8], index: &[u8], whole: &[u8]) -> Vec<u8> {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(index);
    let (offset, count) = ((data.len() as u64).to_le_bytes(), ((index.len() / RECORD) as u64).to_le_bytes());
    [data, index, &offset, &count, &digest, &whole[whole.len() - 8..]].concat()
}

/// Exchanges the keys of two entries.
fn of_other_content(whole: &[u8]) -> Vec<u8> {
    let (data, rest) = whole.split_at(index_of(whole));
    let mut index = rest[..rest.len() - FOOTER].to_vec();
    // Sorted by key, so the rest of the records is exchanged.
    for at in 32..RECORD {
        index.swap(at, RECORD + at);
    }
    segment(data, &index, whole)
}

/// The content of the first entry in stored blocks, but for its last byte: that is in a block with fixed codes (RFC 1951, 3.2.6) whose end
/// lacks its last two bits, which are zeros.
fn without_an_end(whole: &[u8]) -> Vec<u8> {
    let (data, rest) = whole.split_at(index_of(whole));
    let mut index = rest[..rest.len() - FOOTER].to_vec();
    let (offset, length) = (number(&index, 48), number(&index, 56));
    let mut content = Vec::new();
    let run = [&data[offset..offset + length], &[3, 0]].concat();
    std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(&*run), &mut content).unwrap();
    let (last, stored) = content.split_last().unwrap();
    assert!(*last < 144 && stored.len() < 0x1_0000, "it has a code of eight bits");
    let (size, code) = (stored.len() as u16, u16::from((0x30 + last).reverse_bits()));
    let forged =
        [&[0][..], &size.to_le_bytes(), &(!size).to_le_bytes(), stored, &(0b010 | code << 3).to_le_bytes()].concat();
    index[32..48].copy_from_slice(&<sha2::Sha256 as sha2::Digest>::digest(&forged)[..16]);
    index[48..56].copy_from_slice(&(data.len() as u64).to_le_bytes());
    index[56..64].copy_from_slice(&(forged.len() as u64).to_le_bytes());
    index[64..68].copy_from_slice(&crc32fast::hash(&forged).to_le_bytes());
    segment(&[data, &forged].concat(), &index, whole)
}

#[test]
fn a_bucket_that_is_down_or_slow_costs_seconds() {
    let Some(mut server) = Server::start() else { return };
    let run = |top: &std::path::Path, port: u16| {
        let project = packed(top, "s3://bucket/builds/web");
        let cache = tempfile::tempdir_in(top).unwrap();
        let mut command = fitout(&project);
        command.args(["build"]).env("FITOUT_CACHE_DIR", cache.path());
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", SECRET);
        let start = Instant::now();
        let (code, _, said) = finish(command.output().unwrap());
        assert_eq!(code, 0, "{said}");
        (said, start.elapsed())
    };
    let top = tempfile::tempdir().unwrap();
    assert!(!run(top.path(), server.port).0.contains("warning"));
    let objects = server.objects();
    assert!(objects.len() == 1 && objects[0].starts_with("builds/web/runs/"), "{objects:?}");
    server.stop();
    let (said, took) = run(top.path(), server.port);
    assert!(said.matches("warning[engine/cache]").count() == 1, "{said}");
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    fs::write(top.path().join("project/tree/f0"), "another").unwrap();
    let (said, took_silent) = run(top.path(), silent.local_addr().unwrap().port());
    assert!(said.matches("warning[engine/cache]").count() == 1 && !said.contains(SECRET), "{said}");
    assert!(took < Duration::from_secs(60) && took_silent < Duration::from_secs(120), "{took:?}, {took_silent:?}");
}
