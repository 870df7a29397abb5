//! Our packages beside those of rpmbuild and of the rpm crate: tag by tag, and the archive byte by byte.

use std::collections::BTreeMap;

use super::header::Header;
use super::read::front;
use super::*;

/// Says what [`everything`] says.
const SPEC: &str = r#"
%global __os_install_post %{nil}
%global debug_package %{nil}
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _buildhost reproducible
Name: hello
Version: 1.4.0~rc.1+b5
Group: Applications/System
Release: 1
Epoch: 2
Summary: Greets people over HTTP
License: Apache-2.0
URL: https://example.org/hello
VCS: https://example.org/hello.git#0123abc
Packager: Ops Team <ops@example.org>
Vendor: Ops
Requires: foo >= 1:2.0-1, /usr/bin/env
Requires(pre): shadow-utils
Requires(post): both
Requires(preun): both
Requires: (aa or (bb >= 2 and cc))
Requires: config(zzz) = 1
Recommends: rec
Recommends: group(daemon)
Suggests: sug > 1
Supplements: sup
Enhances: enh
Conflicts: conf < 2
Obsoletes: obs <= 1^2
Provides: prov = 3
OrderWithRequires: owr
Prefix: /opt/hello
Prefix: /usr
%description
A server that greets.

It does nothing else.
%install
cd %{buildroot}
mkdir -p etc/hello usr/bin opt/hello/empty usr/share/hello
printf '#!/bin/sh\necho hello\n' > usr/bin/hello; chmod 755 usr/bin/hello
ln -s hello usr/bin/hi
echo PORT=80 > etc/hello/env; echo PORT=80 > etc/hello/env2
printf lic > usr/share/hello/LICENSE; printf doc > usr/share/hello/README
i=0; while [ $i -lt 4000 ]; do printf 0123456789abcdef; i=$((i+1)); done > opt/hello/data
ln opt/hello/data opt/hello/data2; ln opt/hello/data opt/hello/zdata3
: > opt/hello/nothing; ln opt/hello/nothing opt/hello/nothing2
%files
%dir /etc/hello
%config(noreplace) %attr(0640,root,daemon) /etc/hello/env
%config(missingok) /etc/hello/env2
%caps(cap_net_bind_service=ep) /usr/bin/hello
/usr/bin/hi
/opt/hello
%dir /usr/share/hello
%doc /usr/share/hello/README
%license /usr/share/hello/LICENSE
%ghost %attr(0644,root,root) /var/log/hello.log
%ghost %dir %attr(0755,root,root) /var/lib/hello
%pre
echo pre
%post -p /bin/bash
echo post
%preun -p <lua>
print("x")
%postun -p /sbin/ldconfig
%pretrans -p <lua>
print("y")
%posttrans -p "/bin/sh -e"
echo trans
%verifyscript
echo verify
%triggerin -- bash, zsh >= 5
echo tin
%triggerun -p /usr/bin/perl -- bash
echo tun
%triggerpostun -- foo < 1:2-3
echo tpun
%triggerprein -- bash
echo tprein
%filetriggerin -P 500 -- /usr/lib /usr/share/foo
echo fti
%filetriggerun -p <lua> -- /usr/lib
print("z")
%filetriggerpostun -- /x
echo ftpu
%transfiletriggerin -P 7 -- /usr/lib /b
echo tfti
%transfiletriggerun -- /usr/lib
echo tftu
%transfiletriggerpostun -- /usr/lib
echo tftpu
%changelog
* Tue Nov 14 2023 Ops Team <ops@example.org> - 1.4.0
- Release 1.4.0
- more
* Mon Nov 13 2023 Ops Team <ops@example.org> - 1.3
- old
"#;

/// Tags that differ between rpmbuild's package and ours, and why.
const DIFFERENCES: &[(u32, &str)] = &[
    (1064, "RPMVERSION: not rpm made it"),
    (1095, "FILEDEVICES: rpmbuild takes 0 for a ghost that is not in the build root; only equality matters"),
    (1122, "OPTFLAGS: no compiler ran, so no flags are claimed"),
    (1132, "PLATFORM: rpmbuild names the machine that it runs on"),
    (1141, "FILECLASS: a class would keep rpmlint from looking into the file"),
    (1142, "CLASSDICT: the same"),
    (1143, "FILEDEPENDSX: which file needs which relation is told to nobody but `rpm -q --filerequire`"),
    (1144, "FILEDEPENDSN: the same"),
    (1145, "DEPENDSDICT: the same"),
    (5048, "RECOMMENDFLAGS: owners of files are wished for before the files come, which no spec file can say"),
    (5092, "PAYLOADDIGEST: another deflate"),
    (5097, "PAYLOADDIGESTALT: it costs a second pass over all files, and 5092 says as much"),
];

