//! install.sh of tarball and zip, in a root that holds nothing but busybox: no package manager, no systemd.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::archives::{Project, said, unpack};
use crate::busybox::Host;
use crate::launcher::page;
use crate::support::{self, is_root, tool};

fn lines(told: &str) -> Vec<&str> {
    told.lines().collect()
}

#[test]
fn a_package_lives_without_a_package_manager() {
    let Some(host) = Host::new() else { return };
    host.unpack("1.4.0");
    assert_eq!(host.install("1.4.0", "upgrade").0, 1, "there is nothing to upgrade");
    let (code, told) = host.install("1.4.0", "");
    assert_eq!(code, 0, "{told}");
    let scripts: Vec<&str> = told.lines().filter(|line| !line.starts_with("greeter:")).collect();
    assert_eq!(scripts, ["before-install ", "after-install "], "{told}");
    assert!(told.ends_with("greeter: 1.4.0 is installed in /opt/greeter\n"), "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.4.0\n"));
    assert_eq!(host.sh("greeter status").0, 0);
    let (_, owner) = host.sh("stat -c '%U:%G %a' /etc/greeter/env /var/lib/greeter /etc/greeter/secrets/token /opt/greeter/current/usr/bin/greeter");
    assert_eq!(lines(&owner), ["root:greeter 640", "greeter:greeter 750", "root:root 600", "root:root 755"]);
    assert!(host.read("etc/group").contains("adm:x:4:root"), "{}", host.read("etc/group"));
    assert_eq!(host.sh("/etc/init.d/greeter status").0, 0);
    assert!(!host.has("etc/logrotate.d"), "there is no logrotate");
    let (code, told) = host.install("1.4.0", "status");
    assert_eq!(code, 0, "{told}");
    // Again: nothing is lost, and it is restarted once.
    let token = host.read("etc/greeter/secrets/token");
    let pid = host.sh("greeter pid").1;
    let (code, told) = host.install("1.4.0", "install");
    assert_eq!(code, 0, "{told}");
    assert_ne!(host.sh("greeter pid").1, pid);
    assert_eq!(host.read("etc/greeter/secrets/token"), token);

    upgrade(&host);
    failing_upgrade(&host);
    by_hand(&host);
    removal(&host);
}

/// An upgrade keeps what the administrator changed, and shows what came anew.
fn upgrade(host: &Host) {
    host.sh("echo '# edited' >>/etc/greeter/greeter.conf.in; echo kept >/var/lib/greeter/kept; rm /etc/greeter/extra 2>/dev/null || :");
    host.project.append("conf/greeter.conf.in", "# of 1.5.0\n");
    host.project.append("conf/env", "# of 1.5.0\n");
    host.unpack("1.5.0");
    let (code, told) = host.install("1.5.0", "upgrade");
    assert_eq!(code, 0, "{told}");
    let scripts: Vec<&str> = told.lines().filter(|line| !line.starts_with("greeter:")).collect();
    assert_eq!(
        scripts,
        ["before-upgrade 1.4.0", "pre-upgrade 1.5.0", "after-upgrade 1.4.0", "post-upgrade 1.4.0"],
        "{told}"
    );
    assert_eq!(told.matches("greeter: started").count(), 1, "{told}");
    assert!(told.contains("/etc/greeter/greeter.conf.in was changed and stays"), "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.5.0\n"));
    assert!(
        host.read("etc/greeter/greeter.conf.in").contains("# edited")
            && !host.read("etc/greeter/greeter.conf.in").contains("1.5.0")
    );
    assert!(host.read("etc/greeter/greeter.conf.in.new").contains("# of 1.5.0"));
    assert!(host.read("etc/greeter/env").contains("# of 1.5.0"));
    assert_eq!(host.read("var/lib/greeter/kept"), "kept\n");
    assert_eq!(lines(&host.install("1.5.0", "list").1), ["1.5.0 (current)", "1.4.0"]);
}

