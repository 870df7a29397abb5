//! What a Debian root lacks to be a distribution with rpm: packages that provide what others require, and what Fedora's
//! systemd does by itself at the end of each transaction.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::roots::Root;
use crate::support::{finish, tool};

/// What packages with services require besides what their ELF files need and rpm itself provides: every distribution with
/// rpm has it.
const REQUIRED: [&str; 3] = ["/bin/sh", "/usr/sbin/groupadd", "/usr/sbin/useradd"];

/// Requirements of a package that another one must fulfil.
pub fn requires(rpm: &Path) -> Vec<String> {
    let query = |what: &str| tool("rpm", &["-qp", "--nosignature", what, rpm.to_str().unwrap()]).unwrap_or_default();
    let provides = query("--provides");
    let own: Vec<&str> = provides.lines().collect();
    let requires = query("--requires");
    let mut names: Vec<String> = requires
        .lines()
        .filter(|line| !line.starts_with("rpmlib(") && !own.contains(line))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// A package that stands for the distribution of these packages: it provides what the Debian root has.
pub fn base(folder: &Path, rpms: &[&Path]) -> PathBuf {
    let mut provides: Vec<String> = rpms.iter().flat_map(|rpm| requires(rpm)).collect();
    for name in &provides {
        let library = name.contains("()(64bit)") || name.contains(")(64bit)") || name == "rtld(GNU_HASH)";
        assert!(library || REQUIRED.contains(&name.as_str()), "no distribution provides `{name}`");
    }
    provides.sort();
    provides.dedup();
    let provides: String = provides.iter().map(|name| format!("Provides: {name}\n")).collect();
    // zypper takes a system without a C library for a broken one.
    rpmbuild(folder, &format!("Name: base\nVersion: 1\nProvides: glibc\n{provides}%description\nx\n%files\n"))
}

/// Builds a package from the end of a spec file.
pub fn rpmbuild(folder: &Path, spec: &str) -> PathBuf {
    let top = tempfile::tempdir().unwrap();
    let file = top.path().join("package.spec");
    let head = "Release: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\nAutoReqProv: no\n";
    fs::write(&file, format!("{head}{spec}")).unwrap();
    let define = format!("_topdir {}", top.path().display());
    let target = format!("_rpmdir {}", folder.display());
    let output = Command::new("rpmbuild")
        .args(["-bb", "--quiet", "--define", &define, "--define", &target])
        .args(["--define", "_build_name_fmt %%{NAME}-%%{VERSION}.rpm", "--define", "_binary_payload w6.gzdio"])
        .arg(&file)
        .output()
        .unwrap();
    let (code, _, stderr) = finish(output);
    assert_eq!(code, 0, "{stderr}\n{spec}");
    let word = |key: &str| spec.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim();
    folder.join(format!("{}-{}.rpm", word("Name:"), word("Version:")))
}

/// What Fedora and Enterprise Linux bring with systemd: nothing is enabled unless a preset says so, a program that the
/// scripts of packages call, and scripts of its own that run after all others and restart what was marked.
pub const SYSTEMD: &str = r#"Name: systemd-like
Version: 1
%description
x
%install
mkdir -p %{buildroot}/usr/lib/systemd/system-preset
echo 'disable *' >%{buildroot}/usr/lib/systemd/system-preset/99-default-disable.preset
cat >%{buildroot}/usr/lib/systemd/systemd-update-helper <<'END'
#!/bin/bash
set -eu
verb=$1
shift
echo "$verb $*" >>/var/log/systemd-update-helper
running() { [ -d /run/systemd/system ]; }
case "$verb" in
install-system-units) systemctl --no-reload preset "$@" ;;
remove-system-units)
	if running; then systemctl --no-reload disable --now "$@"; else systemctl --no-reload disable "$@"; fi
	;;
mark-restart-system-units)
	running || exit 0
	for unit in "$@"; do systemctl set-property "$unit" Markers=+needs-restart; done
	;;
system-reload | system-restart | system-reload-restart)
	running || exit 0
	if [ "$verb" != system-restart ]; then systemctl daemon-reload; fi
	if [ "$verb" != system-reload ]; then systemctl reload-or-restart --marked; fi
	;;
*) exit 3 ;;
esac
END
chmod 755 %{buildroot}/usr/lib/systemd/systemd-update-helper
%transfiletriggerin -P 900900 -- /usr/lib/systemd/system /etc/systemd/system
/usr/lib/systemd/systemd-update-helper system-reload-restart || :
%transfiletriggerpostun -P 1000100 -- /usr/lib/systemd/system /etc/systemd/system
/usr/lib/systemd/systemd-update-helper system-reload || :
%transfiletriggerpostun -P 10000 -- /usr/lib/systemd/system /etc/systemd/system
/usr/lib/systemd/systemd-update-helper system-restart || :
%files
/usr/lib/systemd/systemd-update-helper
/usr/lib/systemd/system-preset/99-default-disable.preset
"#;

/// Puts a repository with these packages into a root.
pub fn publish(root: &Root, rpms: &[&Path]) {
    let folder = root.at("/repository");
    fs::create_dir_all(&folder).unwrap();
    for rpm in rpms {
        fs::copy(rpm, folder.join(rpm.file_name().unwrap())).unwrap();
    }
    tool("createrepo_c", &["--quiet", folder.to_str().unwrap()]);
}
