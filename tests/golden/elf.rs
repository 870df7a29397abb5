//! ELF files that are the same bytes on every machine: a case describes them in `NAME.elf`, a line for each thing.
//!
//! ```text
//! program /lib64/ld-linux-x86-64.so.2     or: library libgreet.so.1
//! needs   libc.so.6 GLIBC_2.34 GLIBC_2.2.5
//! has     GREET_1.0
//! runpath $ORIGIN/../lib                  or: rpath
//! ```
//!
//! Real enough for readelf, elfdeps and the run paths of `bundle`: 64-bit little-endian, headers, string table, dynamic
//! section with room for one tag more, version sections. There is no code in them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const DYNAMIC_TAGS: &[(&str, u64)] = &[("needs", 1), ("library", 14), ("rpath", 15), ("runpath", 29)];

/// Makes the ELF files that the `.elf` files below a folder describe, in their place and without the ending.
pub fn make_all(folder: &Path) {
    for entry in fs_err::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.is_symlink() {
            make_all(&path);
        } else if path.extension().is_some_and(|extension| extension == "elf") {
            let text = fs_err::read_to_string(&path).expect("a description");
            let made = path.with_extension("");
            fs_err::write(&made, bytes(&text)).expect("writes the file");
            fs_err::set_permissions(&made, std::fs::Permissions::from_mode(0o755)).expect("sets its mode");
            fs_err::remove_file(&path).expect("removes the description");
        }
    }
}

/// The file with its sections so far.
struct Maker {
    out: Vec<u8>,
    strings: Vec<u8>,
    /// Name, type, flags, offset, size, link, info.
    sections: Vec<[u64; 7]>,
}

impl Maker {
    fn n(&mut self, value: u64, width: usize) -> &mut Self {
        self.out.extend(&value.to_le_bytes()[..width]);
        self
    }

    fn string(&mut self, text: &str) -> u64 {
        let at = self.strings.len() as u64;
        self.strings.extend(text.bytes().chain([0]));
        at
    }

    /// What was written since `from` is a section.
    fn section(&mut self, name: &str, kind: u64, from: u64, info: u64) -> [u64; 2] {
        let (size, link) = (self.out.len() as u64 - from, if kind == 3 || kind == 1 { 0 } else { 1 });
        let name = self.string(name);
        self.sections.push([name, kind, 2, from, size, link, info]);
        self.out.resize(self.out.len().next_multiple_of(8), 0);
        [from, size]
    }
}

/// The value in `DT_VERNEED` and the like of a symbol version: the hash of the gABI.
fn hash(name: &str) -> u64 {
    let step = |hash: u32, byte: u8| {
        let hash = (hash << 4).wrapping_add(byte.into());
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    };
    name.bytes().fold(0, step).into()
}

/// The bytes of one description.
fn bytes(text: &str) -> Vec<u8> {
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let of = |what: &'static str| lines.iter().filter(move |line| line.first() == Some(&what));
    let interpreter = of("program").next().map(|line| line[1]);
    let own_name = of("library").next().map_or("", |line| line[1]);
    let segments = 2 + u64::from(interpreter.is_some());
    let mut m = Maker { out: vec![0; 64 + 56 * 3], strings: vec![0], sections: vec![[0; 7]] };

    // The strings come first in the file, so that all indices are known.
    let mut tags: Vec<(u64, u64)> = Vec::new();
    let mut needed: Vec<(u64, Vec<(u64, u64)>)> = Vec::new();
    for line in lines.iter().filter(|line| line.len() > 1) {
        let Some((what, tag)) = DYNAMIC_TAGS.iter().find(|(what, _)| *what == line[0]) else { continue };
        let index = m.string(line[1]);
        tags.push((*tag, index));
        if *what == "needs" {
            needed.push((index, line[2..].iter().map(|version| (hash(version), m.string(version))).collect()));
        }
    }
    let has: Vec<(u64, u64)> = of("has").map(|line| (hash(line[1]), m.string(line[1]))).collect();
    let base = m.string(own_name);
    let from = m.out.len() as u64;
    let strings = m.strings.clone();
    m.out.extend(&strings);
    let [strings_at, strings_size] = m.section(".dynstr", 3, from, 0);
    tags.extend([(5, strings_at), (10, strings_size), (0x6fff_fef5, 0)]);

    let mut interp = [0, 0];
    if let Some(interpreter) = interpreter {
        let from = m.out.len() as u64;
        m.out.extend(interpreter.bytes().chain([0]));
        interp = m.section(".interp", 1, from, 0);
        tags.push((21, 0));
    }
    let versioned: Vec<_> = needed.into_iter().filter(|(_, versions)| !versions.is_empty()).collect();
    if !versioned.is_empty() {
        let from = m.out.len() as u64;
        for (n, (name, versions)) in versioned.iter().enumerate() {
            let next = if n + 1 < versioned.len() { 16 + 16 * versions.len() as u64 } else { 0 };
            m.n(1, 2).n(versions.len() as u64, 2).n(*name, 4).n(16, 4).n(next, 4);
            for (k, (hash, version)) in versions.iter().enumerate() {
                m.n(*hash, 4).n(0, 2).n(2 + k as u64, 2).n(*version, 4);
                m.n(if k + 1 < versions.len() { 16 } else { 0 }, 4);
            }
        }
        m.section(".gnu.version_r", 0x6fff_fffe, from, versioned.len() as u64);
        tags.extend([(0x6fff_fffe, from), (0x6fff_ffff, versioned.len() as u64)]);
    }
    if !has.is_empty() {
        let from = m.out.len() as u64;
        let all: Vec<(u64, u64)> = std::iter::once((hash(own_name), base)).chain(has).collect();
        for (n, (hash, name)) in all.iter().enumerate() {
            let next = if n + 1 < all.len() { 28 } else { 0 };
            m.n(1, 2).n(u64::from(n == 0), 2).n(n as u64 + 1, 2).n(1, 2).n(*hash, 4).n(20, 4).n(next, 4);
            m.n(*name, 4).n(0, 4);
        }
        m.section(".gnu.version_d", 0x6fff_fffd, from, all.len() as u64);
        tags.extend([(0x6fff_fffc, from), (0x6fff_fffd, all.len() as u64)]);
    }
    let from = m.out.len() as u64;
    for (tag, value) in tags.into_iter().chain([(0, 0); 2]) {
        m.n(tag, 8).n(value, 8);
    }
    let dynamic = m.section(".dynamic", 6, from, 0);
    headers(m, segments, interp, dynamic)
}