fn failing_upgrade(host: &Host) {
    host.project.replace("app/bin/serve", "exec busybox", "echo 'no luck'; exit 3; exec busybox");
    host.project.append("conf/env", "# of 1.6.0\n");
    host.unpack("1.6.0");
    host.project.replace("app/bin/serve", "echo 'no luck'; exit 3; exec busybox", "exec busybox");
    let (code, told) = host.install("1.6.0", "");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("no luck\n") && told.ends_with("greeter: 1.6.0 did not start; 1.5.0 is back\n"), "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.5.0\n"));
    assert_eq!(host.current().as_deref(), Some("releases/1.5.0"));
    assert!(!host.read("etc/greeter/env").contains("1.6.0"), "its config went back as well");
    assert_eq!(lines(&host.install("1.5.0", "list").1), ["1.5.0 (current)", "1.4.0"]);
}

fn by_hand(host: &Host) {
    let installer = "/opt/greeter/current/install.sh";
    let (code, told) = host.sh(&format!("{installer} rollback"));
    assert_eq!(code, 0, "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.4.0\n"));
    let (code, told) = host.sh(&format!("{installer} rollback 1.5.0"));
    assert_eq!(code, 0, "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.5.0\n"));
    for wrong in ["1.6.0", "../1.4.0", "1.5.0"] {
        let (code, told) = host.sh(&format!("{installer} rollback {wrong}"));
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("these are there: 1.5.0 1.4.0"), "{told}");
    }
    assert_eq!(host.page().as_deref(), Some("version 1.5.0\n"));
}

fn removal(host: &Host) {
    // By the script of another version: each knows best what it brought.
    let (code, told) = host.install("1.4.0", "uninstall");
    assert_eq!(code, 0, "{told}");
    assert_eq!(lines(&told)[0], "before-remove ", "{told}");
    assert_eq!(host.page(), None);
    for gone in ["opt/greeter/releases", "opt/greeter/current", "usr/local/bin/greeter", "etc/init.d/greeter"] {
        assert!(!host.has(gone), "{gone}");
    }
    for kept in ["etc/greeter/greeter.conf.in", "etc/greeter/secrets/token", "var/lib/greeter/kept"] {
        assert!(host.has(kept), "{kept}");
    }
    let (code, told) = host.install("1.5.0", "uninstall --purge");
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("after-purge"), "{told}");
    for gone in ["opt/greeter", "etc/greeter", "var/lib/greeter", "var/log/greeter", "var/cache/greeter"] {
        assert!(!host.has(gone), "{gone}: {}", host.sh(&format!("find /{gone}")).1);
    }
    assert!(host.read("etc/passwd").contains("\ngreeter:"), "the account stays");
}

#[test]
fn what_does_not_start_is_not_installed() {
    let Some(host) = Host::new() else { return };
    host.project.replace("app/bin/serve", "exec busybox", "exit 3; exec busybox");
    host.unpack("1.4.0");
    let (code, told) = host.install("1.4.0", "");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("1.4.0 did not start and is not installed"), "{told}");
    assert_eq!(host.current(), None);
    assert!(!host.has("usr/local/bin/greeter") && !host.has("etc/init.d/greeter"));
    assert_eq!(host.install("1.4.0", "status").0, 3);
}

#[test]
fn a_script_of_the_user_that_fails_stops_an_upgrade_before_anything_changes() {
    let Some(host) = Host::new() else { return };
    host.unpack("1.4.0");
    assert_eq!(host.install("1.4.0", "").0, 0);
    let pid = host.sh("greeter pid").1;
    host.project.append("scripts/before-upgrade", "exit 7\n");
    host.unpack("1.5.0");
    let (code, told) = host.install("1.5.0", "");
    assert_eq!(code, 1, "{told}");
    assert!(told.ends_with("greeter: nothing is changed\n"), "{told}");
    assert_eq!((host.sh("greeter pid").1, host.page().as_deref()), (pid, Some("version 1.4.0\n")));
    assert_eq!(lines(&host.install("1.4.0", "list").1), ["1.4.0 (current)"]);
}

#[test]
fn a_hook_that_fails_stops_an_upgrade_before_anything_changes() {
    let Some(host) = Host::new() else { return };
    host.project.replace("fitout.toml", "pre-upgrade $1\\\"\"", "pre-upgrade $1\\\"; exit 7\"");
    host.unpack("1.4.0");
    assert_eq!(host.install("1.4.0", "").0, 0);
    let pid = host.sh("greeter pid").1;
    host.unpack("1.5.0");
    let (code, told) = host.install("1.5.0", "");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("pre-upgrade 1.5.0\n") && told.ends_with("greeter: nothing is changed\n"), "{told}");
    assert_eq!((host.sh("greeter pid").1, host.page().as_deref()), (pid, Some("version 1.4.0\n")));
}

