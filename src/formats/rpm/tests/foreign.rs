//! What rpm 4.18, cpio and rpmlint say of our packages.

use super::*;

#[test]
fn rpm_takes_the_sample_with_every_codec_and_finds_its_digests_right() {
    let (mut plan, sources) = sample::plan();
    for compression in [Compression::Gzip(6), Compression::Xz(2), Compression::Zstd(3), Compression::None] {
        for version in [4, 6] {
            plan.rpm.compression.value = compression;
            plan.rpm.format_version = version;
            let written = Written::of(&plan, &sources);
            let path = written.path.to_str().unwrap();
            assert_eq!(written.path.file_name().unwrap(), "hello-1.4.0~rc.1+b5-1.x86_64.rpm");
            assert_eq!(run("rpm", &["-K", "--nosignature", path]), format!("{path}: digests OK\n"));
            let verbose = run("rpm", &["-Kv", "--nosignature", path]);
            assert!(!verbose.contains("BAD") && !verbose.contains("NOTFOUND"), "{verbose}");
            for line in ["Header SHA256 digest: OK", "Payload SHA256 digest: OK"] {
                assert!(verbose.contains(line), "{verbose}");
            }
            // cpio does not know the stripped form of v6.
            if version == 4 {
                let listed = run("sh", &["-c", "rpm2cpio \"$1\" | cpio -t --quiet", "sh", path]);
                assert_eq!(
                    listed.lines().collect::<Vec<_>>(),
                    [
                        "./etc/hello",
                        "./etc/hello/env",
                        "./usr/bin/hello",
                        "./usr/bin/hi",
                        "./usr/lib/hello",
                        "./usr/lib/hello/empty",
                        "./usr/lib/hello/nothing",
                        "./usr/lib/hello/data",
                        "./usr/lib/hello/data2",
                    ]
                );
            }
            let listing = written.listing();
            for check in &listing.checks {
                assert_eq!(check.problem, None, "{} {compression:?} v{version}", check.what);
            }
            assert!(listing.checks.len() >= 6 && listing.findings.is_empty(), "{:?}", listing.checks);
        }
    }
}

/// Owned by root, so that the installation of an ordinary user does not differ.
fn install(written: &Written) -> (String, Vec<String>) {
    let root = written.folder.path().join("root");
    let root = root.to_str().unwrap().to_owned();
    let path = written.path.to_str().unwrap();
    let base = ["--force-debian", "--root", &root, "--dbpath", "/db"];
    run("rpm", &[&base[..], &["-i", "--nodeps", "--noscripts", "--notriggers", "--nosignature", path]].concat());
    let base = base.iter().map(|word| (*word).to_owned()).collect();
    (root, base)
}

#[test]
fn rpm_installs_what_it_verifies_to_the_last_bit() {
    for version in [4, 6] {
        let (mut plan, sources) = sample::plan();
        plan.rpm.format_version = version;
        let written = Written::of(&plan, &sources);
        let (root, base) = install(&written);
        let base: Vec<&str> = base.iter().map(String::as_str).collect();
        assert_eq!(run("rpm", &[&base[..], &["-V", "--nodeps", "hello"]].concat()), "");
        let data = fs_err::read(format!("{root}/usr/lib/hello/data")).unwrap();
        assert_eq!(data.len(), 160_000);
        let inode = |path: &str| std::os::unix::fs::MetadataExt::ino(&fs_err::metadata(path).unwrap());
        assert_eq!(inode(&format!("{root}/usr/lib/hello/data")), inode(&format!("{root}/usr/lib/hello/data2")));
        // Verifying is no empty promise.
        fs_err::write(format!("{root}/usr/lib/hello/nothing"), "something").unwrap();
        let output = Command::new("rpm").args(&base).args(["-V", "--nodeps", "hello"]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("S.5....T.    /usr/lib/hello/nothing"));
        // Shared directories are not ours and stay.
        run("rpm", &[&base[..], &["-e", "--nodeps", "--noscripts", "hello"]].concat());
        assert!(
            !Path::new(&format!("{root}/usr/lib/hello")).exists() && Path::new(&format!("{root}/usr/bin")).exists()
        );
    }
}

