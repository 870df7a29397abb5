//! A package that uses what the examples do not: several services, each with a word of its own about upgrades; a timer, a
//! socket, instances; secrets; a log file; moved config files; a script of the user at every moment.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::support::{artifact_of, project, run};

/// A daemon that says what it does.
const SERVE: &str = r#"#!/bin/sh
trap 'echo "$1 @VERSION@ stops"; exit 0' TERM
trap 'echo "$1 @VERSION@ reads its configuration"' HUP
echo "$1 @VERSION@ runs as $(id -un) with a key of $(wc -c <"${KEY_FILE:-/dev/null}") bytes and WORD=$WORD"
while :; do
	sleep 1000 &
	wait $!
done
"#;

const CONFIG: &str = r#"
[package]
name       = "toy"
version    = "@VERSION@"
summary    = "Plays a part in tests"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"

[[files]]
from = "serve"
to   = "/usr/lib/toy/serve"
mode = "0755"

[[files]]
from  = "env"
to    = "/etc/toy/env"
role  = "config"
owner = "root:toy"
mode  = "0640"

[[files]]
from  = "tool"
to    = "/usr/lib/toy/tool"
owner = "toy:toy"
mode  = "04750"

[[service]]
exec     = ["/usr/lib/toy/serve", "toy"]
env-file = "/etc/toy/env"
secrets  = { KEY = { file = "/etc/toy/secrets/key", generate = true } }

[[service]]
name       = "toy-reload"
exec       = ["/usr/lib/toy/serve", "toy-reload"]
reload-signal = "SIGHUP"
on-upgrade = "reload"

[[service]]
name       = "toy-keep"
exec       = ["/usr/lib/toy/serve", "toy-keep"]
on-upgrade = "nothing"
log-file   = "/var/log/toy/keep.log"

[[service]]
name   = "toy-off"
exec   = ["/usr/lib/toy/serve", "toy-off"]
enable = false
start  = false

[[service]]
name   = "toy-once"
exec   = ["/usr/lib/toy/serve", "toy-once"]
enable = false

[[service]]
name = "toy-job"
exec = ["/bin/sh", "-c", "echo toy-job @VERSION@ works"]
[service.timer]
on-calendar = ["daily"]

[[service]]
name   = "toy-idle"
exec   = ["/usr/lib/toy/serve", "toy-idle"]
socket = { listen-stream = ["127.0.0.1:4198"] }

[[service]]
name   = "toy-busy"
exec   = ["/usr/lib/toy/serve", "toy-busy"]
socket = { listen-stream = ["127.0.0.1:4199"] }

[[service]]
name = "toy-each@"
exec = ["/usr/lib/toy/serve", "toy-each"]
"#;

/// Config files of the first version: one is renamed by the second, one dropped.
const FIRST: &str = r#"
[[files]]
from = "old.conf"
to   = "/etc/toy/old.conf"
role = "config"

[[files]]
from = "gone.conf"
to   = "/etc/toy/gone.conf"
role = "config"
"#;

const SECOND: &str = r#"
[[files]]
from = "old.conf"
to   = "/etc/toy/new.conf"
role = "config"

[[package.moved]]
from  = "/etc/toy/old.conf"
to    = "/etc/toy/new.conf"
since = "2.0.0"

[[package.moved]]
from  = "/etc/toy/gone.conf"
since = "2.0.0"
"#;

const MOMENTS: [&str; 7] = [
    "before-install",
    "after-install",
    "before-upgrade",
    "after-upgrade",
    "before-remove",
    "after-remove",
    "after-purge",
];
const SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// Where the scripts of the user say that they ran; a file `/fail-MOMENT` makes one of them fail.
pub const LOG: &str = "/var/log/scripts-of-toy";

/// The package in version 1.0.0 or 2.0.0, as `format`; with what keeps it.
pub fn build(version: &str, format: &str) -> (tempfile::TempDir, PathBuf) {
    let mut config = CONFIG.to_owned() + if version == "1.0.0" { FIRST } else { SECOND };
    let mut files: Vec<(String, String)> = Vec::new();
    config.push_str("\n[package.scripts]\n");
    let script = |name: &str| {
        format!("#!/bin/sh\nset -e\necho {name} \"$@\" >>{LOG}\nif [ -e /fail-{name} ]; then exit 3; fi\n")
    };
    for moment in MOMENTS {
        let _ = writeln!(config, "{moment} = \"scripts/{moment}\"");
        files.push((format!("scripts/{moment}"), script(moment)));
    }
    config.push_str("\n[format.deb.scripts]\n");
    for name in SCRIPTS {
        let _ = writeln!(config, "{name} = \"scripts/{name}\"");
        files.push((format!("scripts/{name}"), script(name)));
    }
    for (name, text) in [
        ("serve", SERVE),
        ("tool", "#!/bin/sh\n"),
        ("env", "WORD=packaged\n"),
        ("old.conf", "packaged\n"),
        ("gone.conf", "packaged\n"),
    ] {
        files.push((name.to_owned(), text.to_owned()));
    }
    files.push(("fitout.toml".to_owned(), config));
    let files: Vec<(String, String)> =
        files.into_iter().map(|(name, text)| (name, text.replace("@VERSION@", version))).collect();
    let pairs: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = project(&pairs);
    let (code, _, stderr) = run(folder.path(), &["build", "--format", format]);
    assert_eq!(code, 0, "{stderr}");
    let artifact = artifact_of(folder.path(), &format!(".{format}"));
    (folder, artifact)
}
