//! The native tools take the examples, and unpack the same tree from each format.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::support::{artifact, is_root, tool};

const EXAMPLES: [&str; 3] = ["plain", "hello-rust", "hello-otp"];

/// One path of an unpacked tree: type and mode, owner where the format says it, content or target.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Found {
    kind: char,
    mode: u32,
    owner: (u32, u32),
    content: Vec<u8>,
}

type Tree = BTreeMap<String, Found>;

fn walk(top: &Path, folder: &Path, found: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = format!("/{}", path.strip_prefix(top).unwrap().display());
        let (kind, content) = if meta.is_dir() {
            walk(top, &path, found);
            ('d', Vec::new())
        } else if meta.is_symlink() {
            ('l', fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
        } else {
            ('f', fs::read(&path).unwrap())
        };
        let mode = if kind == 'l' { 0o777 } else { meta.permissions().mode() & 0o7777 };
        found.insert(name, Found { kind, mode, owner: (meta.uid(), meta.gid()), content });
    }
}

/// Reads an unpacked tree. Left out: directories, of which rpm carries only its own, and what a format adds for itself:
/// what is for systemd and the tools around it, which install.sh writes for archives; install.sh; the accounts of an image.
fn tree(top: &Path, owners: bool) -> Tree {
    const OWN: [&str; 10] = [
        "/usr/share/doc/",
        "/usr/share/licenses/",
        "/usr/share/lintian/",
        "/usr/lib/systemd/",
        "/usr/lib/sysusers.d/",
        "/usr/lib/tmpfiles.d/",
        "/etc/logrotate.d/",
        "/etc/passwd",
        "/etc/group",
        "/install.sh",
    ];
    let mut found = Tree::new();
    walk(top, top, &mut found);
    found.retain(|path, entry| entry.kind != 'd' && !OWN.iter().any(|own| path.starts_with(own)));
    if !owners {
        found.values_mut().for_each(|entry| entry.owner = (0, 0));
    }
    found
}

/// Runs a script with an artifact as `$1` and a folder as `$2`.
fn shell(script: &str, artifact: &Path, folder: &Path) {
    let output =
        Command::new("bash").args(["-euo", "pipefail", "-c", script, "sh"]).arg(artifact).arg(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&said));
}

/// Unpacks one format of an example with the native tools.
fn unpack(name: &'static str, format: &str, folder: &Path) -> Tree {
    let (suffix, script, inside) = match format {
        "deb" => (".deb", "dpkg-deb -x \"$1\" \"$2\"", ""),
        "rpm" => (".rpm", "cd \"$2\" && rpm2cpio \"$1\" | cpio -idm --quiet --no-absolute-filenames", ""),
        "tarball" => (".tar.gz", "tar -xpf \"$1\" -C \"$2\" --strip-components=1", ""),
        "zip" => (".zip", "unzip -q \"$1\" -d \"$2\" && mv \"$2\"/* \"$2/inside\"", "inside"),
        _ => (
            ".oci.tar",
            "skopeo copy -q oci-archive:\"$1\" oci:\"$2/layout:x\" && umoci unpack --image \"$2/layout:x\" \"$2/bundle\"",
            "bundle/rootfs",
        ),
    };
    let folder = folder.join(format);
    fs::create_dir(&folder).unwrap();
    shell(script, &artifact(name, suffix), &folder);
    // A zip carries no owner; only root gets others than the own one.
    tree(&folder.join(inside), is_root() && format != "zip")
}

/// Whether user or group has a number that is derived from its name, and the other is root's or has one as well.
fn is_of_account((user, group): (u32, u32)) -> bool {
    let derived = |id: u32| id >= 10_001;
    (derived(user) || derived(group)) && [user, group].into_iter().all(|id| id == 0 || derived(id))
}

#[test]
fn every_format_unpacks_to_the_same_tree() {
    for name in EXAMPLES {
        let folder = tempfile::tempdir().unwrap();
        let deb = unpack(name, "deb", folder.path());
        assert!(deb.len() >= 3, "{name}: {:?}", deb.keys());
        let others = if is_root() { &["rpm", "tarball", "zip", "oci"][..] } else { &["rpm", "tarball", "zip"] };
        for format in others {
            let found = unpack(name, format, folder.path());
            let missing: Vec<_> = deb.keys().filter(|path| !found.contains_key(*path)).collect();
            let more: Vec<_> = found.keys().filter(|path| !deb.contains_key(*path)).collect();
            assert!(missing.is_empty() && more.is_empty(), "{name} {format}: lacks {missing:?}, adds {more:?}");
            for (path, entry) in &found {
                // What is an account's is root's for dpkg, until its postinst has made the account.
                let owner = match deb[path].owner {
                    _ if *format == "zip" => (0, 0),
                    (0, 0) if is_of_account(entry.owner) => entry.owner,
                    owner => owner,
                };
                let same = *entry == Found { owner, ..deb[path].clone() };
                assert!(same, "{name} {format} {path}: mode {:o}, owner {:?}", entry.mode, entry.owner);
            }
        }
    }
}

