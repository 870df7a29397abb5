//! Accounts of an rpm: whoever makes them, and what packages say of them.

use std::path::PathBuf;

use crate::distribution::requires;
use crate::roots::{Root, TESTING};
use crate::support::{artifact_of, project, run, tool};

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