/// Puts the headers to it.
fn headers(mut m: Maker, segments: u64, interp: [u64; 2], dynamic: [u64; 2]) -> Vec<u8> {
    let whole = m.out.len() as u64;
    let from = whole;
    let name = m.string(".shstrtab");
    let names = m.strings.clone();
    m.out.extend(&names);
    m.sections.push([name, 3, 0, from, names.len() as u64, 0, 0]);
    m.out.resize(m.out.len().next_multiple_of(8), 0);
    let sections_at = m.out.len() as u64;
    for [name, kind, flags, offset, size, link, info] in std::mem::take(&mut m.sections) {
        let address = if flags == 0 { 0 } else { offset };
        m.n(name, 4).n(kind, 4).n(flags, 8).n(address, 8).n(offset, 8).n(size, 8).n(link, 4).n(info, 4);
        m.n(if kind == 0 { 0 } else { 8 }, 8).n(if kind == 6 { 16 } else { 0 }, 8);
    }
    let count = (m.out.len() as u64 - sections_at) / 64;
    let body = std::mem::take(&mut m.out);
    m.out.extend(b"\x7fELF\x02\x01\x01");
    m.out.resize(16, 0);
    m.n(3, 2).n(62, 2).n(1, 4).n(0, 8).n(64, 8).n(sections_at, 8).n(0, 4).n(64, 2).n(56, 2).n(segments, 2);
    m.n(64, 2).n(count, 2).n(count - 1, 2);
    let mut segment = |kind: u64, [offset, size]: [u64; 2]| {
        m.n(kind, 4).n(6, 4).n(offset, 8).n(offset, 8).n(offset, 8).n(size, 8).n(size, 8).n(8, 8);
    };
    if segments == 3 {
        segment(3, interp);
    }
    segment(1, [0, whole]);
    segment(2, dynamic);
    let head = m.out.len();
    m.out.extend(&body[head..]);
    m.out
}

/// What binutils and rpm read in them: none of the goldens would be worth much if it were not so.
#[test]
fn the_made_files_are_elf_files() {
    let folder = tempfile::tempdir().unwrap();
    let text = "program /lib64/ld-linux-x86-64.so.2\nneeds libc.so.6 GLIBC_2.34 GLIBC_2.2.5\nneeds libx.so.1\n\
                library liby.so.1\nhas Y_1\nrunpath $ORIGIN\n";
    fs_err::write(folder.path().join("made.elf"), text).unwrap();
    make_all(folder.path());
    let made = folder.path().join("made").display().to_string();
    let Some(said) = super::support::tool("readelf", &["-W", "-l", "-d", "-V", &made]) else { return };
    for part in
        ["interpreter: /lib64/ld-linux-x86-64.so.2]", "[libx.so.1]", "[$ORIGIN]", "Name: GLIBC_2.2.5", "Name: Y_1"]
    {
        assert!(said.contains(part), "{part}:\n{said}");
    }
}
