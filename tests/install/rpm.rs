//! dnf 4, dnf 5 and zypper take packages through their life, each with a shell of another family as `/bin/sh`: in a chroot,
//! as in the build of a container image. systemd does not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archives::Project;
use crate::distribution::{base, publish, requires};
use crate::roots::{BOOKWORM, Root, Suite, TESTING, is_there, missing, said};
use crate::support::{artifact, artifact_of, newer_example, project, run, tool};
use crate::toy;

/// What installs packages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manager {
    /// The machine's own dnf 4 with rpm 4, into a root.
    Dnf4,
    /// dnf 5 with rpm 6, in a root.
    Dnf5,
    /// zypper with rpm 6, in a root: it runs `%posttrans` by itself.
    Zypper,
}

impl Manager {
    fn suite(self) -> &'static Suite {
        if self == Self::Dnf4 { &BOOKWORM } else { &TESTING }
    }

    /// The shell that runs scripts there.
    fn shell(self) -> &'static str {
        match self {
            Self::Dnf4 => "dash",
            Self::Dnf5 => "bash",
            Self::Zypper => "busybox",
        }
    }

    /// Runs it with the repository of a root; exit code, and all that it said.
    fn run(self, root: &Root, words: &[&str]) -> (i32, String) {
        const DNF: [&str; 4] = ["-y", "--refresh", "--releasever=9", "--setopt=reposdir=/nowhere"];
        match self {
            Self::Dnf4 => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--pid", "--fork", "--kill-child"]);
                command.arg(format!("--mount-proc={}", root.at("/proc").display()));
                command.arg("dnf").args(DNF).arg("--nogpgcheck").args(words);
                command.arg(format!("--installroot={}", root.path.display()));
                command.arg(format!("--setopt=cachedir={}", root.beside().join("cache").display()));
                command.arg(format!("--repofrompath=app,{}", root.at("/repository").display()));
                said(&mut command)
            }
            Self::Dnf5 => {
                let fixed = ["--no-gpgchecks", "--disable-plugin=local", "--repofrompath=app,/repository"];
                root.run(&[&["dnf5"], &DNF[..], &fixed, words].concat())
            }
            Self::Zypper => root.run(&[&["zypper", "--non-interactive", "--no-gpg-checks"], words].concat()),
        }
    }

    fn ok(self, root: &Root, words: &[&str]) {
        let (code, said) = self.run(root, words);
        assert_eq!(code, 0, "{self:?} {words:?}\n{said}");
    }

    fn install(self, root: &Root, package: &str) {
        self.ok(root, &["install", package]);
    }

    fn upgrade(self, root: &Root, package: &str) {
        self.ok(root, &[if self == Self::Zypper { "update" } else { "upgrade" }, package]);
    }

    fn downgrade(self, root: &Root, package: &str, version: &str) {
        match self {
            Self::Zypper => self.ok(root, &["install", "--oldpackage", &format!("{package}={version}")]),
            _ => self.ok(root, &["downgrade", &format!("{package}-{version}")]),
        }
    }

    fn reinstall(self, root: &Root, package: &str) {
        match self {
            Self::Zypper => self.ok(root, &["install", "--force", package]),
            _ => self.ok(root, &["reinstall", package]),
        }
    }

    fn remove(self, root: &Root, package: &str) {
        self.ok(root, &["remove", package]);
    }

    /// Asks the rpm that made the database.
    fn rpm(self, root: &Root, words: &[&str]) -> (i32, String) {
        if self == Self::Dnf4 {
            said(Command::new("rpm").arg(format!("--root={}", root.path.display())).args(words))
        } else {
            root.run(&[&["rpm"], words].concat())
        }
    }

    fn version(self, root: &Root, package: &str) -> String {
        self.rpm(root, &["-q", "--queryformat=%{VERSION}-%{RELEASE}", package]).1
    }

    /// What rpm itself finds changed, edited config files left out.
    fn sound(self, root: &Root, package: &str) {
        let changed = self.rpm(root, &["--verify", package]).1;
        let changed: Vec<&str> = changed.lines().filter(|line| line.contains('/') && !line.contains(" c /")).collect();
        assert_eq!(changed, [""; 0], "{self:?}");
    }
}

