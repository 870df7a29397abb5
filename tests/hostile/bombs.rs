//! Artifacts that claim, or unpack to, more than any machine has.

use std::io::Write as _;
use std::path::Path;

use super::endured;

/// Content of the bombs that really unpack: over the floor of four gibibytes from which the ratio is looked at.
const ZEROS: u64 = 5 << 30;

/// Gives the bytes to every verb that reads artifacts.
fn told(name: &str, bytes: &[u8], code: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs_err::write(folder.path().join(name), bytes).expect("writes the bomb");
    named(folder.path(), &["inspect", "--tree", name], code);
    named(folder.path(), &["lint", name], code);
    endured(name, folder.path(), &["diff", name, name]);
}

/// Gives them to `inspect` alone: unpacking gibibytes takes its time.
fn told_once(name: &str, bytes: &[u8], code: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs_err::write(folder.path().join(name), bytes).expect("writes the bomb");
    named(folder.path(), &["inspect", name], code);
}

/// The verb says this code, and that the answer is no.
fn named(folder: &Path, args: &[&str], code: &str) {
    let (exit, said) = endured(code, folder, args);
    assert!(said.contains(&format!("[{code}]")), "{args:?}: {code} is not in\n{said}");
    let is_error = said.contains("error[");
    assert_eq!(exit != 0, is_error, "{args:?}: exit {exit}\n{said}");
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len());
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(2), b'\n');
    }
    out
}

/// A ustar header with a size of its own; base 256 where octal digits end.
fn tar_header(name: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    // Not by `set_path`, which refuses `..`.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = tar_header(name, content.len() as u64);
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512) + 1024, 0);
    out
}

fn control() -> Vec<u8> {
    tar_of(
        "./control",
        b"Package: bomb\nVersion: 1\nArchitecture: all\nMaintainer: O <o@example.org>\nDescription: x\n",
    )
}

fn deb(data_name: &str, data: &[u8]) -> Vec<u8> {
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), (data_name, data)])
}

/// A file of zeros in a tar, written into a compressor piece by piece.
fn zeros(mut to: impl std::io::Write) {
    to.write_all(&tar_header("./zeros", ZEROS)).expect("writes");
    let block = vec![0; 1 << 20];
    for _ in 0..=ZEROS >> 20 {
        to.write_all(&block).expect("writes");
    }
}

/// What repeats is compressed once: a gzip stream of zeros is one deflate block again and again.
#[test]
fn a_gzip_bomb() {
    let mut head = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    head.write_all(&tar_header("./zeros", ZEROS)).expect("writes");
    head.flush().expect("flushes");
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.extend_from_slice(head.get_ref());
    let mut block = flate2::Compress::new(flate2::Compression::best(), false);
    let mut packed = Vec::with_capacity(1 << 20);
    block.compress_vec(&vec![0; 64 << 20], &mut packed, flate2::FlushCompress::Full).expect("compresses");
    for _ in 0..=ZEROS >> 26 {
        stream.extend_from_slice(&packed);
    }
    told_once("bomb_1_all.deb", &deb("data.tar.gz", &stream), "artifact/decompression-bomb");
}

#[test]
fn a_zstd_bomb() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("zstd starts");
    zeros(&mut encoder);
    let packed = encoder.finish().expect("finishes");
    told_once("bomb-1-linux-amd64.tar.zst", &packed, "artifact/decompression-bomb");
}

/// xz -9 of zeros is 1:6800; many streams behind each other are one file.
#[test]
fn an_xz_bomb() {
    let head = liblzma::encode_all(&tar_header("./zeros", ZEROS)[..], 0).expect("compresses");
    let zeros = vec![0; 64 << 20];
    let block = liblzma::encode_all(&zeros[..], 0).expect("compresses");
    let mut stream = head;
    for _ in 0..=ZEROS >> 26 {
        stream.extend_from_slice(&block);
    }
    told_once("bomb-1-linux-amd64.tar.xz", &stream, "artifact/decompression-bomb");
}

/// A window of 2 GiB, which the decoder would have to allocate.
#[test]
fn a_zstd_window_of_gibibytes() {
    // Magic, a descriptor without single segment, window log 31, one raw block that is the last.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 0x09, 0x00, 0x00, b'x'];
    told("bomb_1_all.deb", &deb("data.tar.zst", &frame), "artifact/damaged");
}

