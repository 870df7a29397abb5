//! Archives that are damaged or lie.

use std::io::Cursor;

use super::*;
use crate::codec::hex::hex;
use crate::codec::tar::{END, Member, Type, header, padding, pax};
use sha2::{Digest as _, Sha256};

fn read(bytes: &[u8]) -> Result<Listing, Diagnostic> {
    Oci.read(&mut Cursor::new(bytes), "x.oci.tar")
}

fn tar(members: &[(&str, Type<'_>, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, kind, content) in members {
        let member = Member { path, kind: *kind, mode: 0o644, uid: 0, gid: 0, user: "", group: "", mtime: 0 };
        out.extend(header(&member).unwrap());
        out.extend_from_slice(content);
        out.extend_from_slice(padding(content.len() as u64));
    }
    out.extend_from_slice(END);
    out
}

/// A docker-archive of these layers.
fn docker(layers: &[Vec<u8>]) -> Vec<u8> {
    let ids: Vec<_> = layers.iter().map(|l| format!("\"sha256:{}\"", hex(&Sha256::digest(l)))).collect();
    let config =
        format!(r#"{{"architecture":"amd64","os":"linux","config":null,"rootfs":{{"diff_ids":[{}]}}}}"#, ids.join(","));
    let names: Vec<_> = (0..layers.len()).map(|n| format!("{n}.tar")).collect();
    let manifest = serde_json::json!([{ "Config": "c.json", "RepoTags": ["r.example:5000/a/b:1"], "Layers": names }]);
    let manifest = manifest.to_string();
    let mut members = vec![
        ("c.json", Type::File(config.len() as u64), config.as_bytes()),
        ("manifest.json", Type::File(manifest.len() as u64), manifest.as_bytes()),
    ];
    members.extend(names.iter().zip(layers).map(|(n, l)| (n.as_str(), Type::File(l.len() as u64), l.as_slice())));
    tar(&members)
}

fn small() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Sources::default();
    let mut file = entry("/a", Kind::File(sources.made(b"hello".to_vec())));
    file.capabilities = Some("cap_chown=p".into());
    fs_err::read(build(&plan_of(vec![file]), &sources, folder.path())).unwrap()
}

#[test]
fn damage_anywhere_never_panics_and_is_never_silent() {
    let good = small();
    assert_eq!(problems(&read(&good).unwrap()), [""; 0]);
    // Without the end mark and `manifest.json`, which an oci-archive need not have, all is still there.
    let needed = good.windows(13).position(|w| w == b"manifest.json").unwrap();
    for cut in (0..needed).step_by(7) {
        let told = read(&good[..cut]).map(|l| problems(&l));
        assert!(told.is_err() || told.is_ok_and(|p| !p.is_empty()), "cut at {cut}");
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        let _ = read(&bad);
    }
}

#[test]
fn a_flipped_bit_in_a_blob_is_told() {
    let good = small();
    let blobs = blobs::Blobs::scan(&mut Cursor::new(&good)).unwrap();
    let listing = read(&good).unwrap();
    let digests = listing.checks.iter().filter_map(|c| c.what.strip_prefix("blob "));
    let digests: Vec<_> = digests.filter_map(manifest::sha256_of).collect();
    assert_eq!(digests.len(), 3, "layer, config, manifest");
    for digest in digests {
        let range = blobs.blob(&digest).unwrap();
        for at in range.offset..range.offset + range.length {
            let mut bad = good.clone();
            bad[usize::try_from(at).unwrap()] ^= 1;
            let told = read(&bad).map(|l| problems(&l));
            assert!(told.is_err() || told.is_ok_and(|p| !p.is_empty()), "byte {at}");
        }
    }
}

#[test]
fn whiteouts_take_paths_of_lower_layers_away() {
    let file = |path| (path, Type::File(1), &b"x"[..]);
    let dir = |path| (path, Type::Directory, &b""[..]);
    let lower = tar(&[dir("d"), file("d/a"), file("d/b"), dir("o"), file("o/a"), file("f"), dir("r"), file("r/a")]);
    let upper = tar(&[
        dir("d"),
        (("d/.wh.a"), Type::File(0), b""),
        dir("o"),
        file("o/new"),
        ("o/.wh..wh..opq", Type::File(0), b""),
        (".wh.f", Type::File(0), b""),
        file("r"),
    ]);
    let listing = read(&docker(&[lower, upper])).unwrap();
    assert_eq!(problems(&listing), [""; 0]);
    assert_eq!((&*listing.name, &*listing.version), ("r.example:5000/a/b", "1"));
    let seen: Vec<_> = listing.entries.iter().map(|e| (&*e.path, e.layer.unwrap())).collect();
    assert_eq!(seen, [("/d", 1), ("/d/b", 0), ("/o", 1), ("/o/new", 1), ("/r", 1)]);
}

#[test]
fn lies_are_told() {
    let layer = tar(&[("../../etc/passwd", Type::File(1), b"x")]);
    let listing = read(&docker(&[layer])).unwrap();
    assert_eq!(listing.findings[0].code.name, "artifact/escaping-path");
    let damaged = read(&docker(&[b"no tar".to_vec()])).unwrap();
    assert_eq!(problems(&damaged).len(), 1);
    let good = docker(&[tar(&[])]);
    let text = String::from_utf8_lossy(&good).into_owned();
    let at = text.find("sha256:").unwrap() + 8;
    let mut other = good.clone();
    other[at] = if other[at] == b'0' { b'1' } else { b'0' };
    assert_eq!(problems(&read(&other).unwrap()).len(), 1, "the diff id is another one");
    for (path, content) in [
        ("index.json", &br#"{"manifests":[{"digest":"sha256:../../../../etc/passwd"}]}"#[..]),
        ("index.json", b"{}"),
        ("index.json", b"[[[[[[[["),
        ("manifest.json", b"[]"),
        ("manifest.json", br#"[{"Config":"manifest.json"}]"#),
        ("other", b""),
    ] {
        assert!(read(&tar(&[(path, Type::File(content.len() as u64), content)])).is_err(), "{path}");
    }
    let packed = read(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).unwrap_err();
    assert_eq!(packed.code.name, "artifact/unsupported");
    let mut huge = header(&Member {
        path: "index.json",
        kind: Type::File(1 << 40),
        mode: 0,
        uid: 0,
        gid: 0,
        user: "",
        group: "",
        mtime: 0,
    })
    .unwrap();
    huge.extend_from_slice(&pax::xattr("user.x", b"y").unwrap());
    assert_eq!(read(&huge).unwrap_err().code.name, "artifact/damaged");
    assert!(Oci.recognises(&small()[..512], "x") && !Oci.recognises(b"PK\x03\x04", "x.oci.tar"));
}
