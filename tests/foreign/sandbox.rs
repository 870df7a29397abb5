//! Builds in a sandbox: what they may write and whom they may reach.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::{finish, fitout, is_root, project, run, tool};

const HEAD: &str = "[package]\nname = \"boxed\"\nversion = \"1.0.0\"\nsummary = \"Boxes\"\nlicense = \"MIT\"\n\
                    maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n";

/// A build that notes what it could do: reach a port, write outside, write inside.
fn config(port: u16, outside: &Path, more: &str) -> String {
    let script = format!(
        "mkdir -p tree\n(echo > /dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached > tree/network || echo alone > tree/network\n\
         (echo > {}/file) 2>/dev/null && echo wrote > tree/outside || echo kept > tree/outside\n\
         echo \"$NAME $(id -u)\" > tree/seen; cat /marked > tree/marked 2>/dev/null || true",
        outside.display()
    );
    format!("{HEAD}command = '''bash -c '\n{script}'\n'''\nenv = {{ NAME = \"a value\" }}\n{more}\n")
}

fn noted(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("tree").join(name)).unwrap_or_default().trim().to_owned()
}

#[test]
fn bwrap_keeps_a_build_in_its_folder_and_off_the_network() {
    if tool("bwrap", &["--ro-bind", "/", "/", "--unshare-net", "true"]).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let outside = tempfile::tempdir().unwrap();
    for (more, network, out) in [
        ("", "reached", "wrote"),
        ("sandbox = \"bwrap\"", "reached", "kept"),
        ("sandbox = \"bwrap\"\nnetwork = false", "alone", "kept"),
    ] {
        let folder = project(&[("fitout.toml", &config(port, outside.path(), more))]);
        let (code, _, stderr) = run(folder.path(), &["build"]);
        assert_eq!(code, 0, "{more}: {stderr}");
        let found = (noted(folder.path(), "network"), noted(folder.path(), "outside"));
        assert_eq!(found, (network.into(), out.into()), "{more}");
        assert!(noted(folder.path(), "seen").starts_with("a value "), "{more}");
        // It is skipped as any other is.
        let (code, _, stderr) = run(folder.path(), &["build"]);
        assert!(code == 0 && stderr.contains("Skipped"), "{more}: {stderr}");
    }
}

/// An image of the machine's own busybox and bash, and a `podman` that needs neither systemd nor a journal.
const IMAGE: &str = r#"
mkdir -p root/bin root/etc root/tmp root/lib64 bin
cp "$(command -v busybox)" root/bin/busybox
for name in $(root/bin/busybox --list); do [ -e "root/bin/$name" ] || ln -s busybox "root/bin/$name"; done
cp "$(command -v bash)" root/bin/bash
echo "of the image" > root/marked
for library in $(ldd "$(command -v busybox)" "$(command -v bash)" | awk '$2 == "=>" { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' | sort -u); do
	mkdir -p "root$(dirname "$library")"
	[ -e "root$library" ] || cp -L "$library" "root$library"
done
real=$(command -v podman)
cat > bin/podman <<END
#!/bin/sh
if [ "\$1" = run ]; then
	shift
	set -- run --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 "\$@"
fi
exec $real --root $PWD/storage --runroot $PWD/run --tmpdir $PWD/tmp --storage-driver=vfs --cgroup-manager=cgroupfs --events-backend=none --runtime=runc "\$@"
END
chmod 755 bin/podman
tar -C root -cf image.tar .
bin/podman import --quiet image.tar localhost/boxed:1
"#;

#[test]
fn podman_builds_with_the_tools_of_an_image() {
    if !is_root() || tool("podman", &["--version"]).is_none() || tool("runc", &["--version"]).is_none() {
        println!("note: podman was not tried");
        return;
    }
    let holder = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    let (code, stdout, stderr) = finish(command.args(["-euc", IMAGE]).current_dir(holder.path()).output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
    let path = format!("{}:{}", holder.path().join("bin").display(), std::env::var("PATH").unwrap());
    let more = "sandbox = \"podman:localhost/boxed:1\"\nnetwork = false";
    let folder = project(&[("fitout.toml", &config(1, Path::new("/nowhere"), more))]);
    let build = || finish(fitout(folder.path()).arg("build").env("PATH", &path).output().unwrap());
    let (code, _, stderr) = build();
    assert_eq!(code, 0, "{stderr}");
    let all = ["network", "outside", "seen", "marked"].map(|name| noted(folder.path(), name));
    assert_eq!(all, ["alone", "kept", "a value 0", "of the image"]);
    let (code, _, stderr) = build();
    assert!(code == 0 && stderr.contains("Skipped"), "{stderr}");
    // Another image of that name builds anew.
    let again =
        "echo other > root/marked; tar -C root -cf image.tar .; bin/podman import --quiet image.tar localhost/boxed:1";
    assert!(Command::new("bash").args(["-euc", again]).current_dir(holder.path()).status().unwrap().success());
    let (code, _, stderr) = build();
    assert!(code == 0 && noted(folder.path(), "marked") == "other", "{stderr}");
}
