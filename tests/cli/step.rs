//! The build step: what runs in which order, what of the environment it sees, and where its output is kept.

use std::path::Path;

use crate::support::{finish, fitout, project, run};

const HEAD: &str = "[package]\nname = \"step\"\nversion = \"1.0.0\"\nsummary = \"Steps\"\nlicense = \"MIT\"\n\
                    maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n";

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn everything_runs_in_its_order_with_one_environment() {
    let config = format!(
        "{HEAD}command = \"\"\"mkdir -p tree; echo a > tree/a; echo \"command $NAME\" >> order\"\"\"\n\
         test = \"test -f tree/a && echo \\\"test $NAME\\\" >> order\"\nenv = {{ NAME = \"value\" }}\n\n\
         [build.hooks]\n\
         before-build = [{{ text = \"echo \\\"before-build $NAME\\\" >> order\" }}, {{ file = \"hook.sh\" }}]\n\
         after-build = [{{ text = \"echo after-build >> order\" }}]\n\
         before-package = [{{ text = \"echo before-package >> order\" }}]\n\
         before-assemble = [{{ text = \"echo before-assemble >> order; test ! -e dist\" }}]\n\
         after-assemble = [{{ text = \"echo after-assemble >> order; test ! -e dist/manifest.json\" }}]\n\
         after-package = [{{ text = \"ls \\\"$FITOUT_OUT\\\" >> order\" }}]\n"
    );
    // It is no program: a shell runs it.
    let folder = project(&[("fitout.toml", &config), ("hook.sh", "echo \"file $NAME in $(pwd -P)\" >> order\n")]);
    let real = std::fs::canonicalize(folder.path()).unwrap();
    let (exit, _, stderr) = run(folder.path(), &["build"]);
    assert_eq!(exit, 0, "{stderr}");
    let expected = format!(
        "before-build value\nfile value in {}\ncommand value\nafter-build\ntest value\nbefore-assemble\nbefore-package\nafter-assemble\n\
         manifest.json\nstep-1.0.0-linux-all.tar.gz\n",
        real.display()
    );
    let order = read(folder.path(), "order");
    assert_eq!(order.lines().take(9).collect::<Vec<_>>(), expected.lines().take(9).collect::<Vec<_>>(), "{order}");
    assert!(order.lines().nth(9).is_some_and(|line| line.ends_with(".tar.gz")), "{order}");
    // Nothing of it runs for those who only look.
    std::fs::remove_file(folder.path().join("order")).unwrap();
    let (exit, _, stderr) = run(folder.path(), &["plan"]);
    assert_eq!(exit, 0, "{stderr}");
    assert!(!folder.path().join("order").exists());
}

#[test]
fn a_command_sees_a_part_of_the_environment() {
    let config = format!("{HEAD}command = \"mkdir -p tree; env > tree/env\"\npass-env = [\"MY_TOKEN\"]\n");
    let folder = project(&[("fitout.toml", &config)]);
    let mut command = fitout(folder.path());
    command.args(["build"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder.path());
    for name in ["AWS_SECRET_ACCESS_KEY", "MY_TOKEN", "OTHER", "TZ", "LC_ALL"] {
        command.env(name, "C");
    }
    let (exit, _, stderr) = finish(command.output().unwrap());
    assert_eq!(exit, 0, "{stderr}");
    let seen = read(folder.path(), "tree/env");
    let mut names: Vec<&str> = seen.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // What a shell sets by itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["FITOUT_ARCH", "FITOUT_TARGET", "HOME", "LC_ALL", "MY_TOKEN", "PATH", "TZ"]);
}

#[test]
fn a_failing_test_or_hook_leaves_nothing() {
    for (rest, code) in [
        ("test = \"exit 1\"\n", "build/test-failed"),
        ("[build.hooks]\nafter-build = [{ text = \"exit 1\" }]\n", "build/hook-failed"),
        ("[build.hooks]\nbefore-package = [{ text = \"exit 1\" }]\n", "build/hook-failed"),
        ("[build.hooks]\nafter-assemble = [{ text = \"exit 1\" }]\n", "build/hook-failed"),
    ] {
        let folder = project(&[("fitout.toml", &format!("{HEAD}command = \"true\"\n{rest}")), ("tree/a", "a")]);
        let (exit, stdout, stderr) = run(folder.path(), &["build"]);
        assert_eq!((exit, stdout.as_str()), (3, ""), "{stderr}");
        assert!(stderr.contains(&format!("error[{code}]")), "{stderr}");
        assert!(!folder.path().join("dist").exists(), "{stderr}");
    }
}

#[test]
fn the_log_has_all_that_was_printed() {
    let folder = project(&[("fitout.toml", &format!("{HEAD}command = \"seq 100; echo no >&2; exit 7\"\n"))]);
    let cache = folder.path().join("cache");
    let args = ["build", "-q", "--cache-dir", cache.to_str().unwrap()];
    let (exit, _, stderr) = run(folder.path(), &args);
    assert_eq!(exit, 3, "{stderr}");
    let log = stderr.split('`').find(|part| part.ends_with("build.log")).expect("the log is named");
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!((lines[0], lines[1], lines.len()), ("$ seq 100; echo no >&2; exit 7", "1", 102), "{log}");
    // A cache folder that cannot be had costs the log, nothing else.
    let (exit, _, stderr) = run(folder.path(), &["build", "-q", "--cache-dir", "/proc/nowhere"]);
    assert!(exit == 3 && stderr.contains("status 7") && !stderr.contains("build.log"), "{stderr}");
}
