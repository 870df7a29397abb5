//! A made-up ELF file with every table, and what becomes of it when it is cut or bent.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use super::*;

/// Strings of the made-up file, each at its index of the string table.
const STRINGS: &[&str] = &[
    "",
    "libfoo.so.1",
    "libc.so.6",
    "GLIBC_2.34",
    "GLIBC_2.2.5",
    "$ORIGIN/../lib:/opt/x",
    "FOO_1",
    "FOO_2",
    ".debug_info",
    "libssl.so.3",
];

fn index(name: &str) -> u32 {
    let mut at = 0;
    for s in STRINGS {
        if *s == name {
            return at;
        }
        at += u32::try_from(s.len()).unwrap() + 1;
    }
    panic!("no string {name}");
}

/// Writes numbers of one class and byte order.
struct Maker {
    out: Vec<u8>,
    is_64: bool,
    little: bool,
}

impl Maker {
    fn n(&mut self, value: u64, width: usize) -> &mut Self {
        let bytes = value.to_le_bytes();
        let mut part = bytes[..width].to_vec();
        if !self.little {
            part.reverse();
        }
        self.out.extend(part);
        self
    }
    fn word(&mut self, value: u64) -> &mut Self {
        let width = if self.is_64 { 8 } else { 4 };
        self.n(value, width)
    }
    fn at(&self) -> u64 {
        self.out.len() as u64
    }
    fn section(&mut self, name: u32, kind: u32, (offset, size): (u64, u64), link: u64, info: u64) {
        // All but debug information is loaded: `SHF_ALLOC`.
        self.n(name.into(), 4)
            .n(kind.into(), 4)
            .word(if kind == 1 { 0 } else { 2 })
            .word(offset)
            .word(offset)
            .word(size);
        self.n(link, 4).n(info, 4).word(0).word(0);
    }
}

/// A library `libfoo.so.1` that needs `libc.so.6` and `libssl.so.3`; with or without section headers.
pub(super) fn library(is_64: bool, little: bool, sections: bool) -> Vec<u8> {
    let mut m = Maker { out: b"\x7fELF".to_vec(), is_64, little };
    m.out.extend([1 + u8::from(is_64), 2 - u8::from(little), 1]);
    m.out.resize(if is_64 { 64 } else { 52 }, 0);
    let mut parts = vec![m.at()];
    m.out.extend(STRINGS.join("\0").bytes().chain([0]));
    parts.push(m.at());
    let needs = u64::from(index("libc.so.6"));
    m.n(1, 2).n(2, 2).n(needs, 4).n(16, 4).n(0, 4);
    m.n(7, 4).n(0, 2).n(2, 2).n(index("GLIBC_2.34").into(), 4).n(16, 4);
    m.n(8, 4).n(0, 2).n(3, 2).n(index("GLIBC_2.2.5").into(), 4).n(0, 4);
    parts.push(m.at());
    m.n(1, 2).n(1, 2).n(1, 2).n(1, 2).n(0, 4).n(20, 4).n(28, 4).n(index("libfoo.so.1").into(), 4).n(0, 4);
    m.n(1, 2).n(0, 2).n(2, 2).n(2, 2).n(0, 4).n(20, 4).n(0, 4);
    m.n(index("FOO_2").into(), 4).n(8, 4).n(index("FOO_1").into(), 4).n(0, 4);
    parts.push(m.at());
    for (tag, value) in [
        (1, needs),
        (1, index("libssl.so.3").into()),
        (14, index("libfoo.so.1").into()),
        (29, index("$ORIGIN/../lib:/opt/x").into()),
        (5, parts[0]),
        (10, parts[1] - parts[0]),
        (0x6fff_fef5, 0),
        (0x6fff_fffe, parts[1]),
        (0x6fff_ffff, 1),
        (0x6fff_fffc, parts[2]),
        (0x6fff_fffd, 2),
        (0, 0),
    ] {
        m.word(tag).word(value);
    }
    parts.push(m.at());
    let part = |n: usize| (parts[n], parts[n + 1] - parts[n]);
    let segments = m.at();
    let whole = segments + if is_64 { 2 * 56 } else { 2 * 32 };
    for (kind, (offset, size)) in [(1u64, (0, whole)), (2, part(3))] {
        if is_64 {
            m.n(kind, 4).n(6, 4).word(offset).word(offset).word(0).word(size).word(size).word(0);
        } else {
            m.n(kind, 4).word(offset).word(offset).word(0).word(size).word(size).n(6, 4).word(0);
        }
    }
    let headers = m.at();
    if sections {
        m.section(0, 0, (0, 0), 0, 0);
        m.section(0, 3, part(0), 0, 0);
        m.section(0, 0x6fff_fffe, part(1), 1, 1);
        m.section(0, 0x6fff_fffd, part(2), 1, 2);
        m.section(0, 6, part(3), 1, 0);
        m.section(index(".debug_info"), 1, (0, 0), 0, 0);
    }
    let mut head = Maker { out: m.out[..16].to_vec(), is_64, little };
    head.n(3, 2).n(if is_64 { 62 } else { 40 }, 2).n(1, 4).word(0).word(segments);
    head.word(if sections { headers } else { 0 }).n(0x500_0400, 4).n(0, 2);
    head.n(if is_64 { 56 } else { 32 }, 2).n(2, 2).n(if is_64 { 64 } else { 40 }, 2);
    head.n(if sections { 6 } else { 0 }, 2).n(u64::from(sections), 2);
    m.out.splice(..head.out.len(), head.out);
    m.out
}