fn headers(path: &Path) -> (Header, Header) {
    let front = front(&mut fs_err::File::open(path).unwrap()).unwrap();
    (front.signature, front.main)
}

/// What rpmbuild makes of [`SPEC`] with a payload of this kind.
fn rpmbuild(folder: &Path, payload: &str) -> PathBuf {
    let spec = folder.join("hello.spec");
    fs_err::write(&spec, SPEC).unwrap();
    let output = Command::new("rpmbuild")
        .args(["-bb", "--target", "x86_64-linux", "--define", &format!("_binary_payload {payload}"), "--define"])
        .arg(format!("_topdir {}", folder.display()))
        .arg(&spec)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("RPMS/x86_64/hello-1.4.0~rc.1+b5-1.x86_64.rpm")
}

#[test]
fn payloads_of_old_packages_are_verified_or_said_not_to_be() {
    for (payload, verified) in [("w6.lzdio", true), ("w6.bzdio", false)] {
        let folder = tempfile::tempdir().unwrap();
        let theirs = rpmbuild(folder.path(), payload);
        let listing = Rpm.read(&mut fs_err::File::open(&theirs).unwrap(), "theirs.rpm").unwrap();
        assert_eq!(listing.checks.iter().filter(|c| c.problem.is_some()).count(), 0, "{:?}", listing.checks);
        let looked_into = listing.checks.iter().any(|check| check.what == "files of the payload");
        let hashed = listing.entries.iter().any(|entry| entry.sha256.is_some());
        assert_eq!((looked_into, hashed, listing.findings.is_empty()), (verified, verified, verified), "{payload}");
        // What is packed has a digest of its own in any case.
        assert!(listing.checks.iter().any(|check| check.what == "payload SHA256"), "{:?}", listing.checks);
    }
}

/// Values as text, whatever their type.
fn values(header: &Header) -> BTreeMap<u32, String> {
    let value = |tag| {
        let texts: Vec<_> = header.texts(tag).collect();
        let numbers: Vec<u64> = header.numbers(tag).collect();
        format!("{texts:?} {numbers:?} {:?}", header.binary(tag))
    };
    header.tags().map(|tag| (tag, value(tag))).collect()
}

#[test]
fn the_header_and_the_archive_are_those_of_rpmbuild() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = rpmbuild(folder.path(), "w3.zstdio");
    let (mut plan, sources) = everything();
    // By gzip large files would stand last.
    plan.rpm.compression.value = Compression::Zstd(3);
    let written = Written::of(&plan, &sources);
    assert_eq!(written.path.file_name(), theirs.file_name());

    let (their_signature, their_main) = headers(&theirs);
    let (our_signature, our_main) = headers(&written.path);
    let (theirs_by_tag, ours_by_tag) = (values(&their_main), values(&our_main));
    let mut differing: Vec<u32> = theirs_by_tag.keys().chain(ours_by_tag.keys()).copied().collect();
    differing.sort_unstable();
    differing.dedup();
    differing.retain(|tag| theirs_by_tag.get(tag) != ours_by_tag.get(tag));
    let allowed: Vec<u32> = DIFFERENCES.iter().map(|(tag, _)| *tag).collect();
    let shown: Vec<_> = differing
        .iter()
        .filter(|t| !allowed.contains(t))
        .map(|t| (t, theirs_by_tag.get(t), ours_by_tag.get(t)))
        .collect();
    assert_eq!(differing, allowed, "{shown:#?}");
    // The digest that rpmbuild has of its archive is that of ours: they are the same to the byte.
    let path = written.path.to_str().unwrap();
    let archive = run("sh", &["-c", "rpm2cpio \"$1\" | sha256sum", "sh", path]);
    assert!(theirs_by_tag[&5097].contains(&archive[..64]), "{:?}", theirs_by_tag[&5097]);

    let tags = |header: &Header| header.tags().filter(|tag| *tag != 1004).collect::<Vec<_>>();
    assert_eq!(tags(&their_signature), tags(&our_signature), "all but MD5");

    // And theirs is read without a complaint.
    let listing = Rpm.read(&mut fs_err::File::open(&theirs).unwrap(), "theirs.rpm").unwrap();
    assert!(listing.checks.iter().any(|c| c.what == "header and payload MD5"));
    assert_eq!(listing.checks.iter().filter(|c| c.problem.is_some()).count(), 0, "{:?}", listing.checks);
    let ours = written.listing();
    assert_eq!(
        (&listing.entries, &listing.relations, &listing.scripts, &listing.changelog),
        (&ours.entries, &ours.relations, &ours.scripts, &ours.changelog)
    );
    assert!(written.rpm(&["--requires"]).contains("rpmlib(BuiltinLuaScripts)"));
}

