//! Several targets in one run: an image of all of them, and one package where the target makes no difference.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{contents, project, run, tool};

const CONFIG: &str = r#"
[package]
name        = "many"
version     = "2.0.0"
summary     = "Suits every machine"
description = "A tree without a program."
maintainer  = "Ops Team <ops@example.org>"
license     = "MIT"

[build]
preset  = "plain"
targets = ["linux/amd64", "linux/arm64"]

[[files]]
from = "tree"
to   = "/usr/lib/many"
"#;

/// Other content of one path for each target.
const RENDERED: &str = "\n[[files]]\ntext = \"for {arch}\"\nto = \"/usr/lib/many/arch\"\nrender = true\n";

fn built(config: &str) -> (tempfile::TempDir, Value) {
    let folder = project(&[("fitout.toml", config), ("tree/a", "a"), ("tree/b", "b")]);
    let (code, _, stderr) = run(folder.path(), &["build"]);
    assert_eq!(code, 0, "{stderr}");
    let manifest = fs::read(folder.path().join("dist/manifest.json")).unwrap();
    (folder, serde_json::from_slice(&manifest).unwrap())
}

#[test]
fn a_package_without_programs_is_made_once_and_is_that_of_each_target() {
    let (folder, manifest) = built(CONFIG);
    let artifacts = manifest["artifacts"].as_array().unwrap();
    let targets =
        |file: &str| &artifacts.iter().find(|a| a["file"] == file).unwrap_or_else(|| panic!("{file}"))["targets"];
    let both = serde_json::json!(["linux/amd64", "linux/arm64"]);
    for file in ["many_2.0.0_all.deb", "many-2.0.0-1.noarch.rpm", "many-2.0.0-linux-multi.oci.tar"] {
        assert_eq!(*targets(file), both, "{file}");
    }
    assert_eq!(*targets("many-2.0.0-linux-arm64.tar.gz"), serde_json::json!(["linux/arm64"]));
    assert_eq!(artifacts.len(), 2 + 2 * 3 + 1);
    // What was planned is what was made.
    let (_, plan, _) = run(folder.path(), &["plan", "--json"]);
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let name = |artifact: &Value| ["format", "targets", "file"].map(|key| artifact[key].clone());
    let planned: Vec<_> = plan["artifacts"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(planned, artifacts.iter().map(name).collect::<Vec<_>>());
    // A run for one target makes the same bytes of everything that it makes.
    let together = contents(&folder.path().join("dist"));
    for target in ["linux/amd64", "linux/arm64"] {
        let (code, _, stderr) = run(folder.path(), &["build", "--target", target, "--out", "alone"]);
        assert_eq!(code, 0, "{stderr}");
        for (name, bytes) in contents(&folder.path().join("alone")) {
            assert!(name == "manifest.json" || bytes == together[&name], "{name} of {target}");
        }
    }
}

#[test]
fn targets_that_would_differ_under_one_name_are_refused() {
    let folder = project(&[("fitout.toml", &format!("{CONFIG}{RENDERED}")), ("tree/a", "a")]);
    for verb in ["plan", "build"] {
        let (code, stdout, stderr) = run(folder.path(), &[verb]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        for part in ["error[run/same-name]", "many_2.0.0_all.deb", "linux/amd64", "linux/arm64", "/usr/lib/many/arch"] {
            assert!(stderr.contains(part), "no {part}:\n{stderr}");
        }
    }
    assert!(fs::read_dir(folder.path().join("dist")).map_or(0, Iterator::count) == 0, "something was written");
    // Each by itself, or in formats whose names say the target, is well.
    for args in [&["build", "--target", "linux/arm64"][..], &["build", "--format", "tarball,zip,oci"]] {
        let (code, _, stderr) = run(folder.path(), args);
        assert_eq!(code, 0, "{stderr}");
    }
}

/// The document of a digest in an OCI layout.
fn blob(layout: &Path, digest: &Value) -> Value {
    let name = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    serde_json::from_slice(&fs::read(layout.join("blobs/sha256").join(name)).unwrap()).unwrap()
}

#[test]
fn skopeo_sees_an_index_and_copies_every_image_of_it() {
    // Content that differs between the targets, which only formats with a target in their names can have.
    let config = CONFIG.replace("[build]\n", "[build]\nformats = [\"oci\"]\n") + RENDERED;
    let (folder, _) = built(&config);
    let archive = format!("oci-archive:{}", folder.path().join("dist/many-2.0.0-linux-multi.oci.tar").display());
    let Some(raw) = tool("skopeo", &["inspect", "--raw", &archive]) else { return };
    let index: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    let images = index["manifests"].as_array().unwrap();
    let platforms: Vec<_> = images.iter().map(|image| image["platform"]["architecture"].as_str().unwrap()).collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    let copy = folder.path().join("copy");
    tool("skopeo", &["copy", "-q", "--multi-arch=all", &archive, &format!("oci:{}:all", copy.display())]);
    for (image, arch) in images.iter().zip(platforms) {
        let manifest = blob(&copy, &image["digest"]);
        assert_eq!(blob(&copy, &manifest["config"]["digest"])["architecture"], arch);
        assert!(!manifest["layers"].as_array().unwrap().is_empty());
        let one = ["inspect", "--override-arch", arch, "--format", "{{.Architecture}} {{.Name}}", &archive];
        assert!(tool("skopeo", &one).unwrap().starts_with(arch));
    }
}