/// Reading a member of 8 EiB ends where the file ends.
#[test]
fn a_tar_member_of_eight_exbibytes() {
    told("bomb-1-linux-amd64.tar", &tar_header("bomb/zeros", (8 << 60) - 1), "artifact/damaged");
    told("bomb_1_all.deb", &deb("data.tar", &tar_header("./zeros", u64::MAX)), "artifact/damaged");
    let control = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &tar_header("./control", 1 << 40))]);
    told("bomb_1_all.deb", &control, "artifact/limit");
}

/// The name of a member may be as long as the archive says it is.
#[test]
fn a_tar_name_of_a_gibibyte() {
    let mut long = tar::Header::new_gnu();
    long.set_path("././@LongLink").expect("a short name");
    long.set_entry_type(tar::EntryType::GNULongName);
    long.set_size(1 << 30);
    long.set_cksum();
    told("bomb-1-linux-amd64.tar", long.as_bytes(), "artifact/limit");
}

/// A header of 2^31 entries, and one whose entry has 2^31 values.
#[test]
fn an_rpm_header_of_two_billion_entries() {
    let mut lead = b"\xed\xab\xee\xdb\x03\x00\x00\x00\x00\x01bomb-1-1".to_vec();
    lead.resize(96, 0);
    lead[78..80].copy_from_slice(&[0, 5]);
    let intro = |entries: u32, bytes: u32| {
        [&[0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0], &entries.to_be_bytes()[..], &bytes.to_be_bytes()[..]].concat()
    };
    told("bomb-1-1.noarch.rpm", &[&lead[..], &intro(1 << 31, 16)].concat(), "rpm/damaged");
    told("bomb-1-1.noarch.rpm", &[&lead[..], &intro(u32::MAX, u32::MAX)].concat(), "rpm/damaged");
    // RPMTAG_NAME as 2^31 strings in a store of one byte.
    let words: [u32; 4] = [1000, 8, 0, 1 << 31];
    let entry: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let empty = intro(0, 0);
    told("bomb-1-1.noarch.rpm", &[&lead[..], &empty, &intro(1, 1), &entry, &[0]].concat(), "rpm/damaged");
}

/// One kernel of deflated zeros that many entries of the directory share, as the densest zip bombs do.
#[test]
fn a_zip_of_overlapping_entries() {
    let mut kernel = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    kernel.write_all(&vec![0; 4 << 20]).expect("writes");
    let kernel = kernel.finish().expect("finishes");
    let word = |n: usize| u32::try_from(n).expect("fits").to_le_bytes();
    let sizes = |crc: u32| [&crc.to_le_bytes()[..], &word(kernel.len()), &word(4 << 20)].concat();
    let crc = crc32fast::hash(&vec![0; 4 << 20]);
    let local =
        [&b"PK\x03\x04\x14\x00\x00\x00\x08\x00\0\0\0\0"[..], &sizes(crc), &[1, 0, 0, 0], b"a", &kernel].concat();
    let count: u16 = 5000;
    let mut directory = Vec::new();
    for entry in 0..count {
        directory.extend_from_slice(b"PK\x01\x02\x14\x00\x14\x00\x00\x00\x08\x00\0\0\0\0");
        directory.extend_from_slice(&sizes(crc));
        directory.extend_from_slice(&[5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        directory.extend_from_slice(format!("{entry:05}").as_bytes());
    }
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count.to_le_bytes(),
        &count.to_le_bytes(),
        &word(directory.len()),
        &word(local.len()),
        &[0, 0],
    ];
    told("bomb-1-linux-amd64.zip", &[local.clone(), directory.clone(), end.concat()].concat(), "zip/overlap");
    // A directory that claims more entries than the file has bytes.
    let claim = [&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 4], &word(0), &word(0), &[0, 0]].concat();
    told("bomb-1-linux-amd64.zip", &claim, "artifact/damaged");
}

/// Paths that would leave the folder, a name that is there twice, and bytes that no reader looks at.
#[test]
fn archives_that_are_not_what_they_seem() {
    let escaping = [&tar_of("bomb/x", b"x")[..1024], &tar_of("../../etc/passwd", b"x")[..]].concat();
    told("bomb-1-linux-amd64.tar", &escaping, "artifact/escaping-path");
    let twice = [&tar_of("bomb/x", b"x")[..1024], &tar_of("bomb/x", b"y")[..]].concat();
    told("bomb-1-linux-amd64.tar", &twice, "artifact/duplicate-entry");
    let behind = [&tar_of("bomb/x", b"x")[..], b"more"].concat();
    told("bomb-1-linux-amd64.tar", &behind, "artifact/odd");
}
