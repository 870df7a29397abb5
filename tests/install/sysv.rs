//! A deb with an init script on a Debian whose process 1 is not systemd.

use std::fs;

use crate::archives::Project;
use crate::roots::{BOOKWORM, Root};
use crate::support::artifact_of;

/// All in one go: what was started ends with the command that started it. dpkg's own output is not of interest.
const LIFE: &str = r#"
# As an init of System V leaves it to those who ask for the runlevel.
export RUNLEVEL=2 PREVLEVEL=N
cd /tmp
dpkg -i old.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
echo "links: $(cd /etc; echo rc2.d/S*greeter rc0.d/K*greeter)"
service greeter status >/dev/null
service side status >/dev/null
side=$(/usr/lib/greeter/launcher/side pid)
first=$(greeter pid)
echo "user: $(stat -c %U "/proc/$first")"
dpkg -i new.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
service greeter status >/dev/null
second=$(greeter pid)
[ "$first" != "$second" ] && [ ! -d "/proc/$first" ]
# The new version has one service less.
[ ! -d "/proc/$side" ] && [ ! -x /etc/init.d/side ]
echo "links of what was dropped: $(cd /etc; find rc?.d -name '*side')"
# It comes back with the version that has it.
dpkg -i old.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
[ -x /etc/init.d/side ]
service side status >/dev/null
dpkg -i new.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
second=$(greeter pid)
echo "started: $(grep -c serving /var/log/greeter/greeter.log)"
dpkg --remove greeter >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
[ ! -d "/proc/$second" ]
[ -e /etc/init.d/greeter ] && [ ! -x /etc/init.d/greeter ]
dpkg -i new.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
[ -x /etc/init.d/greeter ]
service greeter status >/dev/null
dpkg --purge greeter >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
echo "left: $(cd /etc; find rc?.d init.d -name '*greeter*')"
"#;

#[test]
fn an_init_script_lives_with_its_package() {
    let project = Project::new();
    // There is no server in the root.
    project.replace("app/bin/serve", "exec busybox httpd", "exec sleep 1000 #");
    project.replace("fitout.toml", &format!("ready = {{ port = {} }}", project.port), "ready = \"exec\"");
    project.replace("fitout.toml", "formats = [\"tarball\", \"zip\"]", "formats = [\"deb\", \"tarball\"]");
    let Some(root) = Root::of(&BOOKWORM) else { return };
    let side =
        "\n[[service]]\nname = \"side\"\nuser = \"greeter\"\nexec = [\"/bin/sleep\", \"987\"]\ninit = [\"sysv\"]\n";
    project.append("fitout.toml", side);
    for (version, name) in [("1.4.0", "old.deb"), ("1.5.0", "new.deb")] {
        project.tarball(version);
        if version == "1.4.0" {
            project.replace("fitout.toml", side, "");
        }
        fs::copy(artifact_of(&project.folder(), ".deb"), root.at("/tmp").join(name)).unwrap();
    }
    let told = root.sh(LIFE);
    assert_eq!(
        told,
        "links: rc2.d/S01greeter rc0.d/K01greeter\nuser: greeter\nlinks of what was dropped: \nstarted: 4\nleft: \n"
    );
}
