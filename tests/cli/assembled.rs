//! `[release]`: what is evaluated for it, and when; the folder that it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::signals::{send, start};
use crate::support::{copy_tree, root, run};

/// A project with a root of OTP that is just enough, and these lines under `[release]`.
fn project(lines: &str) -> Project {
    let holder = tempfile::tempdir().unwrap();
    let folder = holder.path().join("project");
    copy_tree(&root().join("tests/golden/errors/otp/optional"), &folder);
    assert!(Command::new("sh").arg("setup.sh").current_dir(&folder).status().unwrap().success());
    let config = folder.join("fitout.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(config, text + lines).unwrap();
    Project { _holder: holder, folder }
}

struct Project {
    _holder: tempfile::TempDir,
    folder: PathBuf,
}

impl Project {
    fn path(&self) -> &Path {
        &self.folder
    }
}

fn built(folder: &Path) -> String {
    let (code, _, stderr) = run(folder, &["build", "--verbose"]);
    assert_eq!(code, 0, "{stderr}");
    stderr
}

#[test]
fn a_command_runs_each_time_since_nobody_knows_what_it_reads() {
    let outside = tempfile::tempdir().unwrap();
    let log = outside.path().join("runs");
    let folder = project(&format!("sys-config = \"command:echo >>{}; cat config/port\"\n", log.display()));
    let config = folder.path().join("config");
    fs::create_dir(&config).unwrap();
    let runs = || fs::read_to_string(&log).unwrap_or_default().lines().count();
    let live = folder.path().join("_build/fitout/rel/hello/releases/1.4.0");
    let said = || fs::read_to_string(live.join("sys.config")).unwrap();
    fs::write(config.join("port"), "[{hello, [{port, 16#50}, {'A b', \"x\"}]}].\n").unwrap();
    assert!(built(folder.path()).contains(" applications, assembled"));
    assert!(built(folder.path()).contains(" applications, unchanged"));
    assert_eq!(runs(), 2);
    assert_eq!(said(), "%% coding: utf-8\n%% RUNTIME_CONFIG=false\n[{hello,[{port,80},{'A b',[120]}]}].\n");
    fs::write(config.join("port"), "[].\n").unwrap();
    assert!(built(folder.path()).contains(" applications, assembled"));
    assert_eq!((runs(), said().lines().last().unwrap().to_owned()), (3, "[].".to_owned()));
}

#[test]
fn elixir_evaluates_again_where_the_build_step_ran() {
    let outside = tempfile::tempdir().unwrap();
    let log = outside.path().join("runs");
    let folder = project("sys-config = \"config/config.exs\"\n");
    let config = folder.path().join("fitout.toml");
    let with_command =
        fs::read_to_string(&config).unwrap().replace("[build]\n", "[build]\ncommand = \"cp NAME beside\"\n");
    fs::write(&config, with_command).unwrap();
    let file = format!(
        "import Config\nFile.write!(\"{}\", \"x\", [:append])\nconfig :hello, name: String.to_atom(File.read!(\"NAME\"))\n",
        log.display()
    );
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(folder.path().join("config/config.exs"), file).unwrap();
    let evaluated = || fs::read(&log).unwrap_or_default().len();
    let live = folder.path().join("_build/fitout/rel/hello/releases/1.4.0");
    let said = || fs::read_to_string(live.join("sys.config")).unwrap();
    fs::write(folder.path().join("NAME"), "first").unwrap();
    // Until it is known that `beside` is what the step leaves.
    (0..3).for_each(|_| drop(built(folder.path())));
    let before = evaluated();
    let stderr = built(folder.path());
    assert!(stderr.contains("Skipped the build command") && said().contains("first"), "{stderr}");
    assert_eq!(evaluated(), before, "nothing has changed");
    // What it reads is the project's own, but no file of a configuration.
    fs::write(folder.path().join("NAME"), "second").unwrap();
    built(folder.path());
    assert!(said().contains("second") && evaluated() > before, "{}", said());
    // A run that ended behind the step: what was evaluated for the one before it is not of these files.
    let whole = fs::read_to_string(&config).unwrap();
    fs::write(folder.path().join("NAME"), "third").unwrap();
    fs::write(&config, format!("{whole}applications = {{ absent = \"permanent\" }}\n")).unwrap();
    assert_eq!(run(folder.path(), &["build"]).0, 2);
    fs::write(&config, whole).unwrap();
    built(folder.path());
    assert!(said().contains("third"), "{}", said());
}

#[test]
fn a_failure_leaves_the_release_that_was_there() {
    let folder = project("");
    let rel = folder.path().join("_build/fitout/rel");
    built(folder.path());
    let before = fs::read(rel.join("hello/releases/1.4.0/start.boot")).unwrap();
    fs::write(folder.path().join("_build/prod/lib/hello/ebin/x.beam"), "no module").unwrap();
    let (code, _, stderr) = run(folder.path(), &["build"]);
    assert!(code == 2 && stderr.contains("error[otp/bad-beam]"), "{stderr}");
    assert_eq!(fs::read(rel.join("hello/releases/1.4.0/start.boot")).unwrap(), before);
    assert_eq!(fs::read_dir(&rel).unwrap().count(), 1);
}

#[test]
fn a_plan_says_what_assembles_it_and_an_input_needs_nothing_of_it() {
    let folder = project("");
    let (code, _, stderr) = run(folder.path(), &["plan"]);
    assert!(code == 2 && stderr.contains("error[resolve/not-built]"), "{stderr}");
    assert!(stderr.contains("`fitout build` assembles it"), "{stderr}");
    built(folder.path());
    assert_eq!(run(folder.path(), &["plan"]).0, 0);
    fs::rename(folder.path().join("_build/fitout/rel/hello"), folder.path().join("given")).unwrap();
    fs::remove_dir_all(folder.path().join("_build")).unwrap();
    let (code, _, stderr) = run(folder.path(), &["build", "--input", "given"]);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn other_verbs_judge_its_values_too() {
    let folder = project("providers = [\"nothing\"]\n");
    for verb in ["plan", "lint"] {
        let (code, _, stderr) = run(folder.path(), &[verb]);
        assert!(code == 2 && stderr.contains("`nothing` is no provider"), "{stderr}");
    }
}

#[test]
fn an_environment_has_a_release_of_its_own() {
    let folder =
        project("[environment.staging.release]\nname = \"hello_staging\"\napplications = { hello = \"load\" }\n");
    let (code, _, stderr) = run(folder.path(), &["build", "--environment", "staging"]);
    assert_eq!(code, 0, "{stderr}");
    let rel = folder.path().join("_build/fitout/rel/hello_staging/releases/1.4.0/hello_staging.rel");
    assert!(fs::read_to_string(rel).unwrap().contains("{hello,\"1.4.0\",load}"));
}

/// At any moment of the assembly: the release is there as it was or as it will be, and nothing else is.
#[test]
fn a_signal_leaves_a_whole_release() {
    let folder = project("");
    let rel = folder.path().join("_build/fitout/rel");
    built(folder.path());
    let files = folder.path().join("_build/prod/lib/hello/priv");
    fs::create_dir(&files).unwrap();
    (0..3000).for_each(|number| fs::write(files.join(format!("{number}")), "x").unwrap());
    let (mut whole, mut before, mut ended) = (0, 0, 0);
    for round in 0..20 {
        let begin = Instant::now();
        let mut child = start(folder.path());
        // The temporary folder is there as long as the release is being written.
        while begin.elapsed() < Duration::from_secs(60) && fs::read_dir(&rel).unwrap().count() == 1 {
            if child.try_wait().unwrap().is_some() {
                break;
            }
        }
        std::thread::sleep(Duration::from_millis(round * 7));
        if child.try_wait().unwrap().is_none() {
            send(&child, Signal::TERM);
        }
        ended += u32::from(child.wait().unwrap().code() == Some(130));
        let names: Vec<_> = fs::read_dir(&rel).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["hello"]);
        let made = rel.join("hello/lib/hello-1.4.0/priv");
        match fs::read_dir(&made).map_or(0, Iterator::count) {
            0 => before += 1,
            3000 => whole += 1,
            some => panic!("{some} files"),
        }
        let _ = fs::remove_dir_all(made);
    }
    assert!(ended > 0 && before > 0 && whole + before == 20, "{ended} ended, {before} before, {whole} whole");
}