fn parse(bytes: &[u8]) -> Result<Option<ElfFile>, ElfError> {
    read(&mut Cursor::new(bytes), true)
}

#[test]
fn reads_both_classes_both_orders_with_and_without_sections() {
    for (is_64, little, sections) in
        [(true, true, true), (true, false, true), (false, true, true), (false, false, false), (true, true, false)]
    {
        let facts = parse(&library(is_64, little, sections)).unwrap().unwrap();
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let expected = ElfFile {
            is_64,
            little_endian: little,
            machine: if is_64 { 62 } else { 40 },
            flags: 0x500_0400,
            soname: Some("libfoo.so.1".into()),
            needed: words(&["libc.so.6", "libssl.so.3"]),
            verneed: BTreeMap::from([(
                "libc.so.6".into(),
                words(&["GLIBC_2.2.5", "GLIBC_2.34"]).into_iter().collect(),
            )]),
            verdef: BTreeSet::from_iter(words(&["FOO_1", "FOO_2"])),
            verdef_base: Some("libfoo.so.1".into()),
            runpath: words(&["$ORIGIN/../lib", "/opt/x"]),
            gnu_hash_only: true,
            dynamic: true,
            linked: true,
            shared: true,
            executable: true,
            unstripped: sections,
            ..ElfFile::default()
        };
        assert_eq!(facts, expected, "64 bit {is_64}, little endian {little}, sections {sections}");
    }
}

#[test]
fn other_files_are_not_elf() {
    for bytes in [&b""[..], b"\x7fEL", b"#!/bin/sh\n", b"PK\x03\x04 and more"] {
        assert!(parse(bytes).unwrap().is_none());
    }
    assert!(matches!(parse(b"\x7fELF"), Err(ElfError::Outside("identification"))));
}

#[test]
fn cut_at_every_length() {
    let program = fs_err::read(std::env::current_exe().unwrap()).unwrap();
    for whole in [library(true, true, true), library(false, false, false), program[..4096].to_vec()] {
        for length in 4..whole.len().min(4096) {
            assert!(parse(&whole[..length]).is_err(), "{length} bytes of {} were accepted", whole.len());
        }
    }
}