#[test]
fn the_rpm_crate_reads_what_we_write() {
    for version in [4, 6] {
        let (mut plan, sources) = everything();
        plan.rpm.format_version = version;
        // The crate is built without codecs.
        plan.rpm.compression.value = Compression::None;
        let written = Written::of(&plan, &sources);
        let package = ::rpm::Package::open(&written.path).unwrap();
        package.verify_digests().unwrap();
        let metadata = &package.metadata;
        assert_eq!(metadata.get_nevra().unwrap().to_string(), "hello-2:1.4.0~rc.1+b5-1.x86_64");
        assert!(!metadata.is_source_package());
        let listing = written.listing();
        let theirs = metadata.get_file_entries().unwrap();
        assert_eq!(theirs.len(), listing.entries.len());
        for (theirs, ours) in theirs.iter().zip(&listing.entries) {
            assert_eq!(theirs.path().to_str().unwrap(), ours.path);
            assert_eq!((theirs.user(), theirs.group()), (&*ours.user, &*ours.group));
            assert_eq!(u32::from(theirs.permissions()), ours.mode);
            assert_eq!(theirs.size() as u64, ours.size);
        }
        let mut contents = BTreeMap::new();
        for file in package.files().unwrap() {
            let file = file.unwrap();
            contents.insert(file.metadata.path().to_str().unwrap().to_owned(), file.content().map_or(0, <[u8]>::len));
        }
        let data: usize =
            ["data", "data2", "zdata3"].iter().filter_map(|n| contents.get(&format!("/opt/hello/{n}"))).sum();
        assert!(data >= 64_000 && contents["/etc/hello/env"] == 8, "{contents:?}");
        assert_eq!(metadata.get_triggers().unwrap().len() + metadata.get_file_triggers().unwrap().len(), 7);
    }
}

#[test]
fn we_read_what_the_rpm_crate_writes() {
    use ::rpm::{BuildConfig, CompressionType, FileOptions, PackageBuilder};
    for config in [BuildConfig::v4(), BuildConfig::v6()] {
        let mut builder = PackageBuilder::new("hello", "1.0", "MIT", "x86_64", "Greets");
        builder.using_config(config.compression(CompressionType::None).source_date(1_700_000_000u32));
        builder.with_file_contents(b"PORT=80\n".to_vec(), FileOptions::new("/etc/hello").config().noreplace()).unwrap();
        let package = builder.build().unwrap();
        let mut bytes = Vec::new();
        package.write(&mut bytes).unwrap();
        let listing = Rpm.read(&mut std::io::Cursor::new(bytes), "theirs.rpm").unwrap();
        assert_eq!(listing.checks.iter().filter(|c| c.problem.is_some()).count(), 0, "{:?}", listing.checks);
        assert!(listing.checks.len() >= 4, "{:?}", listing.checks);
        let entry = listing.entries.iter().find(|e| e.path == "/etc/hello").unwrap();
        assert_eq!((entry.size, &entry.flags[..]), (8, &["config(noreplace)".to_owned()][..]));
        assert_eq!(listing.version, "1.0-1");
    }
}

/// Tags of the header that rpmbuild 6.1.0 writes for [`SPEC`] with `--define "_rpmformat 6"`.
const V6: &[u32] = &[
    100, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 1016, 1020, 1021, 1022, 1023, 1024, 1025,
    1030, 1033, 1034, 1035, 1036, 1037, 1039, 1040, 1044, 1045, 1047, 1048, 1049, 1050, 1053, 1054, 1055, 1064, 1065,
    1066, 1067, 1068, 1069, 1079, 1080, 1081, 1082, 1085, 1086, 1087, 1088, 1090, 1091, 1092, 1095, 1096, 1097, 1098,
    1112, 1113, 1114, 1115, 1116, 1117, 1118, 1122, 1124, 1125, 1126, 1132, 1140, 1143, 1144, 1145, 1151, 1152, 1153,
    1154, 5008, 5009, 5010, 5011, 5034, 5035, 5036, 5037, 5046, 5047, 5048, 5049, 5050, 5051, 5052, 5053, 5054, 5055,
    5056, 5057, 5062, 5066, 5067, 5069, 5070, 5071, 5072, 5076, 5077, 5079, 5080, 5081, 5082, 5084, 5085, 5092, 5097,
    5112, 5113, 5114, 5115, 5116, 5120, 5121, 5122, 5123, 5124,
];

