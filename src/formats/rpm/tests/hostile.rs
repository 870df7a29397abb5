//! Packages that are damaged or lie: reported, never a panic, never memory without bound.

use std::io::Cursor;

use proptest::prelude::*;

use super::header::{REGION_IMMUTABLE, REGION_SIGNATURES};
use super::*;

/// A package of a few hundred bytes of payload.
fn small() -> Vec<u8> {
    let (plan, mut sources) = sample::plan();
    let source = sources.made(b"PORT=80\n".to_vec());
    let entries: Vec<Entry> = plan
        .entries
        .iter()
        .map(|e| Entry {
            kind: if matches!(e.kind, Kind::File(_)) { Kind::File(source.clone()) } else { e.kind.clone() },
            ..e.clone()
        })
        .collect();
    let mut plan = sample::plan_of(entries);
    plan.lifecycle.steps = vec![scriptlet("post", "true", &[]), trigger("triggerin", &["bash"], 0, "true", &[])];
    let written = Written::of(&plan, &sources);
    fs_err::read(&written.path).unwrap()
}

fn read(bytes: &[u8]) -> Result<Listing, Diagnostic> {
    Rpm.read(&mut Cursor::new(bytes), "x.rpm")
}

fn problems(listing: &Listing) -> usize {
    listing.checks.iter().filter(|check| check.problem.is_some()).count()
}

/// Where the main header and the payload of a package begin.
fn borders(bytes: &[u8]) -> (usize, usize) {
    let front = super::read::front(&mut Cursor::new(bytes)).unwrap();
    let payload = |main: usize| main + front.main.bytes.len();
    let main = (LEAD_AND_INTRO + front.signature.bytes.len() - 16).next_multiple_of(8);
    (main, payload(main))
}
const LEAD_AND_INTRO: usize = 96 + 16;

#[test]
fn a_package_that_is_cut_off_is_an_error_or_a_failed_check() {
    let bytes = small();
    let (_, payload) = borders(&bytes);
    for cut in (0..bytes.len()).step_by(7) {
        match read(&bytes[..cut]) {
            Err(error) => assert!(cut < payload && error.code == crate::diagnostic::codes::RPM_DAMAGED, "{cut}"),
            Ok(listing) => assert!(cut >= payload && problems(&listing) > 0, "{cut}"),
        }
    }
    for strange in [&b""[..], b"\xed\xab\xee\xdb", &[0; 4096], b"!<arch>\n", &[0xff; 200]] {
        assert!(read(strange).is_err());
    }
}

#[test]
fn every_changed_byte_behind_the_signature_is_noticed() {
    let bytes = small();
    let (main, payload) = borders(&bytes);
    for at in (main..bytes.len()).step_by(11).chain(payload..payload + 60) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x41;
        if let Ok(listing) = read(&bad) {
            assert!(problems(&listing) > 0, "byte {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((0usize..1 << 20, any::<u8>()), 1..8)) {
        thread_local!(static BYTES: Vec<u8> = small());
        let mut bytes = BYTES.with(Clone::clone);
        let length = bytes.len();
        for (at, byte) in changes {
            bytes[at % length] = byte;
        }
        let _ = read(&bytes);
    }
}

/// A package of this main header and payload, without digests.
fn package(main: Writer, payload: &[u8]) -> Vec<u8> {
    let mut signature = Writer::default();
    signature.int32(1000u32, [0]);
    let mut bytes = opening::lead("x", 1, 4).to_vec();
    bytes.extend(signature.finish(REGION_SIGNATURES).bytes);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(main.finish(REGION_IMMUTABLE).bytes);
    bytes.extend_from_slice(payload);
    bytes
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap();
    let member =
        crate::codec::cpio::Member { name: name.as_bytes(), inode: 1, mode: 0o100_644, links: 1, mtime: 0, size };
    let mut out = member.header();
    out.extend_from_slice(content);
    out.extend_from_slice(crate::codec::cpio::padding(u64::from(size)));
    out
}

fn names(main: &mut Writer, dirname: &str, names: &[&str]) {
    main.text(T::RPMTAG_NAME, "x");
    main.texts(T::RPMTAG_DIRNAMES, [dirname]);
    main.texts(T::RPMTAG_BASENAMES, names.iter().copied());
    main.int32(T::RPMTAG_DIRINDEXES, names.iter().map(|_| 0));
    main.int16(T::RPMTAG_FILEMODES, names.iter().map(|_| 0o100_644));
    main.int32(T::RPMTAG_FILESIZES, names.iter().map(|_| 1));
}

#[test]
fn paths_that_escape_or_come_twice_are_found() {
    let mut main = Writer::default();
    names(&mut main, "/usr/../../", &["a", "b", "b"]);
    let payload = [member("./usr/../../a", b"1"), member("./etc/shadow", b"1"), crate::codec::cpio::trailer()].concat();
    let listing = read(&package(main, &payload)).unwrap();
    let said: Vec<&str> = listing.findings.iter().map(|f| f.message.as_str()).collect();
    assert!(said.iter().any(|m| m.contains("leads out")) && said.iter().any(|m| m.contains("twice")), "{said:?}");
    let check = listing.checks.iter().find(|c| c.what == "files of the payload").unwrap();
    let problem = check.problem.as_deref().unwrap();
    assert!(problem.contains("`/etc/shadow` is in the payload and not in the header"), "{problem}");
    assert!(problem.contains("is in the header and not in the payload"), "{problem}");
}

#[test]
fn lists_that_do_not_go_together_are_an_error() {
    for (tag, count) in [(T::RPMTAG_DIRINDEXES, 2), (T::RPMTAG_FILEFLAGS, 2), (T::RPMTAG_FILEINODES, 4)] {
        let mut main = Writer::default();
        names(&mut main, "/", &["a", "b", "c"]);
        main.int32(tag, std::iter::repeat_n(0, count));
        let error = read(&package(main, b"")).unwrap_err();
        assert_eq!(error.code.name, "rpm/damaged");
    }
    let mut main = Writer::default();
    names(&mut main, "/", &["a"]);
    main.int32(T::RPMTAG_DIRINDEXES, [7]);
    assert!(read(&package(main, b"")).unwrap_err().message.contains("not listed"));
}

#[test]
fn one_long_directory_for_many_files_does_not_fill_the_memory() {
    let mut main = Writer::default();
    let long = "/".to_owned() + &"x".repeat(1 << 20);
    names(&mut main, &long, &["a"; 1000]);
    assert!(read(&package(main, b"")).unwrap_err().message.contains("256 MiB"));
}

#[test]
fn a_payload_of_an_unread_codec_is_a_finding_and_old_packages_are_read() {
    let mut main = Writer::default();
    main.text(T::RPMTAG_NAME, "old");
    main.texts(T::RPMTAG_OLDFILENAMES, ["/etc/motd", "bare.spec"]);
    let listing = read(&package(main, b"BZh91AY&SY")).unwrap();
    let [finding] = &listing.findings[..] else { panic!("{:?}", listing.findings) };
    assert_eq!(finding.message, "the payload was not unpacked: bzip2 is not read");
    assert!(finding.notes[0].contains("was not verified"), "{finding:?}");
    assert!(listing.checks.iter().all(|check| check.what != "files of the payload"), "{:?}", listing.checks);
    assert_eq!(listing.arch, "src");
    let paths: Vec<&str> = listing.entries.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["/bare.spec", "/etc/motd"]);
}
