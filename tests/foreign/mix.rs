//! The release step for Mix, in `integrations/mix`, run by the real `mix release`.

use std::path::Path;
use std::process::Command;

use crate::support::{artifact_of, copy_example, copy_tree, finish, fitout, root, tool};

/// What fitout says of an artifact.
fn inspect(file: &Path) -> serde_json::Value {
    let (code, stdout, stderr) = finish(fitout(Path::new("/")).args(["inspect", "--json"]).arg(file).output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// A copy of the example whose release has the step, with further words of the project and of the release.
fn project(folder: &Path, of_project: &str, of_release: &str) -> std::path::PathBuf {
    copy_example("hello-otp", folder);
    // Dependencies are compiled where they lie.
    copy_tree(&root().join("integrations/mix"), &folder.join("fitout"));
    let _ = std::fs::remove_dir_all(folder.join("fitout/_build"));
    let project = folder.join("hello-otp");
    let text = std::fs::read_to_string(project.join("mix.exs")).unwrap();
    let text = text
        .replace("deps: [],", &format!("deps: [{{:fitout, path: \"../fitout\", runtime: false}}],\n{of_project}"))
        .replace(
            "include_erts: true",
            &format!("include_erts: true,\nsteps: [:assemble, &Fitout.package/1],\n{of_release}"),
        );
    assert!(text.contains("path: \"../fitout\"") && text.contains("Fitout.package"), "{text}");
    std::fs::write(project.join("mix.exs"), text).unwrap();
    project
}

/// `mix release`, with this fitout on the path; exit code and all that was said.
fn release(project: &Path) -> (i32, String) {
    let own = Path::new(env!("CARGO_BIN_EXE_fitout")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let mut mix = Command::new("mix");
    mix.args(["release", "--overwrite"]).current_dir(project);
    mix.envs([("PATH", path.as_str()), ("MIX_ENV", "prod"), ("ERL_COMPILER_OPTIONS", "deterministic")]);
    let (code, stdout, stderr) = finish(mix.output().unwrap());
    (code, stdout + &stderr)
}

#[test]
fn the_step_has_its_own_tests() {
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    copy_tree(&root().join("integrations/mix"), folder.path());
    let project = folder.path().join("mix");
    for arguments in [&["format", "--check-formatted"][..], &["test", "--warnings-as-errors"]] {
        let (code, stdout, stderr) =
            finish(Command::new("mix").args(arguments).current_dir(&project).output().unwrap());
        assert_eq!(code, 0, "mix {arguments:?}: {stdout}{stderr}");
    }
}

#[test]
fn a_release_is_packaged_as_mix_exs_says() {
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let of_project = r#"description: "Greets \"people\" over TCP. From the BEAM.",
        package: [maintainers: ["Jane Doe", "Ops Team <ops@example.org>"], licenses: ["MIT"]],
        source_url: "https://example.org/hello","#;
    let of_release = r#"fitout: [formats: ["deb", "rpm", "tarball"], service: [ports: ["4190"], ready: [port: 4190]]]"#;
    let project = project(folder.path(), of_project, of_release);
    std::fs::remove_file(project.join("fitout.toml")).unwrap();
    let (code, said) = release(&project);
    assert_eq!(code, 0, "{said}");
    for name in ["hello-otp_0.3.1_amd64.deb", "hello-otp-0.3.1-1.x86_64.rpm", "hello-otp-0.3.1-linux-amd64.tar.gz"] {
        assert!(said.contains(&format!("dist/{name}")) && project.join("dist").join(name).exists(), "{name}: {said}");
    }
    let deb = inspect(&artifact_of(&project, ".deb"));
    let fields: std::collections::BTreeMap<&str, &str> = deb["artifact"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair["key"].as_str().unwrap(), pair["value"].as_str().unwrap()))
        .collect();
    assert_eq!(fields["Maintainer"], "Ops Team <ops@example.org>");
    assert!(fields["Description"].starts_with("Greets \"people\" over TCP\n"), "{}", fields["Description"]);
    let paths: Vec<&str> =
        deb["artifact"]["entries"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"/usr/lib/systemd/system/hello-otp.service"), "{paths:?}");
    assert!(paths.contains(&"/usr/lib/hello-otp/bin/hello_otp"), "{paths:?}");
    // The dependency that packages is not packaged.
    assert!(!paths.iter().any(|path| path.contains("/lib/fitout")), "{paths:?}");
}

#[test]
fn a_config_of_the_project_is_taken_and_a_failure_fails_the_release() {
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), "", "fitout: [formats: [\"zip\"], out: \"packages\"]");
    // What the config would run is not run: the release is there.
    let config = std::fs::read_to_string(project.join("fitout.toml")).unwrap();
    let line = config.lines().find(|line| line.starts_with("command ") || line.starts_with("tool ")).unwrap();
    let config = config.replace(line, "command = \"touch was-run; exit 3\"");
    std::fs::write(project.join("fitout.toml"), &config).unwrap();
    let (code, said) = release(&project);
    assert_eq!(code, 0, "{said}");
    assert!(project.join("packages/hello-otp-0.3.1-linux-amd64.zip").exists() && !project.join("was-run").exists());

    std::fs::write(project.join("fitout.toml"), config.replace("maintainer", "maintaner")).unwrap();
    let (code, said) = release(&project);
    assert_ne!(code, 0, "{said}");
    assert!(said.contains("did you mean `maintainer`") && said.contains("it ended with status 2"), "{said}");
}
