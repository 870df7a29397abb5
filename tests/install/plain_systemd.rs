//! install.sh of a tarball on a Debian with systemd as process 1.

use crate::archives::{Project, unpack};
use crate::machine::Machine;
use crate::roots::{BOOKWORM, Root};

/// A server for a root that has nothing but Debian's essential packages.
const SERVER: &str = r#"exec perl -MIO::Socket::INET -e '
$page = shift; open F, $page or die; $text = <F>;
$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 5, ReuseAddr => 1) or die "listen: $@";
$SIG{TERM} = sub { exit 0 };
while ($c = $s->accept) { print $c $text; close $c }' "$GREETER_ROOT/index.html" "$port" #"#;

#[test]
fn units_come_with_an_archive() {
    let project = Project::new();
    project.replace("app/bin/serve", "exec busybox", &format!("{SERVER} busybox"));
    let Some(root) = Root::of(&BOOKWORM) else { return };
    for version in ["1.4.0", "1.5.0"] {
        unpack(&project.tarball(version), &root.at("/srv").join(version));
    }
    project.replace("app/bin/serve", "set -eu", "set -eu; exit 3");
    unpack(&project.tarball("1.6.0"), &root.at("/srv/1.6.0"));
    let Some(machine) = Machine::boot(root) else { return };
    let install = |version: &str, words: &[&str]| {
        let script = format!("/srv/{version}/install.sh");
        machine.run(&[&[script.as_str(), "--base", "/opt/it is 100% here"], words].concat())
    };
    let page = || machine.sh(&format!("head -n 1 </dev/tcp/127.0.0.1/{}", project.port));
    let pid = || machine.show("greeter.service", "MainPID");

    // What no unit can name is told before anything is done.
    for odd in ["it's", "a \"b\"", "a\\b", "$HOME", "two\nlines"] {
        let (code, told) = machine.run(&["/srv/1.4.0/install.sh", "--base", &format!("/opt/{odd}")]);
        let expected = "greeter: systemd's units cannot name a folder with a quote, \\, $ or a control character: \
                        name another one by --base\n";
        assert_eq!((code, told.as_str()), (1, expected), "{odd}");
    }
    assert_eq!(machine.sh("ls -A /opt; ls -d /etc/greeter 2>/dev/null || :; getent passwd greeter || :"), "");
    let (code, told) = install("1.4.0", &[]);
    assert_eq!(code, 0, "{told}\n{}", machine.journal("greeter.service"));
    assert_eq!(page(), "version 1.4.0");
    assert_eq!(machine.ok(&["systemctl", "is-enabled", "greeter.service", "greeter-report.timer"]), "enabled\nenabled");
    assert_eq!(machine.ok(&["stat", "-c", "%U", &format!("/proc/{}", pid())]), "greeter");
    assert!(
        machine.journal("greeter.service").contains("as greeter: it's \"100%\" $HOME"),
        "{}",
        machine.journal("greeter.service")
    );
    assert_eq!(machine.run(&["greeter", "status"]).0, 0);
    assert_eq!(machine.run(&["greeter", "ping"]).0, 0);
    assert!(machine.ok(&["greeter", "migrate", "x"]).contains("migrating /var/lib/greeter as greeter: x"));

    // Log files are rotated where logrotate is, as the administrator wants it.
    assert!(machine.sh("cat /etc/logrotate.d/greeter").starts_with("\"/var/log/greeter/report.log\" {\n\tweekly\n"));
    machine.sh("sed -i s/weekly/daily/ /etc/logrotate.d/greeter");

    let first = pid();
    let (code, told) = install("1.5.0", &["upgrade"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(page(), "version 1.5.0");
    assert_ne!(pid(), first);
    assert_eq!(machine.sh("ls /etc/logrotate.d | grep greeter; grep -c daily /etc/logrotate.d/greeter"), "greeter\n1");
    assert_eq!(machine.show("greeter.service", "NRestarts"), "0");

    let (code, told) = install("1.6.0", &[]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("1.6.0 did not start; 1.5.0 is back"), "{told}");
    assert_eq!(page(), "version 1.5.0");

    let (code, told) = install("1.5.0", &["rollback"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(page(), "version 1.4.0");

    // What the administrator stopped stays so.
    machine.ok(&["systemctl", "stop", "greeter.service"]);
    let journal = machine.journal("greeter.service");
    let ended = "\npre-stop\npost-stop\ngreeter.service: Deactivated successfully.\n";
    assert!(journal.contains(ended), "{journal}");
    let (code, told) = install("1.5.0", &[]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(machine.run(&["systemctl", "is-active", "greeter.service"]).1, "inactive\n");

    let (code, told) = install("1.5.0", &["uninstall", "--purge"]);
    assert_eq!(code, 0, "{told}");
    assert_ne!(machine.run(&["systemctl", "cat", "greeter.service"]).0, 0);
    assert_eq!(
        machine.sh("ls -d /opt/* /etc/greeter /etc/logrotate.d/greeter /var/lib/greeter /etc/systemd/system/greeter* 2>/dev/null || :"),
        ""
    );
}
