//! Memory does not grow with the input. A small tree here; under `FITOUT_SOAK=1` trees of 4 and 2 GiB, which need 40 GiB of
//! space in the temporary folder.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use support::fitout;

const MIB: u64 = 1 << 20;

const CONFIG: &str = r#"
[package]
name       = "large"
version    = "1.0.0"
summary    = "A large tree"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"
formats = ["deb", "rpm", "tarball", "zip", "oci"]

[[files]]
from = "tree"
to   = "/opt/large"
"#;

/// How large the tree is, and what fitout may hold.
struct Scale {
    tree: u64,
    largest: u64,
    peak: u64,
}

/// Blocks of 1 MiB that do not repeat within the reach of a compressor: noise, and text that packs well.
struct Blocks {
    noise: Vec<u8>,
    text: Vec<u8>,
    count: u64,
}

impl Blocks {
    fn new() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let noise: Vec<u8> = (0..MIB).map(|_| random() as u8).collect();
        let text = (0..MIB).map(|_| b"etaoin shrdlu\n"[(random() % 14) as usize]).collect();
        Self { noise, text, count: 0 }
    }

    /// Writes a file of blocks: of noise, of text, or of both in turn.
    fn write(&mut self, path: &Path, size: u64, kind: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = BufWriter::new(File::create(path).unwrap());
        let mut left = size as usize;
        while left > 0 {
            self.count += 1;
            let noisy = kind == 0 || (kind == 2 && self.count.is_multiple_of(2));
            let block = if noisy { &self.noise } else { &self.text };
            let (before, after) = block.split_at((self.count * 7919 % MIB) as usize);
            for part in [&self.count.to_le_bytes()[..], after, before] {
                let now = left.min(part.len());
                file.write_all(&part[..now]).unwrap();
                left -= now;
            }
        }
        file.flush().unwrap();
    }
}

/// One file that is half of the tree; the other half in files of 12 MiB, 1 MiB and less.
fn tree(folder: &Path, scale: &Scale) {
    let mut blocks = Blocks::new();
    blocks.write(&folder.join("largest"), scale.largest, 2);
    let (mut left, mut number) = (scale.tree - scale.largest, 0);
    while left > 0 {
        let size = [12 * MIB, MIB, 100_000, 5_000][number as usize % 4].min(left);
        blocks.write(&folder.join(format!("d{}/f{number}", number % 10)), size, number % 3);
        left -= size;
        number += 1;
    }
}

/// Runs a build to its end and gives the peak of its resident memory in bytes. The kernel keeps the peak itself; what
/// looking every few milliseconds can miss is a peak in the last of them.
fn peak_of_build(project: &Path, jobs: &str) -> u64 {
    let mut child = fitout(project)
        .args(["build", "-q", "--jobs", jobs])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            peak = peak.max(kib.trim().parse::<u64>().unwrap() * 1024);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(peak > 0, "the kernel does not say");
    peak
}

/// Builds a tree and holds the peak against the bound.
fn is_bounded(scale: &Scale, config: &str, jobs: &str) {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("fitout.toml"), config).unwrap();
    tree(&project.path().join("tree"), scale);
    let peak = peak_of_build(project.path(), jobs);
    println!("peak: {} MiB for {} MiB", peak / MIB, scale.tree / MIB);
    assert!(peak < scale.peak, "{} MiB for a tree of {} MiB", peak / MIB, scale.tree / MIB);
    assert_eq!(fs::read_dir(project.path().join("dist")).unwrap().count(), 6, "five artifacts and the manifest");
}

fn is_long() -> bool {
    std::env::var_os("FITOUT_SOAK").is_some()
}

#[test]
fn memory_is_bounded_whatever_the_input() {
    let scale = if is_long() {
        Scale { tree: 4096 * MIB, largest: 2048 * MIB, peak: 300 * MIB }
    } else {
        Scale { tree: 96 * MIB, largest: 48 * MIB, peak: 150 * MIB }
    };
    is_bounded(&scale, CONFIG, "2");
}

/// zstd's encoders hold their input for each of their threads: how many there are is what is bounded.
#[test]
fn memory_is_bounded_with_many_threads() {
    let formats = ["deb", "rpm", "tarball", "oci"];
    let zstd = formats
        .iter()
        .fold(CONFIG.to_owned(), |config, format| config + &format!("\n[format.{format}]\ncompression = \"zstd:3\"\n"));
    let scale = if is_long() {
        Scale { tree: 2048 * MIB, largest: 1024 * MIB, peak: 300 * MIB }
    } else {
        Scale { tree: 192 * MIB, largest: 96 * MIB, peak: 300 * MIB }
    };
    is_bounded(&scale, &zstd, "32");
}