#[test]
fn lintian_finds_no_error_and_no_warning() {
    for name in EXAMPLES {
        let deb = artifact(name, ".deb");
        tool(
            "lintian",
            &["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", deb.to_str().unwrap()],
        );
    }
}

#[test]
fn rpmlint_finds_no_error_but_the_missing_signature() {
    for name in EXAMPLES {
        let Ok(output) = Command::new("rpmlint").arg(artifact(name, ".rpm")).output() else {
            assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "rpmlint is not installed");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        // A file with the environment of a service is meant for the service alone.
        let meant = |line: &&str| line.contains("no-signature") || line.contains("non-readable /etc/");
        let errors: Vec<&str> = text.lines().filter(|line| line.contains(": E: ") && !meant(line)).collect();
        assert!(errors.is_empty(), "{name}:\n{}", errors.join("\n"));
        assert!(text.contains("1 packages"), "{name}: {text}");
    }
}

#[test]
fn rpm_verifies_and_installs_the_examples() {
    for name in EXAMPLES {
        let rpm = artifact(name, ".rpm");
        let Some(said) = tool("rpm", &["-K", "--nosignature", rpm.to_str().unwrap()]) else { return };
        assert!(said.contains("digests OK"), "{said}");
        if is_root() {
            let folder = tempfile::tempdir().unwrap();
            let script = "rpm --root \"$2\" --initdb && \
                rpm --root \"$2\" -i --nodeps --noscripts --nosignature \"$1\" && \
                test -z \"$(rpm --root \"$2\" -Va --nodeps --noscripts)\"";
            shell(script, &rpm, folder.path());
        }
    }
}

#[test]
fn dpkg_installs_and_verifies_the_examples() {
    if !is_root() {
        println!("note: not root, dpkg did not install");
        return;
    }
    for name in EXAMPLES {
        let folder = tempfile::tempdir().unwrap();
        let script = "mkdir -p \"$2/var/lib/dpkg/updates\" \"$2/var/lib/dpkg/info\" && : >\"$2/var/lib/dpkg/status\" && \
            dpkg --root=\"$2\" --force-depends --force-script-chrootless --log=/dev/null -i \"$1\" && \
            dpkg --root=\"$2\" --verify && \
            dpkg --root=\"$2\" -s \"$(dpkg-deb -f \"$1\" Package)\" | grep -q 'Status: install ok installed'";
        shell(script, &artifact(name, ".deb"), folder.path());
    }
}

#[test]
fn skopeo_reads_the_image_as_both_archives_and_podman_names_it() {
    let names = ["localhost/fitout-plain:1.2.0", "localhost/hello-rust:1.4.0-rc.1", "localhost/hello-otp:0.3.1"];
    for (name, reference) in EXAMPLES.into_iter().zip(names) {
        let image = artifact(name, ".oci.tar");
        let image = image.to_str().unwrap();
        for transport in ["oci-archive", "docker-archive"] {
            let Some(said) = tool("skopeo", &["inspect", &format!("{transport}:{image}")]) else { return };
            assert!(said.contains("\"Architecture\""), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        let (storage, runroot) = (folder.path().join("storage"), folder.path().join("run"));
        let podman = |args: &[&str]| {
            let mut all = vec!["--root", storage.to_str().unwrap(), "--runroot", runroot.to_str().unwrap()];
            all.extend(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"]);
            all.extend(args);
            tool("podman", &all)
        };
        if podman(&["load", "-i", image]).is_some() {
            let names = podman(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).unwrap_or_default();
            assert_eq!(names.trim(), reference);
        }
    }
}

#[test]
fn archives_pass_the_tests_of_their_readers() {
    for name in EXAMPLES {
        let (tarball, zip) = (artifact(name, ".tar.gz"), artifact(name, ".zip"));
        let (tarball, zip) = (tarball.to_str().unwrap(), zip.to_str().unwrap());
        let python = "import sys,zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip() is not None)";
        tool("tar", &["-tzf", tarball]);
        tool("bsdtar", &["-tf", tarball]);
        tool("gzip", &["-t", tarball]);
        tool("unzip", &["-tq", zip]);
        tool("bsdtar", &["-tf", zip]);
        tool("busybox", &["unzip", "-t", zip]);
        tool("python3", &["-c", python, zip]);
    }
}
