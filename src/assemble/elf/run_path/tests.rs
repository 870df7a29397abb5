//! Run paths of the made-up library, of both classes and byte orders; `tests/foreign/run_path.rs` has real programs.
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Read};

use super::*;
use crate::assemble::elf::tests::library;
use crate::assemble::patch::Patched;
use crate::assemble::plan::ElfFile;

const KINDS: [(bool, bool); 4] = [(true, true), (true, false), (false, true), (false, false)];

fn added(bytes: &[u8], folder: &str) -> Result<Vec<u8>, RunPathError> {
    let patch = add(&mut Cursor::new(bytes), folder, Tag::RunPath)?;
    let mut all = Vec::new();
    Patched::new(Cursor::new(bytes), bytes.len() as u64, &patch).read_to_end(&mut all).unwrap();
    assert_eq!(all.len() as u64, patch.size_of(bytes.len() as u64));
    Ok(all)
}

fn facts(bytes: &[u8]) -> ElfFile {
    super::super::read(&mut Cursor::new(bytes), true).unwrap().unwrap()
}

/// Where a number of one class lies in the file header, and what it says.
fn offset(bytes: &[u8], is_64: bool, little: bool, (at_32, at_64): (usize, usize)) -> u64 {
    let (at, width) = if is_64 { (at_64, 8) } else { (at_32, 4) };
    let mut field = bytes[at..at + width].to_vec();
    if little {
        field.reverse();
    }
    field.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The same file without the offset of its section headers: what only its program headers say.
fn by_segments_only(bytes: &[u8], is_64: bool) -> Vec<u8> {
    let mut bare = bytes.to_vec();
    let (at, width) = if is_64 { (40, 8) } else { (32, 4) };
    bare[at..at + width].fill(0);
    bare
}

#[test]
fn the_folder_comes_first_and_all_else_stays() {
    for (is_64, little) in KINDS {
        let old = library(is_64, little, true);
        let once = added(&old, "$ORIGIN").unwrap();
        let twice = added(&once, "/opt/a:/opt/b").unwrap();
        let mut expected = facts(&old);
        expected.runpath.insert(0, "$ORIGIN".into());
        assert_eq!(facts(&once), expected, "64 bit {is_64}, little endian {little}");
        expected.runpath.splice(..0, ["/opt/a".into(), "/opt/b".into()]);
        assert_eq!(facts(&twice), expected);
        // The loader goes by the program headers alone, and they must say the same.
        expected.unstripped = false;
        assert_eq!(facts(&by_segments_only(&twice, is_64)), expected);
        assert_eq!(offset(&old, is_64, little, (28, 32)), offset(&twice, is_64, little, (28, 32)), "no header moved");
    }
}

#[test]
fn a_file_without_a_tag_gets_the_one_that_is_asked_for() {
    for (is_64, little) in KINDS {
        let mut bytes = library(is_64, little, true);
        // DT_RUNPATH becomes DT_FLAGS: the library has no run path then.
        let runpath = if little { 29u64.to_le_bytes() } else { 29u64.to_be_bytes() };
        let tag = if is_64 {
            &runpath[..]
        } else if little {
            &runpath[..4]
        } else {
            &runpath[4..]
        };
        let at = bytes.windows(tag.len()).rposition(|window| window == tag).unwrap();
        let last = if little { at } else { at + tag.len() - 1 };
        bytes[last] = 30;
        assert!(facts(&bytes).runpath.is_empty());
        assert_eq!(facts(&added(&bytes, "/opt/x").unwrap()).runpath, ["/opt/x"]);
        let patch = add(&mut Cursor::new(&bytes), "/opt/x", Tag::RPath).unwrap();
        let mut patched = Patched::new(Cursor::new(&bytes), bytes.len() as u64, &patch);
        let file = super::super::read(&mut patched, true).unwrap().unwrap();
        assert_eq!((file.rpath, file.runpath), (vec!["/opt/x".to_owned()], Vec::new()));
    }
}

#[test]
fn what_is_not_understood_is_left_alone() {
    let bytes = library(true, true, true);
    assert!(matches!(added(&library(true, true, false), "/x"), Err(RunPathError::NoSections)));
    assert!(matches!(added(b"#!/bin/sh", "/x"), Err(RunPathError::Static)));
    let mut appended = bytes.clone();
    appended.extend([7; 16]);
    assert!(matches!(added(&appended, "/x"), Err(RunPathError::Appended)));
    let segments = usize::try_from(offset(&bytes, true, true, (28, 32))).unwrap();
    let mut unreadable = bytes.clone();
    unreadable[segments + 4] = 1;
    let told = added(&unreadable, "/x").unwrap_err().to_string();
    assert_eq!(told, "its last segment may not be read, or written where that is needed");
    let mut huge = bytes;
    huge[segments + 44] = 1;
    assert!(matches!(added(&huge, "/x"), Err(RunPathError::Layout("its `.bss` has more than 64 MiB"))));
}

#[test]
fn bent_files_do_not_panic() {
    let mut seed = 0x0123_4567_89ab_cdef_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let whole = KINDS.map(|(is_64, little)| library(is_64, little, true));
    let mut changed = 0;
    for round in 0..40_000 {
        let mut bytes = whole[round % 4].clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] ^= 1 << random(8);
        }
        let patch = add(&mut Cursor::new(&bytes), "/opt/x", Tag::RunPath);
        changed += u32::from(patch.is_ok_and(|patch| patch.size_of(bytes.len() as u64) < 80 << 20));
    }
    assert!(changed > 1_000, "bits of names and unused fields do no harm, yet only {changed} files were changed");
}