#[test]
fn bent_files_do_not_panic() {
    let mut seed = 0x1234_5678_9abc_def0_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let whole = [library(true, true, true), library(false, true, true), library(true, false, false)];
    let mut accepted = 0;
    for round in 0..60_000 {
        let mut bytes = whole[round % 3].clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] ^= 1 << random(8);
        }
        accepted += u32::from(parse(&bytes).is_ok());
    }
    assert!(accepted > 1_000, "bits of names and unused fields do no harm, yet only {accepted} files were accepted");
}

#[test]
fn claims_are_bounded() {
    // A version section that says it has four thousand million entries, each a step of one byte further.
    let mut bytes = library(true, true, true);
    let zeros = bytes.len() as u64;
    bytes.resize(bytes.len() + (20 << 20), 0);
    let table = usize::try_from(u64::from_le_bytes(bytes[40..48].try_into().unwrap())).unwrap();
    let dynamic = table + 4 * 64;
    bytes[dynamic + 24..dynamic + 32].copy_from_slice(&zeros.to_le_bytes());
    bytes[dynamic + 32..dynamic + 40].copy_from_slice(&(20u64 << 20).to_le_bytes());
    assert!(matches!(parse(&bytes), Err(ElfError::TooLarge)));
    // Needed libraries without end.
    let mut bytes = library(true, true, true);
    let list = bytes.len() as u64;
    let entry: Vec<u8> = [1u64, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.extend(entry.repeat(500_000));
    bytes[dynamic + 24..dynamic + 32].copy_from_slice(&list.to_le_bytes());
    bytes[dynamic + 32..dynamic + 40].copy_from_slice(&8_000_000u64.to_le_bytes());
    assert!(matches!(parse(&bytes), Err(ElfError::TooLarge)));
}

#[test]
fn names_cannot_carry_line_breaks() {
    let mut bytes = library(true, true, true);
    let at = bytes.windows(11).position(|w| w == b"libssl.so.3").unwrap();
    bytes[at + 3] = b'\n';
    assert!(matches!(parse(&bytes), Err(ElfError::Invalid("the name of a needed library"))));
}

#[test]
fn machines_have_go_names() {
    let file = |machine: elf::Machine, is_64, little_endian, flags| ElfFile {
        machine: machine.0,
        is_64,
        little_endian,
        flags,
        ..ElfFile::default()
    };
    let hard = elf::EF_ARM_ABI_FLOAT_HARD;
    for (facts, name) in [
        (file(elf::EM_X86_64, true, true, 0), "amd64"),
        (file(elf::EM_X86_64, false, true, 0), "x32"),
        (file(elf::EM_AARCH64, true, true, 0), "arm64"),
        (file(elf::EM_ARM, false, true, hard), "arm/v7"),
        (file(elf::EM_ARM, false, true, elf::EF_ARM_ABI_FLOAT_SOFT), "arm/v5"),
        (file(elf::EM_S390, true, false, 0), "s390x"),
        (file(elf::EM_MIPS, false, false, 0), "32-bit big-endian MIPS"),
        (file(elf::EM_PPC64, true, false, 1), "64-bit big-endian PowerPC"),
    ] {
        assert_eq!(machine_name(&facts), name);
    }
    let go = file(elf::EM_ARM, false, true, 0x0500_0000);
    assert!(runs_on(&go, Arch::Arm5) && runs_on(&go, Arch::Arm7) && !runs_on(&go, Arch::Arm64));
    assert!(!runs_on(&file(elf::EM_ARM, false, true, hard), Arch::Arm5));
}

#[test]
fn shebangs() {
    assert_eq!(shebang(b"#! /bin/sh -e\necho").as_deref(), Some("/bin/sh -e"));
    assert_eq!(shebang(b"#!/usr/bin/env python3\r\n").as_deref(), Some("/usr/bin/env python3"));
    assert_eq!(shebang(b"#!nothing\n"), None);
    assert_eq!(shebang(b"\x7fELF"), None);
}
