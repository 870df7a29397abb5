//! What earlier builds left changes no byte: cold, warm, without it, damaged, shared by two builds, and after a kill.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{contents, finish, fitout, is_root};

type Artifacts = BTreeMap<String, Vec<u8>>;

/// A project whose content is of all sizes, with a cache of its own.
struct Trial {
    top: tempfile::TempDir,
}

impl Trial {
    fn new() -> Self {
        let trial = Self { top: tempfile::tempdir().unwrap() };
        crate::project(&trial.project(), false, Duration::from_secs(1000));
        // Larger than what is read whole by any number of threads.
        let large: Vec<u8> = (0..9_000_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8 & 0x3f).collect();
        fs::write(trial.project().join("tree/large"), large).unwrap();
        trial
    }

    fn project(&self) -> PathBuf {
        self.top.path().join("project")
    }

    fn cache(&self) -> PathBuf {
        self.top.path().join("cache")
    }

    fn command(&self, cache: &Path, args: &[&str]) -> Command {
        let mut command = fitout(&self.project());
        command.arg("build").args(args).env("FITOUT_CACHE_DIR", cache);
        command
    }

    /// Builds into an empty folder: what came of it, and what was said.
    fn build_with(&self, cache: &Path, args: &[&str]) -> (Artifacts, String) {
        let out = self.top.path().join("out");
        let _ = fs::remove_dir_all(&out);
        let (code, _, stderr) =
            finish(self.command(cache, args).arg("--out").arg(&out).output().expect("fitout starts"));
        assert_eq!(code, 0, "{stderr}");
        let artifacts = contents(&out);
        assert_eq!(artifacts.len(), 6, "{:?}", artifacts.keys());
        (artifacts, stderr)
    }

    /// With the cache: nothing may be wrong with it.
    fn build(&self, args: &[&str]) -> Artifacts {
        let (artifacts, said) = self.build_with(&self.cache(), args);
        assert!(!said.contains("engine/cache"), "{said}");
        artifacts
    }

    fn without_cache(&self) -> Artifacts {
        self.build(&["--no-cache"])
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.cache().join("runs"))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        found.sort();
        found
    }

    fn bytes_of_segments(&self) -> u64 {
        self.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    }

    /// Writes other content into every nth file, and the same content anew into the one before.
    fn change_every(&self, nth: usize) {
        let mut files = Vec::new();
        for folder in fs::read_dir(self.project().join("tree")).unwrap().map(|entry| entry.unwrap().path()) {
            if folder.is_dir() {
                files.extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        files.retain(|path| path.symlink_metadata().unwrap().is_file());
        files.sort();
        for pair in files.chunks(nth).filter(|chunk| chunk.len() > 1) {
            let mut bytes = fs::read(&pair[0]).unwrap();
            fs::write(&pair[1], fs::read(&pair[1]).unwrap()).unwrap();
            bytes.extend(b"changed");
            fs::write(&pair[0], bytes).unwrap();
        }
    }
}

/// Compressed and raw bytes of the entry of a segment that a byte lies in; none for its index and footer.
fn entry_at(whole: &[u8], at: usize) -> Option<(usize, usize)> {
    const FOOTER: usize = 56;
    let number = |at: usize| u64::from_le_bytes(whole[at..at + 8].try_into().unwrap()) as usize;
    let (index, count) = (number(whole.len() - FOOTER), number(whole.len() - FOOTER + 8));
    let records = whole[index..whole.len() - FOOTER].len() / count;
    // A key and a digest, then offset, length, CRC and raw bytes.
    let entries = (0..count).map(|record| index + record * records + 48);
    let mut entries = entries.map(|record| (number(record), number(record + 8), number(record + 20)));
    entries.find(|(offset, length, _)| (*offset..offset + length).contains(&at)).map(|(_, length, raw)| (length, raw))
}

fn same(a: &Artifacts, b: &Artifacts, what: &str) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in a {
        assert!(*bytes == b[name], "{name} differs: {what}");
    }
}

