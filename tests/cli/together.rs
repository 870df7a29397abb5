//! Two builds into one folder at the same time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use sha2::Digest as _;

use crate::support::{contents, finish, fitout, project};

fn config(text: &str) -> String {
    format!(
        "[package]\nname = \"both\"\nversion = \"1.0.0\"\nsummary = \"Built twice\"\nlicense = \"MIT\"\n\
         maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\n\n\
         [[files]]\ntext = \"{text}\"\nto = \"/usr/share/both/text\"\n[[files]]\nfrom = \"tree\"\nto = \"/usr/lib/both\"\n"
    )
}

/// A project; those of two texts make artifacts of the same names and of other bytes.
fn of(text: &str) -> tempfile::TempDir {
    let large: String = (0..200_000).map(|n| format!("{text} {}\n", n * 7919 % 10_007)).collect();
    project(&[("fitout.toml", &config(text)), ("tree/large", &large), ("tree/small", text)])
}

fn start(folder: &Path, out: &Path, more: &[&str]) -> Child {
    let mut command = fitout(folder);
    command.args(["build", "--out"]).arg(out).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) {
    let (code, _, stderr) = finish(child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{stderr}");
}

/// The files that `manifest.json` lists: they are all there, and as it says.
fn listed(found: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let manifest: serde_json::Value = serde_json::from_slice(&found["manifest.json"]).unwrap();
    let artifacts = manifest["artifacts"].as_array().unwrap();
    let check = |artifact: &serde_json::Value| {
        let name = artifact["file"].as_str().unwrap();
        let bytes = &found[name];
        assert_eq!(artifact["size"].as_u64().unwrap(), bytes.len() as u64, "{name}");
        let sha256: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(artifact["sha256"].as_str().unwrap(), sha256, "{name}");
        name.to_owned()
    };
    artifacts.iter().map(check).collect()
}

#[test]
fn the_folder_holds_all_of_one_of_them() {
    let projects = ["one", "two"].map(of);
    let alone = projects.each_ref().map(|project| {
        end(start(project.path(), Path::new("dist"), &[]));
        contents(&project.path().join("dist"))
    });
    assert_eq!(alone[0].len(), 6, "{:?}", alone[0].keys());
    assert!(alone[0].keys().eq(alone[1].keys()) && alone[0] != alone[1]);
    for round in 0..10 {
        let out = tempfile::tempdir().unwrap();
        let both = projects.each_ref().map(|project| start(project.path(), out.path(), &[]));
        both.into_iter().for_each(end);
        let found = contents(out.path());
        listed(&found);
        assert!(alone.contains(&found), "round {round}: a mixture: {:?}", found.keys());
    }
}

#[test]
fn the_list_names_what_each_of_them_made() {
    let project = of("parts");
    for _ in 0..5 {
        let out = tempfile::tempdir().unwrap();
        let formats = ["deb", "rpm", "tarball", "zip", "oci"];
        let all = formats.map(|format| start(project.path(), out.path(), &["--format", format]));
        all.into_iter().for_each(end);
        let found = contents(out.path());
        let mut names = listed(&found);
        names.sort();
        let there: Vec<_> = found.keys().filter(|name| *name != "manifest.json").cloned().collect();
        assert_eq!((names, fs::read_dir(out.path()).unwrap().count()), (there, 6));
    }
}