#[test]
fn a_service_that_a_version_drops_stops() {
    let Some(host) = Host::new() else { return };
    let side =
        "\n[[service]]\nname = \"side\"\nuser = \"greeter\"\nexec = [\"/bin/sleep\", \"987\"]\ninit = [\"sysv\"]\n";
    host.project.append("fitout.toml", side);
    host.unpack("1.4.0");
    host.project.replace("fitout.toml", side, "");
    host.unpack("1.5.0");
    let running = || host.sh("ps | grep -c '[s]leep 987' || :").1;
    assert_eq!(host.install("1.4.0", "").0, 0);
    assert_eq!((running().as_str(), host.has("etc/init.d/side")), ("1\n", true));
    let (code, told) = host.install("1.5.0", "");
    assert_eq!(code, 0, "{told}");
    assert_eq!((running().as_str(), host.has("etc/init.d/side")), ("0\n", false), "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.5.0\n"));
    // Back, it is there again.
    let (code, told) = host.install("1.5.0", "rollback");
    assert_eq!(code, 0, "{told}");
    assert_eq!((running().as_str(), host.has("etc/init.d/side")), ("1\n", true), "{told}");
    assert_eq!(host.install("1.4.0", "uninstall --purge").0, 0);
    assert_eq!((running().as_str(), host.has("etc/init.d/side")), ("0\n", false));
}

#[test]
fn a_run_that_was_killed_is_finished_by_the_next() {
    let Some(host) = Host::new() else { return };
    let versions = ["1.4.0", "1.5.0"];
    versions.iter().for_each(|version| host.unpack(version));
    let rounds = if std::env::var_os("FITOUT_SOAK").is_some() { 60 } else { 8 };
    let mut random: u64 = 20_231_114;
    let mut cut = 0;
    for round in 0..rounds {
        let version = versions[round % 2];
        let mut killed = host.enter(&format!("exec /tmp/{version}/install.sh"));
        killed.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut killed = killed.spawn().unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis((random >> 33) % 1500));
        if killed.try_wait().unwrap().is_none() {
            cut += 1;
            let group = rustix::process::Pid::from_child(&killed);
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
        }
        killed.wait().unwrap();
        let (code, told) = host.install(version, "");
        assert_eq!(code, 0, "round {round}: {told}");
        assert_eq!(host.page(), Some(format!("version {version}\n")), "round {round}: {told}");
        assert_eq!(host.current(), Some(format!("releases/{version}")));
        let left = host.sh("cd /opt/greeter; ls -a releases .install").1;
        assert!(!left.contains(".old") && !left.contains("lock") && !left.contains("pending"), "{left}");
        let running = host.sh(&format!("ps | grep -c '[h]ttpd -f -p 127.0.0.1:{}'", host.project.port)).1;
        assert_eq!(running, "1\n", "round {round}: one service runs");
    }
    assert!(cut >= rounds / 2, "{cut} of {rounds} were killed in the middle");
}

#[test]
fn as_many_versions_are_kept_as_are_asked_for() {
    let Some(host) = Host::new() else { return };
    let list = |version: &str| host.install(version, "list").1;
    for version in ["1.4.0", "1.5.0", "1.6.0"] {
        host.unpack(version);
        let (code, told) = host.install(version, "install --no-start --keep 2");
        assert_eq!(code, 0, "{told}");
    }
    assert_eq!((host.page(), host.install("1.6.0", "status").0), (None, 3), "nothing was started");
    assert_eq!(lines(&list("1.6.0")), ["1.6.0 (current)", "1.5.0"]);
    // The one to go back to stays, whatever is asked for.
    host.unpack("1.7.0");
    assert_eq!(host.install("1.7.0", "--keep=1").0, 0);
    assert_eq!(lines(&list("1.7.0")), ["1.7.0 (current)", "1.6.0"]);
}