#[test]
fn cold_warm_and_without_cache_give_the_same_bytes_with_any_number_of_jobs() {
    let trial = Trial::new();
    let plain = trial.without_cache();
    assert!(trial.segments().is_empty(), "--no-cache left something");
    same(&plain, &trial.build(&["--jobs", "2"]), "cold");
    let kept = trial.bytes_of_segments();
    assert!(kept > 1_000_000, "only {kept} bytes were kept");
    for jobs in ["1", "2", "8"] {
        same(&plain, &trial.build(&["--jobs", jobs]), "warm");
    }
    assert_eq!(trial.bytes_of_segments(), kept, "a build of the same compressed something again");
    trial.change_every(100);
    let changed = trial.build(&["--jobs", "8"]);
    same(&trial.without_cache(), &changed, "with every 100th file changed");
    assert!(changed.iter().any(|(name, bytes)| plain[name] != *bytes), "nothing changed");
    let more = trial.bytes_of_segments() - kept;
    assert!(more > 0 && more < kept / 3 * 2, "{more} bytes more than {kept}");
    // Formats that want other things of the same content.
    let (narrow, _) = {
        let out = trial.top.path().join("narrow");
        let output = trial.command(&trial.cache(), &["--format", "tarball", "--out"]).arg(&out).output().unwrap();
        let (code, _, stderr) = finish(output);
        assert_eq!(code, 0, "{stderr}");
        (contents(&out), stderr)
    };
    let tarball = narrow.iter().find(|(name, _)| name.ends_with(".tar.gz")).unwrap();
    assert!(*tarball.1 == changed[tarball.0]);
    same(&changed, &trial.build(&[]), "after a build of one format");
}

#[test]
fn a_checkout_elsewhere_finds_what_was_compressed() {
    let (first, second) = (Trial::new(), Trial::new());
    let (one, _) = first.build_with(&first.cache(), &[]);
    let kept = first.bytes_of_segments();
    let (two, said) = second.build_with(&first.cache(), &[]);
    same(&one, &two, &said);
    assert_eq!(first.bytes_of_segments(), kept, "the same content was compressed again");
}

#[test]
fn a_flipped_bit_is_told_and_mended_where_it_is_read_and_found_anywhere() {
    let trial = Trial::new();
    let plain = trial.build(&[]);
    let [segment] = &trial.segments()[..] else { panic!("{:?}", trial.segments()) };
    let whole = fs::read(segment).unwrap();
    let projects = trial.cache().join("projects");
    let known = fs::read_dir(projects).unwrap().next().unwrap().unwrap().path().join("known");
    let (mut told, trials) = (0, 8);
    for number in 0..trials {
        // In the first runs, among small streams, in the index, in the footer.
        let at = whole.len() - 1 - (whole.len() - 1) * number / (trials - 1);
        let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
        file.write_all_at(&[whole[at] ^ 4], at as u64).unwrap();
        drop(file);
        let (artifacts, said) = trial.build_with(&trial.cache(), &[]);
        same(&plain, &artifacts, &said);
        // Also where what was made of damaged bytes is made again.
        assert_eq!(said.matches(" Packed ").count(), artifacts.len() - 1, "{said}");
        let is_told = said.contains("warning[engine/cache]");
        told += usize::from(is_told);
        if !is_told {
            // Nothing read it: a stream of small content that is no shorter than that stands in no zip.
            let entry = entry_at(&whole, at);
            assert!(entry.is_some_and(|(length, raw)| length >= raw && raw < 16 * 1024), "byte {at}: {entry:?}");
            let verify =
                fitout(&trial.project()).args(["cache", "verify"]).env("FITOUT_CACHE_DIR", trial.cache()).output();
            let (code, stdout, stderr) = finish(verify.unwrap());
            assert!(code == 1 && stdout.contains(".runs"), "byte {at}: {stdout}{stderr}");
        }
        let again = trial.build(&[]);
        same(&plain, &again, "after that");
        trial.segments().iter().for_each(|path| fs::remove_file(path).unwrap());
        fs::write(segment, &whole).unwrap();
    }
    assert!(told >= trials - 2, "a flipped bit was told in {told} of {trials} builds");
    let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.set_len(whole.len() as u64 / 2).unwrap();
    drop(file);
    let mut note = fs::read(&known).unwrap();
    let middle = note.len() / 2;
    note[middle] ^= 1;
    fs::write(&known, note).unwrap();
    let (artifacts, said) = trial.build_with(&trial.cache(), &[]);
    same(&plain, &artifacts, &said);
    assert_eq!(said.matches("warning[engine/cache]").count(), 2, "{said}");
    same(&plain, &trial.build(&[]), "after that");
}

