//! `fitout init --ci`: the workflow is YAML, its steps are good shell, and run in their order they publish what a single run would have made.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::merge::two_targets;
use crate::support::{contents, copy_tree, finish, fitout, run, tool};

/// Debian's own, which has the reader of YAML.
const PYTHON: &str = "/usr/bin/python3";
const READER: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";

/// Writes the workflow for a config, and reads it with a YAML reader of somebody else.
fn workflow(folder: &Path, system: &str, file: &str) -> Option<Value> {
    let (code, _, stderr) = run(folder, &["init", "--ci", system]);
    assert!(code == 0 && stderr.contains(&format!("Wrote {file}")), "{code}: {stderr}");
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("\\{{") && !text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
    let json = tool(PYTHON, &["-c", READER, path.to_str().unwrap()])?;
    Some(serde_json::from_str(&json).unwrap())
}

/// A script has nothing that shellcheck knows of.
fn judged(script: &str) {
    let spawned = Command::new("shellcheck")
        .args(["--shell=bash", "--severity=style", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "shellcheck: {error}");
            return println!("note: shellcheck is not installed, its checks did not run");
        }
    };
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let (code, stdout, _) = finish(child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{script}\n{stdout}");
}

/// Runs a script as a runner does, with `fitout` on its path.
fn shell(folder: &Path, script: &str, variables: &[(String, String)]) -> String {
    judged(script);
    let program = fitout(folder);
    let bin = folder.join("../bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(program.get_program(), bin.join("fitout")).unwrap();
    }
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(folder);
    command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    command.env("HOME", folder.join("..")).env("FITOUT_CACHE_DIR", folder.join("../cache"));
    command.envs(variables.iter().cloned());
    let (code, stdout, stderr) = finish(command.output().unwrap());
    assert_eq!(code, 0, "{script}\n{stdout}{stderr}");
    stdout + &stderr
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn project(tables: &str) -> tempfile::TempDir {
    let folder = two_targets();
    let config = fs::read_to_string(folder.path().join("fitout.toml")).unwrap();
    fs::write(folder.path().join("fitout.toml"), config + tables).unwrap();
    folder
}

/// A checkout of its own for each job.
fn checkout(project: &Path, work: &Path, name: &str) -> PathBuf {
    let folder = work.join(name);
    fs::create_dir(&folder).unwrap();
    copy_tree(&project.join("."), &folder);
    folder
}

fn all_is_published(project: &Path, published: &Path) {
    let (code, _, stderr) = run(project, &["build", "-q", "--out", "whole"]);
    assert_eq!(code, 0, "{stderr}");
    let (mut whole, mut published) = (contents(&project.join("whole")), contents(published));
    whole.remove("manifest.json");
    published.retain(|name, _| !name.starts_with('.'));
    let sums = published.remove("SHA256SUMS").unwrap();
    // With the record of the release.
    published.retain(|name, _| !name.ends_with(".release.json"));
    assert_eq!(sums.iter().filter(|b| **b == b'\n').count(), published.len() + 1);
    assert_eq!(whole.keys().collect::<Vec<_>>(), published.keys().collect::<Vec<_>>());
    assert!(whole == published);
}

#[test]
fn the_workflow_of_github_publishes_what_its_runners_built() {
    let work = tempfile::tempdir().unwrap();
    let to = work.path().join("published");
    let project = project(&format!("\n[[publish.files]]\nto = \"file:{}\"\n", to.display()));
    let Some(workflow) = workflow(project.path(), "github", ".github/workflows/release.yml") else { return };
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().unwrap().clone();
    let runners: Vec<String> = matrix.iter().map(|one| text(&one["runs-on"])).collect();
    assert_eq!(runners, ["ubuntu-24.04", "ubuntu-24.04-arm"]);
    assert_eq!(workflow["permissions"], serde_json::json!({ "contents": "read" }));
    assert_eq!(workflow["jobs"]["publish"]["needs"], "build");
    let artifacts = work.path().join("artifacts");
    fs::create_dir(&artifacts).unwrap();
    let job = |job: &str, folder: &Path, matrix: &Value| {
        let fill = |text: String| {
            ["target", "name"].iter().fold(text, |text, key| {
                text.replace(&format!("${{{{ matrix.{key} }}}}"), matrix[key].as_str().unwrap_or_default())
            })
        };
        for step in workflow["jobs"][job]["steps"].as_array().unwrap() {
            let with = |key: &str| fill(text(&step["with"][key]));
            let uses = text(&step["uses"]);
            if uses.starts_with("actions/upload-artifact@") {
                let to = artifacts.join(with("name"));
                fs::create_dir(&to).unwrap();
                copy_tree(&folder.join(with("path")).join("."), &to);
            } else if uses.starts_with("actions/download-artifact@") {
                assert_eq!(with("pattern"), "dist-*");
                let to = folder.join(with("path"));
                fs::create_dir(&to).unwrap();
                copy_tree(&artifacts.join("."), &to);
            }
            if step["name"] == "Install fitout" {
                judged(&text(&step["run"]));
            } else if step["run"].is_string() {
                let env = step["env"].as_object().into_iter().flatten();
                let env: Vec<_> = env.map(|(name, value)| (name.clone(), fill(text(value)))).collect();
                shell(folder, &text(&step["run"]), &env);
            }
        }
    };
    for one in &matrix {
        job("build", &checkout(project.path(), work.path(), &text(&one["name"])), one);
    }
    job("publish", &checkout(project.path(), work.path(), "publish"), &Value::Null);
    all_is_published(project.path(), &to);
}

#[test]
fn the_pipeline_of_gitlab_publishes_what_its_runners_built() {
    let work = tempfile::tempdir().unwrap();
    let to = work.path().join("published");
    let project = project(&format!("\n[[publish.files]]\nto = \"file:{}\"\n", to.display()));
    let Some(pipeline) = workflow(project.path(), "gitlab", ".gitlab-ci.yml") else { return };
    assert_eq!(pipeline["stages"], serde_json::json!(["build", "publish"]));
    let matrix = pipeline["build"]["parallel"]["matrix"].as_array().unwrap();
    assert_eq!(matrix.len(), 2);
    let built = work.path().join("artifacts");
    fs::create_dir(&built).unwrap();
    let script = |job: &str| -> String {
        let lines = pipeline[job]["script"].as_array().unwrap();
        lines.iter().map(|line| text(line) + "\n").collect()
    };
    judged(&text(&pipeline[".fitout"]["before_script"][0]));
    for (number, one) in matrix.iter().enumerate() {
        let folder = checkout(project.path(), work.path(), &format!("job-{number}"));
        let env: Vec<_> = one.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect();
        shell(&folder, &script("build"), &env);
        assert_eq!(pipeline["build"]["artifacts"]["paths"], serde_json::json!(["built"]));
        copy_tree(&folder.join("built"), &built);
    }
    let folder = checkout(project.path(), work.path(), "publish");
    copy_tree(&built.join("."), &folder);
    shell(&folder, &script("publish"), &[]);
    all_is_published(project.path(), &to);
}

const EVERYTHING: &str = r#"
[build.cache]
shared = "s3://ci-cache/hello"

[sign]
keys       = [{ env = "HELLO_KEY" }]
passphrase = { env = "HELLO_PASSPHRASE" }

[[publish.apt]]
to = "gs://packages/apt"

[[publish.registry]]
image = "ghcr.io/team/hello"

[[publish.http]]
preset = "github-release"
values = { owner = "team", repository = "hello" }
token  = { env = "GITHUB_TOKEN" }

[[publish.command]]
run = ["rsync", "{path}", "host:"]
env = { RSYNC_PASSWORD = { env = "MIRROR_PASSWORD" }, LANG = "C" }
"#;

#[test]
fn secrets_come_from_the_store_of_the_ci_system() {
    let folder = project(EVERYTHING);
    let Some(workflow) = workflow(folder.path(), "github", ".github/workflows/release.yml") else { return };
    let steps = |job: &str| workflow["jobs"][job]["steps"].as_array().unwrap().clone();
    let step = |job: &str, name: &str| steps(job).into_iter().find(|step| step["name"] == name).unwrap();
    let env = step("publish", "Publish")["env"].clone();
    assert_eq!(
        env,
        serde_json::json!({
            "GITHUB_TOKEN": "${{ github.token }}",
            "GOOGLE_SERVICE_ACCOUNT_KEY": "${{ secrets.GOOGLE_SERVICE_ACCOUNT_KEY }}",
            "HELLO_KEY": "${{ secrets.HELLO_KEY }}",
            "HELLO_PASSPHRASE": "${{ secrets.HELLO_PASSPHRASE }}",
            "MIRROR_PASSWORD": "${{ secrets.MIRROR_PASSWORD }}",
        })
    );
    assert_eq!(
        workflow["jobs"]["publish"]["permissions"],
        serde_json::json!({ "contents": "write", "packages": "write" })
    );
    // No secret of the release is seen by a build, and a pull request leaves nothing in the cache.
    let env = step("build", "Build")["env"].clone();
    assert!(env["HELLO_KEY"].is_null() && env["AWS_SECRET_ACCESS_KEY"].is_string(), "{env}");
    assert_eq!(env["FITOUT_SHARED_CACHE"], "${{ github.event_name == 'pull_request' && 'read' || 'write' }}");
    for job in ["build", "publish"] {
        steps(job).iter().filter(|step| step["run"].is_string()).for_each(|step| judged(&text(&step["run"])));
        for checkout in steps(job).iter().filter(|step| text(&step["uses"]).starts_with("actions/checkout@")) {
            assert_eq!(checkout["with"]["persist-credentials"], false);
        }
    }
    // What is there stays.
    let file = folder.path().join(".github/workflows/release.yml");
    let own = fs::read_to_string(&file).unwrap().replace("name: release", "name: ours");
    fs::write(&file, &own).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["init", "--ci", "github"]);
    assert!(code == 0 && stdout.contains("-name: ours") && stderr.contains("Kept"), "{code}: {stdout}{stderr}");
    assert_eq!(fs::read_to_string(&file).unwrap(), own);
}

#[test]
fn a_folder_without_a_config_gets_both() {
    let folder = crate::support::project(&[("site/index.html", "hello")]);
    let here = folder.path().join("site");
    let (code, _, stderr) = run(&here, &["init", "--ci", "gitlab"]);
    assert!(code == 0 && here.join("fitout.toml").is_file() && here.join(".gitlab-ci.yml").is_file(), "{stderr}");
    fs::write(here.join("fitout.toml"), "[build]\npreset = \"plain\"\ntargets = [\"linux/z80\"]\n").unwrap();
    let (code, _, stderr) = run(&here, &["init", "--ci", "github"]);
    assert!(code == 2 && stderr.contains("resolve/unknown-target"), "{code}: {stderr}");
}
