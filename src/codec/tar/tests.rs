use std::io::Read;
use std::process::{Command, Stdio};

use super::*;

fn member<'a>(path: &'a str, kind: Type<'a>) -> Member<'a> {
    Member { path, kind, mode: 0o644, uid: 0, gid: 0, user: "root", group: "root", mtime: 1_700_000_000 }
}

fn archive(members: &[(Member<'_>, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (member, content) in members {
        let header = header(member).unwrap();
        assert_eq!(length(member), Ok(header.len() as u64));
        out.extend(header);
        out.extend_from_slice(content);
        out.extend_from_slice(padding(content.len() as u64));
    }
    out.extend_from_slice(END);
    out
}

/// What the real tar says of an archive.
fn tar(arguments: &[&str], bytes: &[u8]) -> String {
    use std::io::Write;
    let mut child = Command::new("tar")
        .args(arguments)
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(bytes).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn gnu_tar_reads_names_of_every_length() {
    for len in [3, 98, 99, 100, 101, 155, 255, 256, 257, 511, 512, 513, 4000] {
        let path = format!("./{}", "p".repeat(len - 1));
        let target = "t".repeat(len);
        let dir = format!("{path}d");
        let bytes = archive(&[
            (member(&dir, Type::Directory), b""),
            (member(&path, Type::File(3)), b"abc"),
            (member("./s", Type::Symlink(&target)), b""),
            (member("./z", Type::Hardlink(&path)), b""),
        ]);
        assert_eq!(bytes.len() % 512, 0);
        let listed = tar(&["-tvf", "-"], &bytes);
        let expected = [
            format!("drw-r--r-- root/root         0 2023-11-14 22:13 {dir}/"),
            format!("-rw-r--r-- root/root         3 2023-11-14 22:13 {path}"),
            format!("lrw-r--r-- root/root         0 2023-11-14 22:13 ./s -> {target}"),
            format!("hrw-r--r-- root/root         0 2023-11-14 22:13 ./z link to {path}"),
        ];
        assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
        let mut reader = Reader::new(&bytes[..]);
        assert_eq!(reader.next_member().unwrap().unwrap().path, format!("{dir}/").into_bytes());
        let file = reader.next_member().unwrap().unwrap();
        assert_eq!((file.path, file.kind, file.size), (path.clone().into_bytes(), Kind::File, 3));
        assert_eq!(reader.next_member().unwrap().unwrap().link, target.as_bytes());
        assert_eq!(reader.next_member().unwrap().unwrap().link, path.as_bytes());
        assert_eq!(reader.next_member().unwrap(), None);
        assert_eq!(reader.finish().unwrap(), 0);
    }
}

#[test]
fn gnu_tar_would_write_the_same_header() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("f"), b"12345").unwrap();
    let out = Command::new("tar")
        .args([
            "--format=gnu",
            "--owner=root:0",
            "--group=root:0",
            "--mtime=@1700000000",
            "--mode=0644",
            "-cf",
            "-",
            "-C",
        ])
        .arg(folder.path())
        .arg("f")
        .output()
        .unwrap();
    assert!(out.status.success());
    let ours = header(&member("f", Type::File(5))).unwrap();
    assert_eq!(ours.len(), 512);
    assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&out.stdout[..512]));
}

#[test]
fn sizes_over_eight_gibibytes_and_large_ids_are_carried() {
    let mut big = member("./big", Type::File(9 << 30));
    (big.uid, big.gid) = (4_000_000_000, 3_000_000_000);
    let bytes = header(&big).unwrap();
    let read = Reader::new(&bytes[..]).next_member().unwrap().unwrap();
    assert_eq!((read.size, read.uid, read.gid), (9 << 30, 4_000_000_000, 3_000_000_000));
    let listed = Command::new("tar").args(["-tvf", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = listed.unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(text.contains(" 9663676416 "), "{text}");
}

#[test]
fn what_tar_cannot_carry_is_refused() {
    assert!(matches!(header(&member("a\0b", Type::Directory)), Err(Error::BadPath { .. })));
    assert!(matches!(header(&member("a", Type::Symlink(""))), Err(Error::BadPath { .. })));
    let long = "u".repeat(32);
    let mut owned = member("a", Type::File(0));
    owned.group = &long;
    assert!(matches!(header(&owned), Err(Error::LongOwner { .. })));
    let mut early = member("a", Type::File(0));
    early.mtime = -1;
    assert!(matches!(header(&early), Err(Error::BadTime { .. })));
}

#[test]
fn pax_archives_of_gnu_tar_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = "n".repeat(200);
    fs_err::write(folder.path().join(&name), b"12345").unwrap();
    let out = Command::new("tar")
        .args(["--format=pax", "--mtime=@-1.5", "--owner=u:5000000", "--group=g:1", "-cf", "-", "-C"])
        .arg(folder.path())
        .arg(&name)
        .output()
        .unwrap();
    assert!(out.status.success());
    let mut reader = Reader::new(&out.stdout[..]);
    let read = reader.next_member().unwrap().unwrap();
    let mut content = String::new();
    reader.read_to_string(&mut content).unwrap();
    assert_eq!((read.path, read.uid, read.mtime, content.as_str()), (name.into_bytes(), 5_000_000, -2, "12345"));
    assert!(read.pax);
    assert_eq!(reader.next_member().unwrap(), None);
}

#[test]
fn damage_is_an_error_and_nothing_is_read_into_memory_that_was_only_claimed() {
    let good = archive(&[(member("./a", Type::File(3)), b"abc")]);
    let all = |bytes: &[u8]| -> Result<(), ReadError> {
        let mut reader = Reader::new(bytes);
        while reader.next_member()?.is_some() {}
        Ok(())
    };
    assert!(all(&good).is_ok());
    assert!(matches!(all(b""), Err(ReadError::Truncated { .. })));
    assert!(matches!(all(&good[..514]), Err(ReadError::Truncated { .. })));
    let mut bad = good.clone();
    bad[0] = b'x';
    assert!(matches!(all(&bad), Err(ReadError::BadHeader { .. })));
    for entry_type in [EntryType::GNULongName, EntryType::XHeader] {
        let mut claim = blank(entry_type);
        claim.set_size(1 << 40);
        claim.set_mode(0);
        claim.set_cksum();
        assert!(matches!(all(claim.as_bytes()), Err(ReadError::TooLong { .. })));
    }
}