#[test]
fn rpm_installs_three_names_of_one_inode_and_relocates() {
    let (mut plan, sources) = everything();
    plan.rpm.relations.clear();
    // Capabilities want a file system that keeps them.
    let entries: Vec<Entry> =
        plan.entries.iter().map(|e| Entry { capabilities: None, owner: Owner::root(), ..e.clone() }).collect();
    plan.entries = entries.into();
    let written = Written::of(&plan, &sources);
    let root = written.folder.path().join("root");
    let (root, path) = (root.to_str().unwrap(), written.path.to_str().unwrap());
    let base = ["--force-debian", "--root", root, "--dbpath", "/db"];
    let options =
        ["-i", "--nodeps", "--noscripts", "--notriggers", "--nosignature", "--relocate", "/opt/hello=/srv/hi"];
    run("rpm", &[&base[..], &options, &[path]].concat());
    let meta = |name: &str| fs_err::metadata(format!("{root}/srv/hi/{name}")).unwrap();
    for name in ["data", "data2", "zdata3"] {
        assert_eq!(std::os::unix::fs::MetadataExt::nlink(&meta(name)), 3);
        assert_eq!(meta(name).len(), 64_000);
    }
    assert_eq!(run("rpm", &[&base[..], &["-V", "--nodeps", "--noscripts", "hello"]].concat()), "");
}