#[test]
fn a_cache_that_takes_nothing_costs_a_warning() {
    let trial = Trial::new();
    let plain = trial.without_cache();
    let blocked = trial.top.path().join("blocked");
    fs::create_dir(&blocked).unwrap();
    fs::write(blocked.join("runs"), "a file in the way").unwrap();
    let (artifacts, said) = trial.build_with(&blocked, &[]);
    same(&plain, &artifacts, &said);
    assert!(said.contains("warning[engine/cache]"), "{said}");
    if !is_root() {
        assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "it takes root to mount a small file system");
        println!("note: not root, a full cache is not tried");
        return;
    }
    let full = trial.top.path().join("full");
    fs::create_dir(&full).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "none"]).arg(&full).status().unwrap();
    assert!(mount.success());
    let result = std::panic::catch_unwind(|| {
        let (artifacts, said) = trial.build_with(&full, &[]);
        same(&plain, &artifacts, &said);
        assert!(said.contains("warning[engine/cache]") && said.contains("No space left"), "{said}");
        let left = fs::read_dir(full.join("runs")).map(Iterator::count).unwrap_or(0);
        assert_eq!(left, 0, "something half written is left");
    });
    assert!(Command::new("umount").arg(&full).status().unwrap().success());
    result.unwrap();
}

#[test]
fn the_cache_stays_below_its_size() {
    let trial = Trial::new();
    for round in 0..4 {
        let path = trial.project().join("tree/large");
        let bytes: Vec<u8> = (0..9_000_000u32).map(|i| (i.wrapping_mul(i ^ round) >> 7) as u8 & 0x3f).collect();
        fs::write(path, bytes).unwrap();
        trial.build(&["--cache-size", "15M"]);
        assert!(trial.bytes_of_segments() < 15_000_000, "{}", trial.bytes_of_segments());
    }
    same(&trial.without_cache(), &trial.build(&["--cache-size", "15M"]), "after eviction");
}

#[test]
fn what_many_builds_added_is_made_one() {
    let trial = Trial::new();
    trial.build(&[]);
    for round in 0..12 {
        fs::write(trial.project().join("tree/small"), vec![round; 700]).unwrap();
        trial.build(&[]);
        let count = trial.segments().len();
        assert!(count <= 9, "{count} segments");
    }
    assert!(trial.segments().len() < 8, "{:?}", trial.segments());
    let kept = trial.bytes_of_segments();
    same(&trial.without_cache(), &trial.build(&[]), "from a segment that was made of many");
    assert_eq!(trial.bytes_of_segments(), kept, "something was lost on the way");
}

#[test]
fn two_builds_share_a_cache_at_once() {
    let trial = Trial::new();
    let plain = trial.without_cache();
    for round in 0..2 {
        let children: Vec<_> = ["a", "b", "c"]
            .map(|name| {
                let out = trial.top.path().join(name);
                let mut command = trial.command(&trial.cache(), &["--out"]);
                (command.arg(&out).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap(), out)
            })
            .into();
        for (child, out) in children {
            let (code, _, said) = finish(child.wait_with_output().unwrap());
            assert_eq!(code, 0, "{said}");
            assert!(!said.contains("engine/cache"), "round {round}: {said}");
            same(&plain, &contents(&out), &said);
        }
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_good_cache() {
    let trial = Trial::new();
    let plain = trial.without_cache();
    let kills = if std::env::var_os("FITOUT_SOAK").is_some() { 200 } else { 20 };
    let start = std::time::Instant::now();
    same(&plain, &trial.build(&[]), "cold");
    let whole = start.elapsed();
    let mut killed = 0;
    for number in 0..kills {
        if number % 5 == 0 {
            fs::remove_dir_all(trial.cache()).unwrap();
        }
        let out = trial.top.path().join("killed");
        let _ = fs::remove_dir_all(&out);
        let mut child = trial.command(&trial.cache(), &["--out"]);
        let mut child = child.arg(&out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * (number + 1) / kills);
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        if number % 5 == 4 {
            same(&plain, &trial.build(&[]), "after a kill");
            let runs = trial.cache().join("runs");
            let odd: Vec<_> = fs::read_dir(&runs)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_none_or(|extension| extension != "runs"))
                .collect();
            assert!(odd.is_empty(), "{odd:?}");
            let mode = fs::metadata(&runs).unwrap().mode() & 0o777;
            assert_eq!(mode, 0o700, "others may look into the cache");
        }
    }
    assert!(killed > 0, "no build was killed before its end");
}