#[test]
fn a_v6_package_has_the_tags_of_rpmbuild_6() {
    let (mut plan, sources) = everything();
    plan.rpm.format_version = 6;
    let written = Written::of(&plan, &sources);
    let (signature, main) = headers(&written.path);
    let ours: Vec<u32> = main.tags().collect();
    let missing: Vec<u32> = V6.iter().copied().filter(|tag| !ours.contains(tag)).collect();
    // FILEDEPENDS and DEPENDSDICT as in v4.
    assert_eq!(missing, [1143, 1144, 1145]);
    assert!(ours.iter().all(|tag| V6.contains(tag)), "{ours:?}");
    // SHA256, SHA3-256 and reserved space.
    assert_eq!(signature.tags().collect::<Vec<_>>(), [273, 279, 999]);
    let rpmlib: Vec<String> =
        main.texts(T::RPMTAG_REQUIRENAME).filter(|n| n.starts_with("rpmlib")).map(Into::into).collect();
    let features = [
        "BuiltinLuaScripts",
        "CaretInVersions",
        "FileCaps",
        "LargeFiles",
        "RichDependencies",
        "ScriptletInterpreterArgs",
        "TildeInVersions",
    ];
    assert_eq!(rpmlib, features.map(|feature| format!("rpmlib({feature})")));
}

/// What rpmbuild 6.1.0 says of such files, by libmagic; where fitout does not look into a file it says nothing.
#[test]
fn elf_files_scripts_and_empty_files_are_classed_as_by_rpmbuild() {
    let mut sources = Sources::default();
    let mut entries = vec![entry("/opt", Kind::Directory { shared: true })];
    let mut elf = BTreeMap::new();
    let own = ElfFile { is_64: true, linked: true, ..ElfFile::default() };
    for (name, mode, facts) in [
        ("exec", 0o755, own.clone()),
        ("exec32", 0o755, ElfFile { is_64: false, ..own.clone() }),
        ("libx.so", 0o644, ElfFile { shared: true, ..own.clone() }),
        ("obj.o", 0o644, ElfFile { linked: false, ..own.clone() }),
        ("pie", 0o755, ElfFile { shared: true, debug: true, ..own.clone() }),
    ] {
        let path = format!("/opt/{name}");
        elf.insert(path.as_str().into(), facts);
        entries.push(Entry { mode, ..entry(&path, Kind::File(sources.made(name.as_bytes().to_vec()))) });
    }
    let script = entry("/opt/script", Kind::File(sources.made(b"#!/bin/sh\n".to_vec())));
    entries.push(Entry { mode: 0o755, ..script });
    entries.push(entry("/opt/text", Kind::File(sources.made(b"text".to_vec()))));
    entries.push(entry("/opt/void", Kind::File(sources.made(Vec::new()))));
    entries.push(Entry { mode: 0o755, ..entry("/opt/zpie", Kind::Hardlink { target: "/opt/pie".into() }) });
    let mut plan = sample::plan_of(entries);
    plan.elf.files = elf;
    plan.elf.shebangs.insert("/opt/script".into(), "/bin/sh".into());
    for (version, expected) in [
        (
            6,
            "application/x-executable 2, application/x-executable 1, application/x-sharedlib 0, application/x-object 0, \
             application/x-pie-executable 2, text/x-shellscript 0,  0, inode/x-empty 0, application/x-pie-executable 2",
        ),
        (4, " 2,  1,  0,  0,  2,  0,  0,  0,  2"),
    ] {
        plan.rpm.format_version = version;
        let (_, main) = headers(&Written::of(&plan, &sources).path);
        let (index, words) = if version == 6 {
            (T::RPMTAG_FILEMIMEINDEX, T::RPMTAG_MIMEDICT)
        } else {
            (T::RPMTAG_FILECLASS, T::RPMTAG_CLASSDICT)
        };
        let words: Vec<_> = main.texts(words).collect();
        let colors = main.numbers(T::RPMTAG_FILECOLORS);
        let said = main.numbers(index).zip(colors).map(|(word, color)| format!("{} {color}", words[word as usize]));
        assert_eq!(said.collect::<Vec<_>>().join(", "), expected, "v{version}");
    }
}