/// A root with a repository of these packages and of what they require; none where it cannot be had.
pub fn root_for(manager: Manager, rpms: &[&Path]) -> Option<Root> {
    let tools = ["createrepo_c", "rpmbuild", "rpm", "dnf"];
    let lacking: Vec<&str> = tools.into_iter().filter(|tool| !is_there(tool)).collect();
    if !missing(&lacking) {
        return None;
    }
    let root = Root::of(manager.suite())?;
    root.ok(&["ln", "-sf", manager.shell(), "/bin/sh"]);
    let folder = tempfile::tempdir().unwrap();
    let base = base(folder.path(), rpms);
    publish(&root, &[&base]);
    root.write("/etc/zypp/repos.d/app.repo", "[app]\nenabled=1\nautorefresh=1\nbaseurl=dir:/repository\n", 0o644);
    if manager == Manager::Dnf4 {
        assert_eq!(manager.rpm(&root, &["--initdb"]).0, 0);
    }
    manager.install(&root, "base");
    Some(root)
}

fn enabled(root: &Root, unit: &str) -> String {
    root.run(&["systemctl", "is-enabled", unit]).1.trim().to_owned()
}

fn facts(root: &Root, path: &str) -> String {
    root.ok(&["stat", "-c", "%U:%G %a", path]).trim().to_owned()
}

/// The whole life of an example.
fn life(manager: Manager) {
    const UNIT: &str = "hello-rust.service";
    const CONFIG: &str = "/etc/hello-rust/env";
    const STATE: &str = "/var/lib/hello-rust";
    let (first, second) = (artifact("hello-rust", ".rpm"), artifact_of(&newer_example("hello-rust"), ".rpm"));
    let Some(root) = &root_for(manager, &[&first, &second]) else { return };
    let version = |wanted: &str| assert_eq!(manager.version(root, "hello-rust"), wanted, "{manager:?}");
    let (old, new) = ("1.4.0~rc.1-1", "1.4.0-1");
    publish(root, &[&first]);
    manager.install(root, "hello-rust");
    version(old);
    manager.sound(root, "hello-rust");
    assert_eq!(facts(root, "/usr/bin/hello-rust"), "root:root 755");
    assert_eq!(facts(root, CONFIG), "root:hello-rust 640");
    assert_eq!(facts(root, STATE), "hello-rust:hello-rust 750");
    let account = root.ok(&["getent", "passwd", "hello-rust"]);
    assert!(account.ends_with(&format!(":{STATE}:/usr/sbin/nologin\n")), "{account}");
    assert_eq!(enabled(root, UNIT), "enabled");

    // What the administrator made stays through all that follows.
    root.sh(&format!("echo '# edited' >>{CONFIG}; echo mine >{STATE}/mine"));
    publish(root, &[&second]);
    manager.upgrade(root, "hello-rust");
    version(new);
    manager.sound(root, "hello-rust");
    assert_eq!(enabled(root, UNIT), "enabled");
    assert!(root.read(CONFIG).ends_with("# edited\n"));
    assert!(root.read(&format!("{CONFIG}.rpmnew")).contains("read at each start"));
    root.ok(&["systemctl", "disable", UNIT]);
    manager.downgrade(root, "hello-rust", old);
    version(old);
    assert_eq!(enabled(root, UNIT), "disabled");
    manager.upgrade(root, "hello-rust");
    version(new);
    manager.reinstall(root, "hello-rust");
    version(new);
    manager.sound(root, "hello-rust");
    assert_eq!(enabled(root, UNIT), "disabled");
    assert!(root.read(CONFIG).ends_with("# edited\n"));
    assert_eq!(facts(root, CONFIG), "root:hello-rust 640");

    root.ok(&["systemctl", "enable", UNIT]);
    root.ok(&["rm", &format!("{CONFIG}.rpmnew")]);
    manager.remove(root, "hello-rust");
    assert!(root.read(&format!("{CONFIG}.rpmsave")).ends_with("# edited\n"));
    assert_eq!(root.read(&format!("{STATE}/mine")), "mine\n");
    let left =
        root.sh("find / -xdev -name '*hello-rust*' ! -path '/repository/*' ! -path '/proc/*' ! -path '/var/cache/*'");
    let left: Vec<&str> = left.lines().collect();
    assert_eq!(left, ["/etc/hello-rust", STATE], "{manager:?}");
    // Nobody else must ever own what it may have left elsewhere.
    root.ok(&["getent", "passwd", "hello-rust"]);
    manager.install(root, "hello-rust");
    assert_eq!(enabled(root, UNIT), "enabled");
}