#[test]
fn two_do_not_run_at_once() {
    let Some(host) = Host::new() else { return };
    host.project.append("scripts/before-install", "sleep 3\n");
    host.unpack("1.4.0");
    let first = host.enter("exec /tmp/1.4.0/install.sh").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut first = first.unwrap();
    while !host.has("opt/greeter/.install/pending") {
        assert!(first.try_wait().unwrap().is_none(), "it ended before it began");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (code, told) = host.install("1.4.0", "");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("another run is busy here, process "), "{told}");
    assert!(first.wait().unwrap().success());
    assert_eq!(host.page().as_deref(), Some("version 1.4.0\n"));
}

#[test]
fn a_zip_is_installed_as_a_tarball_is() {
    let Some(host) = Host::new() else { return };
    let zip = host.project.zip("1.4.0");
    fs::copy(zip, host.root().join("tmp/greeter.zip")).unwrap();
    let (code, told) = host.sh("cd /tmp; umask 077; unzip -q greeter.zip; sh greeter-1.4.0*/install.sh");
    assert_eq!(code, 0, "{told}");
    assert_eq!(host.page().as_deref(), Some("version 1.4.0\n"));
}

#[test]
fn whoever_is_not_root_installs_below_a_folder_of_their_own() {
    let holder = tempfile::tempdir().unwrap();
    let project = Project::new();
    let home = holder.path().join("home of $USER");
    let base = home.join("it's \"my base\"");
    for version in ["1.4.0", "1.5.0"] {
        unpack(&project.tarball(version), &home.join(version));
    }
    tool("chmod", &["-R", "a+rX", holder.path().to_str().unwrap()]);
    if is_root() {
        tool("chown", &["-R", "65534:65534", home.to_str().unwrap()]);
    }
    let run = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        if is_root() {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        command.arg(program).args(arguments).stdin(Stdio::null()).env("HOME", &home);
        said(command.output().unwrap())
    };
    let install = |version: &str, arguments: &[&str]| {
        run(&home.join(version).join("install.sh"), &[arguments, &["--base", base.to_str().unwrap()]].concat())
    };
    let (code, told) = install("1.4.0", &[]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("not root: no accounts and no units"), "{told}");
    assert_eq!(page(project.port).as_deref(), Some("version 1.4.0\n"));
    assert_eq!(run(&base.join("bin/greeter"), &["status"]).0, 0);
    assert!(base.join("etc/greeter/env").exists() && base.join("var/lib/greeter").exists());
    let (code, told) = install("1.5.0", &[]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(page(project.port).as_deref(), Some("version 1.5.0\n"));
    assert_eq!(install("1.5.0", &["rollback"]).0, 0);
    assert_eq!(page(project.port).as_deref(), Some("version 1.4.0\n"));
    let (code, told) = install("1.4.0", &["uninstall", "--purge"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(page(project.port), None);
    assert!(!base.exists(), "{told}");
}

#[test]
fn what_is_typed_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    unpack(&Project::new().tarball("1.4.0"), folder.path());
    for arguments in [&["dance"][..], &["--base"], &["--keep", "0"], &["--base", "/"], &["install", "x"], &["--fast"]] {
        let (code, told) = said(Command::new(folder.path().join("install.sh")).args(arguments).output().unwrap());
        assert_eq!(code, 2, "{arguments:?}: {told}");
        assert!(told.contains("usage: install.sh"), "{told}");
    }
}

#[test]
fn documents_alone_need_no_installer() {
    let project = support::project(&[
        ("a.txt", "text\n"),
        (
            "fitout.toml",
            "[package]\nname = \"words\"\nversion = \"1.0\"\nsummary = \"Words\"\nmaintainer = \"A <a@example.org>\"\n\
             license = \"MIT\"\n[build]\nformats = [\"tarball\"]\n\
             [[files]]\nfrom = \"a.txt\"\nto = \"/usr/share/words/a.txt\"\nrole = \"doc\"\n",
        ),
    ]);
    let (code, _, stderr) = support::run(project.path(), &["build"]);
    assert_eq!(code, 0, "{stderr}");
    let tarball = support::artifact_of(project.path(), ".tar.gz");
    let listed = tool("tar", &["-tzf", tarball.to_str().unwrap()]).unwrap();
    assert!(!listed.contains("install.sh"), "{listed}");
}