#[test]
fn rpm_says_what_the_plan_says() {
    let (plan, sources) = everything();
    let written = Written::of(&plan, &sources);
    let dump = written.rpm(&["--dump"]);
    let line = |path: &str| dump.lines().find(|l| l.starts_with(&format!("{path} "))).unwrap().to_owned();
    assert!(line("/etc/hello/env").ends_with(" 0100640 root daemon 1 0 0 X"));
    assert!(line("/var/log/hello.log").contains(" 0 1700000000 "));
    assert!(line("/usr/bin/hi").ends_with(" 0120777 root root 0 0 0 hello"));
    assert!(!dump.contains("/usr/bin 0") && !dump.contains("/etc 0"), "{dump}");
    let flags = written.rpm(&["--qf", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]"]);
    for expected in [
        "/etc/hello/env cn\n",
        "/etc/hello/env2 cm\n",
        "/usr/share/hello/LICENSE l\n",
        "/usr/share/hello/README d\n",
        "/var/log/hello.log g\n",
        "/var/lib/hello g\n",
    ] {
        assert!(flags.contains(expected), "{flags}");
    }
    assert!(written.rpm(&["--filecaps"]).contains("/usr/bin/hello\tcap_net_bind_service=ep\n"));
    let said = written.rpm(&["--qf", "%{NEVRA} %{SOURCERPM} %{BUILDTIME} %{BUILDHOST} %{ENCODING} [%{PREFIXES} ]"]);
    assert_eq!(
        said,
        "hello-2:1.4.0~rc.1+b5-1.x86_64 hello-1.4.0~rc.1+b5-1.src.rpm 1700000000 reproducible utf-8 /opt/hello /usr "
    );
    assert_eq!(
        written.rpm(&["--provides"]),
        "config(hello) = 2:1.4.0~rc.1+b5-1\nhello = 2:1.4.0~rc.1+b5-1\nhello(x86-64) = 2:1.4.0~rc.1+b5-1\nprov = 3\n"
    );
    assert!(written.rpm(&["--requires"]).contains("(aa or (bb >= 2 and cc))\n"));
    assert_eq!(
        written.rpm(&["--changelog"]),
        "* Tue Nov 14 2023 Ops Team <ops@example.org> - 1.4.0\n- Release 1.4.0\n- more\n\n\
         * Mon Nov 13 2023 Ops Team <ops@example.org> - 1.3\n- old\n\n"
    );
}

#[test]
fn rpm_shows_the_scripts_and_triggers_that_we_list() {
    let (plan, sources) = everything();
    let written = Written::of(&plan, &sources);
    let said = written.rpm(&["--scripts"]);
    for expected in [
        "pretrans scriptlet (using <lua>):\nprint(\"y\")\n",
        "preinstall scriptlet (using /bin/sh):\necho pre\n",
        "postuninstall program: /sbin/ldconfig\n",
        "posttrans scriptlet (using /bin/sh -e):\necho trans\n",
        "verify scriptlet (using /bin/sh):\necho verify\n",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    let triggers = written.rpm(&["--triggers"]) + &written.rpm(&["--filetriggers"]);
    let listing = written.listing();
    for script in listing.scripts.iter().filter(|s| s.name.contains(" -- ")) {
        let (head, on) = script.name[1..].split_once(" -- ").unwrap();
        let event = head.split(' ').next().unwrap();
        let expected = format!("{event} scriptlet (using {}) -- {on}\n{}\n", script.interpreter, script.text);
        assert!(triggers.contains(&expected), "{expected}\n{triggers}");
    }
    assert_eq!(listing.scripts.len(), 17);
    let names: Vec<&str> = listing.scripts.iter().map(|s| s.name.as_str()).collect();
    assert!(names.contains(&"%filetriggerin -P 500 -- /usr/lib, /usr/share/foo"), "{names:?}");
    assert!(names.contains(&"%triggerin -- bash, zsh >= 5"), "{names:?}");
}

#[test]
fn a_file_of_four_gibibytes_is_said_in_64_bits() {
    let (plan, _) = sample::plan();
    let digest = |size| crate::engine::store::Digest { size, ..Default::default() };
    let digests = Digests::new(vec![digest(1), digest(1), digest(5 << 30), digest(0)]);
    let files = Files::of(&plan, &digests, 1, false).unwrap();
    assert!(files.traits().stripped);
    assert!(files.archive_size() > 5 << 30 && files.installed_size() > 5 << 30);
    let mut first = Vec::new();
    files
        .pieces(&mut |piece| {
            if let (Piece::Literal(bytes), true) = (&piece, first.is_empty()) {
                first.extend_from_slice(&bytes[..14]);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(first, b"07070X00000000");
    let layout = Rpm.layout(&plan, &digests).unwrap();
    let Section::Stream { pieces, .. } = &layout.sections[0] else { panic!() };
    let mut opening = Vec::new();
    pieces(&mut |piece| {
        let Piece::Deferred { width, fill } = piece else { panic!() };
        opening = fill(&crate::formats::Known::default()).unwrap();
        assert_eq!(opening.len(), width);
        Ok(())
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.rpm");
    fs_err::write(&path, &opening).unwrap();
    let said = run(
        "rpm",
        &[
            "-qp",
            "--nosignature",
            "--nodigest",
            "--qf",
            "%{LONGSIZE} [%{LONGFILESIZES} ]\n[%{REQUIRES}\n]",
            path.to_str().unwrap(),
        ],
    );
    assert!(said.starts_with("5368709127 ") || said.contains(" 5368709120 5368709120 "), "{said}");
    assert!(said.contains("rpmlib(LargeFiles)"), "{said}");
}

#[test]
fn rpmlint_finds_no_error_in_a_decent_package() {
    let (mut plan, sources) = sample::plan();
    plan.identity.version.value.text = "1.4.0".into();
    plan.identity.version.value.prerelease = None;
    plan.identity.version.value.build = None;
    plan.changelog[0].version = "1.4.0".into();
    plan.rpm.group = fact("Applications/System".into());
    let entries: Vec<Entry> = plan.entries.iter().filter(|e| !e.path.ends_with("/nothing")).cloned().collect();
    plan.entries = entries.into();
    plan.target.independent = true;
    let written = Written::of(&plan, &sources);
    assert!(written.path.to_str().unwrap().ends_with("hello-1.4.0-1.noarch.rpm"));
    let output = Command::new("rpmlint").arg(&written.path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 packages and 0 specfiles checked"), "{said}");
    let errors: Vec<&str> = said.lines().filter(|l| l.contains(": E: ") && !l.contains("E: no-signature")).collect();
    assert_eq!(errors, [""; 0], "{said}");
    assert!(!said.contains("incoherent-version-in-changelog"), "{said}");
}

/// Signs a package in place with a fresh key; its fingerprint.
fn sign(written: &Written) -> String {
    let home = written.folder.path().join("gnupg");
    let home = home.to_str().unwrap();
    run("mkdir", &["-m", "700", home]);
    let gpg = |arguments: &[&str]| {
        let output = Command::new("gpg").args(["--homedir", home, "--batch", "-q"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let user = "Test Key <test@example.org>";
    gpg(&["--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", user, "rsa4096", "sign", "2y"]);
    let listed = gpg(&["--list-keys", "--with-colons"]);
    let fingerprint = listed.lines().find_map(|l| l.strip_prefix("fpr:")).unwrap().trim_matches(':').to_lowercase();
    let path = written.path.to_str().unwrap();
    let mut rpmsign = Command::new("rpmsign");
    for define in [format!("_gpg_name {user}"), format!("_gpg_path {home}"), "__gpg /usr/bin/gpg".into()] {
        rpmsign.args(["--define", &define]);
    }
    let output = rpmsign.args(["--addsign", path]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The agent would outlive the test.
    let _ = Command::new("gpgconf").args(["--homedir", home, "--kill", "all"]).output();
    fingerprint
}

#[test]
fn rpmsign_finds_room_for_its_signature() {
    let (plan, sources) = sample::plan();
    let written = Written::of(&plan, &sources);
    let size = fs_err::metadata(&written.path).unwrap().len();
    let fingerprint = sign(&written);
    // The reserved space shrank by what the signature took.
    assert_eq!(fs_err::metadata(&written.path).unwrap().len(), size);
    let listing = written.listing();
    assert_eq!(listing.signatures, [format!("RSA over the header, key {fingerprint}")]);
    assert_eq!(listing.checks.iter().filter(|c| c.problem.is_some()).count(), 0, "{:?}", listing.checks);
}