/// Scripts of the user, config files that move, and what fails.
fn scripted(manager: Manager) {
    let ((_first, first), (_second, second)) = (toy::build("1.0.0", "rpm"), toy::build("2.0.0", "rpm"));
    let Some(root) = &root_for(manager, &[&first, &second]) else { return };
    let log = || {
        let text = root.sh(&format!("cat {0} 2>/dev/null || :; rm -f {0}", toy::LOG));
        text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let installed = |wanted: &str| assert_eq!(manager.version(root, "toy"), wanted, "{manager:?}");
    let absent = || assert_ne!(manager.rpm(root, &["-q", "toy"]).0, 0, "{manager:?}");
    publish(root, &[&first]);

    root.write("/fail-before-install", "", 0o644);
    let (_, said) = manager.run(root, &["install", "toy"]);
    absent();
    assert!(!root.has("/usr/lib/toy"), "{said}");
    assert_eq!(log(), ["before-install"]);
    root.ok(&["rm", "/fail-before-install"]);

    // What fails later is told, and the rest is done.
    root.write("/fail-after-install", "", 0o644);
    let (_, said) = manager.run(root, &["install", "toy"]);
    installed("1.0.0-1");
    assert!(said.to_lowercase().contains("scriptlet failed") || said.contains("POSTIN"), "{manager:?}: {said}");
    assert_eq!(log(), ["before-install", "after-install"]);
    root.ok(&["rm", "/fail-after-install"]);
    let states =
        ["toy.service", "toy-off.service", "toy-once.service", "toy-job.timer", "toy-idle.socket", "toy-idle.service"];
    assert_eq!(
        states.map(|unit| enabled(root, unit)),
        ["enabled", "disabled", "disabled", "enabled", "enabled", "static"],
        "{manager:?}"
    );
    assert_eq!(facts(root, "/usr/lib/toy/tool"), "toy:toy 4750");
    assert_eq!(facts(root, "/etc/toy/secrets/key"), "root:root 600");
    let key = root.read("/etc/toy/secrets/key");
    assert_eq!(key.len(), 64);

    // Nobody edited what moves.
    publish(root, &[&second]);
    root.write("/fail-before-upgrade", "", 0o644);
    let _ = manager.run(root, &[if manager == Manager::Zypper { "update" } else { "upgrade" }, "toy"]);
    installed("1.0.0-1");
    assert_eq!(log(), ["before-upgrade"]);
    root.ok(&["rm", "/fail-before-upgrade"]);
    manager.upgrade(root, "toy");
    installed("2.0.0-1");
    assert_eq!(log(), ["before-upgrade", "after-upgrade"]);
    let configs = || root.sh("ls /etc/toy").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(configs(), ["env", "new.conf", "secrets"]);
    manager.downgrade(root, "toy", "1.0.0-1");
    assert_eq!(log(), ["before-upgrade", "after-upgrade"]);
    assert_eq!(configs(), ["env", "gone.conf", "old.conf", "secrets"]);

    // What was edited goes along, also where something else was saved before.
    root.sh("echo edited >/etc/toy/old.conf; echo edited >/etc/toy/gone.conf; echo stale >/etc/toy/old.conf.rpmsave");
    manager.upgrade(root, "toy");
    assert_eq!(configs(), ["env", "gone.conf.rpmsave", "new.conf", "new.conf.rpmnew", "secrets"]);
    assert_eq!(root.read("/etc/toy/new.conf"), "edited\n");
    assert_eq!(root.read("/etc/toy/new.conf.rpmnew"), "packaged\n");
    assert_eq!(root.read("/etc/toy/secrets/key"), key);
    assert!(!root.has("/run/fitout.toy"));
    log();

    root.write("/fail-before-remove", "", 0o644);
    let _ = manager.run(root, &["remove", "toy"]);
    installed("2.0.0-1");
    assert_eq!((log(), enabled(root, "toy.service")), (vec!["before-remove".to_owned()], "enabled".to_owned()));
    root.ok(&["rm", "/fail-before-remove"]);
    root.sh("ln -s /usr/lib/systemd/system/toy-each@.service /etc/systemd/system/multi-user.target.wants/toy-each@a.service");
    manager.remove(root, "toy");
    absent();
    assert_eq!(log(), ["before-remove", "after-remove"]);
    assert_eq!(root.sh("find /etc/systemd /usr/lib/systemd -name 'toy*'"), "", "{manager:?}");
}

/// Each manager in a thread of its own.
fn with_each(check: impl Fn(Manager) + Sync) {
    std::thread::scope(|scope| {
        let check = &check;
        let managers = [Manager::Dnf4, Manager::Dnf5, Manager::Zypper];
        let threads: Vec<_> = managers.into_iter().map(|manager| scope.spawn(move || check(manager))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

#[test]
fn dnf_and_zypper_take_an_example_through_its_life() {
    with_each(life);
}

#[test]
fn scripts_run_when_they_should_under_every_shell() {
    with_each(scripted);
}

/// A package with accounts of every kind.
fn with_accounts() -> (tempfile::TempDir, PathBuf) {
    let config = r#"
[package]
name = "accounts"
version = "1"
summary = "Brings accounts"
maintainer = "Ops Team <ops@example.org>"
license = "MIT"

[build]
preset = "plain"

[[files]]
text  = "x"
to    = "/usr/share/accounts/x"
owner = "one:shared"

[[files]]
text  = "x"
to    = "/usr/share/accounts/y"
owner = "two:www-data"

[[account]]
name    = "one"
group   = "shared"
comment = "It's  the first"
home    = "/var/lib/one"

[[account]]
name   = "two"
groups = ["shared", "extra"]
shell  = "/bin/sh"

[[account]]
name = "three"
uid  = 777
gid  = 778
"#;
    let folder = project(&[("fitout.toml", config)]);
    let (code, _, stderr) = run(folder.path(), &["build", "--format", "rpm"]);
    assert_eq!(code, 0, "{stderr}");
    let rpm = artifact_of(folder.path(), ".rpm");
    (folder, rpm)
}

/// rpm 4.19 and newer make accounts themselves, older ones leave it to `%pre`: it comes to the same.
#[test]
fn accounts_are_the_same_whoever_makes_them() {
    let (_folder, rpm) = with_accounts();
    let made = |options: &[&str]| {
        let root = Root::of(&TESTING)?;
        std::fs::copy(&rpm, root.at("/accounts.rpm")).unwrap();
        let said = root.ok(&[&["rpm", "-U", "--nodeps"], options, &["/accounts.rpm"]].concat());
        assert_eq!(said, "", "{options:?}");
        let script = "for user in one two three; do getent passwd $user | cut -d: -f5-7; id -g -n $user; id -G -n $user | tr ' ' '\\n' | sort; done
            stat -c %U:%G /usr/share/accounts/*; id -u three; id -g three";
        let facts = root.sh(script);
        // A second time nothing is left to do.
        root.ok(&[&["rpm", "-U", "--nodeps", "--replacepkgs"], options, &["/accounts.rpm"]].concat());
        assert_eq!(root.sh(script), facts);
        Some(facts)
    };
    let Some(by_rpm) = made(&[]) else { return };
    assert_eq!(Some(&by_rpm), made(&["--nosysusers"]).as_ref());
    let expected = "\
It's the first:/var/lib/one:/usr/sbin/nologin
shared
shared
Brings accounts:/:/bin/sh
two
extra
shared
two
Brings accounts:/:/usr/sbin/nologin
three
three
one:shared
two:www-data
777
778
";
    assert_eq!(by_rpm, expected);
}

/// What rpmbuild 6 says of the same file of sysusers.d, memberships left out.
#[test]
fn accounts_are_provided_as_rpmbuild_does() {
    let (_folder, rpm) = with_accounts();
    let Some(root) = Root::of(&TESTING) else { return };
    std::fs::copy(&rpm, root.at("/accounts.rpm")).unwrap();
    root.sh("rpm -U --nodeps /accounts.rpm");
    let spec = "Name: same\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n\
        %install\nmkdir -p %{buildroot}/usr/lib/sysusers.d\n\
        cp /usr/lib/sysusers.d/accounts.conf %{buildroot}/usr/lib/sysusers.d/same.conf\n\
        %files\n/usr/lib/sysusers.d/same.conf\n";
    root.write("/same.spec", spec, 0o644);
    root.ok(&[
        "rpmbuild",
        "-bb",
        "--quiet",
        "--define",
        "_rpmdir /",
        "--define",
        "_build_name_fmt same.rpm",
        "/same.spec",
    ]);
    let provided = |rpm: &str| {
        let query = "[%{PROVIDENAME} %{PROVIDEFLAGS} %{PROVIDEVERSION}\\n]";
        let all = root.ok(&["rpm", "-qp", "--queryformat", query, rpm]);
        let own = |line: &&str| line.starts_with("user(") || line.starts_with("group(");
        all.lines().filter(own).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut theirs = provided("/same.rpm");
    // It takes every user to come with a group of its own, and says a group twice that has a line and a user.
    theirs.retain(|line| !["group(one) 32768 ", "group(three) 32768 "].contains(&line.as_str()));
    assert_eq!(provided("/accounts.rpm"), theirs);
}

/// A distribution before rpm 4.19 provides no accounts, so those of others are wished for and not required.
#[test]
fn packages_require_what_every_distribution_has() {
    let (_folder, rpm) = with_accounts();
    let programs = ["/usr/sbin/groupadd", "/usr/sbin/useradd", "/usr/sbin/usermod"];
    assert_eq!(requires(&rpm), ["/bin/sh"].iter().chain(&programs).map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let query = |what: &str| tool("rpm", &["-qp", "--nosignature", what, rpm.to_str().unwrap()]);
    let Some(recommends) = query("--recommends") else { return };
    assert_eq!(recommends, "group(www-data)\n");
}

/// rpm 6 takes packages of both of its formats once they are signed, and nothing else where only signed ones may come in.
#[test]
fn rpm_6_verifies_and_installs_both_formats() {
    let Some(root) = Root::of(&TESTING) else { return };
    for format in ["4", "6"] {
        let config = format!(
            "[package]\nname = \"v{format}\"\nversion = \"1\"\nsummary = \"A package\"\n\
             maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n[build]\npreset = \"plain\"\n\
             [[files]]\ntext = \"x\"\nto = \"/usr/share/v{format}/x\"\n[format.rpm]\nformat-version = \"v{format}\"\n"
        );
        let folder = project(&[("fitout.toml", &config)]);
        let (code, _, stderr) = run(folder.path(), &["build", "--format", "rpm"]);
        assert_eq!(code, 0, "{stderr}");
        std::fs::copy(artifact_of(folder.path(), ".rpm"), root.at(&format!("/v{format}.rpm"))).unwrap();
    }
    let strict = |words: &[&str]| root.run(&[&["rpm", "--define", "_pkgverify_level all"], words].concat());
    for rpm in ["/v4.rpm", "/v6.rpm"] {
        assert_eq!(root.ok(&["rpm", "-K", "--nosignature", rpm]), format!("{rpm}: digests OK\n"));
        let (code, said) = strict(&["-U", "--nodeps", rpm]);
        assert!(code != 0 && said.contains("no signature"), "{said}");
    }
    root.sh("export GNUPGHOME=/root/gnupg
        mkdir -m 700 $GNUPGHOME
        gpg -q --batch --passphrase '' --quick-gen-key 'Ops <ops@example.org>' ed25519 sign 2>/dev/null
        gpg -q --armor --export >/key.asc
        rpm --import /key.asc
        rpmsign --define '_openpgp_sign gpg' --define '_gpg_name ops@example.org' --addsign /v4.rpm /v6.rpm 2>&1
        gpgconf --kill all");
    for (name, rpm) in [("v4", "/v4.rpm"), ("v6", "/v6.rpm")] {
        assert_eq!(root.ok(&["rpm", "-K", rpm]), format!("{rpm}: digests signatures OK\n"));
        let (code, said) = strict(&["-U", "--nodeps", rpm]);
        assert_eq!((code, said.as_str()), (0, ""));
        assert_eq!(root.run(&["rpm", "--verify", name]), (0, String::new()));
    }
}

/// An older package of another maker that says nothing about units is no matter.
#[test]
fn one_of_two_instances_goes_without_a_word() {
    let Some(root) = Root::of(&TESTING) else { return };
    let ((_first, first), (_second, second)) = (toy::build("1.0.0", "rpm"), toy::build("2.0.0", "rpm"));
    for (rpm, name) in [(first, "/1.rpm"), (second, "/2.rpm")] {
        std::fs::copy(rpm, root.at(name)).unwrap();
    }
    root.ok(&["rpm", "-i", "--nodeps", "/1.rpm"]);
    root.ok(&["rpm", "-i", "--nodeps", "--force", "/2.rpm"]);
    root.ok(&["rpm", "-e", "toy-1.0.0"]);
    assert_eq!(enabled(&root, "toy.service"), "enabled");
    assert!(root.has("/usr/lib/toy/serve"));
    root.ok(&["rpm", "-e", "toy"]);
    assert_eq!(root.sh("find /etc/systemd -name 'toy*'"), "");
}

/// A unit that another package had keeps what was decided about it when that package is replaced.
#[test]
fn a_package_takes_over_the_units_of_the_one_that_it_replaces() {
    let service = |name: &str, more: &str| {
        let config = format!(
            "[package]\nname = \"{name}\"\nversion = \"1\"\nsummary = \"Serves\"\n\
             maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n[build]\npreset = \"plain\"\n\
             [[files]]\ntext = \"{name}\"\nto = \"/usr/share/{name}/x\"\n\
             [[service]]\nname = \"daemon\"\nuser = \"daemond\"\nexec = [\"/bin/sleep\", \"1000\"]\n{more}"
        );
        let folder = project(&[("fitout.toml", &config)]);
        let (code, _, stderr) = run(folder.path(), &["build", "--format", "rpm"]);
        assert_eq!(code, 0, "{stderr}");
        (artifact_of(folder.path(), ".rpm"), folder)
    };
    let (old, _old) = service("before", "");
    let (new, _new) = service("after", "[format.rpm]\nobsoletes = [\"before\"]\n");
    for decided in ["enabled", "disabled"] {
        let Some(root) = Root::of(&TESTING) else { return };
        std::fs::copy(&old, root.at("/old.rpm")).unwrap();
        std::fs::copy(&new, root.at("/new.rpm")).unwrap();
        root.ok(&["rpm", "-U", "--nodeps", "/old.rpm"]);
        if decided == "disabled" {
            root.ok(&["systemctl", "disable", "daemon.service"]);
        }
        root.ok(&["rpm", "-U", "--nodeps", "/new.rpm"]);
        assert_ne!(root.run(&["rpm", "-q", "before"]).0, 0);
        assert_eq!(enabled(&root, "daemon.service"), decided);
    }
}

/// Whole scriptlets of a package with everything, where values mean much to a shell.
#[test]
fn shellcheck_has_nothing_to_say_of_scriptlets() {
    const TAGS: [&str; 5] = ["PREIN", "POSTIN", "PREUN", "POSTUN", "POSTTRANS"];
    const HOSTILE: &str = "Greets o'k $(touch ran) `touch ran` $HOME; & | < > * ? ~ # !";
    let project = Project::new();
    project.replace("fitout.toml", "formats = [\"tarball\", \"zip\"]", "formats = [\"rpm\"]");
    project.replace("fitout.toml", "summary = \"Greets", &format!("summary = \"{HOSTILE}"));
    project.append("fitout.toml", "\n[format.rpm]\nobsoletes = [\"older\"]\n");
    let rpm = project.rpm("1.4.0");
    for tag in TAGS {
        let query = format!("--queryformat=%{{{tag}}}\n");
        let Some(text) = tool("rpm", &["-qp", "--nosignature", &query, rpm.to_str().unwrap()]) else { return };
        assert!(text.lines().count() > 5, "{tag}: {text}");
        let script = project.folder().join(tag);
        std::fs::write(&script, &text).unwrap();
        let script = script.to_str().unwrap();
        // That nothing is expanded in single quotes is what they are there for.
        tool("shellcheck", &["--shell=sh", "--severity=style", "--norc", "--exclude=SC2016", script]);
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            tool(shell[0], &[&shell[1..], &["-n", script]].concat());
        }
    }
}
